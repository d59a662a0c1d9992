"""Instructions by name: those of the library are defined in modules, found by what they are called, and documented."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, TypeVar

from qml import _checks
from qml.instructions.base import Instruction
from qml.parameters import REAL_LINE

I = TypeVar("I", bound=Instruction)  # noqa: E741 - an instruction


def find(what: str, name: object, registry: Mapping[str, I], aliases: Mapping[str, str] | None = None) -> I:
    """The instruction of that name; capitals and underscores make no difference.

    Raises
    ------
    InputError
        Where no such name is registered; the sentence has the nearest one.
    """
    known = {plain(n): n for n in registry} | {plain(a): n for a, n in (aliases or {}).items()}
    typed = _checks.text(what, name)
    found = known.get(plain(typed))
    return registry[_checks.choice(what, typed, registry) if found is None else found]


def defined_in(kind: Callable[..., I], *modules: ModuleType) -> dict[str, I]:
    """The instructions of a kind, a class, that modules define, by their names, in the order of their definitions."""
    assert isinstance(kind, type)
    held: list[Any] = [value for module in modules for value in vars(module).values() if isinstance(value, kind)]
    return {value.name: value for value in held}


def plain(name: str) -> str:
    """A name without what makes no difference: capitals and underscores."""
    return name.lower().replace("_", "")


def documented(instruction: I, text: str, **about: str) -> I:
    """The instruction with a text that ``help`` shows: how it is called, what it is, and its parameters in order.

    `about` says more of a parameter than its domain, or that an angle is in radians.
    """
    lines = [f"{instruction.name}{inspect.signature(instruction)}".replace(", /", ""), "", inspect.cleandoc(text), ""]
    lines += ["Parameters", "----------"]
    for name, domain in zip(instruction.parameter_names, instruction.domains, strict=True):
        known = "An angle in radians." if domain == REAL_LINE else f"From {domain.low:.6g} to {domain.high:.6g}."
        default = f", {instruction.defaults[name]:g} by default" if name in instruction.defaults else ""
        lines += [f"{name} : float, str or Affine{default}", f"    {about.get(name, known)}"]
    lines += [f"{name} : int" for name in instruction.site_names]
    object.__setattr__(instruction, "__doc__", "\n".join(lines))
    return instruction
