"""A plan, run: functions of slot values and of an initial vector that JAX traces, differentiates and compiles.

The matrices of all windows are made first, by a few products over all of them at once. A window is then one product,
``einsum("ab,lbr->lar", M, x)``, at the place of its sites. Windows that repeat, as the layers of a circuit do, are one
loop, so that a deep circuit compiles as fast as one of its layers; many that do not repeat are one loop, too, whose
step acts wherever the next window is. Rotations about long strings are a loop over the bits of their strings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from qml.engines.jax.form import UNROLLED_WINDOWS, Change, Form, Single, Turn, Window, sections
from qml.engines.jax.kinds import SourceTables
from qml.engines.jax.plan import BatchTables, Tables, placements
from qml.engines.jax.products import (
    UNROLLED,
    change,
    from_front,
    ground,
    looped,
    looped_windows,
    product,
    to_front,
    turn,
)
from qml.engines.jax.shards import Layout


def matrices(form: Form, tables: Tables, slots: Any, given: Sequence[Any]) -> tuple[dict[int, Any], list[Any]]:
    """By their numbers of sites the matrices (m, side, side) of operations, and of each batch of windows theirs, at
    slot values and the matrices that the host made."""
    angles = form.frequency * slots
    of_size = {k: _source(t, angles, own) for k, t, own in zip(form.sizes, tables.sources, given, strict=True)}
    ones = of_size[1]
    first, later = tables.chains[:, 0], tables.chains[:, 1:].T
    is_short = len(later) <= UNROLLED
    chains, _ = lax.scan(lambda made, place: (ones[place] @ made, None), ones[first], later, unroll=is_short)
    return of_size, [
        _of_windows(batch, min(form.most, n), form.levels, columns, of_size, chains)
        for batch, (n, columns) in zip(tables.batches, form.batches, strict=True)
    ]


def _source(source: SourceTables, angles: Any, given: Any) -> Any:
    """All matrices (m, side, side) of one size, in the order in which they were added."""
    if not len(source.turns) + len(given):
        return source.fixed[source.order]
    own = angles[source.slots][:, None, None]
    turns = source.turns[:, 0] + jnp.cos(own) * source.turns[:, 1] + jnp.sin(own) * source.turns[:, 2]
    return jnp.concatenate([source.fixed, turns, given])[source.order]


def _of_windows(batch: BatchTables, most: int, q: int, columns: tuple[int, ...], of_size: Any, chains: Any) -> Any:
    pairs = chains[batch.pairs[:, 1]]
    if batch.pairs.shape[1] == 3:
        both = jnp.einsum("pij,pkl->pikjl", pairs, chains[batch.pairs[:, 2]])
        pairs = of_size[2][batch.pairs[:, 0]] @ both.reshape(-1, q**2, q**2)
    onto = [jax.vmap(partial(product, sites=sites, n=most, q=q)) for sites in placements(most)]
    fronts = [jax.vmap(partial(to_front, sites=sites, n=most, q=q)) for sites in placements(most)]
    backs = [jax.vmap(partial(from_front, sites=sites, n=most, q=q, tail=(q**most,))) for sites in placements(most)]

    def one_more(made: Any, members: Any, places: Any) -> Any:
        return _chosen(places, backs, pairs[members] @ _chosen(places, fronts, made))

    made = of_size[most][batch.starts]
    if len(columns) > UNROLLED:
        return looped(lambda made, row: one_more(made, *row), made, (batch.members.T, batch.places.T))
    for column, place in enumerate(columns):
        members = batch.members[:, column]
        made = onto[place](made, pairs[members]) if place >= 0 else one_more(made, members, batch.places[:, column])
    return made


def _chosen(which: Any, ways: Sequence[Any], matrices: Any) -> Any:
    """Of each matrix what its own way makes of it."""
    made = [way(matrices) for way in ways]
    return lax.select_n(jnp.broadcast_to(which[:, None, None], made[0].shape), *made)


def evolved(form: Form, layout: Layout, remat: int, tables: Tables, slots: Any, given: Sequence[Any], x: Any) -> Any:
    """The vector (q^n, ...) after a plan, from slot values, the matrices that the host made and the initial vector
    (None: that of |0...0>); `remat` items at a time are computed again on the way back."""
    q, n = form.levels, form.n_in
    x = layout.spread(ground(n), 0, n, q) if x is None else x
    of_size, made = matrices(form, tables, slots, given)

    def one(x: Any, item: Window | Single, matrix: Any) -> Any:
        begin = layout.begin(item.sites, n, q)
        y = product(layout.spread(x, begin, n, q), matrix, item.sites, n, q)
        return layout.spread(layout.spread(y, begin, n, q), 0, n, q)

    def several(own: Sequence[Window], x: Any, rows: Any) -> Any:
        for item, matrix in zip(own, rows, strict=True):
            x = one(x, item, matrix)
        return x

    is_whole = not layout.count(q)
    for part in sections(form.items, UNROLLED_WINDOWS if is_whole else math.inf):
        items = form.items[part.start : part.start + part.length * part.times]
        first = items[0]
        if isinstance(first, Window):
            own = [item for item in items if isinstance(item, Window)]
            rows = made[first.batch][first.index : first.index + len(own)]
            if is_whole and part.length > UNROLLED_WINDOWS:
                x = looped_windows(x, rows, [item.sites for item in own], n, q, remat)
            else:
                rows = rows.reshape(part.times, part.length, *rows.shape[1:])
                x = looped(partial(several, own[: part.length]), x, rows, max(1, remat // part.length) if remat else 0)
        elif isinstance(first, Turn):
            these = slice(first.index, first.index + len(items))
            flips, signs, places = (table[these] for table in tables.turns)
            x = looped(partial(turn, n=n, q=q, layout=layout), x, (slots[places], flips, signs), remat)
        elif isinstance(first, Change):
            x = layout.spread(change(x, first, n, q), 0, first.after(n), q)
            n = first.after(n)
        else:
            x = one(x, first, of_size[len(first.sites)][tables.singles[first.index]])
    return x
