"""The same fit by five optimizers: how many iterations each takes, as a figure and a table.

    python experiments/boltzmann/convergence.py --figure docs/explanation/figures/convergence.png

The target is the Gibbs state of an XXZ chain in random fields. The model has its terms (``matched``), or lacks the
field in Y that the target also has (``mismatched``). All start at theta = 0.
"""

from __future__ import annotations

import time
from pathlib import Path

import click
import numpy as np
from matplotlib.figure import Figure

from qml import FitResult, GibbsModel, fit, thermal
from qml.operators import PauliSum, pauli
from qml.optimizers import LBFGS, Adam, GradientDescent, NaturalGradient, Newton, Optimizer
from qml.plotting.style import COLORS, DASHES, plain

OPTIMIZERS: dict[str, Optimizer] = {
    "gradient descent": GradientDescent(0.25),
    "Adam": Adam(0.05),
    "L-BFGS": LBFGS(),
    "natural gradient (Bures)": NaturalGradient("bures"),
    "Newton": Newton(),
}
TOLERANCE = 1e-10
MOST = 4000


def chain(n: int, rng: np.random.Generator, mismatched: bool) -> tuple[PauliSum, GibbsModel]:
    """K of the target, and the model."""
    bonds = [pauli(2 * letter, sites=(q, q + 1), n=n) for letter in "XYZ" for q in range(n - 1)]
    fields = [pauli(letter, sites=(q,), n=n) for letter in "XZ" for q in range(n)]
    weights = np.concatenate([np.repeat([1.0, 1.0, 0.7], n - 1), rng.uniform(-1, 1, 2 * n)])
    terms = [w * term for w, term in zip(weights, bonds + fields, strict=True)]
    if mismatched:
        terms += [w * pauli("Y", sites=(q,), n=n) for q, w in enumerate(rng.uniform(-0.5, 0.5, n))]
    return sum(terms[1:], terms[0]), GibbsModel(bonds + fields)


def run(n: int, mismatched: bool) -> dict[str, tuple[FitResult, float]]:
    """Each optimizer's result, and the processor seconds it took."""
    k, model = chain(n, np.random.default_rng([6, n]), mismatched)
    rho, found = thermal(k, 1.0), {}
    for name, optimizer in OPTIMIZERS.items():
        since = time.process_time()
        result = fit(
            model,
            rho,
            optimizer=optimizer,
            params0=np.zeros(model.n_params),
            gradient_tolerance=TOLERANCE,
            max_iterations=MOST,
            progress=False,
        )
        found[name] = result, time.process_time() - since
    return found


def first_below(result: FitResult, limit: float) -> str:
    """The first iteration with a gradient of at most `limit`."""
    below = np.flatnonzero(result.history.gradient_norm <= limit)
    return str(below[0]) if len(below) else f"more than {result.iterations}"


def table(found: dict[str, tuple[FitResult, float]]) -> str:
    """Iterations to three sizes of the gradient, evaluations and processor time, as Markdown."""
    rows = ["| optimizer | to 1e-3 | to 1e-6 | to 1e-10 | evaluations | processor s |", "|---|---|---|---|---|---|"]
    for name, (result, seconds) in found.items():
        counts = " | ".join(first_below(result, limit) for limit in (1e-3, 1e-6, 1e-10))
        rows.append(f"| {name} | {counts} | {result.evaluations} | {seconds:.2g} |")
    return "\n".join(rows)


def draw(problems: dict[str, dict[str, tuple[FitResult, float]]], path: Path) -> None:
    """The largest entry of the gradient against the iteration, one panel a problem."""
    figure = Figure(figsize=(9.0, 4.1), layout="constrained")
    panels = figure.subplots(1, len(problems), sharey=True)
    for ax, (title, found) in zip(panels, problems.items(), strict=True):
        for (name, (result, _)), color, dash in zip(found.items(), COLORS, DASHES * 2, strict=False):
            norms = result.history.gradient_norm
            ax.loglog(np.arange(len(norms)) + 1, norms, color=color, linestyle=dash, label=name, linewidth=1.8)
        ax.set(title=title, xlabel="iteration + 1", ylim=(1e-13, 3))
        plain(ax)
    panels[0].set_ylabel("largest entry of the gradient (nats)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize="small")
    figure.savefig(path, dpi=150)


@click.command(help=__doc__)
@click.option("--qubits", default=6, show_default=True)
@click.option("--figure", type=click.Path(path_type=Path), help="Where to draw the figure.")
def main(qubits: int, figure: Path | None) -> None:
    problems = {name: run(qubits, name == "mismatched") for name in ("matched", "mismatched")}
    for name, found in problems.items():
        click.echo(f"{name}, {qubits} qubits:\n\n{table(found)}\n")
    if figure:
        draw(problems, figure)


if __name__ == "__main__":
    main()
