"""Libraries that are imported when they are used."""

from __future__ import annotations

import importlib
from typing import Any

from qml._checks import InputError


def classes(value: object, library: str) -> set[str]:
    """The names of those classes of a library that a value is of."""
    return {kind.__name__ for kind in type(value).__mro__ if kind.__module__.partition(".")[0] == library}


def need(module: str, extra: str) -> Any:
    """A module of another library.

    Raises
    ------
    InputError
        If it is not installed, with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        library = module.partition(".")[0]
        raise InputError(f"this needs {library}, which is not installed: run pip install 'qmaxlik[{extra}]'.") from None
