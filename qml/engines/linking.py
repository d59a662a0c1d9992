"""Compiled functions that are called by symbol, so that each is compiled once, not once more with every caller.

Numba links the code of a compiled function into whatever calls it and optimises it there again: five levels of calls
cost five times. A linked function is compiled and cached by itself; its callers hold no more than the name of an
external symbol, which is registered when the module that links it is imported.

A caller's cached code relies on the symbol and on the signature. So functions are linked in the file that calls them:
Numba throws away what it cached of a file that has changed. (It does not notice a change in what a file imports:
after editing this file, the lanes, or a constant, save the files that use them too.)
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any, cast

from llvmlite.binding import add_symbol
from numba import njit
from numba.core import cgutils
from numba.extending import intrinsic


def link(types: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function compiled for arguments of these types, for use in compiled code."""
    dispatcher = njit(types, cache=True, error_model="numpy")(function)
    compiled: Any = dispatcher.overloads[dispatcher.signatures[0]]
    insert: Any = cgutils.get_or_insert_function
    symbol = f"{function.__module__}.{function.__qualname__}"
    add_symbol(symbol, compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))

    def call(typing: Any, *arguments: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            convention = context.call_conv
            callee_type = convention.get_function_type(sig.return_type, sig.args)
            callee = insert(builder.module, callee_type, symbol)
            status, result = convention.call_function(builder, callee, sig.return_type, sig.args, args)
            with builder.if_then(status.is_error, likely=False):
                convention.return_status_propagate(builder, status)
            return result

        return compiled.signature, generate

    first = Parameter("typing", Parameter.POSITIONAL_OR_KEYWORD)
    named: Any = call  # Numba asks for the names of the arguments
    named.__signature__ = Signature([first, *signature(function).parameters.values()])
    return cast(Callable[..., Any], intrinsic(named))
