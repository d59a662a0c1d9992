"""Noisy models: a channel on top of any model, and the derivative through it."""

import numpy as np
import pytest

from qml import Circuit, CircuitModel, GibbsModel, channels, check_gradient, circuits, fit, gates, pauli
from qml._checks import InputError
from qml.engines.reference import ReferenceEngine
from qml.fitting.frequencies import frequencies
from qml.losses import CrossEntropy, HilbertSchmidt, Infidelity
from qml.models import (
    CholeskyModel,
    EvolvedGibbsModel,
    MixtureModel,
    NoisyModel,
    ProductModel,
    PurifiedCircuitModel,
    SpectralModel,
)
from qml.parameters import Interval
from qml.states import DensityMatrix, basis_state, ginibre, haar_pure


def hermitian(d, rng):
    a = rng.standard_normal((d, d)) + 1j * rng.standard_normal((d, d))
    return a + a.conj().T


def on_top():
    return Circuit(2, [channels.Depolarizing("p", 0), gates.RXX("turn", 0, 1), channels.AmplitudeDamping("gamma", 1)])


def test_on_a_circuit_it_is_the_longer_circuit():
    circuit = circuits.hardware_efficient(2, 1)
    model = NoisyModel(CircuitModel(circuit), on_top())
    longer = CircuitModel(circuit.then(*on_top().operations))
    assert model.parameter_names == longer.parameter_names
    theta = model.init_params(np.random.default_rng(0))
    rho = ginibre((2, 2), np.random.default_rng(1))
    answers = []
    for each in (model, longer):
        sigma, pull = each.state_vjp(theta)
        value, cotangent = CrossEntropy().value_and_cotangent(rho, sigma)
        answers.append((value, *pull(cotangent)))
    assert np.abs(answers[0]).min() > 1e-4
    assert np.allclose(*answers, rtol=1e-11, atol=1e-13)
    assert model.natural(theta) == pytest.approx(longer.natural(theta))


FACTORS = CholeskyModel((2, 2), 1)
BELOW = [
    GibbsModel.all_paulis(2),
    FACTORS,
    PurifiedCircuitModel(circuits.hardware_efficient(3, 1), 1),
    ProductModel([CholeskyModel((2,)), CholeskyModel((2,))]),
    MixtureModel([CholeskyModel((2, 2), 1), basis_state("00")]),
    GibbsModel([pauli("ZZ"), pauli("ZI")]),
]


@pytest.mark.parametrize(
    ("below", "loss"),
    [*((model, CrossEntropy()) for model in BELOW), *((FACTORS, loss) for loss in (HilbertSchmidt(), Infidelity()))],
    ids=repr,
)
def test_gradient_of_every_loss_and_on_every_model(below, loss):
    rho = ginibre((2, 2), np.random.default_rng(4))
    check = check_gradient(NoisyModel(below, on_top()), rho, loss, directions=4)
    assert np.abs(check.analytic).max() > 1e-3
    assert check.ok, str(check)


def test_engines_agree():
    first, second = (NoisyModel(CholeskyModel((2, 2)), on_top(), engine=engine) for engine in (None, ReferenceEngine()))
    theta = first.init_params(np.random.default_rng(0))
    assert np.allclose(first.state(theta).matrix(), second.state(theta).matrix(), atol=1e-14)


def test_qutrits():
    kraus = np.array([[[1, 0, 0], [0, 1, 0], [0, 0, 0.8]], [[0, 0, 0], [0, 0, 0.6], [0, 0, 0]]])
    below = CholeskyModel((3,))
    model = NoisyModel(below, Circuit((3,), [channels.KrausChannel(kraus)(0)]))
    rng = np.random.default_rng(0)
    theta, rho = below.init_params(rng), ginibre((3,), rng)
    expected = sum(k @ below.state(theta).matrix() @ k.T for k in kraus)
    assert np.allclose(model.state(theta).matrix(), expected, atol=1e-15)
    check = check_gradient(model, rho)
    assert np.abs(check.analytic).max() > 1e-3
    assert check.ok, str(check)


def test_noise_gives_full_rank():
    """S against a pure model is infinite; depolarizing every qubit makes it finite."""
    pure = PurifiedCircuitModel(circuits.hardware_efficient(2, 1), 0)
    noise = Circuit(2, [channels.Depolarizing(0.05, q) for q in range(2)])
    rho, theta = haar_pure((2, 2), np.random.default_rng(0)), np.ones(pure.n_params)
    assert CrossEntropy().value(rho, pure.state(theta)) == np.inf
    assert np.isfinite(CrossEntropy().value(rho, NoisyModel(pure, noise).state(theta)))


def test_narrower_domains_and_weak_noise_at_the_start():
    model = NoisyModel(CholeskyModel((2, 2)), on_top(), domains={"p": Interval(0.1, 0.2)})
    values = model.natural(model.init_params(np.random.default_rng(0)))
    assert 0.1 < values["p"] < 0.2
    assert 0.0 < values["gamma"] < 0.3
    theta = np.full(model.n_params, 50.0)
    assert model.natural(theta)["p"] <= 0.2


@pytest.mark.parametrize(
    "model",
    [
        NoisyModel(
            PurifiedCircuitModel(circuits.hardware_efficient(2, 2), 0),
            Circuit(2, [channels.Depolarizing("p", 0), channels.Depolarizing("q", 1)]),
        ),
        NoisyModel(
            CholeskyModel((2, 2)), Circuit(2, [channels.Depolarizing(0.2, 0), channels.AmplitudeDamping(0.1, 1)])
        ),
    ],
    ids=["trainable", "fixed"],
)
def test_learns_a_state_of_its_own_family(model):
    rho = model.state(model.init_params(np.random.default_rng(100)))
    assert fit(model, rho, seed=0).gap < 1e-10


def test_sentences():
    with pytest.raises(InputError, match=r"must take the dims of the model, \(2,\); found a circuit on \(2, 2\)"):
        NoisyModel(CholeskyModel((2,)), Circuit(2))
    with pytest.raises(InputError, match="two parts call a parameter 'log_0'"):
        NoisyModel(CholeskyModel((2,)), Circuit(1, [gates.RX("log_0", 0)]))
    with pytest.raises(InputError, match="circuit must be a Circuit"):
        NoisyModel(CholeskyModel((2,)), [])
    with pytest.raises(InputError, match="no parameter 'q'"):
        NoisyModel(CholeskyModel((2, 2)), on_top(), domains={"q": Interval(0, 1)})


def test_a_state_may_be_underneath():
    model = NoisyModel(DensityMatrix.from_vector([1, 0]), Circuit(1, [channels.AmplitudeDamping("gamma", 0)]))
    assert model.parameter_names == ("gamma",)
    assert repr(model) == "NoisyModel(DensityMatrix(dims=(2,)), <Circuit: 1 qubit, 1 operation, 1 parameter>)"


def test_parameters_below_have_no_shift_rule():
    turn = Circuit(1, [gates.RX("a", 0)])
    assert len(frequencies(NoisyModel(basis_state("0"), turn))) == 1
    below = GibbsModel([pauli("Z")])
    for model in (NoisyModel(below, turn), EvolvedGibbsModel([pauli("Z")], turn), SpectralModel(turn)):
        with pytest.raises(InputError, match=f"parameter shifts need a circuit model; found {type(model).__name__}"):
            frequencies(model)
