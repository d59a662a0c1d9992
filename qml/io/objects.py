"""Objects of the library as plain data and as files that others can read, and from a file of one format to another."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import qml
from qml import _checks, _descriptions, _saved
from qml._checks import InputError
from qml._descriptions import CONSTANTS
from qml._files import as_path, read_arrays, read_text, regular, writable
from qml._saved import FORMAT, json_of, save, to_dict
from qml.circuits import Circuit
from qml.io.qasm import from_qasm, to_qasm

__all__ = ["convert", "from_dict", "load", "save", "schema", "to_dict"]

ENDINGS = (".qasm", ".json", ".npz", ".csv")


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


# from one format to another ------------------------------------------------------------------------------------------


def convert(source: str | Path, target: str | Path, *, version: int = 3) -> Any:
    """Read a file and write what it holds in another format.

    Parameters
    ----------
    source : path
        A circuit (``.qasm``, ``.json``, ``.npz``), counts (``.json``, ``.csv``, ``.npz``), or any other object of the
        library (``.json``, ``.npz``).
    target : path
        Of the same endings. A result of a fit or a model of a circuit becomes the circuit in OpenQASM, with the numbers
        that were learnt.
    version : {3, 2}
        Of OpenQASM.

    Returns
    -------
    object of the library
        What was written.

    Raises
    ------
    InputError
        Where a file cannot be read or written, or the format has no form for what it holds.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     program = pathlib.Path(folder) / "bell.qasm"
    ...     _ = program.write_text("qubit[2] q; U(pi / 2, 0, pi) q[0]; ctrl @ U(pi, 0, pi) q[0], q[1];")
    ...     convert(program, pathlib.Path(folder) / "bell.json")
    <Circuit: 2 qubits, 3 operations, 0 parameters>
    """
    value = read(as_path("source", source))
    write(value, as_path("target", target), _checks.integer("version", version, low=2, high=3))
    return value


def read(path: Path) -> Any:
    """What a file holds."""
    regular(path, "source")
    if path.suffix == ".qasm":
        return from_qasm(read_text(path, "source"))
    if path.suffix == ".csv":
        return qml.Counts.read_csv(path)
    if path.suffix not in ENDINGS:
        raise InputError(f"files that end in {', '.join(ENDINGS)} are read; found {str(path)!r}.")
    return load(path)


def write(value: Any, path: Path, version: int) -> None:
    """A value in the format of a path."""
    if path.suffix not in ENDINGS:
        raise InputError(f"files that end in {', '.join(ENDINGS)} are written; found {str(path)!r}.")
    if path.suffix == ".qasm":
        writable(path).write_text(to_qasm(circuit_of(value), version=version), encoding="utf-8")
    elif isinstance(value, qml.Counts) and path.suffix in (".csv", ".json"):
        (value.write_csv if path.suffix == ".csv" else value.write_json)(path)
    elif path.suffix == ".csv":
        raise InputError(f"CSV files hold counts; found a {type(value).__name__}.")
    else:
        save(value, path)


def circuit_of(value: Any) -> Circuit:
    """The circuit of a value; that of a result with the numbers that were learnt."""
    if isinstance(value, Circuit):
        return value
    model: Any = value.model if isinstance(value, qml.FitResult) else value
    circuit = model.process_circuit if isinstance(model, qml.ProcessModel) else getattr(model, "circuit", None)
    if not isinstance(circuit, Circuit):
        raise InputError(f"OpenQASM holds circuits; found a {type(value).__name__} without one.")
    if not isinstance(value, qml.FitResult):
        return circuit
    learnt = model.natural(value.params[: model.n_params])
    return circuit.bind({name: learnt[name] for name in circuit.parameters if name in learnt})
