"""How many eigenvalues the data speak for: the likelihood ratio near the boundary of the states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._descriptions import Described
from qml._results import Table
from qml.measurement import Counts
from qml.tomography.mle import maximum_likelihood
from qml.tomography.result import TomographyResult

SAMPLES = 400
SEED = 20160409


@dataclass(frozen=True)
class RankTest(Described):
    r"""What the likelihood ratio says of one rank r.

    .. math:: \lambda_r = 2 \left(\max_\sigma L(\sigma) - \max_{\mathrm{rank}\,\sigma \le r} L(\sigma)\right)

    Attributes
    ----------
    rank : int
    log_likelihood : float
        The largest found among states of this rank or less, in nats.
    parameters : int
        2rd - r^2 - 1.
    aic : float
        2 parameters - 2 log-likelihood.
    statistic : float
        2 (largest log-likelihood of all states - that of this rank).
    expected, deviation : float
        Mean and standard deviation of the statistic where the true state has this rank.

    Examples
    --------
    >>> from qml.measurement import PauliMeasurement
    >>> counts = Counts(PauliMeasurement(["X", "Y", "Z"]), [[50, 50], [50, 50], [80, 20]])
    >>> pure = choose_rank(counts).tests[0]
    >>> pure.rank, pure.parameters, pure.is_enough
    (1, 2, False)
    >>> round(pure.statistic, 2), round(pure.expected, 2), round(pure.deviation, 2)
    (45.8, 0.44, 1.14)
    """

    rank: int
    log_likelihood: float
    parameters: int
    aic: float
    statistic: float
    expected: float
    deviation: float

    @property
    def is_enough(self) -> bool:
        """Whether the statistic is no more than two standard deviations above what a true state of this rank gives."""
        return self.statistic <= self.expected + 2 * self.deviation


@dataclass(frozen=True, repr=False)
class RankChoice(Table):
    """The smallest rank that the data do not rule out, and the ranks that were tried.

    Attributes
    ----------
    rank : int
        d where none of those tried is enough.
    tests : tuple of RankTest
    full : TomographyResult
        Of all states.

    Examples
    --------
    >>> from qml.measurement import PauliMeasurement
    >>> counts = Counts(PauliMeasurement(["X", "Y", "Z"]), [[50, 50], [50, 50], [80, 20]])
    >>> choice = choose_rank(counts)
    >>> choice.rank, [test.rank for test in choice.tests]
    (2, [1, 2])
    >>> round(float(choice.full.state.purity()), 4)
    0.68
    """

    rank: int
    tests: tuple[RankTest, ...]
    full: TomographyResult

    caption: ClassVar[str] = "ranks"

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("rank", f"{self.rank} of {self.full.state.dim}"),
            *(
                (
                    f"rank {t.rank}",
                    f"{t.parameters} parameters, AIC {t.aic:.2f}, statistic {t.statistic:.2f} where {t.expected:.1f} "
                    f"+- {t.deviation:.1f} is expected" + ("  <-" if t.rank == self.rank else ""),
                )
                for t in self.tests
            ),
        ]


def choose_rank(
    counts: Counts, ranks: Sequence[int] | None = None, *, gap: float = 1e-3, max_iterations: int = 20000
) -> RankChoice:
    r"""The smallest rank whose best state explains the data as well as a true state of that rank would be explained.

    .. math:: \lambda_r = 2 \left(\max_\sigma L(\sigma) - \max_{\mathrm{rank}\,\sigma \le r} L(\sigma)\right)

    A state of rank r < d lies on the boundary, where estimates can move only inwards: the statistic does not follow the
    chi-square law of Wilks, and its mean is far below the number of parameters that rank r lacks. Its law is that of
    Gaussian noise projected on the cone of states (see :func:`expected_excess`), from Scholten and Blume-Kohout (2018),
    arXiv:1609.04385. The Akaike criterion, which is listed beside, counts those parameters in full and therefore
    prefers ranks that are too small.

    Caveats: the noise is taken to be equally large in all directions, which the Fisher information of real measurements
    is not; the small eigenvalues of a nearly singular state are neither zero nor large, and the "true rank" of an
    experiment is d. Read the result as the number of eigenvalues that stand out of the noise. The problem at fixed rank
    is not convex: what is compared is the best found from a start by least squares.

    Parameters
    ----------
    counts : Counts
    ranks : sequence of int, optional
        In any order; by default 1, 2, ... until one is enough.
    gap : float
        How exactly each likelihood is maximised, in nats.
    max_iterations : int
        Of each likelihood.

    Returns
    -------
    RankChoice

    Raises
    ------
    InputError
        For a record without shots, no rank, or one that is not between 1 and d.

    Notes
    -----
    Costs one maximum_likelihood for all states and one for each rank.

    Examples
    --------
    >>> import numpy as np
    >>> from qml.measurement import PauliMeasurement, sample
    >>> from qml.states import ginibre
    >>> rho = ginibre((2, 2), np.random.default_rng(0), rank=2)
    >>> choose_rank(sample(rho, PauliMeasurement(2), 2000, np.random.default_rng(1))).rank
    2
    """
    return _compared(counts, ranks, gap, max_iterations)[0]


def _compared(
    counts: Counts, ranks: Sequence[int] | None, gap: float, max_iterations: int
) -> tuple[RankChoice, dict[int, TomographyResult]]:
    """The choice, and what was found within each of the ranks that are smaller than that of the best of all states."""
    full = maximum_likelihood(counts, gap=gap, max_iterations=max_iterations)
    d, within = full.state.dim, dict[int, TomographyResult]()
    given = range(1, d + 1) if ranks is None else _checks.listed("ranks", ranks)
    tried = sorted({_checks.integer("each rank", r, low=1, high=d) for r in given})
    if not tried:
        raise InputError("ranks must hold at least one rank; found none.")
    tests: list[RankTest] = []
    for r in tried:
        if r < full.rank:
            within[r] = maximum_likelihood(counts, rank=r, gap=gap, max_iterations=max_iterations)
        likelihood, parameters = within.get(r, full).log_likelihood, 2 * r * d - r * r - 1
        expected, deviation = expected_excess(d, r)
        statistic = 2 * max(0.0, full.log_likelihood - likelihood)
        tests.append(RankTest(r, likelihood, parameters, 2 * (parameters - likelihood), statistic, expected, deviation))
        if ranks is None and tests[-1].is_enough:
            break
    return RankChoice(next((t.rank for t in tests if t.is_enough), d), tuple(tests), full), within


def chosen_rank(
    counts: Counts, ranks: Sequence[int] | None = None, *, gap: float = 1e-3, max_iterations: int = 20000
) -> TomographyResult:
    """The state of maximum likelihood of the smallest rank that the record does not rule out, as :func:`choose_rank`
    chooses it; the status tells which.

    Parameters
    ----------
    counts : Counts
    ranks : sequence of int, optional
        By default 1, 2, ... until one is enough.
    gap : float
        How exactly each likelihood is maximised, in nats.
    max_iterations : int
        Of each likelihood.
    """
    choice, within = _compared(counts, ranks, gap, max_iterations)
    rank = choice.rank
    found = within.get(rank) or maximum_likelihood(counts, rank=rank, gap=gap, max_iterations=max_iterations)
    sentence = f"rank {rank} of {found.state.dim} is the smallest that the record does not rule out"
    return replace(found, status=f"{found.status.removesuffix('.')}; {sentence}.")


def expected_excess(dim: int, rank: int) -> tuple[float, float]:
    r"""Mean and standard deviation of the statistic of :func:`choose_rank` for a true state of the given rank.

    In units of the noise, the estimate scatters around the true state by a Gaussian Hermitian matrix. On the support,
    and between support and kernel, it is free; on the kernel, of dimension m = d - r, it is projected on the positive
    matrices, at unit trace overall. With kappa_j the eigenvalues of the noise on the kernel (Gaussian unitary ensemble)
    and s its trace on the support, the shift q solves

    .. math:: \sum_j (\kappa_j - q)_+ + s - r q = 0

    and the states of rank r miss :math:`\sum_j (\kappa_j - q)_+^2 + (\sum_j (\kappa_j - q)_+)^2 / r` of the likelihood
    ratio: the kernel's share, and that of the weight which it takes from the support. Drawn 400 times, fixed seed.

    Parameters
    ----------
    dim : int
        d.
    rank : int
        r, from 1 to d.

    Returns
    -------
    (float, float)

    Raises
    ------
    InputError
        For a rank above d, or below 1.
    MemoryRefused
        If 400 matrices (d - r, d - r) would not fit.

    Notes
    -----
    Costs O(400 (d - r)^3).

    Examples
    --------
    >>> expected_excess(4, 4)
    (0.0, 0.0)
    >>> mean, deviation = expected_excess(16, 2)
    >>> mean < 14**2 / 5  # far below the 14^2 parameters that rank 2 lacks
    True
    """
    dim = _checks.integer("dim", dim, low=1)
    m = dim - _checks.integer("rank", rank, low=1, high=dim)
    _checks.memory(f"noise of dimension {_checks.readable(m)}, drawn", 64 * SAMPLES * m * m, "use fewer dimensions")
    if m == 0:
        return 0.0, 0.0
    rng = np.random.default_rng([SEED, dim, rank])
    g = rng.normal(size=(2, SAMPLES, m, m))
    a = g[0] + 1j * g[1]
    kappa = np.linalg.eigvalsh((a + a.conj().swapaxes(-1, -2)) / 2)[:, ::-1]
    trace = np.sqrt(rank) * rng.normal(size=SAMPLES)
    shift = (np.concatenate([np.zeros((SAMPLES, 1)), np.cumsum(kappa, axis=1)], axis=1) + trace[:, None]) / (
        rank + np.arange(m + 1)
    )
    above = kappa > shift[:, :-1]  # the j-th stays above the shift that those before it give
    q = np.take_along_axis(shift, above.sum(axis=1)[:, None], axis=1)
    kept = np.clip(kappa - q, 0.0, None)
    statistic = np.square(kept).sum(axis=1) + np.square(kept.sum(axis=1)) / rank
    return float(statistic.mean()), float(statistic.std())
