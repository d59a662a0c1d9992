"""scikit-learn's own checks of the estimators, and what they are for."""

import itertools
from unittest import SkipTest

import numpy as np
import pytest
from helpers.cases import every
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris, load_wine, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from qml import pauli
from qml._checks import InputError, MemoryRefused
from qml.estimators import (
    DensityEstimator,
    QuantumBoltzmannMachine,
    QuantumCircuitClassifier,
    QuantumCrossEntropyClassifier,
)
from qml.losses import cross_entropy
from qml.models import ConditionalGibbsModel

FAST = [QuantumCrossEntropyClassifier(), QuantumBoltzmannMachine(), DensityEstimator()]
SLOW = [
    QuantumCrossEntropyClassifier("hermitian", labels="rank_one"),
    QuantumCrossEntropyClassifier("hermitian", loss="likelihood", random_state=0),
    QuantumBoltzmannMachine("transverse", data="rank_one", alpha=0.1, max_iter=3),
    QuantumCircuitClassifier(restarts=1, random_state=0),
]

NEED_MORE = ("check_sample_weights_pandas_series", "check_array_api_input", "check_classifier_data_not_an_array")


def checks(estimators):
    found = [pair for e in estimators for pair in estimator_checks_generator(e, mark=None)]
    return [pytest.param(*pair, id=f"{type(pair[0]).__name__}-{k}-{name(pair[1])}") for k, pair in enumerate(found)]


def name(check):
    return check.func.__name__


def run(estimator, check):
    try:
        check(estimator)
    except SkipTest:  # scikit-learn's, where a check needs pandas or an array API
        assert name(check) in NEED_MORE


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("estimator", "check"), checks(FAST))
def test_scikit_learn_accepts(estimator, check):
    run(estimator, check)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("estimator", "check"), checks(SLOW))
def test_scikit_learn_accepts_the_others(estimator, check):
    run(estimator, check)


def iris():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), np.array(["setosa", "versicolor", "virginica"])[y]


def test_pipeline_and_grid_search():
    X, y = load_iris(return_X_y=True)
    ours = GridSearchCV(
        make_pipeline(StandardScaler(), QuantumCrossEntropyClassifier(tol=1e-6)),
        {"quantumcrossentropyclassifier__C": [0.01, 1.0]},
        scoring="neg_log_loss",
        cv=3,
    ).fit(X, y)
    theirs = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8))
    assert ours.best_params_ == {"quantumcrossentropyclassifier__C": 1.0}
    assert ours.best_score_ == pytest.approx(
        cross_val_score(theirs, X, y, cv=3, scoring="neg_log_loss").mean(), abs=1e-4
    )
    assert ours.score(X, y) > -0.2


def test_labels_keep_their_names_and_score_is_accuracy():
    X, y = iris()
    model = QuantumCrossEntropyClassifier().fit(X, y)
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert model.score(X, y) == (model.predict(X) == y).mean() > 0.95
    p = model.predict_proba(X)
    own = p[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    assert model.cross_entropy(X, y) == pytest.approx(-np.log(own).mean(), rel=1e-12)
    with pytest.raises(InputError, match="classes of the fit"):
        model.cross_entropy(X[:1], ["rose"])


def test_weights_count_samples():
    X, y = iris()
    weights = np.random.default_rng(0).integers(0, 3, len(y))
    one = QuantumCrossEntropyClassifier(tol=1e-9).fit(X, y, weights)
    other = QuantumCrossEntropyClassifier(tol=1e-9).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    assert np.allclose(one.coef_, other.coef_, atol=1e-6)
    theirs = LogisticRegression(tol=1e-8, solver="newton-cholesky").fit(X, y, weights)
    assert np.allclose(one.coef_, theirs.coef_, atol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
def test_units_of_the_inputs_do_not_slow_the_fit(bias):
    """Wine as it is: features from 0.1 to 1680. The optimum is that of the inputs as given, penalty included."""
    X, y = load_wine(return_X_y=True)
    ours = QuantumCrossEntropyClassifier(C=0.1, fit_intercept=bias, tol=1e-9).fit(X, y)
    theirs = LogisticRegression(C=0.1, fit_intercept=bias, solver="newton-cholesky", tol=1e-10).fit(X, y)
    assert ours.n_iter_ < 200
    assert np.allclose(ours.coef_, theirs.coef_, atol=1e-6)
    assert np.allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
    p = ours.model_.states(ours.params_, X).probabilities()
    assert np.allclose(p, ours.predict_proba(X), atol=1e-12)


@pytest.mark.parametrize("strength", [1e-3, 1e4])
def test_penalties_of_any_strength_take_few_steps(strength):
    """L-BFGS takes 1355 of them for C = 1e4."""
    X, y = load_breast_cancer(return_X_y=True)
    ours = QuantumCrossEntropyClassifier(C=strength).fit(X, y)
    theirs = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-10).fit(X, y)
    assert ours.n_iter_ <= 30
    assert np.allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_inputs_of_any_size_have_the_same_predictions_where_weights_are_free(unit):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    y = (X[:, 0] + 0.5 * rng.normal(size=40) > 0).astype(int)
    here, there = (QuantumCrossEntropyClassifier(C=np.inf).fit(s * X, y).predict_proba(s * X) for s in (1.0, unit))
    assert np.abs(here - 0.5).max() > 0.4
    assert there == pytest.approx(here, abs=1e-7)


def test_a_feature_that_is_the_same_in_all_samples_weighs_nothing():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = (X[:, 0] + 0.5 * rng.normal(size=60) > 0).astype(int)
    wide = np.column_stack([X, np.full(60, 0.1)])
    fitted = QuantumCrossEntropyClassifier(C=np.inf).fit(wide, y)
    assert fitted.coef_[0, 2] == 0
    without = QuantumCrossEntropyClassifier(C=np.inf).fit(X, y)
    assert fitted.predict_proba(wide) == pytest.approx(without.predict_proba(X), abs=1e-7)


def test_off_diagonal_generators_gain_nothing_for_diagonal_labels():
    X, y = iris()
    classical = QuantumCrossEntropyClassifier(tol=1e-9).fit(X, y)
    quantum = QuantumCrossEntropyClassifier("hermitian", tol=1e-9).fit(X, y)
    assert quantum.result_.loss == pytest.approx(classical.result_.loss, abs=1e-12)
    assert np.allclose(quantum.predict_proba(X), classical.predict_proba(X), atol=1e-6)
    with pytest.raises(AttributeError, match="diagonal"):
        _ = quantum.coef_


def test_pooled_labels_are_pure_states_of_their_frequencies():
    """The perceptron of Wiersema and Kappen: with a field for every input, the frequencies are learnt."""
    X = np.repeat(np.eye(3), 10, axis=0)
    y = np.concatenate([np.arange(10) < k for k in (2, 5, 9)]).astype(int)
    model = QuantumCrossEntropyClassifier("hermitian", labels="rank_one", C=1e3, tol=1e-7).fit(X, y)
    assert model.predict_proba(np.eye(3))[:, 1] == pytest.approx([0.2, 0.5, 0.9], abs=0.01)
    q = np.array([[0.8, 0.2], [0.5, 0.5], [0.1, 0.9]])
    batch = model.result_.target
    assert np.allclose(sorted(map(tuple, batch.probabilities())), sorted(map(tuple, q)))
    assert np.allclose(batch.purity(), 1.0)


def test_the_measured_likelihood_makes_use_of_generators_that_do_not_commute():
    """Labels flipped with probability 0.15: a logit that grows with x can't stand for it, a tilted field can."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-4, 4, (2000, 1))
    y = (X[:, 0] > 0) ^ (rng.random(2000) < 0.15)
    options = {"loss": "likelihood", "C": np.inf, "random_state": 1}
    models = [QuantumCrossEntropyClassifier(g, **options).fit(X, y) for g in ("diagonal", "hermitian")]
    assert models[1].result_.loss < models[0].result_.loss - 0.02
    assert models[1].predict_proba([[4.0]])[0, 1] == pytest.approx(0.85, abs=0.03)


def test_own_generators_may_have_more_levels_than_classes():
    X, y = iris()
    model = QuantumCrossEntropyClassifier([pauli("ZI"), pauli("IZ"), pauli("ZZ")], tol=1e-6).fit(X, y)
    assert model.model_.dims == (2, 2)
    assert np.allclose(model.predict_proba(X).sum(axis=1), 1.0)
    assert model.score(X, y) > 0.9


def test_a_level_that_takes_all_probability_leaves_none_for_the_classes():
    """Of three levels the last wins for large inputs; float64 has nothing left of the others."""
    x = np.array([[0.0], [1.0]])
    fitted = QuantumCrossEntropyClassifier(generators=[np.diag([0.0, 0, -1])]).fit(x, [0, 1])
    fitted.params_ = np.array([0.0, 1000.0])
    assert fitted.predict_proba([[0.5]]) == pytest.approx(0.5)
    with pytest.raises(InputError, match="must give classes a probability; found none at row 1 of X"):
        fitted.predict_proba(x)


def test_a_fit_that_is_cut_short_warns():
    X, y = iris()
    with pytest.warns(ConvergenceWarning, match="raise max_iter\\."):
        QuantumCrossEntropyClassifier(max_iter=2).fit(X, y)


def test_numbers_that_float64_does_not_hold_are_told():
    X, y = iris()
    for options, x, weight, message in (
        ({}, X, 1e307, "sample_weight must have a sum above 0"),
        ({}, X, 5e-324, "too large or too small for float64"),
        ({"C": 5e-324}, X, 1.0, "too large or too small for float64"),
        ({"C": np.inf}, X * 1e-320, 1.0, "too large or too small for float64"),
    ):
        with pytest.raises(InputError, match=message):
            QuantumCrossEntropyClassifier(**options).fit(x, y, sample_weight=np.full(len(y), weight))


@every(
    "options, message",
    [
        ({"generators": "diagnal"}, "did you mean 'diagonal'"),
        ({"generators": [pauli("Z")]}, "at least 3 levels"),
        ({"labels": "pure"}, "labels must be one of"),
        ({"loss": "hinge"}, "loss must be one of"),
        ({"C": 0.0}, "C must be greater than 0"),
        ({"label_noise": 2.0}, "label_noise must be"),
        ({"C": "1"}, "C must be a real number that float64 holds; found '1'"),
        ({"tol": -1.0}, "tol must be"),
        ({"max_iter": 0}, "max_iter must be an integer of at least 1"),
        ({"fit_intercept": "no"}, "fit_intercept must be True or False; found 'no'"),
        ({"verbose": 2}, "verbose must be True or False"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        QuantumCrossEntropyClassifier(**options).fit(*iris())


def moons(m=60):
    X, y = make_moons(m, noise=0.1, random_state=0)
    return StandardScaler().fit_transform(X), np.array(["lower", "upper"])[y]


def test_circuits_bend_their_boundary_in_a_pipeline():
    X, y = moons()
    options = {"restarts": 1, "tol": 1e-2, "random_state": 1}
    model = clone(make_pipeline(StandardScaler(), QuantumCircuitClassifier(**options))).fit(X, y)
    assert model.score(X, y) > 0.95 > LogisticRegression().fit(X, y).score(X, y)
    p = model.predict_proba(X)
    own = p[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    assert model[-1].result_.loss == pytest.approx(-np.log(own).mean(), rel=1e-9)


def test_weights_of_a_circuit_count_samples():
    X, y = moons(12)
    weights = np.random.default_rng(0).integers(0, 3, len(y))
    options = {"layers": 1, "restarts": 1, "tol": 1e-3, "random_state": 0}
    one = QuantumCircuitClassifier(**options).fit(X, y, weights)
    other = QuantumCircuitClassifier(**options).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    assert (one.params_ == other.params_).all()


def test_any_conditional_model_will_do():
    """Logistic regression as a model of its own: the cross entropy of label states with noise."""
    X, y = moons()

    def build(n_features, n_classes):
        return ConditionalGibbsModel([pauli("Z")], n_features)

    ours = QuantumCircuitClassifier(model=build, loss="cross_entropy", label_noise=0.1, tol=1e-9).fit(X, y)
    theirs = QuantumCrossEntropyClassifier(C=np.inf, label_noise=0.1, tol=1e-9).fit(X, y)
    assert np.allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "hinge"}, "loss must be one of"),
        ({"layers": 0}, "layers must be an integer of at least 1"),
        ({"ancillas": -1}, "n_ancilla must be"),
        ({"restarts": 0}, "restarts must be an integer of at least 1"),
        ({"model": 3}, "model must be a function of the numbers of features and classes; found int"),
        ({"model": lambda n, c: n}, "must return a ConditionalModel; found int"),
        ({"model": lambda n, c: ConditionalGibbsModel([pauli("Z")], n)}, "at least 3 levels"),
    ],
)
def test_what_circuits_refuse(options, message):
    with pytest.raises(InputError, match=message):
        QuantumCircuitClassifier(**options).fit(*iris())


def correlated_bits(m=400):
    rng = np.random.default_rng(0)
    first = rng.integers(0, 2, m)
    return np.column_stack([first, first ^ (rng.random(m) < 0.1), rng.integers(0, 2, m)])


STRINGS = np.array(list(itertools.product([0, 1], repeat=3)))


@pytest.mark.parametrize("generators", ["ising", "transverse", "pairs"])
def test_boltzmann_machine_of_diagonal_data_matches_moments(generators):
    X = correlated_bits()
    machine = QuantumBoltzmannMachine(generators, alpha=0.0, tol=1e-9).fit(X)
    p = np.exp(machine.score_samples(STRINGS))
    assert p.sum() == pytest.approx(1.0)
    spins, model_spins = 1 - 2 * X, 1 - 2 * STRINGS
    assert np.allclose(spins.mean(axis=0), p @ model_spins, atol=1e-7)
    assert np.allclose(spins.T @ spins / len(X), (model_spins.T * p) @ model_spins, atol=1e-7)
    assert machine.score(X) == pytest.approx(-float(cross_entropy(machine.result_.target, machine.state_)), abs=1e-7)


def test_boltzmann_machine_samples():
    machine = QuantumBoltzmannMachine(alpha=0.0, random_state=3).fit(correlated_bits())
    drawn = machine.sample(20_000)
    shares = np.bincount(drawn @ [4, 2, 1], minlength=8) / len(drawn)
    p = np.exp(machine.score_samples(STRINGS))
    assert (np.abs(shares - p) < 5 * np.sqrt(p / len(drawn))).all()
    assert (machine.sample(5) == machine.sample(5)).all()


def test_rank_one_data_use_the_transverse_field():
    X = correlated_bits()
    classical = QuantumBoltzmannMachine(data="rank_one").fit(X)
    quantum = QuantumBoltzmannMachine("transverse", data="rank_one").fit(X)
    assert quantum.result_.loss < classical.result_.loss - 0.1


def test_the_parity_of_sampled_bits_is_learnt_from_pairs():
    bits = np.random.default_rng(1).integers(0, 2, (60, 2))
    X = np.column_stack([bits, bits.sum(axis=1) % 2])
    q = np.bincount(X @ [4, 2, 1], minlength=8) / len(X)
    entropy = -(q[q > 0] * np.log(q[q > 0])).sum()
    quantum = QuantumBoltzmannMachine("pairs", data="rank_one", alpha=1e-6).fit(X)
    classical = QuantumBoltzmannMachine(alpha=1e-6).fit(X)
    assert quantum.score(X) == pytest.approx(-entropy, abs=0.02)
    assert classical.score(X) < -entropy - 0.5


def test_boltzmann_machine_refuses():
    with pytest.raises(InputError, match="0 and 1 only"):
        QuantumBoltzmannMachine(binarize=None).fit([[0.5, 1.0]])
    with pytest.raises(InputError, match="generators must be one of"):
        QuantumBoltzmannMachine("izing").fit(STRINGS)
    with pytest.raises(MemoryRefused, match="fewer features"):
        QuantumBoltzmannMachine().fit(np.eye(50))
