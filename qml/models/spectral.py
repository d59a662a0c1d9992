"""Spectral models: a known classical spectrum, rotated by a circuit."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Dims, Real
from qml.circuits import Circuit
from qml.models.base import Model
from qml.models.circuit import default_engine
from qml.states.gibbs import SpectralState, log_softmax

if TYPE_CHECKING:
    from qml.engines.base import Engine


class SpectralModel(Model):
    r"""A classical distribution over basis states, rotated by a unitary circuit.

    .. math:: \sigma = V_\phi\, \mathrm{diag}(s_\eta)\, V_\phi^\dagger

    The spectrum s and the eigenvectors V are both known, log s in the log domain: no eigenvalue problem is ever solved,
    and sigma has full rank for all parameters. Two families of spectra (x runs over basis states):

    ``"product"``
        Independent sites, :math:`s_x = \prod_i \mathrm{softmax}(0, \eta_i)_{x_i}`; for a qubit, eta_i is the logit of
        the probability of 1. There are sum_i (d_i - 1) logits.
    ``"table"``
        Any spectrum, :math:`s_x = e^{-E_x} / \sum_y e^{-E_y}`, with d energies E. Adding one number to all of them
        changes nothing: that direction (the gauge) is kept, and the gradient has no component along it.

    Parameters
    ----------
    circuit : Circuit
        Unitary gates only. theta holds the logits or energies first, then the circuit's parameters.
    energies : {"product", "table"}
    engine : Engine, optional
        What runs the circuit on vectors; by default ``PauliEngine()`` where all sites are qubits, else
        ``ReferenceEngine()``.

    Raises
    ------
    InputError
        If the circuit holds an operation that is not unitary, or a parameter named like an energy.

    Notes
    -----
    A state costs the circuit on d columns: O(gates d^2), and its d x d eigenvectors. The quantum Hamiltonian-based
    models of Verdon et al. (2019), arXiv:1910.02071.

    Examples
    --------
    >>> from qml import Circuit, gates
    >>> from qml.engines.reference import ReferenceEngine
    >>> model = SpectralModel(Circuit(1, [gates.RY("angle", 0)]), engine=ReferenceEngine())
    >>> model.parameter_names
    ('eta_0', 'angle')
    >>> model.state([np.log(3.0), 0.0]).matrix().real.round(3)
    array([[0.25, 0.  ],
           [0.  , 0.75]])
    """

    def __init__(self, circuit: Circuit, energies: str = "product", engine: Engine | None = None) -> None:
        if not isinstance(circuit, Circuit):
            raise InputError(f"circuit must be a Circuit; found {type(circuit).__name__}.")
        if not circuit.is_unitary:
            raise InputError("a spectral model needs a circuit of unitary gates; this one holds another operation.")
        self.circuit = circuit
        self._energies = ENERGIES[_checks.choice("energies", energies, ENERGIES)](circuit.dims)
        for name in self._energies.names:
            if name in circuit.parameters:
                raise InputError(f"the circuit calls a parameter {name!r}, as the model calls an energy: rename it.")
        self._given_engine = engine
        self._program = circuit.compile()

    @cached_property
    def engine(self) -> Engine:
        """What runs the circuit; the default one is made when it is first needed."""
        return self._given_engine if self._given_engine is not None else default_engine(self.circuit)

    @property
    def dims(self) -> Dims:
        return self.circuit.dims

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return (*self._energies.names, *self._program.parameters)

    def init_params(self, rng: np.random.Generator, scale: float = np.pi) -> Real:
        """A random start: standard normal logits or energies, angles uniform in [-scale, scale] radians."""
        eta = rng.standard_normal(len(self._energies.names))
        return np.concatenate([eta, rng.uniform(-scale, scale, self._program.n_params)])

    def log_probabilities(self, params: ArrayLike) -> Real:
        """log s_x in nats, shape (d,)."""
        return self._energies.log_probabilities(self._split(params)[0])

    def state(self, params: ArrayLike) -> SpectralState:
        eta, phi = self._split(params)
        vectors = self.engine.evolve_vectors(self._program, phi)
        return SpectralState(self._energies.log_probabilities(eta), vectors, self.dims)

    def state_vjp(self, params: ArrayLike) -> tuple[SpectralState, Callable[[Cotangent], Real]]:
        eta, phi = self._split(params)
        logs = self._energies.log_probabilities(eta)
        vectors, pull_vectors = self.engine.evolve_vectors_vjp(self._program, phi)

        def pull(cotangent: tuple[Real, Complex]) -> Real:
            g, c = cotangent
            return np.concatenate([self._energies.pull(eta, g), pull_vectors(c)])

        return SpectralState(logs, vectors, self.dims), pull

    def _split(self, params: ArrayLike) -> tuple[Real, Real]:
        theta = _checks.parameters("params", params, self.n_params)
        n_energies = len(self._energies.names)
        return theta[:n_energies], theta[n_energies:]

    def __repr__(self) -> str:
        return f"SpectralModel({self.circuit!r}, {self._energies.kind!r})"


class Energies(ABC):
    """A family of full-rank classical distributions over the basis states of sites of dimensions `dims`."""

    kind: ClassVar[str]
    names: tuple[str, ...]

    @abstractmethod
    def log_probabilities(self, eta: Real) -> Real:
        """log s (d,)."""

    @abstractmethod
    def pull(self, eta: Real, g: Real) -> Real:
        """dL/deta from g (d,) with dL = g . dlog s."""


class ProductEnergies(Energies):
    """Independent sites; level 0 of each has the logit zero."""

    kind = "product"

    def __init__(self, dims: Dims) -> None:
        self._dims = dims
        self._cuts = np.cumsum([d - 1 for d in dims])[:-1]
        self.names = tuple(
            f"eta_{site}" if d == 2 else f"eta_{site}_{level}" for site, d in enumerate(dims) for level in range(1, d)
        )

    def _factors(self, eta: Real) -> list[Real]:
        return [log_softmax(np.concatenate([[0.0], part])) for part in np.split(eta, self._cuts)]

    def log_probabilities(self, eta: Real) -> Real:
        total = np.zeros(1)
        for factor in self._factors(eta):
            total = (total[:, None] + factor).reshape(-1)
        return total

    def pull(self, eta: Real, g: Real) -> Real:
        tensor = g.reshape(self._dims)
        parts = []
        for site, factor in enumerate(self._factors(eta)):
            marginal = tensor.sum(axis=tuple(k for k in range(len(self._dims)) if k != site))
            parts.append((marginal - np.exp(factor) * marginal.sum())[1:])
        return np.concatenate(parts)


class TableEnergies(Energies):
    """One energy a basis state."""

    kind = "table"

    def __init__(self, dims: Dims) -> None:
        d = math.prod(dims)
        _checks.memory(f"eigenvectors of dimension {d}", 48 * d * d, "use fewer sites")
        separator = "" if max(dims) <= 10 else ","
        self.names = tuple("E_" + separator.join(map(str, x)) for x in np.ndindex(*dims))

    def log_probabilities(self, eta: Real) -> Real:
        return log_softmax(-eta)

    def pull(self, eta: Real, g: Real) -> Real:
        return np.asarray(np.exp(self.log_probabilities(eta)) * g.sum() - g)


ENERGIES: dict[str, type[ProductEnergies] | type[TableEnergies]] = {"product": ProductEnergies, "table": TableEnergies}
