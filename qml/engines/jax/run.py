"""A plan, run: functions of slot values and of an initial vector that JAX traces, differentiates and compiles.

The matrices of all windows are made first, by a few products over all of them at once. A window is then one product,
``einsum("ab,lbr->lar", M, x)``, at the place of its sites. Rotations about long strings are passes over the vector.

The compiled code does not grow with the number of operations. A register is a ring of sites, and the vector holds them
from one of them on, their `start`. Operations that repeat, as the layers of a circuit do, are one loop. Many that do
not repeat are one loop, too: its step turns the ring, brings the sites of a window together and acts on them, each in
one of a few ways.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from qml.engines.jax.form import Change, Form, Turn, Window, sections
from qml.engines.jax.kinds import SourceTables
from qml.engines.jax.plan import BatchTables, Tables, placements
from qml.engines.jax.products import change, from_front, ground, product, to_front, turn
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
        return jnp.asarray(source.fixed)[source.order]
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


@dataclass(frozen=True)
class Loops:
    """Runs operations on a vector (q^n, ...).

    Attributes
    ----------
    stacks : sequence
        Of each batch of windows their matrices (w, side, side), then of all rotations about strings their angles and
        the two masks, (t,) each.
    layout : Layout
    q : int
        Numbers that a site holds.
    remat : int
        Operations that are computed again on the way back at a time.
    """

    stacks: Sequence[Any]
    layout: Layout
    q: int
    remat: int

    def repeated(self, x: Any, n: int, start: int, items: Sequence[Window | Turn], times: int) -> tuple[Any, int]:
        """The same few operations, `times` times, each written out; and the start afterwards."""
        few = items[: len(items) // times]
        starts = self.layout.starts([item.sites for item in few], n, self.q, start, again=times > 1)
        begin = starts[-1] if times > 1 else start
        batches = {item.batch: [other for other in items if other.batch == item.batch] for item in few}
        places = [batches[item.batch].index(item) for item in few]
        rows = {batch: self._rows(batch, [item.index for item in own]) for batch, own in batches.items()}
        rows = jax.tree.map(lambda all_rows: all_rows.reshape(times, -1, *all_rows.shape[1:]), rows)

        def step(x: Any, rows: Any) -> Any:
            for item, place, before, now in zip(few, places, [begin, *starts], starts, strict=False):
                row = jax.tree.map(lambda own, place=place: own[place], rows[item.batch])
                x = self.layout.turned(x, now - before, n, self.q)
                x = self._acted(x, n, now, row, [(site - now) % n for site in item.sites])
            return x

        x = self.layout.turned(x, begin - start, n, self.q)
        return looped(step, x, rows, max(1, self.remat // len(few)) if self.remat else 0), starts[-1]

    def mixed(self, x: Any, n: int, start: int, items: Sequence[Window | Turn]) -> tuple[Any, int]:
        """Operations as they come, as one loop; and the start afterwards.

        On one device the ring is turned until a window comes first, so that neighbours lie together; over several it is
        turned when what is spread must change. The compiled code has a branch for each way that the ring is turned, for
        each way that the sites of a window then lie, and for each number of sites.
        """
        spread = self.layout.count(n, self.q)
        if spread:
            starts = self.layout.starts([item.sites for item in items], n, self.q, start, again=False)
        else:
            ends = itertools.accumulate(items, lambda at, item: _first(item.sites, n, at), initial=start)
            starts = list(ends)[1:]
        turns = (np.diff(starts, prepend=start) % n).tolist()
        places = [
            (*range(spread), *((site - now) % n for site in item.sites))
            for item, now in zip(items, starts, strict=True)
        ]
        batches = [item.batch for item in items]
        rows = {
            batch: self._rows(batch, [item.index if item.batch == batch else 0 for item in items])
            for batch in sorted(set(batches))
        }
        ways, orders = sorted(set(turns)), sorted(set(places))
        rings = [partial(self.layout.turned, by=by, n=n, q=self.q) for by in ways]
        fronts, backs = ([partial(move, sites=o, n=n, q=self.q) for o in orders] for move in (to_front, from_front))
        sizes = {item.batch: range(spread, spread + len(item.sites)) for item in items}
        acts = [lambda y, now, rows, batch=batch: self._acted(y, n, now, rows[batch], sizes[batch]) for batch in rows]

        def act(which: Any, *arguments: Any) -> Any:
            return self.layout.placed(lax.switch(which, acts, *arguments), n, self.q)

        act = jax.checkpoint(act, prevent_cse=False) if len(acts) > 1 else act  # or each of them keeps a vector

        def step(x: Any, row: Any) -> Any:
            ring, place, which, now, own = row
            y = self.layout.placed(lax.switch(place, fronts, lax.switch(ring, rings, x)), n, self.q)
            return self.layout.placed(lax.switch(place, backs, act(which, y, now, own)), n, self.q)

        numbers = _numbers(turns, ways), _numbers(places, orders), _numbers(batches, list(rows)), jnp.asarray(starts)
        return looped(step, x, (*numbers, rows), self.remat), starts[-1]

    def _rows(self, batch: int, numbers: Sequence[int]) -> Any:
        """Of a batch the entries with these numbers."""
        first, stop = numbers[0], numbers[0] + len(numbers)
        places = slice(first, stop) if list(numbers) == list(range(first, stop)) else np.array(numbers)
        return jax.tree.map(lambda rows: rows[places], self.stacks[batch])

    def _acted(self, x: Any, n: int, start: Any, row: Any, sites: Sequence[int]) -> Any:
        """One operation: a matrix on these sites of the register, or a rotation about a string."""
        if isinstance(row, tuple):
            angle, flips, signs = row
            return turn(x, angle, flips, signs, start, n, self.q, self.layout)
        return self.layout.placed(product(x, row, sites, n, self.q, self.layout), n, self.q)


def _first(sites: tuple[int, ...], n: int, otherwise: int) -> int:
    """Of sites of a ring the one that comes after the widest gap."""
    widths = [((site - sites[place - 1] - 1) % n, -site) for place, site in enumerate(sites)]
    return -max(widths)[1] if sites else otherwise


def _numbers(values: Sequence[Any], among: Sequence[Any]) -> Any:
    return jnp.asarray([among.index(value) for value in values])


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
