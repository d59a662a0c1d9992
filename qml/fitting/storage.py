"""A fit's result as one ``.npz`` file: arrays, and the rest as a JSON text; never a pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np

from qml._checks import InputError
from qml._files import read_arrays
from qml._typing import Dims
from qml.fitting.result import FitResult, History, Restart
from qml.measurement.counts import Counts
from qml.models.thermal import ThermalState
from qml.moments import Moments
from qml.states import DensityMatrix, GibbsState, ProductState, SmoothedState, SpectralState, State

FORMAT = "qml.FitResult 1"
WRITTEN = ("loss", "floor", "iterations", "evaluations", "seconds", "converged", "status", "seed")


def save(result: FitResult, path: str | Path | IO[bytes]) -> None:
    """Write `result`; the states of engines are written as density matrices."""
    text = {
        "format": FORMAT,
        **{name: getattr(result, name) for name in WRITTEN},
        "restarts": [asdict(restart) for restart in result.restarts],
        "provenance": dict(result.provenance),
        "parameter_names": result.parameter_names,
        "dims": result.state.dims,
    }
    arrays: dict[str, Any] = {"params": result.params, "json": np.array(json.dumps(text))}
    arrays |= {f"history.{name}": a for name, a in result.history.columns().items() if name != "gap"}
    for owner, held in (("state", result.state), ("target", result.target)):
        named = held.arrays() if isinstance(held, Counts | Moments | ThermalState) else arrays_of(held)
        arrays |= {f"{owner}.{name}": a for name, a in named.items()}
    if isinstance(path, str | Path):
        with Path(path).open("wb") as file:
            np.savez(file, **arrays)
    else:
        np.savez(path, **arrays)


def load(path: str | Path) -> FitResult:
    """Read what :func:`save` wrote; states are validated like any other input."""
    arrays = read_arrays(path, "result")
    try:
        text = json.loads(str(arrays["json"]))
        found = text["format"]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{str(path)!r} is not a result that FitResult.save wrote.") from None
    if found != FORMAT:
        raise InputError(f"{str(path)!r} is of the format {found!r}; this version reads {FORMAT!r}.")
    dims = tuple(text["dims"])
    return FitResult(
        params=arrays["params"],
        state=state_of(_part(arrays, "state"), dims),
        target=target_of(_part(arrays, "target"), dims),
        history=History(**_part(arrays, "history")),
        restarts=tuple(Restart(**restart) for restart in text["restarts"]),
        provenance=text["provenance"],
        parameter_names=tuple(text["parameter_names"]),
        **{name: text[name] for name in WRITTEN},
    )


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
        parts = [_part(arrays, str(k)) for k in range(count)]
        return ProductState([state_of(part, tuple(part["dims"].tolist())) for part in parts])
    if "sampling" in arrays:
        return ThermalState.from_arrays(arrays)
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


def target_of(arrays: Mapping[str, Any], dims: Dims) -> State | Counts | Moments:
    """The target of a fit: measured counts, expectations, or a state."""
    if "counts" in arrays:
        return Counts.from_arrays(arrays)
    return Moments.from_arrays(arrays) if "errors" in arrays else state_of(arrays, dims)


def _part(arrays: Mapping[str, Any], owner: str) -> dict[str, Any]:
    prefix = f"{owner}."
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
