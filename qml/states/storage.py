"""States as plain arrays, for files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qml._results import part_of
from qml._typing import Dims
from qml.states.base import State
from qml.states.density_matrix import DensityMatrix
from qml.states.gibbs import GibbsState, SpectralState
from qml.states.product import ProductState
from qml.states.smoothed import SmoothedState


def arrays_of(state: State) -> dict[str, Any]:
    """The arrays that a state is made again from, so that what it knows of its logarithm is kept."""
    if isinstance(state, GibbsState):
        if state.is_diagonal:
            return {"energies": -state.spectrum().log_eigenvalues}
        return {"hamiltonian": state.hamiltonian()}
    if isinstance(state, SpectralState):
        return {"log_probabilities": state.spectrum().log_eigenvalues, "vectors": state.spectrum().basis}
    if isinstance(state, ProductState):
        parts = enumerate(state.factors)
        return {f"{k}.{name}": a for k, part in parts for name, a in (arrays_of(part) | {"dims": part.dims}).items()}
    if isinstance(state, SmoothedState):
        return {"factor": state.factor, "smoothing": state.p}
    if state.is_diagonal:
        return {"probabilities": state.probabilities()}
    if isinstance(state, DensityMatrix) and state.factor is not None:
        return {"factor": state.factor}
    return {"matrix": state.matrix()}


def state_of(arrays: Mapping[str, Any], dims: Dims) -> State:
    """The state of :func:`arrays_of`."""
    if "0.dims" in arrays:
        count = sum(name.count(".") == 1 and name.endswith(".dims") for name in arrays)
        parts = [part_of(arrays, str(k)) for k in range(count)]
        return ProductState([state_of(part, tuple(part["dims"].tolist())) for part in parts])
    if "smoothing" in arrays:
        return SmoothedState(arrays["factor"], float(arrays["smoothing"]), dims)
    if "energies" in arrays:
        return GibbsState(arrays["energies"], dims, diagonal=True)
    if "hamiltonian" in arrays:
        return GibbsState(arrays["hamiltonian"], dims, diagonal=False)
    if "vectors" in arrays:
        return SpectralState(arrays["log_probabilities"], arrays["vectors"], dims)
    if "probabilities" in arrays:
        return DensityMatrix.from_probabilities(arrays["probabilities"], dims)
    if "factor" in arrays:
        return DensityMatrix.from_factor(arrays["factor"], dims)
    return DensityMatrix(arrays["matrix"], dims)
