"""Pauli sums, Hamiltonians and site algebra against plain matrices, exact results and their error sentences."""

from __future__ import annotations

import itertools
import math
import pickle

import numpy as np
import pytest
from helpers.arrays import complex_normal

from qml import GibbsModel, _checks
from qml._checks import InputError
from qml.losses import FreeEnergy
from qml.operators import (
    PauliSum,
    heisenberg,
    pauli,
    tfim,
    xxz,
)
from qml.states import ghz, thermal

ONE = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def kron_label(label: str) -> np.ndarray:
    out = np.eye(1)
    for letter in label:
        out = np.kron(out, ONE[letter])
    return out


class TestPauliSum:
    @pytest.mark.parametrize("n", [1, 2, 3])
    def test_every_string_is_the_kronecker_product_of_its_letters(self, n):
        for letters in itertools.product("IXYZ", repeat=n):
            label = "".join(letters)
            p = pauli(label)
            assert p.labels == (label,)
            np.testing.assert_array_equal(p.matrix(), kron_label(label))
            np.testing.assert_array_equal(p.sparse().toarray(), kron_label(label))

    def test_letters_are_placed_on_the_listed_sites(self):
        assert pauli("XZ", sites=(0, 3), n=5) == pauli("XIIZI")
        assert pauli("XZ", 2j, sites=(3, 0), n=5) == pauli("ZIIXI", 2j)

    @pytest.mark.parametrize("n", [1, 2, 3, 4])
    def test_from_matrix_is_the_trace_formula_and_comes_back(self, n):
        rng = np.random.default_rng(n)
        a = complex_normal(rng, 2**n, 2**n)
        expansion = PauliSum.from_matrix(a)
        assert len(expansion.terms) == 4**n
        assert list(expansion.labels) == sorted(expansion.labels)
        for label, c in expansion.terms:
            assert c == pytest.approx(np.trace(kron_label(label) @ a) / 2**n, abs=1e-14)
        np.testing.assert_allclose(expansion.matrix(), a, atol=1e-13)

    def test_from_matrix_of_a_hermitian_matrix_has_exactly_real_coefficients(self):
        a = complex_normal(np.random.default_rng(5), 16, 16)
        expansion = PauliSum.from_matrix(a + a.conj().T)
        assert len(expansion.terms) == 256
        assert all(isinstance(c, float) for c in expansion.coefficients)

    def test_from_matrix_leaves_rounding_out(self):
        h = tfim(4, J=0.1, h=0.3)
        expansion = PauliSum.from_matrix(h.matrix())
        assert set(expansion.labels) == set(h.labels)
        assert expansion.coefficients == pytest.approx([dict(h.terms)[label] for label in expansion.labels], rel=1e-14)
        assert PauliSum.from_matrix(np.zeros((4, 4))).terms == ()

    def test_order_of_terms_is_that_of_first_appearance_and_does_not_enter_equality(self):
        a, b = pauli("ZZ", -1.0), pauli("XI", 0.5)
        assert (a + b).labels == ("ZZ", "XI")
        assert (b + a + a).labels == ("XI", "ZZ")
        assert a + b == b + a
        assert hash(a + b) == hash(b + a)
        assert a + b != a - b
        assert a != "ZZ"
        assert pauli("X") != pauli("XI")

    def test_equal_strings_merge_and_exact_zeros_vanish(self):
        zero = pauli("XX") - pauli("XX")
        assert zero.terms == ()
        assert zero.n_qubits == 2
        assert str(zero) == "0"
        assert zero == PauliSum.from_terms({}, n_qubits=2) == 0 * pauli("ZZ")
        np.testing.assert_array_equal(zero.matrix(), np.zeros((4, 4)))
        np.testing.assert_array_equal(zero.sparse().toarray(), np.zeros((4, 4)))
        assert not zero.apply(np.ones(4)).any()
        assert zero.is_hermitian

    def test_single_qubit_multiplication_table(self):
        x, y, z, one = (pauli(letter) for letter in "XYZI")
        assert x @ y == 1j * z
        assert y @ x == -1j * z
        assert y @ z == 1j * x
        assert z @ x == 1j * y
        assert x @ x == y @ y == z @ z == one

    def test_coefficients_are_floats_exactly_where_real(self):
        product = pauli("XY", 0.5) @ pauli("YX", 3.0)
        assert product.terms == (("ZZ", 1.5),)
        assert isinstance(product.coefficients[0], float)
        assert isinstance((pauli("X") @ pauli("Y")).coefficients[0], complex)

    def test_scalars_of_every_kind(self):
        a = pauli("XZ", 2.0)
        assert np.float64(0.5) * a == a * 0.5 == a / 2 == a * np.array(0.5) == pauli("XZ")
        assert np.complex128(1j) * a == pauli("XZ", 2j)
        assert -a == -1 * a == pauli("XZ", -2.0)
        assert sum([a, a]) == 2 * a

    def test_adjoint_and_hermiticity(self):
        a = PauliSum.from_terms({"XY": 1 + 2j, "ZI": 3.0})
        np.testing.assert_array_equal(a.adjoint().matrix(), a.matrix().conj().T)
        assert not a.is_hermitian
        assert (a + a.adjoint()).is_hermitian
        assert pauli("X", 1 + 1e-11j).is_hermitian
        assert not pauli("X", 1 + 1e-9j).is_hermitian

    def test_commutation(self):
        total_z = PauliSum.from_terms({"ZII": 0.1, "IZI": 0.1, "IIZ": 0.1})
        assert xxz(3, 0.7, 0.3, periodic=True).commutes_with(total_z)
        assert not tfim(3).commutes_with(total_z)
        assert tfim(3, periodic=True).commutes_with(pauli("XXX"))
        assert pauli("XY").commutes_with(pauli("YX"))
        # the size of the coefficients does not decide
        assert not (1e-9 * pauli("X")).commutes_with(1e-9 * pauli("Z"))

    @pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
    def test_apply_is_the_matrix_on_vectors(self, batch):
        rng = np.random.default_rng(7)
        a = PauliSum.from_matrix(complex_normal(rng, 8, 8))
        psi = complex_normal(rng, *batch, 8)
        np.testing.assert_allclose(a.apply(psi), np.einsum("ij,...j->...i", a.matrix(), psi), atol=1e-12)

    def test_sparse_stores_only_what_is_non_zero(self):
        h = heisenberg(4)
        s = h.sparse()
        assert s.format == "csr"
        assert s.nnz == np.count_nonzero(h.matrix()) < 16 * 4
        np.testing.assert_array_equal(s.toarray(), h.matrix())

    def test_algebra_needs_no_matrices(self):
        n = 300
        x, z = pauli("X" * n), pauli("Z", sites=(n - 1,), n=n)
        assert not x.commutes_with(z)
        assert (x @ z @ x @ z) == -pauli("I" * n)

    def test_attributes_and_pickling(self):
        a = PauliSum.from_terms([("XYZ", 0.5), ("ZII", 1j)])
        assert a.dims == (2, 2, 2)
        assert a.words == ((0b110, 0b011), (0b000, 0b100))
        assert PauliSum.from_terms(a.terms) == a == pickle.loads(pickle.dumps(a))

    def test_displays(self):
        a = PauliSum.from_terms({"XX": -1.0, "ZI": 0.5, "IY": -1j, "II": 2j, "YY": 0.5 - 0.25j, "ZZ": 1.0})
        assert str(a) == "-XX + 0.5*ZI - i*IY + 2i*II + (0.5-0.25i)*YY + ZZ"
        assert repr(a) == f"<PauliSum on 2 qubits: {a}>"
        assert repr(pauli("Z")) == "<PauliSum on 1 qubit: Z>"
        latex = (pauli("XIZ", 0.5) - pauli("III"))._repr_latex_()
        assert latex == r"$\displaystyle 0.5\,X_{0}Z_{2} - \mathbb{1}$"

    def test_long_sums_are_shortened_in_notebooks_but_not_in_str(self):
        h = tfim(20)
        assert repr(h).endswith(" + ...>")
        assert len(repr(h)) < 400
        assert h._repr_latex_().endswith(r" + \cdots$")
        assert str(h).count("X") == 20

    def test_what_does_not_fit_is_refused_before_allocating(self, monkeypatch):
        h = tfim(6)
        monkeypatch.setattr(_checks, "ALWAYS_FITS", 0)
        monkeypatch.setattr(_checks, "available_memory", lambda: 16 * 4**6 - 1)
        with pytest.raises(_checks.MemoryRefused, match=r"dense matrix of a Pauli sum on 6 qubits .* use \.sparse"):
            h.matrix()
        monkeypatch.setattr(_checks, "available_memory", lambda: 1000)
        with pytest.raises(_checks.MemoryRefused, match=r"sparse matrix .* use \.apply"):
            h.sparse()
        with pytest.raises(_checks.MemoryRefused, match="Pauli expansion on 4 qubits"):
            PauliSum.from_matrix(np.eye(16))
        for make in (lambda n: pauli("X", sites=(0,), n=n), lambda n: PauliSum.from_terms({}, n_qubits=n).dims):
            with pytest.raises(_checks.MemoryRefused, match="at most 4096 qubits"):
                make(10**6)


class TestPauliSumRefuses:
    @pytest.mark.parametrize("label", ["", "XA", "xz", 3, None])
    def test_labels(self, label):
        with pytest.raises(InputError, match="letters I, X, Y, Z; found"):
            pauli(label)

    def test_sites(self):
        with pytest.raises(InputError, match=r"sites and n must be given together; found sites = \(0, 1\), n = None"):
            pauli("XZ", sites=(0, 1))
        with pytest.raises(InputError, match="one qubit for each letter of 'XZ'"):
            pauli("XZ", sites=(0,), n=3)
        with pytest.raises(InputError, match="distinct sites"):
            pauli("XZ", sites=(1, 1), n=3)
        with pytest.raises(InputError, match="sites from 0 to 2; found 3"):
            pauli("XZ", sites=(0, 3), n=3)

    def test_terms(self):
        with pytest.raises(InputError, match="every label must have 2 letters; found 'XXX'"):
            PauliSum.from_terms({"XX": 1.0, "XXX": 1.0})
        with pytest.raises(InputError, match="every label must have 3 letters; found 'XX'"):
            PauliSum.from_terms({"XX": 1.0}, n_qubits=3)
        with pytest.raises(InputError, match="at least one label; found none: pass n_qubits"):
            PauliSum.from_terms({})
        with pytest.raises(InputError, match=r"pairs \(label, coefficient\), or a mapping; found 'XX'"):
            PauliSum.from_terms("XX")
        with pytest.raises(InputError, match=r"pairs \(label, coefficient\), or a mapping; found 5"):
            PauliSum.from_terms(5)
        with pytest.raises(InputError, match="n_qubits must be an integer of at least 1"):
            PauliSum.from_terms({}, n_qubits=0)

    def test_coefficients(self):
        with pytest.raises(InputError, match="the coefficient of 'X' must be finite; found nan"):
            pauli("X", math.nan)
        with pytest.raises(InputError, match="the coefficient of 'X' must be an array of numbers; found str"):
            pauli("X", "a")
        with pytest.raises(InputError, match=r"the coefficient of 'X' must be one number; found an array of shape"):
            pauli("X", [1.0, 2.0])

    @pytest.mark.parametrize("shape", [(3, 3), (1, 1), (2, 4, 4)])
    def test_matrices_of_other_shapes(self, shape):
        with pytest.raises(InputError, match=r"matrix must have shape \(2\^n, 2\^n\) with n >= 1"):
            PauliSum.from_matrix(np.zeros(shape))

    def test_algebra(self):
        a = pauli("XX")
        with pytest.raises(InputError, match=r"on 2 qubits cannot be added to one on 1 qubit: place the smaller one"):
            a + pauli("X")
        with pytest.raises(InputError, match="cannot be multiplied by one on 1 qubit"):
            a @ pauli("X")
        with pytest.raises(InputError, match="can be combined with another Pauli sum; found int"):
            a - 1
        with pytest.raises(InputError, match=r"can be multiplied by another Pauli sum; found ndarray: use \.apply"):
            a @ np.ones(4)
        with pytest.raises(InputError, match=r"cannot be added to 2: add a multiple of the identity"):
            2 + a
        with pytest.raises(InputError, match="write A @ B"):
            a * a
        with pytest.raises(InputError, match="the factor of a Pauli sum must be finite"):
            math.inf * a
        with pytest.raises(InputError, match="divisor of a Pauli sum must not be zero"):
            a / 0
        with pytest.raises(
            InputError, match=r"psi must have shape \(\.\.\., 4\), vectors of 2 qubits; found shape \(3,\)"
        ):
            a.apply(np.ones(3))
        with pytest.raises(TypeError):
            np.ones((4, 4)) @ a


UNITS = [1e-30, 1e-12, 1.0, 1e20]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    "take",
    [
        lambda a: thermal(a, 1.0),
        lambda a: GibbsModel([a]),
        lambda a: FreeEnergy().value(a, ghz(1)),
    ],
    ids=["thermal", "generators", "energies"],
)
def test_whether_an_operator_is_hermitian_does_not_depend_on_its_unit(take, unit):
    take(unit * np.array([[1.0, 1j], [-1j + 1e-12, -1.0]]))
    with pytest.raises(InputError, match="must be Hermitian"):
        take(unit * np.array([[0.0, 1.0], [0.0, 0.0]]))
    assert not pauli("X", unit * 1j).is_hermitian


def test_expectations_of_differences_of_states_that_are_rounding():
    rounding = np.array([[0.0, 1e-16], [-1e-16j, 0.0]])
    assert abs(ghz(1).expect(rounding)) < 1e-15
    with pytest.raises(InputError, match="must be Hermitian"):
        ghz(1).expect(1e4 * rounding)
