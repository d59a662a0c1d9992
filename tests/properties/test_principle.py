"""Laws of the cross entropy, as properties over random states of mixed ranks (statements 1 to 7, 14, 16, 17)."""

import numpy as np
import pytest
import scipy.stats
from helpers.arrays import pair
from hypothesis import given
from hypothesis import strategies as st

from qml import states
from qml.losses import cross_entropy, fidelity, relative_entropy, trace_distance
from qml.states import DensityMatrix

seeds = st.integers(0, 2**32 - 1)
dims = st.sampled_from([1, 2, 3, 4, 6])


@given(seeds, dims)
def test_bounds_from_below_and_above(seed: int, d: int) -> None:
    rho, sigma, _ = pair(seed, d)
    s, entropy = float(cross_entropy(rho, sigma)), float(rho.entropy())
    logs = sigma.spectrum().log_eigenvalues
    slack = 1e-11 * (1 + abs(s))
    assert s >= entropy - slack  # Klein
    assert s >= -np.log(np.trace(rho.matrix() @ sigma.matrix()).real) - slack  # Jensen
    assert s >= entropy - np.log(float(fidelity(rho, sigma))) - slack
    assert s - entropy >= 2 * float(trace_distance(rho, sigma)) ** 2 - slack  # Pinsker
    assert -logs.max() - slack <= s <= -logs.min() + slack
    assert float(relative_entropy(rho, rho)) == pytest.approx(0.0, abs=1e-12)


@given(seeds, dims)
def test_undisturbed_data_give_the_likelihood_in_the_models_eigenbasis(seed: int, d: int) -> None:
    rho, sigma, _ = pair(seed, d)
    values, vectors = np.linalg.eigh(sigma.matrix())
    p = np.einsum("ij,ik,kj->j", vectors.conj(), rho.matrix(), vectors).real
    assert float(cross_entropy(rho, sigma)) == pytest.approx(-(p * np.log(values)).sum(), rel=1e-9)


@given(seeds, st.sampled_from([2, 3]), st.sampled_from([2, 3]))
def test_extensive_and_additive_even_for_correlated_data(seed: int, a: int, b: int) -> None:
    rng = np.random.default_rng(seed)
    rho = states.ginibre((a, b), rng, rank=2)
    sigma_a, sigma_b = states.ginibre((a,), rng), states.ginibre((b,), rng)
    whole = cross_entropy(rho, states.tensor(sigma_a, sigma_b))
    parts = cross_entropy(states.partial_trace(rho, [0]), sigma_a) + cross_entropy(
        states.partial_trace(rho, [1]), sigma_b
    )
    assert float(whole) == pytest.approx(float(parts), rel=1e-10)


@given(seeds, dims)
def test_convex_unitarily_invariant_and_linear_in_the_data(seed: int, d: int) -> None:
    rho, sigma, rng = pair(seed, d)
    other = states.ginibre((d,), rng)
    middle = DensityMatrix.from_ensemble([sigma, other])
    mean = (cross_entropy(rho, sigma) + cross_entropy(rho, other)) / 2
    assert float(cross_entropy(rho, middle)) <= float(mean) + 1e-12 * (1 + abs(float(mean)))
    u = np.linalg.qr(rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d)))[0]

    def rotate(s: DensityMatrix) -> DensityMatrix:
        return DensityMatrix._trusted(u @ s.matrix() @ u.conj().T, s.dims)

    assert float(cross_entropy(rotate(rho), rotate(sigma))) == pytest.approx(float(cross_entropy(rho, sigma)), rel=1e-9)
    shards = [states.ginibre((d,), rng) for _ in range(3)]
    pooled = cross_entropy(DensityMatrix.from_ensemble(shards), sigma)
    assert float(pooled) == pytest.approx(float(np.mean([cross_entropy(r, sigma) for r in shards])), rel=1e-11)


@given(seeds, st.integers(1, 9))
def test_commuting_states_give_classical_statistics(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    p, q = rng.dirichlet(np.ones(d)), rng.dirichlet(np.ones(d))
    basis = np.linalg.qr(rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d)))[0]
    classical = scipy.stats.entropy(p) + scipy.stats.entropy(p, q)
    pairs = [(DensityMatrix.from_probabilities(p), DensityMatrix.from_probabilities(q))]
    if q.min() > 1e-9:
        pairs.append(tuple(DensityMatrix._trusted((basis * w) @ basis.conj().T, (d,)) for w in (p, q)))
    for rho, sigma in pairs:
        assert float(cross_entropy(rho, sigma)) == pytest.approx(classical, rel=1e-6 if len(pairs) > 1 else 1e-12)
    assert float(cross_entropy(*pairs[0])) == pytest.approx(classical, rel=1e-12, abs=1e-14)
