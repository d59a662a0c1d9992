"""Operations on sites of a vector: matrices, rotations about strings, and sites that come or go."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from qml.engines.jax.form import Change
from qml.engines.jax.shards import Layout

CACHE = 2**23
"""Bytes that the cache of a processor is taken to hold: a Pauli vector of ten qubits."""
SLICE = 2**15
"""Bytes from which a slice of a larger vector is worth a product of its own there."""


def product(x: Any, matrix: Any, sites: Sequence[int], n: int, q: int, layout: Layout | None = None) -> Any:
    """A matrix on sites, in the order listed, of a vector (q^n, ...)."""
    layout = layout or Layout()
    begin, k = sites[0], len(sites)
    if list(sites) == list(range(begin, begin + k)):
        y = x.reshape(q**begin, q**k, -1)
        if not begin:
            return (matrix @ y[0]).reshape(x.shape)
        if layout.by_slices and x.nbytes > CACHE and y[0].nbytes >= SLICE:
            return _by_slices(matrix, y).reshape(x.shape)
        return _at_once(matrix, y).reshape(x.shape)
    order = [*range(layout.count(n, q)), *sites]  # what is spread stays where it is
    y = product(to_front(x, order, n, q), matrix, range(len(order) - k, len(order)), n, q)
    return from_front(y, order, n, q)


def _at_once(matrix: Any, y: Any) -> Any:
    return jnp.einsum("ab,lbr->lar", matrix, y)


def _in_place(matrix: Any, y: Any) -> Any:
    """The same, slice after slice, each result in the place of its slice."""

    def one_more(place: Any, y: Any) -> Any:
        return lax.dynamic_update_index_in_dim(y, matrix @ y[place], place, 0)

    return lax.fori_loop(0, len(y), one_more, y)


def _changes(primals: Any, tangents: Any) -> tuple[Any, Any]:
    (matrix, y), (of_matrix, of_y) = primals, tangents
    return _by_slices(matrix, y), _at_once(of_matrix, y) + _at_once(matrix, of_y)


_by_slices: Any = jax.custom_jvp(_in_place)  # JAX would keep every step of the loop for the way back
_by_slices.defjvp(_changes)


def to_front(x: Any, sites: Sequence[int], n: int, q: int) -> Any:
    """A vector (q^n, ...) of which these sites come first, in the order listed."""
    return _rearranged(x, [*sites, *(site for site in range(n) if site not in sites)], q)


def from_front(x: Any, sites: Sequence[int], n: int, q: int) -> Any:
    """The vector (q^n, ...) that such a one came from."""
    order = [*sites, *(site for site in range(n) if site not in sites)]
    return _rearranged(x, [order.index(site) for site in range(n)], q)


def _rearranged(x: Any, order: Sequence[int], q: int) -> Any:
    """A vector (q^n, ...) with its sites in this order; those that stay neighbours are one axis."""
    heads = [site for place, site in enumerate(order) if not place or site != order[place - 1] + 1]
    starts = sorted(heads)
    sizes = [q ** (end - start) for start, end in itertools.pairwise([*starts, len(order)])]
    axes = [starts.index(site) for site in heads]
    y = x.reshape(*sizes, *x.shape[1:])
    return y.transpose(*axes, *range(len(axes), y.ndim)).reshape(x.shape)


def turn(x: Any, angle: Any, flips: Any, signs: Any, start: Any, n: int, q: int, layout: Layout) -> Any:
    """A rotation about a string P, without a matrix: by an angle, with the masks of the string, of a register that
    begins at the site `start`.

    Of Pauli vectors r_Q' = cos(theta) r_Q + sin(theta) s_Q r_{QP} where Q and P anticommute; of state vectors
    cos(theta/2) psi - i sin(theta/2) P psi. A string is i^(x.z) X^x Z^z for two masks of bits, x and z.
    """
    bits = q.bit_length() - 1
    back, forth = (jnp.asarray(bits * by, dtype=jnp.uint64) for by in (n - start, start))
    flips, signs = ((mask << forth | mask >> back) & jnp.uint64(q**n - 1) for mask in (flips, signs))
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
    first = layout.count(n, q) if 2 * layout.count(n, q) <= n else 0
    rest = q ** (n - first)
    y = x.reshape(q**first, rest, *x.shape[1:])[:, jnp.arange(rest, dtype=jnp.uint64) ^ (mask % rest)]
    if first:
        y = layout.placed(layout.placed(y, n, q), n, q, axis=1)
        y = y[jnp.arange(q**first, dtype=jnp.uint64) ^ (mask // rest)]
    return layout.placed(y.reshape(x.shape), n, q)


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
