"""Results of other packages, as objects and as JSON, brought to the form {setting: {key of an outcome: count}}."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from qml import _checks
from qml._checks import InputError

NEAR = 1e-6
"""How near a probability times the number of shots must be to an integer."""


def of_qiskit(records: Any) -> Any:
    """Dictionaries, bit arrays of primitives, results of IBM as JSON, and those of tomography by tuples of letters."""
    if isinstance(records, Mapping) and isinstance(records.get("results"), list):
        records = {_name(k, row): _inside(k, row, "data", "counts") for k, row in enumerate(records["results"])}
    if _is_bit_array(records):
        return records.get_counts()
    if not isinstance(records, Mapping):
        return records
    return {_word(name): x.get_counts() if _is_bit_array(x) else x for name, x in records.items()}


def _is_bit_array(value: Any) -> bool:
    return hasattr(value, "get_counts") and hasattr(value, "num_bits")


def _name(k: int, row: Any) -> Any:
    return _inside(k, row, "header", "name")


def _inside(k: int, row: Any, *keys: str) -> Any:
    for key in keys:
        if not isinstance(row, Mapping) or key not in row:
            raise InputError(f"entry {k} of results must hold {'.'.join(keys)}; found {_checks.shown(row)}.")
        row = row[key]
    return row


def _word(name: Any) -> Any:
    """``('X', 'Z')``, also as text, is the word "XZ"."""
    if isinstance(name, str) and name.startswith("("):
        try:
            name = ast.literal_eval(name)
        except (ValueError, SyntaxError):
            return name
    return "".join(map(str, name)) if isinstance(name, tuple) else name


def of_cirq(records: Any) -> Any:
    """Dictionaries, and results of a simulator or a device, whose keys are read in their order."""
    if hasattr(records, "measurements") and isinstance(records.measurements, Mapping):
        return _rows(np.concatenate([np.asarray(a) for a in records.measurements.values()], axis=1))
    if isinstance(records, Mapping):
        return {name: of_cirq(x) if hasattr(x, "measurements") else x for name, x in records.items()}
    return records


def of_samples(records: Any) -> Any:
    """Dictionaries, and arrays (shots, qubits) of digits, as PennyLane's ``sample`` gives them."""
    if isinstance(records, np.ndarray) and records.ndim == 2:
        return {"".join(map(str, row)): count for row, count in _rows(records).items()}
    if isinstance(records, Mapping):
        return {name: of_samples(x) if isinstance(x, np.ndarray) else x for name, x in records.items()}
    return records


def of_braket(records: Any) -> Any:
    """Dictionaries, results of tasks, and their JSON, which has the digits of every shot."""
    if hasattr(records, "measurement_counts"):
        return dict(records.measurement_counts)
    if isinstance(records, Mapping) and isinstance(records.get("measurements"), list):
        return of_samples(_checks.reals("measurements", records["measurements"]))
    if isinstance(records, Mapping):
        return {name: of_braket(x) if _is_braket(x) else x for name, x in records.items()}
    return records


def _is_braket(value: Any) -> bool:
    return hasattr(value, "measurement_counts") or (isinstance(value, Mapping) and "measurements" in value)


def of_ionq(records: Any) -> Any:
    """Dictionaries of counts, and of probabilities beside the number of shots: ``{"histogram": ..., "shots": ...}``."""
    if not isinstance(records, Mapping):
        return records
    if "histogram" in records:
        shots = _checks.integer("shots", records.get("shots"), low=1)
        return {key: _times(key, p, shots) for key, p in _checks.mapping("histogram", records["histogram"]).items()}
    return {name: of_ionq(x) if isinstance(x, Mapping) else x for name, x in records.items()}


def _times(key: Any, p: Any, shots: int) -> int:
    count = _checks.number(f"the probability of {key!r}", p, 0.0, 1.0) * shots
    if abs(count - round(count)) > NEAR * shots:
        raise InputError(f"the probability of {key!r}, {p}, times {shots} shots must be an integer; found {count:.6g}.")
    return round(count)


def _rows(digits: np.ndarray) -> dict[tuple[int, ...], int]:
    whole = digits.astype(np.int64)
    if (whole != digits).any():
        raise InputError(f"samples must be integers; found {digits[whole != digits][0]}.")
    return dict(Counter(map(tuple, whole.tolist())))


SHAPES: dict[str, Callable[[Any], Any]] = {
    "qml": lambda records: records,
    "pennylane": of_samples,
    "qiskit": of_qiskit,
    "cirq": of_cirq,
    "braket": of_braket,
    "ionq": of_ionq,
}
"""What brings the results of a package to dictionaries, by source."""
