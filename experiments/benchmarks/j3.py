"""J3: tomography by `maximum_likelihood` as it is called without options, from counts of all 3^n Pauli settings.

The data are those of W6, 0.9 GHZ + 0.1 of a random state. All must come to a state with more than 0.85 of GHZ: what
others fit by default is not the likelihood, so that no more can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import w6
from w6 import Data, data
from workload import Task, Workload

WORKLOAD = Workload(
    "the state of maximum likelihood, or what is fitted by default, all Pauli settings",
    "seconds an estimate",
    sizes=(4, 6),
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

    def solve(given: Data) -> np.ndarray:
        return maximum_likelihood(Counts(PauliMeasurement(n), given.counts)).state.matrix()

    return estimation(n, solve)


@WORKLOAD.by("qiskit_experiments", "numpy")
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
