"""What runs cost beside the fits themselves: sweeps in one process and in several, and checkpoints of a long fit.

``python experiments/benchmarks/overhead.py``; one thread, about a minute.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from qml.fitting import Checkpoint, checkpoint, fit
from qml.models import GibbsModel
from qml.operators import tfim
from qml.optimizers import OPTIMIZERS
from qml.states import thermal
from qml.studies.run.run import Options, run_study
from qml.studies.run.sweeping import How
from qml.threads import pinned

STUDY = """\
target: {{kind: thermal, hamiltonian: {{kind: tfim, n: {n}}}, beta: 1}}
fits:
  - name: Gibbs
    model: {{kind: gibbs, generators: {{kind: neighbors, n: {n}}}}}
    max_iterations: {iterations}
    gradient_tolerance: 0.0
sweep: {{grid: {{target.beta: {{low: 0.1, high: 2, count: {count}}}}}}}
"""
HEAD = "| qubits | fits | processes | a fit | fits in all | sweep, wall | overhead | a point |\n|" + "---|" * 8


class Spent:
    """The seconds that calls of a function took, added up."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.seconds, self.calls = function, 0.0, 0

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        since = time.perf_counter()
        try:
            return self.function(*arguments, **keywords)
        finally:
            self.seconds += time.perf_counter() - since
            self.calls += 1


def sweep(folder: Path, n: int, iterations: int, count: int, workers: int) -> str:
    """A sweep, all of it (study read, folder made, points, tables), against the seconds of its fits.

    With several processes, the fits can at best be shared evenly.
    """
    study = folder / "study.yaml"
    study.write_text(STUDY.format(n=n, iterations=iterations, count=count))
    out = folder / f"{n}-{count}-{workers}"
    since = time.perf_counter()
    run_study(study, Options(out, quiet=True, how=How(workers, 1)))
    wall = time.perf_counter() - since
    with (out / "timings.csv").open() as file:
        alone = sum(float(row["seconds"]) for row in csv.DictReader(file))
    share = wall * workers / alone - 1
    return (
        f"| {n} | {count} | {workers} | {1e3 * alone / count:.1f} ms | {alone:.2f} s | {wall:.2f} s "
        f"| {100 * share:.1f} % | {1e3 * (wall * workers - alone) / count:.2f} ms |"
    )


def checkpoints(folder: Path, optimizer: str, seconds: float, iterations: int) -> str:
    """The time of writing checkpoints within a fit, over the rest of it."""
    spent = Spent(checkpoint.write)
    checkpoint.write = spent
    try:
        where = Checkpoint(folder / f"{optimizer}-{seconds:g}.npz", seconds=seconds)
        options = {"max_iterations": iterations, "gradient_tolerance": 0.0, "seed": 1, "checkpoint": where}
        since = time.perf_counter()
        result = fit(MODEL, TARGET, optimizer=OPTIMIZERS[optimizer](), progress=False, **options)
        whole = time.perf_counter() - since
    finally:
        checkpoint.write = spent.function
    rest = whole - spent.seconds
    return (
        f"| {optimizer} | {result.iterations} | {rest:.1f} s | {seconds:g} s | {spent.calls} "
        f"| {1e3 * spent.seconds / max(1, spent.calls):.1f} ms | {100 * spent.seconds / rest:.2f} % |"
    )


MODEL, TARGET = GibbsModel.all_paulis(6, 2), thermal(tfim(6), 1.0)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--fits", type=int, nargs="*", default=[50, 200])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, pinned(1):
        folder = Path(home)
        sweep(folder, 3, 30, 3, 1)  # imports
        print(HEAD)
        for n, iterations in ((3, 30), (4, 45)):
            for count in chosen.fits:
                for workers in chosen.workers:
                    print(sweep(folder, n, iterations, count, workers), flush=True)
        print("\n| optimizer | iterations | fit without checkpoints | at least every | written | each | overhead |")
        print("|---|---|---|---|---|---|---|")
        for seconds in (0.0, 1.0, 30.0):
            print(checkpoints(folder, "adam", seconds, 6000), flush=True)


if __name__ == "__main__":
    main()
