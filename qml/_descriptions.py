"""Objects as plain data: the arguments that make them again, never a pickle.

::

    {"kind": "PauliSum", "n_qubits": 2, "terms": {"ZZ": 1.0}}

A class takes part by deriving from :class:`Described`: its kind is its name, and its arguments are the attributes that
are called like those of its constructor, unless it says otherwise.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from qml import _checks
from qml._checks import InputError

KINDS: dict[str, Callable[..., Any]] = {}
"""What makes an object of a kind from its arguments."""
CONSTANTS: dict[str, dict[Hashable, str]] = {}
"""Names of objects of a kind that are known by them, such as gates."""
RESERVED = ("kind", "real", "imag", "array", "float", "complex", "mapping")
"""Keys of what is no plain mapping."""


class Described:
    """What can be made again from plain data."""

    _kind: ClassVar[str]
    """What it is called in files."""
    _keys: ClassVar[tuple[str, ...]] = ()
    """The names of its arguments, where they are not those of its constructor."""

    def __init_subclass__(cls, *, is_kind: bool = True, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = cls.__module__.partition(".")[0] == "qml"
        cls._kind = vars(cls).get("_kind", cls.__name__ if own else f"{cls.__module__}.{cls.__qualname__}")
        if is_kind and not cls.__name__.startswith("_"):
            KINDS[cls._kind] = cls._again

    @classmethod
    def _again(cls, **arguments: Any) -> Any:
        """The object of :meth:`_arguments`, checked like any other."""
        return cls(**arguments)

    def _arguments(self) -> dict[str, Any]:
        """The arguments that make it again: numbers, texts, arrays, described objects, lists and mappings of them."""
        names = list(inspect.signature(type(self)).parameters)
        for name in names:
            if not hasattr(self, name):
                raise InputError(
                    f"a {type(self).__name__} can't be written to a file: its constructor takes {name!r}, which is no "
                    "attribute of it."
                )
        return {name: getattr(self, name) for name in names}

    def _described(self) -> Any:
        """Its kind and its arguments; or what stands for it, where that is plainer."""
        arguments = self._arguments()
        if "." in self._kind:  # of a user, who may have inherited the arguments of another constructor
            try:
                inspect.signature(type(self)).bind(**arguments)
            except TypeError as error:
                raise InputError(f"a {type(self).__name__} can't be written to a file: {error}.") from None
        return {"kind": self._kind, **{key_of(name): x for name, x in arguments.items()}}


class UnknownKind(InputError):
    """A kind that the library does not have: its class is not imported."""


class IfKnown(Described):
    """A part that is left out where what it is made of is not known: a model of a user, read by somebody else."""

    def __init__(self, value: Any) -> None:
        self.value = value


def key_of(argument: str) -> str:
    """The key of an argument, in data where ``kind`` says what an object is."""
    return "kind_" if argument == "kind" else argument


def kinds() -> dict[str, Callable[..., Any]]:
    """What makes an object of each kind that data can name."""
    return {kind: make for kind, make in KINDS.items() if _is_kind(kind)}


def _is_kind(kind: str) -> bool:
    return kind in KINDS and not inspect.isabstract(getattr(KINDS[kind], "__self__", None))


def later(module: str, *names: str) -> None:
    """Kinds whose classes are imported when they are asked for."""
    for name in names:
        KINDS[name] = partial(_imported, module, name)


def _imported(module: str, name: str, /, **arguments: Any) -> Any:
    return getattr(import_module(module), name)._again(**arguments)


def constants(kind: str, registry: Mapping[str, Any]) -> None:
    """Objects that are known by their names."""
    KINDS[kind] = lambda name: registry[_checks.choice(f"the name of a {kind}", name, registry)]
    CONSTANTS[kind] = {value: name for name, value in registry.items()}


def describe(value: Any, put: Callable[[np.ndarray], Any]) -> Any:
    """A value as plain data ready for JSON; `put` says what stands for an array.

    Raises
    ------
    InputError
        If it holds what no file can, such as a function.
    """
    if isinstance(value, Described):
        found = value._described()
        return _plain(found, put) if isinstance(found, dict) and "kind" in found else describe(found, put)
    if hasattr(value, "__array_namespace__") and not isinstance(value, np.generic):  # also what lies on a device
        return put(np.asarray(value))
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, list | tuple):
        return [describe(part, put) for part in value]
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value) and not set(value) & set(RESERVED):
            return _plain(value, put)
        return {"mapping": [[describe(key, put), describe(part, put)] for key, part in value.items()]}
    raise InputError(
        f"{_checks.shown(value)} can't be written to a file: it is no plain data, and no object of the library."
    )


def is_written(value: Any) -> bool:
    """Whether a value can be written to files."""
    try:
        describe(value, lambda _: None)
    except InputError:
        return False
    return True


def _plain(value: Mapping[str, Any], put: Callable[[np.ndarray], Any]) -> dict[str, Any]:
    return {key: describe(part, put) for key, part in value.items()}


def build(value: Any, get: Callable[[Mapping[str, Any]], Any]) -> Any:
    """The value of :func:`describe`; `get` makes an array of what stands for it. Everything is checked as any input.

    Raises
    ------
    InputError
        If it names no kind, or arguments that the kind does not have.
    """
    if isinstance(value, list):
        return tuple(build(part, get) for part in value)
    if not isinstance(value, Mapping):
        return value
    if value.get("kind") == IfKnown._kind:
        try:
            return build(value.get("value"), get)
        except UnknownKind:
            return None
    if "kind" in value:
        kind = value["kind"]
        if not isinstance(kind, str) or not _is_kind(kind):
            hint = _checks.nearest(str(kind), kinds())
            raise UnknownKind(f"an object has the kind {kind!r:.60}, which the library does not know{hint}.")
        arguments = {str(name): build(part, get) for name, part in value.items() if name != "kind"}
        if "kind_" in arguments:
            arguments["kind"] = arguments.pop("kind_")
        return _made(kind, arguments)
    if set(value) & {"float", "complex", "mapping"}:
        return _special(value, get)
    if set(value) & {"real", "imag", "array"}:
        return get(value)
    return {key: build(part, get) for key, part in value.items()}


def _special(value: Mapping[str, Any], get: Callable[[Mapping[str, Any]], Any]) -> Any:
    """What JSON has no form for: infinities and NaN, complex numbers, mappings with any keys."""
    try:
        if "float" in value:
            return float(value["float"])
        if "complex" in value:
            return complex(*map(float, value["complex"]))
        return {build(key, get): build(part, get) for key, part in value["mapping"]}
    except InputError:
        raise
    except (TypeError, ValueError):
        raise InputError(f"the data hold {_checks.shown(value)}, which stands for nothing.") from None


def _made(kind: str, /, arguments: dict[str, Any]) -> Any:
    try:
        return KINDS[kind](**arguments)
    except InputError:
        raise
    except (TypeError, ValueError, AttributeError, KeyError, IndexError, OverflowError) as error:
        raise InputError(f"the {kind} can't be made: {error}.") from None
