"""J6: a sweep by the command: small Gibbs fits, each at a temperature of its own; n is the number of points."""

from __future__ import annotations

import tempfile
from operator import attrgetter
from pathlib import Path

import numpy as np
from jobs import Studied, study
from workload import Task, Workload

WORKLOAD = Workload(
    "a sweep over temperatures; n is the number of points", "seconds a sweep", sizes=(200,), defaults=True
)
STUDY = """\
target: {{kind: thermal, hamiltonian: {{kind: tfim, n: 2}}, beta: 1}}
fits: [{{name: Gibbs, model: {{kind: gibbs, generators: {{kind: neighbors, n: 2}}}}, max_iterations: 100}}]
sweep: {{grid: {{target.beta: {{low: 0.1, high: 2, count: {count}}}}}}}
"""


@WORKLOAD.by("qml", "numpy")
def qml(n: int, variant: str) -> Task:
    def run() -> Studied:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "study.yaml"
            file.write_text(STUDY.format(count=n), encoding="utf-8")
            return study(file)

    return Task(run, lambda done: np.array([len(done.losses), np.isfinite(done.losses).all()]), attrgetter("seconds"))
