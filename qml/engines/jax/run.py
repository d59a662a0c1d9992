"""A plan, run: functions of slot values and of an initial vector that JAX traces, differentiates and compiles.

The matrices of all windows are made first, by a few products over all of them at once. A window is then one product,
``einsum("ab,lbr->lar", M, x)``, at the place of its sites. Rotations about long strings are passes over the vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from qml.engines.jax.form import Change, Form, sections
from qml.engines.jax.kinds import SourceTables
from qml.engines.jax.loops import Loops, looped
from qml.engines.jax.plan import BatchTables, Tables, placements
from qml.engines.jax.products import change, from_front, ground, product, to_front
from qml.engines.jax.shards import Layout

UNROLLED = 8
"""Products one after another that are written out; more are a loop."""


def matrices(form: Form, tables: Tables, slots: Any, given: Sequence[Any]) -> list[Any]:
    """Of each batch of windows their matrices (w, side, side), at slot values and the matrices that the host made."""
    angles = form.levels / 4 * slots
    of_size = {k: _source(t, angles, own) for k, t, own in zip(form.sizes, tables.sources, given, strict=True)}
    ones = of_size[1]
    first, later = tables.chains[:, 0], tables.chains[:, 1:].T
    is_short = len(later) <= UNROLLED
    chains, _ = lax.scan(lambda made, place: (ones[place] @ made, None), ones[first], later, unroll=is_short)
    return [
        _of_windows(batch, sites, form.levels, columns, of_size, chains)
        for batch, (sites, columns) in zip(tables.batches, form.batches, strict=True)
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
    backs = [jax.vmap(partial(from_front, sites=sites, n=most, q=q)) for sites in placements(most)]
    first = jax.vmap(partial(product, sites=range(min(2, most)), n=most, q=q))

    def one_more(made: Any, members: Any, places: Any) -> Any:
        return _chosen(places, backs, first(_chosen(places, fronts, made), pairs[members]))

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
    q, n, start = form.levels, form.n_in, 0
    x = layout.placed(ground(n) if x is None else x, n, q)
    turns = (slots[tables.turns.slots], tables.turns.flips, tables.turns.signs)
    loops = Loops([*matrices(form, tables, slots, given), turns], layout, q, remat)
    for part in sections(form.items):
        head = form.items[part.start]
        items = [item for item in form.items[part.start : part.stop] if not isinstance(item, Change)]
        if isinstance(head, Change):
            x = change(layout.turned(x, -start, n, q), head, n, q)
            n, start = head.after(n), 0
            x = layout.placed(x, n, q)
        elif part.is_mixed:
            x, start = loops.mixed(x, n, start, items)
        else:
            x, start = loops.repeated(x, n, start, items, part.times)
    return layout.turned(x, -start, n, q)
