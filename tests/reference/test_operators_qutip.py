"""Operators against QuTiP: tensor products, partial traces, and Hamiltonians built there from single-site matrices."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import qutip
from helpers.arrays import complex_normal
from helpers.cases import every

from qml._checks import InputError
from qml.operators import (
    PauliSum,
    as_matrix,
    dims_of,
    embed,
    grid_edges,
    heisenberg,
    hubbard,
    j1j2,
    partial_trace_matrix,
    pauli,
    tensor_matrices,
    tfim,
    xxz,
)

SINGLE = {"I": qutip.qeye(2), "X": qutip.sigmax(), "Y": qutip.sigmay(), "Z": qutip.sigmaz()}
DIMS = (2, 3, 2, 4)
PLACEMENTS = [sites for k in range(1, 5) for sites in itertools.permutations(range(4), k)]


def on(n: int, letter: str, *sites: int) -> qutip.Qobj:
    """The same Pauli matrix on each of the sites."""
    return qutip.tensor([SINGLE[letter] if k in sites else SINGLE["I"] for k in range(n)])


def close(ours: np.ndarray, theirs: qutip.Qobj) -> None:
    np.testing.assert_allclose(ours, theirs.full(), atol=1e-12)


@pytest.mark.parametrize("label", ["X", "Y", "ZYX", "IYXZ", "YYYY"])
def test_strings(label):
    close(pauli(label).matrix(), qutip.tensor([SINGLE[letter] for letter in label]))


@every("sites", PLACEMENTS)
def test_embed_and_partial_trace_on_every_placement(sites):
    rng = np.random.default_rng(len(sites))
    factors = [complex_normal(rng, DIMS[s], DIMS[s]) for s in sites]
    theirs = [qutip.qeye(d) for d in DIMS]
    for s, f in zip(sites, factors, strict=True):
        theirs[s] = qutip.Qobj(f)
    close(embed(tensor_matrices(*factors), sites, DIMS), qutip.tensor(theirs))

    rho = complex_normal(rng, 48, 48)
    reduced = qutip.Qobj(rho, dims=[list(DIMS)] * 2).ptrace(sorted(sites))
    order = [sorted(sites).index(s) for s in sites]  # ptrace keeps the order of the register
    close(partial_trace_matrix(rho, sites, DIMS), reduced.permute(order))


@pytest.mark.parametrize("sites", [(0, 1), (1, 0), (3, 1), (0, 3), (2, 0, 3)])
def test_embed_of_entangling_operators(sites):
    dim = 2 ** len(sites)
    a = complex_normal(np.random.default_rng(1), dim, dim)
    full = qutip.tensor([qutip.Qobj(a, dims=[[2] * len(sites)] * 2), qutip.tensor([SINGLE["I"]] * (4 - len(sites)))])
    rest = [s for s in range(4) if s not in sites]
    where = [*sites, *rest]
    close(embed(a, sites, (2,) * 4), full.permute([where.index(s) for s in range(4)]))


def test_qobj_operators_are_taken_with_their_dims():
    a = qutip.rand_herm([2, 3], seed=1)
    close(as_matrix(a, (2, 3)), a)
    close(as_matrix(qutip.Qobj(a.full()), (2, 3)), a)  # a single site of dimension 6 says nothing about sites
    close(embed(a, (1, 0), (3, 2)), a.permute([1, 0]))
    assert dims_of(a) == (2, 3)
    with pytest.raises(InputError, match=r"sites of dimensions \(3, 2\); found a Qobj of dims \[\[2, 3\], \[2, 3\]\]"):
        as_matrix(a, (3, 2))
    with pytest.raises(InputError, match=r"found a Qobj of dims \[\[2\], \[1\]\]"):
        as_matrix(qutip.basis(2, 0), (2,))


def test_expectation_by_apply():
    psi = qutip.rand_ket([2] * 4, seed=2)
    h = heisenberg(4, (0.3, 0.5, 0.7), 0.2)
    v = psi.full().ravel()
    theirs = qutip.expect(qutip.Qobj(h.matrix(), dims=[[2] * 4] * 2), psi)
    assert np.vdot(v, h.apply(v)) == pytest.approx(theirs)


@every("periodic", [False, True])
@every("n", [2, 3, 4, 5])
def test_spin_chains(n, periodic):
    bonds = [(i, i + 1) for i in range(n - 1)] + ([(n - 1, 0)] if periodic and n > 2 else [])
    second = {  # (n, periodic): pairs at distance two, by hand
        (3, False): [(0, 2)],
        (4, False): [(0, 2), (1, 3)],
        (5, False): [(0, 2), (1, 3), (2, 4)],
        (4, True): [(0, 2), (1, 3)],
        (5, True): [(0, 2), (1, 3), (2, 4), (3, 0), (4, 1)],
    }.get((n, periodic), [])
    zero = 0 * on(n, "I")

    def coupled(letter, pairs):
        return sum((on(n, letter, i, j) for i, j in pairs), zero)

    def field(letter):
        return sum((on(n, letter, i) for i in range(n)), zero)

    close(tfim(n, 0.8, 0.6, periodic).matrix(), -0.8 * coupled("Z", bonds) - 0.6 * field("X"))
    theirs = 0.8 * (coupled("X", bonds) + coupled("Y", bonds) + 0.4 * coupled("Z", bonds)) - 0.3 * field("Z")
    close(xxz(n, 0.8, 0.4, 0.3, periodic).matrix(), theirs)
    theirs = 0.1 * coupled("X", bonds) + 0.2 * coupled("Y", bonds) + 0.3 * coupled("Z", bonds) - 0.4 * field("Z")
    close(heisenberg(n, (0.1, 0.2, 0.3), 0.4, periodic).matrix(), theirs)
    theirs = sum((0.7 * coupled(p, bonds) + 0.2 * coupled(p, second) for p in "XYZ"), zero)
    close(j1j2(n, 0.7, 0.2, periodic).matrix(), theirs)


def test_heisenberg_on_a_grid():
    bonds = [(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)]
    theirs = sum(on(6, p, i, j) for p in "XYZ" for i, j in bonds)
    close(heisenberg(6, edges=grid_edges(2, 3)).matrix(), theirs)


def fermions(n: int) -> list[qutip.Qobj]:
    """Jordan-Wigner annihilators made of QuTiP's two-level lowering operator, |1> occupied."""
    return [qutip.tensor([qutip.sigmaz()] * q + [qutip.destroy(2)] + [qutip.qeye(2)] * (n - q - 1)) for q in range(n)]


@pytest.mark.parametrize(
    ("n_sites", "periodic", "bonds"),
    [
        (1, False, []),
        (2, False, [(0, 1)]),
        (2, True, [(0, 1)]),
        (3, False, [(0, 1), (1, 2)]),
        (3, True, [(0, 1), (1, 2), (2, 0)]),
        (4, True, [(0, 1), (1, 2), (2, 3), (3, 0)]),
    ],
)
def test_hubbard_is_the_fermionic_operator(n_sites, periodic, bonds):
    t, U, mu = 0.9, 3.1, 0.4
    c = fermions(2 * n_sites)
    for p, q in itertools.product(range(2 * n_sites), repeat=2):  # the reference itself: canonical anticommutators
        anti = c[p] * c[q].dag() + c[q].dag() * c[p]
        assert (anti - (p == q)).norm("max") < 1e-14
    theirs = 0 * c[0]
    for spin in (0, n_sites):
        for i, j in bonds:
            theirs -= t * (c[spin + i].dag() * c[spin + j] + c[spin + j].dag() * c[spin + i])
    for i in range(n_sites):
        up, down = c[i].dag() * c[i], c[n_sites + i].dag() * c[n_sites + i]
        theirs += U * up * down - mu * (up + down)
    close(hubbard(n_sites, t, U, mu, periodic).matrix(), theirs)


def test_hubbard_on_a_plaquette():
    bonds = [(0, 1), (2, 3), (0, 2), (1, 3)]
    c = fermions(8)
    theirs = sum(-(c[s + i].dag() * c[s + j] + c[s + j].dag() * c[s + i]) for s in (0, 4) for i, j in bonds)
    theirs += 4 * sum(c[i].dag() * c[i] * c[4 + i].dag() * c[4 + i] for i in range(4))
    close(hubbard(4, U=4.0, edges=grid_edges(2, 2)).matrix(), theirs)


def test_from_matrix_of_a_random_hermitian_operator():
    a = qutip.rand_herm([2] * 3, seed=3)
    expansion = PauliSum.from_matrix(a.full())
    for label, c in expansion.terms:
        assert c == pytest.approx((qutip.tensor([SINGLE[letter] for letter in label]) * a).tr().real / 8)
    close(expansion.matrix(), a)
