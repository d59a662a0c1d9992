"""A run on disk: a folder that belongs to one process at a time, every file of which is written whole or not at all.

::

    runs/quickstart-001/
        config.yaml         the study with every default written out; `qml run` accepts it
        environment.json    versions, commit, processor, threads
        run.json            fingerprint of the study, status, times, exit code, and what is known of the target
        log.jsonl           what happened when, one JSON object a line
        results.csv         one row a fit: the closing table, to the last digit
        target.npz          the target (DensityMatrix.load)
        fits/1-name/        result.npz, parameters.csv and history.csv of each fit
        history.png, states.png (of labelled data: labels.npz, labels.png)

A sweep has points.journal (all points that are done, each with a checksum), table.csv, table.parquet and timings.csv
instead of the results of single fits.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qml._checks import InputError
from qml.experiments.config import Study, fingerprint, read_study, to_yaml
from qml.experiments.files import locked, told, write_whole
from qml.experiments.fits import Row
from qml.experiments.manifest import environment

STATUSES = ("running", "finished", "interrupted", "failed")


@dataclass(frozen=True)
class Run:
    """A run read back from its folder; a sweep has no rows of its own."""

    folder: Path
    study: Study
    rows: tuple[Row, ...]
    info: Mapping[str, Any]
    environment: Mapping[str, Any]


class RunFolder:
    """Writes a run; made by :meth:`create` or :meth:`resume`, which hold its lock."""

    def __init__(self, path: Path, study: Study, info: Mapping[str, Any]) -> None:
        self.path = path
        self.study = study
        self.info = dict(info)

    @classmethod
    @contextmanager
    def create(cls, study: Study, name: str, output: Path | None = None) -> Iterator[RunFolder]:
        """A new folder: `output`, or the next free ``runs/name-001``, ``-002``, ...

        Raises
        ------
        InputError
            If `output` exists, or the folder cannot be made.
        """
        if output is not None and output.exists():
            raise InputError(f"{output} exists already, and a run never overwrites: choose a new folder, or --resume.")
        try:
            path = new_folder(name, output)
        except OSError as error:
            raise InputError(f"the folder {output or 'runs'} cannot be written: {error.strerror}.") from None
        with locked(path):
            info = {"title": study.title, "seed": study.seed, "fingerprint": fingerprint(study), "started": _now()}
            folder = cls(path, study, {**info, "status": "running"})
            try:
                folder.write("config.yaml", to_yaml(study))
                folder.write("environment.json", _json(environment()))
                folder.update()
            except InputError:
                shutil.rmtree(path, ignore_errors=True)  # it is no run yet
                raise
            folder.log("started")
            yield folder

    @classmethod
    @contextmanager
    def resume(cls, path: Path, study: Study) -> Iterator[RunFolder]:
        """The folder of a run of this study that was cut short.

        Raises
        ------
        InputError
            If it is the folder of no run, or of one of another study.
        """
        with ExitStack() as stack:
            if (path / "run.json").is_file():
                stack.enter_context(locked(path))
            found = load_run(path)
            if fingerprint(found.study) != fingerprint(study):
                raise InputError(f"{path} is a run of another study: {first_difference(found.study, study)}.")
            folder = cls(path, study, found.info)
            again = environment()
            if again["versions"] != found.environment.get("versions"):
                folder.log("versions changed", versions=again["versions"])
            folder.update(status="running", resumed=[*folder.info.get("resumed", []), _now()])
            folder.log("resumed")
            yield folder

    def update(self, **info: Any) -> None:
        """Change what ``run.json`` says."""
        self.info |= info
        self.write("run.json", _json(self.info))

    def finish(self, status: str, exit_code: int) -> None:
        """The last words of a run: its status, its exit code, and when it ended."""
        self.log(status, exit_code=exit_code)
        self.update(status=status, exit_code=exit_code, ended=_now())

    def log(self, event: str, **details: Any) -> None:
        """One line of ``log.jsonl``."""
        path = self.path / "log.jsonl"
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with told(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"time": now, "event": event, **details}, ensure_ascii=False) + "\n")

    def write_rows(self, rows: Sequence[Row]) -> None:
        """The table of the fits that are done."""
        self.write("results.csv", to_csv([field.name for field in fields(Row)], [asdict(row).values() for row in rows]))

    def fit_folder(self, index: int) -> str:
        """``fits/1-gibbs-model`` for the first fit, called "Gibbs model"."""
        return f"fits/{index + 1}-{slug(self.study.fits[index].name)}"

    def write_columns(self, name: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """A table as CSV: one column a quantity."""
        self.write(name, to_csv(list(columns), zip(*columns.values(), strict=True)))

    def write(self, name: str, content: str) -> None:
        """A text file, written whole or not at all."""
        self.write_file(name, lambda path: path.write_bytes(content.encode()))

    def write_file(self, name: str, writer: Callable[[Path], object]) -> None:
        """A file that `writer` makes, put in its place when it is complete."""
        write_whole(self.path / name, writer)


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
    info = _read_json(folder / "run.json")
    if info.get("status") not in STATUSES:
        raise InputError(f"{folder / 'run.json'} is damaged (no status).")
    known = folder / "environment.json"
    return Run(
        folder, study, tuple(_read_rows(folder / "results.csv")), info, _read_json(known) if known.exists() else {}
    )


def latest_run(name: str, study: Study) -> Path:
    """The last of the runs ``runs/name-001``, ``-002``, ... that are of this study.

    Raises
    ------
    InputError
        If there is none.
    """
    runs = sorted(_numbered(Path("runs"), name).items(), reverse=True)
    for _, path in runs:
        if (path / "run.json").is_file() and _read_json(path / "run.json").get("fingerprint") == fingerprint(study):
            return path
    raise InputError(f"there is no run of this study to continue among runs/{name}-*: leave out --resume to start one.")


def first_difference(one: Study, two: Study) -> str:
    """Where two studies differ first: ``target.beta is 0.5 there and 1.0 here``."""

    def differing(a: Any, b: Any, path: str) -> str | None:
        if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
            return next((d for k in a if (d := differing(a[k], b[k], f"{path}.{k}" if path else k))), None)
        if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
            return next(
                (d for i, (x, y) in enumerate(zip(a, b, strict=True)) if (d := differing(x, y, f"{path}[{i}]"))), None
            )
        same = a == b and type(a) is type(b)
        return None if same else f"{path or 'the study'} is {_short(a)} there and {_short(b)} here"

    return differing(one.model_dump(), two.model_dump(), "") or "they differ"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _read_json(path: Path) -> dict[str, Any]:
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(info, dict):
            raise ValueError("no status")
    except (ValueError, OSError) as error:
        raise InputError(f"{path} is damaged ({error}).") from None
    return info


def _read_rows(path: Path) -> list[Row]:
    if not path.exists():
        return []
    convert: dict[str, Callable[[str], Any]] = {
        "int": int,
        "float": float,
        "str": str,
        "bool": {"True": True, "False": False}.__getitem__,
    }
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


def new_folder(name: str, output: Path | None) -> Path:
    if output is not None:
        output.mkdir(parents=True)
        return output
    parent = Path("runs")
    parent.mkdir(exist_ok=True)
    number = max(_numbered(parent, name), default=0) + 1
    while True:
        path = parent / f"{name}-{number:03d}"
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
            continue
        return path


def _numbered(parent: Path, name: str) -> dict[int, Path]:
    """The runs that have this name, by number."""
    pattern = re.compile(re.escape(name) + r"-(\d+)")
    entries = list(parent.iterdir()) if parent.is_dir() else []
    return {int(found[1]): entry for entry in entries if (found := pattern.fullmatch(entry.name))}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(head: Sequence[str], rows: Any) -> str:
    """CSV with floats to the last digit; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([repr(float(x)) if isinstance(x, float) else x for x in row] for row in rows)
    return text.getvalue()
