"""Functions of the host that JAX calls: every bit of their numbers arrives, there and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


@dataclass(frozen=True)
class _Bits:
    """A function on the host that takes and gives the bits of numbers, as 32-bit words along a last axis.

    JAX calls it on any thread. Where ``jax.enable_x64(True)`` was said as a context, which belongs to one thread, it
    would round float64 to float32 on the way to another and back; integers it leaves alone.
    """

    function: Callable[..., Any]
    dtypes: tuple[np.dtype[Any], ...]
    """Of the numbers that it takes."""

    def __call__(self, *words: Any) -> list[Any]:
        held = [np.ascontiguousarray(each).view(dtype)[..., 0] for each, dtype in zip(words, self.dtypes, strict=True)]
        found = self.function(*held)
        parts = found if isinstance(found, tuple) else [found]
        return [np.asarray(each, order="C")[..., None].view(np.uint32) for each in parts]


def called(function: Callable[..., Any], out: Any, *arguments: Any, one_by_one: bool = False) -> Any:
    """What a function on the host returns, an array or several, of shapes and dtypes `out`; mapped, it gets all members
    in one call, or `one_by_one`."""
    as_bits = jax.lax.bitcast_convert_type

    def words(x: Any) -> Any:
        parts = jnp.stack([x.real, x.imag], -1) if jnp.iscomplexobj(x) else x
        return as_bits(parts, np.uint32).reshape(*x.shape, x.dtype.itemsize // 4)

    def numbers(found: Any, like: Any) -> Any:
        real, count = np.finfo(like.dtype).dtype, 2 if like.dtype.kind == "c" else 1
        parts = as_bits(found.reshape(*like.shape, count, 2) if real.itemsize == 8 else found, real)
        return jax.lax.complex(parts[..., 0], parts[..., 1]) if count == 2 else parts[..., 0]

    likes, tree = jax.tree.flatten(out)
    shapes = [jax.ShapeDtypeStruct((*like.shape, like.dtype.itemsize // 4), np.uint32) for like in likes]
    host = _Bits(function, tuple(np.dtype(x.dtype) for x in arguments))
    how = "sequential" if one_by_one else "expand_dims"
    found = jax.pure_callback(host, shapes, *map(words, arguments), vmap_method=how)
    return jax.tree.unflatten(tree, list(map(numbers, found, likes)))
