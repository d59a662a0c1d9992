"""How many random starts reach S(rho) within 1e-8, for a random target of each model's own family.

python experiments/boltzmann/starts.py --starts 20
"""

from __future__ import annotations

import math
from collections.abc import Callable

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from qml import Circuit, CircuitModel, GibbsModel, channels, circuits, fit, gates, pauli
from qml.models import (
    CholeskyModel,
    EvolvedGibbsModel,
    HiddenGibbsModel,
    MixtureModel,
    Model,
    NoisyModel,
    ProductModel,
    PurifiedCircuitModel,
    SpectralModel,
    semi_quantum_restricted,
)
from qml.operators import tfim

TARGETS = 4
CLOSE = 1e-8
HIDDEN = ("XXI", "ZZI", "ZIZ", "IZX", "XII", "IIZ")


def layers(n: int, count: int = 1) -> Circuit:
    return circuits.hardware_efficient(n, count)


def noisy_circuit() -> Model:
    return CircuitModel(
        circuits.purification(2, 1, 2).then(channels.Depolarizing("p", 0), channels.Depolarizing("p", 1))
    )


FAMILIES: dict[str, Callable[[], Model]] = {
    "Gibbs, all pairs, 3 qubits": lambda: GibbsModel.all_paulis(3, 2),
    "hidden unit, 2 + 1 qubits": lambda: HiddenGibbsModel([pauli(s) for s in HIDDEN]),
    "semi-quantum restricted, 3 + 2": lambda: semi_quantum_restricted(3, 2),
    "evolved Gibbs, 2 qubits": lambda: EvolvedGibbsModel(tfim(2), layers(2)),
    "spectral, product energies, 2 qubits": lambda: SpectralModel(layers(2)),
    "spectral, table, 2 qubits": lambda: SpectralModel(layers(2), "table"),
    "spectral, Ising, 3 qubits": lambda: SpectralModel(layers(3), "ising"),
    "Cholesky, 2 qubits": lambda: CholeskyModel((2, 2)),
    "Cholesky, a qutrit": lambda: CholeskyModel((3,)),
    "Cholesky, rank 2, smoothed": lambda: CholeskyModel((2, 2), 2, smoothing=0.1),
    "purified circuit, 2 + 2 qubits": lambda: PurifiedCircuitModel(layers(4, 3), 2),
    "noisy circuit, 2 + 1 qubits": noisy_circuit,
    "mixture of two Gibbs models": lambda: MixtureModel([GibbsModel(tfim(2)), GibbsModel([pauli("XY"), pauli("ZI")])]),
    "product of two Gibbs models": lambda: ProductModel([GibbsModel(tfim(2)), GibbsModel([pauli("X"), pauli("Z")])]),
    "Gibbs model behind a channel": lambda: NoisyModel(
        GibbsModel(tfim(2)), Circuit(2, [gates.RX("a", 0), channels.Depolarizing("p", 0)])
    ),
}


@click.command()
@click.option("--starts", default=20, help="Random starts for each of the four targets.")
def main(starts: int) -> None:
    """Print the table."""
    table = Table("model", "parameters", f"within {CLOSE:g}", "median gap", "largest gap", "targets by the best start")
    for name, make in FAMILIES.items():
        model, gaps = make(), []
        for k in range(TARGETS):
            rho = model.state(model.init_params(np.random.default_rng(100 + k)))
            result = fit(model, rho, seed=k, restarts=starts, max_iterations=3000, progress=False)
            gaps.append([restart.loss - result.floor for restart in result.restarts])
        every = np.array(gaps)
        within = every < CLOSE
        cells = (f"{within.sum()} of {every.size}", f"{np.median(every):.1e}", f"{every.max():.1e}")
        table.add_row(name, str(model.n_params), *cells, str(int(within.any(axis=1).sum())))
        assert math.isfinite(every.max()), name
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
