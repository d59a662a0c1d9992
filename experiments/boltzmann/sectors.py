"""What symmetry sectors save: processor seconds, on one thread, of a state with its spectrum, and of its metric.

python experiments/boltzmann/sectors.py --sizes 8 --sizes 10
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import click
import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from qml import GibbsModel
from qml.operators import PauliSum, heisenberg, tfim, xxz
from qml.states import sectors

FAMILIES = {"TFIM": tfim, "XXZ": lambda n: xxz(n, delta=0.7), "Heisenberg, field": lambda n: heisenberg(n, h=0.5)}


def seconds(call: Callable[[], object], least: float = 0.5) -> float:
    """The least of as many calls as fit into half a second, three at least; the first one warms up."""
    call()
    found: list[float] = []
    while len(found) < 3 or sum(found) < least:
        since = time.process_time()
        call()
        found.append(time.process_time() - since)
    return min(found)


def measured(hamiltonian: PauliSum, n: int) -> tuple[int, tuple[float, float]]:
    """How many sectors there are, and the seconds of spectrum and metric."""
    model = GibbsModel(hamiltonian)
    theta = np.random.default_rng(n).uniform(-1, 1, model.n_params)
    found, state = model.generators.sectors, model.state(theta)
    state.matrix()
    spectrum = seconds(lambda: model.state(theta).spectrum())
    return 1 if found is None else found.count, (spectrum, seconds(lambda: model.metric(theta, state=state).matrix()))


def one(x: float, y: float) -> str:
    return f"{x:.3g}"


def other(x: float, y: float) -> str:
    return f"{y:.3g}"


def ratio(x: float, y: float) -> str:
    return f"{y / x:.1f}"


@click.command()
@click.option("--sizes", type=int, multiple=True, default=(8, 10), help="Qubits.")
def main(sizes: tuple[int, ...]) -> None:
    """Print the table."""
    heads = ("model", "qubits", "terms", "sectors", "spectrum, s", "without", "ratio", "metric, s", "without", "ratio")
    table = Table(*heads)
    smallest = sectors.SMALLEST
    for n, (name, family) in itertools.product(sizes, FAMILIES.items()):
        with threadpool_limits(1):
            count, with_sectors = measured(family(n), n)
            sectors.SMALLEST = 1 << 30
            without = measured(family(n), n)[1]
            sectors.SMALLEST = smallest
            cells = [f(x, y) for x, y in zip(with_sectors, without, strict=True) for f in (one, other, ratio)]
            table.add_row(name, str(n), str(len(family(n).words)), str(count), *cells)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
