"""The seam between circuits and numbers: an engine runs a whole program, forward and backward."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from qml._typing import ArrayLike, Complex, Cotangent, ParamsLike, Real
from qml.circuits.circuit import ProgramLike, as_program
from qml.engines.vectors import check_observable, expect_vectors_vjp
from qml.operators import PauliLike
from qml.states.base import State
from qml.states.coercion import StateLike


class Engine(ABC):
    """Runs programs. Passed as an argument, never global; holds no state that changes an answer."""

    @abstractmethod
    def evolve(self, program: ProgramLike, params: ParamsLike, initial: StateLike | None = None) -> State:
        """The state after the program, from `initial` (None: |0...0>), or a batch of states.

        `params` (..., n_params) may have leading axes, and `initial` may be a batch: their axes broadcast, and give the
        batch of the result. Every member is what it is alone, to the bit.
        """

    @abstractmethod
    def evolve_vjp(
        self, program: ProgramLike, params: ParamsLike, initial: StateLike | None = None
    ) -> tuple[State, Callable[[Cotangent], Real]]:
        """The same state, and the map from dL/d(its coordinate) to dL/dtheta (..., n_params): one adjoint sweep.

        Of a batch, each member has a gradient of its own; shared parameters are the caller's to sum.
        """

    @abstractmethod
    def evolve_jvp(
        self, program: ProgramLike, params: ParamsLike, initial: StateLike | None = None
    ) -> tuple[State, Callable[[ArrayLike], Complex]]:
        r"""The same state, and the map from directions v (..., n_params) to dsigma along them, Hermitian (..., d, d).

        .. math:: d\sigma = \sum_k v_k \, \partial\sigma / \partial\theta_k

        All directions of one call share the work; ``push(np.eye(n_params))`` is the derivative in every parameter.
        Parameters and initial state are single: the axes of v are the batch.
        """

    @abstractmethod
    def evolve_vectors(self, program: ProgramLike, params: ParamsLike, vectors: Complex | None = None) -> Complex:
        """U(theta) applied to the columns of `vectors` (d, m), None: the identity. Unitary programs only."""

    @abstractmethod
    def evolve_vectors_vjp(
        self, program: ProgramLike, params: ParamsLike, vectors: Complex | None = None
    ) -> tuple[Complex, Callable[[Complex], Real]]:
        """The same columns W, and the map from C (d, m), where dL = Re Tr(C^dagger dW), to dL/dtheta (n_params,)."""

    def expect_vectors_vjp(
        self, program: ProgramLike, params: ParamsLike, observable: PauliLike, vectors: Complex | None = None
    ) -> tuple[Real, Callable[[ArrayLike], Real]]:
        r"""Expectations of a Pauli sum in the columns of `vectors` after a unitary program, and their gradient.

        .. math:: e_c = \langle v_c | U(\theta)^\dagger H U(\theta) | v_c \rangle, \qquad
            \frac{dL}{d\theta} = \sum_c \frac{dL}{de_c} \frac{de_c}{d\theta}

        H is applied term by term, without a matrix; the gradient is one adjoint sweep that stores no vector on the way.

        Parameters
        ----------
        program : Program
            Unitary, of qubits.
        params : array (n_params,)
            theta, in radians where they are angles.
        observable : PauliSum
            H, Hermitian, on all qubits of the program.
        vectors : array (2^n, m), optional
            One vector a column, of any norm; without it, all basis states.

        Returns
        -------
        values : array (m,)
            The expectations e.
        pull : callable
            dL/de (m,) -> dL/dtheta (n_params,); for the mean of the expectations pass ``np.full(m, 1 / m)``.

        Raises
        ------
        InputError
            Where the program is not unitary, the observable is not Hermitian or acts on other sites, or shapes differ.

        Examples
        --------
        The mean energy of two basis states and its gradient:

        >>> import numpy as np
        >>> from qml import gates, pauli
        >>> from qml.circuits import Circuit
        >>> from qml.engines import PauliEngine
        >>> program = Circuit(2).then(gates.RY("a", 0), gates.CNOT(0, 1)).compile()
        >>> inputs = np.eye(4)[:, [0, 1]]
        >>> values, pull = PauliEngine().expect_vectors_vjp(program, [0.0], pauli("ZI") + 0.5 * pauli("XX"), inputs)
        >>> values.round(3), pull(np.full(2, 1 / 2)).round(3)
        (array([1., 1.]), array([0.5]))
        """
        program = as_program(program)
        observable = check_observable(observable, program)
        return expect_vectors_vjp(self.evolve_vectors_vjp(program, params, vectors), observable)
