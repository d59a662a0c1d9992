"""What a tomography leaves: the state, its likelihood, the certificate, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._descriptions import Described
from qml._results import Outcome
from qml._typing import Integer, Real
from qml.measurement import Counts
from qml.operators import OperatorLike
from qml.processes import Process
from qml.states import DensityMatrix, State
from qml.tomography.intervals import ProfileLikelihood
from qml.tomography.likelihood import deviances, free_outcomes
from qml.tomography.linear import Determined, determined


class TomographyError(RuntimeError):
    """A tomography that was not certified, told by its status sentence.

    Examples
    --------
    >>> from qml.measurement import PauliMeasurement
    >>> from qml.tomography import maximum_likelihood
    >>> counts = Counts(PauliMeasurement(2), [[20, 30, 40, 10]] * 9)
    >>> result = maximum_likelihood(counts, max_iterations=1)
    >>> try:
    ...     result.raise_if_failed()
    ... except TomographyError as error:
    ...     print(str(error) == result.status)
    True
    """


@dataclass(frozen=True, eq=False)
class TomographyHistory(_checks.Record, Described):
    """The iterates at which the certificate was computed: one entry each.

    Attributes
    ----------
    iteration : array of int
    seconds : array
        Since the start.
    log_likelihood, gap : array
        In nats; the gap is the certificate, by which the log-likelihood lies below the largest at most.

    Examples
    --------
    >>> from qml.measurement import PauliMeasurement
    >>> from qml.tomography import maximum_likelihood
    >>> counts = Counts(PauliMeasurement(["X", "Y", "Z"]), [[50, 50], [50, 50], [80, 20]])
    >>> history = maximum_likelihood(counts).history
    >>> len(history) == len(history.gap), bool(history.gap[-1] < 1e-3)
    (True, True)
    """

    iteration: Integer
    seconds: Real
    log_likelihood: Real
    gap: Real

    @classmethod
    def _of(cls, rows: list[tuple[int, float, float, float]]) -> TomographyHistory:
        iteration, *others = zip(*rows, strict=True)
        return cls(np.array(iteration, dtype=np.int64), *(np.array(column, dtype=float) for column in others))

    def columns(self) -> dict[str, Integer | Real]:
        """All arrays by name; the gap as `certificate`, since it is no distance from a floor."""
        return {
            "iteration": self.iteration,
            "log_likelihood": self.log_likelihood,
            "certificate": self.gap,
            "seconds": self.seconds,
        }

    def __len__(self) -> int:
        return len(self.iteration)


@dataclass(frozen=True, eq=False, repr=False)
class TomographyResult(Outcome):
    r"""The state of largest likelihood, and the proof of how near to the largest it is.

    .. math:: L(\sigma) = \sum_k n_k \log \mathrm{Tr}(M_k \sigma), \qquad
        L_{\max} - L(\sigma) \le N \log\lambda_{\max}(R), \qquad R = \sum_k \frac{n_k}{N p_k} M_k

    Attributes
    ----------
    state : DensityMatrix
    counts : Counts
        What was measured.
    log_likelihood : float
        L = sum_k n_k log p_k in nats, without the multinomial coefficient (and without hedging).
    certificate : float
        No state (or process) has a log-likelihood that is larger by more than this (nats): N log lambda_max(R), with
        R = sum_k (n_k / N p_k) M_k; of a process as :func:`qml.tomography.process_tomography` says. With hedging, of
        the hedged likelihood.
    rounding : float
        What rounding of the probabilities leaves uncertain in the certificate (nats): N eps C, with C about 1/p of the
        least likely outcome that was seen.
    unique : bool or None
        Whether one state alone has the largest likelihood: True or False where that is proved, else None; see
        ``qml.tomography.face.is_unique``.
    wanted : float
        The gap (nats) that was asked for.
    iterations : int
    seconds : float
    converged : bool
        Whether certificate <= wanted, or the best state of the rank that was asked for was found.
    status : str
        How it ended, and whether another state is as likely, in a sentence.
    method : str
    rank_limit : int or None
        The largest rank that was allowed.
    hedging : float
    history : TomographyHistory

    Examples
    --------
    >>> from qml.measurement import PauliMeasurement
    >>> from qml.tomography import maximum_likelihood
    >>> counts = Counts(PauliMeasurement(["X", "Y", "Z"]), [[50, 50], [50, 50], [80, 20]])
    >>> result = maximum_likelihood(counts)
    >>> result.converged, result.certificate <= result.wanted, result.unique
    (True, True, True)
    >>> result.state.probabilities().round(4), round(result.log_likelihood, 4)
    (array([0.8, 0.2]), -188.6697)

    It goes to a file with its counts:

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     result.save(f"{folder}/tomogram.json")
    ...     again = TomographyResult.load(f"{folder}/tomogram.json")
    >>> again.counts == counts, again.summary() == result.summary()
    (True, True)
    """

    state: DensityMatrix
    counts: Counts
    log_likelihood: float
    certificate: float
    rounding: float
    unique: bool | None
    wanted: float
    iterations: int
    seconds: float
    converged: bool
    status: str
    method: str
    rank_limit: int | None
    hedging: float
    history: TomographyHistory

    @cached_property
    def rank(self) -> int:
        """Of the state: eigenvalues that no state of maximum likelihood needs are left out, and those without which the
        gap that was asked for is kept."""
        return int(self.state.rank())

    @cached_property
    def process(self) -> Process:
        """The process of largest likelihood, where the counts are those of one; its Choi state is the state.

        Raises
        ------
        InputError
            If the counts are of a state.
        """
        if not (dims_in := self.counts.measurement.dims_in):
            raise InputError("these are counts of a state, not of a process: see process_tomography.")
        return Process._of(self.state, dims_in)

    @cached_property
    def determined(self) -> Determined:
        """What the settings determine; see :func:`qml.tomography.determined`."""
        return determined(self.counts)

    @cached_property
    def setting_deviances(self) -> Real:
        r"""How far the counts of each setting are from the state's predictions, shape (settings,).

        .. math:: G_s = 2 \sum_{k \in s} n_k \log\frac{n_k}{N_s p_k}

        Where one state explains all settings, each is near to the number of outcomes less one where counts are large,
        the sum a little smaller for the parameters fitted. Sums far above say that the settings did not see one state.
        """
        p = self.counts.measurement.probabilities(self.state)
        return _checks.kept(deviances(self.counts, p))

    @property
    def deviance(self) -> float:
        """Twice the log-likelihood that the frequencies themselves have above the state's: all settings together."""
        return float(self.setting_deviances.sum())

    @property
    def parameters(self) -> int:
        """How many real parameters a state of this rank has: 2rd - r^2 - 1; of a process, less those that preserving
        the trace takes away."""
        return 2 * self.rank * self.state.dim - self.rank**2 - 1 - len(self.counts.measurement.fixed)

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2 parameters - 2 log-likelihood, to compare rank limits: the smaller the better. It
        prefers ranks that are too small; see :func:`qml.tomography.choose_rank` for states."""
        return 2 * self.parameters - 2 * self.log_likelihood

    @property
    def degrees(self) -> int:
        """What the deviance is near to for a state of this rank: outcomes of the measured settings less one a setting,
        less the parameters."""
        return free_outcomes(self.counts) - self.parameters

    def interval(
        self, operator: OperatorLike | State, level: float = 0.95, *, replicates: int = 200, seed: int = 0
    ) -> tuple[float, float]:
        """The values of an expectation Tr(O sigma), or of the fidelity with a pure state, that the record does not rule
        out: a confidence interval from the likelihood ratio, whose law is drawn, so that it covers at the boundary of
        the states too.

        See :class:`qml.tomography.ProfileLikelihood` for what it is, costs and refuses. The record is used, whatever
        the rank limit or hedging of the state.

        Parameters
        ----------
        operator : PauliSum, array (d, d), Qobj or State
            O, Hermitian; a pure state for the fidelity with it.
        level : float
            From 0.5 to 0.9999.
        replicates : int
            Records drawn for each law; 0 takes chi-square in its place.
        seed : int

        Raises
        ------
        InputError
            If O is not Hermitian or on other sites, the state is mixed, or a number is out of range.

        Examples
        --------
        >>> import numpy as np
        >>> from qml.measurement import Counts, PauliMeasurement
        >>> from qml.tomography import maximum_likelihood
        >>> result = maximum_likelihood(Counts(PauliMeasurement(["X", "Y", "Z"]), [[50, 50], [50, 50], [100, 0]]))
        >>> result.interval(np.diag([1.0, 0.0]), replicates=40)[1]
        1.0
        """
        return ProfileLikelihood(self.counts, operator).interval(level, replicates=replicates, seed=seed)

    caption: ClassVar[str] = "tomography"
    error: ClassVar[type[RuntimeError]] = TomographyError

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("log-likelihood", f"{self.log_likelihood:.12g} nats"),
            ("certificate", f"at most {self.certificate:.3g} nats below the largest (rounding {self.rounding:.2g})"),
            ("purity", f"{float(self.state.purity()):.6f}"),
            ("entropy", f"{float(self.state.entropy()):.6f} nats"),
            ("rank", f"{self.rank} of {self.state.dim}"),
            ("deviance", f"{self.deviance:.6g} for about {self.degrees} degrees of freedom"),
            ("data", f"{self.counts.total:.6g} shots, {len(self.counts.measurement.settings)} settings"),
            ("method", self.method),
            ("iterations", str(self.iterations)),
            ("seconds", f"{self.seconds:.3f}"),
            ("status", self.status),
        ]

    def __repr__(self) -> str:
        return f"<TomographyResult: log-likelihood {self.log_likelihood:.9g}, {self.status}>"
