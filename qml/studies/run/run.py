"""A study carried out: fit after fit, or point after point, each kept on disk as soon as it is done."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from qml import losses
from qml._checks import InputError, plural
from qml._results import Outcome
from qml.fitting import Checkpoint
from qml.states import DensityMatrix
from qml.studies.files import digest, inside
from qml.studies.record.fits import Row, continued, history_of, params_of, row_of, run_fit
from qml.studies.record.folder import RunFolder, fit_folder, latest_run, load_run, slug
from qml.studies.record.table import columns, errors_file
from qml.studies.run import pools
from qml.studies.run.sweeping import How, run_sweep
from qml.studies.show import output, terminal
from qml.studies.show.drawing import draw as _draw
from qml.studies.show.output import FitReporter
from qml.studies.spec import build, config, loggers, streams
from qml.studies.spec.source import INPUTS
from qml.studies.spec.targets import files_of
from qml.threads import pinned
from qml.tomography.error_bars import Estimate

KEEP_TARGET_UP_TO = 1 << 10
"""Largest dimension whose density matrix is written to the folder of a run (16 MiB)."""
CHECKPOINT = "checkpoint.npz"
"""In the folder of a fit that is under way."""


@dataclass(frozen=True)
class Options:
    """The options of a run, beside its study.

    Attributes
    ----------
    output : Path, optional
        The folder of the run, which must not exist; by default the next free ``runs/NAME-001``, ``-002``, ...
    seed : int, optional
        Instead of the study's own.
    overrides : tuple of str
        ``PATH=VALUE``, laid over the study.
    resume : bool
        Continue the run in `output`, or the last one of this study: what is done is kept.
    quiet : bool
        Print nothing.
    how : How
        Workers, threads and scheduler, and when a fit writes a checkpoint.
    """

    output: Path | None = None
    seed: int | None = None
    overrides: tuple[str, ...] = ()
    resume: bool = False
    quiet: bool = False
    how: How = field(default_factory=How)


@dataclass(frozen=True)
class Finished:
    """How a run ended.

    Attributes
    ----------
    folder : Path
        What it left.
    exit_code : int
        Of the command.
    problem : str
        What the command complains of; empty where there is nothing.
    page : str
        A file of the folder to look at, where there is one.
    failed : int
        Points of a sweep that failed.
    """

    folder: Path
    exit_code: int = 0
    problem: str = ""
    page: str = ""
    failed: int = 0


def read(path: Path, options: Options = Options()) -> build.Plan:
    """The study in a file or in the folder of a run, with everything built.

    Raises
    ------
    InputError
        At the first mistake.
    """
    if path.is_dir():
        load_run(path)
        path = path / "config.yaml"
    study, source = config.read_study(path, options.overrides)
    return build.build(study if options.seed is None else study.model_copy(update={"seed": options.seed}), source)


def run_study(path: Path, options: Options = Options()) -> Finished:
    """Run the study in a file, or continue it. Nothing is written before all of it is known to be valid.

    Raises
    ------
    InputError
        For a mistake in the study, or a folder that exists or cannot be written.
    """
    return carry_out(*prepared(path, options))


def prepared(path: Path, options: Options) -> tuple[build.Plan, str, Options]:
    """What :func:`carry_out` is given to run the study in a file, or to continue it.

    Raises
    ------
    InputError
        As :func:`run_study`, but for the folder.
    """
    if path.is_dir():
        if not options.resume:
            raise InputError(f"{path} is a folder: add --resume to continue the run in it, or name a study.")
        if options.output not in (None, path):
            raise InputError(f"the run in {path} is continued there: leave out --output.")
        options = replace(options, output=path)
    plan = read(path, options)
    _fits_the_study(options, plan)
    return plan, slug(path.stem), options


def carry_out(plan: build.Plan, name: str, options: Options) -> Finished:
    """Run what was read, or continue it, in a folder that is called after `name` where it has none.

    Raises
    ------
    InputError
        For options that it cannot have, or a folder that exists or cannot be written.
    """
    _fits_the_study(options, plan)
    out = output.console(options.quiet, lasting=True)
    code, failed, problem = 0, 0, ""
    with _folder(name, plan, options) as folder, _terminated() as signals:
        again = f"continue with: qml run {shlex.quote(str(folder.path))} --resume"
        if plan.study.title:
            out.print(plan.study.title, style="bold")
        try:
            _keep_files(plan, folder)
            if plan.study.sweep is None:
                _Fits(plan, folder, options.how, out).carry_out()
            else:
                failed = run_sweep(plan, options.how, folder, out)
            status = "finished"
            if failed:
                code, problem = 1, f"{plural(failed, 'point')} failed, each with its error in the table; {again}"
        except KeyboardInterrupt:
            status, code = "interrupted", terminal.TERMINATED if signals else terminal.INTERRUPTED
            problem = f"interrupted: what was done is in {folder.path}; {again}"
        except BaseException:
            with suppress(InputError):  # of two failures, such as those of a full disk, the first is reported
                folder.finish("failed", 1)
            raise
        folder.finish(status, code)
    if plan.study.sweep is None and (run := load_run(folder.path)).rows:
        output.show_fits(run, out)
    return Finished(folder.path, code, problem, failed=failed)


def _fits_the_study(options: Options, plan: build.Plan) -> None:
    """Refuse options that have no meaning for the study."""
    how = options.how
    how.checkpoint(Path("fit"))
    if not plan.points and (how.workers is not None or how.scheduler is not None):
        raise InputError("this study has no sweep: leave out --workers and --scheduler.")
    if how.scheduler is not None:
        pools.reach(how.scheduler)


@contextmanager
def _terminated() -> Iterator[list[int]]:
    """SIGTERM is handled like Ctrl-C; yields the list of those that came. (Python lets only the main thread do so.)"""
    came: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> None:
        came.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before)


def _folder(name: str, plan: build.Plan, options: Options) -> AbstractContextManager[RunFolder]:
    study, inputs = plan.study, plan.inputs
    if not options.resume:
        return RunFolder.create(study, inputs, name, options.output)
    path = options.output or latest_run(name, study, inputs)
    return RunFolder.resume(path, study, inputs, options.how.threads)


class _Fits:
    """The fits of a study without a sweep: one after the other, each kept when it is done."""

    def __init__(self, plan: build.Plan, folder: RunFolder, how: How, out: Console) -> None:
        self.plan, self.folder, self.how, self.out = plan, folder, how, out
        self.threads = how.threads or folder.info.get("threads")
        folder.update(threads=self.threads)
        self.results: dict[str, Outcome] = {}
        self.rows: list[Row] = []

    def carry_out(self) -> None:
        """A Ctrl-C is raised again after what was done is kept."""
        there = load_run(self.folder.path)
        before = {row.fit: row for row in there.rows if not row.interrupted}
        _keep_target(self.plan, self.folder)
        try:
            with pinned(self.threads):
                for index, job in enumerate(self.plan.jobs):
                    name, place = job.spec.name, fit_folder(self.folder.study, index)
                    where = self.how.checkpoint(self.folder.path / place / CHECKPOINT)
                    if name in before:
                        self.results[name] = Outcome.load(there.checked(f"{place}/result.npz"))
                        self.rows.append(before[name])
                        self.out.print(f"{name}: done already")
                    else:
                        self._fit(index, place, where)
                    where.remove()  # also what a run that was killed before this line has left
                    self._bound(index)
        finally:
            if self.results:
                _draw(self.results, self.plan, self.folder, self.out.print)

    def _fit(self, index: int, place: str, where: Checkpoint) -> None:
        """A fit, followed by the loggers that the study names, and kept."""
        study, job, folder, reporter = self.plan.study, self.plan.jobs[index], self.folder, FitReporter(self.out)
        name = job.spec.name
        folder.log("fit started", fit=name)
        about = [] if job.model is None else [plural(job.n_params, "parameter")]
        most, by = (job.most, []) if job.spec.method is None else (None, [job.way])
        settings = {"fit": job.spec.model_dump(), "target": study.target.model_dump(), "seed": study.seed}
        following = loggers.following(study.loggers, folder.path, Path(place).name, settings)
        reporter.begin(name, " by ".join(about + by), most)
        try:
            with self.plan.source.within("fits", index), following as logs:
                told: list[Any] = [reporter.step, *logs]
                result = run_fit(
                    job, self.plan.target, study.seed, index, *told, checkpoint=where, results=self.results
                )
                row = row_of(job, result, self.plan.target)
                for problem in loggers.finish(logs, vars(row)):
                    folder.log("logger failed", fit=name, problem=problem)
                    self.out.print(problem)
        finally:
            reporter.stop()
        for details in continued(result).values():
            folder.log("fit continued from its checkpoint", fit=name, **details)
        self.results[name] = result
        self.rows.append(row)
        folder.write_file(f"{place}/result.npz", result.save)
        if history := history_of(result):
            folder.write_columns(f"{place}/history.csv", {key: column.tolist() for key, column in history.items()})
        if job.model is not None:
            natural = job.natural(params_of(result))
            folder.write_columns(f"{place}/parameters.csv", {"name": list(natural), "value": list(natural.values())})
        folder.write_rows(self.rows)
        folder.log("fit done", fit=name, loss=repr(row.loss), iterations=row.iterations, status=row.status)
        reporter.end(row)
        if row.interrupted:
            raise KeyboardInterrupt

    def _bound(self, index: int) -> None:
        """The error bars of a fit that is done, kept when all of them are."""
        study, spec = self.plan.study, self.plan.study.fits[index]
        name, rows = errors_file(study, index), list[dict[str, Any]]()
        if spec.errors is None or name in self.folder.info["files"]:
            return
        for k, errors in enumerate(spec.errors):
            self.out.print(f"  error bars by {errors.kind}")
            with self.plan.source.within("fits", index, "errors", k):
                seed = streams.error_seed(study.seed, index, k)
                found = errors.estimates(self.results[spec.name], self.plan.target.truth, seed)
            rows += [estimate._asdict() for estimate in found]
        self.folder.write_columns(name, columns(Estimate._fields, rows))
        self.folder.update()
        self.folder.log("error bars done", fit=spec.name)


def _keep_target(plan: build.Plan, folder: RunFolder) -> None:
    """The target, as far as it is known."""
    target = plan.target
    known = {} if target.truth is None else {"entropy": float(losses.von_neumann_entropy(target.truth))}
    folder.update(target={"dims": list(target.state.dims), **known})
    test = target.test if target.labels is None or target.labels.test is None else target.labels.test.states
    if test is not None:
        folder.update(test=output.benchmarks(test))
    if target.labels is not None:
        folder.write_file("labels.npz", target.labels.save)
    if target.counts is not None:
        folder.write_file("counts.npz", target.counts.save)
    made = not files_of(plan.study.target.model_dump()) and target.labels is None and target.hamiltonian is None
    if made and target.state.dim <= KEEP_TARGET_UP_TO:
        folder.write_file("target.npz", DensityMatrix._trusted(target.state.matrix(), target.state.dims).save)


def _keep_files(plan: build.Plan, folder: RunFolder) -> None:
    """Copies of the files that the study names, with which ``config.yaml`` can be run again."""
    new = False
    for name, sha in plan.inputs.items():
        copy = f"{INPUTS}/{os.path.normpath(name)}"
        if digest(folder.path / copy) != sha:
            folder.write_file(copy, partial(shutil.copyfile, inside(plan.source.home, name)))
            new = True
        if folder.info["inputs"].setdefault(name, sha) != sha or digest(folder.path / copy) != sha:
            raise InputError(f"the file {name!r} has changed since the run began: start a new run.")
    if new:
        folder.update(fingerprint=config.fingerprint(folder.info["study"], folder.info["inputs"]))
