"""Diamond distances against closed forms and bounds."""

import math
import sys

import numpy as np
import pytest
from helpers.processes import random_kraus

from qml import channels, gates, relative_entropy
from qml._checks import InputError
from qml.processes import Process, diamond_distance


def test_the_diamond_distance_of_a_process_with_itself_needs_no_solver():
    assert diamond_distance(gates.H, gates.H) == 0.0


@pytest.mark.parametrize("dim", [1, 3])
def test_all_processes_into_one_level_are_the_trace(dim):
    one, other = (Process.from_kraus(random_kraus((dim,), (1,), dim + 1, seed), (dim,), (1,)) for seed in (1, 2))
    assert diamond_distance(one, other) == 0.0


def test_without_cvxpy_the_extra_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cvxpy", None)
    with pytest.raises(InputError, match=r"needs cvxpy, which is not installed: run pip install 'qmaxlik\[diamond\]'"):
        diamond_distance(gates.H, gates.X)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1e-3, 1e-6, 1e-9])
def test_small_diamond_distances_have_their_digits(size):
    assert diamond_distance(channels.PhaseFlip(size, 0), gates.I) == pytest.approx(size, rel=1e-5, abs=0)
    assert diamond_distance(gates.RZ(0.4 + size, 0), gates.RZ(0.4, 0)) == pytest.approx(size / 2, rel=1e-5, abs=0)
    assert diamond_distance(channels.Depolarizing(size, 0), gates.I) == pytest.approx(0.75 * size, rel=1e-5, abs=0)


@pytest.mark.slow
def test_the_diamond_distance_of_pauli_channels_and_of_rotations():
    """Half of sum |p - q| for Pauli channels; sin(a / 2) for two rotations that differ by the angle a < pi."""
    assert diamond_distance(channels.PhaseFlip(0.1, 0), channels.BitFlip(0.2, 0)) == pytest.approx(0.2, abs=1e-5)
    assert diamond_distance(gates.RZ(0.2, 0), gates.RZ(0.9, 0)) == pytest.approx(math.sin(0.35), abs=1e-5)
    one, other = (Process.from_kraus(random_kraus((2,), (2,), 2, seed)) for seed in (1, 2))
    t = np.abs(np.linalg.eigvalsh(one.choi.matrix() - other.choi.matrix())).sum() / 2
    found = diamond_distance(one, other)
    assert t - 1e-6 < found < min(1, 2 * t) + 1e-6
    assert found < 2 * np.sqrt(relative_entropy(one.choi, other.choi) / 2) + 1e-6  # statement 23
