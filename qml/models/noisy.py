"""A channel on top of any model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Dims, ParamsLike, Real
from qml.circuits import Circuit
from qml.engines.register import directions_of
from qml.models.base import Model
from qml.models.circuit import CircuitModel
from qml.models.members import Members
from qml.parameters import Interval
from qml.states.base import State
from qml.states.coercion import StateLike

if TYPE_CHECKING:
    from qml.engines.base import Engine


class NoisyModel(Model):
    r"""A model followed by a circuit of channels and gates, fixed or trainable.

    .. math:: \sigma = \mathcal{E}_\phi[\sigma_0(\theta)]

    For noise between preparation and data, for rotating any model, and for giving a model of low rank the full rank
    that S(rho, sigma) needs (a depolarizing channel). The derivative goes back through the adjoint channel (the
    Heisenberg picture): the model underneath receives :math:`\mathcal{E}^\dagger[G]`.

    Parameters
    ----------
    model : Model or State
        What is underneath; a State is held fixed.
    circuit : Circuit
        Its input sites have the dims of the model. Its free parameters follow those of the model in theta; bounded
        ones, such as probabilities, are coordinates of their interval as in :class:`CircuitModel`.
    engine : Engine, optional
        What runs the circuit; by default ``PauliEngine()`` where all sites are qubits, else ``ReferenceEngine()``.
    domains : mapping of str to Interval, optional
        Narrower intervals than the circuit's own, by parameter name.

    Raises
    ------
    InputError
        If dims differ, or model and circuit share the name of a parameter.

    Notes
    -----
    Costs the model, its d x d matrix, and the circuit on it, once forward and once backward; the logarithm costs an
    eigen-decomposition, O(d^3), whatever the model knew of its own. A trainable depolarizing strength and the
    temperature of the model underneath can stand in for each other: such pairs are learnt only together.

    Examples
    --------
    >>> from qml import Circuit, channels
    >>> from qml.engines.reference import ReferenceEngine
    >>> from qml.states import basis_state
    >>> noise = Circuit(1, [channels.BitFlip("p", 0)])
    >>> model = NoisyModel(basis_state("0"), noise, engine=ReferenceEngine())
    >>> model.state(model.unconstrained({"p": 0.25})).probabilities()
    array([0.75, 0.25])
    """

    def __init__(
        self,
        model: Model | StateLike,
        circuit: Circuit,
        *,
        engine: Engine | None = None,
        domains: Mapping[str, Interval] | None = None,
    ) -> None:
        self._on_top = CircuitModel(circuit, engine=engine, domains=domains)
        self._members = Members("a noisy model", [model, self._on_top], prefixed=False)
        self.model = self._members.models[0]
        self.circuit = circuit
        if self.model.dims != circuit.dims_in:
            raise InputError(
                f"the circuit must take the dims of the model, {self.model.dims}; found a circuit on {circuit.dims_in}."
            )
        self._program = circuit.compile()

    @property
    def dims(self) -> Dims:
        return self._on_top.dims

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return self._members.names

    def init_params(self, rng: np.random.Generator) -> Real:
        """A random start: that of the model, then that of a :class:`CircuitModel` (weak noise)."""
        return self._members.init_params(rng)

    def natural(self, params: ParamsLike = ()) -> dict[str, float]:
        """The model's own reading of its parameters, then the circuit's angles and probabilities."""
        return self._members.natural(self.theta(params))

    def unconstrained(self, values: Mapping[str, float]) -> Real:
        super().unconstrained(values)  # for its sentences
        return self._members.unconstrained(values)

    def state(self, params: ParamsLike = ()) -> State:
        theta, phi = self._split(params)
        return self._on_top.engine.evolve(self._program, self._on_top._values(phi)[0], self.model.state(theta))

    def state_vjp(self, params: ParamsLike = ()) -> tuple[State, Callable[[Cotangent], Real]]:
        theta, phi = self._split(params)
        before, pull_model = self.model.state_vjp(theta)
        values, slopes = self._on_top._values(phi)
        after, pull_circuit = self._on_top.engine.evolve_vjp(self._program, values, before)

        def pull(cotangent: Cotangent) -> Real:
            of_values, of_before = pull_circuit(cotangent)
            return np.concatenate([pull_model(of_before), of_values * slopes])

        return after, pull

    def state_jvp(self, params: ParamsLike = ()) -> tuple[State, Callable[[ArrayLike], Complex]]:
        theta, phi = self._split(params)
        before, push_model = self.model.state_jvp(theta)
        values, slopes = self._on_top._values(phi)
        after, push_circuit = self._on_top.engine.evolve_jvp(self._program, values, before)

        def push(v: ArrayLike) -> Complex:
            along_model, along_circuit = self._members.split(directions_of(v, self.n_params))
            return push_circuit(along_circuit * slopes, push_model(along_model))

        return after, push

    def _split(self, params: ParamsLike) -> tuple[Real, Real]:
        theta, phi = self._members.split(self.theta(params))
        return theta, phi

    def __repr__(self) -> str:
        return f"NoisyModel({self.model!r}, {self.circuit!r})"
