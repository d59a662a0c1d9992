"""What the jobs share: their target, what all must agree on, and processes of their own.

Jobs are timed as users run them: with default settings, and with whatever threads the libraries choose.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

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


def process(command: Sequence[object], environment: dict[str, str] | None = None) -> str:
    """Run an interpreter of its own from start to end; what it printed."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return done.stdout


def study(file: Path, *options: str) -> list[float]:
    """Run a study by the command into a new folder; the losses in its table."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = "from qml.experiments.cli import main; main()"
        process(["-c", command, "run", file, "--output", out, "--quiet", *options])
        table = next(out / name for name in ("table.csv", "results.csv") if (out / name).exists())
        with table.open(encoding="utf-8", newline="") as lines:
            return [float(row["loss"]) for row in csv.DictReader(lines)]
