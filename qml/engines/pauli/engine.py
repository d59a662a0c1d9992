"""The Pauli engine: programs on the real vector of Pauli expectations, compiled; qubits only."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from qml import _checks, buffers
from qml._typing import ArrayLike, Complex, Cotangent, ParamsLike, Real
from qml.circuits.circuit import ProgramLike, as_program
from qml.engines._llvm.language import LANES
from qml.engines.base import Engine
from qml.engines.compile.lanes import apart, groups_of, members_of
from qml.engines.pauli import loops
from qml.engines.pauli.conversion import matrix_of, vector_of
from qml.engines.pauli.plan import Plan, plan_of
from qml.engines.pauli.run import NOTHING_SAVED, sweep
from qml.engines.pauli.tables import Tables
from qml.engines.pauli.tangents import tangents
from qml.engines.pauli_state import PauliState, pauli_vector_of
from qml.engines.register import (
    Pull,
    Push,
    VectorsPull,
    batch_of,
    by_slot_of,
    changes_of,
    check_cotangent,
    check_single,
    directions_of,
    ready,
    shared,
)
from qml.engines.vectors import run as vector_runs
from qml.operators import PauliLike
from qml.operators.sites import hermitian_sum
from qml.states.base import State
from qml.states.coercion import StateLike


class PauliEngine(Engine):
    r"""Runs programs of qubits on the 4^n real numbers r_P = Tr(P rho): half the memory of rho, real arithmetic.

    Every map on k sites is a real matrix R (4^k, 4^k) on them, the Pauli transfer matrix; rotations about Pauli strings
    of any weight turn pairs of components and need no matrix. Backward, with g = dL/dr,

    .. math:: g_t = R_t^T g_{t+1}, \qquad \partial L / \partial \theta = g_{t+1}^T \, \partial R_t \, r_t .

    The plan of a program is made at its first run and kept with it: new parameters cost no planning. A map on k sites
    costs O(4^n 4^k), less where its matrix has zeros; a rotation O(4^n) at any weight. The gradient in all parameters
    costs about two more sweeps, or three where checkpoints are needed. Results do not depend on the number of threads,
    nor on what else is in the batch; members of a batch are what they are alone, to the bit, but for registers of five
    qubits, which go eight side by side in a batch and not alone: there the last digits may differ.

    The state that it returns is a :class:`PauliState`, whose coordinate is the vector r.

    Parameters
    ----------
    checkpoint_bytes : int
        Memory that `evolve_vjp` may keep vectors in, one for each operation with parameters. Where they take more, only
        about twice the square root of their number is kept, and the others are computed again on the way back.
    threads : int, optional
        Threads for large registers; by default as many as there are cores, or as ``QML_NUM_THREADS`` says.

    Raises
    ------
    InputError
        If `threads` is no integer of at least 1, or `checkpoint_bytes` none of at least 0.

    Examples
    --------
    >>> from qml import channels, gates
    >>> from qml.circuits import Circuit
    >>> program = Circuit(1).then(gates.RY("theta", 0), channels.PhaseDamping(0.19, 0)).compile()
    >>> state = PauliEngine().evolve(program, [np.pi / 2])
    >>> state.pauli_vector.round(3)
    array([1. , 0.9, 0. , 0. ])
    >>> PauliEngine().evolve(program, [[0.0], [np.pi / 2]]).pauli_vector.round(3)  # a batch of two
    array([[1. , 0. , 0. , 1. ],
           [1. , 0.9, 0. , 0. ]])
    >>> state, pull = PauliEngine().evolve_vjp(program, [0.0])
    >>> pull(np.array([0.0, 1.0, 0.0, 0.0]))[0].round(3)  # d<X>/dtheta
    array([0.9])
    """

    def __init__(self, checkpoint_bytes: int = 2**30, threads: int | None = None) -> None:
        self.checkpoint_bytes = _checks.integer("checkpoint_bytes", checkpoint_bytes, low=0)
        self._workspace = buffers.workspace()  # large vectors and matrices, as long as the engine lives
        self.threads = None if threads is None else _checks.integer("threads", threads, low=1)

    def __repr__(self) -> str:
        return f"PauliEngine(checkpoint_bytes={self.checkpoint_bytes}, threads={self.threads})"

    def hold(self, state: State) -> State:
        """The state as its Pauli vector; one of other sites than qubits, which programs refuse, as it is."""
        return PauliState._trusted(pauli_vector_of(state), len(state.dims)) if set(state.dims) <= {2} else state

    def evolve(self, program: ProgramLike, params: ParamsLike, initial: StateLike | None = None) -> PauliState:
        """The state after the program, from `initial` (None: \\|0...0>), or a batch of them."""
        program, initial = ready(program, initial)
        slots, batch = batch_of(program, params, initial)
        members = math.prod(batch)
        plan = plan_of(program, members=members)
        what = "the Pauli vector" if members == 1 else f"{members} Pauli vectors"
        buffers.check(f"{what} of {plan.n_max} qubits", 2 * 8 * plan.numbers(members), "use fewer qubits", plan.n_max)
        coefficients = plan.coefficients.bind(slots)
        vectors = _start(plan, initial, batch)
        sweep(vectors, plan.tables, coefficients, threads=self.threads)
        return PauliState._trusted(_heads(plan, vectors, batch, plan.n), plan.n)

    def evolve_vjp(
        self, program: ProgramLike, params: ParamsLike, initial: StateLike | None = None
    ) -> tuple[PauliState, Pull]:
        """The same state, and the map from dL/dr (..., 4^n) to dL/dtheta (..., n_params) and dL/d(coordinate of
        `initial`): one adjoint sweep."""
        program, initial = ready(program, initial)
        slots, batch = batch_of(program, params, initial)
        members = math.prod(batch)
        plan = plan_of(program, True, members)
        numbers = plan.numbers(members)
        parts = self._segments(plan, numbers)
        kept = plan.n_saved
        if len(parts) > 1:
            kept = max(int(part.table[:, loops.SAVE].max(initial=-1)) + 1 for part in parts)
        buffers.check(
            f"the gradient on {plan.n_max} qubits" + (f" for {members} members" if members != 1 else ""),
            8 * numbers * (3 + kept + (len(parts) if len(parts) > 1 else 0)),
            "use fewer qubits, or a smaller checkpoint_bytes",
            plan.n_max,
        )
        coefficients = plan.coefficients.bind(slots)
        vectors = _start(plan, initial, batch)
        saves = buffers.empty((len(vectors), kept, vectors.shape[1]))
        starts = []
        for part in parts:
            if len(parts) > 1:
                starts.append(buffers.copy(vectors))
            kept_now = saves if len(parts) == 1 else NOTHING_SAVED
            sweep(vectors, part, coefficients, saves=kept_now, threads=self.threads)

        def pull(cotangent: Cotangent) -> tuple[Real, Cotangent]:
            check_cotangent(cotangent, batch, plan.n)
            g = plan.arranged(np.asarray(cotangent, dtype=np.float64).reshape(members, 4**plan.n))
            sums = buffers.zeros((groups_of(members), coefficients.shape[1]))
            for number in range(len(parts) - 1, -1, -1):
                if starts:
                    start = buffers.copy(starts[number], kept=False)
                    sweep(start, parts[number], coefficients, saves=saves, threads=self.threads)
                    del start
                sweep(g, parts[number], coefficients, saves=saves, sums=sums, threads=self.threads)
            of_slots = plan.coefficients.slot_gradient(slots, coefficients, sums, members)
            gradient = program.pull_slots(of_slots.reshape(*batch, of_slots.shape[1]))
            if initial is None:
                return gradient, None
            before = shared(_heads(plan, g, batch, plan.n_in), batch, initial)
            if initial.pauli_vector is not None:
                return gradient, before
            return gradient, initial.pull_matrix(matrix_of(before * float(2**plan.n_in), plan.n_in))

        return PauliState._trusted(_heads(plan, vectors, batch, plan.n), plan.n), pull

    def evolve_jvp(
        self, program: ProgramLike, params: ParamsLike, initial: StateLike | None = None
    ) -> tuple[PauliState, Push]:
        """The same state, and the map from directions v (..., n_params) and changes of `initial` to dsigma
        (..., 2^n, 2^n): one sweep for all.

        A direction costs a sweep and, for each operation that it changes, that operation once or twice more; so the
        derivatives in all p parameters cost about p / 2 sweeps. More directions than parameters cost no more than that.
        """
        program, initial = ready(program, initial)
        check_single(params, initial)
        slots, _ = batch_of(program, params, initial)
        state = self.evolve(program, params, initial)
        plan = plan_of(program)
        coefficients = plan.coefficients.bind(slots)

        def push(directions: ArrayLike, changes: Complex | None = None) -> Complex:
            v = directions_of(directions, program.n_params)
            flat = v.reshape(math.prod(v.shape[:-1]), program.n_params)
            wanted = flat if len(flat) < program.n_params else np.eye(program.n_params)
            buffers.check(
                f"the derivatives of a state of {plan.n_max} qubits along {len(flat)} directions",
                8 * 4**plan.n_max * (4 + 2 * len(wanted)) + (28 if changes is None else 52) * 4**plan.n * len(flat),
                "pass fewer directions at a time",
                plan.n_max,
            )
            by_slot = by_slot_of(program, wanted)
            changed = plan.coefficients.tangents(slots, coefficients, by_slot)
            r, row = _start(plan, initial, ())[0], members_of(coefficients, 1)[0]
            dr = tangents(r, plan.tables, row, changed, self.threads)
            dr = dr[:, : 4**plan.n] if wanted is flat else flat @ dr[:, : 4**plan.n]
            if changes is not None:  # the map is linear
                heads = vector_of(changes_of(changes, (*v.shape[:-1], program.dim_in, program.dim_in)), plan.n_in)
                dr += self.evolve(program, params, PauliState._trusted(heads, plan.n_in)).pauli_vector
            return matrix_of(dr, plan.n).reshape(*v.shape[:-1], state.dim, state.dim)

        return state, push

    def evolve_vectors(self, program: ProgramLike, params: ParamsLike, vectors: Complex | None = None) -> Complex:
        """U(theta) applied to the columns of `vectors`; compiled on qubits, plain NumPy on other sites."""
        program = as_program(program)
        if set(program.dims_in) != {2}:
            return super().evolve_vectors(program, params, vectors)
        return vector_runs.evolve_vectors(program, params, vectors)

    def evolve_vectors_vjp(
        self, program: ProgramLike, params: ParamsLike, vectors: Complex | None = None
    ) -> tuple[Complex, VectorsPull]:
        program = as_program(program)
        if set(program.dims_in) != {2}:
            return super().evolve_vectors_vjp(program, params, vectors)
        return vector_runs.evolve_vectors_vjp(program, params, vectors)

    def expect_vectors_vjp(
        self, program: ProgramLike, params: ParamsLike, observable: PauliLike, vectors: Complex | None = None
    ) -> tuple[Real, Callable[[ArrayLike], Real]]:
        program = as_program(program)
        observable = hermitian_sum("the observable", observable, program.dims_in)
        return vector_runs.expect_vectors_vjp(program, params, observable, vectors)

    def _segments(self, plan: Plan, numbers: int) -> list[Tables]:
        """The table in parts, each with so many saved vectors that they fit; saves are numbered from 0 in each."""
        if plan.n_saved * 8 * numbers <= self.checkpoint_bytes:
            return [plan.tables]
        length = math.isqrt(max(0, plan.n_saved - 1)) + 1
        saved = plan.tables.table[:, loops.SAVE]
        firsts = [int(np.flatnonzero(saved == s)[0]) for s in range(length, plan.n_saved, length)]
        parts = [part.copy() for part in np.split(plan.tables.table, firsts)]
        for number, part in enumerate(parts):
            part[part[:, loops.SAVE] >= 0, loops.SAVE] -= number * length
        return [plan.tables._replace(table=part) for part in parts]


def _start(plan: Plan, initial: State | None, batch: tuple[int, ...]) -> Real:
    """The Pauli vectors of the initial states as the plan wants them; one state stands for all members."""
    members = math.prod(batch)
    if initial is None:
        one = plan.ground
    else:
        heads = pauli_vector_of(initial)
        if heads.ndim > 1:
            return plan.arranged(np.broadcast_to(heads, (*batch, heads.shape[-1])).reshape(members, heads.shape[-1]))
        one = plan.arranged(heads[None])[0]
    return buffers.rows(one, groups_of(members) if plan.wide else members)


def _heads(plan: Plan, vectors: Real, batch: tuple[int, ...], n: int) -> Real:
    """The first 4^n numbers (*batch, 4^n) of the vectors of a plan, which are lost."""
    size = 4**n
    if plan.wide:
        heads = vectors[:, : size * LANES]
        vectors = (apart if heads.size == vectors.size else members_of)(heads, math.prod(batch))
    elif vectors.shape[1] != size:
        vectors = vectors[:, :size].copy()
    return vectors.reshape(*batch, size)
