"""A run on disk: a folder that belongs to one process at a time, every file of which is written whole or not at all.

::

    runs/quickstart-001/
        config.yaml         the study with every default written out; `qml run` accepts it
        environment.json    versions, commit, processor, threads
        run.json            study and files that it reads, with a fingerprint; SHA-256 of every file that was written;
                            status, times, exit code, and what is known of the target
        log.jsonl           what happened when, one JSON object a line
        results.csv         one row a fit: the closing table, to the last digit
        inputs/             copies of the files that the study names
        target.npz          the target (DensityMatrix.load)
        fits/1-name/        result.npz of each fit; parameters.csv, history.csv, errors.csv where it has such
        history.png, states.png (of labelled data: labels.npz, labels.png)

A sweep has points.journal (all points that are done, each with a checksum), table.csv, table.parquet and timings.csv
instead of the results of single fits.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qml._checks import InputError, short
from qml._files import PART, parse_json
from qml.fitting.provenance import environment
from qml.studies.files import LOCK, digest, locked, only_files, write_whole, writing
from qml.studies.record.cells import from_csv, to_csv
from qml.studies.record.fits import Row
from qml.studies.spec.config import Study, fingerprint, read_study, study_of, to_yaml
from qml.studies.spec.source import parse

RUN = "run.json"
STATUSES = ("running", "finished", "interrupted", "failed")


@dataclass(frozen=True)
class Run:
    """A run read back from its folder; a sweep has no rows of its own."""

    folder: Path
    study: Study
    rows: tuple[Row, ...]
    info: Mapping[str, Any]
    environment: Mapping[str, Any]

    def checked(self, name: str) -> Path:
        """The path of a file of the run.

        Raises
        ------
        InputError
            If it is not as the run left it.
        """
        return _checked(self.folder, self.info, name)


class RunFolder:
    """Writes a run; made by :meth:`create` or :meth:`resume`, which hold its lock."""

    def __init__(self, path: Path, study: Study, info: Mapping[str, Any]) -> None:
        self.path = path
        self.study = study
        self.info = dict(info)

    @classmethod
    @contextmanager
    def create(
        cls, study: Study, inputs: Mapping[str, str], name: str, output: Path | None = None
    ) -> Iterator[RunFolder]:
        """A new folder: `output`, or the next free ``runs/name-001``, ``-002``, ...

        One that is empty, or that a run left which was killed before it had a ``run.json``, is as good as new.

        Parameters
        ----------
        study : Study
        inputs : mapping
            The SHA-256 of every file that the study reads, by its path in the study.
        name : str
        output : Path, optional

        Raises
        ------
        InputError
            If `output` exists, or the folder cannot be made.
        """
        taken = f"{output} exists already, and a run never overwrites: choose a new folder, or --resume."
        if output is not None and output.exists() and not _is_new(output):
            raise InputError(taken)
        path = new_folder(name, output)
        with locked(path):
            if not _is_new(path):  # another process was faster
                raise InputError(taken)
            text = to_yaml(study)
            info = {"title": study.title, "seed": study.seed, "fingerprint": fingerprint(text, inputs)}
            info |= {"started": _now(), "status": "running", "study": text, "inputs": dict(inputs), "files": {}}
            folder = cls(path, study, info)
            try:
                folder.write("config.yaml", text)
                folder.write("environment.json", _json(environment()))
                folder.update()
            except InputError:
                shutil.rmtree(path, ignore_errors=True)  # it is no run yet
                raise
            folder.log("started")
            yield folder

    @classmethod
    @contextmanager
    def resume(
        cls, path: Path, study: Study, inputs: Mapping[str, str], threads: int | None = None
    ) -> Iterator[RunFolder]:
        """The folder of a run of this study, and of these files, that was cut short; on so many threads (None: as many
        as it began with).

        Raises
        ------
        InputError
            If it is the folder of no run, or of one of another study, of other files or on another number of threads.
        """
        if path.is_dir() and _is_new(path):
            raise InputError(f"{path} is not the folder of a run yet: leave out --resume to start it.")
        with ExitStack() as stack:
            if (path / "run.json").is_file():
                stack.enter_context(locked(path))
            found = load_run(path)
            if differing := difference(found.info, study, inputs):
                raise InputError(f"{path} is a run of another study: {differing}.")
            if threads is not None and (began := found.info.get("threads", threads)) != threads:
                raise InputError(
                    f"this run began with threads={began or 'all'}, on which its numbers depend: leave out --threads."
                )
            folder = cls(path, study, found.info)
            again = environment()
            if again["versions"] != found.environment.get("versions"):
                folder.log("versions changed", versions=again["versions"])
            folder.update(status="running", resumed=[*folder.info.get("resumed", []), _now()])
            folder.log("resumed")
            yield folder

    def update(self, **info: Any) -> None:
        """Change entries of ``run.json``."""
        self.info |= info
        self.write(RUN, _json(self.info))

    def finish(self, status: str, exit_code: int) -> None:
        """Record how the run ended: its status, its exit code, and the time."""
        self.log(status, exit_code=exit_code)
        self.update(status=status, exit_code=exit_code, ended=_now())

    def log(self, event: str, **details: Any) -> None:
        """One line of ``log.jsonl``."""
        path = self.path / "log.jsonl"
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": event, **details}, ensure_ascii=False) + "\n"
        with writing(path), path.open("ab", buffering=0) as file:
            file.write(line.encode())

    def write_rows(self, rows: Sequence[Row]) -> None:
        """The table of the fits that are done. ``run.json`` knows of it before it is there, so that a run that is
        killed in between does not look damaged."""
        name = "results.csv"
        content = to_csv([field.name for field in fields(Row)], [vars(row).values() for row in rows])
        sha = hashlib.sha256(content.encode()).hexdigest()
        files = self.info["files"]
        self.update(files={**files, name: [*files.get(name, [None]), sha]})
        self.write(name, content)

    def write_columns(self, name: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """A table as CSV: one column a quantity."""
        self.write(name, to_csv(list(columns), zip(*columns.values(), strict=True)))

    def write(self, name: str, content: str) -> None:
        """A text file, written whole or not at all."""
        self.write_file(name, lambda path: path.write_bytes(content.encode()))

    def write_file(self, name: str, writer: Callable[[Path], object]) -> None:
        """A file that `writer` makes, put in its place when it is complete; its SHA-256 is in the next ``run.json``."""
        made: list[str | None] = []

        def made_and_hashed(path: Path) -> None:
            writer(path)
            made.append(digest(path))

        write_whole(self.path / name, made_and_hashed)
        if name != RUN:
            self.info["files"][name] = made


def load_run(folder: Path) -> Run:
    """A run as it stands on disk, finished or not.

    Raises
    ------
    InputError
        If the folder is no run; if its study was changed, or what it wrote is changed, missing or damaged.
    """
    if not (folder / RUN).is_file():
        raise InputError(f"{folder} is not the folder of a run: it has no {RUN}.")
    only_files(folder)
    while True:
        info = _read_info(folder / RUN)
        try:
            return _load(folder, info)
        except InputError:
            if _read_info(folder / RUN) == info:  # no process has written in between
                raise


def _load(folder: Path, info: Mapping[str, Any]) -> Run:
    study, source = read_study(folder / "config.yaml")
    if differing := _first_difference(info["study"], study, "was {} when the run began and is {} now"):
        raise InputError(
            f"{source.path} is not the study that was run: {differing}. Put that back, or start a new run."
        )
    results = _checked(folder, info, "results.csv")
    rows = from_csv(Row, results) if results.exists() else []
    return Run(folder, study, tuple(rows), info, _read_json(_checked(folder, info, "environment.json")))


def _read_info(path: Path) -> dict[str, Any]:
    info = _read_json(path)
    texts = [info.get(name) for name in ("fingerprint", "study")]
    if info.get("status") not in STATUSES or not all(isinstance(info.get(name), dict) for name in ("inputs", "files")):
        raise InputError(f"{path} is damaged (no status).")
    if texts[0] != fingerprint(str(texts[1]), info["inputs"]):
        raise InputError(f"{path} is damaged (its fingerprint is not that of its study).")
    return info


def _checked(folder: Path, info: Mapping[str, Any], name: str) -> Path:
    path = folder / name
    held, found = info["files"].get(name, [None]), digest(path)
    if found not in held:
        how = "is missing" if found is None else "was changed or damaged"
        raise InputError(f"{path} {how} since the run wrote it: restore it, or start a new run.")
    return path


def latest_run(name: str, study: Study, inputs: Mapping[str, str]) -> Path:
    """The last of the runs ``runs/name-001``, ``-002``, ... that are of this study and of these files.

    Raises
    ------
    InputError
        If there is none; it says how the last one differs.
    """
    last = ""
    for _, path in sorted(_numbered(Path("runs"), name).items(), reverse=True):
        if (path / RUN).is_file():
            differing = difference(_read_info(path / RUN), study, inputs)
            if not differing:
                return path
            last = last or f" (in the last one, {path}, {differing})"
    raise InputError(
        f"there is no run of this study to continue among runs/{name}-*{last}: leave out --resume to start one."
    )


def difference(info: Mapping[str, Any], study: Study, inputs: Mapping[str, str]) -> str:
    """How a run, given by its ``run.json``, is of another study or of other files; an empty text if it is not."""
    if differing := _first_difference(info["study"], study, "is {} there and {} here"):
        return differing
    for name, sha in info["inputs"].items():
        if inputs.get(name) != sha:
            return f"the file {name!r} {'has changed' if name in inputs else 'is missing'} since the run began"
    return ""


def _first_difference(text: str, study: Study, words: str) -> str:
    """Where a study, given as the YAML of a run, differs from another: ``target.beta is 0.5 there and 1.0 here``."""
    if text == to_yaml(study):
        return ""

    then = study_of(parse(text.encode(), Path(RUN)))
    for path, old, new in differences(then.model_dump(), study.model_dump()):
        return f"{path} {words.format(short(repr(old), 60), short(repr(new), 60))}"
    return "they differ"


def differences(a: Any, b: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Path and both values of everything in which plain data differ; None where one of them has no such key.

    Examples
    --------
    >>> list(differences({"n": 2, "bonds": [0, 1]}, {"n": 2, "bonds": [0, 2]}))
    [('bonds[1]', 1, 2)]
    """
    if isinstance(a, dict) and isinstance(b, dict):
        for key in dict.fromkeys([*a, *b]):
            yield from differences(a.get(key), b.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from differences(x, y, f"{path}[{i}]")
    elif a != b or type(a) is not type(b):
        yield path, a, b


def _read_json(path: Path) -> dict[str, Any]:
    try:
        info = parse_json(path.read_text(encoding="utf-8"))
        if not isinstance(info, dict):
            raise ValueError("no status")
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}).") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    return info


def fit_folder(study: Study, index: int) -> str:
    """``fits/1-gibbs-model`` for the first fit, called "Gibbs model"."""
    return f"fits/{index + 1}-{slug(study.fits[index].name)}"


def slug(name: str) -> str:
    """A name as it may stand in a path: lower case, words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "fit"


def _is_new(folder: Path) -> bool:
    """Whether a folder holds nothing, or no more than what a run leaves that is killed as it begins."""
    begun = ("config.yaml", "environment.json", LOCK)
    return folder.is_dir() and all(e.name in begun or e.name.startswith(PART) for e in folder.iterdir())


def new_folder(name: str, output: Path | None) -> Path:
    """The folder `output`, made where it does not exist; the next free ``runs/name-001``, ``-002``, ... without one.

    Raises
    ------
    InputError
        If it cannot be made.
    """
    parent = Path("runs")
    try:
        if output is not None:
            output.mkdir(parents=True, exist_ok=True)
            return output
        parent.mkdir(exist_ok=True)
        number = max(_numbered(parent, name), default=0) + 1
        while True:
            path = parent / f"{name}-{number:03d}"
            with suppress(FileExistsError):
                path.mkdir()
                return path
            number += 1
    except OSError as error:
        raise InputError(f"the folder {output or parent} cannot be written: {error.strerror}.") from None


def _numbered(parent: Path, name: str) -> dict[int, Path]:
    """The runs that have this name, by number."""
    pattern = re.compile(re.escape(name) + r"-(\d+)")
    entries = list(parent.iterdir()) if parent.is_dir() else []
    return {int(found[1]): entry for entry in entries if (found := pattern.fullmatch(entry.name))}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
