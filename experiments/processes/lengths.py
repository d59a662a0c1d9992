"""How errors of gates fall with the length of the words that they are learnt from, as a table and a figure.

    python experiments/processes/lengths.py --figure lengths.svg

Words of fiducial, power of a germ, fiducial, of one idling and two turning gates that turn a little too far about axes
that are not quite perpendicular, and are depolarized; the readout errs. Of a record, the words with powers up to 1, 2,
4, ... gates are taken. What is compared with the truth depends on no gauge: angles that eigenvalues of transfer
matrices R have, and the angle between both axes, from the angles a, b, c of R_x, R_y and R_y R_x by
cos(c/2) = cos(a/2) cos(b/2) - cos(between) sin(a/2) sin(b/2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import click
import numpy as np
from matplotlib.figure import Figure

from qml import Circuit, channels, gates
from qml._typing import Real
from qml.measurement import Counts
from qml.plotting.style import COLORS, MARKERS, plain
from qml.processes import Experiments, GateSetModel, as_process, xyi_gate_set, xyi_words
from qml.tomography import gate_set_tomography

QUANTITIES = ("angle of Gx (rad)", "angle of Gy (rad)", "angle between axes (rad)", "depolarization of Gi")
BEYOND = 8  # gates: longer than both fiducials together
TURN_X, TURN_Y, TILT, READOUT = math.pi / 2 + 0.01, math.pi / 2 - 0.007, 0.005, 0.01


def truth(noise: float) -> dict[str, Circuit]:
    """The true gates: the second axis lies TILT nearer to X than Y does."""
    tilted = [gates.RZ(TILT, 0), gates.RY(TURN_Y, 0), gates.RZ(-TILT, 0)]
    turns = {"Gi": [gates.I(0)], "Gx": [gates.RX(TURN_X, 0)], "Gy": tilted}
    return {name: Circuit(1, [*turn, channels.Depolarizing(noise, 0)]) for name, turn in turns.items()}


def angle(r: Real) -> float:
    """By how much the vectors turn: the phase of the eigenvalues that are no real numbers."""
    return float(np.abs(np.angle(np.linalg.eigvals(r[1:, 1:]))).max())


def invariants(r: Mapping[str, Real]) -> list[float]:
    """The quantities, of the transfer matrices of the gates."""
    a, b, c = (angle(m) for m in (r["Gx"], r["Gy"], r["Gy"] @ r["Gx"]))
    cosine = (math.cos(a / 2) * math.cos(b / 2) - math.cos(c / 2)) / (math.sin(a / 2) * math.sin(b / 2))
    return [a, b, math.acos(min(max(cosine, -1.0), 1.0)), float(1 - np.trace(r["Gi"][1:, 1:]) / 3)]


def errors(lengths: list[int], shots: int, repetitions: int, noise: float, seed: int) -> Real:
    """What was found less what is true, (repetitions, lengths, quantities)."""
    model, zero = xyi_gate_set(), np.diag([1 - READOUT, READOUT])
    right = GateSetModel(truth(noise), kind="known", measurements={"Z": [zero, np.eye(2) - zero]})
    true = invariants({name: as_process(gate).transfer_matrix() for name, gate in truth(noise).items()})
    setup = Experiments.product(xyi_words(lengths[-1]), {"rho": [1.0, 0.0]}, model.measurements)
    p = right.predict([], setup)
    sizes = [len(xyi_words(length)) for length in lengths]  # the first words of the longest list
    found = np.empty((repetitions, len(lengths), len(true)))
    for k in range(repetitions):
        counts = setup.simulate(p, shots, np.random.default_rng([seed, k]))
        for i, size in enumerate(sizes):
            some: Counts = counts.subset(range(size))
            result = gate_set_tomography(model, some).raise_if_failed()
            found[k, i] = np.subtract(invariants(result.transfer_matrices), true)
    return found


def exponent(lengths: list[int], rms: Real) -> tuple[float, float]:
    """The slope of log rms against log length, and its standard error from the scatter about the line."""
    x, y = np.log(lengths), np.log(rms)
    (slope, offset), spread = np.polyfit(x, y, 1), np.square(x - x.mean()).sum()
    scatter = np.square(y - slope * x - offset).sum() / (len(x) - 2)
    return float(slope), float(np.sqrt(scatter / spread))


def table(lengths: list[int], rms: Real) -> str:
    """Root mean square errors, in Markdown, with an exponent each."""
    lines = [f"| longest power (gates) | words | {' | '.join(QUANTITIES)} |", "|---" * (len(QUANTITIES) + 2) + "|"]
    for length, row in zip(lengths, rms, strict=True):
        lines.append(f"| {length} | {len(xyi_words(length))} | {' | '.join(f'{x:.2g}' for x in row)} |")
    for first in (lengths[0], BEYOND):
        some = [length for length in lengths if length >= first]
        if len(some) > 2:
            slopes = [exponent(some, column[-len(some) :]) for column in rms.T]
            cells = " | ".join(f"{slope:.2f} +- {error:.2f}" for slope, error in slopes)
            lines.append(f"| exponent, from {first} on | | {cells} |")
    return "\n".join(lines)


def draw(lengths: list[int], rms: Real) -> Figure:
    """Root mean square errors, and what falls as one over the length, dashed."""
    figure = Figure(figsize=(5.6, 3.8), layout="constrained")
    ax = figure.subplots()
    for name, color, marker, column in zip(QUANTITIES, COLORS, MARKERS, rms.T, strict=False):
        ax.plot(lengths, column, f"{marker}-", color=color, label=name, markersize=4)
    first = rms[0, : len(QUANTITIES) - 1].max()
    ax.plot(lengths, first / np.array(lengths), "--", color="0.45", label="1 / length")
    ax.set(xscale="log", yscale="log", xlabel="longest power of a germ (gates)", ylabel="root mean square error")
    ax.set_xticks(lengths, [str(length) for length in lengths])
    ax.minorticks_off()
    plain(ax)
    ax.legend(frameon=False, fontsize="small")
    return figure


@click.command(help=__doc__.splitlines()[0])
@click.option("--longest", type=click.IntRange(4), default=64, show_default=True, help="Power, in gates.")
@click.option("--shots", default=1000, show_default=True, help="Of each word.")
@click.option("--repetitions", default=20, show_default=True, help="Records.")
@click.option("--noise", default=0.001, show_default=True, help="Depolarization of each gate.")
@click.option("--seed", default=1, show_default=True)
@click.option("--table", "table_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the table here.")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw it here.")
def main(
    longest: int, shots: int, repetitions: int, noise: float, seed: int, table_path: Path | None, figure: Path | None
) -> None:
    lengths = [2**k for k in range(longest.bit_length())]
    rms = np.sqrt(np.square(errors(lengths, shots, repetitions, noise, seed)).mean(axis=0))
    text = table(lengths, rms)
    click.echo(text)
    if table_path is not None:
        table_path.write_text(text + "\n", encoding="utf-8")
    if figure is not None:
        draw(lengths, rms).savefig(figure, dpi=150)


if __name__ == "__main__":
    main()
