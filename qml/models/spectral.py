"""Spectral models: a known classical spectrum, rotated by a circuit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Dims, ParamsLike, Real
from qml.circuits import Circuit
from qml.models.energies import ENERGIES, Energies
from qml.models.with_circuit import WithCircuit
from qml.states.density_matrix import DensityMatrix
from qml.states.gibbs import SpectralState

if TYPE_CHECKING:
    from qml.engines.base import Engine


class SpectralModel(WithCircuit):
    r"""A classical distribution over basis states, rotated by a unitary circuit.

    .. math:: \sigma = V_\phi\, \mathrm{diag}(s_\eta)\, V_\phi^\dagger

    The spectrum s and the eigenvectors V are both known, log s in the log domain: no eigenvalue problem is ever solved,
    and sigma has full rank for all parameters. Families of spectra (x runs over basis states):

    ``"product"``
        Independent sites, :math:`s_x = \prod_i \mathrm{softmax}(0, \eta_i)_{x_i}`; for a qubit, eta_i is the logit of
        the probability of 1. There are sum_i (d_i - 1) logits. See :class:`ProductEnergies`.
    ``"table"``
        Any spectrum, :math:`s_x = e^{-E_x} / \sum_y e^{-E_y}`, with d energies E. Adding one number to all of them
        changes nothing: that direction (the gauge) is kept, and the gradient has no component along it.
    ``"ising"``
        A classical Boltzmann machine with a field on each qubit and a coupling for each pair; on other edges, pass
        ``IsingEnergies(dims, edges)``. All 2^n energies are enumerated.

    Parameters
    ----------
    circuit : Circuit
        Unitary gates only. theta holds the logits or energies first, then the circuit's parameters.
    energies : {"product", "table", "ising"} or Energies
    engine : Engine, optional
        What runs the circuit on vectors; by default ``PauliEngine()`` where all sites are qubits, else
        ``ReferenceEngine()``.

    Raises
    ------
    InputError
        If the circuit holds an operation that is not unitary, or a parameter named like an energy; if the energies are
        for other sites.

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

    def __init__(self, circuit: Circuit, energies: str | Energies = "product", engine: Engine | None = None) -> None:
        super().__init__("a spectral model", circuit, engine)
        if isinstance(energies, Energies):
            if energies.dims != circuit.dims:
                raise InputError(f"energies must be for the sites {circuit.dims}; found {energies!r}.")
            self.energies = energies
        else:
            self.energies = ENERGIES[_checks.choice("energies", energies, ENERGIES)](circuit.dims)
        self._join("a spectral model", [self.energies, self._angles])

    @property
    def has_full_rank(self) -> bool:
        return True

    @property
    def dims(self) -> Dims:
        return self.circuit.dims

    def log_probabilities(self, params: ParamsLike) -> Real:
        """log s_x in nats, shape (d,)."""
        return self.energies.log_probabilities(self.split(params)[0])

    def state(self, params: ParamsLike = ()) -> SpectralState:
        eta, phi = self.split(params)
        vectors = self.engine.evolve_vectors(self._program, phi)
        return SpectralState._trusted(self.energies.log_probabilities(eta), vectors, self.dims)

    def state_vjp(self, params: ParamsLike = ()) -> tuple[SpectralState, Callable[[Cotangent], Real]]:
        eta, phi = self.split(params)
        logs = self.energies.log_probabilities(eta)
        vectors, pull_vectors = self.engine.evolve_vectors_vjp(self._program, phi)

        def pull(cotangent: tuple[Real, Complex]) -> Real:
            g, c = cotangent
            return np.concatenate([self.energies.pull(eta, g), pull_vectors(c)[0]])

        return SpectralState._trusted(logs, vectors, self.dims), pull

    def state_jvp(self, params: ParamsLike = ()) -> tuple[SpectralState, Callable[[ArrayLike], Complex]]:
        r"""The state, and the map from directions v (..., n_params) to the derivatives (..., d, d) of sigma.

        .. math:: \dot\sigma = V \mathrm{diag}(\dot s) V^\dagger + [\dot V V^\dagger, \sigma]
        """
        eta, phi = self.split(params)
        sigma = self.state(params)
        spectrum = sigma.spectrum()
        s = spectrum.eigenvalues
        push_rotation = self.engine.evolve_jvp(self._program, phi, DensityMatrix.from_probabilities(s, self.dims))[1]

        def push(v: ArrayLike) -> Complex:
            (along_energies, along_circuit), lead = self._directions(v)
            ds = s * self.energies.push(eta, along_energies)
            out = spectrum.matrix_of(ds) + push_rotation(along_circuit)
            return out.reshape(*lead, *out.shape[1:])

        return sigma, push

    def __repr__(self) -> str:
        return f"SpectralModel({self.circuit!r}, {self.energies!r})"
