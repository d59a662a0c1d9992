"""Every named gate against QuTiP: its own gates where it has them, exponentials of its operators elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
import qutip
from helpers.cases import every
from qutip.core import gates as qg

from qml import gates
from qml.gates import GATES, PauliRotation

A, B, C = 0.83, -1.37, 2.21
ONE, ZERO = qutip.fock_dm(2, 1), qutip.fock_dm(2, 0)
PAULI = {"I": qutip.qeye(2), "X": qutip.sigmax(), "Y": qutip.sigmay(), "Z": qutip.sigmaz()}


def exponential(label: str, theta: float) -> qutip.Qobj:
    return (-0.5j * theta * qutip.tensor([PAULI[letter] for letter in label])).expm()


def controlled(u: qutip.Qobj) -> qutip.Qobj:
    return qutip.tensor(ZERO, qutip.qeye_like(u)) + qutip.tensor(ONE, u)


U3 = np.exp(0.5j * (B + C)) * qg.rz(B) * qg.ry(A) * qg.rz(C)
XX_PLUS_YY = (-0.25j * A * (qutip.tensor(PAULI["X"], PAULI["X"]) + qutip.tensor(PAULI["Y"], PAULI["Y"]))).expm()
REFERENCES = {
    "I": ((), qutip.qeye(2)),
    "X": ((), PAULI["X"]),
    "Y": ((), PAULI["Y"]),
    "Z": ((), PAULI["Z"]),
    "H": ((), qg.snot()),
    "S": ((), qg.s_gate()),
    "Sdg": ((), qg.s_gate().dag()),
    "T": ((), qg.t_gate()),
    "Tdg": ((), qg.t_gate().dag()),
    "SX": ((), qg.sqrtnot()),
    "SXdg": ((), qg.sqrtnot().dag()),
    "RX": ((A,), qg.rx(A)),
    "RY": ((A,), qg.ry(A)),
    "RZ": ((A,), qg.rz(A)),
    "P": ((A,), qg.phasegate(A)),
    "U3": ((A, B, C), U3),
    "CNOT": ((), qg.cnot()),
    "CY": ((), qg.cy_gate()),
    "CZ": ((), qg.cz_gate()),
    "CH": ((), controlled(qg.snot())),
    "SWAP": ((), qg.swap()),
    "ISWAP": ((), qg.iswap()),
    "ECR": ((), (qutip.tensor(PAULI["X"], PAULI["I"]) - qutip.tensor(PAULI["Y"], PAULI["X"])) / np.sqrt(2)),
    "CRX": ((A,), controlled(qg.rx(A))),
    "CRY": ((A,), controlled(qg.ry(A))),
    "CRZ": ((A,), controlled(qg.rz(A))),
    "CP": ((A,), qg.cphase(A)),
    "RXX": ((A,), exponential("XX", A)),
    "RYY": ((A,), exponential("YY", A)),
    "RZZ": ((A,), exponential("ZZ", A)),
    "XXPlusYY": ((A,), XX_PLUS_YY),
    "Toffoli": ((), qg.toffoli()),
    "Fredkin": ((), qg.fredkin()),
}


def test_every_named_gate_has_a_reference():
    assert set(REFERENCES) == set(GATES)


@every("name", REFERENCES)
def test_the_matrix_is_that_of_qutip(name):
    params, reference = REFERENCES[name]
    gate = GATES[name]
    assert tuple(reference.dims[0]) == gate.dims
    assert np.abs(gate.matrix(np.array(params)) - reference.full()).max() < 1e-14


@every("name", REFERENCES)
def test_the_superoperator_is_that_of_qutip(name):
    params, reference = REFERENCES[name]
    gate = GATES[name]
    rho = qutip.rand_dm(list(gate.dims), seed=3)
    moved = qutip.vector_to_operator(qutip.to_super(reference) * qutip.operator_to_vector(rho))
    ours = gate.superoperator(np.array(params)) @ rho.full().reshape(-1)
    assert np.abs(ours - moved.full().reshape(-1)).max() < 1e-14


@pytest.mark.parametrize("label", ["XXY", "ZIZ", "YXZX", "IIZ"])
def test_pauli_rotations_of_any_weight_are_exponentials(label):
    for theta in (A, math.pi, -7.0):
        ours = PauliRotation(label).matrix(np.array([theta]))
        assert np.abs(ours - exponential(label, theta).full()).max() < 1e-14


def test_a_rotated_qutip_gate_is_taken_as_it_is():
    u = qutip.rand_unitary([2, 3], seed=5)
    gate = gates.UnitaryGate(u.full(), dims=(2, 3))
    assert np.array_equal(gate.matrix(np.zeros(0)), u.full())
    nested = gates.controlled(gate).matrix(np.zeros(0))
    assert np.abs(nested - controlled(u).full()).max() == 0
