"""Experiments whose outcomes a model predicts as numbers: settings with outcomes, and nothing else."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Dims, Real
from qml.measurement import Counts
from qml.measurement.base import Measurement
from qml.measurement.sampling import draw, shots_of
from qml.processes.measurement import SUMS
from qml.states import DensityMatrix, State


class Design(Measurement):
    r"""Settings with outcomes, of which a :class:`ProcessFamily` says how likely they are.

    As a measurement it reads the classical state P(s, k) = p_sk / S of its S settings and their outcomes, which the
    model makes: the effects are S \|s k><s k\|. A subclass names `sites`, what the processes act on, and sets sizes.

    Examples
    --------
    >>> from qml import PauliMeasurement
    >>> from qml.processes import Experiments
    >>> setup = Experiments.product([("Gx",)], {"rho": [1.0, 0.0]}, PauliMeasurement(["Z"]))
    >>> isinstance(setup, Design), setup.settings, setup.n_outcomes
    (True, ('rho|Gx|Z',), 2)
    """

    sites: Dims

    @property
    def learnt_by(self) -> str:
        return "families of processes, such as GateSetModel or LindbladModel"

    def _set(self, sizes: ArrayLike) -> None:
        self.sizes = _checks.kept(np.asarray(sizes, dtype=np.int64))
        self.dims = (self.n_outcomes,)
        _checks.memory(f"{self.dims[0]} outcomes", 64 * self.dims[0], "use fewer settings")

    @abstractmethod
    def __repr__(self) -> str:
        """What was sent through what."""

    def simulate(self, probabilities: Real, shots: ArrayLike, rng: np.random.Generator) -> Counts:
        """Counts of shots of each setting, drawn from probabilities that a model predicts.

        Parameters
        ----------
        probabilities : array (n_outcomes,)
            Non-negative, of sum one in each setting, in the order of the outcomes.
        shots : int or array of int (settings,)
            Of each setting.
        rng : numpy Generator

        Raises
        ------
        InputError
            If the probabilities are not those of a distribution, shots are negative, or rng is no Generator.

        Examples
        --------
        >>> import numpy as np
        >>> from qml import PauliMeasurement
        >>> from qml.processes import Experiments
        >>> setup = Experiments.product([()], 1, PauliMeasurement(["Z"]))
        >>> setup.simulate(np.array([1, 0, 0, 1, 0.5, 0.5, 0.5, 0.5]), 10, np.random.default_rng(0)).counts
        array([10,  0,  0, 10,  4,  6,  6,  4])
        """
        p = _checks.reals("probabilities", probabilities)
        if p.shape != self.dims:
            raise InputError(f"probabilities must have shape {self.dims}; found {p.shape}.")
        totals = np.add.reduceat(p, self.offsets[:-1])
        worst = int(np.abs(totals - 1).argmax())
        if not (abs(totals[worst] - 1) <= SUMS and p.min() >= -SUMS):
            raise InputError(
                f"probabilities must be non-negative and add up to one in each setting; found {totals[worst]:.9g} in "
                f"{self.settings[worst]!r}, and {p.min():.3g} as the least of all."
            )
        rng = _checks.generator("rng", rng)
        return Counts(self, draw(p, self, shots_of(shots, len(self.settings)), rng))

    def _probabilities(self, state: State) -> Real:
        return np.asarray(state.probabilities() * len(self.settings))

    def _probabilities_of(self, matrix: Complex) -> Real:
        return np.asarray(np.diagonal(matrix, axis1=-2, axis2=-1).real * len(self.settings))

    def _adjoint(self, weights: Real) -> Complex:
        _checks.memory(f"a matrix of {self.dims[0]} outcomes", 16 * self.dims[0] ** 2, "ask for the diagonal")
        return np.asarray(np.diag(weights * len(self.settings)).astype(np.complex128))

    def pull(self, weights: Real, state: State) -> Cotangent:
        return weights * len(self.settings) if state.is_diagonal else super().pull(weights, state)

    def resolution(self, state: State) -> float:
        return 0.0

    def traces(self) -> Real:
        return np.full(self.dims[0], float(len(self.settings)))

    def _outcomes(self, p: Real) -> DensityMatrix:
        """The classical state of probabilities (n_outcomes,)."""
        return DensityMatrix.from_probabilities(p / len(self.settings), self.dims)
