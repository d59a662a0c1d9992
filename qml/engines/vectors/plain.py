r"""Unitary programs on columns of vectors: forward, and backward by un-applying the gates.

With W the columns and C their cotangent, dL = Re Tr(C^dagger dW), a gate U at theta contributes

.. math:: \frac{dL}{d\theta} = \mathrm{Re}\,\mathrm{Tr}(C_{t+1}^\dagger \, \partial U \, W_t), \qquad
    C_t = U^\dagger C_{t+1}, \qquad W_t = U^\dagger W_{t+1},

so that nothing is stored on the way. Costs, for each gate on k sites of dimension d_k, d m d_k products for the columns
(d, m), forward, and twice that backward.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Dims, ParamsLike, Real
from qml.circuits.program import Program, Step
from qml.engines.register import Push, VectorsPull, changes_of, directions_of
from qml.instructions import Unitary
from qml.operators import PauliSum


def apply(matrix: Complex, sites: tuple[int, ...], columns: Complex, dims: Dims) -> Complex:
    """The operator `matrix` on `sites`, applied to the columns (d, m) over sites of dimensions `dims`."""
    first, back = _orders(sites, len(dims))
    moved = columns.reshape(*dims, -1).transpose(first)
    changed = np.dot(matrix, moved.reshape(len(matrix), -1)).reshape(moved.shape)
    return np.ascontiguousarray(changed.transpose(back)).reshape(columns.shape)


@lru_cache(maxsize=1024)
def _orders(sites: tuple[int, ...], n: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Axes with `sites` before the other of n sites and the columns, and how they come back."""
    first = (*sites, *(site for site in range(n + 1) if site not in sites))
    return first, tuple(np.argsort(first).tolist())


def evolve_vectors(program: Program, params: ParamsLike, vectors: Complex | None) -> Complex:
    """U(theta) applied to the columns of `vectors`."""
    return _evolved(program, program.slots(params), start_of(program, vectors, 3))


def _evolved(program: Program, slots: Real, w: Complex) -> Complex:
    for step in program.steps:
        w = apply(matrix_at(step, slots), step.sites, w, program.dims_in)
    return w


def evolve_vectors_vjp(program: Program, params: ParamsLike, vectors: Complex | None) -> tuple[Complex, VectorsPull]:
    """The same columns, and the map from their cotangent to dL/dtheta and that of the columns before."""
    slots, dims = program.slots(params), program.dims_in
    final = _evolved(program, slots, start_of(program, vectors, 6))

    def pull(cotangent: Complex) -> tuple[Real, Complex | None]:
        c = columns_like(final, cotangent)
        w = final
        gradient = np.zeros(len(slots))
        for step in reversed(program.steps):
            inverse = matrix_at(step, slots).conj().T
            w = apply(inverse, step.sites, w, dims)
            if step.stop > step.start:
                overlap = _overlap(w, c, step.sites, dims)
                gradient[step.start : step.stop] = np.einsum("pij,ji->p", derivatives_at(step, slots), overlap).real
            c = apply(inverse, step.sites, c, dims)
        return program.pull_slots(gradient), None if vectors is None else c

    return final, pull


def push_vectors(program: Program, params: ParamsLike, vectors: Complex | None) -> Push:
    r"""The map from directions and changes of V to dW, with W = U(theta) V.

    .. math:: \dot W_{t+1} = U_t \dot W_t + \dot\theta\, \partial U_t\, W_t
    """
    slots = program.slots(params)
    start = start_of(program, vectors)
    dims = program.dims_in

    def push(directions: ArrayLike, changes: Complex | None = None) -> Complex:
        v = directions_of(directions, program.n_params)
        shape, count = (*v.shape[:-1], *start.shape), math.prod(v.shape[:-1])
        _checks.memory("the derivatives of the vectors", 4 * 16 * count * start.size, "pass fewer directions at a time")
        along = np.asarray(program.weights @ v.reshape(count, program.n_params).T)  # (n_slots, b)
        w, tangents = start, np.zeros((*start.shape, count), dtype=np.complex128)
        if changes is not None:
            tangents[:] = np.moveaxis(changes_of(changes, shape), 0, -1)
        for step in program.steps:
            u = matrix_at(step, slots)
            tangents = apply(u, step.sites, tangents.reshape(len(w), -1), dims).reshape(tangents.shape)
            if step.stop > step.start:
                for du, speeds in zip(derivatives_at(step, slots), along[step.start : step.stop], strict=True):
                    tangents += apply(du, step.sites, w, dims)[..., None] * speeds
            w = apply(u, step.sites, w, dims)
        return np.ascontiguousarray(np.moveaxis(tangents, -1, 0)).reshape(shape)

    return push


def expect_vectors_vjp(
    run: tuple[Complex, VectorsPull], observable: PauliSum
) -> tuple[Real, Callable[[ArrayLike], Real]]:
    """Expectations (m,) in columns, and the map from dL/d(expectations), from what :func:`evolve_vectors_vjp` gives."""
    w, pull_columns = run
    applied = observable.apply(w.T).T
    values = np.einsum("dm,dm->m", w.conj(), applied).real

    def pull(weights: ArrayLike) -> Real:
        return pull_columns(2 * applied * weights_like(values, weights))[0]

    return values, pull


def columns_like(final: Complex, cotangent: ArrayLike) -> Complex:
    """A cotangent of the shape of the columns."""
    c = _checks.array("the cotangent", cotangent).astype(np.complex128, copy=False)
    if c.shape != final.shape:
        raise InputError(f"the cotangent must have the shape {final.shape} of the vectors; found {c.shape}.")
    return c


def weights_like(values: Real, weights: ArrayLike) -> Real:
    """dL/d(expectations), one number a column."""
    w = _checks.reals("the cotangent", weights)
    if w.shape != values.shape:
        raise InputError(f"the cotangent must have shape {values.shape}, one number a vector; found shape {w.shape}.")
    return np.asarray(w, dtype=np.float64)


def _overlap(w: Complex, c: Complex, sites: tuple[int, ...], dims: Dims) -> Complex:
    """W C^dagger traced over all but `sites`, shape (D, D)."""
    side = math.prod(dims[site] for site in sites)

    def rows(columns: Complex) -> Complex:
        return np.moveaxis(columns.reshape(*dims, -1), sites, range(len(sites))).reshape(side, -1)

    return np.asarray(rows(w) @ rows(c).conj().T)


def start_of(program: Program, vectors: Complex | None, copies: int = 1) -> Complex:
    """The columns that a unitary program starts from, of which so many fit; anything else is refused."""
    for step in program.steps:
        unitary_of(step)
    d = program.dim_in
    w = None if vectors is None else _checks.array("vectors", vectors).astype(np.complex128, copy=False)
    if w is not None and (w.ndim != 2 or w.shape[0] != d):
        raise InputError(f"vectors must have shape ({d}, m), one column a vector; found shape {w.shape}.")
    needed = 16 * copies * d * (d if w is None else w.shape[1])
    if needed >= _checks.ALWAYS_FITS:
        what = "the unitary" if w is None else _checks.plural(w.shape[1], "vector")
        _checks.memory(f"{what} of dimension {d}", needed, "pass fewer vectors")
    return np.eye(d, dtype=np.complex128) if w is None else w


def unitary_of(step: Step) -> Unitary:
    """The gate of a step; anything but a unitary one is refused."""
    if not isinstance(step.instruction, Unitary):
        raise InputError(
            f"vectors evolve under unitary gates only; found {step.instruction.name} on sites {step.sites}: "
            "evolve a density matrix instead, with evolve."
        )
    return step.instruction


def matrix_at(step: Step, slots: Real) -> Complex:
    """The matrix of a gate at slot values."""
    return unitary_of(step).matrix(slots[step.start : step.stop])


def derivatives_at(step: Step, slots: Real) -> Complex:
    """Its derivatives (p, D, D)."""
    return unitary_of(step).derivatives(slots[step.start : step.stop])
