"""Compiling kernels before they are called: all of them, or, in a second process, some of those that a first fit needs.

Kernels are compiled when they are first called, and cached on disk for all later processes. Where nothing is cached
yet, the process that finds that out says so and starts another one, which compiles what will be needed later: each
finds in the cache what the other has done.
"""

from __future__ import annotations

import atexit
import importlib
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qml.engines.linking import Kernel

MODULES = ("pauli_chains", "pauli_kernels", "block_kernels", "matrix_kernels", "lanes")
"""Where the kernels of noisy circuits are."""
OTHERS = ("vector_chains", "vector_kernels", "vector_sums", "krylov_kernels")
ORDER = (
    "move", "sites", "gather", "chain_sums", "sums_of", "collect", "backward", "remember", "add_up", "small_vectors",
    "site_sums", "store_quadrants", "butterfly", "small_matrices", "load_parts", "signed", "resize", "forward",
)  # fmt: skip
"""Kernels in the order in which the second process compiles them: two that a first fit needs only after half of its
own, then those that it needs last, so that both processes are done at about the same time."""

_begun = False


def every_kernel() -> list[Kernel]:
    """All kernels of all engines, each to be compiled by its method `compile`, which takes it from the cache if it is
    there."""
    from qml.engines.linking import kernels

    _import(MODULES + OTHERS)
    return kernels()


def begin() -> None:
    """Once a process, when it has to compile its first kernel: say so, and let another process help."""
    global _begun
    if _begun:
        return
    _begun = True
    if _watched():
        print("qml compiles its kernels for this processor: once, some seconds.", file=sys.stderr, flush=True)
    if not sys.executable:
        return
    code = f"import sys; sys.path[:] = {sys.path!r}; from qml.engines import precompile; precompile.assist()"
    quiet = subprocess.DEVNULL
    try:
        helper = subprocess.Popen([sys.executable, "-c", code], stdin=quiet, stdout=quiet, stderr=quiet)
    except OSError:  # no process to be had: this one compiles alone
        return

    def end() -> None:
        helper.kill()
        helper.wait()

    atexit.register(end)


def assist() -> None:
    """What the second process does."""
    global _begun
    _begun = True
    from qml.engines.linking import kernels

    _import(MODULES)
    for name in ORDER:
        for kernel in kernels():
            if kernel.name.rpartition(".")[2] == name:
                kernel.compile()


def _import(modules: tuple[str, ...]) -> None:
    for module in modules:
        importlib.import_module(f"qml.engines.{module}")


def _watched() -> bool:
    """Whether standard error is read by a person: in a terminal, or in a notebook."""
    ipython = sys.modules.get("IPython")
    return sys.stderr.isatty() or (ipython is not None and ipython.get_ipython() is not None)
