"""Arrays that JAX holds, as arrays of the house: always in double precision, whatever the user's global setting.

Outside of ``jax.enable_x64`` an array of float64 that is handed to JAX becomes float32 without a word. So the house
never handles JAX's arrays as they are: it handles an :class:`Array`, each of whose operations runs in that context.
"""

from __future__ import annotations

import functools
import operator
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

PLACED_FROM = 2**12
"""Numbers from which an array of the host that no one can write to is placed once, and kept there while it lives."""

_PLACED: dict[int, tuple[weakref.ref[Any], jax.Array]] = {}


class Array:
    """An array of JAX, or a number that JAX traces, with NumPy's methods and operators; immutable."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __array_namespace__(self, api_version: str | None = None) -> Namespace:
        return NAMESPACE

    def __jax_array__(self) -> jax.Array:
        value: jax.Array = self.value
        return value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(on_the_host(self.value), dtype=dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
        if method != "__call__" or named:
            return NotImplemented
        return _made(getattr(jnp, ufunc.__name__), *inputs)

    @property
    def is_traced(self) -> bool:
        """Whether its numbers are still to come."""
        return isinstance(self.value, jax.core.Tracer)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in ("flags", "view", "tolist", "item"):
            raise AttributeError(name)
        if not callable(getattr(type(self.value), name, getattr(self.value, name, None))):
            raise AttributeError(name)
        return lambda *args, **kwargs: _made(lambda x, *a, **k: getattr(x, name)(*a, **k), self, *args, **kwargs)

    def reshape(self, *shape: Any, **how: Any) -> Any:
        """The same entries in another shape; without a call to the device where it is this one."""
        return self if shape == self.shape else _made(lambda x: x.reshape(*shape, **how), self)

    def item(self) -> Any:
        """The number of an array that holds one."""
        return on_the_host(self.value).item()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    __index__ = __int__

    def __bool__(self) -> bool:
        return bool(self.item())

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))  # JAX takes an index beyond the end for the last one

    def __getitem__(self, index: Any) -> Any:
        return _made(lambda x: x[bare(index)], self)

    def __neg__(self) -> Any:
        return _made(operator.neg, self)

    def __abs__(self) -> Any:
        return _made(jnp.abs, self)

    def __invert__(self) -> Any:
        return _made(operator.invert, self)

    def __repr__(self) -> str:
        return f"Array(shape={self.shape}, dtype={self.dtype}, on {placed_on(self.value)})"


def _binary(name: str, swapped: bool) -> Callable[[Array, Any], Any]:
    function = getattr(operator, name)

    def forward(self: Array, other: Any) -> Any:
        return _made(function, other, self) if swapped else _made(function, self, other)

    return forward


def _part(name: str) -> property:
    read = operator.attrgetter(name)
    return property(lambda self: _made(read, self))


_ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
for _name in (*_ARITHMETIC, "and_", "or_", "xor", "rshift", "lshift"):
    setattr(Array, f"__{_name.rstrip('_')}__", _binary(_name, swapped=False))
    setattr(Array, f"__r{_name.rstrip('_')}__", _binary(_name, swapped=True))
for _name in ("shape", "ndim", "size", "dtype", "nbytes"):
    setattr(Array, _name, property(operator.attrgetter(f"value.{_name}")))
for _name in ("real", "imag", "T"):
    setattr(Array, _name, _part(_name))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Array, f"__{_name}__", _binary(_name, swapped=False))
Array.__hash__ = None  # type: ignore[assignment]  # as of every array that compares its entries


class Namespace:
    """The functions of ``jax.numpy`` on such arrays."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if name == "linalg":
            made: Any = Namespace(found)
        elif callable(found) and not isinstance(found, type):
            made = functools.partial(_made, found)
        else:
            made = found
        setattr(self, name, made)
        return made

    def compiled(self, function: Callable[..., Any], *args: Any) -> Any:
        """A function of arrays and plain numbers, whose operations are one call to the device."""
        plain = tuple(place for place, x in enumerate(args) if not isinstance(x, Array | np.ndarray))
        with jax.enable_x64(True):
            return dressed(_compiled(function, plain)(*map(bare, args)))


NAMESPACE = Namespace(jnp)


@functools.cache
def _compiled(function: Callable[..., Any], plain: tuple[int, ...]) -> Callable[..., Any]:
    made: Callable[..., Any] = jax.jit(lambda *args: bare(function(*map(dressed, args))), static_argnums=plain)
    return made


def _made(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a function of JAX's arrays makes of arrays of the house."""
    with jax.enable_x64(True):
        return dressed(function(*map(bare, args), **{name: bare(x) for name, x in kwargs.items()}))


def bare(x: Any) -> Any:
    """What an array of the house holds, and each of a tuple or list; other things as they are."""
    if isinstance(x, Array):
        return x.value
    if type(x) is np.ndarray:
        return placed(x)
    return type(x)(map(bare, x)) if type(x) in (tuple, list) else x


def dressed(x: Any) -> Any:
    """Arrays of the house for JAX's, and for each of a tuple or list."""
    if isinstance(x, jax.Array):
        return Array(x)
    return tuple(map(dressed, x)) if isinstance(x, tuple | list) else x


def placed(array: np.ndarray) -> Any:
    """An array of the host on the device: at once if it is large and cannot be written to, and then kept there."""
    if array.flags.writeable or array.size < PLACED_FROM:
        return array
    found = _PLACED.get(id(array))
    if found is not None and found[0]() is array:
        return found[1]
    there = jnp.array(array)
    if not isinstance(there, jax.core.Tracer):
        key = id(array)
        _PLACED[key] = (weakref.ref(array, lambda _: _PLACED.pop(key, None)), there)
    return there


def on_the_host(value: Any) -> np.ndarray:
    """The numbers of an array of JAX; of one that is spread over processes, gathered from all of them."""
    if not value.size:
        return np.zeros(value.shape, value.dtype)
    if isinstance(value, jax.Array) and not value.is_fully_addressable:
        if value.is_fully_replicated:
            return np.asarray(value.addressable_data(0))
        from jax.experimental import multihost_utils

        return np.asarray(multihost_utils.process_allgather(value, tiled=True))
    return np.asarray(value)


def placed_on(value: Any) -> str:
    """The devices that an array lies on, in words."""
    if isinstance(value, jax.core.Tracer):
        return "a tracer"
    devices = sorted(value.devices(), key=lambda d: d.id)
    return str(devices[0]) if len(devices) == 1 else f"{len(devices)} devices, from {devices[0]}"
