"""Bits drawn from states, and expectations of Pauli strings and mappings."""

import numpy as np
import pytest
import scipy.stats

import qml
from qml import operators, states
from qml._checks import InputError, MemoryRefused
from qml.engines.pauli.conversion import vector_of
from qml.engines.pauli_state import PauliState
from qml.states import DensityMatrix, GibbsState, ProductState

RHO = states.ginibre((2, 3), np.random.default_rng(0))


def test_samples_follow_the_probabilities_of_all_sites():
    levels = RHO.sample(20_000, np.random.default_rng(1))
    assert levels.shape == (20_000, 2)
    counts = np.bincount(np.ravel_multi_index(levels.T, RHO.dims), minlength=6)
    assert scipy.stats.chisquare(counts, 20_000 * RHO.probabilities()).pvalue > 1e-3
    batch = states.ginibre((2, 2), np.random.default_rng(2), batch=3)
    bits = batch.sample(5000, 3)
    assert bits.shape == (3, 5000, 2)
    np.testing.assert_allclose(bits.mean(axis=1)[:, 0], batch.probabilities()[:, 2:].sum(axis=1), atol=0.03)


def test_a_seed_is_a_generator_of_that_seed_and_impossible_outcomes_never_come():
    np.testing.assert_array_equal(RHO.sample(50, 4), RHO.sample(50, np.random.default_rng(4)))
    assert not np.array_equal(RHO.sample(50, 4), RHO.sample(50, 5))
    assert np.ptp(states.ghz(3).sample(1000, 0), axis=1).max() == 0
    assert (states.basis_state("0110").sample(100, 0) == [0, 1, 1, 0]).all()
    assert states.w_state(4).sample(1000, 1).sum(axis=1).tolist() == [1] * 1000
    assert RHO.sample(0, 1).shape == (0, 2)
    assert ProductState([states.ghz(2), RHO]).sample(3, 0).shape == (3, 4)
    for wrong in (lambda: RHO.sample(-1, 0), lambda: RHO.sample(3, 0.5), lambda: RHO.sample(3, -1)):
        with pytest.raises(InputError):
            wrong()
    with pytest.raises(MemoryRefused, match="draw fewer shots"):
        RHO.sample(10**13, 0)


def test_strings_and_mappings_are_pauli_sums():
    rng = np.random.default_rng(6)
    rho = states.ginibre((2, 2, 2), rng)
    held = [
        rho,
        states.ginibre((2, 2, 2), rng, rank=2),
        states.haar_pure((2, 2, 2), rng),
        states.ginibre((2, 2, 2), rng, rank=2, batch=3),
        GibbsState(rng.normal(size=8)),
        DensityMatrix.from_probabilities(rng.dirichlet(np.ones(8))),
        ProductState([states.ghz(2), states.maximally_mixed(1)]),
        PauliState(vector_of(rho.matrix(), 3), 3),
    ]
    terms = {"XYZ": 0.5, "ZZI": -1.5, "IIX": 2.0, "YYI": 0.25}
    for sigma in held:
        each = {s: np.einsum("...ij,ji->...", sigma.matrix(), operators.pauli(s).matrix()).real for s in terms}
        for s, expected in each.items():
            np.testing.assert_allclose(sigma.expect(s), expected, atol=1e-13)
        total = sum(c * each[s] for s, c in terms.items())
        for o in (terms, operators.PauliSum.from_terms(terms), operators.PauliSum.from_terms(terms).matrix()):
            np.testing.assert_allclose(sigma.expect(o), total, atol=1e-13)


def test_expectations_of_large_pure_states_need_no_matrix(monkeypatch):
    psi = states.haar_pure((2,) * 12, np.random.default_rng(0))
    monkeypatch.setattr("qml._checks.available_memory", lambda: 2**20)
    assert abs(psi.expect("Z" * 12)) < 0.1
    assert psi.partial_trace([3, 5]).dims == (2, 2)


def test_what_is_no_observable_is_refused():
    rho = states.ghz(2)
    for wrong, text in (
        ("ZZZ", "found a Pauli sum on 3 qubits"),
        ("ZA", "Z"),
        ({"ZZ": 1j}, "must be Hermitian"),
        (np.triu(np.ones((4, 4))), "must be Hermitian"),
        (np.eye(2), "dimension 4"),
        ({}, "at least one label"),
    ):
        for sigma in (rho, PauliState(vector_of(rho.matrix(), 2), 2), GibbsState(np.zeros(4))):
            with pytest.raises(InputError, match=text):
                sigma.expect(wrong)


def test_named_states_are_found_at_the_top():
    for name in ("basis_state", "bures", "ghz", "ginibre", "haar_pure", "maximally_mixed", "w_state", "werner"):
        assert getattr(qml, name) is getattr(states, name)
