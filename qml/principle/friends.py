"""Statement 11: inequalities that look right and are not, each with a counterexample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qml import losses
from qml._arrays import trace_of_product
from qml._typing import Real
from qml.operators import partial_trace_matrix
from qml.principle import draws
from qml.principle.statement import Counterexample, Evidence, Largest, Panel, Series, statement
from qml.states import DensityMatrix

CLEAR = 0.01
"""A counterexample counts when it breaks the false law by more than this, in nats."""
DIGITS = 2
"""Decimals of printed Bloch vectors; both sides are evaluated at the printed numbers."""


@dataclass(frozen=True)
class FalseFriend:
    """A law that does not hold: left >= right for instances that are rows of numbers in [-1, 1].

    Attributes
    ----------
    law : str
    draw : callable
        (rng, count) -> rows (count, k).
    sides : callable
        rows -> left and right (count,), in nats.
    words : callable
        One row -> the states in words.
    """

    law: str
    draw: Callable[[np.random.Generator, int], Real]
    sides: Callable[[Real], tuple[Real, Real]]
    words: Callable[[Real], str]


@statement(11, "False friends", "seven inequalities that look right each have a counterexample", "found by search")
def false_friends(rng: np.random.Generator, pairs: int) -> Evidence:
    each = draws.per_group(pairs, len(FRIENDS))
    found, series, least = [], [], Largest()
    for k, friend in enumerate(FRIENDS):
        rows = friend.draw(rng, max(200, each))
        left, right = friend.sides(rows)
        broken = right - left
        worst = rows[[int(np.argmax(broken))]].round(DIGITS)
        a, b = friend.sides(worst)
        found.append(
            Counterexample(friend.law, friend.words(worst[0]), float(a[0]), float(b[0]), float((broken > 0).mean()))
        )
        least.add(CLEAR - found[-1].broken_by)
        share = np.linspace(0, 1, 200)
        series.append(Series(friend.law, share, np.quantile(broken, share), "line", color=k))
    picture = Panel(
        "False friends: by how much random instances break them",
        "share of the instances, in the order of the violation",
        "right side - left side, nats (positive: broken)",
        tuple(series),
        "A law would stay at or below zero. Each of these crosses it: some for most instances, some for few.",
    )
    return Evidence(
        "seven inequalities; each is evaluated at the worst of the random instances, rounded to the digits printed "
        "below",
        len(FRIENDS) * max(200, each),
        least.value,
        0.0,
        (picture,),
        tuple(found),
    )


def _of_qubits(law: str, sides: Callable[[Real], tuple[Real, Real]], *names: str) -> FalseFriend:
    """A law of qubits with these names, whose Bloch vectors, shorter than one, stand in a row one after the other."""

    def draw(rng: np.random.Generator, each: int) -> Real:
        way = rng.normal(size=(each, len(names), 3))
        way /= np.linalg.norm(way, axis=-1, keepdims=True)
        return np.asarray((way * rng.uniform(0.0, 0.98, (each, len(names), 1))).reshape(each, -1))

    def words(row: Real) -> str:
        vectors = ", ".join(
            f"{name} ({x:g}, {y:g}, {z:g})" for name, (x, y, z) in zip(names, (row + 0.0).reshape(-1, 3), strict=True)
        )
        return f"qubits with the Bloch vectors {vectors}"

    return FalseFriend(law, draw, sides, words)


def _qubits(rows: Real) -> list[DensityMatrix]:
    """The qubits whose Bloch vectors stand in the rows one after the other."""
    return [DensityMatrix._trusted(draws.qubits(part), (2,)) for part in np.split(rows, rows.shape[1] // 3, axis=1)]


def _true_state(rows: Real) -> tuple[Real, Real]:
    rho, sigma = _qubits(rows)
    p, q = rho.probabilities(), sigma.probabilities()
    return losses.cross_entropy(rho, sigma), -(p * np.log(q)).sum(axis=-1)


def _empirical(rows: Real) -> tuple[Real, Real]:
    rho, sigma = _qubits(rows)
    return losses.cross_entropy(rho, sigma), draws.of_empirical(rho.probabilities(), draws.Z_BASIS, sigma)


def _dephased(rows: Real) -> tuple[Real, Real]:
    rho, sigma = _qubits(rows)
    diagonal = [DensityMatrix.from_probabilities(x.probabilities()) for x in (rho, sigma)]
    return losses.cross_entropy(rho, sigma), losses.cross_entropy(*diagonal)


def _traced(rows: Real) -> tuple[Real, Real]:
    """rho the pure state cos t |00> + sin t |11>, sigma = a rho + (1 - a) 1/4."""
    t, a = rows[:, 0], rows[:, 1]
    psi = np.zeros((len(rows), 4), dtype=np.complex128)
    psi[:, 0], psi[:, 3] = np.cos(t), np.sin(t)
    rho = DensityMatrix.from_vector(psi, (2, 2))
    sigma = DensityMatrix._trusted(a[:, None, None] * rho.matrix() + (1 - a)[:, None, None] * np.eye(4) / 4, (2, 2))
    reduced = [DensityMatrix._trusted(partial_trace_matrix(x.matrix(), [0], (2, 2)), (2,)) for x in (rho, sigma)]
    return losses.cross_entropy(rho, sigma), losses.cross_entropy(*reduced)


def _jointly_convex(rows: Real) -> tuple[Real, Real]:
    rho, tau, sigma, omega = _qubits(rows)
    means = [DensityMatrix._trusted((a.matrix() + b.matrix()) / 2, (2,)) for a, b in ((rho, tau), (sigma, omega))]
    return (losses.cross_entropy(rho, sigma) + losses.cross_entropy(tau, omega)) / 2, losses.cross_entropy(*means)


def _sic(rows: Real) -> tuple[Real, Real]:
    """The tetrahedron, Tr M_k = 1/2, measured on rho at infinite shots."""
    rho, sigma = _qubits(rows)
    directions = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    effects = draws.qubits(directions) / 2
    f, p = (trace_of_product(effects, x.matrix()[:, None]) for x in (rho, sigma))
    empirical = DensityMatrix._trusted(np.einsum("bk,kij->bij", 2 * f, effects), (2,))
    return losses.cross_entropy(empirical, sigma), -(f * np.log(p)).sum(axis=-1)


FRIENDS = (
    _of_qubits("S(rho, sigma) >= NLL of the true rho measured in z", _true_state, "rho", "sigma"),
    _of_qubits(
        "S(rho_hat, sigma) >= S(rho, sigma), rho_hat from z", lambda rows: _empirical(rows)[::-1], "rho", "sigma"
    ),
    _of_qubits("S(rho, sigma) >= S(rho_hat, sigma), rho_hat from z", _empirical, "rho", "sigma"),
    _of_qubits("S(rho, sigma) >= S of both dephased in z", _dephased, "rho", "sigma"),
    FalseFriend(
        "S(rho, sigma) >= S of both with a qubit traced out",
        lambda rng, each: np.column_stack([rng.uniform(0, np.pi / 4, each), rng.uniform(0, 0.99, each)]),
        _traced,
        lambda row: f"rho = cos({row[0]:g}) |00> + sin({row[0]:g}) |11>, sigma = {row[1]:g} rho + {1 - row[1]:g} · 1/4",
    ),
    _of_qubits("mean of S(rho_k, sigma_k) >= S of the means", _jointly_convex, "rho_1", "rho_2", "sigma_1", "sigma_2"),
    _of_qubits("S(rho_hat, sigma) >= NLL of a SIC, without log Tr M", _sic, "rho", "sigma"),
)
"""Seven of them."""
