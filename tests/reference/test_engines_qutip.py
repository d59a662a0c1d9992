"""Whole circuits against QuTiP: gates as exponentials, channels as Kraus operators, all of its own operators."""

import numpy as np
import pytest
import qutip
from helpers.engines import under_test

from qml import channels, gates
from qml.circuits import Circuit
from qml.engines import ENGINES
from qml.instructions import PartialTrace, Preparation
from qml.states import DensityMatrix

MADE = {name: make() for name, make in ENGINES.items()}
PAULI = {"I": qutip.qeye(2), "X": qutip.sigmax(), "Y": qutip.sigmay(), "Z": qutip.sigmaz()}


@pytest.fixture(params=under_test(MADE))
def engine(request):
    return request.param


def on(site, operator, n):
    return qutip.tensor([operator if q == site else qutip.qeye(2) for q in range(n)])


def string(letters, n):
    """The Pauli string with the given letters, by site."""
    return qutip.tensor([PAULI[letters.get(q, "I")] for q in range(n)])


def turn(theta, letters, n):
    return (-0.5j * theta * string(letters, n)).expm()


def controlled_not(control, target, n):
    zero, one = qutip.fock_dm(2, 0), qutip.fock_dm(2, 1)
    return on(control, zero, n) + on(control, one, n) * on(target, qutip.sigmax(), n)


def apply(rho, *operators):
    return sum(k * rho * k.dag() for k in operators)


def damping(gamma, site, n):
    """|1> decays to |0>."""
    raise_to_zero = qutip.basis(2, 0) * qutip.basis(2, 1).dag()
    keep = qutip.Qobj(np.diag([1, np.sqrt(1 - gamma)]))
    return [on(site, keep, n), on(site, np.sqrt(gamma) * raise_to_zero, n)]


def pauli_noise(probability, site, n):
    """A Pauli error, each of X, Y, Z equally likely, with the given total probability."""
    errors = [np.sqrt(probability / 3) * on(site, PAULI[letter], n) for letter in "XYZ"]
    return [np.sqrt(1 - probability) * string({}, n), *errors]


def check(engine, circuit, values, rho_in, expected, observable, slopes):
    """State, and the derivative of <observable> in every parameter by central differences of QuTiP's states."""
    state, pull = engine.evolve_vjp(circuit.compile(), values, rho_in)
    np.testing.assert_allclose(state.matrix(), expected(values).full(), atol=1e-13)
    gradient, _ = pull(state.pull_matrix(observable.full()))
    for i in slopes:
        step = 1e-5 * np.eye(len(values))[i]
        ahead, behind = (qutip.expect(observable, expected(v)) for v in (values + step, values - step))
        value = (ahead - behind) / 2e-5
        assert abs(value) > 1e-3
        assert gradient[i] == pytest.approx(value, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_noisy_layered_circuit(engine, n):
    rng = np.random.default_rng(n)
    layers, noise = 2, 0.07
    operations = []
    for layer in range(layers):
        for q in range(n):
            operations += [gates.RY(f"y{layer}{q}", q), channels.PauliError(noise, q), gates.RZ(f"z{layer}{q}", q)]
        for q in range(n):
            operations += [gates.CNOT(q, (q + 1) % n), channels.AmplitudeDamping(noise, (q + 1) % n)]
    circuit = Circuit(n, operations)
    values = rng.uniform(-np.pi, np.pi, circuit.n_params)

    def expected(v):
        named = dict(zip(circuit.parameters, v, strict=True))
        rho = qutip.fock_dm([2] * n, [0] * n)
        for layer in range(layers):
            for q in range(n):
                rho = apply(rho, turn(named[f"y{layer}{q}"], {q: "Y"}, n))
                rho = apply(rho, *pauli_noise(noise, q, n))
                rho = apply(rho, turn(named[f"z{layer}{q}"], {q: "Z"}, n))
            for q in range(n):
                rho = apply(rho, controlled_not(q, (q + 1) % n, n))
                rho = apply(rho, *damping(noise, (q + 1) % n, n))
        return rho

    observable = qutip.rand_herm([2] * n, seed=n)
    check(engine, circuit, values, None, expected, observable, range(0, 2 * n, 3))


def test_string_rotations_from_a_mixed_state(engine):
    n = 4
    rho_in = qutip.rand_dm([2] * n, seed=7)
    circuit = Circuit(n).then(
        *(gates.PauliRotation("XYZ")("a", 3, 0, 2), gates.RXX("b", 2, 0), gates.PauliRotation("ZYXY")("c", 1, 3, 0, 2)),
        *(gates.RYY("d", 0, 3), channels.AmplitudeDamping("g", 2)),
    )
    values = np.array([0.3, -1.1, 2.2, 0.7, 0.25])

    def expected(v):
        a, b, c, d, g = v
        rho = apply(rho_in, turn(a, {3: "X", 0: "Y", 2: "Z"}, n))
        rho = apply(rho, turn(b, {0: "X", 2: "X"}, n))
        rho = apply(rho, turn(c, {1: "Z", 3: "Y", 0: "X", 2: "Y"}, n))
        rho = apply(rho, turn(d, {0: "Y", 3: "Y"}, n))
        return apply(rho, *damping(g, 2, n))

    observable = qutip.rand_herm([2] * n, seed=8)
    check(engine, circuit, values, DensityMatrix.from_qobj(rho_in), expected, observable, range(5))


def test_traced_out_ancilla_that_returns(engine):
    """The ancilla is discarded by ptrace and comes back by a tensor product with |0><0|."""
    n = 3
    circuit = Circuit(n).then(
        *(gates.RY("a", 0), gates.RXX("b", 0, 2), gates.CNOT(0, 1), PartialTrace((2,))(0)),
        *(gates.RZZ("c", 1, 2), gates.RX("d", 1), Preparation((2,))(0), gates.RXX("e", 0, 2), PartialTrace((2,))(2)),
    )
    values = np.array([0.9, 0.6, -0.8, 0.5, 1.3])

    def expected(v):
        a, b, c, d, e = v
        rho = apply(qutip.fock_dm([2] * n, [0] * n), turn(a, {0: "Y"}, n))
        rho = apply(rho, turn(b, {0: "X", 2: "X"}, n))
        rho = apply(rho, controlled_not(0, 1, n)).ptrace([1, 2])
        rho = apply(rho, turn(c, {0: "Z", 1: "Z"}, 2))
        rho = apply(rho, turn(d, {0: "X"}, 2))
        rho = apply(qutip.tensor(qutip.fock_dm(2, 0), rho), turn(e, {0: "X", 2: "X"}, 3))
        return rho.ptrace([0, 1])

    observable = qutip.rand_herm([2, 2], seed=9)
    check(engine, circuit, values, None, expected, observable, range(5))


def test_ghz_state_through_damping(engine):
    n = 5
    circuit = Circuit(n).then(
        gates.H(0),
        *(gates.CNOT(q, q + 1) for q in range(n - 1)),
        *(channels.AmplitudeDamping(0.2, q) for q in range(n)),
    )
    rho = qutip.ket2dm(qutip.ghz_state(n))
    for q in range(n):
        rho = apply(rho, *damping(0.2, q, n))
    np.testing.assert_allclose(engine.evolve(circuit.compile(), []).matrix(), rho.full(), atol=1e-14)
