"""A vector spread over many devices: which of its sites are spread, and when they change.

The sites of a register are taken as a ring, and the vector holds them from one of them on: `start` is the site that
comes first, and what is spread are the values of the first few. Others are spread when the ring is turned, which is one
exchange of everybody with everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from qml import _checks
from qml._checks import InputError

AXIS = "sites"


@dataclass(frozen=True)
class Layout:
    """Nothing is spread: one device has the whole vector. Equal ones share what is compiled.

    Attributes
    ----------
    by_slices : bool
        Whether a matrix acts on one slice after another of a vector that a cache does not hold, as processors should.
    """

    by_slices: bool = False

    def count(self, n: int, q: int) -> int:
        """How many sites of a register of n are spread."""
        return 0

    def placed(self, x: Any, n: int, q: int, axis: int = 0) -> Any:
        """An array that holds a vector, of which this axis begins with the sites that are spread."""
        return x

    def starts(self, operations: Sequence[Sequence[int]], n: int, q: int, first: int, again: bool) -> list[int]:
        """The start while each of these operations on sites acts, if it is `first` before them: with the fewest
        exchanges; where they come `again`, the last is followed by the first."""
        return [first] * len(operations)

    def turned(self, x: Any, by: int, n: int, q: int) -> Any:
        """The ring turned: what was number `by` of the sites comes first."""
        by = by % max(n, 1)
        if not by:
            return x
        y = self.placed(x.reshape(q**by, q ** (n - by), *x.shape[1:]), n, q, axis=1)
        return self.placed(jnp.swapaxes(y, 0, 1).reshape(x.shape), n, q)


@dataclass(frozen=True, kw_only=True)
class Spread(Layout):
    """Each device has the part of the vector that belongs to some values of the first few sites. An operation needs
    all values of its own sites on one device, so that others are spread while it acts."""

    mesh: Mesh

    def count(self, n: int, q: int) -> int:
        """As many as have at least as many values as there are devices; 0 where a register has fewer: it is whole."""
        count = next(count for count in range(1, 64) if q**count >= self.mesh.size)
        return count if count <= n else 0

    def placed(self, x: Any, n: int, q: int, axis: int = 0) -> Any:
        axes = (*(None,) * axis, AXIS) if self.count(n, q) else ()
        return jax.lax.with_sharding_constraint(x, NamedSharding(self.mesh, PartitionSpec(*axes)))

    def starts(self, operations: Sequence[Sequence[int]], n: int, q: int, first: int, again: bool) -> list[int]:
        count = self.count(n, q)
        if not count:
            return [first] * len(operations)
        allowed = [
            [start for start in range(n) if all((site - start) % n >= count for site in sites)] for sites in operations
        ]
        if not all(allowed):
            most = max(len(sites) for sites, own in zip(operations, allowed, strict=True) if not own)
            raise InputError(
                f"an operation on {most} of {n} qubits leaves no room to spread the vector over {self.mesh.size} "
                "devices: use fewer devices."
            )

        def fewest(begin: int) -> dict[int, tuple[int, list[int]]]:
            """By the last start, the exchanges from `begin` on, and the starts."""
            found: dict[int, tuple[int, list[int]]] = {begin: (0, [])}
            for own in allowed:
                found = {
                    s: min((c + self._price(s - t, n, q), [*way, s]) for t, (c, way) in found.items()) for s in own
                }
            return found

        if not again:
            return min(fewest(first).values())[1]
        closed = [(fewest(s)[s], self._price(s - first, n, q)) for s in allowed[-1]]
        return min((cost, before, way) for (cost, way), before in closed)[2]

    def _price(self, by: int, n: int, q: int) -> int:
        """Exchanges that turn the ring so far: two where some of the sites that are spread stay so."""
        count, by = self.count(n, q), by % n
        return 0 if not by else 1 if count <= by <= n - count else 2

    def turned(self, x: Any, by: int, n: int, q: int) -> Any:
        count, by = self.count(n, q), by % n
        if self._price(by, n, q) == 2 and 3 * count <= n:
            between = by + count if by < count else by - count
            return super().turned(super().turned(x, between, n, q), (by - between) % n, n, q)
        return super().turned(x, by, n, q)


def mesh_of(devices: Sequence[Any]) -> Mesh:
    """Devices in a row; their number is a power of two."""
    count = len(devices)
    if count & (count - 1) or not count:
        raise InputError(
            f"devices must be one device or 2, 4, 8, ... of them, over which a vector of qubits is spread evenly; "
            f"found {_checks.plural(count, 'device')}."
        )
    return jax.make_mesh((count,), (AXIS,), axis_types=(jax.sharding.AxisType.Auto,), devices=devices)
