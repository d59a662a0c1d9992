"""Compiling all kernels before they are called, for images of machines and clusters."""

from __future__ import annotations

import importlib

from qml.engines._llvm.kernel import Kernel, kernels

MODULES = (
    "compile.chains", "compile.lanes", "pauli.kernels", "pauli.conversion_kernels", "vectors.kernels", "vectors.sums",
    "krylov_kernels",
)  # fmt: skip


def every_kernel() -> list[Kernel]:
    """All kernels of all engines, each to be compiled by its method `compile`, which takes it from the cache if it is
    there."""
    for module in MODULES:
        importlib.import_module(f"qml.engines.{module}")
    return kernels()
