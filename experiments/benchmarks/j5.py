"""J5: the quickstart by the command, from its start to its end: imports, study, two fits, figures and files."""

from __future__ import annotations

from operator import attrgetter

import numpy as np
from jobs import ROOT, study
from workload import Task, Workload

WORKLOAD = Workload("qml run experiments/quickstart.yaml", "seconds a run", sizes=(5,), tolerance=1e-6, defaults=True)


@WORKLOAD.by("qml", "llvmlite", "numpy")
def qml(n: int, variant: str) -> Task:
    """The first call compiles where the cache is empty."""
    file = ROOT / "experiments" / "quickstart.yaml"
    return Task(lambda: study(file), lambda done: np.array(done.losses), attrgetter("seconds"))
