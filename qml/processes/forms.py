"""The forms of a process held as its Choi state: matrices, Kraus operators, a channel of circuits; and its images."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np

from qml._checks import InputError
from qml._typing import Complex, Dims, Real
from qml.channels import KrausChannel
from qml.processes.choi import transfer_of_choi, transposed_pairs
from qml.states import DensityMatrix, State, as_state
from qml.states.coercion import StateLike


class ChoiForms:
    """What follows from a Choi state and which of its sites are the input."""

    choi: State
    dims_in: Dims
    dims_out: Dims

    @property
    def dim_in(self) -> int:
        """The dimension d of the input."""
        return math.prod(self.dims_in)

    @property
    def dim_out(self) -> int:
        """The dimension of the output."""
        return math.prod(self.dims_out)

    def superoperator(self) -> Complex:
        """Its matrix on row-major vec(rho), (d_out^2, d^2)."""
        d, d_out = self.dim_in, self.dim_out
        tensor = d * self.choi.matrix().reshape(d, d_out, d, d_out)
        return np.asarray(tensor.transpose(1, 3, 0, 2).reshape(d_out**2, d**2))

    def transfer_matrix(self) -> Real:
        r"""The Pauli transfer matrix R_PQ = Tr[P E(Q)] / 2^n of a process on qubits, (4^m, 4^n).

        The first row is (1, 0, ..., 0) as the trace is preserved; the first column holds the Bloch vector of E(1/d).
        """
        if set(self.dims_in + self.dims_out) != {2}:
            raise InputError(
                f"a Pauli transfer matrix is of qubits; found the dims {self.dims_in} and {self.dims_out}."
            )
        return transfer_of_choi(self.choi.matrix(), len(self.dims_in), len(self.dims_out))

    def kraus(self) -> Complex:
        """Kraus operators (rank, d_out, d) that are orthogonal to each other, the largest first."""
        spectrum = self.choi.spectrum()
        values = spectrum.eigenvalues
        basis = np.eye(self.choi.dim) if spectrum.basis is None else spectrum.basis
        order = [k for k in np.argsort(values)[::-1] if values[k] > 0]
        columns = basis[:, order] * np.sqrt(self.dim_in * values[order])
        return np.asarray(columns.T.reshape(-1, self.dim_in, self.dim_out).swapaxes(1, 2))

    def stinespring(self) -> Complex:
        """An isometry (d_out e, d) into the output followed by an environment of dimension e, the rank."""
        k = self.kraus()
        return np.asarray(k.transpose(1, 0, 2).reshape(-1, self.dim_in))

    def channel(self, name: str = "Process") -> KrausChannel:
        """The process as an instruction of circuits: ``process.channel()(0, 1)``.

        Parameters
        ----------
        name : str
            What drawings and messages call it.

        Raises
        ------
        InputError
            If the dims of input and output differ.
        """
        if self.dims_in != self.dims_out:
            raise InputError(f"a channel maps sites to themselves; found {self.dims_in} to {self.dims_out}.")
        return KrausChannel(self.kraus(), self.dims_in, name)

    @cached_property
    def rank(self) -> int:
        """The least number of Kraus operators: the rank of J."""
        return int(self.choi.rank())

    @property
    def is_unitary(self) -> bool:
        """Whether it is one unitary: rank one, and as many outputs as inputs."""
        return self.rank == 1 and self.dim_in == self.dim_out

    def apply(self, state: StateLike) -> DensityMatrix:
        """The image E(rho) of a state, or of a batch of states.

        Parameters
        ----------
        state : State, array (..., d, d) or (d,), or Qobj
            On the input sites.

        Raises
        ------
        InputError
            If it is on other sites.

        Examples
        --------
        >>> from qml import channels
        >>> from qml.processes import as_process
        >>> as_process(channels.AmplitudeDamping(0.5, 0)).apply([0.0, 1.0]).probabilities().round(6)
        array([0.5, 0.5])
        """
        rho = as_state(state, self.dims_in)
        if rho.dims != self.dims_in:
            raise InputError(f"the state must be on the input sites, dims {self.dims_in}; found {rho.dims}.")
        m = rho.matrix()
        image = (m.reshape(*m.shape[:-2], -1) @ self.superoperator().T).reshape(*m.shape[:-2], self.dim_out, -1)
        return DensityMatrix._trusted((image + image.conj().swapaxes(-1, -2)) / 2, self.dims_out)

    def qobj(self) -> Any:
        """The process as a QuTiP superoperator with the same dims."""
        import qutip

        columns, ins, outs = transposed_pairs(self.superoperator()), list(self.dims_in), list(self.dims_out)
        is_end = 1 in (self.dim_in, self.dim_out)  # a state, or the trace, which are no superoperators there
        return qutip.Qobj(columns, dims=[[outs, outs], [ins, ins]], superrep=None if is_end else "super")
