"""Sweeps compiled to rows: every kind of segment, and factors that wait, against the reference engine."""

import numpy as np
import pytest
from helpers.cases import every

from qml import channels, gates
from qml.circuits import Circuit
from qml.engines import PauliEngine, ReferenceEngine
from qml.engines.pauli import loops, rows
from qml.engines.pauli.conversion import _butterfly, matrix_of, vector_of
from qml.engines.pauli.plan import plan_of
from qml.engines.pauli.rows import RowCompiler, turned
from qml.engines.pauli.tables import ACTIVE_SITES
from qml.gates import Controlled
from qml.operators import pauli
from qml.states import ginibre

N = 6


def noisy_clifford(rng):
    """Clifford gates with other noise on every site, so that many different factors wait."""
    rates = iter(rng.uniform(0.01, 0.2, 100))
    layer = []
    for q in range(N - 1):
        layer += [gates.H(q), gates.CNOT(q, q + 1), gates.S(q + 1), gates.CZ(q + 1, q), gates.SWAP(q, q + 1)]
        layer += [channels.Depolarizing(next(rates), q), channels.PhaseDamping(next(rates), q + 1)]
    return layer


def circuits(rng):
    """By name: what each is meant to contain, and a circuit with free parameters."""
    n, clifford = N, noisy_clifford(rng)
    ladder = [gates.CNOT(q, q + 1) for q in range(n - 1)]
    damped = [channels.AmplitudeDamping(0.1 + 0.02 * q, q) for q in range(n)]
    strings = [gates.PauliRotation("XYZ")("u", 0, 3, 1), gates.PauliRotation("ZY")("v", 5, 2), gates.RZ("w", 4)]
    turns = [gates.RX(f"a{q}", q) for q in range(n)]
    return {
        "unital": (
            rows.UNITAL,
            [*turns, *clifford, gates.U3("b", "c", "d", 2)],
        ),
        "affine": (rows.AFFINE, [*ladder, *(channels.AmplitudeDamping(f"g{q}", q) for q in range(n)), *ladder]),
        "translation": (rows.TRANSLATION, [gates.RY("a", 1), *ladder, *damped, *ladder, *damped, *clifford]),
        "turn": (rows.TURN, [*clifford, *strings, *ladder, *damped, *strings, *clifford, *strings]),
        "dense": (rows.DENSE, [*clifford, gates.CRX("a", 4, 1), *damped, gates.U3("a", "b", "c", 1), *ladder]),
        "sparse": (
            rows.SPARSE,
            [*turns, *damped, Controlled(gates.RX, 2)("b", 4, 1, 2), *clifford, gates.Toffoli(0, 5, 3), *ladder],
        ),
        "scale": (rows.SCALE, [*clifford, gates.RX("a", 0), gates.CRX("b", 4, 1), *clifford, gates.RY("c", 5)]),
    }


NAMES = list(circuits(np.random.default_rng(0)))


@pytest.mark.parametrize("name", NAMES)
def test_each_kind_of_segment_agrees_with_the_reference(name):
    rng = np.random.default_rng(5)
    kind, operations = circuits(rng)[name]
    program = Circuit(N, operations).compile()
    assert kind in plan_of(program).tables.segments[:, rows.KIND]
    values = rng.uniform(0.1, 0.6, program.n_params)
    initial = ginibre((2,) * N, rng)
    g = rng.normal(size=(2**N, 2**N))
    results = []
    for engine in (PauliEngine(), ReferenceEngine()):
        state, pull = engine.evolve_vjp(program, values, initial)
        forward, push = engine.evolve_jvp(program, values, initial)
        results.append((forward.matrix(), state.matrix(), *pull(state.pull_matrix(g + g.T)), push(np.eye(len(values)))))
    for mine, reference in zip(*results, strict=True):
        assert np.abs(reference).max() > 1e-3
        np.testing.assert_allclose(mine, reference, atol=1e-12)


def test_clifford_gates_and_diagonal_noise_compute_nothing():
    program = Circuit(N, noisy_clifford(np.random.default_rng(1))).compile()
    assert len(plan_of(program).tables.segments) == 0


def test_a_rotation_by_fixed_diagonal_noise_is_one_turn_on_half_of_the_rows():
    program = Circuit(N).then(channels.Depolarizing(0.1, 2), gates.RZ("t", 2), channels.PhaseDamping(0.2, 2)).compile()
    for gradient in (False, True):
        tables = plan_of(program, gradient).tables
        sites = tables.table[0, 3]
        assert tables.segments[:, rows.KIND].tolist() == [rows.TURN]
        assert tables.segments[:, rows.COUNT].tolist() == [4 ** (sites - 1)]


def test_factors_of_either_sign_share_a_matrix():
    """After a CNOT some components wait with -1: at most four patterns, up to a sign, enter a unital matrix."""
    compiler = RowCompiler(3)
    places = np.array([0, 5, 6, 3, 4, 1, 2, 7, 11, 14, 13, 8, 15, 10, 9, 12])
    signs = np.where(np.arange(16) % 3 == 1, -1.0, 1.0)
    compiler.permute((0, 1), places, signs)
    compiler.site((1,), rows.UNITAL, 0, True)
    table = compiler.finish().segments
    assert 1 < len(table) <= 4
    assert table[:, rows.COUNT].sum() == 16


@pytest.mark.parametrize("letters", ["X", "ZY", "XIZ", "YYX"])
def test_turned_strings_are_products_of_pauli_matrices(letters):
    k = len(letters)
    string = int("".join(str("IXYZ".index(a)) for a in letters), 4)
    targets, signs = turned(string, k)
    names = ["".join("IXYZ"[(q >> 2 * (k - 1 - i)) & 3] for i in range(k)) for q in range(4**k)]
    p = pauli(letters).matrix()
    for q, name in enumerate(names):
        product = -1j * pauli(name).matrix() @ p
        anticommutator = pauli(name).matrix() @ p + p @ pauli(name).matrix()
        expected = signs[q] * pauli(names[targets[q]]).matrix()
        np.testing.assert_allclose(product if not anticommutator.any() else 0 * product, expected, atol=1e-15)


def test_a_sweep_holds_as_many_sites_as_it_may():
    program = Circuit(9, [gates.CNOT(q, q + 1) for q in range(8)]).compile()
    assert plan_of(program).tables.table[:, loops.N_PLACES].tolist() == [ACTIVE_SITES, ACTIVE_SITES]


STRONGEST = {
    "nothing is left": [
        channels.Depolarizing(1.0, 0),
        channels.PhaseDamping(1.0, 1),
        channels.AmplitudeDamping(1.0, 2),
    ],
    "a bit for nothing": [channels.BitFlip(0.5, q) for q in range(N)],
    "nearly nothing": [channels.Depolarizing(1 - 1e-12, q) for q in range(3)],
    "nearly nothing relaxes": [channels.AmplitudeDamping(1 - 1e-12, q) for q in range(N)],
}


@every("name", STRONGEST)
@every("members", [1, 3])
def test_the_strongest_noise_waits_like_any_other(name, members):
    """Again and again in one sweep: factors of zero, and products of factors below the smallest float64."""
    rng = np.random.default_rng(2)
    n = N if members == 1 else 4
    noise = [channel for channel in STRONGEST[name] if channel.sites[0] < n]
    layer = [
        *(gates.RY(f"a{q}", q) for q in range(n)),
        gates.CNOT(0, 1),
        *noise,
        gates.RXX("b", 1, 2),
        gates.RZ("c", 0),
    ]
    program = Circuit(n, [*layer, *([*noise, gates.CNOT(1, 0)] * 14), *layer, gates.RX("d", 1)]).compile()
    values = rng.uniform(0.1, 0.6, (members, program.n_params))
    initial = ginibre((2,) * n, rng)
    g = rng.normal(size=(2**n, 2**n))
    results = []
    for engine in (PauliEngine(), ReferenceEngine()):
        state, pull = engine.evolve_vjp(program, values, initial)
        gradient, _ = pull(state.pull_matrix(np.broadcast_to(g + g.T, state.matrix().shape).astype(complex)))
        results.append((state.matrix(), gradient))
    for mine, reference in zip(*results, strict=True):
        assert np.abs(reference).max() > 1e-3
        np.testing.assert_allclose(mine, reference, atol=1e-12)


def test_what_a_tuple_has_in_common_waits_on():
    """Depolarizing noise on all sites: one segment a matrix, whatever the noise of the others."""
    first = [gates.U3(f"a{q}", f"b{q}", f"c{q}", q) for q in range(3)]
    noise = [channels.Depolarizing(0.1 + 0.05 * q, q) for q in range(3)]
    bonds = [gates.CZ(0, 1), gates.CZ(1, 2)]
    second = [gates.U3(f"d{q}", f"e{q}", f"f{q}", q) for q in range(3)]
    program = Circuit(N, [*first, *noise, *bonds, *bonds, *second, *noise, *bonds]).compile()
    tables = plan_of(program).tables
    assert len(tables.table) == 1
    assert len(tables.segments) == 6


def test_the_first_sites_of_a_large_matrix_are_converted_in_sweeps():
    """By a matrix that does not preserve the trace, on all four rows."""
    n, strings = 10, {"XYZIIIIIYX": 0.3, "YIIIZZIIII": -0.2, "IIIIIIIIII": 1.0, "ZYYXIIIYIY": 0.1}
    assert len(_butterfly(n - 1).table) == 1
    assert set(_butterfly(n).segments[:, rows.KIND]) == {rows.GENERAL}
    vector = np.zeros(4**n)
    for label, value in strings.items():
        vector[int("".join(str("IXYZ".index(letter)) for letter in label), 4)] = value
    matrix = matrix_of(vector, n)
    expected = sum(v * pauli(label) for label, v in strings.items()).matrix() / 2**n
    np.testing.assert_allclose(matrix, expected, atol=1e-18)
    np.testing.assert_allclose(vector_of(matrix, n), vector, atol=1e-15)
