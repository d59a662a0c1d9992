"""A run on disk: a folder that is never overwritten, every file of which is written whole or not at all.

::

    runs/quickstart-001/
        config.yaml         the study with every default written out; `qml run` accepts it
        environment.json    versions, machine, threads
        run.json            status, times, seed, and what is known of the target
        results.csv         one row a fit: the closing table, to the last digit
        target.npz          the target (DensityMatrix.load)
        fits/1-name/        result.npz, parameters.csv and history.csv of each fit
        history.png, states.png
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qml._checks import InputError
from qml.experiments.config import Study, read_study, to_yaml

STATUSES = ("running", "finished", "interrupted", "failed")


@dataclass(frozen=True)
class Row:
    """One line of the closing table. Losses in nats where they are entropies.

    `learnt_noise` reads "gamma = 0.2"; `test_log_likelihood` is Tr(rho_test log sigma), nan where nothing was held out.
    """

    fit: str
    loss_name: str
    loss: float
    floor: float
    gap: float
    fidelity: float
    iterations: int
    seconds: float
    test_log_likelihood: float
    learnt_noise: str
    status: str


@dataclass(frozen=True)
class Run:
    """A run read back from its folder."""

    folder: Path
    study: Study
    rows: tuple[Row, ...]
    info: Mapping[str, Any]


class RunFolder:
    """Writes a run. Making one reserves the folder: two processes never share it."""

    def __init__(self, path: Path, study: Study) -> None:
        self.path = path
        self.study = study
        self.info: dict[str, Any] = {"title": study.title, "seed": study.seed, "status": "running", "started": _now()}
        self.write("config.yaml", to_yaml(study))
        self.write("environment.json", _json(environment()))
        self.update()

    @classmethod
    def create(cls, study: Study, name: str, output: Path | None = None) -> RunFolder:
        """A new folder: `output`, or the next free ``runs/name-001``, ``-002``, ...

        Raises
        ------
        InputError
            If `output` exists, or the folder cannot be made.
        """
        if output is not None and output.exists():
            raise InputError(f"{output} exists already, and a run never overwrites: choose a new folder.")
        try:
            if output is not None:
                output.mkdir(parents=True)
                return cls(output, study)
            parent = Path("runs")
            parent.mkdir(exist_ok=True)
            number = _next_number(parent, name)
            while True:
                path = parent / f"{name}-{number:03d}"
                try:
                    path.mkdir()
                except FileExistsError:
                    number += 1
                    continue
                return cls(path, study)
        except OSError as error:
            raise InputError(f"the folder {output or 'runs'} cannot be written: {error.strerror}.") from None

    def update(self, **info: Any) -> None:
        """Change what ``run.json`` says."""
        self.info |= info
        self.write("run.json", _json(self.info))

    def finish(self, status: str) -> None:
        """The last words of a run: its status, and when it ended."""
        self.update(status=status, ended=_now())

    def write_rows(self, rows: Sequence[Row]) -> None:
        """The table of the fits that are done."""
        self.write("results.csv", _csv([field.name for field in fields(Row)], [asdict(row).values() for row in rows]))

    def fit_folder(self, index: int) -> str:
        """``fits/1-gibbs-model`` for the first fit, called "Gibbs model"."""
        return f"fits/{index + 1}-{slug(self.study.fits[index].name)}"

    def write_columns(self, name: str, columns: Mapping[str, Sequence[float | str]]) -> None:
        """A table as CSV: one column a quantity."""
        self.write(name, _csv(list(columns), zip(*columns.values(), strict=True)))

    def write(self, name: str, content: str) -> None:
        """A text file, written whole or not at all."""
        self.write_file(name, lambda path: path.write_bytes(content.encode()))

    def write_file(self, name: str, writer: Callable[[Path], object]) -> None:
        """A file that `writer` makes under another name, put in its place when it is complete and on disk."""
        path = self.path / name
        temporary = path.with_name(f".part-{path.name}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                writer(temporary)
                with temporary.open("rb") as file:
                    os.fsync(file.fileno())
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror}; what was written before is kept.") from error


def load_run(folder: Path) -> Run:
    """A run as it stands on disk, finished or not.

    Raises
    ------
    InputError
        If the folder is no run, or one of its files is damaged.
    """
    if not (folder / "run.json").is_file():
        raise InputError(f"{folder} is not the folder of a run: it has no run.json.")
    study, _ = read_study(folder / "config.yaml")
    try:
        info = json.loads((folder / "run.json").read_text())
        if not isinstance(info, dict) or info.get("status") not in STATUSES:
            raise ValueError("no status")
    except ValueError as error:
        raise InputError(f"{folder / 'run.json'} is damaged ({error}).") from None
    return Run(folder, study, tuple(_read_rows(folder / "results.csv")), info)


def _read_rows(path: Path) -> list[Row]:
    if not path.exists():
        return []
    convert = {"int": int, "float": float, "str": str}
    try:
        with path.open(newline="") as file:
            return [
                Row(**{f.name: convert[str(f.type)](line[f.name]) for f in fields(Row)})
                for line in csv.DictReader(file)
            ]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error!r}).") from None


def slug(name: str) -> str:
    """A name as it may stand in a path: lower case, words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "fit"


def environment() -> dict[str, Any]:
    """What a run depended on: versions, machine, threads. No names of users or hosts."""
    from importlib.metadata import PackageNotFoundError, version

    import psutil

    from qml.fitting.provenance import provenance

    found = provenance()
    for package in ("numba", "qutip", "scikit-learn"):
        try:
            found["versions"][package] = version(package)
        except PackageNotFoundError:
            found["versions"][package] = None
    return {**found, "memory_bytes": psutil.virtual_memory().total}


def _next_number(parent: Path, name: str) -> int:
    """One more than the largest number that a run of this name has."""
    pattern = re.compile(re.escape(name) + r"-(\d+)")
    taken = [int(found[1]) for entry in parent.iterdir() if (found := pattern.fullmatch(entry.name))]
    return max(taken, default=0) + 1


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _csv(head: Sequence[str], rows: Any) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([repr(float(x)) if isinstance(x, float) else x for x in row] for row in rows)
    return text.getvalue()
