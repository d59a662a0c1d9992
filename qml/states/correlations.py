"""What the parts of a state have to do with each other: correlations and entanglement."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from qml import _checks
from qml._arrays import per_state
from qml._checks import InputError
from qml._typing import Complex, Dims, Numbers

if TYPE_CHECKING:
    from qml import spectral
    from qml.states.base import State

FLIP = np.array([[0, 0, 0, -1], [0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 0]], dtype=np.complex128)
"""Y x Y."""


class Correlations(ABC):
    """Measures of correlation of a state, or of each state of a batch, between some of its sites and others."""

    dims: Dims

    @abstractmethod
    def matrix(self) -> Complex:
        """The density matrix (..., d, d)."""

    @abstractmethod
    def spectrum(self) -> spectral.Spectrum:
        """Its eigenvalues and eigenvectors."""

    @abstractmethod
    def partial_trace(self, keep: Sequence[int]) -> State:
        """The reduced state of some sites; O(d^2).

        O(d) for a state held as probabilities, O(d r d') for a factor (d, r), with d' the kept dimension, 4^n' for a
        Pauli vector: the matrix of the whole is not formed. A product state stays one.

        Parameters
        ----------
        keep : sequence of int
            The sites that are kept, distinct, in the order that they are to have.

        Raises
        ------
        InputError
            If it names no site, one twice, or one that there is not.

        Examples
        --------
        >>> from qml.states import ghz
        >>> ghz(3).partial_trace([0]).matrix().real
        array([[0.5, 0. ],
               [0. , 0.5]])
        """

    def partial_transpose(self, sites: Sequence[int]) -> Complex:
        r"""The matrix (..., d, d) with some sites transposed, :math:`\rho^{T_A}`; eigenvalues may be negative.

        Parameters
        ----------
        sites : sequence of int
            A, distinct; none leaves the matrix as it is.

        Raises
        ------
        InputError
            If a site comes twice, or the state has no such site.

        Examples
        --------
        >>> import numpy as np
        >>> from qml.states import ghz
        >>> np.linalg.eigvalsh(ghz(2).partial_transpose([0])).round(3)
        array([-0.5,  0.5,  0.5,  0.5])
        """
        chosen, n = _checks.targets("sites", sites, len(self.dims)), len(self.dims)
        m = self.matrix()
        axes = list(range(2 * n))
        for site in chosen:
            axes[site], axes[n + site] = n + site, site
        lead = m.ndim - 2
        moved = m.reshape((*m.shape[:-2], *self.dims, *self.dims)).transpose(*range(lead), *(lead + k for k in axes))
        return moved.reshape(m.shape)

    def negativity(self, sites: Sequence[int]) -> Numbers:
        r"""The negativity between some sites and the others: 0 where they are separable, at most (d_A - 1)/2.

        .. math:: N(\rho) = \frac{\lVert \rho^{T_A} \rVert_1 - 1}{2}

        Minus the sum of the negative eigenvalues of :math:`\rho^{T_A}`; O(d^3). It is 0 for some entangled states, too,
        from 2 x 4 and 3 x 3 sites on. Source: Vidal and Werner (2002), arXiv:quant-ph/0102117.

        Parameters
        ----------
        sites : sequence of int
            A, distinct.

        Raises
        ------
        InputError
            If a site comes twice, or the state has no such site.

        Examples
        --------
        >>> from qml.states import ghz
        >>> round(ghz(3).negativity([0]), 12)
        0.5
        """
        values = np.linalg.eigvalsh(self.partial_transpose(sites))
        return per_state(np.maximum(-values, 0.0).sum(axis=-1))

    def concurrence(self) -> Numbers:
        r"""The concurrence of two qubits, from 0 (separable) to 1 (maximally entangled).

        .. math:: C(\rho) = \max(0, \lambda_1 - \lambda_2 - \lambda_3 - \lambda_4)

        with :math:`\lambda_j` the singular values, descending, of :math:`A^T (Y \otimes Y) A`, where
        :math:`\rho = A A^\dagger`. Source: Wootters (1998), Phys. Rev. Lett. 80, 2245, arXiv:quant-ph/9709029.

        Raises
        ------
        InputError
            If the state is not one of two qubits.

        Examples
        --------
        >>> from qml.states import ghz, w_state
        >>> round(ghz(2).concurrence(), 12), round(w_state(3).partial_trace([0, 1]).concurrence(), 12)
        (1.0, 0.666666666667)
        """
        if self.dims != (2, 2):
            raise InputError(
                f"the concurrence is that of two qubits; found sites of dimensions {self.dims}: take the partial trace "
                "of two of them first."
            )
        spectrum = self.spectrum()
        a = spectrum.columns * np.exp(spectrum.log_eigenvalues / 2)[..., None, :]
        values = np.linalg.svd(a.swapaxes(-1, -2) @ FLIP @ a, compute_uv=False)
        return per_state(np.clip(values[..., 0] - values[..., 1:].sum(axis=-1), 0.0, 1.0))  # rounding exceeds 1

    def mutual_information(self, first: Sequence[int], second: Sequence[int] | None = None) -> Numbers:
        r"""The mutual information between two sets of sites in nats.

        .. math:: I(A : B) = S(\rho_A) + S(\rho_B) - S(\rho_{AB}) = D(\rho_{AB} \Vert \rho_A \otimes \rho_B) \ge 0

        At most 2 log min(d_A, d_B). A difference of rounded numbers: zero to about 1e-15 log d.

        Parameters
        ----------
        first : sequence of int
            A, distinct sites.
        second : sequence of int, optional
            B; by default all other sites.

        Raises
        ------
        InputError
            If a site is in both sets, or a set is empty.

        Examples
        --------
        >>> from qml.states import ghz
        >>> round(ghz(3).mutual_information([0], [1]), 6), round(ghz(3).mutual_information([0]), 6)
        (0.693147, 1.386294)
        """
        n = len(self.dims)
        a = _checks.targets("first", first, n)
        b = tuple(s for s in range(n) if s not in a) if second is None else _checks.targets("second", second, n)
        if not a or not b:
            raise InputError(f"both sets of sites must name at least one; found {a} and {b}.")
        both = _checks.targets("first and second together", (*a, *b), n)
        s_a, s_b, s_ab = (self.partial_trace(sites).entropy() for sites in (a, b, both))
        return s_a + s_b - s_ab
