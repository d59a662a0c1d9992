"""Measurements of processes: states that go in, and what is measured of what comes out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Complex, Real
from qml.engines.transfer import TO_Z
from qml.measurement.base import Measurement, of_states
from qml.measurement.elements import setting_names
from qml.states import DensityMatrix, State, as_state
from qml.states.coercion import StateLike

SUMS = 1e-8
"""What the probabilities of a setting may miss one by."""
FOUR = ("Z+", "Z-", "X+", "Y+")
SIX = ("Z+", "Z-", "X+", "X-", "Y+", "Y-")
_VECTORS = {letter + sign: TO_Z[letter][k].conj() for letter in "ZXY" for k, sign in enumerate("+-")}


class ProcessMeasurement(Measurement):
    r"""States prepared, sent through a process, and measured: a measurement of its Choi state.

    .. math:: p_{jk} = \mathrm{Tr}(M_k E(\rho_j)) = \mathrm{Tr}\big( d\, (\rho_j^T \otimes M_k)\, J \big)

    A setting is a preparation and a setting of the measurement. The effects of a setting add up to
    d rho^T (x) 1, not to the identity: probabilities add up to one as a process preserves the trace. Preparations and
    measurement may be noisy; they are taken as they are given.

    Parameters
    ----------
    preparations : int, mapping of str to State, or State
        The inputs rho_j by name, or a batch (m,) of them ("0", "1", ...); a number of qubits stands for all products
        of Z+, Z-, X+, Y+.
    measurement : Measurement
        Of the output.
    names : sequence of str, optional
        Of the preparations of a batch.

    Raises
    ------
    InputError
        If the preparations are no states on the same sites, or the measurement is one of a process; by
        `probabilities`, if a state is that of no process.
    MemoryRefused
        If the probabilities would not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from qml import PauliMeasurement, gates, sample
    >>> from qml.processes import as_process
    >>> both = ProcessMeasurement(1, PauliMeasurement(1))
    >>> sample(as_process(gates.X), both, 100, np.random.default_rng(0))["Z+,Z"]
    {'0': 0, '1': 100}
    """

    def __init__(
        self,
        preparations: int | Mapping[str, StateLike] | StateLike,
        measurement: Measurement,
        names: Sequence[str] | None = None,
    ) -> None:
        self.measurement = of_states("measurement", _checks.instance("measurement", measurement, Measurement))
        self.preparations, self.names = prepared(preparations, names)
        self.dims_in = self.preparations.dims
        self.dims = self.dims_in + measurement.dims
        total = len(self.names) * measurement.n_outcomes
        _checks.memory(f"{total} outcomes of a process", 32 * total, "use fewer preparations or settings")
        pairs = [f"{name},{setting}" for name in self.names for setting in measurement.settings]
        self.settings = setting_names(pairs, len(pairs))
        self.sizes = _checks.kept(np.tile(measurement.sizes, len(self.names)))
        self._inputs = self.preparations.matrix() * math.prod(self.dims_in)  # d rho_j

    def _probabilities(self, state: State) -> Real:
        p = super()._probabilities(state)
        off = float(np.abs(np.add.reduceat(p, self.offsets[:-1]) - 1).max())
        if off > SUMS:
            raise InputError(
                f"counts of a process need a Choi state, Tr_out J = 1/d; of this state the probabilities of a setting "
                f"miss one by {off:.3g}: learn a KrausModel or a ProcessModel."
            )
        return p

    def _probabilities_of(self, matrix: Complex) -> Real:
        d, d_out = math.prod(self.dims_in), self.measurement.dim
        lead = matrix.shape[:-2]
        rows = np.moveaxis(matrix.reshape(*lead, d, d_out, d, d_out), -3, -2).reshape(*lead, d * d, d_out * d_out)
        out = self._inputs.reshape(len(self.names), d * d) @ rows  # sum_ij rho_ij <i|X|j>, as Tr rho^T X
        found = self.measurement.probabilities_of(out.reshape(*lead, len(self.names), d_out, d_out))
        return found.reshape(*lead, self.n_outcomes)

    def _adjoint(self, weights: Real) -> Complex:
        d, d_out = math.prod(self.dims_in), self.measurement.dim
        each = weights.reshape(len(self.names), -1)
        parts = np.stack([self.measurement.adjoint(w) for w in each]).reshape(len(each), -1)
        inputs = self._inputs.swapaxes(-1, -2).reshape(len(each), -1)
        tensor = (inputs.T @ parts).reshape(d, d, d_out, d_out)
        return np.asarray(np.moveaxis(tensor, 2, 1).reshape(self.dim, self.dim))

    def traces(self) -> Real:
        return np.tile(math.prod(self.dims_in) * self.measurement.traces(), len(self.names))

    def _outcome_shape(self, setting: int) -> tuple[int, ...]:
        return self.measurement._outcome_shape(setting % len(self.measurement.settings))

    def __repr__(self) -> str:
        return f"ProcessMeasurement({len(self.names)} preparations, {self.measurement!r})"


def pauli_preparations(n: int, labels: Sequence[str] = FOUR) -> dict[str, DensityMatrix]:
    """All products of eigenstates of Pauli matrices on n qubits, by name: "Z+X+", qubit 0 leftmost.

    Parameters
    ----------
    n : int
    labels : sequence of {"Z+", "Z-", "X+", "X-", "Y+", "Y-"}
        Of a qubit; the default four determine a process, all six do so evenly.

    Raises
    ------
    InputError
        If n is no integer of at least 1, or a label is not known.

    Examples
    --------
    >>> list(pauli_preparations(1))
    ['Z+', 'Z-', 'X+', 'Y+']
    """
    n = _checks.qubit_count("n", n)
    names = [_checks.choice("each label", label, _VECTORS) for label in _checks.listed("labels", labels)]
    _checks.memory(f"{len(names)}^{n} preparations", 16 * len(names) ** n * 4**n, "name fewer labels")
    found = {}
    for chosen in itertools.product(names, repeat=n):
        vector = np.ones(1, dtype=np.complex128)
        for label in chosen:
            vector = np.kron(vector, _VECTORS[label])
        found["".join(chosen)] = DensityMatrix.from_vector(vector / np.linalg.norm(vector), (2,) * n)
    return found


def prepared(
    value: int | Mapping[str, StateLike] | StateLike, names: Sequence[str] | None = None
) -> tuple[State, tuple[str, ...]]:
    """Preparations as one batch (m,) of states, and their names."""
    if names is not None and isinstance(value, int | np.integer | Mapping):
        raise InputError("names are for a batch of preparations: those of a mapping or of products have theirs.")
    if isinstance(value, int | np.integer):
        value = pauli_preparations(_checks.qubit_count("n", value))
    if isinstance(value, Mapping):
        if not value:
            raise InputError("preparations must name at least one state; found none.")
        states = [as_state(state, name=f"preparation {name!r}") for name, state in value.items()]
        for name, state in zip(value, states, strict=True):
            if state.dims != states[0].dims or state.batch_shape:
                raise InputError(
                    f"preparations must be single states on the same sites, {states[0].dims}; found {state!r} for "
                    f"{_checks.text('the name of a preparation', name)!r}."
                )
        batch = DensityMatrix._trusted(np.stack([state.matrix() for state in states]), states[0].dims)
        return batch, setting_names(list(value), len(value))
    held = as_state(value, name="preparations")
    if len(held.batch_shape) != 1:
        raise InputError(f"preparations must be a batch (m,) of states, or states by name; found {held!r}.")
    return held, setting_names(names, held.batch_shape[0])
