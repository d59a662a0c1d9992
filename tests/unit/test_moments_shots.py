"""Expectations from shots in product bases, and the error bars of what is learnt from them."""

import numpy as np
import pytest
from helpers.cases import every

import qml
from qml import Counts, GibbsModel, Moments, fit, thermal
from qml._checks import InputError
from qml.io import from_dict, to_dict
from qml.measurement import PauliMeasurement
from qml.operators import heisenberg, pauli, tfim
from qml.states import ginibre

WORDS = ("XXX", "ZZZ", "XYZ", "ZYX")
STRINGS = ["XII", "ZZI", "IZZ", "XIX", "IYI", "XYZ", "ZIZ"]


def shots_of(state, words, count, rng):
    record = qml.sample(state, PauliMeasurement(list(words)), count, rng)
    return {word: {label: k for label, k in record[word].items() if k} for word in words}


def as_bits(outcomes):
    rows = [[int(b) for b in label] for label, k in outcomes.items() for _ in range(k)]
    return np.array(rows)


@pytest.mark.slow
def test_means_and_their_covariance_are_those_of_many_records():
    rng = np.random.default_rng(0)
    rho = thermal(tfim(3, h=0.4), 0.8)
    exact = Moments.of(rho, STRINGS).values
    found = [Moments.from_shots(STRINGS, shots_of(rho, WORDS, 400, rng)) for _ in range(400)]
    values = np.array([m.values for m in found])
    stated = np.mean([m.covariance for m in found], axis=0)
    spread = np.cov(values.T)
    size = np.sqrt(np.outer(np.diagonal(spread), np.diagonal(spread)))
    assert np.abs(values.mean(axis=0) - exact).max() < 4 * np.sqrt(np.diagonal(spread).max() / 400)
    assert np.abs(stated - spread).max() < 0.25 * size.max()
    correlation = np.abs(spread / size - np.eye(len(size)))
    assert correlation.max() > 0.25  # estimates from the same shots do vary together
    j, k = np.unravel_index(correlation.argmax(), size.shape)
    assert stated[j, k] == pytest.approx(spread[j, k], rel=0.3)


def test_bits_counts_and_records_of_counts_are_the_same_data():
    rng = np.random.default_rng(1)
    record = qml.sample(ginibre((2, 2, 2), rng), PauliMeasurement(["XXX", "ZZZ", "YYY"]), 200, rng)
    assert isinstance(record, Counts)
    words = {w: {label: k for label, k in record[w].items() if k} for w in record}
    bits = {w: as_bits(outcomes) for w, outcomes in words.items()}
    strings = ["XXI", "ZII", "YIY"]
    whole = [Moments.from_shots(strings, given) for given in (record, words, bits)]
    for other in whole[1:]:
        assert other.values == pytest.approx(whole[0].values, abs=1e-13)
        assert other.covariance == pytest.approx(whole[0].covariance, abs=1e-15)


def test_sums_and_constants_follow_from_their_strings():
    rng = np.random.default_rng(2)
    records = shots_of(ginibre((2, 2, 2), rng), ("XXX", "ZZZ"), 300, rng)
    h = tfim(3, h=0.7)
    strings = Moments.from_shots(h, records)
    weights = np.array(h.coefficients).real
    found = Moments.from_shots([h + 2.0 * pauli("III"), pauli("ZZI")], records)
    assert found.values[0] == pytest.approx(weights @ strings.values + 2.0)
    assert found.errors[0] ** 2 == pytest.approx(weights @ strings.covariance @ weights)
    again = from_dict(to_dict(found))
    assert np.array_equal(again.covariance, found.covariance)
    assert np.array_equal(again.errors, found.errors)


def test_settings_of_one_shot_each_have_error_bars():
    rng = np.random.default_rng(3)
    rho = ginibre((2, 2), rng)
    singles: dict[str, dict[str, int]] = {}
    for _ in range(900):
        word = "".join(rng.choice(list("XYZ"), 2))
        (label,) = shots_of(rho, (word,), 1, rng)[word]
        singles.setdefault(word, {}).setdefault(label, 0)
        singles[word][label] += 1
    found = Moments.from_shots(["XI", "YZ", "ZZ"], singles)
    exact = Moments.of(rho, ["XI", "YZ", "ZZ"]).values
    assert np.abs((found.values - exact) / found.errors).max() < 4
    told = sum(sum(v.values()) for w, v in singles.items() if w == "YZ")
    assert found.errors[1] == pytest.approx(np.sqrt((1 - found.values[1] ** 2) / told))


@pytest.mark.slow
def test_error_bars_of_couplings_cover_the_truth():
    rng = np.random.default_rng(4)
    h = heisenberg(3, h=0.3)
    theta = np.array([0.4, 0.5, 0.3, 0.5, 0.6, 0.4, 0.2, 0.3, 0.1])
    model = GibbsModel(h)
    rho = model.state(theta)
    inside, total, z = 0, 0, []
    for _ in range(40):
        target = Moments.from_shots(h, shots_of(rho, ("XXX", "YYY", "ZZZ"), 3000, rng))
        result = fit(model, target, optimizer="newton", params0=theta)
        errors = result.standard_errors
        z.append((result.params - theta) / errors)
        inside += int((np.abs(z[-1]) < 1.96).sum())
        total += len(theta)
    assert inside / total == pytest.approx(0.95, abs=0.04)
    assert np.std(z) == pytest.approx(1.0, abs=0.12)


def test_the_covariance_is_that_of_the_exponential_family():
    target = Moments(["Z", "X"], [0.5, 0.2], covariance=[[1e-4, 2e-5], [2e-5, 4e-4]])
    assert target.errors == pytest.approx([1e-2, 2e-2])
    result = fit(GibbsModel(["X", "Z"]), target, seed=0, gradient_tolerance=1e-10)
    step = 1e-4
    slopes = []
    for k in range(2):
        moved = target.values.copy()
        moved[k] += step
        again = fit(GibbsModel(["X", "Z"]), Moments(["Z", "X"], moved), seed=0, gradient_tolerance=1e-10)
        slopes.append((again.params - result.params) / step)
    jacobian = np.array(slopes).T  # of (theta_X, theta_Z) in (m_Z, m_X)
    assert np.abs(jacobian).min() > 0.1
    assert result.covariance == pytest.approx(jacobian @ target.covariance @ jacobian.T, rel=1e-3)


@every(
    "make, sentence",
    [
        (lambda: Moments.from_shots(["ZZ", "XX"], {"ZZ": [[0, 1]]}), "no shot tells the string XX"),
        (lambda: Moments.from_shots(["ZZ"], {"ZI": [[0, 1]]}), "a setting must have a letter X, Y or Z"),
        (lambda: Moments.from_shots(["ZZ"], {"ZZ": [[0, 2]]}), "array of bits 0 and 1"),
        (lambda: Moments.from_shots(["ZZ"], {"ZZ": [0, 1]}), "array of bits 0 and 1"),
        (lambda: Moments.from_shots(["ZZ"], {"ZZ": {"0": 3}}), "words of 2 bits"),
        (lambda: Moments.from_shots(["ZZ"], {"ZZ": {"01": -3}}), "counts of at least 0"),
        (lambda: Moments.from_shots(["ZZ"], {"ZZ": {"01": 1e308, "10": 1e308}}), "counts of at most 1e\\+290"),
        (lambda: Moments.from_shots(["ZZ"], {"ZZ": [[0], [1, 0]]}), "array of bits 0 and 1"),
        (lambda: Moments.from_shots(["ZZ"], {}), "no shot tells the string ZZ"),
        (lambda: Moments.from_shots(["ZZ"], [[0, 1]]), "records must be a mapping"),
        (lambda: Moments(["Z"], [0.1], errors=[0.1], covariance=[[0.1]]), "either errors or their covariance"),
        (lambda: Moments(["Z"], [0.1], covariance=[0.1]), "symmetric matrix"),
        (lambda: Moments(["Z"], [0.1], covariance=[[-0.1]]), "variance must not be negative"),
        (lambda: fit(GibbsModel(tfim(2)), thermal(tfim(2), 1.0), seed=0).covariance, "learnt from Moments"),
    ],
)
def test_mistakes_are_told_in_a_sentence(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_error_bars_go_as_the_root_of_the_weight_in_any_unit(unit):
    """Var m = (1 - m^2) / N, with m = 0.2."""
    found = Moments.from_shots(["Z"], {"Z": {"0": 0.6 * unit, "1": 0.4 * unit}})
    assert found.values == pytest.approx([0.2], rel=1e-13)
    assert found.errors == pytest.approx([np.sqrt(0.96) / np.sqrt(unit)], rel=1e-12)
