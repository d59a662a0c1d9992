"""Conditional models: shapes, gradients, convexity, and what is refused."""

import numpy as np
import pytest
from helpers.cases import every
from hypothesis import given
from hypothesis import strategies as st

from qml import GibbsModel, check_gradient, fit, pauli
from qml._checks import InputError, MemoryRefused
from qml.fitting.objective import Objective
from qml.losses.labelled import LabelLikelihood, MeanCrossEntropy, label_states
from qml.models import ConditionalGibbsModel, Conditioned
from qml.states import DensityMatrix, ginibre

PAULIS = [pauli("X"), pauli("Y"), pauli("Z")]
PROJECTORS = [np.diag(row) for row in np.eye(3)]
TWO_QUBITS = [pauli("XX"), pauli("ZI"), pauli("IY")]


def inputs(count, width, seed=0):
    return np.random.default_rng(seed).normal(size=(count, width))


@every("generators, d", [(PAULIS, 2), (PROJECTORS, 3), (TWO_QUBITS, 4)])
@every("bias", [True, False])
@every("loss", [MeanCrossEntropy, LabelLikelihood])
def test_gradient(generators, d, bias, loss):
    model = ConditionalGibbsModel(generators, 2, bias=bias)
    rng = np.random.default_rng(1)
    rho = ginibre(model.dims, rng, batch=5)
    theta = model.init_params(rng, scale=1.0)
    loss = loss([1.0, 2.0, 0.0, 0.5, 1.0])
    check = check_gradient(model.at(inputs(5, 2)), rho, loss, theta, directions=4)
    assert model.n_params == len(generators) * (3 if bias else 2)
    assert np.abs(check.analytic).min() > 1e-4
    assert check.ok, str(check)


def test_every_member_is_the_gibbs_state_of_its_fields():
    model = ConditionalGibbsModel(TWO_QUBITS, 2)
    theta, x = model.init_params(np.random.default_rng(0), scale=1.0), inputs(4, 2)
    batch = model.states(theta, x)
    assert batch.batch_shape == (4,)
    for k, field in enumerate(model.fields(theta, x)):
        alone = GibbsModel(TWO_QUBITS).state(field)
        assert np.allclose(batch.matrix()[k], alone.matrix(), atol=1e-14)


def test_parameters_are_named_biases_first():
    model = ConditionalGibbsModel({"a": pauli("X"), "b": pauli("Z")}, 2)
    assert model.parameter_names == ("b[a]", "b[b]", "W[a,0]", "W[a,1]", "W[b,0]", "W[b,1]")
    assert model.generator_names == ("a", "b")
    field = model.fields([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [[1.0, 10.0]])
    assert field.tolist() == [[44.0, 67.0]]
    assert ConditionalGibbsModel([pauli("Z")], 0).at(np.zeros((3, 0))).state([1.0]).batch_shape == (3,)


@given(st.integers(0, 10**6), st.floats(0.05, 0.95))
def test_the_mean_cross_entropy_is_convex(seed, t):
    rng = np.random.default_rng(seed)
    model = ConditionalGibbsModel(PAULIS, 2)
    f = Objective(model.at(rng.normal(size=(4, 2))), ginibre((2,), rng, batch=4), MeanCrossEntropy())
    a, b = rng.normal(0, 2, (2, model.n_params))
    assert f.value(t * a + (1 - t) * b) <= t * f.value(a) + (1 - t) * f.value(b) + 1e-12


@given(st.integers(0, 10**6))
def test_diagonal_labels_gain_nothing_by_off_diagonal_generators(seed):
    """Peierls and Bogoliubov: Z does not fall when they are put in, and the energy of the labels is the same."""
    rng = np.random.default_rng(seed)
    model, x = ConditionalGibbsModel(PAULIS, 2), rng.normal(size=(6, 2))
    f = Objective(model.at(x), label_states(rng.integers(0, 2, 6), 2), MeanCrossEntropy())
    theta = rng.normal(0, 1, model.n_params)
    diagonal = theta * np.array(["Z" in name for name in model.parameter_names])
    assert f.value(diagonal) <= f.value(theta) + 1e-12


def test_labels_with_coherences_do_gain():
    x = inputs(20, 1)
    q = 1 / (1 + np.exp(-3 * x[:, 0]))
    psi = np.sqrt(np.stack([q, 1 - q], axis=1))
    labels = DensityMatrix.from_vector(psi)
    ends = [
        fit(ConditionalGibbsModel(g, 1).at(x), labels, loss=MeanCrossEntropy(), seed=0) for g in (PAULIS, PAULIS[2:])
    ]
    assert ends[0].loss < ends[1].loss - 0.1


def test_same_optimum_from_anywhere():
    rng = np.random.default_rng(3)
    model, x = ConditionalGibbsModel(PAULIS, 2), inputs(12, 2)
    rho = ginibre((2,), rng, batch=12)
    options = {"loss": MeanCrossEntropy(), "optimizer": "newton", "gradient_tolerance": 1e-10}
    ends = [fit(model.at(x), rho, seed=s, **options) for s in range(3)]
    assert np.allclose([e.params for e in ends], ends[0].params, atol=1e-7)
    assert all(e.converged for e in ends)
    # at the optimum the inputs weigh the expectations of data and model equally
    sigma = ends[0].state.matrix()
    difference = np.einsum("kij,ka->aij", rho.matrix() - sigma, np.column_stack([np.ones(12), x]))
    assert np.abs(difference).max() < 1e-8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ConditionalGibbsModel(PAULIS, 0, bias=False), "n_inputs must be an integer of at least 1"),
        (lambda: ConditionalGibbsModel([], 1), "at least one operator"),
        (lambda: ConditionalGibbsModel(PAULIS, 2).at([[1.0]]), r"inputs must have shape \(m, 2\)"),
        (lambda: ConditionalGibbsModel(PAULIS, 2).at(np.zeros((0, 2))), r"inputs must have shape \(m, 2\)"),
        (lambda: ConditionalGibbsModel(PAULIS, 1).at([[np.nan]]), "inputs must be finite"),
        (lambda: Conditioned(ConditionalGibbsModel(PAULIS, 2), [1.0, 2.0]), r"inputs must have shape \(m, 2\)"),
        (lambda: ConditionalGibbsModel(PAULIS, 1).states(np.zeros(5), [[1.0]]), r"params must have shape \(6,\)"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_too_many_states_are_refused_before_they_are_made():
    model = ConditionalGibbsModel([pauli("X" * 9)], 1)
    with pytest.raises(MemoryRefused, match="smaller batches"):
        model.states(np.zeros(2), np.broadcast_to(1.0, (10**6, 1)))
