"""Engines of thermal states: log Tr exp(-K) and expectations in exp(-K)/Z, without the matrix of K."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qml import _checks, spectral
from qml._checks import OutsideDomain
from qml._descriptions import Described
from qml._typing import Real
from qml.operators import PauliLike, PauliSum, as_pauli_sum
from qml.operators.generators import coefficients_of
from qml.operators.sites import hermitian_sum

LIMIT = 400
"""Krylov vectors at most."""
LARGEST = 1e10
"""Couplings of K in all, in temperatures."""


@dataclass(frozen=True, eq=False)
class ThermalEstimate(_checks.Record):
    """What an engine says of exp(-K)/Z.

    Attributes
    ----------
    log_partition, log_partition_error : float
        log Z in nats, and its standard error.
    values, errors : array (m,)
        The expectations of the observables, minus the exact derivatives of `log_partition`, and their standard errors.
    dimension : int
        Of the space that was needed.
    truncation : float
        The estimated relative error that it leaves, which the errors include.
    """

    log_partition: float
    log_partition_error: float
    values: Real
    errors: Real
    dimension: int
    truncation: float


class ThermalEngine(Described, ABC):
    """Estimates thermal states of Pauli sums. Passed as an argument; holds no state that changes an answer.

    Examples
    --------
    >>> from qml.engines import ChainEngine
    >>> found = ChainEngine().thermal({"ZZ": 0.5}, ["ZZ"])
    >>> bool(abs(found.log_partition - np.log(4 * np.cosh(0.5))) < 1e-8), found.values.round(6)
    (True, array([-0.462117]))
    """

    @abstractmethod
    def thermal(self, hamiltonian: PauliLike, observables: Sequence[PauliLike] = ()) -> ThermalEstimate:
        """log Tr exp(-K), and Tr(exp(-K) O)/Z of every observable, in one run; smooth functions of K.

        Parameters
        ----------
        hamiltonian : PauliSum, str or mapping of str to float
            K = beta H, Hermitian and without a unit.
        observables : sequence of PauliSum, str or mapping of str to float
            O, Hermitian, on the same qubits.

        Returns
        -------
        ThermalEstimate

        Raises
        ------
        InputError
            If an operator is not Hermitian, or acts on other qubits.
        OutsideDomain
            If the couplings add up to more than 1e10 temperatures.
        MemoryRefused
            If what the engine works with would not fit.
        """


def hermitian_sums(hamiltonian: PauliLike, observables: Sequence[PauliLike]) -> tuple[PauliSum, tuple[PauliSum, ...]]:
    """K and the observables as Hermitian Pauli sums of the same qubits; others are refused."""
    given = as_pauli_sum(hamiltonian, "hamiltonian")
    k = hermitian_sum("hamiltonian", given, given.dims)
    listed = enumerate(_checks.listed("observables", observables, "Pauli sums"))
    return k, tuple(hermitian_sum(f"observable {j}", o, k.dims) for j, o in listed)


def without_constant(k: PauliSum) -> tuple[PauliSum, float, float]:
    """K without its multiple of the identity, that multiple, and the sum of the sizes of all couplings; a sum that
    leaves no digit of log Z is outside the domain."""
    terms = {w: c for w, c in zip(k.words, k.coefficients, strict=True) if c}
    constant = terms.pop((0, 0), 0.0).real
    size = float(sum(map(abs, terms.values())))
    if not size <= LARGEST:
        raise OutsideDomain(
            f"the couplings of K add up to {size:.3g} temperatures; above {LARGEST:.0e} rounding leaves no digit of "
            "log Z: take a smaller K."
        )
    return PauliSum(k.n_qubits, tuple(terms), tuple(terms.values())), constant, size


class KrylovEngine(ThermalEngine):
    r"""Thermal states from random vectors and the Lanczos method.

    .. math:: \hat Z = \frac{2^n}{R} \sum_{r=1}^R \langle r | e^{-K} | r \rangle

    with R vectors r drawn uniformly from the unit sphere by `seed`, the same for every K, so that log Z is a smooth
    function of K and the expectations its exact derivatives. Standard errors are jackknifed over the vectors. The bias
    is of second order: log Z comes out too low by half of its squared error, on average, and expectations are off by
    less than their error over sqrt(R). What the finite Krylov space leaves, as estimated, is added to the errors; it is
    1e-10 unless `steps` is reached first.

    Parameters
    ----------
    samples : int
        R, at least 2; multiples of 8 waste nothing. Errors fall as 1/sqrt(R), and R more vectors extend the earlier.
    seed : int
        What the vectors follow from.
    steps : int, optional
        Steps of Lanczos at most, 400 by default; it takes as many as the tolerance asks for, in strides of 8.

    Raises
    ------
    InputError
        For numbers out of range.
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
    >>> from qml.operators import pauli
    >>> found = KrylovEngine(samples=64).thermal(0.5 * pauli("ZZ"), [pauli("ZZ")])
    >>> bool(abs(found.log_partition - np.log(4 * np.cosh(0.5))) < 4 * found.log_partition_error)
    True
    >>> bool(abs(found.values[0] + np.tanh(0.5)) < 4 * found.errors[0])
    True
    """

    def __init__(self, samples: int = 32, seed: int = 0, steps: int | None = None) -> None:
        self.samples = _checks.integer("samples", samples, low=2)
        self.seed = _checks.integer("seed", seed, low=0)
        self.steps = LIMIT if steps is None else _checks.integer("steps", steps, low=1)

    def thermal(self, hamiltonian: PauliLike, observables: Sequence[PauliLike] = ()) -> ThermalEstimate:
        from qml.engines.krylov import sample

        hamiltonian, held = hermitian_sums(hamiltonian, observables)
        k, constant, _ = without_constant(hamiltonian)
        n = k.n_qubits
        words, weights = coefficients_of(held)
        found = sample(
            n,
            k.words,
            np.array([c.real for c in k.coefficients]),
            words,
            samples=self.samples,
            seed=self.seed,
            limit=self.steps,
        )
        top = found.log_weights.max()
        z = np.exp(found.log_weights - top)
        shares, truncation = z / z.sum(), found.truncation
        means = (weights @ found.means.T).T
        values = (shares[:, None] * means).sum(axis=0)
        rest = (values - shares[:, None] * means) / np.maximum(1 - shares[:, None], spectral.EPS)
        return ThermalEstimate(
            float(n * math.log(2.0) + top + np.log(z.mean()) - constant),
            float(_jackknife(np.log1p(-np.minimum(shares, 1 - spectral.EPS)))) + truncation,
            values,
            _jackknife(rest) + truncation * np.abs(means).max(axis=0, initial=0.0),
            found.dimension,
            truncation,
        )

    def __repr__(self) -> str:
        return f"KrylovEngine(samples={self.samples}, seed={self.seed}, steps={self.steps})"


def _jackknife(left_out: Real) -> Real:
    """The standard error (...) from the estimates (samples, ...) that leave one sample out each."""
    spread = np.square(left_out - left_out.mean(axis=0)).sum(axis=0)
    return np.asarray(np.sqrt(spread * (len(left_out) - 1) / len(left_out)))
