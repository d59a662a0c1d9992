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
from functools import cache
from pathlib import Path
from threading import RLock
from types import FunctionType
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numpy as np

from qml.engines._llvm.language import Function
from qml.engines.compile.patience import say_once

_FAST_CALL = 0x0080
_PYTHON = (
    "PyMem_RawMalloc", "PyMem_RawFree", "PyLong_AsLongLong", "PyFloat_AsDouble", "PyLong_FromLongLong",
    "PyFloat_FromDouble", "PyTuple_GetItem", "PyErr_BadArgument", "PyErr_Occurred", "PyEval_SaveThread",
    "PyEval_RestoreThread",
)  # fmt: skip


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
        for folder in folders:
            if _write(folder / name, json.dumps(head).encode() + b"\n" + code):
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


class _Machine:
    """LLVM, for this processor."""

    def __init__(self) -> None:
        for start in ("initialize_native_target", "initialize_native_asmprinter"):
            getattr(llvm, start)()
        for name in _PYTHON:
            llvm.add_symbol(name, ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value)
        target, processor = llvm.Target.from_default_triple(), llvm.get_host_cpu_name()
        features = llvm.get_host_cpu_features().flatten()
        static = target.name.startswith("x86")
        self._target = target.create_target_machine(
            cpu=processor, features=features, opt=3, reloc="static" if static else "default", codemodel="jitdefault",
            jit=True,
        )  # fmt: skip
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), self._target)
        made = target.triple, processor, features, llvmlite.__version__, sys.version, np.__version__
        self.kind = hashlib.sha256(repr(made).encode()).hexdigest()[:12]

    def compiled(self, text: str) -> bytes:
        """An object file from the text of a module."""
        module = llvm.parse_assembly(text)
        module.verify()
        options = llvm.create_pipeline_tuning_options(speed_level=3)
        options.loop_vectorization, options.slp_vectorization = True, False
        passes = llvm.create_pass_builder(self._target, options)
        passes.getModulePassManager().run(module, passes)
        return bytes(self._target.emit_object(module))

    def add(self, code: bytes, name: str) -> int:
        """The address of the function for Python in an object file."""
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        return int(self._engine.get_function_address(f"{name}.python"))


@cache
def _machine() -> _Machine:
    return _Machine()


def _folders(source: Path) -> Iterator[Path]:
    """Where machine code may be kept."""
    if named := os.environ.get("QML_CACHE_DIR"):
        yield Path(named)
        return
    yield source.parent / "__pycache__"
    if sys.platform == "win32":
        yield Path(os.environ.get("LOCALAPPDATA", tempfile.gettempdir())) / "qml"
    else:
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


def _write(path: Path, block: bytes) -> bool:
    """Whether the file could be written, whole."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(block)
            os.replace(name, path)
        except OSError:
            os.unlink(name)
            raise
    except OSError:
        return False
    return True


@cache
def _digest(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()
