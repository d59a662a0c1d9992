"""The maximum mean discrepancy: its kernel written out, its gradient, its unbiased estimate, and what it refuses."""

import itertools

import numpy as np
import pytest
from helpers.cases import every

from qml import Circuit, CircuitModel, GibbsModel, fit, gates, states
from qml._checks import InputError
from qml.losses import MMD
from qml.measurement import Counts, PauliMeasurement, computational_basis, sample
from qml.operators import tfim
from qml.states import DensityMatrix, GibbsState


def kernel(loss: MMD, shape: tuple[int, ...]) -> np.ndarray:
    """K(x, y), entry by entry."""
    outcomes = list(itertools.product(*map(range, shape)))
    out = np.zeros((len(outcomes), len(outcomes)))
    for i, x in enumerate(outcomes):
        for j, y in enumerate(outcomes):
            squared = (i - j) ** 2 if loss.distance == "integer" else sum(a != b for a, b in zip(x, y, strict=True))
            out[i, j] = np.mean([np.exp(-squared / (2 * w**2)) for w in loss.bandwidths])
    return out


@every("distance", ["hamming", "integer"])
@every("dims", [(2,), (3,), (2, 2, 2), (2, 3)])
def test_the_sum_over_all_pairs_of_outcomes(distance: str, dims: tuple[int, ...]) -> None:
    rng, loss = np.random.default_rng(0), MMD([0.4, 1.7], distance)
    rho, sigma = states.ginibre(dims, rng), states.ginibre(dims, rng)
    difference = sigma.probabilities() - rho.probabilities()
    want = difference @ kernel(loss, dims) @ difference
    assert want > 1e-4
    assert loss.value(rho, sigma) == pytest.approx(want, rel=1e-12)
    value, gradient = loss.value_and_cotangent(rho, sigma)
    assert value == pytest.approx(want, rel=1e-12)
    assert np.abs(gradient - np.diag(2 * kernel(loss, dims) @ difference)).max() < 1e-14
    assert MMD([0.4, 1.7], distance, computational_basis(dims)).value(rho, sigma) == pytest.approx(want, rel=1e-12)


def test_several_settings_count_equally_or_by_their_shots() -> None:
    rng, measurement = np.random.default_rng(1), PauliMeasurement(["XX", "YZ", "ZZ"])
    rho, sigma = states.ginibre((2, 2), rng), states.ginibre((2, 2), rng)
    d = (measurement.probabilities(sigma) - measurement.probabilities(rho)).reshape(3, 4)
    loss = MMD(measurement=measurement)
    each = np.einsum("si,ij,sj->s", d, kernel(loss, (2, 2)), d)
    assert loss.value(rho, sigma) == pytest.approx(each.mean(), rel=1e-12)
    record = Counts.from_frequencies(measurement, measurement.probabilities(rho), [1.0, 2.0, 5.0])
    assert MMD().value(record, sigma) == pytest.approx(each @ [1, 2, 5] / 8, rel=1e-11)
    _, gradient = loss.value_and_cotangent(rho, sigma)
    x = states.ginibre((2, 2), rng).matrix() - sigma.matrix()
    f = [loss.value(rho, DensityMatrix._trusted(sigma.matrix() + h * x, (2, 2))) for h in (-1e-3, 1e-3)]
    assert abs(f[1] - f[0]) > 1e-6
    assert np.trace(gradient @ x).real == pytest.approx((f[1] - f[0]) / 2e-3, rel=1e-9)


def test_the_estimate_from_counts_is_without_bias() -> None:
    """The mean over every record of three shots of a measurement with three outcomes, weighted by its probability."""
    rng, loss = np.random.default_rng(2), MMD([0.7])
    rho, sigma = states.ginibre((3,), rng), states.ginibre((3,), rng)
    basis, p = computational_basis((3,)), rho.probabilities()
    mean, floors = 0.0, []
    for shots in itertools.product(range(3), repeat=3):
        counts = Counts(basis, np.bincount(shots, minlength=3))
        mean += np.prod(p[list(shots)]) * loss.value(counts, sigma)
        floors.append(loss.floor(counts))
        empirical = DensityMatrix.from_probabilities(counts.frequencies(), (3,))
        assert loss.value(counts, empirical) == pytest.approx(floors[-1], abs=1e-15)  # reached at the frequencies
        assert loss.value(counts, sigma) > floors[-1]
    assert mean == pytest.approx(loss.value(rho, sigma), rel=1e-12)
    assert max(floors) == 0.0 > min(floors)


def test_zero_means_equal_probabilities_and_no_more() -> None:
    plus, minus = DensityMatrix([[0.5, 0.5], [0.5, 0.5]]), DensityMatrix([[0.5, -0.5], [-0.5, 0.5]])
    assert MMD().value(plus, minus) == 0.0
    assert MMD(measurement=PauliMeasurement(1)).value(plus, minus) > 0.1
    single = DensityMatrix([[1.0]])
    assert MMD().value(single, single) == 0.0


def test_a_born_machine_learns_bits_from_samples() -> None:
    rng = np.random.default_rng(3)
    circuit = Circuit(2, [gates.RY("a", 0), gates.RY("b", 1), gates.CNOT(0, 1), gates.RY("c", 1)])
    model = CircuitModel(circuit)
    data = states.DensityMatrix.from_probabilities(model.state([0.9, 0.4, 0.3]).probabilities(), (2, 2))
    counts = sample(data, PauliMeasurement(["ZZ"]), 10**6, rng)
    result = fit(model, counts, loss=MMD(), seed=0)
    assert np.abs(result.state.probabilities() - data.probabilities()).max() < 5e-3
    assert result.floor < 0 <= result.loss - result.floor < 1e-6
    exact = fit(
        GibbsModel(tfim(2)), states.thermal(tfim(2), 1.0), loss=MMD([1.0], measurement=PauliMeasurement(2)), seed=0
    )
    assert np.abs(exact.params + 1).max() < 1e-3


def test_a_study_takes_it_by_name() -> None:
    from qml.studies.spec.config import Study

    fits = [{"name": "a", "model": {"kind": "cholesky", "dims": [2, 2]}, "loss": {"kind": "mmd", "bandwidths": [1, 3]}}]
    study = Study.model_validate({"target": {"kind": "ghz", "n": 2}, "fits": fits})
    assert repr(study.fits[0].loss.build()) == "MMD(bandwidths=(1.0, 3.0))"


def test_what_it_refuses() -> None:
    for bandwidths in ([], [0.0], [-1.0], [[1.0]]):
        with pytest.raises(InputError, match="bandwidths must be one or more numbers above 0"):
            MMD(bandwidths)
    with pytest.raises(InputError, match="distance"):
        MMD(distance="euclid")
    with pytest.raises(InputError, match="must be a Measurement"):
        MMD(measurement="ZZ")
    for nothing in (None, "x", [], {}, object(), [[1, 2], [3]], float("nan")):
        for pair in ((nothing, states.ghz(2)), (states.ghz(2), nothing)):
            with pytest.raises(InputError):
                MMD().value(*pair)
    z = PauliMeasurement(["Z", "X"])
    with pytest.raises(InputError, match="no setting may have a single one"):
        MMD().accept(Counts(z, [1, 0, 3, 2]), (2,))
    with pytest.raises(InputError, match="equal dims"):
        MMD().accept(Counts(z, [4, 0, 3, 2]), (2, 2))
    with pytest.raises(InputError, match="equal dims"):
        MMD(measurement=z).accept(states.ghz(2), (2, 2))
    with pytest.raises(InputError, match="bring their own measurement"):
        MMD(measurement=z).accept(Counts(z, [4, 0, 3, 2]), (2,))


def test_of_states_that_are_held_as_probabilities_or_logarithms() -> None:
    p, k = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.0, 1.0, 400.0, 2.0])
    value, gradient = MMD().value_and_cotangent(DensityMatrix.from_probabilities(p), GibbsState(k))
    q = GibbsState(k).probabilities()
    slope = 2 * kernel(MMD(), (2, 2)) @ (q - p)
    assert value == pytest.approx((q - p) @ slope / 2, rel=1e-12)
    assert np.abs(gradient - q * (q @ slope - slope)).max() < 1e-15


@pytest.mark.parametrize("distance", ["hamming", "integer"])
@pytest.mark.parametrize("width", [5e-324, 1e-160, 1e160, 1.7e308])
def test_the_narrowest_and_the_widest_kernel(distance, width):
    loss = MMD([width], distance=distance, measurement=PauliMeasurement(["ZZ"]))
    rho, sigma = DensityMatrix(np.diag([0.1, 0.2, 0.3, 0.4])), DensityMatrix(np.diag([0.4, 0.3, 0.2, 0.1]))
    value, cotangent = loss.value_and_cotangent(loss.accept(rho, (2, 2)), sigma)
    assert value == pytest.approx(0.2 if width < 1 else 0.0, abs=1e-15)  # all outcomes differ, or none does
    assert np.isfinite(cotangent).all()
