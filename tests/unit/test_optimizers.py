"""Optimizers on plain functions: they converge, they shorten steps that reach +inf, they stop at NaN, they are pure."""

import itertools
import math

import numpy as np
import pytest
from helpers.cases import every

from qml import GibbsModel, fit, pauli, thermal
from qml._checks import InputError
from qml.operators import tfim
from qml.optimizers import LBFGS, OPTIMIZERS, Adam, GradientDescent, NotANumber, Point, Stalled
from qml.optimizers.base import evaluate


class Function:
    """Counts its evaluations, and which of them were infinite."""

    def __init__(self, f):
        self.f = f
        self.values = []

    def value_and_gradient(self, params):
        value, gradient = self.f(params)
        self.values.append(value)
        return value, gradient


def run(optimizer, f, start, steps=2000, tolerance=1e-10):
    """(why it ended: None, Stalled or NotANumber; accepted points after the start; function)."""
    function, points = Function(f), []
    point = evaluate(function, np.array(start, dtype=float))
    state = optimizer.init(point)
    while not points or (points[-1].gradient_norm > tolerance and len(points) < steps):
        try:
            point, state = optimizer.step(function, point, state)
        except (Stalled, NotANumber) as ending:
            return type(ending), points, function
        points.append(point)
    return None, points, function


CURVATURES = np.array([1.0, 3.0, 0.5])


def bowl(x):
    return float(CURVATURES @ (x - 1) ** 2 / 2), CURVATURES * (x - 1)


def quartic(x):
    """No optimizer here is through with it in 30 steps."""
    return float(CURVATURES @ (x - 1) ** 4) / 4, CURVATURES * (x - 1) ** 3


def barrier(x):
    """-log x - log(1 - x), infinite outside (0, 1), where the gradient is not a number; its minimum is at 1/2."""
    if not ((x > 0) & (x < 1)).all():
        return math.inf, np.full(x.shape, np.nan)
    return float(-np.log(x).sum() - np.log1p(-x).sum()), -1 / x + 1 / (1 - x)


def rosenbrock(x):
    a, b = x
    return (1 - a) ** 2 + 100 * (b - a**2) ** 2, np.array([-2 * (1 - a) - 400 * a * (b - a**2), 200 * (b - a**2)])


def takes_plain_functions(make):
    """Whether it asks for nothing but values and gradients; the others are tested in test_optimizers_geometry.py and
    test_optimizers_sampled.py."""
    try:
        run(make(), bowl, [3.0, -2.0, 0.0], steps=1)
    except InputError:
        return False
    return True


RATES = {"adam": Adam(0.01), "gradient_descent": GradientDescent(0.3)}
"""Those whose default rate does not suit a bowl."""
TUNED = {name: RATES.get(name) or make() for name, make in OPTIMIZERS.items() if takes_plain_functions(make)}


@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - set(TUNED)))
def test_what_a_plain_function_lacks_is_told(name):
    with pytest.raises(
        InputError, match=f"the optimizer '{name}' needs an objective with the method '.*', as those of fit"
    ):
        run(OPTIMIZERS[name](), bowl, [3.0, -2.0, 0.0])


@pytest.mark.parametrize("name", TUNED)
def test_reaches_the_minimum_of_a_bowl(name):
    ending, points, _ = run(TUNED[name], bowl, [3.0, -2.0, 0.0], steps=5000, tolerance=1e-8)
    assert ending is None
    assert np.allclose(points[-1].params, 1.0, atol=1e-6)


def test_lbfgs_on_rosenbrock():
    ending, points, _ = run(LBFGS(), rosenbrock, [-1.2, 1.0], tolerance=1e-8)
    assert ending is None
    assert np.allclose(points[-1].params, 1.0, atol=1e-7)
    assert len(points) < 60


@pytest.mark.parametrize("name", TUNED)
def test_reported_points_are_what_the_function_says(name):
    start = np.array([3.0, -2.0, 0.0])
    _, points, _ = run(TUNED[name], bowl, start, steps=20)
    for point in points:
        value, gradient = bowl(point.params)
        assert point.value == value
        assert np.array_equal(point.gradient, gradient)
    assert np.array_equal(start, [3.0, -2.0, 0.0])


@pytest.mark.parametrize("optimizer", [LBFGS(), Adam(0.5), GradientDescent(0.05)], ids=lambda o: o.name)
def test_steps_to_infinity_are_halved(optimizer):
    """The first step from 0.01 leaves the interval (gradient -99): it is shortened, nothing infinite is accepted."""
    ending, points, function = run(optimizer, barrier, [0.01], steps=400, tolerance=1e-6)
    assert math.inf in function.values
    assert all(math.isfinite(point.value) for point in points)
    assert ending is None
    assert min(point.value for point in points) < 2 * math.log(2) + 0.02


def test_halving_is_halving():
    """From 0.1 the step of length 8.9 first ends inside after four halvings."""
    function = Function(barrier)
    start = evaluate(function, np.array([0.1]))
    point, _ = GradientDescent(1.0).step(function, start, {})
    tried = 0.1 + -start.gradient[0] * 0.5 ** np.arange(5)
    assert [math.isfinite(v) for v in function.values[1:]] == [bool(x < 1) for x in tried[: len(function.values) - 1]]
    assert point.params[0] == pytest.approx(tried[len(function.values) - 2], rel=1e-15)


def test_lbfgs_goes_on_after_an_infinite_trial_with_a_decrease():
    ending, points, function = run(LBFGS(), barrier, [0.01], steps=100, tolerance=1e-6)
    assert math.inf in function.values
    assert ending is None
    values = [function.values[0], *(point.value for point in points)]
    assert all(b < a for a, b in itertools.pairwise(values))
    assert points[-1].params[0] == pytest.approx(0.5, abs=1e-6)


def test_infinite_everywhere_but_at_the_start_stalls():
    def spike(x):
        return (0.0, np.ones(1)) if x[0] == 0 else (math.inf, np.full(1, np.nan))

    for optimizer in TUNED.values():
        ending, points, _ = run(optimizer, spike, [0.0])
        assert ending is Stalled
        assert points == []


@every("name", TUNED)
@every("what", ["value", "gradient", "minus infinity"])
def test_not_a_number_ends_it(name, what):
    def broken(x):
        if x[0] > 2.5:
            return bowl(x)
        value = {"value": math.nan, "minus infinity": -math.inf}.get(what, 1.0)
        return value, np.full(3, np.nan) if what == "gradient" else np.ones(3)

    ending, points, _ = run(TUNED[name], broken, [3.0, -2.0, 0.0])
    assert ending is NotANumber
    assert all(point.is_number for point in points)


def test_lbfgs_stalls_at_a_kink_and_at_a_wrong_gradient():
    ending, points, _ = run(LBFGS(), lambda x: (float(np.abs(x - 1).sum()), np.sign(x - 1) + 0.0), [0.3, 0.0])
    assert ending is None or points[-1].value < 1e-6
    ending, _, _ = run(LBFGS(), lambda x: (bowl(x)[0], -bowl(x)[1]), [3.0, -2.0, 0.0])
    assert ending is Stalled


def test_lbfgs_stalls_where_float64_shows_no_decrease():
    """1 + x^2/2 is 1 in float64 from |x| < 1e-8 on: a report that is never content does not keep it busy."""
    ending, points, function = run(LBFGS(), lambda x: (1 + float(x @ x) / 2, x), [0.3, 1.0], tolerance=-1.0)
    assert ending is Stalled
    assert points[-1].value == 1.0
    assert len(function.values) < 200


@pytest.mark.parametrize("name", TUNED)
def test_steps_can_be_stored_and_continued_to_the_bit(name):
    optimizer, function = TUNED[name], Function(quartic)
    point = evaluate(function, np.array([-0.5, 0.5, 0.1]))
    state = optimizer.init(point)
    stored = {}
    for k in range(30):
        if k == 11:
            stored = {key: a.tobytes() for key, a in state.items()}
            shapes = {key: a.shape for key, a in state.items()}
            at = point
        point, state = optimizer.step(function, point, state)
    again, state = at, {key: np.frombuffer(raw).reshape(shapes[key]) for key, raw in stored.items()}
    for _ in range(11, 30):
        again, state = optimizer.step(function, again, state)
    assert np.array_equal(again.params, point.params)


@pytest.mark.parametrize("name", TUNED)
def test_a_step_leaves_point_and_state_as_they_are(name):
    """The same step can be taken twice: frozen arrays are no hindrance, and nothing is remembered elsewhere."""
    optimizer, function = TUNED[name], Function(quartic)
    point = evaluate(function, np.array([-0.5, 0.5, 0.1]))
    state = optimizer.init(point)
    for _ in range(12):
        state = {key: np.array(a) for key, a in state.items()}
        for a in (point.params, point.gradient, *state.values()):
            a.flags.writeable = False
        (first, after), (second, same) = (optimizer.step(function, point, state) for _ in range(2))
        assert first.params.tobytes() == second.params.tobytes()
        assert all(after[key].tobytes() == same[key].tobytes() for key in after)
        point, state = first, after


@pytest.mark.parametrize("name", [name for name, o in OPTIMIZERS.items() if o.descends and name in TUNED])
def test_optimizers_that_descend_do(name):
    _, points, function = run(TUNED[name], rosenbrock, [-1.2, 1.0], tolerance=1e-8)
    values = [function.values[0], *(point.value for point in points)]
    assert all(b < a for a, b in itertools.pairwise(values))


def saddle(x):
    """A wavy valley, with slopes of either sign and curvatures of either sign along most lines."""
    a, b = x
    value = np.sin(3 * a) + (b - a) ** 2 + 0.1 * a**2
    return float(value), np.array([3 * np.cos(3 * a) - 2 * (b - a) + 0.2 * a, 2 * (b - a)])


@pytest.mark.parametrize(
    ("f", "start"), [(rosenbrock, (-1.2, 1.0)), (quartic, (9.0, -7.0, 3.0)), (saddle, (2.0, -1.0))]
)
def test_lbfgs_satisfies_the_strong_wolfe_conditions(f, start):
    """f(x + sp) <= f(x) + 1e-4 s p.g and |p.g(x + sp)| <= 0.9 |p.g(x)|, whatever the scale of the function."""
    for scale in (1e-3, 1.0, 1e4):
        _, points, _ = run(LBFGS(), lambda x, c=scale: tuple(c * a for a in f(x)), start, 40, 1e-5 * scale)
        assert len(points) >= 8
        for before, after in itertools.pairwise(points):
            step = after.params - before.params
            slope = before.gradient @ step
            assert slope < 0
            assert after.value <= before.value + 1e-4 * slope
            assert abs(after.gradient @ step) <= 0.9 * abs(slope)


def test_lbfgs_directions_are_those_of_the_matrix():
    """-H g with H by the update of BFGS, H' = (1 - s y^T/c) H (1 - y s^T/c) + s s^T/c, as a matrix; c = s.y."""
    rng = np.random.default_rng(3)
    hessian = (lambda a: a @ a.T + np.eye(6))(rng.normal(size=(6, 6)))
    steps = rng.normal(size=(4, 6))
    changes, gradient = steps @ hessian, rng.normal(size=6)
    s, y = steps[-1], changes[-1]
    matrix = (s @ y) / (y @ y) * np.eye(6)
    for s, y in zip(steps, changes, strict=True):
        project = np.eye(6) - np.outer(y, s) / (s @ y)
        matrix = project.T @ matrix @ project + np.outer(s, s) / (s @ y)
    point = Point(np.zeros(6), 0.0, gradient)
    function = Function(lambda x: (-1.0 + float(gradient @ x), 0.5 * gradient))
    products = np.triu(steps @ changes.T)
    before = {"steps": steps, "changes": changes, "inverse": np.linalg.inv(products)}
    reached, after = LBFGS(4).step(function, point, before)
    np.testing.assert_allclose(reached.params, -matrix @ gradient, rtol=1e-12)
    np.testing.assert_array_equal(after["steps"][:3], steps[1:])
    np.testing.assert_array_equal(after["steps"][3], reached.params)
    np.testing.assert_allclose(after["inverse"] @ np.triu(after["steps"] @ after["changes"].T), np.eye(4), atol=1e-12)


def test_lbfgs_asks_for_few_evaluations():
    """Quadratic functions of any condition: hardly more than one a step, and the value is the least to rounding."""
    rng = np.random.default_rng(0)
    for condition in (1e1, 1e3):
        basis = np.linalg.qr(rng.normal(size=(20, 20)))[0]
        hessian = (basis * np.geomspace(1, condition, 20)) @ basis.T
        b = rng.normal(size=20)

        def parabola(x, hessian=hessian, b=b):
            return float(x @ hessian @ x / 2 - b @ x), hessian @ x - b

        ending, points, function = run(LBFGS(), parabola, np.zeros(20), tolerance=1e-6)  # below it, rounding decides
        assert ending is None
        assert len(function.values) <= 1.15 * len(points) + 3
        ending, points, function = run(LBFGS(), parabola, np.zeros(20))
        assert ending in (None, Stalled)
        assert points[-1].value == pytest.approx(-b @ np.linalg.solve(hessian, b) / 2, rel=1e-13)


def test_lbfgs_forgets_once_before_it_stalls():
    """Wrong memories, with which no step lowers the value, are given up for steepest descent."""
    function = Function(bowl)
    point = evaluate(function, np.array([3.0, -2.0, 0.0]))
    step = np.array([[1.0, 0.0, 0.0]])
    wrong = {"steps": step, "changes": -step, "inverse": np.array([[-1.0]])}
    reached, state = LBFGS().step(function, point, wrong)
    assert reached.value < point.value
    np.testing.assert_allclose(np.cross(reached.params - point.params, point.gradient), 0.0, atol=1e-12)
    np.testing.assert_array_equal(state["steps"], [reached.params - point.params])


def test_adam_first_steps_by_the_formula():
    function = Function(bowl)
    start = evaluate(function, np.array([3.0, -2.0, 0.0]))
    adam = Adam(0.1)
    first, state = adam.step(function, start, adam.init(start))
    assert np.allclose(first.params, start.params - 0.1 * np.sign(start.gradient), atol=1e-8)
    second, _ = adam.step(function, first, state)
    g1, g2 = start.gradient, first.gradient
    m = (0.9 * 0.1 * g1 + 0.1 * g2) / (1 - 0.9**2)
    v = (0.999 * 0.001 * g1**2 + 0.001 * g2**2) / (1 - 0.999**2)
    assert np.allclose(second.params, first.params - 0.1 * m / (np.sqrt(v) + 1e-8), atol=1e-14)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Adam(0.0), "learning_rate must be greater than 0"),
        (lambda: Adam(beta1=1.0), "beta1 must be at least 0 and below 1"),
        (lambda: Adam(epsilon=-1.0), "epsilon must be greater than 0"),
        (lambda: GradientDescent(-0.1), "learning_rate must be greater than 0; found -0.1"),
        (lambda: GradientDescent(math.nan), "learning_rate must be a finite number"),
        (lambda: LBFGS(0), "memory must be an integer of at least 1"),
    ],
)
def test_sentences(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint64])
def test_the_memory_of_lbfgs_may_be_an_integer_of_numpy(kind):
    runs = [fit(GibbsModel(["X", "Z"]), np.diag([0.8, 0.2]), optimizer=LBFGS(m), seed=1) for m in (kind(2), 2)]
    assert runs[0].loss == runs[1].loss


@pytest.mark.parametrize("size", [1e3, 1e6, 1e12])
def test_newton_begins_anew_at_zero_where_that_is_better(size):
    """Pure to rounding, and in the wrong state: the Hessian is zero along most of the gradient."""
    model, target = GibbsModel(tfim(3)), thermal(tfim(3), 1.0)
    result = fit(model, target, params0=np.full(5, size), optimizer="newton")
    assert result.history.loss[1] == pytest.approx(3 * math.log(2))
    assert result.converged
    assert result.iterations <= 10
    assert abs(result.gap) < 1e-12


def test_newton_keeps_a_start_that_is_better_than_zero():
    """Of 1.2 nats, though its slope towards zero is as large; log 4 at zero."""
    outcomes = np.array([1 - 1e-3, 1e-3])
    result = fit(
        GibbsModel(["ZI", "IZ"]), np.diag(np.kron(outcomes, outcomes)), params0=[-300.0, -300.0], optimizer="newton"
    )
    assert (result.history.loss < 1.25).all()
    assert result.converged
    assert abs(result.gap) < 1e-12


@pytest.mark.parametrize("theta", [-300.0, -358.0, -362.0, -372.0, -400.0])
def test_newton_comes_back_from_where_the_curvature_is_less_than_float64_holds(theta):
    """It is 4 exp(2 theta), and the quotient of slope and curvature may be none of its numbers."""
    result = fit(GibbsModel(["Z"]), np.diag([1 - 1e-3, 1e-3]), params0=[theta], optimizer="newton")
    assert result.converged
    assert abs(result.gap) < 1e-12


def test_newton_follows_a_direction_without_curvature_beside_one_with_it():
    """Beside what the first qubit gains over a million of its units, a step along the whole gradient is too short to
    show, or too long for the second."""
    outcomes = np.kron([1 - 1e-9, 1e-9], [0.7, 0.3])
    model = GibbsModel([1e4 * pauli("ZI"), pauli("IZ")])
    result = fit(model, np.diag(outcomes), params0=[-100.0, 0.5], optimizer="newton")
    assert result.converged
    assert abs(result.gap) < 1e-12


def test_newton_takes_parameters_of_any_unit():
    """The curvatures are 32 orders of magnitude apart; L-BFGS ends 0.27 nats above."""
    model = GibbsModel([1e-8 * pauli("Z"), 1e8 * pauli("X")])
    result = fit(model, thermal(pauli("Z") + pauli("X"), 1.0), optimizer="newton", seed=0)
    assert result.converged
    assert abs(result.gap) < 1e-12


@pytest.mark.parametrize("seed", range(8))
def test_newtons_steps_do_not_depend_on_the_units(seed):
    rng = np.random.default_rng(seed)
    words, units = ["ZI", "IZ", "ZZ", "XI", "IX", "YY"], 10 ** rng.uniform(-3, 3, 6)
    target, start = thermal(tfim(2), 2.0), rng.normal(size=6)
    plain = fit(GibbsModel(words), target, params0=start, optimizer="newton")
    scaled = {word: float(unit) * pauli(word) for word, unit in zip(words, units, strict=True)}
    found = fit(GibbsModel(scaled), target, params0=start / units, optimizer="newton")
    assert plain.converged
    both = min(len(plain.history), len(found.history))
    assert both >= len(plain.history) - 2
    assert np.abs(found.history.loss[:both] - plain.history.loss[:both]).max() < 1e-10
