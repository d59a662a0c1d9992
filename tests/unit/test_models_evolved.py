"""Evolved Gibbs models: the definition, limits, exact derivatives, and fits."""

import math
import re

import numpy as np
import pytest
import scipy.linalg
from helpers.arrays import hermitian
from helpers.cases import every

from qml import Circuit, FitResult, GibbsModel, SpectralModel, channels, check_gradient, circuits, fit, gates, pauli
from qml._checks import InputError
from qml.engines.reference import ReferenceEngine
from qml.losses import CrossEntropy, HilbertSchmidt, Infidelity
from qml.models import EvolvedGibbsModel
from qml.operators import tfim
from qml.states import SpectralState, ginibre, maximally_mixed


def qutrit_model():
    """A random K on a qutrit and a qubit; a rotation of the qubit and a fixed random gate on both."""
    rng = np.random.default_rng(1)
    matrices = [hermitian(6, rng) for _ in range(3)]
    mix = scipy.linalg.expm(-1j * hermitian(6, rng))
    circuit = Circuit((3, 2), [gates.RY("a", 1), gates.UnitaryGate(mix, (3, 2))(0, 1), gates.RX("b", 1)])
    return EvolvedGibbsModel(matrices, circuit)


FAMILIES = {
    "Pauli": lambda: EvolvedGibbsModel(tfim(2), circuits.hardware_efficient(2, 1)),
    "diagonal": lambda: EvolvedGibbsModel([pauli("ZI"), pauli("IZ"), pauli("ZZ")], circuits.hardware_efficient(2, 1)),
    "qutrit": qutrit_model,
}


@pytest.fixture(params=FAMILIES, ids=str)
def model(request):
    return FAMILIES[request.param]()


def unitary_of(model, phi):
    """The matrix of the circuit, gate by gate."""
    return ReferenceEngine().evolve_vectors(model.circuit.compile(), phi)


def test_state_is_the_rotated_exponential(model):
    theta = model.init_params(np.random.default_rng(2))
    m = model.gibbs.n_params
    u = unitary_of(model, theta[m:])
    e = scipy.linalg.expm(-model.gibbs.state(theta[:m]).hamiltonian())
    sigma = model.state(theta)
    assert np.abs(sigma.matrix() - u @ e @ u.conj().T / np.trace(e)).max() < 1e-13
    assert isinstance(sigma, SpectralState)
    assert np.allclose(sigma.spectrum().log_eigenvalues, model.gibbs.state(theta[:m]).spectrum().log_eigenvalues)


@every("loss", [CrossEntropy(), HilbertSchmidt(), Infidelity()], ids=lambda loss: loss.name)
def test_gradient_against_finite_differences(model, loss):
    theta = model.init_params(np.random.default_rng(3))
    found = check_gradient(model, ginibre(model.dims, np.random.default_rng(4)), loss, theta, directions=4)
    assert np.abs(found.analytic).max() > 1e-3
    assert found.ok, str(found)


def test_push_and_pull_are_adjoint(model):
    rng = np.random.default_rng(5)
    theta, v = model.init_params(rng), rng.standard_normal(model.n_params)
    sigma, pull = model.state_vjp(theta)
    x = hermitian(sigma.dim, rng)
    forward = np.einsum("ij,ji->", x, model.state_jvp(theta)[1](v)).real
    assert abs(forward) > 1e-3
    assert pull(sigma.pull_matrix(x)) @ v == pytest.approx(forward, abs=1e-13)


def test_without_gates_it_is_the_gibbs_model():
    gibbs, rng = GibbsModel(tfim(2)), np.random.default_rng(6)
    model = EvolvedGibbsModel(tfim(2), Circuit(2))
    theta, rho = rng.standard_normal(3), ginibre((2, 2), rng)
    assert model.parameter_names == gibbs.parameter_names
    assert np.abs(model.state(theta).matrix() - gibbs.state(theta).matrix()).max() < 1e-15
    both = (model, gibbs)
    gradients = [m.state_vjp(theta)[1](CrossEntropy().value_and_cotangent(rho, m.state(theta))[1]) for m in both]
    assert np.abs(gradients[1]).max() > 1e-2
    assert np.allclose(*gradients, rtol=0, atol=1e-14)


def test_with_diagonal_generators_it_is_the_spectral_model():
    circuit, rng = circuits.hardware_efficient(2, 1), np.random.default_rng(7)
    model = EvolvedGibbsModel([pauli("ZI"), pauli("IZ"), pauli("ZZ")], circuit)
    spectral = SpectralModel(circuit, "ising")
    theta = rng.standard_normal(model.n_params)
    assert np.abs(model.state(theta).matrix() - spectral.state(theta).matrix()).max() < 1e-15
    rho = ginibre((2, 2), rng)
    both = (model, spectral)
    gradients = [m.state_vjp(theta)[1](CrossEntropy().value_and_cotangent(rho, m.state(theta))[1]) for m in both]
    assert np.abs(gradients[1]).min() > 1e-6
    assert np.allclose(*gradients, rtol=0, atol=1e-14)


def test_a_frozen_state_underflows_nowhere():
    """Probabilities of e^-2000, below float64: S stays exact, and so does its gradient."""
    model = EvolvedGibbsModel([pauli("X")], Circuit(1, [gates.RZ("a", 0)]))
    sigma, pull = model.state_vjp([1000.0, 0.5])
    value, cotangent = CrossEntropy().value_and_cotangent(maximally_mixed((2,)), sigma)
    assert value == pytest.approx(1000.0, rel=1e-14)
    assert np.allclose(pull(cotangent), [1.0, 0.0], rtol=0, atol=1e-12)


def test_degenerate_spectra_have_a_gradient():
    """K = ZZ has two twofold eigenvalues; the fields X split them."""
    model = EvolvedGibbsModel([pauli("ZZ"), pauli("XI"), pauli("IX")], circuits.hardware_efficient(2, 1))
    theta = model.init_params(np.random.default_rng(8))
    theta[:3] = 0.75, 0.0, 0.0
    found = check_gradient(model, ginibre((2, 2), np.random.default_rng(9)), CrossEntropy(), theta)
    assert np.abs(found.analytic[1:3]).min() > 1e-3
    assert found.ok, str(found)


def test_one_level():
    model = EvolvedGibbsModel([np.eye(1)], Circuit((1,)))
    sigma, pull = model.state_vjp([0.4])
    assert sigma.matrix() == pytest.approx(np.ones((1, 1)))
    assert pull(sigma.pull_matrix(np.eye(1, dtype=complex))) == pytest.approx(0.0)


@pytest.mark.parametrize("name", FAMILIES)
def test_fit_reaches_a_target_of_its_own_family(name):
    model = FAMILIES[name]()
    rho = model.state(model.init_params(np.random.default_rng(10)))
    result = fit(model, rho, seed=1, restarts=6, progress=False)
    assert result.history.gap[0] > 1e-1
    assert abs(result.gap) < 1e-8


def test_a_saved_result_keeps_the_log_spectrum(tmp_path):
    model = EvolvedGibbsModel(tfim(2), circuits.hardware_efficient(2, 1))
    theta = 500 * model.init_params(np.random.default_rng(11))
    result = fit(model, maximally_mixed((2, 2)), params0=theta, max_iterations=0, progress=False)
    result.save(tmp_path / "result.npz")
    again = FitResult.load(tmp_path / "result.npz").state
    assert again.spectrum().log_eigenvalues.min() < -745
    assert np.array_equal(again.spectrum().log_eigenvalues, result.state.spectrum().log_eigenvalues)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: EvolvedGibbsModel(tfim(2), [gates.H(0)]), "circuit must be a Circuit; found list"),
        (
            lambda: EvolvedGibbsModel(tfim(2), Circuit(2, [channels.BitFlip(0.1, 0)])),
            "needs a circuit of unitary gates",
        ),
        (lambda: EvolvedGibbsModel(tfim(3), Circuit(2)), "generators must act on the sites (2, 2) of the circuit"),
        (lambda: EvolvedGibbsModel(tfim(2), Circuit((4,))), "generators must act on the sites (4,) of the circuit"),
        (lambda: EvolvedGibbsModel([np.eye(3)], Circuit(2)), "generators must act on the sites (2, 2) of the circuit"),
        (lambda: EvolvedGibbsModel([pauli("X")], Circuit(1, [gates.RX("X", 0)])), "two parts call a parameter 'X'"),
    ],
)
def test_sentences(make, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        make()


def test_repr_and_angles():
    model = EvolvedGibbsModel([pauli("Z")], Circuit(1, [gates.RY("a", 0)]))
    assert repr(model).startswith("EvolvedGibbsModel(GibbsModel(dims=(2,), 1 generator), ")
    starts = np.array([model.init_params(np.random.default_rng(k)) for k in range(50)])
    assert 3 < np.abs(starts[:, 1]).max() <= math.pi
