"""Circuits with data in them: the same states as circuits with numbers, exact gradients, learning."""

import numpy as np
import pytest
from helpers.cases import every

from qml import Circuit, CircuitModel, channels, check_gradient, fit, gates
from qml._checks import InputError, OutsideDomain
from qml.engines import PauliEngine, ReferenceEngine
from qml.instructions import PartialTrace
from qml.losses import MeanCrossEntropy, label_states
from qml.losses.labelled import LabelLikelihood
from qml.models.conditional_circuit import ConditionalCircuitModel
from qml.states import ginibre


def reuploading(layers=2):
    """Two qubits, the second traced out: x0 and x1 uploaded in every layer, noise with a trainable strength."""
    operations = []
    for k in range(layers):
        operations += [gates.RY(f"x0[{k}]", 0), gates.RX(f"x1[{k}]", 1)]
        operations += [gates.RY(f"a[{k}]", 0), gates.RZ(f"b[{k}]", 0), gates.RY(f"c[{k}]", 1), gates.CNOT(0, 1)]
        operations += [channels.Depolarizing("p", 0)]
    return Circuit(2, [*operations, PartialTrace((2,))(1)])


UPLOADS = {"x0[0]": 0, "x1[0]": 1, "x0[1]": 0, "x1[1]": 1}


@pytest.mark.parametrize("engine", [PauliEngine(), ReferenceEngine()], ids=["pauli", "reference"])
@pytest.mark.parametrize("scales", [False, True])
def test_every_member_is_the_circuit_with_its_numbers_put_in(engine, scales):
    model = ConditionalCircuitModel(reuploading(), UPLOADS, scales=scales, engine=engine)
    rng = np.random.default_rng(0)
    theta, x = model.init_params(rng), rng.normal(size=(4, 2))
    batch = model.states(theta, x)
    assert batch.batch_shape == (4,)
    by_name = dict(zip(model.parameter_names, theta, strict=True))
    for k in range(4):
        uploads = {name: by_name.get(f"scale[{name}]", 1.0) * x[k, a] for name, a in UPLOADS.items()}
        alone = CircuitModel(reuploading().bind(uploads), engine=engine)
        state = alone.state([by_name[name] for name in alone.parameter_names])
        assert np.allclose(batch.matrix()[k], state.matrix(), atol=1e-13)


@every("engine", [PauliEngine(), ReferenceEngine()], ids=["pauli", "reference"])
@every("scales", [False, True])
@every("loss", [MeanCrossEntropy, LabelLikelihood])
def test_gradient(engine, scales, loss):
    """Every component on one engine; what an engine adds, along two random directions on the other, a slow one."""
    model = ConditionalCircuitModel(reuploading(), UPLOADS, scales=scales, engine=engine)
    rng = np.random.default_rng(1)
    x, rho = rng.normal(size=(3, 2)), ginibre((2,), rng, batch=3)
    directions = 2 if isinstance(engine, ReferenceEngine) else None
    check = check_gradient(model.at(x), rho, loss([1.0, 2.0, 0.5]), rng=rng, directions=directions)
    assert len(check.params) == (11 if scales else 7)
    assert np.abs(check.analytic).max() > 1e-2
    assert check.ok, str(check)


def test_learns_a_boundary_that_no_line_draws():
    """Inside or outside of an interval, from one input uploaded twice."""
    circuit = Circuit(1, [gates.RY("x", 0), gates.RY("a", 0), gates.RY("y", 0), channels.Depolarizing("p", 0)])
    model = ConditionalCircuitModel(circuit, {"x": 0, "y": 0}, scales=True)
    x = np.linspace(-2, 2, 21)[:, None]
    y = (np.abs(x[:, 0]) < 1).astype(int)
    result = fit(model.at(x), label_states(y, 2), loss=MeanCrossEntropy(), seed=0, restarts=3)
    assert (model.states(result.params, x).probabilities().argmax(axis=1) == y).mean() > 0.9


def test_columns_and_names():
    model = ConditionalCircuitModel(reuploading(), {"x0[0]": 2}, n_inputs=4)
    assert model.n_inputs == 4
    assert "x0[1]" in model.parameter_names
    assert "x0[0]" not in model.parameter_names
    assert ConditionalCircuitModel(reuploading(), {"x0[0]": 2}).n_inputs == 3


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        ({"x2[0]": 0}, {}, "no parameter 'x2"),
        ({"p": 0}, {}, "bounded"),
        ({}, {}, "at least one parameter"),
        ({"x0[0]": 2}, {"n_inputs": 2}, "from 0 to 1; found 2"),
        ({"x0[0]": -1}, {}, "at least 0; found -1"),
    ],
)
def test_what_is_refused(inputs, options, message):
    with pytest.raises(InputError, match=message):
        ConditionalCircuitModel(reuploading(), inputs, **options)


def test_angles_that_float64_knows_no_sine_of_are_refused():
    model = ConditionalCircuitModel(reuploading(), {"x0[0]": 1}, n_inputs=2)
    theta = model.init_params(np.random.default_rng(0))
    assert np.isfinite(model.states(theta, [[1e300, 1e15]]).probabilities()).all()
    with pytest.raises(InputError, match=r"at most 1e\+15 in size.*found 2e\+15: rescale"):
        model.states(theta, [[0.0, 1.0], [0.0, -2e15]])
    scaled = ConditionalCircuitModel(reuploading(), {"x0[0]": 0}, scales=True)
    for scale in (1e4, 1e300):
        with pytest.raises(OutsideDomain, match=r"scales must keep angles at most 1e\+15 in size"):
            scaled.states([*np.zeros(scaled.n_params - 1), scale], [[1e12]])
