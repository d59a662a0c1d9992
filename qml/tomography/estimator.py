"""StateTomography: maximum likelihood with the manners of a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from qml import _checks
from qml._checks import InputError
from qml._typing import Real
from qml.losses import NegativeLogLikelihood
from qml.measurement import Counts, Measurement
from qml.states import DensityMatrix
from qml.tomography.linear import record_of
from qml.tomography.mle import maximum_likelihood


@dataclass(kw_only=True, eq=False)
class StateTomography:
    """The state of maximum likelihood as an estimator: parameters are set first, ``fit`` takes the data.

    It follows the conventions of scikit-learn (``get_params``, ``set_params``, ``clone``, trailing underscores) without
    importing it.

    Parameters
    ----------
    method, rank, gap, relative_gap, hedging, max_iterations
        As in :func:`qml.tomography.maximum_likelihood`, and checked there.

    Attributes
    ----------
    state_ : DensityMatrix
    log_likelihood_, certificate_ : float
        In nats.
    n_iter_ : int
    result_ : TomographyResult

    Raises
    ------
    InputError
        By ``fit``, for a setting out of range.

    Examples
    --------
    >>> record = {"X": {"0": 60, "1": 40}, "Y": {"0": 50, "1": 50}, "Z": {"0": 100}}
    >>> estimator = StateTomography(hedging=0.5).fit(record)
    >>> int(estimator.state_.rank())
    2
    >>> estimator.get_params()["hedging"]
    0.5
    """

    method: str = "conjugate_gradient"
    rank: int | None = None
    gap: float = 1e-9
    relative_gap: float = 1e-12
    hedging: float = 0.0
    max_iterations: int = 20000

    def fit(self, counts: Counts | Mapping[Any, Any], y: None = None) -> Self:
        """Find the state of maximum likelihood.

        Parameters
        ----------
        counts : Counts or mapping
            A record, or ``{Pauli setting: {outcome: count}}``.
        y : None
            As scikit-learn wants it.

        Raises
        ------
        InputError
            As :func:`qml.tomography.maximum_likelihood`.
        """
        record = counts if isinstance(counts, Counts) else Counts.from_dicts(counts)
        self.result_ = maximum_likelihood(record, **self.get_params())
        self.state_ = self.result_.state
        self.log_likelihood_ = self.result_.log_likelihood
        self.certificate_ = self.result_.certificate
        self.n_iter_ = self.result_.iterations
        return self

    def predict(self, measurement: Measurement) -> Real:
        """The Born probabilities (n_outcomes,) that the state gives to a measurement.

        Parameters
        ----------
        measurement : Measurement
            On the sites of the state.

        Raises
        ------
        InputError
            Before a fit, or if it is on other sites.
        """
        return _checks.instance("measurement", measurement, Measurement).probabilities(self._fitted())

    def score(self, counts: Counts, y: None = None) -> float:
        """sum_k f_k log p_k, the log-likelihood of a record per shot, in nats; -inf where the state excludes an
        outcome that was seen.

        Parameters
        ----------
        counts : Counts
            On the sites of the state.
        y : None
            As scikit-learn wants it.

        Raises
        ------
        InputError
            Before a fit, or for a record without shots or on other sites.
        """
        return -float(NegativeLogLikelihood().value(record_of(counts), self._fitted()))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name.

        Parameters
        ----------
        deep : bool
            As scikit-learn wants it; nothing is nested here.
        """
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def set_params(self, **params: Any) -> Self:
        """Change parameters by name, and return the estimator.

        Parameters
        ----------
        **params
            As of the class.

        Raises
        ------
        InputError
            For a name that is no parameter.
        """
        for name, value in params.items():
            _checks.choice("a parameter of StateTomography", name, self.__dataclass_fields__)
            setattr(self, name, value)
        return self

    def _fitted(self) -> DensityMatrix:
        if not hasattr(self, "state_"):
            raise InputError("StateTomography has no state yet: call fit(counts) first.")
        return self.state_
