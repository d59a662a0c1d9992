"""PyTorch, where it is installed: backward passes are those of this library, and networks feed circuits."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
import torch._dynamo
from helpers.arrays import difference
from torch.autograd import forward_ad

import qml
from qml import CircuitModel, GibbsModel, channels, fit, thermal
from qml._checks import InputError
from qml.circuits import hardware_efficient
from qml.fitting import Objective
from qml.losses import Labelled, NegativeLogLikelihood, TrainableReadout, label_states
from qml.measurement import PauliMeasurement, sample
from qml.models import ConditionalGibbsModel
from qml.operators import pauli, tfim
from qml.states import basis_state, ginibre

pytestmark = pytest.mark.slow
RNG = np.random.default_rng(0)
RHO = ginibre((2, 2), np.random.default_rng(1))
NOISY = CircuitModel(hardware_efficient(2, layers=1).then(channels.Depolarizing("p", 0)))
GIBBS = GibbsModel(tfim(2))
A = torch.from_numpy(np.random.default_rng(2).normal(size=(4, 4)))


def point(model, *count, dtype=torch.float64):
    return torch.tensor(RNG.normal(0.5, 1.0, (*count, model.n_params)), dtype=dtype, requires_grad=True)


def own(sigma):
    """A loss of one's own that sees real and imaginary parts."""
    return torch.sin((sigma.real * A).sum()) + (sigma.imag * A).sum() + (sigma[..., 0, :] ** 2).abs().sum()


LABELLED = Labelled([[0.3, 1.0], [-1.0, 0.5], [0.2, -0.7]], label_states([0, 1, 1], 2))
COUNTS = sample(RHO, PauliMeasurement(2), 100, np.random.default_rng(2))
CASES = {
    "state": (NOISY, RHO, None),
    "another loss": (GIBBS, RHO, "infidelity"),
    "counts, learnt readout": (NOISY, COUNTS, NegativeLogLikelihood(TrainableReadout(2))),
    "labels": (ConditionalGibbsModel([pauli("X"), pauli("Z")], 2), LABELLED, None),
}


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_are_those_that_fit_uses_to_the_bit(name):
    model, target, loss = CASES[name]
    objective = Objective.of(model, target, loss)
    theta = torch.tensor(objective.init_params(RNG) + 0.3, requires_grad=True)
    value = qml.torch.loss(model, target, loss)(theta)
    (3 * value).backward()
    expected, slope = objective.value_and_gradient(theta.detach().numpy())
    assert np.abs(slope).max() > 0.01
    assert value.item() == expected
    assert np.array_equal(theta.grad, 3 * slope)
    with torch.no_grad():
        assert qml.torch.loss(model, target, loss)(theta).item() == objective.value(theta.numpy())


@pytest.mark.parametrize("model", [NOISY, GIBBS], ids=["circuit", "Gibbs"])
def test_a_loss_of_ones_own_has_the_gradient_of_difference_quotients(model):
    layer, theta = qml.torch.StateLayer(model), point(model)
    assert np.array_equal(layer(theta).detach(), model.state(theta.detach().numpy()).matrix())
    own(layer(theta)).backward()

    def value(t):
        return own(layer(torch.tensor(t))).item()

    numeric = [difference(value, theta.detach().numpy(), e) for e in np.eye(model.n_params)]
    assert np.abs(numeric).max() > 0.1
    assert np.allclose(theta.grad, numeric, rtol=0, atol=1e-8)


def test_leading_axes_are_a_batch():
    layer, loss, theta = qml.torch.StateLayer(NOISY), qml.torch.loss(NOISY, RHO), point(NOISY, 2, 3)
    values, states = loss(theta), layer(theta)
    assert (values.shape, states.shape) == ((2, 3), (2, 3, 4, 4))
    weights = torch.tensor(RNG.normal(size=(2, 3)))
    ((values * weights).sum() + own(states)).backward()
    gradient, theta.grad = theta.grad, None
    one_by_one = [(loss(t) * w, layer(t)) for t, w in zip(theta.reshape(6, -1), weights.ravel(), strict=True)]
    (sum(v for v, _ in one_by_one) + own(torch.stack([s for _, s in one_by_one]))).backward()
    assert torch.allclose(gradient, theta.grad, rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_gradient_has_the_dtype_of_theta_and_the_work_is_in_float64(dtype):
    theta = point(NOISY, dtype=dtype)
    value = qml.torch.loss(NOISY, RHO)(theta)
    value.backward()
    expected, slope = Objective.of(NOISY, RHO).value_and_gradient(theta.detach().double().numpy())
    assert (value.dtype, theta.grad.dtype) == (torch.float64, dtype)
    assert value.item() == expected
    assert torch.equal(theta.grad, torch.tensor(slope).to(dtype))
    assert qml.torch.StateLayer(NOISY)(theta).dtype == torch.complex128


def test_infinity_is_a_value_without_a_gradient():
    model = CircuitModel(qml.Circuit(1, [qml.gates.RY("a", 0)]))
    theta = torch.tensor([[0.0], [1.0], [np.nan]], requires_grad=True)
    values = qml.torch.loss(model, basis_state("0"))(theta)
    values.sum().backward()
    assert values.tolist()[:2] == [0.0, np.inf]
    assert values.isnan().tolist() == [False, False, True]
    assert theta.grad.isnan().ravel().tolist() == [False, True, True]


def test_second_derivatives_are_refused_in_a_sentence():
    theta, layer = point(NOISY), qml.torch.StateLayer(NOISY)
    for function in (qml.torch.loss(NOISY, RHO), lambda t: own(layer(t))):
        (slope,) = torch.autograd.grad(function(theta), theta, create_graph=True)
        with pytest.raises(InputError, match="first derivatives of losses and states, and no second ones"):
            slope.sum().backward()
        with pytest.raises(InputError, match="no second ones"):
            torch.autograd.functional.hessian(function, theta)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_forward_derivatives_are_refused_in_a_sentence():
    """And not left out."""
    theta = point(NOISY).detach()
    for function in (qml.torch.loss(NOISY, RHO), qml.torch.StateLayer(NOISY)):
        with forward_ad.dual_level(), pytest.raises(InputError, match="derivatives backward, and none forward"):
            function(forward_ad.make_dual(theta, theta))


def test_views_that_are_conjugate_or_negative():
    theta, layer = point(NOISY), qml.torch.StateLayer(NOISY)
    negative = torch.complex(theta, -theta).conj().imag
    assert negative.is_neg()
    assert torch.equal(qml.torch.loss(NOISY, RHO)(negative), qml.torch.loss(NOISY, RHO)(theta))
    (A * layer(theta).conj().imag).sum().backward()
    slope, theta.grad = theta.grad, None
    (A * -layer(theta).imag).sum().backward()
    assert slope.abs().max() > 1e-3
    assert torch.equal(slope, theta.grad)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # where the graph breaks
def test_the_compiler_looks_at_neither_loss_nor_layer():
    torch._dynamo.reset()
    theta, loss, layer = point(NOISY), qml.torch.loss(NOISY, RHO), qml.torch.StateLayer(NOISY)
    own_loss = torch.compile(lambda t: loss(2 * t) + layer(t)[0, 0].real, backend="eager")
    own_loss(theta).backward()
    slope, theta.grad = theta.grad, None
    (loss(2 * theta) + layer(theta)[0, 0].real).backward()
    assert torch.equal(slope, theta.grad)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] <= 3  # between the calls


def test_the_compiler_takes_a_loss_by_itself():
    torch._dynamo.reset()
    loss = qml.torch.loss(GIBBS, RHO)
    theta = point(GIBBS)
    assert torch.equal(torch.compile(loss, backend="eager")(theta), loss(theta))


@pytest.mark.parametrize(
    ("theta", "sentence"),
    [
        (torch.zeros(2), r"theta must have shape \(\.\.\., 3\), one number a parameter; found shape \(2,\)"),
        (torch.tensor(0.5), r"found shape \(\)"),
        (torch.zeros(3, dtype=torch.complex64), "theta must be a tensor of real numbers"),
        (np.zeros(3), "theta must be a tensor of real numbers; found array"),
        (None, "found None"),
    ],
)
def test_another_theta_is_refused(theta, sentence):
    for function in (qml.torch.loss(GIBBS, RHO), qml.torch.StateLayer(GIBBS)):
        with pytest.raises(InputError, match=sentence):
            function(theta)


def test_what_fit_refuses_is_refused():
    with pytest.raises(InputError, match="dims"):
        qml.torch.loss(GIBBS, qml.ghz(3))
    with pytest.raises(InputError, match="model must be a Model, such as"):
        qml.torch.StateLayer(RHO)


def test_a_layer_is_a_module():
    layer = qml.torch.StateLayer(NOISY)
    net = torch.nn.Sequential(torch.nn.Linear(2, NOISY.n_params), layer)
    assert "StateLayer(CircuitModel" in repr(net)
    x = torch.ones(5, 2)
    assert net(x).shape == (5, 4, 4)
    for again in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(again(x), net(x))
    assert set(net.state_dict()) == {"0.weight", "0.bias"}
    seen = []
    layer.eval().register_forward_hook(lambda *_: seen.append(1))
    again = copy.deepcopy(layer)
    again(torch.zeros(NOISY.n_params))
    assert seen == [1]
    assert not again.training


def test_an_optimizer_of_theirs_finds_what_ours_does():
    target = thermal(tfim(2, h=0.5), 1.0)
    loss, theta = qml.torch.loss(GIBBS, target), torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([theta], line_search_fn="strong_wolfe", tolerance_grad=1e-9, tolerance_change=1e-14)

    def closure():
        optimizer.zero_grad()
        value = loss(theta)
        value.backward()
        return value

    optimizer.step(closure)
    assert np.allclose(theta.detach(), fit(GIBBS, target, seed=0).params, rtol=0, atol=1e-6)


def test_a_network_learns_what_to_feed_a_noisy_circuit():
    """Thermal states of several fields, as a function of the field."""
    fields = torch.linspace(0.2, 1.0, 5).reshape(-1, 1)
    circuit = qml.circuits.purification(1, 1, layers=1).then(channels.Depolarizing(0.02, 0))
    model = CircuitModel(circuit)
    losses = [qml.torch.loss(model, thermal(pauli("Z") * h.item() + pauli("X"), 1.0)) for h in fields]
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Tanh(), torch.nn.Linear(8, model.n_params))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    history = []
    for _ in range(150):
        optimizer.zero_grad()
        total = sum(loss(theta) for loss, theta in zip(losses, net(fields), strict=True)) / len(fields)
        total.backward()
        optimizer.step()
        history.append(total.item())
    floor = np.mean([thermal(pauli("Z") * h.item() + pauli("X"), 1.0).entropy() for h in fields])
    assert history[-1] - floor < 0.02 < 0.1 < history[0] - floor
