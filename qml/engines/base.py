"""The seam between circuits and numbers: an engine runs a whole program, forward and backward."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from qml._typing import ArrayLike, Complex, Cotangent, Real
from qml.circuits.program import Program
from qml.states.base import State


class Engine(ABC):
    """Runs programs. Passed as an argument, never global; holds no state that changes an answer."""

    @abstractmethod
    def evolve(self, program: Program, params: ArrayLike, initial: State | None = None) -> State:
        """The state after the program, from `initial` (None: |0...0>)."""

    @abstractmethod
    def evolve_vjp(
        self, program: Program, params: ArrayLike, initial: State | None = None
    ) -> tuple[State, Callable[[Cotangent], Real]]:
        """The same state, and the map from dL/d(its coordinate) to dL/dtheta (n_params,): one adjoint sweep."""

    @abstractmethod
    def evolve_vectors(self, program: Program, params: ArrayLike, vectors: Complex | None = None) -> Complex:
        """U(theta) applied to the columns of `vectors` (d, m), None: the identity. Unitary programs only."""

    @abstractmethod
    def evolve_vectors_vjp(
        self, program: Program, params: ArrayLike, vectors: Complex | None = None
    ) -> tuple[Complex, Callable[[Complex], Real]]:
        """The same columns W, and the map from C (d, m), where dL = Re Tr(C^dagger dW), to dL/dtheta (n_params,)."""
