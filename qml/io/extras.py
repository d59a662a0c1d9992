"""Libraries that are imported when they are used."""

from __future__ import annotations

import importlib
from typing import Any

from qml._checks import InputError


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
