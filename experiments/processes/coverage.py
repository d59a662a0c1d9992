"""How often 95 percent intervals of processes hold the truth, and how often tests at 5 percent reject what is true.

    python experiments/processes/coverage.py --table coverage.md

Records are drawn from a true process, and each gets its intervals or its p-value, as a user would have them. With
``--records 20 --replicates 20`` it takes seconds, and says little. Beside each share stand the shares that the number
of records leaves possible (Clopper and Pearson 1934, 95 percent).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from scipy.special import betaincinv

from qml import Circuit, FitResult, PauliMeasurement, channels, fit, gates, sample
from qml._checks import InputError
from qml.measurement import Counts
from qml.optimizers import NaturalGradient
from qml.processes import (
    Experiments,
    LindbladModel,
    ProcessMeasurement,
    as_process,
    pauli_preparations,
    process_fidelity,
)
from qml.tomography import FisherInformation, likelihood_ratio, model_errors, process_tomography

PARTS = ("fidelities", "coefficients", "tests")
LEVEL, NORMAL = 0.95, 1.959964
TARGET = gates.SX
LOWER = np.array([[0.0, 1.0], [0.0, 0.0]])
TRUTHS = {
    "depolarized, 10 %": Circuit(1, [TARGET(0), channels.Depolarizing(0.1, 0)]),
    "damped, 10 %": Circuit(1, [TARGET(0), channels.AmplitudeDamping(0.1, 0)]),
    "damped, 1 %": Circuit(1, [TARGET(0), channels.AmplitudeDamping(0.01, 0)]),
    "exactly unitary, F = 1": Circuit(1, [TARGET(0)]),
}
QUBIT = LindbladModel({"detuning": "Z"}, {"decay": LOWER, "dephasing": "Z"})
TIMES = np.linspace(0.2, 3.0, 8)
NOTHING = 1e-9
RATES = {"detuning": 0.7, "decay": 0.2, "dephasing": 0.1}


class Scene(NamedTuple):
    """A row of the table: what is true, of how many shots a setting, and what is done with the record of each seed.

    `once(seed)` says for each of the columns whether it held, or rejected; None where there was no answer.
    """

    name: str
    shots: int
    once: Callable[[int], Mapping[str, bool | None]]


def fidelity_once(truth: str, shots: int, replicates: int, seed: int) -> dict[str, bool | None]:
    """Whether intervals of the fidelity with the ideal gate hold the true one."""
    process = as_process(TRUTHS[truth])
    value = process_fidelity(process, TARGET)
    setup = ProcessMeasurement(1, PauliMeasurement(1))
    result = process_tomography(sample(process, setup, shots, np.random.default_rng([1, shots, seed])))
    low, high = result.interval(as_process(TARGET), LEVEL, replicates=replicates, seed=seed)
    estimate, error = FisherInformation(result, within_rank=True).fidelity(as_process(TARGET).choi)
    return {
        "likelihood ratio": low - 1e-9 <= value <= high + 1e-9,
        "Fisher information": abs(estimate - value) <= NORMAL * error + 1e-9,
    }


def learnt(model: LindbladModel, counts: Counts, start: Mapping[str, float]) -> FitResult:
    return fit(model, counts, params0=model.unconstrained(start), optimizer=NaturalGradient(), progress=False)


def drawn(
    model: LindbladModel, setup: Experiments, truth: Mapping[str, float], shots: int, rng: np.random.Generator
) -> Counts:
    """A record of true coefficients; of a rate of zero next to it, as its parameter has no end."""
    inside = {name: value or NOTHING for name, value in truth.items()}
    return setup.simulate(model.predict(inside, setup), shots, rng)


def rates_once(truth: Mapping[str, float], shots: int, seed: int) -> dict[str, bool | None]:
    """Whether plus and minus 1.96 standard errors hold the true coefficients."""
    setup = Experiments.product(TIMES, 1, PauliMeasurement(1))
    counts = drawn(QUBIT, setup, truth, shots, np.random.default_rng([2, shots, seed]))
    errors = model_errors(QUBIT, learnt(QUBIT, counts, RATES)).natural
    return {
        name: abs(value - truth[name]) <= NORMAL * error if math.isfinite(error) else None
        for name, (value, error) in errors.items()
    }


def term_once(shots: int, seed: int) -> dict[str, bool | None]:
    """Whether a coupling ZZ that is not there is found at 5 percent."""
    hamiltonian = {"first": "ZI", "second": "IZ"}
    jumps = {"decay of first": np.kron(LOWER, np.eye(2)), "decay of second": np.kron(np.eye(2), LOWER)}
    smaller, larger = LindbladModel(hamiltonian, jumps), LindbladModel({**hamiltonian, "coupling": "ZZ"}, jumps)
    truth = {"first": 0.5, "second": -0.3, "decay of first": 0.1, "decay of second": 0.2}
    setup = Experiments.product([0.5, 1.0, 2.0], pauli_preparations(2, ["X+", "Z-"]), PauliMeasurement(2))
    counts = drawn(smaller, setup, truth, shots, np.random.default_rng([3, shots, seed]))
    least = learnt(smaller, counts, truth)
    most = learnt(larger, counts, {**smaller.natural(least.params), "coupling": 0.01})
    return {"chi-square": rejected(least, most, 0)}


def rate_once(shots: int, seed: int) -> dict[str, bool | None]:
    """Whether a dephasing that is not there is found at 5 percent."""
    smaller = LindbladModel({"detuning": "Z"}, {"decay": LOWER})
    truth = {name: RATES[name] for name in smaller.parameter_names}
    setup = Experiments.product(TIMES, 1, PauliMeasurement(1))
    counts = drawn(smaller, setup, truth, shots, np.random.default_rng([4, shots, seed]))
    least = learnt(smaller, counts, truth)
    most = learnt(QUBIT, counts, {**smaller.natural(least.params), "dephasing": 0.01})
    return {"boundary=1": rejected(least, most, 1), "chi-square": rejected(least, most, 0)}


def rejected(smaller: FitResult, larger: FitResult, boundary: int) -> bool | None:
    try:
        return likelihood_ratio(smaller, larger, boundary=boundary).p_value <= 1 - LEVEL
    except InputError:
        return None


def scenes(few: int, many: int, replicates: int) -> dict[str, tuple[str, list[Scene]]]:
    """The tables by name, each with a heading."""
    whole, ending = RATES, {**RATES, "dephasing": 0.0}
    fidelities = (
        "95 percent intervals of the fidelity of a gate that hold the true one",
        [Scene(name, n, partial(fidelity_once, name, n, replicates)) for name in TRUTHS for n in (few, many)],
    )
    coefficients = (
        "95 percent intervals of coefficients that hold the true ones",
        [
            Scene(name, n, partial(rates_once, truth, n))
            for name, truth in (("all rates above zero", whole), ("dephasing of zero", ending))
            for n in (2 * few, 2 * many)
        ],
    )
    tests = (
        "rejections at 5 percent of the smaller model, which is right",
        [Scene("one more term, ZZ", n, partial(term_once, n)) for n in (few, many)]
        + [Scene("one more rate, zero in truth", n, partial(rate_once, n)) for n in (2 * few, 2 * many)],
    )
    return {"fidelities": fidelities, "coefficients": coefficients, "tests": tests}


def share(found: list[bool | None]) -> str:
    """How many of those with an answer, and between which shares the true one is."""
    answers = [hit for hit in found if hit is not None]
    n, k = len(answers), sum(answers)
    if not n:
        return "no answer"
    low = float(betaincinv(k, n - k + 1, (1 - LEVEL) / 2)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, (1 + LEVEL) / 2)) if k < n else 1.0
    text = f"{100 * k / n:.1f} % ({100 * low:.0f} to {100 * high:.0f})"
    return text if n == len(found) else f"{text}, {len(found) - n} without an answer"


@click.command(help=__doc__.splitlines()[0])
@click.option("--part", type=click.Choice(PARTS), multiple=True, help="Which tables.  [default: all]")
@click.option("--records", type=click.IntRange(1), default=200, show_default=True, help="Drawn for each row.")
@click.option("--replicates", default=100, show_default=True, help="Drawn for each interval of a fidelity.")
@click.option("--few", default=100, show_default=True, help="Shots of a setting; dynamics take twice as many.")
@click.option("--many", default=1000, show_default=True, help="The same of the larger records.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
@click.option("--table", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the tables.")
def main(
    part: tuple[str, ...], records: int, replicates: int, few: int, many: int, workers: int, table: Path | None
) -> None:
    lines: list[str] = []
    with ProcessPoolExecutor(workers) as pool:
        chosen = scenes(few, many, replicates)
        for heading, rows in (chosen[name] for name in part or PARTS):
            ways: list[str] = []
            for scene in rows:
                found = list(pool.map(scene.once, range(records), chunksize=max(1, records // (8 * workers))))
                if ways != list(found[0]):
                    ways = list(found[0])
                    lines += ["", f"| {heading} | shots of a setting | {' | '.join(ways)} |"]
                    lines.append("|---" * (len(ways) + 2) + "|")
                    click.echo("\n".join(lines[-3:]))
                cells = " | ".join(share([one[way] for one in found]) for way in ways)
                lines.append(f"| {scene.name} | {scene.shots} | {cells} |")
                click.echo(lines[-1])
    if table is not None:
        table.write_text("\n".join(lines[1:]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
