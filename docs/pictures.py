"""The pictures of the doors on the front page: ``python docs/pictures.py`` writes them into ``docs/_static/doors``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

import qml
from qml import channels, gates
from qml.plotting import draw_circuit
from qml.plotting.style import COLORS
from qml.tomography import maximum_likelihood

HERE = Path(__file__).parent
BLUE, RED = COLORS[:2]


def state(ax: Axes) -> None:
    """A fit: the loss falls to the entropy of the target."""
    target = qml.thermal(qml.operators.tfim(3), beta=1.0)
    circuit = qml.circuits.purification(3, 2, layers=2).then(channels.Depolarizing("p", 0))
    result = qml.fit(qml.CircuitModel(circuit), target, seed=1, max_iterations=40, progress=False)
    ax.plot(result.history.loss, color=BLUE, linewidth=3)
    ax.axhline(result.floor, color="0.3", linestyle=":", linewidth=2)
    ax.text(41, result.floor - 0.22, r"$S(\rho)$", ha="right", fontsize=13)
    ax.text(10, 2.0, r"$S(\rho, \sigma_\theta)$", color=BLUE, fontsize=15)
    ax.set_ylim(0.5, 3.2)
    bare(ax)


def counts(ax: Axes) -> None:
    """Tomography of a Bell pair: intervals of expectations."""
    record = qml.sample(qml.werner(0.8), qml.PauliMeasurement(2), 60, np.random.default_rng(3))
    estimate = maximum_likelihood(record)
    words = ("XX", "YY", "ZZ", "XY", "IZ", "XI")
    for k, word in enumerate(words):
        ax.plot([k, k], estimate.interval(qml.pauli(word), replicates=40), color=BLUE, linewidth=9, alpha=0.35)
        ax.plot(k, estimate.state.expect(word), "o", color=BLUE, markersize=8)
        ax.plot(k, qml.werner(0.8).expect(word), "_", color=RED, markersize=22, markeredgewidth=3)
    bare(ax)
    ax.set_xticks(range(len(words)), words, fontsize=13)


def circuit(ax: Axes) -> None:
    """A circuit with noise."""
    noise = qml.NoiseModel().add(channels.Depolarizing, "p", gates="CNOT")
    placed = [gates.RY("a", 0), gates.RY("b", 1), gates.CNOT(0, 1), gates.RX("c", 0)]
    draw_circuit(qml.Circuit(2, placed).with_noise(noise), ax)


def boltzmann(ax: Axes) -> None:
    """Visible and hidden units, all joined."""
    visible = [(x, 0.0) for x in np.linspace(0, 3, 4)]
    hidden = [(x, 1.2) for x in np.linspace(0.5, 2.5, 3)]
    for v in visible:
        for h in hidden:
            ax.plot(*zip(v, h, strict=True), color="0.65", linewidth=1.5, zorder=1)
    for place, color in ((visible, BLUE), (hidden, RED)):
        ax.scatter(*zip(*place, strict=True), s=520, color=color, zorder=2)
    ax.set(xlim=(-0.5, 3.5), ylim=(-0.5, 1.7))
    ax.axis("off")


def studies(ax: Axes) -> None:
    """A sweep over the temperature."""
    betas = np.logspace(-1, 0.7, 9)
    for color, marker, generators in (
        (RED, "s", qml.operators.up_to_weight(4, 1)),
        (BLUE, "o", qml.operators.neighbors(4)),
    ):
        model = qml.GibbsModel(generators)
        targets = [qml.thermal(qml.operators.j1j2(4, J2=0.5), beta) for beta in betas]
        results = [qml.fit(model, target, optimizer="newton", seed=1, progress=False) for target in targets]
        ax.loglog(betas, [r.gap for r in results], f"{marker}-", color=color, linewidth=2.5, markersize=8)
    bare(ax)
    ax.minorticks_off()


def gallery(ax: Axes) -> None:
    """Three states side by side."""
    from qml.plotting.states import colors

    states = (qml.ghz(3), qml.thermal(qml.operators.tfim(3), 1.0), qml.w_state(3))
    shown = np.ones((8, 26, 3))
    for k, one in enumerate(states):
        matrix = one.matrix()
        shown[:, 9 * k : 9 * k + 8] = colors(matrix, float(np.abs(matrix).max()))
    ax.imshow(shown, interpolation="nearest")
    for k in range(3):
        ax.add_patch(plt.Rectangle((9 * k - 0.5, -0.5), 8, 8, fill=False, edgecolor="0.6"))
    ax.axis("off")


def bare(ax: Axes) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_xticks([])
    ax.set_yticks([])


DOORS: tuple[Callable[[Axes], None], ...] = (state, counts, circuit, boltzmann, studies, gallery)


def main(folder: Path = HERE / "_static" / "doors") -> None:
    """Write them all."""
    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "qml", "svg.fonttype": "path"}):
        for draw in DOORS:
            figure, ax = plt.subplots(figsize=(4.4, 2.4), layout="constrained")
            draw(ax)
            figure.savefig(folder / f"{draw.__name__}.svg", transparent=True, metadata={"Date": None})
            plt.close(figure)


if __name__ == "__main__":
    main()
