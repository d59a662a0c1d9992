"""Circuits on a JaxEngine as functions that JAX itself traces: the same numbers as those of the host."""

import numpy as np
import pytest

from qml import Circuit, CircuitModel, PauliMeasurement, channels, gates, losses, sample
from qml._checks import InputError
from qml.engines import JaxEngine
from qml.fitting import Objective
from qml.operators import tfim
from qml.processes import OutputsModel
from qml.states import DensityMatrix, ginibre, thermal

pytestmark = pytest.mark.slow

RHO = thermal(tfim(2), 0.7)
COUNTS = sample(RHO, PauliMeasurement(2), 1000, np.random.default_rng(0))
TURNS = Circuit(2, [gates.RY("a", 0), gates.RXX("b", 0, 1), channels.Depolarizing(0.1, 0), gates.RX("c", 1)])
GIVEN = TURNS.then(gates.CRX("d", 0, 1), channels.Depolarizing("p", 1))
THETA = np.array([0.3, 0.4, 0.5, -0.2, -1.0])
JOBS = {
    "S": (None, RHO),
    "infidelity": ("infidelity", RHO),
    "likelihood": (None, COUNTS),
    "energy": (None, tfim(2)),
    "free energy": (losses.FreeEnergy(0.5), tfim(2)),
}
ON_THE_HOST = {"infidelity"}
"""Its code asks for numbers, so the host works it out from the Pauli vector."""


@pytest.fixture
def jax():
    """JAX, set to double precision."""
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield jax
    jax.config.update("jax_enable_x64", before)


def models(circuit):
    """The same model, where the host computes and where JAX does."""
    return CircuitModel(circuit), CircuitModel(circuit, engine=JaxEngine())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", JOBS)
def test_a_theta_that_is_not_finite_gives_nan(name, bad, jax):
    import qml.jax

    loss, target = JOBS[name]
    native = qml.jax.loss(models(TURNS)[1], target, loss)
    many = np.array([[0.3, bad, 0.5], THETA[:3]])
    values, gradients = jax.vmap(jax.value_and_grad(native))(many)
    assert np.isnan(values[0])
    assert np.isnan(gradients[0]).all()
    assert float(values[1]) == pytest.approx(float(native(many[1])), abs=1e-14)
    assert np.isfinite(gradients[1]).all()


@pytest.mark.parametrize("loss", [None, "trace_distance", "infidelity"])
def test_a_target_on_a_device_is_left_as_it_was(loss, jax):
    import qml.jax

    by_host, on_device = models(TURNS)
    target, same = (model.state([0.1, 0.2, 0.6]) for model in (on_device, by_host))
    native, expected = (qml.jax.loss(*pair, loss)(THETA[:3]) for pair in ((on_device, target), (by_host, same)))
    assert float(native) == pytest.approx(float(expected), abs=1e-12)
    assert float(target.entropy()) == pytest.approx(float(same.entropy()), abs=1e-12)


@pytest.mark.parametrize("name", JOBS)
def test_losses_and_their_derivatives(name, jax):
    import qml.jax

    loss, target = JOBS[name]
    by_host, native = (qml.jax.loss(model, target, loss) for model in models(TURNS))
    theta = THETA[:3]
    value, gradient = jax.jit(jax.value_and_grad(native))(theta)
    expected, wanted = jax.value_and_grad(by_host)(theta)
    assert np.sort(np.abs(wanted))[1] > 1e-3
    assert float(value) == pytest.approx(float(expected), abs=1e-12)
    np.testing.assert_allclose(gradient, wanted, atol=1e-12)
    text = jax.jit(native).lower(theta).as_text()
    assert ("callback" in text) == (name in ON_THE_HOST)
    many = np.array([theta, theta + 0.1])
    np.testing.assert_allclose(jax.vmap(native)(many), [native(t) for t in many], atol=1e-12)
    along = np.array([1.0, -0.5, 2.0])
    assert float(jax.jvp(native, (theta,), (along,))[1]) == pytest.approx(float(wanted @ along), abs=1e-12)


def test_matrices_that_the_host_makes_and_domains(jax):
    import qml.jax

    by_host, native = (qml.jax.state(model) for model in models(GIVEN))
    np.testing.assert_allclose(native(THETA), by_host(THETA), atol=1e-14)
    slopes, wanted = jax.jacfwd(native)(THETA), jax.jacfwd(by_host)(THETA)
    assert (np.abs(wanted).max(axis=(0, 1)) > 1e-3).all()
    np.testing.assert_allclose(slopes, wanted, atol=1e-13)
    purity = [lambda t, s=s: (abs(s(t)) ** 2).sum() for s in (by_host, native)]
    np.testing.assert_allclose(jax.grad(purity[1])(THETA), jax.grad(purity[0])(THETA), atol=1e-13)
    np.testing.assert_allclose(jax.vmap(native)(np.array([THETA, -THETA]))[1], by_host(-THETA), atol=1e-14)
    with pytest.raises(InputError, match="first derivatives here and no second ones"):
        jax.hessian(purity[1])(THETA)


@pytest.mark.parametrize(
    "circuit",
    [
        Circuit(2, [gates.H(0), gates.RXX("a", 0, 1)]),
        Circuit(2, [gates.H(0), channels.AmplitudeDamping(0.1, 0), gates.CNOT(0, 1)]),
        Circuit(1, [gates.X(0), *[gates.H(0)] * 30]),
    ],
)
def test_sites_on_which_nothing_is_turned(circuit, jax):
    """All matrices of single sites are numbers."""
    import qml.jax

    by_host, native = (qml.jax.state(model) for model in models(circuit))
    theta = THETA[: circuit.n_params]
    assert np.abs(native(theta) - by_host(theta)).max() < 1e-13


@pytest.mark.parametrize("circuit", [TURNS, GIVEN])
def test_double_precision_may_be_a_context(circuit):
    """Which belongs to a thread, and JAX calls the host on others: for the loss, and for matrices made there."""
    jax = pytest.importorskip("jax")
    import qml.jax

    model = CircuitModel(circuit)
    objective = Objective.of(model, RHO, "infidelity")
    many = THETA[: model.n_params] + np.array([[0.0], [0.1], [0.2]])
    with jax.enable_x64(True):
        native = qml.jax.loss(models(circuit)[1], RHO, "infidelity")
        values, gradients = jax.vmap(jax.value_and_grad(native))(many)
    for theta, value, gradient in zip(many, values, gradients, strict=True):
        expected, wanted = objective.value_and_gradient(theta)
        assert float(value) == pytest.approx(expected, abs=1e-13)
        np.testing.assert_allclose(gradient, wanted, atol=1e-12)


def test_second_derivatives_of_rotations(jax):
    import qml.jax

    energy = qml.jax.state(CircuitModel(Circuit(1, [gates.RY("a", 0)]), engine=JaxEngine()))
    slope = jax.grad(jax.grad(lambda a: energy(a[None])[0, 0].real))(np.float64(0.3))
    assert float(slope) == pytest.approx(-np.cos(0.3) / 2, abs=1e-14)


def test_second_derivatives_of_gates_that_consist_of_rotations(jax):
    import qml.jax

    circuit = Circuit(1, [gates.RX("a", 0), gates.U3("b", "c", 0.1, 0), gates.P("a", 0)])
    state = qml.jax.state(CircuitModel(circuit, engine=JaxEngine()))
    found = jax.hessian(lambda theta: state(theta)[0, 1].real)(THETA[:3])
    by_host = qml.jax.state(CircuitModel(circuit))
    slopes = [jax.grad(lambda theta: by_host(theta)[0, 1].real)(THETA[:3] + x) for x in 1e-6 * np.eye(3)]
    back = [jax.grad(lambda theta: by_host(theta)[0, 1].real)(THETA[:3] - x) for x in 1e-6 * np.eye(3)]
    wanted = (np.array(slopes) - back) / 2e-6
    assert np.abs(wanted).min() > 1e-3
    np.testing.assert_allclose(found, wanted, atol=1e-8)


def test_a_circuit_that_does_not_repeat(jax):
    import qml.jax
    from qml.gates import PauliRotation

    pairs = np.random.default_rng(1).permuted(np.tile(np.arange(5), (50, 1)), axis=1)[:, :2]
    blocks = [(gates.RY(f"a{k % 3}", int(a)), gates.CNOT(int(a), int(b))) for k, (a, b) in enumerate(pairs)]
    circuit = Circuit(5, [operation for block in blocks for operation in block])
    circuit = circuit.then(PauliRotation("XYZ")("a0", 0, 3, 1), PauliRotation("YZIX")("a1", 4, 1, 2, 0))
    w = np.random.default_rng(2).normal(size=(32, 32))
    states = [qml.jax.state(model) for model in models(circuit)]
    by_host, native = (lambda theta, state=state: (w * state(theta)).sum().real for state in states)
    theta = THETA[:3]
    gradient = jax.grad(native)
    np.testing.assert_allclose(gradient(theta), jax.grad(by_host)(theta), atol=1e-11)
    many = np.array([theta, -theta])
    np.testing.assert_allclose(jax.vmap(native)(many), [native(t) for t in many], atol=1e-12)
    step = 1e-5 * np.eye(3)
    slopes = [(gradient(theta + s) - gradient(theta - s)) / 2e-5 for s in step]
    np.testing.assert_allclose(jax.hessian(native)(theta), slopes, atol=1e-6)


def test_where_the_support_is_left_the_loss_is_infinite(jax):
    import qml.jax

    model = CircuitModel(Circuit(1, [gates.RX("a", 0)]), engine=JaxEngine())
    s = qml.jax.loss(model, DensityMatrix(np.eye(2) / 2, (2,)))
    value, gradient = jax.value_and_grad(s)(np.zeros(1))
    assert float(value) == np.inf
    assert np.isnan(gradient).all()


def test_from_a_state(jax):
    import qml.jax

    found = [
        qml.jax.state(CircuitModel(TURNS, engine=engine, initial=RHO))(THETA[:3]) for engine in (None, JaxEngine())
    ]
    np.testing.assert_allclose(found[1], found[0], atol=1e-14)


def test_in_single_precision_the_host_computes():
    jax = pytest.importorskip("jax")
    import qml.jax

    assert not jax.config.jax_enable_x64
    by_host, native = (qml.jax.loss(model, RHO) for model in models(TURNS))
    theta = THETA[:3].astype(np.float32)
    assert native(theta).dtype == np.float32
    np.testing.assert_array_equal(jax.grad(native)(theta), jax.grad(by_host)(theta))


@pytest.mark.parametrize("engine", [None, JaxEngine()])
def test_outputs_for_many_inputs_are_a_batch(engine, jax):
    import qml.jax

    rng = np.random.default_rng(2)
    inputs = np.stack([ginibre((2, 2), rng).matrix() for _ in range(3)])
    model = OutputsModel(TURNS, inputs, engine=engine)
    one_by_one = [CircuitModel(TURNS, initial=DensityMatrix(rho)).state(THETA[:3]).matrix() for rho in inputs]
    sigma, weights = qml.jax.state(model), rng.normal(size=(3, 4, 4))
    np.testing.assert_allclose(sigma(THETA[:3]), one_by_one, atol=1e-14)
    loss = losses.MeanCrossEntropy([0.2, 0.3, 0.5])
    target = DensityMatrix(inputs)
    traced, host = qml.jax.loss(model, target, loss), Objective.of(OutputsModel(TURNS, inputs), target, loss)
    value, slopes = jax.value_and_grad(traced)(THETA[:3])
    expected, gradient = host.value_and_gradient(THETA[:3])
    assert float(value) == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(slopes, gradient, rtol=1e-12)
    found = jax.grad(lambda theta: (sigma(theta).real * weights).sum())(THETA[:3])
    step = 1e-6
    ahead, behind = (
        [(np.asarray(sigma(THETA[:3] + sign * step * unit)).real * weights).sum() for unit in np.eye(3)]
        for sign in (1, -1)
    )
    np.testing.assert_allclose(found, (np.array(ahead) - behind) / (2 * step), atol=1e-8)
