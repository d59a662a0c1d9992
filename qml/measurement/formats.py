r"""Records as text and as the dictionaries of other packages.

The order of bits, and what a key may be:

=========  ==================================================================================================
source     key of an outcome
=========  ==================================================================================================
qml        text, qubit 0 leftmost ("01": qubit 0 gave 0); digits are set apart by commas where one can exceed 9
pennylane  the same: wire 0 leftmost (``qml.counts()`` of all wires); arrays (shots, wires) of ``qml.sample()``
qiskit     text, classical bit 0 *rightmost*, spaces between registers ("1 0"), or a hexadecimal number ("0x2"); bit
           arrays of primitives, the JSON of IBM's results, and settings as tuples of letters (tomography)
cirq       an integer, big-endian (qubit 0 the most significant), or a tuple of digits (``histogram`` and
           ``multi_measurement_histogram``); the result itself, whose keys are read in their order
braket     text, qubit 0 leftmost; the result of a task, and its JSON
ionq       an integer, also as text, little-endian (qubit 0 the least significant); probabilities beside ``shots``
=========  ==================================================================================================
"""

from __future__ import annotations

import ast
import csv
import io
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._descriptions import describe
from qml._files import parse_json, read_text, writable
from qml._saved import array_of, built, numbers
from qml._typing import Integer
from qml.measurement.base import Measurement
from qml.measurement.entries import by_label, check_count, fits
from qml.measurement.pauli import PauliMeasurement

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


FORMAT = "qml.Counts 1"
Row: TypeAlias = tuple[str, str, Any, Any]
"""Where it stands, the setting, the outcome's key, and the count."""
Reader: TypeAlias = Callable[[Any, tuple[int, ...], str], int]
"""From an outcome's key, the shape of the outcomes and where it stands to the number of the outcome."""


def from_dicts(records: Mapping[Any, Any], measurement: Measurement | None, source: str) -> tuple[Measurement, Integer]:
    """What :meth:`qml.measurement.Counts.from_dicts` reads."""
    shaped, read = SOURCES[_checks.choice("source", source, SOURCES)]
    records = shaped(records)
    if measurement is not None:
        _checks.instance("measurement", measurement, Measurement)
    if not isinstance(records, Mapping) or not records:
        raise InputError(f"records must be a mapping with at least one setting; found {records!r}.")
    nested = [isinstance(value, Mapping) for value in records.values()]
    if not any(nested) and measurement is not None and len(measurement.settings) == 1:
        records = {measurement.settings[0]: records}
    elif not all(nested):
        raise InputError(
            "records must map each setting to a mapping from outcomes to counts, such as {'XX': {'00': 7}}."
        )
    rows = (
        (f"key {_checks.shown(key)} of setting {_checks.shown(setting)}", setting, key, count)
        for setting, outcomes in records.items()
        for key, count in outcomes.items()
    )
    return _collect(measurement, records, rows, read)


def pauli_measurement(words: Iterable[str]) -> PauliMeasurement:
    """The Pauli measurement with these settings; all of them in whatever order are the full one."""
    distinct = list(dict.fromkeys(words))
    n = len(distinct[0]) if distinct and isinstance(distinct[0], str) else 0
    if (
        n
        and len(distinct) == 3**n
        and all(isinstance(w, str) and len(w) == n and not set(w) - set("XYZ") for w in distinct)
    ):
        return PauliMeasurement(n)
    return PauliMeasurement(distinct)


def _collect(
    measurement: Measurement | None, names: Iterable[str], rows: Iterable[Row], read: Reader
) -> tuple[Measurement, Integer]:
    """The measurement, by default that of Pauli words, and counts (n_outcomes,) from rows, each outcome once."""
    if measurement is None:
        measurement = pauli_measurement(names)
    _checks.instance("measurement", measurement, Measurement)
    counts = np.zeros(measurement.n_outcomes, dtype=np.int64)
    seen: set[int] = set()
    total = 0
    for where, setting, key, count in rows:
        s = measurement._setting_index(setting, where)
        place = int(measurement.offsets[s]) + read(key, measurement.outcome_shape(s), where)
        if place in seen:
            raise InputError(f"{where}: that outcome is there already: each outcome may come once; add up its counts.")
        seen.add(place)
        counts[place] = check_count(count, where)
        total += int(counts[place])
    fits(total)
    return measurement, counts


def _index(digits: list[str] | tuple[Any, ...], shape: tuple[int, ...], key: Any, where: str) -> int:
    """The number of an outcome from one digit a site."""
    if len(digits) != len(shape):
        wanted = _checks.plural(len(shape), "digit")
        raise InputError(f"{where}: an outcome must have {wanted}; found {len(digits)} in {_checks.shown(key)}.")
    place = 0
    for digit, size in zip(digits, shape, strict=True):
        is_digit = (
            digit.isascii() and digit.isdigit() if isinstance(digit, str) else isinstance(digit, int | np.integer)
        )
        if not is_digit or not 0 <= int(digit) < size:
            raise InputError(
                f"{where}: each digit must be from 0 to {size - 1}; found {digit!r} in {_checks.shown(key)}."
            )
        place = place * size + int(digit)
    return place


def _text_key(key: Any, shape: tuple[int, ...], where: str) -> int:
    if not isinstance(key, str):
        raise InputError(f"{where}: an outcome must be text such as {'0' * len(shape)!r}; found {key!r}.")
    return _index(list(key) if max(shape) <= 10 else key.split(","), shape, key, where)


def _qiskit_key(key: Any, shape: tuple[int, ...], where: str) -> int:
    if not isinstance(key, str) or set(shape) != {2}:
        raise InputError(f"{where}: Qiskit's outcomes are texts of bits; found {key!r} for outcomes of shape {shape}.")
    bits = key.replace(" ", "")
    if bits.lower().startswith("0x"):
        try:
            bits = f"{int(bits, 16):0{len(shape)}b}"
        except ValueError:
            raise InputError(f"{where}: {key!r} is not a hexadecimal number.") from None
    return _index(list(bits[::-1]), shape, key, where)


def _cirq_key(key: Any, shape: tuple[int, ...], where: str) -> int:
    if isinstance(key, tuple):
        return _index(key, shape, key, where)
    size = int(np.prod(shape))
    if isinstance(key, bool) or not isinstance(key, int | np.integer) or not 0 <= key < size:
        raise InputError(f"{where}: an outcome must be an integer from 0 to {size - 1} or a tuple; found {key!r}.")
    return int(key)


def _ionq_key(key: Any, shape: tuple[int, ...], where: str) -> int:
    size = int(np.prod(shape))
    text = str(key)
    if set(shape) != {2} or not (text.isascii() and text.isdigit()) or len(text) > 20 or int(text) >= size:
        raise InputError(
            f"{where}: an outcome of IonQ is an integer from 0 to {size - 1}, also as text; found {key!r}."
        )
    return _index(list(f"{int(text):0{len(shape)}b}"[::-1]), shape, key, where)


SOURCES: dict[str, tuple[Callable[[Any], Any], Reader]] = {
    "qml": (lambda records: records, _text_key),
    "pennylane": (partial(nested, counts_of=of_samples), _text_key),
    "qiskit": (of_qiskit, _qiskit_key),
    "cirq": (partial(nested, counts_of=of_cirq), _cirq_key),
    "braket": (partial(nested, counts_of=of_braket), _text_key),
    "ionq": (partial(nested, counts_of=of_ionq), _ionq_key),
}
"""What brings the results of a package to dictionaries, and from an outcome's key to its number, by source."""


def write_json(measurement: Measurement, counts: Integer, path: str | Path) -> None:
    """Write integer counts (n_outcomes,) as JSON; the settings of a Pauli measurement are their own description."""
    _refuse_weights(counts, "JSON")
    is_pauli = isinstance(measurement, PauliMeasurement)
    key = "paulis" if is_pauli else "setting"
    settings = [{key: name, "counts": by_label(measurement, counts, s)} for s, name in enumerate(measurement.settings)]
    about = {} if is_pauli else {"measurement": describe(measurement, numbers)}
    writable(path).write_text(json.dumps({"format": FORMAT, **about, "settings": settings}, indent=1), encoding="utf-8")


def read_json(path: str | Path, measurement: Measurement | None) -> tuple[Measurement, Integer]:
    """What :meth:`qml.measurement.Counts.read_json` reads."""
    try:
        data = parse_json(read_text(path, "counts"), object_pairs_hook=_distinct)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the counts file {str(path)!r} is not readable JSON: {error}.") from None
    if not isinstance(data, dict) or not isinstance(data.get("settings"), list) or not data["settings"]:
        raise InputError(f"the counts file {str(path)!r} must be an object whose key 'settings' holds a list.")
    if data.get("format", FORMAT) != FORMAT:
        raise InputError(f"{str(path)!r} is of the format {data['format']!r}; this version reads {FORMAT!r}.")
    if measurement is None and "measurement" in data:
        measurement = _checks.instance("measurement", built(data["measurement"], array_of), Measurement)
    names: list[str] = []
    for k, row in enumerate(data["settings"]):
        if not isinstance(row, dict) or not isinstance(row.get("counts"), dict) or not {"paulis", "setting"} & set(row):
            raise InputError(
                f"row {k} of settings must have the keys 'paulis' (or 'setting') and 'counts'; found {row!r:.80}."
            )
        names.append(str(row.get("paulis", row.get("setting"))))
        if names.index(names[-1]) < k:
            raise InputError(f"row {k} of settings: {names[-1]!r} is there already: merge the records, or add them up.")
    rows = (
        (f"row {k} of settings ({name!r}), outcome {key!r}", name, key, count)
        for k, (name, row) in enumerate(zip(names, data["settings"], strict=True))
        for key, count in row["counts"].items()
    )
    return _collect(measurement, names, rows, _text_key)


def write_csv(measurement: Measurement, counts: Integer, path: str | Path) -> None:
    """Write a table with the columns setting, outcome, count: a line an outcome, zeros too."""
    _refuse_weights(counts, "CSV")
    with writable(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["setting", "outcome", "count"])
        for s, name in enumerate(measurement.settings):
            writer.writerows((name, label, count) for label, count in by_label(measurement, counts, s).items())


def read_csv(path: str | Path, measurement: Measurement | None) -> tuple[Measurement, Integer]:
    """What :meth:`qml.measurement.Counts.read_csv` reads."""
    try:
        lines = list(csv.reader(io.StringIO(read_text(path, "counts"))))
    except csv.Error as error:
        raise InputError(f"the counts file {str(path)!r} is not readable CSV: {error}.") from None
    if not lines or [cell.strip() for cell in lines[0]] != ["setting", "outcome", "count"]:
        raise InputError(f"the counts file {str(path)!r} must begin with the line 'setting,outcome,count'.")
    body = [(number, cells) for number, cells in enumerate(lines[1:], 2) if cells]
    for number, cells in body:
        if len(cells) != 3:
            raise InputError(f"line {number} must have three cells, setting, outcome and count; found {cells!r:.80}.")
    if not body:
        raise InputError(f"the counts file {str(path)!r} holds no counts.")
    rows = (
        (f"line {number} ({setting!r}, outcome {key!r})", setting, key, _number(count))
        for number, (setting, key, count) in body
    )
    return _collect(measurement, [cells[0] for _, cells in body], rows, _text_key)


def _number(text: str) -> Any:
    """The integer of a cell; the text itself where it is not one."""
    plain = text.strip()
    return int(plain) if plain.removeprefix("-").isdigit() and plain.isascii() and len(plain) < 400 else plain


def _refuse_weights(counts: Integer, what: str) -> None:
    if counts.dtype.kind == "f":
        raise InputError(f"{what} files hold integer counts; this record holds weights: use save, which writes .npz.")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; a key that comes twice would silently replace the first."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key, _ in itertools.groupby(sorted(keys)) if keys.count(key) > 1)
        raise InputError(f"the key {twice!r} comes twice in one object of the counts file: add up its counts.")
    return found
