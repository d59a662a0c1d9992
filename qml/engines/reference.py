"""The reference engine: plain NumPy on the density matrix, for sites of any dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Dims, Real
from qml.circuits.program import Program, Step
from qml.engines.base import Engine
from qml.engines.register import check_initial, dims_after
from qml.engines.vectors import apply, evolve_vectors, evolve_vectors_vjp
from qml.operations import Channel, Initialize, TraceOut, Unitary
from qml.states.base import State
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

    def evolve(self, program: Program, params: ArrayLike, initial: State | None = None) -> DensityMatrix:
        """The density matrix after the program, from `initial` (None: every site in its first basis state)."""
        slots = program.slots(params)
        check_initial(program, initial)
        registers = _registers(program)
        _checks.memory("the density matrix", 4 * _bytes(max(registers, key=math.prod)), "use fewer sites")
        rho = _start(program, initial)
        for step, dims in zip(program.steps, registers, strict=False):
            rho = _forward(step, slots, rho, dims)
        return DensityMatrix.trusted(rho, program.dims_out)

    def evolve_vjp(
        self, program: Program, params: ArrayLike, initial: State | None = None
    ) -> tuple[DensityMatrix, Callable[[Cotangent], Real]]:
        """The same state, and the map from the Hermitian G with dL = Tr(G dsigma) to dL/dtheta (n_params,)."""
        slots = program.slots(params)
        check_initial(program, initial)
        registers = _registers(program)
        needed = sum(map(_bytes, registers)) + 4 * _bytes(max(registers, key=math.prod))
        _checks.memory("the density matrix before every step", needed, "use fewer sites, or PauliEngine")
        before = [_start(program, initial)]
        for step, dims in zip(program.steps, registers, strict=False):
            before.append(_forward(step, slots, before[-1], dims))
        final = before[-1]

        def pull(cotangent: Cotangent) -> Real:
            g = np.asarray(cotangent, dtype=np.complex128)
            if g.shape != final.shape:
                raise InputError(f"the cotangent must be a matrix of shape {final.shape}; found {g.shape}.")
            gradient = np.zeros(len(slots))
            for t in reversed(range(len(program.steps))):
                step = program.steps[t]
                gradient[step.start : step.stop] = _derivatives(step, slots, before[t], g, registers[t])
                g = _backward(step, slots, g, registers[t])
            return program.pull_slots(gradient)

        return DensityMatrix.trusted(final, program.dims_out), pull

    def evolve_vectors(self, program: Program, params: ArrayLike, vectors: Complex | None = None) -> Complex:
        return evolve_vectors(program, params, vectors)

    def evolve_vectors_vjp(
        self, program: Program, params: ArrayLike, vectors: Complex | None = None
    ) -> tuple[Complex, Callable[[Complex], Real]]:
        return evolve_vectors_vjp(program, params, vectors)


def _registers(program: Program) -> list[Dims]:
    """The dims of the register before each step, and after the last."""
    registers = [program.dims_in]
    for step in program.steps:
        registers.append(dims_after(registers[-1], step))
    return registers


def _bytes(dims: Dims) -> int:
    return 16 * math.prod(dims) ** 2


def _start(program: Program, initial: State | None) -> Complex:
    if initial is not None:
        return initial.matrix()
    rho = np.zeros((program.dim_in, program.dim_in), dtype=np.complex128)
    rho[0, 0] = 1.0
    return rho


def _sandwich(k: Complex, sites: tuple[int, ...], rho: Complex, dims: Dims) -> Complex:
    """K rho K^dagger."""
    left = apply(k, sites, rho, dims)
    return apply(k, sites, left.conj().T, dims).conj().T


def _forward(step: Step, slots: Real, rho: Complex, dims: Dims) -> Complex:
    """E[rho], on a register of dimensions `dims` before the step."""
    instruction, sites, values = step.instruction, step.sites, slots[step.start : step.stop]
    if isinstance(instruction, Unitary):
        return _sandwich(instruction.matrix(values), sites, rho, dims)
    if isinstance(instruction, Channel):
        return np.asarray(sum(_sandwich(k, sites, rho, dims) for k in instruction.kraus(values)))
    after = dims_after(dims, step)
    if isinstance(instruction, TraceOut):
        return _sum_of_blocks(rho, dims, sites)
    out = np.zeros(after + after, dtype=np.complex128)
    out[_block(len(after), sites, (0,) * len(sites))] = rho.reshape(dims + dims)
    return out.reshape(math.prod(after), -1)


def _backward(step: Step, slots: Real, g: Complex, dims: Dims) -> Complex:
    """E^dagger[G], the adjoint of the step, on a register of dimensions `dims` before the step."""
    instruction, sites, values = step.instruction, step.sites, slots[step.start : step.stop]
    if isinstance(instruction, Unitary):
        return _sandwich(instruction.matrix(values).conj().T, sites, g, dims)
    if isinstance(instruction, Channel):
        return np.asarray(sum(_sandwich(k.conj().T, sites, g, dims) for k in instruction.kraus(values)))
    after = dims_after(dims, step)
    tensor = g.reshape(after + after)
    if isinstance(instruction, Initialize):
        return tensor[_block(len(after), sites, (0,) * len(sites))].reshape(math.prod(dims), -1)
    out = np.zeros(dims + dims, dtype=np.complex128)
    for index in np.ndindex(*(dims[site] for site in sites)):
        out[_block(len(dims), sites, index)] = tensor
    return out.reshape(math.prod(dims), -1)


def _sum_of_blocks(rho: Complex, dims: Dims, sites: tuple[int, ...]) -> Complex:
    """The partial trace over `sites`: the sum of the blocks <i|rho|i> over their basis states i."""
    tensor = rho.reshape(dims + dims)
    blocks = [tensor[_block(len(dims), sites, i)] for i in np.ndindex(*(dims[site] for site in sites))]
    side = math.isqrt(blocks[0].size)
    return np.asarray(sum(blocks)).reshape(side, side)


def _block(n_sites: int, sites: tuple[int, ...], index: tuple[int, ...]) -> tuple[int | slice, ...]:
    """The index of the block <i|rho|i> of a density tensor, for the basis state i of `sites`."""
    chosen = dict(zip(sites, index, strict=True))
    half = tuple(chosen.get(site, slice(None)) for site in range(n_sites))
    return half + half


def _derivatives(step: Step, slots: Real, rho: Complex, g: Complex, dims: Dims) -> Real:
    """Tr(G dE/dp[rho]) for each parameter p of the step."""
    instruction, sites, values = step.instruction, step.sites, slots[step.start : step.stop]
    if not len(values):
        return np.zeros(0)
    if isinstance(instruction, Unitary):
        right = apply(instruction.matrix(values), sites, rho, dims).conj().T  # rho U^dagger
        images = [2 * apply(du, sites, right, dims) for du in instruction.derivatives(values)]
    else:
        assert isinstance(instruction, Channel)
        images = [_superoperate(ds, sites, rho, dims) for ds in instruction.superoperator_derivatives(values)]
    return np.array([np.einsum("ij,ji->", g, image).real for image in images])


def _superoperate(s: Complex, sites: tuple[int, ...], rho: Complex, dims: Dims) -> Complex:
    """The superoperator `s` on row-major vec of `sites`, applied to rho."""
    both = (*sites, *(len(dims) + site for site in sites))
    return apply(s, both, rho.reshape(-1, 1), dims + dims).reshape(rho.shape)
