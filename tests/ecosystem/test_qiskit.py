"""Qiskit and Aer, where they are installed: what goes out and comes back is what they say it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import qiskit
import qiskit_aer as aer
from helpers.circuits import random_circuit, some_gate
from helpers.instructions import draw
from helpers.processes import choi, close, placements, same
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import quantum_info as info
from qiskit.circuit import library
from qiskit.circuit.random import random_circuit as drawn
from qiskit_ibm_runtime import fake_provider as fake

from qml import Circuit, DensityMatrix, Parameter, PauliSum, channels, gates
from qml._checks import InputError
from qml.channels import CHANNELS
from qml.engines import ReferenceEngine
from qml.gates import GATES, controlled
from qml.instructions import Initialize, Operation, TraceOut
from qml.io import from_qiskit, to_qiskit
from qml.states import partial_trace

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def forwards(matrix: np.ndarray, *, sites: int) -> np.ndarray:
    """A matrix of Qiskit with its qubits in our order."""
    t = np.asarray(matrix).reshape((2,) * (2 * sites))
    return t.transpose([*range(sites)[::-1], *range(sites, 2 * sites)[::-1]]).reshape(matrix.shape)


def its_choi(circuit) -> np.ndarray:
    """The Choi state of a Qiskit circuit, as Qiskit computes it, in our order of sites."""
    n = circuit.num_qubits
    t = np.asarray(info.Choi(info.SuperOp(circuit)).data).reshape((2,) * (4 * n)) / 2**n
    axes = [*range(n)[::-1], *range(n, 2 * n)[::-1]]
    return t.transpose([*axes, *(2 * n + a for a in axes)]).reshape(4**n, 4**n)


@pytest.mark.parametrize("noisy", [False, True])
@settings(max_examples=250, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_random_circuits_mean_the_same_there_and_come_back(noisy, seed):
    rng = np.random.default_rng([seed, noisy])
    circuit = random_circuit(rng, noisy=noisy)
    values = {name: rng.normal() for name in circuit.parameters}
    out = to_qiskit(circuit)
    again = from_qiskit(out)
    assert {p.name for p in out.parameters} == set(circuit.parameters) == set(again.parameters)
    ours = choi(circuit.bind(values))
    assert close(ours, choi(again.bind(values)))
    assert close(ours, its_choi(out.assign_parameters({p: values[p.name] for p in out.parameters})))


@pytest.mark.parametrize("name", [*GATES, *CHANNELS])
def test_every_gate_and_channel_at_every_placement(name):
    instruction = GATES.get(name) or CHANNELS[name]
    rng = np.random.default_rng(1)
    for sites in placements(instruction.n_sites):
        params = tuple(draw(instruction, rng))
        circuit = Circuit(3, [Operation(instruction, sites, params)])
        out = to_qiskit(circuit)
        assert close(choi(circuit), its_choi(out))
        assert close(choi(circuit), choi(from_qiskit(out)))


def test_circuits_that_qiskit_draws_at_random_come_in():
    for seed in range(250):
        circuit = drawn(3, 5, seed=seed, max_operands=2 + seed % 2)
        found = ReferenceEngine().evolve_vectors(from_qiskit(circuit), ())
        assert same(found, forwards(info.Operator(circuit).data, sites=3)), circuit


def test_gates_of_the_library_come_in():
    a = 0.37
    every = [
        library.C3SXGate(), library.C4XGate(), library.RC3XGate(), library.RCCXGate(), library.CSdgGate(),
        library.CUGate(a, 0.2, 0.3, 0.4), library.CUGate(a, 0.2, 0.3, 0.4, ctrl_state=0), library.XXMinusYYGate(a, 0.2),
        library.XXPlusYYGate(a, 0.2), library.RZXGate(a), library.RGate(a, 0.2), library.RVGate(a, 0.1, 0.2),
        library.MCPhaseGate(a, 3), library.XGate().control(3, ctrl_state=5), library.RXGate(a).control(2, ctrl_state=1),
        library.PauliGate("XYZ"), library.DiagonalGate([1, 1j, -1, -1j]), library.DCXGate(), library.ECRGate(),
        library.PauliEvolutionGate(info.SparsePauliOp("XYI"), time=a), library.QFTGate(3), library.HGate().power(0.5),
        library.PauliEvolutionGate(info.SparsePauliOp(["XX", "ZI"], [0.5, 0.2]), time=a), library.MSGate(2, a),
        library.UnitaryGate(info.random_unitary(4, seed=1)), library.PermutationGate([2, 0, 1]),
        library.SXGate().control(2, annotated=True), library.RYGate(a).inverse(annotated=True),
        library.SGate().power(0.3, annotated=True), library.RXXGate(a).control(1, annotated=True),
    ]  # fmt: skip
    inner = qiskit.QuantumCircuit(1)
    inner.append(library.GlobalPhaseGate(a).power(0.5), [])  # a matrix on no qubit
    every.append(inner.to_gate().control(1))
    for gate in every:
        circuit = qiskit.QuantumCircuit(gate.num_qubits)
        circuit.append(gate, range(gate.num_qubits))
        found = ReferenceEngine().evolve_vectors(from_qiskit(circuit), ())
        # what a device would run: of a sum that does not commute, the product formula and not the exponential
        meant = gate.definition if gate.name == "PauliEvolution" else gate
        assert same(found, forwards(info.Operator(meant).data, sites=gate.num_qubits)), gate.name


def test_controlled_gates_keep_their_phases():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        gate = some_gate(rng, 2)
        operation = Operation(controlled(gate), (2, 0, 1)[: gate.n_sites + 1], tuple(draw(gate, rng)))
        circuit = Circuit(3, [gates.H(2), operation])
        assert close(choi(circuit), its_choi(to_qiskit(circuit)))
    for gate in (library.CUGate(0.1, 0.2, 0.3, 0.4).control(1), library.CUGate(0.1, 0.2, 0.3, 0.4).control(2, "", 1)):
        circuit = qiskit.QuantumCircuit(gate.num_qubits)
        circuit.append(gate, range(gate.num_qubits))
        found = ReferenceEngine().evolve_vectors(from_qiskit(circuit), ())
        assert same(found, forwards(info.Operator(gate).data, sites=gate.num_qubits))
    free = Circuit(
        3, [gates.PauliRotation("II")("a", 0, 1), controlled(gates.PauliRotation("I"))(Parameter("a") / 2, 2, 0)]
    )
    out = to_qiskit(free)
    assert close(choi(free, [0.7]), its_choi(out.assign_parameters([0.7])))
    assert close(choi(free, [0.7]), choi(from_qiskit(out), [0.7]))


def test_expressions_stay_affine_by_name():
    a, b = (qiskit.circuit.Parameter(name) for name in ("a", "b"))
    v = qiskit.circuit.ParameterVector("v", 2)
    circuit = qiskit.QuantumCircuit(1)
    circuit.rx(2 * a - b / 4 + 0.5, 0)
    circuit.rz(-(v[1] + a), 0)
    ours = from_qiskit(circuit)
    x, y, z = Parameter("a"), Parameter("b"), Parameter("v[1]")
    assert ours.operations[1] == gates.RZ(-x - z, 0)
    (found,) = ours.operations[0].params
    assert dict(found.terms) == {"a": 2.0, "b": -0.25}
    assert found.constant == 0.5
    assert (2 * x - y / 4 + 0.5).value({"a": 1, "b": 2}) == found.value({"a": 1, "b": 2})
    for expression in (a * b, a / b, a.sin(), a.log(), a.sign(), a * a / a, 1j * a):
        other = circuit.copy()
        other.rx(expression, 0)
        with pytest.raises(InputError, match="is not affine in its parameters"):
            from_qiskit(other)


def test_loops_are_carried_out_and_feedback_is_refused():
    circuit = qiskit.QuantumCircuit(2, 2)
    with circuit.for_loop(range(3)) as i:
        circuit.rx(i * 0.1, 0)
        circuit.cx(0, 1)
    expected = [o for k in range(3) for o in (gates.RX(0.1 * k, 0), gates.CNOT(0, 1))]
    assert close(choi(from_qiskit(circuit)), choi(Circuit(2, expected)))
    circuit.measure([1, 0], [0, 1])
    assert from_qiskit(circuit, measured=True)[1] == (1, 0)
    again = circuit.copy()
    again.x(0)
    with pytest.raises(InputError, match=r"qubit 0 is measured and used again \(x\)"):
        from_qiskit(again)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)
    with pytest.raises(InputError, match="an if statement has no counterpart"):
        from_qiskit(circuit)
    waiting = qiskit.QuantumCircuit(1)
    waiting.delay(10, 0)
    with pytest.raises(InputError, match="a delay has no counterpart"):
        from_qiskit(waiting)
    saved = qiskit.QuantumCircuit(1)
    saved.save_density_matrix()
    with pytest.raises(InputError, match=r"^save_density_matrix has no counterpart in a circuit"):
        from_qiskit(saved)


def test_a_qubit_stays_measured_where_another_result_replaces_its_own():
    circuit = qiskit.QuantumCircuit(2, 1)
    circuit.h(0)
    circuit.measure([0, 1], [0, 0])
    assert from_qiskit(circuit, measured=True)[1] == (1,)
    circuit.h(0)
    with pytest.raises(InputError, match=r"qubit 0 is measured and used again \(h\)"):
        from_qiskit(circuit)


def test_circuits_of_other_classes_are_circuits():
    class Mine(qiskit.QuantumCircuit):
        pass

    for circuit in (Mine(2), library.EfficientSU2(2, reps=1)):
        circuit.x(1)
        v = np.arange(circuit.num_parameters) / 3
        u = info.Operator(circuit.assign_parameters(v)).data
        found = from_qiskit(circuit)
        named = {p.name: x for p, x in zip(circuit.parameters, v, strict=True)}
        assert same(ReferenceEngine().evolve_vectors(found.bind(named), ()), forwards(u, sites=2))


def test_resets_traces_and_preparations():
    circuit = Circuit(2, [gates.H(0), channels.Reset(0), TraceOut(1), Initialize(1), gates.CNOT(0, 1)])
    assert from_qiskit(to_qiskit(circuit, measured=[1]), measured=True) == (
        Circuit(2, [gates.H(0), channels.Reset(0), channels.Reset(1), gates.CNOT(0, 1)]), (1,)
    )  # fmt: skip
    prepared = qiskit.QuantumCircuit(2)
    prepared.initialize([0.6, 0, 0, 0.8j], [0, 1])
    rho = ReferenceEngine().evolve(from_qiskit(prepared), ()).matrix()
    assert close(rho, forwards(np.outer([0.6, 0, 0, 0.8j], np.conj([0.6, 0, 0, 0.8j])), sites=2))


def test_states_and_operators_are_turned_round_and_never_taken_as_they_are():
    psi = info.random_statevector(8, seed=1)
    for state in (psi, info.DensityMatrix(psi), info.random_density_matrix((2, 2, 2), seed=2)):
        found = from_qiskit(state)
        reversed_ = np.asarray(info.DensityMatrix(state).reverse_qargs().data)
        assert close(found.matrix(), reversed_)
        assert close(np.asarray(to_qiskit(found).data), np.asarray(info.DensityMatrix(state).data))
        with pytest.raises(InputError, match="whose first qubit is the last one here"):
            DensityMatrix(state)
    u = info.random_unitary(4, seed=3)
    assert close(from_qiskit(u).matrix(()), np.asarray(u.reverse_qargs().data))
    clifford = info.random_clifford(3, seed=4)
    assert close(from_qiskit(clifford).matrix(()), forwards(clifford.to_matrix(), sites=3))
    total = PauliSum.from_terms({"XIZ": 0.5, "YYI": -1.0})
    assert from_qiskit(to_qiskit(total)) == total
    assert close(forwards(to_qiskit(total).to_matrix(), sites=3), total.matrix())
    assert from_qiskit(info.Pauli("-XYI")) == PauliSum.from_terms({"IYX": -1.0})


def test_sites_of_different_dimensions_keep_their_places():
    """A qubit, its first, and a qutrit: q_1 is the left factor in Qiskit, site 1 the right one here."""
    qubit, qutrit = info.random_density_matrix(2, seed=1), info.random_density_matrix(3, seed=2)
    both = from_qiskit(qutrit.tensor(qubit))
    assert both.dims == (2, 3)
    assert close(both.matrix(), np.kron(qubit.data, qutrit.data))
    back = to_qiskit(both)
    assert back.dims() == (2, 3)
    assert close(back.data, qutrit.tensor(qubit).data)
    vector = np.kron([1, 2, 3], [4, 5]) / np.sqrt(14 * 41)
    psi = from_qiskit(info.Statevector(vector, dims=(2, 3)))
    assert psi.dims == (2, 3)
    assert close(partial_trace(psi, [0]).matrix(), np.outer([4, 5], [4, 5]) / 41)
    u, v = info.random_unitary(2, seed=3), info.random_unitary(3, seed=4)
    gate = from_qiskit(v.tensor(u))
    assert gate.dims == (2, 3)
    assert close(gate.matrix(np.zeros(0)), np.kron(u.data, v.data))


def test_channels_in_every_form_of_qiskit_are_turned_round():
    channel = info.random_quantum_channel(4, 4, rank=3, seed=5)
    circuit = qiskit.QuantumCircuit(2)
    circuit.append(channel.to_instruction(), [0, 1])
    for form in (info.Kraus, info.SuperOp, info.Choi, info.Chi, info.PTM, info.Stinespring):
        found = from_qiskit(form(channel))
        assert found.name == form.__name__
        assert close(choi(Circuit(2, [found(0, 1)])), its_choi(circuit))


def test_free_noise_and_other_objects_are_refused():
    with pytest.raises(InputError, match="needs a number for 'p'"):
        to_qiskit(Circuit(1, [channels.BitFlip("p", 0)]))
    with pytest.raises(InputError, match="is taken; found 3"):
        from_qiskit(3)
    with pytest.raises(InputError, match="is taken; found 3"):
        to_qiskit(3)
    with pytest.raises(InputError, match=r"the operator must keep its dimensions; found \(2, 2\) to"):
        from_qiskit(info.Operator(np.ones((2, 4))))
    for channel in (info.Kraus([np.eye(3)]), info.SuperOp(np.ones((16, 4)))):
        with pytest.raises(InputError, match="from qubits to as many qubits is taken; found one of dimensions"):
            from_qiskit(channel)
    with pytest.raises(InputError, match="coefficients of a SparsePauliOp must be numbers; found a"):
        from_qiskit(info.SparsePauliOp(["X"], np.array([qiskit.circuit.Parameter("a")], dtype=object)))
    with pytest.raises(InputError, match="sites are for noise models and backends; found a QuantumCircuit"):
        from_qiskit(qiskit.QuantumCircuit(2), sites=[1, 0])
    with pytest.raises(InputError, match="sites are for noise models and backends; found a Statevector"):
        from_qiskit(info.Statevector([1, 0]), sites=[0])


def exact(circuit, model, sites):
    """The state of a circuit with the errors of a noise model of Aer, by Qiskit's own algebra."""
    state = info.DensityMatrix.from_label("0" * circuit.num_qubits)
    for item in circuit.data:
        at = [circuit.find_bit(q).index for q in item.qubits]
        state = state.evolve(item.operation, at)
        error = model._local_quantum_errors.get(item.operation.name, {}).get(tuple(sites[k] for k in at))
        if error is not None:
            state = state.evolve(info.SuperOp(error), at)
    return forwards(np.asarray(state.data), sites=circuit.num_qubits)


@pytest.mark.parametrize(
    ("sites", "pairs", "apart"),
    [
        ((10, 12, 13, 15, 18), ((0, 1), (1, 2), (1, 3), (3, 4)), 1e-10),
        ((12, 13, 14, 11, 8), ((0, 1), (1, 2), (2, 3), (3, 4)), 1e-9),  # Aer leaves out the smallest errors of qubit 14
    ],
)
def test_the_noise_of_a_device_of_27_qubits_on_five_of_them(sites, pairs, apart):
    backend = fake.FakeMontrealV2()
    model = aer.noise.NoiseModel.from_backend(backend)
    noise = from_qiskit(backend, sites=sites)
    rng = np.random.default_rng(0)
    small, large = qiskit.QuantumCircuit(5), qiskit.QuantumCircuit(27)
    for _ in range(4):
        for i in range(5):
            for circuit, at in ((small, i), (large, sites[i])):
                circuit.sx(at)
                circuit.rz(0.3 * i + 0.1, at)
                circuit.x(at)
        for pair in pairs:
            a, b = rng.permutation(pair)
            small.cx(a, b)
            large.cx(sites[a], sites[b])
    noisy = from_qiskit(small).with_noise(replace(noise, readout=()))
    ours = ReferenceEngine().evolve(noisy, ()).matrix()
    assert close(ours, exact(small, model, sites))
    large.save_density_matrix(qubits=list(sites))
    simulator = aer.AerSimulator(method="density_matrix", noise_model=model, zero_threshold=1e-18)
    theirs = np.asarray(simulator.run(large).result().data()["density_matrix"])
    assert np.abs(ours - forwards(theirs, sites=5)).max() < apart
    read = ReferenceEngine().evolve(from_qiskit(small).with_noise(noise), ()).matrix()
    confusion = np.ones((1, 1))
    for q in sites:
        confusion = np.kron(confusion, np.asarray(model._local_readout_errors[(q,)].probabilities).T)
    assert close(np.diag(read).real, confusion @ np.diag(ours).real)


def test_qubits_that_a_device_lacks_are_refused():
    for wanted in ([5], [0, -1]):
        with pytest.raises(InputError, match="each of sites must be an integer"):
            from_qiskit(fake.FakeManilaV2(), sites=wanted)


def test_errors_of_all_qubits_and_of_some():
    model = aer.noise.NoiseModel()
    model.add_all_qubit_quantum_error(aer.noise.depolarizing_error(0.1, 1), ["x", "sx"])
    model.add_quantum_error(aer.noise.amplitude_damping_error(0.3), ["x"], [1])
    model.add_all_qubit_quantum_error(aer.noise.depolarizing_error(0.1, 2), ["cx"])
    model.add_all_qubit_readout_error(aer.noise.ReadoutError([[0.9, 0.1], [0.2, 0.8]]))
    with pytest.raises(InputError, match="the errors of x differ from qubit to qubit: pass sites"):
        from_qiskit(model)
    noise = from_qiskit(model, sites=[1, 0])
    assert noise.readout[0].params[0].constant == 0.2
    circuit = qiskit.QuantumCircuit(2)
    circuit.x([0, 1])
    circuit.sx(0)
    circuit.cx(1, 0)
    device = qiskit.QuantumCircuit(2)
    device.x([1, 0])
    device.sx(1)
    device.cx(0, 1)
    device.save_density_matrix()
    theirs = aer.AerSimulator(method="density_matrix", noise_model=model).run(device).result().data()["density_matrix"]
    ours = ReferenceEngine().evolve(from_qiskit(circuit).with_noise(replace(noise, readout=())), ()).matrix()
    assert close(ours, np.asarray(theirs))  # site 0 is qubit 1: twice the reverse order
    model.add_all_qubit_quantum_error(aer.noise.depolarizing_error(0.1, 1), ["u2"])
    with pytest.raises(InputError, match="errors of 'u2', which is no single gate here"):
        from_qiskit(model, sites=[0, 1])
    joint = aer.noise.NoiseModel()
    joint.add_readout_error(aer.noise.ReadoutError(np.eye(4)[::-1]), [0, 1])
    for wanted in (None, [1, 2]):
        with pytest.raises(InputError, match="readout errors of single qubits are taken"):
            from_qiskit(joint, sites=wanted)
    assert from_qiskit(joint, sites=[2]).readout == ()
    double = aer.noise.NoiseModel()
    double.add_all_qubit_quantum_error(aer.noise.depolarizing_error(0.1, 1), ["u1", "p"])
    with pytest.raises(InputError, match="errors of 'u1' and of 'p', which are one gate here"):
        from_qiskit(double)
