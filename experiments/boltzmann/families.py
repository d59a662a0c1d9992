"""Gibbs models on five families of Hamiltonians: how near do fully connected and restricted sets of strings come?

python experiments/boltzmann/families.py --table families.md --csv families.csv --figure families.png

Targets: thermal states and ground states of the Ising, Heisenberg, J1-J2 and Hubbard models (chain and 2 x 2 lattice).
Models, each inside the next: one-body strings; one- and two-body strings on the bonds of a chain; on all pairs. Each is
trained from theta = 0, and once more from the optimum of the one before it (pre-training). The last figure learns from
noisy moments: what a finite number of measurements costs.

The targets and the questions are those of Coopmans and Benedetti (2024), Commun. Phys. 7, 274, arXiv:2306.14969.
"""

from __future__ import annotations

import csv
import itertools
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np

import qml
from qml.fitting import FitResult
from qml.moments import Moments
from qml.operators import PauliSum, grid_edges, heisenberg, hubbard, j1j2, pauli, tfim
from qml.states import DensityMatrix, State

SETS = ("one-body", "chain", "all pairs")
FIGURE_TARGET = ("J1-J2", "thermal")


@dataclass(frozen=True)
class Row:
    """One training."""

    family: str
    target: str
    model: str
    parameters: int
    entropy: float
    loss: float
    gap: float
    fidelity: float
    gradient: float
    iterations: int
    pretrained_start: float
    pretrained_iterations: int
    seconds: float


@dataclass(frozen=True)
class Trainings:
    """From theta = 0, and from the optimum of the smaller model."""

    row: Row
    cold: FitResult
    warm: FitResult


def hamiltonians(n: int) -> dict[str, PauliSum]:
    """The five families on n qubits, n = 4 or a multiple of 4."""
    return {
        "TFIM": tfim(n),
        "Heisenberg": heisenberg(n),
        "J1-J2": j1j2(n, 1.0, 0.5),
        "Hubbard chain": hubbard(n // 2, t=1.0, U=4.0, mu=2.0),
        "Hubbard 2D": hubbard(n // 2, t=1.0, U=4.0, mu=2.0, edges=grid_edges(2, n // 4)),
    }


def strings(n: int, kind: str) -> list[PauliSum]:
    """The generators of a set of :data:`SETS`, those of the smaller sets first."""
    pairs = {
        "one-body": [],
        "chain": [(i, i + 1) for i in range(n - 1)],
        "all pairs": sorted(itertools.combinations(range(n), 2), key=lambda pair: pair[1] - pair[0] > 1),
    }[kind]
    one = [pauli(p, sites=(i,), n=n) for i in range(n) for p in "XYZ"]
    two = [pauli(p + q, sites=pair, n=n) for pair in pairs for p, q in itertools.product("XYZ", repeat=2)]
    return one + two


def targets(hamiltonian: PauliSum, beta: float) -> dict[str, State]:
    """The thermal state, and the uniform mixture of the ground states."""
    values, vectors = np.linalg.eigh(hamiltonian.matrix())
    ground = vectors[:, values < values[0] + 1e-8]
    factor = ground / np.sqrt(ground.shape[1])
    return {
        "thermal": qml.thermal(hamiltonian, beta),
        "ground": DensityMatrix.from_factor(factor, hamiltonian.dims),
    }


def train(family: str, name: str, rho: State, iterations: int) -> list[Trainings]:
    """All sets of strings on one target."""
    n = len(rho.dims)
    before = np.zeros(0)
    done = []
    for kind in SETS:
        generators = strings(n, kind)
        model = qml.GibbsModel(generators)
        grown = np.concatenate([before, np.zeros(model.n_params - len(before))])
        options = {"max_iterations": iterations, "gradient_tolerance": 1e-5, "progress": False}
        since = time.perf_counter()
        cold = qml.fit(model, rho, params0=np.zeros(model.n_params), **options)
        seconds = time.perf_counter() - since
        warm = qml.fit(model, rho, params0=grown, **options) if len(before) else cold
        best = min(cold, warm, key=lambda result: result.loss)
        row = Row(
            family, name, kind, model.n_params, cold.floor, best.loss, best.gap, best.fidelity,
            float(best.history.gradient_norm[-1]), cold.iterations,
            float(warm.history.loss[0]), warm.iterations, seconds,
        )  # fmt: skip
        done.append(Trainings(row, cold, warm))
        before = best.params
    return done


def excess_by_copies(n: int, copies: tuple[int, ...], repeats: int, seed: int) -> tuple[np.ndarray, float]:
    """D of the target and what is learnt from N measurements of every string (len(copies), repeats), and its slope.

    To first order the excess is half the squared error of the moments in the metric of the model,
    (1/2) tr(F^-1 C) / N, with F the Hessian of S and C the variances 1 - <P>^2 of single measurements.
    """
    hamiltonian = tfim(n)
    rho = qml.thermal(hamiltonian, 0.7)
    exact = Moments.of(rho, hamiltonian)
    model = qml.GibbsModel(hamiltonian)
    theta = 0.7 * np.array(hamiltonian.coefficients)
    step = 1e-4

    def gradient(params: np.ndarray) -> np.ndarray:
        return Moments.of(model.state(params), hamiltonian).values

    rows = [gradient(theta - step * e) - gradient(theta + step * e) for e in np.eye(len(theta))]
    hessian = np.array(rows) / (2 * step)
    variances = 1 - np.square(exact.values)
    slope = 0.5 * float((np.diagonal(np.linalg.inv(hessian)) * variances).sum())
    rng = np.random.default_rng(seed)
    excess = np.empty((len(copies), repeats))
    for i, count in enumerate(copies):
        for k in range(repeats):
            ones = rng.binomial(count, (1 + exact.values) / 2)
            measured = Moments(hamiltonian, 2 * ones / count - 1, np.sqrt(variances / count))
            learnt = qml.fit(model, measured, params0=np.zeros(len(theta)), progress=False, gradient_tolerance=1e-7)
            excess[i, k] = float(qml.relative_entropy(rho, learnt.state))
    return excess, slope


def table_of(rows: list[Row]) -> str:
    """The trainings in Markdown."""
    lines = [
        "| family | target | strings | parameters | S(ρ) | D(ρ‖σ) | fidelity | iterations from 0 | pre-trained |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.family} | {r.target} | {r.model} | {r.parameters} | {round(r.entropy, 3) + 0.0:.3f} | {r.gap:.2e} | "
        f"{r.fidelity:.4f} | {r.iterations} | {'' if r.model == SETS[0] else r.pretrained_iterations} |"
        for r in rows
    ]
    return "\n".join(lines) + "\n"


def draw(done: list[Trainings], copies: tuple[int, ...], excess: np.ndarray, slope: float, path: Path) -> None:
    """What every set reaches; pre-training against training from 0; the price of finite measurements."""
    from matplotlib.figure import Figure

    from qml.plotting.style import COLORS

    figure = Figure(figsize=(13.5, 4.0), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.5, 1, 1))
    pairs = list(dict.fromkeys((t.row.family, t.row.target) for t in done))
    for k, kind in enumerate(SETS):
        gaps = [t.row.gap for t in done if t.row.model == kind]
        size, fill = (6, 9, 5)[k], ("full", "none", "full")[k]  # equal values stay visible
        style = {"marker": "osD"[k], "markersize": size, "fillstyle": fill, "linestyle": ""}
        left.plot(range(len(pairs)), np.maximum(gaps, 1e-12), color=COLORS[k], label=kind, **style)
    left.set_xticks(range(len(pairs)), [f"{f}\n{t}" for f, t in pairs], rotation=60, fontsize="small")
    left.set_ylabel("D(ρ‖σ) (nats)")
    left.legend(frameon=False, fontsize="small", title="strings")
    shown = [t for t in done if (t.row.family, t.row.target) == FIGURE_TARGET]
    offset = 0
    for k, t in enumerate(shown):
        gap = t.warm.history.gap
        middle.plot(offset + np.arange(len(gap)), gap, color=COLORS[k], label=f"pre-trained: {t.row.model}")
        offset += len(gap) - 1
    middle.plot(shown[-1].cold.history.gap, color="0.35", linestyle="--", label=f"from 0: {shown[-1].row.model}")
    middle.set_xlabel("iteration")
    middle.set_ylabel("D(ρ‖σ) (nats)")
    middle.set_title(" ".join(FIGURE_TARGET), loc="left", fontsize="medium")
    middle.legend(frameon=False, fontsize="small")
    right.plot(copies, excess, "o", color=COLORS[0], markersize=3, alpha=0.5)
    right.plot(copies, excess.mean(axis=1), color=COLORS[0], label="learnt (mean of runs)")
    right.plot(copies, slope / np.array(copies), color="0.35", linestyle=":", label=f"{slope:.3g} / N, predicted")
    right.set_xscale("log")
    right.set_xlabel("measurements N of every string")
    right.set_ylabel("D(ρ‖σ) (nats)")
    right.legend(frameon=False, fontsize="small")
    for axes in (left, middle, right):
        axes.set_yscale("log")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="0.9", linewidth=0.7)
        axes.set_axisbelow(True)
    figure.savefig(path, dpi=150)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--n", type=click.IntRange(4), default=8, show_default=True, help="Qubits, a multiple of 4.")
@click.option("--beta", type=float, default=1.0, show_default=True, help="Inverse temperature of the thermal states.")
@click.option("--iterations", type=click.IntRange(1), default=60, show_default=True, help="At most, a training.")
@click.option("--repeats", type=click.IntRange(1), default=8, show_default=True, help="Runs for each number of copies.")
@click.option("--table", type=click.Path(path_type=Path), help="Write the table here (.md).")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write all numbers here (.csv).")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw here (.png, .svg).")
def main(
    n: int, beta: float, iterations: int, repeats: int, table: Path | None, csv_file: Path | None, figure: Path | None
) -> None:
    """Train Gibbs models on the five families, and write what they reach."""
    if n % 4:
        raise click.UsageError(f"--n must be a multiple of 4, for the 2 x n/4 lattice of the Hubbard model; found {n}.")
    done = [
        training
        for family, hamiltonian in hamiltonians(n).items()
        for name, rho in targets(hamiltonian, beta).items()
        for training in train(family, name, rho, iterations)
    ]
    rows = [t.row for t in done]
    copies = (100, 1000, 10_000, 100_000, 1_000_000)
    excess, slope = excess_by_copies(min(n, 6), copies, repeats, seed=7)
    text = table_of(rows)
    text += "\n| measurements of every string | mean D(ρ‖σ) | predicted |\n|---|---|---|\n"
    text += "".join(f"| {c} | {e.mean():.2e} | {slope / c:.2e} |\n" for c, e in zip(copies, excess, strict=True))
    if table:
        table.write_text(f"# What each set of strings reaches\n\n{text}", encoding="utf-8")
    if csv_file:
        with csv_file.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(asdict(rows[0])))
            writer.writeheader()
            writer.writerows(asdict(row) for row in rows)
    if figure:
        draw(done, copies, excess, slope, figure)
    click.echo(text)


if __name__ == "__main__":
    main()
