"""Softmax regression by conditional Gibbs states, beside scikit-learn's; separable data by the linear program."""

import itertools

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from qml import fit
from qml._checks import InputError
from qml.classical import separates, separating_direction
from qml.estimators import QuantumCrossEntropyClassifier
from qml.losses import MeanCrossEntropy, label_states
from qml.models import ConditionalGibbsModel
from qml.states import GibbsState


def scaled(load, rows=None, columns=None):
    X, y = load(return_X_y=True)
    X, y = X[rows or slice(None)], y[rows or slice(None)]
    X = X[:, X.std(axis=0) > 0][:, columns or slice(None)]
    return StandardScaler().fit_transform(X), y


def theirs(X, y, C):
    return LogisticRegression(C=C, solver="newton-cholesky", tol=1e-13, max_iter=1000).fit(X, y)


def objective(model, X, y, C):
    """What both minimise, in nats a sample."""
    return log_loss(y, model.predict_proba(X)) + np.square(model.coef_).sum() / (2 * C * len(y))


def centered(intercept):
    """Adding one number to all logits changes nothing."""
    return intercept - intercept.mean() if len(intercept) > 1 else intercept


def name(case):
    return case[0]


PENALISED = [
    ("iris", load_iris, None, None),
    ("wine", load_wine, None, None),
    ("breast cancer", load_breast_cancer, None, None),
    ("digits", load_digits, slice(200), None),
    pytest.param(("all digits", load_digits, None, None), marks=pytest.mark.slow),  # 1797 images of 8 x 8
]
# without a penalty a maximum exists only where no direction separates; these columns are such
FREE = [
    ("iris", load_iris, slice(50, None), [0, 1, 2, 3]),
    ("wine", load_wine, None, [0, 1, 2]),
    ("breast cancer", load_breast_cancer, None, [0, 1, 4, 5]),
    pytest.param(("digits", load_digits, None, [20, 26, 34, 43]), marks=pytest.mark.slow),
]


@pytest.mark.parametrize("case", PENALISED, ids=name)
@pytest.mark.parametrize("C", [1.0, 0.05])
def test_with_a_penalty_the_optimum_is_that_of_scikit_learn(case, C):
    X, y = scaled(*case[1:])
    ours, their = QuantumCrossEntropyClassifier(C=C, tol=3e-10).fit(X, y), theirs(X, y, C)
    assert objective(ours, X, y, C) == pytest.approx(objective(their, X, y, C), abs=1e-12)
    assert ours.cross_entropy(X, y) == pytest.approx(log_loss(y, their.predict_proba(X)), abs=1e-8)
    assert np.allclose(ours.coef_, their.coef_, atol=3e-7)
    assert np.allclose(centered(ours.intercept_), centered(their.intercept_), atol=3e-6)


@pytest.mark.parametrize("case", FREE, ids=name)
def test_without_a_penalty_too_where_a_maximum_exists(case):
    X, y = scaled(*case[1:])
    ours, their = QuantumCrossEntropyClassifier(C=np.inf, tol=1e-9).fit(X, y), theirs(X, y, np.inf)
    assert log_loss(y, ours.predict_proba(X)) == pytest.approx(log_loss(y, their.predict_proba(X)), abs=1e-10)
    assert ours.cross_entropy(X, y) == pytest.approx(log_loss(y, their.predict_proba(X)), abs=1e-8)
    assert np.allclose(ours.predict_proba(X), their.predict_proba(X), atol=1e-6)


def test_the_library_alone_learns_the_same():
    """No estimator: projectors as generators, labels as states, fit."""
    X, y = scaled(load_wine, None, [0, 1, 2])
    model = ConditionalGibbsModel([np.diag(row) for row in np.eye(3)], 3)
    result = fit(model.at(X), label_states(y, 3), loss=MeanCrossEntropy(), seed=0)
    assert result.loss == pytest.approx(log_loss(y, theirs(X, y, np.inf).predict_proba(X)), abs=1e-10)


@pytest.mark.parametrize("case", PENALISED, ids=name)
def test_separable_data_have_no_finite_maximum_and_it_is_said(case):
    X, y = scaled(*case[1:])
    with pytest.raises(InputError, match="the likelihood has no finite maximum"):
        QuantumCrossEntropyClassifier(C=np.inf, tol=1e-4).fit(X, y)
    noisy = QuantumCrossEntropyClassifier(C=np.inf, tol=1e-4, label_noise=0.1)
    assert np.isfinite(noisy.fit(X, y).params_).all()


@pytest.mark.parametrize("case", [PENALISED[0], PENALISED[1], FREE[0], FREE[2]], ids=name)
def test_the_direction_separates(case):
    X, y = scaled(*case[1:])
    design = np.column_stack([np.ones(len(X)), X])
    y = y - y.min()
    found = separating_direction(design, y, y.max() + 1)
    if case in FREE:
        assert found is None
        return
    margins = (design @ found.T)[np.arange(len(y)), y][:, None] - design @ found.T
    assert margins.min() > -1e-7
    assert margins.max() > 0.01
    losses = [
        MeanCrossEntropy().value(label_states(y, len(found)), softmax_states(t * design @ found.T)) for t in range(4)
    ]
    assert all(b < a for a, b in itertools.pairwise(losses))


def softmax_states(logits):
    return GibbsState(-logits, diagonal=True)


def test_quasi_complete_separation_is_found():
    """One tie on the boundary: no strict separation, and still no finite maximum."""
    x = np.column_stack([np.ones(5), [-2.0, -1.0, 0.0, 0.0, 1.0]])
    y = np.array([0, 0, 0, 1, 1])
    assert not separates(np.array([[0.0, 0.0], [0.0, 1.0]]), x, y)
    assert separating_direction(x, y, 2) is not None
    with pytest.raises(InputError, match="no finite maximum"):
        QuantumCrossEntropyClassifier(C=np.inf).fit(x[:, 1:], y)
    assert separates(np.array([[0.0, 0.0], [0.0, 1.0]]), x[[0, 1, 4]], y[[0, 1, 4]])


@pytest.mark.parametrize("offset", [1e6, 1e9, 1e12])
def test_a_feature_far_from_zero_is_separated_as_one_near_it(offset):
    """As seconds since 1970: a shift beside a bias changes no statement about separation."""
    x = np.column_stack([np.ones(6), offset + np.arange(6.0)])
    for y, is_separable in (([0, 0, 0, 1, 1, 1], True), ([0, 1, 0, 1, 0, 1], False), ([0, 0, 1, 1, 2, 2], False)):
        found = separating_direction(x, y, 2 + (2 in y))
        assert (found is not None) == (is_separable or 2 in y)
        if found is not None:
            margins = (x @ found.T)[np.arange(6), y][:, None] - x @ found.T
            assert margins.min() > -1e-3 * margins.max()


def test_columns_that_depend_on_each_other_change_nothing():
    x = np.column_stack([np.ones(4), np.arange(4.0)])
    for y in ([0, 0, 1, 1], [0, 1, 0, 1]):
        again = separating_direction(np.column_stack([x, 2 * x, np.zeros(4)]), y, 2)
        assert (again is None) == (separating_direction(x, y, 2) is None)
