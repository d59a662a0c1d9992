"""The Pauli engine: programs on the real vector of Pauli expectations, compiled by Numba; qubits only."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Real
from qml.circuits.program import Program
from qml.engines import pauli_loops as loops
from qml.engines import vector_runs
from qml.engines import vectors as any_sites
from qml.engines.base import Engine
from qml.engines.pauli_plan import Plan, Tables, plan_of
from qml.engines.pauli_state import PauliState, vector_of
from qml.engines.pauli_threads import sweep
from qml.engines.register import check_initial
from qml.engines.vectors import check_observable
from qml.operators import PauliSum
from qml.states.base import State

_NOTHING_SAVED, _NO_SUMS = np.empty((0, 0)), np.empty(0)


class PauliEngine(Engine):
    r"""Runs programs of qubits on the 4^n real numbers r_P = Tr(P rho): half the memory of rho, real arithmetic.

    Every map on k sites is a real matrix R (4^k, 4^k) on them, the Pauli transfer matrix; rotations about Pauli strings
    of any weight turn pairs of components and need no matrix. Backward, with g = dL/dr,

    .. math:: g_t = R_t^T g_{t+1}, \qquad \partial L / \partial \theta = g_{t+1}^T \, \partial R_t \, r_t .

    The plan of a program is made at its first run and kept with it: new parameters cost no planning. A map on k sites
    costs O(4^n 4^k), less where its matrix has zeros; a rotation O(4^n) at any weight. The gradient in all parameters
    costs about two more sweeps, or three where checkpoints are needed. Results do not depend on the number of threads.

    The state that it returns is a :class:`PauliState`, whose coordinate is the vector r.

    Parameters
    ----------
    checkpoint_bytes : int
        Memory that `evolve_vjp` may keep vectors in, one for each operation with parameters. Where they take more, only
        about twice the square root of their number is kept, and the others are computed again on the way back.
    threads : int, optional
        Threads for large registers; by default as many as Numba uses (the number of cores, or ``NUMBA_NUM_THREADS``).

    Examples
    --------
    >>> from qml import channels, gates
    >>> from qml.circuits import Circuit
    >>> program = Circuit(1).then(gates.RY("theta", 0), channels.PhaseDamping(0.19, 0)).compile()
    >>> state = PauliEngine().evolve(program, [np.pi / 2])
    >>> state.vector.round(3)
    array([1. , 0.9, 0. , 0. ])
    >>> state, pull = PauliEngine().evolve_vjp(program, [0.0])
    >>> pull(np.array([0.0, 1.0, 0.0, 0.0])).round(3)  # d<X>/dtheta
    array([0.9])
    """

    def __init__(self, checkpoint_bytes: int = 2**30, threads: int | None = None) -> None:
        self.checkpoint_bytes = _checks.integer("checkpoint_bytes", checkpoint_bytes, low=0)
        self.threads = None if threads is None else _checks.integer("threads", threads, low=1)

    def __repr__(self) -> str:
        return f"PauliEngine(checkpoint_bytes={self.checkpoint_bytes}, threads={self.threads})"

    def evolve(self, program: Program, params: ArrayLike, initial: State | None = None) -> PauliState:
        """The state after the program, from `initial` (None: \\|0...0>)."""
        slots = program.slots(params)
        check_initial(program, initial)
        plan = plan_of(program)
        n = plan.n_max
        _checks.memory(f"the Pauli vector of {n} qubits", 2 * 8 * 4**n, "use fewer qubits", n)
        coefficients, _ = plan.bind(slots)
        r = _start(plan, initial)
        sweep(r, plan.tables, coefficients, _NOTHING_SAVED, _NO_SUMS, False, self.threads)
        return _state(plan, r)

    def evolve_vjp(
        self, program: Program, params: ArrayLike, initial: State | None = None
    ) -> tuple[PauliState, Callable[[Cotangent], Real]]:
        """The same state, and the map from dL/dr (4^n,) to dL/dtheta (n_params,): one backward adjoint sweep."""
        slots = program.slots(params)
        check_initial(program, initial)
        plan = plan_of(program)
        size = 4**plan.n_max
        parts = self._segments(plan)
        kept = max(int(part.table[:, loops.SAVE].max(initial=-1)) + 1 for part in parts)
        starts = np.empty((len(parts), size if len(parts) > 1 else 0))
        _checks.memory(
            f"the gradient on {plan.n_max} qubits",
            8 * size * (3 + kept) + starts.nbytes,
            "use fewer qubits, or a smaller checkpoint_bytes",
            plan.n_max,
        )
        coefficients, factors = plan.bind(slots)
        saves = np.empty((kept, size))
        r = _start(plan, initial)
        for part, start in zip(parts, starts, strict=True):
            start[:] = r[: start.size]
            kept_now = saves if len(parts) == 1 else _NOTHING_SAVED
            sweep(r, part, coefficients, kept_now, _NO_SUMS, False, self.threads)

        def pull(cotangent: Cotangent) -> Real:
            g = np.zeros(size)
            g[: 4**plan.n_out] = _cotangent(cotangent, plan.n_out)
            sums = np.zeros_like(coefficients)
            for part, start in zip(reversed(parts), starts[::-1], strict=True):
                if len(parts) > 1:
                    sweep(start.copy(), part, coefficients, saves, _NO_SUMS, False, self.threads)
                sweep(g, part, coefficients, saves, sums, True, self.threads)
            return program.pull_slots(plan.slot_gradient(slots, factors, sums))

        return _state(plan, r), pull

    def evolve_vectors(self, program: Program, params: ArrayLike, vectors: Complex | None = None) -> Complex:
        """U(theta) applied to the columns of `vectors`; compiled on qubits, plain NumPy on other sites."""
        if set(program.dims_in) == {2}:
            return vector_runs.evolve_vectors(program, params, vectors)
        return any_sites.evolve_vectors(program, params, vectors)

    def evolve_vectors_vjp(
        self, program: Program, params: ArrayLike, vectors: Complex | None = None
    ) -> tuple[Complex, Callable[[Complex], Real]]:
        if set(program.dims_in) == {2}:
            return vector_runs.evolve_vectors_vjp(program, params, vectors)
        return any_sites.evolve_vectors_vjp(program, params, vectors)

    def expect_vectors_vjp(
        self, program: Program, params: ArrayLike, observable: PauliSum, vectors: Complex | None = None
    ) -> tuple[Real, Callable[[ArrayLike], Real]]:
        check_observable(observable, program)
        return vector_runs.expect_vectors_vjp(program, params, observable, vectors)

    def _segments(self, plan: Plan) -> list[Tables]:
        """The table in parts, each with so many saved vectors that they fit; saves are numbered from 0 in each."""
        if plan.n_saved * 8 * 4**plan.n_max <= self.checkpoint_bytes:
            return [plan.tables]
        length = math.isqrt(plan.n_saved - 1) + 1
        saved = plan.tables.table[:, loops.SAVE]
        firsts = [int(np.flatnonzero(saved == s)[0]) for s in range(length, plan.n_saved, length)]
        parts = [part.copy() for part in np.split(plan.tables.table, firsts)]
        for number, part in enumerate(parts):
            part[part[:, loops.SAVE] >= 0, loops.SAVE] -= number * length
        return [plan.tables._replace(table=part) for part in parts]


def _start(plan: Plan, initial: State | None) -> Real:
    """The Pauli vector of the initial state, at the head of an array with room for the largest register."""
    r = np.zeros(4**plan.n_max)
    size = 4**plan.n_in
    if isinstance(initial, PauliState):
        r[:size] = initial.vector
    elif initial is not None:
        r[:size] = vector_of(initial.matrix(), plan.n_in)
    else:
        r[:size].reshape((4,) * plan.n_in)[(slice(None, None, 3),) * plan.n_in] = 1.0
    return r


def _state(plan: Plan, r: Real) -> PauliState:
    size = 4**plan.n_out
    return PauliState.trusted(r if r.size == size else r[:size].copy(), plan.n_out)


def _cotangent(cotangent: Cotangent, n: int) -> Real:
    g = np.asarray(cotangent, dtype=np.float64)
    if g.shape != (4**n,):
        raise InputError(f"the cotangent must be the derivative in the Pauli vector, shape ({4**n},); found {g.shape}.")
    return g
