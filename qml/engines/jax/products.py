"""Operations on sites of a vector, and loops over many of them, whose compiled code grows with n, not with their
number."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from qml.engines.jax.form import Change
from qml.engines.jax.shards import Layout

UNROLLED = 8
"""Products one after another that are written out; more are a loop."""


def product(x: Any, matrix: Any, sites: Sequence[int], n: int, q: int) -> Any:
    """A matrix on sites, in the order listed, of a vector (q^n, ...)."""
    begin, k = sites[0], len(sites)
    if list(sites) == list(range(begin, begin + k)):
        return jnp.einsum("ab,lbr->lar", matrix, x.reshape(q**begin, q**k, -1)).reshape(x.shape)
    return from_front(jnp.tensordot(matrix, to_front(x, sites, n, q), 1), sites, n, q, x.shape[1:])


def to_front(x: Any, sites: Sequence[int], n: int, q: int) -> Any:
    """A vector (q^n, ...) as a matrix (q^k, ...): these k sites in the order listed, then all others."""
    sizes, axes = _axes(sites, n, q)
    return jnp.moveaxis(x.reshape(*sizes, *x.shape[1:]), axes, range(len(axes))).reshape(q ** len(sites), -1)


def from_front(y: Any, sites: Sequence[int], n: int, q: int, tail: tuple[int, ...]) -> Any:
    """The vector (q^n, *tail) that such a matrix came from."""
    sizes, axes = _axes(sites, n, q)
    others = [size for axis, size in enumerate(sizes) if axis not in axes]
    y = y.reshape(*(sizes[axis] for axis in axes), *others, *tail)
    return jnp.moveaxis(y, range(len(axes)), axes).reshape(q**n, *tail)


def _axes(sites: Sequence[int], n: int, q: int) -> tuple[list[int], list[int]]:
    """The register as few axes, and which of them are the sites; neighbours are one."""
    heads = [site for place, site in enumerate(sites) if not place or site != sites[place - 1] + 1]
    ends = [site + 1 for place, site in enumerate(sites) if place + 1 == len(sites) or site + 1 != sites[place + 1]]
    starts = sorted({0, n, *heads, *ends})
    return [q ** (b - a) for a, b in itertools.pairwise(starts)], [starts.index(site) for site in heads]


def looped(step: Callable[[Any, Any], Any], x: Any, rows: Any, remat: int = 0) -> Any:
    """step(x, row) for row after row; of `remat` steps at a time only the first vector is kept for the way back."""

    def loop(x: Any, rows: Any) -> Any:
        return lax.scan(lambda x, row: (step(x, row), None), x, rows)[0]

    count = len(jax.tree.leaves(rows)[0])
    if count == 1:
        once = jax.checkpoint(step) if remat else step
        return once(x, jax.tree.map(lambda r: r[0], rows))
    whole = count // remat if remat else 0
    if whole:
        groups = jax.tree.map(lambda r: r[: whole * remat].reshape(whole, remat, *r.shape[1:]), rows)
        inner = jax.checkpoint(loop)
        x = lax.scan(lambda x, group: (inner(x, group), None), x, groups)[0]
    rest = jax.tree.map(lambda r: r[whole * remat :], rows)
    return loop(x, rest) if count > whole * remat else x


def looped_windows(x: Any, matrices: Any, windows: Sequence[tuple[int, ...]], n: int, q: int, remat: int) -> Any:
    """Matrices (w, q^k, q^k), each on its own k sites ascending, as one loop wherever they act.

    The register is a ring, which is turned until the sites of a window come first: so each way that the ring is turned
    between two windows, and each distance between the sites of a window, is compiled once.
    """
    k = len(windows[0])
    turned = [_first(sites, n) for sites in windows]
    firsts = np.array([sites.index(own[0]) for sites, own in zip(windows, turned, strict=True)])
    for first in set(firsts.tolist()) - {0}:
        order = [*range(first, k), *range(first)]
        axes = [0, *(1 + place for place in order), *(1 + k + place for place in order)]
        other = matrices.reshape(-1, *(q,) * (2 * k)).transpose(axes).reshape(matrices.shape)
        matrices = jnp.where((firsts == first)[:, None, None], other, matrices)
    starts = np.array([own[0] for own in turned])
    ways, way = np.unique(np.diff(starts, prepend=0) % n, return_inverse=True)
    apart = [tuple((site - own[0]) % n for site in own) for own in turned]
    places = sorted(set(apart))
    rings = [partial(_turned, by=int(by), q=q) for by in ways]
    fronts = [partial(to_front, sites=sites, n=n, q=q) for sites in places]
    backs = [partial(from_front, sites=sites, n=n, q=q, tail=x.shape[1:]) for sites in places]

    def step(x: Any, row: Any) -> Any:
        ring, place, matrix = row
        y = lax.switch(place, fronts, lax.switch(ring, rings, x))
        return lax.switch(place, backs, jnp.tensordot(matrix, y, 1))

    x = looped(step, x, (jnp.asarray(way), jnp.asarray([places.index(p) for p in apart]), matrices), remat)
    return _turned(x, int(-starts[-1] % n), q)


def _first(sites: tuple[int, ...], n: int) -> tuple[int, ...]:
    """The sites in the order in which a ring of n has them, from the one after which they are closest."""
    orders = [sites[k:] + sites[:k] for k in range(len(sites))]
    return min(orders, key=lambda order: [(site - order[0]) % n for site in order])


def _turned(x: Any, by: int, q: int) -> Any:
    """The ring turned: site `by` comes first."""
    return jnp.swapaxes(x.reshape(q**by, -1, *x.shape[1:]), 0, 1).reshape(x.shape)


def turn(x: Any, row: tuple[Any, Any, Any], n: int, q: int, layout: Layout) -> Any:
    """A rotation about a string P, without a matrix: by an angle, with the masks of the string.

    Of Pauli vectors r_Q' = cos(theta) r_Q + sin(theta) s_Q r_{QP} where Q and P anticommute; of state vectors
    cos(theta/2) psi - i sin(theta/2) P psi. A string is i^(x.z) X^x Z^z for two masks of bits, x and z.
    """
    angle, flips, signs = row
    tail = (1,) * (x.ndim - 1)
    here = jnp.arange(q**n, dtype=jnp.uint64)
    ones = lax.population_count
    if q == 4:  # the digits of I, X, Y, Z are 0, 1, 2, 3, and that of a product is their exclusive or
        lowest = jnp.uint64((4**n - 1) // 3)
        own_signs = (here >> 1) & lowest
        own_flips = (here & lowest) ^ own_signs
        both = ones((own_flips ^ flips) & (own_signs ^ signs))
        power = (ones(flips & signs) + ones(own_flips & own_signs) + 2 * ones(signs & own_flips) - both) % 4
        power = power.reshape(-1, *tail)
        sign = jnp.where(power == 3, 1.0, -1.0)
        turned = jnp.cos(angle) * x + jnp.sin(angle) * sign * _flipped(x, 2 * signs + (flips ^ signs), n, q, layout)
        return jnp.where(power % 2 == 1, turned, x)
    power = (ones(flips & signs) + 2 * ones(signs & (here ^ flips))) % 4
    phase = jnp.asarray(np.array([1, 1j, -1, -1j]))[power].reshape(-1, *tail)
    return jnp.cos(angle / 2) * x - 1j * jnp.sin(angle / 2) * phase * _flipped(x, flips, n, q, layout)


def _flipped(x: Any, mask: Any, n: int, q: int, layout: Layout) -> Any:
    """Entry i is that at i with the bits of the mask flipped; of sites that are spread, when others are."""
    first = layout.count(q) if 2 * layout.count(q) <= n else 0
    rest = q ** (n - first)
    y = x.reshape(q**first, rest, *x.shape[1:])[:, jnp.arange(rest, dtype=jnp.uint64) ^ (mask % rest)]
    if first:
        y = layout.spread(y.reshape(x.shape), first, n, q).reshape(y.shape)
        y = y[jnp.arange(q**first, dtype=jnp.uint64) ^ (mask // rest)]
    return layout.spread(y.reshape(x.shape), 0, n, q)


# the register ---------------------------------------------------------------------------------------------------------


def change(x: Any, item: Change, n: int, q: int) -> Any:
    """Sites that come or go; of Pauli vectors."""
    zero = jnp.asarray([1.0, 0.0, 0.0, 1.0])
    if item.comes:
        for site in sorted(item.sites):
            x = (x.reshape(q**site, 1, -1) * zero[:, None]).reshape(-1)
        return x
    for site in sorted(item.sites, reverse=True):
        x = x.reshape(q**site, q, -1)[:, 0].reshape(-1)
    return x


def ground(n: int) -> Any:
    """The Pauli vector of |0...0>: one for each string of I and Z."""
    index, places = jnp.arange(4**n), sum(1 << 2 * site for site in range(n))
    return jnp.where((index & places) == ((index >> 1) & places), 1.0, 0.0)
