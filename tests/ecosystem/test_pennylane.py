"""PennyLane, where it is installed: what goes out and comes back is what PennyLane says it is."""

from __future__ import annotations

import jax
import numpy as np
import pennylane as pl
import pytest
from helpers.circuits import random_circuit
from helpers.instructions import draw
from helpers.processes import choi, close, placements
from hypothesis import given, settings
from hypothesis import strategies as st

from qml import Circuit, Parameter, channels, gates
from qml._checks import InputError
from qml.channels import CHANNELS
from qml.engines import ReferenceEngine
from qml.gates import GATES
from qml.instructions import Initialize, Operation, TraceOut
from qml.io import from_pennylane, to_pennylane

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
WIRES = [0, 1, 2]


def its_state(template, params) -> np.ndarray:
    """What PennyLane's own simulator makes of |0...0>."""

    @pl.qnode(pl.device("default.mixed", wires=3))
    def run(x):
        template(x)
        return pl.density_matrix(WIRES)

    return np.asarray(run(params))


def its_choi(template, params) -> np.ndarray:
    """The Choi state, by PennyLane's own simulator on twice the wires."""

    @pl.qnode(pl.device("default.mixed", wires=6))
    def run(x):
        for wire in WIRES:
            pl.Hadamard(wire)
            pl.CNOT([wire, 3 + wire])
        template(x, wires=[3, 4, 5])
        return pl.density_matrix(range(6))

    return np.asarray(run(params))


@pytest.mark.parametrize("noisy", [False, True])
@settings(max_examples=250, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_random_circuits_mean_the_same_there_and_come_back(noisy, seed):
    rng = np.random.default_rng([seed, noisy])
    circuit = random_circuit(rng, noisy=noisy)
    theta = rng.normal(size=circuit.n_params)
    template = to_pennylane(circuit)
    again = from_pennylane(lambda x, template=template: template(x), theta, wires=WIRES)
    assert len(again.parameters) == circuit.n_params
    again = again.bind({f"x[{k}]": name for k, name in enumerate(circuit.parameters)})
    bound = circuit.bind(dict(zip(circuit.parameters, theta, strict=True)))
    elsewhere = dict(zip(circuit.parameters, theta + rng.normal(size=len(theta)), strict=True))
    assert close(choi(circuit.bind(elsewhere)), choi(again.bind(elsewhere)))
    assert close(ReferenceEngine().evolve(bound, ()).matrix(), its_state(template, theta))


@pytest.mark.parametrize("name", [*GATES, *CHANNELS])
def test_every_gate_and_channel_at_every_placement(name):
    instruction = GATES.get(name) or CHANNELS[name]
    rng = np.random.default_rng(1)
    for sites in placements(instruction.n_sites):
        params = tuple(draw(instruction, rng))
        circuit = Circuit(3, [Operation(instruction, sites, params)])
        template = to_pennylane(circuit)
        assert close(choi(circuit), its_choi(template, ()))
        assert close(choi(circuit), choi(from_pennylane(template, wires=WIRES)))


OPS = [
    lambda: pl.Rot(0.1, 0.2, 0.3, wires=0), lambda: pl.CRot(0.1, 0.2, 0.3, wires=[1, 0]),
    lambda: pl.U2(0.1, 0.2, wires=1), lambda: pl.MultiRZ(0.4, wires=WIRES),
    lambda: pl.PauliRot(0.3, "XYZ", wires=[2, 0, 1]), lambda: pl.SISWAP([0, 2]), lambda: pl.PSWAP(0.3, wires=[0, 1]),
    lambda: pl.IsingXY(0.3, wires=[2, 1]), lambda: pl.SingleExcitation(0.3, wires=[0, 1]),
    lambda: pl.adjoint(pl.S(0)), lambda: pl.pow(pl.RX(0.3, 0), 3), lambda: pl.CCZ(WIRES),
    lambda: pl.ctrl(pl.RX(0.3, 2), control=[0, 1], control_values=[0, 1]), lambda: pl.ctrl(pl.PhaseShift(0.3, 2), 0),
    lambda: pl.MultiControlledX(wires=WIRES, control_values=[1, 0]), lambda: pl.QFT(WIRES),
    lambda: pl.GlobalPhase(0.3, 0), lambda: pl.ctrl(pl.GlobalPhase(0.3, 1), 0),
    lambda: pl.DiagonalQubitUnitary(np.exp(1j * np.arange(4)), wires=[1, 2]),
    lambda: pl.QubitUnitary(pl.QFT.compute_matrix(2), wires=[2, 0]),
    lambda: pl.StronglyEntanglingLayers(np.arange(9).reshape(1, 3, 3) / 5, wires=WIRES),
    lambda: pl.Permute([2, 0, 1], WIRES),
    lambda: pl.ApproxTimeEvolution(pl.Hamiltonian([0.3, 0.4], [pl.X(0) @ pl.Y(1), pl.Z(2)]), 0.5, 2),
    lambda: pl.Barrier(WIRES), lambda: pl.ResetError(0.1, 0.2, wires=0),
    lambda: pl.ThermalRelaxationError(0.1, 1.2, 1.3, 0.1, wires=1),
    lambda: pl.GeneralizedAmplitudeDamping(0.1, 0.3, wires=1), lambda: pl.PauliError("XY", 0.2, wires=[2, 0]),
    lambda: pl.FermionicSWAP(0.3, wires=[0, 1]), lambda: pl.exp(pl.X(0) @ pl.Z(1), 0.3j),
    lambda: pl.prod(pl.X(0), pl.RY(0.3, 1)), lambda: pl.CPhaseShift01(0.2, [0, 2]), lambda: pl.Identity(),
    lambda: pl.Identity(WIRES), lambda: pl.ctrl(pl.Identity([0, 1]), 2),
]  # fmt: skip


@pytest.mark.parametrize("k", range(len(OPS)))
def test_operations_of_pennylane_come_in(k):
    def function():
        for wire in WIRES:
            pl.RY(0.3 + wire, wire)
        OPS[k]()

    @pl.qnode(pl.device("default.mixed", wires=3))
    def run():
        function()
        return pl.density_matrix(WIRES)

    found = ReferenceEngine().evolve(from_pennylane(run), ()).matrix()
    assert close(found, np.asarray(run()))


def test_arguments_become_parameters_by_name_where_they_are_used_affinely():
    @pl.qnode(pl.device("default.qubit", wires=2))
    def run(weights, shift, layers):
        for k in range(layers):
            pl.RX(2 * weights[k, 0] - shift, 0)
            pl.CRZ(weights[k, 1] / 4, [0, 1])
        return pl.expval(pl.Z(0))

    w, s = np.array([[0.1, 0.2], [0.3, 0.4]]), Parameter("shift")
    found = from_pennylane(run, w, 0.7, 2)
    expected = [
        gates.RX(2 * Parameter("weights[0,0]") - s, 0), gates.CRZ(Parameter("weights[0,1]") / 4, 0, 1),
        gates.RX(2 * Parameter("weights[1,0]") - s, 0), gates.CRZ(Parameter("weights[1,1]") / 4, 0, 1),
    ]  # fmt: skip
    assert found == Circuit(2, expected)
    assert from_pennylane(run, w, 0.7, 2, free=False).n_params == 0
    with pytest.raises(InputError, match="is not affine in the arguments"):
        from_pennylane(lambda x: pl.RX(x**2, 0), 0.3)
    with pytest.raises(InputError, match="changes more than the parameters of gates"):
        from_pennylane(lambda x: pl.QubitUnitary(pl.RX.compute_matrix(x), 0), 0.3)


def test_arguments_at_the_edge_of_a_domain_become_parameters():
    def function(x, p, q, r):
        pl.RX(x, 0)
        pl.DepolarizingChannel(p, 0)
        pl.AmplitudeDamping(1 - q, 0)
        pl.GeneralizedAmplitudeDamping(0.3, r / 2, 0)

    r = Parameter("r")
    expected = [
        gates.RX("x", 0), channels.PauliError("p", 0), channels.AmplitudeDamping(1 - Parameter("q"), 0),
        channels.GeneralizedAmplitudeDamping(0.3, r / 2, 0),
    ]  # fmt: skip
    for p in (0.0, 0.01, 1.0):
        assert from_pennylane(function, 0.3, p, p, p) == Circuit(1, expected)
    with pytest.raises(InputError, match="is not affine in the arguments"):
        from_pennylane(lambda x: pl.RX(abs(x), 0), 0.0)
    with pytest.raises(InputError, match="moving the arguments changes more than"):
        from_pennylane(lambda x: pl.RX(x, 0) if x > 0.29 else pl.RY(x, 0), 0.3)


def test_arguments_of_torch_and_jax():
    """In single precision, too; functions of PyTorch get tensors again."""
    torch = pytest.importorskip("torch")

    def function(weights, shift):
        assert isinstance(weights, torch.Tensor) == isinstance(w, torch.Tensor)
        pl.RX(2 * weights[0], 0)
        pl.RY(weights[1] + shift, 0)

    s = Parameter("shift")
    expected = Circuit(1, [gates.RX(2 * Parameter("weights[0]"), 0), gates.RY(Parameter("weights[1]") + s, 0)])
    x = [0.1, 0.2]
    for w in (torch.tensor(x, requires_grad=True), jax.numpy.array(x), pl.numpy.array(x), np.array(x, np.float32)):
        assert from_pennylane(function, w, 0.3) == expected
        assert from_pennylane(function, w, 0.3, free=False).n_params == 0


def test_the_noise_of_a_transformed_node_comes_in():
    noise = pl.NoiseModel({pl.noise.op_eq("RX"): pl.noise.partial_wires(pl.AmplitudeDamping, 0.1)})

    def function(x):
        pl.RX(x, 0)
        return pl.expval(pl.Z(0)), pl.expval(pl.X(0))

    device = pl.device("default.mixed", wires=1)
    node = pl.QNode(function, device)
    expected = Circuit(1, [gates.RX("x", 0), channels.AmplitudeDamping(0.1, 0)])
    assert from_pennylane(pl.add_noise(node, noise), 0.3) == expected
    with pytest.raises(InputError, match="the device of the QNode is transformed"):
        from_pennylane(pl.QNode(function, pl.add_noise(device, noise)), 0.3)
    with pytest.raises(InputError, match="make several circuits of it"):
        from_pennylane(pl.transforms.split_non_commuting(node), 0.3)


@pytest.mark.parametrize(
    "channel", [channels.PauliError, channels.Depolarizing, channels.BitFlip, channels.GeneralizedAmplitudeDamping]
)
def test_channels_with_a_name_there_keep_free_parameters(channel):
    params = [f"p{k}" for k in range(channel.n_params)]
    circuit = Circuit(3, [gates.RX(0.3, 1), channel(*params, 1)])
    template, theta = to_pennylane(circuit), np.linspace(0.1, 0.2, channel.n_params)
    assert close(ReferenceEngine().evolve(circuit, theta).matrix(), its_state(template, theta))
    again = from_pennylane(lambda x: template(x), theta, wires=WIRES)
    assert close(choi(again, theta + 0.3), choi(circuit, theta + 0.3))


def test_gradients_flow_through_a_circuit_that_went_out():
    circuit = Circuit(2, [gates.RX("a", 0), gates.CNOT(0, 1), gates.RZ(2 * Parameter("a") + 0.1, 1), gates.RY("b", 1)])
    template = to_pennylane(circuit)

    @pl.qnode(pl.device("default.qubit", wires=2))
    def energy(x):
        template(x)
        return pl.expval(pl.X(1))

    x = pl.numpy.array([0.3, 0.4], requires_grad=True)
    gradient = pl.grad(energy)(x)
    h = 1e-6
    finite = [(energy(x + h * e) - energy(x - h * e)) / (2 * h) for e in np.eye(2)]
    assert np.abs(finite).min() > 1e-3
    assert np.abs(gradient - finite).max() < 1e-8
    assert np.isclose(float(energy(x)), float(np.real(np.trace(
        ReferenceEngine().evolve(circuit, [0.3, 0.4]).matrix() @ np.kron(np.eye(2), [[0, 1], [1, 0]])))))  # fmt: skip


def test_a_prepared_basis_state_comes_in():
    assert from_pennylane(lambda: pl.BasisState([1, 0, 1], wires=WIRES)) == Circuit(3, [gates.X(0), gates.X(2)])


def test_what_has_no_counterpart_is_refused():
    def feedback():
        m = pl.measure(0)
        pl.cond(m, pl.X)(1)

    with pytest.raises(InputError, match="a measurement in the midst"):
        from_pennylane(feedback)
    with pytest.raises(InputError, match="wires must name every wire"):
        from_pennylane(lambda: pl.X("b"), wires=["a"])
    with pytest.raises(InputError, match="wires must be distinct"):
        from_pennylane(lambda: pl.X("a"), wires=["a", "a"])
    with pytest.raises(InputError, match="needs a number for 'p'"):
        to_pennylane(Circuit(1, [channels.ReadoutError("p", 0.1, 0)]))
    with pytest.raises(InputError, match="one number for each of the 1 parameters a"):
        to_pennylane(Circuit(1, [gates.RX("a", 0)]))()
    circuit = Circuit(2, [gates.H(1), TraceOut(1), Initialize(1)])
    assert from_pennylane(to_pennylane(circuit)).operations[0] == gates.H(1)
