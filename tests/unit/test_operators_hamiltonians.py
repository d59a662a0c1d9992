"""Hamiltonians of the library, and operators on any sites."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from helpers.arrays import complex_normal

from qml import _checks
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


class TestHamiltonians:
    @pytest.mark.parametrize(
        ("n", "J", "h"), [(4, 1.0, 1.0), (5, 1.0, 0.3), (5, 0.7, 2.0), (8, 1.0, 1.0), (4, -1.0, 0.5), (8, 0.7, -0.3)]
    )
    def test_tfim_ring_ground_energy_is_that_of_free_fermions(self, n, J, h):
        # -sum_k sqrt(J^2 + h^2 - 2 |J h| cos k), k = pi (2 m + 1) / n; on even rings a sublattice flip maps J to -J
        k = np.pi * (2 * np.arange(n) + 1) / n
        exact = -np.sqrt(J**2 + h**2 - 2 * abs(J * h) * np.cos(k)).sum()
        lowest = np.linalg.eigvalsh(tfim(n, J, h, periodic=True).matrix())[0]
        assert lowest == pytest.approx(exact, rel=1e-12)

    def test_heisenberg_of_two_qubits_is_singlet_and_triplet(self):
        np.testing.assert_allclose(np.linalg.eigvalsh(heisenberg(2, J=1.5).matrix()), [-4.5, 1.5, 1.5, 1.5])

    def test_heisenberg_ring_of_four(self):
        # with spins 1/2, (S_0 + S_2) . (S_1 + S_3) of two spins one in a singlet: -2, times four for Pauli matrices
        assert np.linalg.eigvalsh(heisenberg(4, periodic=True).matrix())[0] == pytest.approx(-8.0)

    @pytest.mark.parametrize("n", [6, 8])
    def test_majumdar_ghosh_point(self, n):
        energies = np.linalg.eigvalsh(j1j2(n, 1.0, 0.5, periodic=True).matrix())
        assert energies[:2] == pytest.approx([-1.5 * n, -1.5 * n])
        assert energies[2] > -1.5 * n + 0.1

    @pytest.mark.parametrize(("t", "U"), [(1.0, 4.0), (0.5, 8.0), (1.0, 0.0), (2.0, 1.0)])
    def test_hubbard_dimer_at_half_filling(self, t, U):
        h = hubbard(2, t=t, U=U).matrix()
        electrons = np.bitwise_count(np.arange(16))
        assert not h[electrons[:, None] != electrons].any()
        half = h[np.ix_(electrons == 2, electrons == 2)]
        assert np.linalg.eigvalsh(half)[0] == pytest.approx((U - math.sqrt(U**2 + 16 * t**2)) / 2)

    def test_hubbard_ordering_is_all_up_then_all_down(self):
        energies = np.diagonal(hubbard(3, t=0.0, U=2.0, mu=0.25).matrix()).real
        assert energies[0b100100] == pytest.approx(2.0 - 0.5)  # up and down on site 0
        assert energies[0b110000] == pytest.approx(-0.5)  # up on sites 0 and 1
        assert energies[0] == 0.0

    def test_hubbard_ring_of_free_fermions_carries_the_signs_of_exchange(self):
        # levels -2t, t, t per spin; without Jordan-Wigner strings two particles would have other energies
        energies = np.linalg.eigvalsh(hubbard(3, U=0.0, periodic=True).matrix())
        levels = np.array([-2.0, 1.0, 1.0, -2.0, 1.0, 1.0])
        filled = np.array(list(itertools.product([0, 1], repeat=6))) @ levels
        np.testing.assert_allclose(energies, np.sort(filled), atol=1e-12)

    def test_coefficients_are_real(self):
        for h in (tfim(3), xxz(3, h=0.2), heisenberg(3, (1, 2, 3), 1.0), j1j2(4), hubbard(3, mu=0.1, periodic=True)):
            assert all(isinstance(c, float) for c in h.coefficients)

    def test_xxz_is_heisenberg_with_two_equal_couplings(self):
        assert xxz(4, J=2.0, delta=0.5, h=0.1, periodic=True) == heisenberg(4, (2.0, 2.0, 1.0), 0.1, periodic=True)

    def test_one_site_has_no_bonds(self):
        assert tfim(1, h=0.5, periodic=True) == pauli("X", -0.5)
        assert heisenberg(1, h=0.5, periodic=True) == pauli("Z", -0.5)
        assert xxz(1).terms == ()
        assert j1j2(1, periodic=True).terms == ()
        assert hubbard(1, U=4.0, mu=2.0, periodic=True) == PauliSum.from_terms({"II": -1.0, "ZZ": 1.0})

    def test_a_ring_of_two_has_one_bond(self):
        for model in (tfim, xxz, heisenberg, j1j2, hubbard):
            assert model(2, periodic=True) == model(2)

    @pytest.mark.parametrize(("n", "nearest", "next_nearest"), [(2, 1, 0), (3, 3, 0), (4, 4, 2), (5, 5, 5), (6, 6, 6)])
    def test_ring_bonds_count_once(self, n, nearest, next_nearest):
        h = j1j2(n, J1=1.0, J2=10.0, periodic=True)
        assert h.coefficients.count(1.0) == 3 * nearest
        assert h.coefficients.count(10.0) == 3 * next_nearest
        assert set(h.coefficients) <= {1.0, 10.0}

    def test_edges_replace_the_chain(self):
        ring = [(0, 1), (2, 1), (2, 3), (3, 0)]
        assert tfim(4, edges=ring) == tfim(4, periodic=True)
        assert heisenberg(4, edges=ring) == heisenberg(4, periodic=True)
        assert xxz(4, edges=()) == 0 * pauli("IIII")
        assert hubbard(4, edges=ring) == hubbard(4, periodic=True)

    def test_grids(self):
        assert grid_edges(1, 1) == ()
        assert grid_edges(1, 4) == ((0, 1), (1, 2), (2, 3))
        assert set(grid_edges(2, 3)) == {(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)}
        assert len(grid_edges(3, 4, periodic=True)) == 2 * 12
        assert grid_edges(2, 2, periodic=True) == grid_edges(2, 2)
        # a 2 x 2 plaquette is a ring of four
        assert np.linalg.eigvalsh(heisenberg(4, edges=grid_edges(2, 2)).matrix())[0] == pytest.approx(-8.0)

    def test_torus_joins_every_site_to_four_others(self):
        degree = np.bincount(np.ravel(grid_edges(3, 4, periodic=True)))
        assert (degree == 4).all()

    def test_refusals(self):
        with pytest.raises(InputError, match="n must be an integer of at least 1; found 0"):
            tfim(0)
        with pytest.raises(InputError, match="n_sites must be an integer of at least 1"):
            hubbard(0)
        with pytest.raises(InputError, match="h must be a finite number; found nan"):
            tfim(2, h=math.nan)
        with pytest.raises(InputError, match=r"J must be one number or three, \(Jx, Jy, Jz\)"):
            heisenberg(2, J=(1.0, 2.0))
        with pytest.raises(InputError, match="J must be an array of numbers"):
            heisenberg(2, J=(1.0, 2.0, "a"))
        with pytest.raises(InputError, match="list the closing bonds among the edges"):
            tfim(3, periodic=True, edges=[(0, 1)])
        with pytest.raises(InputError, match=r"each bond once; found \(1, 0\) again"):
            tfim(3, edges=[(0, 1), (1, 0)])
        with pytest.raises(InputError, match=r"edges must be pairs of sites; found \(0, 1, 2\)"):
            tfim(3, edges=[(0, 1, 2)])
        with pytest.raises(InputError, match="sites from 0 to 2; found 3"):
            tfim(3, edges=[(0, 3)])
        with pytest.raises(InputError, match="distinct sites"):
            tfim(3, edges=[(1, 1)])
        with pytest.raises(InputError, match="columns must be an integer of at least 1"):
            grid_edges(2, 0)


class TestSites:
    def test_embed_on_neighbors_is_a_kronecker_product(self):
        rng = np.random.default_rng(0)
        a = complex_normal(rng, 6, 6)
        expected = np.kron(np.kron(np.eye(2), a), np.eye(2))
        np.testing.assert_array_equal(embed(a, (1, 2), (2, 3, 2, 2)), expected)

    def test_embed_follows_the_listed_order(self):
        rng = np.random.default_rng(1)
        a, b = complex_normal(rng, 2, 2), complex_normal(rng, 3, 3)
        expected = np.kron(np.kron(b, np.eye(2)), a)
        np.testing.assert_allclose(embed(np.kron(a, b), (2, 0), (3, 2, 2)), expected, atol=1e-15)

    def test_embed_of_all_sites_in_order_and_of_none(self):
        a = complex_normal(np.random.default_rng(2), 6, 6)
        np.testing.assert_array_equal(embed(a, (0, 1), (2, 3)), a)
        np.testing.assert_array_equal(embed([[2.0]], (), (2, 3)), 2 * np.eye(6))

    def test_embed_takes_pauli_sums(self):
        np.testing.assert_array_equal(embed(pauli("XZ"), (3, 1), (2,) * 4), pauli("IZIX").matrix())

    def test_partial_trace_of_a_product(self):
        rng = np.random.default_rng(3)
        a, b, c = complex_normal(rng, 2, 2), complex_normal(rng, 3, 3), complex_normal(rng, 4, 4)
        full = tensor_matrices(a, b, c)
        dims = (2, 3, 4)
        np.testing.assert_allclose(partial_trace_matrix(full, [2, 0], dims), np.trace(b) * np.kron(c, a), atol=1e-12)
        np.testing.assert_allclose(partial_trace_matrix(full, [1], dims), np.trace(a) * np.trace(c) * b, atol=1e-12)
        np.testing.assert_array_equal(partial_trace_matrix(full, [0, 1, 2], dims), full)
        np.testing.assert_allclose(partial_trace_matrix(full, [], dims), [[np.trace(full)]], atol=1e-12)

    def test_partial_trace_is_the_adjoint_of_embed(self):
        rng = np.random.default_rng(4)
        rho, a = complex_normal(rng, 12, 12), complex_normal(rng, 4, 4)
        left = np.trace(rho @ embed(a, (2, 0), (2, 3, 2)))
        assert left == pytest.approx(np.trace(partial_trace_matrix(rho, (2, 0), (2, 3, 2)) @ a))

    def test_batches(self):
        rng = np.random.default_rng(5)
        rho = complex_normal(rng, 2, 3, 8, 8)
        reduced = partial_trace_matrix(rho, [2], (2, 2, 2))
        assert reduced.shape == (2, 3, 2, 2)
        np.testing.assert_allclose(reduced[1, 2], partial_trace_matrix(rho[1, 2], [2], (2, 2, 2)))
        products = tensor_matrices(rho[:, :1], rho[:1])
        assert products.shape == (2, 3, 64, 64)
        np.testing.assert_array_equal(products[1, 2], np.kron(rho[1, 0], rho[0, 2]))

    def test_sites_of_dimension_one(self):
        a = complex_normal(np.random.default_rng(6), 2, 2)
        np.testing.assert_array_equal(embed(a, (1,), (1, 2, 1)), a)
        np.testing.assert_array_equal(partial_trace_matrix(a, (1, 0), (1, 2, 1)), a)

    def test_as_matrix_and_dims_of(self):
        np.testing.assert_array_equal(as_matrix([[0, 1], [0, 0]], (2,)), [[0, 1], [0, 0]])
        np.testing.assert_array_equal(as_matrix(pauli("XY"), (2, 2)), np.kron([[0, 1], [1, 0]], [[0, -1j], [1j, 0]]))
        assert as_matrix(np.eye(6), (2, 3)).dtype == np.complex128
        assert dims_of(pauli("XY")) == dims_of(np.eye(4)) == (2, 2)
        assert dims_of(np.eye(6)) == (6,)

    def test_refusals(self):
        with pytest.raises(InputError, match=r"sites of dimensions \(2, 3\); found a Pauli sum on 2 qubits"):
            as_matrix(pauli("XX"), (2, 3))
        with pytest.raises(InputError, match=r"the operator must act on dimension 6; found a matrix of shape \(4, 4\)"):
            as_matrix(np.eye(4), (2, 3))
        with pytest.raises(InputError, match=r"one matrix of shape \(2, 2\); found shape \(3, 2, 2\)"):
            as_matrix(np.zeros((3, 2, 2)), (2,))
        with pytest.raises(InputError, match="distinct sites"):
            embed(np.eye(4), (1, 1), (2, 2))
        with pytest.raises(InputError, match="act on dimension 3; found a matrix of shape"):
            embed(np.eye(2), (1,), (2, 3))
        with pytest.raises(InputError, match="keep must be sites from 0 to 1; found 2"):
            partial_trace_matrix(np.eye(4), [2], (2, 2))
        with pytest.raises(InputError, match="dims must multiply to the dimension 4"):
            partial_trace_matrix(np.eye(4), [0], (2, 3))
        with pytest.raises(InputError, match="at least one matrix; found none"):
            tensor_matrices()
        with pytest.raises(InputError, match=r"factor 1 of a tensor product must have shape"):
            tensor_matrices(np.eye(2), np.ones((2, 3)))
        with pytest.raises(InputError, match=r"must broadcast; found shapes \[\(2,\), \(3,\)\]"):
            tensor_matrices(np.ones((2, 2, 2)), np.ones((3, 2, 2)))

    def test_what_does_not_fit_is_refused_before_allocating(self, monkeypatch):
        monkeypatch.setattr(_checks, "ALWAYS_FITS", 0)
        monkeypatch.setattr(_checks, "available_memory", lambda: 16 * 64 - 1)
        with pytest.raises(_checks.MemoryRefused, match="an operator on dimension 8"):
            embed(np.eye(2), (1,), (2, 2, 2))
        with pytest.raises(_checks.MemoryRefused, match="a tensor product of dimension 8"):
            tensor_matrices(np.eye(2), np.eye(4))


def test_hubbard_models_of_too_many_qubits_are_refused_before_anything_is_built(monkeypatch):
    monkeypatch.setattr("qml.operators.hamiltonians._annihilator", None)
    with pytest.raises(_checks.MemoryRefused, match="at most 4096 qubits, to fit in memory; found 4200"):
        hubbard(2100)
