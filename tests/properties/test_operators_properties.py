"""The algebra of Pauli sums is that of their matrices."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qml.operators import PauliSum

numbers = st.integers(-8, 8).map(lambda k: k / 4)  # exact in binary, so that equality can be exact
coefficients = st.builds(complex, numbers, numbers)


def sums(n: int) -> st.SearchStrategy[PauliSum]:
    labels = st.text("IXYZ", min_size=n, max_size=n)
    return st.lists(st.tuples(labels, coefficients), max_size=5).map(lambda terms: PauliSum.from_terms(terms, n))


pairs = st.integers(1, 4).flatmap(lambda n: st.tuples(sums(n), sums(n)))
triples = st.integers(1, 4).flatmap(lambda n: st.tuples(sums(n), sums(n), sums(n)))


@given(triples, coefficients)
def test_ring_axioms_hold_exactly(abc, s):
    a, b, c = abc
    assert (a @ b) @ c == a @ (b @ c)
    assert a @ (b + c) == a @ b + a @ c
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert hash(a + b) == hash(b + a)
    assert s * (a @ b) == (s * a) @ b == a @ (s * b)
    assert a - a == 0 * a


@given(pairs)
def test_the_adjoint_reverses_products(ab):
    a, b = ab
    assert (a @ b).adjoint() == b.adjoint() @ a.adjoint()
    assert a.adjoint().adjoint() == a
    assert (a @ a.adjoint()).is_hermitian
    assert a.is_hermitian == (a.adjoint() == a)


@given(pairs, coefficients)
def test_the_matrix_is_a_homomorphism(ab, s):
    a, b = ab
    A, B = a.matrix(), b.matrix()
    np.testing.assert_array_equal((a @ b).matrix(), A @ B)
    np.testing.assert_array_equal((a + b).matrix(), A + B)
    np.testing.assert_array_equal((s * a).matrix(), s * A)
    np.testing.assert_array_equal(a.adjoint().matrix(), A.conj().T)
    np.testing.assert_array_equal(a.sparse().toarray(), A)
    np.testing.assert_array_equal(a.apply(B.T).T, A @ B)
    assert a.commutes_with(b) == np.array_equal(A @ B, B @ A)


@given(st.integers(1, 4).flatmap(sums))
def test_terms_and_matrix_come_back(a):
    assert PauliSum.from_terms(a.terms, a.n_qubits) == a
    assert PauliSum.from_matrix(a.matrix()) == a
