"""A study carried out: fit after fit, each kept on disk as soon as it is done."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from qml import losses
from qml.experiments import build, config, report
from qml.experiments.record import Row, RunFolder, slug
from qml.fitting import FitResult, fit
from qml.plotting.history import plot_history
from qml.plotting.states import plot_density_matrix
from qml.states import DensityMatrix, State

KEEP_TARGET_UP_TO = 1 << 10
"""Largest dimension whose density matrix is written to the folder of a run (16 MiB)."""
DRAW_STATES_UP_TO = 1 << 7
CTRL_C = "interrupted (Ctrl-C)"
"""How the status of a fit tells that it was cut short."""


@dataclass(frozen=True)
class Finished:
    """What a run left: its folder, its table, and whether it was cut short by Ctrl-C."""

    folder: Path
    rows: tuple[Row, ...]
    interrupted: bool


def plan_study(path: Path, seed: int | None = None) -> build.Plan:
    """The study in a file, with everything built; `seed` replaces its own."""
    return _plan(path, seed)[0]


def _plan(path: Path, seed: int | None) -> tuple[build.Plan, Path]:
    study, source = config.read_study(path)
    if seed is not None:
        study = study.model_copy(update={"seed": seed})
    return build.build(study, source), source.path.parent


def run_study(path: Path, *, output: Path | None = None, seed: int | None = None, quiet: bool = False) -> Finished:
    """Run the study in a file. Nothing is written before all of it is known to be valid.

    Parameters
    ----------
    path : Path
        The YAML file.
    output : Path, optional
        The folder of the run, which must not exist; by default the next free ``runs/NAME-001``, ``-002``, ...
    seed : int, optional
        Instead of the study's own.
    quiet : bool
        Print the folder only.

    Raises
    ------
    InputError
        For a mistake in the study, or a folder that exists or cannot be written.
    """
    plan, home = _plan(path, seed)
    folder = RunFolder.create(plan.study, slug(path.stem), output)
    out = report.console(quiet)
    if plan.study.title:
        out.print(plan.study.title, style="bold", markup=False)
    rows: list[Row] = []
    try:
        _run(plan, folder, home, out, rows)
        status = "finished"
    except KeyboardInterrupt:
        status = "interrupted"
    except BaseException:
        folder.finish("failed")
        raise
    folder.finish(status)
    if rows:
        out.print(report.result_table(rows))
        out.print(report.legend(folder.info, rows), markup=False)
    report.console().print(str(folder.path) if quiet else f"Kept in {folder.path}", markup=False, soft_wrap=True)
    return Finished(folder.path, tuple(rows), status == "interrupted")


def _run(plan: build.Plan, folder: RunFolder, home: Path, out: Console, rows: list[Row]) -> None:
    """Fit after fit, each kept when it is done; a Ctrl-C is raised again after what was done is kept."""
    _keep_target(plan, folder, home)
    results: dict[str, FitResult] = {}
    reporter = report.Reporter(out)
    try:
        for index, job in enumerate(plan.jobs):
            result = _fit(plan, index, reporter)
            results[job.spec.name] = result
            rows.append(row_of(job, result, plan.target))
            folder.write_file(f"{folder.fit_folder(index)}/result.npz", result.save)
            folder.write_columns(f"{folder.fit_folder(index)}/history.csv", _history(result))
            natural = job.model.natural(result.params)
            folder.write_columns(
                f"{folder.fit_folder(index)}/parameters.csv", {"name": list(natural), "value": list(natural.values())}
            )
            folder.write_rows(rows)
            reporter.end(rows[-1])
            if CTRL_C in result.status:
                raise KeyboardInterrupt
    finally:
        if results:
            _draw(results, plan.target.state, plan.study, folder)


def _fit(plan: build.Plan, index: int, reporter: report.Reporter) -> FitResult:
    job, spec = plan.jobs[index], plan.jobs[index].spec
    reporter.begin(spec.name, job.model.n_params, spec.max_iterations)
    try:
        return fit(
            job.model,
            plan.target.state,
            loss=job.loss,
            optimizer=job.optimizer,
            seed=build.fit_seed(plan.study.seed, index),
            restarts=spec.restarts,
            max_iterations=spec.max_iterations,
            gradient_tolerance=spec.gradient_tolerance,
            loss_tolerance=spec.loss_tolerance,
            callbacks=(reporter.step,),
            progress=False,
        )
    finally:
        reporter.stop()


def row_of(job: build.Job, result: FitResult, target: build.Target) -> Row:
    """The line of the closing table of one fit."""
    test = math.nan
    if target.test is not None:
        test = -float(losses.cross_entropy(target.test, result.state))
    natural = job.model.natural(result.params)
    return Row(
        fit=job.spec.name,
        loss_name=job.loss.name,
        loss=result.loss,
        floor=result.floor,
        gap=result.gap,
        fidelity=result.fidelity,
        iterations=result.iterations,
        seconds=result.seconds,
        test_log_likelihood=test,
        learnt_noise=", ".join(f"{name} = {natural[name]:.6g}" for name in build.learnt_noise(job.spec.model)),
        status=result.status,
    )


def _history(result: FitResult) -> dict[str, list[float]]:
    columns = {name: [float(x) for x in column] for name, column in result.history.columns().items()}
    return {"iteration": list(range(len(result.history))), **columns}


def _keep_target(plan: build.Plan, folder: RunFolder, home: Path) -> None:
    """What is known of the target, and the files that ``config.yaml`` needs to be run again."""
    target = plan.target
    folder.update(target={"dims": list(target.state.dims), "entropy": float(losses.von_neumann_entropy(target.state))})
    if target.test is not None:
        folder.update(test=report.benchmarks(target.test))
    if isinstance(plan.study.target, config.File):
        source = build.inside(home, plan.study.target.path)
        folder.write_file(source.relative_to(home.resolve()).as_posix(), lambda path: shutil.copyfile(source, path))
    elif target.state.dim <= KEEP_TARGET_UP_TO:
        folder.write_file("target.npz", DensityMatrix.trusted(target.state.matrix(), target.state.dims).save)


def _draw(results: dict[str, FitResult], target: State, study: config.Study, folder: RunFolder) -> None:
    """``history.png``, and ``states.png`` where the states are small enough to be seen."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    axes = figure.subplots(1, 2)
    plot_history(results, (axes[0], axes[1]))
    if study.title:
        figure.suptitle(study.title, fontsize="medium")
    folder.write_file("history.png", partial(figure.savefig, dpi=150, format="png"))
    if target.dim > DRAW_STATES_UP_TO:
        return
    shown = {"target": target, **{name: result.state for name, result in results.items()}}
    limit = max(float(abs(state.matrix()).max()) for state in shown.values())
    figure = Figure(figsize=(3.4 * len(shown), 4.0), layout="constrained")
    for ax, (name, state) in zip(figure.subplots(1, len(shown)), shown.items(), strict=True):
        plot_density_matrix(state, ax, limit=limit, title=name)
    folder.write_file("states.png", partial(figure.savefig, dpi=150, format="png"))
