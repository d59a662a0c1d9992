"""Values and derivatives of the losses against 50-digit arithmetic and against QuTiP."""

import mpmath
import numpy as np
import pytest
import qutip
from helpers.arrays import hermitian
from helpers.cases import every
from helpers.digits import to_mp

from qml import losses, states
from qml._checks import qubit_dims
from qml.losses import cross_entropy
from qml.operators import tfim
from qml.states import DensityMatrix, GibbsState, SpectralState

EPS = np.finfo(float).eps
DIGITS = 50


def log_of(sigma: mpmath.matrix) -> mpmath.matrix:
    values, vectors = mpmath.eighe(sigma)
    return vectors * mpmath.diag([mpmath.log(v) for v in values]) * vectors.H


def trace(a: mpmath.matrix) -> mpmath.mpf:
    return sum(a[k, k] for k in range(a.rows)).real


def exact_cross_entropy(rho: np.ndarray, sigma: np.ndarray) -> float:
    with mpmath.workdps(DIGITS):
        return float(-trace(to_mp(rho) * log_of(to_mp(sigma))))


def exact_gibbs_cross_entropy(rho: np.ndarray, k: np.ndarray) -> float:
    with mpmath.workdps(DIGITS):
        values = mpmath.eighe(to_mp(k), eigvals_only=True)
        top = max(-v for v in values)
        log_z = top + mpmath.log(sum(mpmath.exp(-v - top) for v in values))
        return float(trace(to_mp(rho) * to_mp(k)) + log_z)


def exact_derivative(rho: np.ndarray, sigma: np.ndarray, direction: np.ndarray) -> float:
    """-Tr rho Dlog_sigma[direction] by a central difference with a step of 1e-15 in 60 digits."""
    with mpmath.workdps(60):
        h = mpmath.mpf(10) ** -15
        s, x, r = to_mp(sigma), to_mp(direction), to_mp(rho)
        plus, minus = trace(r * log_of(s + h * x)), trace(r * log_of(s - h * x))
        return float(-(plus - minus) / (2 * h))


@pytest.mark.parametrize("d", [1, 2, 3, 4, 6])
def test_cross_entropy_of_dense_states(d: int) -> None:
    rng = np.random.default_rng(d)
    for _ in range(3):
        rho, sigma = states.ginibre(qubit_dims(d), rng), states.ginibre(qubit_dims(d), rng)
        condition = 1 / np.linalg.eigvalsh(sigma.matrix())[0]
        want = exact_cross_entropy(rho.matrix(), sigma.matrix())
        assert float(cross_entropy(rho, sigma)) == pytest.approx(want, rel=1e-10, abs=16 * d * EPS * condition)
        if d > 1:
            got = float(losses.relative_entropy(rho, sigma))
            peer = qutip.entropy_relative(rho.qobj(), sigma.qobj())
            assert got == pytest.approx(peer, rel=1e-9)
            assert float(losses.von_neumann_entropy(rho)) == pytest.approx(qutip.entropy_vn(rho.qobj()), rel=1e-10)
            assert float(losses.fidelity(rho, sigma)) == pytest.approx(
                qutip.fidelity(rho.qobj(), sigma.qobj()) ** 2, rel=1e-7
            )
            assert float(losses.trace_distance(rho, sigma)) == pytest.approx(
                qutip.tracedist(rho.qobj(), sigma.qobj()), rel=1e-10
            )
            assert float(losses.hilbert_schmidt_distance(rho, sigma)) == pytest.approx(
                np.sqrt(qutip.hilbert_dist(rho.qobj(), sigma.qobj())), rel=1e-10
            )


@every("beta", [1e-8, 0.1, 1.0, 30.0, 500.0])
@every("d", [2, 4, 8])
def test_cross_entropy_and_gradient_of_gibbs_states_at_any_temperature(d: int, beta: float) -> None:
    rng = np.random.default_rng(int(d + beta))
    rho, k = states.ginibre(qubit_dims(d), rng), beta * hermitian(d, rng)
    sigma = GibbsState(k)
    value, gradient = losses.CrossEntropy().value_and_cotangent(rho, sigma)
    want = exact_gibbs_cross_entropy(rho.matrix(), k)
    assert value == pytest.approx(want, rel=1e-10)
    direction = hermitian(d, rng)
    with mpmath.workdps(DIGITS):
        h = 1e-20
        exact = []
        for sign in (1, -1):
            shifted = to_mp(k) + sign * mpmath.mpf(h) * to_mp(direction)
            values = mpmath.eighe(shifted, eigvals_only=True)
            top = max(-v for v in values)
            log_z = top + mpmath.log(sum(mpmath.exp(-v - top) for v in values))
            exact.append(trace(to_mp(rho.matrix()) * shifted) + log_z)
        slope = float((exact[0] - exact[1]) / (2 * mpmath.mpf(h)))
    assert slope != 0
    assert np.trace(gradient @ direction).real == pytest.approx(slope, rel=1e-10)


def test_a_thermal_target_is_its_own_optimum_when_frozen() -> None:
    rho = states.thermal(tfim(4), 500.0)
    value, gradient = losses.CrossEntropy().value_and_cotangent(rho, GibbsState(rho.hamiltonian()))
    assert value == pytest.approx(float(rho.entropy()), abs=500 * 10 * EPS * 16)
    assert np.abs(gradient).max() < 1e-13


@pytest.mark.parametrize("d", [2, 3, 8])
def test_gradient_of_dense_states_against_a_50_digit_difference(d: int) -> None:
    rng = np.random.default_rng(10 + d)
    rho, sigma = states.ginibre(qubit_dims(d), rng), states.ginibre(qubit_dims(d), rng)
    _, gradient = losses.CrossEntropy().value_and_cotangent(rho, sigma)
    direction = hermitian(d, rng)
    direction -= np.trace(direction) * np.eye(d) / d
    want = exact_derivative(rho.matrix(), sigma.matrix(), direction)
    assert want != 0
    condition = 1 / np.linalg.eigvalsh(sigma.matrix())[0]
    assert np.trace(gradient @ direction).real == pytest.approx(want, rel=16 * d * EPS * condition)


@every("exponent", range(1, 17))
def test_gradient_at_nearly_degenerate_spectra(exponent: int) -> None:
    """Pairs of eigenvalues 1e-1 ... 1e-16 apart: no digits are lost and nothing divides by zero."""
    rng = np.random.default_rng(exponent)
    p = np.array([0.25, 0.25 + 10.0**-exponent, 0.25, 0.25 - 10.0**-exponent])
    q = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    s = (q * p) @ q.conj().T
    sigma = DensityMatrix((s + s.conj().T) / 2)
    rho, direction = states.ginibre((2, 2), rng), hermitian(4, rng)
    _, gradient = losses.CrossEntropy().value_and_cotangent(rho, sigma)
    want = exact_derivative(rho.matrix(), sigma.matrix(), direction)
    assert want != 0
    assert np.trace(gradient @ direction).real == pytest.approx(want, rel=1e-13)


def test_exactly_degenerate_sigma() -> None:
    rng = np.random.default_rng(3)
    rho = states.ginibre((2, 2), rng)
    value, gradient = losses.CrossEntropy().value_and_cotangent(rho, DensityMatrix(np.eye(4) / 4))
    assert value == pytest.approx(np.log(4), rel=1e-15)
    assert np.abs(gradient + 4 * rho.matrix()).max() < 1e-14


@pytest.mark.parametrize("d", [2, 4, 8])
def test_eigenvalues_of_1e_14_are_real(d: int) -> None:
    """Diagonal in the basis of the matrix, so the small eigenvalue is exact; S is large, finite and right."""
    p = np.full(d, 1e-14)
    p[0] = 1 - (d - 1) * 1e-14
    rho = states.ginibre(qubit_dims(d), np.random.default_rng(d))
    got = float(cross_entropy(rho, DensityMatrix(np.diag(p))))
    want = float(-(np.diag(rho.matrix()).real * np.log(p)).sum())
    assert got == pytest.approx(want, rel=1e-13)
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(d, d)))[0]
    s = (rotation * p) @ rotation.T
    sigma = DensityMatrix((s + s.T) / 2)
    want = exact_cross_entropy(rho.matrix(), sigma.matrix())
    condition = 1e14
    assert np.isfinite(float(cross_entropy(rho, sigma)))
    assert float(cross_entropy(rho, sigma)) == pytest.approx(want, abs=16 * d * EPS * condition)


def test_infinite_exactly_where_the_support_is_missed() -> None:
    rng = np.random.default_rng(5)
    for d, rank in ((2, 1), (4, 2), (6, 5)):
        full, low = states.ginibre(qubit_dims(d), rng), states.ginibre(qubit_dims(d), rng, rank=rank)
        dense = DensityMatrix(low.matrix())
        for sigma in (low, dense):
            assert float(cross_entropy(full, sigma)) == np.inf
            assert float(losses.relative_entropy(full, sigma)) == np.inf
            assert losses.CrossEntropy().value_and_cotangent(full, sigma) == (np.inf, None)
            assert 0 < float(losses.weight_outside_support(full, sigma)) < 1
            for rho in (low, dense):  # matching support: the entropy of the state itself
                assert float(cross_entropy(rho, sigma)) == pytest.approx(float(low.entropy()), abs=1e-12)
    assert float(cross_entropy(states.ghz(2), states.ghz(2))) == pytest.approx(0.0, abs=1e-15)
    assert float(cross_entropy(states.basis_state("0"), states.basis_state("1"))) == np.inf
    tiny = DensityMatrix.from_probabilities([1 - 1e-20, 1e-20])  # read, not computed: no tolerance
    assert float(cross_entropy(tiny, DensityMatrix.from_probabilities([1.0, 0.0]))) == np.inf
    almost_flat = SpectralState(np.array([0.0, -np.inf]), np.eye(2))
    assert float(cross_entropy(states.basis_state("0"), almost_flat)) == 0.0
    assert float(cross_entropy(states.maximally_mixed((2,)), almost_flat)) == np.inf


def test_gradient_on_the_support_of_a_rank_deficient_sigma() -> None:
    rng = np.random.default_rng(6)
    v = np.linalg.qr(rng.normal(size=(5, 5)) + 1j * rng.normal(size=(5, 5)))[0][:, :3]
    rho3, sigma3 = states.ginibre((3,), rng).matrix(), states.ginibre((3,), rng).matrix()

    def lift(a: np.ndarray) -> np.ndarray:
        b = v @ a @ v.conj().T
        return (b + b.conj().T) / 2

    x = hermitian(3, rng)
    _, small = losses.CrossEntropy().value_and_cotangent(DensityMatrix(rho3), DensityMatrix(sigma3))
    value, large = losses.CrossEntropy().value_and_cotangent(DensityMatrix(lift(rho3)), DensityMatrix(lift(sigma3)))
    assert value == pytest.approx(exact_cross_entropy(rho3, sigma3), rel=1e-11)
    assert np.trace(large @ lift(x)).real == pytest.approx(np.trace(small @ x).real, rel=1e-10)


def test_fidelity_of_pure_states_keeps_all_digits() -> None:
    rng = np.random.default_rng(7)
    psi, sigma = states.haar_pure((2, 2), rng), states.ginibre((2, 2), rng)
    column = psi.factor[:, 0]
    assert float(losses.fidelity(psi, sigma)) == pytest.approx(
        float((column.conj() @ sigma.matrix() @ column).real), rel=1e-14
    )
    assert float(losses.fidelity(psi, psi)) == pytest.approx(1.0, abs=1e-14)
    assert float(losses.fidelity(DensityMatrix(psi.matrix()), DensityMatrix(psi.matrix()))) == pytest.approx(
        1, abs=1e-13
    )
    assert float(losses.fidelity(states.basis_state("0"), states.basis_state("1"))) == 0.0
