"""Likelihoods of counts and their derivatives against 50-digit arithmetic, at the edges."""

import mpmath
import numpy as np
import pytest
from helpers.cases import every
from helpers.digits import to_mp

from qml import states
from qml.losses import ChiSquare, NegativeLogLikelihood, SquaredError
from qml.measurement import Counts, PauliMeasurement, haar_bases, pauli_six, sample, sic
from qml.states import DensityMatrix, GibbsState

RNG = np.random.default_rng(17)


def probabilities(m, sigma: mpmath.matrix) -> list:
    """Tr(M_k sigma), entry by entry."""
    effects = [m.element(k) for k in range(m.n_outcomes)]
    return [mpmath.fsum(mpmath.mpc(e[i, j]) * sigma[int(j), int(i)] for i, j in np.argwhere(e)).real for e in effects]


def exact(name: str, counts: Counts, p: list) -> mpmath.mpf:
    """The loss of the counts where the probabilities are p."""
    n, total = counts.counts.tolist(), counts.total
    shots = [s for s, size in zip(counts.shots.tolist(), counts.measurement.sizes, strict=True) for _ in range(size)]
    if name == "likelihood":
        return -sum(k * mpmath.log(q) for k, q in zip(n, p, strict=True) if k) / total
    terms = [(mpmath.mpf(k) / s - q, s, q) for k, s, q in zip(n, shots, p, strict=True) if s]
    if name == "squared":
        return sum(s * e**2 for e, s, _ in terms) / total
    return sum(s * e**2 / q for e, s, q in terms) / total


LOSSES = {"likelihood": NegativeLogLikelihood(), "chi-square": ChiSquare(), "squared": SquaredError()}
STATES = {
    "generic": states.ginibre((2, 2), RNG),
    "nearly singular": DensityMatrix(
        (lambda u: (u * np.array([1 - 3e-9, 1e-9, 1e-9, 1e-9])) @ u.conj().T)(haar_bases((2, 2), 1, RNG).bases[0])
    ),
    "degenerate": states.maximally_mixed((2, 2)),
    "pure": states.haar_pure((2, 2), RNG),
    "cold": GibbsState(40.0 * states.ginibre((2, 2), RNG).matrix()),
    "hot": GibbsState(1e-9 * states.ginibre((2, 2), RNG).matrix()),
}


@every("name", LOSSES)
@every("kind", STATES)
def test_values_and_derivatives(kind: str, name: str) -> None:
    sigma, loss = STATES[kind], LOSSES[name]
    rho = states.ginibre((2, 2), RNG, rank=2)
    direction = rho.matrix() - sigma.matrix()
    for m in (PauliMeasurement(2), PauliMeasurement(["XZ", "YY"]), pauli_six(2), haar_bases((2, 2), 2, RNG)):
        shots = np.full(len(m.settings), 200)
        shots[0] = 0 if len(shots) > 1 else 200
        counts = sample(rho, m, shots, RNG)
        with mpmath.workdps(50):
            held, along = (probabilities(m, to_mp(x)) for x in (sigma.matrix(), direction))
            value = exact(name, counts, held)
            h = mpmath.mpf(10) ** -18
            up, down = (exact(name, counts, [p + s * q for p, q in zip(held, along, strict=True)]) for s in (h, -h))
            slope = (up - down) / (2 * h)
        assert loss.value(counts, sigma) == pytest.approx(float(value), rel=1e-12)
        dense = DensityMatrix._trusted(sigma.matrix(), (2, 2))
        _, cotangent = loss.value_and_cotangent(counts, dense)
        assert abs(float(slope)) > 1e-4
        assert np.vdot(cotangent, direction).real == pytest.approx(float(slope), rel=1e-11)


def test_one_dimension_and_qutrits() -> None:
    from qml.measurement import computational_basis

    trivial = Counts(computational_basis((1,)), [12])
    for loss in LOSSES.values():
        assert loss.value(trivial, states.maximally_mixed((1,))) == 0
    sigma = states.ginibre((3,), RNG)
    counts = sample(states.ginibre((3,), RNG), sic(3), 300, RNG)
    with mpmath.workdps(50):
        p = probabilities(counts.measurement, to_mp(sigma.matrix()))
        expected = {name: float(exact(name, counts, p)) for name in LOSSES}
    for name, loss in LOSSES.items():
        assert loss.value(counts, sigma) == pytest.approx(expected[name], rel=1e-12)


def test_huge_counts() -> None:
    m, sigma = PauliMeasurement(1), states.ginibre((2,), RNG)
    counts = Counts(m, [10**18, 1, 10**12, 10**12, 0, 10**6])
    with mpmath.workdps(50):
        expected = exact("likelihood", counts, probabilities(m, to_mp(sigma.matrix())))
    assert NegativeLogLikelihood().value(counts, sigma) == pytest.approx(float(expected), rel=1e-14)
