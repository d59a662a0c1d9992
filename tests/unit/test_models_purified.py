"""Purified circuit models: the same state as a circuit with a partial trace, and never its matrix."""

import tracemalloc

import numpy as np
import pytest

from qml import Circuit, CircuitModel, channels, check_gradient, circuits, fit, gates
from qml._checks import InputError
from qml.engines.reference import ReferenceEngine
from qml.instructions import PartialTrace, Preparation
from qml.losses import CrossEntropy, HilbertSchmidt, Infidelity
from qml.models import PurifiedCircuitModel
from qml.states import DensityMatrix, ginibre, maximally_mixed


def with_trace(circuit, n_ancillas):
    ancillas = range(circuit.n_sites - n_ancillas, circuit.n_sites)
    first, last = ([kind((2,))(a) for a in ancillas] for kind in (Preparation, PartialTrace))
    return CircuitModel(Circuit(circuit.n_sites, [*first, *circuit.operations, *last]))


@pytest.mark.parametrize(("n", "n_ancillas"), [(3, 0), (3, 1), (4, 2), (3, 2)])
def test_is_the_circuit_with_its_ancillas_traced_out(n, n_ancillas):
    circuit = circuits.hardware_efficient(n, 2)
    model, reference = PurifiedCircuitModel(circuit, n_ancillas), with_trace(circuit, n_ancillas)
    assert model.dims == reference.dims
    assert model.parameter_names == reference.parameter_names
    theta = model.init_params(np.random.default_rng(0))
    sigma = model.state(theta)
    assert np.allclose(sigma.matrix(), reference.state(theta).matrix(), atol=1e-14)
    assert int(sigma.rank()) <= min(2**n_ancillas, sigma.dim)
    values = np.linalg.eigvalsh(sigma.matrix())[::-1]
    found = sigma.spectrum().eigenvalues
    assert np.allclose(found, values[: len(found)], atol=1e-14)


def test_same_gradient_as_the_circuit_where_both_have_full_rank():
    circuit = circuits.hardware_efficient(4, 2)
    model, reference = PurifiedCircuitModel(circuit, 2), with_trace(circuit, 2)
    rho, theta = ginibre((2, 2), np.random.default_rng(1)), model.init_params(np.random.default_rng(2))
    gradients = []
    for each in (model, reference):
        sigma, pull = each.state_vjp(theta)
        gradients.append(pull(CrossEntropy().value_and_cotangent(rho, sigma)[1]))
    assert np.abs(gradients[0]).max() > 1e-2
    assert np.allclose(*gradients, rtol=1e-9, atol=1e-11)


def test_qutrit_system_and_qubit_ancilla():
    rng = np.random.default_rng(0)
    u = np.linalg.qr(rng.standard_normal((6, 6)) + 1j * rng.standard_normal((6, 6)))[0]
    model = PurifiedCircuitModel(Circuit((3, 2), [gates.UnitaryGate(u, (3, 2))(0, 1)]), 1)
    sigma = model.state([])
    assert sigma.dims == (3,)
    joint = np.outer(u[:, 0], u[:, 0].conj()).reshape(3, 2, 3, 2)
    assert np.allclose(sigma.matrix(), np.trace(joint, axis1=1, axis2=3), atol=1e-15)


@pytest.mark.parametrize("loss", [HilbertSchmidt(), Infidelity()], ids=str)
def test_gradient_at_low_rank(loss):
    model = PurifiedCircuitModel(circuits.hardware_efficient(3, 2), 1)
    check = check_gradient(model, ginibre((2, 2), np.random.default_rng(3)), loss, directions=4)
    assert np.abs(check.analytic).max() > 1e-3
    assert check.ok, str(check)


def support_stays(n, m):
    """Rotations of the ancillas and the weights of n branches of the system: the support of sigma never moves.

    m ancillas in a superposition are copied to the first m qubits, which a fixed circuit then spreads."""
    ancillas = range(n, n + m)
    weights = [gates.RY(f"w{a}", a) for a in ancillas]
    copies = [gates.CNOT(a, a - n) for a in ancillas]
    spread = [gates.RXX(0.3 + 0.1 * q, q, q + 1) for q in range(n - 1)] + [gates.RY(0.7, q) for q in range(n)]
    turn = [gates.RX(f"x{a}", a) for a in ancillas]
    return Circuit(n + m, [*weights, *copies, *spread, *turn])


def target_inside(model, rank, seed):
    """A random state of the given rank inside the support, which all parameters share."""
    basis = model.state(np.full(model.n_params, 0.8)).spectrum().basis
    rng = np.random.default_rng(seed)
    g = rng.standard_normal((basis.shape[1], rank)) + 1j * rng.standard_normal((basis.shape[1], rank))
    return DensityMatrix.from_factor(basis @ g / np.linalg.norm(g), model.dims)


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_s_on_a_support_that_stays(rank):
    """sigma of rank 4 on 3 qubits, rho inside: S is finite on both sides of every step, and so is its derivative."""
    model = PurifiedCircuitModel(support_stays(3, 2), 2)
    rho = target_inside(model, rank, 1)
    theta = np.array([0.9, 1.3, 0.4, -0.6])
    assert int(model.state(theta).rank()) == 4
    check = check_gradient(model, rho, params=theta)
    assert np.abs(check.analytic[:2]).max() > 1e-2
    assert np.abs(check.analytic[2:]).max() < 1e-12
    assert check.ok, str(check)


def test_outside_the_support_s_is_infinite():
    model = PurifiedCircuitModel(support_stays(3, 1), 1)
    assert CrossEntropy().value(maximally_mixed((2,) * 3), model.state([0.5, 0.5])) == np.inf


@pytest.mark.parametrize(
    "model",
    [
        PurifiedCircuitModel(circuits.hardware_efficient(3, 2), 1, smoothing=0.1),
        PurifiedCircuitModel(circuits.hardware_efficient(4, 2), 2),
    ],
    ids=["smoothed", "full rank"],
)
def test_learns_a_state_of_its_own_family(model):
    rho = model.state(model.init_params(np.random.default_rng(100)))
    assert fit(model, rho, seed=0).gap < 1e-8


@pytest.mark.parametrize("smoothing", [0.0, 0.02])
def test_ten_qubits_without_a_matrix_of_theirs(smoothing):
    """A matrix of dimension 2^10 takes 16 MiB; the gradient of S with a target of rank 4 stays far below."""
    check_memory(10, smoothing, 4 * 2**20)


@pytest.mark.slow
@pytest.mark.parametrize("smoothing", [0.0, 0.02])
def test_twelve_qubits_without_a_matrix_of_theirs(smoothing):
    """A matrix of dimension 2^12 takes 256 MiB."""
    check_memory(12, smoothing, 16 * 2**20)


def check_memory(n, smoothing, limit):
    if smoothing:
        model = PurifiedCircuitModel(circuits.hardware_efficient(n + 2, 1), 2, smoothing=smoothing)
        rho = ginibre((2,) * n, np.random.default_rng(1), rank=4)
    else:
        model = PurifiedCircuitModel(support_stays(n, 2), 2)
        rho = target_inside(model, 4, 1)
    theta = model.init_params(np.random.default_rng(0))
    value, gradient = loss_and_gradient(model, rho, theta)
    tracemalloc.start()
    value, gradient = loss_and_gradient(model, rho, theta)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < limit
    assert np.isfinite(value)
    assert np.abs(gradient).max() > 1e-3
    e = 1e-4 * np.eye(model.n_params)[0]
    up, down = (CrossEntropy().value(rho, model.state(theta + s * e)) for s in (1, -1))
    assert gradient[0] == pytest.approx((up - down) / 2e-4, abs=1e-6)


def loss_and_gradient(model, rho, theta):
    sigma, pull = model.state_vjp(theta)
    value, cotangent = CrossEntropy().value_and_cotangent(rho, sigma)
    return value, pull(cotangent)


def test_sentences():
    noisy = Circuit(2, [channels.BitFlip(0.1, 0)])
    with pytest.raises(InputError, match="circuit of unitary gates; this one holds another"):
        PurifiedCircuitModel(noisy, 1)
    with pytest.raises(InputError, match="n_ancillas must be an integer from 0 to 1; found 2"):
        PurifiedCircuitModel(Circuit(2), 2)
    with pytest.raises(InputError, match="circuit must be a Circuit; found int"):
        PurifiedCircuitModel(2, 1)
    with pytest.raises(InputError, match="already give full rank"):
        PurifiedCircuitModel(Circuit(3), 2, smoothing=0.1)


def test_repr_says_what_it_is():
    model = PurifiedCircuitModel(Circuit(3), 1, smoothing=0.1, engine=ReferenceEngine())
    circuit = "<Circuit: 3 qubits, 0 operations, 0 parameters>"
    assert repr(model) == f"PurifiedCircuitModel({circuit}, n_ancillas=1, smoothing=0.1)"
