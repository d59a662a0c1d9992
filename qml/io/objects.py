"""Objects of the library as plain data and as files that others can read."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import qml
from qml import _descriptions, _saved
from qml._descriptions import CONSTANTS
from qml._files import read_arrays, regular
from qml._saved import FORMAT, json_of, save, to_dict

__all__ = ["from_dict", "load", "save", "schema", "to_dict"]


def from_dict(data: Mapping[str, Any]) -> Any:
    """The object of :func:`to_dict`, checked like any other input.

    Parameters
    ----------
    data : mapping

    Returns
    -------
    object of the library

    Raises
    ------
    InputError
        If the data are none, of another format, or name what the library does not have.

    Examples
    --------
    >>> import qml
    >>> from_dict(to_dict(2 * qml.pauli("XZ")))
    <PauliSum on 2 qubits: 2*XZ>
    """
    _everything()
    return _saved.from_dict(data)


def load(path: str | Path) -> Any:
    """The object in a file that the library wrote: by :func:`save`, or by the method ``save`` of a state, a record, a
    result of a fit, of tomography or of quantum expectation maximisation.

    Parameters
    ----------
    path : path

    Returns
    -------
    object of the library
        Checked like any other input.

    Raises
    ------
    InputError
        If the file is none of these, or damaged.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from qml import Circuit, gates
    >>> with TemporaryDirectory() as folder:
    ...     save(Circuit(1, [gates.X(0)]), f"{folder}/circuit.json")
    ...     load(f"{folder}/circuit.json")
    <Circuit: 1 qubit, 1 operation, 0 parameters>
    """
    _everything()
    file = regular(path, "object")
    if file.suffix == ".json":
        data = json_of(file.read_bytes(), path)
        is_record = isinstance(data, Mapping) and "settings" in data  # as Counts.write_json writes them
        return qml.Counts.read_json(path) if is_record else _saved.from_dict(data)
    arrays = read_arrays(path, "object")
    return qml.DensityMatrix.load(path) if "dims" in arrays else _saved.of_arrays(arrays, path)


def schema() -> dict[str, Any]:
    """The JSON Schema of :func:`to_dict`: every kind with its arguments.

    Returns
    -------
    dict

    Examples
    --------
    >>> schema()["$defs"]["Circuit"]["required"]
    ['kind', 'dims', 'operations']
    """
    _everything()
    kinds = {kind: _described(kind, maker) for kind, maker in sorted(_descriptions.kinds().items())}
    leaves = [{"type": name} for name in ("null", "boolean", "number", "string")]
    special = {
        "float": {"enum": ["inf", "-inf", "nan"]},
        "complex": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        "mapping": {"type": "array", "items": {"type": "array", "minItems": 2, "maxItems": 2}},
    }
    objects = [_closed({name: form}, [name]) for name, form in special.items()]
    array = _closed({"real": {}, "imag": {}}, ["real"])
    plain = {
        "type": "object",
        "additionalProperties": {"$ref": "#/$defs/value"},
        "not": {"anyOf": [{"required": [name]} for name in _descriptions.RESERVED]},
    }
    listed = {"type": "array", "items": {"$ref": "#/$defs/value"}}
    of_kinds = [{"$ref": f"#/$defs/{kind}"} for kind in kinds]
    value = {"anyOf": [*leaves, listed, *of_kinds, *objects, array, plain]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FORMAT,
        "type": "object",
        "properties": {"format": {"const": FORMAT}, "object": {"$ref": "#/$defs/value"}},
        "required": ["format", "object"],
        "$defs": {**kinds, "value": value},
    }


def _described(kind: str, maker: Any) -> dict[str, Any]:
    """The schema of one kind."""
    if kind in CONSTANTS:
        name: dict[str, Any] = {"enum": sorted(CONSTANTS[kind].values())}
        return _closed({"kind": {"const": kind}, "name": name}, ["kind", "name"])
    owner = getattr(maker, "__self__", None)
    parameters = inspect.signature(owner if inspect.isclass(owner) else maker).parameters
    names = [_descriptions.key_of(name) for name in getattr(owner, "_keys", ()) or parameters]
    arguments = {name: {"$ref": "#/$defs/value"} for name in names}
    return _closed({"kind": {"const": kind}, **arguments}, ["kind", *names])


def _closed(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """The schema of an object that has no other properties."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _everything() -> None:
    """Every module whose objects files can name is there."""
    holders = qml.circuits, qml.engines, qml.fitting, qml.measurement, qml.models, qml.moments, qml.states
    for module in (*holders, qml.tomography):
        for name in module.__all__:
            getattr(module, name)
