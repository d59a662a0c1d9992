"""Groups of members side by side: there and back, and what shares a group does not matter."""

import numpy as np
import pytest
from helpers.cases import every

from qml import channels, gates
from qml.circuits import Circuit
from qml.engines import PauliEngine, ReferenceEngine
from qml.engines._llvm.language import LANES
from qml.engines.compile.lanes import apart, entries_of, groups_of, in_lanes, members_of
from qml.gates import Controlled
from qml.instructions import PartialTrace, Preparation
from qml.states import ginibre


@every("members", [1, 2, 7, 8, 9, 24])
@every("shape", [(5,), (2, 3), (0,), (1,)])
def test_in_lanes_and_back(members, shape):
    rows = np.random.default_rng(members).normal(size=(members, *shape))
    rows.flags.writeable = False
    groups, size = in_lanes(rows), int(np.prod(shape))
    assert groups.shape == (groups_of(members), LANES * size)
    flat = rows.reshape(members, size)
    for b in range(LANES * len(groups)):
        np.testing.assert_array_equal(entries_of(groups)[b // LANES, :, b % LANES], flat[min(b, members - 1)])
    np.testing.assert_array_equal(members_of(groups, members), flat)
    np.testing.assert_array_equal(members_of(groups[:, :LANES], members), flat[:, :1])
    np.testing.assert_array_equal(apart(groups, members), flat)


def test_no_members():
    groups = in_lanes(np.zeros((0, 4)))
    assert groups.shape == (0, 4 * LANES)
    assert members_of(groups, 0).shape == (0, 4)
    assert apart(groups, 0).shape == (0, 4)


def test_free_matrices_on_three_sites_side_by_side():
    """Each member has a matrix of its own, in every lane and on every placement."""
    rng = np.random.default_rng(0)
    ccrx = Controlled(gates.RX, 2)
    operations = [gates.RY(f"y{q}", q) for q in range(4)]
    operations += [ccrx("a", 2, 0, 3), channels.AmplitudeDamping("p", 1), ccrx("b", 0, 1, 2), ccrx("c", 3, 1, 0)]
    program = Circuit(4, operations).compile()
    values = rng.uniform(0.2, 0.8, (11, program.n_params))
    initial = ginibre((2,) * 4, rng)
    g = rng.normal(size=(11, 16, 16)).astype(complex)
    results = []
    for engine in (PauliEngine(), PauliEngine(0), ReferenceEngine()):
        state, pull = engine.evolve_vjp(program, values, initial)
        results.append((state.matrix(), pull(state.pull_matrix(g + g.swapaxes(1, 2)))[0]))
    assert np.abs(results[-1][1]).max(axis=0).min() > 1e-3
    for mine in results[:2]:
        for a, reference in zip(mine, results[-1], strict=True):
            np.testing.assert_allclose(a, reference, atol=1e-13)


@pytest.mark.parametrize("members", [1, 10])
def test_registers_that_shrink_to_nothing_and_grow_again(members):
    circuit = Circuit(2).then(gates.RY("z", 0), PartialTrace((2, 2))(0, 1), Preparation((2, 2))(0, 1), gates.RY("a", 0))
    circuit = circuit.then(gates.CNOT(0, 1), channels.AmplitudeDamping("g", 1), PartialTrace((2,))(0), gates.RX("b", 1))
    program = circuit.compile()
    values = np.random.default_rng(0).uniform(0.1, 0.6, (members, program.n_params))
    cotangent = np.array([[1, 2 - 1j], [2 + 1j, 0.3]])
    results = []
    for engine in (PauliEngine(), PauliEngine(0), ReferenceEngine()):
        state, pull = engine.evolve_vjp(program, values)
        gradient, _ = pull(state.pull_matrix(np.broadcast_to(cotangent, (members, 2, 2))))
        results.append((state.matrix(), gradient))
    assert np.abs(results[-1][1]).max(axis=0)[1:].min() > 1e-3
    for mine in results[:2]:
        for a, reference in zip(mine, results[-1], strict=True):
            np.testing.assert_allclose(a, reference, atol=1e-14)
