"""JAX differentiates, compiles and maps losses and states of every model, with the derivatives of this library."""

import sys
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.arrays import difference
from helpers.cases import every

import qml.jax
from qml import Circuit, CircuitModel, Counts, GibbsModel, Moments, channels, gates, pauli, thermal
from qml._checks import InputError
from qml.circuits import hardware_efficient
from qml.engines import JaxEngine, PauliEngine
from qml.fitting import Gaussian, Objective
from qml.losses import Labelled, NegativeLogLikelihood, TrainableReadout, label_states
from qml.measurement import PauliMeasurement, sample
from qml.models import ChainGibbsModel, ConditionalGibbsModel, MixtureModel
from qml.operators import tfim
from qml.processes import Experiments, GateSetModel
from qml.states import basis_state, ghz, ginibre

RNG = np.random.default_rng(0)
RHO = ginibre((2, 2), np.random.default_rng(1))
NOISY = CircuitModel(hardware_efficient(2, layers=1).then(channels.Depolarizing("p", 0)))
GIBBS = GibbsModel(tfim(2))
A = np.random.default_rng(2).normal(size=(4, 4)).astype(np.float32)
ROTATED = A + 1j * A.T


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


def point(model, count=()):
    """Parameters not near to a stationary point."""
    return RNG.normal(0.5, 1.0, (*count, model.n_params))


def own(sigma):
    """A loss of one's own that sees real and imaginary parts."""
    return jnp.sin((sigma.real * A).sum()) + (sigma.imag * A).sum() + jnp.abs(sigma[0] ** 2).sum()


# losses ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [NOISY, GIBBS], ids=["circuit", "Gibbs"])
def test_value_and_gradient_are_those_that_fit_uses_to_the_bit(model, x64):
    loss, objective, theta = qml.jax.loss(model, RHO), Objective.of(model, RHO), point(model)
    value, gradient = jax.jit(jax.value_and_grad(loss))(theta)
    expected, slope = objective.value_and_gradient(theta)
    assert (value.dtype, gradient.dtype) == (np.float64, np.float64)
    assert value == expected
    assert np.array_equal(gradient, slope)
    assert loss(theta) == objective.value(theta)
    numeric = [difference(objective.value, theta, e) for e in np.eye(model.n_params)]
    assert np.abs(numeric).min() > 1e-3
    assert np.allclose(gradient, numeric, rtol=0, atol=1e-8)


LABELLED = Labelled([[0.3, 1.0], [-1.0, 0.5], [0.2, -0.7]], label_states([0, 1, 1], 2))
COUNTS = sample(RHO, PauliMeasurement(2), 100, np.random.default_rng(2))
ENDS = {"Z": [np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]}
WORDS = Experiments([("0", ("G",), "Z"), ("0", ("G", "G"), "Z")], {"0": [1.0, 0.0]}, ENDS)
GATE = GateSetModel({"G": Circuit(1, [gates.RX("a", 0), channels.BitFlip("b", 0)])})
CASES = {
    "counts": (NOISY, COUNTS, None, None),
    "counts, learnt readout": (NOISY, COUNTS, NegativeLogLikelihood(TrainableReadout(2)), None),
    "moments": (GIBBS, Moments.of(RHO, tfim(2)), None, None),
    "labels": (ConditionalGibbsModel([pauli("X"), pauli("Z")], 2), LABELLED, None, None),
    "experiments": (GATE, Counts(WORDS, [[60, 40], [20, 80]]), None, None),
    "another loss": (NOISY, RHO, "infidelity", None),
    "prior": (GIBBS, RHO, None, Gaussian(1.0, copies=10)),
}


@pytest.mark.parametrize("name", CASES)
def test_whatever_fit_takes_is_taken(name, x64):
    model, target, loss, prior = CASES[name]
    objective = Objective.of(model, target, loss, prior)
    theta = objective.init_params(RNG) + 0.3
    value, gradient = jax.value_and_grad(qml.jax.loss(model, target, loss, prior=prior))(theta)
    expected, slope = objective.value_and_gradient(theta)
    assert value == expected
    assert np.array_equal(gradient, slope)
    assert np.abs(slope).max() > 0.01


def test_forward_and_backward_agree(x64):
    loss, theta, v = qml.jax.loss(NOISY, RHO), point(NOISY), point(NOISY)
    value, along = jax.jit(lambda t, v: jax.jvp(loss, (t,), (v,)))(theta, v)
    assert value == loss(theta)
    assert abs(along) > 1e-3
    assert along == pytest.approx(float(jax.grad(loss)(theta) @ v), rel=1e-13)


def test_mapped_is_one_by_one_to_the_bit(x64):
    loss, rows = qml.jax.loss(NOISY, RHO), point(NOISY, (2, 3))
    slopes = jax.value_and_grad(loss)
    values, gradients = jax.jit(jax.vmap(jax.vmap(slopes)))(rows)
    assert values.shape == (2, 3)
    for row, value, gradient in zip(rows.reshape(6, -1), values.ravel(), gradients.reshape(6, -1), strict=True):
        one, slope = slopes(row)
        assert value == one
        assert np.array_equal(gradient, slope)
    assert np.array_equal(jax.vmap(loss, in_axes=1)(rows[0].T), [loss(row) for row in rows[0]])


def test_losses_add_up_in_one_compiled_program(x64):
    """Their callbacks do not depend on each other, so that JAX may run them at the same time."""
    targets = [thermal(tfim(2, h=h), 1.0) for h in np.linspace(0.1, 1.0, 8)]
    losses, theta = [qml.jax.loss(NOISY, target) for target in targets], point(NOISY, (8,))
    total = jax.jit(jax.value_and_grad(lambda rows: sum(f(row) for f, row in zip(losses, rows, strict=True))))
    value, gradient = total(theta)
    expected = [Objective.of(NOISY, *pair).value_and_gradient(row) for *pair, row in zip(targets, theta, strict=True)]
    assert value == pytest.approx(sum(v for v, _ in expected), rel=1e-14)
    assert np.array_equal(gradient, [g for _, g in expected])


def test_descent_is_that_of_numpy_to_the_bit(x64):
    loss, objective, rate = qml.jax.loss(NOISY, RHO), Objective.of(NOISY, RHO), 0.3
    theta = expected = point(NOISY)
    step = jax.jit(lambda t: t - rate * jax.grad(loss)(t))
    for _ in range(20):
        theta, expected = step(theta), expected - rate * objective.value_and_gradient(expected)[1]
    assert np.allclose(theta, expected, rtol=0, atol=1e-14)
    assert objective.value(expected) < objective.value(point(NOISY)) - 0.01


def test_infinity_is_a_value_without_a_gradient(x64):
    loss = qml.jax.loss(CircuitModel(Circuit(1, [gates.RY("a", 0)])), basis_state("0"))
    values, gradients = jax.vmap(jax.value_and_grad(loss))(np.array([[0.0], [1.0]]))
    assert values.tolist() == [0.0, np.inf]
    assert np.isnan(gradients).ravel().tolist() == [False, True]
    assert np.isnan(loss([np.nan]))


@pytest.mark.parametrize("second", [jax.hessian, lambda f: jax.jacrev(jax.grad(f))], ids=["hessian", "twice"])
def test_second_derivatives_are_refused_in_a_sentence(second):
    loss, sigma, theta = qml.jax.loss(GIBBS, RHO), qml.jax.state(GIBBS), point(GIBBS)
    for function in (loss, lambda t: own(sigma(t))):
        with pytest.raises(InputError, match="first derivatives of losses and states, and no second ones"):
            jax.jit(second(function)).lower(theta)


def test_a_first_derivative_where_another_number_is_varied_is_no_second_one(x64):
    loss, theta = qml.jax.loss(GIBBS, RHO), point(GIBBS)
    assert np.array_equal(jax.jacfwd(lambda a: a**2 * jax.grad(loss)(theta))(2.0), 4.0 * jax.grad(loss)(theta))


# states ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [NOISY, GIBBS], ids=["circuit", "Gibbs"])
def test_a_loss_of_ones_own_has_the_gradient_of_difference_quotients(model, x64):
    sigma, theta = qml.jax.state(model), point(model)
    assert np.array_equal(jax.jit(sigma)(theta), model.state(theta).matrix())
    function = jax.jit(lambda t: own(sigma(t)))
    gradient = jax.jit(jax.grad(function))(theta)
    numeric = np.array([difference(function, theta, e) for e in np.eye(model.n_params)])
    assert np.abs(numeric).max() > 0.1
    assert np.allclose(gradient, numeric, rtol=0, atol=1e-8)
    v = point(model)
    assert jax.jvp(function, (theta,), (v,))[1] == pytest.approx(float(gradient @ v), rel=1e-12)


def test_derivatives_of_states_are_mapped(x64):
    sigma, rows = qml.jax.state(NOISY), point(NOISY, (3,))
    slope = jax.jit(jax.grad(lambda t: own(sigma(t))))
    one_by_one = [slope(row) for row in rows]
    assert np.allclose(jax.jit(jax.vmap(slope))(rows), one_by_one, rtol=0, atol=1e-14)
    assert np.allclose(jax.jit(jax.vmap(slope, in_axes=1))(rows.T), one_by_one, rtol=0, atol=1e-14)


def test_a_state_that_does_not_matter_has_no_derivative(x64):
    sigma, theta = qml.jax.state(GIBBS), point(GIBBS)
    assert np.array_equal(jax.jit(jax.grad(lambda t: (sigma(t), t.sum())[1]))(theta), np.ones(3))


@pytest.mark.slow
def test_forward_and_backward_derivatives_of_states_are_transposes(x64):
    sigma, rows = qml.jax.state(NOISY), point(NOISY, (2,))
    forward, backward = jax.jacfwd(sigma)(rows[0]), jax.jacrev(lambda t: sigma(t).real)(rows[0])
    assert np.abs(forward.imag).max() > 0.01
    assert np.allclose(forward.real, backward, rtol=0, atol=1e-14)
    push, c = jax.linearize(sigma, rows[0])[1], jnp.asarray(ROTATED, dtype=complex)
    (pulled,) = jax.linear_transpose(push, rows[0])(c)
    assert np.allclose(pulled, (c * forward.transpose(2, 0, 1)).sum(axis=(1, 2)).real, rtol=0, atol=1e-13)
    (again,) = jax.linear_transpose(lambda c: jax.linear_transpose(push, rows[0])(c)[0], c)(rows[1])
    assert np.allclose(again, push(rows[1]), rtol=0, atol=1e-14)


def test_a_state_on_given_inputs_is_a_batch(x64):
    model = CASES["labels"][0].at(LABELLED.inputs)
    sigma, theta = qml.jax.state(model), point(model)
    assert np.array_equal(sigma(theta), model.state(theta).matrix())
    gradient = jax.jit(jax.grad(lambda t: jnp.abs(sigma(t)).sum()))(theta)
    numeric = [difference(lambda t: np.abs(model.state(t).matrix()).sum(), theta, e) for e in np.eye(model.n_params)]
    assert np.abs(numeric).max() > 0.01
    assert np.allclose(gradient, numeric, rtol=0, atol=1e-8)


def test_what_stops_the_host_is_told(x64):
    model = MixtureModel([ChainGibbsModel(tfim(2)), GIBBS])
    theta = point(model)
    with pytest.raises(jax.errors.JaxRuntimeError, match="ChainGibbsModel has no forward derivative"):
        jax.jvp(qml.jax.state(model), (theta,), (theta,))


def test_nothing_to_learn_is_a_case(x64):
    model = CircuitModel(Circuit(1, [gates.H(0)]))
    assert np.array_equal(qml.jax.state(model)([]), model.state().matrix())
    assert jax.grad(qml.jax.loss(model, basis_state("0"), "infidelity"))(jnp.zeros(0)).shape == (0,)


# numbers and mistakes -------------------------------------------------------------------------------------------------


def test_without_x64_all_is_float32_and_the_setting_is_left_alone():
    assert not jax.config.jax_enable_x64
    loss, sigma, theta = qml.jax.loss(NOISY, RHO), qml.jax.state(NOISY), point(NOISY)
    value, gradient = jax.jit(jax.value_and_grad(loss))(theta)
    assert (value.dtype, gradient.dtype, sigma(theta).dtype) == (np.float32, np.float32, np.complex64)
    single = theta.astype(np.float32).astype(np.float64)
    expected, slope = Objective.of(NOISY, RHO).value_and_gradient(single)  # the work is in float64
    assert value == np.float32(expected)
    assert np.array_equal(gradient, slope.astype(np.float32))
    assert np.array_equal(sigma(theta), NOISY.state(single).matrix().astype(np.complex64))
    backward = jax.jit(jax.grad(lambda t: (sigma(t) * ROTATED).real.sum()))(theta)
    forward = jax.jit(lambda t: jax.jvp(sigma, (t,), (t,))[1])(theta)
    assert (backward.dtype, forward.dtype) == (np.float32, np.complex64)
    assert not jax.config.jax_enable_x64


def test_every_digit_arrives_where_jax_calls_on_another_thread():
    """Which it does when it likes: there the context is not what it is here, and floats would be rounded to float32."""
    objective, sigma = Objective.of(NOISY, RHO), qml.jax.state(NOISY)
    with jax.enable_x64(True):
        theta = jnp.asarray(point(NOISY))
        slopes = [jax.value_and_grad(qml.jax.loss(NOISY, RHO)), jax.grad(lambda t: (sigma(t) * ROTATED).real.sum())]
        compiled = [jax.jit(slope).lower(theta).compile() for slope in slopes]
        expected = [slope(theta) for slope in slopes]
    with ThreadPoolExecutor(1) as elsewhere:
        assert elsewhere.submit(lambda: jax.config.jax_enable_x64).result() is False
        (value, gradient), of_state = (elsewhere.submit(run, theta).result() for run in compiled)
    assert float(value) == float(expected[0][0]) == objective.value_and_gradient(np.asarray(theta))[0]
    assert np.array_equal(gradient, expected[0][1])
    assert np.allclose(of_state, expected[1], rtol=0, atol=1e-14)


def test_one_function_serves_both_precisions():
    loss = jax.jit(qml.jax.loss(GIBBS, RHO))
    theta = np.array([0.1, 0.2, 0.3])
    single = loss(theta)
    with jax.enable_x64(True):
        double = loss(theta)
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    assert 0 < abs(float(single) - float(double)) < 1e-6


def test_theta_of_other_numbers(x64):
    loss = qml.jax.loss(GIBBS, RHO)
    assert loss([1, 0, 2]) == loss(np.array([1.0, 0.0, 2.0])) == loss(jnp.array([1, 0, 2]))
    single = jnp.array([0.5, 0.25, 2.0], dtype=np.float32)
    value, gradient = jax.value_and_grad(loss)(single)
    assert (value.dtype, gradient.dtype) == (np.float64, np.float32)  # of the loss, of theta
    with pytest.raises(TypeError, match="int"):
        jax.grad(loss)(jnp.array([1, 0, 2]))


@pytest.mark.slow
@pytest.mark.parametrize("mapped", [False, True], ids=["one", "mapped"])
def test_a_circuit_on_a_device_within_another_model(mapped, x64):
    within = CircuitModel(hardware_efficient(2, layers=1).then(channels.Depolarizing(0.1, 0)), engine=JaxEngine())
    models = [
        MixtureModel([circuit, GIBBS]) for circuit in (within, CircuitModel(within.circuit, engine=PauliEngine()))
    ]
    theta = point(models[0], (2,) if mapped else ())
    found, expected = (
        jax.jit(jax.vmap(f) if mapped else f)(theta) for f in (jax.value_and_grad(qml.jax.loss(m, RHO)) for m in models)
    )
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-11)
    assert np.abs(expected[1]).max() > 0.01


@every(
    "theta, sentence",
    [
        (np.zeros(2), r"theta must have shape \(3,\), one number a parameter; found shape \(2,\): for many theta"),
        (np.zeros((2, 3)), r"found shape \(2, 3\): for many theta at once use jax\.vmap"),
        (0.5, r"found shape \(\)"),
        (np.zeros(3, dtype=complex), "theta must be real; found a complex array"),
        ({"ZZ": 1.0}, "theta must be an array of real numbers; found {'ZZ': 1.0}"),
        ("spam", "theta must be an array of real numbers; found 'spam'"),
        ([[1.0], [1.0, 2.0]], "theta must be an array of real numbers"),
        (None, "theta must be"),
    ],
)
def test_another_theta_is_refused_when_it_is_traced(theta, sentence):
    for function in (qml.jax.loss(GIBBS, RHO), qml.jax.state(GIBBS)):
        with pytest.raises(InputError, match=sentence):
            function(theta)
        if isinstance(theta, np.ndarray):
            with pytest.raises(InputError, match=sentence):
                jax.jit(function).lower(theta)


def test_what_fit_refuses_is_refused():
    with pytest.raises(InputError, match="dims"):
        qml.jax.loss(GIBBS, ghz(3))
    with pytest.raises(InputError, match="did you mean 'infidelity'"):
        qml.jax.loss(GIBBS, RHO, "infidelty")
    with pytest.raises(InputError, match="model must be a Model, such as"):
        qml.jax.state(RHO)
    with pytest.raises(InputError, match="prior must be a Prior"):
        qml.jax.loss(GIBBS, RHO, prior=0.1)


def test_the_absence_of_jax_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    for make in (lambda: qml.jax.loss(GIBBS, RHO), lambda: qml.jax.state(GIBBS)):
        with pytest.raises(InputError, match=r"needs jax, which is not installed: run pip install 'qmaxlik\[jax\]'"):
            make()


def test_a_tracer_where_numbers_are_needed_is_told_in_a_sentence():
    with pytest.raises(
        InputError, match="params must be an array of numbers; found a tracer of JAX: use the functions"
    ):
        jax.jit(lambda theta: GIBBS.state(theta).matrix())(point(GIBBS))


@pytest.mark.parametrize(
    "model", [ChainGibbsModel(tfim(2)), ConditionalGibbsModel([pauli("Z")], 1).at([[1.0]])], ids=repr
)
def test_a_model_without_a_forward_derivative_is_refused_before_it_runs(model):
    sigma, theta = qml.jax.state(model), point(model)
    assert np.isfinite(jax.grad(lambda t: sigma(t).real.sum())(theta)).all()
    with pytest.raises(InputError, match="has no forward derivative"):
        jax.jvp(sigma, (theta.astype(np.float32),), (theta.astype(np.float32),))
