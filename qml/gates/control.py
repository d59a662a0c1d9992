"""Gates with control qubits."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from qml import _checks
from qml._typing import Complex, Dims, Real
from qml.gates.constants import SWAP, X
from qml.gates.unitary import blank
from qml.instructions import Unitary
from qml.parameters import Affine


@dataclass(frozen=True, repr=False)
class Controlled(Unitary):
    r"""`gate` where every control qubit is in \|1>, nothing elsewhere; made by :func:`controlled`.

    .. math:: U = (1 - \Pi) \otimes 1 + \Pi \otimes U_{gate}, \qquad \Pi = |1 \dots 1\rangle\langle 1 \dots 1|

    Parameters
    ----------
    gate : Unitary
        Not placed; on sites of any dimensions.
    n_controls : int
        At least 1. The controls are qubits, listed before the gate's own sites.

    Raises
    ------
    InputError
        Where `gate` is no unitary gate or `n_controls` no positive integer.

    Examples
    --------
    >>> from qml.gates import RX, H, X
    >>> Controlled(H, 2), Controlled(X, 2), Controlled(RX, 1).parameter_names
    (CCH, Toffoli, ('theta',))
    """

    gate: Unitary
    n_controls: int
    name: str = field(init=False)
    dims: Dims = field(init=False)
    parameter_names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        _checks.instance("gate", self.gate, Unitary)
        _checks.qubit_count("n_controls", self.n_controls)
        usual: dict[tuple[Unitary, int], str] = {(X, 1): "CNOT", (X, 2): "Toffoli", (SWAP, 1): "Fredkin"}
        name = usual.get((self.gate, self.n_controls), "C" * self.n_controls + self.gate.name)
        dims = (2,) * self.n_controls + self.gate.dims
        vars(self).update(name=name, dims=dims, parameter_names=self.gate.parameter_names)

    def matrix(self, params: Real) -> Complex:
        u = self.gate.matrix(params)
        side = len(u) << self.n_controls
        out: Complex = blank(1, side, self.name)[0]
        out[np.diag_indices(side - len(u))] = 1
        out[-len(u) :, -len(u) :] = u
        return out

    def derivatives(self, params: Real) -> Complex:
        du = self.gate.derivatives(params)
        n, side, _ = du.shape
        out = blank(n, side << self.n_controls, self.name)
        out[:, -side:, -side:] = du
        return out

    def inverse(self, params: tuple[Affine, ...]) -> tuple[Unitary, tuple[Affine, ...]]:
        gate, undone = self.gate.inverse(params)
        return Controlled(gate, self.n_controls), undone


def controlled(gate: Unitary, n_controls: int = 1) -> Controlled:
    r"""`gate` with control qubits listed before its own sites; controls of a controlled gate are joined.

    .. math:: U = (1 - \Pi) \otimes 1 + \Pi \otimes U_{gate}, \qquad \Pi = |1 \dots 1\rangle\langle 1 \dots 1|

    The derivatives are exact: a controlled rotation has more than two frequencies, so no two-term shift rule serves it.

    Parameters
    ----------
    gate : Unitary
        Not placed.
    n_controls : int

    Returns
    -------
    Controlled

    Raises
    ------
    InputError
        Where `gate` is no unitary gate or `n_controls` no positive integer.

    Examples
    --------
    >>> from qml.gates import CNOT, RY, Toffoli
    >>> controlled(CNOT) == Toffoli
    True
    >>> print(controlled(RY)("a", 4, 2))
    CRY(a) 4 2
    """
    n_controls = _checks.qubit_count("n_controls", n_controls)
    if isinstance(gate, Controlled):
        return Controlled(gate.gate, gate.n_controls + n_controls)
    return Controlled(gate, n_controls)
