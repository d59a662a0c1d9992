"""Circuits of channels and gates that follow a model."""

from __future__ import annotations

from collections.abc import Mapping

from qml.circuits import Circuit
from qml.engines.base import Engine
from qml.models.base import Model
from qml.models.circuit import CircuitModel
from qml.models.parts import as_model
from qml.parameters import Interval
from qml.states.coercion import StateLike


class NoisyModel(CircuitModel):
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
    engine : Engine or str, optional
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

    _what = "a noisy model"

    def __init__(
        self,
        model: Model | StateLike,
        circuit: Circuit,
        *,
        engine: Engine | str | None = None,
        domains: Mapping[str, Interval] | None = None,
    ) -> None:
        self.model = as_model(model, "the model")
        super().__init__(circuit, engine=engine, initial=self.model, domains=domains)

    def __repr__(self) -> str:
        return f"NoisyModel({self.model!r}, {self.circuit!r})"
