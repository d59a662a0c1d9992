"""Mini-batches: over an epoch their mean is the whole gradient, whatever the data; they follow from seed and step."""

import numpy as np
import pytest
from helpers.cases import every

from qml import CircuitModel, GibbsModel, channels, fit, gates, pauli
from qml._checks import InputError
from qml.circuits import Circuit
from qml.engines.reference import ReferenceEngine
from qml.fitting import Checkpoint, Gaussian, Objective
from qml.fitting.batches import batches_of
from qml.losses import (
    ChiSquare,
    CrossEntropy,
    HilbertSchmidt,
    Infidelity,
    LabelLikelihood,
    MeanCrossEntropy,
    NegativeLogLikelihood,
    RelativeEntropy,
    SquaredError,
    TrainableReadout,
    label_states,
)
from qml.measurement import Counts, PauliMeasurement, sample
from qml.models import ConditionalCircuitModel, ConditionalGibbsModel
from qml.operators import tfim
from qml.optimizers import StochasticAdam
from qml.states import DensityMatrix, GibbsState, ginibre

GIBBS = GibbsModel(tfim(2))
SETTINGS = PauliMeasurement(["XX", "ZY", "ZZ"])


def ensemble(members=11):
    rng = np.random.default_rng(3)
    columns = rng.standard_normal((4, members)) + 1j * rng.standard_normal((4, members))
    columns *= rng.uniform(0.2, 1.0, members)
    columns[:, 4] = 0.0  # a member without weight is no datum
    return DensityMatrix.from_factor(columns / np.linalg.norm(columns), (2, 2))


def counts(shots=(17, 9, 4)):
    return sample(ginibre((2, 2), np.random.default_rng(1)), SETTINGS, list(shots), np.random.default_rng(2))


def conditional(loss, model=None):
    rng = np.random.default_rng(5)
    model = model or ConditionalGibbsModel([pauli("X"), pauli("Z")], 2)
    return model.at(rng.normal(size=(11, 2))), ginibre(model.dims, rng, batch=11), loss


UPLOADS = ConditionalCircuitModel(
    Circuit(1, [gates.RY("x", 0), gates.RY("t", 0), channels.Depolarizing(0.1, 0)]),
    {"x": 0},
    n_inputs=2,
    engine=ReferenceEngine(),
)
WEIGHTS = [1.0, 2.0, 0.0, 1.0, 0.5, 3.0, 1.0, 1.0, 0.0, 2.0, 1.0]
CASES = {
    "ensemble": (GIBBS, ensemble(), CrossEntropy()),
    "ensemble, relative entropy": (GIBBS, ensemble(), RelativeEntropy()),
    "ensemble, Hilbert-Schmidt": (GIBBS, ensemble(), HilbertSchmidt()),
    "labels": conditional(MeanCrossEntropy()),
    "weighted labels": conditional(MeanCrossEntropy(WEIGHTS)),
    "measured labels": conditional(LabelLikelihood(WEIGHTS)),
    "labels of a circuit": conditional(MeanCrossEntropy(), UPLOADS),
    "counts": (GIBBS, counts(), NegativeLogLikelihood()),
    "counts, squared error": (GIBBS, counts(), SquaredError()),
    "counts, learnt readout": (GIBBS, counts(), NegativeLogLikelihood(TrainableReadout(2))),
}


@every("size", [1, 4, 7, 1000])
@every("name", CASES)
def test_the_mean_over_an_epoch_is_the_whole_gradient(name, size):
    model, target, loss = CASES[name]
    objective = Objective(model, target, loss, Gaussian(3.0, copies=20))
    theta = objective.init_params(np.random.default_rng(0)) + 0.3
    whole = objective.value_and_gradient(theta)[1]
    assert np.abs(whole).min() > 1e-4
    parts = batches_of(model, objective.target, loss, size, 0).parts
    first, second = (
        [objective.minibatch(size, 0, e * parts + k).value_and_gradient(theta)[1] for k in range(parts)] for e in (0, 1)
    )
    assert np.abs(np.mean(first, axis=0) - whole).max() < 1e-13
    assert np.abs(np.mean(second, axis=0) - whole).max() < 1e-13
    if parts > 1:
        assert np.std(first, axis=0).max() > 1e-3, "batches that are all alike check nothing"
        if size > 1:
            assert not np.allclose(first, second), "the order of every epoch is a new one"


@pytest.mark.parametrize("name", ["ensemble", "weighted labels", "counts"])
def test_a_batch_follows_from_seed_and_step_alone(name):
    model, target, loss = CASES[name]
    theta = Objective(model, target, loss).init_params(np.random.default_rng(0))

    def gradient(objective, step, seed=0):
        return objective.minibatch(4, seed, step).value_and_gradient(theta)[1]

    one = Objective(model, target, loss)
    forward = [gradient(one, k) for k in range(7)]
    for k in (5, 2, 6, 0, 4):
        assert np.array_equal(gradient(one, k), forward[k])
        assert np.array_equal(gradient(Objective(model, target, loss), k), forward[k])
    assert not np.allclose(gradient(one, 0, seed=1), forward[0])


def test_shots_are_drawn_without_replacement():
    record = counts()
    batches = batches_of(GIBBS, record, NegativeLogLikelihood(), 7, 3)
    drawn = [batches.at(k)[0].target for k in range(batches.parts)]
    assert [part.total for part in drawn] == [7, 7, 7, 7, 2]
    assert np.array_equal(np.sum([part.counts for part in drawn], axis=0), record.counts)


def test_states_that_are_no_density_matrices_are_labels_too():
    states = GibbsState(np.random.default_rng(0).normal(size=(5, 2)), diagonal=True)
    model = ConditionalGibbsModel([pauli("Z")], 1).at(np.arange(5.0)[:, None])
    batch, _ = batches_of(model, states, MeanCrossEntropy(), 2, 0).at(0)
    assert batch.target.batch_shape == (2,)
    assert all(np.isclose(states.probabilities(), row).all(axis=1).any() for row in batch.target.probabilities())


@pytest.mark.parametrize("name", ["labels", "counts", "ensemble"])
def test_learning_by_batches_comes_near_the_optimum(name):
    model, target, loss = CASES[name]
    best = fit(model, target, loss=loss, seed=0)
    optimizer = StochasticAdam(0.02, batch_size=4, steps=3)
    result = fit(model, target, loss=loss, optimizer=optimizer, seed=0, max_iterations=100)
    assert result.loss - best.loss < 0.005 * (result.history.loss[0] - best.loss)


@pytest.mark.parametrize("name", ["labels", "counts", "ensemble"])
def test_continued_inside_an_epoch_to_the_bit(name, tmp_path):
    model, target, loss = CASES[name]
    options = {"loss": loss, "optimizer": StochasticAdam(batch_size=3, steps=2, seed=8), "seed": 1}
    whole = fit(model, target, max_iterations=20, **options)
    where, calls = Checkpoint(tmp_path / "fit.npz", iterations=1), iter(range(100))

    def broken(iteration):
        if next(calls) == 8:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit(model, target, max_iterations=20, checkpoint=where, callbacks=[broken], **options)
    found = fit(model, target, max_iterations=20, checkpoint=where, resume=True, **options)
    assert found.params.tobytes() == whole.params.tobytes()
    assert found.history.loss.tobytes() == whole.history.loss.tobytes()


def test_steps_between_iterates_are_the_steps_of_single_ones():
    options = {"seed": 0, "loss": CASES["counts"][2]}
    single = fit(GIBBS, counts(), optimizer=StochasticAdam(batch_size=5), max_iterations=12, **options)
    triple = fit(GIBBS, counts(), optimizer=StochasticAdam(batch_size=5, steps=3), max_iterations=4, **options)
    assert np.array_equal(single.history.loss[::3], triple.history.loss)
    assert triple.evaluations == 5


def test_a_batch_that_is_infinite_after_a_step_is_reached_by_a_shorter_one():
    """Populations that the first step would take to zero: a wall for the batches, too."""
    circuit = Circuit(1, [gates.RY("a", 0), channels.BitFlip("p", 0)])
    model = CircuitModel(circuit, engine=ReferenceEngine())
    target = DensityMatrix.from_factor(np.diag(np.sqrt([0.9, 0.1])).astype(complex), (2,))
    result = fit(model, target, optimizer=StochasticAdam(5.0, batch_size=1, steps=4), seed=0, max_iterations=10)
    assert np.isfinite(result.history.loss).all()


@pytest.mark.parametrize(
    ("model", "target", "loss", "message"),
    [
        (GIBBS, ensemble(), Infidelity(), "gradient of Infidelity is not linear in the data"),
        (GIBBS, counts(), ChiSquare(), "gradient of ChiSquare is not linear"),
        (GIBBS, ginibre((2, 2), np.random.default_rng(0)).matrix(), CrossEntropy(), "batches need a target of many"),
        (
            GIBBS,
            Counts.from_frequencies(SETTINGS, SETTINGS.probabilities(ensemble())),
            NegativeLogLikelihood(),
            "holds weights",
        ),
        (GIBBS, Counts(SETTINGS, [[10**9, 0, 0, 0]] * 3), NegativeLogLikelihood(), "at most 999999999 shots"),
    ],
)
def test_what_is_refused(model, target, loss, message):
    with pytest.raises(InputError, match=message):
        fit(model, target, loss=loss, optimizer="stochastic_adam", seed=0)


def test_label_states_are_batches_of_classes():
    model = ConditionalGibbsModel([np.diag(row) for row in np.eye(3)], 1)
    data = label_states([0, 1, 2, 1, 0], 3, noise=0.1)
    objective = Objective(model.at(np.arange(5.0)[:, None]), data, MeanCrossEntropy())
    assert objective.minibatch(2, 0, 0).target.is_diagonal
