"""Public objects keep nothing of the caller's arrays, hand out none that can be written to, and change no argument."""

from __future__ import annotations

import copy
import inspect
import itertools
from collections.abc import Mapping
from functools import cached_property

import attack
import numpy as np
import pytest
from attack import PACKAGES, PUBLIC
from examples import EXAMPLES
from helpers.cases import every

from qml._checks import InputError
from qml.engines import PauliState
from qml.fitting import FitError

SLOW = ("principle.check_all", "principle.check")
"""What takes long, and is given no arrays."""
DEPTH = 3
"""How far objects are searched for what they hold."""
OBJECTS = {
    name: value
    for name, value in attack.everything().items()
    if attack.is_made(value) and name.rpartition(".")[2] not in attack.READY_MADE
}
"""Classes of what users hold, not of what one part of the library hands to another."""


def writable(value, dtype):
    """Lists of numbers as arrays of that type, those that are arrays in copies; and all of these arrays."""
    if isinstance(value, list | np.ndarray):
        try:
            a = np.array(value)
        except ValueError:
            a = np.array(None)
        if a.dtype.kind in "fc" or (a.dtype.kind == "i" and dtype == np.int64):
            a = a.astype(dtype) if np.can_cast(a.dtype, dtype) else a
            return a, [a]
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        parts = [writable(part, dtype) for part in value]
        return type(value)(part for part, _ in parts), [a for _, found in parts for a in found]
    return value, []


def optional_arrays(name, call):
    """A valid array for each argument that may be one and has a default."""
    for parameter in inspect.signature(call).parameters.values():
        found = EXAMPLES.get(f"{name}.{parameter.name}", EXAMPLES.get(parameter.name))
        is_array = "ArrayLike" in str(parameter.annotation) or "ParamsLike" in str(parameter.annotation)
        if parameter.default is not parameter.empty and is_array and found:
            yield parameter.name, found()


def arrays(value, depth=0):
    """Every array that an object holds in its attributes, and in those of what it holds."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from arrays(item, depth)
    elif isinstance(value, Mapping) and type(value).__module__ == "builtins":
        yield from arrays(list(value.values()), depth)
    elif depth < DEPTH and type(value).__module__.startswith("qml."):
        for item in getattr(value, "__dict__", {}).values():
            yield from arrays(item, depth + 1)


def objects(value):
    """The objects of the library in a result; arrays by themselves are the caller's, and may be views of arguments."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from objects(item)
    elif type(value).__module__.startswith("qml."):
        yield value


def read_out(value):
    """What the public attributes of an object and its methods without arguments hand out."""
    for name in dir(type(value)):
        held = inspect.getattr_static(type(value), name)
        if name.startswith("_"):
            continue
        try:
            if isinstance(held, property | cached_property):
                yield name, getattr(value, name)
            elif inspect.isfunction(held) and len(inspect.signature(held).parameters) == 1:
                yield f"{name}()", getattr(value, name)()
        except (InputError, FitError):
            continue
    yield from ((name, held) for name, held in vars(value).items() if not name.startswith("_"))


def faults(name):
    """What a public callable does that it should not to the arrays that it is given."""
    call = PUBLIC[name]()
    valid = attack.valid_arguments(name, call)
    ways = [valid, *(valid | {key: value} for key, value in optional_arrays(name, call))]
    for way, dtype in itertools.product(ways, (np.float64, np.complex128, np.int64)):
        given = {key: writable(value, dtype) for key, value in way.items()}
        buffers = [a for _, found in given.values() for a in found]
        if not buffers:
            continue
        before = copy.deepcopy(buffers)
        try:
            result = attack.placed(call, {key: value for key, (value, _) in given.items()})
        except InputError:
            continue
        held = [a for item in (*objects(result), getattr(call, "__self__", None)) for a in arrays(item)]
        if any(np.shares_memory(a, b) for a in held for b in buffers):
            yield f"{name} keeps an array of {dtype.__name__}"
        if not all(a.flags.writeable for a in buffers):
            yield f"{name} makes an array of {dtype.__name__} read-only"
        if not all(np.array_equal(old, new, equal_nan=True) for old, new in zip(before, buffers, strict=True)):
            yield f"{name} changes an array of {dtype.__name__}"


@pytest.mark.parametrize("package", PACKAGES)
def test_the_callers_arrays_are_neither_kept_nor_changed(package, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.getbasetemp())
    names = [name for name in PACKAGES[package] if name not in SLOW]
    assert [fault for name in names for fault in faults(name)] == []


@every("name", OBJECTS)
def test_arrays_that_are_kept_are_handed_out_read_only(name):
    value = attack.example(name, OBJECTS[name])
    out = dict(read_out(value))
    kept = list(arrays(value))
    loose = [
        what
        for what, handed in out.items()
        for a in arrays(handed, DEPTH)
        if a.flags.writeable and any(np.shares_memory(a, b) for b in kept)
    ]
    assert not loose


def test_vectors_of_one_qubit_are_kept_by_no_one():
    vector = np.array([1.0, 0.5, 0.0, 0.0])
    assert not [a for a in arrays(PauliState(vector, 1)) if np.shares_memory(a, vector)]
