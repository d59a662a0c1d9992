"""Encodings beside QuTiP and closed forms; kernels of states."""

import itertools

import numpy as np
import pytest
import qutip
from helpers.cases import every
from hypothesis import given
from hypothesis import strategies as st

from qml import encodings, fidelity
from qml._checks import InputError, MemoryRefused
from qml.encodings.datasets import state_of_samples
from qml.states import GibbsState, ginibre

PAULI = {"X": qutip.sigmax(), "Y": qutip.sigmay(), "Z": qutip.sigmaz()}


def rows(m, n, seed=0):
    return np.random.default_rng(seed).uniform(-3, 3, (m, n))


def on(n, **factors):
    parts = [qutip.qeye(2)] * n
    for site, operator in factors.items():
        parts[int(site[1:])] = operator
    return qutip.tensor(parts)


@pytest.mark.parametrize("axis", "XYZ")
def test_angle_encoding(axis):
    x = rows(3, 3)
    start = (qutip.basis(2, 0) + qutip.basis(2, 1)).unit() if axis == "Z" else qutip.basis(2, 0)
    for found, row in zip(encodings.angle_encoding(x, axis).matrix(), x, strict=True):
        psi = qutip.tensor([(-0.5j * a * PAULI[axis]).expm() * start for a in row])
        assert np.allclose(found, psi.proj().full(), atol=1e-14)


@pytest.mark.parametrize("pairs", [None, [(0, 1), (1, 2)], []])
@pytest.mark.parametrize("repetitions", [1, 2])
def test_iqp_encoding(pairs, repetitions):
    x, n = rows(2, 3), 3
    hadamard = qutip.tensor([(qutip.sigmax() + qutip.sigmaz()) / np.sqrt(2)] * n)
    for found, row in zip(encodings.iqp_encoding(x, repetitions, pairs).matrix(), x, strict=True):
        k = sum(row[i] * on(n, **{f"s{i}": qutip.sigmaz()}) for i in range(n))
        for i, j in itertools.combinations(range(n), 2) if pairs is None else pairs:
            k += row[i] * row[j] * on(n, **{f"s{i}": qutip.sigmaz(), f"s{j}": qutip.sigmaz()})
        psi = qutip.tensor([qutip.basis(2, 0)] * n)
        for _ in range(repetitions):
            psi = (-0.5j * k).expm() * hadamard * psi
        assert np.allclose(found, psi.proj().full(), atol=1e-13)


def test_basis_amplitude_and_rank_one():
    bits = np.array([[1, 0, 1], [0, 0, 0]])
    assert np.flatnonzero(encodings.basis_encoding(bits).probabilities()[0]).tolist() == [5]
    v = rows(4, 3) + 1j * rows(4, 3, 1)
    states = encodings.amplitude_encoding(1e200 * v)
    assert states.dims == (3,)
    assert np.allclose(states.matrix()[2], np.outer(v[2], v[2].conj()) / np.linalg.norm(v[2]) ** 2)
    q = np.array([0.1, 0.2, 0.3, 0.4])
    assert np.allclose(encodings.rank_one(q).probabilities(), q)
    assert encodings.rank_one(q).rank() == 1
    assert encodings.binary_frequencies(bits).tolist() == [0.5, 0, 0, 0, 0, 0.5, 0, 0]


def test_fourier_effects_add_up_to_the_identity():
    grid = 2 * np.pi * np.arange(8)[:, None] / 8
    states = encodings.fourier_encoding(grid, 5)
    assert np.allclose(5 * states.matrix().mean(axis=0), np.eye(5), atol=1e-14)
    assert encodings.fourier_encoding(rows(2, 2), 3).dims == (3, 3)


@pytest.mark.parametrize("angle", [1234567.8, 1e300, -1e308])
def test_fourier_phases_of_large_angles_are_powers_of_the_first(angle):
    one = np.exp(1j * angle)
    expected = [1, one, one**2, one**3, one**4, one**5, one**6, one**7]
    assert encodings.fourier_encoding([[angle]], 8).factor[0, :, 0] * np.sqrt(8) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("count", [3, 40])
def test_embedding_is_the_weighted_mean(count):
    states = encodings.angle_encoding(rows(count, 3))
    w = np.random.default_rng(0).dirichlet(np.ones(count))
    mean = np.einsum("k,kij->ij", w, states.matrix())
    found = encodings.embedding(states, w)
    assert np.allclose(found.matrix(), mean, atol=1e-14)
    assert (found.factor is not None) == (count <= 8)
    assert encodings.embedding(states).rank() == min(count, 8)
    gibbs = GibbsState(ginibre((2,), np.random.default_rng(1), batch=4).matrix())
    assert np.allclose(encodings.embedding(gibbs).matrix(), gibbs.matrix().mean(axis=0))
    bits = encodings.basis_encoding([[0, 1], [1, 1]])
    assert encodings.embedding(bits).probabilities().tolist() == [0, 0.5, 0, 0.5]


def test_angle_kernel_has_a_closed_form():
    x, y = rows(5, 3), rows(4, 3, 1)
    found = encodings.kernel(encodings.angle_encoding(x), encodings.angle_encoding(y))
    assert np.allclose(found, (np.cos((x[:, None] - y) / 2) ** 2).prod(axis=2), atol=1e-14)


def test_fourier_kernel_is_fejers():
    x, levels = rows(6, 1), 7
    half = (x - x.T) / 2 + np.eye(6)
    fejer = np.where(np.eye(6) > 0, 1.0, (np.sin(levels * half) / np.sin(half) / levels) ** 2)
    assert np.allclose(encodings.kernel(encodings.fourier_encoding(x, levels)), fejer, atol=1e-13)


@pytest.mark.parametrize("kind", ["hilbert_schmidt", "fidelity"])
def test_kernels_of_mixed_states(kind):
    a, b = (ginibre((2, 2), np.random.default_rng(s), batch=3 + s) for s in (0, 1))
    found = encodings.kernel(a, b, kind)
    assert found.shape == (3, 4)
    for j, k in itertools.product(range(3), range(4)):
        hs = np.trace(a.matrix()[j] @ b.matrix()[k]).real
        root = qutip.fidelity(a[j].qobj(), b[k].qobj())  # QuTiP's is the square root
        assert found[j, k] == pytest.approx(hs if kind == "hilbert_schmidt" else root**2, rel=1e-7)


def test_kernels_of_pure_with_mixed_states_agree():
    pure, mixed = encodings.angle_encoding(rows(3, 2)), ginibre((2, 2), np.random.default_rng(2), batch=2)
    one = encodings.kernel(pure, mixed)
    assert np.allclose(one, encodings.kernel(pure, mixed, "fidelity"))
    assert one[1, 1] == pytest.approx(float(fidelity(pure[1], mixed[1])))
    bits = encodings.basis_encoding([[0, 1], [1, 1]])
    assert np.allclose(encodings.kernel(bits), np.eye(2))
    assert np.allclose(encodings.kernel(bits, kind="fidelity"), np.eye(2))
    gibbs = GibbsState(mixed.matrix(), (2, 2))
    assert encodings.kernel(gibbs, kind="fidelity")[0, 0] == pytest.approx(1.0)


@given(st.integers(0, 10**6))
def test_hilbert_schmidt_kernels_are_positive(seed):
    states = encodings.iqp_encoding(np.random.default_rng(seed).normal(size=(6, 2)))
    values = np.linalg.eigvalsh(encodings.kernel(states))
    assert values.min() > -1e-12


@every(
    "make, message",
    [
        (lambda: encodings.basis_encoding([[0, 2]]), "bits must be 0 or 1"),
        (lambda: encodings.angle_encoding([0.1]), r"angles must have shape \(m, n\)"),
        (lambda: encodings.angle_encoding([[0.1]], "W"), "axis must be one of"),
        (lambda: encodings.amplitude_encoding([[1.0, 0.0], [0.0, 0.0]]), "row 1"),
        (lambda: encodings.amplitude_encoding([1.0]), r"shape \(m, d\)"),
        (lambda: encodings.iqp_encoding([[0.1, 0.2]], pairs=[(0, 0)]), "distinct"),
        (lambda: encodings.iqp_encoding([[0.1, 0.2]], 0), "repetitions"),
        (lambda: encodings.rank_one([0.5, 0.6]), "sum to one"),
        (lambda: encodings.embedding(ginibre((2,), np.random.default_rng(0))), r"batch \(m,\)"),
        (lambda: encodings.embedding(encodings.angle_encoding([[0.0]]), [0.5, 0.5]), "one a state"),
        (lambda: encodings.kernel(ginibre((2,), np.random.default_rng(0))), "first must be a batch"),
        (lambda: encodings.kernel(*[encodings.angle_encoding(rows(1, n)) for n in (1, 2)]), "same dims"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_what_does_not_fit_is_refused():
    for encode in (encodings.basis_encoding, encodings.angle_encoding, encodings.iqp_encoding):
        with pytest.raises(MemoryRefused, match="encode fewer features"):
            encode(np.zeros((1, 50)))
    with pytest.raises(MemoryRefused, match="fewer features or levels"):
        encodings.fourier_encoding(np.zeros((1, 30)), 8)


@pytest.mark.parametrize("size", [5e-324, 1e-200, 1e200, 1.7e308])
def test_directions_of_vectors_of_any_length(size):
    found = encodings.amplitude_encoding([[size * (1 + 1j), size * (1 - 1j)]]).matrix()[0]
    assert found == pytest.approx(np.array([[0.5, 0.5j], [-0.5j, 0.5]]), abs=1e-15)
    samples = size * np.array([[1.0, 1.0], [1.0, 0.0]])
    assert state_of_samples(samples).matrix().real == pytest.approx(np.array([[0.75, 0.25], [0.25, 0.25]]), abs=1e-15)
    assert state_of_samples(samples, "probability").probabilities() == pytest.approx([0.75, 0.25], abs=1e-15)
