"""Mixed states as parts of pure ones, of low rank and without their matrix."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, ParamsLike, Real
from qml.circuits import Circuit
from qml.engines.base import Engine
from qml.engines.register import directions_of
from qml.models.cholesky import factor_change, smoothing_weight
from qml.models.with_circuit import WithCircuit
from qml.states import DensityMatrix, State


class PurifiedCircuitModel(WithCircuit):
    r"""A pure circuit on a system and ancillas, the ancillas discarded.

    .. math:: |\psi_\theta\rangle = U_\theta |0\dots0\rangle = \sum_{s,a} A_{sa} |s\rangle |a\rangle, \qquad
        \sigma = \mathrm{Tr}_{\text{ancillas}} |\psi\rangle\langle\psi| = A A^\dagger

    The state vector, read as a matrix A (d, r) over system and ancillas, is the factor of sigma, whose rank is at most
    r, the dimension of the ancillas. The spectrum comes from the singular values of A (the Schmidt coefficients):
    no d x d matrix is formed unless asked for.

    With r < d, S(rho, sigma) is +inf unless rho lies inside the support of sigma, which a random start never meets.
    To learn by S, give the model a `smoothing`; other losses, such as the infidelity, need none. With r = d every
    state can be reached, and S is finite almost everywhere.

    Parameters
    ----------
    circuit : Circuit
        Unitary gates on the system followed by the ancillas. Its free parameters are those of the model.
    n_ancillas : int
        How many of the last sites are discarded; from 0 (pure states) to all but one.
    smoothing : float
        Weight p of the maximally mixed state: (1 - p) sigma + p/d, of full rank. From 0 to 1, 1 excluded.
    engine : Engine or str, optional
        What runs the circuit on vectors; by default ``PauliEngine()`` where all sites are qubits, else
        ``ReferenceEngine()``.

    Raises
    ------
    InputError
        If the circuit holds an operation that is not unitary, or n_ancillas is out of range.

    Notes
    -----
    A state costs one sweep of the circuit over d r amplitudes and a singular value decomposition, O(d r^2); S and its
    whole gradient against a target held as a factor of k columns add O(d r (r + k)) and two more sweeps.

    Examples
    --------
    >>> from qml import gates
    >>> from qml.engines.reference import ReferenceEngine
    >>> circuit = Circuit(2, [gates.RY("angle", 0), gates.CNOT(0, 1)])
    >>> model = PurifiedCircuitModel(circuit, n_ancillas=1, engine=ReferenceEngine())
    >>> model.state([np.pi / 2]).matrix().real.round(3)
    array([[0.5, 0. ],
           [0. , 0.5]])
    """

    _what = "a purified model"

    def __init__(
        self, circuit: Circuit, n_ancillas: int, *, smoothing: float = 0.0, engine: Engine | str | None = None
    ) -> None:
        super().__init__(circuit, engine)
        self._join(self._what, [self._angles])
        self.n_ancillas = _checks.integer("n_ancillas", n_ancillas, low=0, high=circuit.n_sites - 1)
        self.smoothing = smoothing_weight(smoothing)
        self.dims = circuit.dims[: circuit.n_sites - self.n_ancillas]
        self._shape = math.prod(self.dims), math.prod(circuit.dims[len(self.dims) :])
        if self.smoothing and self._shape[0] < self._shape[1]:
            raise InputError(
                f"smoothing is for states of low rank; the ancillas of dimension {self._shape[1]} already give full "
                f"rank on a system of dimension {self._shape[0]}: leave it out."
            )

    def state(self, params: ParamsLike = ()) -> State:
        return self._state(self.engine.evolve_vectors(self._program, self.theta(params), self._start()))

    def state_vjp(self, params: ParamsLike = ()) -> tuple[State, Callable[[Cotangent], Real]]:
        psi, pull = self.engine.evolve_vectors_vjp(self._program, self.theta(params), self._start())
        return self._state(psi), lambda c: pull(c.reshape(-1, 1))[0]

    def state_jvp(self, params: ParamsLike = ()) -> tuple[State, Callable[[ArrayLike], Complex]]:
        theta = self.theta(params)
        psi, push_psi = self.engine.evolve_vectors_jvp(self._program, theta, self._start())
        a = psi.reshape(self._shape)

        def push(v: ArrayLike) -> Complex:
            along = directions_of(v, self.n_params, self._shape[0])
            return factor_change(push_psi(along).reshape(*along.shape[:-1], *self._shape), a, self.smoothing)

        return self._state(psi), push

    def _start(self) -> Complex:
        first = np.zeros((math.prod(self._shape), 1), dtype=np.complex128)
        first[0] = 1.0
        return first

    def _state(self, psi: Complex) -> State:
        return DensityMatrix.from_factor(psi.reshape(self._shape), self.dims, smoothing=self.smoothing)

    def __repr__(self) -> str:
        smoothing = f", smoothing={self.smoothing:g}" if self.smoothing else ""
        return f"PurifiedCircuitModel({self.circuit!r}, n_ancillas={self.n_ancillas}{smoothing})"
