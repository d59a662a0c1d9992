"""Gate sets at the edges: large, known, and far from all processes."""

from __future__ import annotations

import numpy as np
import pytest

from qml import Circuit, channels, gates
from qml._checks import MemoryRefused
from qml.losses import NegativeLogLikelihood
from qml.processes import (
    Experiments,
    GateSetModel,
    Process,
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


TRAINED = (("Gx", gates.RX, "a", "p"), ("Gy", gates.RY, "b", "q"))
PLUS = [0.5**0.5, 0.5**0.5]
KNOWN = {
    "nothing": ({}, {}, 12),
    "preparations": ({"one": [0.0, 1.0], "plus": PLUS}, {}, 6),
    "a measurement": ({}, {"X": [np.outer(PLUS, PLUS), np.eye(2) - np.outer(PLUS, PLUS)]}, 8),
}


@pytest.mark.parametrize("is_learnt", [True, False])
@pytest.mark.parametrize("known", KNOWN)
def test_choosing_a_gauge_changes_no_probability(known, is_learnt):
    """Also where the record holds preparations or measurements that are known, which leave less to choose."""
    more, others, gauge = KNOWN[known]
    learnt = {"preparations": {"rho": [1.0, 0.0]}} if is_learnt else {}
    standard = xyi_gate_set()
    model = GateSetModel(standard.gates, measurements=standard.measurements, **learnt)
    setup = Experiments.product(xyi_words(2), {"rho": [1.0, 0.0], **more}, {**standard.measurements, **others})
    turns = {"Gi": gates.I(0), "Gx": gates.RX(1.5, 0), "Gy": gates.RY(1.6, 0)}
    truth = {name: Circuit(1, [turn, channels.AmplitudeDamping(0.05, 0)]) for name, turn in turns.items()}
    p = GateSetModel(truth, kind="known").predict([], setup)
    result = gate_set_tomography(model, setup.simulate(p, 1000, np.random.default_rng(0)), progress=False)
    if is_learnt:
        assert result.determined == model.n_params - gauge
    fixed, found = result.in_gauge(), []
    for row in setup.rows:
        v = fixed.preparations.get(row.preparation, setup.inputs[setup.preparation_names.index(row.preparation)])
        for name in row.circuit:
            v = fixed.gates[name] @ v
        known_effects = setup.effects[list(setup.measurements).index(row.measurement)]
        found.append(fixed.measurements.get(row.measurement, known_effects) @ v)
    assert np.abs(np.concatenate(found) - model.predict(result.params, setup)).max() < 1e-12
    assert np.abs(fixed.gates["Gx"] - Process.from_circuit(truth["Gx"]).transfer_matrix()).max() < 0.1


def test_angles_and_rates_of_long_words_are_found_from_few_shots():
    """The information of a word that returns is small, and the curvature of an outcome that was not seen is not: the
    steps of scoring that keep it in bounds hardly move a rate."""
    turns = {name: Circuit(1, [turn(angle, 0), channels.Depolarizing(rate, 0)]) for name, turn, angle, rate in TRAINED}
    model = GateSetModel(turns, kind="known")
    words = [(name,) * k for name in turns for k in (1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64, 128)]
    z = [np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]
    setup = Experiments.product(words, {"0": [1.0, 0.0]}, {"Z": z})
    p = model.predict({"a": np.pi / 2, "p": 1e-3, "b": np.pi / 2, "q": 2e-3}, setup)
    counts = setup.simulate(p, 200, np.random.default_rng(9))
    start = model.unconstrained({"a": 1.6, "p": 1e-2, "b": 1.6, "q": 1e-2})
    found = gate_set_tomography(model, counts, params0=start, progress=False)
    assert found.converged, found.status
    seen = np.asarray(counts.counts) > 0
    gain = found.log_likelihood - float(np.asarray(counts.counts)[seen] @ np.log(p[seen]))
    assert 0 < gain < 10  # of four parameters: half of chi-square, 2 on average
