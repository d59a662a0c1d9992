"""The measured relative entropy, and the report of what measuring costs, with its picture."""

import math
import re

import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
from matplotlib.figure import Figure
from scipy.special import xlogy

from qml import pauli, spectral, states
from qml._checks import InputError, MemoryRefused
from qml.fitting import FitError
from qml.losses import fidelity, measured_relative_entropy, measured_report, relative_entropy
from qml.measurement import Counts, PauliMeasurement, haar_bases, sample, sic
from qml.plotting.counts import plot_measured
from qml.states import DensityMatrix

RNG = np.random.default_rng(13)


def best_qubit_basis(rho: DensityMatrix, sigma: DensityMatrix) -> float:
    """The supremum over all bases of a qubit: a grid over directions, and Nelder-Mead from its best."""
    paulis = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    a, b = (np.einsum("kij,ji->k", paulis, s.matrix()).real for s in (rho, sigma))

    def minus(angles: np.ndarray) -> np.ndarray:
        t, f = np.asarray(angles)
        n = np.stack([np.sin(t) * np.cos(f), np.sin(t) * np.sin(f), np.cos(t)], axis=-1)
        p, q = (1 + n @ a) / 2, (1 + n @ b) / 2
        p = np.clip(p, 0, 1)
        return -(xlogy(p, p / q) + xlogy(1 - p, (1 - p) / (1 - q)))

    grid = np.array(np.meshgrid(np.linspace(0, np.pi, 60), np.linspace(0, np.pi, 60))).reshape(2, -1)
    start = grid[:, np.argmin(minus(grid))]
    options = {"xatol": 1e-10, "fatol": 1e-15}
    return -float(scipy.optimize.minimize(minus, start, method="Nelder-Mead", options=options).fun)


def test_qubits_against_all_directions() -> None:
    for k in range(10):
        rho, sigma = states.ginibre((2,), RNG, rank=1 + k % 2), states.ginibre((2,), RNG)
        assert measured_relative_entropy(rho, sigma) == pytest.approx(best_qubit_basis(rho, sigma), rel=1e-7)


@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_commuting_states_are_told_apart_without_loss(d: int) -> None:
    p, q = RNG.dirichlet(np.ones(d)), RNG.dirichlet(np.ones(d))
    u = np.linalg.qr(RNG.normal(size=(d, d)) + 1j * RNG.normal(size=(d, d)))[0]
    rho, sigma = (DensityMatrix((u * w) @ u.conj().T) for w in (p, q))
    assert measured_relative_entropy(rho, sigma) == pytest.approx(float(relative_entropy(rho, sigma)), abs=1e-9)


@pytest.mark.parametrize("d", [2, 3, 4])
def test_between_every_measurement_and_the_relative_entropy(d: int) -> None:
    for rank in range(1, d + 1):
        rho, sigma = states.ginibre((d,), RNG, rank=rank), states.ginibre((d,), RNG)
        measured = measured_relative_entropy(rho, sigma)
        assert measured <= float(relative_entropy(rho, sigma)) + 1e-10
        bases = haar_bases((d,), 200, RNG)
        p, q = (bases.probabilities(s).reshape(200, d) for s in (rho, sigma))
        assert measured >= (p * np.log(p / q)).sum(axis=1).max()
        assert measured_relative_entropy(rho, rho) == pytest.approx(0, abs=1e-10)


def test_pure_states_are_told_apart_as_well_as_can_be() -> None:
    """The best basis is far from where the logarithms of the states point, where a search can stop early."""
    rng = np.random.default_rng(5)
    for _ in range(6):
        rho, sigma = states.ginibre((2,), rng, rank=1), states.ginibre((2,), rng)
        assert measured_relative_entropy(rho, sigma) == pytest.approx(best_qubit_basis(rho, sigma), abs=2e-8)


@pytest.mark.parametrize("rank", [1, 3])
def test_against_the_variational_formula(rank: int) -> None:
    """Of a qutrit, by a search over omega = exp(H), and by the bound from above at what it finds."""
    rng = np.random.default_rng(6)
    rho, sigma = states.ginibre((3,), rng, rank=rank).matrix(), states.ginibre((3,), rng).matrix()

    def hermitian(x: np.ndarray) -> np.ndarray:
        h = np.diag(x[:3]).astype(complex)
        h[np.tril_indices(3, -1)] = x[3:6] + 1j * x[6:]
        return h + np.tril(h, -1).conj().T

    def minus(x: np.ndarray) -> float:
        h = hermitian(x)
        return -float(np.vdot(rho, h).real + 1 - np.vdot(sigma, exponential(h)).real)

    def exponential(h: np.ndarray) -> np.ndarray:
        w, v = np.linalg.eigh(h)
        return (v * np.exp(w)) @ v.conj().T

    found = scipy.optimize.minimize(minus, np.zeros(9), method="BFGS", options={"gtol": 1e-6})
    omega = exponential(hermitian(found.x))
    omega = (1 - 1e-6) * omega / np.vdot(sigma, omega).real + 1e-6 * np.eye(3)
    w, v = np.linalg.eigh(omega)
    derivative = spectral.Spectrum(np.log(w), v).log_pullback(rho)
    largest = scipy.linalg.eigh((derivative + derivative.conj().T) / 2, sigma, eigvals_only=True)[-1]
    upper = np.vdot(rho, (v * np.log(w)) @ v.conj().T).real - 1 + largest
    value = measured_relative_entropy(DensityMatrix(rho, (3,)), DensityMatrix(sigma, (3,)))
    assert -found.fun - 1e-8 <= value <= upper
    assert upper - value < 0.01


@pytest.mark.parametrize(("d", "rank"), [(8, 1), (8, 3), (6, 6), (10, 2)])
def test_the_value_is_certified_or_an_error(d: int, rank: int) -> None:
    rng = np.random.default_rng(6)
    rho, sigma = states.ginibre((d,), rng, rank=rank), states.ginibre((d,), rng)
    value, coarse = (measured_relative_entropy(rho, sigma, gap=gap) for gap in (1e-8, 1e-3))
    assert 0 <= value - coarse + 1e-12 <= 1e-3
    assert value <= float(relative_entropy(rho, sigma))
    with pytest.raises(FitError, match=r"nats after 3 Newton steps: the gap 1\.00e-08 is not reached") as error:
        measured_relative_entropy(rho, sigma, max_iterations=3)
    lower, upper = (float(x) for x in re.findall(r"[\d.]+(?= and| nats)", str(error.value)))
    assert lower < value < upper


def test_of_a_sigma_of_wide_spectrum_and_of_gibbs_states() -> None:
    rng = np.random.default_rng(7)
    q = np.exp(-rng.uniform(0, 40, 4))
    u = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    sigma = DensityMatrix((u * (q / q.sum())) @ u.conj().T, (4,))
    rho = states.ginibre((4,), rng, rank=2)
    value = measured_relative_entropy(rho, sigma)
    assert -math.log(float(fidelity(rho, sigma))) <= value <= float(relative_entropy(rho, sigma))
    cold = states.thermal(pauli("Z"), 100.0)
    p = states.DensityMatrix.from_probabilities([0.5, 0.5])
    assert measured_relative_entropy(p, cold) == pytest.approx(float(relative_entropy(p, cold)), rel=1e-12)
    with pytest.raises(FitError, match=r"lies between .* is not reached"):
        measured_relative_entropy([[0.7, 0.1], [0.1, 0.3]], states.thermal({"X": 1.0, "Y": 0.5, "Z": 1.0}, 40.0))
    with pytest.raises(InputError, match="too small to divide by"):
        measured_relative_entropy(p, states.thermal(pauli("Z"), 1e4))


@pytest.mark.parametrize("d", [2, 3, 5])
def test_above_the_logarithm_of_the_fidelity(d: int) -> None:
    """-log F <= D_M, the measured relative entropy being above the sandwiched Renyi divergence of order 1/2."""
    for rank in range(1, d + 1):
        rho, sigma = states.ginibre((d,), RNG, rank=rank), states.ginibre((d,), RNG)
        assert measured_relative_entropy(rho, sigma) >= -math.log(float(fidelity(rho, sigma))) - 1e-12


def test_supports() -> None:
    zero, mixed = states.basis_state("0", dims=(2,)), states.maximally_mixed((2,))
    assert measured_relative_entropy(mixed, zero) == math.inf
    assert measured_relative_entropy(zero, mixed) == pytest.approx(math.log(2), abs=1e-9)
    block = DensityMatrix(np.diag([0.25, 0.75, 0, 0]))
    inside = DensityMatrix(np.diag([0.5, 0.5, 0, 0]))
    assert measured_relative_entropy(inside, block) == pytest.approx(float(relative_entropy(inside, block)), abs=1e-9)
    with pytest.raises(InputError, match="index the batch"):
        measured_relative_entropy(states.ginibre((2,), RNG, batch=2), mixed)
    with pytest.raises(InputError, match="gap must be greater than 0"):
        measured_relative_entropy(mixed, mixed, gap=0.0)


def test_report_of_one_basis() -> None:
    rho, sigma = states.ginibre((2,), RNG), states.ginibre((2,), RNG)
    report = measured_report(sample(rho, PauliMeasurement(["X"]), 1000, RNG), sigma, rho)
    assert report.cost > 0
    assert report.log_traces == 0
    assert report.bias == pytest.approx(report.cross_entropy - report.true_cross_entropy)
    assert report.excess >= 0
    assert report.empirical_distance > 0.01
    text = str(report)
    assert len(text.splitlines()) == 9
    assert report._repr_html_().count("<tr>") == 9
    unknown = measured_report(sample(rho, sic(2), 1000, RNG), sigma)
    assert unknown.bias is None
    assert unknown.log_traces == pytest.approx(-math.log(2))
    assert unknown.cost > 0
    assert len(str(unknown).splitlines()) == 6


def test_picture() -> None:
    sigma = DensityMatrix([[0.9, 0.0], [0.0, 0.1]])
    rho = DensityMatrix([[0.7, 0.2], [0.2, 0.3]])
    angles = np.linspace(0, np.pi / 2, 5)
    reports = []
    for t in angles:
        from qml.measurement import ProjectiveMeasurement

        c, s = math.cos(t / 2), math.sin(t / 2)
        m = ProjectiveMeasurement([[[c, -s], [s, c]]])
        reports.append(measured_report(Counts.from_frequencies(m, m.probabilities(rho)), sigma, rho))
    assert reports[0].cost == pytest.approx(0, abs=1e-12)
    assert (np.diff([r.cost for r in reports]) > 0).all()
    ax = plot_measured(reports, angles, Figure().subplots(), xlabel="angle (radians)")
    upper, lower, true = ax.get_lines()
    assert (upper.get_ydata() >= lower.get_ydata() - 1e-12).all()
    assert np.ptp(true.get_ydata()) == 0
    numbered = plot_measured(reports[:3], ax=Figure().subplots())
    assert all(place == round(place) for place in numbered.get_xticks())
    with pytest.raises(InputError, match="at least one report"):
        plot_measured([])
    with pytest.raises(InputError, match="one number for each of the 5 reports"):
        plot_measured(reports, [1.0])


def test_a_dimension_whose_second_derivatives_do_not_fit_is_refused(monkeypatch) -> None:
    monkeypatch.setattr("qml._checks.available_memory", lambda: 10**8)
    with pytest.raises(MemoryRefused, match="second derivatives in dimension 128"):
        measured_relative_entropy(states.maximally_mixed(7), states.maximally_mixed(7))
