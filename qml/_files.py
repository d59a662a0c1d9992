"""Files that survive: written whole or not at all; and files that somebody else may have damaged, or made to harm."""

from __future__ import annotations

import errno
import json
import math
import os
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from qml import _checks
from qml._checks import InputError

MOST_COMPRESSED = 200
"""How many bytes of arrays may come of one byte of a file, where they are more than :data:`SMALL`: dense numbers give
fewer than two, and a file of zeros that was made to fill the memory a thousand."""
SMALL = 1 << 28
PART = ".part-"
"""How the names of files begin that are not complete; then come the number of the process, and the name to be."""


def as_path(name: str, value: object) -> Path:
    """A path, from one or from a text."""
    if not isinstance(value, str | Path) or "\0" in str(value):
        raise InputError(f"{name} must be a path; found {_checks.shown(value)}.")
    return Path(value)


def folder(name: str, value: object) -> Path:
    """The path of a folder that is there.

    Raises
    ------
    InputError
        If there is none.
    """
    found = as_path(name, value)
    if not os.path.isdir(found):  # which is False, too, for a name that no folder can have
        raise InputError(f"{name} must be a folder; found {_checks.shown(str(value))}.")
    return found


def regular(path: str | Path, what: str) -> Path:
    """The path of a file that is there; a folder, a pipe or a device, which may never end, is refused.

    Raises
    ------
    InputError
        If it is no file.
    """
    file = as_path(f"the {what} file", path)
    if os.path.isfile(file):  # which is False, too, for a name that no file can have
        return file
    found = "is no file, but a folder, a pipe or a device" if os.path.exists(file) else "does not exist"
    raise InputError(f"the {what} file {str(path)!r} {found}.")


def read_text(path: str | Path, what: str, most: int | None = None) -> str:
    """The text of a file of at most so many bytes, without the mark that spreadsheets begin with.

    Raises
    ------
    InputError
        If it is no file, is larger, or is not text.
    """
    file = regular(path, what)
    if most is not None and (size := file.stat().st_size) > most:
        raise InputError(f"the {what} file {str(path)!r} has {size} bytes; at most {most} are read.")
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"the {what} file {str(path)!r} is not text.") from None


def writable(path: object) -> Path:
    """The path of a file that can be written: no folder, and in a folder that exists.

    Raises
    ------
    InputError
        If it is none.
    """
    file = as_path("path", path)
    try:
        os.fsencode(file)
        fits = file.parent.is_dir() and not file.is_dir()
    except (OSError, ValueError):  # a name that no file can have
        fits = False
    if not fits:
        raise InputError(f"path must name a file in a folder that exists; found {str(path)!r}.")
    return file


def write_arrays(path: str | Path | IO[bytes], arrays: Mapping[str, Any]) -> None:
    """Arrays, never a pickle, as one ``.npz`` file: at a path, or in a file open for writing."""
    if not isinstance(path, str | Path) and hasattr(path, "write"):
        np.savez(path, **arrays)
    else:
        with writable(path).open("wb") as file:
            np.savez(file, **arrays)


def parse_json(text: str | bytes, **options: Any) -> Any:
    """The value of a JSON text.

    Raises
    ------
    ValueError
        If it is none, or nested too deeply to be read.
    """
    try:
        return json.loads(text, **options)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_arrays(path: str | Path, what: str) -> dict[str, Any]:
    """All arrays of a ``.npz`` file. What each would be is read and checked before the first is loaded.

    Raises
    ------
    InputError
        If it is no such file; if an array is none of numbers or text (a pickled object, say), or not as large as its
        header says; if the file is compressed so well that it can only have been made to fill the memory.
    MemoryRefused
        If the arrays would not fit in memory.
    """
    file = regular(path, what)
    name = f"the {what} file {str(path)!r}"
    try:
        if not zipfile.is_zipfile(file):
            raise InputError(f"{name} is not a readable .npz file.")
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            for member in members:
                _check_header(archive, member)
            size = sum(member.file_size for member in members)
            if size > max(SMALL, MOST_COMPRESSED * file.stat().st_size):
                raise InputError(
                    f"{name} would become {size / 2**30:.3g} GiB, {size // file.stat().st_size} times what it is on "
                    "disk: write it again with numpy.savez, which does not compress."
                )
            _checks.memory(f"reading {name}", size, "read it on a machine with more memory")
            return {member.filename.removesuffix(".npy"): _array(archive, member) for member in members}
    except InputError:
        raise
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{name} is not a readable .npz file of plain arrays: {error}.") from None


def _check_header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """What the header of an array says must be what the file holds; else a ValueError."""
    name = member.filename.removesuffix(".npy")
    with archive.open(member) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers written by Python 2
        try:
            read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[npy.read_magic(stream)]
            shape, _, dtype = read(stream)
        except Exception as error:  # NumPy evaluates the text of a header, which may fail in many ways
            why = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
            raise ValueError(f"{name!r} is no array ({why})") from None
        held = member.file_size - stream.tell()
    if dtype.kind not in "biufcSU" or dtype.itemsize == 0:
        raise ValueError(f"{name!r} must hold numbers or text; found the type {str(dtype)[:40]!r}")
    size = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or size != held:
        raise ValueError(f"by its shape {str(shape)[:60]}, {name!r} has {size} bytes, and the file holds {held} of it")


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Any:
    with archive.open(member) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return npy.read_array(stream, allow_pickle=False)


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
    temporary = path.with_name(f"{PART}{os.getpid()}-{path.name}")  # two processes may write one file at once
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _clean(path)
        try:
            writer(temporary)
            _flush(temporary)
            if previous is not None and path.exists():
                path.replace(previous)
            temporary.replace(path)
            _flush(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def _clean(path: Path) -> None:
    """Remove what processes that were killed left half written of a file."""
    for other in path.parent.glob(f"{PART}*"):
        import psutil

        number, _, name = other.name.removeprefix(PART).partition("-")
        if name == path.name and number.isdecimal() and int(number) not in psutil.pids():
            other.unlink(missing_ok=True)


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
def writing(path: Path) -> Iterator[None]:
    """A context in which an error of the file system, such as a full disk, becomes an InputError about `path`."""
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error
        raise InputError(f"{path} cannot be written: {why}; what was written before is kept.") from error


def _flush(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to disk; Windows writes names by itself."""
    is_folder = path.is_dir()
    if is_folder and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
