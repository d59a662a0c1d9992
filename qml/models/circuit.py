"""States prepared by circuits, noise and discarded ancillas included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Dims, ParamsLike, Real
from qml.circuits import Circuit
from qml.engines.register import directions_of
from qml.models.base import uniform_start
from qml.models.with_circuit import WithCircuit
from qml.parameters import REAL_LINE, Interval
from qml.states.base import State
from qml.states.coercion import StateLike, as_state

if TYPE_CHECKING:
    from qml.engines.base import Engine

BOUNDED_START = (0.05, 0.25)
"""Bounded parameters start in this part of their interval: weak noise, since strong noise hides other gradients."""


class CircuitModel(WithCircuit):
    r"""The state that a parametrised circuit prepares.

    .. math:: \sigma_\theta = \mathcal{E}_{v(\theta)}[\rho_0]

    Gates, noise channels, fresh ancillas and partial traces are all operations of the circuit. A parameter without a
    domain (an angle, in radians) is its own coordinate: v = theta. One with a domain, such as the probability of a
    trainable channel, is v = low + (high - low) / (1 + exp(-theta)), so that every theta is allowed; its ends are
    reached only in the limit, where the derivative in theta vanishes.

    Parameters
    ----------
    circuit : Circuit
        Its free parameters are those of the model, in the same order.
    engine : Engine, optional
        What runs the circuit; by default ``PauliEngine()`` where all sites are qubits, else ``ReferenceEngine()``.
    initial : State, optional
        The state of the register before the circuit, dims ``circuit.dims_in``; by default \|0...0>.
    domains : mapping of str to Interval, optional
        Narrower intervals than the circuit's own (``circuit.domains``), by parameter name.

    Raises
    ------
    InputError
        For a domain of a parameter that the circuit does not have, or one that the circuit does not allow; for an
        initial state of other dims.

    Notes
    -----
    ``state_vjp`` costs one sweep forward and one backward, whatever the number of parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from qml import Circuit, channels, gates
    >>> from qml.engines.reference import ReferenceEngine
    >>> circuit = Circuit(1, [gates.RY("angle", 0), channels.BitFlip("p", 0)])
    >>> model = CircuitModel(circuit, engine=ReferenceEngine())
    >>> theta = model.unconstrained({"angle": np.pi / 2, "p": 0.25})
    >>> model.state(theta).matrix().real.round(3)
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """

    def __init__(
        self,
        circuit: Circuit,
        *,
        engine: Engine | None = None,
        initial: StateLike | None = None,
        domains: Mapping[str, Interval] | None = None,
    ) -> None:
        super().__init__(circuit, engine)
        initial = None if initial is None else as_state(initial, circuit.dims_in, "initial")
        if initial is not None and (initial.dims != circuit.dims_in or initial.batch_shape):
            batch = f" in a batch of shape {initial.batch_shape}" if initial.batch_shape else ""
            raise InputError(
                f"initial must be one state on the circuit's input sites, dims {circuit.dims_in}; "
                f"found dims {initial.dims}{batch}."
            )
        self.initial = initial
        self.domains = _narrowed(circuit.domains, {} if domains is None else _checks.mapping("domains", domains))
        self._bounded = [(k, i) for k, i in enumerate(self.domains.values()) if i != REAL_LINE]

    @property
    def dims(self) -> Dims:
        return self._program.dims_out

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return self._program.parameters

    def init_params(self, rng: np.random.Generator, scale: float = np.pi) -> Real:
        """A random start: angles uniform in [-scale, scale] radians; bounded parameters uniform in the lower part of
        their interval, from 5 to 25 percent (half-bounded ones: theta uniform in [-1, 1])."""
        theta = uniform_start(rng, self.n_params, scale)
        for k, interval in self._bounded:
            if np.isfinite(interval.low) and np.isfinite(interval.high):
                theta[k] = interval.to_real(interval.low + (interval.high - interval.low) * rng.uniform(*BOUNDED_START))
            else:
                theta[k] = rng.uniform(-1.0, 1.0)
        return theta

    def natural(self, params: ParamsLike = ()) -> dict[str, float]:
        """The circuit's parameters by name: angles in radians, probabilities inside their intervals."""
        values, _ = self._values(params)
        return dict(zip(self.parameter_names, values.tolist(), strict=True))

    def unconstrained(self, values: Mapping[str, float]) -> Real:
        theta = super().unconstrained(values)
        for k, interval in self._bounded:
            theta[k] = interval.to_real(float(theta[k]))
        return theta

    def state(self, params: ParamsLike = ()) -> State:
        values, _ = self._values(params)
        return self.engine.evolve(self._program, values, self.initial)

    def state_vjp(self, params: ParamsLike = ()) -> tuple[State, Callable[[Cotangent], Real]]:
        values, slopes = self._values(params)
        state, pull = self.engine.evolve_vjp(self._program, values, self.initial)
        return state, lambda cotangent: pull(cotangent)[0] * slopes

    def state_jvp(self, params: ParamsLike = ()) -> tuple[State, Callable[[ArrayLike], Complex]]:
        """sigma_theta, and the map from directions v (..., n_params) to dsigma (..., d, d), Hermitian."""
        values, slopes = self._values(params)
        state, push = self.engine.evolve_jvp(self._program, values, self.initial)
        return state, lambda directions: push(directions_of(directions, self.n_params) * slopes)

    def _values(self, params: ParamsLike) -> tuple[Real, Real]:
        """v(theta) and dv/dtheta, each (n_params,)."""
        theta = self.theta(params)
        values, slopes = theta.copy(), np.ones(self.n_params)
        for k, interval in self._bounded:
            values[k], slopes[k] = interval.from_real(float(theta[k])), interval.slope(float(theta[k]))
        return values, slopes

    def __repr__(self) -> str:
        return f"CircuitModel({self.circuit!r})"


def _narrowed(domains: Mapping[str, Interval], narrower: Mapping[str, Interval]) -> dict[str, Interval]:
    for name, interval in narrower.items():
        if name not in domains:
            raise InputError(f"domains: the circuit has no parameter {name!r}{_checks.nearest(str(name), domains)}.")
        if not isinstance(interval, Interval):
            raise InputError(f"domains[{name!r}] must be an Interval; found {interval!r}.")
        if not (domains[name].low <= interval.low and interval.high <= domains[name].high):
            raise InputError(
                f"domains[{name!r}] must lie within what the circuit allows, {domains[name]}; found {interval}."
            )
    return {**domains, **narrower}
