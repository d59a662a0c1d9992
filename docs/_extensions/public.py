"""What is public, and where its page is: what ``qml/__init__.pyi`` lists, and what the modules among it list."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from types import ModuleType
from typing import Any

from sphinx.pycode import ModuleAnalyzer

import qml


@cache
def modules() -> dict[str, ModuleType]:
    """The public modules by name, ``qml`` first."""
    named = {f"qml.{name}": getattr(qml, name) for name in qml.__all__}
    return {"qml": qml} | {name: value for name, value in sorted(named.items()) if inspect.ismodule(value)}


def listed(module: str) -> dict[str, Any]:
    """The public objects of a module by name, without modules."""
    here = modules()[module]
    named = {name: getattr(here, name) for name in sorted(here.__all__, key=lambda name: (name.lower(), name))}
    return {name: value for name, value in named.items() if not inspect.ismodule(value)}


@cache
def pages() -> dict[str, str]:
    """The full name that each public name has on its page: ``qml.fit`` is told at ``qml.fitting.fit``.

    The names that Python itself knows a class or function by, such as ``qml.states.base.State``, are among the keys.
    """
    found: dict[str, str] = {}
    at: dict[int, str] = {}
    for module in [*list(modules())[1:], "qml"]:
        for name, value in listed(module).items():
            full = f"{module}.{name}"
            if module != "qml":
                found[full] = full
                at.setdefault(id(value), full)
            else:
                found[full] = at.get(id(value), full)
            if inspect.isclass(value) or inspect.isfunction(value):
                found.setdefault(f"{value.__module__}.{value.__qualname__}", found[full])
    return found


@cache
def short() -> dict[str, str]:
    """The full name on its page by the last part of it, where only one object has it."""
    found: dict[str, set[str]] = {}
    for full in pages().values():
        found.setdefault(full.rpartition(".")[2], set()).add(full)
    return {name: next(iter(places)) for name, places in found.items() if len(places) == 1}


@cache
def _texts(package: str) -> dict[str, str]:
    """The texts that stand under the names of a package, its modules included."""
    inside = [f"{package}.{m.name}" for m in pkgutil.iter_modules(getattr(modules()[package], "__path__", ()))]
    found: dict[str, str] = {}
    for name in [package, *inside]:
        importlib.import_module(name)
        said = ModuleAnalyzer.for_module(name).find_attr_docs()
        found |= {what: "\n".join(lines).strip() for (scope, what), lines in said.items() if not scope}
    return found


def text_of(module: str, name: str) -> str:
    """The docstring of a public object; of one that is no class or function, the text under its name."""
    value = listed(module)[name]
    if inspect.isclass(value) or inspect.isfunction(value) or hasattr(value, "parameter_names"):
        return inspect.getdoc(value) or ""
    return _texts(module).get(name, "")


def summary(text: str) -> str:
    """The first sentence of a docstring, on one line."""
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    end = paragraph.find(". ")
    return paragraph if end < 0 else paragraph[: end + 1]
