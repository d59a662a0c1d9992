"""Gibbs models of many qubits: no matrix, but an engine's estimates, and error bars that say how good they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from qml import _checks, spectral
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Dims, ParamsLike, Real
from qml.engines.thermal import KrylovEngine, ThermalEngine, ThermalEstimate
from qml.models.base import Model, NormalStart
from qml.models.gibbs import GibbsModel
from qml.moments import Moments
from qml.operators import GeneratorsLike, PauliSum
from qml.operators.generators import coefficients_of, pauli_sums
from qml.states import GibbsState, State
from qml.states.cross_entropy import Data
from qml.states.density_matrix import DensityMatrix, reduced


class ThermalState(State):
    r"""A Gibbs state exp(-K)/Z of Pauli sums: log Z and expectations as an engine estimates them, with error bars.

    .. math:: K = \sum_j \theta_j G_j, \qquad
        \langle G_j \rangle = -\frac{\partial \log Z}{\partial \theta_j}

    Both numbers are smooth functions of theta, the one being the exact derivative of the other; see
    :class:`~qml.engines.KrylovEngine` for what their errors are.

    Coordinate: theta. What only a matrix can tell (``matrix``, ``spectrum``, ``purity``, ...) is computed exactly, by
    way of :class:`~qml.states.GibbsState`, where the memory suffices.

    Parameters
    ----------
    generators : PauliSum, or sequence or mapping of PauliSum
        G_j, read as by :class:`LargeGibbsModel`.
    params : array (m,)
        theta.
    engine : ThermalEngine, optional
        What estimates log Z and the expectations; by default ``KrylovEngine()``.

    Raises
    ------
    InputError
        For generators that are no Pauli sums, or shapes that do not fit.

    Examples
    --------
    >>> from qml.operators import tfim
    >>> sigma = ThermalState([tfim(6)], [0.5], KrylovEngine(samples=64))
    >>> exact = sigma.dense.log_partition()
    >>> bool(abs(sigma.log_partition() - exact) < 4 * sigma.log_partition_error < 0.4)
    True
    """

    def __init__(self, generators: GeneratorsLike, params: ArrayLike, engine: ThermalEngine | None = None) -> None:
        self._named = pauli_sums(generators)
        self.generators = tuple(self._named.values())
        self.params = _checks.kept(_checks.parameters("params", params, len(self.generators)))
        self._engine = KrylovEngine() if engine is None else _checks.instance("engine", engine, ThermalEngine)
        self.dims: Dims = self.generators[0].dims
        self._others: dict[tuple[PauliSum, ...], tuple[Real, Real]] = {}

    @property
    def n_qubits(self) -> int:
        """The number of qubits."""
        return len(self.dims)

    @cached_property
    def hamiltonian(self) -> PauliSum:
        """The modular Hamiltonian K."""
        words, weights = coefficients_of(self.generators)
        return PauliSum(self.n_qubits, words, tuple((weights.T @ self.params).tolist()))

    def log_partition(self) -> float:
        """log Z in nats, estimated."""
        return self._partition.log_partition

    @property
    def log_partition_error(self) -> float:
        """The standard error of log Z in nats."""
        return self._partition.log_partition_error

    def expectations(self) -> Real:
        """<G_j>, estimated, shape (m,): minus the gradient of :meth:`log_partition`."""
        return self._own.values

    def expectation_errors(self) -> Real:
        """Their standard errors, shape (m,)."""
        return self._own.errors

    @property
    def engine_dimension(self) -> int:
        """The dimension of the space that the engine needed: the Krylov dimension of a KrylovEngine, the bond dimension
        of a ChainEngine."""
        return self._partition.dimension

    @property
    def truncation(self) -> float:
        """The estimated relative error that this space leaves; the standard errors include it."""
        return self._partition.truncation

    def moments(self, generators: GeneratorsLike | None = None) -> Moments:
        """The expectations of Pauli sums, with standard errors and the entropy.

        Costs one run, whatever their number.

        Parameters
        ----------
        generators : sequence or mapping of PauliSum, optional
            On the sites of the state; by default the state's own.

        Returns
        -------
        Moments

        Raises
        ------
        InputError
            If one is no Pauli sum, or acts on other sites.

        Examples
        --------
        >>> from qml.operators import pauli, tfim
        >>> sigma = ThermalState([tfim(8)], [1.0])
        >>> sigma.moments([pauli("ZZ", sites=(3, 4), n=8)])
        Moments(1 expectation of 8 qubits, standard errors up to 0.0...)
        """
        return Moments.of(self, self._named if generators is None else generators)

    def _estimates(self, operators: Sequence[PauliSum]) -> tuple[Real, Real]:
        wanted = tuple(operators)
        if wanted == self.generators:
            return self._own.values, self._own.errors
        if wanted not in self._others:
            first = () if "_own" in self.__dict__ else self.generators  # one run for both
            found, m = self._run((*first, *wanted)), len(first)
            if first:
                self._own = replace(found, values=found.values[:m], errors=found.errors[:m])
            self._others = {wanted: (found.values[m:], found.errors[m:])}
        return self._others[wanted]

    def _expect(self, operator: PauliSum | Complex) -> Real:
        """Tr(sigma O): estimated for a Pauli sum (:meth:`moments` gives its error), exact for a matrix."""
        if isinstance(operator, PauliSum):
            return np.asarray(self.moments([operator]).values[0])
        return super()._expect(operator)

    def _pull_expect(self, operator: PauliSum | Complex) -> Cotangent:
        raise InputError(
            "the derivative of an energy in the parameters of a sampled thermal state needs covariances, which are not "
            "estimated: use a GibbsModel, of a chain a ChainGibbsModel, or learn by the cross entropy."
        )

    @cached_property
    def _entropy(self) -> Real:
        """theta . <G> + log Z, estimated."""
        return np.asarray(self.params @ self.expectations() + self._own.log_partition)

    @property
    def entropy_error(self) -> float:
        """What the errors of log Z and of the expectations can add up to in the entropy, in nats."""
        return float(np.abs(self.params) @ self.expectation_errors() + self._own.log_partition_error)

    def _log_on_support(self) -> PauliSum:
        return -self.hamiltonian

    def _trace(self) -> Real:
        return np.ones(())

    def partial_trace(self, keep: Sequence[int]) -> DensityMatrix:
        return reduced(self, keep)

    has_modular_hamiltonian = True

    def _energy(self, rho: Data) -> Real:
        """theta . <G>_rho."""
        return np.asarray(self.params @ rho._estimates(self.generators)[0])

    def _pull_energy(self, rho: Data) -> Cotangent:
        """<G>_rho - <G>_sigma, the derivative in theta of the energy and the estimated log Z."""
        return rho._estimates(self.generators)[0] - self.expectations()

    def _log_partition(self) -> Real:
        return np.asarray(self._partition.log_partition)

    def _arguments(self) -> dict[str, Any]:
        return {"generators": self._named, "params": self.params, "engine": self._engine}

    def _described(self) -> Any:
        return {"kind": self._kind, **self._arguments()}

    @cached_property
    def dense(self) -> GibbsState:
        """The exact state, with its matrix K: for few qubits."""
        n = self.n_qubits
        _checks.memory(f"the matrix of a Gibbs state of {n} qubits", 64 * 4**n, "use its sampled moments", qubits=n)
        return self._family.state(self.params)

    def matrix(self) -> Complex:
        return self.dense.matrix()

    def _compute_spectrum(self) -> spectral.Spectrum:
        return self.dense.spectrum()

    def pull_log(self, cotangent: Complex) -> Cotangent:
        return self._family.state_vjp(self.params)[1](self.dense.pull_log(cotangent))

    def pull_matrix(self, cotangent: Complex) -> Cotangent:
        return self._family.state_vjp(self.params)[1](self.dense.pull_matrix(cotangent))

    def __repr__(self) -> str:
        size = f"{_checks.plural(self.n_qubits, 'qubit')}, {_checks.plural(len(self.params), 'generator')}"
        return f"{type(self).__name__}({size}, {self._engine!r})"

    @cached_property
    def _family(self) -> GibbsModel:
        return GibbsModel(self._named)

    @cached_property
    def _own(self) -> ThermalEstimate:
        return self._run(self.generators)

    def _run(self, operators: Sequence[PauliSum] = ()) -> ThermalEstimate:
        """One run of the engine."""
        return self._engine.thermal(self.hamiltonian, operators)

    @property
    def _partition(self) -> ThermalEstimate:
        return self._own if "_own" in self.__dict__ else self._alone

    @cached_property
    def _alone(self) -> ThermalEstimate:
        return self._run()


class LargeGibbsModel(NormalStart, Model):
    r"""The exponential family of Pauli sums on more qubits than a matrix could hold: :class:`ThermalState` s.

    .. math:: \sigma_\theta = e^{-K_\theta} / Z, \qquad K_\theta = \sum_j \theta_j G_j

    The engine's random vectors are the same for every theta, so that the cross entropy, estimated, is a smooth function
    with an exact gradient, and any optimizer works. What a fit finds carries the statistical error of these vectors;
    another `seed` measures it independently (see docs/explanation/large_gibbs.md).

    Parameters
    ----------
    generators : PauliSum, or sequence or mapping of PauliSum
        As for :class:`GibbsModel`: the strings of one sum, or whole operators, one parameter each.
    engine : ThermalEngine, optional
        What estimates log Z and the expectations; by default ``KrylovEngine()``.

    Raises
    ------
    InputError
        If a generator is no sum of Pauli strings, or they are on different registers.

    Examples
    --------
    >>> from qml import fit
    >>> from qml.operators import tfim
    >>> hamiltonian = tfim(8)
    >>> target = ThermalState([hamiltonian], [0.5], KrylovEngine(samples=16, seed=1)).moments(hamiltonian)
    >>> model = LargeGibbsModel(hamiltonian, KrylovEngine(samples=16))
    >>> result = fit(model, target, seed=0, gradient_tolerance=1e-6)
    >>> result.converged, bool(np.abs(result.params + 0.5).max() < 0.2)
    (True, True)
    """

    def __init__(self, generators: GeneratorsLike, engine: ThermalEngine | None = None) -> None:
        self.generators = pauli_sums(generators)
        self._names = tuple(self.generators)
        self.dims = next(iter(self.generators.values())).dims
        self.engine = KrylovEngine() if engine is None else _checks.instance("engine", engine, ThermalEngine)

    def state(self, params: ParamsLike = ()) -> ThermalState:
        return ThermalState(self.generators, self.theta(params), self.engine)

    def state_vjp(self, params: ParamsLike = ()) -> tuple[ThermalState, Callable[[Cotangent], Real]]:
        """The state, whose coordinate is theta itself."""
        return self.state(params), lambda cotangent: np.asarray(cotangent, dtype=np.float64)

    def __repr__(self) -> str:
        count = _checks.plural(self.n_params, "generator")
        return f"{type(self).__name__}(dims={self.dims}, {count}, {self.engine!r})"
