"""Programs as linear maps of operators: forward on changes of a state, backward on observables."""

from __future__ import annotations

import math

import numpy as np

from qml import operators
from qml._typing import ArrayLike, Complex, Dims, Real
from qml.circuits.program import Program, Step
from qml.engines.register import dims_after
from qml.engines.vectors import apply
from qml.operations import Channel, PartialTrace, Preparation, Unitary


def heisenberg(program: Program, params: ArrayLike, observable: Complex) -> Complex:
    r"""The observable G seen from before the program: :math:`\mathrm{Tr}(G\, E[X]) = \mathrm{Tr}(E^\dagger[G]\, X)`.

    Costs O(d^2 D^2) for each operation on sites of joint dimension D.

    Parameters
    ----------
    program : Program
    params : array (n_params,)
    observable : array (d_out, d_out)
        G, Hermitian.

    Returns
    -------
    array (d_in, d_in)
    """
    slots = program.slots(params)
    registers = [program.dims_in]
    for step in program.steps:
        registers.append(dims_after(registers[-1], step))
    g = observable[None]
    for step, dims in zip(reversed(program.steps), reversed(registers[:-1]), strict=True):
        g = _backward(step, slots, g, dims)
    return np.asarray(g[0])


def schroedinger(program: Program, params: ArrayLike, operator: Complex) -> Complex:
    """The image E[X] (b, d_out, d_out) of operators X (b, d_in, d_in): the program on what need not be states.

    Costs O(b d^2 D^2) for each operation on sites of joint dimension D.
    """
    slots = program.slots(params)
    x, dims = operator, program.dims_in
    for step in program.steps:
        x, dims = _forward(step, slots, x, dims), dims_after(dims, step)
    return x


def _forward(step: Step, slots: Real, x: Complex, dims: Dims) -> Complex:
    """E[X] of operators (b, d, d) on a register of dimensions `dims` before the step."""
    instruction = step.instruction
    if isinstance(instruction, Unitary | Channel):
        return _superoperate(instruction.superoperator(slots[step.start : step.stop]), step.sites, x, dims)
    after = dims_after(dims, step)
    if isinstance(instruction, PartialTrace):
        kept = [site for site in range(len(dims)) if site not in step.sites]
        return operators.partial_trace_matrix(x, kept, dims)
    inside = _first_levels(step.sites, after)
    out = np.zeros((len(x), math.prod(after), math.prod(after)), dtype=np.complex128)
    out[:, inside[:, None], inside] = x
    return out


def _backward(step: Step, slots: Real, g: Complex, dims: Dims) -> Complex:
    """E^dagger[G] of observables (b, d, d), on a register of dimensions `dims` before the step."""
    instruction = step.instruction
    if isinstance(instruction, Unitary | Channel):
        s = instruction.superoperator(slots[step.start : step.stop])
        return _superoperate(s.conj().T, step.sites, g, dims)
    if isinstance(instruction, Preparation):
        inside = _first_levels(step.sites, dims_after(dims, step))
        return g[:, inside[:, None], inside]
    kept = [site for site in range(len(dims)) if site not in step.sites]
    return np.array([operators.embed(one, kept, dims) for one in g]) if kept else g * np.eye(math.prod(dims))


def _superoperate(s: Complex, sites: tuple[int, ...], x: Complex, dims: Dims) -> Complex:
    """The superoperator `s` on row-major vec of `sites`, applied to operators (b, d, d)."""
    both = (*sites, *(len(dims) + site for site in sites))
    columns = np.moveaxis(x, 0, -1).reshape(-1, len(x))
    return np.moveaxis(apply(s, both, columns, dims + dims).reshape(*x.shape[1:], len(x)), -1, 0)


def _first_levels(sites: tuple[int, ...], dims: Dims) -> np.ndarray:
    """The indices of the basis states of a register with level 0 at `sites`."""
    index = np.arange(math.prod(dims)).reshape(dims)
    return index[tuple(0 if site in sites else slice(None) for site in range(len(dims)))].ravel()
