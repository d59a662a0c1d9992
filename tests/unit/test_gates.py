"""Gates: matrices, derivatives, inverses, controls, equality, and the sentences of what is refused."""

from __future__ import annotations

import itertools
import math
import pickle

import numpy as np
import pytest
import scipy.linalg
from helpers.cases import every
from hypothesis import given, settings
from hypothesis import strategies as st

from qml import gates
from qml.gates import GATES, Controlled, ParametricGate, PauliRotation, UnitaryGate, controlled
from qml.instructions import Unitary
from qml.parameters import Affine, as_affine

LETTER = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}
NONE = np.zeros(0)
EXTREME = (0.0, 1e-9, -1e-9, math.pi, -math.pi, 2 * math.pi, 4 * math.pi, 1e4)
ALL = list(GATES.values())
PARAMETRIC = [
    *(g for g in ALL if g.n_params),
    PauliRotation("XYZ"),
    PauliRotation("IZ"),
    controlled(gates.U3, 2),
    controlled(PauliRotation("YX")),
]


def string(label: str) -> np.ndarray:
    """The matrix of a Pauli string, by Kronecker products."""
    out = np.eye(1)
    for letter in label:
        out = np.kron(out, LETTER[letter])
    return out


def angles(gate: Unitary, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-3, 3, gate.n_params)


def adjoint(m: np.ndarray) -> np.ndarray:
    return m.conj().swapaxes(-1, -2)


def test_the_registry_lists_every_gate_that_can_be_reached_by_its_name():
    assert set(GATES.values()) == {gate for gate in vars(gates).values() if isinstance(gate, Unitary)}
    assert set(GATES) <= set(gates.__all__)
    assert all(getattr(gates, name) is gate and gate.name == name for name, gate in GATES.items())
    assert all(alias not in GATES and name in GATES for alias, name in gates.ALIASES.items())


@every("gate", [*ALL, *PARAMETRIC], ids=repr)
def test_every_gate_is_unitary_of_the_declared_shape(gate):
    values = [angles(gate), *(np.full(gate.n_params, x) for x in EXTREME)]
    for params in values:
        u = gate.matrix(params)
        side = math.prod(gate.dims)
        assert u.shape == (side, side)
        assert u.dtype == np.complex128
        assert np.abs(adjoint(u) @ u - np.eye(side)).max() < 1e-15 * 8
        assert gate.derivatives(params).shape == (gate.n_params, side, side)
        assert gate.derivatives(params).dtype == np.complex128


@every("gate", [*ALL, *PARAMETRIC], ids=repr)
def test_the_inverse_undoes_the_gate_and_the_inverse_of_the_inverse_is_the_gate(gate):
    params = angles(gate)
    undo, expressions = gate.inverse(tuple(as_affine(v) for v in params))
    values = np.array([e.constant for e in expressions])
    assert np.abs(undo.matrix(values) @ gate.matrix(params) - np.eye(math.prod(gate.dims))).max() < 1e-15 * 8
    again, back = undo.inverse(expressions)
    assert again == gate
    assert again.name == gate.name
    assert [e.constant for e in back] == list(params)


@every(
    "gate, inverse",
    [
        (gates.S, gates.Sdg),
        (gates.T, gates.Tdg),
        (gates.Sdg, gates.S),
        (gates.Tdg, gates.T),
        (gates.X, gates.X),
        (gates.H, gates.H),
        (gates.SWAP, gates.SWAP),
        (gates.CNOT, gates.CNOT),
        (gates.CH, gates.CH),
        (gates.Toffoli, gates.Toffoli),
        (gates.Fredkin, gates.Fredkin),
        (controlled(gates.S), controlled(gates.Sdg)),
    ],
    ids=repr,
)
def test_the_inverse_has_the_usual_name(gate, inverse):
    found, params = gate.inverse(())
    assert (found, params, found.name) == (inverse, (), inverse.name)


@pytest.mark.parametrize(
    ("gate", "name"),
    [
        (gates.SX, "SXdg"),
        (gates.ISWAP, "ISWAPdg"),
        (UnitaryGate(np.diag([1, 1j])), "Udg"),
        (controlled(gates.T), "CTdg"),
    ],
    ids=repr,
)
def test_other_inverses_are_marked_by_dg(gate, name):
    assert gate.inverse(())[0].name == name


def test_inverses_of_free_parameters_stay_free():
    assert str(gates.RX("a", 0).inverse()) == "RX(-a) 0"
    assert str(gates.U3("t", "p", "l", 2).inverse()) == "U3(-t, -l, -p) 2"
    assert str(gates.CRZ(as_affine("a") * 2 + 1, 1, 0).inverse()) == "CRZ(-2*a - 1) 1 0"
    assert str(gates.XXPlusYY("a", 1, 0).inverse()) == "XXPlusYY(-a) 1 0"


@every("gate", PARAMETRIC, ids=repr)
def test_derivatives_are_those_of_finite_differences(gate):
    h = 1e-6
    for seed in (1, 2):
        params = angles(gate, seed)
        analytic = gate.derivatives(params)
        superoperators = gate.superoperator_derivatives(params)
        for i in range(gate.n_params):
            step = h * np.eye(gate.n_params)[i]
            assert np.abs(analytic[i]).max() > 1e-2
            difference = (gate.matrix(params + step) - gate.matrix(params - step)) / (2 * h)
            assert np.abs(analytic[i] - difference).max() < 1e-9
            assert np.abs(superoperators[i]).max() > 1e-2
            difference = (gate.superoperator(params + step) - gate.superoperator(params - step)) / (2 * h)
            assert np.abs(superoperators[i] - difference).max() < 1e-9


@every("gate", ALL, ids=repr)
def test_the_superoperator_moves_a_density_matrix_as_the_matrix_does(gate):
    rng = np.random.default_rng(4)
    side = math.prod(gate.dims)
    rho = rng.normal(size=(side, side)) + 1j * rng.normal(size=(side, side))
    u = gate.matrix(angles(gate))
    moved = (gate.superoperator(angles(gate)) @ rho.reshape(-1)).reshape(side, side)
    assert np.abs(moved - u @ rho @ adjoint(u)).max() < 1e-13


@every("label", ["X", "Y", "Z", "XX", "YY", "ZZ", "XY", "ZIX", "YYY", "XYZI", "I", "II"])
@every("theta", [0.7, -2.9, *EXTREME])
def test_pauli_rotations_are_exponentials(label, theta):
    u = PauliRotation(label).matrix(np.array([theta]))
    turned = math.remainder(theta, 4 * math.pi)
    assert np.abs(u - scipy.linalg.expm(-0.5j * turned * string(label))).max() < 2e-12


def test_named_rotations_are_pauli_rotations_with_readable_labels():
    for name in ("RX", "RY", "RZ", "RXX", "RYY", "RZZ"):
        assert isinstance(GATES[name], PauliRotation)
        assert GATES[name].label == name[1:]
        assert PauliRotation(name[1:]) == GATES[name]
    assert PauliRotation("XXY").name == "RXXY"
    assert PauliRotation("XXY").dims == (2, 2, 2)


@given(st.text("IXYZ", min_size=1, max_size=4), st.floats(-20, 20), st.floats(-20, 20))
@settings(max_examples=40, deadline=None)
def test_rotations_about_one_string_form_a_group(label, a, b):
    gate = PauliRotation(label)
    product = gate.matrix(np.array([a])) @ gate.matrix(np.array([b]))
    assert np.abs(product - gate.matrix(np.array([a + b]))).max() < 1e-13


def test_the_conventions_of_named_gates():
    x, y, z = (string(p) for p in "XYZ")
    exp_plus = scipy.linalg.expm(-0.25j * 0.8 * (string("XX") + string("YY")))
    value = np.array([0.8])
    assert np.allclose(gates.S.matrix(NONE) @ gates.S.matrix(NONE), z, atol=1e-15)
    assert np.allclose(gates.T.matrix(NONE) @ gates.T.matrix(NONE), gates.S.matrix(NONE), atol=1e-15)
    assert np.allclose(gates.SX.matrix(NONE) @ gates.SX.matrix(NONE), x, atol=1e-15)
    assert np.allclose(gates.H.matrix(NONE), (x + z) / math.sqrt(2), atol=1e-15)
    assert np.allclose(gates.Y.matrix(NONE), y)
    assert np.allclose(gates.P.matrix(value), np.diag([1, np.exp(0.8j)]))
    assert np.allclose(gates.CP.matrix(value), np.diag([1, 1, 1, np.exp(0.8j)]))
    assert np.allclose(gates.XXPlusYY.matrix(value), exp_plus, atol=1e-15)
    assert np.allclose(gates.XXPlusYY.matrix(np.array([-math.pi])), gates.ISWAP.matrix(NONE), atol=1e-15)
    assert gates.ISWAP.matrix(NONE)[2, 1] == 1j


def test_u3_is_that_of_openqasm():
    t, p, lam = 0.7, -1.1, 2.3
    c, s = math.cos(t / 2), math.sin(t / 2)
    wanted = [[c, -np.exp(1j * lam) * s], [np.exp(1j * p) * s, np.exp(1j * (p + lam)) * c]]
    assert np.allclose(gates.U3.matrix(np.array([t, p, lam])), wanted, atol=1e-15)
    turns = [gates.RZ.matrix(np.array([p])), gates.RY.matrix(np.array([t])), gates.RZ.matrix(np.array([lam]))]
    phase = np.exp(0.5j * (p + lam))
    assert np.allclose(gates.U3.matrix(np.array([t, p, lam])), phase * turns[0] @ turns[1] @ turns[2], atol=1e-15)


CONTROLLED = [
    *(
        gates.CNOT,
        gates.CY,
        gates.CZ,
        gates.CH,
        gates.CRX,
        gates.CRY,
        gates.CRZ,
        gates.CP,
        gates.Toffoli,
        gates.Fredkin,
    ),
    *(controlled(gates.U3, 3), controlled(UnitaryGate(np.eye(3)[[2, 0, 1]]))),
]


@every("gate", CONTROLLED, ids=repr)
def test_controlled_gates_act_where_every_control_is_one(gate):
    params = angles(gate)
    whole, inner = gate.matrix(params), gate.gate.matrix(params)
    side = len(inner)
    for bits in itertools.product((0, 1), repeat=gate.n_controls):
        at = side * int("".join(map(str, bits)), 2)
        for k in range(side):
            wanted = np.zeros(len(whole), dtype=complex)
            wanted[at : at + side] = inner[:, k] if all(bits) else np.eye(side)[k]
            assert np.array_equal(whole[:, at + k], wanted)
    assert gate.dims == (2,) * gate.n_controls + gate.gate.dims


def test_truth_tables_with_controls_first():
    def image(gate, *bits):
        column = gate.matrix(NONE)[:, int("".join(map(str, bits)), 2)]
        (row,) = np.flatnonzero(column)
        assert column[row] == 1
        return tuple(int(b) for b in format(row, f"0{len(bits)}b"))

    for a, b, c in itertools.product((0, 1), repeat=3):
        assert image(gates.CNOT, a, b) == (a, b ^ a)
        assert image(gates.SWAP, a, b) == (b, a)
        assert image(gates.Toffoli, a, b, c) == (a, b, c ^ (a & b))
        assert image(gates.Fredkin, a, b, c) == ((a, c, b) if a else (a, b, c))


def test_controls_join_and_names_are_the_usual_ones():
    assert controlled(gates.X) == gates.CNOT
    assert controlled(gates.CNOT) == controlled(gates.X, 2) == gates.Toffoli
    assert controlled(gates.SWAP).name == "Fredkin"
    assert controlled(controlled(gates.RX, 2), 2) == Controlled(gates.RX, 4)
    assert controlled(gates.RX, 2).name == "CCRX"
    assert controlled(UnitaryGate(np.diag([1, -1]), name="X")).name == "CX"
    assert controlled(gates.U3).parameter_names == ("theta", "phi", "lambda")


def test_gates_are_values():
    mine = UnitaryGate([[0, 1], [1, 0]], name="X")
    assert mine == gates.X
    assert hash(mine) == hash(gates.X)
    assert mine != UnitaryGate([[0, 1], [1, 0]], name="flip")
    assert UnitaryGate([[0.0, 1], [1, -0.0]], name="X") == gates.X
    assert UnitaryGate(np.eye(4)) != UnitaryGate(np.eye(4), dims=(4,))
    assert len({*ALL, *ALL}) == len(ALL)
    assert {gates.RX(0.5, 0), PauliRotation("X")(0.5, 0)} == {gates.RX(0.5, 0)}
    for gate in ALL:
        assert pickle.loads(pickle.dumps(gate)) == gate
    gates.X.matrix(NONE)[:] = 7
    assert np.array_equal(gates.X.matrix(NONE), LETTER["X"])
    gates.RX.matrix(np.array([0.3]))[:] = 7
    assert gates.RX.matrix(np.array([0.3]))[0, 0] == math.cos(0.15)
    with pytest.raises(AttributeError):
        gates.X.name = "other"


def test_unitary_gates_of_any_dimensions():
    assert UnitaryGate(np.eye(8)).dims == (2, 2, 2)
    assert UnitaryGate(np.eye(3)).dims == (3,)
    assert UnitaryGate(np.eye(6), dims=(2, 3)).dims == (2, 3)
    assert UnitaryGate(np.eye(4), dims=(4,)).n_sites == 1
    assert UnitaryGate(np.eye(1)).matrix(NONE).shape == (1, 1)
    u = scipy.linalg.expm(1j * np.array([[1, 2j, 0], [-2j, 0, 1], [0, 1, 3]]))
    gate = UnitaryGate(u, name="kick")
    inverse, params = gate.inverse(())
    assert np.array_equal(gate.matrix(NONE), u)
    assert (inverse.name, inverse.dims, params) == ("kickdg", (3,), ())
    assert np.array_equal(inverse.matrix(NONE), u.conj().T)


def test_a_gate_of_ones_own_with_its_gradient():
    def turn(v):
        return np.diag(np.exp(1j * v[0] * np.arange(3)))

    clock = ParametricGate(
        name="clock",
        dims=(3,),
        parameter_names=("phi",),
        function=turn,
        derivative_function=lambda v: (1j * np.arange(3) * turn(v))[None],
        undo=lambda v: (-v[0],),
    )
    operation = clock("a", 1)
    assert str(operation.inverse()) == "clock(-a) 1"
    assert operation.inverse().params == (Affine((("a", -1.0),)),)
    assert np.allclose(controlled(clock).matrix(np.array([0.2]))[3:, 3:], turn([0.2]))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("X", "X"),
        ("cnot", "CNOT"),
        ("CX", "CNOT"),
        ("ccx", "Toffoli"),
        ("CSWAP", "Fredkin"),
        ("iSWAP", "ISWAP"),
        ("SDG", "Sdg"),
    ],
)
def test_gate_finds_names_in_any_capitals(name, wanted):
    assert gates.gate(name) is GATES[wanted]
