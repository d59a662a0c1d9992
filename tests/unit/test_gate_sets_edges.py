"""Gate sets at the edges: large, known, and far from all processes."""

from __future__ import annotations

import numpy as np
import pytest

from qml import Circuit, gates
from qml._checks import MemoryRefused
from qml.losses import NegativeLogLikelihood
from qml.processes import (
    Experiments,
    GateSetModel,
    xyi_gate_set,
    xyi_words,
)
from qml.tomography import GaugeFixed, gate_set_tomography


def test_entries_of_gates_that_do_not_fit_are_refused_before_they_are_made(monkeypatch):
    gate = Circuit(4, [gates.X(0)])
    monkeypatch.setattr("qml._checks.ALWAYS_FITS", 0)
    monkeypatch.setattr("qml._checks.available_memory", lambda: 4_000_000)  # the gate itself takes two, in its forms
    assert GateSetModel({"g": gate}, kind="known").n_params == 0
    with pytest.raises(MemoryRefused, match=r"the matrix of the gate 'g' with 65536 entries needs 0\.0183 GiB"):
        GateSetModel({"g": gate})


def test_a_gate_set_of_which_all_is_known_is_compared_with_its_record():
    model = xyi_gate_set("known")
    setup = Experiments.product(xyi_words(2), {"rho": [1.0, 0.0]}, model.measurements)
    counts = setup.simulate(model.predict((), setup), 1000, np.random.default_rng(0))
    result = gate_set_tomography(model, counts, progress=False)
    assert result.determined == 0
    assert result.degrees == len(setup.settings)
    loss = NegativeLogLikelihood().value(counts, model.on(counts).state())
    assert result.log_likelihood == pytest.approx(-counts.total * loss)


def test_a_gate_far_from_all_processes_has_a_nearest_one_even_where_nothing_of_an_input_is_left():
    """The positive part of this Choi matrix, at unit trace, is |00><00|: |0> stays, and |1> may go anywhere."""
    choi = np.diag([2.5, -2.0, 0.25, 0.25])
    z = np.diag([1.0, -1.0])
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[3, 0] = 1.0, np.trace(choi @ np.kron(np.eye(2), z))
    matrix[3, 3] = np.trace(choi @ np.kron(z, z))
    found = GaugeFixed({"G": matrix}, {}, {}).process("G")
    assert found.apply([1.0, 0.0]).probabilities() == pytest.approx([1.0, 0.0])
    assert found.apply([0.0, 1.0]).probabilities() == pytest.approx([0.5, 0.5])


def test_the_gauge_of_a_record_whose_measurements_have_unlike_numbers_of_outcomes():
    z, (x, y) = [np.diag([1.0, 0.0]), np.diag([0.0, 1.0])], (np.diag([0.5, 0.2]), np.diag([0.3, 0.3]))
    model = xyi_gate_set()
    setup = Experiments.product(xyi_words(1), {"rho": [1.0, 0.0]}, {"Z": z, "three": [x, y, np.eye(2) - x - y]})
    ideal = model.init_params(np.random.default_rng(0))
    counts = setup.simulate(model.predict(ideal, setup), 10**6, np.random.default_rng(1))
    fixed = gate_set_tomography(model, counts, progress=False).in_gauge()
    assert np.abs(fixed.gates["Gx"] - model.gates["Gx"].transfer_matrix()).max() < 0.02
    assert fixed.measurements["Z"].shape == (2, 4)
