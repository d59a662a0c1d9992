"""Metrics and Newton's method of conditional models: against finite differences, by members, and to the optimum."""

import tracemalloc

import numpy as np
import pytest
from helpers.cases import every
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from qml import Circuit, GibbsModel, channels, fit, gates, pauli
from qml._checks import InputError
from qml.fitting.objective import Objective
from qml.fitting.priors import Gaussian
from qml.geometry import KINDS
from qml.geometry.conditional import ConditionalGibbsMetric
from qml.instructions import PartialTrace
from qml.losses import Labelled, LabelLikelihood, MeanCrossEntropy, label_states
from qml.models import ConditionalCircuitModel, ConditionalGibbsModel
from qml.optimizers import Newton
from qml.states import ginibre

PAULIS = [pauli("X"), pauli("Y"), pauli("Z")]
CASES = {
    "non-commuting": PAULIS,
    "real": [pauli("XX"), pauli("ZI"), pauli("IZ")],
    "complex": [pauli("XX"), pauli("ZI"), pauli("IY")],
    "diagonal": [np.diag(row) for row in np.eye(3)],
}
WEIGHTS = np.array([0.1, 0.4, 0.2, 0.0, 0.3])
UPLOADS = {"x0": 0, "x1": 1}


def uploading():
    """Two qubits, the second traced out; noise of a strength that is learnt."""
    operations = [gates.RY("a", 0), gates.RY("c", 1), gates.RY("x0", 0), gates.RX("x1", 1), gates.CNOT(0, 1)]
    operations += [gates.RY("d", 0), gates.RX("e", 0), channels.Depolarizing("p", 0)]
    return Circuit(2, [*operations, PartialTrace((2,))(1)])


def problem(name, bias=True, weights=WEIGHTS):
    rng = np.random.default_rng(4)
    model = ConditionalGibbsModel(CASES[name], 2, bias=bias)
    x = rng.normal(size=(5, 2))
    f = Objective(model.at(x), ginibre(model.dims, rng, batch=5), MeanCrossEntropy(weights))
    return f, model.init_params(rng, scale=1.0)


@every("name", CASES)
@every("bias", [True, False])
def test_the_hessian_is_the_derivative_of_the_gradient(name, bias):
    f, theta = problem(name, bias)
    h, eye = 1e-5, np.eye(len(theta))
    numeric = np.array([f.value_and_gradient(theta + h * e)[1] - f.value_and_gradient(theta - h * e)[1] for e in eye])
    numeric /= 2 * h
    assert np.abs(numeric).max() > 0.01
    hessian = f.hessian(theta)
    assert np.abs(hessian.matrix() - numeric).max() < 1e-9
    assert np.allclose([hessian.product(e) for e in eye], hessian.matrix(), atol=1e-15)
    f.prior = Gaussian(0.5)  # of curvature 4
    groups, blocks = f.hessian(theta).blocks()
    assert groups.shape == (len(CASES[name]), 2 + bias)
    assert sorted(groups.ravel()) == list(range(len(theta)))
    for group, block in zip(groups, blocks, strict=True):
        assert len({f.parameter_names[i].strip("bW[]").split(",")[0] for i in group}) == 1
        assert np.allclose(block, (numeric + 4 * eye)[np.ix_(group, group)], atol=1e-9)


@every("name", CASES)
@every("kind", KINDS)
def test_the_metric_is_the_weighted_mean_of_those_of_the_members(name, kind):
    f, theta = problem(name)
    model, x = f.model.conditional, f.model.inputs
    single, g = GibbsModel(CASES[name]), len(CASES[name])
    order = [j * 3 + a for j in range(g) for a in (0,)] + [j * 3 + a for j in range(g) for a in (1, 2)]
    expected = np.zeros((3 * g, 3 * g))
    for w, row, field in zip(WEIGHTS, x, model.fields(theta, x), strict=True):
        features = np.append(1.0, row)
        expected += w * np.kron(single.metric(field, kind).matrix(), np.outer(features, features))
    found = f.metric(theta, kind)
    assert np.allclose(found.matrix(), expected[np.ix_(order, order)], atol=1e-14)
    equal = model.at(x).metric(theta, kind).matrix()
    assert np.allclose(equal, Objective(f.model, f.target, MeanCrossEntropy()).metric(theta, kind).matrix(), atol=1e-16)


def test_blocks_of_inputs_change_nothing(monkeypatch):
    f, theta = problem("complex")

    def found():
        hessian = f.hessian(theta)
        return hessian.matrix(), hessian.product(theta), hessian.blocks()[1]

    whole = found()
    monkeypatch.setattr("qml.geometry.conditional.BLOCK_NUMBERS", 1)
    assert all(np.abs(before).max() > 0.01 for before in whole)
    assert all(np.allclose(after, before, atol=1e-15) for after, before in zip(found(), whole, strict=True))


def test_a_product_holds_no_metric_of_every_member():
    """2000 inputs and 63 generators: the metrics of all members would be 64 MB."""
    generators = [np.diag(row) for row in np.random.default_rng(0).normal(size=(63, 3))]
    model, x = ConditionalGibbsModel(generators, 1), np.random.default_rng(1).normal(size=(2000, 1))
    hessian = model.metric(np.zeros(126), x)
    tracemalloc.start()
    product = hessian.product(np.ones(126))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.abs(product).max() > 0.01
    assert peak < 8e6


@every("name", ["non-commuting", "diagonal"])
def test_collinear_inputs_in_any_units_change_nothing(name):
    """Some twenty steps of a few products each; without the blocks of the Hessian they would be hundreds."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(150, 20))
    x = np.concatenate([x, x @ rng.normal(size=(20, 20)), 3 + x[:, :10] + 1e-4 * rng.normal(size=(150, 10))], axis=1)
    x = np.concatenate([x, x[:, :25] * np.geomspace(1e-3, 1e3, 25), np.ones((150, 5))], axis=1)
    model = ConditionalGibbsModel(CASES[name], x.shape[1])
    data, prior = Labelled(x, ginibre(model.dims, rng, batch=150)), Gaussian(1.0, copies=1000)
    f = Objective.of(model, data, prior=prior)
    assert f.n_params > 128
    assert f.default_optimizer == Newton()
    products = []
    metric_product = ConditionalGibbsMetric._product
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConditionalGibbsMetric, "_product", lambda g, v: products.append(1) or metric_product(g, v))
        found = fit(model, data, prior=prior, seed=0, gradient_tolerance=1e-7)
    dense = fit(model, data, prior=prior, seed=0, gradient_tolerance=1e-7, optimizer=Newton("dense"))
    assert found.converged
    assert found.iterations <= 25
    assert len(products) <= 30 * found.iterations
    assert found.loss == pytest.approx(dense.loss, abs=1e-10)


def test_frozen_states_cost_no_digits():
    """Weights of 1e-300 in the smallest eigenvalue: the metric of a two-level system, by hand."""
    model = ConditionalGibbsModel([pauli("Z")], 1, bias=False)
    for field in (1.0, 30.0, 345.0):
        g = model.at([[1.0]]).metric([field]).matrix()[0, 0]
        assert g == pytest.approx(1 / np.cosh(field) ** 2, rel=1e-12)


@every("name", CASES)
def test_newton_converges_in_a_dozen_steps(name):
    rng = np.random.default_rng(7)
    x = rng.normal(size=(60, 2))
    model = ConditionalGibbsModel(CASES[name], 2)
    data = Labelled(x, ginibre(model.dims, rng, batch=60))
    options = {"seed": 0, "gradient_tolerance": 1e-10}
    newton, iterative = (fit(model, data, optimizer=Newton(solver), **options) for solver in ("dense", "cg"))
    assert newton.converged
    assert iterative.converged
    assert max(newton.iterations, iterative.iterations) <= 12
    others = [iterative]
    others += [fit(model, data, optimizer=o, **options) for o in ("natural_gradient", "mirror_descent", "lbfgs")]
    assert all(other.loss == pytest.approx(newton.loss, abs=1e-12) for other in others)
    assert all(np.abs(other.state.matrix() - newton.state.matrix()).max() < 1e-6 for other in others)


def test_newton_finds_the_optimum_of_logistic_regression():
    """Diagonal generators: softmax regression. scikit-learn does not penalise biases: there are none here."""
    x, y = load_iris(return_X_y=True)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    theirs = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-12, solver="newton-cholesky").fit(x, y)
    model = ConditionalGibbsModel([np.diag(row) for row in np.eye(3)], 4, bias=False)
    prior = Gaussian(1.0, copies=len(x))
    ours = fit(
        model, Labelled(x, label_states(y, 3)), optimizer="newton", prior=prior, seed=0, gradient_tolerance=1e-12
    )
    assert ours.converged
    assert ours.iterations <= 10
    weights = -ours.params.reshape(3, 4)  # logits are -K
    assert np.abs(weights - theirs.coef_).max() < 1e-9


@every("unit", [[1e6, 1.0, 1e-6], [1e-12, 1.0, 1e12], [1e100, 1.0, 1e-100]])
@every("shift", [0.0, 3.0])
def test_the_default_fits_inputs_in_any_units(unit, shift):
    """From a random start of order one the states are pure to rounding, and wrong."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3)) + shift
    labels = label_states(np.where(rng.random(60) < 0.2, 0, (x[:, 0] > shift) + 2 * (x[:, 2] > shift)), 4)
    model = ConditionalGibbsModel(["ZI", "IZ", "ZZ"], 3)
    plain = fit(model, Labelled(x, labels), seed=0)
    found = fit(model, Labelled(x * unit, labels), seed=0)
    assert plain.converged
    assert found.converged
    assert found.loss == pytest.approx(plain.loss, abs=1e-12)
    assert found.iterations <= 30


@pytest.mark.parametrize("scales", [True, False])
def test_the_metric_of_circuits_with_data_in_them(scales):
    model = ConditionalCircuitModel(uploading(), UPLOADS, scales=scales)
    rng = np.random.default_rng(3)
    theta, x, w = model.init_params(rng), rng.normal(size=(3, 2)), np.array([0.5, 0.2, 0.3])
    metric = model.at(x).metric(theta, "bures", weights=w)
    h, eye = 1e-5, np.eye(model.n_params)
    base = model.states(theta, x)
    moved = [(model.states(theta + h * e, x).matrix() - model.states(theta - h * e, x).matrix()) / (2 * h) for e in eye]
    expected = np.zeros((model.n_params, model.n_params))
    for k in range(3):
        p, v = np.linalg.eigh(base.matrix()[k])
        rows = np.array([v.conj().T @ d[k] @ v for d in moved])
        expected += w[k] * np.einsum("iab,jab,ab->ij", rows.conj(), rows, 2 / (p[:, None] + p)).real
    assert np.abs(expected).max() > 0.01
    assert np.abs(metric.matrix() - expected).max() < 1e-8
    assert np.allclose([metric.product(e) for e in eye], metric.matrix(), atol=1e-12)


def test_natural_gradient_learns_a_circuit_with_data_in_it():
    x = np.linspace(-1, 1, 12)[:, None] * [1.0, 0.5]
    labels = label_states((x[:, 0] > 0).astype(int), 2, noise=0.1)
    model = ConditionalCircuitModel(uploading(), UPLOADS)
    options = {"loss": "label_likelihood", "seed": 2, "max_iterations": 15}
    natural = fit(model, Labelled(x, labels), optimizer="natural_gradient", **options)
    assert (np.diff(natural.history.loss) <= 1e-12).all()
    assert natural.loss < natural.history.loss[0] - 0.1


def test_measured_labels_are_refused_by_newton():
    model = ConditionalGibbsModel(PAULIS, 1)
    data = Labelled([[0.0], [1.0]], label_states([0, 1], 2, noise=0.1))
    with pytest.raises(InputError, match="needs a cross entropy of an exponential family"):
        fit(model, data, loss=LabelLikelihood(), optimizer="newton", seed=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Labelled([[0.0]], label_states([0, 1], 2)), "one row a label"),
        (lambda: Labelled([0.0, 1.0], label_states([0, 1], 2)), "one row a label"),
        (lambda: Labelled([[np.nan]], label_states([0], 2)), "inputs must be finite"),
        (lambda: fit(GibbsModel(PAULIS), Labelled([[0.0]], label_states([0], 2))), "learns from labelled data"),
        (lambda: fit(ConditionalGibbsModel(PAULIS, 1), label_states([0], 2)), "learns from labelled data"),
        (
            lambda: fit(GibbsModel(PAULIS), np.eye(2) / 2, validation=Labelled([[0.0]], label_states([0], 2))),
            "validation must be data like the target: a conditional model learns from labelled data",
        ),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_held_out_labels_have_inputs_of_their_own():
    rng = np.random.default_rng(0)
    x, other = rng.normal(size=(8, 2)), rng.normal(size=(20, 2))
    labels, held_out = (label_states((z @ [1.0, 2.0] > 0).astype(int), 2, noise=0.2) for z in (x, other))
    model, seen = ConditionalGibbsModel(PAULIS, 2), []
    result = fit(
        model,
        Labelled(x, labels),
        validation=Labelled(other, held_out),
        seed=0,
        callbacks=[lambda i: seen.append((i.params, i.held_out))],
    )
    expected = [MeanCrossEntropy().value(held_out, model.states(theta, other)) for theta, _ in seen]
    assert np.array_equal(result.history.held_out, [found for _, found in seen])
    assert np.allclose(result.history.held_out, expected, atol=1e-14)
    assert np.array_equal(result.params, seen[int(np.argmin(expected))][0])
    assert "mean fidelity" in result.summary()
