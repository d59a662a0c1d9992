r"""Free energies of visible configurations, where the joint Hamiltonian is block diagonal in them.

.. math:: K = \bigoplus_v K(v), \qquad F(v) = -\log \mathrm{Tr}\, e^{-K(v)}, \qquad p(v) = e^{-F(v)} / \sum_u e^{-F(u)}

Two ways to F: from the eigenvalues of the blocks; and, where no generator acts on two hidden qubits, in closed form,

.. math:: K(v) = E(v) + \sum_{j} b_j(v) \cdot (X_j, Y_j, Z_j), \qquad
    F(v) = E(v) - \sum_j \log(2 \cosh |b_j(v)|)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, TypeAlias

import numpy as np

from qml import _checks
from qml._typing import Dims, Integer, Numeric, Real
from qml.geometry.generators import Generators
from qml.models.generators import MatrixGenerators, PauliGenerators
from qml.operators.strings import walsh_hadamard
from qml.states.gibbs import GibbsState


@dataclass(frozen=True, eq=False)
class FreeEnergy:
    """F at one theta, and its derivatives.

    Attributes
    ----------
    values : array (d_v,)
        F(v) in nats.
    pull : callable
        dL/dF (d_v,) -> dL/dtheta (m,).
    push : callable
        A direction (m,) of theta -> dF (d_v,).
    slopes : callable
        (start, stop) -> dF/dtheta_j of the visible configurations from one to another, (m, stop - start).
    """

    values: Real
    pull: Callable[[Real], Real]
    push: Callable[[Real], Real]
    slopes: Callable[[int, int], Real]


@dataclass(frozen=True, eq=False)
class BlockFreeEnergies:
    """F from the eigenvalues of every block: O(d_v d_h^3), or O(d_v d_h) for diagonal blocks.

    Attributes
    ----------
    combine : callable
        theta -> the blocks K(v) (d_v, d_h, d_h); their diagonals (d_v, d_h) where all generators are diagonal.
    traces : callable
        C(v), of the same shape -> sum_v Tr(C(v) G_j(v)) for all j.
    """

    combine: Callable[[Real], Numeric]
    traces: Callable[[Numeric], Real]
    how: ClassVar[str] = "blocks"

    def at(self, theta: Real) -> FreeEnergy:
        """F and its derivatives at theta (m,)."""
        k = self.combine(theta)
        diagonal = k.ndim == 2
        given_v = GibbsState._trusted(k, k.shape[-1:], diagonal=diagonal)  # the hidden state for every v

        def weights() -> Numeric:
            return given_v.probabilities() if diagonal else given_v.matrix()

        def pull(g: Real) -> Real:
            return self.traces(g[:, None] * weights() if diagonal else g[:, None, None] * weights())

        def push(direction: Real) -> Real:
            pairs = "vh,vh->v" if diagonal else "vij,vji->v"
            return np.asarray(np.einsum(pairs, weights(), self.combine(direction)).real)

        @cache
        def every_slope() -> Real:
            m = len(self.traces(np.zeros_like(k)))
            _checks.memory(f"the slopes of {len(k)} free energies", 8 * m * len(k), "use LBFGS()")
            return np.array([push(direction) for direction in np.eye(m)])

        return FreeEnergy(-given_v.log_partition(), pull, push, lambda start, stop: every_slope()[:, start:stop])


def _of_diagonals(generators: Generators, order: Integer) -> BlockFreeEnergies:
    def traces(cotangent: Numeric) -> Real:
        diagonal = np.empty(order.size)
        diagonal[order] = cotangent.real
        return generators.traces(diagonal)

    return BlockFreeEnergies(lambda theta: generators.combine(theta)[order], traces)


def _of_strings(generators: PauliGenerators, order: Integer) -> BlockFreeEnergies:
    """Strings with I and Z on visible sites: each flips hidden bits only, so an entry stays inside its block."""
    v, h = np.empty(order.size, dtype=np.int64), np.empty(order.size, dtype=np.int64)
    v[order], h[order] = np.indices(order.shape)
    row = h[np.arange(order.size) ^ generators.flips[:, None]]
    v, column = np.broadcast_to(v, row.shape), np.broadcast_to(h, row.shape)

    def combine(theta: Real) -> Numeric:
        blocks = np.zeros((*order.shape, order.shape[1]), dtype=np.complex128)
        blocks[v, row, column] = generators.entries(theta)
        return blocks

    def traces(cotangent: Numeric) -> Real:
        return generators.sums(np.asarray(cotangent[v, column, row], dtype=np.complex128))

    return BlockFreeEnergies(combine, traces)


class RestrictedFreeEnergies:
    """F in closed form: n_v 2^n_v additions for each field component, O(2^n_v n_h) in all."""

    how = "closed form"

    def __init__(self, generators: PauliGenerators, visible: tuple[int, ...], hidden: tuple[int, ...]) -> None:
        n = generators.n
        self._weights = generators.weights
        x, z = generators.words.T
        self._shape = 1 + 3 * len(hidden), 1 << len(visible)
        _checks.memory(
            f"the fields of {_checks.plural(len(hidden), 'hidden unit')}",
            64 * math.prod(self._shape),
            "use fewer sites",
        )

        def bits(masks: Integer, site: int) -> Integer:
            return np.asarray(masks >> (n - 1 - site) & 1, dtype=np.int64)

        self._columns = np.zeros(len(x), dtype=np.int64)
        for site in visible:
            self._columns = 2 * self._columns + bits(z, site)
        self._rows = np.zeros(len(x), dtype=np.int64)  # 0: no hidden site; 1 + 3 j + (0, 1, 2): X, Y, Z of the j-th
        for j, site in enumerate(hidden):
            x_bit, z_bit = bits(x, site), bits(z, site)
            self._rows += (x_bit | z_bit) * (1 + 3 * j + z_bit * (2 - x_bit))

    def _fields(self, theta: Real) -> tuple[Real, Real]:
        """E (d_v,) and b (n_h, 3, d_v)."""
        table = np.zeros(self._shape)
        table[self._rows, self._columns] = self._weights.T @ theta
        fields = walsh_hadamard(table)
        return fields[0], fields[1:].reshape(-1, 3, self._shape[1])

    def at(self, theta: Real) -> FreeEnergy:
        """F(v) at theta, and its derivatives."""
        energy, b = self._fields(theta)
        size = np.hypot.reduce(b, axis=1)
        slope = np.divide(np.tanh(size), size, out=np.ones_like(size), where=size > 0)  # minus <P_j> = slope b^P_j

        def pull(g: Real) -> Real:
            rows = np.concatenate([g[None], (-g * slope[:, None] * b).reshape(-1, len(g))])
            return np.asarray(self._weights @ walsh_hadamard(rows)[self._rows, self._columns])

        def push(direction: Real) -> Real:
            de, db = self._fields(direction)
            return np.asarray(de - (slope * (b * db).sum(axis=1)).sum(axis=0))

        def slopes(start: int, stop: int) -> Real:
            odd = np.bitwise_count(np.arange(start, stop) & self._columns[:, None]) & 1
            fields = (-slope[:, None, start:stop] * b[..., start:stop]).reshape(-1, stop - start)
            of_rows = np.concatenate([np.ones((1, stop - start)), fields])
            return np.asarray(self._weights @ ((1.0 - 2.0 * odd) * of_rows[self._rows]))

        return FreeEnergy(energy - np.logaddexp(size, -size).sum(axis=0), pull, push, slopes)


FreeEnergies: TypeAlias = BlockFreeEnergies | RestrictedFreeEnergies
"""theta -> F, for generators that are diagonal in the visible configurations."""


def free_energies(generators: Generators, visible: tuple[int, ...], hidden: tuple[int, ...]) -> FreeEnergies | None:
    """The cheapest way to F; None where the generators are not diagonal in the visible configurations."""
    if isinstance(generators, PauliGenerators):
        n, (x, z) = generators.n, generators.words.T
        on_visible, on_hidden = (sum(1 << (n - 1 - site) for site in sites) for sites in (visible, hidden))
        if (x & on_visible).any():
            return None
        if (np.bitwise_count((x | z) & on_hidden) <= 1).all():
            return RestrictedFreeEnergies(generators, visible, hidden)
    d_v, d_h = (math.prod(generators.dims[site] for site in sites) for sites in (visible, hidden))
    inner = 1 if generators.is_diagonal else d_h
    remedy = "use fewer hidden sites, or no generator on two of them"
    what = f"{_checks.readable(d_v)} block{'s' if d_v > 1 else ''} of dimension {_checks.readable(d_h)}"
    _checks.memory(what, 64 * d_v * d_h * inner, remedy)
    order = joint_order(generators.dims, visible, hidden)
    if generators.is_diagonal:
        return _of_diagonals(generators, order)
    if isinstance(generators, PauliGenerators):
        return _of_strings(generators, order)
    assert isinstance(generators, MatrixGenerators)
    matrices = generators.matrices
    blocks = matrices[:, order[:, :, None], order[:, None, :]]
    if np.count_nonzero(blocks) < np.count_nonzero(matrices):
        return None
    held = MatrixGenerators(blocks, generators.dims)
    return BlockFreeEnergies(held.combine, held.traces)


def joint_order(dims: Dims, visible: tuple[int, ...], hidden: tuple[int, ...]) -> Integer:
    """The index of the joint basis state \\|v, h>, shape (d_v, d_h), on sites of dimensions `dims`."""
    index = np.arange(math.prod(dims)).reshape(dims).transpose(*visible, *hidden)
    return index.reshape(math.prod(dims[site] for site in visible), -1)
