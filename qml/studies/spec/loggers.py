"""The loggers that a study may name: each follows the fits of a run and writes into its folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeAlias

from qml import loggers
from qml.fitting.restart import CTRL_C
from qml.loggers.settings import settings_of
from qml.studies.spec.schema import Count
from qml.studies.spec.signatures import Keyed, union

RESULTS = ("loss", "floor", "gap", "fidelity", "iterations", "evaluations", "seconds", "test_log_likelihood")


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
