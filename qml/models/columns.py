"""Forward derivatives of unitary programs on columns of vectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qml._typing import ArrayLike, Complex, Real
from qml.circuits.program import Program
from qml.engines.vectors import apply, start_of, unitary_of


def push_columns(program: Program, params: ArrayLike, vectors: Complex | None = None) -> Callable[[Real], Complex]:
    r"""The map from directions v (b, n_params) to dW (b, d, m), the derivatives of the columns W = U(theta) V.

    .. math:: \dot W_{t+1} = U_t \dot W_t + \dot\theta\, \partial U_t\, W_t

    One sweep for all directions: O(b d m) a gate, with b tangents of the size of the columns in memory.

    Parameters
    ----------
    program : Program
        Unitary.
    params : array (n_params,)
    vectors : array (d, m), optional
        V; without it, the identity.
    """
    slots = program.slots(params)
    start = start_of(program, vectors)
    dims = program.dims_in

    def push(v: Real) -> Complex:
        along = np.asarray(program.weights @ v.T)  # (n_slots, b)
        w, tangents = start, np.zeros((*start.shape, len(v)), dtype=np.complex128)
        for step in program.steps:
            gate, values = unitary_of(step), slots[step.start : step.stop]
            u = gate.matrix(values)
            tangents = apply(u, step.sites, tangents.reshape(len(w), -1), dims).reshape(tangents.shape)
            if step.stop > step.start:
                for du, speeds in zip(gate.derivatives(values), along[step.start : step.stop], strict=True):
                    tangents += apply(du, step.sites, w, dims)[..., None] * speeds
            w = apply(u, step.sites, w, dims)
        return np.ascontiguousarray(np.moveaxis(tangents, -1, 0))

    return push


def hermitian_part(product: Complex) -> Complex:
    """X + X^dagger of matrices (..., d, d)."""
    return np.asarray(product + product.conj().swapaxes(-1, -2))
