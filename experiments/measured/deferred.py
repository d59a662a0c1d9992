"""Deferred against measured training at equal numbers of copies, as a table and a figure.

    python experiments/measured/deferred.py --figure deferred.png --table deferred.md

A thermal state rho of two qubits (transverse-field Ising, beta = 1) is learnt by a spectral model of 16 parameters.
Three ways to spend the same copies of rho: measure them in the model's own eigenbasis and in the shifted bases that the
gradient needs, fresh ones in each of 150 Adam steps (deferred); measure all of them first in the nine Pauli settings,
and maximise the likelihood of the counts; or minimise the cross entropy of the empirical state of the same counts.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from matplotlib.figure import Figure

from qml import CrossEntropy, SpectralModel, circuits, fit, relative_entropy, thermal
from qml.fitting.deferred import DeferredCrossEntropy
from qml.losses import NegativeLogLikelihood
from qml.measurement import PauliMeasurement, sample
from qml.operators import tfim
from qml.plotting.style import COLORS, MARKERS, plain

STEPS = 150
WAYS = ("deferred, 150 Adam steps", "likelihood, nine Pauli settings", "cross entropy of the empirical state")


def one(copies: int, seed: int) -> list[float]:
    """D(rho||sigma) in nats of the state that each way learns."""
    rho = thermal(tfim(2, h=0.7), 1.0)
    model = SpectralModel(circuits.hardware_efficient(2, 2), "table")
    rng = np.random.default_rng(seed)
    start = np.concatenate([np.zeros(4), 0.1 * rng.standard_normal(12)])
    run = DeferredCrossEntropy(model, rho, copies=copies // STEPS, rng=rng).descend(start, steps=STEPS - 1)
    counts = sample(rho, PauliMeasurement(2), copies // 9, rng)
    learnt = [model.state(run.average(29))]
    for loss in (NegativeLogLikelihood(), CrossEntropy()):
        learnt.append(fit(model, counts, loss=loss, params0=start, max_iterations=300, progress=False).state)
    return [float(relative_entropy(rho, sigma)) for sigma in learnt]


def table(copies: list[int], found: np.ndarray) -> str:
    """Medians over the seeds, in Markdown."""
    lines = [f"| copies | {' | '.join(WAYS)} |", "|---" * (len(WAYS) + 1) + "|"]
    for n, medians in zip(copies, np.median(found, axis=1), strict=True):
        lines.append(f"| {n} | {' | '.join(f'{d:.2g}' for d in medians)} |")
    return "\n".join(lines)


def draw(copies: list[int], found: np.ndarray) -> Figure:
    """Median, least and greatest over the seeds."""
    figure = Figure(figsize=(5.6, 3.8), layout="constrained")
    ax = figure.subplots()
    for k, (way, color, marker) in enumerate(zip(WAYS, COLORS, MARKERS, strict=False)):
        values = found[:, :, k]
        ax.plot(copies, np.median(values, axis=1), f"{marker}-", color=color, label=way, markersize=4)
        ax.fill_between(copies, values.min(axis=1), values.max(axis=1), color=color, alpha=0.15, linewidth=0)
    ax.set(xscale="log", yscale="log", xlabel="copies of rho", ylabel=r"$D(\rho\Vert\sigma)$ (nats)")
    plain(ax)
    ax.legend(frameon=False, fontsize="small")
    return figure


@click.command()
@click.option("--copies", type=int, multiple=True, default=(9_000, 90_000, 900_000), show_default=True)
@click.option("--seeds", default=5, show_default=True, help="How often each number of copies is tried.")
@click.option("--table", "table_path", type=click.Path(path_type=Path), help="Write the table here.")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw it here.")
def main(copies: tuple[int, ...], seeds: int, table_path: Path | None, figure: Path | None) -> None:
    """Deferred against measured training at equal numbers of copies."""
    sizes = sorted(copies)
    if sizes[0] < 9 * STEPS:
        raise click.UsageError(f"at least {9 * STEPS} copies are needed; found {sizes[0]}.")
    found = np.array([[one(n, seed) for seed in range(seeds)] for n in sizes])
    text = table(sizes, found)
    click.echo(text)
    if table_path is not None:
        table_path.write_text(text + "\n", encoding="utf-8")
    if figure is not None:
        draw(sizes, found).savefig(figure, dpi=150)


if __name__ == "__main__":
    main()
