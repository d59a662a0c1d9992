"""Unitary programs of qubits on columns of vectors, and expectations of Pauli sums in them, by the compiled kernels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qml import _checks, buffers
from qml._typing import ArrayLike, Complex, ParamsLike, Real
from qml.circuits.program import Program
from qml.engines._llvm.language import LANES
from qml.engines._llvm.teams import summed, together, workers_of
from qml.engines.register import VectorsPull
from qml.engines.vectors import kernels
from qml.engines.vectors.plain import columns_like, start_of, weights_like
from qml.engines.vectors.plan import Plan, plan_of
from qml.engines.vectors.sums import pauli_sum, terms_of
from qml.operators import PauliSum

PARALLEL_FROM = 2**18
"""Complex numbers from which a sweep is worth sharing between threads."""


def evolve_vectors(program: Program, params: ParamsLike, vectors: Complex | None) -> Complex:
    """U(theta) applied to the columns of `vectors`."""
    run = _Run(program, params, vectors, gradient=False)
    return run.columns(run.final)


def evolve_vectors_vjp(program: Program, params: ParamsLike, vectors: Complex | None) -> tuple[Complex, VectorsPull]:
    """The same columns, and the map from their cotangent to dL/dtheta and that of the columns before."""
    run = _Run(program, params, vectors, gradient=True)
    final = run.columns(run.final)

    def pull(cotangent: Complex) -> tuple[Real, Complex | None]:
        c = run.packed(columns_like(final, cotangent))
        gradient = run.pull(c, to_the_start=vectors is not None)
        return gradient, None if vectors is None else run.columns(c)

    return final, pull


def expect_vectors_vjp(
    program: Program, params: ParamsLike, observable: PauliSum, vectors: Complex | None
) -> tuple[Real, Callable[[ArrayLike], Real]]:
    """Expectations (m,) in the columns after the program, and the map from dL/d(expectations) to dL/dtheta."""
    run = _Run(program, params, vectors, gradient=True)
    values, applied = run.expect(observable)

    def pull(weights: ArrayLike) -> Real:
        return run.pull(run.scaled(applied, 2 * weights_like(values, weights)))

    return values, pull


class _Run:
    """The columns after the program, in the layout of the kernels, and what leads back from there."""

    def __init__(self, program: Program, params: ParamsLike, vectors: Complex | None, gradient: bool) -> None:
        self.program = program
        self.slots = program.slots(params)
        start = start_of(program, vectors)
        self.shape = start.shape
        m = start.shape[1]
        self.width = 1 << (m - 1).bit_length() if m < LANES else -(-m // LANES) * LANES  # columns with zeros behind
        self.plan: Plan = plan_of(program, max(0, LANES.bit_length() - self.width.bit_length()))
        self.size = self.width << self.plan.n
        copies = (5 if gradient else 2) + (m != self.width)
        buffers.check(
            f"{_checks.plural(m, 'vector')} of {_checks.plural(len(program.dims_in), 'qubit')}",
            16 * self.size * copies,
            "use fewer qubits or fewer vectors",
        )
        self.coefficients, self.matrices = self.plan.bind(self.slots, gradient)
        self.final = self.packed(start)
        self._sweep(self.final, self.final, np.zeros((kernels.CHUNKS, 0, LANES)), 0, backward=False)

    def packed(self, columns: Complex) -> Real:
        """Columns (d, m) in the layout of the kernels."""
        d, m = columns.shape
        x = buffers.empty((2 * max(self.size, LANES),))
        if m != self.width or 2 * d * m != x.size:
            padded = np.zeros((x.size // 2 // self.width, self.width), dtype=np.complex128)
            padded[:d, :m] = columns
            columns = padded
        octets = np.ascontiguousarray(columns).reshape(-1, LANES)
        x.reshape(-1, 2, LANES)[:, 0] = octets.real
        x.reshape(-1, 2, LANES)[:, 1] = octets.imag
        return x

    def columns(self, x: Real) -> Complex:
        """Columns (d, m) from the layout of the kernels."""
        octets = x.reshape(-1, 2, LANES)
        out = np.empty((len(octets), LANES), dtype=np.complex128)
        out.real, out.imag = octets[:, 0], octets[:, 1]
        d, m = self.shape
        return np.ascontiguousarray(out.reshape(-1, self.width)[:d, :m])

    def expect(self, observable: PauliSum) -> tuple[Real, Real]:
        """Expectations (m,), and the observable applied to the final columns, in the layout of the kernels."""
        starts, masks, factors = terms_of(observable)
        applied = buffers.empty((self.final.size,))
        d = 1 << self.plan.n
        chunks = kernels.CHUNKS if d % (LANES * kernels.CHUNKS) == 0 else 1

        def part(first: int, last: int, sums: Real) -> None:
            pauli_sum(self.final, applied, self.width, starts, masks, factors, first, last, sums)

        values = summed(d, chunks, self.width, self.size >= PARALLEL_FROM, part)
        return values[: self.shape[1]], applied

    def scaled(self, x: Real, weights: Real) -> Real:
        """A copy with column c times weights[c]."""
        padded = np.zeros(self.width)
        padded[: weights.size] = weights
        out = buffers.empty((x.size,))
        lanes = min(LANES, self.width)
        shape = (-1, max(1, self.width // LANES), 2, LANES // lanes, lanes)
        np.multiply(x.reshape(shape), padded.reshape(-1, 1, 1, lanes), out=out.reshape(shape))
        return out

    def pull(self, cotangent: Real, to_the_start: bool = False) -> Real:
        """dL/dtheta from dL/d(final columns), in whose place, if asked for, that of the columns before is left."""
        plan = self.plan
        first = 0 if to_the_start else plan.first_free
        if first < 0:
            return np.zeros(self.program.n_params)
        sums = np.zeros((kernels.CHUNKS, plan.n_sums, LANES))
        psi = buffers.empty((self.final.size,))
        psi[:] = self.final
        self._sweep(psi, cotangent, sums, first, backward=True)
        total = sums.sum(axis=0).sum(axis=1)
        return self.program.pull_slots(plan.slot_gradient(self.slots, self.coefficients, total))

    def _sweep(self, x: Real, y: Real, sums: Real, first: int, backward: bool) -> None:
        """Sweep `first` and all later ones."""
        plan = self.plan
        given = x, y, plan.n, self.width, plan.tables, self.coefficients[0], self.matrices, sums

        workers = workers_of(None) if self.size >= PARALLEL_FROM else 1
        phases = len(plan.tables.sweeps) - first
        together(phases, workers, lambda progress: kernels.run(*given, first, backward, progress))
