"""Optimizers that know the geometry: Newton, natural gradient, mirror descent; they agree on the optimum."""

import itertools
import math

import numpy as np
import pytest
from helpers.cases import every

from qml import CircuitModel, CrossEntropy, GibbsModel, channels, circuits, fit, pauli, relative_entropy, thermal
from qml._checks import InputError
from qml.circuits import Circuit
from qml.fitting import Objective
from qml.geometry import KINDS
from qml.losses import HilbertSchmidt, Infidelity
from qml.models import HiddenGibbsModel
from qml.operators import heisenberg, tfim, xxz
from qml.optimizers import LBFGS, GradientDescent, MirrorDescent, NaturalGradient, NaturalLBFGS, Newton, natural
from qml.optimizers.base import evaluate
from qml.optimizers.linear import conjugate_gradients
from qml.states import DensityMatrix, basis_state, ginibre

RHO = ginibre((2, 2, 2), np.random.default_rng(2))
MODEL = GibbsModel(xxz(3, delta=0.6, h=0.2))


def falls(result):
    """Whether the loss fell in every step, up to rounding."""
    return bool((np.diff(result.history.loss) <= 1e-14).all())


def noisy_circuit():
    circuit = circuits.hardware_efficient(2, 1)
    return CircuitModel(circuit.then(channels.Depolarizing(0.1, 0), channels.Depolarizing(0.1, 1)))


@every("solver", ["dense", "cg"])
@every(
    "model, rho",
    [
        (MODEL, RHO),
        (GibbsModel.all_paulis(3), thermal(heisenberg(3, h=0.4), 1.5)),
        (GibbsModel([pauli("ZI"), pauli("IZ"), pauli("ZZ")]), DensityMatrix.from_probabilities([0.1, 0.2, 0.3, 0.4])),
        (GibbsModel(tfim(4)), thermal(tfim(4, h=0.2), 3.0)),
    ],
    ids=["mismatched", "matched", "classical", "cold"],
)
def test_newton_certifies_the_optimum_in_about_ten_steps(model, rho, solver):
    result = fit(model, rho, optimizer=Newton(solver), params0=np.zeros(model.n_params), gradient_tolerance=1e-10)
    assert result.converged
    assert result.iterations <= 12
    assert result.history.gradient_norm[-1] <= 1e-10
    assert falls(result)


def test_newton_converges_faster_than_linearly():
    result = fit(MODEL, RHO, optimizer=Newton(), params0=np.zeros(MODEL.n_params), gradient_tolerance=1e-12)
    norms = result.history.gradient_norm
    assert norms[-1] < 1e-12
    assert (norms[3:] < 0.2 * norms[2:-1]).all()
    assert norms[-1] < 50 * norms[-2] ** 1.5


def test_all_agree_on_the_optimum_and_it_obeys_pythagoras():
    """D(rho||tau) = D(rho||sigma*) + D(sigma*||tau) to rounding, for the optimum sigma* and any tau of the family."""
    optimizers = [Newton(), NaturalGradient(), NaturalGradient("bures"), MirrorDescent(0.7), LBFGS()]
    found = [fit(MODEL, RHO, optimizer=o, seed=0, gradient_tolerance=1e-9) for o in optimizers]
    assert all(result.converged for result in found)
    assert max(np.abs(result.params - found[0].params).max() for result in found) < 1e-7
    best = fit(MODEL, RHO, optimizer=Newton(), seed=0, gradient_tolerance=1e-13).state
    for label in MODEL.parameter_names:
        assert float(best.expect(pauli(label))) == pytest.approx(float(RHO.expect(pauli(label))), abs=1e-12)
    tau = MODEL.state(np.random.default_rng(0).normal(size=MODEL.n_params))
    through = relative_entropy(RHO, best) + relative_entropy(best, tau)
    assert float(relative_entropy(RHO, tau)) == pytest.approx(float(through), abs=1e-12)


def test_dependent_generators_leave_newton_unmoved_along_what_changes_nothing():
    model = GibbsModel({"a": pauli("ZI"), "b": 2.0 * pauli("ZI"), "c": pauli("XX")})
    result = fit(model, RHO2, optimizer=Newton(), params0=[0.0, 0.0, 0.0], gradient_tolerance=1e-10)
    assert result.converged
    assert 2 * result.params[1] == pytest.approx(result.params[0], rel=1e-9)  # in units of their curvatures


RHO2 = ginibre((2, 2), np.random.default_rng(1))


def test_newton_goes_far_out_for_a_pure_target():
    """The infimum is at infinity: the loss falls towards zero, step after step, and nothing breaks down."""
    result = fit(GibbsModel([pauli("Z"), pauli("X")]), basis_state("0"), optimizer="newton", seed=0, max_iterations=30)
    assert 0 <= result.loss < 1e-6
    assert falls(result)


def test_newton_refuses_what_is_not_convex():
    with pytest.raises(
        InputError, match=r"cross entropy of an exponential family.*found HilbertSchmidt and GibbsModel"
    ):
        fit(MODEL, RHO, optimizer=Newton(), loss=HilbertSchmidt(), seed=0)
    with pytest.raises(InputError, match="found CrossEntropy and CircuitModel: use NaturalGradient"):
        fit(noisy_circuit(), RHO2, optimizer=Newton(), seed=0)


@pytest.fixture(scope="module")
def noisy():
    """A fit of a noisy circuit by gradient descent: model, target, options, result."""
    model = noisy_circuit()
    rho = model.state(model.init_params(np.random.default_rng(3)))
    start = model.init_params(np.random.default_rng(3)) + 0.3
    options = {"params0": start, "gradient_tolerance": 1e-8, "max_iterations": 200}
    return model, rho, options, fit(model, rho, optimizer=GradientDescent(0.3), **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["dense", "cg"])
def test_natural_gradient_of_a_noisy_circuit(noisy, kind, solver):
    model, rho, options, plain = noisy
    result = fit(model, rho, optimizer=NaturalGradient(kind, solver=solver), **options)
    assert result.converged
    assert abs(result.gap) < 1e-10
    assert falls(result)
    assert result.iterations < 0.3 * plain.iterations


def test_natural_gradient_does_not_depend_on_the_parametrisation():
    """Other units of the parameters change a gradient step, and no undamped natural one."""
    scales = np.array([0.1, 5.0, 1.0])
    plain = GibbsModel(tfim(2))
    scaled = GibbsModel({n: s * pauli(n) for n, s in zip(plain.parameter_names, scales, strict=True)})
    natural = NaturalGradient(damping=1e-13)
    steps = []
    for model, unit in ((plain, np.ones(3)), (scaled, scales)):
        objective = Objective(model, RHO2, CrossEntropy())
        start = evaluate(objective, np.array([0.2, 0.1, -0.3]) / unit)
        steps.append(natural.step(objective, start, natural.init(start))[0].params * unit)
    assert np.allclose(*steps, atol=1e-10)


# the natural gradient, then L-BFGS ------------------------------------------------------------------------------------


def beside_a_chain(n):
    """The chain of n qubits, with one hidden qubit that joins two of them."""
    hidden = [pauli("ZZ", sites=[q, n], n=n + 1) for q in (0, n // 2)] + [pauli("X", sites=[n], n=n + 1)]
    bonds = [pauli("ZZ", sites=[q, q + 1], n=n + 1) for q in range(n - 1)]
    return HiddenGibbsModel([*bonds, *(pauli("X", sites=[q], n=n + 1) for q in range(n)), *hidden])


def test_a_target_that_is_reached_takes_steps_of_the_natural_gradient():
    model, rho = beside_a_chain(3), thermal(tfim(3), 1.0)
    both = [fit(model, rho, optimizer=o, seed=0) for o in (NaturalLBFGS(), NaturalGradient())]
    assert both[0].converged
    assert both[0].gap < 1e-12
    assert both[0].iterations < 30
    assert np.array_equal(both[0].params, both[1].params)


def test_where_the_natural_gradient_is_slow_it_goes_on_as_lbfgs():
    """The hidden qubit is of no use, which leaves directions without curvature."""
    model, rho = beside_a_chain(3), thermal(tfim(3), 0.7)
    start = np.random.default_rng(1).normal(0, 0.5, model.n_params)
    found, natural, lbfgs = (
        fit(model, rho, params0=start, optimizer=o, gradient_tolerance=1e-7)
        for o in (NaturalLBFGS(), NaturalGradient(), LBFGS())
    )
    assert found.converged
    assert falls(found)
    assert found.gap < 1e-7
    assert found.iterations < 0.7 * min(natural.iterations, lbfgs.iterations)


def test_its_steps_do_not_depend_on_the_parametrisation(monkeypatch):
    """Other units of the parameters, and mixtures of them: both sorts of steps are the same, but for the damping."""
    monkeypatch.setattr(natural, "FLOOR", 0.0)
    mix = np.random.default_rng(0).normal(size=(4, 4)) + np.diag([3.0, 0.5, 2.0, 1.0])
    model, target = GibbsModel(["ZZ", "XI", "IX", "YY"]), ginibre((2, 2), np.random.default_rng(5))

    class Mixed:
        """f of theta = mix x."""

        def __init__(self, mix):
            self.mix, self.own = mix, Objective(model, target, CrossEntropy())

        def value_and_gradient(self, x):
            value, gradient = self.own.value_and_gradient(self.mix @ x)
            return value, self.mix.T @ gradient

        def metric(self, x, kind):
            g = self.mix.T @ self.own.metric(self.mix @ x, kind).matrix() @ self.mix
            return type("Pulled", (), {"matrix": lambda self: g})()

    reached, theta = [], np.array([0.4, -0.2, 0.3, 0.5])
    for each in (np.eye(4), mix):
        function = Mixed(each)
        point = evaluate(function, np.linalg.solve(each, theta))
        state = natural._begun(point)
        for _ in range(6):
            point, state = NaturalLBFGS(memory=3).step(function, point, state)
        reached.append(each @ point.params)
    assert np.abs(reached[0] - theta).max() > 0.1
    assert np.abs(reached[0] - reached[1]).max() < 1e-7


def test_pure_circuits_take_the_bures_metric():
    model = CircuitModel(circuits.hardware_efficient(2, 1))
    target = model.state(model.init_params(np.random.default_rng(0)))
    options = {"loss": Infidelity(), "seed": 3, "gradient_tolerance": 1e-6}
    result = fit(model, target, optimizer=NaturalGradient("bures"), **options)
    assert falls(result)
    assert result.loss < 1e-9
    with pytest.raises(InputError, match="metric is infinite here"):
        fit(model, target, optimizer=NaturalGradient("bkm"), **options)


def test_a_mirror_step_moves_the_expectations_on_a_straight_line():
    objective = Objective(MODEL, RHO, CrossEntropy())
    point = evaluate(objective, np.random.default_rng(0).normal(0, 0.5, MODEL.n_params))
    for rate in (0.25, 0.5, 1.0):
        reached, _ = MirrorDescent(rate).step(objective, point, {})
        for label in MODEL.parameter_names:
            before, after = (float(MODEL.state(p.params).expect(pauli(label))) for p in (point, reached))
            data = float(RHO.expect(pauli(label)))
            assert after == pytest.approx((1 - rate) * before + rate * data, abs=2e-4)


def test_mirror_descent_falls_in_every_step():
    gibbs = fit(MODEL, RHO, optimizer=MirrorDescent(0.8), seed=0, gradient_tolerance=1e-8)
    assert gibbs.converged
    assert falls(gibbs)
    assert all(b < 0.3 * a for a, b in itertools.pairwise(gibbs.history.gradient_norm))
    options = {"loss": HilbertSchmidt(), "seed": 0, "gradient_tolerance": 1e-7}
    mirror, lbfgs = (fit(MODEL, RHO, optimizer=name, **options) for name in ("mirror_descent", "lbfgs"))
    assert mirror.converged
    assert mirror.loss == pytest.approx(lbfgs.loss, abs=1e-10)
    assert mirror.history.loss[0] - mirror.loss > 0.01
    with pytest.raises(InputError, match=r"mirror descent needs an exponential family.*found CircuitModel"):
        fit(noisy_circuit(), RHO2, optimizer="mirror_descent", seed=0)


def test_conjugate_gradients_solve_in_as_many_steps_as_distinct_eigenvalues():
    rng = np.random.default_rng(0)
    q, _ = np.linalg.qr(rng.standard_normal((12, 12)))
    a = (q * np.repeat([1.0, 5.0, 20.0], 4)) @ q.T
    b, products = rng.standard_normal(12), []

    def product(v):
        products.append(v)
        return a @ v

    assert np.allclose(a @ conjugate_gradients(product, b, 1e-10), b, atol=1e-9)
    assert len(products) == 3


def test_natural_gradient_states_are_plain_and_resume_to_the_bit():
    model, natural = noisy_circuit(), NaturalGradient()
    objective = Objective(model, RHO2, CrossEntropy())
    point = evaluate(objective, model.init_params(np.random.default_rng(1)))
    state = natural.init(point)
    for k in range(6):
        if k == 3:
            at, stored = point, {key: np.frombuffer(a.tobytes()).reshape(a.shape) for key, a in state.items()}
        point, state = natural.step(objective, point, state)
    for _ in range(3):
        at, stored = natural.step(objective, at, stored)
    assert np.array_equal(at.params, point.params)


def test_where_the_residual_is_a_square_the_steps_that_halve_are_doubled():
    """f = |(x^2, y)|^2 / 2 in the metric of Gauss and Newton, whose steps halve x: 15 of them to 1e-12."""

    class Square:
        def value_and_gradient(self, at):
            x, y = at
            return float(x**4 + y**2) / 2, np.array([2 * x**3, y])

        def metric(self, at, kind):
            return type("Jacobian", (), {"matrix": lambda self: np.diag([4 * at[0] ** 2, 1.0])})()

    def steps(learning_rate, start, tolerance):
        function, natural = Square(), NaturalGradient(learning_rate=learning_rate, damping=1e-12)
        point = evaluate(function, np.array(start))
        state, taken = natural.init(point), 0
        while point.gradient_norm > tolerance:
            reached, state = natural.step(function, point, state)
            assert reached.value < point.value
            point, taken = reached, taken + 1
        return taken

    assert steps(1.0, [1.0, 1.0], 1e-12) <= 6
    assert steps(0.5, [0.0, 1.0], 0.5**9.5) == 10  # a rate is kept where the residual is none
    assert steps(0.1, [0.0, 1.0], 0.9**9.5) == 10


def test_a_wall_is_met_with_damping():
    """f = -log(1 - x) - x/10 - 10 x with a metric that is far too small: trials at +inf are shortened."""

    class Walled:
        def value_and_gradient(self, x):
            if x[0] >= 1:
                return math.inf, np.array([math.nan])
            return float(-np.log1p(-x[0]) - 10 * x[0]), 1 / (1 - x) - 10

        def metric(self, x, kind):
            return type("Small", (), {"matrix": lambda self: np.array([[1e-6]])})()

    function, natural = Walled(), NaturalGradient()
    point = evaluate(function, np.array([0.0]))
    state = natural.init(point)
    for _ in range(300):
        if point.gradient_norm < 1e-6:
            break
        point, state = natural.step(function, point, state)
    assert point.params[0] == pytest.approx(0.9, abs=1e-6)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Newton("lu"), "solver must be one of 'auto', 'dense', 'cg'; found 'lu'"),
        (lambda: NaturalGradient("kubo"), "metric must be one of 'bkm'"),
        (lambda: NaturalGradient(damping=0.0), "damping must be greater than 0"),
        (lambda: NaturalLBFGS("kubo"), "metric must be one of 'bkm'"),
        (lambda: NaturalLBFGS(memory=0), "memory must be"),
        (lambda: MirrorDescent(-1.0), "learning_rate must be greater than 0"),
    ],
)
def test_sentences(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


def test_circuits_without_parameters_need_no_step():
    model = CircuitModel(Circuit(1, [channels.Depolarizing(0.5, 0)]))
    assert fit(model, np.eye(2) / 2, optimizer=NaturalGradient()).iterations == 0
