"""How gates are found, explained, and refused in a sentence where they are none."""

from __future__ import annotations

import inspect
import math
import pydoc
import re

import numpy as np
import pytest

from qml import gates
from qml._checks import InputError, MemoryRefused
from qml.channels import Depolarizing
from qml.gates import GATES, PauliRotation, UnitaryGate, controlled
from qml.parameters import Parameter

NONE = np.zeros(0)
ALL = list(GATES.values())


def refused(sentence: str) -> pytest.RaisesExc:
    return pytest.raises(InputError, match=re.escape(sentence))


def test_an_unknown_name_is_answered_with_the_nearest():
    with refused("a gate's name must be one of 'I', 'X'"):
        gates.gate("Q9")
    with refused("found 'Tofoli' (did you mean 'Toffoli'?)"):
        gates.gate("Tofoli")
    with refused("found 3"):
        gates.gate(3)


def test_matrices_that_are_no_gates():
    with refused("the matrix of gate U must be unitary; found max|U^dagger U - 1| = 0.21, tolerance 1e-10."):
        UnitaryGate([[1.1, 0], [0, 1]])
    with refused("the matrix of gate V must have shape (..., d, d); found shape (2, 3)"):
        UnitaryGate(np.ones((2, 3)), name="V")
    with refused("the matrix of gate U must have shape (d, d); found shape (5, 2, 2)"):
        UnitaryGate(np.broadcast_to(np.eye(2), (5, 2, 2)))
    with refused("the matrix of gate U must be finite; found nan"):
        UnitaryGate([[math.nan, 0], [0, 1]])
    with refused("name must be a text; found 3"):
        UnitaryGate(np.eye(2), name=3)
    with refused("dims must multiply to the dimension 4; found (2, 3), product 6"):
        UnitaryGate(np.eye(4), dims=(2, 3))


def test_wrong_labels_and_controls():
    for label in ("", "XQ", "xx", 3):
        with refused(f"a Pauli label must be one or more of the letters I, X, Y, Z; found {label!r}"):
            PauliRotation(label)
    with refused("gate must be a Unitary; found Depolarizing"):
        controlled(Depolarizing)
    with refused("n_controls must be an integer of at least 1; found 0"):
        controlled(gates.X, 0)


def test_wrong_placements():
    with refused("RX takes 2 arguments (theta, site); found 1: 'a'"):
        gates.RX("a")
    with refused("U3 takes 4 arguments (theta, phi, lambda, site); found 2"):
        gates.U3(0.1, 0)
    with refused("CNOT takes 2 arguments (site0, site1); found 3"):
        gates.CNOT(0, 1, 2)
    with refused("CNOT needs 2 distinct sites; found (1, 1)"):
        gates.CNOT(1, 1)
    with refused("X: site must be an integer of at least 0; found -1"):
        gates.X(-1)
    with refused("RX: theta must be a finite number; found nan"):
        gates.RX(math.nan, 0)


def test_matrices_too_large_for_memory_are_refused_before_they_are_made():
    with pytest.raises(MemoryRefused, match=r"the dense matrix of RX+ needs .* GiB"):
        PauliRotation("X" * 40).matrix(np.array([0.1]))
    with pytest.raises(MemoryRefused, match=r"the dense matrix of C+X needs"):
        controlled(gates.X, 22).matrix(NONE)


def test_gates_are_found_as_other_libraries_spell_them():
    spelled = {
        "CX": gates.CNOT,
        "cnot": gates.CNOT,
        "ccx": gates.Toffoli,
        "cswap": gates.Fredkin,
        "id": gates.I,
        "u": gates.U3,
        "phase": gates.P,
        "cphase": gates.CP,
        "sxdg": gates.SXdg,
        "PauliX": gates.X,
        "Hadamard": gates.H,
        "PhaseShift": gates.P,
        "IsingZZ": gates.RZZ,
        "xx_plus_yy": gates.XXPlusYY,
    }
    assert {name: gates.gate(name) for name in spelled} == spelled
    assert (gates.CNOT, gates.Toffoli, gates.Fredkin) == (gates.CX, gates.CCX, gates.CSWAP)
    assert gates.SX.inverse(())[0] == gates.SXdg
    assert set(gates.ALIASES.values()) <= set(GATES)
    with refused("found 'cnott' (did you mean 'CNOT'?)"):
        gates.gate("cnott")


def test_help_on_a_gate_shows_how_it_is_called_with_units():
    text = pydoc.render_doc(gates.CRX, renderer=pydoc.plaintext)
    assert "CRX(theta, site0, site1)" in text
    assert "RX on the second qubit where the first is in |1>." in text
    assert "In radians" in text or "in radians" in text
    assert str(inspect.signature(gates.U3)) == "(theta, phi, lambda, site, /)"
    assert str(inspect.signature(UnitaryGate)).startswith("(matrix")
    for name, gate in GATES.items():
        assert gate.__doc__.startswith(f"{name}{inspect.signature(gate)}".replace(", /", "")), name


def test_names_of_parameters_do_not_read_as_numbers():
    for name in ("0.3", "1e-3", " 2 ", "inf", "nan", "1j"):
        with refused("must not read as a number"):
            gates.RX(name, 0)
    for divisor in (0, "a", None):
        with refused("the divisor of a parameter must"):
            Parameter("a") / divisor
    assert gates.RX("a1", 0).parameters == ("a1",)
