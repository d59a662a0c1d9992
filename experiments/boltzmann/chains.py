"""Gibbs models of long chains: what they cost, how exact they are, how fast they learn, and how good error bars are.

python experiments/boltzmann/chains.py --figure chains.png
python experiments/boltzmann/chains.py --free-fermions
python experiments/boltzmann/chains.py --weights
python experiments/boltzmann/chains.py --train
python experiments/boltzmann/chains.py --coverage

All chains are transverse-field Ising chains, K = sum_i J_i Z_i Z_{i+1} + sum_i h_i X_i, which free fermions solve
exactly. Seconds are those of the processor, on one thread, so that other work on the machine changes them little.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np

import qml
from qml.engines import ChainEngine
from qml.engines.mps.correlations import times
from qml.models import ChainGibbsModel, ChainState
from qml.models.chain import WEIGHTS
from qml.moments import Moments
from qml.operators import PauliSum, pauli, tfim
from qml.threads import Limit

SIZES = (10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
BETAS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
TOLERANCES = (1e-4, 1e-6, 1e-8, 1e-10)
N, BETA, TOLERANCE = 50, 1.0, 1e-8
"""Where the others are varied."""
SHOTS = 50_000
"""Of each of the bases X and Z."""


@dataclass(frozen=True)
class Cost:
    """Of a value with its gradient, and of the metric: seconds; the bond dimension and the stated error."""

    n: int
    beta: float
    tolerance: float
    bond: int
    error: float
    gradient: float
    metric: float


def chain(rng: np.random.Generator | None, n: int, beta: float = 1.0) -> tuple[PauliSum, np.ndarray]:
    """The strings ZZ and X, and their theta (2n - 1,): critical, or with this disorder."""
    strings = tfim(n)
    sizes = np.ones(len(strings.words)) if rng is None else rng.uniform(0.5, 1.5, len(strings.words))
    return strings, -beta * sizes


def exact(theta: np.ndarray) -> tuple[float, np.ndarray]:
    """log Z and the expectations of all strings, in their order, by free fermions.

    The singular values of the matrix of fields (diagonal) and couplings (beside it) are those of independent modes.
    Source: Pfeuty (1970), Ann. Phys. 57, 79.
    """
    bonds = len(theta) // 2
    u, s, vt = np.linalg.svd(np.diag(theta[bonds:]) + np.diag(theta[:bonds], 1))
    c = -(u * np.tanh(s)) @ vt
    return float(np.logaddexp(s, -s).sum()), np.concatenate([np.diagonal(c, 1), np.diagonal(c)])


def target(strings: PauliSum, theta: np.ndarray) -> Moments:
    """What is learnt: the exact expectations, and the entropy."""
    log_z, values = exact(theta)
    return Moments(strings, values, entropy=log_z + float(theta @ values))


def seconds(work: Callable[[], object], repeats: int = 3, long: float = 2.0) -> float:
    """Of the processor: the least of three, or the first where it is long."""
    least = np.inf
    for _ in range(repeats):
        since = time.process_time()
        work()
        least = min(least, time.process_time() - since)
        if least > long:
            break
    return float(least)


def cost(n: int = N, beta: float = BETA, tolerance: float = TOLERANCE) -> Cost:
    """Of a critical chain."""
    strings, theta = chain(None, n, beta)
    engine = ChainEngine(tolerance, bond=256)

    def made() -> ChainState:
        state = ChainState(strings, theta, engine)
        state.expectations()
        return state

    state, model = made(), ChainGibbsModel(strings, engine)
    gradient = seconds(made)
    metric = seconds(lambda: model.metric(theta, state=state).matrix())
    return Cost(n, beta, tolerance, state.bond, state.log_partition_error, gradient, metric)


def table(head: str, rows: list[str]) -> str:
    """In Markdown; columns are parted by |."""
    rule = "|".join("---" for _ in head.split("|"))
    return "\n".join(f"| {row} |" for row in (head, *rows)).replace("|\n", f"|\n|{rule}|\n", 1) + "\n"


def costs(figure: Path | None) -> str:
    """Against n, beta and tolerance."""
    scans = [cost(n=n) for n in SIZES], [cost(beta=b) for b in BETAS], [cost(tolerance=t) for t in TOLERANCES]
    if figure:
        draw(scans, figure)
    rows = [
        f"{c.n} | {c.beta:g} | {c.tolerance:.0e} | {c.bond} | {c.error:.1e} | {c.gradient:.2f} | {c.metric:.2f}"
        for scan in scans
        for c in scan
    ]
    head = "n | β | tolerance | bond dimension | stated error | value and gradient (s) | metric (s)"
    return table(head, rows)


def draw(scans: tuple[list[Cost], list[Cost], list[Cost]], path: Path) -> None:
    """Seconds and bond dimensions, a panel for each of the three."""
    from matplotlib.figure import Figure

    from qml.plotting.style import COLORS, GREY, plain

    figure = Figure(figsize=(10.5, 3.6), layout="constrained")
    names = ("n", "beta", "tolerance")
    labels = ("qubits n", "inverse temperature β (1 / J)", "tolerance")
    for k, (axes, scan) in enumerate(zip(figure.subplots(1, 3, sharey=True), scans, strict=True)):
        x = [getattr(c, names[k]) for c in scan]
        axes.loglog(x, [c.gradient for c in scan], "o-", color=COLORS[0], label="value and gradient (s)")
        axes.loglog(x, [c.metric for c in scan], "s-", color=COLORS[1], label="metric (s)")
        axes.loglog(x, [c.bond for c in scan], "^--", color=GREY, label="bond dimension")
        axes.set_xlabel(labels[k])
        fixed = (f"β = {BETA:g}, tolerance 1e-8", f"n = {N}, tolerance 1e-8", f"n = {N}, β = {BETA:g}")
        axes.set_title(fixed[k], loc="left", fontsize="medium")
        if k < 2:
            axes.set_xticks(x if k else (10, 20, 50, 100), [f"{v:g}" for v in (x if k else (10, 20, 50, 100))])
            axes.minorticks_off()
        else:
            axes.invert_xaxis()
        plain(axes)
    figure.axes[0].set_ylabel("processor seconds; bond dimension")
    figure.axes[0].legend(frameon=False, fontsize="small")
    figure.savefig(path, dpi=150)


def errors() -> str:
    """Against free fermions, critical chains."""
    rows = []
    for n in (20, 50, 100):
        for beta in (0.3, 1.0, 2.0, 4.0):
            strings, theta = chain(None, n, beta)
            since = time.process_time()
            state = ChainState(strings, theta)
            found = state.expectations()
            taken = time.process_time() - since
            log_z, values = exact(theta)
            off, away = abs(state.log_partition() - log_z), np.abs(found - values).max()
            stated = state.log_partition_error
            rows.append(f"{n} | {beta:g} | {off:.1e} | {away:.1e} | {stated:.1e} | {state.bond} | {taken:.2f}")
    return table("n | β | error of log Z | of expectations | stated | bond dimension | seconds", rows)


def weights() -> str:
    """The relative errors of the weights of correlations along imaginary time, by the largest difference."""
    rows = []
    for largest in (1.0, 4.0, 16.0, 64.0, 256.0):
        found = {kind: times(WEIGHTS[kind], largest) for kind in WEIGHTS}
        cells = " | ".join(f"{error:.1e}" for _, error in found.values())
        rows.append(f"{largest:g} | {len(found['bkm'][0])} | {cells}")
    return table("largest difference of eigenvalues | times | " + " | ".join(WEIGHTS), rows)


def training() -> str:
    """Fifty qubits with disorder, from exact expectations."""
    strings, theta = chain(np.random.default_rng(5), N)
    rows, start = [], np.zeros(len(theta))
    for optimizer in ("newton", "natural_gradient", "lbfgs"):
        fitted = partial(qml.fit, ChainGibbsModel(strings), target(strings, theta), optimizer=optimizer)
        since = time.process_time()
        result = fitted(params0=start, gradient_tolerance=1e-6, progress=False)
        taken = time.process_time() - since
        largest, off = float(result.history.gradient_norm[-1]), np.abs(result.params - theta).max()
        rows.append(
            f"{optimizer} | {result.iterations} | {result.evaluations} | {taken:.1f} | {largest:.0e} | {off:.1e}"
        )
        assert result.converged, result.status
    return table("optimizer | steps | evaluations | seconds | largest gradient | largest error of a coupling", rows)


def from_shots(state: ChainState, rng: np.random.Generator, shots: int) -> qml.FitResult:
    """The couplings ZZ, X, XX and Z from shots in the bases X and Z."""
    n = state.n_qubits
    strings = [pauli(p, sites=(i, i + 1), n=n) for p in ("ZZ", "XX") for i in range(n - 1)]
    strings += [pauli(p, sites=(i,), n=n) for p in "XZ" for i in range(n)]
    moments = Moments.from_shots(strings, {letter * n: state.sample(shots, rng, letter) for letter in "XZ"})
    model = ChainGibbsModel(strings, ChainEngine(1e-6))
    return qml.fit(model, moments, optimizer="newton", seed=0, gradient_tolerance=1e-5, progress=False)


def coverage(sets: int, n: int, shots: int = SHOTS) -> str:
    """How often couplings of many data sets are within so many of their standard errors."""
    state = ChainState(*chain(np.random.default_rng(7), n, 0.5))
    truth = dict(zip(state.hamiltonian.labels, state.params, strict=True))
    found = []
    for k in range(sets):
        result = from_shots(state, np.random.default_rng(k), shots)
        there = np.array([truth.get(name, 0.0) for name in result.parameter_names])
        found.append((result.params - there) / result.standard_errors)
    z, rows = np.array(found), []
    for what, chosen in (("couplings of the chain", there != 0), ("couplings that are not there", there == 0)):
        held = np.abs(z[:, chosen, None]) < [1, 2, 3]
        shares, spread = held.mean(axis=(0, 1)), held.mean(axis=1).std(axis=0, ddof=1) / np.sqrt(sets)
        cells = " | ".join(f"{100 * f:.1f} ± {100 * s:.1f}" for f, s in zip(shares, spread, strict=True))
        rows.append(f"{what} | {chosen.sum()} | {cells} | {np.sqrt(np.square(z[:, chosen]).mean()):.3f}")
    head = "of | couplings | within 1 error (%) | within 2 (%) | within 3 (%) | root mean square in errors"
    return table(head, rows)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--free-fermions", is_flag=True, help="Errors against exact results.")
@click.option("--weights", "of_weights", is_flag=True, help="Errors of what the metric is made of.")
@click.option("--train", is_flag=True, help="Learn fifty qubits from exact expectations.")
@click.option("--coverage", "of_shots", is_flag=True, help="Error bars of couplings from shots, over many data sets.")
@click.option("--sets", type=click.IntRange(2), default=40, show_default=True, help="Data sets.")
@click.option("--n", type=click.IntRange(2), default=20, show_default=True, help="Qubits of each.")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw the costs here (.png, .svg).")
def main(
    free_fermions: bool, of_weights: bool, train: bool, of_shots: bool, sets: int, n: int, figure: Path | None
) -> None:
    """Measure Gibbs models of long chains: by default what they cost."""
    chosen = {errors: free_fermions, weights: of_weights, training: train, partial(coverage, sets, n): of_shots}
    works = [work for work, asked in chosen.items() if asked] or [partial(costs, figure)]
    with Limit(1):
        for work in works:
            click.echo(work())


if __name__ == "__main__":
    main()
