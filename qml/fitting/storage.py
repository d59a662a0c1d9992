"""A fit's result as one ``.npz`` file: arrays, and the rest as a JSON text; never a pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from qml._results import part_of, read_result, write_result
from qml._typing import Dims
from qml.fitting.result import FitResult, History, Restart
from qml.measurement.counts import Counts
from qml.models.thermal import ThermalState
from qml.moments import Moments
from qml.states import State
from qml.states.storage import state_of

FORMAT = "qml.FitResult 1"
WRITTEN = ("loss", "floor", "iterations", "evaluations", "seconds", "converged", "status", "seed")


def save(result: FitResult, path: str | Path | IO[bytes]) -> None:
    """Write `result`; the states of engines are written as density matrices. Of a target that a loss of one's own
    accepts and nothing else knows there is only its text, in the provenance."""
    kept = isinstance(result.target, State | Counts | Moments)
    text = {
        "format": FORMAT,
        **{name: getattr(result, name) for name in WRITTEN},
        "restarts": [asdict(restart) for restart in result.restarts],
        "provenance": dict(result.provenance) | ({} if kept else {"target": repr(result.target)}),
        "parameter_names": result.parameter_names,
        "dims": result.state.dims,
    }
    arrays: dict[str, Any] = {"params": result.params}
    arrays |= {f"history.{name}": a for name, a in result.history.columns().items() if name != "gap"}
    for owner, held in (("state", result.state), *([("target", result.target)] if kept else [])):
        arrays |= {f"{owner}.{name}": a for name, a in held._arrays().items()}
    write_result(path, text, arrays)


def load(path: str | Path) -> FitResult:
    """Read what :func:`save` wrote; states are validated like any other input."""
    text, arrays = read_result(path, FORMAT)
    dims = tuple(text["dims"])
    return FitResult(
        params=arrays["params"],
        state=_state_of(part_of(arrays, "state"), dims),
        target=target_of(target, dims) if (target := part_of(arrays, "target")) else None,
        history=History._of(**part_of(arrays, "history")),
        restarts=tuple(Restart(**restart) for restart in text["restarts"]),
        provenance=text["provenance"],
        parameter_names=tuple(text["parameter_names"]),
        **{name: text[name] for name in WRITTEN},
    )


def target_of(arrays: Mapping[str, Any], dims: Dims) -> State | Counts | Moments:
    """The target of a fit: measured counts, expectations, or a state."""
    if "counts" in arrays:
        return Counts._from_arrays(arrays)
    return Moments._from_arrays(arrays) if "errors" in arrays else _state_of(arrays, dims)


def _state_of(arrays: Mapping[str, Any], dims: Dims) -> State:
    return ThermalState._from_arrays(arrays) if "sampling" in arrays else state_of(arrays, dims)
