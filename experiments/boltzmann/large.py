"""Train a Gibbs model of 16 qubits, without a matrix of size 4^n, to an expectation error of 1e-2.

python experiments/boltzmann/large.py --model tfim --n 16 --table large.md --figure large.png
python experiments/boltzmann/large.py --scaling 12 --scaling 14 --scaling 16 --scaling 18

The target is a thermal state. Ising: its moments are exact, by free fermions. Heisenberg: they are sampled, with random
vectors of their own. Training takes few vectors first and many afterwards, starting where the first stage ended; the
result is judged by vectors that neither the training nor the target has seen.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from free_fermions import ising_moments

import qml
from qml.engines import KrylovEngine
from qml.models import LargeGibbsModel, ThermalState
from qml.moments import Moments
from qml.operators import PauliSum, heisenberg, tfim

HAMILTONIANS = {"tfim": tfim, "heisenberg": heisenberg}
GOAL = 1e-2
TARGET_SEED, TRAINING_SEED, CHECK_SEED = 11, 22, 33


@dataclass(frozen=True)
class Stage:
    """One stage of a training."""

    samples: int
    iterations: int
    evaluations: int
    seconds: float
    status: str


@dataclass(frozen=True)
class Trained:
    """A trained model, and how far its expectations are from those of the target."""

    model: str
    n: int
    beta: float
    stages: tuple[Stage, ...]
    params: np.ndarray
    parameter_error: float
    deviations: np.ndarray
    errors: np.ndarray
    check_samples: int
    check_seconds: float

    @property
    def bound(self) -> float:
        """The largest deviation with two of its standard errors."""
        return float((np.abs(self.deviations) + 2 * self.errors).max())


def target_of(model: str, n: int, beta: float, samples: int) -> tuple[PauliSum, Moments]:
    """The Hamiltonian, and the moments of its thermal state."""
    hamiltonian = HAMILTONIANS[model](n)
    if model == "tfim":
        return hamiltonian, ising_moments(n, beta)
    return hamiltonian, ThermalState([hamiltonian], [beta], KrylovEngine(samples, TARGET_SEED)).moments(hamiltonian)


def train(model: str, n: int, beta: float, samples: tuple[int, ...], check: int) -> Trained:
    """Train from theta = 0 in stages of so many samples, and judge by `check` fresh ones."""
    hamiltonian, target = target_of(model, n, beta, check)
    theta = np.zeros(len(target))
    stages = []
    for count in samples:
        family = LargeGibbsModel(hamiltonian, KrylovEngine(count, TRAINING_SEED))
        result = qml.fit(family, target, params0=theta, gradient_tolerance=GOAL / 10, progress=False)
        theta = result.params
        stages.append(Stage(count, result.iterations, result.evaluations, result.seconds, result.status))
    since = time.perf_counter()
    found = ThermalState(hamiltonian, theta, KrylovEngine(check, CHECK_SEED))
    deviations = found.expectations() - target.values
    errors = np.hypot(found.expectation_errors(), target.errors)
    seconds = time.perf_counter() - since
    true = beta * np.array(hamiltonian.coefficients)
    off = float(np.abs(theta - true).max())
    return Trained(model, n, beta, tuple(stages), theta, off, deviations, errors, check, seconds)


def gradient_seconds(model: str, n: int, beta: float, samples: int) -> tuple[float, float, int]:
    """Seconds by the clock and of processors for a value and gradient (least of three), and the Krylov dimension."""
    hamiltonian = HAMILTONIANS[model](n)
    theta = beta * np.array(hamiltonian.coefficients)
    taken = []
    for seed in range(3):
        since, worked = time.perf_counter(), time.process_time()
        state = ThermalState(hamiltonian, theta, KrylovEngine(samples, seed))
        state.expectations()
        taken.append((time.perf_counter() - since, time.process_time() - worked))
    wall, work = np.min(taken, axis=0)
    return float(wall), float(work), state.engine_dimension


def table_of(runs: list[Trained]) -> str:
    """The runs as a table in Markdown."""
    lines = [
        "| model | n | β | parameters | training: samples × evaluations (s) | check samples | largest deviation | "
        "largest standard error | largest deviation + 2 errors | largest parameter error |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        stages = ", then ".join(f"{s.samples} × {s.evaluations} ({s.seconds:.0f} s)" for s in run.stages)
        lines.append(
            f"| {run.model} | {run.n} | {run.beta:g} | {len(run.params)} | {stages} | {run.check_samples} | "
            f"{np.abs(run.deviations).max():.4f} | {run.errors.max():.4f} | {run.bound:.4f} | "
            f"{run.parameter_error:.3f} |"
        )
    return "\n".join(lines) + "\n"


def scaling_table(model: str, sizes: tuple[int, ...], beta: float, samples: int) -> str:
    """Seconds a gradient by size, in Markdown."""
    lines = [
        "| model | n | β | samples | Krylov dimension | seconds a gradient | processor seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for n in sizes:
        seconds, work, krylov = gradient_seconds(model, n, beta, samples)
        lines.append(f"| {model} | {n} | {beta:g} | {samples} | {krylov} | {seconds:.2f} | {work:.2f} |")
    return "\n".join(lines) + "\n"


def draw(runs: list[Trained], path: Path) -> None:
    """Every deviation with its error bar."""
    from matplotlib.figure import Figure

    from qml.plotting.style import COLORS

    figure = Figure(figsize=(4.6 * len(runs), 3.4), layout="constrained")
    panels = figure.subplots(1, len(runs), squeeze=False, sharey=True)[0]
    for k, (axes, run) in enumerate(zip(panels, runs, strict=True)):
        index = np.arange(len(run.deviations))
        axes.axhspan(-GOAL, GOAL, color="0.93", zorder=0)
        axes.axhline(0.0, color="0.35", linewidth=0.8)
        axes.errorbar(index, run.deviations, 2 * run.errors, fmt="o", markersize=3, linewidth=1, color=COLORS[k])
        axes.set_title(f"{run.model}, n = {run.n}, β = {run.beta:g}", loc="left", fontsize="medium")
        axes.set_xlabel("generator")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("⟨G⟩ of model − target, ± 2 errors")
    figure.savefig(path, dpi=150)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--model", "models", type=click.Choice(list(HAMILTONIANS)), multiple=True, help="Chain.  [default: both]")
@click.option("--n", type=click.IntRange(2), default=16, show_default=True, help="Qubits.")
@click.option("--beta", type=float, default=0.5, show_default=True, help="Inverse temperature of the target.")
@click.option("--samples", type=click.IntRange(2), multiple=True, default=(64, 512), show_default=True, help="A stage.")
@click.option("--check", type=click.IntRange(2), default=1024, show_default=True, help="Vectors that judge the result.")
@click.option("--scaling", type=click.IntRange(2), multiple=True, help="Only time gradients, at these sizes.")
@click.option("--table", type=click.Path(path_type=Path), help="Write the table here (.md).")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw the deviations here (.png, .svg).")
def main(
    models: tuple[str, ...],
    n: int,
    beta: float,
    samples: tuple[int, ...],
    check: int,
    scaling: tuple[int, ...],
    table: Path | None,
    figure: Path | None,
) -> None:
    """Train Gibbs models of many qubits by sampling, and say how well they match."""
    chosen = list(models or HAMILTONIANS)
    if scaling:
        text = "\n".join(scaling_table(model, scaling, beta, samples[0]) for model in chosen)
    else:
        runs = [train(model, n, beta, samples, check) for model in chosen]
        text = table_of(runs)
        if figure:
            draw(runs, figure)
    if table:
        table.write_text(text, encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    main()
