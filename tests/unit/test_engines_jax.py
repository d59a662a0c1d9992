"""What the JAX engine promises beyond the contract of engines: where arrays stay, precision, memory, devices."""

import copy
import itertools
import pickle
import subprocess
import sys

import numpy as np
import pytest
from helpers.arrays import hermitian

from qml import Circuit, CircuitModel, PauliMeasurement, channels, fit, gates, losses, sample
from qml._checks import InputError, MemoryRefused
from qml.engines import JaxEngine, PauliEngine
from qml.engines.jax.form import sections
from qml.engines.jax.kinds import PAULI
from qml.gates import PauliRotation
from qml.instructions import Initialize, TraceOut, Unitary
from qml.operators import tfim
from qml.optimizers import LBFGS, NaturalGradient
from qml.states import GibbsState, ginibre, thermal

RHO = thermal(tfim(3), 0.7)
JOBS = {
    "S": (losses.CrossEntropy(), RHO),
    "infidelity": (losses.Infidelity(), RHO),
    "Hilbert-Schmidt": (losses.HilbertSchmidt(), RHO),
    "likelihood of Pauli counts": (
        losses.NegativeLogLikelihood(),
        sample(RHO, PauliMeasurement(3), 1000, np.random.default_rng(0)),
    ),
    "energy": (losses.Expectation(), tfim(3)),
}


def layers(n, count, *, noise=0.01):
    """Rotations on every site, then a ring of CNOT gates, noise after each; `count` times."""
    operations = []
    for layer in range(count):
        for site in range(n):
            operations += [gates.RY(f"a{layer}_{site}", site), channels.Depolarizing(noise, site)]
        for site in range(n):
            operations += [gates.CNOT(site, (site + 1) % n), channels.AmplitudeDamping(noise, site)]
    return Circuit(n, operations)


EVERYTHING = Circuit(
    4,
    [
        gates.RX("a", 0),
        PauliRotation("XYZ")("b", 2, 0, 1),
        gates.CRX("c", 2, 0),
        gates.Toffoli(2, 1, 0),
        channels.AmplitudeDamping("g", 1),
        Initialize(3),
        gates.XXPlusYY("e", 3, 1),
        channels.Depolarizing2("p", 0, 3),
        TraceOut(0),
        gates.RZZ("f", 1, 3),
    ],
)


def in_another_process(code, *flags):
    """What a program prints."""
    done = subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("name", "optimizer"), [*((name, LBFGS()) for name in JOBS), ("S", NaturalGradient())])
def test_fits_stay_on_the_device(name, optimizer, monkeypatch):
    from qml.engines.jax.arrays import Array

    brought = []
    as_numpy = Array.__array__
    monkeypatch.setattr(Array, "__array__", lambda self, *a, **k: (brought.append(self.shape), as_numpy(self))[1])
    loss, target = JOBS[name]
    circuit = Circuit(3, [gates.RY("a", 0), gates.RX("b", 1), gates.RXX("c", 0, 2), channels.Depolarizing("p", 0)])
    circuit = circuit.then(channels.AmplitudeDamping(0.1, 1), channels.Depolarizing(0.1, 2))
    here, there = (
        fit(CircuitModel(circuit, engine=engine), target, loss=loss, optimizer=optimizer, seed=1, max_iterations=3)
        for engine in (PauliEngine(), JaxEngine())
    )
    assert here.loss < here.history.loss[0] - 1e-3
    np.testing.assert_allclose(there.history.loss, here.history.loss, rtol=1e-9)
    assert brought == []


@pytest.mark.slow
@pytest.mark.parametrize("batch", [(), (3,)])
def test_a_structure_is_compiled_once_for_all_numbers(batch, monkeypatch):
    from qml.engines.jax import compiled

    rng = np.random.default_rng(0)
    traced = []
    evolved = compiled.run.evolved
    monkeypatch.setattr(compiled.run, "evolved", lambda *args: (traced.append(1), evolved(*args))[1])
    for noise in (0.01, 0.02, 0.03):
        program = layers(4, 2, noise=noise).compile()
        for _ in range(2):
            JaxEngine().evolve(program, rng.normal(size=(*batch, program.n_params)))
    assert len(traced) == 1


@pytest.mark.slow
def test_checkpoints_change_nothing():
    program = layers(4, 5).compile()
    theta, g = np.random.default_rng(0).normal(size=program.n_params), np.random.default_rng(1).normal(size=256)
    all_kept, few_kept = (JaxEngine(checkpoint_bytes=b).evolve_vjp(program, theta)[1](g)[0] for b in (2**31, 0))
    assert np.linalg.norm(all_kept) > 1e-3
    np.testing.assert_allclose(few_kept, all_kept, atol=1e-13)


def test_layers_that_repeat_are_one_loop():
    form = JaxEngine()._on.plan(layers(9, 40).compile(), PAULI).form
    assert len(form.items) > 100
    assert sum(part.length for part in sections(form.items)) < 20


def random_gates(n, count, *, seed=0, apart=False):
    """Gates on pairs of neighbours of a ring (or any pairs), and noise."""
    rng, operations = np.random.default_rng(seed), []
    for k in range(count):
        a, b = (int(site) for site in rng.choice(n, 2, replace=False))
        b = b if apart else (a + 1) % n
        operations += [gates.RY(f"y{k}", a), gates.CNOT(a, b), gates.RZZ(f"z{k}", b, a)]
        operations += [channels.Depolarizing(0.02, a)]
    return Circuit(n, operations)


def three_at_a_time(n, count, seed=0):
    """Gates on three sites in any order, fixed and with parameters, between others."""
    rng, operations = np.random.default_rng(seed), []
    for k in range(count):
        a, b, c = (int(site) for site in rng.choice(n, 3, replace=False))
        operations += [gates.RY(f"y{k}", b), gates.Toffoli(a, b, c), gates.CNOT(c, a)]
        operations += [gates.controlled(gates.RX, 2)(f"x{k}", c, a, b)] if k % 4 == 0 else []
    return Circuit(n, operations)


def long_strings(n, count, seed=0):
    """Rotations about strings on three sites or more."""
    rng, operations = np.random.default_rng(seed), []
    for k in range(count):
        sites = [int(site) for site in rng.choice(n, int(rng.integers(3, n + 1)), replace=False)]
        operations.append(PauliRotation("".join(rng.choice(list("IXYZ"), len(sites))))(f"t{k}", *sites))
    return Circuit(n, operations)


def strings_between_windows(n, count, seed=0):
    """Rotations about long strings in turns with gates on two and four sites."""
    rng, operations = np.random.default_rng(seed), []
    for k, string in enumerate(long_strings(n, count, seed).operations):
        sites = [int(site) for site in rng.permutation(n)]
        operations += [string, gates.RY(f"y{k}", sites[0]), gates.CNOT(*sites[:2])]
        operations += [gates.controlled(gates.RX, 3)(f"x{k}", *sites[:4])] if k % 8 == 0 else []
    return Circuit(n, operations)


NEVER_TWICE = {
    "neighbours": random_gates(5, 60),
    "any pairs": random_gates(6, 60, apart=True),
    "long strings": long_strings(4, 20).then(gates.CRX("c", 0, 3), *long_strings(4, 3, seed=1).operations),
    "gates on three": three_at_a_time(5, 24),
    "strings between windows": strings_between_windows(5, 12),
    "three qubits": random_gates(3, 60),
    "one qubit": Circuit(1, [(gates.RX, gates.RZ)[k % 2](f"a{k}", 0) for k in range(30)]),
}


def with_windows_of(most, monkeypatch):
    """Windows of two sites are what processors get up to ten qubits, of three all others; both run everywhere."""
    from qml.engines.jax.compiled import Compiled
    from qml.engines.jax.plan import plan_of

    monkeypatch.setattr(Compiled, "plan", lambda self, program, kind: plan_of(program, kind, most))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "most"), [*((name, 2) for name in NEVER_TWICE), ("any pairs", 3), ("gates on three", 3)]
)
def test_circuits_that_do_not_repeat_against_the_pauli_engine(name, most, monkeypatch):
    with_windows_of(most, monkeypatch)
    program, rng = NEVER_TWICE[name].compile(), np.random.default_rng(0)
    theta, g = rng.normal(size=program.n_params), rng.normal(size=program.dim_out**2)
    initial = ginibre(program.dims_in, rng)
    here, pull_here = PauliEngine().evolve_vjp(program, theta, initial)
    expected = pull_here(g)
    assert np.abs(expected[0]).max() > 1e-3
    for checkpoint_bytes in (2**31, 0):
        there, pull_there = JaxEngine(checkpoint_bytes=checkpoint_bytes).evolve_vjp(program, theta, initial)
        np.testing.assert_allclose(there.pauli_vector, here.pauli_vector, atol=1e-12)
        for mine, theirs in zip(pull_there(g), expected, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-11)
    v = rng.normal(size=program.n_params)
    push = [engine.evolve_jvp(program, theta, initial)[1](v) for engine in (PauliEngine(), JaxEngine())]
    np.testing.assert_allclose(push[1], push[0], atol=1e-11)


@pytest.mark.slow
def test_a_gate_on_five_qubits():
    circuit = long_strings(5, 2).then(gates.controlled(gates.X, 4)(2, 1, 4, 0, 3), gates.RX("a", 0))
    theta = np.random.default_rng(0).normal(size=3)
    here, there = (engine.evolve(circuit, theta).pauli_vector for engine in (PauliEngine(), JaxEngine()))
    np.testing.assert_allclose(there, here, atol=1e-12)


@pytest.mark.slow
def test_state_vectors_of_circuits_that_do_not_repeat():
    kept = [op for op in random_gates(5, 60, apart=True).operations if isinstance(op.instruction, Unitary)]
    program = Circuit(5, [*kept, *long_strings(5, 8).operations]).compile()
    rng = np.random.default_rng(0)
    theta, start = rng.normal(size=program.n_params), rng.normal(size=(32, 2)) + 1j * rng.normal(size=(32, 2))
    found = [engine.evolve_vectors_vjp(program, theta, start) for engine in (PauliEngine(), JaxEngine())]
    np.testing.assert_allclose(found[1][0], found[0][0], atol=1e-11)
    for mine, theirs in zip(found[1][1](start), found[0][1](start), strict=True):
        assert np.abs(theirs).max() > 1e-3
        np.testing.assert_allclose(mine, theirs, atol=1e-10)


def as_compiled(program, devices=1, gradient=False):
    """How many windows and strings a program has, and what it is compiled to."""
    from qml.engines.jax import compiled

    on = JaxEngine(devices)._on
    plan = on.plan(program, PAULI)
    return len(plan.form.items), compiled.planned(on, plan, program.offset, gradient).as_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "n", "devices", "count"),
    [
        (random_gates, 12, 1, 200),
        (random_gates, 8, 4, 200),
        (strings_between_windows, 5, 1, 40),
    ],
)
def test_the_number_of_operations_changes_nothing_in_what_is_compiled(made, n, devices, count):
    """A circuit of twice as many operations that do not repeat becomes as many instructions."""
    found = [as_compiled(made(n, times * count).compile(), devices, gradient=True) for times in (1, 2)]
    (fewer, first), (more, second) = (
        (items, sum(" = " in line for line in text.splitlines())) for items, text in found
    )
    assert more > 1.8 * fewer > 100
    assert second < 1.1 * first < 3000


@pytest.mark.slow
@pytest.mark.parametrize("wide", [False, True])
def test_double_precision_whatever_the_global_setting(wide):
    code = f"""
import jax, numpy as np
jax.config.update("jax_enable_x64", {wide})
from qml import Circuit, CircuitModel, CrossEntropy, channels, check_gradient, gates
from qml.engines import JaxEngine
from qml.states import thermal
from qml.operators import tfim
circuit = Circuit(2, [gates.RY("a", 0), gates.CNOT(0, 1), channels.Depolarizing("p", 0), channels.Depolarizing(0.1, 1)])
model = CircuitModel(circuit, engine=JaxEngine())
assert check_gradient(model, thermal(tfim(2), 0.5), CrossEntropy(), np.array([0.3, -1.0])).ok
assert model.state([0.3, -1.0]).matrix().dtype == np.complex128
print(jax.numpy.ones(1).dtype, jax.config.jax_enable_x64)
"""
    assert in_another_process(code) == ("float64 True\n" if wide else "float32 False\n")


# several devices ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_many_devices_give_what_one_gives(count):
    circuit = layers(5, 1).then(PauliRotation("XYZXY")("b", 2, 0, 1, 4, 3), gates.CRX("c", 4, 0))
    program, rng = circuit.compile(), np.random.default_rng(0)
    theta, g, m = rng.normal(size=program.n_params), rng.normal(size=4**5), hermitian(32, rng)
    initial = GibbsState(rng.normal(size=32), dims=(2,) * 5)
    one, pull_one = JaxEngine().evolve_vjp(program, theta, initial)
    many, pull_many = JaxEngine(count).evolve_vjp(program, theta, initial)
    assert len(many.pauli_vector.value.sharding.device_set) == count
    np.testing.assert_allclose(many.pauli_vector, one.pauli_vector, atol=1e-12)
    for mine, theirs in zip(pull_many(g), pull_one(g), strict=True):
        assert np.abs(theirs).max() > 1e-3
        np.testing.assert_allclose(mine, theirs, atol=1e-12)
    for number in (lambda s: s.expect("ZZIIX"), lambda s: s.purity(), lambda s: s.expect(m), lambda s: s.entropy()):
        assert number(many) == pytest.approx(number(one), abs=1e-12)
    np.testing.assert_allclose(many.probabilities(), one.probabilities(), atol=1e-13)
    kept = [1, 3]
    np.testing.assert_allclose(many.partial_trace(kept).matrix(), one.partial_trace(kept).matrix(), atol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count"), [("any pairs", 2), ("any pairs", 8), ("long strings", 2), ("neighbours", 4)]
)
def test_many_devices_run_circuits_that_do_not_repeat(name, count):
    program, rng = NEVER_TWICE[name].compile(), np.random.default_rng(0)
    theta, g = rng.normal(size=program.n_params), rng.normal(size=program.dim_out**2)
    here, pull_here = PauliEngine().evolve_vjp(program, theta)
    there, pull_there = JaxEngine(count).evolve_vjp(program, theta)
    assert len(there.pauli_vector.value.sharding.device_set) == count
    np.testing.assert_allclose(there.pauli_vector, here.pauli_vector, atol=1e-12)
    assert np.abs(pull_here(g)[0]).max() > 1e-3
    np.testing.assert_allclose(pull_there(g)[0], pull_here(g)[0], rtol=1e-11, atol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("devices", [2, 4, 8])
def test_what_is_spread_changes_twice_a_layer(devices):
    """A site is touched by the first gate of a layer of the ring and by its last one, so once is too little; before
    and after all layers up to three."""
    _, text = as_compiled(layers(8, 20).compile(), devices)
    assert 2 <= text.count(" all-to-all(") <= 5
    assert not any(f" {kind}(" in text for kind in ("all-gather", "all-reduce", "collective-permute"))


def fewest_exchanges(operations, n, count, again):
    """Of all ways to turn a ring of n sites, `count` of which are spread, those that leave every operation alone."""
    allowed = [[s for s in range(n) if all((site - s) % n >= count for site in sites)] for sites in operations]
    ways = [(*way, way[0]) if again else (0, *way) for way in itertools.product(*allowed)]
    return min(sum(exchanges((b - a) % n, n, count) for a, b in itertools.pairwise(way)) for way in ways)


def exchanges(by, n, count):
    return 0 if by == 0 else 1 if count <= by <= n - count else 2


@pytest.mark.slow
@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize(("devices", "count"), [(4, 1), (8, 2)])
def test_as_few_exchanges_as_can_be(devices, count, again):
    rng, n = np.random.default_rng(0), 6
    for _ in range(20):
        operations = [tuple(map(int, rng.choice(n, int(rng.integers(1, 3)), replace=False))) for _ in range(5)]
        found = JaxEngine(devices)._on.layout.starts(operations, n, 4, 0, again)
        assert all((site - s) % n >= count for s, sites in zip(found, operations, strict=True) for site in sites)
        way = [*found, found[0]] if again else [0, *found]
        taken = sum(exchanges((b - a) % n, n, count) for a, b in itertools.pairwise(way))
        assert taken == fewest_exchanges(operations, n, count, again)


@pytest.mark.slow
def test_memory_of_a_device_falls_as_their_number():
    from qml.engines.jax import compiled

    program = layers(10, 1).compile()
    plan, slots = JaxEngine()._on.plan(program, PAULI), program.slots(np.zeros(10))
    sizes = [compiled.memory_of_a_device(JaxEngine(count)._on, plan, slots) for count in (1, 2, 4, 8)]
    assert sizes[0] > 2 * 8 * 4**10
    for size, count in zip(sizes, (1, 2, 4, 8), strict=True):
        assert size < 1.2 * sizes[0] / count + 2**18


# refusals -------------------------------------------------------------------------------------------------------------


def test_refusals(monkeypatch):
    with pytest.raises(InputError, match="found a site of dimension 3: use ReferenceEngine"):
        JaxEngine().evolve(Circuit((3,)), [])
    with pytest.raises(InputError, match=r"at most what JAX finds, .* found 1000"):
        JaxEngine(1000)
    with pytest.raises(InputError, match=r"one device or 2, 4, 8, .* found 3 devices"):
        JaxEngine(3)
    with pytest.raises(InputError, match="each of devices"):
        JaxEngine(["cpu:0"])
    with pytest.raises(MemoryRefused, match=r"16 TiB|GiB, but .* GiB are free"):
        JaxEngine().evolve(Circuit(20), [])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"JAX, which is not installed: pip install 'qmaxlik\[jax\]'"):
        JaxEngine()


@pytest.mark.slow
def test_results_are_written_to_files(tmp_path):
    model = CircuitModel(Circuit(1, [gates.RX("a", 0)]), engine=JaxEngine())
    result = fit(model, tfim(1), seed=1, max_iterations=2)
    result.save(tmp_path / "result.npz")
    again = type(result).load(tmp_path / "result.npz")
    np.testing.assert_array_equal(again.params, result.params)
    np.testing.assert_array_equal(again.state.matrix(), np.asarray(result.state.matrix()))


@pytest.mark.slow
def test_state_vectors_are_where_the_engine_is():
    import jax

    from qml.engines.jax.arrays import NAMESPACE

    there = jax.devices()[1]
    start = NAMESPACE.eye(2, 1, dtype="complex128")
    out = JaxEngine([there]).evolve_vectors(Circuit(1, [gates.RX("a", 0)]), [np.pi], start)
    assert out.value.devices() == {there}
    np.testing.assert_allclose(np.asarray(out), [[0.0], [-1j]], atol=1e-15)


@pytest.mark.slow
def test_an_operation_that_leaves_no_room():
    for toffolis in (1, 20):  # written out, and in a loop
        circuit = Circuit(4, [gates.Toffoli(*np.random.default_rng(k).permutation(4)[:3]) for k in range(toffolis)])
        with pytest.raises(
            InputError, match=r"an operation on 3 of 4 qubits leaves no room to spread .* over 8 devices"
        ):
            JaxEngine(8).evolve(circuit, [])


@pytest.mark.slow
def test_the_cotangent_has_the_shape_of_the_vector():
    _, pull = JaxEngine().evolve_vjp(Circuit(1, [gates.RX("a", 0)]), [0.3])
    with pytest.raises(InputError, match=r"shape \(4,\); found \(16,\)"):
        pull(np.zeros(16))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda engine: pickle.loads(pickle.dumps(engine))])
def test_an_engine_goes_to_other_processes(again):
    engine = JaxEngine(1, checkpoint_bytes=5)
    there = again(engine)
    assert repr(there) == repr(engine) == "JaxEngine(devices=1, checkpoint_bytes=5)"


@pytest.mark.slow
@pytest.mark.parametrize("most", [2, 3])
def test_everything_at_once_against_the_pauli_engine(most, monkeypatch):
    with_windows_of(most, monkeypatch)
    program, rng = EVERYTHING.compile(), np.random.default_rng(0)
    theta, g = rng.uniform(0.1, 0.9, program.n_params), rng.normal(size=64)
    initial = ginibre((2,) * 3, rng)
    here, pull_here = PauliEngine().evolve_vjp(program, theta, initial)
    there, pull_there = JaxEngine().evolve_vjp(program, theta, initial)
    np.testing.assert_allclose(there.pauli_vector, here.pauli_vector, atol=1e-12)
    assert (np.abs(pull_here(g)[0]) > 1e-4).all()
    np.testing.assert_allclose(pull_there(g)[0], pull_here(g)[0], atol=1e-11)
