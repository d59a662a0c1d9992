"""Targets that are known by expectations alone."""

import math

import numpy as np
import pytest
from helpers.cases import every
from hypothesis import given
from hypothesis import strategies as st

from qml import CrossEntropy, GibbsModel, GibbsState, fit, ghz, thermal
from qml._checks import InputError
from qml.losses import RelativeEntropy
from qml.models import LargeGibbsModel
from qml.moments import Moments
from qml.operators import heisenberg, pauli, tfim
from qml.states import ginibre

STRINGS = heisenberg(3, h=0.2) + 0.3 * pauli("XYI") + 0.1 * pauli("IIX")


@given(seed=st.integers(0, 2**20), scale=st.sampled_from([0.1, 1.0, 10.0]))
def test_moments_and_the_state_give_the_same_cross_entropy_and_gradient(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    model, loss = GibbsModel(STRINGS), CrossEntropy()
    rho, theta = ginibre((2, 2, 2), rng), rng.normal(0.0, scale, model.n_params)
    found = []
    for target in (rho, Moments.of(rho, STRINGS)):
        sigma, pull = model.state_vjp(theta)
        value, cotangent = loss.value_and_cotangent(loss.accept(target, model.dims), sigma)
        assert loss.value(target, sigma) == pytest.approx(value, rel=1e-12)
        found.append((value, pull(cotangent)))
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-11, abs=1e-12)
    assert found[1][1] == pytest.approx(found[0][1], abs=1e-11)


def test_diagonal_models_learn_from_moments() -> None:
    strings = [pauli("ZI"), pauli("IZ"), pauli("ZZ")]
    rho = ginibre((2, 2), np.random.default_rng(1))
    target = Moments.of(rho, strings)
    result = fit(GibbsModel(strings), target, seed=0)
    assert result.converged
    assert Moments.of(result.state, strings).values == pytest.approx(target.values, abs=1e-7)
    with pytest.raises(InputError, match="outside the span"):
        fit(GibbsModel(strings), Moments(strings[:2], target.values[:2]), params0=[0.1, 0.2, 0.3])


def test_the_entropy_is_the_floor_where_it_is_known() -> None:
    rho = thermal(tfim(3), 0.4)
    known = Moments.of(rho, tfim(3))
    assert CrossEntropy().floor(known) == pytest.approx(float(rho.entropy()))
    unknown = Moments(tfim(3), known.values)
    assert math.isnan(CrossEntropy().floor(unknown))
    result = fit(GibbsModel(tfim(3)), unknown, seed=0)
    assert result.converged
    assert math.isnan(result.gap)
    assert result.loss == pytest.approx(float(rho.entropy()), abs=1e-9)
    assert np.isfinite(result.history.loss).all()


def test_expectations_within_the_span_are_known_and_no_others() -> None:
    rho = ginibre((2, 2, 2), np.random.default_rng(3))
    whole = tfim(3, h=0.5)
    target = Moments.of(rho, [whole, pauli("YII") + 2.0 * pauli("III")])
    mixed = 0.3 * whole - 2.0 * pauli("YII") + 0.7 * pauli("III")
    for operator in (mixed, mixed.matrix()):
        assert target.expect(operator) == pytest.approx(float(rho.expect(mixed)), abs=1e-12)
        stranger = pauli("ZZI") if operator is mixed else pauli("ZZI").matrix()
        with pytest.raises(InputError, match="outside the span"):
            target.expect(stranger)


def test_the_representative_has_the_moments_and_trace_one() -> None:
    target = Moments([pauli("ZZ") + pauli("II"), pauli("XX") + pauli("ZZ"), pauli("YI")], [1.5, 0.9, -0.2])
    r = target.representative()
    assert np.trace(r) == pytest.approx(1.0)
    assert np.array_equal(r, r.conj().T)
    found = [np.trace(r @ g.matrix()).real for g in target.generators]
    assert found == pytest.approx(list(target.values), abs=1e-12)
    twice = {"a": pauli("Z"), "b": 2.0 * pauli("Z")}
    assert np.trace(Moments(twice, [0.2, 0.4]).representative() @ pauli("Z").matrix()).real == pytest.approx(0.2)
    for unit in (1e-24, 1.0, 1e24):
        scaled = {"a": unit * pauli("Z"), "b": 2.0 * unit * pauli("Z")}
        with pytest.raises(InputError, match="contradict"):
            Moments(scaled, [0.2 * unit, 0.5 * unit]).representative()
        found = Moments(scaled, [0.2 * unit, 0.4 * unit]).representative()
        assert np.trace(found @ pauli("Z").matrix()).real == pytest.approx(0.2)


def test_a_model_finds_its_generators_in_any_order_and_names_what_is_missing() -> None:
    model = LargeGibbsModel([pauli("X"), pauli("Z")])
    target = Moments([pauli("Y"), pauli("Z"), pauli("X")], [0.1, 0.2, 0.3])
    assert np.array_equal(target.values_of(tuple(model.generators.values())), [0.3, 0.2])
    with pytest.raises(InputError, match="that of X is missing"):
        fit(model, Moments([pauli("Z")], [0.2]), seed=0)


def test_expectations_of_states() -> None:
    found = Moments.of(ghz(3), [pauli("ZZI"), pauli("XXX"), pauli("XYY"), pauli("ZII")])
    assert found.values == pytest.approx([1.0, 1.0, -1.0, 0.0], abs=1e-15)
    assert len(found) == 4
    assert not found.errors.any()


@every(
    "make, sentence",
    [
        (lambda: Moments(pauli("Z"), [1.5]), "cannot exceed 1"),
        (lambda: Moments(pauli("Z"), [0.1, 0.2]), "values must have shape"),
        (lambda: Moments(pauli("Z"), [0.1], errors=[-0.1]), "non-negative"),
        (lambda: Moments(pauli("Z"), [math.nan]), "finite"),
        (lambda: Moments(pauli("Z"), [0.1], entropy=-1.0), r"entropy must be .* from 0 to 0.693.* nats; found -1"),
        (lambda: Moments(pauli("Z"), [0.0], entropy=1.0), "found 1."),  # in bits
        (lambda: Moments(3, [0.1]), "must be a list of operators"),
        (lambda: Moments.of("spam", pauli("Z")), "state must be a State"),
        (lambda: Moments.of(ghz(2), pauli("Z")), "equal dims"),
        (lambda: fit(GibbsModel(tfim(2)), Moments(pauli("Z"), [0.1])), "equal dims"),
        (lambda: RelativeEntropy().accept(Moments(pauli("Z"), [0.1]), (2,)), r"needs S\(rho\)"),
        (lambda: CrossEntropy().value(Moments(pauli("Z"), [0.1]), ghz(1)), "needs a Gibbs model"),
        (lambda: Moments(pauli("Z"), [0.1]).expect({"Z": 1j}), "the operator must be Hermitian"),
        (lambda: Moments(pauli("X"), [0.1]).expect([[0.0, 2.0], [0.0, 0.0]]), "the operator must be Hermitian"),
        (lambda: Moments(pauli("X"), [0.1]).expect("IX"), r"sites of dimensions \(2,\); found a Pauli sum on 2 qubits"),
        (lambda: Moments(pauli("Z"), [0.1]).values_of(pauli("Z")), "generators must be a list of Pauli sums"),
    ],
)
def test_mistakes_are_told_in_a_sentence(make: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make()  # type: ignore[operator]


def test_generators_are_found_as_texts() -> None:
    held = Moments(["X", "Z"], [0.1, 0.2], covariance=[[0.04, 0.01], [0.01, 0.09]])
    assert held.values_of(["Z"]) == [0.2]
    assert np.array_equal(held.covariance_of([{"Z": 1.0}, "X"]), [[0.09, 0.01], [0.01, 0.04]])


def test_a_noisy_value_slightly_above_one_is_taken() -> None:
    assert Moments(pauli("Z"), [1.01], errors=[0.01]).values[0] == 1.01


def test_a_batch_of_states_has_no_moments() -> None:
    batch = GibbsState(np.zeros((2, 2, 2)), dims=(2,))
    with pytest.raises(InputError, match="one state"):
        Moments.of(batch, pauli("Z"))


@pytest.mark.parametrize("constant", [0.0, 1e3, 1e8, 1e12])
def test_what_moments_do_not_tell_is_refused_beside_any_constant(constant):
    x, z, moments = np.array([[0.0, 1.0], [1.0, 0.0]]), np.diag([1.0, -1.0]), Moments(["X"], [0.5])
    assert moments.expect(constant * np.eye(2) + x) == pytest.approx(constant + 0.5, rel=1e-15)
    with pytest.raises(InputError, match="says nothing of an operator outside the span"):
        moments.expect(constant * np.eye(2) + x + 1e-3 * z)
