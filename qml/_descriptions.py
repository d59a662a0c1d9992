"""Objects as plain data: the arguments that make them again, never a pickle.

::

    {"kind": "PauliSum", "n_qubits": 2, "terms": {"ZZ": 1.0}}

A class takes part by deriving from :class:`Described`: its kind is its name, and its arguments are the attributes that
are called like those of its constructor, unless it says otherwise.
"""

from __future__ import annotations

import inspect
import json
import math
import re
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import IO, Any, ClassVar, Self

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._files import parse_json, read_arrays, regular, writable, write_arrays

FORMAT = "qml.Object 1"
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


class Saved(Described, is_kind=False):
    """What users keep in files and send to each other."""

    def to_dict(self) -> dict[str, Any]:
        """The object as plain data for JSON: see :func:`qml.io.to_dict`."""
        return to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The object of :meth:`to_dict`.

        Parameters
        ----------
        data : mapping

        Raises
        ------
        InputError
            Where the data are none, or those of another class.
        """
        found: Self = _one(cls, from_dict(data))
        return found

    def save(self, path: str | Path | IO[bytes]) -> None:
        """Write it to a file, as JSON text (``.json``) or as arrays (``.npz``): see :func:`qml.io.save`.

        Parameters
        ----------
        path : path, or a file open for writing bytes
            The latter takes arrays.

        Raises
        ------
        InputError
            For another ending, or an object that holds what is no plain data, such as a function.
        """
        save(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        path : path

        Raises
        ------
        InputError
            Where the file holds no such object.
        """
        found: Self = _one(cls, load(path))
        return found


class UnknownKind(InputError):
    """A kind that the library does not have: its class is not imported."""


class IfKnown(Described):
    """A part that is left out where what it is made of is not known: a model of a user, read by somebody else."""

    def __init__(self, value: Any) -> None:
        self.value = value


def key_of(argument: str) -> str:
    """The key of an argument, in data where ``kind`` says what an object is."""
    return "kind_" if argument == "kind" else argument


def _one(cls: type, value: Any) -> Any:
    if not isinstance(value, cls):
        raise InputError(f"a {cls.__name__} is needed; found a {type(value).__name__}.")
    return value


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
    if isinstance(value, np.ndarray):
        return put(value)
    if hasattr(value, "__array_namespace__") and not isinstance(value, np.generic):  # what lies on a device
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


# files ---------------------------------------------------------------------------------------------------------------


def numbers(array: np.ndarray) -> dict[str, Any]:
    """An array as nested lists of its real and imaginary parts; what is not finite is the text of it."""
    if array.dtype.kind == "c":
        return {"real": _listed(array.real), "imag": _listed(array.imag)}
    return {"real": _listed(array)}


def _listed(array: np.ndarray) -> Any:
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return array.tolist()
    return np.where(np.isfinite(array), array.astype(object), array.astype(str)).tolist()


def array_of(value: Mapping[str, Any]) -> Any:
    """The array of :func:`numbers`."""
    if "real" not in value:
        raise InputError(f"an array must be a mapping with the keys 'real' and 'imag'; found {sorted(value)}.")
    try:
        real = _floats(np.asarray(value["real"]))
        found = real + 1j * _floats(np.asarray(value["imag"])) if "imag" in value else real
    except (ValueError, TypeError):
        raise InputError("an array must be nested lists of numbers, equally long.") from None
    if found.dtype.kind not in "biufc":
        raise InputError(f"an array must hold numbers; found {found.dtype}.")
    return found


def _floats(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64) if array.dtype.kind == "U" else array


def arrays_of(value: Any) -> tuple[Any, dict[str, np.ndarray]]:
    """A value as plain data, with its arrays apart, by name."""
    held: dict[str, np.ndarray] = {}

    def put(array: np.ndarray) -> dict[str, str]:
        name = f"array{len(held)}"
        held[name] = array
        return {"array": name}

    return describe(value, put), held


def value_of(plain: Any, arrays: Mapping[str, Any]) -> Any:
    """The value of :func:`arrays_of`."""

    def get(value: Mapping[str, Any]) -> Any:
        if value.get("array") not in arrays:
            raise InputError(f"the array {value.get('array')!r} is missing; found {sorted(arrays)}.")
        return arrays[value["array"]]

    return built(plain, get)


def built(plain: Any, get: Callable[[Mapping[str, Any]], Any]) -> Any:
    """The value of :func:`describe`, or a sentence where it is nested too deeply."""
    try:
        return build(plain, get)
    except RecursionError:
        raise InputError("the data are nested too deeply to be read.") from None


def to_dict(value: Described) -> dict[str, Any]:
    """What :func:`qml.io.to_dict` says."""
    _check(value)
    return {"format": FORMAT, "object": describe(value, numbers)}


def _check(value: object) -> None:
    if not isinstance(value, Described):
        raise InputError(f"value must be an object of the library, such as a circuit; found {_checks.shown(value)}.")


def from_dict(data: Mapping[str, Any]) -> Any:
    """What :func:`qml.io.from_dict` says."""
    if not isinstance(data, Mapping) or "object" not in data or "format" not in data:
        raise InputError(f"data must be a mapping with the keys 'format' and 'object'; found {_checks.shown(data)}.")
    if data["format"] != FORMAT:
        raise InputError(f"data are of the format {data['format']!r}; this version reads {FORMAT!r}.")
    return built(data["object"], array_of)


def save(value: Described, path: str | Path | IO[bytes]) -> None:
    """What :func:`qml.io.save` says."""
    _check(value)
    if isinstance(path, str | Path):
        file = writable(path)
        if file.suffix not in (".json", ".npz"):
            raise InputError(f"path must end in .json or .npz; found {str(path)!r}.")
        if file.suffix == ".json":
            file.write_text(readable(to_dict(value)), encoding="utf-8")
            return
    plain, arrays = arrays_of(value)
    write_arrays(path, {**arrays, "json": np.array(json.dumps({"format": FORMAT, "object": plain}))})


def readable(plain: Any) -> str:
    """JSON text with a line for each key, and lists of numbers and words on one."""
    text = json.dumps(plain, indent=1)
    on_one = re.sub(r"\[\n *([^][{}]*?)\n *\]", lambda found: "[" + re.sub(r",\n *", ", ", found[1]) + "]", text)
    return f"{on_one}\n"


def load(path: str | Path) -> Any:
    """What :func:`qml.io.load` says of files that :func:`save` wrote."""
    file = regular(path, "object")
    if file.suffix == ".json":
        return from_dict(_json(file.read_bytes(), path))
    return of_arrays(read_arrays(path, "object"), path)


def of_arrays(arrays: dict[str, Any], path: str | Path) -> Any:
    """The object in the arrays of a file."""
    text = _json(str(arrays.pop("json", "null")), path)
    if not isinstance(text, dict) or "format" not in text:
        raise InputError(f"{str(path)!r} is no file that the library wrote; it holds the arrays {sorted(arrays)}.")
    if text["format"] != FORMAT:
        raise InputError(f"{str(path)!r} is of the format {text['format']!r}; this version reads {FORMAT!r}.")
    return value_of(text.get("object"), arrays)


def _json(text: str | bytes, path: str | Path) -> Any:
    try:
        return parse_json(text)
    except ValueError as error:
        raise InputError(f"the file {str(path)!r} is not readable JSON: {error}.") from None
