"""What measuring costs, in numbers: the cross entropy of the empirical state beside the likelihood of the counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qml._results import Table
from qml.losses.counts import NegativeLogLikelihood
from qml.losses.measures import cross_entropy, trace_distance
from qml.measurement.counts import Counts
from qml.measurement.empirical import before_measuring
from qml.states.coercion import StateLike, one_state


@dataclass(frozen=True)
class MeasuredReport(Table):
    r"""Counts against a model sigma: entropies in nats a shot, and distances, which have no unit.

    Attributes
    ----------
    cross_entropy : float
        S(rho_hat, sigma) of the empirical state.
    likelihood : float
        The negative log-likelihood of the counts.
    log_traces : float
        sum_k f_k log Tr M_k; zero for projective measurements.
    floor : float
        The entropy of the frequencies, the least that the likelihood could be.
    empirical_entropy : float
        S(rho_hat), the least that the cross entropy could be.
    true_cross_entropy : float or None
        S(rho, sigma), where the measured state rho is known.
    displacement : float
        By how much learning the empirical state displaces, at sigma: the trace distance of sigma from the state whose
        empirical state, of infinitely many shots in these settings, it would be (see
        ``qml.measurement.empirical.before_measuring``). What the settings do not see counts as zero there. Where sigma
        is the empirical state of no state, a matrix with negative eigenvalues stands in its place, and the number may
        exceed one.
    empirical_distance : float or None
        The trace distance of rho_hat from rho: it does not vanish with more shots.

    Examples
    --------
    >>> from qml.measurement import PauliMeasurement
    >>> report = measured_report(Counts(PauliMeasurement(["X", "Z"]), [[60, 40], [80, 20]]), np.eye(2) / 2)
    >>> round(report.likelihood, 6), round(report.excess, 6)  # log 2 a shot, and what it is above the least
    (0.693147, 0.10644)
    >>> report.bias is None  # the measured state is not known
    True
    """

    cross_entropy: float
    likelihood: float
    log_traces: float
    floor: float
    empirical_entropy: float
    displacement: float
    true_cross_entropy: float | None = None
    empirical_distance: float | None = None

    caption: ClassVar[str] = "measured data"

    @property
    def cost(self) -> float:
        r"""S(rho_hat, sigma) - L - sum_k f_k log Tr M_k >= 0: what the empirical state says less than the counts.

        Zero iff every outcome that was seen is an eigenvector of sigma; NaN where both are +inf.
        """
        return self.cross_entropy - self.likelihood - self.log_traces

    @property
    def excess(self) -> float:
        """likelihood - floor: the relative entropy of the frequencies from the model's probabilities."""
        return self.likelihood - self.floor

    @property
    def bias(self) -> float | None:
        """S(rho_hat, sigma) - S(rho, sigma), of either sign; None where rho is not known, NaN where both are +inf."""
        return None if self.true_cross_entropy is None else self.cross_entropy - self.true_cross_entropy

    def rows(self) -> list[tuple[str, str]]:
        """Names and numbers, as tables show them."""
        known = [
            ("S(rho_hat, sigma)", self.cross_entropy),
            ("negative log-likelihood", self.likelihood),
            ("cost of measuring", self.cost),
            ("entropy of frequencies", self.floor),
            ("S(rho_hat)", self.empirical_entropy),
            ("displacement", self.displacement),
            ("S(rho, sigma)", self.true_cross_entropy),
            ("bias", self.bias),
            ("distance of rho_hat", self.empirical_distance),
        ]
        return [(name, f"{value:.9g}") for name, value in known if value is not None]

    _rows = rows


def measured_report(counts: Counts, sigma: StateLike, rho: StateLike | None = None) -> MeasuredReport:
    r"""Compare the two things that counts can be learnt by: the empirical state, and the likelihood.

    .. math:: S(\hat\rho, \sigma) \ge -\sum_k f_k \log \mathrm{Tr}(M_k \sigma) + \sum_k f_k \log \mathrm{Tr} M_k

    Parameters
    ----------
    counts : Counts
    sigma : State
        The model.
    rho : State, optional
        The measured state, where it is known (simulations): adds the bias.

    Raises
    ------
    InputError
        If the dims differ, or the record has no shots or is one of a process.

    Notes
    -----
    The inequality is Jensen's, effect by effect. Costs an eigen-decomposition, O(d^3), and the probabilities of the
    measurement. Source: Zhou Shangnan and Yixu Wang (2021), arXiv:2102.11887.

    Examples
    --------
    A qubit in the state \|0>, measured along X only:

    >>> from qml.measurement import PauliMeasurement
    >>> from qml.states import DensityMatrix, basis_state
    >>> x = PauliMeasurement(["X"])
    >>> rho, sigma = basis_state("0"), DensityMatrix([[0.9, 0.0], [0.0, 0.1]])
    >>> report = measured_report(Counts.from_frequencies(x, x.probabilities(rho)), sigma, rho)
    >>> print(report)
    S(rho_hat, sigma)        1.2039728
    negative log-likelihood  0.693147181
    cost of measuring        0.510825624
    entropy of frequencies   0.693147181
    S(rho_hat)               0.693147181
    displacement             0.4
    S(rho, sigma)            0.105360516
    bias                     1.09861229
    distance of rho_hat      0.5
    """
    loss = NegativeLogLikelihood()
    sigma = one_state(sigma, "sigma")
    rho = None if rho is None else one_state(rho, "rho", sigma.dims)
    counts = loss.accept(counts, sigma.dims)
    empirical, matrix = counts.empirical_state(), sigma.matrix()
    shares = counts.shares()
    traces = np.where(shares > 0, counts.measurement.traces(), 1.0)
    return MeasuredReport(
        cross_entropy=float(cross_entropy(empirical, sigma)),
        likelihood=loss.value(counts, sigma),
        log_traces=float(shares @ np.log(traces)) + 0.0,
        floor=loss.floor(counts),
        empirical_entropy=float(empirical.entropy()),
        displacement=float(np.abs(np.linalg.eigvalsh(before_measuring(counts, matrix) - matrix)).sum() / 2),
        true_cross_entropy=None if rho is None else float(cross_entropy(rho, sigma)),
        empirical_distance=None if rho is None else float(trace_distance(rho, empirical)),
    )
