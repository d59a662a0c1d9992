"""Classical distributions over basis states, rotated by a circuit."""

from __future__ import annotations

from qml import _checks
from qml._checks import InputError
from qml._typing import ParamsLike, Real
from qml.circuits import Circuit
from qml.engines.base import Engine
from qml.models.energies import ENERGIES, Energies
from qml.models.evolved import EvolvedModel


class SpectralModel(EvolvedModel):
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
    engine : Engine or str, optional
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
    >>> import numpy as np
    >>> from qml import Circuit, gates
    >>> from qml.engines.reference import ReferenceEngine
    >>> model = SpectralModel(Circuit(1, [gates.RY("angle", 0)]), engine=ReferenceEngine())
    >>> model.parameter_names
    ('eta_0', 'angle')
    >>> model.state([np.log(3.0), 0.0]).matrix().real.round(3)
    array([[0.25, 0.  ],
           [0.  , 0.75]])
    """

    _what = "a spectral model"

    def __init__(
        self, circuit: Circuit, energies: str | Energies = "product", engine: Engine | str | None = None
    ) -> None:
        dims = self._checked(circuit).dims
        if not isinstance(energies, Energies):
            energies = ENERGIES[_checks.choice("energies", energies, ENERGIES)](dims)
        elif energies.dims != dims:
            raise InputError(f"energies must be for the sites {dims}; found {energies!r}.")
        self.energies = energies
        super().__init__(circuit, energies, engine)

    def log_probabilities(self, params: ParamsLike) -> Real:
        """The log-eigenvalues log s_x in nats, shape (d,), in the order of the basis states that are rotated.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name.

        Raises
        ------
        InputError
            As :meth:`theta`.
        """
        return self.energies.log_probabilities(self.split(params)[0])

    def __repr__(self) -> str:
        return f"SpectralModel({self.circuit!r}, {self.energies!r})"
