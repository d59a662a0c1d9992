"""Models of processes: states that are processes whatever theta is, exact derivatives, recovery."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers.arrays import difference
from helpers.cases import every
from helpers.processes import random_kraus
from hypothesis import given
from hypothesis import strategies as st

from qml import Circuit, CircuitModel, PauliMeasurement, channels, check_gradient, cross_entropy, fit, gates, sample
from qml._checks import InputError, OutsideDomain
from qml.circuits import Initialize, TraceOut
from qml.engines import ReferenceEngine
from qml.losses import LOSSES, CrossEntropy, HilbertSchmidt, Infidelity, MeanCrossEntropy
from qml.optimizers import LBFGS, NaturalGradient
from qml.processes import (
    KrausModel,
    OutputsModel,
    Process,
    ProcessMeasurement,
    ProcessModel,
    as_process,
    process_fidelity,
)
from qml.states import DensityMatrix, ginibre

SHAPES = [((2,), (2,)), ((2,), (3,)), ((2, 3), (2,)), ((1,), (2,)), ((2,), (1,)), ((), (2, 2)), ((2, 2), (2, 2))]


def ranks(ins, outs):
    """The least rank, one between, and the full one."""
    d, d_out = math.prod(ins), math.prod(outs)
    least, most = -(-d // d_out), d * d_out
    return sorted({least, (least + most) // 2, most})


CASES = [(ins, outs, rank) for ins, outs in SHAPES for rank in ranks(ins, outs)]
EVERY = every("ins, outs, rank", CASES)


def random_process(ins, outs, rank, seed=0):
    return Process.from_kraus(random_kraus(ins, outs, rank, seed), ins, outs)


def lost_trace(choi, ins):
    """max|d Tr_out J - 1|."""
    d = math.prod(ins)
    reduced = np.trace(choi.reshape(d, len(choi) // d, d, -1), axis1=1, axis2=3)
    return np.abs(d * reduced - np.eye(d)).max()


def slopes(model, theta, directions):
    """Derivatives of the state along directions."""
    return np.array([difference(lambda t: model.state(t).matrix(), theta, v) for v in directions])


# Kraus operators ------------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.sampled_from(CASES), st.integers(-150, 150))
def test_every_real_vector_is_a_process(seed, case, exponent):
    ins, outs, rank = case
    model = KrausModel(ins, outs, rank=rank)
    theta = 10.0**exponent * np.random.default_rng(seed).normal(size=model.n_params)
    v, sigma = model.isometry(theta), model.state(theta)
    assert np.abs(v.conj().T @ v - np.eye(math.prod(ins))).max() < 1e-13
    assert sigma.dims == (*ins, *outs) == model.dims
    assert lost_trace(sigma.matrix(), ins) < 1e-13
    assert np.linalg.eigvalsh(sigma.matrix()).min() > -1e-14
    assert model.process(theta).rank <= rank
    assert np.abs(model.process(theta).choi.matrix() - sigma.matrix()).max() == 0


@pytest.mark.parametrize("theta", [np.zeros(16), np.eye(16)[0], np.r_[1.0, 0, 1, 0, np.zeros(12)]])
def test_where_a_is_singular_there_is_a_process_but_no_derivative(theta):
    model = KrausModel(1, rank=2)
    assert lost_trace(model.state(theta).matrix(), (2,)) < 1e-14
    for ask in (model.state_vjp, model.state_jvp):
        with pytest.raises(OutsideDomain, match="A has not the rank 2"):
            ask(theta)


@EVERY
def test_parameters_of_a_process_and_back(ins, outs, rank):
    model = KrausModel(ins, outs, rank=rank)
    assert model.n_params == 2 * math.prod(ins) * math.prod(outs) * rank == len(set(model.parameter_names))
    for less in {rank, ranks(ins, outs)[0]}:
        process = random_process(ins, outs, less, 1)
        theta = model.params_of(process)
        assert np.abs(model.state(theta).matrix() - process.choi.matrix()).max() < 1e-14
        assert model.process(theta).rank == less
        scaled = model.state(3.7 * theta).matrix()
        assert np.abs(scaled - process.choi.matrix()).max() < 1e-14


def test_starts_are_uniform_over_the_isometries():
    """The mean of the state of two amplitudes is 1/2, its second moments are those of the Haar measure."""
    model, rng = KrausModel((1,), 1, rank=1), np.random.default_rng(0)
    z = [1 - 2 * model.state(model.init_params(rng)).probabilities()[1] for _ in range(2000)]
    assert np.mean(z) == pytest.approx(0, abs=4 * math.sqrt(1 / 3 / 2000))
    assert np.var(z) == pytest.approx(1 / 3, abs=4 * math.sqrt(4 / 45 / 2000))


@EVERY
def test_derivatives_of_the_state_are_differences(ins, outs, rank):
    model, rng = KrausModel(ins, outs, rank=rank), np.random.default_rng(0)
    theta = model.init_params(rng)
    directions = rng.normal(size=(3, model.n_params)) / math.sqrt(model.n_params)
    state, push = model.state_jvp(theta)
    numeric = slopes(model, theta, directions)
    if math.prod(outs) == 1:
        assert np.abs(push(directions)).max() < 1e-15
        return
    assert np.abs(numeric).max() > 1e-3
    assert np.abs(push(directions) - numeric).max() < 1e-8 * np.abs(numeric).max()
    assert np.array_equal(push(directions[1]), push(directions)[1])
    assert np.abs(state.matrix() - model.state(theta).matrix()).max() == 0


@EVERY
def test_both_derivatives_are_adjoint(ins, outs, rank):
    model, rng = KrausModel(ins, outs, rank=rank), np.random.default_rng(1)
    theta, direction = model.init_params(rng), rng.normal(size=model.n_params)
    state, pull = model.state_vjp(theta)
    w = ginibre(state.dims, rng).matrix()
    along = np.vdot(w, model.state_jvp(theta)[1](direction)).real
    gradient = pull(state.pull_matrix(w))
    assert gradient @ direction == pytest.approx(along, rel=1e-11, abs=1e-13)
    assert math.prod(outs) == 1 or abs(along) > 1e-4
    assert abs(gradient @ theta) < 1e-13  # nothing changes along theta


@every("loss", sorted(LOSSES))
@every("ins, outs", [((2,), (2,)), ((2,), (3,)), ((2, 2), (2,))], ids=str)
def test_gradient_of_every_loss(ins, outs, loss):
    check = check_gradient(KrausModel(ins, outs), random_process(ins, outs, 4, 3), loss, directions=4)
    assert np.abs(check.analytic).max() > 1e-4
    assert check.ok, str(check)


@pytest.mark.parametrize("loss", [HilbertSchmidt(), Infidelity()], ids=str)
@pytest.mark.parametrize(("ins", "outs", "rank"), [((2,), (2,), 1), ((2, 2), (2,), 2), ((1,), (3,), 1)], ids=str)
def test_gradient_at_low_rank(ins, outs, rank, loss):
    check = check_gradient(KrausModel(ins, outs, rank=rank), random_process(ins, outs, rank + 1, 3), loss, directions=4)
    assert np.abs(check.analytic).max() > 1e-3
    assert check.ok, str(check)


def test_gradient_of_the_likelihood_of_counts():
    target = random_process((2,), (2,), 2, 1)
    counts = sample(target, ProcessMeasurement(1, PauliMeasurement(1)), 100, np.random.default_rng(0))
    for rank in (1, 2, 4):
        check = check_gradient(KrausModel(1, rank=rank), counts, directions=4)
        assert np.abs(check.analytic).max() > 1e-3
        assert check.ok, str(check)


def test_below_full_rank_s_is_infinite_unless_the_support_is_met():
    target, model = random_process((2,), (2,), 3, 1), KrausModel(1, rank=3)
    theta = model.init_params(np.random.default_rng(0))
    assert CrossEntropy().value(target.choi, model.state(theta)) == math.inf
    assert np.isfinite(CrossEntropy().value(target.choi, model.state(model.params_of(target))))


@every("ins, outs", [((2,), (2,)), ((2,), (3,)), ((2, 3), (2,)), ((1,), (4,))], ids=str)
@every("seed", [0, 1])
def test_a_random_process_is_recovered_from_s(ins, outs, seed):
    target, model = random_process(ins, outs, math.prod(ins + outs), seed), KrausModel(ins, outs)
    found = fit(model, target, seed=seed, max_iterations=3000, progress=False)
    least = float(cross_entropy(target, target))
    assert float(cross_entropy(target, model.state(model.init_params(np.random.default_rng(seed))))) - least > 0.1
    assert -1e-12 < found.loss - least < 1e-8
    assert process_fidelity(model.process(found.params), target) > 1 - 1e-7


@pytest.mark.parametrize("rank", [1, 2])
def test_a_process_of_low_rank_is_recovered_from_its_fidelity(rank):
    target, model = random_process((2,), (2,), rank, 5), KrausModel(1, rank=rank)
    found = fit(model, target, loss="infidelity", seed=0, progress=False)
    assert process_fidelity(model.process(found.params), target) > 1 - 1e-8


@every(
    "make, sentence",
    [
        (lambda: KrausModel(1, rank=5), "rank must be an integer from 1 to 4; found 5"),
        (lambda: KrausModel(1, rank=0), "rank must be an integer from 1 to 4; found 0"),
        (lambda: KrausModel(2, 1, rank=1), "rank must be an integer from 2 to 8; found 1"),
        (lambda: KrausModel("2"), "dims_in"),
        (lambda: KrausModel(1, rank=1).params_of(as_process(channels.BitFlip(0.1, 0))), "at most 1 Kraus operator on"),
        (lambda: KrausModel(1).params_of(as_process(gates.CNOT)), "on these sites; found <Process"),
        (lambda: KrausModel(1).params_of(gates.X), "process must be a Process"),
        (lambda: KrausModel(1, rank=1).state(np.zeros(3)), r"params must have shape \(8,\)"),
    ],
)
def test_bad_kraus_models_are_refused(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


# circuits -------------------------------------------------------------------------------------------------------------


def noisy():
    """A qubit is entangled with a fresh one, which is discarded; a reset on the way; noise of full rank, trainable."""
    return Circuit(
        3,
        [
            gates.RY("a", 0),
            gates.CRX("b", 0, 1),
            Initialize(2),
            gates.RXX("c", 1, 2),
            TraceOut(2),
            channels.AmplitudeDamping("gamma", 1),
            gates.RZ("d", 0),
            channels.Depolarizing("p", 0),
            channels.Depolarizing("q", 1),
        ],
    )


TRUTH = {"a": 0.4, "b": 0.9, "c": 0.5, "gamma": 0.15, "d": -0.3, "p": 0.05, "q": 0.08}


def test_the_state_of_a_process_model_is_the_process_of_its_circuit():
    model = ProcessModel(noisy())
    theta = model.unconstrained(TRUTH)
    exact = Process.from_circuit(noisy(), TRUTH)
    assert model.dims == (2, 2, 2, 2)
    assert np.abs(model.state(theta).matrix() - exact.choi.matrix()).max() < 1e-14
    assert np.abs(model.process(theta).superoperator() - exact.superoperator()).max() < 1e-14
    assert model.process(theta).dims_in == (2, 2)
    other = ProcessModel(noisy(), engine="reference")
    assert np.abs(other.state(theta).matrix() - exact.choi.matrix()).max() < 1e-14


@given(st.lists(st.floats(-30, 30), min_size=7, max_size=7))
def test_every_theta_of_a_circuit_is_a_process(theta):
    sigma = ProcessModel(noisy()).state(theta).matrix()
    assert lost_trace(sigma, (2, 2)) < 1e-13
    assert np.linalg.eigvalsh(sigma).min() > -1e-14


@pytest.mark.parametrize("loss", [CrossEntropy(), HilbertSchmidt(), Infidelity()], ids=str)
@pytest.mark.parametrize("engine", [None, "reference"])
def test_gradient_of_process_models(loss, engine):
    check = check_gradient(ProcessModel(noisy(), engine=engine), random_process((2, 2), (2, 2), 5), loss)
    assert len(check.analytic) == 7
    assert np.abs(check.analytic).min() > 1e-6
    assert check.ok, str(check)


def test_derivatives_of_the_state_of_a_process_model_are_differences():
    model, rng = ProcessModel(noisy()), np.random.default_rng(0)
    theta = model.unconstrained(TRUTH)
    numeric = slopes(model, theta, np.eye(7))
    analytic = model.state_jvp(theta)[1](np.eye(7))
    sizes = np.abs(numeric).max(axis=(1, 2))
    assert sizes.min() > 1e-3
    assert (np.abs(analytic - numeric).max(axis=(1, 2)) < 1e-8 * sizes).all()
    w = ginibre((2, 2, 2, 2), rng).matrix()
    state, pull = model.state_vjp(theta)
    assert pull(state.pull_matrix(w)) == pytest.approx(np.einsum("kij,ji->k", analytic, w).real, rel=1e-10)


@pytest.mark.parametrize("optimizer", [LBFGS(), NaturalGradient()], ids=repr)
def test_angles_and_noise_are_recovered_from_the_process(optimizer):
    model = ProcessModel(noisy())
    start = model.unconstrained({name: value * 1.3 for name, value in TRUTH.items()})
    target = Process.from_circuit(noisy(), TRUTH)
    found = fit(model, target, optimizer=optimizer, params0=start, max_iterations=2000, progress=False)
    assert found.loss - float(cross_entropy(target, target)) < 1e-10
    assert model.natural(found.params) == pytest.approx(TRUTH, abs=1e-4)


def test_a_reset_and_a_rate_are_recovered():
    circuit = Circuit(
        2,
        [
            gates.RY("a", 0),
            gates.CNOT(0, 1),
            channels.Reset(0),
            channels.Depolarizing("p", 0),
            channels.Depolarizing("q", 1),
        ],
    )
    truth = {"a": 0.7, "p": 0.1, "q": 0.02}
    model = ProcessModel(circuit)
    found = fit(
        model,
        Process.from_circuit(circuit, truth),
        params0=model.unconstrained({"a": 0.2, "p": 0.3, "q": 0.1}),
        progress=False,
    )
    assert model.natural(found.params) == pytest.approx(truth, abs=1e-5)


def test_a_process_model_learns_from_counts():
    """Ten million shots of each setting: errors are below 1e-3."""
    circuit = Circuit(1, [gates.RX("a", 0), channels.AmplitudeDamping("g", 0)])
    truth, setup = {"a": 0.7, "g": 0.2}, ProcessMeasurement(1, PauliMeasurement(1))
    counts = sample(Process.from_circuit(circuit, truth), setup, 10**7, np.random.default_rng(0))
    model = ProcessModel(circuit)
    found = fit(model, counts, params0=model.unconstrained({"a": 0.5, "g": 0.4}), progress=False)
    assert model.natural(found.params) == pytest.approx(truth, abs=1e-3)


def test_a_process_without_input_is_a_state():
    circuit = Circuit(2, [Initialize(0, 1), gates.RY("a", 0), gates.CNOT(0, 1), channels.Depolarizing("p", 0)])
    model, plain = ProcessModel(circuit), CircuitModel(circuit)
    theta = model.unconstrained({"a": 0.4, "p": 0.1})
    assert model.dims == (2, 2)
    assert np.abs(model.state(theta).matrix() - plain.state(theta).matrix()).max() < 1e-15


# outputs --------------------------------------------------------------------------------------------------------------

WEIGHTS = [0.2, 0.5, 0.3]


def test_the_mean_cross_entropy_of_outputs_is_that_of_each():
    inputs = ginibre((2, 2), np.random.default_rng(1), batch=3)
    targets = ginibre((2, 2), np.random.default_rng(2), batch=3)
    model = ProcessModel(noisy()).on(inputs)
    assert isinstance(model, OutputsModel)
    theta = model.unconstrained(TRUTH)
    images = Process.from_circuit(noisy(), TRUTH).apply(inputs)
    assert np.abs(model.state(theta).matrix() - images.matrix()).max() < 1e-14
    by_hand = sum(w * float(cross_entropy(targets[k], images[k])) for k, w in enumerate(WEIGHTS))
    assert float(MeanCrossEntropy(WEIGHTS).value(targets, model.state(theta))) == pytest.approx(by_hand, rel=1e-12)
    assert by_hand > float(MeanCrossEntropy(WEIGHTS).value(images, images)) + 0.1


@pytest.mark.parametrize("engine", [None, ReferenceEngine()])
def test_gradient_of_outputs(engine):
    inputs = ginibre((2, 2), np.random.default_rng(1), batch=3)
    targets = ginibre((2, 2), np.random.default_rng(2), batch=3)
    check = check_gradient(OutputsModel(noisy(), inputs, engine=engine), targets, MeanCrossEntropy(WEIGHTS))
    assert np.abs(check.analytic).min() > 1e-5
    assert check.ok, str(check)


def test_a_circuit_is_recovered_from_outputs():
    inputs = ginibre((2, 2), np.random.default_rng(1), batch=6)
    model = OutputsModel(noisy(), inputs)
    start = model.unconstrained({name: value * 1.2 for name, value in TRUTH.items()})
    outputs = model.state(model.unconstrained(TRUTH))
    found = fit(model, outputs, loss=MeanCrossEntropy(np.ones(6)), params0=start, max_iterations=1000, progress=False)
    least = float(MeanCrossEntropy(np.ones(6)).value(outputs, outputs))
    assert -1e-12 < found.loss - least < 1e-9


def test_bad_inputs_of_outputs_are_refused():
    with pytest.raises(InputError, match=r"a batch \(m,\) of states on the input sites, dims \(2, 2\); found"):
        OutputsModel(noisy(), np.eye(4) / 4)
    with pytest.raises(InputError, match=r"dims \(2, 2\); found dims \(3,\)"):
        OutputsModel(noisy(), DensityMatrix([np.eye(3) / 3] * 2))
    with pytest.raises(InputError, match="no metric: use an optimizer that works from gradients"):
        OutputsModel(noisy(), ginibre((2, 2), np.random.default_rng(0), batch=2)).state_jvp(np.zeros(7))
    with pytest.raises(InputError, match="circuit must be a Circuit"):
        ProcessModel(gates.X(0))
