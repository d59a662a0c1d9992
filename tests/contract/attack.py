"""What the public API is attacked with: every public callable, valid arguments for it, and hostile ones."""

from __future__ import annotations

import dataclasses
import enum
import importlib
import inspect
import math
import pkgutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from examples import EXAMPLES

import qml
from qml import tomography
from qml._checks import InputError, MemoryRefused
from qml.fitting import FitError, FitResult
from qml.models.base import Parametrized

SECONDS = 5.0
"""Processor time that one call may take."""

MEMORY = 2**28
"""Bytes that the library is told are free."""
UNCHECKED = ("estimators", "loggers")
"""Modules left out here: ``test_estimators.py`` attacks the estimators, whose conventions are scikit-learn's, and
``test_loggers.py`` the loggers, which are opened and closed."""

HOSTILE: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "a word": lambda: "spam",
    "empty text": lambda: "",
    "a number as text": lambda: "0.3",
    "bytes": lambda: b"spam",
    "NaN": lambda: math.nan,
    "inf": lambda: math.inf,
    "-inf": lambda: -math.inf,
    "zero": lambda: 0,
    "minus one": lambda: -1,
    "1.5": lambda: 1.5,
    "1e308": lambda: 1e308,
    "a billion": lambda: 10**9,
    "2**63": lambda: 2**63,
    "10**400": lambda: 10**400,
    "uint8": lambda: np.uint8(3),
    "uint64": lambda: np.uint64(2**64 - 1),
    "complex": lambda: 1j,
    "object": object,
    "a class": lambda: int,
    "a function": lambda: lambda *_: None,
    "an array of one number": lambda: np.array([1.5]),
    "a zero-dimensional array": lambda: np.array(1.5),
    "empty list": list,
    "empty array": lambda: np.zeros((0, 2, 2)),
    "empty mapping": dict,
    "mapping": lambda: {"a": [1]},
    "mapping of None": lambda: {None: None},
    "set": lambda: {1, 2},
    "ragged": lambda: [[1.0], [1.0, 2.0]],
    "deeply nested": lambda: [[[[[1]]]]],
    "list of None": lambda: [None, None],
    "list of words": lambda: ["spam", "eggs"],
    "list of pairs": lambda: [(0, 9), ("a", None)],
    "list of fractions": lambda: [1.5, 2.5],
    "list of huge": lambda: [10**400],
    "list of a billion": lambda: [10**9, 10**9],
    "list of negative": lambda: [-2, -2],
    "array of NaN": lambda: np.full((2, 2), np.nan),
    "array of inf": lambda: np.full((2,), np.inf),
    "array of 1e308": lambda: np.full((2, 2), 1e308),
    "array (3, 2)": lambda: np.ones((3, 2)),
    "array (3, 3)": lambda: np.eye(3) / 3,
    "array (2, 2, 2, 2)": lambda: np.zeros((2, 2, 2, 2)),
    "unsigned array": lambda: np.array([[1, 2], [2, 1]], dtype=np.uint8),
    "complex array": lambda: np.array([[1j, 2], [3, 4j]]),
    "array of objects": lambda: np.array([None, 1], dtype=object),
    "array of words": lambda: np.array(["a", "b"]),
    "array of dates": lambda: np.array(["2021-02-23"], dtype="datetime64[D]"),
    "a state of another size": lambda: qml.states.maximally_mixed((3,)),
    "a batch of states": lambda: qml.DensityMatrix(np.array([np.eye(2) / 2] * 3)),
    "a Pauli sum of another size": lambda: qml.pauli("XYZXYZ"),
}
"""What is put in place of each argument, one at a time."""


def everything() -> dict[str, Any]:
    """Whatever the modules of the library list in ``__all__``, by its shortest name."""
    found: dict[str, Any] = {}
    seen: set[int] = set()
    names = [info.name for info in pkgutil.iter_modules(qml.__path__) if not info.name.startswith("_")]
    for name in ["", *(n for n in names if n not in UNCHECKED)]:
        module = importlib.import_module(f"qml.{name}".rstrip("."))
        for item in getattr(module, "__all__", ()):
            value = getattr(module, item)
            if id(value) not in seen:
                seen.add(id(value))
                found[f"{name}.{item}".lstrip(".")] = value
    return found


def public() -> dict[str, Callable[..., Any]]:
    """Every public callable of the library: functions, classes, and their class methods."""
    found: dict[str, Callable[..., Any]] = {}
    for name, value in everything().items():
        if is_attacked(value):
            found[name] = value
        for method, held in vars(value).items() if inspect.isclass(value) else ():
            is_of_the_class = isinstance(held, classmethod | staticmethod)
            if is_of_the_class and not method.startswith("_"):
                found[f"{name}.{method}"] = getattr(value, method)
    return found


def is_attacked(value: Any) -> bool:
    """Whether it is something that a user calls: not a module, a protocol, an interface, an exception or a record.

    A record is a dataclass that checks nothing (no ``__post_init__``): the library makes it, users read it.
    """
    if inspect.ismodule(value) or not callable(value):
        return False
    if not inspect.isclass(value):
        return type(value).__module__ != "typing" and not hasattr(value, "__origin__")
    if inspect.isabstract(value) or issubclass(value, BaseException | enum.Enum):
        return False
    if getattr(value, "_is_protocol", False):
        return False
    is_generated = dataclasses.is_dataclass(value) and value.__init__.__code__.co_filename == "<string>"
    return not is_generated or hasattr(value, "__post_init__")


ARRAYS = ("Real", "Real | None", "Complex", "Complex | None", "Integer")
READY_MADE = (*ARRAYS, "list[int]", "Dims", "State", "State | None", "Sequence[PauliSum]")
"""Types of what comes from the library itself; users' arguments are ``ArrayLike``, ``StateLike`` and so on."""
FAMILIES = (
    qml.State,
    qml.models.Model,
    qml.Circuit,
    qml.measurement.Measurement,
    qml.Counts,
    qml.Moments,
    FitResult,
    tomography.TomographyResult,
    tomography.FisherInformation,
    tomography.ProfileLikelihood,
    tomography.Bootstrap,
    tomography.StateTomography,
)
"""Whose methods users call; those of losses, engines and optimizers are called by ``fit``."""


NOT_OFFERED = ("LargeGibbsModel.state_jvp",)
"""Methods of a base class that say in a sentence that this one has none."""


def methods() -> dict[str, tuple[Callable[[], Any], str]]:
    """The public methods of the objects that users hold: how the object is made, and the name of the method.

    A method that several classes share is attacked on the first of them.
    """
    found: dict[str, tuple[Callable[[], Any], str]] = {}
    seen: set[Any] = set()
    for name, owner in everything().items():
        if not inspect.isclass(owner) or not issubclass(owner, FAMILIES) or inspect.isabstract(owner):
            continue
        for method in dir(owner):
            held = inspect.getattr_static(owner, method)
            if method.startswith("_") or not inspect.isfunction(held) or held in seen:
                continue
            seen.add(held)
            _, *parameters = inspect.signature(held).parameters.values()
            if f"{name}.{method}" not in NOT_OFFERED and any(map(is_of_users, parameters)):
                found[f"{name}.{method}"] = partial(example, name, owner), method
    return found


def is_of_users(parameter: inspect.Parameter) -> bool:
    """Whether a user passes this argument of a method: not a ready-made one."""
    return parameter.annotation not in READY_MADE and parameter.kind is not parameter.VAR_KEYWORD


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
    """A valid argument for each parameter that has none by default."""
    found = {}
    held = None if inspect.isclass(call) else getattr(call, "__self__", None)
    for parameter in inspect.signature(call).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        own = f"{name}.{parameter.name}"
        if (made := of_the_object(held, parameter.name)) is not None:
            found[parameter.name] = made
        elif own in EXAMPLES or (parameter.default is parameter.empty and parameter.name in EXAMPLES):
            found[parameter.name] = EXAMPLES.get(own, EXAMPLES.get(parameter.name))()
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
        if parameter.kind is parameter.VAR_POSITIONAL or parameter.kind is parameter.POSITIONAL_ONLY:
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


def attack(name: str, call: Callable[..., Any], seconds: float = SECONDS) -> list[str]:
    """What went wrong: one line a hostile argument that was neither refused in a sentence nor made sense of."""
    is_of_object = inspect.ismethod(call) and not inspect.isclass(call.__self__)
    placed(call, valid_arguments(name, call))  # what follows is refused for the hostile argument alone
    found = []
    for parameter in inspect.signature(call).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD or (is_of_object and not is_of_users(parameter)):
            continue
        for what, make in HOSTILE.items():
            arguments = valid_arguments(name, call) | {parameter.name: make()}
            try:
                with budget(seconds):
                    result = placed(call, arguments)
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
