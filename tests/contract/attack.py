"""What the public API is attacked with: every public callable, valid arguments for it, and hostile ones."""

from __future__ import annotations

import abc
import dataclasses
import enum
import importlib.util
import inspect
import math
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from examples import EXAMPLES

import qml
from qml._checks import InputError, MemoryRefused, Record
from qml.fitting import FitError
from qml.models.base import Parametrized

SECONDS = 5.0
"""Processor time that one call may take."""

MEMORY = 2**28
"""Bytes that the library is told are free."""
UNCHECKED = ("estimators", "loggers")
"""Modules left out here: ``test_estimators.py`` attacks the estimators, whose conventions are scikit-learn's, and
``test_loggers.py`` the loggers, which are opened and closed."""

LIBRARIES = ("qiskit", "pennylane", "cirq", "pytket")
"""Libraries that circuits come from and go to; where one is not installed, its two functions are left out."""
FRAMEWORKS = ("jax", "torch")
"""Libraries that differentiate through this one, each with a module of its own, which is left out likewise."""

SHARP: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "a word": lambda: "spam",
    "NaN": lambda: math.nan,
    "minus one": lambda: -1,
    "1.5": lambda: 1.5,
    "1e308": lambda: 1e308,
    "a billion": lambda: 10**9,
    "10**400": lambda: 10**400,
    "empty list": list,
    "mapping": lambda: {"a": [1]},
    "ragged": lambda: [[1.0], [1.0, 2.0]],
    "list of a billion": lambda: [10**9, 10**9],
    "array of NaN": lambda: np.full((2, 2), np.nan),
    "a zero-dimensional array": lambda: np.array(1.5),
    "array (3, 3)": lambda: np.eye(3) / 3,
    "array of objects": lambda: np.array([None, 1], dtype=object),
    "a batch of states": lambda: qml.DensityMatrix(np.array([np.eye(2) / 2] * 3)),
}
"""What is put in place of each argument, one at a time, in every run of the tests."""

HOSTILE: dict[str, Callable[[], Any]] = {
    "uint64": lambda: np.uint64(2**64 - 1),
    "a class": lambda: int,
    "list of None": lambda: [None, None],
    "array of 1e308": lambda: np.full((2, 2), 1e308),
    "True": lambda: True,
    "empty text": lambda: "",
    "a number as text": lambda: "0.3",
    "bytes": lambda: b"spam",
    "inf": lambda: math.inf,
    "-inf": lambda: -math.inf,
    "zero": lambda: 0,
    "2**63": lambda: 2**63,
    "uint8": lambda: np.uint8(3),
    "complex": lambda: 1j,
    "object": object,
    "a function": lambda: lambda *_: None,
    "an array of one number": lambda: np.array([1.5]),
    "empty array": lambda: np.zeros((0, 2, 2)),
    "empty mapping": dict,
    "mapping of None": lambda: {None: None},
    "set": lambda: {1, 2},
    "deeply nested": lambda: [[[[[1]]]]],
    "list of words": lambda: ["spam", "eggs"],
    "list of pairs": lambda: [(0, 9), ("a", None)],
    "list of fractions": lambda: [1.5, 2.5],
    "list of huge": lambda: [10**400],
    "list of negative": lambda: [-2, -2],
    "array of inf": lambda: np.full((2,), np.inf),
    "array (3, 2)": lambda: np.ones((3, 2)),
    "array (2, 2, 2, 2)": lambda: np.zeros((2, 2, 2, 2)),
    "unsigned array": lambda: np.array([[1, 2], [2, 1]], dtype=np.uint8),
    "complex array": lambda: np.array([[1j, 2], [3, 4j]]),
    "array of words": lambda: np.array(["a", "b"]),
    "array of dates": lambda: np.array(["2021-02-23"], dtype="datetime64[D]"),
    "a duration": lambda: np.timedelta64(3, "s"),
    "minus zero": lambda: -0.0,
    "text with a zero byte": lambda: "a\0b",
    "a class of the library": lambda: qml.GibbsModel,
    "a state of another size": lambda: qml.states.maximally_mixed((3,)),
    "a Pauli sum of another size": lambda: qml.pauli("XYZXYZ"),
}
"""More of it, in the slow tests."""

READY_MADE = (
    *("Real", "Complex", "Integer", "Numeric", "Dims", "State", "list[int]", "Sequence[PauliSum]"),
    *("tuple[Affine, ...]", "Differentiable", "Point", "OptimizerState"),
)
"""Types of what the library makes and hands on: nothing checks it twice. Users' arguments are ``ArrayLike``,
``ParamsLike``, ``DimsLike``, ``StateLike`` and so on."""

ACCEPTED = ("target", "counts", "resolution")
"""Arguments of the methods of a loss that come from what its ``accept`` returned."""
NOT_OFFERED = ("ChainGibbsModel.state_jvp", "LargeGibbsModel.state_jvp", "processes.OutputsModel.state_jvp")
"""Methods of a base class that say in a sentence that this one has none."""


def everything() -> dict[str, Any]:
    """What ``qml`` lists, and what the modules among it list in ``__all__``, by its shortest name."""
    found: dict[str, Any] = {}
    seen: set[int] = set()
    listed = {name: getattr(qml, name) for name in qml.__all__}
    left_out = {*UNCHECKED, *(n for n in FRAMEWORKS if importlib.util.find_spec(n) is None)}
    modules = {n: v for n, v in listed.items() if inspect.ismodule(v) and n not in left_out}
    named = [(n, v) for n, v in listed.items() if not inspect.ismodule(v)]
    named += [(f"{n}.{item}", getattr(module, item)) for n, module in modules.items() for item in module.__all__]
    absent = {f"io.{way}_{n}" for n in LIBRARIES if importlib.util.find_spec(n) is None for way in ("from", "to")}
    for name, value in named:
        if id(value) not in seen and name not in absent:
            seen.add(id(value))
            found[name] = value
    return found


def public() -> dict[str, Callable[[], Callable[..., Any]]]:
    """How to come by every public callable: functions, classes, class methods, and the methods of an example of each
    class. A method that several classes share is attacked on the first of them."""
    found: dict[str, Callable[[], Callable[..., Any]]] = {}
    seen: set[Any] = set()
    for name, value in everything().items():
        if is_called(value):
            found[name] = lambda value=value: value
        if not is_made(value):
            continue
        for method in dir(value):
            held = inspect.getattr_static(value, method)
            is_of_class = isinstance(held, classmethod | staticmethod)
            call = held.__func__ if is_of_class else held
            if method.startswith("_") or not inspect.isfunction(call) or call in seen:
                continue
            seen.add(call)
            parameters = list(inspect.signature(call).parameters.values())[not isinstance(held, staticmethod) :]
            if f"{name}.{method}" not in NOT_OFFERED and any(is_of_users(p, value, method) for p in parameters):
                found[f"{name}.{method}"] = lambda n=name, v=value, m=method, c=is_of_class: getattr(
                    v if c else example(n, v), m
                )
    return found


def is_called(value: Any) -> bool:
    """Whether a user calls it: not a module, an interface, an exception, a type or a record.

    A record is a dataclass that checks nothing (it has no ``__post_init__`` but that of ``Record``): the library makes
    it, users read it.
    """
    if not inspect.isclass(value):
        return callable(value) and type(value).__module__ != "typing" and not hasattr(value, "__origin__")
    unchecked = Record.__post_init__
    is_generated = dataclasses.is_dataclass(value) and value.__init__.__code__.co_filename == "<string>"
    return is_made(value) and (not is_generated or getattr(value, "__post_init__", unchecked) is not unchecked)


def is_made(value: Any) -> bool:
    """Whether it is a class of objects that users hold: not an interface or an exception."""
    if not inspect.isclass(value) or inspect.isabstract(value) or issubclass(value, BaseException | enum.Enum):
        return False
    return abc.ABC not in value.__bases__ and not getattr(value, "_is_protocol", False)


def is_of_users(parameter: inspect.Parameter, owner: Any = None, method: str = "") -> bool:
    """Whether a user passes this argument: not one that is ready-made, as what a loss is given once it has accepted
    the target."""
    if inspect.isclass(owner) and issubclass(owner, qml.losses.Loss) and parameter.name in ACCEPTED:
        return method == "accept"
    kind = str(parameter.annotation).removesuffix(" | None")
    return kind not in READY_MADE and parameter.kind is not parameter.VAR_KEYWORD


def example(name: str, owner: type) -> Any:
    """An object of a public class."""
    return EXAMPLES[name]() if name in EXAMPLES else placed(owner, valid_arguments(name, owner))


class Hang(BaseException):
    """A call that took more than its processor time; not an Exception, so that nothing on the way catches it."""


@contextmanager
def budget(seconds: float) -> Iterator[None]:
    """Hang where the block takes more than so much processor time of this process, whatever the clock says."""

    def stop(*_: Any) -> None:
        raise Hang

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


def valid_arguments(name: str, call: Callable[..., Any]) -> dict[str, Any]:
    """A valid argument for each parameter that has none by default.

    Raises
    ------
    KeyError
        Where the examples have none: whoever adds a public function adds one.
    """
    found = {}
    held = None if inspect.isclass(call) else getattr(call, "__self__", None)
    for parameter in inspect.signature(call).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        own = f"{name}.{parameter.name}"
        if own in EXAMPLES:
            found[parameter.name] = EXAMPLES[own]()
        elif (made := of_the_object(held, parameter.name)) is not None:
            found[parameter.name] = made
        elif parameter.default is parameter.empty and parameter.name in EXAMPLES:
            found[parameter.name] = EXAMPLES[parameter.name]()
        elif parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL:
            raise KeyError(f"EXAMPLES needs a valid {parameter.name!r} for {name}")
    return found


def of_the_object(held: Any, name: str) -> Any:
    """A valid argument of an object's method that depends on the object: parameters of a model, settings."""
    if isinstance(held, Parametrized) and name == "params":
        return np.full(held.n_params, 0.1)
    if isinstance(held, Parametrized) and name == "values":
        return held.natural(np.full(held.n_params, 0.1))
    if isinstance(held, qml.measurement.Measurement) and name in ("settings", "name"):
        return held.settings[:1] if name == "settings" else held.settings[0]
    return None


def placed(call: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """The call with its arguments by name, where that can be."""
    positional, named = [], {}
    for parameter in inspect.signature(call).parameters.values():
        if parameter.name not in arguments:
            continue
        if parameter.kind is parameter.VAR_POSITIONAL and isinstance(arguments[parameter.name], tuple):
            positional += arguments[parameter.name]
        elif parameter.kind is parameter.VAR_POSITIONAL or parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(arguments[parameter.name])
        else:
            named[parameter.name] = arguments[parameter.name]
    if positional and named:
        order = [p.name for p in inspect.signature(call).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        positional = [named.pop(key) for key in order if key in named] + positional
    result = call(*positional, **named)
    return list(result) if inspect.isgenerator(result) else result


def numbers_of(value: Any) -> Iterator[np.ndarray]:
    """The numbers that a user would read off a result."""
    if isinstance(value, float | complex | np.number):
        yield np.asarray(value)
    elif isinstance(value, np.ndarray):
        if value.dtype.kind in "fc":
            yield value
    elif isinstance(value, qml.State):
        yield value.probabilities()
        yield np.asarray(value.purity())
    elif isinstance(value, qml.PauliSum):
        yield np.asarray(value.coefficients)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from numbers_of(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from numbers_of(item)


def attack(
    name: str,
    call: Callable[..., Any],
    hostile: Mapping[str, Callable[[], Any]] = SHARP | HOSTILE,
    seconds: float = SECONDS,
) -> list[str]:
    """What went wrong: one line a hostile argument that was neither refused in a sentence nor made sense of."""
    held = call.__self__ if inspect.ismethod(call) else None
    valid = valid_arguments(name, call)
    placed(call, valid)  # what follows is refused for the hostile argument alone
    found = []
    for parameter in inspect.signature(call).parameters.values():
        if not is_of_users(parameter, type(held), name.rpartition(".")[2]):
            continue
        for what, make in hostile.items():
            try:
                with budget(seconds):
                    result = placed(call, {**valid, parameter.name: make()})
                    wrong = any(np.isnan(x).any() for x in numbers_of(result))
            except (InputError, MemoryRefused, FitError):
                continue
            except Hang:
                found.append(f"{parameter.name} = {what}: more than {seconds} s")
            except Exception as error:
                found.append(f"{parameter.name} = {what}: {type(error).__name__}: {str(error)[:100]}")
            else:
                if wrong:
                    found.append(f"{parameter.name} = {what}: NaN in {result!r:.80}")
    return found


def packages() -> dict[str, list[str]]:
    """The names of the public callables by the part of the library that they come from."""
    found: dict[str, list[str]] = {}
    for name in PUBLIC:
        owner = LISTED.get(name) or LISTED[name.rpartition(".")[0]]
        found.setdefault(owner.__module__.split(".")[1], []).append(name)
    return found


LISTED = everything()
PUBLIC = public()
PACKAGES = packages()
