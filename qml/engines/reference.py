"""The reference engine: plain NumPy on the density matrix, for sites of any dimensions."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Dims, ParamsLike, Real
from qml.circuits.circuit import ProgramLike
from qml.circuits.program import Program, Step
from qml.engines.base import Engine
from qml.engines.register import (
    Pull,
    Push,
    batch_of,
    changes_of,
    check_single,
    dims_after,
    directions_of,
    ready,
    registers_of,
    shared,
)
from qml.engines.vectors.plain import apply
from qml.instructions import Channel, PartialTrace, Unitary
from qml.states.base import State
from qml.states.coercion import StateLike
from qml.states.density_matrix import DensityMatrix


class ReferenceEngine(Engine):
    r"""Runs programs on the density matrix by the definitions, one step after the other; any site dimensions.

    .. math:: \rho \to U \rho U^\dagger, \qquad \rho \to \sum_k K_k \rho K_k^\dagger, \qquad
        \rho \to \mathrm{Tr}_A \rho, \qquad \rho \to |0\rangle\langle 0| \otimes \rho

    Backward, the cotangent G (Hermitian, dL = Tr(G drho)) goes through the adjoint maps (the Heisenberg picture), and a
    step E with parameter p adds dL/dp = Tr(G_{t+1} dE/dp [rho_t]). It is there to be right: other engines are tested
    against it. Each operation on k sites of dimension d_k costs O(d^2 d_k) products (times the number of Kraus
    operators), and `evolve_vjp` keeps the density matrix before every step.

    The state that it returns is a :class:`~qml.states.DensityMatrix`, whose coordinate is the matrix.

    Examples
    --------
    >>> from qml import gates
    >>> from qml.circuits import Circuit
    >>> program = Circuit(2).then(gates.H(0), gates.CNOT(0, 1)).compile()
    >>> ReferenceEngine().evolve(program, []).matrix().real.round(3)
    array([[0.5, 0. , 0. , 0.5],
           [0. , 0. , 0. , 0. ],
           [0. , 0. , 0. , 0. ],
           [0.5, 0. , 0. , 0.5]])
    """

    def hold(self, state: State) -> DensityMatrix:
        return DensityMatrix._trusted(state.matrix(), state.dims)

    def evolve(self, program: ProgramLike, params: ParamsLike, initial: StateLike | None = None) -> DensityMatrix:
        """The density matrix after the program, from `initial` (None: every site in its first basis state).

        Batches are run member by member.
        """
        program, initial = ready(program, initial)
        slots, batch = batch_of(program, params, initial)
        registers = registers_of(program)
        needed = (6 + math.prod(batch)) * _bytes(max(registers, key=math.prod))
        _checks.memory("the density matrix", needed, "use fewer sites")
        finals = []
        for values, rho in _members(program, slots, batch, initial):
            for step, dims in zip(program.steps, registers, strict=False):
                rho = _mapped(step, values, rho, dims)
            finals.append(rho)
        return DensityMatrix._trusted(_stacked(finals, batch, program), program.dims_out)

    def evolve_vjp(
        self, program: ProgramLike, params: ParamsLike, initial: StateLike | None = None
    ) -> tuple[DensityMatrix, Pull]:
        """The same state, and the map from the Hermitian G with dL = Tr(G dsigma) to dL/dtheta (..., n_params) and
        dL/d(coordinate of `initial`)."""
        program, initial = ready(program, initial)
        slots, batch = batch_of(program, params, initial)
        registers = registers_of(program)
        needed = math.prod(batch) * sum(map(_bytes, registers)) + 7 * _bytes(max(registers, key=math.prod))
        _checks.memory("the density matrix before every step", needed, "use fewer sites, or PauliEngine")
        runs = []
        for values, rho in _members(program, slots, batch, initial):
            before = [rho]
            for step, dims in zip(program.steps, registers, strict=False):
                before.append(_mapped(step, values, before[-1], dims))
            runs.append((values, before))
        final = _stacked([before[-1] for _, before in runs], batch, program)

        def pull(cotangent: Cotangent) -> tuple[Real, Cotangent]:
            g = np.asarray(cotangent, dtype=np.complex128)
            if g.shape != final.shape:
                raise InputError(f"the cotangent must be of the shape {final.shape} of the matrix; found {g.shape}.")
            flat = g.reshape(len(runs), *final.shape[-2:])
            pulled = [_pulled(program, *run, own, registers) for run, own in zip(runs, flat, strict=True)]
            gradient = np.reshape([slopes for slopes, _ in pulled], (*batch, program.n_params))
            if initial is None:
                return gradient, None
            start = np.reshape([before for _, before in pulled], (*batch, program.dim_in, program.dim_in))
            return gradient, initial.pull_matrix(shared(start, batch, initial))

        return DensityMatrix._trusted(final, program.dims_out), pull

    def evolve_jvp(
        self, program: ProgramLike, params: ParamsLike, initial: StateLike | None = None
    ) -> tuple[DensityMatrix, Push]:
        """The same state, and the map from directions v (..., n_params) and changes of `initial` to dsigma (..., d, d).

        Every step is linear: drho_{t+1} = E_t[drho_t] + sum_p v_p dE_t/dp[rho_t], with v the entries of the direction.
        """
        program, initial = ready(program, initial)
        check_single(params, initial)
        slots = program.slots(params)
        state = self.evolve(program, params, initial)
        registers = registers_of(program)

        def push(directions: ArrayLike, changes: Complex | None = None) -> Complex:
            v = directions_of(directions, program.n_params)
            flat = v.reshape(math.prod(v.shape[:-1]), program.n_params)
            largest = _bytes(max(registers, key=math.prod))
            _checks.memory("the derivatives of the state", (8 + 3 * len(flat)) * largest, "pass fewer directions")
            by_slot = program.weights @ flat.T
            ((_, rho),) = _members(program, slots[None], (), initial)
            along = [np.zeros_like(rho) for _ in flat]
            if changes is not None:
                along = list(changes_of(changes, (*v.shape[:-1], *rho.shape)))
            for step, dims in zip(program.steps, registers, strict=False):
                along = [_mapped(step, slots, change, dims) for change in along]
                for p, image in enumerate(_images(step, slots, rho, dims), start=step.start):
                    hermitian = (image + image.conj().T) / 2
                    for k in np.flatnonzero(by_slot[p]):
                        along[k] = along[k] + by_slot[p, k] * hermitian
                rho = _mapped(step, slots, rho, dims)
            return np.reshape(along, (*v.shape[:-1], state.dim, state.dim)).astype(np.complex128, copy=False)

        return state, push


def _bytes(dims: Dims) -> int:
    return 16 * math.prod(dims) ** 2


def _members(
    program: Program, slots: Real, batch: tuple[int, ...], initial: State | None
) -> Iterator[tuple[Real, Complex]]:
    """(slot values, initial density matrix) of each member of the batch."""
    d = program.dim_in
    if initial is None:
        start = np.zeros((d, d), dtype=np.complex128)
        start[0, 0] = 1.0
    else:
        start = initial.matrix()
    members = math.prod(batch)
    every = np.broadcast_to(start, (*batch, d, d)).reshape(members, d, d) if start.ndim > 2 else [start] * members
    return zip(np.broadcast_to(slots, (members, slots.shape[1])), every, strict=True)


def _stacked(matrices: list[Complex], batch: tuple[int, ...], program: Program) -> Complex:
    return np.reshape(matrices, (*batch, program.dim_out, program.dim_out)) if batch else matrices[0]


def _pulled(
    program: Program, slots: Real, before: list[Complex], g: Complex, registers: list[Dims]
) -> tuple[Real, Complex]:
    """dL/dtheta of one member and G before the program, from the density matrix before each step and the final G."""
    gradient = np.zeros(len(slots))
    for t in reversed(range(len(program.steps))):
        step = program.steps[t]
        images = _images(step, slots, before[t], registers[t])
        gradient[step.start : step.stop] = [np.einsum("ij,ji->", g, image).real for image in images]
        g = _mapped(step, slots, g, registers[t], adjoint=True)
    return program.pull_slots(gradient), g


def _sandwich(k: Complex, sites: tuple[int, ...], rho: Complex, dims: Dims) -> Complex:
    """K rho K^dagger."""
    left = apply(k, sites, rho, dims)
    return apply(k, sites, left.conj().T, dims).conj().T


def _mapped(step: Step, slots: Real, x: Complex, dims: Dims, adjoint: bool = False) -> Complex:
    """E[x], or E^dagger[x], on a register of dimensions `dims` before the step."""
    instruction, values = step.instruction, slots[step.start : step.stop]
    if isinstance(instruction, Unitary | Channel):
        operators = [instruction.matrix(values)] if isinstance(instruction, Unitary) else instruction.kraus(values)
        terms = [_sandwich(k.conj().T if adjoint else k, step.sites, x, dims) for k in operators]
        return terms[0] if len(terms) == 1 else np.asarray(sum(terms))
    after = dims_after(dims, step)
    traced = isinstance(instruction, PartialTrace)
    larger, smaller = (dims, after) if traced else (after, dims)
    states = np.ndindex(*(dims[site] for site in step.sites)) if traced else [(0,) * len(step.sites)]
    blocks = [_block(len(larger), step.sites, state) for state in states]
    if traced != adjoint:  # of the blocks <i|x|i> the sum
        return np.asarray(sum(x.reshape(larger + larger)[block] for block in blocks)).reshape(math.prod(smaller), -1)
    out = np.zeros(larger + larger, dtype=np.complex128)
    for block in blocks:
        out[block] = x.reshape(smaller + smaller)
    return out.reshape(math.prod(larger), -1)


def _block(n_sites: int, sites: tuple[int, ...], index: tuple[int, ...]) -> tuple[int | slice, ...]:
    """The index of the block <i|rho|i> of a density tensor, for the basis state i of `sites`."""
    chosen = dict(zip(sites, index, strict=True))
    half = tuple(chosen.get(site, slice(None)) for site in range(n_sites))
    return half + half


def _images(step: Step, slots: Real, rho: Complex, dims: Dims) -> list[Complex]:
    """Matrices whose Hermitian part is dE/dp[rho], one for each parameter p of the step."""
    instruction, sites, values = step.instruction, step.sites, slots[step.start : step.stop]
    if not len(values):
        return []
    if isinstance(instruction, Unitary):
        right = apply(instruction.matrix(values), sites, rho, dims).conj().T  # rho U^dagger
        return [2 * apply(du, sites, right, dims) for du in instruction.derivatives(values)]
    assert isinstance(instruction, Channel)
    both = (*sites, *(len(dims) + site for site in sites))  # of row-major vec(rho)
    slopes = instruction.superoperator_derivatives(values)
    return [apply(ds, both, rho.reshape(-1, 1), dims + dims).reshape(rho.shape) for ds in slopes]
