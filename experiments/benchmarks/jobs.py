"""What the jobs share: their target, what all must agree on, and processes of their own.

Jobs are timed as users run them: with default settings, and with whatever threads the libraries choose.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from workload import Task

ROOT = Path(__file__).resolve().parents[2]


def chain(n: int) -> np.ndarray:
    """exp(-H)/Z of the transverse-field Ising chain H = -sum_q Z_q Z_{q+1} - sum_q X_q with open ends."""
    index = np.arange(2**n)
    z = 1 - 2 * (index[:, None] >> np.arange(n)[::-1] & 1)
    h = np.diag(-(z[:, :-1] * z[:, 1:]).sum(axis=1).astype(float))
    for q in range(n):
        h[index, index ^ (1 << q)] -= 1
    w, v = np.linalg.eigh(h)
    p = np.exp(w[0] - w)
    return (v * (p / p.sum())) @ v.T


def entropy(rho: np.ndarray) -> float:
    """-Tr rho log rho of a matrix of full rank, in nats."""
    p = np.linalg.eigvalsh(rho)
    return -float(p @ np.log(p))


def descent(run: Callable[[], tuple[float, float]], floor: float) -> Task:
    """A fit that returns the loss at its start and at its end. All must agree on the start, and have come closer to the
    floor; where they end differs, for the landscape has many valleys."""
    return Task(run, lambda found: np.array([found[0], float(floor - 1e-6 <= found[1] < (found[0] + floor) / 2)]))


class Ended(NamedTuple):
    """A process that has ended: what it printed, and its seconds by part (see :mod:`parts`)."""

    printed: str
    seconds: dict[str, float]


def process(program: str, *arguments: object, environment: dict[str, str] | None = None) -> Ended:
    """Run a program in an interpreter of its own, from start to end."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        parts, begin = Path(__file__).with_name("parts.py"), time.monotonic()
        done = subprocess.run(
            [sys.executable, *map(str, (parts, file.name, begin, "-c", program, *arguments))],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **(environment or {})},
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        seconds = json.loads(Path(file.name).read_text(encoding="utf-8"))
    return Ended(done.stdout, {**seconds, "exit": time.monotonic() - begin - sum(seconds.values())})


class Studied(NamedTuple):
    """A study that was run: the losses in its table, and the seconds of the process by part."""

    losses: list[float]
    seconds: dict[str, float]


def study(file: Path, *options: str) -> Studied:
    """Run a study by the command into a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = "from qml.studies.cli import main; main()"
        ended = process(command, "run", file, "--output", out, "--quiet", *options)
        table = next(out / name for name in ("table.csv", "results.csv") if (out / name).exists())
        with table.open(encoding="utf-8", newline="") as lines:
            return Studied([float(row["loss"]) for row in csv.DictReader(lines)], ended.seconds)
