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
"""How near a probability must be to a whole number of shots."""


def nested(records: Any, counts_of: Callable[[Any], Any]) -> Any:
    """Records in which every result of a package is replaced by its counts; `counts_of` gives None for what is none."""
    if (found := counts_of(records)) is not None:
        return found
    if not isinstance(records, Mapping):
        return records
    return {name: x if (found := counts_of(x)) is None else found for name, x in records.items()}


def of_qiskit(records: Any) -> Any:
    """Dictionaries, bit arrays of primitives, results of IBM as JSON, and those of tomography by tuples of letters."""
    if not isinstance(records, Mapping):
        return nested(records, _of_bit_array)
    pairs = list(records.items())
    if isinstance(records.get("results"), list):
        pairs = [(_name(k, row), _inside(k, row, "data", "counts")) for k, row in enumerate(records["results"])]
    found = {_word(name): x for name, x in pairs}
    if len(found) < len(pairs):
        raise InputError(f"results must name each setting once; found {len(pairs)} results of {_checks.told(found)}.")
    return nested(found, _of_bit_array)


def _of_bit_array(value: Any) -> Any:
    if not (hasattr(value, "get_counts") and hasattr(value, "num_bits")):
        return None
    if value.shape:
        raise InputError(f"a bit array of shape {value.shape} holds the counts of several circuits: take one by index.")
    return value.get_counts()


def _name(k: int, row: Any) -> str:
    return _checks.text(f"header.name of entry {k} of results", _inside(k, row, "header", "name"))


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


def of_cirq(value: Any) -> Any:
    """The counts of a result of a simulator or a device, whose keys are read in their order."""
    try:
        measurements = getattr(value, "measurements", None)
    except ValueError:
        raise InputError("the result has a key that was measured several times: measure with other keys.") from None
    if not isinstance(measurements, Mapping):
        return None
    return _rows(np.concatenate([np.asarray(a) for a in measurements.values()], axis=1))


def of_samples(value: Any) -> Any:
    """The counts of an array (shots, qubits) of digits, as PennyLane's ``sample`` gives it, of any library."""
    if not hasattr(value, "__array__") or np.ndim(value) != 2:
        return None
    return {"".join(map(str, row)): count for row, count in _rows(np.asarray(value)).items()}


def of_braket(value: Any) -> Any:
    """The counts of the result of a task, and of its JSON, which has the digits of every shot."""
    if hasattr(value, "measurement_counts"):
        return dict(value.measurement_counts)
    if isinstance(value, Mapping) and isinstance(value.get("measurements"), list):
        return of_samples(_checks.reals("measurements", value["measurements"]))
    return None


def of_ionq(value: Any) -> Any:
    """The counts of probabilities beside the number of shots: ``{"histogram": ..., "shots": ...}``."""
    if not isinstance(value, Mapping) or "histogram" not in value:
        return None
    shots = _checks.integer("shots", value.get("shots"), low=1)
    counts = {key: _times(key, p, shots) for key, p in _checks.mapping("histogram", value["histogram"]).items()}
    if sum(counts.values()) != shots:
        raise InputError(
            f"the probabilities of a histogram must add up to one; found {sum(counts.values())} of {shots} shots."
        )
    return counts


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
