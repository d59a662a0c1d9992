"""Process: a quantum channel as the state of its input and output, what it is made from, and how processes compose."""

from __future__ import annotations

import itertools
import math
from typing import Any, Self

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._results import html_table
from qml._saved import Saved
from qml._typing import ArrayLike, Complex, Dims, DimsLike, ParamsLike
from qml.channels.kraus import check_complete
from qml.circuits import Circuit
from qml.engines import PauliEngine, ReferenceEngine
from qml.instructions import Channel, Operation, PartialTrace, Preparation, Unitary
from qml.processes.choi import (
    beside_reference,
    check_trace,
    choi_of_superoperator,
    choi_of_transfer,
    choi_state,
    ends,
    maximally_entangled,
    transposed_pairs,
)
from qml.processes.forms import ChoiForms
from qml.states import DensityMatrix, State
from qml.states.coercion import StateLike


class Process(ChoiForms, Saved):
    r"""A completely positive trace-preserving map, held as its Choi state.

    .. math:: J(E) = \frac1d \sum_{ij} |i\rangle\langle j| \otimes E(|i\rangle\langle j|), \qquad
        \mathrm{Tr}_{\text{out}} J = 1/d, \qquad E(\rho) = d\, \mathrm{Tr}_{\text{in}} (\rho^T \otimes 1) J

    with d the dimension of the input: half of a maximally entangled pair goes through the process. Input sites come
    first. It is a state of unit trace, so that S(J, J') is a cross entropy, and a process is a target of ``fit``.

    Parameters
    ----------
    choi : State, array (D, D) or Qobj
        J, with D the dimension of the input times that of the output.
    dims_in : int or sequence of int, optional
        Site dimensions of the input, the first sites of J; by default the first half of the sites.

    Attributes
    ----------
    choi : State
    dims_in, dims_out : tuple of int

    Raises
    ------
    InputError
        If the process is not completely positive (the least eigenvalue of J is told), or does not preserve the trace
        within d 1e-10 (the violation is told).

    Notes
    -----
    Source: Choi (1975), Linear Algebra Appl. 10, 285; Jamiolkowski (1972), Rep. Math. Phys. 3, 275.

    Examples
    --------
    >>> from qml import Circuit, channels, gates
    >>> noisy = Process.from_circuit(Circuit(1, [gates.X(0), channels.Depolarizing(0.1, 0)]))
    >>> noisy.transfer_matrix().diagonal().round(6)
    array([ 1. ,  0.9, -0.9, -0.9])
    """

    def __init__(self, choi: StateLike, dims_in: DimsLike | None = None) -> None:
        state = choi_state(choi)
        self.dims_in, self.dims_out = ends(state.dims, dims_in)
        self.choi = state
        check_trace(state, len(self.dims_in))

    @classmethod
    def from_kraus(
        cls, operators: ArrayLike, dims_in: DimsLike | None = None, dims_out: DimsLike | None = None
    ) -> Self:
        r"""The process of Kraus operators.

        .. math:: E(\rho) = \sum_k K_k \rho K_k^\dagger, \qquad \sum_k K_k^\dagger K_k = 1

        Parameters
        ----------
        operators : array (m, d_out, d) or (d_out, d)
            K_k, or one operator: a unitary, an isometry.
        dims_in, dims_out : int or sequence of int, optional
            Site dimensions; by default qubits where a dimension is a power of two, else one site.

        Raises
        ------
        InputError
            If they are not complete (the violation is told), or dims do not fit.

        Examples
        --------
        >>> Process.from_kraus([[0, 1], [1, 0]]).rank
        1
        """
        k = _checks.array("the Kraus operators", operators).astype(np.complex128)
        k = k[None] if k.ndim == 2 else k
        if k.ndim != 3 or not k.size:
            raise InputError(
                f"the Kraus operators must have shape (m, d_out, d) or (d_out, d); found {np.shape(operators)}."
            )
        _, d_out, d = k.shape
        check_complete("the Kraus operators", k)
        ins, outs = _checks.sites(dims_in, d, "dims_in"), _checks.sites(dims_out, d_out, "dims_out")
        return cls._of_kraus(k, ins, outs)

    @classmethod
    def from_stinespring(
        cls, isometry: ArrayLike, environment: int, dims_in: DimsLike | None = None, dims_out: DimsLike | None = None
    ) -> Self:
        r"""The process of an isometry into the output followed by an environment, which is discarded.

        .. math:: E(\rho) = \mathrm{Tr}_{\text{environment}} V \rho V^\dagger, \qquad V^\dagger V = 1

        Parameters
        ----------
        isometry : array (d_out e, d)
            V.
        environment : int
            Its dimension e.
        dims_in, dims_out : int or sequence of int, optional
            Site dimensions; by default qubits where a dimension is a power of two, else one site.

        Raises
        ------
        InputError
            If V is no isometry, or its shape or dims do not fit.

        Examples
        --------
        >>> Process.from_stinespring([[1, 0], [0, 0], [0, 0], [0, 1]], 2).transfer_matrix().diagonal()
        array([1., 0., 0., 1.])
        """
        v = _checks.array("the isometry", isometry).astype(np.complex128)
        e = _checks.integer("environment", environment, low=1)
        if v.ndim != 2 or not v.size or v.shape[0] % e:
            raise InputError(f"the isometry must have shape (d_out {e}, d); found {v.shape}.")
        return cls.from_kraus(v.reshape(-1, e, v.shape[1]).transpose(1, 0, 2), dims_in, dims_out)

    @classmethod
    def from_superoperator(
        cls, matrix: ArrayLike, dims_in: DimsLike | None = None, dims_out: DimsLike | None = None
    ) -> Self:
        r"""The process of its matrix on row-major vec(rho); of one Kraus operator, :math:`K \otimes \bar K`.

        Parameters
        ----------
        matrix : array (d_out^2, d^2)
        dims_in, dims_out : int or sequence of int, optional
            Site dimensions; by default qubits where a dimension is a power of two, else one site.

        Raises
        ------
        InputError
            If the map is not completely positive or does not preserve the trace, or the shape or dims do not fit.

        Examples
        --------
        >>> Process.from_superoperator(np.kron([[0, 1], [1, 0]], [[0, 1], [1, 0]])).is_unitary
        True
        """
        s = _checks.array("the superoperator", matrix).astype(np.complex128)
        d_out, d = (math.isqrt(n) for n in s.shape) if s.ndim == 2 else (0, 0)
        if s.ndim != 2 or (d_out**2, d**2) != s.shape or not s.size:
            raise InputError(f"the superoperator must have shape (d_out^2, d^2); found {s.shape}.")
        ins, outs = _checks.sites(dims_in, d, "dims_in"), _checks.sites(dims_out, d_out, "dims_out")
        return cls(choi_state(choi_of_superoperator(s), ins + outs), ins)

    @classmethod
    def from_transfer_matrix(cls, matrix: ArrayLike) -> Self:
        """The process on qubits of its Pauli transfer matrix R_PQ = Tr[P E(Q)] / 2^n.

        Parameters
        ----------
        matrix : array (4^m, 4^n)
            R, real. Pauli strings are in the order of I, X, Y, Z, the first qubit slowest.

        Raises
        ------
        InputError
            If the map is not completely positive or does not preserve the trace, or the shape is another.

        Examples
        --------
        >>> Process.from_transfer_matrix([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]).is_unitary
        True
        """
        r = _checks.reals("the transfer matrix", matrix)
        sizes = [(n.bit_length() - 1) // 2 if n and n == 4 ** ((n.bit_length() - 1) // 2) else -1 for n in r.shape]
        if r.ndim != 2 or -1 in sizes:
            raise InputError(f"the transfer matrix must have shape (4^m, 4^n); found {r.shape}.")
        outs, ins = ((2,) * n for n in sizes)
        return cls(choi_state(choi_of_transfer(r), ins + outs), ins)

    @classmethod
    def from_circuit(cls, circuit: Circuit, params: ParamsLike = ()) -> Self:
        """What a circuit does to its input sites (``circuit.dims_in``), noise, ancillas and traces included.

        Parameters
        ----------
        circuit : Circuit
        params : array (n_params,), or mapping of str to float
            Of the circuit; may be left out where it has none.

        Raises
        ------
        InputError
            If the parameters do not fit.
        MemoryRefused
            If a state on twice the sites would not fit.

        Examples
        --------
        >>> from qml import gates
        >>> Process.from_circuit(Circuit(2, [gates.CNOT(0, 1)])).is_unitary
        True
        """
        circuit = _checks.instance("circuit", circuit, Circuit)
        wide = beside_reference(circuit)
        engine = PauliEngine() if set(wide.dims) <= {2} else ReferenceEngine()
        state = engine.evolve(wide, params, maximally_entangled(circuit.dims_in))
        return cls._of(DensityMatrix._trusted(state.matrix(), state.dims), circuit.dims_in)

    @classmethod
    def from_qobj(cls, qobj: Any) -> Self:
        """The process of a QuTiP object, with its dims.

        Parameters
        ----------
        qobj : Qobj
            A superoperator in any representation, or a unitary operator.

        Raises
        ------
        InputError
            If it is something else, or no process.
        """
        import qutip

        is_end = isinstance(qobj, qutip.Qobj) and (qobj.isoperket or qobj.isoperbra)  # a state, or the trace
        if not isinstance(qobj, qutip.Qobj) or not (qobj.issuper or qobj.isoper or is_end):
            raise InputError(f"a QuTiP superoperator or operator is needed; found {_checks.shown(qobj)}.")
        if qobj.isoper:
            return cls.from_kraus(qobj.full(), tuple(qobj.dims[1]), tuple(qobj.dims[0]))
        s = qobj if is_end else qutip.to_super(qobj)
        ins = (1,) if qobj.isoperket else tuple(s.dims[1][0])
        outs = (1,) if qobj.isoperbra else tuple(s.dims[0][0])
        return cls.from_superoperator(transposed_pairs(s.full()), ins, outs)  # QuTiP stacks columns

    @classmethod
    def _of(cls, choi: State, dims_in: Dims) -> Self:
        """From a Choi state that is known to be that of a process."""
        made = cls.__new__(cls)
        made.choi, made.dims_in, made.dims_out = choi, dims_in, choi.dims[len(dims_in) :]
        return made

    @classmethod
    def _of_kraus(cls, k: Complex, ins: Dims, outs: Dims) -> Self:
        """From Kraus operators (m, d_out, d) that are known to be complete."""
        factor = k.transpose(2, 1, 0).reshape(-1, len(k))
        factor /= np.linalg.norm(factor)
        if len(k) > len(factor):
            return cls._of(DensityMatrix._trusted(factor @ factor.conj().T, ins + outs), ins)
        return cls._of(DensityMatrix.from_factor(factor, ins + outs), ins)

    def then(self, other: Process) -> Process:
        """This process, followed by another on its output sites.

        Parameters
        ----------
        other : Process, or what :func:`as_process` takes

        Raises
        ------
        InputError
            If its input is on other sites.

        Examples
        --------
        >>> from qml import gates
        >>> as_process(gates.S).then(gates.Sdg).is_unitary
        True
        """
        other = as_process(other, "other")
        if other.dims_in != self.dims_out:
            raise InputError(f"the next process must take the dims {self.dims_out}; found {other.dims_in}.")
        sites = self.dims_in + other.dims_out
        if self.rank * other.rank <= math.prod(sites):  # which the matrix would lose to rounding
            k = other.kraus()[:, None] @ self.kraus()
            return Process._of_kraus(k.reshape(-1, *k.shape[2:]), self.dims_in, other.dims_out)
        choi = choi_of_superoperator(other.superoperator() @ self.superoperator())
        return Process._of(DensityMatrix._trusted((choi + choi.conj().T) / 2, sites), self.dims_in)

    def tensor(self, other: Process) -> Process:
        """Both processes side by side: this one on the first sites.

        Parameters
        ----------
        other : Process, or what :func:`as_process` takes

        Raises
        ------
        InputError
            If it is no process.
        MemoryRefused
            If their Kraus operators would not fit in memory.

        Examples
        --------
        >>> from qml import channels, gates
        >>> as_process(gates.X).tensor(channels.BitFlip(0.1, 0)).dims_in
        (2, 2)
        """
        other = as_process(other, "other")
        numbers = self.rank * other.rank * self.choi.dim * other.choi.dim
        _checks.memory("the Kraus operators of both processes together", 64 * numbers, "use fewer sites")
        k = np.array([np.kron(a, b) for a, b in itertools.product(self.kraus(), other.kraus())])
        return Process._of_kraus(k, self.dims_in + other.dims_in, self.dims_out + other.dims_out)

    def _as_state(self) -> State:
        return self.choi

    def __repr__(self) -> str:
        return f"<Process: dims {self.dims_in} to {self.dims_out}, rank {self.rank} of {self.choi.dim}>"

    def _repr_html_(self) -> str:
        rows = [("input", str(self.dims_in)), ("output", str(self.dims_out)), ("Kraus operators", str(self.rank))]
        rows.append(("purity of J", f"{float(self.choi.purity()):.6f}"))
        return html_table("Process", rows)


def as_process(value: Any, name: str = "the process") -> Process:
    """A process, from one, a circuit, a gate or channel placed or not, or a QuTiP superoperator or unitary.

    Parameters
    ----------
    value : Process, Circuit, Operation, Unitary, Channel or Qobj
        Without free parameters. An operation acts on its own sites, in the order in which it lists them.
    name : str
        What a refusal calls it.

    Raises
    ------
    InputError
        If `value` is of another kind, or has free parameters.

    Examples
    --------
    >>> from qml import gates
    >>> as_process(gates.CNOT).dims_in
    (2, 2)
    """
    if isinstance(value, Process):
        return value
    if isinstance(value, Unitary | Channel):
        value = Operation(value, tuple(range(value.n_sites)))
    if isinstance(value, Circuit | Operation) and value.parameters:
        raise InputError(f"{name} must have no free parameter; found {_checks.told(value.parameters)}: bind them.")
    if isinstance(value, Circuit):
        return Process.from_circuit(value)
    if isinstance(value, Operation) and not isinstance(value.instruction, PartialTrace | Preparation):
        params = np.array([p.constant for p in value.params], dtype=np.float64)
        instruction = value.instruction
        if isinstance(instruction, Unitary):
            return Process.from_kraus(instruction.matrix(params), instruction.dims, instruction.dims)
        assert isinstance(instruction, Channel)
        return Process.from_kraus(instruction.kraus(params), instruction.dims, instruction.dims)
    if hasattr(value, "issuper"):
        return Process.from_qobj(value)
    raise InputError(
        f"{name} must be a Process, a Circuit, a gate or channel, or a QuTiP superoperator; found "
        f"{_checks.shown(value)}."
    )
