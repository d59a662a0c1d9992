"""Two runs side by side, and a run against its own repetition."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qml._checks import InputError, plural, short
from qml._results import Outcome
from qml._typing import Real
from qml.studies.record.fits import history_of
from qml.studies.record.folder import Run, differences, fit_folder, load_run
from qml.studies.record.table import cell_of, errors_file, load_table, rows_of
from qml.studies.run.run import Options, run_study
from qml.studies.run.sweeping import How
from qml.studies.spec.compose import EVERY, parse_path

IDENTITY = ("replicate", "fit")
NOT_COMPARED = ("point", "seed", "error")
LOSSES = ("loss", "log_likelihood")
"""What a history is compared by, the first that it has."""


@dataclass(frozen=True)
class Pair:
    """A fit that both runs have: what it is, both losses, and the columns that differ, with both values."""

    name: str
    losses: tuple[float, float]
    differing: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Comparison:
    """What two runs have in common; what failed in both and what only one of them has; and how their studies and
    environments differ."""

    pairs: tuple[Pair, ...]
    failed: tuple[str, ...]
    only: tuple[tuple[str, ...], tuple[str, ...]]
    study: tuple[str, ...]
    environment: tuple[str, ...]

    @property
    def identical(self) -> int:
        """How many pairs are equal to the bit."""
        return sum(not pair.differing for pair in self.pairs)


def compare(a: Run, b: Run) -> Comparison:
    """Fit by fit, matched by name and by what a sweep of either varies."""
    swept = dict.fromkeys(name for run in (a, b) if run.study.sweep is not None for name in run.study.sweep.names())
    shared = [*swept, *IDENTITY]
    rows = [{_name(row, shared): row for row in _rows(run, swept)} for run in (a, b)]
    pairs, failed = [], []
    for name in rows[0]:
        if name in rows[1]:
            x, y = rows[0][name], rows[1][name]
            if x["loss"] is None and y["loss"] is None:
                failed.append(name)
                continue
            keys = [key for key in x if key in y and key not in (*NOT_COMPARED, *shared)]
            pairs.append(Pair(name, (x["loss"], y["loss"]), {k: (x[k], y[k]) for k in keys if not same(x[k], y[k])}))
    only = tuple(n for n in rows[0] if n not in rows[1]), tuple(n for n in rows[1] if n not in rows[0])
    study = _differences(a.study.model_dump(), b.study.model_dump())
    return Comparison(tuple(pairs), tuple(failed), only, study, _differences(_lasting(a), _lasting(b)))


def _rows(run: Run, names: Iterable[str]) -> list[dict[str, Any]]:
    """The rows of the table, each with what the run has for `names`, and a replicate, where it does not vary them."""
    own = {name: _at(run.study.model_dump(), name.partition(",")[0].strip()) for name in names}
    return [own | {"replicate": 0} | row for row in rows_of(load_table(run))]


def _at(study: Any, name: str) -> Any:
    """What a study says at a path, as a cell of a table; None where it says nothing."""
    value = study
    for key in parse_path(name):
        try:
            value = value[0 if key == EVERY else key]
        except (KeyError, IndexError, TypeError):
            return None
    return cell_of(value)


def _lasting(run: Run) -> dict[str, Any]:
    return {name: value for name, value in run.environment.items() if name not in ("started", "memory_bytes")}


def _name(row: Mapping[str, Any], keys: list[str]) -> str:
    parts = [f"{key}={row[key]}" for key in keys if key not in IDENTITY]
    if row.get("replicate"):
        parts.append(f"replicate {row['replicate']}")
    return ", ".join([str(row["fit"]), *parts])


def same(a: Any, b: Any) -> bool:
    """Equal to the bit; NaN equals itself, and 0.0 does not equal -0.0."""
    if isinstance(a, float) and isinstance(b, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1.0, a) == math.copysign(1.0, b))
    return type(a) is type(b) and bool(a == b)


def _differences(a: Any, b: Any) -> tuple[str, ...]:
    """``target.beta: 0.5, 1.0`` for everything that differs; long values are cut."""
    return tuple(f"{path}: {short(json.dumps(x))}, {short(json.dumps(y))}" for path, x, y in differences(a, b))


# reproduction ----------------------------------------------------------------------------------------------------


def reproduce(run: Run, how: How) -> tuple[int, list[str], tuple[str, ...]]:
    """Run a study again, on as many threads, and compare every number of every fit that was done with the first run.

    The repetition is thrown away. Seconds are not compared.

    Returns
    -------
    int, list of str, tuple of str
        How many fits were compared, what differs, and what differs around them.

    Raises
    ------
    InputError
        If no fit of the run is done.
    """
    how = How(how.workers, how.threads or run.info.get("threads"), how.scheduler)
    cut = {row.fit for row in run.rows if row.interrupted}
    if all(row["loss"] is None or row["fit"] in cut for row in rows_of(load_table(run))):
        raise InputError(f"no fit of {run.folder} is done: there is nothing to compare with.")
    with tempfile.TemporaryDirectory(prefix="qml-") as temporary:
        folder = Path(temporary) / "again"
        run_study(run.folder / "config.yaml", Options(output=folder, quiet=True, how=how))
        again = load_run(folder)
        found = compare(run, again)
        differences = [
            f"{pair.name}: {key} was {x!r} and is {y!r}"
            for pair in found.pairs
            if pair.name not in cut
            for key, (x, y) in pair.differing.items()
        ]
        differences += [f"{name}: it was not done again" for name in found.only[0]]
        done = {row.fit for row in run.rows} - cut
        for i, fit in enumerate(run.study.fits):
            if fit.name in done:
                differences += _arrays(run, again, i, fit.name)
    return len(found.pairs) - len(cut), differences, found.environment


def _arrays(one: Run, two: Run, index: int, name: str) -> Iterator[str]:
    """Parameters, history and error bars of a fit, to the bit."""
    place = fit_folder(one.study, index)
    a, b = (_numbers(run.checked(f"{place}/result.npz")) for run in (one, two))
    for what, x in a.items():
        y = b[what]
        if x.shape != y.shape:
            yield f"{name}: {plural(len(x), 'number')} of the {what} became {len(y)}"
        elif x.tobytes() != y.tobytes():
            yield f"{name}: the {what} differ by up to {float(np.abs(x - y).max()):.2e}"
    errors = errors_file(one.study, index)
    if errors in one.info["files"] and one.checked(errors).read_bytes() != two.checked(errors).read_bytes():
        yield f"{name}: the error bars differ"


def _numbers(path: Path) -> dict[str, Real]:
    """What a result is compared by: the parameters, or the state where there are none, and the history."""
    result: Any = Outcome.load(path)
    history = history_of(result)
    found = {"parameters": result.params} if hasattr(result, "params") else {"state": result.state.matrix()}
    return found | {"history": next(history[key] for key in LOSSES if key in history)} if history else found
