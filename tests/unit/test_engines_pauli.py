"""What the Pauli engine and its state add to the contract: fusion, threads, checkpoints, the vector, memory."""

import itertools

import numpy as np
import pytest
from helpers.arrays import hermitian

from qml import channels, circuits, gates
from qml._checks import InputError, MemoryRefused
from qml.circuits import Circuit
from qml.engines import PauliEngine, PauliState, ReferenceEngine
from qml.engines.pauli.plan import plan_of
from qml.engines.pauli_state import pauli_vector_of, vector_of
from qml.instructions import PartialTrace, Preparation
from qml.operators import as_matrix, pauli
from qml.states import DensityMatrix, GibbsState, ProductState, ginibre


def slope(f, params, i, h=1e-5):
    step = np.zeros_like(params)
    step[i] = h
    return (f(params + step) - f(params - step)) / (2 * h)


def gradient_of(engine, program, params, g, initial=None):
    state, pull = engine.evolve_vjp(program, params, initial)
    return state.matrix(), pull(state.pull_matrix(g))[0]


# the Pauli engine ----------------------------------------------------------------------------------------------------


def large_circuit(n=8):
    """Every kind of operation at a size where the work is shared between threads."""
    trace, fresh = PartialTrace((2, 2)), Preparation((2, 2))
    return Circuit(n).then(
        *(gates.RY(f"a{q}", q) for q in range(n)),
        *(gates.CNOT(q, (q + 1) % n) for q in range(n)),
        *(channels.AmplitudeDamping("g", q) for q in range(n)),
        *(gates.RXX("b", 7, 1), gates.CRX("c", 0, 7), gates.CRZ("d", 6, 3), gates.Fredkin(7, 0, 4)),
        *(gates.PauliRotation("XYZZY")("e", 0, 7, 3, 5, 6), gates.PauliRotation("YX")("f", 6, 7)),
        *(channels.Depolarizing2("p", 2, 5), gates.PauliRotation("XXYYZZXX")("h", *range(8))),
        *(trace(3, 0), gates.RX("i", 1), gates.RZZ("j", 1, 7), fresh(3, 0), gates.CRY("k", 1, 0), gates.RX("l", 7)),
    )


@pytest.fixture(scope="module")
def large():
    rng = np.random.default_rng(21)
    program = large_circuit().compile()
    return program, rng.uniform(0.1, 0.9, program.n_params), hermitian(256, rng)


@pytest.mark.parametrize("checkpoint_bytes", [2**30, 0])
def test_shared_kernels_agree_with_the_reference(large, checkpoint_bytes):
    program, values, g = large
    matrix, gradient = gradient_of(PauliEngine(checkpoint_bytes), program, values, g)
    expected, wanted = gradient_of(ReferenceEngine(), program, values, g)
    np.testing.assert_allclose(matrix, expected, atol=1e-14)
    assert np.abs(wanted).min() > 1e-5
    np.testing.assert_allclose(gradient, wanted, atol=1e-11)


def test_results_do_not_depend_on_the_number_of_threads():
    n = 9
    circuit = circuits.hardware_efficient(n, 1, rotations=("RY", "RZ"))
    circuit = circuit.then(*(channels.AmplitudeDamping(f"g{q}", q) for q in range(n)), gates.Toffoli(0, 8, 4))
    circuit = circuit.then(gates.PauliRotation("XYZ")("w", 8, 1, 5), gates.RXX("x", 7, 8), gates.CRX("c", 3, 0))
    circuit = circuit.then(gates.PauliRotation("ZZZZ")("v", 0, 2, 4, 6), gates.ISWAP(5, 2))
    program = circuit.compile()
    rng = np.random.default_rng(9)
    values = rng.uniform(0.1, 0.6, program.n_params)
    g = rng.normal(size=4**n)
    runs = [PauliEngine(threads=1), PauliEngine(threads=2), PauliEngine(10**7, threads=2), PauliEngine(threads=3)]
    results = []
    for engine in runs:
        state, pull = engine.evolve_vjp(program, values)
        results.append((state.pauli_vector, pull(g)[0]))
    assert np.abs(results[0][1]).min() > 1e-8
    for vector, gradient in results[1:]:
        np.testing.assert_array_equal(vector, results[0][0])
        np.testing.assert_array_equal(gradient, results[0][1])


def test_checkpoints_change_no_bit(large):
    program, values, g = large
    _, all_kept = gradient_of(PauliEngine(), program, values, g)
    _, recomputed = gradient_of(PauliEngine(checkpoint_bytes=0), program, values, g)
    np.testing.assert_array_equal(all_kept, recomputed)


def test_a_plan_is_made_once_for_each_program():
    program = Circuit(2).then(gates.RX("t", 0), gates.CRX("u", 0, 1)).compile()
    engine, reference = PauliEngine(), ReferenceEngine()
    plan = plan_of(program)
    for values in ([0.1, 0.2], [1.1, -0.4]):
        expected = reference.evolve(program, values).matrix()
        np.testing.assert_allclose(engine.evolve(program, values).matrix(), expected, atol=1e-15)
    assert plan_of(program) is plan


def test_maps_on_one_site_are_fused():
    circuit = Circuit(2).then(
        *(gates.RX("t", 0), channels.Depolarizing(0.1, 0), gates.H(0), gates.RY("u", 0), gates.S(1), gates.T(1)),
        gates.CNOT(0, 1),
    )
    assert len(plan_of(circuit.compile()).tables.segments) == 2


def test_engine_arguments():
    assert repr(PauliEngine(100)) == "PauliEngine(checkpoint_bytes=100, threads=None)"
    with pytest.raises(InputError, match="checkpoint_bytes must be an integer of at least 0"):
        PauliEngine(-1)


# the Pauli state -----------------------------------------------------------------------------------------------------


def strings(n):
    letters = [np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]
    for chosen in itertools.product(letters, repeat=n):
        full = np.ones((1, 1))
        for p in chosen:
            full = np.kron(full, p)
        yield full


def pauli_state(rho):
    n = len(rho).bit_length() - 1
    return PauliState([np.trace(p @ rho).real for p in strings(n)], n)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
def test_pauli_state_is_its_matrix(n):
    rng = np.random.default_rng(n)
    rho, x = ginibre((2,) * n, rng), hermitian(2**n, rng)
    state = pauli_state(rho.matrix())
    np.testing.assert_allclose(state.matrix(), rho.matrix(), atol=1e-15)
    np.testing.assert_allclose(state.probabilities(), rho.probabilities(), atol=1e-15)
    np.testing.assert_allclose(state.populations(None), rho.probabilities(), atol=1e-15)
    np.testing.assert_allclose(state.purity(), rho.purity(), atol=1e-15)
    np.testing.assert_allclose(state.entropy(), rho.entropy(), atol=1e-12)
    np.testing.assert_allclose(state.pull_matrix(x), [np.trace(p @ x).real / 2**n for p in strings(n)], atol=1e-14)
    assert state.dims == (2,) * n
    assert state.batch_shape == ()


def test_pauli_state_expectations():
    rng = np.random.default_rng(6)
    state = pauli_state(ginibre((2, 2, 2), rng).matrix())
    operator = 0.3 * pauli("XYZ") - 1.2 * pauli("IZY") + 0.5 * pauli("III") + pauli("YYX")
    expected = np.trace(state.matrix() @ as_matrix(operator, (2, 2, 2))).real
    assert float(state.expect(operator)) == pytest.approx(expected, abs=1e-15)
    assert float(state.expect(operator.matrix())) == pytest.approx(expected, abs=1e-15)
    with pytest.raises(InputError, match=r"the operator must act on sites .* found a Pauli sum on 1 qubit"):
        state.expect(pauli("X"))


def test_pauli_state_pulls_the_logarithm_back():
    rng = np.random.default_rng(7)
    state, x = pauli_state(ginibre((2, 2), rng).matrix()), hermitian(4, rng)
    cotangent = state.pull_log(x)

    def value(r):
        log = PauliState._trusted(r, 2).spectrum()
        return np.vdot(x, log.matrix_of(log.log_eigenvalues)).real

    for i in range(1, 16):
        expected = slope(value, state.pauli_vector.copy(), i, h=1e-6)
        assert abs(expected) > 1e-3
        assert cotangent[i] == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_pauli_state_is_validated_and_frozen():
    with pytest.raises(InputError, match=r"the Pauli vector of 1 qubit must have shape \(\.\.\., 4\); found \(5,\)"):
        PauliState(np.ones(5), 1)
    with pytest.raises(InputError, match=r"must start with the trace, 1; found 0\.5"):
        PauliState([0.5, 0, 0, 0], 1)
    with pytest.raises(InputError, match=r"must be that of a positive matrix; found the eigenvalue -0\.1"):
        PauliState([1.0, 0.0, 0.0, 1.2], 1)
    with pytest.raises(InputError, match="must be real"):
        PauliState(np.array([1, 0, 0, 1j]), 1)
    state = PauliState([1.0, 0.0, 0.0, 1.0], 1)
    with pytest.raises(ValueError, match="read-only"):
        state.pauli_vector[1] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        state.matrix()[0, 0] = 1.0


def test_what_does_not_fit_is_refused_with_what_would():
    with pytest.raises(MemoryRefused, match=r"the Pauli vector of 18 qubits needs 1.02e\+03 GiB.*\d+ qubits would fit"):
        PauliEngine().evolve(Circuit(18).compile(), [])


def test_probabilities_and_products_become_pauli_vectors_without_their_matrix(monkeypatch):
    rng = np.random.default_rng(3)
    p, r = rng.dirichlet(np.ones(8), size=3), strings_of(ginibre((2,), rng))
    cases = [
        (lambda: DensityMatrix.from_probabilities(p, (2, 2, 2)), DensityMatrix),
        (lambda: GibbsState(p, diagonal=True), GibbsState),
        (lambda: ProductState([PauliState(r, 1), GibbsState(p[0, :4])]), ProductState),
    ]
    for make, kind in cases:
        expected, state = vector_of(make().matrix(), 3), make()
        with monkeypatch.context() as patch:
            patch.setattr(kind, "matrix", None)
            np.testing.assert_allclose(pauli_vector_of(state), expected, atol=1e-15)


def strings_of(rho):
    return [rho.expect(letter) for letter in "IXYZ"]
