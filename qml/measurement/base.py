"""The interface of a measurement: settings with outcomes, Born probabilities, and their adjoint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np

from qml._typing import Complex, Dims, Integer, Real
from qml.states.base import State


class Measurement(ABC):
    """One or more settings; each is a positive operator-valued measure (POVM) applied to fresh copies of a state.

    The outcomes of all settings stand in one flat list, setting after setting: outcome k of setting s is entry
    ``offsets[s] + k``, with the effect M_k. In each setting the effects add up to the identity.
    """

    dims: Dims

    @property
    @abstractmethod
    def settings(self) -> tuple[str, ...]:
        """One name a setting."""

    @property
    @abstractmethod
    def sizes(self) -> Integer:
        """The number of outcomes of each setting, shape (settings,)."""

    @property
    def n_outcomes(self) -> int:
        """Outcomes of all settings together."""
        return int(self.sizes.sum())

    @cached_property
    def offsets(self) -> Integer:
        """Where each setting starts in the flat list, and its end: shape (settings + 1,)."""
        return np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.int64)

    @abstractmethod
    def probabilities(self, state: State) -> Real:
        """Tr(M_k sigma) for every outcome, shape (..., n_outcomes): they add up to one in each setting."""

    @abstractmethod
    def probabilities_of(self, matrix: Complex) -> Real:
        """Tr(M_k X) of any Hermitian X (d, d), shape (n_outcomes,): what :meth:`adjoint` is the adjoint of."""

    @abstractmethod
    def adjoint(self, weights: Real) -> Complex:
        """sum_k w_k M_k for one weight an outcome (n_outcomes,): a Hermitian matrix (d, d)."""

    @abstractmethod
    def traces(self) -> Real:
        """Tr M_k, shape (n_outcomes,)."""

    @abstractmethod
    def element(self, outcome: int) -> Complex:
        """The effect M_k (d, d) at a place in the flat list."""
