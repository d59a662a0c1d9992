"""Gibbs states rotated by a circuit: their spectrum is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, ParamsLike, Real
from qml.circuits import Circuit
from qml.engines.base import Engine
from qml.models.circuit import CircuitModel
from qml.models.generators import MatrixGenerators
from qml.models.gibbs import ExponentialFamily, GibbsModel
from qml.operators import GeneratorsLike
from qml.states.gibbs import GibbsState, SpectralState


class EvolvedGibbsState(SpectralState):
    r"""A Gibbs state in rotated eigenvectors, sigma = U e^{-K} U^dagger / Z: log sigma is known.

    Coordinate: the pair (K, U). A cotangent is a pair (G, C), G that of the :class:`~qml.states.GibbsState` of K (its
    diagonal where K is held as one), and C (d, d) with dL = Tr(G dK) + Re Tr(C^dagger dU V) at fixed eigenvectors V of
    K.

    Parameters
    ----------
    gibbs : GibbsState
        e^{-K} / Z, not a batch.
    vectors : array (d, d)
        U V, one eigenvector of sigma a column.
    """

    def __init__(self, gibbs: GibbsState, vectors: Complex) -> None:
        self._hold(gibbs.spectrum().log_eigenvalues, vectors, gibbs.dims)
        self._gibbs = gibbs

    def pull_log(self, cotangent: Complex) -> Cotangent:
        of_logs, of_vectors = super().pull_log(cotangent)
        of_k = self._of_levels(of_logs) if self._gibbs.is_diagonal else self._gibbs.pull_log(self._before(cotangent))
        return of_k, of_vectors

    def pull_matrix(self, cotangent: Complex) -> Cotangent:
        of_logs, of_vectors = super().pull_matrix(cotangent)
        of_k = self._of_levels(of_logs) if self._gibbs.is_diagonal else self._gibbs.pull_matrix(self._before(cotangent))
        return of_k, of_vectors

    def _before(self, x: Complex) -> Complex:
        """U^dagger X U."""
        return self._gibbs.spectrum().from_basis(self.spectrum().to_basis(x))

    def _of_levels(self, of_logs: Real) -> Real:
        """dL/dK from dL/d(log-eigenvalues), both diagonals."""
        return np.asarray(self._gibbs.probabilities() * of_logs.sum() - of_logs)


class EvolvedModel(CircuitModel, is_kind=False):
    """A circuit of unitary gates that starts from a model of Gibbs states: it runs on their eigenvectors."""

    _needs_unitary = True

    def __init__(self, circuit: Circuit, family: ExponentialFamily, engine: Engine | str | None) -> None:
        super().__init__(circuit, engine=engine, initial=family)
        self._family = family

    def state(self, params: ParamsLike = ()) -> EvolvedGibbsState:
        theta, phi = self.split(params)
        gibbs = self._family.state(theta)
        return EvolvedGibbsState(gibbs, self.engine.evolve_vectors(self._program, phi, gibbs.spectrum().basis))

    def state_vjp(self, params: ParamsLike = ()) -> tuple[EvolvedGibbsState, Callable[[Cotangent], Real]]:
        theta, phi = self.split(params)
        gibbs, pull_gibbs = self._family.state_vjp(theta)
        vectors, pull_vectors = self.engine.evolve_vectors_vjp(self._program, phi, gibbs.spectrum().basis)

        def pull(cotangent: tuple[Cotangent, Complex]) -> Real:
            of_k, of_vectors = cotangent
            return np.concatenate([pull_gibbs(of_k), pull_vectors(of_vectors)[0]])

        return EvolvedGibbsState(gibbs, vectors), pull

    def state_jvp(self, params: ParamsLike = ()) -> tuple[EvolvedGibbsState, Callable[[ArrayLike], Complex]]:
        return self.state(params), super().state_jvp(params)[1]


class EvolvedGibbsModel(EvolvedModel):
    r"""A Gibbs state, then a unitary circuit: an evolved quantum Boltzmann machine.

    .. math:: \sigma = U_\phi\, \frac{e^{-K_\theta}}{Z}\, U_\phi^\dagger, \qquad K_\theta = \sum_j \theta_j G_j, \qquad
        \log\sigma = -U_\phi K_\theta U_\phi^\dagger - \log Z

    Of full rank, its spectrum that of K in the log domain. At U = 1 it is :class:`GibbsModel`; with diagonal generators
    a :class:`SpectralModel`. Not convex in phi, so give fits `restarts`.

    Parameters
    ----------
    generators : PauliSum, or sequence or mapping of PauliSum or of arrays (d, d)
        As :class:`GibbsModel` takes them, on the sites of the circuit.
    circuit : Circuit
        Unitary gates only. The coefficients of the generators come first in the parameters, then those of the circuit.
    engine : Engine or str, optional
        What runs the circuit on vectors; by default ``PauliEngine()`` where all sites are qubits, else
        ``ReferenceEngine()``.

    Raises
    ------
    InputError
        If the circuit holds an operation that is not unitary, acts on other sites than the generators, or calls a
        parameter as a generator is called.

    Notes
    -----
    A state costs the eigen-decomposition of K, O(d^3), and the circuit on its d eigenvectors, O(gates d^2).
    Source: Minervini, Patel and Wilde (2025), arXiv:2501.03367.

    Examples
    --------
    >>> from qml import Circuit, gates, pauli
    >>> from qml.engines.reference import ReferenceEngine
    >>> model = EvolvedGibbsModel([pauli("Z")], Circuit(1, [gates.RY("angle", 0)]), ReferenceEngine())
    >>> model.parameter_names
    ('Z', 'angle')
    >>> model.state([1.0, np.pi / 2]).matrix().real.round(6)
    array([[ 0.5     , -0.380797],
           [-0.380797,  0.5     ]])
    """

    _what = "an evolved model"

    def __init__(self, generators: GeneratorsLike, circuit: Circuit, engine: Engine | str | None = None) -> None:
        sites = self._checked(circuit).dims
        self.gibbs = GibbsModel(generators)
        if isinstance(self.gibbs.generators, MatrixGenerators) and math.prod(self.gibbs.dims) == math.prod(sites):
            self.gibbs = GibbsModel(generators, sites)
        if self.gibbs.dims != sites:
            raise InputError(f"generators must act on the sites {sites} of the circuit; found {self.gibbs.dims}.")
        self.gibbs.start_scale = 1.0  # other than by itself, far from the maximally mixed state, which no angle changes
        super().__init__(circuit, self.gibbs, engine)

    def _arguments(self) -> dict[str, Any]:
        generators = self.gibbs._arguments()["generators"]
        return {"generators": generators, "circuit": self.circuit, "engine": self._given_engine}

    def __repr__(self) -> str:
        return f"EvolvedGibbsModel({self.gibbs!r}, {self.circuit!r})"
