"""Circuits to fit with: layered, brickwork, purified and tree-like. Parameter names follow from the arguments alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, count
from typing import Any, Literal, TypeAlias

from qml import _checks, gates
from qml._checks import InputError
from qml.circuits.circuit import Circuit, room_for
from qml.instructions import Initialize, Operation, TraceOut, Unitary
from qml.operators.sites import pairs_of_sites
from qml.parameters import as_affine

Topology: TypeAlias = Literal["linear", "ring", "full"] | Iterable[tuple[int, int]]
"""``"linear"``, ``"ring"``, ``"full"``, or pairs of qubits."""


def hardware_efficient(
    n: int,
    layers: int,
    rotations: Sequence[str | Unitary] = ("RY", "RZ"),
    entangler: str | Unitary = "CNOT",
    topology: Topology = "linear",
    name: str = "",
) -> Circuit:
    r"""Layers of one-qubit rotations and two-qubit gates, closed by a last layer of rotations.

    .. math:: U(\theta) = R(\theta_L) \prod_{l=L-1}^{0} E \, R(\theta_l),
        \qquad R = \bigotimes_q \prod_j R_j(\theta_{l,q,j})

    The angle of RY in layer l on qubit q is called ``ry[l,q]``; a rotation with several parameters has names such as
    ``u3.theta[l,q]``; an entangler with parameters ``rzz[l,a,b]``. A gate that stands there a second time has its own,
    called ``ry.2[l,q]``.

    Parameters
    ----------
    n, layers : int
        Qubits, and layers L >= 0 of entanglers.
    rotations : sequence of str or Unitary
        One-qubit gates, in order of application.
    entangler : str or Unitary
        A two-qubit gate.
    topology : {"linear", "ring", "full"} or iterable of (int, int)
        The pairs that it acts on, in order: neighbors, neighbors and (n - 1, 0), all a < b, or those given.
    name : str
        With a name, all parameters are called ``name.ry[l,q]`` and so on, so that two such circuits share none.

    Returns
    -------
    Circuit

    Raises
    ------
    InputError
        For an unknown gate or topology, or a gate on another number of sites.

    Notes
    -----
    Kandala et al. 2017, arXiv:1704.05018.

    Examples
    --------
    >>> circuit = hardware_efficient(2, 1, rotations=("RY",))
    >>> circuit.parameters
    ('ry[0,0]', 'ry[0,1]', 'ry[1,0]', 'ry[1,1]')
    >>> print(circuit)
    0: ─┤RY(ry[0,0])├─●─┤RY(ry[1,0])├─
                      │
    1: ─┤RY(ry[0,1])├─⊕─┤RY(ry[1,1])├─
    """
    n, layers = _checks.qubit_count("n", n), _checks.integer("layers", layers, low=0)
    held = _checks.listed("rotations", rotations, "gates on one qubit")
    turns = [_gate("each rotation", rotation, 1) for rotation in held]
    link = _gate("the entangler", entangler, 2)
    edges = _edges(topology, n)
    before, joined = _before([gate.name.lower() for gate in turns]), _before(edges)
    prefix = prefix_of(name)
    operations: list[Operation] = []
    room_for((layers + 1) * (n * len(turns) + len(edges)))
    for layer in range(layers + 1):
        operations += [_named(g, prefix, layer, (q,), k) for q in range(n) for g, k in zip(turns, before, strict=True)]
        if layer < layers:
            operations += [_named(link, prefix, layer, e, k) for e, k in zip(edges, joined, strict=True)]
    return Circuit(n, operations)


def universal_block() -> Circuit:
    r"""Every unitary on two qubits, up to a phase, with 15 parameters: local gates, the canonical gate, local gates.

    .. math:: (U_3 \otimes U_3) \, e^{-i (\alpha XX + \beta YY + \gamma ZZ) / 2} \, (U_3 \otimes U_3)

    Notes
    -----
    Kraus and Cirac 2001, arXiv:quant-ph/0011050.

    Examples
    --------
    >>> universal_block().n_params
    15
    """

    def local(i: int, q: int) -> Operation:
        return gates.U3(f"theta{i}", f"phi{i}", f"lambda{i}", q)

    canonical = gates.RXX("xx", 0, 1), gates.RYY("yy", 0, 1), gates.RZZ("zz", 0, 1)
    return Circuit(2, [local(0, 0), local(1, 1), *canonical, local(2, 0), local(3, 1)])


def brickwork(n: int, layers: int, block: Circuit | None = None, name: str = "") -> Circuit:
    """Two-qubit blocks in staggered rows: layer l acts on (q, q + 1) for all q of the parity of l.

    Parameters
    ----------
    n, layers : int
    block : Circuit, optional
        On two qubits; :func:`universal_block` by default. Each placement has its own parameters: ``theta0`` of the
        block becomes ``theta0[l,q]`` in layer l on qubits (q, q + 1).
    name : str
        Prefix of the parameter names: ``name.theta0[l,q]``.

    Returns
    -------
    Circuit

    Raises
    ------
    InputError
        Where the block does not act on two qubits.

    Examples
    --------
    >>> from qml import Circuit, gates
    >>> print(brickwork(3, 2, Circuit(2, [gates.RZZ("a", 0, 1)])))
    0: ─┤           ├───────────────
        │RZZ(a[0,0])│
    1: ─┤           ├─┤           ├─
                      │RZZ(a[1,1])│
    2: ───────────────┤           ├─
    """
    n, layers = _checks.qubit_count("n", n, low=2), _checks.integer("layers", layers, low=0)
    block, prefix = _block(block), prefix_of(name)
    room_for(n * layers * len(block) // 2)
    operations: list[Operation] = []
    for layer in range(layers):
        for q in range(layer % 2, n - 1, 2):
            operations += _put(block, prefix, layer, (q, q + 1))
    return Circuit(n, operations)


def purification(
    n: int,
    n_ancilla: int,
    layers: int,
    rotations: Sequence[str | Unitary] = ("RY", "RZ"),
    entangler: str | Unitary = "CNOT",
    topology: Topology = "linear",
    name: str = "",
) -> Circuit:
    r"""A mixed state of n qubits: fresh ancillas, a hardware-efficient circuit on all, and the ancillas traced out.

    .. math:: \sigma = \mathrm{Tr}_A \, U(\theta) \, |0\rangle\langle 0|^{\otimes (n + n_A)} \, U(\theta)^\dagger

    The rank of sigma is at most 2^n_ancilla, so n_ancilla = n reaches every state of n qubits. Qubits 0 to n - 1 are
    the system and are also the input register; the ancillas behind them exist only inside.

    Parameters
    ----------
    n, n_ancilla : int
        Qubits of the system, at least 1, and fresh ones, at least 0.
    layers, rotations, entangler, topology, name
        As in :func:`hardware_efficient`, which has the names of the parameters, too.

    Returns
    -------
    Circuit

    Raises
    ------
    InputError
        If a number is negative (n: below 1), or a gate or the topology is unknown; the sentence lists the known ones.

    Examples
    --------
    >>> circuit = purification(2, 1, layers=1)
    >>> circuit.dims_in, circuit.dims_out, circuit.n_params
    ((2, 2), (2, 2), 12)
    """
    n, n_ancilla = _checks.qubit_count("n", n), _checks.qubit_count("n_ancilla", n_ancilla, low=0)
    inner = hardware_efficient(n + n_ancilla, layers, rotations, entangler, topology, name)
    ancillas = range(n, n + n_ancilla)
    first = [Initialize(a) for a in ancillas]
    last = [TraceOut(a) for a in ancillas]
    return Circuit(n + n_ancilla, [*first, *inner, *last])


def reuploading(n: int, n_inputs: int, layers: int, n_ancilla: int = 1) -> tuple[Circuit, dict[str, int]]:
    r"""A circuit that data are uploaded into, once a layer, and which of its angles hold which column of the data.

    In every layer input a turns qubit a mod (n + n_ancilla) by RY(x_a), behind which stand RZ and RY with angles to
    learn; CNOTs join neighbors. An RY on every qubit ends it, and the ancillas are traced out.

    Parameters
    ----------
    n : int
        Qubits that are kept.
    n_inputs : int
    layers : int
    n_ancilla : int
        Qubits behind them, which are traced out; with none the states are pure.

    Returns
    -------
    Circuit, dict of str to int
        Data have the names ``x[l,a]``, the other angles ``z[l,a]``, ``y[l,a]`` and ``end[q]``. Both are what
        :class:`~qml.models.ConditionalCircuitModel` takes.

    Raises
    ------
    InputError
        If a number is below 1 (`n_ancilla`: below 0).

    Notes
    -----
    Source: Perez-Salinas, Cervera-Lierta, Gil-Fuster and Latorre (2020), Quantum 4, 226, arXiv:1907.02085.

    Examples
    --------
    >>> circuit, data = reuploading(1, 2, layers=1)
    >>> circuit.dims_out, data
    ((2,), {'x[0,0]': 0, 'x[0,1]': 1})
    """
    n, n_ancilla = _checks.qubit_count("n", n), _checks.qubit_count("n_ancilla", n_ancilla, low=0)
    n_inputs, layers = _checks.integer("n_inputs", n_inputs, low=1), _checks.integer("layers", layers, low=1)
    width = n + n_ancilla
    room_for(layers * (3 * n_inputs + width))
    operations: list[Operation] = []
    for k in range(layers):
        for a in range(n_inputs):
            q = a % width
            operations += [gates.RY(f"x[{k},{a}]", q), gates.RZ(f"z[{k},{a}]", q), gates.RY(f"y[{k},{a}]", q)]
        operations += [gates.CNOT(q, (q + 1) % width) for q in range(width if width > 2 else width - 1)]
    operations += [gates.RY(f"end[{q}]", q) for q in range(width)]
    operations += [TraceOut(q) for q in range(n, width)]
    return Circuit(width, operations), {f"x[{k},{a}]": a for k in range(layers) for a in range(n_inputs)}


def mera_tree(n: int, block: Circuit | None = None, disentanglers: bool = True, name: str = "") -> Circuit:
    r"""A binary tree of isometries and disentanglers that grows n qubits from one: correlations at every length.

    At each scale, from the coarsest to the finest, every qubit in use is joined by a fresh one half-way to the next (an
    isometry: a block on it and a qubit in \|0>), then blocks act between neighboring pairs (disentanglers; open ends).
    The depth grows as log2 n. Where n is no power of two, the branches beyond the last qubit are missing.

    Parameters
    ----------
    n : int
    block : Circuit, optional
        On two qubits; :func:`universal_block` by default. Its parameter ``theta0`` becomes ``iso.theta0[s,q]`` in the
        isometry and ``dis.theta0[s,q]`` in the disentangler at scale s whose first qubit is q.
    disentanglers : bool
        False gives a tree tensor network.
    name : str
        Prefix of the parameter names.

    Returns
    -------
    Circuit

    Raises
    ------
    InputError
        Where the block does not act on two qubits.

    Notes
    -----
    Vidal 2008, arXiv:quant-ph/0610099, read from the top downwards; all qubits start in \|0>, so it is unitary.

    Examples
    --------
    >>> from qml import Circuit, gates
    >>> tree = mera_tree(4, Circuit(2, [gates.RXX("a", 0, 1)]))
    >>> [str(operation) for operation in tree]
    ['RXX(iso.a[0,0]) 0 2', 'RXX(iso.a[1,0]) 0 1', 'RXX(iso.a[1,2]) 2 3', 'RXX(dis.a[1,1]) 1 2']
    """
    n = _checks.qubit_count("n", n, low=2)
    _checks.flag("disentanglers", disentanglers)
    block, prefix = _block(block), prefix_of(name)
    operations: list[Operation] = []
    strides = [1 << k for k in reversed(range((n - 1).bit_length()))]
    for scale, stride in enumerate(strides):
        for q in range(0, n - stride, 2 * stride):
            operations += _put(block, f"{prefix}iso.", scale, (q, q + stride))
        for q in range(stride, n - stride, 2 * stride) if disentanglers else ():
            operations += _put(block, f"{prefix}dis.", scale, (q, q + stride))
    return Circuit(n, operations)


def _gate(what: str, gate: str | Unitary, n_sites: int) -> Unitary:
    found = gate if isinstance(gate, Unitary) else gates.gate(gate)
    if found.n_sites != n_sites:
        raise InputError(
            f"{what} must act on {_checks.plural(n_sites, 'qubit')}; found {found.name}, on {found.n_sites}."
        )
    return found


def _before(values: Sequence[Any]) -> list[int]:
    """How many equal values stand before each."""
    seen: dict[Any, Iterator[int]] = defaultdict(count)
    return [next(seen[value]) for value in values]


def _named(gate: Unitary, prefix: str, layer: int, sites: tuple[int, ...], before: int) -> Operation:
    """A gate with parameter names made of its own name, how many of it stand there before, the layer and the sites."""
    stem = f"{prefix}{gate.name.lower()}" + (f".{before + 1}" if before else "")
    place = f"[{','.join(map(str, (layer, *sites)))}]"
    ends = [""] if gate.n_params == 1 else [f".{p}" for p in gate.parameter_names]
    return Operation(gate, sites, tuple(as_affine(f"{stem}{end}{place}") for end in ends[: gate.n_params]))


def prefix_of(name: str) -> str:
    """What stands before the names of parameters."""
    return f"{name}." if _checks.text("name", name) else ""


def _block(block: Circuit | None) -> Circuit:
    block = universal_block() if block is None else block
    if not isinstance(block, Circuit) or block.dims != (2, 2):
        raise InputError(f"the block must be a circuit on two qubits; found {block!r}.")
    return block


def _put(block: Circuit, prefix: str, layer: int, pair: tuple[int, int]) -> Iterable[Operation]:
    """The block on a pair of qubits, with parameters of its own."""
    own = block.bind({name: f"{prefix}{name}[{layer},{pair[0]}]" for name in block.parameters})
    return Circuit(max(pair) + 1).then(own, sites=pair)


def _edges(topology: Topology, n: int) -> list[tuple[int, int]]:
    line = [(q, q + 1) for q in range(n - 1)]
    if isinstance(topology, str):
        ring = [*line, (n - 1, 0)] if n > 2 else line
        room_for(n * (n - 1) // 2 if topology == "full" else n)
        shapes = {"linear": line, "ring": ring, "full": list(combinations(range(n), 2))}
        return shapes[_checks.choice("topology", topology, shapes)]
    return pairs_of_sites("topology", topology, n, "pairs of sites, or one of 'linear', 'ring', 'full'")
