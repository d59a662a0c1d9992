"""Gibbs models: generators of every kind, terms, any temperature, sentences."""

import itertools

import numpy as np
import pytest
import scipy.linalg
from helpers.arrays import hermitian
from helpers.cases import every

from qml import GibbsModel, pauli
from qml._checks import InputError
from qml.losses import CrossEntropy
from qml.models.generators import MatrixGenerators, PauliGenerators, walsh_hadamard
from qml.operators import PauliSum, hubbard, tfim
from qml.states import ghz

PAULI = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def dense(label):
    out = np.eye(1)
    for letter in label:
        out = np.kron(out, PAULI[letter])
    return out


@pytest.mark.parametrize("n", [1, 2, 3])
def test_gibbs_state_is_the_normalised_exponential(n):
    model = GibbsModel.all_paulis(n, weight=n)
    assert model.n_params == 4**n - 1
    theta = np.random.default_rng(n).normal(0, 1, model.n_params)
    k = sum(t * dense(label) for t, label in zip(theta, model.parameter_names, strict=True))
    expected = scipy.linalg.expm(-k)
    assert np.allclose(model.state(theta).matrix(), expected / np.trace(expected), atol=1e-13)


def test_all_paulis_are_all_strings_up_to_the_weight():
    names = GibbsModel.all_paulis(3, weight=2).parameter_names
    expected = {"".join(s) for s in itertools.product("IXYZ", repeat=3) if 0 < 3 - s.count("I") <= 2}
    assert set(names) == expected
    assert len(names) == len(expected)


def test_structured_and_dense_generators_agree():
    rng = np.random.default_rng(0)
    labels = ["XYZ", "YYI", "IIX", "ZZZ", "YIX", "XXI"]
    sums = [pauli(label, 0.5 + k) for k, label in enumerate(labels)] + [tfim(3)]
    fast = PauliGenerators(sums)
    slow = MatrixGenerators(np.array([s.matrix() for s in sums]), (2, 2, 2))
    theta, g = rng.standard_normal(len(sums)), hermitian(8, rng)
    assert np.allclose(fast.combine(theta), slow.combine(theta), atol=1e-13)
    traces = [np.trace(g @ s.matrix()).real for s in sums]
    assert np.allclose(fast.traces(g), traces, atol=1e-12)
    assert np.allclose(slow.traces(g), traces, atol=1e-12)


def test_diagonal_generators_are_held_as_diagonals():
    for model in (GibbsModel([pauli("ZI"), pauli("ZZ")]), GibbsModel([np.diag([0.0, 1, 2]), np.diag([1.0, 0, 0])])):
        assert model.state(np.ones(2)).is_diagonal
    assert not GibbsModel([pauli("ZI"), pauli("XI")]).state(np.ones(2)).is_diagonal


def test_walsh_hadamard_by_the_definition():
    a = np.random.default_rng(0).standard_normal((3, 8)).astype(complex)
    signs = np.array([[(-1) ** (z & b).bit_count() for b in range(8)] for z in range(8)])
    assert np.allclose(walsh_hadamard(a), a @ signs.T, atol=1e-14)


def test_terms_name_the_parameters_and_the_identity_is_left_out():
    h = hubbard(1)
    assert "II" in h.labels
    assert GibbsModel(h).parameter_names == tuple(label for label in h.labels if label != "II")
    assert GibbsModel([tfim(2), pauli("YY")]).parameter_names == ("G0", "YY")
    assert GibbsModel({"field": pauli("ZI") + pauli("IZ")}).parameter_names == ("field",)


def test_coefficient_of_a_term_is_the_parameter():
    h = tfim(3, J=0.7, h=0.4)
    coefficients = dict(h.terms)
    model = GibbsModel(h)
    sigma = model.state([coefficients[name] for name in model.parameter_names])
    expected = scipy.linalg.expm(-h.matrix())
    assert np.allclose(sigma.matrix(), expected / np.trace(expected), atol=1e-14)


def test_gibbs_model_survives_any_beta():
    sigma = GibbsModel(tfim(3)).state(np.full(5, 500.0))
    assert np.isfinite(CrossEntropy().value(ghz(3), sigma))


@every(
    "generators, options, sentence",
    [
        ([], {}, "at least one operator"),
        (pauli("II"), {}, "other than the identity"),
        (3, {}, "generators must be a list of operators, or one PauliSum; found 3"),
        (
            [pauli("XX"), pauli("X")],
            {},
            "generator 1 must act on sites of .* a Pauli sum on 1 qubit",
        ),
        ([pauli("XX", 1j)], {}, "generator 0 must be Hermitian"),
        ([pauli("XX"), pauli("XX")], {}, "'XX' is there 2 times"),
        ([pauli("XX"), np.eye(4)], {}, "found both"),
        ([pauli("XX") - pauli("XX")], {}, "generator 0 is zero"),
        ([pauli("XX")], {"dims": (4,)}, r"dims must be \(2, 2\)"),
        ([np.array([[0, 1], [0, 0]])], {}, "generator 0 must be Hermitian"),
        ([np.eye(2), np.eye(3)], {}, "generator 1 must act on dimension 2"),
        ([np.eye(6)], {"dims": (2, 2)}, "multiply to the dimension 6"),
        ([np.array([np.eye(2)] * 3)], {}, r"generator 0 must have shape \(2, 2\)"),
    ],
)
def test_gibbs_sentences(generators, options, sentence):
    with pytest.raises(InputError, match=sentence):
        GibbsModel(generators, **options)


def test_all_paulis_sentences():
    with pytest.raises(InputError, match="weight must be an integer from 1 to 2"):
        GibbsModel.all_paulis(2, weight=3)


def test_strings_of_more_qubits_than_a_state_can_have_are_not_listed(monkeypatch):
    monkeypatch.setattr(PauliSum, "from_terms", None)  # nothing is built
    for n in (64, 127, 4096):
        with pytest.raises(MemoryError, match=f"a Gibbs state of {n} qubits needs .* would fit"):
            GibbsModel.all_paulis(n, 1)
