"""The loggers that a study may name: each follows the fits of a run and writes into its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeAlias

from qml import loggers
from qml.fitting.restart import CTRL_C
from qml.studies.spec.schema import Count
from qml.studies.spec.signatures import Keyed, union

RESULTS = ("loss", "floor", "gap", "fidelity", "iterations", "evaluations", "seconds", "test_log_likelihood")
SETTINGS = 100
"""Most settings of a fit that are logged: MLflow takes no more at once."""


class Follower(Keyed):
    """What follows the fits of a run.

    Parameters
    ----------
    every : int
        Log every so many iterations.
    """

    every: Count = 1
    maker: ClassVar[type[loggers.Logger]]
    given = frozenset({"folder", "file", "run", "settings", "resume"})

    def follow(self, folder: Path, name: str, settings: Mapping[str, Any]) -> loggers.Logger:
        """The logger of one fit of the run in `folder`; it goes on with what it logged before."""
        places = {"folder": folder / "tensorboard" / name, "file": folder / "mlflow.db"}
        found: loggers.Logger = self.make(**places, run=name, settings=settings, resume=True)
        return found


LoggerSpec: TypeAlias = Annotated[Follower, union(loggers.LOGGERS, base=Follower, title="loggers")]


def settings_of(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a fit, flat: ``{"model.kind": "gibbs", ...}``; lists as text.

    Examples
    --------
    >>> settings_of({"seed": 1, "model": {"kind": "gibbs", "sites": [0, 1]}, "prior": None})
    {'seed': 1, 'model.kind': 'gibbs', 'model.sites': '[0, 1]'}
    """

    def flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                yield from flat(inner, f"{path}.{key}" if path else str(key))
        elif value is not None:
            yield path, json.dumps(value) if isinstance(value, list | tuple) else value

    return dict(list(flat(parts, ""))[:SETTINGS])


@contextmanager
def following(
    specs: Sequence[LoggerSpec], folder: Path, name: str, settings: Mapping[str, Any]
) -> Iterator[list[loggers.Logger]]:
    """The loggers of one fit with these settings, closed behind it."""
    with ExitStack() as stack:
        yield [stack.enter_context(spec.follow(folder, name, settings_of(settings))) for spec in specs]


def finish(logs: Sequence[loggers.Logger], row: Mapping[str, Any]) -> set[str]:
    """Log how a fit ended, from its row in a table; returns a sentence of each store that could not be written."""
    for log in logs:
        if CTRL_C in row["status"]:
            log.close("KILLED")
        else:
            log.finish({name: float(row[name]) for name in RESULTS if row.get(name) is not None}, row["status"])
    return {log.problem for log in logs if log.problem}
