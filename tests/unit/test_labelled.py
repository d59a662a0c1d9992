"""The losses of labelled data: values, weights, infinities, and what is refused."""

import numpy as np
import pytest
from helpers.cases import every
from hypothesis import given
from hypothesis import strategies as st

from qml import fit, pauli
from qml._checks import InputError
from qml.losses import Labelled, MeanCrossEntropy, cross_entropy, label_states
from qml.losses.labelled import LabelLikelihood
from qml.models import ConditionalGibbsModel
from qml.states import DensityMatrix, GibbsState, ginibre

BITS = ConditionalGibbsModel([pauli("X"), pauli("Z")], n_inputs=1)
LABELLED = Labelled([[0.0], [1.0]], label_states([0, 1], 2))


def pairs(seed=0, count=4):
    rng = np.random.default_rng(seed)
    return ginibre((3,), rng, batch=count), ginibre((3,), rng, batch=count)


def test_mean_of_the_single_cross_entropies():
    rho, sigma = pairs()
    weights = np.array([1.0, 3.0, 0.0, 4.0])
    single = np.array([float(cross_entropy(rho[k], sigma[k])) for k in range(4)])
    assert MeanCrossEntropy().value(rho, sigma) == pytest.approx(single.mean(), rel=1e-14)
    assert MeanCrossEntropy(weights).value(rho, sigma) == pytest.approx(single @ weights / 8, rel=1e-14)
    assert MeanCrossEntropy(weights).floor(rho) == pytest.approx(float(rho.entropy() @ weights / 8), rel=1e-13)
    assert MeanCrossEntropy().value(rho, rho) == pytest.approx(MeanCrossEntropy().floor(rho), rel=1e-13)


def test_infinite_where_a_label_leaves_the_support_unless_its_weight_is_zero():
    sigma = DensityMatrix.from_probabilities([[1.0, 0.0], [0.5, 0.5]])
    rho = label_states([1, 0], 2)
    for loss in (MeanCrossEntropy, LabelLikelihood):
        assert loss().value_and_cotangent(rho, sigma) == (np.inf, None)
        assert loss([0.0, 1.0]).value(rho, sigma) == pytest.approx(np.log(2), rel=1e-15)
        cotangent = loss([0.0, 1.0]).value_and_cotangent(rho, sigma)[1]
        assert np.isfinite(cotangent).all()


def test_why_it_is_infinite_names_the_label() -> None:
    labels, pure = label_states([0, 1], 2), label_states([0, 0], 2)
    for loss in (MeanCrossEntropy(), LabelLikelihood()):
        assert loss.value(labels, pure) == np.inf
        assert loss.why_infinite(labels, pure) == "1 of the weight of rho_1 lies outside the support of sigma"
        assert loss.why_infinite(labels, labels) == ""


@given(st.integers(0, 10**6), st.floats(0.1, 20.0))
def test_measured_labels_cost_no_more_than_the_cross_entropy(seed, strength):
    """Jensen, for diagonal labels; equality for diagonal states."""
    rng = np.random.default_rng(seed)
    k = rng.normal(size=(5, 3, 3)) * strength
    labels = label_states(rng.integers(0, 3, 5), 3, noise=0.1)
    sigma, diagonal = GibbsState(k + k.swapaxes(1, 2)), GibbsState(k[:, 0], diagonal=True)
    assert LabelLikelihood().value(labels, sigma) <= MeanCrossEntropy().value(labels, sigma) + 1e-12
    both = LabelLikelihood().value(labels, diagonal), MeanCrossEntropy().value(labels, diagonal)
    assert both[0] == pytest.approx(both[1], rel=1e-9)


def test_floor_of_the_likelihood_is_reached_by_the_label_distribution():
    rho = label_states([0, 1, 2], 3, noise=0.3)
    assert LabelLikelihood([1, 2, 1]).value(rho, rho) == pytest.approx(LabelLikelihood([1, 2, 1]).floor(rho), rel=1e-14)


def test_label_states():
    p = label_states([2, 0], 3, noise=0.3).probabilities()
    assert np.allclose(p, [[0.1, 0.1, 0.8], [0.8, 0.1, 0.1]])
    assert label_states([0], 4).dims == (2, 2)
    soft = label_states([[0.9, 0.1, 0.0], [0.0, 0.0, 1.0]], 3, noise=0.3).probabilities()
    assert np.allclose(soft, [[0.73, 0.17, 0.1], [0.1, 0.1, 0.8]])


@every(
    "make, message",
    [
        (lambda: MeanCrossEntropy([-1.0, 2.0]), "non-negative"),
        (lambda: MeanCrossEntropy([0.0, 0.0]), "a sum above 0"),
        (lambda: MeanCrossEntropy([1.0]).accept(label_states([0, 1], 2), (2,)), "one a label, 2 here; found 1"),
        (lambda: MeanCrossEntropy().accept(label_states([0, 1], 2), (3,)), r"batch \(m,\) of states on sites \(3,\)"),
        (lambda: MeanCrossEntropy().accept(np.eye(2) / 2, (2,)), "batch shape"),
        (lambda: MeanCrossEntropy().value(*[label_states([0] * m, 2) for m in (2, 3)]), "equally many states"),
        (lambda: fit(BITS, LABELLED, loss="infidelity"), "labelled data need a loss of labels, mean_cross_entropy or"),
        (lambda: label_states([0, 3], 3), "from 0 to 2"),
        (lambda: label_states([0.5], 3), "integers"),
        (lambda: label_states([], 3), "integers"),
        (lambda: label_states(["a"], 3), "labels must be an array of numbers"),
        (lambda: label_states([[0.5, 0.5]], 3), r"shape \(m, 3\); found shape \(1, 2\)"),
        (lambda: label_states([[0.5, 0.6]], 2), "labels must sum to one"),
        (lambda: label_states([0], 3, noise=1.5), "noise must be"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_the_likelihood_of_labels_follows_the_support_policy() -> None:
    """A population that is zero to rounding is zero, in whatever basis it was computed; one that is read off counts."""
    rng = np.random.default_rng(0)
    labels = label_states([1], 3)
    for _ in range(20):  # sigma has no population at 1, up to rounding of either sign
        u = np.eye(3, dtype=complex)
        u[np.ix_([0, 2], [0, 2])] = np.linalg.qr(rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2)))[0]
        matrix = (u * np.array([0.3, rng.uniform(-1, 1) * 1e-16, 0.7])) @ u.conj().T
        sigma = DensityMatrix._trusted(matrix[None], (3,))
        assert LabelLikelihood().value_and_cotangent(labels, sigma) == (np.inf, None)
    small = DensityMatrix.from_probabilities([[1 - 1e-17, 1e-17, 0.0]], (3,))
    assert LabelLikelihood().value(labels, small) == pytest.approx(17 * np.log(10), rel=1e-12)
    computed = DensityMatrix(np.array([np.diag([0.5, 1e-8, 0.5 - 1e-8])]) + 0j, (3,))
    assert LabelLikelihood().value(labels, computed) == pytest.approx(8 * np.log(10), rel=1e-9)


def test_the_likelihood_of_labels_at_any_margin_is_the_cross_entropy() -> None:
    labels, sigma = label_states([0, 1], 2), GibbsState([[0.0, 2000.0], [-50.0, 0.0]], (2,), diagonal=True)
    for label, mean in zip(
        LabelLikelihood().value_and_cotangent(labels, sigma),
        MeanCrossEntropy().value_and_cotangent(labels, sigma),
        strict=True,
    ):
        np.testing.assert_array_equal(label, mean)
    assert LabelLikelihood().value(labels, sigma) == pytest.approx(25.0)
    assert LabelLikelihood().value(labels[::-1], sigma) == pytest.approx(1000.0 + np.exp(-50.0) / 2, rel=1e-15)


def test_diagonal_labels_and_states_take_no_matrices(monkeypatch):
    monkeypatch.setattr("qml._checks.available_memory", lambda: 10**7)
    rng, w = np.random.default_rng(0), np.full(2000, 1 / 2000)
    labels = label_states(rng.integers(0, 33, size=2000), 33)
    sigma = GibbsState(rng.normal(size=(2000, 33)), (33,), diagonal=True)
    _, cotangent = MeanCrossEntropy().value_and_cotangent(labels, sigma)
    assert cotangent == pytest.approx(w[:, None] * (labels.probabilities() - sigma.probabilities()), abs=1e-18)
