"""Reconstruct a measured record and learn what noise explains it.

python experiments/measured/record.py RECORD.json --out REPORT_FOLDER

RECORD.json holds "settings", a list of {"paulis": "XYZZ", "counts": {"0110": 17, ...}} with qubit 0 leftmost and
outcome 0 the +1 eigenstate; "ideal_state", {"0011": "1/sqrt(3)", ...}; and "source", a sentence. The report is a table
(record.md), all numbers (record.json) and a figure (record.png).
"""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import click
import numpy as np

from qml import Circuit, CircuitModel, DensityMatrix, channels, fidelity, fit, gates, pauli
from qml._typing import Real
from qml.losses import NegativeLogLikelihood, TrainableReadout
from qml.measurement import Counts
from qml.plotting.style import COLORS, MARKERS, plain
from qml.tomography import FisherInformation, bootstrap, choose_rank, maximum_likelihood, model_errors

AMPLITUDE = re.compile(r"(-?)(\d+)?/?\(?(\d*) ?sqrt\((\d+)\)\)?$|(-?[\d.]+(?:e-?\d+)?)$")


def amplitude(text: str) -> float:
    """A number written as "0.5", "1/sqrt(3)" or "-1/(2 sqrt(3))"."""
    found = AMPLITUDE.match(text.strip())
    if found is None:
        raise click.UsageError(f"an amplitude must look like 0.5, 1/sqrt(3) or -1/(2 sqrt(3)); found {text!r}.")
    sign, over, factor, root, plain = found.groups()
    if plain is not None:
        return float(plain)
    return (-1 if sign else 1) * float(over or 1) / (float(factor or 1) * np.sqrt(float(root)))


def read(path: Path) -> tuple[Counts, DensityMatrix, str]:
    """The counts, the ideal state, and the source."""
    record = json.loads(path.read_text(encoding="utf-8"))
    counts = Counts.from_dicts({s["paulis"]: s["counts"] for s in record["settings"]})
    psi = np.zeros(counts.measurement.dim)
    for bits, text in record["ideal_state"].items():
        psi[int(bits, 2)] = amplitude(str(text))
    return counts, DensityMatrix.from_vector(psi, counts.measurement.dims), record.get("source", "")


def rotations(ideal: DensityMatrix, sites: int) -> list[tuple[str, tuple[int, ...]]]:
    """Pauli words on one or two qubits, as rotations that change the ideal state in ways which none before them does.

    A rotation moves the state by -i [P, rho] to first order. A singlet, say, stays when all qubits are turned alike.
    """
    n = len(ideal.dims)
    rho, spanned, found = ideal.matrix(), np.empty((0, ideal.dim**2)), []
    for size in range(1, sites + 1):
        for places in itertools.combinations(range(n), size):
            for word in map("".join, itertools.product("XYZ", repeat=size)):
                label = "".join(word[places.index(q)] if q in places else "I" for q in range(n))
                p = pauli(label).matrix()
                move = p @ rho - rho @ p
                move = (move.real + move.imag).ravel()  # antisymmetric and symmetric: nothing cancels
                new = move - spanned.T @ (spanned @ move)
                if np.linalg.norm(new) > 1e-6 * max(np.linalg.norm(move), 1e-300):
                    spanned = np.vstack([spanned, new / np.linalg.norm(new)])
                    found.append((word, places))
    return found


def circuit(ideal: DensityMatrix, parts: str) -> Circuit:
    """Trainable noise: r rotations of one qubit, c of two, then on each qubit a decay, p phase flips, b bit flips."""
    operations: list[Any] = []
    for word, places in rotations(ideal, 2 if "c" in parts else 1 if "r" in parts else 0):
        name = f"angle_{word.lower()}_{''.join(map(str, places))}"
        operations.append(gates.PauliRotation(word)(name, *places))
    kinds = (("a", "decay", channels.AmplitudeDamping), ("p", "phase_flip", channels.PhaseFlip))
    for q in range(len(ideal.dims)):
        for letter, name, channel in (*kinds, ("b", "bit_flip", channels.BitFlip)):
            if letter in parts:
                operations.append(channel(f"{name}_{q}", q))
    return Circuit(len(ideal.dims), operations)


MODELS = {
    "readout": "",
    "+ flips": "pb",
    "+ decay": "apb",
    "+ rotations": "rapb",
    "+ pair rotations": "rcapb",
}


def learn(counts: Counts, ideal: DensityMatrix) -> list[dict[str, Any]]:
    """Models of growing size, each started where the smaller one ended."""
    n = len(ideal.dims)
    readout = TrainableReadout(n)
    loss, found, known = NegativeLogLikelihood(readout), [], {}
    for name, parts in MODELS.items():
        model = CircuitModel(circuit(ideal, parts), initial=ideal)
        start = model.unconstrained({p: known.get(p, 0.02) for p in model.parameter_names})
        rates = [[known.get(f"readout_{i}_{r}_given_{1 - r}", 0.02) for r in (1, 0)] for i in range(n)]
        params = np.concatenate([start, readout.unconstrained(rates)])
        result = fit(model, counts, loss=loss, params0=params, max_iterations=3000, gradient_tolerance=1e-6, seed=0)
        errors = model_errors(model, result, loss=loss)
        # a rate of zero is where its parameter ends, at minus infinity: the next model starts a little inside
        known = {k: v if k.startswith("angle") else min(max(v, 1e-3), 0.49) for k, (v, _) in errors.natural.items()}
        found.append({"name": name, "errors": errors, "state": result.state, "status": result.status})
        click.echo(f"{name}: {errors.log_likelihood:.2f} nats, {len(errors.params)} parameters. {result.status}")
    return found


@click.command()
@click.argument("record", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("record"), show_default=True)
@click.option("--replicates", type=click.IntRange(2), default=200, show_default=True, help="Of the bootstrap.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes of the bootstrap.")
@click.option("--seed", type=int, default=1, show_default=True)
def main(record: Path, out: Path, replicates: int, workers: int, seed: int) -> None:
    """Reconstruct RECORD and learn a model of its noise; write a report."""
    counts, ideal, source = read(record)
    best = maximum_likelihood(counts)
    choice = choose_rank(counts)
    fisher = FisherInformation(best, within_rank=True).fidelity(ideal)
    spread = bootstrap(
        best,
        {
            "fidelity": lambda s: fidelity(ideal, s),
            "purity": lambda s: s.purity(),
            **{f"eigenvalue {k}": lambda s, k=k: np.linalg.eigvalsh(s.matrix())[-1 - k] for k in range(best.state.dim)},
        },
        replicates=replicates,
        workers=workers,
        seed=seed,
    )
    models = learn(counts, ideal)
    text = report(counts, ideal, source, best, choice, fisher, spread, models)
    out.mkdir(parents=True, exist_ok=True)
    (out / "record.md").write_text(text, encoding="utf-8")
    numbers = {
        "source": source,
        "best": {
            "log_likelihood": best.log_likelihood,
            "certificate": best.certificate,
            "rank": best.rank,
            "deviance": best.deviance,
            "degrees": best.degrees,
            "fidelity": fisher,
            "eigenvalues": np.linalg.eigvalsh(best.state.matrix())[::-1].tolist(),
            "setting_deviances": dict(zip(counts.measurement.settings, best.setting_deviances.tolist(), strict=True)),
        },
        "ranks": [vars(t) for t in choice.tests],
        "models": [
            {
                "name": m["name"],
                "log_likelihood": m["errors"].log_likelihood,
                "parameters": len(m["errors"].params),
                "aic": m["errors"].aic,
                "natural": m["errors"].natural,
            }
            for m in models
        ],
    }
    (out / "record.json").write_text(json.dumps(numbers, indent=1, default=float) + "\n", encoding="utf-8")
    draw(best, spread, models, counts, out / "record.png")
    click.echo(text)


def report(
    counts: Counts,
    ideal: DensityMatrix,
    source: str,
    best: Any,
    choice: Any,
    fisher: tuple[float, float],
    spread: Any,
    models: list[dict[str, Any]],
) -> str:
    """The tables."""
    directions, dispersion = best.state.dim**2 - 1, best.deviance / best.degrees
    low, high = spread.interval("fidelity")
    lines = [
        "# A measured record",
        "",
        f"Source: {source}" if source else "",
        "",
        "```",
        str(best),
        "```",
        "",
        f"Fidelity with the ideal state {fisher[0]:.5f}: standard error {fisher[1]:.5f} (Fisher information at fixed "
        f"rank), {spread.standard_error('fidelity'):.5f} (parametric bootstrap, percentiles {low:.5f} to {high:.5f}, "
        f"bias {spread.bias('fidelity'):+.5f}). Purity {spread.estimates['purity']:.5f} +- "
        f"{spread.standard_error('purity'):.5f}.",
        "",
        f"The deviance is {dispersion:.2f} times the degrees of freedom. Where that is far above 1, the settings did "
        f"not see one state through ideal Pauli measurements, and errors that follow from counting alone are too "
        f"small, here by about {np.sqrt(max(dispersion, 1)):.1f}. The settings farthest from the state: "
        f"{farthest(counts, best)}.",
        "",
        "```",
        str(choice),
        "```",
        "",
        "| model | parameters | log-likelihood | deviance | AIC - AIC(all states) | fidelity with the ideal | with the "
        "state of maximum likelihood |",
        "|---|---|---|---|---|---|---|",
    ]
    reference = 2 * directions - 2 * best.log_likelihood
    for m in models:
        e = m["errors"]
        lines.append(
            f"| {m['name']} | {len(e.params)} | {e.log_likelihood:.2f} | {e.deviance:.1f} | {e.aic - reference:+.1f} | "
            f"{float(fidelity(ideal, m['state'])):.5f} | {float(fidelity(best.state, m['state'])):.5f} |"
        )
    lines.append(
        f"| all states | {directions} | {best.log_likelihood:.2f} | {best.deviance:.1f} | 0 | {fisher[0]:.5f} | 1 |"
    )
    lines += ["", f"Frequencies alone: deviance 0 with {int((counts.measurement.sizes - 1).sum())} parameters.", ""]
    lines += [f"Parameters of the last model ({models[-1]['name']}), in radians or as probabilities:", ""]
    lines += ["| parameter | value | standard error | robust |", "|---|---|---|---|"]
    e = models[-1]["errors"]
    for (name, (value, error)), s, r in zip(e.natural.items(), e.standard_errors, e.robust_errors, strict=True):
        lines.append(f"| {name} | {value:.5f} | {error:.5f} | {error * r / s if 0 < s < np.inf else np.inf:.5f} |")
    return "\n".join(lines) + "\n"


def farthest(counts: Counts, best: Any, shown: int = 5) -> str:
    """The settings of largest deviance."""
    order = np.argsort(-best.setting_deviances)[:shown]
    return ", ".join(f"{counts.measurement.settings[s]} ({best.setting_deviances[s]:.0f})" for s in order)


def draw(best: Any, spread: Any, models: list[dict[str, Any]], counts: Counts, path: Path) -> None:
    """The spectrum, the models' distance from the data, and the rates that were learnt."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
    names = [f"eigenvalue {k}" for k in range(best.state.dim)]
    intervals = np.array([spread.interval(name) for name in names]).clip(1e-6)
    values = np.clip([spread.estimates[name] for name in names], 1e-6, None)
    left.vlines(range(1, len(names) + 1), *intervals.T, color="#9db7dc", lw=5, label="bootstrap, 95 %")
    left.plot(range(1, len(names) + 1), values, "o", color=COLORS[0], ms=5, label="maximum likelihood")
    left.set(yscale="log", ylim=(5e-5, 1.3), xlabel="eigenvalue number", ylabel="eigenvalue", title="Spectrum")
    left.xaxis.get_major_locator().set_params(integer=True)
    left.legend(frameon=False)
    sizes: Real = np.array([len(m["errors"].params) for m in models])
    missing = np.array([best.log_likelihood - m["errors"].log_likelihood for m in models])
    middle.plot(sizes, missing, "o-", color=COLORS[1])
    for k, (size, lack, m) in enumerate(zip(sizes, missing, models, strict=True)):
        aside = {"xytext": (-6, -4), "ha": "right"} if k % 2 else {"xytext": (6, 3), "ha": "left"}  # of a falling line
        middle.annotate(m["name"], (size, lack), textcoords="offset points", fontsize=8, **aside)
    middle.set(xlabel="parameters", ylabel="log-likelihood below the best state (nats)", title="Models of the noise")
    middle.set_xlim(0, 1.45 * sizes.max())
    middle.set_ylim(0, 1.1 * missing.max())
    errors = models[-1]["errors"]
    rates = {k: v for k, v in errors.natural.items() if not k.startswith("angle")}
    kinds = sorted({re.sub(r"_\d(?=_|$)", "", k, count=1) for k in rates})
    n = len(best.state.dims)
    for j, kind in enumerate(kinds):
        group = [v for k, v in rates.items() if re.sub(r"_\d(?=_|$)", "", k, count=1) == kind]
        x = np.arange(n) + 0.13 * (j - (len(kinds) - 1) / 2)
        known = [min(error, 0.2) for _, error in group]
        right.errorbar(
            x,
            [v for v, _ in group],
            known,
            fmt=MARKERS[j],
            color=COLORS[j],
            capsize=2,
            ms=4,
            label=kind.replace("_", " "),
        )
    right.set(xlabel="qubit", ylabel="probability", title="Rates learnt, with standard errors", xticks=range(n))
    right.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    for ax in (left, middle, right):
        plain(ax)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
