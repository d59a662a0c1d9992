"""Tensor products of measurements: every factor measured on its own sites."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from qml import _checks
from qml._arrays import as_complex, as_real, outer
from qml._checks import InputError
from qml._typing import Complex, Integer, Numeric, Real
from qml.engines.pauli_state import matrix_of, pauli_vector_of, vector_of
from qml.measurement.base import Measurement, checked_measurements, of_states
from qml.states.base import State


class ProductMeasurement(Measurement):
    r"""Measurements of neighbouring groups of sites, side by side: effects are tensor products.

    .. math:: M_{k_1 \dots k_m} = M^{(1)}_{k_1} \otimes \dots \otimes M^{(m)}_{k_m}

    A setting is one setting of each factor. No product is formed: each factor is a map on the coordinates of its own
    sites (4 for a qubit: the Pauli expectations).

    Parameters
    ----------
    factors : sequence of Measurement
        From the first sites to the last.

    Raises
    ------
    InputError
        Without factors, for a measurement of processes, or where names of settings, which are joined by commas, are no
        longer distinct.
    MemoryRefused
        If the probabilities of all outcomes would not fit.

    Examples
    --------
    >>> from qml.measurement import pauli_six
    >>> from qml.states import ghz
    >>> two = ProductMeasurement([pauli_six(), pauli_six()])
    >>> two.n_outcomes, float(two.probabilities(ghz(2)).sum().round(12))
    (36, 1.0)
    """

    _kind = "product"

    def __init__(self, factors: Sequence[Measurement]) -> None:
        self.factors = tuple(of_states("factors", m) for m in checked_measurements("factors", factors))
        self.dims = tuple(d for factor in self.factors for d in factor.dims)
        self._total = math.prod(factor.n_outcomes for factor in self.factors)
        _checks.memory(f"a measurement with {self._total} outcomes", 32 * self._total, "use fewer sites")
        named = [factor.settings for factor in self.factors]
        is_one = len(set(named)) == 1 and len(named[0]) == 1
        self.settings = named[0] if is_one else tuple(map(",".join, itertools.product(*named)))
        if len(set(self.settings)) < len(self.settings):
            raise InputError("joined by commas, names of settings must stay distinct: leave out the commas in theirs.")
        self.sizes = _checks.kept(outer(factor.sizes for factor in self.factors).astype(np.int64))

    @cached_property
    def _order(self) -> Integer | None:
        """Where the outcomes, setting after setting, stand in the tensor over the outcomes of the factors."""
        if len(self.sizes) == 1:
            return None
        place = np.arange(self._total, dtype=np.int64).reshape([factor.n_outcomes for factor in self.factors])
        blocks = []
        for chosen in itertools.product(*(range(len(factor.settings)) for factor in self.factors)):
            spans = tuple(slice(*f.offsets[s : s + 2].tolist()) for f, s in zip(self.factors, chosen, strict=True))
            blocks.append(place[spans].reshape(-1))
        return np.concatenate(blocks)

    @cached_property
    def _back(self) -> Integer | None:
        """The way back from :attr:`_order`."""
        return None if self._order is None else np.argsort(self._order)

    @cached_property
    def _maps(self) -> list[Numeric]:
        """For each factor, its effects (outcomes, coordinates): Tr(M P) / 2^m over Pauli strings, or conj(M_ij)."""
        maps: list[Numeric] = []
        for factor in self.factors:
            effects = np.array([factor.element(k) for k in range(factor.n_outcomes)])
            if not self._has_pauli_coordinates:
                maps.append(effects.conj().reshape(len(effects), -1))
                continue
            maps.append(np.array([vector_of(e, len(factor.dims)) for e in effects]) / factor.dim)
        return maps

    @property
    def _has_pauli_coordinates(self) -> bool:
        return set(self.dims) == {2}

    def _forward(self, coordinates: Numeric) -> Real:
        """Probabilities (..., n_outcomes) from the coordinates (..., d^2) of all factors."""
        x = coordinates.reshape(-1, self.dim**2).T
        for m in self._maps:  # the first axis is contracted, the new one goes last: behind the members
            x = x.reshape(m.shape[1], -1).T @ m.T
        p = x.real.reshape(*coordinates.shape[:-1], self._total)
        return as_real(p if self._order is None else p[..., self._order])

    def _probabilities(self, state: State) -> Real:
        if self._has_pauli_coordinates:
            return self._forward(pauli_vector_of(state))
        return self.probabilities_of(state.matrix())

    def _probabilities_of(self, matrix: Complex) -> Real:
        if self._has_pauli_coordinates:
            return self._forward(vector_of(matrix, len(self.dims)))
        parts = [factor.dim for factor in self.factors]
        m = len(parts)
        axes = [0, *(axis for k in range(m) for axis in (1 + k, 1 + m + k))]
        paired = matrix.reshape(-1, *parts * 2).transpose(*axes)
        return self._forward(paired.reshape(*matrix.shape[:-2], self.dim**2))

    def _adjoint(self, weights: Real) -> Complex:
        x: Numeric = weights if self._back is None else weights[self._back]
        for m in self._maps:
            x = x.reshape(m.shape[0], -1).T @ m.conj()
        if self._has_pauli_coordinates:
            return matrix_of(x.reshape(-1).real * self.dim, len(self.dims))
        parts = [factor.dim for factor in self.factors]
        axes = [*range(0, 2 * len(parts), 2), *range(1, 2 * len(parts), 2)]
        pairs = [d for part in parts for d in (part, part)]
        return as_complex(x.reshape(*pairs).transpose(*axes).reshape(self.dim, self.dim))

    def traces(self) -> Real:
        t = outer(factor.traces() for factor in self.factors)
        return t if self._order is None else t[self._order]

    def _outcome_shape(self, setting: int) -> tuple[int, ...]:
        chosen = np.unravel_index(setting, [len(factor.settings) for factor in self.factors])
        return tuple(n for f, s in zip(self.factors, chosen, strict=True) for n in f.outcome_shape(int(s)))
