"""Studies from Python and in notebooks: the same object as a YAML file, and its results as objects."""

from __future__ import annotations

import html
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from qml import _checks
from qml._checks import InputError
from qml._files import as_path
from qml._results import Outcome
from qml.states import State
from qml.studies.files import write_text
from qml.studies.record.fits import Row
from qml.studies.record.folder import Run, fit_folder, load_run, slug
from qml.studies.record.table import Table, biased_last, load_errors, load_table, summary
from qml.studies.run.run import Options, carry_out
from qml.studies.run.sweeping import How
from qml.studies.show.output import show_run
from qml.studies.show.page import html_table
from qml.studies.spec import config
from qml.studies.spec.build import build, build_target
from qml.studies.spec.source import PYTHON, Place, Source, parse

SHOWN = ("fit", "loss", "floor", "gap", "fidelity", "accuracy", "test_accuracy", "iterations", "converged")


class Study:
    """A target and the fits that learn it, with the keys of a YAML file; ``Study.from_file`` reads such a file.

    A run of it is kept in a folder, as by ``qml run``.

    Parameters
    ----------
    target : mapping
        What is learnt: its ``kind`` and the keys of that kind (see the reference of study files).
    fits : sequence of mapping
        What learns it: each with a ``name``, a ``model`` or a ``method``, and whatever else a fit of a file may have.
    title : str
        Stands above tables and figures.
    seed : int
        Every random number follows from it.
    sweep : mapping, optional
        What varies, as in a file.
    loggers : sequence of mapping
        What else follows the fits.

    Raises
    ------
    InputError
        At the first key that no study may have, or value that it cannot have, with its place.

    Notes
    -----
    Equal studies have equal YAML, from which they can be read again. Making one takes about a millisecond; it computes
    nothing before it is run.

    Examples
    --------
    >>> study = Study(
    ...     target={"kind": "ghz", "n": 2, "through": [{"channel": "Depolarizing", "params": [0.1]}]},
    ...     fits=[{"name": "all strings", "model": {"kind": "gibbs", "generators": {"kind": "up_to_weight", "n": 2}}}],
    ...     seed=3,
    ... )
    >>> Study.from_yaml(study.to_yaml()) == study
    True
    """

    def __init__(
        self,
        target: Mapping[str, Any],
        fits: Sequence[Mapping[str, Any]],
        *,
        title: str = "",
        seed: int = 0,
        sweep: Mapping[str, Any] | None = None,
        loggers: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        said = {"title": title, "seed": seed, "target": target, "fits": fits, "sweep": sweep, "loggers": loggers}
        data = {key: _plain(value) for key, value in said.items()}
        self._source = Source(Path("study"), data, places={(): Place(PYTHON)})
        self._study = config.study_of(self._source)

    @classmethod
    def from_yaml(cls, text: str) -> Study:
        """The study that a YAML text says, such as that of :meth:`to_yaml`."""
        source = parse(_checks.text("text", text).encode(), Path("study"))
        return cls._of(config.study_of(source), source)

    @classmethod
    def from_file(cls, path: str | Path, overrides: Iterable[str] = ()) -> Study:
        """The study in a file, or in the folder of a run, with what it extends.

        Parameters
        ----------
        path : str or Path
        overrides : iterable of str
            ``PATH=VALUE``, laid over the study as on the command line: ``fits[0].max_iterations=50``.

        Raises
        ------
        InputError
            At the first mistake, with file, line and key.
        """
        file = as_path("path", path)
        if file.is_dir():
            file = load_run(file).folder / "config.yaml"
        laid_over = [_checks.text("an override", o) for o in _checks.listed("overrides", overrides, "PATH=VALUE")]
        return cls._of(*config.read_study(file, laid_over))

    @classmethod
    def _of(cls, study: config.Study, source: Source) -> Study:
        self = cls.__new__(cls)
        self._study, self._source = study, source
        return self

    def to_yaml(self) -> str:
        """The study with every default written out."""
        return config.to_yaml(self._study)

    def save(self, path: str | Path) -> None:
        """Write the YAML to a file, whole or not at all; ``qml run`` accepts it."""
        write_text(as_path("path", path), self.to_yaml())

    def target(self) -> State:
        """The state that is learnt, or that was measured; of labelled data the batch of their states."""
        return build_target(self._study, self._source).state

    def run(
        self,
        output: str | Path | None = None,
        *,
        resume: bool = False,
        quiet: bool = False,
        workers: int | None = None,
        threads: int | None = None,
    ) -> StudyRun:
        """Carry it out in a new folder, and open that. Nothing is written before all of it is known to be valid.

        Ctrl-C keeps what is done; ``run(output, resume=True)`` goes on from there.

        Parameters
        ----------
        output : str or Path, optional
            The folder, which must not exist; by default the next free ``runs/TITLE-001``, ``-002``, ...
        resume : bool
            Continue the run in `output`, or the last one of this study.
        quiet : bool
            Print nothing.
        workers : int, optional
            Processes of a sweep; by default one a processor.
        threads : int, optional
            Of each process; by default one in a sweep, else as many as help.

        Returns
        -------
        StudyRun

        Raises
        ------
        InputError
            For what cannot be built, or a folder that exists or cannot be written.
        """
        folder = None if output is None else as_path("output", output)
        workers = None if workers is None else _checks.integer("workers", workers, low=1)
        threads = None if threads is None else _checks.integer("threads", threads, low=1, high=1024)
        resume, quiet = _checks.flag("resume", resume), _checks.flag("quiet", quiet)
        options = Options(folder, resume=resume, quiet=quiet, how=How(workers, threads))
        plan = build(self._study, self._source)
        return open_run(carry_out(plan, slug(self._study.title or self._source.path.stem), options).folder)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Study) and self._study == other._study

    def __repr__(self) -> str:
        names = ", ".join(repr(fit.name) for fit in self._study.fits)
        return f"<Study: {self._study.title or self._study.target.kind}, fits {names}, seed {self._study.seed}>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.to_yaml())}</pre>"


@dataclass(frozen=True)
class StudyFit:
    """A fit of a run: its line of the table, and its result.

    Attributes
    ----------
    row : Row
    result : FitResult or TomographyResult
    """

    row: Row
    result: Any

    def _repr_html_(self) -> str:
        found: str = self.result._repr_html_()
        return found


class StudyRun(Mapping[str, StudyFit]):
    """A run, from its folder: what was studied, how it ended, and its fits by name; made by :func:`open_run`.

    Of a sweep only the table is kept: it has no fits of its own.

    Examples
    --------
    >>> import tempfile
    >>> fits = [{"name": "gibbs", "model": {"kind": "gibbs", "generators": {"kind": "strings", "labels": ["X", "Z"]}}}]
    >>> study = Study({"kind": "thermal", "hamiltonian": {"kind": "tfim", "n": 1}, "beta": 0.5}, fits)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = study.run(folder + "/first", quiet=True)
    ...     list(run), run.status, round(run["gibbs"].result.loss, 6), run.table["converged"]
    (['gibbs'], 'finished', 0.582203, [True])
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self._run.folder

    @property
    def study(self) -> Study:
        """What was run, with every default written out."""
        return Study.from_file(self.folder)

    @property
    def status(self) -> str:
        """ "running", "finished", "interrupted" or "failed"."""
        return str(self._run.info["status"])

    @property
    def table(self) -> Table:
        """One row a fit (of each point, in a sweep), as columns by name: what ``pandas.DataFrame`` takes."""
        return biased_last(load_table(self._run))

    @property
    def errors(self) -> Table:
        """Error bars of its tomographies, one row a quantity, as columns by name; empty where there are none."""
        return load_errors(self._run)

    def __getitem__(self, name: str) -> StudyFit:
        rows = {row.fit: row for row in self._run.rows}
        if name not in rows:
            if self._run.study.sweep is not None:
                raise InputError(f"{self.folder} is a sweep, of which the table is kept: see its table.")
            raise InputError(f"the run has no fit {name!r} that is done; it has {', '.join(rows) or 'none'}.")
        index = [fit.name for fit in self._run.study.fits].index(name)
        path = self._run.checked(f"{fit_folder(self._run.study, index)}/result.npz")
        return StudyFit(rows[name], Outcome.load(path))

    def __iter__(self) -> Iterator[str]:
        return iter([row.fit for row in self._run.rows])

    def __len__(self) -> int:
        return len(self._run.rows)

    def __str__(self) -> str:
        text = io.StringIO()
        show_run(self._run, Console(file=text, width=120, highlight=False, markup=False))
        return text.getvalue().rstrip()

    def __repr__(self) -> str:
        fits = "sweep" if self._run.study.sweep is not None else f"fits {', '.join(map(repr, self)) or 'none'}"
        return f"<StudyRun: {self.folder.name}, {self.status}, {fits}>"

    def _repr_html_(self) -> str:
        table = self.table
        is_sweep = self._run.study.sweep is not None
        columns = summary(table) if is_sweep else {name: table[name] for name in SHOWN}
        shown = html_table(columns, caption=f"{self._run.study.title or self.folder.name}: {self.status}")
        return shown + (html_table(errors, caption="error bars") if (errors := self.errors) else "")


def open_run(folder: str | Path) -> StudyRun:
    """The run in a folder that ``qml run`` or :meth:`Study.run` has written, finished or not.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    StudyRun

    Raises
    ------
    InputError
        If the folder is no run; if its study was changed, or what it wrote is changed, missing or damaged.

    Examples
    --------
    >>> open_run("no-such-folder")
    Traceback (most recent call last):
        ...
    qml._checks.InputError: no-such-folder is not the folder of a run: it has no run.json.
    """
    return StudyRun(load_run(as_path("folder", folder)))


def _plain(value: Any) -> Any:
    """Lists, dictionaries and numbers, as a YAML file has them."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return value
