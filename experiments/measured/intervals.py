"""How often intervals of a fidelity hold the truth: inside the states and at their boundary, as a table.

    python experiments/measured/intervals.py --table intervals.md

Records of 500 shots a setting, all Pauli settings, are drawn from a true state; each gets 95 percent intervals of the
fidelity with a pure target. The likelihood ratio is asked whether it rules the true fidelity out: its interval is the
least one that holds every value it does not rule out. "chi-square" is its threshold inside the states.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from scipy.special import chdtri

from qml import DensityMatrix, fidelity, ghz
from qml.measurement import PauliMeasurement, sample
from qml.states import State, basis_state, ginibre
from qml.tomography import ProfileLikelihood, bootstrap, maximum_likelihood

LEVEL = 0.95
WAYS = ("likelihood ratio", "chi-square", "bootstrap, percentiles", "bootstrap, basic")
ROUNDING = 1e-9


def mixed_with_white(state: State, part: float) -> DensityMatrix:
    d = state.dim
    return DensityMatrix._trusted((1 - part) * state.matrix() + part * np.eye(d) / d, state.dims)


def scenes() -> dict[str, tuple[State, State]]:
    """Names, true states, and targets."""
    inside = mixed_with_white(ginibre((2, 2), np.random.default_rng(8)), 0.4)
    return {
        "one qubit, inside": (mixed_with_white(basis_state("0"), 0.4), basis_state("0")),
        "one qubit, pure truth, F = 1": (basis_state("0"), basis_state("0")),
        "two qubits, inside": (inside, ghz(2)),
        "two qubits, Bell state with 2 % white noise": (mixed_with_white(ghz(2), 0.02), ghz(2)),
        "two qubits, pure truth, F = 1": (ghz(2), ghz(2)),
        "two qubits, pure truth, F = 1/2": (ghz(2), basis_state("00")),
        "two qubits, pure truth, F = 0": (ghz(2), basis_state("01")),
    }


def covered(truth: State, target: State, shots: int, records: int, replicates: int, seed: int) -> np.ndarray:
    """Which of the ways hold the true fidelity, (records, 4)."""
    value = float(np.clip(fidelity(target, truth), 0.0, 1.0))
    found = np.zeros((records, len(WAYS)), dtype=bool)
    for k in range(records):
        counts = sample(truth, PauliMeasurement(len(truth.dims)), shots, np.random.default_rng([seed, k]))
        result = maximum_likelihood(counts, gap=1e-3)
        profile = ProfileLikelihood(counts, target)
        spread = bootstrap(result, {"F": lambda s: fidelity(target, s)}, replicates=replicates, seed=k)
        ends = [spread.interval("F", LEVEL, kind=kind) for kind in ("percentile", "basic")]
        found[k] = [
            profile.p_value(value, replicates=replicates, seed=k) > 1 - LEVEL,
            profile.statistic(value) <= chdtri(1, 1 - LEVEL),
            *(low - ROUNDING <= value <= high + ROUNDING for low, high in ends),
        ]
    return found


@click.command(help=__doc__.splitlines()[0])
@click.option("--records", default=40, show_default=True, help="Drawn from each true state.")
@click.option("--replicates", default=40, show_default=True, help="Drawn for each record.")
@click.option("--shots", default=500, show_default=True, help="Of each setting.")
@click.option("--seed", default=1, show_default=True)
@click.option("--table", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the table.")
def main(records: int, replicates: int, shots: int, seed: int, table: Path | None) -> None:
    lines = [f"| true state | {' | '.join(WAYS)} |", "|---" * (len(WAYS) + 1) + "|"]
    for name, (truth, target) in scenes().items():
        hits = covered(truth, target, shots, records, replicates, seed).sum(axis=0)
        lines.append(f"| {name} | {' | '.join(f'{h} of {records}' for h in hits)} |")
        click.echo(lines[-1])
    if table is not None:
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
