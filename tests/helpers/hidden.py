"""Models with hidden units, one for each way to sigma."""

import numpy as np

from helpers.arrays import hermitian
from qml import pauli
from qml.models import HiddenGibbsModel, semi_quantum_restricted
from qml.operators import tfim


def paulis(*labels):
    return [pauli(label) for label in labels]


def visible_diagonal_matrices():
    rng = np.random.default_rng(6)
    return [np.kron(hermitian(2, rng), np.diag(rng.standard_normal(3))) for _ in range(4)]


FAMILIES = {
    "dense": lambda: HiddenGibbsModel([tfim(3), *paulis("XYI", "IZX", "ZII")], hidden=[1]),
    "dense, two": lambda: HiddenGibbsModel.all_paulis(3, hidden=2),
    "dense, qutrit": lambda: HiddenGibbsModel([hermitian(6, np.random.default_rng(k)) for k in range(3)], 1, (2, 3)),
    "blocks": lambda: HiddenGibbsModel(paulis("ZXI", "IXX", "ZIY", "IZI", "ZZI"), 2),
    "blocks, scattered": lambda: HiddenGibbsModel(paulis("XZIX", "YIZI", "ZIII", "XZZI", "IZII", "IIIY"), [3, 0]),
    "blocks, matrices": lambda: HiddenGibbsModel(visible_diagonal_matrices(), [0], (2, 3)),
    "blocks, diagonal": lambda: HiddenGibbsModel(paulis("ZZI", "IZZ", "IIZ", "ZII"), 2),
    "blocks, diagonal matrices": lambda: HiddenGibbsModel(
        [np.diag([0.0, 1, 2, 0, 5, 1]), np.diag(range(6))], 1, (3, 2)
    ),
    "closed form": lambda: semi_quantum_restricted(2, 2),
    "closed form, scattered": lambda: HiddenGibbsModel(
        [pauli("XZI") + 0.5 * pauli("YII"), *paulis("YZI", "IZZ", "XII", "IIZ", "IZY")], hidden=[0, 2]
    ),
}
