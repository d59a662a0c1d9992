"""Measurements as arrays: what records in ``.npz`` files carry with them, never a pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._files import parse_json
from qml._saved import arrays_of, value_of
from qml.measurement.base import Measurement


def packed(measurement: Measurement) -> dict[str, Any]:
    """The measurement as named arrays, the text that holds them together among them."""
    plain, arrays = arrays_of(measurement)
    return {"measurement": np.array(json.dumps(plain)), **arrays}


def unpacked(arrays: Mapping[str, Any]) -> Measurement:
    """The measurement of :func:`packed`."""
    try:
        text = parse_json(str(arrays["measurement"]))
    except (KeyError, ValueError):
        raise InputError(f"the arrays {sorted(arrays)} do not hold a measurement.") from None
    return _checks.instance("what the arrays hold", value_of(text, arrays), Measurement)


def is_same(a: Measurement, b: Measurement) -> bool:
    """Whether two measurements have the same settings with the same effects, given in the same form."""
    if a is b:
        return True
    if type(a) is not type(b) or a.dims != b.dims or a.settings != b.settings:
        return False
    one, other = packed(a), packed(b)
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
