"""Forward derivatives, one contract for every engine: against central differences and against the way back."""

import numpy as np
import pytest
from helpers.arrays import hermitian
from helpers.engines import each_with, equal, under_test
from helpers.instructions import draw

from qml import CircuitModel, Parameter, channels, gates
from qml._checks import InputError, MemoryRefused
from qml.channels import CHANNELS
from qml.circuits import Circuit
from qml.engines import ENGINES, PauliEngine, ReferenceEngine
from qml.gates import GATES
from qml.instructions import PartialTrace, Preparation
from qml.states import ginibre

MADE = {name: make() for name, make in ENGINES.items()} | {"pauli on threads": PauliEngine(threads=2)}
INSTRUCTIONS = GATES | CHANNELS


@pytest.fixture(params=under_test(MADE))
def engine(request):
    return request.param


def random_circuit(n, rng, count):
    """A random circuit of named instructions, some fixed, the others with parameters of their own."""
    operations, values = [], []
    fitting = [instruction for instruction in INSTRUCTIONS.values() if instruction.n_sites <= n]
    for t in range(count):
        instruction = fitting[rng.integers(len(fitting))]
        drawn, sites = draw(instruction, rng).tolist(), rng.permutation(n)[: instruction.n_sites].tolist()
        if rng.uniform() < 0.3:
            operations.append(instruction(*drawn, *sites))
        else:
            operations.append(instruction(*(f"t{t}_{i}" for i in range(len(drawn))), *sites))
            values.extend(drawn)
    return Circuit(n, operations).compile(), np.array(values)


def with_ancillas(label="ZYX"):
    """Partial traces and fresh sites between gates; one parameter in two places."""
    t = Parameter("t")
    circuit = Circuit(5).then(
        *(gates.RY(t, q) for q in range(5)),
        *(gates.CRX("a", 0, 3), gates.PauliRotation(label)("b", 4, 1, 2), channels.AmplitudeDamping("p", 2)),
        *(PartialTrace((2, 2))(1, 4), gates.RXX(2 * t - Parameter("a") + 0.1, 0, 2), gates.RY("c", 3)),
        *(Preparation((2,))(1), gates.CRY("d", 2, 1), channels.Depolarizing2("q", 1, 0), PartialTrace((2,))(3)),
    )
    program = circuit.compile()
    values = {"t": 0.4, "a": 0.9, "b": -0.7, "p": 0.2, "c": 1.1, "d": 0.5, "q": 0.1}
    return program, np.array([values[name] for name in program.parameters])


def central(engine, program, params, v, initial, h=1e-5):
    ends = [engine.evolve(program, params + s * h * v, initial).matrix() for s in (1, -1)]
    return (ends[0] - ends[1]) / (2 * h)


def check_against_both(engine, program, params, initial, rng):
    """push along unit and random directions: central differences, and <X, push(v)> = pull(X) . v."""
    d = program.dim_out
    state, push = engine.evolve_jvp(program, params, initial)
    other, pull = engine.evolve_vjp(program, params, initial)
    equal(engine)(state.matrix(), other.matrix())
    every = push(np.eye(len(params)))
    assert every.shape == (len(params), d, d)
    assert every.dtype == np.complex128
    np.testing.assert_allclose(every, every.conj().swapaxes(-1, -2), atol=1e-15)
    x = hermitian(d, rng)
    gradient, before = pull(other.pull_matrix(x))
    assert np.linalg.norm(gradient) > 1e-3
    np.testing.assert_allclose(np.einsum("ij,kji->k", x, every).real, gradient, atol=1e-12 * d)
    if initial is not None:
        changes = np.array([hermitian(program.dim_in, rng) for _ in range(2)])
        moved = np.einsum("ij,kji->k", x, push(np.zeros((2, len(params))), changes)).real
        assert np.abs(moved).min() > 1e-3
        np.testing.assert_allclose(np.einsum("ij,kji->k", before, changes).real, moved, rtol=1e-10)
    v = rng.normal(size=len(params))
    along = push(v)
    assert along.shape == (d, d)
    np.testing.assert_allclose(along, np.tensordot(v, every, 1), atol=1e-13 * len(params))
    wanted = central(engine, program, params, v / np.abs(v).max(), initial) * np.abs(v).max()
    np.testing.assert_allclose(along, wanted, atol=1e-8)


@each_with(MADE, "n", [1, 2, 3, 4, 5], of_jax=[1, 4])
def test_random_circuits_of_everything(engine, n):
    rng = np.random.default_rng(40 + n)
    for _ in range(2):
        program, params = random_circuit(n, rng, 20)
        check_against_both(engine, program, params, ginibre((2,) * n, rng), rng)


@each_with(MADE, "name", [name for name, i in INSTRUCTIONS.items() if i.domains])
def test_every_instruction_with_parameters(engine, name):
    instruction, rng = INSTRUCTIONS[name], np.random.default_rng(5)
    n = 5 if name in ("RXX", "CRX") else 3
    sites = rng.permutation(n)[: instruction.n_sites].tolist()
    names = [f"p{i}" for i in range(len(instruction.domains))]
    program = Circuit(n).then(gates.RY("x", sites[0]), instruction(*names, *sites), gates.RX("y", sites[-1])).compile()
    values = dict(zip(names, draw(instruction, rng).tolist(), strict=True)) | {"x": 0.4, "y": -1.1}
    params = np.array([values[name] for name in program.parameters])
    check_against_both(engine, program, params, ginibre((2,) * n, rng), rng)


@each_with(MADE, "label", ["ZYX", "IZI", "XXY"], of_jax=["ZYX"])
def test_ancillas_partial_traces_and_shared_parameters(engine, label):
    program, params = with_ancillas(label)
    rng = np.random.default_rng(2)
    check_against_both(engine, program, params, None, rng)
    check_against_both(engine, program, params, ginibre((2,) * len(program.dims_in), rng), rng)


def test_a_known_derivative(engine):
    """<Z> = cos t, <X> = sin t after RY(t): the Bloch vector turns."""
    program = Circuit(1).then(gates.RY("t", 0)).compile()
    _, push = engine.evolve_jvp(program, [0.3])
    expected = np.array([[-np.sin(0.3), np.cos(0.3)], [np.cos(0.3), np.sin(0.3)]]) / 2
    np.testing.assert_allclose(push([2.0]), 2 * expected, atol=1e-15)


def test_shapes_follow_the_directions(engine):
    program, params = random_circuit(2, np.random.default_rng(1), 8)
    assert len(params) >= 2
    _, push = engine.evolve_jvp(program, params)
    v = np.random.default_rng(2).normal(size=(3, 4, len(params)))
    out = push(v)
    assert out.shape == (3, 4, 4, 4)
    for i in np.ndindex(3, 4):
        np.testing.assert_allclose(out[i], push(v[i]), atol=1e-13)
    assert push(np.zeros((0, len(params)))).shape == (0, 4, 4)
    assert not push(np.zeros(len(params))).any()
    _, push = engine.evolve_jvp(Circuit(2).compile(), [])
    assert push(np.zeros((5, 0))).shape == (5, 4, 4)


def test_the_trace_does_not_change(engine):
    rng = np.random.default_rng(12)
    program, params = random_circuit(3, rng, 20)
    _, push = engine.evolve_jvp(program, params, ginibre((2, 2, 2), rng))
    changes = push(np.eye(len(params)))
    assert np.abs(changes).max() > 1e-2
    np.testing.assert_allclose(np.trace(changes, axis1=1, axis2=2), 0.0, atol=1e-14)


def test_refusals(engine):
    program = Circuit(2).then(gates.RX("t", 0), gates.RY("u", 1)).compile()
    _, push = engine.evolve_jvp(program, [0.1, 0.2])
    for wrong in (np.ones(3), np.ones((2, 1)), 1.0):
        with pytest.raises(InputError, match=r"the directions must have shape \(\.\.\., 2\), one entry a parameter"):
            push(wrong)
    with pytest.raises(InputError, match="the directions must be real"):
        push([1j, 0])
    with pytest.raises(InputError, match="params must have shape"):
        engine.evolve_jvp(program, [0.1])
    with pytest.raises(InputError, match=r"initial state must have the dims"):
        engine.evolve_jvp(program, [0.1, 0.2], ginibre((2,), np.random.default_rng(0)))
    _, push = engine.evolve_jvp(Circuit(8).then(gates.RX("t", 0)).compile(), [0.1])
    with pytest.raises(MemoryRefused, match="GiB are free: pass fewer directions"):
        push(np.ones((2**20, 1)))


def test_large_registers_agree_with_the_reference():
    """Where the work of one operation is shared between threads (nine qubits), along a few directions."""
    n, rng = 9, np.random.default_rng(3)
    circuit = Circuit(n).then(*(gates.RY(f"a{q}", q) for q in range(n)), *(gates.CNOT(q, q + 1) for q in range(n - 1)))
    circuit = circuit.then(gates.PauliRotation("XYZZ")("b", 8, 0, 3, 5), gates.RXX("c", 1, 8), gates.CRX("d", 7, 2))
    program = circuit.then(channels.AmplitudeDamping("g", 4), PartialTrace((2,) * 6)(0, 1, 2, 5, 6, 8)).compile()
    params, v = rng.uniform(0.2, 0.9, program.n_params), rng.normal(size=(2, program.n_params))
    results = [PauliEngine(threads=t).evolve_jvp(program, params)[1](v) for t in (1, 2)]
    np.testing.assert_array_equal(*results)
    assert np.abs(results[0]).max() > 1e-2
    _, push = ReferenceEngine().evolve_jvp(program, params)
    weights = np.array([0.6, -1.3])
    np.testing.assert_allclose(np.tensordot(weights, results[0], 1), push(weights @ v), atol=1e-13)


def test_the_circuit_model_chains_the_slopes_of_bounded_parameters():
    circuit = Circuit(2).then(gates.RY("t", 0), gates.CNOT(0, 1), channels.AmplitudeDamping("p", 1), gates.RX("u", 1))
    model, theta, h = CircuitModel(circuit), np.array([0.7, -0.4, 0.9]), 1e-5
    state, push = model.state_jvp(theta)
    np.testing.assert_array_equal(state.matrix(), model.state(theta).matrix())
    for v in np.eye(3):
        wanted = (model.state(theta + h * v).matrix() - model.state(theta - h * v).matrix()) / (2 * h)
        assert np.abs(wanted).max() > 1e-2
        np.testing.assert_allclose(push(v), wanted, atol=1e-9)
    with pytest.raises(InputError, match="the directions must have shape"):
        push(np.ones(1))
