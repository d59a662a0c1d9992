"""Compiled functions, each compiled once, when it is first called, whoever calls it.

Numba links the code of a compiled function into whatever calls it and optimises it there again: five levels of calls
cost five times. A :class:`Kernel` is compiled and cached by itself. Its callers hold no more than the name of a slot,
which holds its address; where the slot is empty, they ask the interpreter to compile it first. So a job compiles what
it calls and nothing else, and where nothing is cached yet a second process compiles what is likely to come
(:mod:`qml.engines.precompile`).

What is cached holds as long as the text of its file and of the files of this package that it imports from, however
far: a change recompiles what it may concern, and nothing else.
"""

from __future__ import annotations

import ast
import ctypes
import hashlib
import inspect
import sys
from collections.abc import Callable
from functools import cache, cached_property
from inspect import Parameter, Signature, signature
from threading import RLock
from typing import Any

from llvmlite import ir
from llvmlite.binding import add_symbol
from numba import njit
from numba.core import cgutils
from numba.core.caching import IndexDataCacheFile
from numba.core.event import Listener, install_listener
from numba.core.sigutils import normalize_signature
from numba.extending import intrinsic

from qml.engines.precompile import begin


class Kernel:
    """A function that is compiled for arguments of these types, and cached, when it is first called.

    Called from Python it is an ordinary function; compiled code calls :attr:`linked`.
    """

    def __init__(self, types: str, function: Callable[..., Any], from_python: bool = True) -> None:
        self.name = f"{function.__module__}.{function.__qualname__}"
        self._types, self._function, self._from_python = types, function, from_python
        self._slot = ctypes.c_void_p()
        self._symbol = f"{self.name}.slot"
        add_symbol(self._symbol, ctypes.addressof(self._slot))
        self._compiled: Callable[..., Any] | None = None
        _BY_SLOT[ctypes.addressof(self._slot)] = self

    def __call__(self, *arguments: Any) -> Any:
        try:
            return (self._compiled or self.compile())(*arguments)
        except RuntimeError:
            if _FAILED:  # compiled code has asked for a kernel: Ctrl-C, say, is not an error of that kernel
                raise _FAILED.pop() from None
            raise

    def compile(self) -> Callable[..., Any]:
        """The compiled function; its address is in the slot from now on."""
        with _LOCK:
            if self._compiled is None:
                options: Any = {"cache": True, "error_model": "numpy", "nogil": True}
                if not self._from_python:
                    options |= {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
                dispatcher: Any = njit(**options)(self._function)
                kept = dispatcher._cache  # by default it holds as long as one file's time of change
                stamp = _text_of(self._function.__module__)
                file: Any = IndexDataCacheFile
                kept._cache_file = file(kept.cache_path, kept._impl.filename_base, stamp)
                with install_listener("numba:compile", _Compiling()):
                    dispatcher.compile(self._types)
                dispatcher.disable_compile()
                result = dispatcher.overloads[dispatcher.signatures[0]]
                self._slot.value = result.library.get_pointer_to_function(result.fndesc.llvm_func_name)
                self._compiled = dispatcher
            return self._compiled

    @cached_property
    def linked(self) -> Callable[..., Any]:
        """The function for use in compiled code."""
        normalize: Any = normalize_signature
        arguments, returned = normalize(self._types)
        own = returned(*arguments)

        def call(typing: Any, *given: Any) -> Any:
            def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
                convention, module = context.call_conv, builder.module
                slot = module.globals.get(self._symbol) or ir.GlobalVariable(module, _ADDRESS, self._symbol)

                def empty() -> Any:
                    address = builder.load(slot)
                    return builder.if_then(builder.icmp_unsigned("==", address, _ADDRESS(None)), likely=False)

                with empty():
                    insert: Any = cgutils.get_or_insert_function
                    asked = insert(module, ir.FunctionType(ir.VoidType(), [_ADDRESS.as_pointer()]), _FILL)
                    builder.call(asked, [slot])
                    with empty():
                        convention.return_user_exc(builder, RuntimeError, (f"{self.name} could not be compiled",))
                callee_type = convention.get_function_type(sig.return_type, sig.args)
                callee = builder.bitcast(builder.load(slot), callee_type.as_pointer())
                status, result = convention.call_function(builder, callee, sig.return_type, sig.args, args)
                with builder.if_then(status.is_error, likely=False):
                    convention.return_status_propagate(builder, status)
                return result

            return own, generate

        first = Parameter("typing", Parameter.POSITIONAL_OR_KEYWORD)
        named: Any = call  # Numba asks for the names of the arguments
        named.__signature__ = Signature([first, *signature(self._function).parameters.values()])
        linked: Callable[..., Any] = intrinsic(named)
        return linked


def kernel(types: str) -> Callable[[Callable[..., Any]], Kernel]:
    """A decorator: a :class:`Kernel` that Python calls."""
    return lambda function: Kernel(types, function)


def link(types: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function for use in compiled code alone."""
    return Kernel(types, function, from_python=False).linked


def kernels() -> list[Kernel]:
    """All kernels of the modules that have been imported."""
    return list(_BY_SLOT.values())


@cache
def _text_of(module: str) -> str:
    """A digest of the sources of a module and of those of its package that it imports from, directly or not."""
    package = module.rpartition(".")[0]
    sources, waiting = dict[str, str](), [module]
    while waiting:
        name = waiting.pop()
        if name in sources or not name.startswith(f"{package}.") or name not in sys.modules:
            continue
        sources[name] = inspect.getsource(sys.modules[name])
        for node in ast.walk(ast.parse(sources[name])):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return hashlib.sha256("".join(text for _, text in sorted(sources.items())).encode()).hexdigest()


class _Compiling(Listener):
    """Hears when Numba compiles what was not cached."""

    def on_start(self, event: Any) -> None:
        begin()

    def on_end(self, event: Any) -> None:
        pass


def _fill(slot: int) -> None:
    """Compile the kernel of a slot, for compiled code, which cannot pass an exception on."""
    try:
        _BY_SLOT[slot].compile()
    except BaseException as error:
        _FAILED.append(error)


_BY_SLOT: dict[int, Kernel] = {}
_FAILED: list[BaseException] = []
_LOCK = RLock()
_ADDRESS = ir.IntType(8).as_pointer()
_FILL = "qml.engines.linking.fill"
_fill_from_compiled = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(_fill)
add_symbol(_FILL, ctypes.cast(_fill_from_compiled, ctypes.c_void_p).value)
