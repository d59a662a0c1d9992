"""The circuit: a frozen sequence of gates, channels, traces and initialisations on numbered sites."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import TypeAlias

from qml import _checks
from qml._checks import InputError
from qml._saved import Saved
from qml._typing import Dims, DimsLike
from qml.circuits import drawing
from qml.circuits.domains import parameter_domains
from qml.circuits.noise import NoiseModel
from qml.circuits.places import check_places, sites_after, sites_before
from qml.circuits.program import Program, compiled
from qml.instructions import Channel, Operation, Unitary
from qml.parameters import Interval, ParameterLike


@dataclass(frozen=True, init=False, repr=False)
class Circuit(Saved):
    r"""Operations in order of application: the map :math:`\mathcal E = \mathcal E_m \circ \dots \circ \mathcal E_1`.

    A circuit is a frozen value: every method returns a new one, and circuits compare and hash by what they hold.
    A noise channel, a partial trace (``TraceOut(1)``) and a fresh site (``Initialize(1)``, in \|0>) are operations like
    a gate. A traced-out site takes no operation until it is initialised again. A site whose first operation is
    ``Initialize`` is absent from the input register; every other site belongs to it.

    Parameters
    ----------
    dims : int or sequence of int
        Dimensions of the sites; an int n means n qubits.
    operations : iterable of Operation
        Placed instructions such as ``gates.RX("theta", 0)``.

    Raises
    ------
    InputError
        Where an operation names a site that is not there (or not there any more), its dimensions do not fit the
        sites, or no value of a parameter is allowed by all of its uses.

    Examples
    --------
    >>> from qml import Circuit, channels, gates
    >>> bell = Circuit(2, [gates.H(0), gates.CNOT(0, 1)])
    >>> noisy = bell.then(channels.Depolarizing("p", 1), gates.RX("theta", 0))
    >>> noisy
    <Circuit: 2 qubits, 4 operations, 2 parameters>
    >>> noisy.parameters
    ('p', 'theta')
    >>> noisy.bind(p=0.1, theta="p").parameters
    ('p',)
    """

    dims: Dims
    operations: tuple[Operation, ...]

    def __init__(self, dims: DimsLike, operations: Iterable[Operation] = ()) -> None:
        object.__setattr__(self, "dims", _checks.dimensions("the dims of a circuit", dims))
        object.__setattr__(self, "operations", tuple(_checks.listed("operations", operations, "operations")))
        if not self.dims:
            raise InputError("a circuit needs at least one site; found dims = ().")
        check_places(self.operations, self.dims)
        self.domains  # noqa: B018 - refuses a parameter that has no allowed value

    # what it holds -------------------------------------------------------------------------------------------------

    @property
    def n_sites(self) -> int:
        """The number of sites that it speaks of, the traced-out and the initialised ones included."""
        return len(self.dims)

    @cached_property
    def sites_in(self) -> tuple[int, ...]:
        """Sites of the input register: all but those whose first operation is ``Initialize``."""
        return sites_before(self.operations, self.n_sites)

    @cached_property
    def sites_out(self) -> tuple[int, ...]:
        """Sites of the output register: those that are alive at the end."""
        return reduce(lambda alive, operation: sites_after(operation, alive), self.operations, self.sites_in)

    @property
    def dims_in(self) -> Dims:
        """Dimensions of the input register."""
        return tuple(self.dims[site] for site in self.sites_in)

    @property
    def dims_out(self) -> Dims:
        """Dimensions of the output register."""
        return tuple(self.dims[site] for site in self.sites_out)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the free parameters, in order of appearance: the order of the vector theta."""
        return tuple(dict.fromkeys(name for operation in self.operations for name in operation.parameters))

    @property
    def n_params(self) -> int:
        """The number of free parameters."""
        return len(self.parameters)

    @cached_property
    def domains(self) -> dict[str, Interval]:
        """Where each free parameter may lie: the values that every one of its uses allows.

        A use c theta + k in a slot with domain [low, high] allows the preimage of that interval. A use together with
        other parameters (a + b) bounds none of them by itself: it is checked when numbers are put in.
        """
        return parameter_domains(self.operations)

    @property
    def is_unitary(self) -> bool:
        """Whether every operation is a unitary gate."""
        return all(isinstance(operation.instruction, Unitary) for operation in self.operations)

    @property
    def depth(self) -> int:
        """Layers when every operation is done as soon as its sites are free, each taking one layer."""
        busy = [0] * self.n_sites
        for operation in self.operations:
            layer = 1 + max((busy[site] for site in operation.sites), default=0)
            for site in operation.sites:
                busy[site] = layer
        return max(busy)

    def instruction_counts(self) -> dict[str, int]:
        """How often each instruction occurs, by name, in order of first appearance.

        Examples
        --------
        >>> from qml import Circuit, gates
        >>> Circuit(2, [gates.H(0), gates.CNOT(0, 1), gates.H(1)]).instruction_counts()
        {'H': 2, 'CNOT': 1}
        """
        return dict(Counter(operation.name for operation in self.operations))

    # new circuits from it ------------------------------------------------------------------------------------------

    def then(self, *items: Operation | Circuit, sites: Iterable[int] | None = None) -> Circuit:
        """This circuit, then operations or circuits in the order given; equal parameter names are shared.

        Parameters
        ----------
        *items : Operation or Circuit
            Circuits must have this circuit's dims, unless `sites` says where to place them.
        sites : iterable of int, optional
            Site i of every circuit among the items goes to ``sites[i]`` of this one.

        Raises
        ------
        InputError
            Where dims do not fit, or an operation cannot stand where it would.

        Examples
        --------
        >>> from qml import Circuit, gates
        >>> bell = Circuit(2, [gates.H(0), gates.CNOT(0, 1)])
        >>> [str(operation) for operation in Circuit(3).then(bell, sites=(2, 0))]
        ['H 2', 'CNOT 2 0']
        """
        where = None if sites is None else _checks.targets("sites", sites, self.n_sites)
        operations = list(self.operations)
        for item in items:
            if isinstance(item, Circuit):
                operations.extend(item._placed(self.dims, where))
            elif where is not None:
                raise InputError(f"sites places circuits; found the operation {item}, which has its own sites.")
            else:
                operations.append(item)
        return Circuit(self.dims, operations)

    def repeat(self, k: int, fresh: bool = False) -> Circuit:
        """The circuit k times in a row; k = 0 is the empty circuit.

        Parameters
        ----------
        k : int
            At least 0.
        fresh : bool
            False: all repetitions share their parameters. True: repetition i = 0, ..., k - 1 has its own, called
            ``name[i]`` (a parameter ``theta`` becomes ``theta[0]``, ``theta[1]``, ...).

        Raises
        ------
        InputError
            Where k is negative.
        MemoryRefused
            If so many operations would not fit.

        Examples
        --------
        >>> from qml import Circuit, gates
        >>> Circuit(1, [gates.RX("a", 0)]).repeat(3, fresh=True).parameters
        ('a[0]', 'a[1]', 'a[2]')
        """
        k, fresh = _checks.integer("the number k of repetitions", k, low=0), _checks.flag("fresh", fresh)
        room_for(k * len(self.operations))
        if not self.operations:
            return self
        rounds = [self.bind({name: f"{name}[{i}]" for name in self.parameters}) if fresh else self for i in range(k)]
        return Circuit(self.dims, [operation for circuit in rounds for operation in circuit.operations])

    def inverse(self) -> Circuit:
        """The circuit that undoes it, with the same parameters; refused where an operation is not unitary."""
        return Circuit(self.dims, [operation.inverse() for operation in reversed(self.operations)])

    def bind(self, values: Mapping[str, ParameterLike] | None = None, /, **named: ParameterLike) -> Circuit:
        """Free parameters replaced by numbers, other names or affine expressions; the others stay free.

        Parameters
        ----------
        values : mapping of str to float, str or Affine, optional
            For names that are not identifiers, such as ``"ry[0,2]"``.
        **named
            The same, for names that are.

        Raises
        ------
        InputError
            For a name that the circuit does not have, or a number outside the domain of an instruction.

        Examples
        --------
        >>> from qml import Circuit, Parameter, gates
        >>> circuit = Circuit(1, [gates.RX("a", 0), gates.RZ("b", 0)])
        >>> [str(operation) for operation in circuit.bind(a=0.5, b=2 * Parameter("t"))]
        ['RX(0.5) 0', 'RZ(2*t) 0']
        """
        new = {**({} if values is None else _checks.mapping("values", values)), **named}
        for name in new:
            if name not in self.parameters:
                raise InputError(
                    f"bind: the circuit has no free parameter {name!r}{_checks.nearest(str(name), self.parameters)}; "
                    f"it has {', '.join(self.parameters) or 'none'}."
                )
        bound = [Operation(o.instruction, o.sites, tuple(p.substitute(new) for p in o.params)) for o in self.operations]
        return Circuit(self.dims, bound)

    def with_noise(self, model: NoiseModel) -> Circuit:
        """The circuit with the channels of a noise model put in; see :class:`NoiseModel` for where they go.

        Parameters
        ----------
        model : NoiseModel

        Raises
        ------
        InputError
            Where a rule or a duration names a gate that neither the library nor the circuit has, or a site that the
            circuit does not have, or a channel does not fit the sites that it would act on.

        Examples
        --------
        >>> from qml import Circuit, NoiseModel, channels, gates
        >>> noise = NoiseModel().add(channels.Depolarizing, 0.01)
        >>> [str(operation) for operation in Circuit(1, [gates.X(0)]).with_noise(noise)]
        ['X 0', 'Depolarizing(0.01) 0']
        """
        noisy = _checks.instance("model", model, NoiseModel)._noisy(self.operations, self.n_sites, self.sites_out)
        return Circuit(self.dims, noisy)

    def without_noise(self) -> Circuit:
        """The circuit without its noise channels; sites are traced out and initialised as before.

        Examples
        --------
        >>> from qml import Circuit, channels, gates
        >>> noisy = Circuit(2, [gates.H(0), channels.Depolarizing("p", 0), gates.CNOT(0, 1)])
        >>> [str(operation) for operation in noisy.without_noise()]
        ['H 0', 'CNOT 0 1']
        """
        return Circuit(self.dims, [o for o in self.operations if not isinstance(o.instruction, Channel)])

    # engines -------------------------------------------------------------------------------------------------------

    def compile(self) -> Program:
        """The program that engines run, made once: numbered positions, numbered parameters.

        The register is always the alive sites in increasing order; positions count in it as it is at that step.
        """
        return self._program

    @cached_property
    def _program(self) -> Program:
        return compiled(self.operations, self.dims, self.sites_in, self.parameters)

    # reading it ----------------------------------------------------------------------------------------------------

    def draw(self, width: int = 120) -> str:
        """The circuit as text, folded into panels; see ``qml.circuits.drawing``.

        Parameters
        ----------
        width : int
            The most characters of a panel, at least 20.

        Raises
        ------
        InputError
            If it is less.

        Examples
        --------
        >>> from qml import Circuit, gates
        >>> print(Circuit(2, [gates.H(0), gates.CNOT(0, 1), gates.RZ("a", 1)]).draw())
        0: ─┤H├─●─────────
                │
        1: ─────⊕─┤RZ(a)├─
        """
        return drawing.text(self.operations, self.dims, self.sites_in, _checks.integer("width", width, low=20))

    def __str__(self) -> str:
        return self.draw()

    def __repr__(self) -> str:
        sites = _checks.plural(self.n_sites, "qubit") if set(self.dims) == {2} else f"dims {self.dims}"
        operations = _checks.plural(len(self.operations), "operation")
        return f"<Circuit: {sites}, {operations}, {_checks.plural(self.n_params, 'parameter')}>"

    def _repr_html_(self) -> str:
        look = "font-family: monospace; line-height: 1.2; white-space: pre"  # the wires meet in no other font
        return f'<pre style="{look}">{html.escape(self.draw())}</pre>'

    def __len__(self) -> int:
        return len(self.operations)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    # checks --------------------------------------------------------------------------------------------------------

    def _placed(self, dims: Dims, sites: tuple[int, ...] | None) -> list[Operation]:
        """Its operations on sites of a register of dimensions `dims`."""
        if sites is None:
            if self.dims != dims:
                raise InputError(
                    f"circuits in a row need equal dims; found {dims}, then {self.dims}: "
                    "say where to place the second, as in then(other, sites=(0, 1))."
                )
            return list(self.operations)
        if len(sites) != self.n_sites:
            size = _checks.plural(self.n_sites, "site")
            raise InputError(f"sites must name {size}, as many as the circuit that is placed has; found {sites}.")
        return [operation._moved(sites) for operation in self.operations]


def room_for(count: int) -> None:
    """Refuse a circuit of so many operations, before one is made, where they would not fit in memory."""
    what = f"a circuit of {_checks.readable(count)} operations"
    _checks.memory(what, 1024 * count, "use fewer layers or repetitions")


ProgramLike: TypeAlias = Program | Circuit
"""A circuit, or the program that it compiles to."""


def as_program(value: ProgramLike) -> Program:
    """The program of a circuit; programs as they are.

    Parameters
    ----------
    value : Circuit or Program

    Returns
    -------
    Program

    Raises
    ------
    InputError
        If it is neither.

    Examples
    --------
    >>> from qml import gates
    >>> as_program(Circuit(2, [gates.RY("a", 0), gates.CNOT(0, 1)])).parameters
    ('a',)
    """
    if isinstance(value, Program):
        return value
    return _checks.instance("circuit", value, Circuit).compile()
