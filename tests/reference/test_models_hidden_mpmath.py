"""Gibbs models with hidden units, and evolved ones: S and its whole gradient against 50-digit arithmetic.

The reference exponentiates K, traces out the hidden sites and takes the logarithm, all by eigen-decompositions with 50
digits, and differentiates by central differences with steps of 1e-20. It shares no code with qml.
"""

import itertools
import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from helpers.arrays import hermitian
from helpers.cases import every
from helpers.digits import M, rotation, string, to_mp

from qml import Circuit, gates, pauli, states
from qml.losses import CrossEntropy
from qml.models import EvolvedGibbsModel, HiddenGibbsModel, semi_quantum_restricted

Theta = list[mpmath.mpf]
EPS = np.finfo(float).eps


@pytest.fixture(autouse=True)
def fifty_digits():
    with mpmath.workdps(50):
        yield


def function_of(hermitian: M, f: Callable[[mpmath.mpf], mpmath.mpf]) -> M:
    values, vectors = mpmath.eighe((hermitian + hermitian.H) / 2)
    return vectors * mpmath.diag([f(v) for v in values]) * vectors.H


def gibbs(k: M) -> M:
    e = function_of(k, lambda v: mpmath.exp(-v))
    return e / sum(e[j, j].real for j in range(e.rows))


def visible_state(k: M, dims: tuple[int, ...], hidden: tuple[int, ...]) -> M:
    """Tr over the hidden sites of e^-K / Z, from the definition of the partial trace."""
    sigma = gibbs(k)
    visible = [s for s in range(len(dims)) if s not in hidden]
    side = math.prod(dims[s] for s in visible)
    out = mpmath.zeros(side, side)
    configurations = list(itertools.product(*map(range, dims)))
    for row, x in enumerate(configurations):
        for column, y in enumerate(configurations):
            if all(x[s] == y[s] for s in hidden):
                a, b = 0, 0
                for s in visible:
                    a, b = a * dims[s] + x[s], b * dims[s] + y[s]
                out[a, b] += sigma[row, column]
    return out


def check(model, rho: states.State, value: Callable[[Theta], mpmath.mpf], theta: np.ndarray, tolerance: float) -> None:
    """S and its gradient along two random directions within `tolerance`, relative to S and to the larger slope."""
    base, h = [mpmath.mpf(float(t)) for t in theta], mpmath.mpf(10) ** -20
    directions, slope = np.random.default_rng(7).normal(size=(2, len(base))), np.zeros(2)
    for j, u in enumerate(directions.tolist()):
        above, below = (value([t + step * x for t, x in zip(base, u, strict=True)]) for step in (h, -h))
        slope[j] = float((above - below) / (2 * h))
    state, pull = model.state_vjp(theta)
    found, cotangent = CrossEntropy().value_and_cotangent(rho, state)
    assert np.abs(slope).max() > 1e-3
    assert found == pytest.approx(float(value(base)), rel=tolerance)
    assert np.abs(directions @ pull(cotangent) - slope).max() <= tolerance * np.abs(slope).max()


def check_dense(model, rho: states.State, generators: list[M], theta: np.ndarray, tolerance: float = 1e-12) -> None:
    target = to_mp(rho.matrix())

    def value(values: Theta) -> mpmath.mpf:
        sigma = visible_state(combined(generators, values), model.joint.dims, model.hidden)
        return -sum((target * function_of(sigma, mpmath.log))[k, k] for k in range(target.rows)).real

    assert model.method == "dense"
    check(model, rho, value, theta, tolerance)


def combined(generators: list[M], values: Theta) -> M:
    total = mpmath.zeros(generators[0].rows)
    for g, t in zip(generators, values, strict=True):
        total += t * g
    return total


# hidden units ----


@pytest.mark.parametrize(("scale", "hidden"), [(1e-3, (2,)), (1.0, (0, 2)), (5.0, (2,))])
def test_dense_model(scale: float, hidden: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    labels = ["XXI", "IYZ", "ZIX", "IIZ"]
    model = HiddenGibbsModel([pauli(x) for x in labels], hidden)
    assert model.method == "dense"
    generators = [string(x) for x in labels]
    theta = scale * rng.normal(size=len(labels))
    sigma = model.state(theta).matrix()
    reference = visible_state(combined(generators, [mpmath.mpf(t) for t in theta]), (2, 2, 2), hidden)
    assert np.abs(sigma - np.array(reference.tolist(), dtype=complex)).max() < 50 * EPS
    if scale < 1:
        theta[0] += 1.0  # at theta = 0 there is no gradient
    check_dense(model, states.ginibre(model.dims, rng), generators, theta)


@every("gap", [1e-1, 1e-3, 1e-6, 1e-9, 1e-12, 1e-14, 1e-16, 0.0])
def test_gradient_is_exact_at_any_gap(gap: float) -> None:
    """K with the eigenvalues 0, gap, 1, 1 + gap in a random basis, differentiated across the pairs."""
    rng = np.random.default_rng(2)
    basis = np.linalg.qr(hermitian(4, rng))[0]
    first = (basis * np.array([0.0, gap, 1.0, 1.0 + gap])) @ basis.conj().T
    matrices = [(first + first.conj().T) / 2, *(hermitian(4, rng) for _ in range(3))]
    model = HiddenGibbsModel(matrices, [0])
    check_dense(model, states.ginibre((2,), rng), [to_mp(g) for g in matrices], np.array([1.0, 0.0, 0.0, 0.0]))


def test_exactly_degenerate_spectrum() -> None:
    """K = ZZI + IZZ has fourfold eigenvalues; X and Y fields mix them."""
    labels = ["ZZI", "IZZ", "XII", "IYI", "IIX", "XXI"]
    model, generators = HiddenGibbsModel([pauli(x) for x in labels]), [string(x) for x in labels]
    rho = states.ginibre((2, 2), np.random.default_rng(3))
    check_dense(model, rho, generators, np.array([0.75, 0.5, 0.0, 0.0, 0.0, 0.0]))


def test_qutrits() -> None:
    rng = np.random.default_rng(4)
    matrices = [hermitian(6, rng) for _ in range(3)]
    model = HiddenGibbsModel(matrices, hidden=[0], dims=(2, 3))
    check_dense(model, states.ginibre((3,), rng), [to_mp(g) for g in matrices], rng.normal(size=3))


@pytest.mark.parametrize("field", [6.0, 12.0, 20.0, 28.0])
def test_nearly_singular_visible_state_has_twice_the_digits(field: float) -> None:
    """A strong field on the visible qubit and a weak coupling: lambda_min falls to e^-56 = 5e-25, far below eps."""
    labels = ["ZI", "IZ", "XX"]
    model, generators = HiddenGibbsModel([pauli(x) for x in labels]), [string(x) for x in labels]
    theta = np.array([field, field, 1e-9])
    reference = visible_state(combined(generators, [mpmath.mpf(t) for t in theta]), (2, 2), (1,))
    low, high = mpmath.eighe(reference, eigvals_only=True)
    found = np.sort(model.state(theta).spectrum().log_eigenvalues)
    assert found[1] == pytest.approx(float(mpmath.log(high)), abs=1e-15)
    assert abs(found[0] - float(mpmath.log(low))) < 20 * EPS * field + 10 * EPS * math.sqrt(float(high / low))


@every("field", [6.0, 12.0, 16.0])
def test_value_and_gradient_at_nearly_singular_visible_states(field: float) -> None:
    """lambda_min falls from 6e-6 to 2e-10, and rho has a tenth of its weight there."""
    labels = ["ZI", "IZ", "XX", "XI"]
    model = HiddenGibbsModel([pauli(x) for x in labels])
    theta = np.array([field, field, 1e-3, 1e-2])
    assert model.state(theta).eigenvalues().min() < 1e-5
    rho = states.DensityMatrix(np.array([[0.1, 0.05], [0.05, 0.9]]))
    check_dense(model, rho, [string(x) for x in labels], theta, 5e-14)


@pytest.mark.parametrize("scale", [1.0, 3000.0])
@pytest.mark.parametrize("kind", ["closed form", "blocks"])
def test_diagonal_visible_units(kind: str, scale: float) -> None:
    """At the larger scale the probabilities reach e^-1000, below float64. The reference sums e^-K(v) block by block."""
    rng = np.random.default_rng(5)
    if kind == "blocks":
        labels = ["ZIX", "IXX", "IZZ", "ZYI", "IYI", "ZII"]
        model = HiddenGibbsModel([pauli(x) for x in labels], 2)
    else:
        model = semi_quantum_restricted(2, 1)
        labels = list(model.parameter_names)
    assert model.method == kind
    generators = [string(x) for x in labels]
    theta = scale * rng.normal(size=len(labels))
    d_v = 2 ** len(model.dims)
    p, side = rng.dirichlet(np.ones(d_v)), 8 // d_v

    def value(values: Theta) -> mpmath.mpf:
        k = combined(generators, values)
        blocks = [k[v * side : (v + 1) * side, v * side : (v + 1) * side] for v in range(d_v)]
        weights = [sum(mpmath.exp(-e) for e in mpmath.eighe(block, eigvals_only=True)) for block in blocks]
        return -sum(mpmath.mpf(float(q)) * mpmath.log(w / sum(weights)) for q, w in zip(p, weights, strict=True))

    logs = model.state(theta).spectrum().log_eigenvalues
    assert logs.min() > -10 if scale == 1 else logs.min() < -745
    check(model, states.DensityMatrix.from_probabilities(p), value, theta, 1e-12)


# evolved ----


@pytest.mark.parametrize(
    "fields", [(0.7, -0.4, 0.9), (90.0, -60.0, 75.0), (0.0, 0.0, 1.25)], ids=["1", "100", "degenerate"]
)
def test_evolved_model(fields: tuple[float, ...]) -> None:
    rng = np.random.default_rng(6)
    labels = ["XI", "IY", "ZZ"]
    circuit = Circuit(2, [gates.RX("a", 0), gates.RYY("b", 0, 1), gates.RZ("c", 1)])
    model = EvolvedGibbsModel([pauli(x) for x in labels], circuit)
    generators = [string(x) for x in labels]

    def log_sigma(values: Theta) -> tuple[M, mpmath.mpf]:
        u = rotation("IZ", values[5]) * rotation("YY", values[4]) * rotation("XI", values[3])
        k = combined(generators, values[:3])
        return u * k * u.H, mpmath.log(sum(mpmath.exp(-e) for e in mpmath.eighe(k, eigvals_only=True)))

    rho = states.ginibre((2, 2), rng)
    target = to_mp(rho.matrix())

    def s(values: Theta) -> mpmath.mpf:
        k, log_z = log_sigma(values)
        return sum((target * k)[j, j] for j in range(4)).real + log_z

    check(model, rho, s, np.array([*fields, *rng.uniform(-3, 3, 3)]), 1e-12)
