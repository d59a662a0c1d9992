"""S and its whole gradient, for every model, against 50-digit arithmetic that shares no code with qml.

The reference builds sigma(theta) in mpmath from the definitions of the gates and channels, takes its logarithm by an
eigen-decomposition with 50 digits, and differentiates by central differences with steps of 1e-20.
"""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from helpers.digits import M, kron, rotation, string

from qml import Circuit, CircuitModel, GibbsModel, SpectralModel, channels, gates, losses, pauli, states
from qml.engines import PauliEngine, ReferenceEngine
from qml.operators import tfim

EPS = np.finfo(float).eps
Theta = list[mpmath.mpf]


@pytest.fixture(autouse=True)
def fifty_digits():
    with mpmath.workdps(50):
        yield


# a small simulator with 50 digits ----


def mat(rows) -> M:
    return mpmath.matrix(rows)


ONE, X, Y, Z = (
    lambda: mpmath.eye(2),
    lambda: mat([[0, 1], [1, 0]]),
    lambda: mat([[0, mpmath.mpc(0, -1)], [mpmath.mpc(0, 1), 0]]),
    lambda: mat([[1, 0], [0, -1]]),
)
PAULI = {"I": ONE, "X": X, "Y": Y, "Z": Z}


def unitary(u: M, rho: M) -> M:
    return u * rho * u.H


def on(site: int, u: M) -> M:
    return kron(u, ONE()) if site == 0 else kron(ONE(), u)


def cnot() -> M:
    return mat([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])


def kraus(site: int, operators: list[M], rho: M) -> M:
    out = mpmath.zeros(4)
    for k in operators:
        out += unitary(on(site, k), rho)
    return out


def depolarize(p: mpmath.mpf) -> list[M]:
    return [mpmath.sqrt(1 - 3 * p / 4) * ONE(), *(mpmath.sqrt(p / 4) * q() for q in (X, Y, Z))]


def damp(gamma: mpmath.mpf) -> list[M]:
    return [mat([[1, 0], [0, mpmath.sqrt(1 - gamma)]]), mat([[0, mpmath.sqrt(gamma)], [0, 0]])]


def cross_entropy(rho: M, sigma: M) -> mpmath.mpf:
    values, vectors = mpmath.eighe((sigma + sigma.H) / 2)
    total = mpmath.mpf(0)
    for j in range(len(values)):
        column = vectors[:, j]
        total -= (column.H * rho * column)[0, 0].real * mpmath.log(values[j])
    return total


def gibbs_cross_entropy(rho: M, k: M) -> mpmath.mpf:
    energies = mpmath.eighe((k + k.H) / 2, eigvals_only=True)
    trace = sum((rho * k)[j, j] for j in range(k.rows)).real
    return trace + mpmath.log(sum(mpmath.exp(-e) for e in energies))


def difference(f: Callable[[Theta], mpmath.mpf], theta: np.ndarray) -> np.ndarray:
    h = mpmath.mpf(10) ** -20
    base = [mpmath.mpf(float(t)) for t in theta]
    out = []
    for j in range(len(base)):
        plus, minus = list(base), list(base)
        plus[j] += h
        minus[j] -= h
        out.append(float((f(plus) - f(minus)) / (2 * h)))
    return np.array(out)


def check(model, rho: states.State, f: Callable[[Theta], mpmath.mpf], theta: np.ndarray, tolerance: float) -> None:
    sigma, pull = model.state_vjp(theta)
    value, cotangent = losses.CrossEntropy().value_and_cotangent(rho, sigma)
    gradient = pull(cotangent)
    want, slope = float(f([mpmath.mpf(float(t)) for t in theta])), difference(f, theta)
    assert np.abs(slope).max() > 1e-3
    assert value == pytest.approx(want, rel=tolerance)
    assert np.abs(gradient - slope).max() <= tolerance * np.abs(slope).max()


def exact(rho: states.State) -> M:
    return mat([[mpmath.mpc(z.real, z.imag) for z in row] for row in rho.matrix()])


# the models ----


@pytest.mark.parametrize("engine", [PauliEngine, ReferenceEngine])
@pytest.mark.parametrize("seed", [0, 1])
def test_noisy_circuit_model(engine, seed: int) -> None:
    rng = np.random.default_rng(seed)
    circuit = Circuit(
        2,
        [
            gates.RX("a", 0),
            gates.RY("b", 1),
            channels.Depolarizing(0.1, 0),
            gates.CNOT(0, 1),
            channels.AmplitudeDamping(0.2, 1),
            gates.RXX("c", 0, 1),
            channels.Depolarizing("p", 1),
            gates.RZ("a", 0),
            gates.RY("d", 0),
            channels.Depolarizing(0.05, 0),
        ],
    )
    model = CircuitModel(circuit, engine=engine())
    rho = states.ginibre((2, 2), rng)
    names = model.parameter_names
    theta = rng.normal(size=4 + 1)
    theta[names.index("p")] = -2.0
    target = exact(rho)

    def f(values: Theta) -> mpmath.mpf:
        v = dict(zip(names, values, strict=True))
        p = mpmath.mpf(float(model.circuit.domains["p"].high)) / (1 + mpmath.exp(-v["p"]))
        s = mpmath.zeros(4)
        s[0, 0] = mpmath.mpf(1)
        s = unitary(on(0, rotation("X", v["a"])), s)
        s = unitary(on(1, rotation("Y", v["b"])), s)
        s = kraus(0, depolarize(mpmath.mpf(0.1)), s)
        s = unitary(cnot(), s)
        s = kraus(1, damp(mpmath.mpf(0.2)), s)
        s = unitary(rotation("XX", v["c"]), s)
        s = kraus(1, depolarize(p), s)
        s = unitary(on(0, rotation("Z", v["a"])), s)
        s = unitary(on(0, rotation("Y", v["d"])), s)
        s = kraus(0, depolarize(mpmath.mpf(0.05)), s)
        return cross_entropy(target, s)

    condition = 1 / np.linalg.eigvalsh(model.state(theta).matrix())[0]
    check(model, rho, f, theta, 16 * 4 * EPS * condition)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 500.0])
def test_gibbs_model(scale: float) -> None:
    rng = np.random.default_rng(2)
    labels = ["XI", "IY", "ZZ", "XX", "YZ"]
    model = GibbsModel(sum((pauli(label) for label in labels[1:]), pauli(labels[0])))
    assert model.parameter_names == tuple(labels)
    rho = states.ginibre((2, 2), rng)
    target = exact(rho)

    def f(values: Theta) -> mpmath.mpf:
        k = mpmath.zeros(4)
        for label, t in zip(labels, values, strict=True):
            k += t * string(label)
        return gibbs_cross_entropy(target, k)

    check(model, rho, f, scale * rng.normal(size=5), 1e-10)


def test_a_frozen_thermal_target_learnt_by_a_gibbs_model() -> None:
    h = tfim(2)
    rho = states.thermal(h, 500.0)
    model = GibbsModel(h)
    target = exact(rho)

    def f(values: Theta) -> mpmath.mpf:
        k = mpmath.zeros(4)
        for label, t in zip(model.parameter_names, values, strict=True):
            k += t * string(label)
        return gibbs_cross_entropy(target, k)

    check(model, rho, f, np.array([-400.0, -300.0, -350.0]), 1e-10)


@pytest.mark.parametrize("energies", ["product", "table"])
@pytest.mark.parametrize("scale", [1.0, 200.0])
def test_spectral_model(energies: str, scale: float) -> None:
    rng = np.random.default_rng(3)
    circuit = Circuit(2, [gates.RX("a", 0), gates.RY("b", 1), gates.CNOT(0, 1), gates.RYY("c", 0, 1), gates.RZ("d", 1)])
    model = SpectralModel(circuit, energies)
    rho = states.ginibre((2, 2), rng)
    target = exact(rho)
    names = model.parameter_names
    angles = {name: rng.normal() for name in "abcd"}
    theta = np.array([angles[name] if name in angles else scale * rng.normal() for name in names])

    def f(values: Theta) -> mpmath.mpf:
        v = dict(zip(names, values, strict=True))
        free = [t for name, t in v.items() if name not in angles]
        if energies == "table":
            logs = [-e for e in free]
        else:  # qubit i is in |1> with probability logistic(-+eta_i): see which sign the one-qubit marginal has
            sign = _sign_of_product(model, names, angles)
            logs = [
                sum(sign * b * e for b, e in zip(bits, free, strict=True)) for bits in ((0, 0), (0, 1), (1, 0), (1, 1))
            ]
        log_z = mpmath.log(sum(mpmath.exp(t) for t in logs))
        w = on(1, rotation("Z", v["d"])) * rotation("YY", v["c"]) * cnot()
        w = w * on(1, rotation("Y", v["b"])) * on(0, rotation("X", v["a"]))
        rotated = w.H * target * w
        return -sum(rotated[x, x].real * (logs[x] - log_z) for x in range(4))

    check(model, rho, f, theta, 1e-10)


def _sign_of_product(model, names, angles) -> int:
    """+1 if a positive energy parameter raises the population of |1>, else -1 (a convention, not a formula)."""
    theta = np.array([0.0 if name in angles else 1.0 for name in names])
    logs = model.state(theta).spectrum().log_eigenvalues
    return 1 if logs[3] > logs[0] else -1
