"""States prepared by circuits, noise and discarded ancillas included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np

from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, ParamsLike, Real
from qml.circuits import Circuit
from qml.engines.base import Engine
from qml.engines.register import directions_of
from qml.models.base import Model
from qml.models.parts import Fixed
from qml.models.with_circuit import WithCircuit
from qml.parameters import Interval
from qml.states.base import State
from qml.states.coercion import StateLike, as_state


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
    engine : Engine or str, optional
        What runs the circuit; by default ``PauliEngine()`` where all sites are qubits, else ``ReferenceEngine()``.
    initial : State or Model, optional
        The register before the circuit, dims ``circuit.dims_in``; by default \|0...0>. The parameters of a model come
        before those of the circuit.
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

    _what = "a circuit model"
    _needs_unitary = False

    def __init__(
        self,
        circuit: Circuit,
        *,
        engine: Engine | str | None = None,
        initial: Model | StateLike | None = None,
        domains: Mapping[str, Interval] | None = None,
    ) -> None:
        super().__init__(circuit, engine, domains)
        if initial is not None and not isinstance(initial, Model):
            initial = as_state(initial, circuit.dims_in, "initial")
            if initial.dims != circuit.dims_in or initial.batch_shape:
                batch = f" in a batch of shape {initial.batch_shape}" if initial.batch_shape else ""
                raise InputError(
                    f"initial must be one state on the circuit's input sites, dims {circuit.dims_in}; "
                    f"found dims {initial.dims}{batch}."
                )
        elif initial is not None and initial.dims != circuit.dims_in:
            raise InputError(
                f"the circuit must take the dims of the model, {initial.dims}; found a circuit on {circuit.dims_in}."
            )
        self.initial = initial
        self.dims = self._program.dims_out
        self.domains = self._angles.domains
        self._join(self._what, [*([initial] if isinstance(initial, Model) else []), self._angles])

    @property
    def has_full_rank(self) -> bool:
        return self.circuit.is_unitary and isinstance(self.initial, Model) and self.initial.has_full_rank

    @cached_property
    def _start(self) -> Model | None:
        """What the circuit starts from: a state as the engine holds it."""
        given = self.initial
        return given if given is None or isinstance(given, Model) else Fixed(self.engine.hold(given))

    def _at(self, params: ParamsLike) -> tuple[Real, Real, Real]:
        """The parameters of the initial state, and v(theta) and dv/dtheta of the circuit."""
        theta = self.theta(params)
        first, _ = self._spans[-1]
        return theta[:first], *self._angles._values(theta[first:])

    def state(self, params: ParamsLike = ()) -> State:
        below, values, _ = self._at(params)
        initial = None if self._start is None else self._start.state(below)
        return self.engine.evolve(self._program, values, initial)

    def state_vjp(self, params: ParamsLike = ()) -> tuple[State, Callable[[Cotangent], Real]]:
        below, values, slopes = self._at(params)
        initial, pull_initial = (None, None) if self._start is None else self._start.state_vjp(below)
        state, pull_both = self.engine.evolve_vjp(self._program, values, initial)

        def pull(cotangent: Cotangent) -> Real:
            of_values, of_initial = pull_both(cotangent)
            own = of_values * slopes
            return own if pull_initial is None else np.concatenate([pull_initial(of_initial), own])

        return state, pull

    def _states_vjp(self, rows: Real) -> tuple[State, Callable[[Cotangent], Real]] | None:
        """One call of the engine, unless a subclass or a model before the circuit has its own way."""
        if type(self) is not CircuitModel or (isinstance(self._start, Model) and self._start.n_params):
            return None
        values, slopes = (np.array(each) for each in zip(*map(self._angles._values, rows), strict=True))
        initial = None if self._start is None else self._start.state()
        states, pull = self.engine.evolve_vjp(self._program, values, initial)
        return states, lambda cotangent: pull(cotangent)[0] * slopes

    def state_jvp(self, params: ParamsLike = ()) -> tuple[State, Callable[[ArrayLike], Complex]]:
        """sigma_theta, and the map from directions v (..., n_params) to dsigma (..., d, d), Hermitian."""
        below, values, slopes = self._at(params)
        initial, push_initial = (None, None) if self._start is None else self._start.state_jvp(below)
        state, push = self.engine.evolve_jvp(self._program, values, initial)

        def push_both(v: ArrayLike) -> Complex:
            along = directions_of(v, self.n_params)
            changes = push_initial(along[..., : len(below)]) if push_initial is not None and len(below) else None
            return push(along[..., len(below) :] * slopes, changes)

        return state, push_both

    def __repr__(self) -> str:
        return f"CircuitModel({self.circuit!r})"
