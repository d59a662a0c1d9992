"""The cross entropy of probability vectors."""

from __future__ import annotations

import math

from qml import _matrices
from qml._arrays import as_real, is_traced, namespace, number, surely
from qml._checks import InputError
from qml._typing import ArrayLike, Real


def classical_cross_entropy(p: ArrayLike, q: ArrayLike) -> float:
    r"""The cross entropy of two probability vectors in nats.

    .. math:: H(p, q) = -\sum_k p_k \log q_k, \qquad 0 \log 0 = 0

    +inf where q is zero and p is not. What the quantum cross entropy is for commuting states.

    Parameters
    ----------
    p, q : array (r,)
        Probabilities.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If one is no vector of probabilities, or their shapes differ.

    Examples
    --------
    >>> round(classical_cross_entropy([0.5, 0.5], [0.25, 0.75]), 6)
    0.836988
    """
    data, model = _matrices.probabilities("p", p), _matrices.probabilities("q", q)
    if data.shape != model.shape or data.ndim != 1:
        raise InputError(f"p and q must be of equal shape (r,); found {data.shape} and {model.shape}.")
    return log_loss(data, model, 0.0)[0]


def log_loss(f: Real, p: Real, resolution: float) -> tuple[float, Real]:
    """-sum f log p and its derivative in p; 0 log 0 = 0, and +inf where f > 0 = p."""
    seen = f > 0
    possible = p > resolution
    xp = namespace(p)
    impossible = (xp.logical_not(possible) & seen).any()
    if surely(impossible):
        return math.inf, xp.zeros_like(p)
    safe = xp.where(seen & possible, p, 1.0)
    value = number(-(f @ xp.log(safe))) + 0.0
    return number(xp.where(impossible, math.inf, value)) if is_traced(impossible) else value, as_real(-f / safe)
