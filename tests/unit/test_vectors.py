"""Compiled pure-state kernels, against the plain NumPy implementation and finite differences."""

import itertools
import math

import numpy as np
import pytest
from helpers.cases import every

from qml import Parameter, channels, gates, pauli
from qml._checks import InputError, MemoryRefused
from qml.circuits import Circuit
from qml.engines import PauliEngine, ReferenceEngine
from qml.engines.vectors import plan as vector_plan
from qml.engines.vectors import run as vector_runs
from qml.gates import GATES, PauliRotation, controlled
from qml.operators import PauliSum

COMPILED, PLAIN = PauliEngine(), ReferenceEngine()
STRINGS = ("III", "IZX", "XYZ", "YYZ", "ZZZ", "XXYX", "ZYXZY")


def normal(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def random_circuit(n, rng, count):
    """Random named gates, long rotations and controlled ones, a third of them with fixed angles, and values."""
    known = [*GATES.values(), *map(PauliRotation, STRINGS), controlled(gates.RX, 2), controlled(gates.U3, 1)]
    fitting = [gate for gate in known if gate.n_sites <= n]
    operations, values = [], []
    for t in range(count):
        gate = fitting[rng.integers(len(fitting))]
        sites, angles = rng.permutation(n)[: gate.n_sites].tolist(), rng.uniform(-3, 3, gate.n_params)
        if rng.uniform() < 0.3:
            operations.append(gate(*angles.tolist(), *sites))
        else:
            operations.append(gate(*(f"t{t}_{i}" for i in range(len(angles))), *sites))
            values.extend(angles)
    return Circuit(n, operations).compile(), np.array(values)


def agree(program, values, vectors, rng):
    """Columns and gradient of both implementations; the compiled gradient."""
    w, pull = PLAIN.evolve_vectors_vjp(program, values, vectors)
    ours, our_pull = COMPILED.evolve_vectors_vjp(program, values, vectors)
    np.testing.assert_allclose(ours, w, atol=1e-13 * np.abs(w).max())
    np.testing.assert_array_equal(COMPILED.evolve_vectors(program, values, vectors), ours)
    c = normal(rng, *w.shape)
    expected, before = pull(c)
    gradient, our_before = our_pull(c)
    np.testing.assert_allclose(gradient, expected, atol=1e-12 * max(1, np.abs(expected).max(initial=0)))
    np.testing.assert_array_equal(our_pull(c)[0], gradient)  # nothing is used up
    assert (before is None) == (our_before is None) == (vectors is None)
    if vectors is not None:
        np.testing.assert_allclose(our_before, before, atol=1e-12 * np.abs(c).max())
    return gradient


@every("n", range(1, 7))
@every("columns", [1, 3, 8, "all"])
def test_random_circuits(n, columns):
    rng = np.random.default_rng(n)
    program, values = random_circuit(n, rng, 60)
    vectors = None if columns == "all" else normal(rng, 2**n, columns)
    gradient = agree(program, values, vectors, rng)
    assert np.abs(gradient).max() > 1e-2


@every("name", GATES)
def test_every_gate_wherever_it_is(name):
    rng = np.random.default_rng(3)
    gate = GATES[name]
    for sites in list(itertools.permutations(range(4), gate.n_sites))[:: 2 if gate.n_sites > 1 else 1]:
        # parameters of one-qubit gates on both sides are fused with it, or wait
        around = [gates.U3(f"a{q}", f"b{q}", f"c{q}", q) for q in range(4)]
        after = [gates.RX(f"d{q}", q) for q in range(4)]
        own = gate(*gate.parameter_names, *sites)
        program = Circuit(4, [*around, own, *after]).compile()
        gradient = agree(program, rng.uniform(-3, 3, program.n_params), normal(rng, 16, 2), rng)
        assert (np.abs(gradient) > 1e-8).all()


@pytest.mark.parametrize("columns", [2, 5, 16])
def test_registers_larger_than_a_sweep(columns, monkeypatch):
    monkeypatch.setattr(vector_plan, "ACTIVE_QUBITS", 3)
    rng = np.random.default_rng(columns)
    for _ in range(3):
        program, values = random_circuit(6, rng, 60)
        agree(program, values, normal(rng, 64, columns), rng)
    plan = vector_plan.plan_of(program, 0)
    assert len(plan.tables.sweeps) > 5
    assert plan.tables.sweeps[:, 1].max() >= 3


def test_long_strings_beyond_a_sweep(monkeypatch):
    monkeypatch.setattr(vector_plan, "ACTIVE_QUBITS", 2)
    rng = np.random.default_rng(4)
    turns = [PauliRotation(label)(name, *range(6)) for label, name in (("XYXYZX", "a"), ("YYYYYY", "b"))]
    program = Circuit(6, [gates.RY("c", 2), *turns, gates.CNOT(5, 0), gates.RZ("d", 0)]).compile()
    gradient = agree(program, rng.uniform(-3, 3, 4), normal(rng, 64, 3), rng)
    assert (np.abs(gradient) > 1e-3).all()
    plan = vector_plan.plan_of(program, 1)
    assert (plan.tables.sweeps[:, 1] == 2).all()


def test_finite_differences():
    rng = np.random.default_rng(5)
    a, b = Parameter("a"), Parameter("b")
    circuit = Circuit(3).then(
        *(gates.RY(a, 0), gates.RZ(2 * a - b, 0), gates.CRX(b, 0, 2), gates.U3(a, b, "c", 1), gates.RZZ("d", 2, 1)),
        *(gates.ISWAP(1, 0), gates.XXPlusYY("c", 0, 2), gates.P("e", 0), PauliRotation("YXZ")("e", 2, 0, 1)),
    )
    program, theta, v, c = circuit.compile(), rng.uniform(-2, 2, 5), normal(rng, 8, 3), normal(rng, 8, 3)
    gradient, _ = COMPILED.evolve_vectors_vjp(program, theta, v)[1](c)
    for i, step in enumerate(1e-5 * np.eye(5)):
        ends = [np.vdot(c, COMPILED.evolve_vectors(program, theta + s * step, v)).real for s in (1, -1)]
        slope = (ends[0] - ends[1]) / 2e-5
        assert abs(slope) > 1e-2
        assert gradient[i] == pytest.approx(slope, rel=1e-7)


def test_global_phases_are_kept():
    program = Circuit(1).then(PauliRotation("I")("a", 0), gates.P("b", 0)).compile()
    w, pull = COMPILED.evolve_vectors_vjp(program, [0.6, 0.4])
    np.testing.assert_allclose(w, np.exp(-0.3j) * np.diag([1, np.exp(0.4j)]), atol=1e-15)
    np.testing.assert_allclose(pull(1j * w)[0], [-1.0, 1.0], atol=1e-14)
    alone = Circuit(1).then(PauliRotation("I")("a", 0)).compile()
    columns = normal(np.random.default_rng(2), 2, 8)
    w, pull = COMPILED.evolve_vectors_vjp(alone, [0.6], columns)
    np.testing.assert_allclose(w, np.exp(-0.3j) * columns, atol=1e-15)
    assert pull(w * 1j)[0][0] == pytest.approx(-0.5 * np.vdot(w, w).real)


def test_new_parameters_need_no_new_plan():
    rng = np.random.default_rng(6)
    program, values = random_circuit(4, rng, 30)
    agree(program, values, normal(rng, 16, 4), rng)
    plan = vector_plan.plan_of(program, 1)
    agree(program, values + 0.3, normal(rng, 16, 4), rng)
    assert vector_plan.plan_of(program, 1) is plan


def test_nothing_to_differentiate():
    program = Circuit(2).then(gates.H(0), gates.CNOT(0, 1)).compile()
    w, pull = COMPILED.evolve_vectors_vjp(program, [], np.eye(4)[:, :1])
    np.testing.assert_allclose(w[:, 0], np.array([1, 0, 0, 1]) / math.sqrt(2), atol=1e-15)
    assert pull(w)[0].shape == (0,)
    empty = Circuit(2).compile()
    np.testing.assert_array_equal(COMPILED.evolve_vectors(empty, []), np.eye(4))


def test_threads_make_no_difference(monkeypatch):
    rng = np.random.default_rng(7)
    n = 9
    program, values = random_circuit(n, rng, 120)
    vectors, c, h = normal(rng, 2**n, 8), normal(rng, 2**n, 8), hamiltonian(n, rng)
    found = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(vector_runs, "PARALLEL_FROM", 0)
        monkeypatch.setattr("qml.threads.of_kernels", lambda threads=threads: threads)
        w, pull = COMPILED.evolve_vectors_vjp(program, values, vectors)
        e, pull_e = COMPILED.expect_vectors_vjp(program, values, h, vectors)
        found.append([w, *pull(c), e, pull_e(np.ones(8))])
    assert np.abs(found[0][1]).max() > 1
    for other in found[1:]:
        for first, second in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(first, second)


# expectations --------------------------------------------------------------------------------------------------------


def hamiltonian(n, rng):
    labels = {"".join(rng.choice(list("IXYZ"), n)) for _ in range(9)} | {"I" * n, "Z" * n, "Y" * n}
    return PauliSum.from_terms([(label, rng.normal()) for label in sorted(labels)])


@every("n", [1, 2, 4, 8])
@every("m", [1, 3, 4, 8, 20])
def test_expectations(n, m):
    rng = np.random.default_rng(10 * n + m)
    program, values = random_circuit(n, rng, 25)
    vectors, h, weights = normal(rng, 2**n, m), hamiltonian(n, rng), rng.normal(size=m)
    w = PLAIN.evolve_vectors(program, values, vectors)
    expected = np.einsum("dm,de,em->m", w.conj(), h.matrix(), w).real
    for engine in (COMPILED, PLAIN):
        found, pull = engine.expect_vectors_vjp(program, values, h, vectors)
        np.testing.assert_allclose(found, expected, atol=1e-12 * np.abs(expected).max())
        gradient = pull(weights)
        slopes = PLAIN.evolve_vectors_vjp(program, values, vectors)[1](2 * weights * (h.matrix() @ w))[0]
        assert np.abs(slopes).max() > 1e-3
        np.testing.assert_allclose(gradient, slopes, atol=1e-12 * np.abs(slopes).max())


def test_expectation_of_all_basis_states_sums_to_the_trace():
    rng = np.random.default_rng(9)
    program, values = random_circuit(3, rng, 20)
    found, pull = COMPILED.expect_vectors_vjp(program, values, pauli("XYZ") + 0.25 * pauli("III"))
    assert found.shape == (8,)
    assert found.std() > 1e-2
    assert found.sum() == pytest.approx(2.0, abs=1e-13)
    np.testing.assert_allclose(pull(np.ones(8)), 0, atol=1e-13)
    zero, _ = COMPILED.expect_vectors_vjp(program, values, PauliSum.from_terms({}, n_qubits=3))
    np.testing.assert_array_equal(zero, np.zeros(8))


# refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [COMPILED, PLAIN], ids=["pauli", "reference"])
def test_refusals(engine):
    noisy = Circuit(2).then(gates.RX("t", 0), channels.BitFlip(0.1, 1)).compile()
    program = Circuit(2).then(gates.RX("t", 0)).compile()
    with pytest.raises(InputError, match=r"unitary gates only; found BitFlip on sites \(1,\)"):
        engine.evolve_vectors(noisy, [0.1])
    with pytest.raises(InputError, match="unitary gates only"):
        engine.expect_vectors_vjp(noisy, [0.1], pauli("ZZ"))
    with pytest.raises(InputError, match=r"vectors must have shape \(4, m\)"):
        engine.evolve_vectors_vjp(program, [0.1], np.ones((2, 2)))
    with pytest.raises(InputError, match=r"the cotangent must have the shape \(4, 1\)"):
        engine.evolve_vectors_vjp(program, [0.1], np.ones((4, 1)))[1](np.ones((4, 2)))
    with pytest.raises(InputError, match=r"the cotangent must have shape \(4,\), one number a vector"):
        engine.expect_vectors_vjp(program, [0.1], pauli("ZZ"))[1](np.ones(3))
    with pytest.raises(InputError, match=r"the observable must be a PauliSum, a string such as .* found array"):
        engine.expect_vectors_vjp(program, [0.1], np.eye(4))
    with pytest.raises(InputError, match="the observable must be Hermitian"):
        engine.expect_vectors_vjp(program, [0.1], 1j * pauli("ZZ"))
    with pytest.raises(InputError, match=r"sites of dimensions \(2, 2\); found a Pauli sum on 3 qubits"):
        engine.expect_vectors_vjp(program, [0.1], pauli("ZZZ"))
    with pytest.raises(InputError, match=r"params must have shape \(1,\)"):
        engine.evolve_vectors(program, [0.1, 0.2])


def test_memory_is_refused_before_it_is_taken():
    program = Circuit(20).then(gates.RX("t", 0)).compile()
    with pytest.raises(MemoryRefused, match="the unitary of dimension 1048576 needs"):
        COMPILED.evolve_vectors(program, [0.1])


def test_other_sites_stay_with_numpy():
    shift = gates.UnitaryGate([[0, 0, 1], [1, 0, 0], [0, 1, 0]], name="shift")
    program = Circuit((3, 2)).then(shift(0), gates.RX("t", 1)).compile()
    w, pull = COMPILED.evolve_vectors_vjp(program, [0.4])
    expected, expected_pull = PLAIN.evolve_vectors_vjp(program, [0.4])
    np.testing.assert_array_equal(w, expected)
    assert pull(1j * w[::-1])[0][0] == expected_pull(1j * w[::-1])[0][0] != 0
