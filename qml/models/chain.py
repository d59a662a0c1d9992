"""Gibbs models of long chains: numerically exact, with metrics, reduced states and shots."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Integer, ParamsLike, Real
from qml.engines.mps.engine import ChainEngine, ThermalChain
from qml.engines.mps.readout import outcomes, reduced_matrix
from qml.engines.thermal import ThermalEstimate
from qml.geometry import Metric
from qml.geometry.metric import gibbs_weights
from qml.models.thermal import LargeGibbsModel, ThermalState
from qml.operators import GeneratorsLike, PauliSum
from qml.operators.sites import kept_sites
from qml.states import State, StateLike, one_state
from qml.states.density_matrix import DensityMatrix

WEIGHTS = {kind: partial(gibbs_weights, kind) for kind in ("bkm", "wigner_yanase")}
"""What each metric puts on pairs of eigenvectors; that of the Bures metric is no sum of correlations along imaginary
time, at least none of a few terms."""


SMALL = 64
"""The dimension of the matrices of most chains: for these one thread is fastest."""


class ChainState(ThermalState):
    r"""A Gibbs state exp(-K)/Z of a long chain of qubits, as matrix-product operators.

    .. math:: K = \sum_j \theta_j G_j

    log Z, expectations and the entropy are exact to the error that is stated beside them; it comes from what was left
    out in compressing (see :class:`~qml.engines.ChainEngine`), and no number is sampled.

    Coordinate: theta. What only a matrix can tell (``matrix``, ``spectrum``, ``purity``, ...) is computed exactly, by
    way of :class:`~qml.states.GibbsState`, where the memory suffices.

    Parameters
    ----------
    generators : PauliSum, or sequence or mapping of PauliSum
        G_j, read as by :class:`ChainGibbsModel`.
    params : array (m,)
        theta.
    engine : ChainEngine, optional
        By default ``ChainEngine()``.

    Raises
    ------
    InputError
        For generators that are no Pauli sums, or shapes that do not fit.

    Examples
    --------
    >>> from qml.operators import tfim
    >>> sigma = ChainState([tfim(60)], [1.0])
    >>> round(sigma.log_partition() / 60, 7), bool(sigma.log_partition_error < 1e-8)
    (1.4101831, True)
    >>> sigma.partial_trace([29, 30]), round(sigma.mutual_information([29], [30]), 6)
    (DensityMatrix(dims=(2, 2)), 0.223456)
    """

    _kind = "chain_state"

    def __init__(self, generators: GeneratorsLike, params: ArrayLike, engine: ChainEngine | None = None) -> None:
        self._chains = ChainEngine() if engine is None else _checks.instance("engine", engine, ChainEngine)
        super().__init__(generators, params, self._chains)

    @classmethod
    def of(cls, state: StateLike, engine: ChainEngine | None = None) -> ChainState:
        r"""A state of full rank of a few qubits as a chain, :math:`K = -\log\rho`; O(d^3).

        Parameters
        ----------
        state : State, array (d, d) or Qobj
            rho, on qubits.
        engine : ChainEngine, optional
            ``ChainEngine()`` by default.

        Raises
        ------
        InputError
            For a batch, sites that are no qubits, or a state without full rank.

        Examples
        --------
        >>> from qml.operators import tfim
        >>> from qml.states import thermal
        >>> rho = thermal(tfim(4), 0.7)
        >>> bool(abs(ChainState.of(rho).matrix() - rho.matrix()).max() < 1e-12)
        True
        """
        rho = one_state(state)
        if set(rho.dims) != {2}:
            raise InputError(f"a chain is one of qubits; found a state on sites of dimensions {rho.dims}.")
        if rho.rank() < rho.dim:
            raise InputError(f"a chain has full rank; found a state of rank {rho.rank()} in dimension {rho.dim}.")
        spectrum = rho.spectrum()
        return cls({"K": PauliSum.from_matrix(spectrum.matrix_of(-spectrum.log_eigenvalues))}, [1.0], engine)

    @cached_property
    def chain(self) -> ThermalChain:
        """The matrix-product operators."""
        return self._chains.chain(self.hamiltonian)

    def _run(self, operators: Sequence[PauliSum] = ()) -> ThermalEstimate:
        return self.chain.estimate(operators)

    @property
    def bond(self) -> int:
        """The largest bond dimension of exp(-K/2)."""
        return self.chain.bond

    def partial_trace(self, keep: Sequence[int]) -> DensityMatrix:
        """The reduced state of the sites `keep`, in the order listed: some ten of them, wherever they are.

        O(n chi^3 + 4^k chi^2) for k sites.

        Raises
        ------
        InputError
            If `keep` names no site, one twice, or one that there is not.
        MemoryRefused
            If a matrix (2^k, 2^k) would not fit.

        Examples
        --------
        >>> from qml.operators import tfim
        >>> ChainState([tfim(50)], [1.0]).partial_trace([49, 0]).matrix().real.round(4).diagonal()
        array([0.25, 0.25, 0.25, 0.25])
        """
        kept = kept_sites(keep, self.n_qubits)
        ordered = sorted(kept)
        found = DensityMatrix(reduced_matrix(self.chain.roots[0], ordered))
        return found if list(kept) == ordered else found.partial_trace([ordered.index(site) for site in kept])

    def sample(self, shots: int, rng: np.random.Generator | int, letters: str | None = None) -> Integer:
        """Outcomes of measuring every qubit along a letter X, Y or Z, shape (shots, n): a row of bits for each shot.

        Bit 0 is the +1 eigenstate. O(n chi^2) a shot.

        Parameters
        ----------
        shots : int
        rng : numpy Generator or int
            An int is the seed of a new generator.
        letters : str, optional
            One letter a qubit, or one for all of them; by default "Z".

        Raises
        ------
        InputError
            For shots below 0, other letters or another number of them, or what is no generator.
        MemoryRefused
            If so many samples would not fit.

        Examples
        --------
        >>> from qml.operators import pauli, tfim
        >>> sigma = ChainState([tfim(40)], [1.0])
        >>> bits = sigma.sample(4000, 0, "X")
        >>> signs, exact = 1 - 2 * bits, [sigma.expect(pauli("X", sites=(i,), n=40)) for i in range(40)]
        >>> bool(abs(signs.mean(axis=0) - exact).max() < 4 / np.sqrt(4000))
        True
        """
        n = self.n_qubits
        word = "Z" * n if letters is None else _checks.text("letters", letters)
        word = word * n if len(word) == 1 else word
        if len(word) != n or set(word) - set("XYZ"):
            raise InputError(
                f"letters must be one of X, Y and Z for each of the {n} qubits, or one for all; found {letters!r}."
            )
        count = _checks.integer("shots", shots, low=0)
        return outcomes(self.chain.roots[0], word, count, _checks.generator("rng", rng, or_seed=True))

    def _pull_expect(self, operator: PauliSum | Complex) -> Cotangent:
        """-cov(G_j, O) of the Bogoliubov-Kubo-Mori metric."""
        if not isinstance(operator, PauliSum):
            return super(ThermalState, self)._pull_expect(operator)
        return -self.chain.covariances((*self.generators, operator), WEIGHTS["bkm"])[-1, :-1]


class ChainMetric(Metric):
    """The metric of the Gibbs states of a chain: covariances of its generators along imaginary time.

    Parameters
    ----------
    state : ChainState
    kind : {"bkm", "wigner_yanase"}
    """

    def __init__(self, state: ChainState, kind: str = "bkm") -> None:
        super().__init__(kind, len(state.generators))
        if kind not in WEIGHTS:
            raise InputError(f"chains have the metrics {_checks.told(WEIGHTS)}; found {kind!r}: choose one of them.")
        self._state = state

    @cached_property
    def _matrix(self) -> Real:
        return _checks.kept(self._state.chain.covariances(self._state.generators, WEIGHTS[self.kind]))

    def matrix(self) -> Real:
        return self._matrix


class ChainGibbsModel(LargeGibbsModel):
    r"""The exponential family of Pauli sums on a long chain of qubits: :class:`ChainState` s.

    .. math:: \sigma_\theta = e^{-K_\theta} / Z, \qquad K_\theta = \sum_j \theta_j G_j

    As :class:`LargeGibbsModel`, but to a tolerance and not from random vectors, so that twenty to a hundred qubits and
    more can be learnt where what couples them is local; and with the Bogoliubov-Kubo-Mori metric, which is the Hessian
    of the cross entropy: Newton's method and natural gradients work.

    Parameters
    ----------
    generators : PauliSum, or sequence or mapping of PauliSum
        As for :class:`GibbsModel`: the strings of one sum, or whole operators, one parameter each.
    engine : ChainEngine, optional
        By default ``ChainEngine()``, errors below 1e-8.

    Raises
    ------
    InputError
        If a generator is no sum of Pauli strings, or they are on different chains.

    Notes
    -----
    A value with its gradient costs O(n chi^4), the metric O(n m chi^3 + m^2 chi^2), with the bond dimension chi that
    the tolerance asks for (17 for critical Ising chains at temperature 1). As a quadratic form the metric is right to
    1e-4 at temperatures that are not small against the couplings, else to 3e-4, that of Wigner and Yanase to 3e-3.
    Source: Anshu, Arunachalam, Kuwahara and Soleimanifar (2021), Nat. Phys. 17, 931, arXiv:2004.07266 (learning by the
    matching of moments).

    Examples
    --------
    >>> from qml import fit
    >>> from qml.operators import tfim
    >>> hamiltonian = tfim(20)
    >>> target = ChainState([hamiltonian], [0.8]).moments(hamiltonian)
    >>> result = fit(ChainGibbsModel(hamiltonian), target, optimizer="newton", seed=0, gradient_tolerance=1e-6)
    >>> result.converged, bool(np.abs(result.params + 0.8).max() < 1e-5)
    (True, True)
    """

    is_exponential_family = True
    engine: ChainEngine

    def __init__(self, generators: GeneratorsLike, engine: ChainEngine | None = None) -> None:
        chains = ChainEngine() if engine is None else _checks.instance("engine", engine, ChainEngine)
        super().__init__(generators, chains)

    @property
    def matrix_dim(self) -> int:
        """Small: that of the tensors, not of the state."""
        return min(self.engine.bond, SMALL)

    def state(self, params: ParamsLike = ()) -> ChainState:
        return ChainState(self.generators, self.theta(params), self.engine)

    def _metric(
        self, params: ParamsLike, kind: str, state: State | None, weights: Real | None, tolerance: float
    ) -> ChainMetric:
        """From correlations along imaginary time; `tolerance` changes nothing."""
        return ChainMetric(state if isinstance(state, ChainState) else self.state(params), kind)
