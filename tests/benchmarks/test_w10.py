"""W10: its reference, the settings of the peer by hand, and what is told of a record."""

import numpy as np
import pytest
from helpers.free_fermions import IsingChain

from qml.operators import pauli


@pytest.fixture
def w10(tools):
    return tools("w10")


def test_the_reference_is_the_thermal_state_of_that_chain(w10):
    n = 20
    chain = IsingChain(np.full(n - 1, -w10.BETA), np.full(n, -w10.BETA))
    assert tuple(pauli(label) for label in w10.labels(n)) == chain.generators()
    assert w10.exact(n) == pytest.approx(chain.expectations(), abs=1e-13)


@pytest.mark.parametrize("variant", ["1e-3", "1e-5", "1e-7", pytest.param("1e-9", marks=pytest.mark.slow)])
@pytest.mark.parametrize("n", [2, 3, 10])
def test_by_hand_reaches_the_error_asked_for(w10, n, variant):
    task = w10.numpy(n, variant)
    errors = np.abs(task.fingerprint(task.run()))
    assert len(errors) == 2 * n - 1
    assert errors.max() < 1
    if n == 10:
        assert errors.max() > 0.01  # no more digits than were asked for


def test_a_record_is_told_and_drawn_as_error_and_time(w10, tmp_path):
    names = ("implementation", "variant", "fingerprint", "parts_s", "first_s")
    rows = [
        ("qml", "1e-3", [0.5, -0.7], [{"processor": s} for s in (0.25, 9.0, 0.125)], 7.0),
        ("other", "1e-5", [0.2], [], 70.0),
        ("other", "1e-7", None, [], None),
    ]
    record = {"cells": [{"size": 50, **dict(zip(names, row, strict=True))} for row in rows], "quantity": "seconds"}
    assert w10.table(record)[2:] == [
        "| 50 | 1e-3 | qml | 7.0e-04 | 0.25 s |",
        "| 50 | 1e-5 | other | 2.0e-06 | 70 s by the clock |",
    ]
    w10.draw(record, tmp_path / "w10.svg")
    assert "<svg" in (tmp_path / "w10.svg").read_text(encoding="utf-8")
