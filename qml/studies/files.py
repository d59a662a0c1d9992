"""Files that survive: written whole or not at all, or line by line with a checksum each; and the lock of a folder."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qml._checks import InputError
from qml._files import parse_json
from qml._files import write_whole as write_whole
from qml._files import writing as writing

LOCK = ".lock"
SYNC = 0.2
"""Seconds between two waits for the disk, at least: one takes milliseconds, as long as a small fit."""
SHARE = 0.01
"""Of the time, what waiting for the disk may take."""


def inside(folder: Path, relative: str) -> Path:
    """A path below `folder`, links followed; anything outside is refused."""
    root = folder.resolve()
    path = (root / relative).resolve()
    if not path.is_relative_to(root):
        raise InputError(f"files are read from the folder of the study only; {relative!r} lies outside it.")
    if Path(relative).is_absolute():
        raise InputError(f"files are named from the folder of the study on; found the absolute path {relative!r}.")
    return path


def write_text(path: Path, text: str) -> None:
    """A text file in UTF-8, written whole or not at all."""
    write_whole(path, lambda target: target.write_bytes(text.encode()))


def digest(path: Path) -> str | None:
    """SHA-256 of a file; None where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def only_files(folder: Path) -> None:
    """Refuse a folder in which there is anything but files and folders: a pipe or a device would never end.

    Raises
    ------
    InputError
        With the first that is neither.
    """
    for entry in folder.rglob("*"):
        if not entry.is_file() and not entry.is_dir():
            raise InputError(f"{entry} is no file and no folder, and nothing else belongs into a run: delete it.")


class Journal:
    """A file of JSON lines that only grows, each with a checksum.

    What `append` has returned from survives the death of the process; of the machine, if about a second older (more
    where the disk is slow: waiting for it takes at most :data:`SHARE` of the time).
    What a process that was killed left half written at the end is dropped when the file is opened again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries, self._size = _read(path)
        self._synced, self._wait = -math.inf, SYNC
        with writing(path):
            self._file = path.open("ab", buffering=0)  # what could not be written must not be tried again later
            self._file.truncate(self._size)

    def append(self, entry: dict[str, Any]) -> None:
        """One more entry."""
        text = json.dumps(entry).encode()
        line = b"%08x %s\n" % (zlib.crc32(text), text)
        with writing(self.path):
            try:
                if self._file.write(line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                since = time.monotonic()
                if since - self._synced > self._wait:
                    os.fsync(self._file.fileno())
                    self._synced = time.monotonic()
                    self._wait = max(SYNC, (self._synced - since) / SHARE)
            except OSError:
                self._file.truncate(self._size)
                raise
        self._size += len(line)
        self.entries.append(entry)

    def close(self) -> None:
        """Everything is on disk behind this."""
        with writing(self.path):
            os.fsync(self._file.fileno())
        self._file.close()


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The entries of a journal that somebody else may be writing.

    Raises
    ------
    InputError
        If a line other than the last one is damaged.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The entries, and how many bytes at the start of the file hold them."""
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    entries: list[dict[str, Any]] = []
    lines = content.split(b"\n")
    kept = 0
    for number, line in enumerate(lines[:-1]):
        try:
            if line[:9] != b"%08x " % zlib.crc32(line[9:]):
                raise ValueError
            entry = parse_json(line[9:])
            if not isinstance(entry, dict):
                raise ValueError
            entries.append(entry)
        except ValueError:
            if number == len(lines) - 2:
                break
            raise InputError(
                f"{path}, line {number + 1} is damaged (its checksum is wrong): delete this line, and what it says is "
                "done again by --resume."
            ) from None
        kept += len(line) + 1
    return entries, kept


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder of a run: two processes never work in one. A killed process lets go of it by itself.

    Raises
    ------
    InputError
        If another process holds it.
    """
    import filelock

    lock = filelock.FileLock(folder / LOCK)
    with writing(folder / LOCK):
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            sentence = f"another process is working in {folder}: wait until it is done, or stop it."
            raise InputError(sentence) from None
    try:
        yield
    finally:
        lock.release()
