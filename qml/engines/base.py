"""The seam between circuits and numbers: an engine runs a whole program, forward and backward."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from qml._descriptions import Described
from qml._typing import ArrayLike, Complex, ParamsLike, Real
from qml.circuits.circuit import ProgramLike, as_program
from qml.engines.register import Pull, Push, VectorsPull
from qml.engines.vectors import plain
from qml.operators import PauliLike
from qml.operators.sites import hermitian_sum
from qml.states.base import State
from qml.states.coercion import StateLike


class Engine(Described, ABC):
    r"""What runs compiled circuits: the evolution of states and of vectors, and its derivatives backward and forward.

    .. math:: \sigma = \mathcal{E}_\theta(\rho_0)

    An engine is an argument of a model, never a global setting, and remembers nothing that changes an answer.

    Examples
    --------
    All engines run the same programs; they differ in what a state is held as, in speed and in what they can hold:

    >>> from qml import Circuit, gates
    >>> from qml.engines import PauliEngine, ReferenceEngine
    >>> circuit = Circuit(1, [gates.RY("a", 0)])
    >>> [round(engine.evolve(circuit, {"a": 0.5}).expect("Z"), 12) for engine in (PauliEngine(), ReferenceEngine())]
    [0.87758256189, 0.87758256189]
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    @classmethod
    def runs_on(cls) -> str:
        """What it computes on here, in words."""
        return "this processor"

    def room(self, program: ProgramLike) -> str:
        """The memory that a gradient needs where that is not the host's, as a phrase; else an empty text.

        Parameters
        ----------
        program : Circuit or Program
        """
        return ""

    @abstractmethod
    def hold(self, state: State) -> State:
        """The same state in the form of the engine's own, from which programs start without converting it.

        Parameters
        ----------
        state : State
            Or a batch. One on sites that the engine does not run comes back as it is.
        """

    @abstractmethod
    def evolve(self, program: ProgramLike, params: ParamsLike, initial: StateLike | None = None) -> State:
        r"""The state after the program, or a batch of states.

        .. math:: \sigma = E_\theta[\sigma_0]

        Parameters
        ----------
        program : Circuit or Program
        params : array (..., n_params), or mapping of str to float
            theta, or the value of every parameter of the circuit by name. Leading axes are a batch.
        initial : State, array (d, d) or Qobj, optional
            sigma_0, or a batch; without it every site begins in its first basis state.

        Returns
        -------
        State
            The leading axes of `params` and the batch of `initial` broadcast, and are its batch. Every member is what
            it is alone, to the bit or, where an engine says so, to rounding.

        Raises
        ------
        InputError
            If params has another shape or a name is missing, a value lies outside the domain of its gate or channel,
            `initial` is on other sites, or the sites are not ones that the engine runs.
        MemoryRefused
            If the states would not fit.
        """

    @abstractmethod
    def evolve_vjp(
        self, program: ProgramLike, params: ParamsLike, initial: StateLike | None = None
    ) -> tuple[State, Pull]:
        r"""The same state, and the way back: one adjoint sweep.

        .. math:: dL = \mathrm{Tr}(G\, d\sigma), \qquad
            \frac{\partial L}{\partial\theta_k} = \mathrm{Tr}\Big( G\, \frac{\partial\sigma}{\partial\theta_k} \Big),
            \qquad G_0 = E_\theta^\dagger[G]

        Parameters
        ----------
        program, params, initial
            As in :meth:`evolve`.

        Returns
        -------
        state : State
        pull : callable
            dL/d(coordinate of the state) to the pair of dL/dtheta (..., n_params) and dL/d(coordinate of `initial`),
            what ``initial.pull_matrix(G_0)`` is; None without `initial`. Of a batch, each member has a dL/dtheta of its
            own (what is shared is the caller's to sum); members that start from one initial state add up in its.

        Raises
        ------
        InputError
            As :meth:`evolve`; by `pull`, where the cotangent has another shape than the coordinate.
        MemoryRefused
            If the states that the way back needs would not fit.
        """

    @abstractmethod
    def evolve_jvp(
        self, program: ProgramLike, params: ParamsLike, initial: StateLike | None = None
    ) -> tuple[State, Push]:
        r"""The same state, and the way forward: all directions of one call share the work.

        .. math:: d\sigma = \sum_k v_k \, \partial\sigma / \partial\theta_k + E_\theta[d\sigma_0]

        Parameters
        ----------
        program, params, initial
            As in :meth:`evolve`, but single: the leading axes of the directions are the batch.

        Returns
        -------
        state : State
        push : callable
            Directions v (..., n_params) and, optionally, changes dsigma_0 (..., d, d) of the initial state, Hermitian,
            to dsigma (..., d', d'), Hermitian; ``push(np.eye(n_params))`` is the derivative in every parameter.

        Raises
        ------
        InputError
            As :meth:`evolve`, and for a batch of parameters or of initial states; by `push`, where a shape is another.
        MemoryRefused
            If the derivatives along so many directions would not fit.
        """

    def evolve_vectors(self, program: ProgramLike, params: ParamsLike, vectors: Complex | None = None) -> Complex:
        """U(theta) applied to columns, shape (d, m): gate by gate in plain NumPy, on any sites.

        Parameters
        ----------
        program : Circuit or Program
            Unitary: without channels, traces and fresh sites.
        params : array (n_params,), or mapping of str to float
            theta, or the value of every parameter of the circuit by name.
        vectors : array (d, m), optional
            One vector a column, of any norm; without it the identity, so that U itself comes out.

        Raises
        ------
        InputError
            If the program is not unitary, or a shape is another.
        MemoryRefused
            If the columns would not fit.
        """
        return plain.evolve_vectors(as_program(program), params, vectors)

    def evolve_vectors_vjp(
        self, program: ProgramLike, params: ParamsLike, vectors: Complex | None = None
    ) -> tuple[Complex, VectorsPull]:
        """The same columns W, and the way back from a derivative in them.

        Parameters
        ----------
        program, params, vectors
            As in :meth:`evolve_vectors`.

        Returns
        -------
        columns : array (d, m)
            W.
        pull : callable
            C (d, m), where dL = Re Tr(C^dagger dW), to the pair of dL/dtheta (n_params,) and U^dagger C, the same in
            `vectors` (None without them).
        """
        return plain.evolve_vectors_vjp(as_program(program), params, vectors)

    def evolve_vectors_jvp(
        self, program: ProgramLike, params: ParamsLike, vectors: Complex | None = None
    ) -> tuple[Complex, Push]:
        """The same columns W, and the way forward from changes of theta and of `vectors`.

        One sweep for all directions in plain NumPy, O(b d m) a gate for b of them.

        Parameters
        ----------
        program, params, vectors
            As in :meth:`evolve_vectors`.

        Returns
        -------
        columns : array (d, m)
            W.
        push : callable
            Directions v (..., n_params) and, optionally, changes (..., d, m) of `vectors` to dW (..., d, m).
        """
        program = as_program(program)
        return self.evolve_vectors(program, params, vectors), plain.push_vectors(program, params, vectors)

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
        observable = hermitian_sum("the observable", observable, program.dims_in)
        return plain.expect_vectors_vjp(self.evolve_vectors_vjp(program, params, vectors), observable)
