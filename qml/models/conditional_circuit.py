"""Circuits that data are uploaded into, noise and traced-out qubits included."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from qml import _checks
from qml._checks import InputError, OutsideDomain
from qml._typing import ArrayLike, Cotangent, ParamsLike, Real
from qml.circuits import Circuit
from qml.engines.base import Engine
from qml.geometry.conditional import MeanMetric
from qml.models.base import Model, Parametrized
from qml.models.circuit import CircuitModel
from qml.models.conditional import ConditionalModel
from qml.models.parts import Composite
from qml.models.with_circuit import CircuitParameters
from qml.parameters import REAL_LINE, Interval
from qml.states.base import State
from qml.states.coercion import StateLike

LARGEST = 1e15
"""Radians: neighbours of float64 are a fraction of a turn apart up to here."""


class _Scales(Parametrized):
    """What the data are multiplied by, one scale an upload."""

    def __init__(self, inputs: Iterable[str]) -> None:
        self._names = tuple(f"scale[{name}]" for name in inputs)

    def init_params(self, rng: np.random.Generator) -> Real:
        return rng.normal(1.0, 0.1, self.n_params)


class ConditionalCircuitModel(Composite, ConditionalModel):
    r"""The state that a circuit prepares when some of its angles are data.

    .. math:: \sigma_\theta(x) = \mathcal{E}_{v(\theta, x)}[\rho_0], \qquad
        v_i = s_i\, x_{a(i)} \text{ for the parameters that hold data}

    The other parameters are learnt, as those of :class:`CircuitModel`. With `scales`, so are the s_i, starting near 1;
    else s_i = 1. An input may be uploaded as often as one likes, each time under another name (data re-uploading), and
    offsets come from gates with trainable angles beside it. Noise, or qubits that are traced out, make the states
    mixed: pure ones have S = +inf for almost every label.

    Parameters
    ----------
    circuit : Circuit
    inputs : mapping of str to int
        Which parameters of the circuit hold data, and the column of the inputs that each holds. They must be angles,
        without a domain.
    n_inputs : int, optional
        The length of x; by default one more than the largest column.
    scales : bool
        Whether the s_i are learnt.
    engine, initial, domains : as for :class:`CircuitModel`

    Raises
    ------
    InputError
        As :class:`CircuitModel`; for names that the circuit does not have or that are bounded, and columns out of
        range; where it is asked for states of inputs beyond 1e15.
    OutsideDomain
        Where scales make angles beyond 1e15 of them.

    Notes
    -----
    A batch of m inputs is one call of the engine. Source: Perez-Salinas, Cervera-Lierta, Gil-Fuster and Latorre
    (2020), Quantum 4, 226, arXiv:1907.02085 (data re-uploading).

    Examples
    --------
    >>> from qml import Circuit, channels, gates
    >>> from qml.engines.reference import ReferenceEngine
    >>> circuit = Circuit(1, [gates.RY("x", 0), gates.RY("t", 0), channels.Depolarizing(0.1, 0)])
    >>> model = ConditionalCircuitModel(circuit, {"x": 0}, scales=True, engine=ReferenceEngine())
    >>> model.parameter_names
    ('t', 'scale[x]')
    >>> model.states([0.0, 1.0], [[0.0], [np.pi / 2]]).probabilities().round(3)
    array([[0.95, 0.05],
           [0.5 , 0.5 ]])
    """

    def __init__(
        self,
        circuit: Circuit,
        inputs: Mapping[str, int],
        *,
        n_inputs: int | None = None,
        scales: bool = False,
        engine: Engine | str | None = None,
        initial: StateLike | None = None,
        domains: Mapping[str, Interval] | None = None,
    ) -> None:
        if isinstance(initial, Model):
            raise InputError("initial must be one state; found a model, which conditional circuits cannot start from.")
        self._model = CircuitModel(circuit, engine=engine, initial=initial, domains=domains)
        self.circuit = circuit
        self.dims = self._model.dims
        names = self._model.parameter_names
        inputs = _checks.mapping("inputs", inputs)
        for name in inputs:
            if name not in names:
                hint = _checks.nearest(str(name), names)
                raise InputError(f"inputs: the circuit has no parameter {name!r}{hint}.")
            if self._model.domains[name] != REAL_LINE:
                raise InputError(f"inputs: {name!r} is bounded, {self._model.domains[name]}; data must be angles.")
        high = None if n_inputs is None else _checks.integer("n_inputs", n_inputs, low=1) - 1
        columns = [_checks.integer(f"inputs[{name!r}]", inputs[name], 0, high) for name in inputs]
        if not columns:
            raise InputError("inputs must name at least one parameter of the circuit; found none.")
        self.inputs = dict(inputs)
        self.n_inputs = max(columns) + 1 if high is None else high + 1
        self.scales = _checks.flag("scales", scales)
        self._columns = np.array(columns)
        self._data = np.array([names.index(name) for name in inputs])
        self._trained = CircuitParameters(circuit, domains, inputs)
        self._join("a conditional circuit", [self._trained, *([_Scales(self.inputs)] if self.scales else [])])

    def _arguments(self) -> dict[str, Any]:
        own = {"inputs": self.inputs, "n_inputs": self.n_inputs, "scales": self.scales}
        return {**self._model._arguments(), **own}

    @property
    def _initial(self) -> State | None:
        start = self._model._start
        return None if start is None else start.state()

    def init_params(self, rng: np.random.Generator, scale: float = np.pi) -> Real:
        """A random start: angles uniform in [-scale, scale] radians, as of a CircuitModel; scales of inputs normal
        about 1, of standard deviation 0.1.

        Parameters
        ----------
        rng : numpy Generator
        scale : float
            At least 0, at most 1e100.

        Raises
        ------
        InputError
            If rng is no Generator, or scale is out of range.
        """
        return np.concatenate([self._trained.init_params(rng, scale), *(p.init_params(rng) for p in self._parts[1:])])

    def checked(self, inputs: ArrayLike) -> Real:
        x = super().checked(inputs)
        largest = float(np.abs(x[:, self._columns]).max())
        if largest > LARGEST:
            raise InputError(
                f"inputs that are angles must be at most {LARGEST:g} in size, beyond which float64 knows no sine; "
                f"found {largest:g}: rescale them."
            )
        return x

    def states(self, params: ParamsLike, inputs: ArrayLike) -> State:
        values, _, _ = self._values(params, inputs)
        return self._model.engine.evolve(self.circuit.compile(), values, self._initial)

    def states_vjp(self, params: ParamsLike, inputs: ArrayLike) -> tuple[State, Callable[[Cotangent], Real]]:
        values, slopes, data = self._values(params, inputs)
        states, pull_values = self._model.engine.evolve_vjp(self.circuit.compile(), values, self._initial)

        def pull(cotangent: Cotangent) -> Real:
            of_values = pull_values(cotangent)[0]
            trained = of_values[:, self._trained.places].sum(axis=0) * slopes
            if not self.scales:
                return np.asarray(trained)
            return np.concatenate([trained, (of_values[:, self._data] * data).sum(axis=0)])

        return states, pull

    def _metric(self, params: ParamsLike, x: Real, kind: str, states: State | None, w: Real) -> MeanMetric:
        rows, data = self._rows(params, x)
        count = self._trained.n_params
        jacobians = np.zeros((*rows.shape, self.n_params))
        jacobians[:, self._trained.places, np.arange(count)] = 1.0
        if self.scales:
            jacobians[:, self._data, count + np.arange(len(self._data))] = data
        return MeanMetric([self._model.metric(row, kind) for row in rows], jacobians, w)

    def _rows(self, params: ParamsLike, inputs: ArrayLike) -> tuple[Real, Real]:
        """The coordinates (m, parameters of the circuit) of :class:`CircuitModel`, and the data (m, uploads)."""
        data = self.checked(inputs)[:, self._columns]
        theta, *scales = self.split(params)
        rows = np.empty((len(data), self._model.n_params))
        rows[:, self._trained.places] = theta
        with np.errstate(over="ignore"):
            rows[:, self._data] = data * scales[0] if scales else data
        if not (largest := float(np.abs(rows[:, self._data]).max())) <= LARGEST:
            raise OutsideDomain(
                f"scales must keep angles at most {LARGEST:g} in size, beyond which float64 knows no sine; found "
                f"{largest:g}."
            )
        return rows, data

    def _values(self, params: ParamsLike, inputs: ArrayLike) -> tuple[Real, Real, Real]:
        """v (m, parameters of the circuit), dv/dtheta of the trained ones, and the data (m, uploads)."""
        values, data = self._rows(params, inputs)
        values[:, self._trained.places], slopes = self._trained._values(self.split(params)[0])
        return values, slopes, data

    def __repr__(self) -> str:
        return f"ConditionalCircuitModel({self.circuit!r}, {_checks.plural(len(self.inputs), 'upload')})"
