r"""What a certificate proves about all states of maximum likelihood: how large their rank can be, and if there is one.

Let sigma have the probabilities p, R = sum_k (f_k / p_k) M_k and lambda_max(R) = 1 + epsilon, and let sigma* be any
state of maximum likelihood, with x_k = p*_k / p_k. As L(sigma*) >= L(sigma), and as Tr R sigma* <= 1 + epsilon,

.. math:: \sum_k f_k\, h(x_k) \le \epsilon, \qquad h(x) = x - 1 - \log x \ge 0 ,

which keeps every p* near to p. By the inequality of Cauchy and Schwarz R* = R(sigma*) is then near to R,

.. math:: \lVert R^* - R \rVert \le \eta = \sqrt{\epsilon\, q\, C}, \qquad
    q = \max_k \frac{(1/x_k - 1)^2}{h(x_k)}, \qquad C = \lambda_{\max} \sum_k \frac{f_k \mathrm{Tr} M_k}{p_k^2} M_k ,

with q = 2 for small epsilon. At the optimum R* <= 1 and R* sigma* = sigma*: every sigma* lies on the **face** of the
states on the kernel of 1 - R*, whose dimension is at most the number of eigenvalues of R above 1 - eta.

All sigma* share the probabilities of the outcomes that were seen. So they are one state exactly if no Hermitian matrix
on the face, but zero, has Tr M_k X = 0 for all of them: positivity can single out a state where the settings alone do
not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import lambertw

from qml import spectral
from qml._typing import Complex, Real
from qml.measurement import Counts, PauliMeasurement
from qml.operators.sets import hermitian_basis
from qml.tomography.likelihood import Likelihood
from qml.tomography.linear import Determined, allowed, determined

NULL = 1e-6
"""A singular value, from a normal matrix, below this part of the largest is rounding."""
RESOLVED = 10.0
"""An eigenvalue above this times sqrt(2 epsilon), by which p and p* may differ, is taken to be there."""
LARGEST_MAP = 4_000_000
"""Numbers (seen outcomes times the square of the dimension of the face) up to which uniqueness is examined."""

LARGEST_NAMED = 16
"""Dimension up to which what a general measurement does not determine is looked for in passing."""


@dataclass(frozen=True, eq=False)
class Face:
    """Where the states of maximum likelihood are.

    Attributes
    ----------
    vectors : array (d, f)
        Eigenvectors of R; no state of maximum likelihood has a rank above f.
    sine : float
        Of the largest angle between a vector of the true face and the span of `vectors`.
    resolution : float
        Eigenvalues of a state with this certificate are not told from zero at or below it.
    sensitivity : float
        C: by how much R moves, at most, when the probabilities do.
    """

    vectors: Complex
    sine: float
    resolution: float
    sensitivity: float

    @property
    def dim(self) -> int:
        """f, no less than the rank of any state of maximum likelihood."""
        return int(self.vectors.shape[1])


def face_of(problem: Likelihood, p: Real, operator: Complex) -> Face:
    """The face, from the probabilities (seen,) of a state of unit trace and its R (d, d)."""
    values, vectors = np.linalg.eigh(operator)
    sensitivity = problem.sensitivity(p)
    excess = max(float(values[-1]) - 1.0, 0.0) + problem.rounding(sensitivity)
    eta = math.sqrt(excess * _steepest(excess / float(problem.shares.min())) * sensitivity)
    kept = values >= 1 - eta
    left = values[~kept]
    sine = math.sqrt(min(1.0, (excess + eta) / float(1 + excess - left[-1]))) if len(left) else 0.0
    return Face(vectors[:, kept], sine, RESOLVED * math.sqrt(2 * excess), sensitivity)


def _steepest(bound: float) -> float:
    """The largest (1/x - 1)^2 / h(x) where h(x) <= bound: at the x < 1 with h(x) = bound."""
    if bound < 1e-6:
        return 2.0 + 8.0 * math.sqrt(bound)
    x = -float(lambertw(-math.exp(-1 - bound)).real)
    return (1 / x - 1) ** 2 / bound if x > 1e-100 else math.inf


def is_unique(problem: Likelihood, face: Face, factor: Complex, p: Real, known: Determined | None) -> bool | None:
    """Whether one state alone has the largest likelihood: True or False where it is proved, else None.

    True: the map from Hermitian matrices on the face to the probabilities of the outcomes seen has no kernel, nor would
    it on any face as near as the certificate allows. False: a direction within the support of the state A A^dagger
    found, eigenvalues that the certificate does not tell from zero left out, changes none of these probabilities, so
    that states on both sides of it are as likely. None: neither is proved at this certificate, or the map is too large
    to be written out.

    Parameters
    ----------
    factor : array (d, r)
        A.
    p : array (seen,)
    known : Determined, optional
        What the settings determine.
    """
    if problem.hedging or face.dim == 1 or (known is not None and not known.missing and problem.sees_all):
        return True
    u, s, _ = spectral.svd(factor)
    support = u[:, s**2 > face.resolution]
    if known is not None and known.missing and support.shape[1] == problem.dim:
        return False
    weights = np.sqrt(problem.shares) / p
    if is_blind(problem, support, weights):
        return False
    if len(p) * face.dim**2 > LARGEST_MAP:
        return None
    least = float(_singular_values(problem, face.vectors, weights)[0])
    if least * (1 - 2 * face.sine) > (2 * face.sine + NULL) * math.sqrt(face.sensitivity):
        return True
    everything = np.eye(problem.dim, dtype=np.complex128)
    return True if known and not known.missing and not is_blind(problem, everything, weights, unless=True) else None


def known_of(counts: Counts) -> Determined | None:
    """What the settings determine, where it costs little."""
    m = counts.measurement
    return determined(counts) if isinstance(m, PauliMeasurement) or m.dim <= LARGEST_NAMED else None


def openness(known: Determined | None, unique: bool | None, what: str = "state", rest: str = "positivity") -> str:
    """Whether another state is as likely, for a status; nothing where the settings determine the state."""
    missing = known.sentence() if known else ""
    if unique:
        return f"; unique: {missing}, {rest} the rest" if missing else ""
    if unique is None:
        return f"; {missing}, and whether positivity determines the rest is not decided" if missing else ""
    return f"; not unique: {missing or f'the outcomes that were seen do not determine the {what}'}"


def is_blind(problem: Likelihood, vectors: Complex, weights: Real, unless: bool = False) -> bool:
    """Whether a Hermitian matrix on the span of `vectors` (d, r) changes no probability of an outcome seen; `unless`
    the map is too large to be written out. Where the probabilities get positive weights, rounding alone depends on."""
    if vectors.shape[1] < 2:
        return False
    if len(weights) * vectors.shape[1] ** 2 > LARGEST_MAP:
        return unless
    values = _singular_values(problem, vectors, weights)
    return bool(len(values) and values[0] <= NULL * values[-1])


def _singular_values(problem: Likelihood, vectors: Complex, weights: Real) -> Real:
    """Of X -> w_k Tr(M_k X), X Hermitian on the span of `vectors`; ascending."""
    basis = vectors @ hermitian_basis(vectors.shape[1]) @ vectors.conj().T
    basis = allowed(problem.measurement.fixed, basis)
    x = weights * problem.probabilities(basis)
    return np.asarray(np.sqrt(np.clip(np.linalg.eigvalsh(x @ x.T), 0.0, None)))
