"""Channels that a Lindblad equation makes in a time, all of whose coefficients can be trained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from qml import _checks, _matrices
from qml._checks import InputError
from qml._typing import Complex, Dims, DimsLike, Real
from qml.channels.exponentials import exponential, exponentials_along
from qml.channels.kraus import kraus_of_choi
from qml.instructions import Channel
from qml.operators import OperatorLike, as_matrix, dims_of
from qml.parameters import HALF_LINE, REAL_LINE, Interval

__all__ = ["Lindblad"]

JumpLike: TypeAlias = OperatorLike
"""A jump operator, which need not be Hermitian."""
LARGEST = 1e150
"""Of the entries of a generator: sums and products of them exist."""


@dataclass(frozen=True, repr=False, init=False)
class Lindblad(Channel):
    r"""The evolution in a time t under a Hamiltonian and jump operators: a channel whose coefficients are parameters.

    .. math:: \frac{d\rho}{dt} = -i [H, \rho] + \sum_k \gamma_k \Big( L_k \rho L_k^\dagger
        - \tfrac12 \{ L_k^\dagger L_k, \rho \} \Big), \qquad H = H_0 + \sum_j h_j H_j, \qquad \rho \mapsto e^{t G} \rho

    Parameters of the channel, in order: ``time``, the h_j, the rates gamma_k >= 0; time in the unit of 1/energy.
    Controls that are constant piece by piece are several of them, one after the other, with shared names.

    Parameters
    ----------
    hamiltonian : mapping of str to operator
        H_j, Hermitian, by the names of their coefficients; PauliSum, text ("XX"), array (D, D) or Qobj.
    jumps : mapping of str to operator
        L_k, by the names of their rates.
    dims : int or sequence of int, optional
        Sites; by default those of the operators.
    drift : operator, optional
        H_0, which is known.
    name : str
        What drawings and messages call it.

    Raises
    ------
    InputError
        Where an operator cannot be read, or an H_j is not Hermitian; two names are equal; there is neither an H nor a
        jump; and, when it is placed, where time or a rate is negative.
    MemoryRefused
        If the generator, a matrix of side D^2, would not fit.

    Notes
    -----
    The exponential is made by scaling and squaring (Higham 2005, SIAM J. Matrix Anal. Appl. 26, 1179), its derivatives
    are those of the same approximant (Al-Mohy and Higham 2009, the same journal 30, 1639): also where the generator
    cannot be diagonalised. Entries of exp(t G) are off by about eps \|\|t G\|\|, as the rounding of t G makes them: by
    5e-10 in an oscillation whose phase is 1e6; decay keeps its digits beside dephasing a million times as fast. O(D^6)
    a coefficient. Source of the equation: Lindblad (1976), Commun. Math. Phys. 48, 119; Gorini, Kossakowski, Sudarshan
    (1976), J. Math. Phys. 17, 821.

    Examples
    --------
    >>> from qml import Circuit, CircuitModel, gates
    >>> decay = Lindblad({"detuning": "Z"}, {"gamma": [[0, 1], [0, 0]]})
    >>> decay.parameter_names
    ('time', 'detuning', 'gamma')
    >>> model = CircuitModel(Circuit(1, [gates.X(0), decay(2.0, "w", "gamma", 0)]))
    >>> model.state(model.unconstrained({"w": 1.0, "gamma": 0.5})).probabilities().round(6)
    array([0.632121, 0.367879])
    """

    name: str
    dims: Dims
    parameter_names: tuple[str, ...]
    entries: tuple[bytes, ...]

    def __init__(
        self,
        hamiltonian: Mapping[str, OperatorLike] | None = None,
        jumps: Mapping[str, JumpLike] | None = None,
        dims: DimsLike | None = None,
        *,
        drift: OperatorLike | None = None,
        name: str = "Lindblad",
    ) -> None:
        terms = {} if hamiltonian is None else _checks.mapping("hamiltonian", hamiltonian)
        noise = {} if jumps is None else _checks.mapping("jumps", jumps)
        everything = [*terms.values(), *noise.values(), *([] if drift is None else [drift])]
        if not everything:
            raise InputError("a Lindblad equation needs a Hamiltonian or jumps; found neither.")
        sites = dims_of(everything[0]) if dims is None else _checks.dimensions("dims", dims)
        names = ("time", *(_checks.text("each name of a coefficient", n) for n in (*terms, *noise)))
        if len(set(names)) != len(names):
            raise InputError(f"time, the terms and the jumps must have distinct names; found {_checks.told(names)}.")
        side = math.prod(sites)
        _checks.memory(f"a Lindblad generator of dimension {side}", 160 * side**4 * len(names), "use fewer sites")
        matrices = [as_matrix(o, sites) for o in everything]
        for label, matrix in zip(terms, matrices, strict=False):
            _matrices.hermitian(f"the term {label!r} of the Hamiltonian", matrix)
        fixed = np.zeros((side, side)) if drift is None else _matrices.hermitian("the drift", matrices[-1])
        held = [fixed, *matrices[: len(terms) + len(noise)]]
        entries = tuple((np.asarray(m, np.complex128) + 0.0).tobytes() for m in held)
        vars(self).update(name=_checks.text("name", name), dims=sites, parameter_names=names, entries=entries)
        vars(self).update(_n_terms=len(terms))
        if not np.abs(self.generators).max() <= LARGEST:
            raise InputError(f"a Lindblad generator must have entries up to {LARGEST:g}; found larger ones: rescale.")

    def _matrices(self) -> Complex:
        side = math.prod(self.dims)
        return np.stack([np.frombuffer(e, dtype=np.complex128).reshape(side, side) for e in self.entries])

    def _arguments(self) -> dict[str, Any]:
        held, n = self._matrices(), self._n_terms
        return {
            "hamiltonian": dict(zip(self.parameter_names[1 : 1 + n], held[1 : 1 + n], strict=True)),
            "jumps": dict(zip(self.parameter_names[1 + n :], held[1 + n :], strict=True)),
            "dims": self.dims,
            "drift": held[0],
            "name": self.name,
        }

    _n_terms: int = 0

    @property
    def domains(self) -> tuple[Interval, ...]:
        n = self._n_terms
        return (HALF_LINE, *(REAL_LINE,) * n, *(HALF_LINE,) * (self.n_params - 1 - n))

    @cached_property
    def generators(self) -> Complex:
        """Superoperators (1 + n, D^2, D^2) on row-major vec(rho): of the drift, then of each coefficient."""
        held, n = self._matrices(), self._n_terms
        one = np.eye(math.prod(self.dims))
        with np.errstate(over="ignore", invalid="ignore"):
            found: list[Any] = [-1j * (np.kron(h, one) - np.kron(one, h.T)) for h in held[: 1 + n]]
            for jump in held[1 + n :]:
                square = jump.conj().T @ jump
                found.append(np.kron(jump, jump.conj()) - (np.kron(square, one) + np.kron(one, square.T)) / 2)
        return _checks.kept(np.stack(found))

    def generator(self, coefficients: Real) -> Complex:
        """The matrix G (D^2, D^2) of the generator on row-major vec(rho).

        Parameters
        ----------
        coefficients : array (h + k,)
            h_j of the Hamiltonian, in units of energy, then the rates gamma_k, per time.

        Raises
        ------
        InputError
            For another shape.
        """
        g = self.generators
        found = _checks.shaped(
            "coefficients",
            _checks.reals("coefficients", coefficients),
            (len(g) - 1,),
            "one number for each name but the time",
        )
        return np.asarray(g[0] + np.tensordot(found, g[1:], axes=1))

    @cached_property
    def _coordinates(self) -> tuple[Complex, Complex]:
        """The matrices (D^2, D^2) from row-major vec(rho) to real coordinates and back, whose entries are exact: the
        trace, the other populations, and the real and imaginary parts of coherences."""
        d = math.prod(self.dims)
        k, (i, j) = np.arange(1, d), np.triu_indices(d, 1)
        there, back = (np.zeros((d * d, d, d), dtype=np.complex128) for _ in range(2))
        there[0], back[0, 0, 0] = np.eye(d), 1.0
        there[k, k, k], back[k, k, k], back[k, 0, 0] = 1.0, 1.0, -1.0
        for first, factor in ((d, 1.0), (d + len(i), 1j)):
            at = first + np.arange(len(i))
            back[at, i, j], back[at, j, i] = factor, np.conj(factor)
            there[at] = back[at].conj() / 2
        return there.reshape(d * d, d * d), back.reshape(d * d, d * d).T

    @cached_property
    def _real(self) -> Real:
        """The generators (1 + n, D^2, D^2) in real coordinates, where a row of zeros preserves the trace for all times,
        whatever rounding does to the others."""
        there, back = self._coordinates
        found = np.ascontiguousarray((there @ self.generators @ back).real)
        found[:, 0] = 0.0
        return found

    def _generator_of(self, params: Real) -> Real:
        return np.asarray(self._real[0] + np.tensordot(params[1:], self._real[1:], axes=1))

    def _of_real(self, matrices: Real) -> Complex:
        """Matrices (..., D^2, D^2) in real coordinates as ones on row-major vec(rho)."""
        there, back = self._coordinates
        return np.asarray(back @ matrices @ there)

    @np.errstate(over="ignore", invalid="ignore")  # exponential tells it
    def superoperator(self, params: Real) -> Complex:
        return self._of_real(exponential(params[0] * self._generator_of(params)))

    def superoperator_derivatives(self, params: Real) -> Complex:
        time, generator = float(params[0]), self._generator_of(params)
        g = time * generator
        along = np.concatenate([generator[None], time * self._real[1:]])
        return self._of_real(exponentials_along(g, along))

    def kraus(self, params: Real) -> Complex:
        side = math.prod(self.dims)
        s = self.superoperator(params).reshape(side, side, side, side)
        choi = s.transpose(0, 2, 1, 3).reshape(side**2, side**2)
        return kraus_of_choi((choi + choi.conj().T) / 2)
