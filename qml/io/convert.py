"""From a file of one format to a file of another, by their endings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qml
from qml import _checks
from qml._checks import InputError
from qml._files import as_path, read_text, regular, writable
from qml._saved import save
from qml.circuits import Circuit
from qml.io.objects import load
from qml.io.qasm import from_qasm, to_qasm

ENDINGS = (".qasm", ".json", ".npz", ".csv")


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
