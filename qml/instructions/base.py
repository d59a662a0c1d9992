"""Instructions, unitary gates and channels among them, and operations: instructions placed on sites.

Calling an instruction makes an operation, and an operation holds its instruction: both stand in one file.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qml import _checks
from qml._checks import InputError, OutsideDomain
from qml._descriptions import CONSTANTS, Described
from qml._typing import Complex, Dims, Real
from qml.parameters import REAL_LINE, Affine, Interval, ParameterLike, as_affine


class _Signature:
    """``inspect.signature`` of an instruction shows how it is called; of its class, how it is made."""

    def __get__(self, instruction: Instruction | None, owner: type) -> inspect.Signature:
        if instruction is None:
            raise AttributeError("__signature__")
        kinds, names = inspect.Parameter, instruction.parameter_names
        first = [kinds(n, kinds.POSITIONAL_ONLY) for n in names if n not in instruction.defaults]
        sites = [kinds(n, kinds.POSITIONAL_ONLY) for n in instruction.site_names]
        named = [kinds(n, kinds.KEYWORD_ONLY, default=x) for n, x in instruction.defaults.items()]
        return inspect.Signature([*first, *sites, *named])


class Instruction(Described, ABC, is_kind=False):
    """A gate, a channel or a change of the register, not yet placed on sites.

    Subclasses set `name`, `parameter_names` (one a parameter), `domains` (one :class:`Interval` a parameter) and
    `dims`, the dimensions of the sites that it acts on, in the order in which they are listed.
    Calling an instruction places it: parameters first, then sites. That raises InputError where their number is
    another, a site is no integer of at least 0, or a parameter lies outside its domain.

    Examples
    --------
    >>> from qml import channels
    >>> print(channels.Depolarizing("p", 2))
    Depolarizing(p) 2
    """

    name: str
    parameter_names: tuple[str, ...] = ()
    defaults: ClassVar[Mapping[str, float]] = {}
    """Values of parameters, the last ones, that need not be given; by keyword, or in their place."""
    dims: Dims
    __signature__ = _Signature()

    def _described(self) -> Any:
        """By its name, where it is one of the library."""
        for kind, known in CONSTANTS.items():
            if self in known:
                return {"kind": kind, "name": known[self]}
        return super()._described()

    @property
    def domains(self) -> tuple[Interval, ...]:
        """Where each parameter may lie; the real line unless a subclass says otherwise."""
        return (REAL_LINE,) * self.n_params

    @property
    def n_params(self) -> int:
        """The number of its parameters."""
        return len(self.parameter_names)

    @property
    def n_sites(self) -> int:
        """The number of sites that it acts on."""
        return len(self.dims)

    def check(self, params: Real) -> None:
        """Refuse parameter values outside their domain.

        Parameters
        ----------
        params : array (n_params,)
            In the order of `parameter_names`.

        Raises
        ------
        OutsideDomain
            Where one lies outside its interval, or, of some channels, where they are not allowed together.
        """
        for name, domain, value in zip(self.parameter_names, self.domains, params, strict=True):
            if not domain.low <= value <= domain.high:
                raise OutsideDomain(f"{self.name}: {name} must lie in {domain}; found {value:.12g}.")

    @property
    def site_names(self) -> tuple[str, ...]:
        """What the sites are called, in the order in which they are listed."""
        return ("site",) if self.n_sites == 1 else tuple(f"site{i}" for i in range(self.n_sites))

    def _expressions(self, params: Sequence[ParameterLike]) -> tuple[Affine, ...]:
        """Its parameters as expressions, those that were left out at their defaults; numbers are in their domains."""
        names = self.parameter_names
        given = [*params, *(self.defaults[n] for n in names[len(params) :] if n in self.defaults)]
        if len(given) != len(names):
            raise InputError(
                f"{self.name} takes {_checks.plural(self.n_params, 'parameter')} ({', '.join(names) or 'none'}); found "
                f"{len(params)}: {_checks.told(params)}."
            )
        found = tuple(as_affine(p, f"{self.name}: {n}") for n, p in zip(names, given, strict=True))
        if all(p.is_constant for p in found):
            self.check(np.array([p.constant for p in found], dtype=np.float64))
        return found

    def __call__(self, *arguments: ParameterLike | int, **named: ParameterLike) -> Operation:
        count = len(arguments) - self.n_sites
        least, rest = self.n_params - len(self.defaults), self.parameter_names[max(0, count) :]
        if not least <= count <= self.n_params or any(n not in rest or n not in self.defaults for n in named):
            wanted = (*self.parameter_names, *self.site_names)
            raise InputError(
                f"{self.name} takes {_checks.plural(len(wanted), 'argument')} ({', '.join(wanted)}); found "
                f"{len(arguments) + len(named)}: {_checks.told((*arguments, *named))}."
            )
        placed = zip(self.site_names, arguments[count:], strict=True)
        sites = tuple(_checks.integer(f"{self.name}: {label}", a, low=0) for label, a in placed)
        params: Any = (*arguments[:count], *(named.get(n, self.defaults[n]) for n in rest))
        return Operation(self, sites, params)

    def __repr__(self) -> str:
        return self.name


class Unitary(Instruction):
    r"""A unitary gate :math:`\rho \mapsto U(\theta) \rho\, U(\theta)^\dagger`.

    Subclasses define `matrix`, `derivatives` and `inverse`; :mod:`qml.gates` has the usual ones.

    Examples
    --------
    >>> import numpy as np
    >>> from qml import gates
    >>> gates.RZ.matrix(np.array([np.pi])).round(6) + 0.0
    array([[0.-1.j, 0.+0.j],
           [0.+0.j, 0.+1.j]])
    """

    @abstractmethod
    def matrix(self, params: Real) -> Complex:
        r"""The unitary matrix U, shape (D, D) with D = prod(dims), over \|first listed site, second, ...>.

        Parameters
        ----------
        params : array (n_params,)
            The values of its parameters, in the order of `parameter_names`, in their domains.
        """

    @abstractmethod
    def derivatives(self, params: Real) -> Complex:
        """dU/dparams, shape (n_params, D, D).

        Parameters
        ----------
        params : array (n_params,)
            The values of its parameters, in the order of `parameter_names`, in their domains.
        """

    @abstractmethod
    def inverse(self, params: tuple[Affine, ...]) -> tuple[Unitary, tuple[Affine, ...]]:
        """The gate and the parameters that undo it.

        Parameters
        ----------
        params : tuple of Affine (n_params,)
            Those of the gate to be undone, as expressions of the parameters of a circuit.
        """

    def superoperator(self, params: Real) -> Complex:
        r"""The matrix of rho -> U rho U^dagger on row-major vec(rho): :math:`U \otimes \bar U`, shape (D^2, D^2).

        Parameters
        ----------
        params : array (n_params,)
            The values of its parameters, in the order of `parameter_names`, in their domains.
        """
        u = self.matrix(params)
        return np.asarray(np.kron(u, u.conj()), dtype=np.complex128)

    def superoperator_derivatives(self, params: Real) -> Complex:
        """The derivatives of :meth:`superoperator`, shape (n_params, D^2, D^2).

        Parameters
        ----------
        params : array (n_params,)
            The values of its parameters, in the order of `parameter_names`, in their domains.
        """
        u = self.matrix(params)
        d = self.derivatives(params)
        side = u.shape[0] ** 2
        terms = [np.kron(du, u.conj()) + np.kron(u, du.conj()) for du in d]
        return np.array(terms, dtype=np.complex128).reshape(-1, side, side)


class Channel(Instruction):
    r"""A completely positive trace-preserving map.

    .. math:: \rho \mapsto \sum_k K_k(\theta) \rho\, K_k(\theta)^\dagger, \qquad \sum_k K_k^\dagger K_k = 1

    Subclasses define `kraus` and `superoperator_derivatives`; :mod:`qml.channels` has the usual ones.

    Examples
    --------
    >>> import numpy as np
    >>> from qml import channels
    >>> channels.PhaseFlip.superoperator(np.array([0.25])).real.diagonal()
    array([1. , 0.5, 0.5, 1. ])
    """

    @abstractmethod
    def kraus(self, params: Real) -> Complex:
        """Kraus operators, shape (m, D, D), with sum_k K_k^dagger K_k = 1.

        Parameters
        ----------
        params : array (n_params,)
            The values of its parameters, in the order of `parameter_names`, in their domains.
        """

    def superoperator(self, params: Real) -> Complex:
        r"""The matrix of the channel on row-major vec(rho): :math:`\sum_k K_k \otimes \bar K_k`, shape (D^2, D^2).

        Parameters
        ----------
        params : array (n_params,)
            The values of its parameters, in the order of `parameter_names`, in their domains.
        """
        k = self.kraus(params)
        side = k.shape[-1] ** 2
        return np.asarray(np.einsum("kia,kjb->ijab", k, k.conj()).reshape(side, side))

    @abstractmethod
    def superoperator_derivatives(self, params: Real) -> Complex:
        """Derivatives of the superoperator, shape (n_params, D^2, D^2); finite at the ends of the domain too.

        Parameters
        ----------
        params : array (n_params,)
            The values of its parameters, in the order of `parameter_names`, in their domains.
        """


@dataclass(frozen=True)
class Operation(Described):
    """An instruction placed on sites, with its parameters: what calling an instruction makes.

    Parameters
    ----------
    instruction : Instruction
    sites : tuple of int
        Distinct, in the order of the instruction's `dims`.
    params : tuple of Affine
        One a parameter of the instruction; numbers and names are taken, too.

    Raises
    ------
    InputError
        Where the sites are too many, too few or repeated, the parameters too many or too few, or all of them numbers
        outside their domain.

    Examples
    --------
    >>> from qml import gates
    >>> Operation(gates.CRX, (1, 0), ("a",)) == gates.CRX("a", 1, 0)
    True
    """

    instruction: Instruction
    sites: tuple[int, ...]
    params: tuple[Affine, ...] = ()

    def __post_init__(self) -> None:
        _checks.instance("instruction", self.instruction, Instruction)
        sites = _checks.listed("sites", self.sites, "sites")
        params = self.instruction._expressions(_checks.listed("params", self.params))
        vars(self).update(sites=tuple(_checks.integer("each site", s, low=0) for s in sites), params=params)
        if len(self.sites) != self.instruction.n_sites or len(set(self.sites)) != len(self.sites):
            count = _checks.plural(self.instruction.n_sites, "distinct site")
            raise InputError(f"{self.instruction.name} needs {count}; found {self.sites}.")

    def _moved(self, sites: Sequence[int]) -> Operation:
        """The operation with site i at ``sites[i]``, which are known to be distinct integers: nothing is checked."""
        moved = object.__new__(Operation)
        vars(moved).update(vars(self), sites=tuple([sites[site] for site in self.sites]))
        return moved

    @property
    def name(self) -> str:
        """The name of its instruction."""
        return self.instruction.name

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of its free parameters, in order of appearance."""
        return tuple(dict.fromkeys(name for p in self.params for name in p.names))

    def inverse(self) -> Operation:
        """The operation that undoes it; refused for channels, traces and initialisations."""
        if not isinstance(self.instruction, Unitary):
            raise InputError(f"{self.name} on sites {self.sites} is not unitary, so it has no inverse operation.")
        instruction, params = self.instruction.inverse(self.params)
        return Operation(instruction, self.sites, params)

    def __str__(self) -> str:
        params = f"({', '.join(map(str, self.params))})" if self.params else ""
        return f"{self.name}{params} {' '.join(map(str, self.sites))}"
