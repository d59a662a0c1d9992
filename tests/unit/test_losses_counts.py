"""Losses of counts: values, derivatives through every state and model, readout parameters, fits."""

import math

import numpy as np
import pytest
from helpers.cases import every

from qml import (
    CircuitModel,
    FitResult,
    GibbsModel,
    SpectralModel,
    channels,
    circuits,
    fit,
    gates,
    pauli,
    states,
    thermal,
)
from qml._checks import InputError
from qml.circuits import Circuit
from qml.fitting import Objective, check_gradient
from qml.losses import (
    COUNT_LOSSES,
    ChiSquare,
    ClassicalCrossEntropy,
    CrossEntropy,
    Labelled,
    MeanCrossEntropy,
    NegativeLogLikelihood,
    RelativeEntropy,
    SquaredError,
    TrainableReadout,
    classical_cross_entropy,
    default_loss,
    label_states,
    measured_report,
    relative_entropy,
    trace_distance,
)
from qml.measurement import (
    CombinedMeasurement,
    Counts,
    PauliMeasurement,
    ProductMeasurement,
    ReadoutMeasurement,
    computational_basis,
    haar_bases,
    pauli_six,
    sample,
    sic,
)
from qml.measurement.empirical import before_measuring, empirical_map
from qml.operators import tfim
from qml.states import DensityMatrix

RNG = np.random.default_rng(8)
RHO = thermal(tfim(2, h=0.6), 1.0)
MODELS = {
    "gibbs": GibbsModel.all_paulis(2),
    "diagonal": GibbsModel([pauli("ZI"), pauli("ZZ")]),
    "spectral": SpectralModel(circuits.hardware_efficient(2, 1)),
    "circuit": CircuitModel(
        circuits.hardware_efficient(2, 1).then(channels.Depolarizing("p", 0), channels.AmplitudeDamping(0.1, 1))
    ),
}
MEASUREMENTS = {
    "all": PauliMeasurement(2),
    "some": PauliMeasurement(["XY", "ZZ"]),
    "six": pauli_six(2),
    "bases": haar_bases((2, 2), 3, RNG),
    "both": CombinedMeasurement([PauliMeasurement(["XX"]), pauli_six(2)]),
    "readout": ReadoutMeasurement(PauliMeasurement(2), [np.array([[0.9, 0.2], [0.1, 0.8]])] * 2),
}


def slope_error(objective: Objective, theta: np.ndarray, h: float = 1e-3) -> float:
    """The largest deviation of the gradient from a five-point difference, relative to the largest entry."""
    _, gradient = objective.value_and_gradient(theta)
    assert np.abs(gradient).max() > 1e-4
    steps = h * np.eye(len(theta))
    f = np.array([[objective.value(theta + k * e) for k in (-2, -1, 1, 2)] for e in steps])
    return float(np.abs(f @ [1, -8, 8, -1] / (12 * h) - gradient).max() / np.abs(gradient).max())


@every("name", COUNT_LOSSES)
@every("measured", MEASUREMENTS)
@every("kind", MODELS)
def test_gradients_of_every_model(kind: str, measured: str, name: str) -> None:
    m = MEASUREMENTS[measured]
    counts = sample(RHO, m, 500 + np.arange(len(m.settings)), RNG)
    objective = Objective(MODELS[kind], counts, COUNT_LOSSES[name]())
    assert slope_error(objective, objective.init_params(np.random.default_rng(5))) < 1e-7


@pytest.mark.parametrize("name", COUNT_LOSSES)
def test_gradients_of_readout_parameters(name: str) -> None:
    counts = sample(RHO, PauliMeasurement(2), 500, RNG)
    loss = COUNT_LOSSES[name](TrainableReadout(2))
    objective = Objective(MODELS["gibbs"], counts, loss)
    theta = objective.init_params(np.random.default_rng(5))
    assert objective.parameter_names[-4:] == TrainableReadout(2).parameter_names
    _, gradient = objective.value_and_gradient(theta)
    assert np.abs(gradient[-4:]).min() > 1e-6
    assert slope_error(objective, theta) < 1e-7


def test_a_bound_readout_is_the_readout_folded_into_the_measurement() -> None:
    readout = TrainableReadout(2)
    phi = readout.unconstrained([[0.05, 0.1], [0.2, 0.15]])
    assert readout.rates(phi) == pytest.approx(np.array([[0.05, 0.1], [0.2, 0.15]]), rel=1e-12)
    assert readout.natural(phi)["readout_1_1_given_0"] == pytest.approx(0.2)
    m = PauliMeasurement(2)
    counts = sample(RHO, m, 500, RNG)
    folded = Counts(ReadoutMeasurement(m, list(readout.confusion(phi))), counts.counts)
    for loss in COUNT_LOSSES.values():
        assert loss(readout).bind(phi).value(counts, RHO) == pytest.approx(loss().value(folded, RHO), rel=1e-13)


def test_readout_rates_and_angle_are_learnt_together() -> None:
    truth = Circuit(1, [gates.RY(1.1, 0)])
    errors = np.array([[[0.97, 0.12], [0.03, 0.88]]])
    m = PauliMeasurement(1)
    p = ReadoutMeasurement(m, list(errors)).probabilities(CircuitModel(truth).state([]))
    counts = Counts.from_frequencies(m, p)
    loss = NegativeLogLikelihood(TrainableReadout(1))
    model = CircuitModel(Circuit(1, [gates.RY("angle", 0)]))
    result = fit(model, counts, loss=loss, params0=[1.0, -1.5, -1.5])
    assert result.gap < 1e-12
    assert result.params[0] == pytest.approx(1.1, abs=1e-5)
    assert loss.readout.confusion(result.params[1:]) == pytest.approx(errors, abs=1e-5)


@pytest.mark.parametrize("name", COUNT_LOSSES)
def test_floors_are_reached_where_the_frequencies_are_those_of_a_state(name: str) -> None:
    loss = COUNT_LOSSES[name]()
    for m in (PauliMeasurement(2), pauli_six(2)):
        exact = Counts.from_frequencies(m, m.probabilities(RHO))
        assert loss.value(exact, RHO) == pytest.approx(loss.floor(exact), abs=1e-12)
        sampled = sample(RHO, m, 50, RNG)
        for _ in range(10):
            assert loss.value(sampled, states.ginibre((2, 2), RNG)) > loss.floor(sampled)
    assert repr(loss) == f"{type(loss).__name__}()"


def test_zero_probabilities() -> None:
    z = PauliMeasurement(["Z"])
    zero = states.basis_state("0")
    seen, unseen = Counts(z, [99, 1]), Counts(z, [100, 0])
    for loss in (NegativeLogLikelihood(), ChiSquare()):
        assert loss.value(seen, zero) == math.inf
        assert loss.value_and_cotangent(seen, zero) == (math.inf, None)
        assert loss.value(unseen, zero) == 0.0
        assert loss.value_and_cotangent(unseen, zero)[1] is not None
        assert "such as outcome '1' of setting 'Z' (entry 1)" in loss.why_infinite(seen, zero)
        assert loss.why_infinite(unseen, zero) == ""
    assert SquaredError().value(seen, zero) == pytest.approx(2 * 0.01**2)
    # probabilities that are read off are exact: 1e-30 is not zero there, but is within rounding of a computed zero
    tiny = DensityMatrix.from_probabilities([1 - 1e-30, 1e-30])
    assert NegativeLogLikelihood().value(seen, tiny) == pytest.approx(0.01 * 30 * math.log(10), rel=1e-12)
    rotated = Counts(haar_bases((2,), 1, np.random.default_rng(0)), [1, 1])
    pure = DensityMatrix.from_vector(rotated.measurement.bases[0, :, 0])
    assert NegativeLogLikelihood().value(rotated, pure) == math.inf


@pytest.mark.parametrize("loss", [ChiSquare(), SquaredError(), NegativeLogLikelihood()], ids=lambda loss: loss.name)
def test_slopes_where_an_outcome_has_no_probability_are_limits(loss) -> None:
    """An outcome that was not seen and cannot occur: as where it hardly can."""
    counts = Counts(PauliMeasurement(["Z", "X"]), [[10, 0], [20, 10]])
    at, near = (
        loss.value_and_cotangent(counts, states.DensityMatrix.from_probabilities([1 - p, p]))[1] for p in (0, 1e-9)
    )
    assert at == pytest.approx(near, abs=1e-7)


@pytest.mark.parametrize("n", [1, 3])
def test_counts_of_other_sites_are_refused(n) -> None:
    record = sample(
        states.ghz(n) if n > 1 else states.basis_state("0"), PauliMeasurement(n), 5, np.random.default_rng(0)
    )
    with pytest.raises(InputError, match="counts and model must have equal dims"):
        fit(GibbsModel(["ZZ", "XX"]), record)


def test_losses_that_statistics_knows() -> None:
    """One shot counts as one shot: settings weigh what they were measured; the multinomial constant is left out."""
    import scipy.stats

    m = PauliMeasurement(["XX", "ZZ"])
    counts = Counts(m, [[10, 20, 30, 40], [7, 1, 1, 1]])
    sigma = states.ginibre((2, 2), RNG)
    p = m.probabilities(sigma).reshape(2, 4)
    logs = [
        scipy.stats.multinomial.logpmf(n, sum(n), q) for n, q in zip([[10, 20, 30, 40], [7, 1, 1, 1]], p, strict=True)
    ]
    at_floor = [
        scipy.stats.multinomial.logpmf(n, sum(n), np.array(n) / sum(n)) for n in ([10, 20, 30, 40], [7, 1, 1, 1])
    ]
    loss = NegativeLogLikelihood()
    gap = loss.value(counts, sigma) - loss.floor(counts)
    assert 110 * gap == pytest.approx(sum(at_floor) - sum(logs), rel=1e-10)
    chi = sum(
        scipy.stats.chisquare(n, sum(n) * q).statistic for n, q in zip(([10, 20, 30, 40], [7, 1, 1, 1]), p, strict=True)
    )
    assert 110 * ChiSquare().value(counts, sigma) == pytest.approx(chi, rel=1e-10)


def test_classical_cross_entropy() -> None:
    p, q = RNG.dirichlet(np.ones(4)), RNG.dirichlet(np.ones(4))
    z = computational_basis((2, 2))
    loss = ClassicalCrossEntropy(z)
    rho, sigma = DensityMatrix.from_probabilities(p), DensityMatrix.from_probabilities(q)
    assert loss.value(loss.accept(rho, (2, 2)), sigma) == pytest.approx(classical_cross_entropy(p, q), rel=1e-13)
    assert classical_cross_entropy(p, q) == pytest.approx(CrossEntropy().value(rho, sigma), rel=1e-13)
    assert classical_cross_entropy([1, 0], [0, 1]) == math.inf
    assert classical_cross_entropy([1, 0], [1, 0]) == 0
    result = fit(GibbsModel.all_paulis(2), RHO, loss=ClassicalCrossEntropy(PauliMeasurement(2)), seed=0)
    assert float(relative_entropy(RHO, result.state)) < 1e-10
    assert "PauliMeasurement" in repr(loss.__class__(PauliMeasurement(1)))


def test_counts_as_the_target_of_the_cross_entropy_are_their_empirical_state() -> None:
    counts = sample(RHO, PauliMeasurement(2), 1000, RNG)
    for loss in (CrossEntropy(), RelativeEntropy()):
        rho = loss.accept(counts, (2, 2))
        assert np.array_equal(rho.matrix(), counts.empirical_state().matrix())
    with pytest.raises(InputError, match="equal dims"):
        CrossEntropy().accept(counts, (2,))


def test_targets_that_are_refused() -> None:
    loss = NegativeLogLikelihood()
    with pytest.raises(InputError, match=r"target must be Counts; found GibbsState. Sample a state"):
        fit(GibbsModel(tfim(2)), RHO, loss=loss)
    with pytest.raises(InputError, match="equal dims"):
        loss.accept(Counts(sic(2), [1, 2, 3, 4]), (2, 2))
    with pytest.raises(InputError, match="no shots at all"):
        loss.accept(Counts(sic(2), [0, 0, 0, 0]), (2,))
    with pytest.raises(InputError, match="need outcomes of so many bits"):
        NegativeLogLikelihood(TrainableReadout(1)).accept(Counts(sic(2), [1, 2, 3, 4]), (2,))
    with pytest.raises(InputError, match=r"shape \(2, 2\), two a qubit; found shape \(1, 2\)"):
        TrainableReadout(2).unconstrained([[0.1, 0.1]])
    with pytest.raises(InputError, match=r"target must be a state; found Counts: .* counts.empirical_state\(\)"):
        fit(GibbsModel(["Z"]), Counts(PauliMeasurement(["Z"]), [1, 2]), loss="infidelity")
    with pytest.raises(InputError, match="measurement must be a Measurement; found 'X'"):
        ClassicalCrossEntropy("X")
    with pytest.raises(InputError, match="readout must be a TrainableReadout"):
        NegativeLogLikelihood("yes")
    with pytest.raises(InputError, match="call bind"):
        NegativeLogLikelihood(TrainableReadout(1)).value(Counts(PauliMeasurement(1), np.ones(6, int)), states.ghz(1))


def test_results_of_counts_show_save_and_load(tmp_path) -> None:
    counts = sample(RHO, PauliMeasurement(2), 1000, RNG)
    result = fit(GibbsModel(tfim(2)), counts, loss=NegativeLogLikelihood(), seed=0)
    assert result.converged
    assert result.target is counts
    assert result.gap == pytest.approx(result.measured.excess, rel=1e-9)
    assert result.measured.cost > 0
    text = result.summary()
    assert "9 settings, 36 outcomes, 9000 shots" in text
    assert "S(rho_hat, sigma)" in text
    assert "fidelity" not in text
    assert "&lt;" not in result._repr_html_()
    with pytest.raises(InputError, match="this fit learnt Counts"):
        _ = result.fidelity
    result.save(tmp_path / "result.npz")
    again = FitResult.load(tmp_path / "result.npz")
    assert again.target == counts
    assert again.summary() == text
    of_state = fit(GibbsModel(tfim(2)), RHO, seed=0)
    assert of_state.measured is None
    assert "S(rho_hat" not in of_state.summary()


def test_counts_are_fitted_by_their_likelihood_unless_asked_otherwise() -> None:
    """Nine million shots of couplings -1 and -0.7: the likelihood finds them, the empirical state a tenth of them."""
    rho, model = states.thermal(tfim(2, h=0.7), 1.0), GibbsModel(tfim(2))
    counts = sample(rho, PauliMeasurement(2), 10**6, np.random.default_rng(1))
    result = fit(model, counts, seed=1)
    np.testing.assert_allclose(result.params, [-1.0, -0.7, -0.7], atol=0.005)
    assert result.params.tolist() == fit(model, counts, loss=NegativeLogLikelihood(), seed=1).params.tolist()
    assert "iased" not in result.status
    assert "D(f||p)" in result.summary()
    biased = fit(model, counts, loss="cross_entropy", seed=1)
    assert abs(biased.params[0]) < 0.1
    report = biased.measured
    assert "Biased" in biased.status
    assert f"{report.displacement:.3g}" in biased.status
    assert f"{report.excess:.3g}" in biased.status
    assert report.displacement == pytest.approx(float(trace_distance(rho, biased.state)), rel=0.05)
    assert report.excess > 100 * result.measured.excess
    assert biased.target is counts
    assert "D(rho_hat||sigma)" in biased.summary()
    with pytest.raises(InputError, match="this fit learnt Counts"):
        _ = biased.fidelity
    with pytest.raises(InputError, match="track_fidelity needs a target that is a state; found Counts"):
        fit(model, counts, loss="cross_entropy", track_fidelity=True)


def test_the_target_says_which_loss_is_minimised_by_default() -> None:
    counts = Counts(PauliMeasurement(1), [1, 2, 3, 4, 5, 6])
    labelled = Labelled([[0.0]], label_states([0], 2))
    for target, expected in ((counts, NegativeLogLikelihood), (labelled, MeanCrossEntropy), (RHO, CrossEntropy)):
        assert type(default_loss(target)) is expected
    check = check_gradient(GibbsModel.all_paulis(1, weight=1), counts)
    assert check.ok
    assert check.value == NegativeLogLikelihood().value(counts, GibbsModel.all_paulis(1, weight=1).state(check.params))


@pytest.mark.parametrize(
    "measurement",
    [
        PauliMeasurement(2),
        pauli_six(2),
        haar_bases((2, 2), 6, np.random.default_rng(3)),
        ProductMeasurement([sic(2)] * 2),
    ],
    ids=["pauli", "pauli six", "haar", "sic"],
)
def test_the_empirical_map_is_undone(measurement) -> None:
    """Exactly, with settings of unequal weight, where the measurement tells all states apart."""
    rng = np.random.default_rng(4)
    shots = rng.uniform(1, 5, len(measurement.settings))
    rho = states.ginibre((2, 2), rng)
    exact = Counts.from_frequencies(measurement, measurement.probabilities(rho), shots)
    hat = exact.empirical_state().matrix()
    np.testing.assert_allclose(empirical_map(exact)(rho.matrix()), hat, atol=1e-14)
    np.testing.assert_allclose(before_measuring(exact, hat), rho.matrix(), atol=1e-7)
    assert measured_report(exact, exact.empirical_state()).displacement == pytest.approx(
        float(trace_distance(rho, exact.empirical_state())), abs=1e-7
    )


def test_one_basis_displaces_by_the_coherence_that_it_does_not_see() -> None:
    counts, plus = Counts(PauliMeasurement(["Z"]), [5, 5]), states.DensityMatrix.from_vector(np.sqrt([0.5, 0.5]))
    assert measured_report(counts, plus).displacement == pytest.approx(0.5, abs=1e-12)
    assert measured_report(counts, states.maximally_mixed((2,))).displacement == pytest.approx(0.0, abs=1e-12)
