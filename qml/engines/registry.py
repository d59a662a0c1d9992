"""Every engine of circuits by name."""

from __future__ import annotations

from qml.engines.base import Engine
from qml.engines.jax.engine import JaxEngine
from qml.engines.pauli.engine import PauliEngine
from qml.engines.reference import ReferenceEngine

ENGINES: dict[str, type[Engine]] = {"pauli": PauliEngine, "reference": ReferenceEngine, "jax": JaxEngine}
"""What the contract tests run and compare with dense matrices, each made without arguments."""
