"""OpenQASM: what programs mean, that circuits come back as they were, and what is said of what cannot be read."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from helpers.cases import every
from helpers.circuits import random_circuit
from helpers.instructions import draw
from helpers.processes import choi, placements, same
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import unitary_group

from qml import Circuit, Parameter, channels, gates
from qml._checks import InputError
from qml.channels import CHANNELS, KrausChannel
from qml.engines import ReferenceEngine
from qml.gates import GATES, PauliRotation, UnitaryGate, controlled
from qml.instructions import Initialize, Operation, TraceOut
from qml.io import from_qasm, to_qasm
from qml.io.blocks import Block, matrix_of
from qml.io.synthesis import decomposed, euler
from qml.io.vocabulary import QELIB1, STDGATES
from qml.parameters import Affine

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
OLD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'


def unitary(text: str) -> np.ndarray:
    """The matrix of a program, up to a phase."""
    return ReferenceEngine().evolve_vectors(from_qasm(text), ())


def back(circuit: Circuit, **options) -> Circuit:
    return from_qasm(to_qasm(circuit, **options))


# there and back ------------------------------------------------------------------------------------------------------


@every("name", GATES)
@every("version", [3, 2])
def test_every_gate_comes_back_at_every_placement(name, version):
    gate, rng = GATES[name], np.random.default_rng(3)
    chosen = placements(gate.n_sites)
    for sites in chosen if version == 3 else chosen[1::3]:  # sites are written alike in both
        circuit = Circuit(3, [Operation(gate, sites, tuple(draw(gate, rng)))])
        assert np.abs(choi(circuit) - choi(back(circuit, version=version))).max() < 1e-12


@every("name", CHANNELS)
def test_every_channel_comes_back_at_every_placement(name):
    channel, rng = CHANNELS[name], np.random.default_rng(4)
    for sites in placements(channel.n_sites):
        circuit = Circuit(3, [gates.RX(0.3, 0), Operation(channel, sites, tuple(draw(channel, rng)))])
        assert np.abs(choi(circuit) - choi(back(circuit))).max() < 1e-12


@pytest.mark.parametrize("noisy", [False, True])
def test_random_circuits_come_back_with_their_parameters(noisy):
    for seed in range(5):  # five hundred are slow, below
        rng = np.random.default_rng([seed, noisy])
        circuit = random_circuit(rng, noisy=noisy)
        again = back(circuit)
        assert set(again.parameters) == set(circuit.parameters)
        values = {name: rng.normal() for name in circuit.parameters}
        assert np.abs(choi(circuit.bind(values)) - choi(again.bind(values))).max() < 1e-12
        if not noisy:
            old = from_qasm(to_qasm(circuit, values, 2))
            assert np.abs(choi(circuit.bind(values)) - choi(old)).max() < 1e-12


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), noisy=st.booleans())
def test_any_random_circuit_comes_back(seed, noisy):
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng, 2 + seed % 2, 5, noisy=noisy)
    values = {name: rng.normal() for name in circuit.parameters}
    again = back(circuit)
    assert set(again.parameters) == set(circuit.parameters)
    assert np.abs(choi(circuit.bind(values)) - choi(again.bind(values))).max() < 1e-12


def test_gates_that_the_languages_lack_come_back():
    u = unitary_group.rvs(8, random_state=1)
    odd = [
        controlled(UnitaryGate(unitary_group.rvs(2, random_state=2)), 2)(0, 1, 2),
        UnitaryGate(u)(2, 0, 1),
        controlled(UnitaryGate(unitary_group.rvs(4, random_state=3)))(1, 2, 0),
        controlled(gates.U3, 2)(0.3, 0.4, 0.5, 0, 1, 2),
        controlled(gates.XXPlusYY)(0.7, 0, 1, 2),
        controlled(PauliRotation("I"))(0.9, 0, 1),
        PauliRotation("YIX")(1.1, 0, 2, 1),
    ]
    for operation in odd:
        circuit = Circuit(3, [gates.H(0), gates.H(1), operation])
        for version in (3, 2):
            assert np.abs(choi(circuit) - choi(back(circuit, version=version))).max() < 1e-12


def test_traces_and_fresh_sites_come_back():
    circuit = Circuit(3, [Initialize(2), gates.CNOT(0, 2), TraceOut(0), Initialize(0), gates.H(0), TraceOut(1)])
    assert back(circuit) == circuit
    assert "reset q[0]" in to_qasm(circuit, version=2)


def test_names_that_openqasm_does_not_allow_come_back():
    names = ("pi", "in", "ry[0,2]", "ry_0_2", "0th", "θ", "x", 'a "b"', "q", "a b\n")
    circuit = Circuit(1, [gates.RX(2 * Parameter(name) - 0.5, 0) for name in names])
    assert back(circuit) == circuit


def test_noise_that_braket_bounds_is_written_by_its_kraus_operators():
    circuit = Circuit(2, [channels.BitFlip(0.7, 0), channels.Depolarizing(1.2, 1)])
    assert to_qasm(circuit).count("kraus") == 2
    assert np.abs(choi(circuit) - choi(back(circuit))).max() < 1e-12


def test_many_kraus_operators_become_few():
    isometry = unitary_group.rvs(18, random_state=5)[:, :2].reshape(9, 2, 2)
    circuit = Circuit(1, [KrausChannel(isometry)(0)])
    text = to_qasm(circuit)
    assert text.count("]]") == 4
    assert np.abs(choi(circuit) - choi(from_qasm(text))).max() < 1e-12


def test_what_braket_reads_comes_back_too():
    for seed in range(10):
        circuit = random_circuit(np.random.default_rng(seed), noisy=True)
        again = back(circuit, dialect="braket")
        renamed = dict(zip(again.parameters, circuit.parameters, strict=True))
        values = {name: 0.3 + k for k, name in enumerate(circuit.parameters)}
        assert np.abs(choi(circuit.bind(values)) - choi(again.bind(renamed).bind(values))).max() < 1e-12
    free = Circuit(3, [gates.RY("b", 2), controlled(gates.U3)("a", "b", Parameter("a") - 1.0, 2, 0)])
    text = to_qasm(free, [0.3, 0.7], dialect="braket")
    assert same(unitary(text), ReferenceEngine().evolve_vectors(free, [0.3, 0.7]))
    assert text.count("gate cu(") == 1  # which Braket does not know


@pytest.mark.parametrize("angle", [1e-5, -1e-300, 1e22, 0.25])
def test_numbers_of_version_2_have_a_point(angle):
    circuit = Circuit(1, [gates.RX(angle, 0)])
    text = to_qasm(circuit, version=2)
    assert re.search(r"rx\(-?\d+\.\d+(e[-+]\d+)?\) q\[0\];", text)
    assert from_qasm(text) == circuit


def test_names_of_version_2_begin_with_a_letter():
    gate = UnitaryGate(unitary_group.rvs(4, random_state=1), name="2q")
    assert "gate x2q a0, a1 {" in to_qasm(Circuit(2, [gate(0, 1)]), version=2)


def test_measurements_are_kept():
    circuit = Circuit(3, [gates.H(0)])
    for version in (2, 3):
        assert from_qasm(to_qasm(circuit, version=version, measured=[2, 0]), measured=True) == (circuit, (2, 0))
    text = HEAD + "qubit[3] q; bit a; bit[2] b; b[1] = measure q[0]; a = measure q[2]; measure q[1];"
    assert from_qasm(text, measured=True)[1] == (2, 0, 1)


@pytest.mark.parametrize(
    ("body", "sites"),
    [
        ("c[0] = measure q[2]; { bit[2] c; c[0] = measure q[1]; }", (2, 1)),  # other bits of the same name
        ("for int i in [0:1] { bit b; b = measure q[i]; }", (0, 1)),
        ("c = measure q[0:1]; c[0] = 1;", (1,)),  # no result any more
        ("c = measure q[0:1]; bit[2] d = c; c = 0; x q[2];", (0, 1)),  # d holds them
        ("c = measure q[0:1]; bit[2] d = c;", (0, 1)),
        ("c[0] = measure q[0]; c[0] = measure q[1];", (1,)),
    ],
)
def test_results_are_where_the_bits_are_that_hold_them_at_the_end(body, sites):
    assert from_qasm(f"{HEAD}qubit[3] q; bit[2] c; {body}", measured=True)[1] == sites


# matrices as gates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_matrices_become_gates_with_their_phase(n):
    every = [unitary_group.rvs(2**n, random_state=k) for k in range(3)]
    every += [np.eye(2**n), np.eye(2**n)[::-1], np.diag(np.exp(1j * np.arange(2**n))), -1j * np.eye(2**n)]
    for u in every:
        block = decomposed(u)
        found = np.exp(1j * block.phase.constant) * matrix_of(block.operations, n)
        assert np.abs(found - u).max() < 1e-12


@every("seed", range(20))
def test_angles_of_euler(seed):
    u = unitary_group.rvs(2, random_state=seed)
    if seed % 4 == 1:
        u = np.diag(np.diag(u) / abs(np.diag(u)))
    if seed % 4 == 2:
        u = np.array([[0, 1j], [np.exp(1j * seed), 0]])
    theta, phi, lam, gamma = euler(u)
    assert np.abs(np.exp(1j * gamma) * gates.U3.matrix(np.array([theta, phi, lam])) - u).max() < 1e-14


@pytest.mark.parametrize("exponent", [0.5, -1.5, 2, -3, 0, 1 / 3])
def test_powers(exponent):
    for gate in (gates.X, gates.H, gates.SWAP, gates.S):
        block = Block.of(gate, *range(gate.n_sites), phase=0.3).power(exponent, 100)
        found = np.exp(1j * block.phase.constant) * matrix_of(block.operations, gate.n_sites)
        w, v = np.linalg.eigh(gate.matrix(())) if gate != gates.S else (np.array([1, 1j]), np.eye(2))
        full = np.exp(1j * np.angle(np.exp(0.3j) * w) * exponent)
        assert np.abs(found - (v * full) @ v.conj().T).max() < 1e-12
    angle = Parameter("t")
    (turned,) = Block.of(gates.RX, angle, 0).power(0.5, 100).operations
    assert turned == gates.RX(angle / 2, 0)


# what programs mean --------------------------------------------------------------------------------------------------

X, Y, Z, H = (gates.GATES[name].matrix(()) for name in "XYZH")
CX = gates.CNOT.matrix(())


@every(
    "body, expected",
    [
        ("qubit q; U(pi/2, 0, pi) q;", H),
        ("qubit[2] q; ctrl @ U(pi, 0, pi) q[0], q[1]; s q[0]; z q[0];", np.diag([1, 1, 1j * -1, 1j * -1]) @ (
            np.kron(np.diag([1, 0]), np.eye(2)) + 1j * np.kron(np.diag([0, 1]), X))),
        ("qubit[2] q; ctrl @ gphase(pi) q[0]; cx q[1], q[0];", gates.CNOT.matrix(()).reshape(2, 2, 2, 2).transpose(
            1, 0, 3, 2).reshape(4, 4) @ np.kron(Z, np.eye(2))),
        ("qubit[2] q; negctrl @ x q[0], q[1];", np.kron(X, np.eye(2)) @ CX @ np.kron(X, np.eye(2))),
        ("qubit[3] q; ctrl(2) @ x q[0], q[1], q[2];", gates.Toffoli.matrix(())),
        ("qubit[3] q; ctrl @ negctrl @ x q[0], q[1], q[2];", np.eye(8)[[0, 1, 2, 3, 5, 4, 6, 7]]),
        ("qubit q; inv @ s q; s q;", np.eye(2)),
        ("qubit q; pow(2) @ s q;", Z),
        ("qubit q; pow(0.5) @ x q;", gates.SX.matrix(())),
        ("qubit q; inv @ pow(1 / 2.) @ x q;", gates.SXdg.matrix(())),
        ("qubit[2] q; h q; z q;", np.kron(Z @ H, Z @ H)),
        ("qubit a; qubit[2] b; cx b, a;", None),
        ("qubit[4] q; let r = q[1:2] ++ q[{0}]; x r[{0, 1}];", np.kron(np.kron(np.eye(2), X), np.kron(X, np.eye(2)))),
        ("qubit[3] q; for int i in [0:2:2] { x q[i]; }", np.kron(X, np.kron(np.eye(2), X))),
        ("qubit[3] q; for int i in {0, -1} x q[i];", np.kron(X, np.kron(np.eye(2), X))),
        ("qubit q; const float a = 2 * asin(1) / 2; rx(a + a) q;", X),
        ("qubit q; int[32] i = 5; i += 3; if (i == 8 && !(i < 3)) { x q; } else { h q; }", X),
        ("qubit q; uint n = 0; while (n < 3) { x q; n = n + 1; }", X),
        ('qubit[2] q; bit[2] b = "10"; if (b[1]) x q[0]; if (b == 2) x q[1];', np.kron(X, X)),
        ("qubit q; rx(3 / 2 * pi) q; rx(-pi) q;", np.eye(2)),
        ("qubit q; for float a in {1, 2} { rx(a / 3 * pi) q; }", X),
        ("qubit q; for int i in {1, 3} { i = 2.5; rx(i * pi / 4) q; }", X),
        ('qubit q; for bit b in "110" { rx(b * pi / 2) q; }', X),
        ('qubit[3] q; bit[4] b = "0101"; if (~b == 10) x q[0]; if (int(b << 2) == 4) x q[1]; b = ~b; if (b[0]) x q[2];',
         np.kron(np.kron(X, X), np.eye(2))),
        ('qubit q; bit[3] b = -1; if (int(b) == 7) x q;', X),
        ("qubit q; rx(7 % 4 * pi / 3) q;", X),
        ("gate g(a, b) x, y { rx(a / 2 + b) x; cx x, y; } qubit[2] q; g(pi, pi / 2) q[1], q[0]; ", None),
        ("gate a q { x q; } gate b q { a q; gphase(0.3); } qubit[2] q; ctrl @ b q[0], q[1]; p(-0.3) q[0];", CX),
        ("box { int a = 1; } qubit q; { x q; }", X),
        ("qubit q; for int self in [0:2] { x q; }", X),
        ("qubit q; for int statements in [0:2] { x q; }", X),
        ("qubit q; x q; barrier q; defcalgrammar \"openpulse\"; ", X),
    ],
)  # fmt: skip
def test_programs(body, expected):
    found = unitary(HEAD + body)
    if expected is None:
        assert np.allclose(found @ found.conj().T, np.eye(len(found)))
        assert not same(found, np.eye(len(found)))
    else:
        assert same(found, expected)


def test_broadcasts_run_along_registers():
    text = HEAD + "qubit[2] a; qubit[2] b; qubit c; cx a, b; ccx a, b, c;"
    assert from_qasm(text) == Circuit(
        5, [gates.CNOT(0, 2), gates.CNOT(1, 3), gates.Toffoli(0, 2, 4), gates.Toffoli(1, 3, 4)]
    )


def test_free_parameters_stay_affine_and_by_name():
    text = (
        HEAD
        + "input float[64] a; input angle b; qubit q; gate g(t) x { rx(2 * t - a) x; } "
        + ("rx(a) q; ry((a - 2 * b) / 4 + pi) q; pow(3) @ rz(-b) q; pow(0.5) @ rz(b) q;")
    )
    with pytest.raises(InputError, match="'a' is not declared"):
        from_qasm(text + " g(b) q;")
    a, b = Parameter("a"), Parameter("b")
    expected = [gates.RX("a", 0), gates.RY((a - 2 * b) / 4 + math.pi, 0), *[gates.RZ(-b, 0)] * 3, gates.RZ(b / 2, 0)]
    assert from_qasm(text) == Circuit(1, expected)


def test_version_2_has_powers_real_quotients_and_its_own_gates():
    text = OLD + "qreg q[2]; creg c[2]; gate f(a) x, y { U(0, 0, a ^ 2) x; CX x, y; } f(3) q[0], q[1]; rx(1/2) q[0];"
    expected = Circuit(2, [gates.U3(0, 0, 9, 0), gates.CNOT(0, 1), gates.RX(0.5, 0)])
    assert from_qasm(text + "measure q -> c;", measured=True) == (expected, (0, 1))


@every("name", sorted(set(STDGATES) | set(QELIB1)))
def test_the_gates_of_the_files_are_unitary_and_named_alike_in_both(name):
    angles = {"u2": 2, "u3": 3, "cu": 4, "cu3": 3, "u": 3}.get(name)
    one = ("p", "rx", "ry", "rz", "cp", "crx", "cry", "crz", "phase", "cphase", "u1", "cu1", "rxx", "rzz", "u0")
    count = angles or (1 if name in one else 0)
    given = f"({', '.join(str(0.3 + 0.4 * k) for k in range(count))})" if count else ""
    sizes = {"ccx": 3, "cswap": 3, "rccx": 3, "rc3x": 4, "c3x": 4, "c3sqrtx": 4, "c4x": 5}
    two = ("swap", "CX", "rxx", "rzz", *(n for n in QELIB1 if n[0] == "c" and n not in sizes))
    n = sizes.get(name, 2 if name in two else 1)
    call = f"{name}{given} {', '.join(f'q[{i}]' for i in range(n))};"
    found = [
        unitary(f"{head}qreg q[{n}]; {call}") for head, table in ((HEAD, STDGATES), (OLD, QELIB1)) if name in table
    ]
    assert all(same(u, found[0]) for u in found)
    assert np.abs(found[0] @ found[0].conj().T - np.eye(2**n)).max() < 1e-14


def test_relative_phase_gates_are_toffolis_up_to_phases():
    for name, n in (("rccx", 3), ("rc3x", 4)):
        u = unitary(f"{OLD}qreg q[{n}]; {name} {', '.join(f'q[{i}]' for i in range(n))};")
        assert np.allclose(abs(u), controlled(gates.X, n - 1).matrix(()), atol=1e-14)


def test_pragmas_of_braket_unitaries_and_noise():
    text = (
        "qubit[2] q; h q[0]; #pragma braket unitary([[0, 1im], [1.0, 0]]) q[1]\n#pragma braket noise bit_flip(0.1) q\n"
    )
    text += "#pragma braket result state_vector\n#pragma other words\n"
    text += "#pragma braket noise kraus([[1, 0], [0, 0.8 - 0im]], [[0, 6e-1], [0, 0]]) q[1]\n"
    found = from_qasm(text.replace("; #", ";\n#"))
    assert found == Circuit(2, [
        gates.H(0), UnitaryGate([[0, 1j], [1, 0]])(1), channels.BitFlip(0.1, 0), channels.BitFlip(0.1, 1),
        KrausChannel([[[1, 0], [0, 0.8]], [[0, 0.6], [0, 0]]])(1),
    ])  # fmt: skip


def test_files_are_included_only_from_a_folder_that_is_allowed(tmp_path):
    (tmp_path / "mine.inc").write_text("gate mine q { x q; }", encoding="utf-8")
    (tmp_path / "loop.inc").write_text('include "loop.inc";', encoding="utf-8")
    text = HEAD + 'include "mine.inc"; qubit q; mine q;'
    assert from_qasm(text, includes=tmp_path) == Circuit(1, [gates.X(0)])
    with pytest.raises(InputError, match=r"line 3, column 1: the file 'mine.inc' is not read: pass includes=FOLDER"):
        from_qasm(text)
    (tmp_path / "sub").mkdir()
    with pytest.raises(InputError, match="outside the folder"):
        from_qasm('include "../mine.inc";', includes=tmp_path / "sub")
    with pytest.raises(InputError, match="more than 100 files"):
        from_qasm('include "loop.inc";', includes=tmp_path)


@pytest.mark.parametrize("x", [-7, 7, 0, -6])
@pytest.mark.parametrize("y", [3, -3])
def test_integers_divide_into_an_integer_and_a_remainder_with_the_sign_of_the_first(x, y):
    """x = y (x / y) + x % y, as in the specification, and mod is the same: an integer, which counts and indexes."""
    text = f"OPENQASM 3; qubit q; int a = {x}; int b = {y}; U(a % b, mod(a, b), b * (a / b) + a % b) q;"
    (found,) = from_qasm(text).operations
    assert [p.constant for p in found.params] == [math.fmod(x, y), math.fmod(x, y), x]
    assert from_qasm(f"OPENQASM 3; qubit[8] q; U(0, 0, 0) q[mod({abs(x)}, 8)];").operations[0].sites == (abs(x),)


@pytest.mark.parametrize(
    ("expression", "value"),
    [("pi/2^2", math.pi / 4), ("-2^2", -4), ("2^3^2", 512), ("2*3^2", 18), ("2^-1", 0.5), ("sin(pi/2)^2", 1)],
)
def test_powers_of_version_2_bind_before_products_and_signs(tmp_path, expression, value):
    """As in the grammar of OpenQASM 2, and in Qiskit; in included files, too."""
    head = 'OPENQASM 2.0; include "qelib1.inc"; '
    (found,) = from_qasm(f"{head} qreg q[1]; rx({expression}) q[0];").operations
    assert found.params[0].constant == pytest.approx(value, rel=1e-15)
    (tmp_path / "turns.inc").write_text(f"gate turn a {{ rx({expression}) a; }}")
    (found,) = from_qasm(f'{head} include "turns.inc"; qreg q[1]; turn q[0];', includes=tmp_path).operations
    assert found.params[0].constant == pytest.approx(value, rel=1e-15)


def test_gates_without_a_body_are_declared_in_version_2_and_may_not_be_used():
    head = f"// OPENQASM 3\n/* as of\n2017 */{OLD}opaque fast(a, b)\n  q, r;\n"
    assert from_qasm(f"{head}qreg q[2]; cx q[0], q[1];").operations == (gates.CNOT(0, 1),)
    with pytest.raises(InputError, match="line 7, column 12: the gate 'fast' is not known"):
        from_qasm(f"{head}qreg q[2]; fast(1, 2) q[0], q[1];")


def test_comments_of_version_2_take_no_gate_away():
    text = f"{OLD}qreg q[1];\n// an opaque ^ gate\nx q[0]; /* opaque */ y q[0]; /* no ; opaque\n*/ z q[0];"
    assert from_qasm(text).operations == (gates.X(0), gates.Y(0), gates.Z(0))


def test_numbers_of_numpy_are_written_as_numbers():
    turn = gates.RX(Affine((("a", np.float64(0.5)),), np.float64(-0.25)), 0)
    assert "rx(0.5 * a - 0.25) q[0];" in to_qasm(Circuit(1, [turn]))
    assert "rx(2.0) q[0];" in to_qasm(Circuit(1, [gates.RX(Affine((), 2), 0)]), version=2)
