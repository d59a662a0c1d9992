"""Least squares on the frequencies, and what a measurement leaves undetermined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qml import _checks, spectral
from qml._checks import InputError
from qml._typing import Complex, Integer, Real
from qml.measurement import Counts, Measurement, PauliMeasurement
from qml.measurement.empirical import solve
from qml.operators.sets import hermitian_basis

RESIDUAL = 1e-13
LARGEST_EXAMINED = 32
"""Dimension up to which the map of a general measurement is written out: a matrix of d^2 x d^2 numbers."""


def record_of(counts: Any) -> Counts:
    """Refuse what is no record."""
    return _checks.instance("counts", counts, Counts, "a record of outcomes: Counts.from_dicts makes one")


def least_squares(counts: Counts) -> Complex:
    r"""The Hermitian matrix X (d, d) whose probabilities are nearest to the frequencies: linear inversion.

    .. math:: \min_X \sum_s \frac{N_s}{N} \sum_{k \in s} \left(\mathrm{Tr}(M_k X) - n_k / N_s\right)^2

    It has unit trace but may have negative eigenvalues; ``qml.states.nearest_density_matrix`` gives the nearest state.
    What the measurement does not determine is zero (the solution of least norm).

    Parameters
    ----------
    counts : Counts

    Returns
    -------
    array (d, d)

    Raises
    ------
    InputError
        For a record without shots.

    Notes
    -----
    Conjugate gradients on the normal equations, two applications of the measurement a step; n + 1 steps suffice for all
    Pauli settings of n qubits.

    Examples
    --------
    >>> from qml.measurement import Counts, PauliMeasurement
    >>> counts = Counts(PauliMeasurement(["X", "Y", "Z"]), [[50, 50], [50, 50], [100, 0]])
    >>> least_squares(counts).real.round(9) + 0.0
    array([[1., 0.],
           [0., 0.]])
    """
    m, shares = record_of(counts).measurement, counts.shares()
    weights = np.repeat(np.asarray(counts.shots, dtype=np.float64), m.sizes) / counts.total
    return solve(lambda x: m.adjoint(weights * m.probabilities_of(x)), m.adjoint(shares), RESIDUAL, 4 * m.dim**2)


@dataclass(frozen=True, eq=False)
class Determined:
    """Which directions of the space of states the settings of a record determine: those that change the probabilities
    of a setting that was measured. Positivity may determine the rest; see ``TomographyResult.unique``.

    Attributes
    ----------
    rank : int
        Of the map from Hermitian matrices to probabilities, the trace included: d^2 when everything is determined.
    missing : int
        d^2 - rank.
    directions : tuple of str, or array (missing, d, d)
        What is not determined: Pauli strings, or an orthonormal basis of Hermitian matrices X with Tr(M_k X) = 0 for
        every outcome of a setting that has shots.

    Examples
    --------
    >>> from qml.measurement import PauliMeasurement
    >>> found = determined(Counts(PauliMeasurement(["X", "Z"]), [[60, 40], [80, 20]]))
    >>> found.rank, found.missing, found.directions
    (3, 1, ('Y',))
    >>> found.sentence()
    'the settings determine 3 of 4 directions (none measures Y)'
    """

    rank: int
    missing: int
    directions: tuple[str, ...] | Complex

    @classmethod
    def _of(cls, dim: int, directions: tuple[str, ...] | Complex) -> Determined:
        held = directions if isinstance(directions, tuple) else _checks.kept(directions)
        return cls(dim**2 - len(held), len(held), held)

    def sentence(self) -> str:
        """What is missing, in words; empty when nothing is."""
        if not self.missing:
            return ""
        text = f"the settings determine {self.rank} of {self.rank + self.missing} directions"
        if isinstance(self.directions, tuple):
            shown = ", ".join(self.directions[:6]) + (", ..." if self.missing > 6 else "")
            return f"{text} (none measures {shown})"
        return text


def determined(counts: Counts) -> Determined:
    r"""What a record determines: the directions that change a probability of a setting that has shots.

    .. math:: X \ne 0, \quad \mathrm{Tr}(M_k X) = 0 \text{ for every such outcome } k

    is a direction that is missing. For Pauli settings these are the strings that occur in none of them.

    Parameters
    ----------
    counts : Counts

    Returns
    -------
    Determined

    Raises
    ------
    InputError
        For other measurements than those of Pauli strings above dimension 32.

    Notes
    -----
    Costs two applications of the measurement for Pauli settings, O(outcomes d^4 + d^6) for others.

    Examples
    --------
    >>> from qml.measurement import Counts, PauliMeasurement
    >>> determined(Counts(PauliMeasurement(["X", "Z"]), [[5, 5], [9, 1]])).sentence()
    'the settings determine 3 of 4 directions (none measures Y)'
    """
    m = record_of(counts).measurement
    kept = np.repeat(np.asarray(counts.shots) > 0, m.sizes).astype(np.float64)
    if isinstance(m, PauliMeasurement):
        found = m.to_vector(kept * m.from_vector(np.ones(4**m.n)))  # the normal operator is diagonal in the strings
        return Determined._of(m.dim, _strings(np.flatnonzero(found < 0.25 / m.dim), m.n))
    if m.dim > LARGEST_EXAMINED:
        raise InputError(
            f"what a {type(m).__name__} determines is examined up to dimension {LARGEST_EXAMINED}; found {m.dim}."
        )
    basis = hermitian_basis(m.dim)
    x, known = design(m, basis), expectations(m.fixed, basis)
    values, vectors = np.linalg.eigh(x.T @ (kept[:, None] * x) + known.T @ known)
    null = vectors[:, values <= 1e-12 * values[-1]]
    return Determined._of(m.dim, np.einsum("ka,kij->aij", null, basis))


def _strings(places: Integer, n: int) -> tuple[str, ...]:
    """Pauli strings by their places in the Pauli vector."""
    digits = (places[:, None] >> 2 * np.arange(n - 1, -1, -1)) & 3
    return tuple("".join("IXYZ"[k] for k in row) for row in digits)


def expectations(operators: Complex, basis: Complex) -> Real:
    """Tr(O_c B_a), shape (len(operators), len(basis)), of Hermitian matrices."""
    side = operators.shape[-1] ** 2
    flat = operators.reshape(len(operators), side) @ basis.reshape(len(basis), side).conj().T
    return np.ascontiguousarray(flat.real)


def allowed(fixed: Complex, basis: Complex) -> Complex:
    """An orthonormal basis of the matrices in the span of an orthonormal one (m, d, d) that change none of the fixed
    expectations."""
    if not len(fixed):
        return basis
    _, s, v = spectral.svd(expectations(fixed, basis), full_matrices=True)
    rank = int(np.count_nonzero(s > 1e-10 * s.max(initial=0.0)))
    return np.asarray(np.einsum("ab,bij->aij", v[rank:], basis))


def design(measurement: Measurement, basis: Complex) -> Real:
    """Tr(M_k B_a), shape (n_outcomes, len(basis))."""
    needed = 24 * measurement.n_outcomes * len(basis)
    _checks.memory(f"the map of {measurement.n_outcomes} outcomes written out", needed, "use fewer sites")
    return np.ascontiguousarray(measurement.probabilities_of(basis).T)
