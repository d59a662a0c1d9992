"""SPSA, random batches and parameter shifts: unbiased, exact where they should be, and resumable."""

import contextlib

import numpy as np
import pytest

from qml import CircuitModel, CrossEntropy, GibbsModel, Parameter, SpectralModel, channels, fit, gates
from qml._checks import InputError
from qml.circuits import Circuit
from qml.engines.reference import ReferenceEngine
from qml.fitting import Objective
from qml.fitting.frequencies import frequencies, shift_rule
from qml.losses import HilbertSchmidt
from qml.operators import tfim
from qml.optimizers import SPSA, Adam, NotANumber, ParameterShift, StochasticAdam
from qml.optimizers.base import evaluate
from qml.states import DensityMatrix, ginibre

RHO = ginibre((2, 2), np.random.default_rng(1))


def objective_of(model, target=RHO, loss=None, seed=0):
    objective = Objective(model, target, loss or CrossEntropy())
    return objective, evaluate(objective, model.init_params(np.random.default_rng(seed)))


def ensemble(members=40):
    rng = np.random.default_rng(3)
    columns = rng.standard_normal((4, members)) + 1j * rng.standard_normal((4, members))
    columns *= rng.uniform(0.2, 1.0, members)
    return DensityMatrix.from_factor(columns / np.linalg.norm(columns), (2, 2))


def gates_of_many_frequencies():
    circuit = Circuit(
        2,
        [
            gates.RY("a", 0),
            gates.CRX("b", 0, 1),
            gates.U3("c", "d", "e", 1),
            gates.XXPlusYY("f", 0, 1),
            gates.RZZ(2 * Parameter("a") + 0.3, 0, 1),
            gates.CP("g", 1, 0),
            gates.RX(-0.37 * Parameter("g"), 0),
            channels.Depolarizing(0.2, 0),
            channels.Depolarizing(0.1, 1),
        ],
    )
    return CircuitModel(circuit, engine=ReferenceEngine())


def test_frequencies_are_differences_of_generator_eigenvalues():
    found = dict(zip("abcdefg", frequencies(gates_of_many_frequencies()), strict=True))
    expected = {
        "a": [1, 2, 3],  # 1 of RY, and 2 of the doubled RZZ
        "b": [0.5, 1],
        "c": [1],
        "d": [1],
        "e": [1],
        "f": [0.5, 1],
        "g": [0.37, 0.63, 1, 1.37],
    }
    assert all(np.allclose(found[name], expected[name], atol=1e-9) for name in expected)


@pytest.mark.parametrize("loss", [CrossEntropy(), HilbertSchmidt()], ids=lambda loss: loss.name)
def test_parameter_shifts_are_the_gradient(loss):
    objective, point = objective_of(gates_of_many_frequencies(), loss=loss)
    assert np.abs(point.gradient).min() > 1e-4
    assert np.allclose(objective.shifted_gradient(point.params), point.gradient, atol=1e-11)


@pytest.mark.parametrize("unit", [1e-12, 1.0])
def test_parameters_of_any_unit_have_shifts(unit):
    """An angle may be a frequency in hertz times some picoseconds."""
    angle = unit * Parameter("f")
    model = CircuitModel(Circuit(2, [gates.RY(0.7, 0), gates.RX(angle, 0), gates.CRX(angle, 0, 1)]))
    assert np.allclose(frequencies(model)[0] / unit, [0.5, 1, 1.5, 2], rtol=1e-9)
    objective = Objective(model, RHO, HilbertSchmidt())
    _, gradient = objective.value_and_gradient([0.4 / unit])
    assert abs(gradient[0]) > 0.01 * unit
    assert objective.shifted_gradient(np.array([0.4 / unit])) == pytest.approx(gradient, rel=1e-6, abs=0)


def test_two_shifts_would_be_wrong_for_a_controlled_rotation():
    objective, point = objective_of(gates_of_many_frequencies())
    objective.__dict__["_rules"] = [shift_rule(np.array([1.0]))] * 7
    wrong = objective.shifted_gradient(point.params)
    assert abs(wrong[1] - point.gradient[1]) > 1e-3
    assert wrong[2] == pytest.approx(point.gradient[2], abs=1e-12)


@pytest.mark.parametrize("omegas", [[1.0], [0.5, 1.0], [1.0, 2.0, 3.0], [0.37, 0.63, 1.0, 1.37]])
def test_shift_rules_differentiate_trigonometric_polynomials(omegas):
    rng = np.random.default_rng(0)
    omegas = np.array(omegas)
    a, b = rng.standard_normal((2, len(omegas)))
    x, c = shift_rule(omegas)

    def h(t):
        return float(a @ np.cos(omegas * t) + b @ np.sin(omegas * t))

    assert sum(k * (h(s) - h(-s)) for s, k in zip(x, c, strict=True)) == pytest.approx(float(b @ omegas), abs=1e-10)


def test_parameter_shift_descends():
    model = gates_of_many_frequencies()
    rho = model.state(model.init_params(np.random.default_rng(0)))
    start = model.init_params(np.random.default_rng(0)) + 0.1
    result = fit(model, rho, optimizer=ParameterShift(0.3), params0=start, max_iterations=20)
    assert (np.diff(result.history.loss) < 0).all()
    assert result.gap < 0.2 * result.history.gap[0]


def test_what_has_no_shift_rule_is_told():
    learnt = CircuitModel(Circuit(1, [gates.RY("a", 0), channels.BitFlip("p", 0)]), engine=ReferenceEngine())
    with pytest.raises(InputError, match="'p' is a parameter of BitFlip"):
        frequencies(learnt)
    with pytest.raises(InputError, match="parameter shifts need a circuit model; found GibbsModel"):
        fit(GibbsModel(tfim(2)), RHO, optimizer="parameter_shift", seed=0)
    chirp = gates.ParametricGate(
        name="chirp",
        dims=(2,),
        parameter_names=("t",),
        function=lambda v: np.diag([1, np.exp(1j * v[0] ** 2)]),
        derivative_function=lambda v: np.diag([0, 2j * v[0] * np.exp(1j * v[0] ** 2)])[None],
        undo=lambda v: (-v[0],),
    )
    with pytest.raises(InputError, match="chirp is no exponential of its parameter 't'"):
        frequencies(CircuitModel(Circuit(1, [chirp("a", 0)])))
    many = [gates.RX((1 + 0.1 * k**2) * Parameter("a"), 0) for k in range(8)]
    with pytest.raises(InputError, match="'a' turns with more than 64 frequencies"):
        frequencies(CircuitModel(Circuit(1, many)))


def test_spsa_is_unbiased_to_second_order_and_descends():
    model = GibbsModel(tfim(2))
    objective, point = objective_of(model)
    rate = 0.5 / 11**0.602
    steps = [SPSA(perturbation=1e-3, seed=s).step(objective, point, {"t": np.zeros(())})[0] for s in range(400)]
    moves = np.array([s.params - point.params for s in steps]) / -rate
    error = moves.std(axis=0) / np.sqrt(len(moves))
    assert (np.abs(moves.mean(axis=0) - point.gradient) < 4 * error).all()
    result = fit(model, RHO, optimizer=SPSA(1.0), seed=0, max_iterations=300)
    best = fit(model, RHO, optimizer="newton", seed=0)
    assert result.loss - best.loss < 0.05 * (result.history.loss[0] - best.loss)


def test_spsa_asks_for_three_values_a_step_and_no_gradient():
    class Values(GibbsModel):
        def state_vjp(self, params):
            raise AssertionError("no gradient is asked for")

    result = fit(Values(tfim(2)), RHO, optimizer="spsa", seed=0, max_iterations=5)
    assert result.evaluations == 1 + 3 * 5
    assert result.loss < result.history.loss[0]
    assert np.isnan(result.history.gradient_norm).all()
    assert result.status == "stopped after 5 iterations, the most allowed: raise max_iterations."
    assert "gradient" not in result.summary()


@pytest.mark.parametrize(
    "optimizer", [SPSA(seed=4), StochasticAdam(batch_size=3, seed=4), Adam(), ParameterShift()], ids=lambda o: o.name
)
def test_steps_can_be_stored_and_continued_to_the_bit(optimizer):
    model = CircuitModel(
        Circuit(2, [gates.RY("a", 0), gates.CRY("b", 0, 1), channels.Depolarizing(0.3, 0), channels.BitFlip(0.2, 1)]),
        engine=ReferenceEngine(),
    )
    objective, point = objective_of(model, ensemble())
    state = optimizer.init(point)
    for k in range(8):
        if k == 5:
            at, stored = point, {key: np.frombuffer(a.tobytes()).reshape(a.shape) for key, a in state.items()}
        point, state = optimizer.step(objective, point, state)
    for _ in range(3):
        at, stored = optimizer.step(objective, at, stored)
    assert np.array_equal(at.params, point.params)


def test_seeds_make_the_difference():
    model = GibbsModel(tfim(2))
    runs = [fit(model, ensemble(), optimizer=SPSA(seed=s), seed=0, max_iterations=5) for s in (1, 1, 2)]
    assert np.array_equal(runs[0].params, runs[1].params)
    assert not np.array_equal(runs[0].params, runs[2].params)


def test_infinite_and_undefined_values_of_spsa():
    class Half:
        """x + 1 for x > 0, else infinite or not a number."""

        def __init__(self, beyond):
            self.beyond = beyond

        def value(self, x):
            return float(x[0]) + 1 if x[0] > 0 else self.beyond

        def value_and_gradient(self, x):
            return self.value(x), np.ones(1)

    spsa = SPSA()
    for beyond in (np.inf, np.nan):
        function, values = Half(beyond), []
        point = evaluate(function, np.array([0.05]))
        state = spsa.init(point)
        with pytest.raises(NotANumber) if np.isnan(beyond) else contextlib.nullcontext():
            for _ in range(6):
                point, state = spsa.step(function, point, state)
                values.append(point.value)
        assert np.isfinite(values).all()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: SPSA(perturbation=0.0), "perturbation must be greater than 0"),
        (lambda: SPSA(seed=-1), "seed must be an integer of at least 0"),
        (lambda: StochasticAdam(batch_size=0), "batch_size must be an integer of at least 1"),
        (lambda: ParameterShift(0.0), "learning_rate must be greater than 0"),
    ],
)
def test_sentences(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


def test_spectral_models_are_refused_by_shifts():
    model = SpectralModel(Circuit(1, [gates.RY("a", 0)]), engine=ReferenceEngine())
    with pytest.raises(InputError, match="found SpectralModel"):
        frequencies(model)
