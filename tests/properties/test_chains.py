"""Laws of thermal states that hold for every chain: convexity, mirrors, constants, products."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qml.engines import ChainEngine
from qml.models import ChainState
from qml.operators import PauliSum, pauli

coefficients = st.integers(-12, 12).filter(bool).map(lambda k: k / 8)


@st.composite
def chains(draw: st.DrawFn, low: int = 2, high: int = 5) -> PauliSum:
    """Strings on up to three neighbouring sites."""
    n, terms = draw(st.integers(low, high)), {}
    for _ in range(draw(st.integers(1, 5))):
        size = draw(st.integers(1, min(3, n)))
        first = draw(st.integers(0, n - size))
        letters = draw(st.text("IXYZ", min_size=size - 1, max_size=size - 1)) + draw(st.sampled_from("XYZ"))
        terms["I" * first + letters + "I" * (n - first - size)] = draw(coefficients)
    return PauliSum.from_terms(list(terms.items()), n)


def state(k: PauliSum) -> ChainState:
    return ChainState([k], [1.0], ChainEngine(1e-8))


def mirrored(k: PauliSum) -> PauliSum:
    return PauliSum.from_terms([(label[::-1], c) for label, c in k.terms], k.n_qubits)


@given(chains(), st.data())
@settings(max_examples=6)
def test_log_z_is_convex_along_lines_and_its_slope_is_minus_the_energy(k, data):
    direction = PauliSum.from_terms([(label, data.draw(coefficients)) for label in k.labels], k.n_qubits)
    left, middle, right = (state(k + t * direction) for t in (-0.25, 0.0, 0.25))
    z = [s.log_partition() for s in (left, middle, right)]
    assert z[0] + z[2] - 2 * z[1] > -1e-7
    slopes = [-left.expect(direction), 4 * (z[1] - z[0]), -middle.expect(direction), 4 * (z[2] - z[1])]
    slopes.append(-right.expect(direction))
    assert np.diff(slopes).min() > -3e-7


@given(chains())
@settings(max_examples=6)
def test_numbers_are_within_their_bounds(k):
    found = state(k)
    energies = np.linalg.eigvalsh(k.matrix())
    assert energies[0] - 1e-8 <= found.expect(k) <= 1e-8  # below that of the maximally mixed state, which is 0
    values = found.moments([pauli(label) for label in k.labels]).values
    assert np.all(np.abs(values) <= 1 + 1e-8)
    assert -1e-7 <= found.entropy() <= k.n_qubits * np.log(2) + 1e-7
    assert found.log_partition() >= -energies[0] - 1e-8
    assert found.log_partition() <= -energies[0] + k.n_qubits * np.log(2) + 1e-8
    rho = found.partial_trace([0, k.n_qubits - 1]).matrix()
    assert np.linalg.eigvalsh(rho).min() > -1e-8


@given(chains())
@settings(max_examples=6)
def test_the_mirrored_chain_has_the_mirrored_state(k):
    one, other = state(k), state(mirrored(k))
    n = k.n_qubits
    assert one.log_partition() == pytest.approx(other.log_partition(), abs=1e-8)
    ahead = one.moments([pauli(label) for label in k.labels]).values
    assert other.moments([pauli(label[::-1]) for label in k.labels]).values == pytest.approx(ahead, abs=2e-8)
    rho = other.partial_trace([n - 1, n - 2]).matrix()
    assert one.partial_trace([0, 1]).matrix() == pytest.approx(rho, abs=2e-8)


@given(chains(), coefficients)
@settings(max_examples=6)
def test_a_constant_moves_log_z_alone(k, constant):
    plain, moved = state(k), state(k + constant * pauli("I" * k.n_qubits))
    assert moved.log_partition() == pytest.approx(plain.log_partition() - constant, abs=1e-12)
    assert moved.entropy() == pytest.approx(plain.entropy(), abs=1e-10)
    assert moved.expect(k) == pytest.approx(plain.expect(k), abs=1e-12)


@given(chains(1, 4), chains(1, 4))
@settings(max_examples=6)
def test_chains_that_are_not_coupled_are_a_product(a, b):
    m, n = a.n_qubits, b.n_qubits
    left = PauliSum.from_terms([(label + "I" * n, c) for label, c in a.terms], m + n)
    right = PauliSum.from_terms([("I" * m + label, c) for label, c in b.terms], m + n)
    both, parts = state(left + right), (state(a), state(b))
    assert both.log_partition() == pytest.approx(sum(s.log_partition() for s in parts), abs=2e-8)
    first, second = a.labels[0], b.labels[-1]
    product = parts[0].expect(first) * parts[1].expect(second)
    assert both.expect(first + second) == pytest.approx(product, abs=4e-8)
    assert both.mutual_information([0], [m + n - 1]) == pytest.approx(0.0, abs=1e-7)
