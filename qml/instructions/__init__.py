"""What a circuit is made of: instructions, and instructions placed on sites."""

from qml.instructions.base import Channel, Instruction, Operation, Unitary
from qml.instructions.register import Initialize, PartialTrace, Preparation, TraceOut

__all__ = [
    "Channel",
    "Initialize",
    "Instruction",
    "Operation",
    "PartialTrace",
    "Preparation",
    "TraceOut",
    "Unitary",
]
