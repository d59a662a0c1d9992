"""The maximum mean discrepancy of what two states show when they are measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import scipy.linalg

from qml import _checks
from qml._arrays import as_real
from qml._checks import InputError
from qml._typing import Cotangent, Dims, Real
from qml.losses.base import Loss, is_measured
from qml.measurement.base import Measurement
from qml.measurement.counts import Counts
from qml.measurement.pauli import PauliMeasurement
from qml.states import as_single_state
from qml.states.base import State
from qml.states.coercion import one_state

BANDWIDTHS = (0.5, 1.0, 2.0, 4.0)
DISTANCES = ("hamming", "integer")


class MMD(Loss):
    r"""The squared maximum mean discrepancy between the outcomes of a measurement of rho and of sigma.

    .. math:: \mathrm{MMD}^2 = \sum_{x, y} (q_x - p_x)\, K(x, y)\, (q_y - p_y), \qquad
        K(x, y) = \frac{1}{B} \sum_{b=1}^{B} e^{-D(x, y) / 2 w_b^2}

    p are the probabilities of the outcomes of rho, q those of sigma, exactly: zero iff p = q, which says nothing of
    what the measurement does not see. Derivative 2 K (q - p) in q. The loss of Born machines, whose data are samples.

    Where the target is :class:`~qml.measurement.Counts`, the term in p alone is estimated without bias,

    .. math:: \sum_{x, y} p_x K(x, y) p_y \to \frac{1}{N (N - 1)} \sum_{i \ne j} K(x_i, x_j),

    so that the mean over records is the loss above; the loss of one record may be negative, and its floor, reached at
    q = the frequencies, always is, unless they are all one outcome. Settings are weighted by their shots. A record of
    real weights is taken as it is.

    Parameters
    ----------
    bandwidths : sequence of float
        w_b > 0, in units of the distance. Small ones compare single strings, large ones means and pair correlations.
    distance : {"hamming", "integer"}
        D counts the sites in which two outcomes differ (the squared Euclidean distance of strings of bits); or it is
        the squared difference of the outcomes' places in their order, the first site most significant.
    measurement : Measurement, optional
        Of targets that are states, its settings weighted equally; by default the computational basis. Counts bring
        their own.

    Raises
    ------
    InputError
        For a bandwidth that is not positive; for counts with a setting of one shot, or beside a `measurement`.

    Notes
    -----
    The kernel is never formed: O(B n d) operations for n sites ("hamming"), O(d log d) ("integer"), and the
    probabilities of sigma. Sources: Gretton et al. (2012), J. Mach. Learn. Res. 13, 723; Liu and Wang (2018),
    arXiv:1804.04168; Rudolph et al. (2024), arXiv:2305.02881.

    Examples
    --------
    >>> from qml.states import basis_state, ghz
    >>> round(MMD([1.0]).value(basis_state("00"), basis_state("01")), 6)  # 2 - 2 exp(-1/2)
    0.786939
    >>> round(MMD(distance="integer").value(ghz(2), basis_state("00")), 6)
    0.363675
    """

    name = "mmd"
    is_additive = True

    def __init__(
        self,
        bandwidths: Sequence[float] = BANDWIDTHS,
        distance: Literal["hamming", "integer"] = "hamming",
        measurement: Measurement | None = None,
    ) -> None:
        given = np.atleast_1d(_checks.reals("bandwidths", bandwidths))
        if given.ndim != 1 or not given.size or not (given > 0).all():
            raise InputError(f"bandwidths must be one or more numbers above 0; found {_checks.shown(bandwidths)}.")
        self.bandwidths = tuple(float(w) for w in given)
        self.distance = _checks.choice("distance", distance, DISTANCES)
        self.measurement = None if measurement is None else _checks.instance("measurement", measurement, Measurement)

    def accept(self, target: Any, dims: Dims) -> State | Counts:
        measurement = target.measurement if is_measured(target) else self.measurement
        if measurement is not None and measurement.dims != dims:
            what = "counts" if is_measured(target) else "measurement"
            raise InputError(f"{what} and model must have equal dims; found {measurement.dims} and {dims} (model).")
        if not is_measured(target):
            return as_single_state(target, dims)
        if self.measurement is not None:
            raise InputError("counts bring their own measurement: leave out the measurement of MMD.")
        target.shares()
        if not target.is_weighted and (np.asarray(target.shots) == 1).any():
            raise InputError(
                "MMD compares pairs of shots, so that no setting may have a single one; found one that has."
            )
        return target

    def value(self, target: State | Counts, sigma: State) -> float:
        return self._compared(target, one_state(sigma, "sigma"))[0]

    def value_and_cotangent(self, target: State | Counts, sigma: State) -> tuple[float, Cotangent]:
        sigma = one_state(sigma, "sigma")
        value, slope, measurement = self._compared(target, sigma)
        return value, _pull(measurement, 2 * slope, sigma)

    def _compared(self, target: State | Counts, sigma: State) -> tuple[float, Real, Measurement | None]:
        """The loss, half its derivative in the probabilities (n_outcomes,), and what was measured."""
        data = self._read(self.accept(target, sigma.dims))
        difference = _probabilities(data.measurement, sigma) - data.p
        slope = self._smooth(data, difference, sigma.dims)
        return float(difference @ slope) + self._floor(data), slope, data.measurement

    def floor(self, target: State | Counts) -> float:
        return self._floor(self._read(target))

    def _read(self, target: State | Counts) -> _Data:
        if is_measured(target):
            shots = np.asarray(target.shots, dtype=np.float64)
            return _Data(target.measurement, target.frequencies(), shots, sampled=not target.is_weighted)
        settings = 1 if self.measurement is None else len(self.measurement.settings)
        p = _probabilities(self.measurement, one_state(target, "target"))
        return _Data(self.measurement, p, np.ones(settings), sampled=False)

    def _floor(self, data: _Data) -> float:
        if not data.sampled or data.measurement is None:
            return 0.0
        seen, m = data.shots > 0, data.measurement
        pairs = np.add.reduceat(data.p * self._smooth(data, data.p, m.dims), m.offsets[:-1])[seen]
        weights = data.shots[seen] / data.shots.sum()
        return -float(((weights - pairs) / (data.shots[seen] - 1)).sum())

    def _smooth(self, data: _Data, x: Real, dims: Dims) -> Real:
        """w_s K x for the outcomes of every setting s (n_outcomes,), w_s the weight of the setting."""
        measurement = data.measurement
        if measurement is None:
            return self._kernel(x, dims)
        parts = np.split(x, measurement.offsets[1:-1])
        weighted = [
            w * self._kernel(part, measurement.outcome_shape(s))
            for s, (w, part) in enumerate(zip(data.shots, parts, strict=True))
        ]
        return np.asarray(np.concatenate(weighted) / data.shots.sum())

    def _kernel(self, x: Real, shape: tuple[int, ...]) -> Real:
        """K x for outcomes of this shape."""
        apart = np.arange(len(x) if self.distance == "integer" else 2)
        with np.errstate(over="ignore"):  # far apart for a narrow kernel
            kernels = np.exp(-np.square(apart / np.array(self.bandwidths)[:, None]) / 2)
        if self.distance == "integer":
            return np.asarray(scipy.linalg.matmul_toeplitz(kernels.mean(axis=0), x))
        parts = []
        for _, e in kernels:  # K is a product over the sites: 1 where they agree, e where they differ
            y = x.reshape(shape)
            for axis in range(len(shape)):
                y = (1 - e) * y + e * y.sum(axis=axis, keepdims=True)
            parts.append(y.reshape(-1))
        return as_real(sum(parts) / len(kernels))


class _Data(NamedTuple):
    """What the outcomes of sigma are compared with."""

    measurement: Measurement | None
    """None: of the computational basis."""
    p: Real
    """Probabilities of the outcomes, or their frequencies (n_outcomes,)."""
    shots: Real
    """What each setting weighs (settings,)."""
    sampled: bool


def _probabilities(measurement: Measurement | None, state: State) -> Real:
    return state.probabilities() if measurement is None else measurement.probabilities(state)


def _pull(measurement: Measurement | None, slope: Real, sigma: State) -> Cotangent:
    if measurement is None and sigma.dims and set(sigma.dims) == {2}:
        measurement = PauliMeasurement(["Z" * len(sigma.dims)])
    if measurement is None:
        return sigma._pull_diagonal(slope)
    return measurement.pull(slope, sigma)
