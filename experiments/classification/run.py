"""Quantum models of labelled data beside scikit-learn's logistic regression, with the spread over seeds.

python experiments/classification/run.py --table table.md --csv table.csv --figure noisy.png
"""

from __future__ import annotations

import csv
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import matplotlib.pyplot as plt
import numpy as np
from models import LEARNERS, Array, Learner, flip_aware, logistic, non_commuting, perceptron
from sklearn.datasets import load_digits, load_iris, load_wine, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from qml.plotting.style import COLORS, DASHES, GREY, MARKERS, plain

WITH_CIRCUIT = ("iris", "two moons", "flipped labels")
"""Where the re-uploading circuit is trained: few inputs."""
DIGITS = ("digits 4x4", "digits 8x8")
"""Where the non-commuting model is not trained: 90 generators of each of 16 or 64 inputs."""
RATES = (0.0, 0.05, 0.1, 0.2, 0.3)
"""Probabilities that a label is flipped."""
NOISY: dict[str, Learner] = {
    "scikit-learn": logistic,
    "quantum perceptron (S, pure labels)": perceptron,
    "non-commuting (likelihood)": non_commuting,
    "logistic with a flip rate": flip_aware,
}
INPUTS, REPEATS, TEST = 60, 20, 2000


@dataclass(frozen=True)
class Row:
    """One model on one data set: means over seeds, and standard deviations."""

    data: str
    model: str
    seeds: int
    accuracy: float
    accuracy_spread: float
    log_loss: float
    log_loss_spread: float
    seconds: float


def digits(name: str) -> tuple[Array, Array]:
    """8 x 8 images, or these averaged to 4 x 4."""
    X, y = load_digits(return_X_y=True)
    return (X if name == "digits 8x8" else X.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16)), y


def flipped(rng: np.random.Generator, m: int, rate: float) -> tuple[Array, Array, Array]:
    """Inputs in a square, labels by a line through it, flipped with the probability `rate`; and p(1|x)."""
    X = rng.uniform(-3, 3, (m, 2))
    p = np.where(X @ [1.0, 0.5] > 0, 1 - rate, rate)
    return X, (rng.random(m) < p).astype(int), p


def load(name: str, seed: int) -> tuple[Array, Array]:
    """The whole data set; where it is drawn, from the seed."""
    if name == "two moons":
        return make_moons(300, noise=0.2, random_state=seed)
    if name == "flipped labels":
        return flipped(np.random.default_rng(seed), 600, 0.2)[:2]
    return {"iris": load_iris, "wine": load_wine}[name](return_X_y=True) if name not in DIGITS else digits(name)


def scores(learner: Learner, name: str, seed: int) -> tuple[float, float]:
    """Accuracy and log-loss (nats) on the 30 percent that were held out."""
    X, y = load(name, seed)
    train, test, labels, expected = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    scale = StandardScaler().fit(train)
    p = learner(scale.transform(train), labels, scale.transform(test), seed)
    own = p[np.arange(len(expected)), expected]
    return float((p.argmax(axis=1) == expected).mean()), float(-np.log(own).mean())


def compare(seeds: int) -> list[Row]:
    """Every model on every data set."""
    rows = []
    for name in ("iris", "wine", *DIGITS, "two moons", "flipped labels"):
        for model, learner in LEARNERS.items():
            if (model == "circuit" and name not in WITH_CIRCUIT) or (model == "non-commuting" and name in DIGITS):
                continue
            since = time.process_time()
            accuracy, loss = np.array([scores(learner, name, seed) for seed in range(seeds)]).T
            seconds = (time.process_time() - since) / seeds
            spread = [float(values.std(ddof=1)) for values in (accuracy, loss)]
            rows.append(Row(name, model, seeds, accuracy.mean(), spread[0], loss.mean(), spread[1], seconds))
            click.echo(line(rows[-1]))
    return rows


def excess(learner: Learner, rate: float, seed: int) -> float:
    """The mean relative entropy of the true p(y|x) from the learnt one, in nats, at fresh inputs."""
    rng = np.random.default_rng([seed, round(1000 * rate)])
    X, _, p = flipped(rng, INPUTS, rate)
    many = np.repeat(X, REPEATS, axis=0)
    labels = (rng.random(len(many)) < np.repeat(p, REPEATS)).astype(int)
    test, _, truth = flipped(rng, TEST, rate)
    found = learner(many, labels, test, seed)
    q = np.column_stack([1 - truth, truth])
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.where(q > 0, q * np.log(q / found), 0.0).sum(axis=1).mean())


def noisy(seeds: int) -> dict[str, Array]:
    """D (rates, seeds) of each model."""
    return {
        model: np.array([[excess(learner, rate, seed) for seed in range(seeds)] for rate in RATES])
        for model, learner in NOISY.items()
    }


def line(row: Row) -> str:
    """A row of the table."""
    return (
        f"| {row.data} | {row.model} | {row.accuracy:.3f} ± {row.accuracy_spread:.3f} "
        f"| {row.log_loss:.3f} ± {row.log_loss_spread:.3f} | {row.seconds:.2f} |"
    )


def tables(rows: list[Row], found: dict[str, Array]) -> str:
    """Both tables as Markdown."""
    head = ["| data | model | accuracy | log-loss (nats) | seconds |", "|---|---|---|---|---|"]
    second = ["| model | " + " | ".join(f"flips {rate:g}" for rate in RATES) + " |", "|---" * (len(RATES) + 1) + "|"]
    for model, values in found.items():
        cells = [f"{v.mean():.4f} ± {v.std(ddof=1):.4f}" for v in values]
        second.append(f"| {model} | " + " | ".join(cells) + " |")
    baseline = found["scikit-learn"]
    wins = [
        f"{model} below scikit-learn in {int((values < baseline)[1:].sum())} of {baseline[1:].size} draws with flips."
        for model, values in found.items()
        if values is not baseline
    ]
    return "\n".join([*head, *map(line, rows), "", *second, "", "  \n".join(wins)]) + "\n"


def draw(found: dict[str, Array], path: Path) -> None:
    """p(1|x) along the normal of the line, and D against the rate of flips."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    rate, rng = 0.2, np.random.default_rng(0)
    X, _, p = flipped(rng, INPUTS, rate)
    many = np.repeat(X, REPEATS, axis=0)
    labels = (rng.random(len(many)) < np.repeat(p, REPEATS)).astype(int)
    t = np.linspace(-3, 3, 301)
    path_of_x = t[:, None] * np.array([1.0, 0.5]) / np.hypot(1.0, 0.5)
    left.step(t, np.where(t > 0, 1 - rate, rate), color=GREY, linewidth=1, where="mid", label="truth")
    for (model, learner), marker, color, dash in zip(NOISY.items(), MARKERS, COLORS, DASHES, strict=False):
        left.plot(t, learner(many, labels, path_of_x, 0)[:, 1], color=color, linestyle=dash, label=model)
        mean, spread = found[model].mean(axis=1), found[model].std(axis=1, ddof=1)
        right.errorbar(RATES, mean, spread, marker=marker, color=color, linestyle=dash, capsize=3, label=model)
    left.set(xlabel="distance from the boundary", ylabel="p(1 | x)", title="one in five labels flipped")
    right.set(xlabel="probability of a flip", ylabel="D(truth || model) in nats", title="mean and spread over seeds")
    plain(left), plain(right)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


@click.command()
@click.option("--seeds", default=5, show_default=True, help="Splits or draws of every data set.")
@click.option("--table", type=click.Path(path_type=Path), help="Write both tables there, as Markdown.")
@click.option("--csv", "csv_path", type=click.Path(path_type=Path), help="Write the first table there.")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw the noisy labels there.")
def main(seeds: int, table: Path | None, csv_path: Path | None, figure: Path | None) -> None:
    """Compare, and write what is asked for."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # local optima of the likelihood need not be polished
    rows, found = compare(seeds), noisy(seeds)
    text = tables(rows, found)
    click.echo("\n" + text)
    if table:
        table.write_text(text, encoding="utf-8")
    if csv_path:
        with csv_path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(asdict(rows[0])))
            writer.writeheader()
            writer.writerows(asdict(row) for row in rows)
    if figure:
        draw(found, figure)


if __name__ == "__main__":
    main()
