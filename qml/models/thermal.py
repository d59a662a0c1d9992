"""Gibbs models of many qubits: no matrix, but random vectors, and error bars that say what they cost in precision."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np
from scipy import sparse

from qml import _checks, spectral
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Dims, ParamsLike, Real
from qml.models.base import Model, normal_start
from qml.models.gibbs import GibbsModel
from qml.moments import Moments, MomentState, operators_of, pack, unpack
from qml.operators import GeneratorsLike, PauliSum
from qml.states import GibbsState, State
from qml.states.density_matrix import DensityMatrix, reduced

LIMIT = 400
"""Krylov vectors at most."""
TOLERANCE = 1e-10
"""The estimated relative error of a Krylov space that is large enough."""


class ThermalState(MomentState):
    r"""A Gibbs state exp(-K)/Z of Pauli sums, sampled: log Z and expectations from random vectors, with error bars.

    .. math:: K = \sum_j \theta_j G_j, \qquad
        \hat Z = \frac{2^n}{R} \sum_{r=1}^R \langle r | e^{-K} | r \rangle, \qquad
        \langle G_j \rangle \approx -\frac{\partial \log \hat Z}{\partial \theta_j}

    with R vectors r drawn uniformly from the unit sphere by `seed`. Both numbers are smooth functions of theta, the one
    being the exact derivative of the other, since the vectors stay the same. Standard errors are jackknifed over the
    vectors. The bias is of second order: log Z comes out too low by half of its squared error, on average, and
    expectations are off by less than their error over sqrt(R). What the finite Krylov space leaves, as estimated, is
    added to the errors; it is 1e-10 unless `krylov` is reached first.

    Coordinate: theta. What only a matrix can tell (``matrix``, ``spectrum``, ``purity``, ...) is computed exactly, by
    way of :class:`~qml.states.GibbsState`, where the memory suffices.

    Parameters
    ----------
    generators : PauliSum, or sequence or mapping of PauliSum
        G_j, read as by :class:`LargeGibbsModel`.
    params : array (m,)
        theta.
    samples : int
        R, at least 2; multiples of 8 waste nothing. Errors fall as 1/sqrt(R), and R more vectors extend the earlier.
    seed : int
        What the vectors follow from.
    krylov : int, optional
        Steps of Lanczos at most, 400 by default; it takes as many as the tolerance asks for, in strides of 8.

    Raises
    ------
    InputError
        For generators that are no Pauli sums, shapes that do not fit, or numbers out of range.
    MemoryRefused
        Where the Krylov basis of eight vectors, 64 2^n bytes a step, would not fit.

    Notes
    -----
    Costs, for each vector and Krylov step, 2^n operations for every distinct X pattern of the strings, and about as
    much again for all expectations. Real arithmetic when every string has an even number of Ys; else twice the cost.
    Errors are small where many eigenstates take part: about sqrt(Z(2K))/Z(K) for one vector. Sources: Sugiura and
    Shimizu (2013), arXiv:1302.3138; Jaklic and Prelovsek (1994), Phys. Rev. B 49, 5065.

    Examples
    --------
    >>> from qml.operators import tfim
    >>> sigma = ThermalState([tfim(6)], [0.5], samples=64)
    >>> exact = sigma.dense.log_partition()
    >>> bool(abs(sigma.log_partition() - exact) < 4 * sigma.log_partition_error < 0.4)
    True
    """

    def __init__(
        self,
        generators: GeneratorsLike,
        params: ArrayLike,
        *,
        samples: int = 32,
        seed: int = 0,
        krylov: int | None = None,
    ) -> None:
        self._named = operators_of(generators)
        self.generators = tuple(self._named.values())
        self.params = _checks.parameters("params", params, len(self.generators))
        self.samples = _checks.integer("samples", samples, low=2)
        self.seed = _checks.integer("seed", seed, low=0)
        self.krylov = LIMIT if krylov is None else _checks.integer("krylov", krylov, low=1)
        self.dims: Dims = self.generators[0].dims

    @property
    def batch_shape(self) -> tuple[int, ...]:
        return ()

    @property
    def n_qubits(self) -> int:
        return len(self.dims)

    @cached_property
    def hamiltonian(self) -> PauliSum:
        """The modular Hamiltonian K."""
        words, weights = _weights(self.generators)
        return PauliSum(self.n_qubits, words, tuple((weights.T @ self.params).tolist()))

    def log_partition(self) -> float:
        """log Z in nats, estimated."""
        return float(self._partition.value)

    @property
    def log_partition_error(self) -> float:
        """The standard error of log Z in nats."""
        return float(self._partition.error)

    def expectations(self) -> Real:
        """<G_j>, estimated, shape (m,): minus the gradient of :meth:`log_partition`."""
        return self._own.values

    def expectation_errors(self) -> Real:
        """Their standard errors, shape (m,)."""
        return self._own.errors

    @property
    def krylov_dimension(self) -> int:
        """The Krylov dimension that was needed."""
        return self._partition.dimension

    @property
    def truncation(self) -> float:
        """The estimated relative error of the Krylov spaces."""
        return self._partition.truncation

    def moments(self, generators: GeneratorsLike | None = None) -> Moments:
        """The expectations of these Pauli sums (by default the state's own), with standard errors and the entropy.

        Costs one run, whatever their number.

        Examples
        --------
        >>> from qml.operators import pauli, tfim
        >>> sigma = ThermalState([tfim(8)], [1.0])
        >>> sigma.moments([pauli("ZZ", sites=(3, 4), n=8)])
        Moments(1 expectation on dims=(2, 2, 2, 2, 2, 2, 2, 2), standard errors up to 0.0...)
        """
        named = self._named if generators is None else operators_of(generators)
        if next(iter(named.values())).dims != self.dims:
            raise InputError(f"generators must act on {_checks.plural(self.n_qubits, 'qubit')}, as the state does.")
        if generators is None:
            estimate = self._own
        elif "_own" in self.__dict__:
            estimate = self._sampled(tuple(named.values()))
        else:  # one run for both
            both = self._sampled((*self.generators, *named.values()))
            self._own, estimate = both.split(len(self.generators))
        return Moments(named, estimate.values, estimate.errors, entropy=float(self.entropy()))

    def _expect(self, operator: PauliSum | Complex) -> Real:
        """Tr(sigma O): estimated for a Pauli sum (:meth:`moments` gives its error), exact for a matrix."""
        if isinstance(operator, PauliSum):
            return np.asarray(self.moments([operator]).values[0])
        return super()._expect(operator)

    @cached_property
    def _entropy(self) -> Real:
        """theta . <G> + log Z, estimated."""
        return np.asarray(self.params @ self.expectations() + self._own.partition.value)

    def partial_trace(self, keep: Sequence[int]) -> DensityMatrix:
        return reduced(self, keep)

    def energy(self, target: State | Moments) -> float:
        held = target if isinstance(target, Moments) else Moments.of(target, self._named)
        return float(self.params @ held.values_of(self.generators))

    def pull_moments(self, target: State | Moments) -> Cotangent:
        held = target if isinstance(target, Moments) else Moments.of(target, self._named)
        return held.values_of(self.generators) - self.expectations()

    def _log_expectation(self, rho: State) -> Real:
        r"""Tr(rho log sigma) = -theta . <G>_rho - log Z in nats, with the estimate of log Z."""
        return np.asarray(-self.energy(rho) - self.log_partition())

    def cross_entropy_and_cotangent(self, rho: State) -> tuple[float, Cotangent]:
        moments = Moments.of(rho, self._named)
        pull = self.pull_moments(moments)  # first: it brings log Z along
        return self.energy(moments) + self.log_partition(), pull

    def _arrays(self) -> dict[str, np.ndarray]:
        """Plain arrays from which :meth:`_from_arrays` makes it again: what it is sampled from, not the samples."""
        settings = np.array([self.samples, self.seed, self.krylov])
        return pack(self.generators) | {"params": self.params, "sampling": settings}

    @classmethod
    def _from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> ThermalState:
        """What :meth:`_arrays` wrote."""
        samples, seed, krylov = arrays["sampling"].tolist()
        named = {str(k): g for k, g in enumerate(unpack(arrays))}
        return cls(named, arrays["params"], samples=samples, seed=seed, krylov=krylov)

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
        return (
            f"ThermalState({_checks.plural(self.n_qubits, 'qubit')}, {_checks.plural(len(self.params), 'generator')}, "
            f"samples={self.samples}, seed={self.seed})"
        )

    @cached_property
    def _family(self) -> GibbsModel:
        return GibbsModel(self._named)

    @cached_property
    def _own(self) -> _Estimate:
        return self._sampled(self.generators)

    @property
    def _partition(self) -> _Partition:
        held = self.__dict__.get("_own")
        return held.partition if held is not None else self._alone

    @cached_property
    def _alone(self) -> _Partition:
        return self._sampled(()).partition

    def _sampled(self, observables: tuple[PauliSum, ...]) -> _Estimate:
        from qml.engines.krylov import sample

        k = self.hamiltonian
        coefficients = np.array([c.real for c in k.coefficients])
        words, weights = _weights(observables)
        found = sample(
            self.n_qubits,
            k.words,
            coefficients,
            words,
            samples=self.samples,
            seed=self.seed,
            limit=self.krylov,
            tolerance=TOLERANCE,
        )
        means = (weights @ found.means.T).T
        partition = _Partition(found.log_weights, found.dimension, found.truncation, self.n_qubits)
        return _Estimate(partition, means)


class _Partition:
    """log Z with its jackknife error, from log z_r."""

    def __init__(self, logs: Real, dimension: int, truncation: float, n: int) -> None:
        top = logs.max()
        z = np.exp(logs - top)
        self.shares = z / z.sum()
        self.dimension, self.truncation = dimension, truncation
        self.value = float(n * math.log(2.0) + top + np.log(z.mean()))
        rest = np.log1p(-np.minimum(self.shares, 1 - spectral.EPS))
        self.error = float(_jackknife(rest)) + truncation


class _Estimate:
    """Expectations with their jackknife errors, from those of every vector."""

    def __init__(self, partition: _Partition, means: Real) -> None:
        self.partition, self._means = partition, means
        shares = partition.shares[:, None]
        self.values: Real = (shares * means).sum(axis=0)
        rest = (self.values - shares * means) / np.maximum(1 - shares, spectral.EPS)
        largest = np.abs(means).max(axis=0, initial=0.0)
        self.errors: Real = _jackknife(rest) + partition.truncation * largest

    def split(self, count: int) -> tuple[_Estimate, _Estimate]:
        """Those of the first `count` operators, and the others."""
        return _Estimate(self.partition, self._means[:, :count]), _Estimate(self.partition, self._means[:, count:])


def _jackknife(left_out: Real) -> Real:
    """The standard error (...) from the estimates (samples, ...) that leave one sample out each."""
    spread = np.square(left_out - left_out.mean(axis=0)).sum(axis=0)
    return np.asarray(np.sqrt(spread * (len(left_out) - 1) / len(left_out)))


def _weights(operators: tuple[PauliSum, ...]) -> tuple[tuple[tuple[int, int], ...], sparse.csr_array]:
    """All strings, and the coefficient of each in each operator (operators, strings)."""
    words = tuple(dict.fromkeys(word for g in operators for word in g.words))
    column = {word: k for k, word in enumerate(words)}
    rows = [j for j, g in enumerate(operators) for _ in g.words]
    columns = [column[word] for g in operators for word in g.words]
    values = [c.real for g in operators for c in g.coefficients]
    return words, sparse.csr_array((values, (rows, columns)), shape=(len(operators), len(words)), dtype=np.float64)


class LargeGibbsModel(Model):
    r"""The exponential family of Pauli sums on more qubits than a matrix could hold: :class:`ThermalState` s.

    .. math:: \sigma_\theta = e^{-K_\theta} / Z, \qquad K_\theta = \sum_j \theta_j G_j

    The random vectors are the same for every theta, so that the cross entropy, estimated, is a smooth function with an
    exact gradient, and any optimizer works. What a fit finds carries the statistical error of these vectors; a state
    with another `seed` measures it independently (see docs/explanation/large_gibbs.md).

    Parameters
    ----------
    generators : PauliSum, or sequence or mapping of PauliSum
        As for :class:`GibbsModel`: the strings of one sum, or whole operators, one parameter each.
    samples, seed, krylov : int
        As for :class:`ThermalState`.

    Examples
    --------
    >>> from qml import fit
    >>> from qml.operators import tfim
    >>> hamiltonian = tfim(8)
    >>> target = ThermalState([hamiltonian], [0.5], samples=16, seed=1).moments(hamiltonian)
    >>> result = fit(LargeGibbsModel(hamiltonian, samples=16), target, seed=0, gradient_tolerance=1e-6)
    >>> result.converged, bool(np.abs(result.params + 0.5).max() < 0.2)
    (True, True)
    """

    def __init__(
        self, generators: GeneratorsLike, *, samples: int = 32, seed: int = 0, krylov: int | None = None
    ) -> None:
        self.generators = operators_of(generators)
        zero = ThermalState(self.generators, np.zeros(len(self.generators)), samples=samples, seed=seed, krylov=krylov)
        self.samples, self.seed, self.krylov, self._dims = zero.samples, zero.seed, krylov, zero.dims

    @property
    def dims(self) -> Dims:
        return self._dims

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return tuple(self.generators)

    def init_params(self, rng: np.random.Generator, scale: float = 0.1) -> Real:
        """A random start near the maximally mixed state: normal, of standard deviation `scale`."""
        return normal_start(rng, self.n_params, scale)

    def state(self, params: ParamsLike = ()) -> ThermalState:
        theta = self.theta(params)
        return ThermalState(self.generators, theta, samples=self.samples, seed=self.seed, krylov=self.krylov)

    def state_vjp(self, params: ParamsLike = ()) -> tuple[ThermalState, Callable[[Cotangent], Real]]:
        """The state, whose coordinate is theta itself."""
        return self.state(params), lambda cotangent: np.asarray(cotangent, dtype=np.float64)

    def __repr__(self) -> str:
        count = _checks.plural(self.n_params, "generator")
        return f"LargeGibbsModel(dims={self.dims}, {count}, samples={self.samples}, seed={self.seed})"
