"""Regression to NIST's published digits, and backpropagation under every likelihood."""

import math
import tracemalloc

import mpmath
import numpy as np
import pytest
import scipy.stats
from helpers.cases import every
from scipy.optimize import check_grad
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import log_loss

from qml._checks import InputError
from qml.classical import (
    LIKELIHOODS,
    BernoulliLikelihood,
    CategoricalLikelihood,
    GaussianLikelihood,
    LaplaceLikelihood,
    Network,
    linear_regression,
    perplexity,
)

# Longley (1967), J. Am. Stat. Assoc. 62, 819; data and certified values: NIST Statistical Reference Datasets,
# https://www.itl.nist.gov/div898/strd/lls/data/Longley.shtml. Columns: y, then the predictors x1 to x6. Compared entry
# by entry with statsmodels 0.15 (statsmodels.datasets.longley), equal; the certified coefficients and errors with those
# in the tests of Apache Commons Math (OLSMultipleLinearRegressionTest) and of the Ruby bindings of GSL, equal to every
# digit.
LONGLEY = np.array(
    [
        [60323, 83.0, 234289, 2356, 1590, 107608, 1947],
        [61122, 88.5, 259426, 2325, 1456, 108632, 1948],
        [60171, 88.2, 258054, 3682, 1616, 109773, 1949],
        [61187, 89.5, 284599, 3351, 1650, 110929, 1950],
        [63221, 96.2, 328975, 2099, 3099, 112075, 1951],
        [63639, 98.1, 346999, 1932, 3594, 113270, 1952],
        [64989, 99.0, 365385, 1870, 3547, 115094, 1953],
        [63761, 100.0, 363112, 3578, 3350, 116219, 1954],
        [66019, 101.2, 397469, 2904, 3048, 117388, 1955],
        [67857, 104.6, 419180, 2822, 2857, 118734, 1956],
        [68169, 108.4, 442769, 2936, 2798, 120445, 1957],
        [66513, 110.8, 444546, 4681, 2637, 121950, 1958],
        [68655, 112.6, 482704, 3813, 2552, 123366, 1959],
        [69564, 114.2, 502601, 3931, 2514, 125368, 1960],
        [69331, 115.7, 518173, 4806, 2572, 127852, 1961],
        [70551, 116.9, 554894, 4007, 2827, 130081, 1962],
    ]
)
CERTIFIED = np.array(
    [
        -3482258.63459582,
        15.0618722713733,
        -0.358191792925910e-01,
        -2.02022980381683,
        -1.03322686717359,
        -0.511041056535807e-01,
        1829.15146461355,
    ]
)
CERTIFIED_ERRORS = np.array(
    [
        890420.383607373,
        84.9149257747669,
        0.334910077722432e-01,
        0.488399681651699,
        0.214274163161675,
        0.226073200069370,
        455.478499142212,
    ]
)
RESIDUAL_DEVIATION = 304.854073561965


def longley():
    return np.column_stack([np.ones(16), LONGLEY[:, 1:]]), LONGLEY[:, 0]


def test_longley_to_the_published_digits():
    design, y = longley()
    found = linear_regression(design, y)
    extended = np.finfo(np.longdouble).eps < 1e-18  # on some machines a long double is a double
    assert np.allclose(found.coefficients, CERTIFIED, rtol=2e-14 if extended else 1e-10, atol=0)
    assert np.allclose(found.standard_errors(design), CERTIFIED_ERRORS, rtol=1e-11, atol=0)
    assert np.linalg.norm(found.residuals) / 3 == pytest.approx(RESIDUAL_DEVIATION, rel=1e-12)  # 16 - 7 = 3^2


def test_least_squares_is_the_maximum_of_the_gaussian_likelihood():
    design, y = longley()
    found = linear_regression(design, y)
    loss = found.likelihood
    assert isinstance(loss, GaussianLikelihood)
    value, slope = loss.value_and_gradient(y, design @ found.coefficients)
    assert found.log_likelihood == pytest.approx(-16 * value, rel=1e-14)
    reference = scipy.stats.norm.logpdf(found.residuals, scale=loss.scale).sum()
    assert found.log_likelihood == pytest.approx(reference, rel=1e-13)
    # no direction of the coefficients, and no other scale, has a larger likelihood
    assert np.abs(design.T @ slope / np.linalg.norm(design, axis=0)).max() < 1e-8 * np.linalg.norm(slope)
    for factor in (0.99, 1.01):
        assert GaussianLikelihood(loss.scale * factor).value(y, design @ found.coefficients) > value


def test_least_absolute_error_is_the_maximum_of_the_laplace_likelihood():
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(41), rng.normal(size=(41, 2))])
    y = x @ [1.0, 2.0, -1.0] + rng.laplace(size=41)
    found = linear_regression(x, y, "laplace")
    theirs = QuantileRegressor(alpha=0.0, solver="highs").fit(x[:, 1:], y)
    assert np.allclose(found.coefficients, [theirs.intercept_, *theirs.coef_], atol=1e-8)
    reference = scipy.stats.laplace.logpdf(found.residuals, scale=found.likelihood.scale).sum()
    assert found.log_likelihood == pytest.approx(reference, rel=1e-12)
    best = found.likelihood.value(y, x @ found.coefficients)
    for moved in found.coefficients + rng.normal(0, 0.05, (20, 3)):
        assert found.likelihood.value(y, x @ moved) > best
    assert linear_regression(x, y).log_likelihood < found.log_likelihood  # here the errors are Laplace's


def test_least_absolute_errors_of_many_targets_take_no_more_room_than_the_design():
    """The median of 801 targets: by a matrix of them squared it would be 10 MB."""
    y = np.random.default_rng(3).laplace(size=801)
    tracemalloc.start()
    try:
        found = linear_regression(np.ones((801, 1)), y, "laplace")
        assert tracemalloc.get_traced_memory()[1] < 1 << 21
    finally:
        tracemalloc.stop()
    assert found.coefficients == pytest.approx([np.median(y)])


@every("likelihood", ["gaussian", "laplace"])
@every("unit", [1e-200, 1e-12, 1e12, 1e200])
def test_regression_does_not_depend_on_the_units(likelihood, unit):
    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(30), rng.normal(size=(30, 2))])
    y = x @ [1.0, -2.0, 0.5] + rng.laplace(size=30)
    here = linear_regression(x, y, likelihood)
    for columns, targets in ((unit, 1.0), (1.0, unit), (unit, unit)):
        found = linear_regression(columns * x, targets * y, likelihood)
        assert found.coefficients * (columns / targets) == pytest.approx(here.coefficients, rel=1e-9)
        assert found.log_likelihood == pytest.approx(here.log_likelihood - 30 * math.log(targets), rel=1e-12)
        if likelihood == "gaussian":
            errors = found.standard_errors(columns * x) * (columns / targets)
            assert errors == pytest.approx(here.standard_errors(x), rel=1e-12)


def test_errors_of_coefficients_follow_the_law_of_student():
    """Of twelve targets and two coefficients: ten degrees of freedom, where normal errors would be too small."""
    rng = np.random.default_rng(11)
    x, w = np.column_stack([np.ones(12), rng.normal(size=12)]), np.array([1.0, -2.0])
    fits = [linear_regression(x, x @ w + 0.3 * rng.normal(size=12)) for _ in range(2000)]
    for column in np.transpose([(found.coefficients - w) / found.standard_errors(x) for found in fits]):
        assert scipy.stats.kstest(column, scipy.stats.t(10).cdf).pvalue > 1e-3
        assert np.var(column) == pytest.approx(10 / 8, abs=0.15)


def test_the_mean_and_the_median():
    y = np.array([0.0, 1.0, 2.0, 10.0, 100.0])
    one = np.ones((5, 1))
    assert linear_regression(one, y).coefficients == pytest.approx([y.mean()])
    assert linear_regression(one, y, "laplace").coefficients == pytest.approx([np.median(y)])


def test_binary_softmax_and_perplexity():
    rng = np.random.default_rng(1)
    z, y = rng.normal(0, 3, (20, 4)), rng.integers(0, 4, 20)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    categorical = CategoricalLikelihood().value(y, z)
    assert categorical == pytest.approx(log_loss(y, p, labels=range(4)), rel=1e-13)
    binary = BernoulliLikelihood().value(y > 1, z[:, 0])
    assert binary == pytest.approx(log_loss(y > 1, 1 / (1 + np.exp(-z[:, 0]))), rel=1e-13)
    two = np.stack([np.zeros(20), z[:, 0]], axis=1)
    assert CategoricalLikelihood().value((y > 1).astype(int), two) == pytest.approx(binary, rel=1e-15)
    assert perplexity(CategoricalLikelihood().value(y, np.zeros((20, 4)))) == pytest.approx(4.0)
    assert BernoulliLikelihood().value([1.0], [-800.0]) == 800.0  # nothing overflows


def targets_for(likelihood, rng, m):
    if likelihood.name == "categorical":
        return rng.integers(0, 3, m)
    return rng.uniform(0, 1, (m, 3)) if likelihood.name == "bernoulli" else rng.normal(size=(m, 3))


@pytest.mark.parametrize("make", LIKELIHOODS.values(), ids=LIKELIHOODS)
def test_backpropagation_under_every_likelihood(make):
    rng, network, likelihood = np.random.default_rng(2), Network([4, 6, 5, 3]), make()
    x, theta = rng.normal(size=(12, 4)), network.init_params(np.random.default_rng(3)) * 1.5
    y = targets_for(likelihood, rng, 12)

    def f(t):
        return network.value_and_gradient(t, x, y, likelihood, decay=0.1)[0]

    def gradient(t):
        return network.value_and_gradient(t, x, y, likelihood, decay=0.1)[1]

    assert np.abs(gradient(theta)).max() > 1e-2
    numeric = np.array([(f(theta + h) - f(theta - h)) / 2e-5 for h in 1e-5 * np.eye(len(theta))])
    assert np.abs(gradient(theta) - numeric).max() < 1e-8
    assert check_grad(f, gradient, theta) < 1e-5


@pytest.mark.parametrize("make", LIKELIHOODS.values(), ids=LIKELIHOODS)
def test_training_beats_the_best_linear_model(make):
    """Targets that bend: a network with a hidden layer learns them, one without cannot."""
    rng, likelihood = np.random.default_rng(0), make()
    x = np.linspace(-2, 2, 40)[:, None]
    inside = np.abs(x) < 1
    y = inside[:, 0].astype(int) if make is CategoricalLikelihood else np.where(inside, 1.0, 0.0)
    outputs = 2 if make is CategoricalLikelihood else 1
    losses = [Network(widths).train(x, y, likelihood, rng, decay=1e-3)[1] for widths in ([1, outputs], [1, 6, outputs])]
    assert losses[1] < losses[0] - 0.05


@every(
    "make, message",
    [
        (lambda: GaussianLikelihood(0.0), "scale must be greater than 0"),
        (lambda: LaplaceLikelihood(-1.0), "scale must be greater than 0"),
        (lambda: GaussianLikelihood().value([1.0], [1.0, 2.0]), "one shape"),
        (lambda: BernoulliLikelihood().value([2.0], [1.0]), "probabilities of 1"),
        (lambda: CategoricalLikelihood().value([0], [1.0]), r"shape \(m, classes\)"),
        (lambda: CategoricalLikelihood().value([2], [[1.0, 0.0]]), "from 0 to 1"),
        (lambda: linear_regression(np.ones((4, 2)), np.arange(4.0)), "linearly independent"),
        (lambda: linear_regression(np.eye(2), [1.0, 2.0]), "no finite maximum"),
        (lambda: linear_regression(np.ones((3, 1)), np.arange(3.0), "huber"), "likelihood must be one of"),
        (lambda: linear_regression([1.0], [1.0]), r"design must have shape \(m, p\)"),
        (
            lambda: linear_regression([[1.0]], [1.0, 2.0]),
            r"targets must have shape \(1,\), one number a row of the design",
        ),
        (
            lambda: linear_regression(np.ones((3, 1)), np.arange(3.0), "laplace").standard_errors([[1.0]]),
            "normal errors",
        ),
        (
            lambda: linear_regression(1e-200 * np.ones((3, 1)), 1e200 * np.arange(3.0)),
            "units in which float64 holds the coefficients",
        ),
        (
            lambda: linear_regression(np.ones((3, 1)), np.arange(3.0)).standard_errors(np.zeros((3, 1))),
            "linearly independent",
        ),
        (
            lambda: linear_regression(np.ones((3, 1)), np.arange(3.0)).standard_errors(np.ones((2, 1))),
            r"design must be that of the regression, of shape \(3, 1\); found shape \(2, 1\)",
        ),
        (lambda: Network([3]), "inputs and the outputs"),
        (lambda: Network([2, 1]).outputs(np.zeros(3), [[1.0]]), r"inputs must have shape \(m, 2\)"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("margin", [1e-3, 1.0, 30.0, 36.0, 100.0, 700.0])
def test_large_margins_keep_their_digits(margin):
    """Against mpmath: log(1 + e^-z) is about e^-z at z = 30, where 1 + e^-z has few digits of it, and from 36 none."""
    with mpmath.workdps(400):
        right, wrong = mpmath.log1p(mpmath.exp(-margin)), mpmath.log1p(mpmath.exp(margin))
        slope = mpmath.exp(-margin) / (1 + mpmath.exp(-margin))
        three = mpmath.log1p(mpmath.exp(-margin) + mpmath.exp(-2 * mpmath.mpf(margin)))
    right, wrong, slope, three = map(float, (right, wrong, slope, three))
    for target, sign in ((1, 1.0), (0, -1.0)):
        for z, expected in ((sign * margin, (right, -sign * slope)), (-sign * margin, (wrong, -sign * (1 - slope)))):
            value, gradient = BernoulliLikelihood().value_and_gradient([target], [z])
            assert value == pytest.approx(expected[0], rel=2e-15, abs=0)
            assert gradient[0] == pytest.approx(expected[1], rel=2e-15, abs=0)
    value, gradient = CategoricalLikelihood().value_and_gradient([1], [[0.0, margin, -margin]])
    assert value == pytest.approx(three, rel=2e-15, abs=0)
    assert gradient[0, 1] == pytest.approx(-math.exp(-three) * math.expm1(three), rel=2e-14, abs=0)
    assert gradient[0, 1] == pytest.approx(-(gradient[0, 0] + gradient[0, 2]), rel=2e-15, abs=0)
    soft, _ = BernoulliLikelihood().value_and_gradient([0.25], [margin])
    assert soft == pytest.approx(0.25 * right + 0.75 * wrong, rel=2e-15)


def test_labels_and_logits_go_together_one_by_one():
    for labels, logits in (([[0], [1], [0]], [[0.0, 1.0]]), ([0, 1, 0], [[0.0, 1.0]]), ([0], [[0.0, 1.0]] * 3)):
        with pytest.raises(InputError, match=r"labels must be|one row of logits a label"):
            CategoricalLikelihood().value(labels, logits)
    with pytest.raises(InputError, match="one shape"):
        BernoulliLikelihood().value([[0], [1]], [0.0, 1.0])


@pytest.mark.parametrize("likelihood", [GaussianLikelihood, LaplaceLikelihood])
def test_errors_of_any_size_have_a_value_and_a_slope(likelihood):
    for size, scale in ((1e300, 1.0), (1e300, 1e300), (1e-300, 1e-300), (1.7e308, 1e10)):
        loss = likelihood(scale)
        value, slope = loss.value_and_gradient([0.0, 0.0], [size, size])
        z = mpmath.mpf(size) / mpmath.mpf(scale)
        exact = (z**2 / 2 if likelihood is GaussianLikelihood else z) + mpmath.mpf(loss.log_partition)
        assert value == pytest.approx(float(exact) if exact < 1e308 else math.inf, rel=1e-13)
        expected = (z if likelihood is GaussianLikelihood else 1) / mpmath.mpf(scale) / 2
        assert slope == pytest.approx([float(expected)] * 2, rel=1e-13)
