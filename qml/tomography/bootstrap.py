"""Error bars by repeating the experiment on the computer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._machine import processors
from qml._results import Table
from qml._typing import Complex, Real
from qml.fitting.parallel import processes
from qml.measurement import Counts
from qml.measurement.sampling import draw
from qml.states import DensityMatrix, State
from qml.tomography.mle import maximum_likelihood
from qml.tomography.process import process_tomography
from qml.tomography.result import TomographyResult

KINDS = ("parametric", "nonparametric")


MOST = 10**6
"""Replicates."""


GAP = 1e-3
"""Nats: far below what one resampled record differs from another by."""


@dataclass(frozen=True, eq=False, repr=False)
class Bootstrap(Table):
    """Functions of the state over resampled records: what :func:`bootstrap` returns.

    Attributes
    ----------
    estimates : mapping of str to float
        At the state of maximum likelihood of the data themselves.
    values : mapping of str to array (replicates,)
    log_likelihoods : array (replicates,)
        The largest log-likelihood of each resampled record, in nats.
    kind : str
    seed : int

    Examples
    --------
    >>> from qml.measurement import PauliMeasurement
    >>> result = maximum_likelihood(Counts(PauliMeasurement(["X", "Y", "Z"]), [[50, 50], [50, 50], [80, 20]]))
    >>> repeated = bootstrap(result, {"purity": State.purity}, replicates=20, seed=0)
    >>> round(repeated.estimates["purity"], 6)
    0.68
    >>> repeated.values["purity"].shape, 0.01 < repeated.standard_error("purity") < 0.1
    ((20,), True)
    >>> low, high = repeated.interval("purity", 0.9)
    >>> bool(low < 0.68 < high)
    True
    """

    estimates: Mapping[str, float]
    values: Mapping[str, Real]
    log_likelihoods: Real
    kind: str
    seed: int

    def standard_error(self, name: str) -> float:
        """The standard deviation of one function over the resampled records, in its unit.

        Parameters
        ----------
        name : str
            One of those that :func:`bootstrap` was given.

        Raises
        ------
        InputError
            If there is no such function.
        """
        return float(np.std(self._drawn(name), ddof=1))

    def interval(self, name: str, level: float = 0.95, *, kind: str = "percentile") -> tuple[float, float]:
        r"""An interval from the quantiles q over the resampled records; `kind` is which.

        .. math:: \text{percentile: } [q_{low}, q_{high}], \qquad
            \text{basic: } [2 \hat f - q_{high}, 2 \hat f - q_{low}]

        The basic one takes the bias of the estimate off; it can leave the range of the function. At the boundary of the
        states the percentiles miss: records of the estimate, which lies inside, scatter further inside, and never come
        back to a pure truth. For an expectation or the fidelity with a pure state use ``TomographyResult.interval``.
        What each of them covers was measured: docs/explanation/tomography.md.

        Parameters
        ----------
        name : str
            Of the function.
        level : float
            From 0 to 1.
        kind : {"percentile", "basic"}

        Raises
        ------
        InputError
            For a name or kind that there is not, or a level out of range.
        """
        tail = (1 - _checks.number("level", level, 0.0, 1.0)) / 2
        low, high = (float(q) for q in np.quantile(self._drawn(name), [tail, 1 - tail]))
        if _checks.choice("kind", kind, ("percentile", "basic")) == "percentile":
            return low, high
        center = 2 * self.estimates[name]
        return center - high, center - low

    def bias(self, name: str) -> float:
        """The mean of one function over the resampled records, minus its estimate, in its unit.

        Parameters
        ----------
        name : str
            One of those that :func:`bootstrap` was given.

        Raises
        ------
        InputError
            If there is no such function.
        """
        return float(np.mean(self._drawn(name)) - self.estimates[name])

    def _drawn(self, name: str) -> Real:
        return self.values[_checks.choice("name", name, self.values)]

    caption: ClassVar[str] = "bootstrap"

    def _rows(self) -> list[tuple[str, str]]:
        return [
            *(
                (name, f"{value:.6g} +- {self.standard_error(name):.2g}, bias {self.bias(name):+.2g}")
                for name, value in self.estimates.items()
            ),
            ("records", f"{len(self.log_likelihoods)} drawn, {self.kind}, seed {self.seed}"),
        ]


def bootstrap(
    result: TomographyResult,
    functionals: Mapping[str, Callable[[State], Any]],
    *,
    replicates: int = 100,
    kind: str = "parametric",
    seed: int | None = None,
    workers: int = 1,
) -> Bootstrap:
    """Resample the record, find the state of maximum likelihood of each, and see how far functions of it scatter.

    Parameters
    ----------
    result : TomographyResult
        Its method, rank limit and hedging are used again.
    functionals : mapping of str to callable
        Numbers read off a state, by name; of a process, off its Choi state.
    replicates : int
        At least 2.
    kind : {"parametric", "nonparametric"}
        Draw the counts of each setting from the state found, or from the frequencies measured. Frequencies of zero
        stay zero: where many outcomes were never seen the nonparametric bootstrap is too narrow.
    seed : int, optional
        What all random streams follow from, one for each replicate: the number of workers changes nothing.
    workers : int
        Processes; no more are started than there are cores.

    Returns
    -------
    Bootstrap

    Raises
    ------
    InputError
        For a result of maximum_entropy, weights in place of counts, a functional that gives no finite number, or an
        argument out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from qml.measurement import PauliMeasurement, sample
    >>> from qml.states import ghz
    >>> counts = sample(ghz(2), PauliMeasurement(2), 1000, np.random.default_rng(1))
    >>> spread = bootstrap(maximum_likelihood(counts), {"purity": State.purity}, replicates=10, seed=2)
    >>> 0 < spread.standard_error("purity") < 0.05
    True
    """
    result = _checks.instance("result", result, TomographyResult)
    for name, function in _checks.mapping("functionals", functionals).items():
        if not callable(function):
            raise InputError(f"functionals[{name!r}] must be a function of a state; found {_checks.shown(function)}.")
    if result.method == "maximum_entropy":
        raise InputError("the bootstrap repeats maximum_likelihood; found a result of maximum_entropy.")
    if result.counts.is_weighted:
        raise InputError("the bootstrap needs integer counts; found a record of weights.")
    replicates = _checks.integer("replicates", replicates, low=2, high=MOST)
    workers = min(_checks.integer("workers", workers, low=1), replicates, processors())
    root = np.random.SeedSequence(None if seed is None else _checks.integer("seed", seed, low=0))
    assert isinstance(root.entropy, int)
    is_parametric = _checks.choice("kind", kind, KINDS) == "parametric"
    counts = result.counts
    p = counts.measurement.probabilities(result.state)
    if not is_parametric:
        p = np.where(np.repeat(counts.shots > 0, counts.measurement.sizes), counts.frequencies(), p)
    one = partial(_replicate, result, p)
    streams = root.spawn(replicates)
    if workers == 1:
        found = [one(stream) for stream in streams]
    else:
        with processes(workers, "a replicate") as pool:
            found = list(pool.map(one, streams, chunksize=max(1, replicates // (4 * workers))))
    states = [DensityMatrix._trusted(matrix, counts.measurement.dims) for matrix, _ in found]
    return Bootstrap(
        {name: _number(name, f, result.state) for name, f in functionals.items()},
        {name: np.array([_number(name, f, state) for state in states]) for name, f in functionals.items()},
        np.array([value for _, value in found]),
        kind,
        root.entropy,
    )


def _number(name: str, function: Callable[[State], Any], state: State) -> float:
    return _checks.number(f"functionals[{name!r}]", function(state))


def _replicate(result: TomographyResult, p: Real, stream: np.random.SeedSequence) -> tuple[Complex, float]:
    """The state of maximum likelihood of one resampled record, and its log-likelihood."""
    m, rank = result.counts.measurement, result.rank_limit
    record = Counts(m, draw(p, m, np.asarray(result.counts.shots), np.random.default_rng(stream)))
    if len(m.fixed):
        start = None if rank is None else result.process  # a limited rank has other maxima
        found = process_tomography(record, rank=rank, start=start, progress=False)
    else:
        found = maximum_likelihood(record, method=result.method, rank=rank, hedging=result.hedging, gap=GAP)
    return found.state.matrix(), found.log_likelihood
