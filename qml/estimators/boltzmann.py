"""A density estimator of bit strings: the quantum Boltzmann machine."""

from __future__ import annotations

import itertools
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from qml import _checks
from qml._checks import InputError
from qml._typing import Integer, Real
from qml.encodings.maps import binary_frequencies, binary_index
from qml.estimators.common import Decay, keep, seed_of, stopping
from qml.fitting import fit
from qml.models.gibbs import GibbsModel
from qml.operators import pauli
from qml.states import DensityMatrix

GENERATORS = {
    "ising": ("Z", ("ZZ",)),
    "transverse": ("XZ", ("ZZ",)),
    "pairs": ("XYZ", tuple(a + b for a in "XYZ" for b in "XYZ")),
}
"""One-body letters and two-body strings on all pairs, by name."""


@dataclass(eq=False, repr=False)
class QuantumBoltzmannMachine(DensityMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""The distribution of bit strings as the populations of a Gibbs state.

    .. math:: p(x) = \langle x|\sigma_\theta|x\rangle, \qquad \sigma_\theta = e^{-\sum_j \theta_j P_j} / Z, \qquad
        \min_\theta S(\rho, \sigma_\theta) + \frac{\alpha}{2} \lVert\theta\rVert^2

    Parameters
    ----------
    generators : {"ising", "transverse", "pairs"}
        Z on all sites and ZZ on all pairs (the classical Boltzmann machine without hidden units); with X on all sites
        besides; or all Pauli strings on one or two sites.
    data : {"diagonal", "rank_one"}
        The state rho of the frequencies q: diag(q), or the pure state sum_x sqrt(q(x)) \|x>. With diag(q) every
        generator with an X or a Y has the optimum zero (if alpha > 0, exactly so).
    alpha : float
        Strength of the penalty, at least 0. Without one, data that lack some strings have no finite optimum: the fit
        approaches it and stops by `tol`.
    binarize : float or None
        What is larger is read as 1, else as 0; None: X must hold 0 and 1 only.
    max_iter : int
    tol : float
        Of the largest entry of the gradient, in nats.
    random_state : int, RandomState or None
        For :meth:`sample`.
    verbose : bool
        Whether fits of more than two seconds show their progress.

    Attributes
    ----------
    model_ : GibbsModel
    params_ : array (n_params,)
    state_ : State
        sigma; 2^n_features dimensional.
    log_probabilities_ : array (2^n_features,)
    result_ : FitResult
    n_iter_ : int

    Raises
    ------
    InputError
        By ``fit``, for a setting out of range.

    Notes
    -----
    O(n^2 2^n) a step for "ising", O(8^n) for the others: up to about 20 and 10 bits.
    With "pairs" and "rank_one" the machine learns what pair correlations of the bits do not show, such as their parity,
    unless the bits are exactly without bias (statement 22 of :mod:`qml.principle`); the couplings this takes are large,
    so that `alpha` must be small.
    Source: Amin et al. (2018), arXiv:1601.02036; Kappen (2018), arXiv:1803.11278 (rank-one data).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0, 0], [1, 1], [1, 1], [0, 1]])
    >>> machine = QuantumBoltzmannMachine(alpha=0.01).fit(X)
    >>> np.exp(machine.score_samples([[0, 0], [0, 1], [1, 0], [1, 1]])).round(2)
    array([0.25, 0.25, 0.01, 0.5 ])
    """

    generators: str = "ising"
    _: KW_ONLY
    data: str = "diagonal"
    alpha: float = 1e-3
    binarize: float | None = 0.0
    max_iter: int = 1000
    tol: float = 1e-6
    random_state: Any = None
    verbose: bool = False

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the distribution of bit strings.

        Parameters
        ----------
        X : array (m, n_features)
            What `binarize` makes bits of.
        y : ignored
            As scikit-learn wants it.

        Raises
        ------
        InputError
            For entries that are no bits where `binarize` is None, or a setting out of range.
        MemoryRefused
            For so many bits that the state would not fit.
        """
        letters, pairs = GENERATORS[_checks.choice("generators", self.generators, GENERATORS)]
        _checks.choice("data", self.data, ("diagonal", "rank_one"))
        alpha = _checks.number("alpha", self.alpha, low=0.0)
        rules = stopping(self.max_iter, self.tol, self.verbose)
        bits = self._bits(validate_data(self, X, dtype=np.float64))
        n = bits.shape[1]
        width = n if self.generators == "ising" and self.data == "diagonal" else 2 * n
        _checks.memory(f"a Boltzmann machine of {n} bits", 16 * 2**width, "select fewer features")
        strings = [pauli(a, sites=(i,), n=n) for i in range(n) for a in letters]
        strings += [pauli(ab, sites=ij, n=n) for ij in itertools.combinations(range(n), 2) for ab in pairs]
        model = GibbsModel(strings)
        q = binary_frequencies(bits)
        rho = DensityMatrix.from_probabilities(q) if self.data == "diagonal" else DensityMatrix.from_vector(np.sqrt(q))
        result = fit(
            model,
            rho,
            params0=np.zeros(model.n_params),
            prior=Decay(np.full(model.n_params, alpha)) if alpha else None,
            seed=seed_of(self.random_state),
            **rules,
        )
        self.state_ = result.state
        spectrum = self.state_.spectrum()
        if spectrum.basis is None:
            self.log_probabilities_ = spectrum.log_eigenvalues
        else:
            self.log_probabilities_ = np.log(self.state_.probabilities())
        keep(self, model, result.params, result)
        return self

    def score_samples(self, X: Any) -> Real:
        """log p(x) in nats, shape (m,).

        Parameters
        ----------
        X : array (m, n_features)
            What `binarize` makes bits of.
        """
        check_is_fitted(self)
        bits = self._bits(validate_data(self, X, dtype=np.float64, reset=False))
        return np.asarray(self.log_probabilities_[binary_index(bits)])

    def score(self, X: Any, y: Any = None) -> float:
        """The mean log-likelihood in nats a sample: minus the classical cross entropy."""
        return float(self.score_samples(X).mean())

    def sample(self, n_samples: int = 1, random_state: Any = None) -> Integer:
        """Bit strings (n_samples, n_features) drawn from p.

        Parameters
        ----------
        n_samples : int
            At least 1.
        random_state : int, RandomState or None
            As in scikit-learn; by default that of the estimator.
        """
        check_is_fitted(self)
        count = _checks.integer("n_samples", n_samples, low=1)
        p = np.exp(self.log_probabilities_)
        rng = check_random_state(self.random_state if random_state is None else random_state)
        drawn = rng.choice(len(p), size=count, p=p / p.sum())
        return np.asarray((drawn[:, None] >> np.arange(self.n_features_in_)[::-1]) & 1)

    def _bits(self, x: Real) -> Integer:
        if self.binarize is not None:
            return np.asarray(x > _checks.number("binarize", self.binarize)).astype(np.int64)
        if not np.isin(x, (0, 1)).all():
            raise InputError("X must hold 0 and 1 only where binarize is None: set a threshold.")
        return x.astype(np.int64)
