"""LLVM, which makes machine code of the text of a module, and functions of machine code."""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys

import llvmlite
import llvmlite.binding as llvm
import numpy as np

from qml.engines._llvm.language import YIELD

_PYTHON = (
    "PyMem_RawMalloc", "PyMem_RawFree", "PyLong_AsLongLong", "PyFloat_AsDouble", "PyLong_FromLongLong",
    "PyFloat_FromDouble", "PyTuple_GetItem", "PyErr_BadArgument", "PyErr_Occurred", "PyEval_SaveThread",
    "PyEval_RestoreThread",
)  # fmt: skip
# "windll" is known to types on Windows alone
_library = ctypes.windll.kernel32 if os.name == "nt" else ctypes.CDLL(None)  # type: ignore[attr-defined,unused-ignore]
_function = _library.SwitchToThread if os.name == "nt" else _library.sched_yield


class Machine:
    """LLVM, for this processor."""

    def __init__(self) -> None:
        for start in ("initialize_native_target", "initialize_native_asmprinter"):
            getattr(llvm, start)()
        for name in _PYTHON:
            llvm.add_symbol(name, ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value)
        llvm.add_symbol(YIELD, ctypes.cast(_function, ctypes.c_void_p).value)
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
