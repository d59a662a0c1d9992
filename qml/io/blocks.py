"""Operations on their way between libraries: in a row with their phase, and in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from scipy import linalg

from qml import _checks, gates
from qml._checks import InputError
from qml._typing import Complex, Real
from qml.channels import Reset
from qml.channels.kraus import kraus_of_choi
from qml.circuits import Circuit
from qml.engines import ReferenceEngine
from qml.gates import Controlled, PauliRotation, UnitaryGate, controlled
from qml.instructions import Channel, Operation, PartialTrace, Preparation, Unitary
from qml.parameters import Affine, ParameterLike, as_affine

LARGEST = 8
"""Qubits of the largest block whose matrix is computed."""


ZERO = Affine()


@dataclass(frozen=True)
class Block:
    r"""The operator :math:`e^{i \gamma} U_m \dots U_1`; the phase matters where the block is controlled.

    Attributes
    ----------
    operations : tuple of Operation
        U_1, ..., U_m, or channels.
    phase : Affine
        gamma, in radians.
    """

    operations: tuple[Operation, ...] = ()
    phase: Affine = ZERO

    @staticmethod
    def of(gate: Unitary, *arguments: ParameterLike | int, phase: ParameterLike = 0.0) -> Block:
        """One gate, called with its parameters, then its sites."""
        return Block((gate(*arguments),), as_affine(phase))

    def then(self, other: Block) -> Block:
        """This block, then another one."""
        return Block((*self.operations, *other.operations), self.phase + other.phase)

    def placed(self, sites: Sequence[int]) -> Block:
        """The block with site i at ``sites[i]``."""
        return Block(tuple([operation._moved(sites) for operation in self.operations]), self.phase)

    def inverse(self) -> Block:
        """The block that undoes it: what undoes an operation is found once, however often it is repeated."""
        backwards = self.operations[::-1]
        undone = {operation: operation.inverse() for operation in dict.fromkeys(backwards)}
        return Block(tuple([undone[operation] for operation in backwards]), -self.phase)

    def controlled(self, sites: Sequence[int], values: Sequence[bool]) -> Block:
        r"""The block where the qubits at `sites` have the `values`, nothing elsewhere."""
        flips = tuple(gates.X(site) for site, value in zip(sites, values, strict=True) if not value)
        inside = [Operation(controlled(_unitary(o), len(sites)), (*sites, *o.sites), o.params) for o in self.operations]
        if self.phase != ZERO:
            phase = controlled(gates.P, len(sites) - 1) if len(sites) > 1 else gates.P
            inside.append(Operation(phase, tuple(sites), (self.phase,)))
        return Block((*flips, *inside, *flips))

    def power(self, exponent: float, most: int) -> Block:
        """The block so often in a row; for other exponents than integers, the principal power of its matrix.

        A rotation with free parameters has its angle multiplied instead. `most` is the largest number of operations.
        """
        if exponent == int(exponent):
            base, count = (self.inverse(), -int(exponent)) if exponent < 0 else (self, int(exponent))
            if count * max(1, len(base.operations)) > most:
                raise InputError(f"a power of {exponent:g} would make more than {most} operations.")
            return Block(base.operations * count, base.phase * count)
        if all(p.is_constant for o in self.operations for p in o.params) and self.phase.is_constant:
            return self._matrix_power(exponent)
        if len(self.operations) == 1 and _is_rotation(_unitary(self.operations[0])):
            (one,) = self.operations
            return Block((replace(one, params=(one.params[0] * exponent,)),), self.phase * exponent)
        raise InputError(
            f"the power {exponent:g} of {' '.join(o.name for o in self.operations)} needs numbers for its parameters."
        )

    def _matrix_power(self, exponent: float) -> Block:
        sites = sorted({site for o in self.operations for site in o.sites})
        if not sites:
            angle = (self.phase.constant + np.pi) % (2 * np.pi) - np.pi
            return Block((), Affine((), angle * exponent))
        place = {site: i for i, site in enumerate(sites)}
        local = self.placed([place.get(site, 0) for site in range(1 + sites[-1])])
        matrix = np.exp(1j * self.phase.constant) * matrix_of(local.operations, len(sites))
        t, z = linalg.schur(matrix, output="complex")
        angles = np.angle(np.diag(t))
        angles[angles < -np.pi + 1e-12] = np.pi  # minus one, whatever its rounding
        name = "".join(o.name for o in self.operations)[:16]
        power = (z * np.exp(1j * exponent * angles)) @ z.conj().T
        return Block.of(UnitaryGate(power, name=f"{name}^{exponent:g}"), *sites)


def matrix_of(operations: Sequence[Operation], n_sites: int) -> Complex:
    """The matrix (2^n, 2^n) of gates in a row, all of whose parameters are numbers."""
    if n_sites > LARGEST:
        raise InputError(f"the matrix of {n_sites} qubits would be needed; it is computed for at most {LARGEST}.")
    return ReferenceEngine().evolve_vectors(Circuit(n_sites, operations), ())


def _unitary(operation: Operation) -> Unitary:
    if not isinstance(operation.instruction, Unitary):
        raise InputError(
            f"{operation.name} is no unitary gate: it cannot be controlled, inverted or raised to a power."
        )
    return operation.instruction


def _is_rotation(gate: Unitary) -> bool:
    """Whether its r-th power has r times its angle."""
    inner = gate.gate if isinstance(gate, Controlled) else gate
    return isinstance(inner, PauliRotation) or inner == gates.P or inner == gates.XXPlusYY


Values: TypeAlias = Mapping[str, ParameterLike] | Sequence[float] | None
"""Numbers or expressions in place of free parameters, by name or in their order; None leaves all of them free."""


def bound(circuit: Circuit, params: Values) -> Circuit:
    """The circuit of qubits with numbers in place of parameters, by name or in their order."""
    _checks.instance("circuit", circuit, Circuit)
    if set(circuit.dims) != {2}:
        raise InputError(f"the other libraries have qubits only; found a circuit of dims {circuit.dims}.")
    if params is None:
        return circuit
    if isinstance(params, Mapping):
        return circuit.bind(params)
    values = _checks.parameters("params", params, circuit.n_params)
    return circuit.bind(dict(zip(circuit.parameters, values.tolist(), strict=True)))


def outgoing(circuit: Circuit, params: Values) -> Circuit:
    """The bound circuit in what other libraries have: sites that are traced out are left alone, and those that are
    initialised are reset."""
    circuit, found = bound(circuit, params), list[Operation]()
    for operation in circuit.operations:
        if isinstance(operation.instruction, Preparation):
            found += [Reset(site) for site in operation.sites]
        elif not isinstance(operation.instruction, PartialTrace):
            found.append(operation)
    return Circuit(circuit.n_sites, found)


def numbers(operation: Operation) -> Real:
    """The parameters (n_params,) of an operation, all of which are numbers."""
    if free := operation.parameters:
        raise InputError(f"{operation} needs a number for {free[0]!r} there: pass params.")
    return np.array([p.constant for p in operation.params], dtype=np.float64)


def kraus_of(operation: Operation) -> Complex:
    """The Kraus operators of a placed channel whose parameters are numbers, at most D^2 of them."""
    channel = operation.instruction
    assert isinstance(channel, Channel)
    found = channel.kraus(numbers(operation))
    side = found.shape[-1]
    if len(found) <= side**2:
        return found
    rows = found.reshape(len(found), -1)
    return kraus_of_choi(rows.T @ rows.conj())
