"""Files of objects: plain data and arrays, as JSON text or as the arrays of one .npz."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._descriptions import Described, build, describe
from qml._files import parse_json, read_arrays, regular, writable, write_arrays

FORMAT = "qml.Object 1"


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
            Where the data are not those of an object, or of one of another class.
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


def _one(cls: type, value: Any) -> Any:
    if not isinstance(value, cls):
        raise InputError(f"a {cls.__name__} is needed; found a {type(value).__name__}.")
    return value


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
        found = _floats(np.asarray(value["real"]))
        if "imag" in value:  # part by part: a sum loses the sign of zeros, and gives NaN for infinities
            imag = _floats(np.asarray(value["imag"]))
            both = np.empty(np.broadcast_shapes(found.shape, imag.shape), dtype=np.complex128)
            both.real, both.imag = found, imag
            found = both
    except (ValueError, TypeError, OverflowError):
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
    r"""An object as plain data that JSON can hold: what it is, and the arguments that make it again.

    Circuits, gates, channels, noise models, sums of Pauli strings, states, measurements, counts, moments, models,
    engines, losses and results of fits; arrays become nested lists of their real and imaginary parts. The JSON Schema
    is that of :func:`qml.io.schema`. A model or loss of your own takes part if its constructor's arguments are
    attributes of the same names.

    Parameters
    ----------
    value : object of the library

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If it holds what no file can, such as a function.

    Examples
    --------
    >>> from qml import Circuit, gates
    >>> found = to_dict(Circuit(1, [gates.RX("a", 0)]))
    >>> found["object"]["operations"]
    [{'kind': 'Operation', 'instruction': {'kind': 'gate', 'name': 'RX'}, 'sites': [0], 'params': ['a']}]
    >>> from_dict(found)
    <Circuit: 1 qubit, 1 operation, 1 parameter>
    """
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
    """Write an object to a file, as JSON text (``.json``) or as arrays (``.npz``); never a pickle.

    Parameters
    ----------
    value : object of the library
        As for :func:`to_dict`.
    path : path, or a file open for writing bytes
        What is there is replaced; an open file takes arrays.

    Raises
    ------
    InputError
        If it holds what no file can, or the path ends otherwise.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from qml import Circuit, gates
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Circuit(1, [gates.RX("a", 0)]), pathlib.Path(folder) / "circuit.json")
    ...     print(load(pathlib.Path(folder) / "circuit.json"))
    0: ─┤RX(a)├─
    """
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
        return from_dict(json_of(file.read_bytes(), path))
    return of_arrays(read_arrays(path, "object"), path)


def of_arrays(arrays: dict[str, Any], path: str | Path) -> Any:
    """The object in the arrays of a file."""
    if {"measurement", "counts"} <= arrays.keys():  # of a record, as they were written until December 2026
        record = {"kind": "Counts", "counts": {"array": "counts"}}
        return value_of(record | {"measurement": json_of(str(arrays["measurement"]), path)}, arrays)
    text = json_of(str(arrays.pop("json", "null")), path)
    if not isinstance(text, dict) or "format" not in text:
        raise InputError(f"{str(path)!r} is no file that the library wrote; it holds the arrays {sorted(arrays)}.")
    if text["format"] != FORMAT:
        raise InputError(f"{str(path)!r} is of the format {text['format']!r}; this version reads {FORMAT!r}.")
    return value_of(text.get("object"), arrays)


def json_of(text: str | bytes, path: str | Path) -> Any:
    """The value of the JSON text of a file."""
    try:
        return parse_json(text)
    except ValueError as error:
        raise InputError(f"the file {str(path)!r} is not readable JSON: {error}.") from None
