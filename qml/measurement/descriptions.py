"""Measurements as plain arrays and text: what records in files carry with them, never a pickle."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from qml._checks import InputError, choice
from qml._files import parse_json
from qml.measurement.base import Measurement, Selection
from qml.measurement.combined import CombinedMeasurement
from qml.measurement.elements import POVM, ElementsMeasurement
from qml.measurement.pauli import PauliMeasurement
from qml.measurement.product import ProductMeasurement
from qml.measurement.projective import ProjectiveMeasurement
from qml.measurement.readout import ReadoutMeasurement

KINDS: dict[str, type[Measurement]] = {
    "combined": CombinedMeasurement,
    "elements": ElementsMeasurement,
    "pauli": PauliMeasurement,
    "povm": POVM,
    "product": ProductMeasurement,
    "projective": ProjectiveMeasurement,
    "readout": ReadoutMeasurement,
    "selection": Selection,
}
"""Every kind of measurement that files can name."""
NAMES = {kind: name for name, kind in KINDS.items()}


def describe(measurement: Measurement, put: Callable[[Any], Any]) -> dict[str, Any]:
    """The measurement as a mapping ready for JSON; `put` says what stands for an array."""
    if type(measurement) not in NAMES:
        raise InputError(f"a {type(measurement).__name__} can't be written; make a POVM of its elements.")

    def plain(value: Any) -> Any:
        if isinstance(value, Measurement):
            return describe(value, put)
        if isinstance(value, np.ndarray):
            return put(value)
        return [plain(v) for v in value] if isinstance(value, list) else value

    return {"kind": NAMES[type(measurement)], **{name: plain(v) for name, v in measurement._parts().items()}}


def build(description: Any, get: Callable[[Any], Any]) -> Measurement:
    """The measurement of :func:`describe`; `get` makes an array of what stood for it."""
    if not isinstance(description, Mapping):
        raise InputError(f"a measurement must be a mapping with the key 'kind'; found {description!r}.")
    kind = KINDS[choice("the kind of a measurement", description.get("kind"), KINDS)]

    def part(value: Any) -> Any:
        if isinstance(value, Mapping):
            return build(value, get) if "kind" in value else get(value)
        return [part(v) for v in value] if isinstance(value, list) else value

    try:
        return kind(**{name: part(value) for name, value in description.items() if name != "kind"})
    except TypeError as error:
        raise InputError(f"the measurement of the kind {description['kind']!r} can't be made: {error}.") from None


def numbers(array: Any) -> dict[str, Any]:
    """An array as nested lists of its real and imaginary parts."""
    if array.dtype.kind == "c":
        return {"real": array.real.tolist(), "imag": array.imag.tolist()}
    return {"real": array.tolist()}


def array_of(value: Mapping[str, Any]) -> Any:
    """The array of :func:`numbers`."""
    if "real" not in value:
        raise InputError(f"an array must be a mapping with the keys 'real' and 'imag'; found {sorted(value)}.")
    real = np.asarray(value["real"])
    return real + 1j * np.asarray(value["imag"]) if "imag" in value else real


def arrays_of(measurement: Measurement) -> dict[str, Any]:
    """The measurement as named arrays, the text that holds them together among them."""
    held: dict[str, Any] = {}

    def put(array: Any) -> dict[str, str]:
        name = f"array{len(held)}"
        held[name] = array
        return {"array": name}

    return {"measurement": np.array(json.dumps(describe(measurement, put))), **held}


def measurement_of(arrays: Mapping[str, Any]) -> Measurement:
    """The measurement of :func:`arrays_of`."""
    try:
        text = parse_json(str(arrays["measurement"]))
    except (KeyError, ValueError):
        raise InputError(f"the arrays {sorted(arrays)} do not hold a measurement.") from None

    def get(value: Mapping[str, Any]) -> Any:
        if value.get("array") not in arrays:
            raise InputError(f"the measurement needs the array {value.get('array')!r}; found {sorted(arrays)}.")
        return arrays[value["array"]]

    return build(text, get)


def is_same(a: Measurement, b: Measurement) -> bool:
    """Whether two measurements have the same settings with the same effects, given in the same form."""
    if a is b:
        return True
    if type(a) is not type(b) or a.dims != b.dims or a.settings != b.settings:
        return False
    one, other = arrays_of(a), arrays_of(b)
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
