"""Sets of generators: which operators are there, that they are independent, and what cannot be had."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from qml._checks import InputError, MemoryRefused
from qml.operators import GENERATORS, hermitian, named_operators, neighbors, projectors, up_to_weight


def matrices(generators):
    return [g.matrix() if hasattr(g, "matrix") else g for g in named_operators(generators).values()]


@pytest.mark.parametrize("name", GENERATORS)
def test_every_set_is_hermitian_and_independent(name):
    found = matrices(GENERATORS[name](3))
    assert all(np.array_equal(g, g.conj().T) for g in found)
    assert np.linalg.matrix_rank(np.array([g.ravel() for g in found])) == len(found)


def test_strings_of_all_weights_and_hermitian_operators_span_all_matrices():
    assert len(matrices(up_to_weight(3, 3))) == 4**3 - 1
    assert {g.labels[0] for g in neighbors(3, 5)} == {g.labels[0] for g in up_to_weight(3, 3)}
    assert len(matrices(hermitian(5))) == 25
    assert np.array_equal(sum(projectors(4).values()), np.eye(4))


def test_neighbors_are_consecutive_on_a_chain_and_on_a_ring():
    def spans(label, periodic, n):
        windows = [{(start + k) % n for k in range(2)} for start in range(n if periodic else n - 1)]
        return any({q for q in range(n) if label[q] != "I"} <= window for window in windows)

    every = ["".join(letters) for letters in itertools.product("IXYZ", repeat=4)]
    for periodic in (False, True):
        found = {g.labels[0] for g in neighbors(4, 2, periodic)}
        assert found == {label for label in every if label != "IIII" and spans(label, periodic, 4)}


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: neighbors(0), "n must be"),
        (lambda: neighbors(3, 0), "weight must be an integer of at least 1; found 0"),
        (lambda: neighbors(24, 24), "Pauli strings needs .* GiB.*use a smaller weight"),
        (lambda: up_to_weight(24, 20), "Pauli strings needs .* GiB.*use a smaller weight"),
        (lambda: up_to_weight(3, 1.5), "weight must be an integer"),
        (lambda: projectors(1), "levels must be an integer of at least 2; found 1"),
        (lambda: hermitian(10_000), "use fewer levels"),
    ],
)
def test_sentences(call, sentence):
    with pytest.raises((InputError, MemoryRefused), match=sentence):
        call()
