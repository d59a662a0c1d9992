"""J7: from the start of a process to the result of five lines such as the README's; imports and compiling, nearly all.

Variants: kernels in the cache, as from the second time on, and an empty cache, as right after installation.
"""

from __future__ import annotations

import tempfile
from operator import attrgetter

import numpy as np
from jobs import Ended, process
from workload import Task, Workload

WORKLOAD = Workload(
    "a fresh process until its first result; n is the number of system qubits",
    "seconds a process",
    sizes=(3,),
    variants=("cached", "fresh"),
    tolerance=1e-6,
    defaults=True,
)
FIVE_LINES = """
import qml
target = qml.thermal(qml.operators.tfim({n}), beta=1.0)
circuit = qml.circuits.purification({n}, 2, layers=2).then(qml.channels.Depolarizing("p", 0))
result = qml.fit(qml.CircuitModel(circuit), target, seed=1, max_iterations=100)
print(result.summary())
print(float(result.history.loss[0]), result.loss < result.history.loss[0])
"""


def last_line(ended: Ended) -> np.ndarray:
    start, fell = ended.printed.splitlines()[-1].split()
    return np.array([float(start), fell == "True"])


@WORKLOAD.by("qml", "llvmlite", "numpy")
def qml(n: int, variant: str) -> Task:
    program = FIVE_LINES.format(n=n)

    def run() -> Ended:
        if variant == "cached":
            return process(program)
        with tempfile.TemporaryDirectory() as folder:
            return process(program, environment={"QML_CACHE_DIR": folder})

    return Task(run, last_line, attrgetter("seconds"))
