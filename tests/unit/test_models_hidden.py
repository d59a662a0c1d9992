"""Gibbs models with hidden units: each way to sigma against the definition, and classical limits."""

import copy
import gc
import itertools
import math
import re
import weakref

import numpy as np
import pytest
import scipy.linalg
from helpers.arrays import hermitian
from helpers.cases import every
from helpers.hidden import FAMILIES, paulis
from hypothesis import given
from hypothesis import strategies as st

from qml import FitResult, GibbsModel, check_gradient, fit, pauli, quantum_em
from qml._checks import InputError
from qml.geometry import KINDS, gibbs, tangent
from qml.losses import CrossEntropy, HilbertSchmidt
from qml.models import HiddenGibbsModel, semi_quantum_restricted
from qml.operators import partial_trace_matrix, tfim
from qml.spectral import log_divided_differences
from qml.states import DensityMatrix, GibbsState, basis_state, ginibre, maximally_mixed

DIAGONAL = [name for name in FAMILIES if not name.startswith("dense")]
EVERY_MODEL = every("model", [make() for make in FAMILIES.values()], ids=list(FAMILIES))


# every way to sigma, by the definition --------------------------------------------------------------------------------


def test_the_cheapest_way_is_taken():
    for name, make in FAMILIES.items():
        assert make().method == name.split(",")[0]
    assert HiddenGibbsModel(paulis("ZXI", "IXX", "XII"), 2).method == "dense"


@EVERY_MODEL
def test_state_is_the_partial_trace_of_the_exponential(model):
    theta = model.init_params(np.random.default_rng(1), scale=1.0)
    k = model.joint.state(theta).hamiltonian()
    joint = scipy.linalg.expm(-k)
    expected = partial_trace_matrix(joint / np.trace(joint), model.visible, model.joint.dims)
    assert np.abs(model.state(theta).matrix() - expected).max() < 1e-13


def test_copies_hold_no_states():
    model = FAMILIES["dense, two"]()
    theta = model.init_params(np.random.default_rng(4))
    held, copied = weakref.ref(model.state(theta)), copy.copy(model)
    assert held() is not None
    model.state(2 * theta)
    gc.collect()
    assert held() is None
    assert np.array_equal(copied.state(theta).matrix(), model.state(theta).matrix())


@EVERY_MODEL
def test_push_is_the_partial_trace_of_the_joint_push(model):
    rng = np.random.default_rng(2)
    theta, v = model.init_params(rng), rng.standard_normal((3, model.n_params))
    expected = partial_trace_matrix(model.joint.state_jvp(theta)[1](v), model.visible, model.joint.dims)
    assert np.abs(expected).max() > 1e-2
    assert np.abs(model.state_jvp(theta)[1](v) - expected).max() < 1e-13


@EVERY_MODEL
def test_pull_is_the_joint_pull_of_the_extended_cotangent(model):
    """dL = Tr X dsigma_v = Tr (X (x) 1) dsigma, against the joint model, which knows nothing of hidden sites."""
    rng = np.random.default_rng(3)
    theta = model.init_params(rng)
    sigma, pull = model.state_vjp(theta)
    x = hermitian(sigma.dim, rng)
    gradient = pull(sigma.pull_matrix(x))
    push = model.joint.state_jvp(theta)[1](np.eye(model.n_params))
    expected = np.einsum("ij,pji->p", x, partial_trace_matrix(push, model.visible, model.joint.dims)).real
    assert np.abs(expected).max() > 1e-2
    assert np.abs(gradient - expected).max() < 1e-13 * np.abs(x).sum()


@EVERY_MODEL
@every("kind", KINDS)
def test_the_metric_is_made_of_the_derivatives_of_the_state(model, kind):
    """In the eigenbasis of sigma, where every kind says what a pair of eigenvalues weighs."""
    theta = model.init_params(np.random.default_rng(11))
    push = model.state_jvp(theta)[1](np.eye(model.n_params))
    p, vectors = np.linalg.eigh(model.state(theta).matrix())
    rotated = vectors.conj().T @ push @ vectors
    x, y = np.broadcast_arrays(p[:, None], p)
    weights = {
        "bkm": log_divided_differences(np.log(p)),
        "bures": 2 / (x + y),
        "wigner_yanase": 4 / (np.sqrt(x) + np.sqrt(y)) ** 2,
    }[kind]
    expected = np.einsum("jab,ab,kab->jk", rotated.conj(), weights, rotated).real
    assert push.dtype == np.complex128
    assert np.abs(expected).max() > 1e-2
    found = model.metric(theta, kind)
    assert np.abs(found.matrix() - expected).max() < 1e-12 * np.abs(expected).max()
    v = np.random.default_rng(12).standard_normal(model.n_params)
    assert np.abs(found.product(v) - expected @ v).max() < 1e-12 * np.abs(expected).max()


def test_the_metric_is_the_same_sector_by_sector_and_block_by_block(monkeypatch):
    """A chain of six sites conserves the flip of all spins; with a field it does not."""
    chain = HiddenGibbsModel(tfim(6), hidden=[2])
    assert chain.joint.generators.sectors.count == 2
    theta = chain.init_params(np.random.default_rng(15))
    whole = chain.metric(theta).matrix()
    monkeypatch.setattr(tangent, "BLOCK_NUMBERS", 11 * 64 * 5)
    found = chain.metric(theta).matrix()
    field = HiddenGibbsModel([*chain.joint.generators.operators, pauli("ZIIIII")], hidden=[2])
    assert field.joint.generators.sectors is None
    expected = field.metric(np.append(theta, 0.0)).matrix()[:-1, :-1]
    assert np.abs(expected).max() > 1e-2
    assert np.abs(whole - expected).max() < 1e-13
    assert np.abs(found - expected).max() < 1e-13


def test_the_metric_of_a_restricted_machine_holds_no_matrix_of_its_dimension(monkeypatch):
    """16 visible units: a matrix of their states would have 64 GiB. Block by block, and from its products."""
    monkeypatch.setattr(gibbs, "LEVELS", 1 << 14)
    model = semi_quantum_restricted(16, 2, "Z")
    theta = 0.3 * np.random.default_rng(13).standard_normal(model.n_params)
    metric = model.metric(theta)
    v = np.random.default_rng(14).standard_normal(model.n_params)
    matrix = metric.matrix()
    assert np.abs(matrix @ v - metric.product(v)).max() < 1e-12 * np.abs(matrix).max()
    step = 1e-5
    slope = [
        (model.state(theta + s * v).spectrum().log_eigenvalues - model.state(theta).spectrum().log_eigenvalues) / s
        for s in (step, -step)
    ]
    p = model.state(theta).probabilities()
    assert v @ matrix @ v == pytest.approx(p @ ((slope[0] + slope[1]) / 2) ** 2, rel=1e-8)


@EVERY_MODEL
def test_log_partition_and_means_are_those_of_the_joint_state(model):
    theta = model.init_params(np.random.default_rng(4))
    log_z, means = model.log_partition_and_means(theta)
    joint = model.joint.state(theta)
    assert log_z == pytest.approx(float(joint.log_partition()), rel=1e-13)
    for j in range(model.n_params):
        g = model.joint.state(np.eye(model.n_params)[j]).hamiltonian()
        assert means[j] == pytest.approx(float(joint.expect(g)), abs=1e-13)


@EVERY_MODEL
@every("loss", [CrossEntropy(), HilbertSchmidt()], ids=lambda loss: loss.name)
def test_gradient_against_finite_differences(model, loss):
    theta = model.init_params(np.random.default_rng(5))
    rho = ginibre(model.dims, np.random.default_rng(6))
    found = check_gradient(model, rho, loss, theta, directions=4)
    assert np.abs(found.analytic).max() > 1e-3
    assert found.ok, str(found)


@given(scale=st.floats(0, 50), seed=st.integers(0, 2**32 - 1))
def test_closed_form_equals_the_joint_state(scale, seed):
    rng = np.random.default_rng(seed)
    model = semi_quantum_restricted(2, 2, "XZ")
    theta = scale * rng.standard_normal(model.n_params)
    p = model.joint.state(theta).probabilities().reshape(4, 4).sum(axis=1)
    assert np.allclose(model.state(theta).probabilities(), p, rtol=0, atol=1e-11)


# limits ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.3, 3.0])
def test_commuting_units_are_the_classical_restricted_machine(scale):
    """The marginal likelihood by enumeration of every visible and hidden configuration, signs included."""
    rng = np.random.default_rng(7)
    model = semi_quantum_restricted(3, 2, "Z")
    values = {name: scale * rng.standard_normal() for name in model.parameter_names}
    log_weights = np.full(8, -math.inf)
    for v, h in itertools.product(itertools.product((1, -1), repeat=3), itertools.product((1, -1), repeat=2)):
        energy = sum(
            t * math.prod(z for z, c in zip(v + h, name, strict=True) if c == "Z") for name, t in values.items()
        )
        index = sum((z < 0) << (2 - k) for k, z in enumerate(v))
        log_weights[index] = np.logaddexp(log_weights[index], -energy)
    expected = log_weights - np.logaddexp.reduce(log_weights)
    theta = model.unconstrained(values)
    assert np.allclose(model.state(theta).spectrum().log_eigenvalues, expected, rtol=1e-13, atol=1e-13)
    data = rng.dirichlet(np.ones(8))
    s = CrossEntropy().value(DensityMatrix.from_probabilities(data, (2, 2, 2)), model.state(theta))
    assert s == pytest.approx(-data @ expected, rel=1e-13)


def test_uncoupled_hidden_units_leave_the_visible_gibbs_state():
    rng = np.random.default_rng(8)
    visible = ["XXI", "ZII", "IYI"]
    theta = rng.standard_normal(6)
    model = HiddenGibbsModel(paulis(*visible, "IIX", "IIZ", "IIY"))
    alone = GibbsModel(paulis(*(label[:2] for label in visible))).state(theta[:3])
    assert np.abs(model.state(theta).matrix() - alone.matrix()).max() < 1e-14


def test_a_hidden_site_of_one_level_changes_nothing():
    rng = np.random.default_rng(9)
    matrices = [hermitian(3, rng) for _ in range(3)]
    theta = rng.standard_normal(3)
    model, alone = HiddenGibbsModel(matrices, 1, dims=(3, 1)), GibbsModel(matrices)
    assert model.dims == (3,)
    assert np.abs(model.state(theta).matrix() - alone.state(theta).matrix()).max() < 1e-14
    rho = ginibre((3,), rng)
    both = (model, alone)
    gradients = [m.state_vjp(theta)[1](CrossEntropy().value_and_cotangent(rho, m.state(theta))[1]) for m in both]
    assert np.abs(gradients[1]).max() > 1e-2
    assert np.allclose(*gradients, rtol=0, atol=1e-13)


def test_one_visible_level():
    model = HiddenGibbsModel([np.diag([0.0, 1.0]), [[0, 1], [1, 0]]], 1, dims=(1, 2))
    sigma, pull = model.state_vjp([0.3, -2.0])
    assert sigma.matrix() == pytest.approx(np.ones((1, 1)))
    assert np.abs(pull(CrossEntropy().value_and_cotangent(maximally_mixed((1,)), sigma)[1])).max() < 1e-15


def test_sites_may_come_in_any_order():
    theta = np.random.default_rng(10).standard_normal(4)
    first = HiddenGibbsModel(paulis("XZY", "YIX", "ZZI", "IXX"), hidden=[0]).state(theta).matrix()
    last = HiddenGibbsModel(paulis("ZYX", "IXY", "ZIZ", "XXI"), hidden=[2]).state(theta).matrix()
    assert np.abs(first - last).max() < 1e-14


@pytest.mark.parametrize("name", DIAGONAL)
def test_strong_fields_underflow_nowhere(name):
    """The probabilities of float64 end at e^-745; S and its gradient do not."""
    model = FAMILIES[name]()
    theta = 1e4 * model.init_params(np.random.default_rng(11))
    sigma, pull = model.state_vjp(theta)
    assert isinstance(sigma, GibbsState)
    logs = sigma.spectrum().log_eigenvalues
    assert logs.min() < -1000
    assert np.isfinite(logs).all()
    value, cotangent = CrossEntropy().value_and_cotangent(maximally_mixed(model.dims), sigma)
    assert value == pytest.approx(-logs.mean(), rel=1e-12)
    assert np.isfinite(pull(cotangent)).all()


def test_many_hidden_units_without_their_space():
    """8 visible and 24 hidden units: a joint space of 2^32 dimensions."""
    model = semi_quantum_restricted(8, 24)
    theta = model.init_params(np.random.default_rng(12), scale=0.2)
    sigma, pull = model.state_vjp(theta)
    assert sigma.probabilities().sum() == pytest.approx(1, abs=1e-13)
    rho = DensityMatrix.from_probabilities(np.random.default_rng(13).dirichlet(np.ones(256)), (2,) * 8)
    loss, direction = CrossEntropy(), np.random.default_rng(14).standard_normal(model.n_params)
    slope = pull(loss.value_and_cotangent(rho, sigma)[1]) @ direction
    ends = [loss.value(rho, model.state(theta + h * direction)) for h in (1e-5, -1e-5)]
    assert abs(slope) > 1e-2
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-7)


def test_a_target_that_the_factor_cannot_resolve_costs_infinity():
    """Eigenvalues below 1e-31 of the largest count as zero: S is +inf there, never a wrong finite number."""
    model = HiddenGibbsModel(paulis("ZI", "IZ", "XX"))
    assert model.method == "dense"
    s = model.state_vjp([500.0, 500.0, 1e-300])[0]
    assert CrossEntropy().value_and_cotangent(basis_state("0"), s)[0] == math.inf


# fits -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dense", "dense, two", "dense, qutrit", "blocks", "closed form"])
def test_fit_reaches_a_target_of_its_own_family(name):
    model = FAMILIES[name]()
    rho = model.state(model.init_params(np.random.default_rng(20), scale=1.0))
    result = fit(model, rho, seed=3, restarts=2, max_iterations=3000, gradient_tolerance=1e-7, progress=False)
    assert result.history.gap[0] > 1e-3
    assert abs(result.gap) < 1e-8


@pytest.mark.parametrize("name", ["dense", "closed form"])
def test_a_saved_result_keeps_what_the_state_knows(name, tmp_path):
    model = FAMILIES[name]()
    result = fit(model, maximally_mixed(model.dims), seed=0, max_iterations=3, progress=False)
    result.save(tmp_path / "result.npz")
    again = FitResult.load(tmp_path / "result.npz")
    assert type(again.state) is type(result.state)
    before, after = (r.state.spectrum().log_eigenvalues for r in (result, again))
    assert np.allclose(before, after, rtol=0, atol=1e-14)


# sentences ------------------------------------------------------------------------------------------------------------


@every(
    "make, sentence",
    [
        (lambda: HiddenGibbsModel(paulis("XX"), 0), "none is hidden: use GibbsModel"),
        (lambda: HiddenGibbsModel(paulis("XX"), []), "none is hidden"),
        (lambda: HiddenGibbsModel(paulis("XX"), 2), "none is visible"),
        (lambda: HiddenGibbsModel(paulis("XX"), [0, 1]), "none is visible"),
        (lambda: HiddenGibbsModel(paulis("XX"), 3), "hidden must be an integer from 0 to 2"),
        (lambda: HiddenGibbsModel(paulis("XX"), [2]), "hidden must be sites from 0 to 1"),
        (lambda: HiddenGibbsModel(paulis("XX"), [1, 1]), "distinct"),
        (lambda: semi_quantum_restricted(0, 1), "n_visible"),
        (lambda: semi_quantum_restricted(1, 1, "XW"), "letters must be distinct ones of X, Y and Z"),
        (lambda: semi_quantum_restricted(1, 1, "XX"), "letters must be distinct"),
        (lambda: semi_quantum_restricted(1, 1, ""), "letters must be distinct"),
        (lambda: quantum_em(GibbsModel(paulis("X")), basis_state("0")), "must be a HiddenGibbsModel"),
        (lambda: quantum_em(semi_quantum_restricted(1, 1), maximally_mixed((2, 2))), "dims"),
    ],
)
def test_sentences(make, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        make()


def test_repr():
    assert (
        repr(semi_quantum_restricted(2, 1)) == "HiddenGibbsModel(dims=(2, 2), hidden=(2,), 11 generators, closed form)"
    )


def test_closed_forms_hold_at_any_size_of_the_parameters():
    model = HiddenGibbsModel(paulis("ZZ", "IX"))
    assert model.method == "closed form"
    assert model.state([1e160, -1e160]).probabilities() == pytest.approx([0.5, 0.5], abs=1e-15)
