"""Reading ``.npz`` files that somebody else may have written or damaged."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from qml._checks import InputError


def read_arrays(path: str | Path, what: str) -> dict[str, Any]:
    """All arrays of a ``.npz`` file; anything else, pickled objects included, is refused with a sentence."""
    file = Path(path)
    if not file.is_file():
        raise InputError(f"the {what} file {str(path)!r} does not exist.")
    if not zipfile.is_zipfile(file):
        raise InputError(f"the {what} file {str(path)!r} is not a readable .npz file.")
    try:
        with np.load(file, allow_pickle=False) as data:
            return {name: data[name] for name in data.files}
    except (OSError, ValueError, EOFError, KeyError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"the {what} file {str(path)!r} is not a readable .npz file of plain arrays: {error}"
        ) from None
