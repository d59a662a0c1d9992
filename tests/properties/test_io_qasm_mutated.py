"""OpenQASM programs that were mangled at random: a circuit, or one sentence; no traceback, and no hang."""

from __future__ import annotations

import os
import random

import pytest

from qml import Circuit
from qml._checks import InputError
from qml.io import from_qasm, qasm_gates, qasm_read, qasm_values

NEW = """
OPENQASM 3.0;
include "stdgates.inc";
input float[64] theta;
input angle phi;
const uint n = 3;
qubit[n] q;
qubit anc;
bit[n] c = "010";
gate turn(a, b) x, y { rx(a / 2 + b) x; ctrl @ gphase(a) y; inv @ cx x, y; barrier x, y; }
let ends = q[{0, -1}] ++ anc;
h ends;
for uint i in [0:n - 2] { ctrl @ pow(2) @ turn(2 * theta - 0.5, pi / 4) anc, q[i], q[i + 1]; }
int[32] k = 5;
while (k > 0) { k -= 2; negctrl @ x q[0], q[1]; }
if (c[1] && k != 3) { U(theta, phi, -theta) q[2]; } else { reset q[2]; }
#pragma braket noise depolarizing(0.1) q[1]
#pragma braket noise kraus([[1, 0], [0, 0.8]], [[0, 0.6im], [0, 0]]) q[0]
@qml.trace_out
barrier anc;
box { cswap q[0], q[1], q[2]; }
c = measure q;
"""
OLD = """
OPENQASM 2.0;
include "qelib1.inc";
qreg q[3]; creg c[3];
gate mine(a, b) x, y { u2(a ^ 2, -b) x; CX x, y; cu3(sin(a), 0, ln(2)) x, y; }
mine(pi / 2, 1e-3) q[0], q[1];
barrier q;
rccx q[0], q[1], q[2];
measure q[0] -> c[0];
measure q[2] -> c[1];
"""
MANY = int(os.environ.get("MANGLED", "2000"))
"""How many programs the slow test reads."""
MARKS = "{ } ( ) [ ] ; : , -> == ** << 99999999999 1e999 $0 '' \" \\ \0 @ # // /* */ π"
PIECES = [*NEW.split(), *OLD.split(), *MARKS.split()]


def mangled(text: str, rng: random.Random) -> str:
    """A text with a few things deleted, repeated, exchanged or put in."""
    for _ in range(rng.randint(1, 6)):
        i, j = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        j = min(j, i + rng.choice([1, 2, 5, 40]))
        match rng.randrange(5):
            case 0:
                text = text[:i] + text[j:]
            case 1:
                text = text[:j] + text[i:j] * rng.choice([1, 2, 50]) + text[j:]
            case 2:
                text = text[:i] + rng.choice(PIECES) + text[i:]
            case 3:
                text = text[:i] + f" {rng.choice(PIECES)} " + text[j:]
            case _:
                digits = [k for k, letter in enumerate(text) if letter.isdigit()]
                if digits:
                    k = rng.choice(digits)
                    text = text[:k] + rng.choice(["0", "7", "-1", "1e9", "4294967296", "theta"]) + text[k + 1 :]
    return text


def read(text: str) -> None:
    try:
        found, said = from_qasm(text), "."
    except InputError as error:
        found, said = None, str(error).strip()
    assert found is None or isinstance(found, Circuit)
    assert said.endswith("."), said
    assert "\n" not in said, said


@pytest.fixture
def small_bounds(monkeypatch):
    monkeypatch.setattr(qasm_values, "MOST_STEPS", 25_000)
    for module in (qasm_read, qasm_gates):
        monkeypatch.setattr(module, "MOST_OPERATIONS", 5000)


def test_the_programs_themselves_are_read():
    assert from_qasm(NEW).parameters == ("theta", "phi")
    assert from_qasm(OLD, measured=True)[1] == (0, 2)


def test_mangled_programs_give_a_circuit_or_a_sentence(small_bounds):
    for seed in range(150):
        rng = random.Random(seed)
        read(mangled(rng.choice([NEW, OLD]), rng))


@pytest.mark.slow
def test_many_mangled_programs_give_a_circuit_or_a_sentence(small_bounds):
    for seed in range(150, MANY):
        rng = random.Random(seed)
        read(mangled(rng.choice([NEW, OLD]), rng))
