"""Runs ``qml run`` in processes that are killed (SIGKILL) at random moments, and resumes them; see test_kill.py.

Most are forked from this process, which has imported everything, so that a kill costs a fraction of a second instead of
the start of an interpreter, and hits the work instead of the imports; every tenth is a new interpreter. What is killed
is the command itself, with everything it does on disk.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import matplotlib.backends.backend_agg  # noqa: F401
import pyarrow.parquet  # noqa: F401

from qml.fitting import FitResult, checkpoint
from qml.studies.cli import main
from qml.studies.files import read_journal
from qml.studies.record.folder import load_run
from qml.studies.run import run, sweeping  # noqa: F401 - like the two above, so that they are at hand in every child

NEW = 10
"""One in so many processes is a new interpreter."""
BLIND = 0.25, 1.5
"""Seconds within which one kill in four hits a forked process, and a new interpreter, whatever it is at. The others
come when a process has put so many steps on disk, however busy the machine is."""
PAUSE = 0.01
"""Seconds after that within which they come: longer than a step."""
PATIENCE = 600.0
"""Seconds to wait for the steps at most."""


def forked(arguments: list[str]) -> int:
    process = os.fork()
    if process == 0:
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 1)
            code = 0
            try:
                main(arguments, prog_name="qml")
            except SystemExit as ending:
                code = int(ending.code or 0)
            os._exit(code)
    return process


def started(arguments: list[str]) -> int:
    command = [sys.executable, "-m", "qml.studies.cli", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid


def done(folder: Path) -> list[str]:
    """Every step that a run has on disk, in the order in which it came; as text, in which NaN equals itself.

    Of a sweep, a step is a point; otherwise an iterate of a fit: in its result, or in its checkpoint.
    """
    if (folder / "points.journal").exists():
        return [repr({**entry, "seconds": 0, "process": 0}) for entry in read_journal(folder / "points.journal")]
    found = []
    study = load_run(folder)
    for number, row in enumerate(study.rows):
        (path,) = (folder / "fits").glob(f"{number + 1}-*/result.npz")
        found += [f"{row.fit} {loss.hex()}" for loss in FitResult.load(path).history.loss.tolist()]
    if len(study.rows) < len(study.study.fits):
        for path in sorted((folder / "fits").glob(f"{len(study.rows) + 1}-*/checkpoint.npz*")):
            entries = checkpoint.read(path)["restarts"][0]["entries"]
            found += [f"{study.study.fits[len(study.rows)].name} {loss.hex()}" for loss in entries[:, 0].tolist()]
            break  # behind it is the one before
    return found


def on_disk(folder: Path) -> set[tuple[str, int, int]]:
    """Where steps are kept, with what tells that there are more."""
    found = set()
    for file in [*folder.glob("points.journal"), *folder.glob("fits/*/*.npz")]:
        with contextlib.suppress(FileNotFoundError):  # the process has moved it meanwhile
            stat = file.stat()
            found.add((str(file), stat.st_size, stat.st_mtime_ns))
    return found


def wait_for_more(times: int, folder: Path, there: set[tuple[str, int, int]], process: int) -> None:
    """Until the process has been seen so many times to have put more on disk, or has ended."""
    end = time.monotonic() + PATIENCE
    while times and time.monotonic() < end:
        if os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        now = on_disk(folder)
        times -= not now <= there
        there |= now
        time.sleep(0.004)


def kill_and_resume(
    study: str, output: Path, steps: int, kills: int, rng: random.Random, most: int, options: list[str]
) -> dict[str, Any]:
    """Kill so many times, each when up to `most` things are on disk, resuming what was killed, and starting anew when
    all steps are done. The last is finished.

    Returns
    -------
    dict
        How many steps each kill left, and the steps of the end.
    """
    left: list[int] = []
    before: list[str] = []
    for number in range(kills):
        new = number % NEW == NEW - 1
        arguments = command(study, output, options)
        there = on_disk(output)
        process = (started if new else forked)(arguments)
        if rng.random() < 0.25:
            time.sleep(rng.uniform(0.0, BLIND[new]))
        else:
            wait_for_more(rng.randint(1, most), output, there, process)
            time.sleep(rng.uniform(0.0, PAUSE))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        after = done(output) if (output / "run.json").exists() else []
        assert after[: len(before)] == before, "something that was done is gone"
        left.append(len(after))
        before = after
        if len(after) == steps:
            shutil.rmtree(output)
            before = []
    process = forked(command(study, output, options))
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    end = done(output)
    assert end[: len(before)] == before
    return {"left": left, "end": end}


def command(study: str, output: Path, options: list[str]) -> list[str]:
    """Resume what there is. A folder without ``run.json`` is no run yet: the process died as it made it."""
    resume = ["--resume"] if (output / "run.json").exists() else []
    return ["run", study, "--output", str(output), *options, *resume]


if __name__ == "__main__":
    run._draw = lambda *_: None  # takes longer than all the rest
    study, output, steps, kills, most, options = json.loads(sys.argv[1])
    print(json.dumps(kill_and_resume(study, Path(output), steps, kills, random.Random(0), most, options)))
