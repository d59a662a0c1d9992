"""Separable data, for which softmax regression has no finite maximum of the likelihood."""

from __future__ import annotations

import numpy as np
import scipy.optimize
from scipy import sparse

from qml import _checks, _matrices, spectral
from qml._checks import InputError
from qml._typing import ArrayLike, Integer, Real

SMALLEST = 1e-7
"""A direction separates when its margins add up to more than this, in coordinates with entries up to 1."""


def separates(weights: ArrayLike, inputs: ArrayLike, labels: ArrayLike) -> bool:
    r"""Whether every input's own class has the strictly largest logit: then no finite weights are best.

    .. math:: w_{y_k} \cdot x_k > w_c \cdot x_k \quad \text{for all } k \text{ and } c \ne y_k

    Parameters
    ----------
    weights : array (classes, p)
    inputs : array (m, p)
        With a column of ones where there is a bias.
    labels : array (m,) of int

    Returns
    -------
    bool

    Raises
    ------
    InputError
        Where the shapes do not fit, or a label is none of the classes.

    Examples
    --------
    >>> inputs = [[1.0, -1.0], [1.0, 2.0]]  # a bias, and one feature
    >>> separates([[0.0, -1.0], [0.0, 1.0]], inputs, [0, 1]), separates([[0.0, 0.0], [0.0, 1.0]], inputs, [1, 1])
    (True, False)
    """
    w = _checks.reals("weights", weights)
    if w.ndim != 2:
        raise InputError(f"weights must have shape (classes, p); found shape {w.shape}.")
    x, y = _checked(inputs, labels, len(w))
    if x.shape[1] != w.shape[1]:
        raise InputError(f"weights and inputs must have as many columns; found {w.shape[1]} and {x.shape[1]}.")
    with np.errstate(over="ignore", invalid="ignore"):
        logits = x @ w.T
    own = logits[np.arange(len(y)), y].copy()
    logits[np.arange(len(y)), y] = -np.inf
    return bool((own > logits.max(axis=1)).all())


def separating_direction(inputs: ArrayLike, labels: ArrayLike, classes: int) -> Real | None:
    r"""A direction W in which the likelihood of softmax regression never falls and somewhere rises; None without one.

    .. math:: (w_{y_k} - w_c) \cdot x_k \ge 0 \quad \text{for all } k \text{ and } c, \text{ not all of them } 0

    With one, the supremum of the likelihood is approached at infinity only (complete or quasi-complete separation);
    without, a finite maximum exists.

    Parameters
    ----------
    inputs : array (m, p)
        With a column of ones where there is a bias.
    labels : array (m,) of int
        From 0 to classes - 1.
    classes : int

    Returns
    -------
    array (classes, p) or None

    Raises
    ------
    InputError
        Where the shapes do not fit, or a label is none of the classes.

    Notes
    -----
    A linear program with classes p variables and m (classes - 1) constraints (HiGHS). Source: Albert and Anderson
    (1984), Biometrika 71, 1.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1.0, -1.0], [1.0, 0.5], [1.0, 1.0], [1.0, 2.0]])
    >>> separating_direction(x, [0, 0, 1, 1], 2) is None, separating_direction(x, [0, 1, 0, 1], 2) is None
    (False, True)
    """
    classes = _checks.integer("classes", classes, low=2)
    x, y = _checked(inputs, labels, classes)
    size = 64 * len(x) * classes * (x.shape[1] + 1)
    _checks.memory(f"a linear program of {_checks.readable(classes)} classes", size, "use the classes that occur")
    x, back = _independent(x)
    m, p = x.shape
    others = np.array([[c for c in range(classes) if c != own] for own in range(classes)])[y]  # (m, classes - 1)
    own_columns = (y[:, None] * p + np.arange(p))[:, None, :].repeat(classes - 1, axis=1)
    other_columns = others[:, :, None] * p + np.arange(p)
    values = np.broadcast_to(x[:, None, :], own_columns.shape)
    rows = np.broadcast_to(np.arange(m * (classes - 1)).reshape(m, classes - 1, 1), own_columns.shape)
    margins = sparse.csr_array(
        (
            np.concatenate([values.ravel(), -values.ravel()]),
            (np.concatenate([rows.ravel()] * 2), np.concatenate([own_columns.ravel(), other_columns.ravel()])),
        ),
        shape=(m * (classes - 1), classes * p),
    )
    found = scipy.optimize.linprog(
        -margins.sum(axis=0), A_ub=-margins, b_ub=np.zeros(margins.shape[0]), bounds=(-1, 1), method="highs"
    )
    if found.status != 0:
        raise InputError(f"the linear program of separating directions was not solved: {found.message}")
    if -found.fun <= SMALLEST:
        return None
    return np.asarray(found.x.reshape(classes, p) @ back)


def _independent(x: Real) -> tuple[Real, Real]:
    """Inputs (m, r) in r orthogonal coordinates with entries up to 1, in which a column beside a constant one that it
    hardly differs from keeps its digits; and the matrix (r, p) from weights in them to weights of x."""
    sizes = _matrices.power_of_two(x)
    u, s, v = spectral.svd(x / sizes)
    r = int(np.count_nonzero(s > max(x.shape) * np.finfo(np.float64).eps * s[0]))
    largest = np.abs(u[:, :r]).max(axis=0)
    return u[:, :r] / largest, v[:r] / (largest * s[:r])[:, None] / sizes


def _checked(inputs: ArrayLike, labels: ArrayLike, classes: int) -> tuple[Real, Integer]:
    x = _checks.reals("inputs", inputs)
    _checks.array("labels", labels)
    y = np.asarray(labels)
    if x.ndim != 2 or y.shape != x.shape[:1] or 0 in x.shape:
        raise InputError(f"inputs must have shape (m, p) and labels (m,); found {x.shape} and {y.shape}.")
    if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= classes:
        raise InputError(f"labels must be integers from 0 to {_checks.readable(classes - 1)}; found dtype {y.dtype}.")
    return x, y
