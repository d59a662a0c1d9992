"""Process tomography where ranks are limited: starts of lower rank, and maxima beside the largest."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import unitary_group

from qml import Circuit, PauliMeasurement, channels, gates, sample
from qml.processes import Process, ProcessMeasurement, as_process, process_fidelity
from qml.tomography import bootstrap, process_tomography

SETUP = ProcessMeasurement(1, PauliMeasurement(1))
TURN = Circuit(1, [gates.RX(0.3, 0)])
DAMPED = TURN.then(channels.AmplitudeDamping(0.3, 0))
DEPOLARISED = TURN.then(channels.Depolarizing(0.1, 0))


@pytest.mark.parametrize("rank", [None, 3])
def test_the_search_leaves_the_rank_of_its_start(rank):
    """A gate without noise is what a laboratory starts from; where a Kraus operator is zero, so is its slope."""
    counts = sample(Process.from_circuit(DEPOLARISED), SETUP, 1000, np.random.default_rng(1))
    best = process_tomography(counts, rank=rank, restarts=1 if rank is None else 4)
    for ideal in (TURN, Circuit(1, [gates.RY(0.2, 0)]), DAMPED):
        found = process_tomography(counts, rank=rank, start=as_process(ideal))
        assert found.converged, found.status
        assert found.log_likelihood == pytest.approx(best.log_likelihood, abs=1e-3)


def test_the_bootstrap_of_a_limited_rank_stays_at_its_maximum():
    """From the random start of seed 0 the likelihood of this gate has another maximum, 500 nats lower."""
    gate = Process.from_kraus(unitary_group.rvs(2, random_state=3))
    counts = sample(gate, SETUP, 100, np.random.default_rng(3))
    best = process_tomography(counts, rank=1, restarts=6)
    assert process_tomography(counts, rank=1).log_likelihood < best.log_likelihood - 400
    spread = bootstrap(best, {"F": lambda j: process_fidelity(Process(j), gate)}, replicates=8, seed=1)
    assert spread.standard_error("F") < 0.01
    assert spread.values["F"].min() > 0.98
