"""Divided differences against 50 digits, and the support policy."""

import mpmath
import numpy as np
import pytest
from helpers.arrays import complex_normal, hermitian
from helpers.cases import every

from qml import _products, spectral

GAPS = [0.0] + [10.0**-k for k in range(1, 17)]


def exact_log_difference(a: float, b: float) -> float:
    with mpmath.workdps(50):
        la, lb = mpmath.mpf(a), mpmath.mpf(b)
        if la == lb:
            return float(mpmath.exp(-la))
        return float((la - lb) / (mpmath.exp(la) - mpmath.exp(lb)))


def exact_exp_difference(a: float, b: float) -> float:
    with mpmath.workdps(50):
        la, lb = mpmath.mpf(a), mpmath.mpf(b)
        if la == lb:
            return float(mpmath.exp(la))
        return float((mpmath.exp(la) - mpmath.exp(lb)) / (la - lb))


@every("gap", GAPS)
@every("level", [0.0, -1.0, -32.2, -300.0])
def test_divided_differences_are_exact_to_rounding_at_any_gap(gap: float, level: float) -> None:
    points = np.array([level, level - gap])
    logs = spectral.log_divided_differences(points)
    exps = spectral.exp_divided_differences(points)
    for i in range(2):
        for j in range(2):
            assert logs[i, j] == pytest.approx(exact_log_difference(points[i], points[j]), rel=8e-16 * 4)
            assert exps[i, j] == pytest.approx(exact_exp_difference(points[i], points[j]), rel=8e-16 * 4)


def test_divided_differences_across_many_decades() -> None:
    points = np.log(np.array([1.0, 0.5, 1e-3, 1e-14, 1e-100, 1e-300]))
    got = spectral.log_divided_differences(points)
    want = np.array([[exact_log_difference(a, b) for b in points] for a in points])
    assert np.abs(got / want - 1).max() < 2e-15
    assert np.isfinite(spectral.log_divided_differences(np.array([0.0, -700.0, -1000.0]))[:2, :2]).all()


def test_kernel_entries_of_divided_differences_are_zero() -> None:
    points = np.array([0.0, -np.inf])
    assert spectral.log_divided_differences(points).tolist() == [[1.0, 0.0], [0.0, 0.0]]
    assert spectral.exp_divided_differences(points).tolist() == [[1.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("d", [1, 2, 5, 8])
def test_the_cut_is_relative_and_keeps_1e_14(d: int) -> None:
    values = np.full(d, 1e-14)
    values[0] = 1.0
    for scale in (1.0, 1e-30, 1e30):
        spectrum = spectral.spectrum_of_matrix(np.diag(values * scale).astype(complex))
        assert spectrum.support.all()
    noise = values.copy()
    noise[1:] = [1e-17 * (-1) ** k for k in range(d - 1)]
    assert spectral.spectrum_of_matrix(np.diag(noise).astype(complex)).support.sum() == 1


def test_real_matrices_are_decomposed_in_real_arithmetic_with_the_same_answer() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(6, 6))
    values, vectors = spectral.eigh((a + a.T).astype(complex))
    assert vectors.dtype == np.float64
    assert not vectors.imag.any()
    assert np.abs((vectors * values) @ vectors.conj().T - (a + a.T)).max() < 1e-13


def test_spectrum_of_a_factor_finds_the_exact_rank() -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(size=(8, 2)) + 1j * rng.normal(size=(8, 2))
    a = np.hstack([a, a[:, :1]])
    a /= np.linalg.norm(a)
    spectrum = spectral.decompose_factor(a)[0]
    assert spectrum.support.sum() == 2
    assert np.abs(spectrum.matrix_of(spectrum.eigenvalues) - a @ a.conj().T).max() < 1e-15
    assert not spectrum.is_complete


@pytest.mark.parametrize(("d", "r"), [(1, 1), (7, 3), (64, 64), (100, 91), (257, 40), (300, 300), (1024, 2), (520, 90)])
def test_products_with_hermitian_matrices_at_every_size(d, r):
    """Whatever way is taken at that size, with columns of any memory layout, twice, so that kept memory is used."""
    rng = np.random.default_rng(d)
    a = rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d))
    h = a + a.conj().T
    columns = np.linalg.qr(a[:, :r])[0]
    logs = -np.arange(1.0, r + 1)
    inside = columns.conj().T @ h @ columns
    outside = columns @ inside @ columns.conj().T
    for v in (columns, np.asfortranarray(columns), columns.copy()):
        for _ in range(2):
            spectrum = spectral.Spectrum(logs, v)
            np.testing.assert_allclose(_products.quadratic_forms(h, v), np.diagonal(inside).real, atol=1e-12 * d)
            np.testing.assert_allclose(spectrum.to_basis(h), inside, atol=1e-12 * d)
            np.testing.assert_allclose(spectrum.from_basis(inside), outside, atol=1e-12 * d)
    assert np.abs(inside - np.diag(np.diagonal(inside))).max() > 0.1 or r == 1
    real = np.linalg.qr(a.real[:, :r])[0]
    expected = np.einsum("dj,de,ej->j", real, h.real, real, optimize=True)
    for first in (h, h.real.copy()):
        np.testing.assert_allclose(_products.quadratic_forms(first, real), expected, atol=1e-12 * d)


def test_results_in_kept_memory_stay_what_they_are():
    """Memory comes back only when nobody holds the array any more."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(128, 128)) + 1j * rng.normal(size=(128, 128))
    h, v = a + a.conj().T, np.linalg.qr(a)[0]
    spectrum = spectral.Spectrum(np.linspace(-5.0, -1.0, 128), v)
    first = spectrum.to_basis(h), spectrum.log_pullback(h), spectral.log_divided_differences(spectrum.log_eigenvalues)
    copies = [x.copy() for x in first]
    for _ in range(3):
        (
            spectrum.to_basis(-h),
            spectrum.log_pullback(2 * h),
            spectral.log_divided_differences(2 * spectrum.log_eigenvalues),
        )
    for kept, copy in zip(first, copies, strict=True):
        np.testing.assert_array_equal(kept, copy)


@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_the_pullback_to_a_factor_is_that_to_the_matrix(noise: float) -> None:
    """C = 2 G A of sigma = A A^dagger + noise 1, with G from the decomposition of the whole matrix."""
    rng = np.random.default_rng(5)
    a, x = 0.5 * complex_normal(rng, 5, 2), hermitian(5, rng)
    v, s, _ = np.linalg.svd(a, full_matrices=False)
    inside = v @ v.conj().T
    if noise == 0:
        x = inside @ x @ inside  # X vanishes on the kernel, as rho does where S is finite
    log_outside = np.log(noise) if noise else -np.inf
    spectrum = spectral.Spectrum(np.log(s**2 + noise), v, log_outside=log_outside)
    assert spectrum.has_kernel == (noise == 0)
    found = spectrum.log_pullback_to_factor(x @ v, v.conj().T @ x @ v, v.conj().T @ a)
    whole = spectral.spectrum_of_matrix(a @ a.conj().T + noise * np.eye(5))
    np.testing.assert_allclose(found, 2 * whole.log_pullback(x) @ a, atol=1e-12)
    assert np.abs(found).max() > 0.1


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 3, 4, 2)])
@pytest.mark.parametrize("full", [False, True])
def test_singular_values_where_divide_and_conquer_gives_up(shape, full, monkeypatch):
    def gives_up(*args, **kwargs):
        raise np.linalg.LinAlgError("SVD did not converge")

    rng = np.random.default_rng(0)
    a = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    expected = np.linalg.svd(a, full_matrices=full)
    monkeypatch.setattr(np.linalg, "svd", gives_up)
    found = spectral.svd(a, full)
    assert [part.shape for part in found] == [part.shape for part in expected]
    u, s, wh = found
    k = s.shape[-1]
    np.testing.assert_allclose(s, expected[1], rtol=1e-14)
    np.testing.assert_allclose((u[..., :k] * s[..., None, :]) @ wh[..., :k, :], a, atol=1e-14)
    for q in (u, wh.conj().swapaxes(-1, -2)):
        np.testing.assert_allclose(
            q.conj().swapaxes(-1, -2) @ q,
            np.broadcast_to(np.eye(q.shape[-1]), q.shape[:-2] + q.shape[-1:] * 2),
            atol=1e-14,
        )
    with pytest.raises(np.linalg.LinAlgError):
        spectral.svd(np.full(shape, np.nan), full)
