"""Every public docstring names the arguments, where it is not an override of one that does, and has an example."""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import qml

NEEDED = {"estimators": "sklearn", "jax": "jax", "torch": "torch"}
"""What a module cannot be imported without."""
ELSEWHERE = re.compile("qiskit|cirq|pennylane|pytket|MLflow|^torch")
"""Whose examples need another library, and are read only."""
ONE_LINE = ("Study.from_yaml", "Study.save")
"""Methods with one argument, which their sentence speaks of."""


def everything() -> dict[str, Any]:
    """Functions and classes that ``qml`` lists, and the modules among it, by their shortest name."""
    found: dict[str, Any] = {}
    seen: set[int] = set()
    listed = {name: getattr(qml, name) for name in qml.__all__ if importlib.util.find_spec(NEEDED.get(name, "qml"))}
    modules = {name: value for name, value in listed.items() if inspect.ismodule(value)}
    named = [*listed.items(), *((f"{n}.{item}", getattr(m, item)) for n, m in modules.items() for item in m.__all__)]
    for name, value in named:
        own = str(getattr(value, "__module__", "")).startswith("qml.")
        if own and (inspect.isfunction(value) or inspect.isclass(value)) and id(value) not in seen:
            seen.add(id(value))
            found[name] = value
    return found


PUBLIC = everything()


def function_of(held: Any) -> Any:
    return held.__func__ if isinstance(held, classmethod | staticmethod) else held


def methods() -> Iterator[tuple[str, type, str]]:
    """Public methods with arguments by name, each once, and the class that defines it."""
    seen: set[Any] = set()
    for name, owner in PUBLIC.items():
        for method in dir(owner) if inspect.isclass(owner) else ():
            home = next(cls for cls in owner.__mro__ if method in vars(cls)) if not method.startswith("_") else object
            function = function_of(vars(home).get(method))
            if home.__module__.startswith("qml.") and inspect.isfunction(function) and function not in seen:
                seen.add(function)
                if arguments(function, in_class=not isinstance(vars(home)[method], staticmethod)):
                    yield f"{name}.{method}", home, method


def arguments(function: Callable[..., Any], *, in_class: bool = False) -> set[str]:
    """The names of its parameters, without the object or class itself and what begins with an underscore."""
    names = list(inspect.signature(function).parameters)[in_class:]
    return {name for name in names if not name.startswith("_")}


def section(text: str, *titles: str) -> set[str]:
    """The names that sections of a docstring list."""
    found: set[str] = set()
    for title in titles:
        lines = re.search(rf"^{title}\n-+\n(.*?)(?=\n\S[^\n]*\n---|\Z)", text, re.DOTALL | re.MULTILINE)
        heads = [line for line in (lines[1] if lines else "").splitlines() if line[:1].strip()]
        found |= {name.strip().lstrip("*") for head in heads for name in head.partition(" : ")[0].split(",")}
    return found


def text_of(value: Any) -> str:
    """Its own docstring, not an inherited one."""
    return inspect.cleandoc(vars(value).get("__doc__") or "" if inspect.isclass(value) else value.__doc__ or "")


def listed(value: Any, *titles: str) -> set[str]:
    """The names that sections of its docstring list."""
    return section(text_of(value), *(titles or ("Parameters",)))


METHODS = {name: (home, method) for name, home, method in methods()}


def test_arguments_of_functions():
    functions = {name: value for name, value in PUBLIC.items() if inspect.isfunction(value)}
    assert not {name: left for name, f in functions.items() if (left := arguments(f) - listed(f))}


def test_arguments_of_constructors():
    lacking = {}
    for name, owner in PUBLIC.items():
        if inspect.isclass(owner) and not (issubclass(owner, BaseException) or getattr(owner, "_is_protocol", False)):
            families = [cls for cls in owner.__mro__ if cls.__module__.startswith("qml.")]
            lacking[name] = arguments(owner) - set().union(
                *(listed(cls, "Parameters", "Attributes") for cls in families)
            )
    assert not {name: left for name, left in lacking.items() if left}


def test_arguments_of_methods():
    lacking = {}
    for name, (home, method) in METHODS.items():
        held = [vars(cls)[method] for cls in home.__mro__ if method in vars(cls)]
        wanted = arguments(function_of(held[0]), in_class=not isinstance(held[0], staticmethod))
        lacking[name] = min((wanted - listed(function_of(h)) for h in held if hasattr(h, "__doc__")), key=len)
    assert not {name: left for name, left in lacking.items() if left and name not in ONE_LINE}


def test_examples():
    def shown(name):
        example = text_of(PUBLIC[name]).partition("\nExamples\n--------\n")[2]
        return ">>> " in example or (ELSEWHERE.search(name) and ("``" in example or "::\n" in example))

    assert [name for name in PUBLIC if not shown(name)] == []


def test_what_is_looked_for_is_found():
    assert {"fit", "GibbsModel", "tomography.bootstrap", "optimizers.Optimizer", "FitResult"} <= set(PUBLIC)
    assert {"GibbsModel.all_paulis", "optimizers.Optimizer.step", "Counts.merge"} <= set(METHODS)
    assert section("Add.\n\nParameters\n----------\na, b : int\n    c : d\n*e\n\nRaises\n------\nf", "Parameters") == {
        *("a", "b", "e")
    }
