"""Models on more qubits than an integer has bits, or than a state has room for."""

import itertools
import json

import numpy as np
import pytest

from qml import DensityMatrix, GibbsModel, check_gradient, circuits
from qml._checks import MemoryRefused
from qml.models import (
    CholeskyModel,
    HiddenGibbsModel,
    LargeGibbsModel,
    MixtureModel,
    ProductEnergies,
    ProductModel,
    PurifiedCircuitModel,
    semi_quantum_restricted,
)


def test_more_hidden_units_than_an_integer_has_bits():
    """The closed form costs 2^n_v n_h, whatever the joint space: here of 73 qubits."""
    model = semi_quantum_restricted(3, 70, "XZ")
    theta = model.init_params(np.random.default_rng(12), scale=0.2)
    values = dict(zip(model.parameter_names, theta.tolist(), strict=True))
    z = 1 - 2 * np.array(list(itertools.product([0, 1], repeat=3)))
    energies = np.zeros(8)
    fields = np.zeros((8, 70, 2))
    for name, x in values.items():
        sign = np.prod([z[:, i] for i in range(3) if name[i] == "Z"] or [np.ones(8)], axis=0)
        hidden = name[3:].strip("I")
        if hidden:
            fields[:, name[3:].index(hidden), "XZ".index(hidden)] += x * sign
        else:
            energies += x * sign
    weights = np.exp(-energies + np.log(2 * np.cosh(np.linalg.norm(fields, axis=2))).sum(axis=1))
    assert model.state(theta).probabilities() == pytest.approx(weights / weights.sum(), rel=1e-12)
    assert check_gradient(
        model, DensityMatrix.from_probabilities(np.full(8, 1 / 8), (2, 2, 2)), params=theta, directions=3
    ).ok
    again = type(model).from_dict(json.loads(json.dumps(model.to_dict())))
    assert np.array_equal(again.state(theta).probabilities(), model.state(theta).probabilities())


@pytest.mark.parametrize("n", [40, 62, 63, 100])
def test_states_that_would_not_fit_are_refused_before_they_are_begun(n):
    for letter in "XZ":
        model = GibbsModel([letter * n])
        with pytest.raises(MemoryRefused, match=f"a Gibbs state of {n} qubits .*: use LargeGibbsModel, or ChainGibbs"):
            model.state([0.1])
        with pytest.raises(MemoryRefused, match=f"{n} qubits needs .*: use fewer"):
            LargeGibbsModel([letter * n]).state([0.1]).log_partition()
    with pytest.raises(MemoryRefused, match="use fewer"):
        HiddenGibbsModel(["Z" * n, "X" * n])
    with pytest.raises(MemoryRefused, match="use fewer"):
        HiddenGibbsModel(["Z" * n, "IX" + "X" * (n - 2)], hidden=n - 1)


@pytest.mark.parametrize(
    "model",
    [
        CholeskyModel(6, 3),
        PurifiedCircuitModel(circuits.hardware_efficient(7, 8), 1),
        MixtureModel([ProductEnergies(8), ProductEnergies(8)]),
        ProductModel([CholeskyModel(3), CholeskyModel(3)]),
        GibbsModel.all_paulis(6),
    ],
    ids=lambda model: type(model).__name__,
)
def test_derivatives_that_would_not_fit_are_refused_before_they_are_made(model, monkeypatch):
    _, push = model.state_jvp(model.init_params(np.random.default_rng(0)))
    along = np.eye(model.n_params)
    monkeypatch.setattr("qml._checks.available_memory", lambda: 10**6)
    monkeypatch.setattr("numpy.einsum", None)
    with pytest.raises(MemoryRefused, match=f"{model.n_params} derivatives of dimension .*take fewer directions"):
        push(along)
