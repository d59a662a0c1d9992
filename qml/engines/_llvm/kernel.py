"""Kernels: functions that are compiled when Python first calls them, and kept on disk for all later processes.

A kernel and all kernels that it calls become one object file. It is cached beside its source, in ``__pycache__``, or,
where that cannot be written, in the user's folder for caches; ``QML_CACHE_DIR`` names another place. What is cached
holds for this processor and these versions of Python, NumPy and LLVM, as long as the files that its functions stand in
and the numbers that they took from elsewhere are the same.

From Python a kernel is a built-in function, which reads arrays and numbers where Python keeps them and runs without the
interpreter's lock. Arguments of other types, or arrays that are not C-contiguous, are refused with a TypeError.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import RLock
from types import FunctionType
from typing import TYPE_CHECKING, Any

from qml._checks import InputError
from qml._files import write_whole
from qml.engines._llvm.language import Function
from qml.engines.compile.patience import say_once

if TYPE_CHECKING:
    from qml.engines._llvm.machine import Machine

_FAST_CALL = 0x0080


class Kernel(Function):
    """A function that is compiled, and cached, when Python first calls it."""

    def __init__(self, function: FunctionType) -> None:
        super().__init__(function)
        self._call: Callable[..., Any] | None = None
        self._kept: list[Any] = []
        _KERNELS.append(self)

    def __call__(self, *arguments: Any) -> Any:
        return (self._call or self.compile())(*arguments)

    def compile(self) -> Callable[..., Any]:
        """The function as Python calls it."""
        with _LOCK:
            if self._call is None:
                address = _machine().add(self._object(), self.name)
                method = _Method(self.name.encode(), address, _FAST_CALL, None)
                new = ctypes.pythonapi.PyCFunction_NewEx
                new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p] * 3
                self._kept = [method]
                self._call = new(ctypes.addressof(method), None, None)
            return self._call

    def _object(self) -> bytes:
        """Machine code, from the cache or new."""
        name = f"{self.name.removeprefix('qml.engines.')}-{_machine().kind}.bin"
        folders = list(_folders(Path(self.function.__code__.co_filename)))
        for folder in folders:
            if (code := _read(folder / name)) is not None:
                return code
        say_once("qml compiles its kernels for this processor: once, some seconds.")
        from qml.engines._llvm.unit import Unit, add_call  # a tenth of a second, where nothing is kept yet

        unit = Unit(self)
        add_call(unit, self)
        code = _machine().compiled(str(unit.module))
        head = {
            "files": {file: _digest(file) for file in sorted(unit.files)},
            "constants": [[*where, value] for where, value in sorted(unit.constants.items())],
            "code": hashlib.sha256(code).hexdigest(),
        }
        block = json.dumps(head).encode() + b"\n" + code
        for folder in folders:
            with suppress(InputError):
                write_whole(folder / name, lambda path: path.write_bytes(block))
                break
        return code


def kernel(function: Any) -> Kernel:
    """A decorator: a :class:`Kernel`."""
    return Kernel(function)


def kernels() -> list[Kernel]:
    """All kernels of the modules that have been imported."""
    return list(_KERNELS)


_KERNELS: list[Kernel] = []
_LOCK = RLock()


class _Method(ctypes.Structure):
    """PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


@cache
def _machine() -> Machine:
    from qml.engines._llvm.machine import Machine  # with LLVM, a thirtieth of a second

    return Machine()


def _folders(source: Path) -> Iterator[Path]:
    """Where machine code may be kept."""
    if named := os.environ.get("QML_CACHE_DIR"):
        yield Path(named)
        return
    yield source.parent / "__pycache__"
    if sys.platform == "win32":
        yield Path(os.environ.get("LOCALAPPDATA", tempfile.gettempdir())) / "qml"
    else:
        with suppress(RuntimeError):  # of a user whom the system does not know
            yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "qml"


def _read(path: Path) -> bytes | None:
    """The machine code of a file, if all is as it was when it was made."""
    try:
        head, _, code = path.read_bytes().partition(b"\n")
        known = json.loads(head)
        valid = (
            hashlib.sha256(code).hexdigest() == known["code"]
            and all(_digest(file) == digest for file, digest in known["files"].items())
            and all(repr(getattr(sys.modules[m], name)) == value for m, name, value in known["constants"])
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return code if valid else None


@cache
def _digest(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()
