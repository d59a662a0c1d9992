"""J3: tomography by `maximum_likelihood` as it is called without options, from counts of all 3^n Pauli settings.

The data are those of W6, 0.9 GHZ + 0.1 of a random state. All must come to a state with more than 0.85 of GHZ: what
others fit by default is not the likelihood, so that no more can be compared. In the variant `coarse` all certify the
likelihood to 1e-6 of itself, as W6 does. ``python experiments/benchmarks/j3.py`` prints how likely each answer is,
and the least processor time of an estimate: set OPENBLAS_NUM_THREADS=1 for that of one thread.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import w6
from w6 import RELATIVE, Data, data
from workload import Task, Workload

DEFAULT, COARSE = "default", "coarse"
SECONDS = 3.0
"""Of repeating a call, for the least time that it takes."""

WORKLOAD = Workload(
    "the state of maximum likelihood, or what is fitted by default, all Pauli settings",
    "seconds an estimate",
    sizes=(4, 6),
    variants=(DEFAULT, COARSE),
    defaults=True,
)


def estimation(n: int, solve: Callable[[Data], Any]) -> Task:
    given = data(n)
    return Task(lambda: solve(given), lambda rho: np.array([float(ghz_part(np.asarray(rho)) > 0.85)]))


def ghz_part(rho: np.ndarray) -> float:
    """<GHZ| rho |GHZ>."""
    return float(rho[np.ix_([0, -1], [0, -1])].sum().real) / 2


@WORKLOAD.by("numpy")
def accelerated(n: int, variant: str) -> Task:
    """By hand: the accelerated projected gradient of W6, certified to 1e-6 of the log-likelihood."""
    return estimation(n, lambda _: w6.accelerated(n, variant).run())


@WORKLOAD.by("qml", "numpy", "scipy")
def qml(n: int, variant: str) -> Task:
    from qml.measurement import Counts, PauliMeasurement
    from qml.tomography import maximum_likelihood

    asked = {"gap": 0.0, "relative_gap": RELATIVE} if variant == COARSE else {}

    def solve(given: Data) -> np.ndarray:
        return maximum_likelihood(Counts(PauliMeasurement(n), given.counts), **asked).state.matrix()

    return estimation(n, solve)


@WORKLOAD.by("qiskit_experiments", "numpy", variants=(DEFAULT,))
def qiskit_experiments(n: int, variant: str) -> Task:
    """Its fitter by linear inversion, and the nearest density matrix: what `StateTomography` does by default."""
    from qiskit_experiments.library.tomography.basis import PauliMeasurementBasis
    from qiskit_experiments.library.tomography.fitters import linear_inversion, postprocess_fitter

    settings = np.array(np.unravel_index(np.arange(3**n), (3,) * n)).T
    basis = np.where(settings == 2, 0, settings + 1)[:, ::-1]  # its order is Z, X, Y, and the last qubit comes first

    def solve(given: Data) -> np.ndarray:
        reversed_outcomes = given.counts.reshape(3**n, *(2,) * n).transpose(0, *range(n, 0, -1)).reshape(1, 3**n, -1)
        shots = given.counts.sum(axis=1)
        empty = np.zeros((3**n, 0), dtype=int)
        fit, about = linear_inversion(
            reversed_outcomes, shots, basis, empty, measurement_basis=PauliMeasurementBasis(),
            measurement_qubits=tuple(range(n)),
        )  # fmt: skip
        return np.asarray(postprocess_fitter(fit, about, make_positive=True)[0][0])

    return estimation(n, solve)


def answer(name: str, n: int, variant: str) -> str:
    """A row: the log-likelihood of what one of them returns, how far below the largest it can be, and what it takes."""
    given, problem = data(n), w6.Problem(n, data(n).shares)
    task = WORKLOAD.implementations[name].build(n, variant)
    p = problem.probabilities(np.asarray(task.run()))
    shots = int(given.counts.sum())
    bound = shots * math.log(np.linalg.eigvalsh(problem.operator(p))[-1])
    least = math.inf
    start = since = time.process_time()
    while since - start < SECONDS:
        task.run()
        least, since = min(least, time.process_time() - since), time.process_time()
    return f"| {name} | {variant} | {n} | {-shots * problem.value(p):.4f} | {bound:.2g} | {1e3 * least:.3g} ms |"


def main() -> None:
    """Print the answers of those that this interpreter has."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print("| by | variant | n | log-likelihood | below the largest by at most | processor time |")
    print("|---|---|---|---|---|---|")
    for n in WORKLOAD.sizes:
        for name, found in WORKLOAD.implementations.items():
            if all(find_spec(module) for module in found.modules) and (name != "qml" or find_spec("lazy_loader")):
                for variant in found.variants:
                    print(answer(name, n, variant), flush=True)


if __name__ == "__main__":
    main()
