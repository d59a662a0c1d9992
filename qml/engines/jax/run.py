"""A plan, run: functions of slot values and of an initial vector that JAX traces, differentiates and compiles.

The matrices of all windows are made first, by a few products over all of them at once. A window is then one product,
``einsum("ab,lbr->lar", M, x)``, at the place of its sites. Windows that repeat, as the layers of a circuit do, are one
loop, so that a deep circuit compiles as fast as one of its layers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from qml.engines.jax.form import Change, Form, Item, Turn, Window, sections
from qml.engines.jax.kinds import SourceTables
from qml.engines.jax.plan import BatchTables, Tables, spreading
from qml.engines.jax.shards import Layout


def matrices(form: Form, tables: Tables, slots: Any, given: Sequence[Any]) -> list[Any]:
    """Of each batch of windows their matrices (w, side, side), at slot values and the matrices that the host made."""
    ones = _source(tables.ones, form.frequency * slots, given[0])
    twos = _source(tables.twos, form.frequency * slots, given[1])
    chains = ones[tables.chains[:, 0]]
    for place in range(1, tables.chains.shape[1]):
        chains = ones[tables.chains[:, place]] @ chains
    return [
        _of_windows(batch, spreading(n, form.levels), columns, twos, chains)
        for batch, (n, columns) in zip(tables.batches, form.batches, strict=True)
    ]


def _source(source: SourceTables, angles: Any, given: Any) -> Any:
    """All matrices (m, side, side) of one size, in the order in which they were added."""
    own = angles[source.slots][:, None, None]
    turns = source.turns[:, 0] + jnp.cos(own) * source.turns[:, 1] + jnp.sin(own) * source.turns[:, 2]
    return jnp.concatenate([source.fixed, turns, given])[source.order]


def _of_windows(
    batch: BatchTables, spreads: tuple[np.ndarray, np.ndarray], columns: tuple[int, ...], twos: Any, chains: Any
) -> Any:
    spread, holds = spreads
    pairs = chains[batch.pairs[:, 1]]
    if batch.pairs.shape[1] == 3:
        both = jnp.einsum("pij,pkl->pikjl", pairs, chains[batch.pairs[:, 2]])
        pairs = twos[batch.pairs[:, 0]] @ both.reshape(-1, *twos.shape[1:])
    flat = pairs.reshape(len(pairs), -1)
    product = None
    for column, place in enumerate(columns):
        entries = flat[batch.members[:, column]]
        if place >= 0:
            matrix = jnp.where(holds[place], entries[:, spread[place]], 0.0)
        else:
            where = batch.places[:, column]
            index = jnp.asarray(spread)[where].reshape(len(entries), -1)
            taken = jnp.take_along_axis(entries, index, axis=1).reshape(len(entries), *spread.shape[1:])
            matrix = jnp.where(jnp.asarray(holds)[where], taken, 0.0)
        product = matrix if product is None else matrix @ product
    return product


def evolved(form: Form, layout: Layout, remat: int, tables: Tables, slots: Any, given: Sequence[Any], x: Any) -> Any:
    """The vector (q^n, ...) after a plan, from slot values, the matrices that the host made and the initial vector
    (None: that of |0...0>); `remat` items at a time are computed again on the way back."""
    q, n = form.levels, form.n_in
    x = layout.spread(ground(n), 0, n, q) if x is None else x
    made = matrices(form, tables, slots, given)
    free, fixed = iter(given[2:]), iter(tables.singles)
    every = [next(free if is_free else fixed) for is_free in form.free]

    def one(x: Any, item: Item, matrix: Any, n: int) -> Any:
        if isinstance(item, Turn):
            return layout.spread(turn(x, item, slots[item.slot], n, q), 0, n, q)
        if isinstance(item, Change):
            return layout.spread(change(x, item, n, q), 0, item.after(n), q)
        begin = layout.begin(item.sites, n, q)
        m = matrix if isinstance(item, Window) else every[item.index]
        y = product(layout.spread(x, begin, n, q), m, item.sites, n, q)
        return layout.spread(layout.spread(y, begin, n, q), 0, n, q)

    def several(items: Sequence[Item], n: int, x: Any, rows: Sequence[Any]) -> Any:
        for item, row in zip(items, rows, strict=True):
            x = one(x, item, row, n)
        return x

    for part in sections(form.items):
        items = form.items[part.start : part.start + part.length * part.times]
        first = items[0]
        if part.times > 1:
            assert isinstance(first, Window)
            rows = made[first.batch][first.index : first.index + len(items)]
            rows = rows.reshape(part.times, part.length, *rows.shape[1:])
            layer = partial(_layer, partial(several, items[: part.length], n))
            x = _scan(layer, x, rows, max(1, remat // part.length) if remat else 0)
            continue
        for begin in range(0, len(items), remat or len(items)):
            chunk = items[begin : begin + (remat or len(items))]
            own = [made[item.batch][item.index] if isinstance(item, Window) else None for item in chunk]
            step = partial(several, chunk, n)
            x = (jax.checkpoint(step) if remat else step)(x, own)
        if isinstance(first, Change):
            n = first.after(n)
    return x


def _layer(several: Any, x: Any, rows: Any) -> tuple[Any, None]:
    return several(x, list(rows)), None


def _scan(layer: Any, x: Any, rows: Any, remat: int) -> Any:
    """A loop over layers, `remat` of them at a time kept only at their beginning."""
    if not remat:
        return lax.scan(layer, x, rows)[0]
    whole = len(rows) // remat
    if whole:
        groups = rows[: whole * remat].reshape(whole, remat, *rows.shape[1:])
        inner = jax.checkpoint(lambda x, group: lax.scan(layer, x, group)[0])
        x = lax.scan(lambda x, group: (inner(x, group), None), x, groups)[0]
    rest = rows[whole * remat :]
    return lax.scan(layer, x, rest)[0] if len(rest) else x


# single items ---------------------------------------------------------------------------------------------------------


def product(x: Any, matrix: Any, sites: Sequence[int], n: int, q: int) -> Any:
    """A matrix on sites of a vector (q^n, ...)."""
    tail, k = x.shape[1:], len(sites)
    ascending = sorted(sites)
    if list(sites) != ascending:
        order = [list(sites).index(site) for site in ascending]
        matrix = matrix.reshape((q,) * (2 * k)).transpose(*order, *(k + place for place in order)).reshape(q**k, q**k)
    starts = sorted({0, n} | {e for s in sites for e in (s, s + 1) if e not in sites or e - 1 not in sites})
    sizes = [q ** (b - a) for a, b in itertools.pairwise(starts)]
    own = [axis for axis, start in enumerate(starts[:-1]) if start in sites]
    if len(own) == 1:
        y = x.reshape(math.prod(sizes[: own[0]]), sizes[own[0]], -1)
        return jnp.einsum("ab,lbr->lar", matrix, y).reshape(x.shape)
    widths, places = [sizes[axis] for axis in own], list(range(len(own)))
    t = jnp.tensordot(
        matrix.reshape(*widths, *widths), x.reshape(*sizes, *tail), axes=([len(own) + p for p in places], own)
    )
    return jnp.moveaxis(t, places, own).reshape(x.shape)


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


_FLIPS = {"I": 0, "X": 1, "Y": 1, "Z": 0}
_EXPONENTS = np.array([[0, 0, 0, 0], [0, 0, 1, 3], [0, 3, 0, 1], [0, 1, 3, 0]])
"""Of the product P Q of two Pauli matrices, P the row: the power of i before the matrix that it is."""


def turn(x: Any, item: Turn, angle: Any, n: int, q: int) -> Any:
    """A rotation about a string P, without a matrix.

    Of Pauli vectors r_Q' = cos(theta) r_Q + sin(theta) s_Q r_{QP} where Q and P anticommute; of state vectors
    cos(theta/2) psi - i sin(theta/2) P psi.
    """
    shape, tail = (q,) * n, x.shape[1:]
    y = x.reshape(*shape, *tail)
    powers = jnp.zeros((1,) * (n + len(tail)), dtype=jnp.int32)
    moved = y
    for site, letter in zip(item.sites, item.letters, strict=True):
        number = "IXYZ".index(letter)
        if q == 4:  # the product of two of them has the exclusive or of their numbers
            moved = jnp.take(moved, np.arange(4) ^ number, axis=site)
            own = _EXPONENTS[number]
        else:
            moved = jnp.flip(moved, axis=site) if _FLIPS[letter] else moved
            own = np.array({"X": [0, 0], "Y": [3, 1], "Z": [0, 2]}[letter])
        powers = powers + own.reshape((-1,) + (1,) * (n + len(tail) - site - 1))
    powers = powers % 4
    if q == 4:
        sign = jnp.where(powers == 3, 1.0, -1.0)
        turned = jnp.cos(angle) * y + jnp.sin(angle) * sign * moved
        return jnp.where(powers % 2 == 1, turned, y).reshape(x.shape)
    phase = jnp.asarray(np.array([1, 1j, -1, -1j]))[powers]
    return (jnp.cos(angle / 2) * y - 1j * jnp.sin(angle / 2) * phase * moved).reshape(x.shape)


def ground(n: int) -> Any:
    """The Pauli vector of |0...0>: one for each string of I and Z."""
    index, places = jnp.arange(4**n), sum(1 << 2 * site for site in range(n))
    return jnp.where((index & places) == ((index >> 1) & places), 1.0, 0.0)
