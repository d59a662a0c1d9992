"""Batches of parameters and of initial states, one contract for every engine: each member as if it were alone."""

import math
import tracemalloc
from functools import partial

import numpy as np
import pytest
from helpers.engines import each_with, equal, under_test
from helpers.instructions import draw

from qml import Parameter, buffers, channels, circuits, gates
from qml._checks import InputError, MemoryRefused
from qml.channels import CHANNELS
from qml.circuits import Circuit
from qml.engines import ENGINES, PauliEngine, PauliState
from qml.engines.pauli.plan import ALONE_UP_TO, LANES_UP_TO, plan_of
from qml.gates import GATES, Controlled
from qml.instructions import PartialTrace, Preparation
from qml.operators import pauli
from qml.states import DensityMatrix, ginibre, haar_pure

MADE = {name: make() for name, make in ENGINES.items()} | {
    "pauli with checkpoints": PauliEngine(checkpoint_bytes=0),
    "pauli on three threads": PauliEngine(threads=3),
}
INSTRUCTIONS = GATES | CHANNELS | {"CCRX": Controlled(gates.RX, 2)}


@pytest.fixture(params=under_test(MADE))
def engine(request):
    return request.param


def random_program(n, rng, count, members):
    """A random circuit of named instructions, each with parameters of its own, and values (members, n_params)."""
    fitting = [instruction for instruction in INSTRUCTIONS.values() if instruction.n_sites <= n]
    chosen = [fitting[rng.integers(len(fitting))] for _ in range(count)]
    operations = []
    for t, instruction in enumerate(chosen):
        names = [f"t{t}_{i}" for i in range(len(instruction.domains))]
        operations.append(instruction(*names, *rng.permutation(n)[: instruction.n_sites].tolist()))
    values = [[v for instruction in chosen for v in draw(instruction, rng).tolist()] for _ in range(members)]
    return Circuit(n, operations).compile(), np.array(values)


def with_ancillas():
    """Partial traces, fresh sites, an affine parameter and a trainable channel."""
    t = Parameter("t")
    circuit = Circuit(5).then(
        *(gates.RY(t, q) for q in range(5)),
        *(gates.CRX("a", 0, 3), gates.PauliRotation("ZYX")("b", 4, 1, 2), channels.AmplitudeDamping("p", 2)),
        *(PartialTrace((2, 2))(1, 4), gates.RXX(2 * t - Parameter("a") + 0.1, 0, 2), gates.RY("c", 3)),
        *(Preparation((2,))(1), gates.CRY("d", 2, 1), channels.Depolarizing2("q", 1, 0), PartialTrace((2,))(3)),
    )
    return circuit.compile()


def cotangents(state, rng):
    """Hermitian matrices, one a member, as dL/d(coordinate)."""
    d = state.dim
    a = rng.normal(size=(*state.batch_shape, d, d)) + 1j * rng.normal(size=(*state.batch_shape, d, d))
    return state.pull_matrix(a + a.conj().swapaxes(-1, -2))


def check_members(engine, program, params, initial, rng, n):
    """Every member of the batch, state and gradient, is what it is alone: to the bit, but for rounding where members
    lie side by side and a single vector of n qubits does not."""
    alike = equal(engine)
    if isinstance(engine, PauliEngine) and ALONE_UP_TO < n <= LANES_UP_TO:
        alike = partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-14)
    shape = np.broadcast_shapes(params.shape[:-1], () if initial is None else initial.batch_shape)
    state, pull = engine.evolve_vjp(program, params, initial)
    assert state.batch_shape == shape
    assert state.matrix().shape == (*shape, program.dim_out, program.dim_out)
    equal(engine)(engine.evolve(program, params, initial).matrix(), state.matrix())
    g = cotangents(state, rng)
    gradient, before = pull(g)
    assert gradient.shape == (*shape, program.n_params)
    assert np.abs(gradient).max() > 1e-3
    thetas = np.broadcast_to(params, (*shape, program.n_params))
    starts = None if initial is None else np.broadcast_to(initial.matrix(), (*shape, *initial.matrix().shape[-2:]))
    each = {}
    for k in np.ndindex(*shape):
        start = None if starts is None else DensityMatrix._trusted(starts[k], initial.dims)
        alone, pull_alone = engine.evolve_vjp(program, thetas[k], start)
        alike(state.matrix()[k], alone.matrix())
        own, each[k] = pull_alone(g[k])
        alike(gradient[k], own)
    if initial is not None:  # what starts from one initial state adds up
        matrices = np.reshape([each[k] for k in np.ndindex(*shape)], starts.shape)
        lead = len(shape) - len(initial.batch_shape)
        many = [k for k in range(len(shape)) if k < lead or initial.batch_shape[k - lead] != shape[k]]
        total = matrices.sum(axis=tuple(many)).reshape(initial.matrix().shape)
        np.testing.assert_allclose(before, initial.pull_matrix(total), atol=1e-12)


@each_with(MADE, "n", [1, 2, 3, 4, 5, 6], of_jax=[1, 4])
def test_batches_of_parameters_in_circuits_of_everything(engine, n):
    rng = np.random.default_rng(n)
    program, values = random_program(n, rng, 16, members=6)
    check_members(engine, program, values.reshape(2, 3, -1), None, rng, n)


@each_with(MADE, "n, members", [(1, 2), (3, 19), (4, 8), (5, 19), (6, 2), (6, 8)], of_jax=[(3, 19)])
def test_a_member_does_not_depend_on_the_others(engine, n, members):
    """To the bit: nor on its place in the batch, nor on how many there are."""
    rng = np.random.default_rng(100 * n + members)
    program, values = random_program(n, rng, 12, members)
    others = random_program(n, np.random.default_rng(100 * n + members), 12, 30)[1][members:]
    mixed = np.concatenate([others[:5], values, others[5:]])[::-1]
    results = []
    for batch, order in ((values, np.arange(members)), (mixed, len(mixed) - 1 - 5 - np.arange(members))):
        state, pull = engine.evolve_vjp(program, batch)
        g = np.zeros_like(state.pull_matrix(np.zeros((len(batch), 2**n, 2**n), dtype=complex)))
        g[order] = np.random.default_rng(0).normal(size=(members, *g.shape[1:]))
        results.append((state.matrix()[order], pull(g)[0][order]))
    assert np.abs(results[0][1]).max() > 1e-3
    for first, second in zip(*results, strict=True):
        equal(engine)(first, second)


def test_members_differ_and_are_right(engine):
    """<Z> after RX(t) on one qubit is cos t."""
    program, t = Circuit(1).then(gates.RX("t", 0)).compile(), np.linspace(-2, 2, 7)
    state, pull = engine.evolve_vjp(program, t[:, None])
    np.testing.assert_allclose(state.expect(pauli("Z")), np.cos(t), atol=1e-15)
    g = state.pull_matrix(np.broadcast_to(np.diag([1.0 + 0j, -1]), (7, 2, 2)))
    np.testing.assert_allclose(pull(g)[0][:, 0], -np.sin(t), atol=1e-15)


@each_with(
    MADE,
    "params_shape, initial_shape",
    [((), (3,)), ((3,), ()), ((3, 1), (2,)), ((2,), (3, 2))],
    of_jax=[((3, 1), (2,))],
)
def test_batches_of_initial_states_broadcast_against_parameters(engine, params_shape, initial_shape):
    rng = np.random.default_rng(3)
    program = with_ancillas()
    params = rng.uniform(0.1, 0.6, (*params_shape, program.n_params))
    matrices = [ginibre((2,) * 5, rng).matrix() for _ in range(math.prod(initial_shape))]
    initial = DensityMatrix._trusted(np.reshape(matrices, (*initial_shape, 32, 32)), (2,) * 5)
    check_members(engine, program, params, initial, rng, 5)


def test_a_batch_of_outputs_is_a_batch_of_inputs(engine):
    rng = np.random.default_rng(8)
    first, second = (random_program(3, rng, 8, members=4) for _ in range(2))
    middle = engine.evolve(*first)
    end = engine.evolve(second[0], second[1], middle)
    for k in range(4):
        alone = engine.evolve(second[0], second[1][k], engine.evolve(first[0], first[1][k]))
        equal(engine)(end.matrix()[k], alone.matrix())


def test_pure_and_classical_batches_can_be_initial_states(engine):
    rng = np.random.default_rng(5)
    program, values = random_program(2, rng, 8, members=1)
    vectors = DensityMatrix.from_vector(np.array([haar_pure((2, 2), rng).spectrum().basis[:, 0] for _ in range(3)]))
    classical = DensityMatrix.from_probabilities(rng.dirichlet(np.ones(4), 3))
    for initial in (vectors, classical):
        state = engine.evolve(program, values[0], initial)
        for k in range(3):
            equal(engine)(state.matrix()[k], engine.evolve(program, values[0], initial[k]).matrix())


def test_batches_of_one_of_none_and_without_parameters(engine):
    program = Circuit(2).then(gates.RX("t", 0), gates.CNOT(0, 1)).compile()
    for shape in ((1,), (0,), (2, 0)):
        state, pull = engine.evolve_vjp(program, np.full((*shape, 1), 0.3))
        assert state.matrix().shape == (*shape, 4, 4)
        assert pull(cotangents(state, np.random.default_rng(0)))[0].shape == (*shape, 1)
    fixed = Circuit(2).then(gates.H(0)).compile()
    assert engine.evolve(fixed, np.zeros((3, 0))).batch_shape == (3,)


def test_refusals(engine):
    program = Circuit(2).then(gates.RX("t", 0), gates.RY("u", 1)).compile()
    three = DensityMatrix.from_probabilities(np.full((3, 4), 0.25))
    with pytest.raises(InputError, match=r"params must have shape \(\.\.\., 2\), one number .*found shape \(4, 3\)"):
        engine.evolve(program, np.zeros((4, 3)))
    with pytest.raises(InputError, match=r"initial state must broadcast; found \(2,\) and \(3,\): pass params"):
        engine.evolve_vjp(program, np.zeros((2, 2)), three)
    state, pull = engine.evolve_vjp(program, np.zeros((3, 2)))
    with pytest.raises(InputError, match=r"the cotangent must be .*found (\(4, 4\)|\(16,\))"):
        pull(state[0].pull_matrix(np.eye(4, dtype=complex)))
    for arguments in (([[0.1, 0.2]], None), ([0.1, 0.2], three)):
        with pytest.raises(InputError, match=r"found batches of shapes \(.*\) and \(.*\): take the members one by one"):
            engine.evolve_jvp(program, *arguments)
    noisy = Circuit(1).then(channels.BitFlip("p", 0)).compile()
    with pytest.raises(InputError, match=r"p must lie in \[0, 1\]"):
        engine.evolve(noisy, [[0.1], [1.2]])


def test_the_memory_of_the_whole_batch_is_asked_for(engine):
    program = Circuit(12).then(gates.RX("t", 0)).compile()
    many = np.zeros((2**11, 1))
    for call in (engine.evolve, engine.evolve_vjp):
        with pytest.raises(MemoryRefused, match="GiB are free"):
            call(program, many)


# the Pauli engine and its state --------------------------------------------------------------------------------------


def test_threads_change_no_bit_of_a_batch():
    """Large enough that members are shared between threads."""
    n, members = 5, 64
    circuit = circuits.hardware_efficient(n, 2, rotations=("RY", "RZ"))
    program = circuit.then(*(channels.AmplitudeDamping(f"g{q}", q) for q in range(n))).compile()
    rng = np.random.default_rng(0)
    values, g = rng.uniform(0.1, 0.6, (members, program.n_params)), rng.normal(size=(members, 4**n))
    results = []
    for engine in (PauliEngine(threads=1), PauliEngine(threads=2), PauliEngine(0, threads=3)):
        state, pull = engine.evolve_vjp(program, values)
        results.append((state.pauli_vector, pull(g)[0]))
    assert np.abs(results[0][1]).min() > 1e-9
    for vector, gradient in results[1:]:
        np.testing.assert_array_equal(vector, results[0][0])
        np.testing.assert_array_equal(gradient, results[0][1])


def test_batches_of_large_registers_are_shared_operation_by_operation():
    n, rng = 9, np.random.default_rng(1)
    circuit = Circuit(n).then(*(gates.RY(f"a{q}", q) for q in range(n)), gates.RXX("b", 7, 8), gates.CRX("c", 3, 0))
    program = circuit.then(gates.PauliRotation("XYZ")("d", 8, 1, 5), channels.AmplitudeDamping("p", 2)).compile()
    values, g = rng.uniform(0.1, 0.6, (2, program.n_params)), rng.normal(size=(2, 4**n))
    for threads in (1, 2):
        state, pull = PauliEngine(threads=threads).evolve_vjp(program, values)
        gradient, _ = pull(g)
        for k in range(2):
            alone, pull_alone = PauliEngine(threads=1).evolve_vjp(program, values[k])
            np.testing.assert_array_equal(state.pauli_vector[k], alone.pauli_vector)
            np.testing.assert_array_equal(gradient[k], pull_alone(g[k])[0])


@pytest.mark.parametrize("n", [0, 1, 3, 4])
def test_everything_on_a_batch_of_pauli_states(n):
    rng = np.random.default_rng(n)
    matrices = np.array([ginibre((2,) * n, rng).matrix() if n else np.eye(1) for _ in range(6)])
    x = matrices[::-1].reshape(2, 3, 2**n, 2**n)
    batch = PauliState._trusted(np.ones((2, 3, 1)), 0)
    if n:
        batch = PauliEngine().evolve(Circuit(n).compile(), [], DensityMatrix._trusted(x[::-1, ::-1], (2,) * n))
    np.testing.assert_allclose(batch.matrix().reshape(matrices.shape), matrices, atol=1e-15)
    again = PauliState(batch.pauli_vector, n)
    operator = 0.3 * pauli("XYZY"[:n]) - 1.2 * pauli("ZIZX"[:n]) if n else None
    for k in np.ndindex(2, 3):
        one = batch[k]
        assert one.batch_shape == ()
        for of in (
            lambda s: s.matrix(),
            lambda s: s.probabilities(),
            lambda s: s.purity(),
            lambda s: s.spectrum().log_eigenvalues,
            lambda s: s.entropy(),
        ):
            np.testing.assert_array_equal(of(batch)[k], of(one))
            np.testing.assert_array_equal(of(again)[k], of(one))
        np.testing.assert_array_equal(batch.pull_matrix(x)[k], one.pull_matrix(x[k]))
        np.testing.assert_allclose(batch.pull_log(x)[k], one.pull_log(x[k]), rtol=1e-12, atol=1e-12)
        if operator is not None:
            np.testing.assert_array_equal(batch.expect(operator)[k], one.expect(operator))
            np.testing.assert_allclose(batch.expect(operator.matrix())[k], one.expect(operator), atol=1e-15)
    assert batch[0].batch_shape == (3,)
    with pytest.raises(InputError, match="a single state cannot be indexed"):
        batch[0, 0][0]


def test_validation_of_a_batch_of_pauli_vectors():
    good, bad = [1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.2]
    assert PauliState([good, good], 1).batch_shape == (2,)
    with pytest.raises(InputError, match=r"must be that of a positive matrix; found the eigenvalue -0\.1"):
        PauliState([good, bad], 1)
    with pytest.raises(InputError, match=r"must start with the trace, 1; found 0\.7, off by 0\.3"):
        PauliState([good, [0.7, 0, 0, 0]], 1)


# memory --------------------------------------------------------------------------------------------------------------


def peak(task):
    """The largest number of bytes that NumPy holds at once during the task, beyond what it held before. It is the same
    each time where the task is of one thread: others take room to work in when they come to it."""
    task()
    buffers.workspace().release()
    tracemalloc.start()
    try:
        task()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("n", "members"), [(8, 1), (9, 1), (5, 64)])
def test_the_matrix_needs_little_more_than_vector_and_matrix(n, members):
    program = circuits.hardware_efficient(n, 1, rotations=("RY",)).compile()
    values = np.random.default_rng(0).uniform(-1, 1, (members, program.n_params))
    values = values[0] if members == 1 else values
    vector, matrix = 8 * 4**n * members, 16 * 4**n * members
    assert matrix < peak(lambda: PauliEngine(threads=1).evolve(program, values).matrix()) < 1.3 * (vector + matrix)


@pytest.mark.parametrize("checkpoint_bytes", [2**30, 0])
def test_the_gradient_needs_four_vectors_and_its_checkpoints(checkpoint_bytes):
    n = 9
    program = circuits.hardware_efficient(n, 3, rotations=("RY",)).compile()
    values, vector = np.random.default_rng(0).uniform(-1, 1, program.n_params), 8 * 4**n
    engine, n_saved = PauliEngine(checkpoint_bytes, threads=1), plan_of(program, gradient=True).n_saved
    kept = n_saved if checkpoint_bytes else 2 * math.ceil(math.sqrt(n_saved))

    def task():
        state, pull = engine.evolve_vjp(program, values)
        pull(state.pauli_vector)

    assert vector < peak(task) < (4 + kept) * vector


def test_a_batch_of_none(engine):
    program = Circuit(2, [gates.RY("a", 0), gates.CRX("b", 0, 1), channels.Depolarizing("p", 1)]).compile()
    state, pull = engine.evolve_vjp(program, np.zeros((0, 3)))
    assert state.batch_shape == (0,)
    assert engine.evolve(program, np.zeros((2, 0, 3))).batch_shape == (2, 0)
    assert pull(state.pull_matrix(np.zeros((0, 4, 4), dtype=complex)))[0].shape == (0, 3)
