"""Processes one after another, and side by side."""

from __future__ import annotations

import numpy as np
import pytest

from qml import Circuit, channels, gates
from qml.processes import (
    Process,
    as_process,
    average_gate_fidelity,
)


@pytest.mark.parametrize("gate", [gates.T, gates.CNOT, Circuit(1, [gates.RX(0.3, 0)])], ids=["T", "CNOT", "RX"])
def test_unitaries_one_after_another_are_unitary(gate):
    once = as_process(gate)
    found = once
    for _ in range(299):
        found = found.then(once)
    assert found.is_unitary
    assert average_gate_fidelity(found, found) == pytest.approx(1.0)


def test_a_process_that_is_accepted_may_stand_beside_another():
    """It misses the trace by 1.4e-10, of 2e-10 that are allowed."""
    almost = Process(np.kron(np.diag([0.5 + 0.7e-10, 0.5 - 0.7e-10]), np.eye(2) / 2))
    both = almost.tensor(gates.X)
    assert both.choi.matrix() == pytest.approx(
        as_process(channels.Depolarizing(1.0, 0)).tensor(gates.X).choi.matrix(), abs=1e-9
    )
