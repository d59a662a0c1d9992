"""Vectors of the JAX engine that are spread over several devices."""

import itertools

import numpy as np
import pytest
from helpers.arrays import hermitian
from helpers.jax_circuits import NEVER_TWICE, as_compiled, layers

from qml import gates
from qml.engines import JaxEngine, PauliEngine
from qml.engines.compile.kinds import PAULI
from qml.gates import PauliRotation
from qml.states import GibbsState


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_many_devices_give_what_one_gives(count):
    import jax

    circuit = layers(5, 1).then(PauliRotation("XYZXY")("b", 2, 0, 1, 4, 3), gates.CRX("c", 4, 0))
    program, rng = circuit.compile(), np.random.default_rng(0)
    theta, g, m = rng.normal(size=program.n_params), rng.normal(size=4**5), hermitian(32, rng)
    initial = GibbsState(rng.normal(size=32), dims=(2,) * 5)
    one, pull_one = JaxEngine().evolve_vjp(program, theta, initial)
    many, pull_many = JaxEngine(count).evolve_vjp(program, theta, initial)
    assert len(many.pauli_vector.value.sharding.device_set) == count
    mesh = jax.make_mesh((2, count // 2), ("a", "b"), devices=jax.devices()[:count])
    np.testing.assert_array_equal(JaxEngine(mesh).evolve(program, theta, initial).pauli_vector, many.pauli_vector)
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
