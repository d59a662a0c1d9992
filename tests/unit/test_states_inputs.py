"""What constructors accept: totals that are one within 1e-10 are divided out, so that S(rho, rho) = S(rho) always."""

import itertools

import numpy as np
import pytest
from helpers.cases import every

import qml
from qml import states
from qml._checks import InputError, MemoryRefused
from qml.engines.pauli_state import PauliState
from qml.losses import cross_entropy, relative_entropy
from qml.states import DensityMatrix, GibbsState, SpectralState

EPS = np.finfo(np.float64).eps
P = np.array([0.5, 0.3, 0.2, 0.0])
BASIS = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4, 2)) @ [1, 1j])[0]
MAKERS = {
    "matrix": lambda t: DensityMatrix((BASIS * (P * t)) @ BASIS.conj().T),
    "factor": lambda t: DensityMatrix.from_factor((BASIS * np.sqrt(P * t))[:, :3]),
    "probabilities": lambda t: DensityMatrix.from_probabilities(P * t),
    "vector": lambda t: DensityMatrix.from_vector(np.sqrt(P * t)),
    "spectral": lambda t: SpectralState([*np.log(P[:3] * t), -np.inf], BASIS),
    "smoothed": lambda t: DensityMatrix.from_factor((BASIS * np.sqrt(P * t))[:, :3], smoothing=0.25),
    "matrices": lambda t: DensityMatrix([np.diag(P), np.diag(P * t)]),
    "ensemble": lambda t: DensityMatrix.from_ensemble([[1, 0], [0, 1]], weights=[0.5 * t, 0.5 * t]),
    "Pauli vector": lambda t: PauliState(t * np.array([1.0, 0.6, 0.0, 0.8]), 1),
}


@every("name", MAKERS)
def test_a_total_within_the_tolerance_is_divided_out(name):
    exact = MAKERS[name](1.0)
    for off in (9e-11, -9e-11, 1e-12, -1e-12, 5e-15, -5e-15):
        rho = MAKERS[name](1 + off)
        np.testing.assert_allclose(np.trace(rho.matrix(), axis1=-2, axis2=-1), 1, rtol=0, atol=32 * EPS)
        np.testing.assert_allclose(rho.matrix(), exact.matrix(), rtol=0, atol=1e-14)
        np.testing.assert_allclose(rho.entropy(), exact.entropy(), rtol=0, atol=1e-13)
        for other in (rho, exact, DensityMatrix(rho.matrix())):
            np.testing.assert_allclose(cross_entropy(rho, other), exact.entropy(), rtol=0, atol=1e-13)
            np.testing.assert_allclose(cross_entropy(other, rho), exact.entropy(), rtol=0, atol=1e-13)
    with pytest.raises(InputError):
        MAKERS[name](1 + 3e-10)


def test_ten_digits_of_a_vector_are_enough():
    rho = DensityMatrix.from_vector([0.70710678118] * 2)
    assert rho.entropy() == 0.0
    assert abs(cross_entropy(rho, rho)) <= 4 * EPS
    assert rho.purity() == pytest.approx(1, abs=4 * EPS)


def test_what_is_normalised_is_kept_to_the_bit():
    rng = np.random.default_rng(0)
    for d in (2, 3, 64):
        rho, low, p = states.ginibre((d,), rng), states.ginibre((d,), rng, rank=1), rng.dirichlet(np.ones(d))
        once, again = DensityMatrix(rho.matrix() * (1 + 5e-11)), DensityMatrix.from_factor(low.factor * (1 - 2e-11))
        np.testing.assert_array_equal(DensityMatrix(rho.matrix()).matrix(), rho.matrix())
        np.testing.assert_array_equal(DensityMatrix(once.matrix()).matrix(), once.matrix())
        np.testing.assert_array_equal(DensityMatrix.from_factor(low.factor).factor, low.factor)
        np.testing.assert_array_equal(DensityMatrix.from_factor(again.factor).factor, again.factor)
        np.testing.assert_array_equal(DensityMatrix.from_probabilities(p).probabilities(), p)


def test_a_leak_counts_the_same_in_every_representation_of_the_model():
    """5e-11 of the data outside the support of the model, which a trace of 1 + 5e-11 used to hide."""
    for leak in (5e-11, 1e-13):
        rho = DensityMatrix(np.diag([0.5, 0.5, leak, 0]))
        for data in (rho, DensityMatrix.from_factor(np.diag(np.sqrt(np.diagonal(rho.matrix()).real)))):
            for sigma in (
                DensityMatrix.from_factor(np.eye(4)[:, :2] / np.sqrt(2)),
                DensityMatrix(np.diag([0.5, 0.5, 0, 0])),
                DensityMatrix.from_probabilities([0.5, 0.5, 0, 0]),
                SpectralState(np.log([0.5, 0.5]).tolist() + [-np.inf] * 2, np.eye(4)),
            ):
                assert cross_entropy(data, sigma) == np.inf
                assert qml.CrossEntropy().value_and_cotangent(data, sigma) == (np.inf, None)


def test_what_a_matrix_is_cut_of_is_no_reason_for_infinity():
    """Fifteen eigenvalues below the cut of the support policy add up to more than a weight that counts."""
    for d in (16, 64):
        small = 3.9 * d * EPS
        rho = DensityMatrix(np.diag([1 - (d - 1) * small] + [small] * (d - 1)))
        assert cross_entropy(rho, rho) == pytest.approx(0, abs=1e-9)
        assert abs(relative_entropy(rho, rho)) < 1e-9
        assert cross_entropy(states.maximally_mixed(rho.dims), rho) == np.inf


def test_entropies_are_never_negative_and_those_of_pure_states_are_zero():
    rng = np.random.default_rng(1)
    pure = [f(n) for f, n in itertools.product((states.ghz, states.w_state), range(1, 8))]
    pure += [states.haar_pure((d,), rng) for d in range(1, 40)]
    for rho in [*pure, states.basis_state("01"), *(DensityMatrix(rho.matrix()) for rho in pure)]:
        assert rho.entropy() == 0.0
        assert str(rho.entropy()) == "0.0"
    for d in range(1, 12):
        almost = DensityMatrix.from_probabilities(np.array([1.0] + [1e-17] * (d - 1)))
        assert almost.entropy() >= 0
        assert states.maximally_mixed((d,)).entropy() == pytest.approx(np.log(d), abs=1e-14)


def test_huge_inverse_temperatures_have_an_entropy_or_are_refused():
    h = qml.operators.tfim(2)
    for beta in (1e3, 1e150, 1e305, -1e305):
        sigma = states.thermal(h, beta)
        assert sigma.entropy() == 0.0
        assert abs(cross_entropy(sigma, sigma)) <= 8 * EPS * abs(beta)
        assert np.isfinite(cross_entropy(states.maximally_mixed((2, 2)), sigma))
    for beta in (1e308, -1e308):
        with pytest.raises(InputError, match="lower beta"):
            states.thermal(h, beta)
    with pytest.raises(InputError, match="lower beta"):
        GibbsState([0.0, 1.7e308])


def test_a_density_matrix_of_another_state_has_its_matrix_and_dims():
    sigma = GibbsState([[[0.1, 0.2], [0.3, 0.0]], [[0.0, 0.5], [1.0, 0.0]]], (2,), diagonal=True)  # of shape (2, 2)
    np.testing.assert_array_equal(DensityMatrix(sigma).matrix(), sigma.matrix())
    assert DensityMatrix(states.thermal(np.diag([0.0, 1, 2, 3]), 1.0, (4,))).dims == (4,)
    np.testing.assert_array_equal(sigma[1].matrix(), sigma.matrix()[1])
    assert sigma[1].batch_shape == (2,)
    with pytest.raises(InputError, match="single state cannot be indexed"):
        sigma[1, 0][0]


def test_what_is_no_input_is_told():
    for wrong, text in (
        (lambda: states.basis_state(5), "bits must be a list of levels"),
        (lambda: states.basis_state("\N{SUPERSCRIPT TWO}"), "level 0 of bits must be an integer"),
        (lambda: SpectralState(["a"], np.eye(1)), "log_probabilities must be an array of real numbers"),
        (lambda: DensityMatrix.from_ensemble(3), "an ensemble must be a list of states; found 3"),
        (lambda: DensityMatrix("x"), "must be an array of numbers"),
        (lambda: states.nearest_density_matrix(np.full((2, 2), 1e308)), "so that sums of them exist"),
    ):
        with pytest.raises(InputError, match=text):
            wrong()
    with pytest.raises(MemoryRefused):
        states.werner(0.5, 10**4)


def test_objects_of_qiskit_are_refused_with_the_remedy():
    class Object:
        """Converts itself, as those of Qiskit do."""

        def __array__(self, dtype=None, copy=None):
            return np.diag([0.0, 1, 0, 0])

    Object.__module__ = "qiskit.quantum_info.states.densitymatrix"
    for take in (
        DensityMatrix,
        states.as_state,
        states.nearest_density_matrix,
        lambda x: states.as_single_state(x, (2, 2)),
        lambda x: DensityMatrix.from_ensemble([x]),
        lambda x: states.thermal(x, 1.0),
        lambda x: states.ghz(2).expect(x),
        lambda x: qml.gates.UnitaryGate(x),
        lambda x: qml.fit(qml.CholeskyModel((2, 2)), x, max_iterations=1),
    ):
        with pytest.raises(InputError, match=r"whose first qubit is the last one here: pass qml\.io\.from_qiskit"):
            take(Object())


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.uint64])
def test_small_integers_of_numpy_count_qubits(kind):
    """2^n is no int8 from seven qubits on."""
    for make in (states.ghz, states.w_state):
        found = make(kind(8))
        assert found.dims == (2,) * 8
        assert np.array_equal(found.probabilities(), make(8).probabilities())
