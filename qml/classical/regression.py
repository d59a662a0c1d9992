"""Linear regression as maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.sparse

from qml import _checks, _matrices
from qml._checks import InputError
from qml._typing import ArrayLike, Real
from qml.classical.likelihoods import GaussianLikelihood, LaplaceLikelihood


@dataclass(frozen=True, eq=False)
class LinearFit(_checks.Record):
    r"""The linear model of largest likelihood, :math:`y = w \cdot x` with errors; made by :func:`linear_regression`.

    Attributes
    ----------
    coefficients : array (p,)
        One a column of the design.
    likelihood : GaussianLikelihood or LaplaceLikelihood
        With the scale of largest likelihood: the root mean square, or the mean absolute, residual.
    residuals : array (m,)
        targets - design @ coefficients.
    log_likelihood : float
        Of all m targets, in nats.

    Examples
    --------
    The mean of three numbers, and its standard error:

    >>> ones = [[1.0], [1.0], [1.0]]
    >>> found = linear_regression(ones, [1.0, 2.0, 3.0])
    >>> found.coefficients.round(12), found.standard_errors(ones).round(6)
    (array([2.]), array([0.57735]))
    """

    coefficients: Real
    likelihood: GaussianLikelihood | LaplaceLikelihood
    residuals: Real
    log_likelihood: float

    def standard_errors(self, design: ArrayLike) -> Real:
        r"""The standard errors of the coefficients under normal errors, (p,), with the unbiased variance r^2/(m - p).

        .. math:: s \sqrt{\mathrm{diag}\,(X^T X)^{-1}}

        Parameters
        ----------
        design : array (m, p)
            X, that of the regression.

        Raises
        ------
        InputError
            Where the errors are not normal, the design has another shape or dependent columns, or there are no more
            targets than coefficients.
        """
        if not isinstance(self.likelihood, GaussianLikelihood):
            raise InputError("standard errors are known for normal errors only: use likelihood='gaussian'.")
        x = _design(design)
        m, p = len(self.residuals), len(self.coefficients)
        if x.shape != (m, p):
            raise InputError(f"design must be that of the regression, of shape ({m}, {p}); found shape {x.shape}.")
        if m <= p:
            raise InputError(f"standard errors need more targets than coefficients; found {m} and {p}.")
        scaled, scales = _scaled(x)
        r = np.linalg.qr(scaled, mode="r")
        rows = np.linalg.norm(scipy.linalg.solve_triangular(r, np.eye(p)), axis=1)
        unit = _matrices.power_of_two(self.residuals)
        return np.asarray(np.linalg.norm(self.residuals / unit) / np.sqrt(m - p) * rows * (unit / scales))


def linear_regression(design: ArrayLike, targets: ArrayLike, likelihood: str = "gaussian") -> LinearFit:
    r"""Least squares ("gaussian") or least absolute errors ("laplace"), which are maximum likelihood.

    .. math:: \max_{w, s}\; \sum_k \log p_s(y_k \mid w \cdot x_k)

    Parameters
    ----------
    design : array (m, p)
        Of full column rank; a column of ones where a constant is meant.
    targets : array (m,)
    likelihood : {"gaussian", "laplace"}

    Returns
    -------
    LinearFit

    Raises
    ------
    InputError
        If columns of the design depend on each other to rounding, so that the optimum is not unique; if the model fits
        the targets exactly, so that the likelihood has no finite maximum in the scale; if float64 does not hold the
        coefficients.

    Notes
    -----
    Gaussian: QR decomposition of the scaled columns, refined in extended precision, O(m p^2). Laplace: a
    linear program; its optimum may not be unique, and one is given.

    Examples
    --------
    >>> import numpy as np
    >>> design = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    >>> linear_regression(design, [0.0, 1.0, 7.0, 3.0]).coefficients.round(6) + 0.0
    array([0.5, 1.5])
    >>> linear_regression(design, [0.0, 1.0, 7.0, 3.0], "laplace").coefficients.round(6) + 0.0
    array([0., 1.])
    """
    _checks.choice("likelihood", likelihood, ("gaussian", "laplace"))
    x = _design(design)
    y = _checks.parameters("targets", targets, len(x), "row of the design")
    scaled, scales = _scaled(x)
    unit = _matrices.power_of_two(y)
    solve = _least_squares if likelihood == "gaussian" else _least_absolute
    w = solve(scaled, y / unit)
    residuals = unit * (y / unit - scaled @ w)
    with np.errstate(over="ignore"):
        coefficients = w * (unit / scales)
    if not np.isfinite(coefficients).all():
        raise InputError("design and targets must be in units in which float64 holds the coefficients: rescale them.")
    if np.abs(residuals).max() <= 1e-12 * np.abs(y).max():
        raise InputError(
            "the likelihood has no finite maximum: the model fits every target exactly, and the scale of the errors "
            "goes to zero. Use fewer columns or more targets."
        )
    family = GaussianLikelihood if likelihood == "gaussian" else LaplaceLikelihood
    best = family.fitted(residuals)
    return LinearFit(coefficients, best, residuals, -len(y) * best.value(residuals, np.zeros(len(y))))


def _scaled(x: Real) -> tuple[Real, Real]:
    """A design with entries of about one, and the powers of two (p,) that its columns were divided by."""
    scales = _matrices.power_of_two(x)
    scaled = x / scales
    sizes = np.linalg.svd(scaled, compute_uv=False)
    if len(x) < x.shape[1] or sizes[-1] <= sizes[0] * x.shape[1] * np.finfo(float).eps:
        raise InputError(
            "the columns of design must be linearly independent, else many coefficients fit equally well: leave "
            "columns out."
        )
    return scaled, scales


def _least_squares(x: Real, y: Real) -> Real:
    """QR, then refinement of w and the residuals e together: e + X w = y and X^T e = 0 (Björck 1967, BIT 7, 257).

    What the two equations miss is summed in extended precision, where the machine has it. With residuals of a tenth, w
    is then right to 1e-13 of its largest coefficient at a condition number of 1e5, and to 1e-10 at 3e7; QR alone would
    give 1e-11 and 1e-8.
    """
    q, r = np.linalg.qr(x)
    long_x, long_y = x.astype(np.longdouble), y.astype(np.longdouble)
    w, e = np.zeros(x.shape[1], dtype=np.longdouble), np.zeros(len(y), dtype=np.longdouble)
    for _ in range(4):
        first, second = (long_y - e - long_x @ w).astype(np.float64), -(long_x.T @ e).astype(np.float64)
        z, d = scipy.linalg.solve_triangular(r, second, trans=1), q.T @ first
        w = w + scipy.linalg.solve_triangular(r, d - z)
        e = e + first - q @ (d - z)
    return w.astype(np.float64)


def _least_absolute(x: Real, y: Real) -> Real:
    m, p = x.shape
    cost = np.concatenate([np.zeros(p), np.ones(2 * m)])
    equalities = scipy.sparse.hstack([x, scipy.sparse.eye_array(m), -scipy.sparse.eye_array(m)])
    bounds = [(None, None)] * p + [(0, None)] * (2 * m)
    found = scipy.optimize.linprog(cost, A_eq=equalities, b_eq=y, bounds=bounds, method="highs")
    if found.status != 0:
        raise InputError(f"the linear program of the least absolute errors was not solved: {found.message}")
    return np.asarray(found.x[:p])


def _design(design: ArrayLike) -> Real:
    x = _checks.reals("design", design)
    if x.ndim != 2 or 0 in x.shape:
        raise InputError(f"design must have shape (m, p), one row a target; found shape {x.shape}.")
    return x
