"""Fits that converge though no finite parameters are best say so, and others do not."""

import itertools

import numpy as np
import scipy.optimize
from helpers.cases import every

from qml import (
    CholeskyModel,
    CircuitModel,
    GibbsModel,
    SpectralModel,
    channels,
    fit,
    fit_factors,
    gates,
    pauli,
    states,
    thermal,
)
from qml.circuits import Circuit
from qml.classical import separating_direction
from qml.fitting import Gaussian
from qml.losses import Labelled, label_states
from qml.measurement import Counts, PauliMeasurement
from qml.models import ConditionalGibbsModel, EvolvedGibbsModel, HiddenGibbsModel, MixtureModel, ProductModel
from qml.operators import tfim

SAID = "No finite optimum"
MIXED = states.maximally_mixed((2,))
STRINGS = ["".join(word) for word in itertools.product("IZ", repeat=3)][1:]
BITS = np.array(list(itertools.product((0, 1), repeat=3)))
SIGNS = np.array([(-1) ** (BITS @ [letter == "Z" for letter in word]) for word in STRINGS])
"""<x|string|x>, (7, 8)."""


@every(
    "target, options",
    [
        (states.ghz(2), {}),
        (states.ghz(2), {"gradient_tolerance": 1e-4}),
        (states.ghz(2), {"gradient_tolerance": 0.0}),
        (states.ghz(2), {"optimizer": "newton"}),
        (states.ghz(2), {"loss": "infidelity"}),
        (states.basis_state("00"), {"loss": "hilbert_schmidt"}),
        (states.ginibre((2, 2), np.random.default_rng(0), rank=2), {}),
        (states.ginibre((2, 2), np.random.default_rng(0), rank=3), {}),
    ],
)
def test_a_target_without_full_rank_and_a_family_that_resolves_it(target, options) -> None:
    result = fit(GibbsModel.all_paulis(2), target, seed=1, **options)
    assert result.converged
    assert SAID in result.status
    assert f"rank {target.rank()} in dimension 4" in result.status


def test_targets_whose_optimum_is_finite() -> None:
    """Of full rank, cold or not; and without full rank where the family does not resolve what it lacks."""
    rng = np.random.default_rng(2)
    half = states.DensityMatrix.from_vector(np.sqrt([0.9, 0.1]))
    for model, target in (
        (GibbsModel(tfim(2)), thermal(tfim(2), 8.0)),
        (GibbsModel.all_paulis(2), states.ginibre((2, 2), rng)),
        (GibbsModel([pauli("Z")]), half),
        (GibbsModel(tfim(3)), states.ginibre((2, 2, 2), rng, rank=1)),
        (GibbsModel(tfim(3)), states.w_state(3)),
    ):
        result = fit(model, target, seed=1)
        assert result.converged
        assert SAID not in result.status


BELL = Circuit(2).then(gates.RY("a", 0), gates.RX("c", 1), gates.CX(0, 1), gates.RY("b", 0), gates.RZ("d", 1))
TURN = Circuit(1).then(gates.RY("a", 0))
FULL_RANK = {
    "cholesky": CholeskyModel(1),
    "spectral, table": SpectralModel(BELL, "table"),
    "spectral, product": SpectralModel(BELL, "product"),
    "spectral, ising": SpectralModel(BELL, "ising"),
    "evolved": EvolvedGibbsModel([pauli("ZI"), pauli("IZ"), pauli("ZZ")], BELL),
    "hidden": HiddenGibbsModel.all_paulis(2, hidden=(1,)),
    "mixture": MixtureModel([SpectralModel(TURN), SpectralModel(TURN, "table")]),
    "product": ProductModel([SpectralModel(TURN), SpectralModel(TURN)]),
}
"""Families of states of full rank that are no exponential families, and come close to a pure state."""


@every("name", FULL_RANK)
def test_models_whose_states_have_full_rank_and_a_target_that_lacks_it(name) -> None:
    one = states.DensityMatrix.from_vector([0.6, 0.8])
    model, two = FULL_RANK[name], states.ProductState([one, one]) if name == "product" else states.ghz(2)
    target = one if model.dims == (2,) else two
    result = fit(model, target, seed=1, max_iterations=3000)
    assert result.fidelity > 1 - 1e-3
    assert result.converged
    assert SAID in result.status
    assert f"rank 1 in dimension {target.dim} and the model full rank" in result.status


def test_models_whose_states_have_full_rank_and_finite_optima() -> None:
    """Targets of full rank, cold ones; and one without it, whose weights a family without its basis leaves finite."""
    turned = states.DensityMatrix.from_vector(np.kron([0.8, 0.6], [0.6, 0.8]))
    for model, target in (
        (CholeskyModel(2), thermal(tfim(2), 6.0)),
        (SpectralModel(Circuit(2), "table"), states.DensityMatrix.from_probabilities([0.7, 0.3 - 2e-6, 1e-6, 1e-6])),
        (SpectralModel(Circuit(2), "table"), turned),
        (SpectralModel(Circuit(2), "product"), states.w_state(2)),
    ):
        result = fit(model, target, seed=1, max_iterations=3000)
        assert result.converged
        assert SAID not in result.status


def test_a_circuit_that_reaches_a_pure_state_has_a_finite_optimum() -> None:
    circuit = Circuit(1).then(gates.RY("a", 0))
    result = fit(CircuitModel(circuit), states.DensityMatrix.from_vector([0.6, 0.8]), loss="infidelity", seed=1)
    assert result.converged
    assert SAID not in result.status


def test_a_prior_makes_the_optimum_finite() -> None:
    result = fit(GibbsModel.all_paulis(1, weight=1), states.basis_state("0"), prior=Gaussian(1.0, copies=100), seed=1)
    assert result.converged
    assert SAID not in result.status


def leads_to_infinity(generators: np.ndarray, seen: np.ndarray) -> bool:
    """Whether a combination of diagonal generators (m, d) is largest, and equal, on all that was seen, and not
    everywhere: a linear program."""
    above = (generators - generators[:, [int(np.argmax(seen))]]).T
    equal, rest = above[seen], above[~seen]
    if not len(rest):
        return False
    bounds = {"b_ub": np.zeros(len(rest)), "b_eq": np.zeros(len(equal)), "bounds": (-1, 1)}
    return bool(-scipy.optimize.linprog(rest.sum(axis=0), A_ub=rest, A_eq=equal, **bounds).fun > 1e-7)


def test_diagonal_families_agree_with_a_linear_program() -> None:
    rng = np.random.default_rng(0)
    told = []
    for _ in range(14):
        chosen = rng.choice(7, int(rng.integers(1, 8)), replace=False)
        seen = np.isin(np.arange(8), rng.choice(8, int(rng.integers(1, 8)), replace=False))
        p = np.where(seen, rng.dirichlet(np.ones(8)), 0.0)
        target = states.DensityMatrix.from_probabilities(p / p.sum(), (2, 2, 2))
        result = fit(GibbsModel([pauli(STRINGS[k]) for k in chosen]), target, seed=1)
        assert result.converged
        told.append(SAID in result.status)
        assert told[-1] == leads_to_infinity(SIGNS[chosen], seen)
    assert 4 <= sum(told) <= 10


def test_factors_that_have_no_finite_optimum_are_told() -> None:
    one = GibbsModel.all_paulis(1, weight=1)
    result = fit_factors(ProductModel([one, one]), states.ProductState([states.basis_state("0"), MIXED]), seed=1)
    assert result.converged
    assert f"{SAID} of 0: see restarts" in result.status
    assert [SAID in restart.status for restart in result.restarts] == [True, False]


def test_labels_agree_with_the_linear_program_of_separation() -> None:
    rng = np.random.default_rng(3)
    told = []
    for m in (5, 7, 9, 11) * 2:
        x, y = rng.normal(size=(m, 2)), rng.integers(0, 2, m)
        y[:2] = 0, 1
        result = fit(ConditionalGibbsModel([pauli("Z")], n_inputs=2), Labelled(x, label_states(y, 2)), seed=1)
        assert result.converged
        told.append(SAID in result.status)
        assert told[-1] == (separating_direction(np.column_stack([np.ones(m), x]), y, 2) is not None)
        noisy = Labelled(x, label_states(y, 2, noise=0.05))
        assert SAID not in fit(ConditionalGibbsModel([pauli("Z")], n_inputs=2), noisy, seed=1).status
    assert 2 <= sum(told) <= 6


def test_counts_at_the_boundary_of_the_states() -> None:
    model = GibbsModel.all_paulis(1, weight=1)
    for counts, expected in (([10, 0, 5, 5, 5, 5], True), ([10, 2, 5, 5, 5, 5], False)):
        result = fit(model, Counts(PauliMeasurement(1), counts), seed=1)
        assert result.converged
        assert (SAID in result.status) == expected


def test_noise_that_is_learnt_to_be_absent_stands_at_the_edge() -> None:
    model = CircuitModel(Circuit(1).then(gates.RX("a", 0)).then(channels.Depolarizing("p", 0)))
    result = fit(model, states.basis_state("0"), seed=1)
    assert result.converged
    assert "At the edge of the domain, which a parameter reaches only at infinity: p = " in result.status
    inside = fit(model, states.DensityMatrix(np.diag([0.9, 0.1])), seed=1)
    assert inside.converged
    assert "At the edge" not in inside.status
