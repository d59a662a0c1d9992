"""Files that survive: written whole or not at all; and ``.npz`` files that somebody else may have damaged."""

from __future__ import annotations

import errno
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


def write_whole(path: Path, writer: Callable[[Path], object], previous: Path | None = None) -> None:
    """A file that `writer` makes under another name, put in its place when it is complete and on disk.

    What stood there before is kept as `previous`, if that is given.

    Raises
    ------
    InputError
        If it cannot be written; what stood there before is kept.
    """
    if not path.name:
        raise InputError(f"{str(path)!r} is not the name of a file.")
    temporary = path.with_name(f".part-{path.name}")
    with told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            writer(temporary)
            _flush(temporary)
            if previous is not None and path.exists():
                path.replace(previous)
            temporary.replace(path)
            _flush(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def append_whole(path: Path, block: bytes) -> None:
    """A block at the end of a file: all of it, or an OSError and the file as it was."""
    with path.open("ab", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            if file.write(block) < len(block):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            file.truncate(size)
            raise


@contextmanager
def told(path: Path) -> Iterator[None]:
    """A full disk or a folder that cannot be written, as one sentence."""
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error
        raise InputError(f"{path} cannot be written: {why}; what was written before is kept.") from error


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
