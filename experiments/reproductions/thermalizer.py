"""Thermal states by their free energy, and modular Hamiltonians (Verdon et al. 2019, arXiv:1910.02071).

    python experiments/reproductions/thermalizer.py --figure thermalizer.png

The paper learns thermal states with a classical distribution behind a circuit, by the free energy (variational quantum
thermalizer), among them of Heisenberg magnets on a square lattice; it says that at low temperature this becomes the
variational eigensolver, and that the same model learns a state that is given, and with it its modular Hamiltonian, by
the cross entropy. Its text could be read in its summary only, so that what is compared is what the summary says in
words, with bounds fixed here: a fidelity of 0.99 and a tenth of a percent of the energy.

The magnet has four spins on a square, with couplings of two strengths and a field. The latent distributions are a table
of all energies, independent bits (which the paper mostly takes), and none (a pure circuit: the eigensolver). The gap of
the free energy is D(sigma||rho_beta).
"""

from __future__ import annotations

import sys
from pathlib import Path

from qml import Circuit, CircuitModel, CrossEntropy, GibbsModel, SpectralModel, fidelity, fit, gates, thermal
from qml.fitting import FitResult
from qml.instructions import Operation
from qml.losses import Expectation, FreeEnergy
from qml.operators import PauliSum, pauli

sys.path.insert(0, str(Path(__file__).parent))
from published import Curve, Found, Line, command

ALONG, ACROSS, FIELD = 1.0, 0.6, 0.3
BETAS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
COLD = 20.0
SIDES = {(0, 1): ALONG, (2, 3): ALONG, (0, 2): ACROSS, (1, 3): ACROSS}
N, LAYERS, MOST = 4, 8, 500


def magnet() -> PauliSum:
    """sum J (XX + YY + ZZ) on the sides of a square, J along and across, and a field along Z."""
    terms = [pauli(p + p, j, sites=pair, n=N) for pair, j in SIDES.items() for p in "XYZ"]
    first, *others = [*terms, *(pauli("Z", FIELD, sites=[i], n=N) for i in range(N))]
    return sum(others, first)


def ansatz() -> Circuit:
    """Layers of XX, YY and ZZ interactions on the sides of the square, then X and Z rotations, each with its angle."""
    operations: list[Operation] = []
    for layer in range(LAYERS):
        for gate in (gates.RXX, gates.RYY, gates.RZZ):
            operations += [gate(f"{gate.name}{a}{b}.{layer}", a, b) for a, b in SIDES]
        for gate in (gates.RX, gates.RZ):
            operations += [gate(f"{gate.name}{q}.{layer}", q) for q in range(N)]
    return Circuit(N, operations)


def learnt(latent: str, beta: float) -> FitResult:
    """A thermal state by its free energy, with energies of a table, or of independent bits, behind a circuit."""
    model = SpectralModel(ansatz(), latent)
    return fit(model, magnet(), loss=FreeEnergy(beta), seed=0, max_iterations=MOST, progress=False)


def modular(beta: float) -> tuple[float, float]:
    """Of the state at beta, learnt by the cross entropy: D, and the largest error of a coefficient of its K."""
    model = GibbsModel.all_paulis(N)
    found = fit(model, thermal(magnet(), beta), loss=CrossEntropy(), seed=0, progress=False)
    true = {label: beta * c for label, c in magnet().terms}
    learnt = zip(found.parameter_names, found.params, strict=True)
    return found.gap, max(abs(x - true.get(name, 0.0)) for name, x in learnt)


def reproduce(betas: tuple[float, ...] = BETAS) -> Found:
    """Thermal states by their free energy, and modular Hamiltonians (arXiv:1910.02071)."""
    h, ground = magnet(), Expectation().floor(magnet())
    table, bits = ([learnt(latent, beta) for beta in betas] for latent in ("table", "product"))
    overlap = [
        [fidelity(f.state, thermal(h, beta)) for f, beta in zip(fits, betas, strict=True)] for fits in (table, bits)
    ]
    cold = learnt("table", COLD)
    pure = fit(CircuitModel(ansatz()), h, seed=0, progress=False)
    gap, error = modular(1.0)
    lines = [
        Line("1 - fidelity, table of energies, the worst beta", None, 1 - min(overlap[0]), 0.01),
        Line("1 - fidelity, independent bits, the best beta", None, 1 - max(overlap[1]), 0.01),
        Line("eigensolver: energy above the ground state, relative", None, pure.gap / abs(ground), 1e-3),
        Line(
            f"thermalizer at beta = {COLD:g} less eigensolver, relative energy",
            None,
            abs(cold.state.expect(h) - pure.loss) / abs(ground),
            1e-3,
        ),
        Line("modular Hamiltonian learnt from the state: D in nats", None, gap, 1e-6),
        Line("modular Hamiltonian learnt from the state: largest error of a coefficient", None, error, 1e-3),
    ]
    curves = [
        Curve("table of energies", betas, [max(f.gap, 1e-16) for f in table]),
        Curve("independent bits", betas, [max(f.gap, 1e-16) for f in bits]),
    ]
    return Found(lines, curves, ("beta", "D(sigma‖rho_beta) in nats"), log_x=True)


if __name__ == "__main__":
    command(reproduce)()
