"""A vector spread over many devices: which of its sites are spread, and when they change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from qml import _checks
from qml._checks import InputError

AXIS = "sites"


@dataclass(frozen=True)
class Layout:
    """Nothing is spread: one device has the whole vector. Equal ones share what is compiled."""

    def count(self, q: int) -> int:
        """How many sites are spread."""
        return 0

    def begin(self, sites: Sequence[int], n: int, q: int) -> int:
        """The first of the sites that are spread while an operation acts on these."""
        return 0

    def spread(self, x: Any, begin: int, n: int, q: int) -> Any:
        """The vector with the values of the sites from `begin` on spread over the devices."""
        return x


@dataclass(frozen=True)
class Spread(Layout):
    """Each device has the part of the vector that belongs to some values of a few neighbouring sites.

    These are the leading ones. A window needs all values of its own sites on one device: where they are spread, the
    next ones are spread instead while it acts, which is one exchange of everybody with everybody before it, and one
    after.
    """

    mesh: Mesh

    def begin(self, sites: Sequence[int], n: int, q: int) -> int:
        count = self.count(q)
        if count > n:
            return 0
        for first in range(n - count + 1):
            if not set(range(first, first + count)) & set(sites):
                return first
        raise InputError(
            f"an operation on {len(sites)} of {n} qubits leaves no room to spread the vector over {self.mesh.size} "
            "devices: use fewer devices."
        )

    def spread(self, x: Any, begin: int, n: int, q: int) -> Any:
        count = self.count(q)
        if count > n or not begin:
            axes = PartitionSpec() if count > n else PartitionSpec(AXIS)
            return jax.lax.with_sharding_constraint(x, NamedSharding(self.mesh, axes))
        there = NamedSharding(self.mesh, PartitionSpec(None, AXIS, None))
        return jax.lax.with_sharding_constraint(x.reshape(q**begin, q**count, -1), there).reshape(x.shape)

    def count(self, q: int) -> int:
        """As many as have at least as many values as there are devices."""
        return next(count for count in range(1, 64) if q**count >= self.mesh.size)


def mesh_of(devices: Sequence[Any]) -> Mesh:
    """Devices in a row; their number is a power of two."""
    count = len(devices)
    if count & (count - 1) or not count:
        raise InputError(
            f"devices must be one device or 2, 4, 8, ... of them, over which a vector of qubits is spread evenly; "
            f"found {_checks.plural(count, 'device')}."
        )
    return jax.make_mesh((count,), (AXIS,), axis_types=(jax.sharding.AxisType.Auto,), devices=devices)
