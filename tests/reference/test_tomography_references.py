"""Maximum likelihood against a general optimizer, closed forms, and certificates in fifty digits."""

import mpmath
import numpy as np
import pytest
from scipy.optimize import minimize

from qml.measurement import Counts, PauliMeasurement, mutually_unbiased_bases, sample
from qml.states import ghz, ginibre, maximally_mixed
from qml.tomography import maximum_likelihood


def brute_force(counts: Counts, seed: int) -> float:
    """The largest log-likelihood over T T^dagger / Tr, T any complex matrix, by BFGS on the effects written out."""
    m = counts.measurement
    n = np.asarray(counts.counts, dtype=float)
    seen = np.flatnonzero(n)
    effects = np.array([m.element(k) for k in seen])
    d = m.dim

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
        t = (x[: d * d] + 1j * x[d * d :]).reshape(d, d)
        p = np.einsum("kij,ji->k", effects, t @ t.conj().T).real
        norm = np.vdot(t, t).real
        g = -np.einsum("k,kij->ij", n[seen] / p, effects) @ t + n.sum() / norm * t
        return float(-n[seen] @ np.log(p / norm)), 2 * np.concatenate([g.real.ravel(), g.imag.ravel()])

    rng = np.random.default_rng(seed)
    best = min(
        (
            minimize(
                loss,
                rng.normal(size=2 * d * d),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-7},
            )
            for _ in range(2)
        ),
        key=lambda found: found.fun,
    )
    return -float(best.fun)


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_two_qubits_against_brute_force(rank):
    rng = np.random.default_rng(rank)
    rho = ginibre((2, 2), rng, rank=rank)
    counts = sample(rho, PauliMeasurement(2), 200, rng)
    result = maximum_likelihood(counts)
    other = brute_force(counts, 1)
    assert other <= result.log_likelihood + result.certificate
    assert other == pytest.approx(result.log_likelihood, abs=1e-4)


def test_a_qutrit_against_brute_force():
    rng = np.random.default_rng(9)
    counts = sample(ginibre((3,), rng, rank=2), mutually_unbiased_bases(3), 500, rng)
    assert brute_force(counts, 2) == pytest.approx(maximum_likelihood(counts).log_likelihood, abs=1e-4)


def test_a_basis_alone_has_the_frequencies_as_its_optimum():
    n = np.array([17, 0, 30, 3])
    result = maximum_likelihood(Counts(PauliMeasurement(["ZZ"]), n))
    f = n[n > 0] / n.sum()
    assert result.log_likelihood == pytest.approx(float(n[n > 0] @ np.log(f)), abs=1e-8)
    assert result.state.probabilities() == pytest.approx(n / n.sum(), abs=1e-5)


def test_a_qubit_on_the_sphere_satisfies_its_equation():
    """On the sphere: sum_a [n_a+ / (1 + r_a) - n_a- / (1 - r_a)] e_a is parallel to r, for the largest likelihood."""
    n = np.array([[95, 5], [15, 85], [80, 20]])
    result = maximum_likelihood(Counts(PauliMeasurement(["X", "Y", "Z"]), n))
    mpmath.mp.dps = 30

    def equations(x, y, z, multiplier):
        r = (x, y, z)
        slope = [int(up) / (1 + c) - int(down) / (1 - c) for (up, down), c in zip(n, r, strict=True)]
        return [s - multiplier * c for s, c in zip(slope, r, strict=True)] + [x * x + y * y + z * z - 1]

    exact = mpmath.findroot(equations, (0.6, -0.5, 0.5, 30))
    state = result.state.matrix()
    found = [2 * state[1, 0].real, 2 * state[1, 0].imag, (state[0, 0] - state[1, 1]).real]
    assert result.rank == 1
    assert max(abs(a - float(b)) for a, b in zip(found, exact[:3], strict=True)) < 1e-6
    value = sum(
        int(k) * mpmath.log((1 + s * c) / 2)
        for row, c in zip(n, exact[:3], strict=True)
        for k, s in zip(row, (1, -1), strict=True)
    )
    assert abs(float(value) - result.log_likelihood) < 1e-9


@pytest.mark.parametrize("shots", [200, 10**12])
@pytest.mark.parametrize("kind", ["pure", "rank two", "mixed"])
def test_the_certificate_in_fifty_digits(kind, shots):
    rng = np.random.default_rng(shots % 97)
    rho = {"pure": ghz(2), "rank two": ginibre((2, 2), rng, rank=2), "mixed": maximally_mixed((2, 2))}[kind]
    m = PauliMeasurement(2)
    counts = sample(rho, m, shots, rng)
    result = maximum_likelihood(counts)
    mpmath.mp.dps = 50
    sigma = mpmath.matrix(result.state.matrix().tolist())
    sigma = sigma / sum(sigma[i, i] for i in range(4))
    total = mpmath.mpf(int(counts.total))
    r, value = mpmath.zeros(4), mpmath.mpf(0)
    for k, n in enumerate(np.asarray(counts.counts).tolist()):
        if n:
            effect = mpmath.matrix(m.element(k).tolist())
            p = mpmath.re(sum((effect * sigma)[i, i] for i in range(4)))
            r += effect * (n / total / p)
            value += n * mpmath.log(p)
    exact = total * mpmath.log(max(mpmath.eigh(r, eigvals_only=True)))
    assert abs(float(value) - result.log_likelihood) <= 1e-12 * abs(result.log_likelihood)
    assert float(exact) >= 0
    # what float64 leaves uncertain in N log lambda_max is about N eps / p_min of the outcomes seen, times their share
    assert float(exact) <= result.certificate + 1e-9 + 3e-13 * shots * 9
