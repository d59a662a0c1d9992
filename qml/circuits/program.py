"""A circuit compiled for engines: numbered sites, numbered parameters, nothing symbolic left."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from qml._checks import InputError, OutsideDomain, Record, all_finite, number, parameters, reals, told
from qml._typing import ArrayLike, Dims, Integer, ParamsLike, Real
from qml.circuits.places import sites_after
from qml.instructions import Instruction, Operation, Preparation
from qml.parameters import REAL_LINE


@dataclass(frozen=True)
class Step:
    """One instruction at positions `sites` of the register *as it is then* (traced-out sites are gone from it).

    Its parameters are entries `start` to `stop` of the program's slot values. For ``Preparation``, `sites` are the
    positions that the new sites take in the register after the step.

    Attributes
    ----------
    instruction : Instruction
    sites : tuple of int
    start, stop : int

    Examples
    --------
    >>> from qml import Circuit, gates
    >>> program = Circuit(2, [gates.RX("a", 0), gates.CNOT(0, 1)]).compile()
    >>> [(step.instruction.name, step.sites, step.start, step.stop) for step in program.steps]
    [('RX', (0,), 0, 1), ('CNOT', (0, 1), 1, 1)]
    """

    instruction: Instruction
    sites: tuple[int, ...]
    start: int = 0
    stop: int = 0


@dataclass(frozen=True, eq=False)
class Program(Record):
    r"""What an engine runs; made by ``circuit.compile()``. Slot values, one number a parameter of an instruction, are
    affine in the free parameters:

    .. math:: s = W \theta + s_0

    Attributes
    ----------
    dims_in, dims_out : tuple of int
        Site dimensions of the register before the first and after the last step.
    steps : tuple of Step
    parameters : tuple of str
        Names of the free parameters, in the order of theta.
    weights : sparse array (n_slots, n_params)
        W.
    offset : array (n_slots,)
        s_0.

    Examples
    --------
    >>> from qml import Circuit, Parameter, gates
    >>> program = Circuit(1, [gates.RX(2 * Parameter("a"), 0), gates.RZ(0.5, 0)]).compile()
    >>> program.slots([0.1])
    array([0.2, 0.5])
    """

    dims_in: Dims
    dims_out: Dims
    steps: tuple[Step, ...]
    parameters: tuple[str, ...]
    weights: sparse.csr_array
    offset: Real

    @property
    def n_params(self) -> int:
        """The number of free parameters."""
        return len(self.parameters)

    @property
    def dim_in(self) -> int:
        """The dimension of the register before the first step."""
        return math.prod(self.dims_in)

    @property
    def dim_out(self) -> int:
        """The dimension of the register after the last step."""
        return math.prod(self.dims_out)

    def slots(self, params: ParamsLike) -> Real:
        """Slot values (n_slots,).

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the value of every parameter by name.

        Raises
        ------
        InputError
            If the shape is another, an entry is not finite, or a name is missing or unknown.
        OutsideDomain
            If a value lies outside the domain of its instruction.
        """
        return self._values(parameters("params", self._named(params), self.n_params))

    def _named(self, values: ParamsLike) -> ArrayLike:
        """theta (n_params,), where it is given by the value of every parameter by name; else as it is."""
        if type(values) is np.ndarray or not isinstance(values, Mapping):
            return values
        if set(values) != set(self.parameters):
            raise InputError(
                f"params must name every parameter of the circuit, {told(self.parameters)}, and no other; found "
                f"{told(values)}."
            )
        return np.array([number(f"params[{name!r}]", values[name]) for name in self.parameters], dtype=np.float64)

    def slots_of_batch(self, params: ParamsLike) -> Real:
        """Slot values (..., n_slots) of a batch. Those of a member are as alone, to the bit.

        Parameters
        ----------
        params : array (..., n_params), or mapping of str to float
            theta of every member; a mapping is a single one.

        Raises
        ------
        InputError, OutsideDomain
            As :meth:`slots`.
        """
        theta = reals("params", self._named(params))
        if theta.ndim <= 1 and theta.shape != (self.n_params,):
            parameters("params", theta, self.n_params)
        elif theta.shape[-1] != self.n_params:
            raise InputError(
                f"params must have shape (..., {self.n_params}), one number a parameter; found shape {theta.shape}."
            )
        return self._values(theta)

    def _values(self, theta: Real) -> Real:
        rows, columns, weights = self._entries
        with np.errstate(over="ignore", invalid="ignore"):  # told below
            values = self.offset + _summed(rows, weights * theta[..., columns], len(self.offset))
        if not all_finite(values):
            raise OutsideDomain("params give an operation of the circuit a number that float64 does not hold.")
        for step in self._constrained:
            members = values[..., step.start : step.stop].reshape(-1, step.stop - step.start)
            if (members == members[:1]).all():  # as where only what encodes the inputs differs
                members = members[:1]
            for member in members:
                step.instruction.check(member)
        return values

    @cached_property
    def _constrained(self) -> tuple[Step, ...]:
        """Steps whose values can leave their domain as theta changes; constant ones are checked here, once."""
        free = np.diff(self.weights.indptr) > 0
        found = []
        for step in self.steps:
            if not free[step.start : step.stop].any():
                step.instruction.check(self.offset[step.start : step.stop])
            elif type(step.instruction).check is not Instruction.check or set(step.instruction.domains) != {REAL_LINE}:
                found.append(step)
        return tuple(found)

    def pull_slots(self, gradient: Real) -> Real:
        """dL/dtheta (..., n_params).

        Parameters
        ----------
        gradient : array (..., n_slots)
            dL/ds of the slot values.
        """
        rows, columns, weights = self._entries
        return _summed(columns, weights * gradient[..., rows], self.n_params)

    @cached_property
    def _entries(self) -> tuple[Integer, Integer, Real]:
        """(row, column, value) of each weight; with few parameters, setting up a sparse product costs the most."""
        entries = self.weights.tocoo()
        return entries.row.astype(np.int64), entries.col.astype(np.int64), np.asarray(entries.data, dtype=np.float64)


def _summed(places: Integer, terms: Real, size: int) -> Real:
    """Terms (..., m) added up at their places (m,), in their order: (..., size)."""
    if terms.ndim == 1:
        return np.asarray(np.bincount(places, terms, size), dtype=np.float64)
    flat = terms.reshape(math.prod(terms.shape[:-1]), len(places))
    starts = size * np.arange(len(flat))[:, None]
    sums = np.bincount((starts + places).ravel(), flat.ravel(), size * len(flat))
    return np.asarray(sums, dtype=np.float64).reshape(*terms.shape[:-1], size)


def compiled(
    operations: Sequence[Operation], dims: Dims, sites_in: tuple[int, ...], parameters: tuple[str, ...]
) -> Program:
    """The program of operations on sites of these dimensions, given the input register and the order of theta."""
    register = sites_in
    column = {name: i for i, name in enumerate(parameters)}
    steps: list[Step] = []
    offset: list[float] = []
    entries: list[tuple[int, int, float]] = []  # of the weights: slot, parameter, value
    for operation in operations:
        after = sites_after(operation, register)
        held = after if isinstance(operation.instruction, Preparation) else register
        positions, register = tuple(held.index(site) for site in operation.sites), after
        start = len(offset)
        for slot, expression in enumerate(operation.params, start):
            offset.append(expression.constant)
            entries += [(slot, column[name], weight) for name, weight in expression.terms]
        steps.append(Step(operation.instruction, positions, start, len(offset)))
    rows, columns, weights = zip(*entries, strict=True) if entries else ((), (), ())
    return Program(
        dims_in=tuple(dims[site] for site in sites_in),
        dims_out=tuple(dims[site] for site in register),
        steps=tuple(steps),
        parameters=parameters,
        weights=sparse.csr_array((weights, (rows, columns)), shape=(len(offset), len(parameters)), dtype=np.float64),
        offset=np.array(offset, dtype=np.float64),
    )
