"""States as plain arrays, for files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from qml import _checks
from qml._descriptions import KINDS
from qml._typing import Dims
from qml.states.base import State
from qml.states.density_matrix import DensityMatrix
from qml.states.gibbs import GibbsState, SpectralState
from qml.states.product import ProductState


def state_of(arrays: Mapping[str, Any], dims: Dims) -> State:
    """The state that wrote these arrays with :meth:`State._arrays`."""
    if "0.dims" in arrays:
        count = sum(name.count(".") == 1 and name.endswith(".dims") for name in arrays)
        parts = [_part_of(arrays, str(k)) for k in range(count)]
        return ProductState([state_of(part, tuple(part["dims"].tolist())) for part in parts])
    if "energies" in arrays:
        return GibbsState(arrays["energies"], dims, diagonal=True)
    if "hamiltonian" in arrays:
        return GibbsState(arrays["hamiltonian"], dims, diagonal=False)
    if "vectors" in arrays:
        return SpectralState(arrays["log_probabilities"], arrays["vectors"], dims)
    return DensityMatrix._of_arrays(arrays, dims, "a state")


def _part_of(arrays: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """The arrays named ``owner.NAME``, by NAME."""
    prefix = f"{owner}."
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}


def _again(dims: Any, arrays: Any) -> State:
    """A state of a description."""
    held = {name: np.asarray(a) for name, a in _checks.mapping("arrays", arrays).items()}
    return state_of(held, _checks.dimensions("dims", dims))


KINDS["state"] = _again
