"""Dynamics that is learnt from records at several times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Dims, DimsLike, ParamsLike, Real
from qml.channels import Lindblad
from qml.channels.exponentials import exponential, exponentials_along
from qml.channels.lindblad import JumpLike
from qml.models.base import normal_start
from qml.operators import OperatorLike
from qml.processes.choi import choi_of_superoperator, transfer_of_choi, transposed_pairs
from qml.processes.experiments import Experiments
from qml.processes.outcomes import IntervalFamily, Prediction
from qml.processes.process import Process

START = 0.1
"""The rates that a random start is near to, and the scale of its coefficients."""


class LindbladModel(IntervalFamily):
    r"""The processes exp(t G) of a Lindblad equation at all times t, with its coefficients as parameters.

    .. math:: E_t = e^{t G}, \qquad G\rho = -i [H, \rho] + \sum_k \gamma_k \Big( L_k \rho L_k^\dagger
        - \tfrac12 \{ L_k^\dagger L_k, \rho \} \Big), \qquad H = H_0 + \sum_j h_j H_j

    theta holds the h_j, then theta_k with gamma_k = log(1 + exp(theta_k)), so that every theta is allowed. Learnt from
    counts of :class:`Experiments` at several times; ``qml.tomography.model_errors`` has the error bars, and
    ``qml.tomography.likelihood_ratio`` says whether one more term is there.

    Parameters
    ----------
    hamiltonian, jumps, dims, drift
        As for :class:`qml.channels.Lindblad`; of qubits.

    Raises
    ------
    InputError
        As :class:`qml.channels.Lindblad`; if a site is no qubit.

    Notes
    -----
    One exponential for each distinct time, O(64^n); the gradient one derivative of it for each time, the Fisher
    information one for each time and parameter.

    Examples
    --------
    >>> import numpy as np
    >>> from qml import PauliMeasurement, fit
    >>> from qml.optimizers import NaturalGradient
    >>> from qml.processes import Experiments
    >>> model = LindbladModel({"w": "Z"}, {"decay": [[0, 1], [0, 0]]})
    >>> setup = Experiments.product(np.linspace(0.2, 3.0, 8), 1, PauliMeasurement(1))
    >>> counts = setup.simulate(model.predict({"w": 0.7, "decay": 0.2}, setup), 10**6, np.random.default_rng(0))
    >>> found = fit(model, counts, params0={"w": 0.5, "decay": 0.1}, optimizer=NaturalGradient(), progress=False)
    >>> {name: round(value, 2) for name, value in model.natural(found.params).items()}
    {'w': 0.7, 'decay': 0.2}
    """

    def __init__(
        self,
        hamiltonian: Mapping[str, OperatorLike] | None = None,
        jumps: Mapping[str, JumpLike] | None = None,
        dims: DimsLike | None = None,
        *,
        drift: OperatorLike | None = None,
    ) -> None:
        self.channel = Lindblad(hamiltonian, jumps, dims, drift=drift)
        if set(self.channel.dims) != {2}:
            raise InputError(f"records of dynamics are of qubits; found sites of dimensions {self.channel.dims}.")
        if self.channel.n_params == 1:
            raise InputError("a Lindblad model needs a coefficient to learn; found a drift alone.")
        self._set_intervals(self.channel.domains[1:])
        n = len(self.channel.dims)
        self._generators = transfer_of_choi(choi_of_superoperator(self.channel.generators), n, n)
        self._generators[:, 0] = 0.0  # the trace is preserved, whatever rounding says

    def _arguments(self) -> dict[str, Any]:
        return {name: x for name, x in self.channel._arguments().items() if name != "name"}

    @property
    def sites(self) -> Dims:
        return self.channel.dims

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return self.channel.parameter_names[1:]

    def init_params(self, rng: np.random.Generator) -> Real:
        """A random start: coefficients normal, of standard deviation 0.1, and rates near 0.1.

        Parameters
        ----------
        rng : numpy Generator

        Raises
        ------
        InputError
            If `rng` is no Generator.
        """
        theta = normal_start(_checks.generator("rng", rng), self.n_params, START)
        for k, rates in self._bounded:
            theta[k] += rates.to_real(START)
        return theta

    def process(self, params: ParamsLike, time: float) -> Process:
        """The process exp(t G).

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name. By name a rate may be zero, too.
        time : float
            t, at least 0, in the unit of 1/energy.

        Raises
        ------
        InputError
            For a negative time, or parameters that do not fit.

        Examples
        --------
        >>> model = LindbladModel(jumps={"decay": [[0, 1], [0, 0]]})
        >>> model.process({"decay": 1.0}, np.log(2)).apply([0.0, 1.0]).probabilities().round(6)
        array([0.5, 0.5])
        """
        time = _checks.number("time", time, low=0.0)
        values, _ = self._values(self._anywhere(params))
        s = self.channel.superoperator(np.concatenate([[time], values]))
        kept = (s + transposed_pairs(s).conj()) / 2  # matrices stay Hermitian, but for rounding
        return Process.from_superoperator(kept, self.sites, self.sites)

    def _check(self, experiments: Any) -> None:
        if not _checks.instance("data", experiments, Experiments).is_timed:
            raise InputError("a Lindblad model predicts times; found words of gates.")

    def _predict(self, theta: Real, experiments: Experiments) -> Prediction:
        values, slopes = self._values(theta)
        generator = self._generators[0] + np.tensordot(values, self._generators[1:], axes=1)
        times = np.array(experiments.circuits)
        with np.errstate(over="ignore", invalid="ignore"):  # exponential tells it
            scaled = times[:, None, None] * generator
        matrices = exponential(scaled)
        starts, through = experiments.inputs[experiments.starts], experiments.through
        ends, is_there = experiments.effects[experiments.ends], experiments.is_there
        finals = np.matmul(matrices[through], starts[:, :, None])
        p = np.matmul(ends, finals)[:, :, 0][is_there]

        def pull(weights: Real) -> Real:
            w = np.zeros(is_there.shape)
            w[is_there] = weights
            covectors = np.einsum("nk,nkd->nd", w, ends)
            along = np.stack([covectors[through == c].T @ starts[through == c] for c in range(len(times))])
            found = np.tensordot(times, exponentials_along(scaled.swapaxes(1, 2), along), axes=1)
            return np.asarray(np.tensordot(self._generators[1:], found, axes=2) * slopes)

        def jacobian() -> Real:
            found = np.empty((len(p), len(theta)))
            for k, other in enumerate(self._generators[1:]):
                moved = exponentials_along(scaled, times[:, None, None] * other)
                changed = np.matmul(ends, np.matmul(moved[through], starts[:, :, None]))[:, :, 0]
                found[:, k] = changed[is_there] * slopes[k]
            return found

        return Prediction(p, pull, jacobian)

    def __repr__(self) -> str:
        return f"LindbladModel({', '.join(self.parameter_names)}; sites {self.sites})"
