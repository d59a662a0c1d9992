"""Circuits made of the terms of a Hamiltonian: product formulas and the Hamiltonian-variational ansatz."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from qml import _checks, gates
from qml.circuits.ansatz import prefix_of
from qml.circuits.circuit import Circuit, room_for
from qml.instructions import Operation
from qml.operators import PauliLike, PauliSum, as_pauli_sum
from qml.operators.sites import hermitian_sum
from qml.parameters import Affine, Parameter, ParameterLike, as_affine

Term = tuple[str, float]


def trotter(hamiltonian: PauliLike, time: ParameterLike, steps: int, order: int = 1) -> Circuit:
    r"""The evolution exp(-i H t) of :math:`H = \sum_k c_k P_k` as a product of Pauli rotations.

    .. math:: S_1(\tau) = \prod_{k=m}^{1} e^{-i \tau c_k P_k}, \qquad
        S_2(\tau) = \prod_{k=1}^{m} e^{-i \tau c_k P_k / 2} \prod_{k=m}^{1} e^{-i \tau c_k P_k / 2}, \qquad
        e^{-iHt} = S_p(t / r)^r + O(t^{p+1} / r^p)

    Exact where all terms commute. The term of the identity is a global phase and is left out. Costs r m rotations at
    first and r (2 m - 1) at second order; the terms are applied in the order of ``hamiltonian.terms``.

    Parameters
    ----------
    hamiltonian : PauliSum, str or mapping
        Hermitian.
    time : float, str or Affine
        t, a number or a free parameter.
    steps : int
        r >= 1.
    order : {1, 2}
        p.

    Returns
    -------
    Circuit

    Raises
    ------
    InputError
        Where the Hamiltonian is not Hermitian, or `steps` or `order` are out of range.

    Notes
    -----
    Trotter 1959; Suzuki 1991; errors: Childs et al. 2021, arXiv:1912.08854.

    Examples
    --------
    >>> from qml import pauli
    >>> H = pauli("ZZ", -1.0) + pauli("XI", 0.5)
    >>> [str(operation) for operation in trotter(H, "t", steps=1, order=2)]
    ['RZZ(-t) 0 1', 'RX(t) 0', 'RZZ(-t) 0 1']
    """
    hamiltonian = as_pauli_sum(hamiltonian, "hamiltonian")
    steps, order = _checks.integer("steps", steps, low=1), _checks.integer("order", order, low=1, high=2)
    terms, tau = _terms(hamiltonian), as_affine(time, "time") / steps
    room_for(2 * steps * len(terms))
    if order == 1 or not terms:
        step = [_rotation(term, tau) for term in terms]
    else:
        half = [_rotation(term, tau / 2) for term in terms[:-1]]
        step = [*half, _rotation(terms[-1], tau), *reversed(half)]
    return Circuit(hamiltonian.n_qubits, step * steps)


def hamiltonian_variational(
    hamiltonian: PauliLike,
    layers: int,
    initial: Literal["plus"] | None = "plus",
    share: Literal["letters", "term", "layer"] = "letters",
    name: str = "",
) -> Circuit:
    r"""Layers of rotations about the terms of a Hamiltonian, with free evolution times.

    .. math:: U(t) = \prod_{l=L-1}^{0} \prod_g e^{-i t_{l,g} H_g}, \qquad H = \sum_g H_g

    Each factor is applied as the product of its terms' rotations (exact where they commute with each other, as those of
    the transverse-field Ising and Heisenberg models do), so the angle of term k is 2 c_k t. The term of the identity is
    left out.

    Parameters
    ----------
    hamiltonian : PauliSum, str or mapping
        Hermitian.
    layers : int
        L >= 0.
    initial : {"plus", None}
        "plus" puts H on every qubit first: from \|0...0> to the uniform superposition.
    share : {"letters", "term", "layer"}
        Which terms H_g share a time: those with equal letters, such as all ZZ (names ``t[l,ZZ]``, and the groups are
        applied one after the other), none (``t[l,ZZI]``), or all of a layer (``t[l]``: Trotter steps of free lengths).
    name : str
        Prefix of the parameter names: ``name.t[l,ZZ]``.

    Returns
    -------
    Circuit

    Raises
    ------
    InputError
        Where the Hamiltonian is not Hermitian, or an argument is not one of its options.

    Notes
    -----
    Wecker, Hastings and Troyer 2015, arXiv:1507.08941.

    Examples
    --------
    >>> from qml.operators import tfim
    >>> hamiltonian_variational(tfim(3, 1.0, 0.5), 2).parameters
    ('t[0,ZZ]', 't[0,X]', 't[1,ZZ]', 't[1,X]')
    """
    hamiltonian = as_pauli_sum(hamiltonian, "hamiltonian")
    layers = _checks.integer("layers", layers, low=0)
    _checks.choice("share", share, ("letters", "term", "layer"))
    terms, prefix = _terms(hamiltonian), prefix_of(name)
    room_for(layers * len(terms))
    keys = {label: {"letters": label.replace("I", ""), "term": label, "layer": ""}[share] for label, _ in terms}
    groups = list(dict.fromkeys(keys.values()))
    ordered = sorted(terms, key=lambda term: groups.index(keys[term[0]]))
    operations: list[Operation] = []
    if initial is not None:
        _checks.choice("initial", initial, ("plus",))
        operations += [gates.H(q) for q in range(hamiltonian.n_qubits)]
    for layer in range(layers):
        for term in ordered:
            place = f"{layer},{keys[term[0]]}" if keys[term[0]] else f"{layer}"
            operations.append(_rotation(term, Parameter(f"{prefix}t[{place}]")))
    return Circuit(hamiltonian.n_qubits, operations)


def _terms(hamiltonian: PauliSum) -> Sequence[Term]:
    """(label, real coefficient) of every term but the identity."""
    hermitian_sum("hamiltonian", hamiltonian, hamiltonian.dims)
    return [(label, float(complex(c).real)) for label, c in hamiltonian.terms if set(label) != {"I"}]


def _rotation(term: Term, time: Affine) -> Operation:
    """exp(-i t c P) on the qubits that P acts on."""
    label, c = term
    sites = tuple(q for q, letter in enumerate(label) if letter != "I")
    return Operation(gates.PauliRotation(label.replace("I", "")), sites, (time * (2 * c),))
