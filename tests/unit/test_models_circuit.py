"""Circuit models: bounded parameters, engines, ancillas, sentences."""

import math

import numpy as np
import pytest

from qml import CircuitModel, SpectralModel, channels, circuits, gates
from qml._checks import InputError
from qml.circuits import Circuit
from qml.engines.reference import ReferenceEngine
from qml.instructions import PartialTrace, Preparation
from qml.parameters import REAL_LINE, Interval, Parameter
from qml.states import DensityMatrix, ghz


def noisy_circuit(n=2):
    layer = [gates.RY(f"y{q}", q) for q in range(n)] + [gates.RZ(f"z{q}", q) for q in range(n)]
    noise = [channels.Depolarizing("p", q) for q in range(n)]
    entangle = [gates.CNOT(q, q + 1) for q in range(n - 1)]
    damp = [channels.AmplitudeDamping("gamma", 0)]
    return Circuit(n, layer).then(*entangle, *noise, *damp, gates.RX(2 * Parameter("y0") + 0.1, 0))


def rotations(n, layers=2):
    return circuits.hardware_efficient(n, layers)


def test_circuit_state_by_hand():
    model = CircuitModel(Circuit(1, [gates.RY("a", 0), channels.AmplitudeDamping("gamma", 0)]))
    theta = model.unconstrained({"a": 2 * math.acos(0.6), "gamma": 0.36})
    expected = np.array([[0.36 + 0.36 * 0.64, 0.8 * 0.48], [0.8 * 0.48, 0.64 * 0.64]])
    assert np.allclose(model.state(theta).matrix(), expected, atol=1e-14)


def test_default_engine_by_the_sites():
    assert type(CircuitModel(Circuit(2)).engine).__name__ == "PauliEngine"
    assert type(CircuitModel(Circuit((3, 2))).engine).__name__ == "ReferenceEngine"
    assert type(SpectralModel(Circuit((3,))).engine).__name__ == "ReferenceEngine"


def test_engines_agree():
    theta = np.linspace(-1, 1, noisy_circuit().n_params)
    first = CircuitModel(noisy_circuit()).state(theta).matrix()
    assert np.allclose(first, CircuitModel(noisy_circuit(), engine=ReferenceEngine()).state(theta).matrix(), atol=1e-14)


def test_bounded_parameters_stay_inside_however_far_theta_goes():
    model = CircuitModel(noisy_circuit())
    domain = model.domains["p"]
    assert domain != REAL_LINE
    for u in (-1e4, -40.0, 0.0, 40.0, 1e4):
        theta = np.full(model.n_params, u)
        assert model.natural(theta)["p"] in domain
        model.state(theta)
    start = model.natural(model.init_params(np.random.default_rng(0)))
    assert domain.low < start["p"] < 0.25 * domain.high


def test_narrower_domain_is_kept_to():
    model = CircuitModel(noisy_circuit(), domains={"p": Interval(0.1, 0.3), "y0": Interval(0.0, 1.0)})
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = model.natural(rng.normal(0, 50, model.n_params))
        assert 0.1 <= values["p"] <= 0.3
        assert 0.0 <= values["y0"] <= 1.0


def test_rounding_does_not_leave_the_interval():
    """0.34 + (0.86 - 0.34) is above 0.86 in float64."""
    circuit = Circuit(1, [channels.BitFlip("p", 0)])
    model = CircuitModel(circuit, domains={"p": Interval(0.34, 0.86)}, engine=ReferenceEngine())
    assert model.natural([800.0])["p"] == 0.86
    assert model.natural([-800.0])["p"] == 0.34


def test_half_bounded_domain_starts_inside():
    model = CircuitModel(Circuit(1, [gates.RX("a", 0)]), domains={"a": Interval(low=2.0)})
    assert model.natural(model.init_params(np.random.default_rng(0)))["a"] > 2.0


def test_angles_start_within_the_scale():
    model = CircuitModel(rotations(3))
    wide, narrow = (model.init_params(np.random.default_rng(0), scale=s) for s in (np.pi, 0.01))
    assert 1 < np.abs(wide).max() <= np.pi
    assert 0 < np.abs(narrow).max() <= 0.01


def test_ancillas_come_and_go():
    circuit = Circuit(2, [gates.RY("a", 0), Preparation((2,))(1), gates.CNOT(0, 1), PartialTrace((2,))(1)])
    model = CircuitModel(circuit)
    assert model.dims == (2,)
    assert np.allclose(model.state([math.pi / 2]).matrix(), np.eye(2) / 2, atol=1e-15)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"domains": {"q": Interval(0, 1)}}, "no parameter 'q'"),
        ({"domains": {"p": Interval(0.5, 2.0)}}, "must lie within what the circuit allows"),
        ({"domains": {"p": (0, 1)}}, "must be an Interval"),
        ({"initial": ghz(3)}, r"dims \(2, 2\)"),
        (
            {"initial": DensityMatrix(np.array([np.eye(4) / 4] * 3))},
            r"one state on the circuit's input sites.*batch of shape \(3,\)",
        ),
    ],
)
def test_circuit_model_sentences(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        CircuitModel(noisy_circuit(), **arguments)


def test_circuit_must_be_a_circuit():
    for kind in (CircuitModel, SpectralModel):
        with pytest.raises(InputError, match="circuit must be a Circuit; found list"):
            kind([gates.H(0)])


def test_ends_of_intervals_are_floats_and_their_width_is_finite():
    assert repr(Interval(np.float32(-np.inf), np.float64(2.0))) == "Interval(low=-inf, high=2.0)"
    with pytest.raises(InputError, match="a width that float64 holds"):
        Interval(-1e308, 1e308)
    assert Interval(-8e307, 8e307).from_real(0.0) == 0.0
