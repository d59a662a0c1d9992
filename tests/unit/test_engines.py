"""One contract for every engine, against dense matrices embedded by Kronecker products."""

import itertools

import numpy as np
import pytest
from helpers.arrays import hermitian
from helpers.cases import every
from helpers.engines import each_with, under_test
from helpers.instructions import draw
from scipy import sparse

from qml import Parameter, channels, gates
from qml._checks import InputError, MemoryRefused
from qml.channels import CHANNELS
from qml.circuits import Circuit
from qml.circuits.program import Program, Step
from qml.engines import ENGINES, PauliEngine, ReferenceEngine
from qml.gates import GATES
from qml.instructions import PartialTrace, Preparation, Unitary
from qml.operators import embed, partial_trace_matrix
from qml.states import DensityMatrix, GibbsState, ProductState, ginibre, haar_pure

MADE = {name: make() for name, make in ENGINES.items()} | {"pauli with checkpoints": PauliEngine(checkpoint_bytes=0)}
INSTRUCTIONS = GATES | CHANNELS


@pytest.fixture(params=under_test(MADE))
def engine(request):
    return request.param


def dense_step(instruction, values, sites, rho, n):
    """E[rho] by operators on the whole register of n qubits."""
    is_unitary = isinstance(instruction, Unitary)
    operators = [instruction.matrix(values)] if is_unitary else instruction.kraus(values)
    full = [embed(k, sites, (2,) * n) for k in operators]
    return sum(k @ rho @ k.conj().T for k in full)


def everything(n, rng, count):
    """A random circuit of `count` named instructions, each with parameters of its own, and values for them."""
    operations, values = [], []
    fitting = [instruction for instruction in INSTRUCTIONS.values() if instruction.n_sites <= n]
    for t in range(count):
        instruction = fitting[rng.integers(len(fitting))]
        drawn = draw(instruction, rng)
        sites = rng.permutation(n)[: instruction.n_sites].tolist()
        if rng.uniform() < 0.3:
            operations.append(instruction(*drawn.tolist(), *sites))
        else:
            operations.append(instruction(*(f"t{t}_{i}" for i in range(len(drawn))), *sites))
            values.extend(drawn)
    return Circuit(n, operations), np.array(values)


def dense_run(circuit, values, rho):
    named = dict(zip(circuit.parameters, values, strict=True))
    for operation in circuit.operations:
        numbers = np.array([p.value(named) for p in operation.params])
        rho = dense_step(operation.instruction, numbers, operation.sites, rho, circuit.n_sites)
    return rho


def slope(f, params, i, h=1e-5):
    step = np.zeros_like(params)
    step[i] = h
    return (f(params + step) - f(params - step)) / (2 * h)


def gradient_of(engine, program, params, g, initial=None):
    state, pull = engine.evolve_vjp(program, params, initial)
    return state.matrix(), pull(state.pull_matrix(g))[0]


# the contract --------------------------------------------------------------------------------------------------------


@each_with(MADE, "name", INSTRUCTIONS, slow=["pauli with checkpoints"])  # random circuits have them all, below
def test_every_instruction_on_every_placement(engine, name):
    rng = np.random.default_rng(5)
    n, instruction = 3, INSTRUCTIONS[name]
    for sites in itertools.permutations(range(n), instruction.n_sites):
        values, initial, g = draw(instruction, rng), ginibre((2,) * n, rng), hermitian(2**n, rng)
        rho = initial.matrix()
        names = [f"p{i}" for i in range(len(values))]
        free = Circuit(n).then(instruction(*names, *sites)).compile()
        fixed = Circuit(n).then(instruction(*values.tolist(), *sites)).compile()
        expected = dense_step(instruction, values, sites, rho, n)
        state, gradient = gradient_of(engine, free, values, g, initial)
        np.testing.assert_allclose(state, expected, atol=1e-14)
        np.testing.assert_allclose(engine.evolve(free, values, initial).matrix(), expected, atol=1e-14)
        np.testing.assert_allclose(engine.evolve(fixed, [], initial).matrix(), expected, atol=1e-14)

        def loss(v, g=g, sites=sites, rho=rho):
            return np.vdot(g, dense_step(instruction, v, sites, rho, n)).real

        for i in range(len(values)):
            value = slope(loss, values, i)
            assert abs(value) > 1e-4
            assert gradient[i] == pytest.approx(value, rel=1e-7, abs=1e-7)


@every("n", [1, 2, 3, 4, 5])
def test_random_circuits_of_everything(engine, n):
    rng = np.random.default_rng(n)
    circuit, values = everything(n, rng, 30)
    initial, g = ginibre((2,) * n, rng), hermitian(2**n, rng)
    expected = dense_run(circuit, values, initial.matrix())
    state, gradient = gradient_of(engine, circuit.compile(), values, g, initial)
    np.testing.assert_allclose(state, expected, atol=1e-13)
    assert np.linalg.norm(gradient) > 1e-3
    for i in rng.choice(len(values), 4, replace=False):
        value = slope(lambda v: np.vdot(g, dense_run(circuit, v, initial.matrix())).real, values, i)
        assert gradient[i] == pytest.approx(value, rel=1e-6, abs=1e-8)


@every("n", [1, 2, 3, 4, 5])
@every("name", ["pauli", "pauli with checkpoints"])
def test_engines_agree_to_rounding(name, n):
    rng = np.random.default_rng(100 + n)
    circuit, values = everything(n, rng, 50)
    program, g = circuit.compile(), hermitian(2**n, rng)
    matrix, gradient = gradient_of(MADE[name], program, values, g)
    expected, wanted = gradient_of(MADE["reference"], program, values, g)
    np.testing.assert_allclose(matrix, expected, atol=1e-13)
    assert np.abs(wanted).max() > 1e-2
    np.testing.assert_allclose(gradient, wanted, atol=1e-12 * 2**n)


@every("label", ["Y", "ZX", "XYZ", "YYXZ", "IYI", "XIZ", "III", "IXIYZ"])
def test_rotations_about_strings_of_any_weight(engine, label):
    rng = np.random.default_rng(3)
    n = 5
    rotation, initial, g = gates.PauliRotation(label), ginibre((2,) * n, rng), hermitian(2**n, rng)
    for _ in range(4):
        sites = rng.permutation(n)[: len(label)].tolist()
        theta = rng.uniform(-np.pi, np.pi, 1)
        program = Circuit(n).then(rotation("t", *sites)).compile()
        state, gradient = gradient_of(engine, program, theta, g, initial)
        np.testing.assert_allclose(state, dense_step(rotation, theta, sites, initial.matrix(), n), atol=1e-14)
        fixed = Circuit(n).then(rotation(float(theta[0]), *sites)).compile()
        np.testing.assert_allclose(engine.evolve(fixed, [], initial).matrix(), state, atol=1e-14)
        value = slope(lambda v, s=sites: np.vdot(g, dense_step(rotation, v, s, initial.matrix(), n)).real, theta, 0)
        assert (abs(value) > 1e-4) != (label == "III")
        assert gradient[0] == pytest.approx(value, rel=1e-7, abs=1e-9)


def test_trace_out_in_the_middle_and_initialise_again(engine):
    rng = np.random.default_rng(11)
    trace, fresh = PartialTrace((2,)), Preparation((2,))
    circuit = Circuit(3).then(
        *(gates.RY("a", 0), gates.CNOT(0, 2), gates.RXX("b", 1, 2), trace(1)),
        *(channels.AmplitudeDamping("p", 2), gates.CRY("c", 2, 0), fresh(1)),
        *(gates.CRX("d", 0, 1), gates.RZZ("e", 1, 2), trace(0)),
    )
    values, g, initial = rng.uniform(0.2, 0.9, 6), hermitian(4, rng), ginibre((2, 2, 2), rng)
    order = {name: i for i, name in enumerate(circuit.parameters)}

    def dense(v):
        v = {name: v[[i]] for name, i in order.items()}
        none = np.zeros(0)
        rho = initial.matrix()
        rho = dense_step(gates.RY, v["a"], (0,), rho, 3)
        rho = dense_step(gates.CNOT, none, (0, 2), rho, 3)
        rho = dense_step(gates.RXX, v["b"], (1, 2), rho, 3)
        rho = partial_trace_matrix(rho, (0, 2), (2, 2, 2))
        rho = dense_step(channels.AmplitudeDamping, v["p"], (1,), rho, 2)
        rho = dense_step(gates.CRY, v["c"], (1, 0), rho, 2)
        rho = np.kron(np.diag([1, 0]), rho).reshape((2,) * 6).transpose(1, 0, 2, 4, 3, 5).reshape(8, 8)
        rho = dense_step(gates.CRX, v["d"], (0, 1), rho, 3)
        rho = dense_step(gates.RZZ, v["e"], (1, 2), rho, 3)
        return partial_trace_matrix(rho, (1, 2), (2, 2, 2))

    state, gradient = gradient_of(engine, circuit.compile(), values, g, initial)
    np.testing.assert_allclose(state, dense(values), atol=1e-14)
    for i in range(6):
        value = slope(lambda v: np.vdot(g, dense(v)).real, values, i)
        assert abs(value) > 1e-4
        assert gradient[i] == pytest.approx(value, rel=1e-7)


def test_ancillas_first(engine):
    """Fresh sites to the left, between and to the right of those that are there; several traced out at once."""
    fresh, trace = Preparation((2, 2, 2)), PartialTrace((2, 2))
    circuit = Circuit(4).then(fresh(3, 0, 2), gates.H(1), gates.CNOT(1, 3), gates.CNOT(1, 0), gates.X(2), trace(3, 0))
    program = circuit.compile()
    assert program.dims_in == (2,)
    state = engine.evolve(program, [])
    np.testing.assert_allclose(state.matrix(), np.diag([0, 0.5, 0, 0.5]), atol=1e-15)  # qubits 1 and 2
    assert state.dims == (2, 2)


def test_a_register_can_start_and_end_empty(engine):
    fresh, trace = Step(Preparation((2,)), (0,)), Step(PartialTrace((2,)), (0,))
    turn = Step(gates.RX, (0,), 0, 1)
    weights = sparse.csr_array(np.array([[1.0]]))
    program = Program((), (), (fresh, turn, trace), ("t",), weights, np.zeros(1))
    state, pull = engine.evolve_vjp(program, [0.4])
    np.testing.assert_allclose(state.matrix(), [[1.0]], atol=1e-15)
    np.testing.assert_allclose(pull(state.pull_matrix(np.array([[2.0 + 0j]])))[0], [0.0], atol=1e-15)


def test_shared_and_affine_parameters(engine):
    t = Parameter("t")
    circuit = Circuit(2).then(gates.RY(2 * t + 0.1, 0), gates.CRX("u", 0, 1), gates.RXX(t - Parameter("u"), 0, 1))
    values, g = np.array([0.3, 0.8]), hermitian(4, np.random.default_rng(0))
    _, gradient = gradient_of(engine, circuit.compile(), values, g)
    start = np.diag([1.0, 0, 0, 0])
    for i in range(2):
        value = slope(lambda v: np.vdot(g, dense_run(circuit, v, start)).real, values, i)
        assert abs(value) > 1e-2
        assert gradient[i] == pytest.approx(value, rel=1e-8)


def test_no_operations_and_no_parameters(engine):
    state, pull = engine.evolve_vjp(Circuit(2).compile(), [])
    np.testing.assert_array_equal(state.matrix(), np.diag([1, 0, 0, 0]))
    gradient, before = pull(state.pull_matrix(np.eye(4, dtype=complex)))
    assert gradient.shape == (0,)
    assert before is None


@every(
    "initial",
    [
        haar_pure((2, 2), np.random.default_rng(1)),
        DensityMatrix.from_probabilities([0.1, 0.2, 0.3, 0.4]),
        GibbsState(hermitian(4, np.random.default_rng(2))),
        PauliEngine().evolve(Circuit(2).then(gates.RX(0.3, 0), gates.CNOT(0, 1)).compile(), []),
    ],
    ids=lambda state: type(state).__name__,
)
def test_any_state_can_be_the_initial_one(engine, initial):
    circuit = Circuit(2).then(gates.CRY(0.4, 1, 0), channels.AmplitudeDamping(0.3, 1))
    before = initial.matrix().copy()
    state = engine.evolve(circuit.compile(), [], initial)
    np.testing.assert_allclose(state.matrix(), dense_run(circuit, [], before), atol=1e-15)
    np.testing.assert_array_equal(initial.matrix(), before)


STEPS = {
    "gates": Circuit(3, [gates.RX("a", 2), gates.CNOT(2, 0), gates.RYY("b", 1, 0)]),
    "channels": Circuit(2, [channels.Depolarizing("p", 1), gates.CNOT(1, 0), channels.AmplitudeDamping("g", 0)]),
    "traced": Circuit(3, [gates.RXX("a", 0, 2), PartialTrace((2,))(1), gates.RZ("b", 2)]),
    "fresh": Circuit(3, [Preparation((2,))(1), gates.RY("a", 1), gates.CNOT(1, 2), channels.BitFlip("p", 1)]),
    "come and go": Circuit(2, [PartialTrace((2,))(0), Preparation((2,))(0), gates.RXX("a", 0, 1), gates.RZ("b", 0)]),
    "all gone": Circuit(1, [gates.RY("a", 0), PartialTrace((2,))(0)]),
    "fixed": Circuit(2, [gates.H(0), channels.AmplitudeDamping(0.3, 1), gates.CNOT(0, 1)]),
    "five qubits": Circuit(5, [gates.RX("a", 2), gates.CNOT(2, 0), channels.AmplitudeDamping("g", 4)]),
}


@every("name", STEPS)
def test_the_way_back_to_the_initial_state_is_the_adjoint(engine, name):
    """Tr(G E[X]) = Tr(E^dagger[G] X), with X the difference of two initial states, and E[X] that of the final ones."""
    program, rng = STEPS[name].compile(), np.random.default_rng(0)
    values, g = np.full(program.n_params, 0.3), hermitian(program.dim_out, rng)
    one, other = (DensityMatrix(ginibre(program.dims_in, rng).matrix(), program.dims_in) for _ in range(2))
    change = one.matrix() - other.matrix()
    state, pull = engine.evolve_vjp(program, values, one)
    there = np.vdot(g, state.matrix() - engine.evolve(program, values, other).matrix()).real
    assert abs(there) > 1e-2 or name == "all gone"
    back = pull(state.pull_matrix(g))[1]
    assert np.vdot(back, change).real == pytest.approx(there, rel=1e-10, abs=1e-14)
    pushed = engine.evolve_jvp(program, values, one)[1](np.zeros(program.n_params), change)
    np.testing.assert_allclose(pushed, state.matrix() - engine.evolve(program, values, other).matrix(), atol=1e-14)


@every(
    "initial",
    [
        DensityMatrix.from_factor(ginibre((2, 2), np.random.default_rng(1), rank=2).factor),
        DensityMatrix.from_probabilities([0.1, 0.2, 0.3, 0.4]),
        GibbsState(hermitian(4, np.random.default_rng(2))),
        ProductState([ginibre((2,), np.random.default_rng(3)), GibbsState([0.1, 0.9])]),
        PauliEngine().evolve(Circuit(2).then(gates.RX(0.3, 0), gates.CNOT(0, 1)).compile(), []),
    ],
    ids=lambda state: type(state).__name__,
)
def test_the_derivative_in_the_initial_state_is_in_its_own_coordinate(engine, initial):
    circuit = Circuit(2).then(gates.CRY("t", 1, 0), channels.AmplitudeDamping(0.3, 1))
    held, g = DensityMatrix(initial.matrix()), hermitian(4, np.random.default_rng(0))
    found, expected = (engine.evolve_vjp(circuit, [0.4], start) for start in (initial, held))
    found, expected = (pull(state.pull_matrix(g)) for state, pull in (found, expected))
    np.testing.assert_allclose(found[0], expected[0], atol=1e-14)
    mine, own = (x if isinstance(x, tuple) else (x,) for x in (found[1], initial.pull_matrix(expected[1])))
    for part, wanted in zip(mine, own, strict=True):
        np.testing.assert_allclose(part, wanted, atol=1e-13)


@every(
    "state",
    [
        DensityMatrix.from_factor(ginibre((2, 2), np.random.default_rng(1), rank=2).factor),
        DensityMatrix.from_probabilities([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]], (2, 2)),
        ProductState([ginibre((2,), np.random.default_rng(3)), GibbsState([0.1, 0.9])]),
        PauliEngine().evolve(Circuit(2).then(gates.RX(0.3, 0), gates.CNOT(0, 1)).compile(), []),
        ginibre((3,), np.random.default_rng(4)),
    ],
    ids=["factor", "probabilities", "product", "Pauli vector", "qutrit"],
)
def test_what_an_engine_holds_is_the_same_state_in_the_form_of_its_own(engine, state):
    held = engine.hold(state)
    assert held.dims == state.dims
    np.testing.assert_allclose(held.matrix(), state.matrix(), atol=1e-15)
    if state.dims == (2, 2):
        circuit = Circuit(2).then(gates.RY("t", 0), channels.AmplitudeDamping(0.3, 1))
        own, pull = engine.evolve_vjp(circuit, [0.4], held)
        assert type(own) is type(held)
        g = held.pull_matrix(np.broadcast_to(hermitian(4, np.random.default_rng(0)), held.matrix().shape))
        assert pull(g)[1].shape == g.shape


def test_the_pullback_can_be_used_again_and_is_linear(engine):
    rng = np.random.default_rng(4)
    circuit, values = everything(3, rng, 20)
    state, pull = engine.evolve_vjp(circuit.compile(), values)
    a, b = (state.pull_matrix(hermitian(8, rng)) for _ in range(2))
    first = pull(a)[0]
    np.testing.assert_allclose(pull(2 * a - b)[0], 2 * first - pull(b)[0], atol=1e-12)
    np.testing.assert_array_equal(pull(a)[0], first)


def test_an_undefined_cotangent_gives_an_undefined_gradient(engine):
    program = Circuit(1).then(gates.RX("t", 0), gates.RY("u", 0)).compile()
    state, pull = engine.evolve_vjp(program, [0.1, 0.2])
    assert np.isnan(pull(np.full_like(state.pull_matrix(np.eye(2, dtype=complex)), np.nan))[0]).all()


def test_refusals_of_states_and_cotangents(engine):
    program = Circuit(2).then(gates.RX("t", 0)).compile()
    with pytest.raises(InputError, match=r"initial state must have the dims of the circuit's input, \(2, 2\); found"):
        engine.evolve(program, [0.1], ginibre((2, 2, 2), np.random.default_rng(0)))
    with pytest.raises(InputError, match="params must have shape"):
        engine.evolve(program, [0.1, 0.2])
    with pytest.raises(InputError, match=r"the cotangent must be .*found \(3,\)"):
        engine.evolve_vjp(program, [0.1])[1](np.zeros(3))


def test_values_outside_a_domain_are_refused_free_and_constant(engine):
    program = Circuit(1).then(channels.Depolarizing("p", 0), gates.RX("t", 0)).compile()
    with pytest.raises(InputError, match=r"p must lie in \[0, 1.33"):
        engine.evolve(program, [1.4, 0.0])
    weights = sparse.csr_array((1, 0))
    constant = Program((2,), (2,), (Step(channels.Depolarizing, (0,), 0, 1),), (), weights, np.array([-0.1]))
    with pytest.raises(InputError, match="p must lie in"):
        engine.evolve(constant, [])


def test_memory_is_refused_before_it_is_taken(engine):
    program = Circuit(24).then(gates.RX("t", 0)).compile()
    with pytest.raises(MemoryRefused, match="GiB"):
        engine.evolve(program, [0.1])
    with pytest.raises(MemoryRefused, match="GiB"):
        engine.evolve_vjp(program, [0.1])


# any dimensions: the reference engine --------------------------------------------------------------------------------


def test_reference_engine_on_qutrits_and_qubits():
    rng = np.random.default_rng(9)
    dims = (3, 2, 3)
    u = np.linalg.qr(hermitian(6, rng))[0]
    kraus = np.linalg.qr(rng.normal(size=(6, 3)) + 1j * rng.normal(size=(6, 3)))[0].reshape(2, 3, 3)
    gate, channel = gates.UnitaryGate(u, dims=(2, 3)), channels.KrausChannel(kraus, dims=(3,))
    circuit = Circuit(dims).then(
        *(gate(1, 0), gates.RY("t", 1), channel(2), gates.UnitaryGate(u.conj(), dims=(2, 3))(1, 2)),
        *(channels.AmplitudeDamping("p", 1), PartialTrace((3,))(0), Preparation((3,))(0), gate(1, 0)),
    )
    values, initial, g = np.array([0.7, 0.3]), ginibre(dims, rng), 2 * hermitian(18, rng)

    def dense(v):
        def apply(operators, sites, rho):
            full = [embed(k, sites, dims) for k in operators]
            return sum(k @ rho @ k.conj().T for k in full)

        rho = apply([u], (1, 0), initial.matrix())
        rho = apply([gates.RY.matrix(v[1:] if circuit.parameters[1] == "t" else v[:1])], (1,), rho)
        rho = apply(kraus, (2,), rho)
        rho = apply([u.conj()], (1, 2), rho)
        rho = apply(channels.AmplitudeDamping.kraus(v[:1] if circuit.parameters[0] == "p" else v[1:]), (1,), rho)
        rho = np.kron(np.diag([1, 0, 0]), partial_trace_matrix(rho, (1, 2), dims))
        return apply([u], (1, 0), rho)

    state, gradient = gradient_of(ReferenceEngine(), circuit.compile(), values, g, initial)
    np.testing.assert_allclose(state, dense(values), atol=1e-14)
    for i in range(2):
        value = slope(lambda v: np.vdot(g, dense(v)).real, values, i)
        assert abs(value) > 1e-2
        assert gradient[i] == pytest.approx(value, rel=1e-8)


def test_pauli_engine_refuses_other_dimensions():
    with pytest.raises(InputError, match="runs qubits; found a site of dimension 3: use ReferenceEngine"):
        PauliEngine().evolve(Circuit((2, 3)).compile(), [])
    fresh = Circuit((2, 3)).then(Preparation((3,))(1))
    with pytest.raises(InputError, match="found a site of dimension 3"):
        PauliEngine().evolve(fresh.compile(), [])
