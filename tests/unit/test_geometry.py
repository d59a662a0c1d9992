"""Metrics: second order of the divergences they come from, order, contraction, and products that are the matrix."""

import numpy as np
import pytest
import scipy.linalg
from helpers.cases import every

from qml import (
    CholeskyModel,
    CircuitModel,
    CrossEntropy,
    GibbsModel,
    SpectralModel,
    channels,
    circuits,
    fidelity,
    gates,
    pauli,
)
from qml import relative_entropy as divergence
from qml._checks import InputError
from qml.circuits import Circuit
from qml.engines.reference import ReferenceEngine
from qml.fitting import Objective
from qml.geometry import KINDS, GibbsMetric, gibbs, metric
from qml.geometry.tangent import StateMetric
from qml.models import Model
from qml.operators import heisenberg, tfim
from qml.states import DensityMatrix, basis_state, ginibre


def noisy():
    circuit = circuits.hardware_efficient(2, 1)
    return CircuitModel(circuit.then(channels.Depolarizing("p", 0), channels.AmplitudeDamping(0.3, 1)))


MODELS = {
    "gibbs, real": lambda: GibbsModel(tfim(2)),
    "gibbs, complex": lambda: GibbsModel([pauli("XY"), pauli("YI") + 0.5 * pauli("ZZ"), pauli("ZX")]),
    "gibbs, matrices": lambda: GibbsModel([np.diag([1.0, 0, -1]), np.array([[0, -1j, 0], [1j, 0, 1], [0, 1, 0]])]),
    "gibbs, diagonal": lambda: GibbsModel([pauli("ZI"), pauli("ZZ")]),
    "noisy circuit": noisy,
    "spectral": lambda: SpectralModel(
        Circuit(2, [gates.RY("a", 0), gates.CNOT(0, 1), gates.RX("b", 1)]), engine=ReferenceEngine()
    ),
}


def drawn(name):
    model = MODELS[name]()
    return model, 0.7 * model.init_params(np.random.default_rng(4)) + 0.2


def second_order(f, u):
    """f(h u)/h^2 at h -> 0 for an even-extended f with f(0) = f'(0) = 0, by Richardson's extrapolation."""
    coarse, fine = ((f(h * u) + f(-h * u)) / (2 * h**2) for h in (2e-2, 1e-2))
    return (4 * fine - coarse) / 3


def root(sigma):
    return scipy.linalg.sqrtm(sigma.matrix())


def apart(kind, sigma, other):
    """Twice the divergence whose second order is the metric."""
    if kind == "bkm":
        return 2 * float(divergence(sigma, other))
    if kind == "bures":
        return 4 * (1 - float(fidelity(sigma, other)))
    return 4 * float(np.square(np.abs(root(sigma) - root(other))).sum())


@every("name", MODELS)
@every("kind", KINDS)
def test_second_order_of_its_divergence(name, kind):
    model, theta = drawn(name)
    g, rng, sigma = metric(model, theta, kind), np.random.default_rng(1), model.state(theta)
    assert np.linalg.eigvalsh(g)[-1] > 0.1
    for _ in range(3):
        u = rng.standard_normal(model.n_params)
        measured = second_order(lambda step: apart(kind, sigma, model.state(theta + step)), u)
        assert u @ g @ u == pytest.approx(measured, rel=1e-5)


@pytest.mark.parametrize("name", [name for name in MODELS if "gibbs" in name])
def test_the_bkm_metric_is_the_hessian_of_the_cross_entropy_whatever_the_target(name):
    model, theta = drawn(name)
    g = metric(model, theta)
    for seed in (0, 1):
        objective = Objective(model, ginibre(model.dims, np.random.default_rng(seed)), CrossEntropy())
        h = 1e-4
        columns = [
            (objective.value_and_gradient(theta + h * e)[1] - objective.value_and_gradient(theta - h * e)[1]) / (2 * h)
            for e in np.eye(model.n_params)
        ]
        assert np.allclose(g, np.array(columns), atol=1e-6)


@every("name", MODELS)
@every("kind", KINDS)
def test_products_are_the_matrix(name, kind):
    model, theta = drawn(name)
    v = np.random.default_rng(2).standard_normal(model.n_params)
    g = model.metric(theta, kind)
    assert np.allclose(g.product(v), g.matrix() @ v, atol=1e-12)
    assert np.allclose(g.matrix(), g.matrix().T, atol=1e-14)


@pytest.mark.parametrize("name", MODELS)
def test_smallest_to_largest(name):
    """bures <= wigner_yanase <= bkm; all of them the same for a commuting family."""
    model, theta = drawn(name)
    small, middle, large = (metric(model, theta, kind) for kind in ("bures", "wigner_yanase", "bkm"))
    assert np.linalg.eigvalsh(middle - small)[0] > -1e-12
    assert np.linalg.eigvalsh(large - middle)[0] > -1e-12
    assert np.allclose(small, large, atol=1e-12) == (name == "gibbs, diagonal")


@pytest.mark.parametrize("kind", KINDS)
def test_commuting_generators_give_the_classical_covariance(kind):
    model = GibbsModel([pauli("ZI"), pauli("IZ"), pauli("ZZ")])
    theta = np.array([0.3, -0.8, 0.5])
    p = model.state(theta).probabilities()
    features = np.array([[1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]])
    assert np.allclose(metric(model, theta, kind), np.cov(features, aweights=p, bias=True), atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_the_general_way_agrees_with_the_generators(kind):
    model, theta = drawn("gibbs, complex")
    assert isinstance(model.metric(theta), GibbsMetric)
    assert np.allclose(
        Model._metric(model, theta, kind, None, None, 0.0).matrix(), metric(model, theta, kind), atol=1e-12
    )


@pytest.mark.parametrize("kind", KINDS)
def test_channels_contract(kind):
    """Noise on top of any model makes states, and so parameters, harder to tell apart (Petz)."""
    model, theta = drawn("gibbs, real")
    state, push = model.state_jvp(theta)
    channel = Circuit(2, [channels.AmplitudeDamping(0.4, 0), channels.Depolarizing(0.2, 1)])

    def through(matrix):
        return sum(k @ matrix @ k.conj().T for k in kraus)

    one, two = channels.AmplitudeDamping.kraus(np.array([0.4])), channels.Depolarizing.kraus(np.array([0.2]))
    kraus = [np.kron(a, b) for a in one for b in two]
    after = DensityMatrix(through(state.matrix()), (2, 2))
    expected = CircuitModel(channel, initial=state).state([])
    assert np.allclose(after.matrix(), expected.matrix(), atol=1e-14)
    noisy = StateMetric(after, lambda v: through(push(v)), lambda x: np.zeros(3), 3, kind).matrix()
    before = metric(model, theta, kind)
    assert np.linalg.eigvalsh(before - noisy)[0] > -1e-12
    assert np.linalg.norm(before - noisy) > 0.01


def test_families_of_full_rank_have_a_finite_metric_where_an_eigenvalue_is_lost_in_rounding():
    """Eigenvalues 1 and e^-80: the Fisher information of the second level is its weight, nothing beside one."""
    found = metric(CholeskyModel(1), [0.0, -40.0, 0.0, 0.0])
    assert np.isfinite(found).all()
    assert np.abs(found[:2, :2]).max() < 1e-12


def test_pure_circuits_have_the_quantum_fisher_information_of_their_rotations():
    """Four times the variance of the generator: 1 for RY on |0>, 0 for RZ on |0>, cos^2 for RZ after RY."""
    model = CircuitModel(Circuit(1, [gates.RY("a", 0), gates.RZ("b", 0)]))
    for a in (0.0, 0.4, 1.2):
        assert np.allclose(metric(model, [a, 0.3], "bures"), np.diag([1.0, np.sin(a) ** 2]), atol=1e-12)
        assert np.allclose(metric(model, [a, 0.3], "wigner_yanase"), 2 * np.diag([1.0, np.sin(a) ** 2]), atol=1e-12)
    with pytest.raises(InputError, match=r"infinite here: sigma has rank 1 of 2.*take kind 'bures'"):
        metric(model, [0.4, 0.3], "bkm")


def test_a_mixture_inside_its_support_has_a_bkm_metric():
    """Rank 2 of 4, and derivatives that stay there: the classical Fisher information 1/(p(1-p)), for every kind."""
    p, q = 0.3, basis_state("11").matrix()
    state = DensityMatrix.from_probabilities([1 - p, 0, 0, p], dims=(2, 2))
    derivative = q - basis_state("00").matrix()
    for kind in KINDS:
        g = StateMetric(state, lambda v: np.asarray(v)[..., None, None] * derivative[None], lambda x: x, 1, kind)
        assert g.matrix()[0, 0] == pytest.approx(1 / (p * (1 - p)), rel=1e-13)


@pytest.mark.parametrize("beta", [0.2, 2.0])
def test_what_a_tolerance_leaves_out_is_small_and_positive(beta):
    model = GibbsModel(heisenberg(4, h=0.3))
    theta = beta * np.random.default_rng(0).normal(1.0, 0.3, model.n_params)
    exact = metric(model, theta)
    v = np.random.default_rng(1).standard_normal(model.n_params)
    for tolerance in (0.3, 1e-3):
        rough = model.metric(theta, tolerance=tolerance)
        left_out = np.linalg.eigvalsh(exact - rough.matrix())
        assert left_out[0] > -1e-13
        assert np.abs(exact - rough.matrix()).max() <= 4 * tolerance
        assert left_out[-1] > 1e-3 or tolerance < 0.3
        assert np.allclose(rough.product(v), rough.matrix() @ v, atol=1e-12)


def test_many_blocks_and_generators_of_many_words():
    """Blocks of eigenvectors and words of sums: against the covariance written out with matrices."""
    rng = np.random.default_rng(5)
    sums = [pauli("XYZIX") + 0.3 * pauli("ZZIIY"), pauli("IYIIZ"), 2.0 * pauli("XXXXX") - pauli("IIZII")]
    from_sums, from_matrices = GibbsModel(sums), GibbsModel([s.matrix() for s in sums])
    theta = rng.normal(size=3)
    for kind in KINDS:
        assert np.allclose(metric(from_sums, theta, kind), metric(from_matrices, theta, kind), atol=1e-12)


@pytest.mark.parametrize("name", [name for name in MODELS if "gibbs" in name])
def test_forward_and_backward_derivatives_of_gibbs_states_are_adjoint(name):
    model, theta = drawn(name)
    rng = np.random.default_rng(6)
    state, push = model.state_jvp(theta)
    _, pull = model.state_vjp(theta)
    v = rng.standard_normal((2, 2, model.n_params))
    d = state.dim
    x = rng.standard_normal((d, d)) + 1j * rng.standard_normal((d, d))
    x = x + x.conj().T
    forward, backward = push(v), pull(state.pull_matrix(x))
    assert forward.shape == (2, 2, d, d)
    assert np.allclose(np.einsum("...ij,ji->...", forward, x).real, v @ backward, atol=1e-12)
    h = 1e-5
    u = v[0, 0]
    numeric = (model.state(theta + h * u).matrix() - model.state(theta - h * u).matrix()) / (2 * h)
    assert np.abs(numeric).max() > 0.01
    assert np.allclose(forward[0, 0], numeric, atol=1e-8)


def test_sentences():
    model = GibbsModel(tfim(2))
    with pytest.raises(InputError, match="kind must be one of 'bkm', 'bures', 'wigner_yanase'; found 'bure'"):
        metric(model, np.zeros(3), "bure")

    class Backward(GibbsModel):
        def state_jvp(self, params):
            return Model.state_jvp(self, params)

    with pytest.raises(InputError, match=r"Backward has no forward derivative.*such as LBFGS"):
        Model._metric(Backward(tfim(2)), np.zeros(3), "bkm", None, None, 0.0)


@pytest.mark.parametrize("as_matrices", [False, True])
def test_the_metric_of_commuting_sums_is_their_covariance(as_matrices, monkeypatch):
    """Block by block, the last one smaller than the others."""
    monkeypatch.setattr(gibbs, "LEVELS", 100)
    rng = np.random.default_rng(3)
    words = ["ZIIIII", "ZZIIII", "IIZIZI", "ZZZZZZ"]
    sums = [pauli(words[0]) + 0.5 * pauli(words[1]), *(rng.normal() * pauli(word) for word in words[2:])]
    model = GibbsModel([g.matrix() for g in sums] if as_matrices else sums)
    theta = rng.normal(size=3)
    diagonals = np.array([g.matrix().diagonal().real for g in sums])
    p = np.exp(-theta @ diagonals)
    p /= p.sum()
    expected = np.cov(diagonals, aweights=p, ddof=0)
    assert np.abs(model.metric(theta).matrix() - expected).max() < 1e-14
    v = rng.normal(size=3)
    assert np.abs(model.metric(theta).product(v) - expected @ v).max() < 1e-14
