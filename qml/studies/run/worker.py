"""The work of one point of a sweep, wherever it is done: in this process, in another one, on another machine."""

from __future__ import annotations

import os
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qml
from qml import threads
from qml._checks import InputError
from qml._results import Outcome
from qml.fitting import Checkpoint
from qml.studies.record.fits import continued, params_of, row_of, run_fit
from qml.studies.spec import build, config
from qml.studies.spec.signatures import Kept as Kept
from qml.studies.spec.source import POINT, Place, Source


@dataclass(frozen=True)
class Task:
    """A point of a sweep: its number, its study, the file it is from, the threads that it may use, the
    checkpoint of each of its fits (none where the folder of the run is out of reach), and the version of qml that hands
    it out."""

    point: int
    study: config.Study
    path: Path
    threads: int | None
    checkpoints: tuple[Checkpoint, ...] = ()
    version: str = qml.__version__


def work(task: Task, kept: Kept) -> dict[str, Any]:
    """Every fit of the point; one that fails leaves its error, and the others are done all the same.

    Returns
    -------
    dict
        Plain data: `point`, `fits` (each with its `row` and `params`, or its `error` and `trace`), and how it was done:
        `seconds`, `process`, `threads`.

    Raises
    ------
    InputError
        If this is another version of qml.
    """
    if task.version != qml.__version__:
        raise InputError(f"a worker has qml {qml.__version__}, and this is {task.version}: install the same one there.")
    since = time.perf_counter()
    with threads.pinned(task.threads):
        fits, used = _fits(task, kept), threads.found()
    return {
        "point": task.point,
        "fits": fits,
        "seconds": time.perf_counter() - since,
        "process": os.getpid(),
        "threads": used,
    }


def _fits(task: Task, kept: Kept) -> list[dict[str, Any]]:
    # errors are without file and line, so that the same table comes of the file and of the resolved study
    study, source = task.study, Source(task.path, None, places={(): Place(POINT)})
    try:
        target = build.build_target(study, source, kept)
    except Exception as error:
        return [_failed(fit.name, error) for fit in study.fits]
    done, results = [], dict[str, Outcome]()
    is_reached = bool(task.checkpoints) and task.checkpoints[0].file.parent.is_dir()  # not on another machine
    for i, fit in enumerate(study.fits):
        try:
            job = build.build_job(study, i, target, source, kept)
            where = task.checkpoints[i] if is_reached else None
            result = run_fit(job, target, study.seed, i, checkpoint=where, results=results)
            results[fit.name] = result
            row = row_of(job, result, target)
        except Exception as error:
            done.append(_failed(fit.name, error))
            continue
        if row.interrupted:
            raise KeyboardInterrupt
        done.append({"fit": fit.name, "row": vars(row), "params": params_of(result).tolist(), **continued(result)})
    return done


def failed(names: list[str], point: int, sentence: str) -> dict[str, Any]:
    """The outcome of a point that never came back."""
    fits = [{"fit": name, "error": sentence, "trace": ""} for name in names]
    return {"point": point, "fits": fits, "seconds": 0.0, "process": None, "threads": None}


def _failed(fit: str, error: Exception) -> dict[str, Any]:
    sentence = " ".join(f"{type(error).__name__}: {error}".split())
    return {"fit": fit, "error": sentence, "trace": traceback.format_exc()}
