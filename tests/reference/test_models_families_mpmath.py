"""S and its whole gradient for the composed and the low-rank models, against 50-digit arithmetic that shares no code.

The reference builds sigma(theta) in mpmath from the definition of each family and takes its logarithm by an
eigen-decomposition with 50 digits, on the support; it differentiates by central differences with steps of 1e-20. Edges:
degenerate, nearly singular, rank-deficient and pure states, one level, vanishing weights, weak noise, strong fields.
"""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from helpers.digits import M, kron, rotation, string, to_mp

from qml import Circuit, GibbsModel, SpectralModel, channels, gates, pauli, states
from qml.losses import CrossEntropy
from qml.models import CholeskyModel, MixtureModel, NoisyModel, ProductModel, PurifiedCircuitModel

Theta = list[mpmath.mpf]
ZERO = mpmath.mpf(10) ** -40
"""Eigenvalues of the reference below this are those of the kernel."""


@pytest.fixture(autouse=True)
def fifty_digits():
    with mpmath.workdps(50):
        yield


# a small simulator with 50 digits ----


def one(d: int = 2) -> M:
    return mpmath.eye(d)


def function_of(hermitian: M, f: Callable[[mpmath.mpf], mpmath.mpf]) -> M:
    values, vectors = mpmath.eighe((hermitian + hermitian.H) / 2)
    return vectors * mpmath.diag([f(v) for v in values]) * vectors.H


def cross_entropy(rho: M, sigma: M) -> mpmath.mpf:
    log = function_of(sigma, lambda v: mpmath.log(v) if v > ZERO else mpmath.mpf(0))
    return -sum((rho * log)[k, k] for k in range(rho.rows)).real


def density(vector: list) -> M:
    column = M(vector)
    return column * column.H


def check(model, rho: states.State, sigma: Callable[[Theta], M], theta, tolerance: float) -> np.ndarray:
    """Value and gradient from the matrix sigma(theta)."""
    target = to_mp(rho.matrix())
    return check_function(model, rho, lambda values: cross_entropy(target, sigma(values)), theta, tolerance)


def check_function(model, rho: states.State, f: Callable[[Theta], mpmath.mpf], theta, tolerance: float) -> np.ndarray:
    """Value and gradient within `tolerance`, relative to the largest entry; returns the gradient."""
    base, h = [mpmath.mpf(float(t)) for t in theta], mpmath.mpf(10) ** -20
    slopes = []
    for j in range(len(base)):
        up, down = ([b + (s * h if j == k else 0) for k, b in enumerate(base)] for s in (1, -1))
        slopes.append(float((f(up) - f(down)) / (2 * h)))
    state, pull = model.state_vjp(theta)
    value, cotangent = CrossEntropy().value_and_cotangent(rho, state)
    gradient = pull(cotangent)
    largest = np.abs(slopes).max()
    assert largest > 1e-4 or state.dim == 1
    assert value == pytest.approx(float(f(base)), rel=tolerance, abs=1e-15)
    assert np.abs(gradient - slopes).max() <= tolerance * largest
    return gradient


# Cholesky ----


def cholesky(model: CholeskyModel, values: Theta) -> M:
    d = int(np.prod(model.dims))
    lower = mpmath.zeros(d, model.rank)
    for name, t in zip(model.parameter_names, values, strict=True):
        kind, *place = name.split("_")
        j, k = int(place[0]), int(place[-1])
        lower[j, k] += {"log": lambda t: mpmath.exp(t), "re": lambda t: t, "im": lambda t: mpmath.mpc(0, t)}[kind](t)
    sigma = lower * lower.H
    return sigma / sum(sigma[k, k] for k in range(d)).real


@pytest.mark.parametrize(
    ("dims", "diagonal", "size", "tolerance"),
    [
        ((2, 2), 0.0, 1.0, 1e-13),
        ((3,), 0.0, 0.5, 1e-13),
        ((3,), 0.0, 0.0, 1e-13),  # sigma = 1/3, degenerate
        ((3,), -12.0, 1.0, 1e-9),  # condition e^24 and more
        ((2,), 300.0, 0.0, 1e-13),  # the scale drops out
        ((1,), 0.7, 1.0, 1e-14),
    ],
)
def test_cholesky_model(dims, diagonal, size, tolerance) -> None:
    rng = np.random.default_rng(0)
    model = CholeskyModel(dims)
    theta = size * rng.standard_normal(model.n_params)
    theta[model.rank - 1] += diagonal if diagonal < 0 else 0.0
    theta[: model.rank] += diagonal if diagonal > 0 else 0.0
    check(model, states.ginibre(dims, rng), lambda values: cholesky(model, values), theta, tolerance)


@pytest.mark.parametrize("p", [1e-12, 0.3])
def test_smoothed_cholesky_model_of_rank_one(p: float) -> None:
    """Nearly pure: eigenvalues p/3 known in the log domain."""
    rng = np.random.default_rng(1)
    model = CholeskyModel((3,), 1, smoothing=p)

    def sigma(values: Theta) -> M:
        return (1 - mpmath.mpf(p)) * cholesky(model, values) + mpmath.mpf(p) / 3 * one(3)

    check(model, states.ginibre((3,), rng), sigma, model.init_params(rng), 1e-13)


def test_low_rank_cholesky_model_on_a_support_that_stays() -> None:
    """sigma and rho in the span of two basis states: only the parameters inside are moved."""
    rng = np.random.default_rng(2)
    model, inner = CholeskyModel((3,), 2), CholeskyModel((2,))
    theta = rng.standard_normal(4)
    wide = np.zeros(model.n_params)
    wide[[model.parameter_names.index(name) for name in inner.parameter_names]] = theta
    small = states.ginibre((2,), rng)
    gradient = check(inner, small, lambda values: cholesky(inner, values), theta, 1e-13)
    rho = states.DensityMatrix(np.pad(small.matrix(), (0, 1)))
    sigma, pull = model.state_vjp(wide)
    found = pull(CrossEntropy().value_and_cotangent(rho, sigma)[1])
    assert np.allclose(found[wide != 0], gradient, rtol=1e-12)
    assert np.abs(found[wide == 0]).max() < 1e-14


# purified ----


def purified(values: Theta) -> M:
    """RY(w) on the ancilla (site 2), copied to site 0, spread over the system by fixed gates, RX(x) on the ancilla."""
    w, x = values
    ry, spread = rotation("Y", w), rotation("XX", mpmath.mpf(0.3))
    turn = kron(rotation("Y", mpmath.mpf(0.7)), one())
    psi = mpmath.zeros(8, 1)
    for a in range(2):  # |a> of the ancilla goes with |a> of site 0
        psi[4 * a + a] = ry[a, 0]
    psi = kron(turn * spread, rotation("X", x)) * psi
    sigma = mpmath.zeros(4)
    for a in range(2):
        sigma += density([psi[2 * s + a] for s in range(4)])
    return sigma


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("w", [0.9, 1e-3])
def test_purified_model_of_deficient_rank(rank: int, w: float) -> None:
    rng = np.random.default_rng(3)
    operations = [gates.RY("w", 2), gates.CNOT(2, 0), gates.RXX(0.3, 0, 1), gates.RY(0.7, 0), gates.RX("x", 2)]
    model = PurifiedCircuitModel(Circuit(3, operations), 1)
    basis = model.state([0.9, 0.4]).spectrum().basis
    g = rng.standard_normal((2, rank)) + 1j * rng.standard_normal((2, rank))
    rho = states.DensityMatrix.from_factor(basis @ g / np.linalg.norm(g), (2, 2))
    gradient = check(model, rho, purified, np.array([w, 0.4]), 1e-12 if w > 0.1 else 1e-11)
    assert abs(gradient[1]) < 1e-9 * abs(gradient[0])


def test_purified_model_of_full_rank() -> None:
    """A Bell-like pair of one qubit and one ancilla: sigma = diag(cos^2, sin^2) of a/2, turned by b about X."""
    model = PurifiedCircuitModel(Circuit(2, [gates.RY("a", 0), gates.CNOT(0, 1), gates.RX("b", 0)]), 1)

    def sigma(values: Theta) -> M:
        u = rotation("X", values[1])
        return u * mpmath.diag([mpmath.cos(values[0] / 2) ** 2, mpmath.sin(values[0] / 2) ** 2]) * u.H

    rho = states.ginibre((2,), np.random.default_rng(4))
    for a, tolerance in ((1.1, 1e-13), (1e-6, 1e-9)):
        check(model, rho, sigma, np.array([a, 0.8]), tolerance)


# mixtures, products, noise ----


@pytest.mark.parametrize("odds", [0.4, -50.0])
def test_mixture_of_two_pure_members(odds: float) -> None:
    """A weight of e^-50, held as a factor: the logarithm of the small eigenvalue keeps its digits."""
    rng = np.random.default_rng(5)
    members = [CholeskyModel((2,), 1), CholeskyModel((2,), 1)]
    model = MixtureModel(members)
    theta = np.array([odds, *rng.standard_normal(model.n_params - 1)])

    def sigma(values: Theta) -> M:
        w = 1 / (1 + mpmath.exp(-values[0]))
        first, second = (cholesky(m, values[1 + 3 * k : 4 + 3 * k]) for k, m in enumerate(members))
        return (1 - w) * first + w * second

    check(model, states.ginibre((2,), rng), sigma, theta, 1e-13 if odds > 0 else 1e-6)


def test_mixture_of_a_gibbs_and_a_cholesky_qutrit() -> None:
    rng = np.random.default_rng(6)
    hermitian = rng.standard_normal((3, 3)) + 1j * rng.standard_normal((3, 3))
    k = hermitian + hermitian.conj().T
    inner = CholeskyModel((3,), 2)
    model = MixtureModel([GibbsModel([k], dims=(3,)), inner])
    theta = np.array([-0.4, 0.3, *rng.standard_normal(inner.n_params)])

    def sigma(values: Theta) -> M:
        w = 1 / (1 + mpmath.exp(-values[0]))
        thermal = function_of(to_mp(k), lambda e: mpmath.exp(-values[1] * e))
        thermal /= sum(thermal[j, j] for j in range(3)).real
        return (1 - w) * thermal + w * cholesky(inner, values[2:])

    check(model, states.ginibre((3,), rng), sigma, theta, 1e-12)


@pytest.mark.parametrize("beta", [0.5, 300.0])
def test_product_for_a_correlated_target(beta: float) -> None:
    """A frozen Gibbs qubit, a qutrit and a site of one level."""
    rng = np.random.default_rng(7)
    model = ProductModel([GibbsModel([pauli("X"), pauli("Z")]), CholeskyModel((3,)), CholeskyModel((1,))])
    theta = np.array([beta, 0.7 * beta, *rng.standard_normal(model.n_params - 2)])
    rho = states.ginibre((2, 3, 1), rng)
    target = to_mp(rho.matrix())

    def sigma(values: Theta) -> tuple[M, M]:
        k = values[0] * string("X") + values[1] * string("Z")
        return k, cholesky(CholeskyModel((3,)), values[2:11])

    def log_sigma(values: Theta) -> M:
        k, second = sigma(values)
        z = sum(mpmath.exp(-e) for e in mpmath.eighe(k, eigvals_only=True))
        first = -k - mpmath.log(z) * one()
        return kron(first, one(3)) + kron(one(), function_of(second, mpmath.log))

    def f(values: Theta) -> mpmath.mpf:
        product = target * log_sigma(values)
        return -sum(product[j, j] for j in range(6)).real

    check_function(model, rho, f, theta, 1e-12)


@pytest.mark.parametrize(("u", "tolerance"), [(0.3, 1e-12), (-18.0, 1e-6)])
def test_noise_on_a_gibbs_model(u: float, tolerance: float) -> None:
    """Depolarizing with a trainable p, down to 2e-8 on a frozen state, then a rotation."""
    rng = np.random.default_rng(8)
    below = GibbsModel([pauli("X"), pauli("Y"), pauli("Z")])
    model = NoisyModel(below, Circuit(1, [channels.Depolarizing("p", 0), gates.RY("a", 0)]))
    scale = 1.0 if u > 0 else 20.0
    theta = np.array([*(scale * rng.standard_normal(3)), u, 0.6])
    high = mpmath.mpf(model.circuit.domains["p"].high)

    def sigma(values: Theta) -> M:
        k = values[0] * string("X") + values[1] * string("Y") + values[2] * string("Z")
        thermal = function_of(k, lambda e: mpmath.exp(-e))
        thermal /= (thermal[0, 0] + thermal[1, 1]).real
        p = high / (1 + mpmath.exp(-values[3]))
        turn = rotation("Y", values[4])
        return turn * ((1 - p) * thermal + p / 2 * one()) * turn.H

    check(model, states.ginibre((2,), rng), sigma, theta, tolerance)


def test_amplitude_damping_on_a_cholesky_model() -> None:
    rng = np.random.default_rng(9)
    below = CholeskyModel((2,))
    model = NoisyModel(below, Circuit(1, [channels.AmplitudeDamping("g", 0)]))
    theta = np.array([*rng.standard_normal(4), -0.5])

    def sigma(values: Theta) -> M:
        g = 1 / (1 + mpmath.exp(-values[4]))
        first, second = M([[1, 0], [0, mpmath.sqrt(1 - g)]]), M([[0, mpmath.sqrt(g)], [0, 0]])
        inner = cholesky(below, values[:4])
        return first * inner * first.H + second * inner * second.H

    check(model, states.ginibre((2,), rng), sigma, theta, 1e-12)


# Ising energies ----


@pytest.mark.parametrize("scale", [1.0, 1e-6, 300.0])
def test_ising_energies_rotated(scale: float) -> None:
    rng = np.random.default_rng(10)
    model = SpectralModel(Circuit(2, [gates.RX("a", 0), gates.RYY("b", 0, 1)]), "ising")
    theta = np.array([*(scale * rng.standard_normal(3)), 0.4, -1.1])
    rho = states.ginibre((2, 2), rng)
    target = to_mp(rho.matrix())

    def f(values: Theta) -> mpmath.mpf:
        h0, h1, j, a, b = values
        energies = [h0 * z0 + h1 * z1 + j * z0 * z1 for z0 in (1, -1) for z1 in (1, -1)]
        z = sum(mpmath.exp(-e) for e in energies)
        v = rotation("YY", b) * kron(rotation("X", a), one())
        turned = v.H * target * v
        return sum(turned[x, x].real * (energies[x] + mpmath.log(z)) for x in range(4))

    check_function(model, rho, f, theta, 1e-12)
