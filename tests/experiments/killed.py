"""Runs ``qml run`` in forked processes that are killed (SIGKILL) at random moments, and resumes them; see test_kill.py.

A process of its own, so that a fork costs milliseconds instead of the seconds of a new interpreter: what is killed is
the command itself, with everything it does on disk.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from qml.experiments.cli import main
from qml.experiments.files import read_journal
from qml.experiments.record import load_run


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


def done(folder: Path) -> list[str]:
    """What a run has on disk, in the order in which it came; as text, in which NaN equals itself."""
    if (folder / "points.journal").exists():
        return list(map(repr, read_journal(folder / "points.journal")))
    return list(map(repr, load_run(folder).rows))


def kill_and_resume(study: str, output: Path, kills: int, rng: random.Random, longest: float) -> list[int]:
    """Kill so many times, starting anew whenever the run was faster; the last run is finished. How much each left."""
    left: list[int] = []
    before: list[str] = []
    for _ in range(kills):
        started = (output / "run.json").exists()
        if not started:
            shutil.rmtree(output, ignore_errors=True)
        process = forked(["run", study, "--output", str(output), "--workers", "1", *(["--resume"] if started else [])])
        time.sleep(rng.uniform(0.0, longest))
        os.kill(process, signal.SIGKILL)
        finished = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
        after = done(output) if (output / "run.json").exists() else []
        assert after[: len(before)] == before, "something that was done is gone"
        left.append(len(after))
        before = after
        if finished:
            shutil.rmtree(output)
            before = []
    resume = ["--resume"] if (output / "run.json").exists() else []
    if not resume:
        shutil.rmtree(output, ignore_errors=True)
    process = forked(["run", study, "--output", str(output), "--workers", "1", *resume])
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    assert done(output)[: len(before)] == before
    return left


if __name__ == "__main__":
    study, output, kills, seed, longest = sys.argv[1:]
    print(json.dumps(kill_and_resume(study, Path(output), int(kills), random.Random(int(seed)), float(longest))))
