"""What models with a circuit have in common: the circuit, and the engine that runs it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from qml._checks import InputError
from qml.circuits import Circuit
from qml.models.base import Model

if TYPE_CHECKING:
    from qml.engines.base import Engine


class WithCircuit(Model):
    """A model with a circuit; a subclass calls ``__init__`` first.

    Parameters
    ----------
    circuit : Circuit
    engine : Engine, optional
        By default ``PauliEngine()`` where all sites are qubits, else ``ReferenceEngine()``.
    unitary : str
        What the model is called where it needs a circuit of unitary gates; empty where it does not.

    Raises
    ------
    InputError
        If `circuit` is no Circuit, or not unitary where it must be.
    """

    def __init__(self, circuit: Circuit, engine: Engine | None, unitary: str = "") -> None:
        if not isinstance(circuit, Circuit):
            raise InputError(f"circuit must be a Circuit; found {type(circuit).__name__}.")
        if unitary and not circuit.is_unitary:
            raise InputError(f"{unitary} needs a circuit of unitary gates; this one holds another operation.")
        self.circuit = circuit
        self._given_engine = engine
        self._program = circuit.compile()

    @cached_property
    def engine(self) -> Engine:
        """What runs the circuit; the default one is made when it is first needed."""
        return self._given_engine if self._given_engine is not None else default_engine(self.circuit)

    def _apart(self, names: Iterable[str], what: str) -> None:
        """Refuse a circuit with a parameter that is called like one of `names`."""
        for name in names:
            if name in self.circuit.parameters:
                raise InputError(f"the circuit calls a parameter {name!r}, as the model calls {what}: rename it.")


def default_engine(circuit: Circuit) -> Engine:
    """The Pauli-vector engine where all sites are qubits, else the reference engine."""
    if set(circuit.dims) == {2}:
        from qml.engines.pauli import PauliEngine

        return PauliEngine()
    from qml.engines.reference import ReferenceEngine

    return ReferenceEngine()
