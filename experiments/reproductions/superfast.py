"""Tomography by accelerated projected gradients, beside ours with its certificate (Shang, Zhang, Ng 2017,
arXiv:1609.07881).

    python experiments/reproductions/superfast.py --figure superfast.png

The authors' program (github.com/qMLE/qMLE, its published tutorial) states counts of a qubit and of a Bell pair, each
qubit measured by the tetrahedron, the states of largest likelihood that it finds, and their trace distances from the
truth: all of them are reproduced from those counts, with the certificate that no state is more likely. The paper's
curves of time against the number of qubits are not within reach; the iterations of its method (`method="accelerated"`)
and of conjugate gradients, the library's default, until the same certificate are compared here on the states of the
tutorial, W states with a tenth of white noise in 100 shots of every Pauli setting. The tutorial's own has eight qubits:
its trace distance is compared, for other random numbers.
"""

from __future__ import annotations

import sys
from functools import reduce
from pathlib import Path

import numpy as np

from qml import POVM, Counts, PauliMeasurement, sample, trace_distance, w_state
from qml._typing import Complex, Real
from qml.states import DensityMatrix
from qml.tomography import TomographyResult, maximum_likelihood

sys.path.insert(0, str(Path(__file__).parent))
from published import Curve, Found, Line, command

ONE = (441, 195, 311, 53)
TWO = (85, 79, 0, 86, 86, 96, 79, 0, 0, 67, 96, 88, 66, 0, 96, 76)
ONE_FOUND = np.array([[0.7356, -0.0104 - 0.4365j], [-0.0104 + 0.4365j, 0.2644]])
TWO_FOUND = np.array(
    [
        [0.4931, 0.0004 + 0.0110j, -0.0150 + 0.0150j, 0.4989 - 0.0219j],
        [0.0004 - 0.0110j, 0.0002, 0.0003 + 0.0003j, -0.0001 - 0.0112j],
        [-0.0150 - 0.0150j, 0.0003 - 0.0003j, 0.0009, -0.0158 - 0.0146j],
        [0.4989 + 0.0219j, -0.0001 + 0.0112j, -0.0158 + 0.0146j, 0.5058],
    ]
)
DIGIT = 5e-5
"""Half of the last digit of the tutorial's numbers."""
QUBITS, SHOTS, GAP, SEED = (1, 2, 3, 4, 5, 6), 100, 1e-6, 0
NOISE = 0.1
EIGHT, LOOSE, SPREAD = 8, 1e-2, 0.005
"""Qubits of the tutorial's largest state, its certificate here in nats, and how far other random numbers may lead."""


def tetrahedron(n: int) -> POVM:
    """The tetrahedron of every qubit: effects (1 + t.sigma)/4 with t = (1,1,1), (-1,-1,1), (-1,1,-1), (1,-1,-1)."""
    corners = np.array([[1, 1, 1], [-1, -1, 1], [-1, 1, -1], [1, -1, -1]]) / np.sqrt(3)
    paulis: Complex = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    one = (np.eye(2) + np.einsum("kp,pij->kij", corners, paulis)) / 4

    def side_by_side(a: Complex, b: Complex) -> Complex:
        return np.array([np.kron(x, y) for x in a for y in b])

    return POVM(reduce(side_by_side, [one] * n), (2,) * n)


def rebuilt(counts: tuple[int, ...], n: int) -> TomographyResult:
    """The state of largest likelihood of the tutorial's counts."""
    return maximum_likelihood(Counts(tetrahedron(n), [list(counts)]))


def noisy_w(n: int) -> DensityMatrix:
    """A W state with a tenth of white noise."""
    pure = w_state(n) if n > 1 else DensityMatrix.from_vector([0.0, 1.0])
    return DensityMatrix((1 - NOISE) * pure.matrix() + NOISE * np.eye(2**n) / 2**n)


def iterations(n: int, method: str) -> TomographyResult:
    """The state of largest likelihood of a noisy W state, by a method."""
    record = sample(noisy_w(n), PauliMeasurement(n), SHOTS, np.random.default_rng(SEED))
    return maximum_likelihood(record, method=method, gap=GAP)


def distance(n: int, seed: int) -> tuple[float, float]:
    """As in the tutorial: copies choose their setting at random, 100 of each on average. The trace distance of the
    estimate from the truth, and the certificate in nats."""
    rng, settings = np.random.default_rng(seed), 3**n
    shots = rng.multinomial(SHOTS * settings, np.full(settings, 1 / settings))
    found = maximum_likelihood(sample(noisy_w(n), PauliMeasurement(n), shots, rng), gap=LOOSE)
    return float(trace_distance(found.state, noisy_w(n))), found.certificate


def reproduce(qubits: tuple[int, ...] = QUBITS, largest: int = EIGHT) -> Found:
    """Tomography by accelerated projected gradients, beside ours with its certificate (arXiv:1609.07881)."""
    one, two = rebuilt(ONE, 1), rebuilt(TWO, 2)
    bloch = DensityMatrix([[0.75, -np.sqrt(3) / 4 * 1j], [np.sqrt(3) / 4 * 1j, 0.25]])
    bell = DensityMatrix.from_vector(np.array([1, 0, 0, 1]) / np.sqrt(2))
    lines = [
        Line("qubit: largest difference of an entry", None, _off(one, ONE_FOUND), DIGIT),
        Line("qubit: trace distance from the truth", 0.0181, float(trace_distance(one.state, bloch)), DIGIT),
        Line("Bell pair: largest difference of an entry", None, _off(two, TWO_FOUND), DIGIT),
        Line("Bell pair: trace distance from the truth", 0.0410, float(trace_distance(two.state, bell)), DIGIT),
        Line("certificate of both, nats", None, max(one.certificate, two.certificate), GAP),
    ]
    far, certificate = distance(largest, SEED)
    lines += [
        Line(f"W state of {largest} qubits: trace distance, other random numbers", 0.1162, far, SPREAD),
        Line(f"W state of {largest} qubits: certificate, nats", None, certificate, LOOSE),
    ]
    curves = []
    for method, name in (("accelerated", "accelerated projected gradient"), ("conjugate_gradient", "default")):
        found = [iterations(n, method) for n in qubits]
        lines.append(Line(f"W states, {name}: largest certificate, nats", None, max(f.certificate for f in found), GAP))
        curves.append(Curve(name, qubits, [float(f.iterations) for f in found]))
    return Found(lines, curves, ("qubits", f"iterations to a certificate of {GAP:g} nats"))


def _off(found: TomographyResult, published: Complex) -> float:
    """The largest difference of a real or imaginary part."""
    off: Real = np.abs((found.state.matrix() - published).view(np.float64))
    return float(off.max())


if __name__ == "__main__":
    command(reproduce)()
