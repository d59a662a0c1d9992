"""Quantum states: what they are held as, what they know of their own spectrum, and how to make them."""

from qml.states import storage as storage  # which makes states of descriptions
from qml.states.algebra import nearest_density_matrix, partial_trace, purify, tensor
from qml.states.base import State
from qml.states.coercion import StateLike, as_data, as_pair, as_single_state, as_state, one_state
from qml.states.density_matrix import DensityMatrix
from qml.states.gibbs import GibbsState, SpectralState
from qml.states.library import (
    STATES,
    basis_state,
    bures,
    ghz,
    ginibre,
    haar_pure,
    maximally_mixed,
    thermal,
    w_state,
    werner,
)
from qml.states.product import ProductState

__all__ = [
    "STATES",
    "DensityMatrix",
    "GibbsState",
    "ProductState",
    "SpectralState",
    "State",
    "StateLike",
    "as_data",
    "as_pair",
    "as_single_state",
    "as_state",
    "basis_state",
    "bures",
    "ghz",
    "ginibre",
    "haar_pure",
    "maximally_mixed",
    "nearest_density_matrix",
    "one_state",
    "partial_trace",
    "purify",
    "tensor",
    "thermal",
    "w_state",
    "werner",
]
