"""Sampled Gibbs states against exact results: free fermions at twelve qubits, and 50 digits at the edges."""

import importlib.util
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import mpmath
import numpy as np
import pytest
from helpers.cases import every

from qml import thermal
from qml.engines import KrylovEngine, krylov
from qml.models import ThermalState
from qml.moments import Moments
from qml.operators import PauliSum, heisenberg, pauli, tfim


@pytest.fixture(scope="module")
def free() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "experiments" / "boltzmann" / "free_fermions.py"
    spec = importlib.util.spec_from_file_location("free_fermions", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("beta", "J", "h"), [(0.3, 1.0, 1.0), (2.0, 0.7, -0.4), (40.0, -1.0, 0.9)])
def test_free_fermions_agree_with_the_matrix(free: ModuleType, beta: float, J: float, h: float) -> None:
    exact = thermal(tfim(5, J, h), beta)
    found = free.ising_moments(5, beta, J, h)
    assert free.ising_log_partition(5, beta, J, h) == pytest.approx(float(exact.log_partition()), rel=1e-13)
    assert found.values == pytest.approx(Moments.of(exact, tfim(5, J, h)).values, abs=1e-12)
    assert found.entropy() == pytest.approx(float(exact.entropy()), abs=1e-9)


@pytest.mark.parametrize("beta", [0.25, 1.0])
def test_twelve_qubits_agree_with_free_fermions(free: ModuleType, beta: float) -> None:
    h = tfim(12)
    state = ThermalState([h], [beta], KrylovEngine(samples=32, seed=2))
    exact, found = free.ising_moments(12, beta), state.moments(h)
    assert abs(float(state.log_partition()) - free.ising_log_partition(12, beta)) < 3.5 * state.log_partition_error
    scores = (found.values - exact.values) / found.errors
    assert 0.3 < np.sqrt(np.square(scores).mean()) < 2.0
    assert found.errors.max() < 0.05


def quadratic_form(k: PauliSum, r: np.ndarray) -> tuple[mpmath.mpf, list[mpmath.mpf]]:
    """log r^dagger exp(-K) r, and its derivatives in the coefficients of K, with 50 digits."""
    with mpmath.workdps(60):
        values, vectors = mpmath.eighe(mpmath.matrix(k.matrix()))
        d = len(values)
        low = min(values)
        q = vectors.H * mpmath.matrix(r)
        weight = [mpmath.exp(low - v) for v in values]
        z = mpmath.fsum(abs(q[i]) ** 2 * weight[i] for i in range(d))
        slopes = []
        for label in k.labels:
            g = vectors.H * mpmath.matrix(pauli(label).matrix()) * vectors
            total = mpmath.mpf(0)
            for i in range(d):
                for j in range(d):
                    gap = values[j] - values[i]
                    slope = weight[i] if abs(gap) < mpmath.mpf(10) ** -40 else (weight[i] - weight[j]) / gap
                    total += mpmath.re(mpmath.conj(q[i]) * g[i, j] * q[j]) * slope
            slopes.append(total / z)
        return mpmath.log(z) - low, slopes


@every("scale", [1e-6, 1.0, 60.0, 3e3])
@every(
    "k",
    [tfim(3, h=0.7), heisenberg(3), tfim(1), heisenberg(2, h=0.3) + 0.4 * pauli("XY"), pauli("Z", 1e-7) + pauli("X")],
    ids=["real", "degenerate", "one qubit", "complex", "nearly degenerate"],
)
def test_each_vector_against_fifty_digits(k: PauliSum, scale: float) -> None:
    k = scale * k
    n, d = k.n_qubits, 1 << k.n_qubits
    real = krylov.is_real(k.words)
    with patch.object(krylov, "TOLERANCE", 1e-12):
        found = krylov.sample(n, k.words, np.array(k.coefficients), k.words, samples=2, seed=6, limit=400)
    for c, stream in enumerate(np.random.SeedSequence(6).spawn(2)):
        x = np.random.default_rng(stream).standard_normal(d if real else 2 * d)
        x /= np.linalg.norm(x)
        log_z, slopes = quadratic_form(k, x if real else x[:d] + 1j * x[d:])
        assert found.log_weights[c] == pytest.approx(float(log_z), rel=1e-12, abs=1e-12)
        assert found.means[c] == pytest.approx([float(s) for s in slopes], abs=2e-10)
