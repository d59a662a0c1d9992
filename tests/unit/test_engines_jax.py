"""What the JAX engine promises beyond the contract of engines: where arrays stay, precision, memory, devices."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from helpers.jax_circuits import (
    NEVER_TWICE,
    as_compiled,
    layers,
    long_strings,
    random_gates,
    strings_between_windows,
)

from qml import Circuit, CircuitModel, PauliMeasurement, channels, fit, gates, losses, sample
from qml._checks import InputError, MemoryRefused
from qml.engines import JaxEngine, PauliEngine
from qml.engines.compile.kinds import PAULI
from qml.engines.jax.form import sections
from qml.engines.jax.plan import plan_of
from qml.gates import PauliRotation
from qml.instructions import Initialize, TraceOut, Unitary
from qml.operators import tfim
from qml.optimizers import LBFGS, NaturalGradient
from qml.states import ginibre, thermal

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
    wide = gates.controlled(gates.X, 4)(2, 1, 4, 0, 3)
    program = random_gates(5, 20).then(wide, *random_gates(5, 20, seed=1).operations).compile()
    assert [part.is_mixed for part in sections(plan_of(program, PAULI, 2).form.items)] == [True]
    theta = np.random.default_rng(0).normal(size=program.n_params)
    here, there = (engine.evolve(program, theta).pauli_vector for engine in (PauliEngine(), JaxEngine()))
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
    with pytest.raises(InputError, match=r"each of devices must be a Device; found"):
        JaxEngine(JaxEngine().evolve(Circuit(1), []).pauli_vector.value)  # an array of JAX has a method `devices`
    with pytest.raises(MemoryRefused, match=r"16 TiB|GiB, but .* GiB are free"):
        JaxEngine().evolve(Circuit(20), [])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"JAX, which is not installed: pip install 'qmaxlik\[jax\]'"):
        JaxEngine()


def test_the_vectors_that_a_gradient_keeps_are_counted(monkeypatch):
    turns = [PauliRotation("XXX")(f"a{k}", 0, 1, 2) for k in range(40)]
    program, vectors = Circuit(3, turns).compile(), np.zeros((8, 2**13))  # 1 MiB
    monkeypatch.setattr("qml._checks.available_memory", lambda: 2**25)
    JaxEngine().evolve_vectors(program, np.zeros(40), vectors)
    with pytest.raises(MemoryRefused, match="pass fewer vectors"):
        JaxEngine().evolve_vectors_vjp(program, np.zeros(40), vectors)
    JaxEngine(checkpoint_bytes=0).evolve_vectors_vjp(program, np.zeros(40), vectors)


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
