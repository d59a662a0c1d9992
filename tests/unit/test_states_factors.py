"""States that avoid their matrix: factors, smoothed factors, products, and partial traces of them."""

import math

import numpy as np
import pytest
from helpers.arrays import hermitian
from helpers.cases import every
from hypothesis import given
from hypothesis import strategies as st

from qml import FitResult, GibbsModel, fit, pauli
from qml._checks import InputError, MemoryRefused
from qml.losses import CrossEntropy, Infidelity, Renyi, cross_entropy, fidelity, von_neumann_entropy
from qml.states import (
    DensityMatrix,
    GibbsState,
    ProductState,
    SpectralState,
    basis_state,
    ghz,
    ginibre,
    haar_pure,
    maximally_mixed,
    partial_trace,
    purify,
    tensor,
    thermal,
)
from qml.states.storage import state_of


def factor(d, r, seed):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((d, r)) + 1j * rng.standard_normal((d, r))
    return a / np.linalg.norm(a)


STATES = {
    "factor": lambda: DensityMatrix.from_factor(factor(6, 2, 0), (2, 3)),
    "smoothed": lambda: DensityMatrix.from_factor(factor(6, 2, 0), (2, 3), smoothing=0.3),
    "smoothed, full": lambda: DensityMatrix.from_factor(factor(6, 6, 0), (2, 3), smoothing=0.3),
    "product": lambda: ProductState([ginibre((2,), np.random.default_rng(0)), ginibre((3,), np.random.default_rng(1))]),
    "product, low rank": lambda: ProductState([DensityMatrix.from_factor(factor(2, 1, 1)), maximally_mixed((3,))]),
    "product, nested": lambda: ProductState(
        [ProductState([maximally_mixed((2,))]), DensityMatrix.from_factor(factor(3, 1, 0), smoothing=0.1)]
    ),
    "product, diagonal": lambda: ProductState([maximally_mixed((2,)), GibbsState([0.1, 0.2, 0.9], (3,))]),
}


@pytest.fixture(params=STATES, ids=str)
def state(request):
    return STATES[request.param]()


def test_agrees_with_its_own_matrix(state):
    dense = DensityMatrix(state.matrix(), state.dims)
    columns = factor(6, 4, 7)
    assert np.allclose(state.apply(columns), dense.matrix() @ columns, atol=1e-15)
    assert np.allclose(state.probabilities(), dense.probabilities(), atol=1e-15)
    assert np.allclose(state.populations(factor(6, 6, 8)), dense.populations(factor(6, 6, 8)), atol=1e-15)
    assert float(state.purity()) == pytest.approx(float(dense.purity()), rel=1e-13)
    assert float(von_neumann_entropy(state)) == pytest.approx(float(von_neumann_entropy(dense)), abs=1e-13)
    assert int(state.rank()) == int(dense.rank())
    spectrum = state.spectrum()
    assert np.allclose(spectrum.matrix_of(spectrum.eigenvalues), dense.matrix(), atol=1e-14)
    assert float(fidelity(state, dense)) == pytest.approx(1.0, abs=1e-12)


def test_cross_entropy_agrees_with_the_matrix(state):
    dense = DensityMatrix(state.matrix(), state.dims)
    for rho in (state, ginibre((2, 3), np.random.default_rng(4)), haar_pure((2, 3), np.random.default_rng(4))):
        assert float(cross_entropy(rho, state)) == pytest.approx(float(cross_entropy(rho, dense)), rel=1e-12)
    assert float(cross_entropy(state, state)) == pytest.approx(float(von_neumann_entropy(state)), rel=1e-12, abs=1e-14)


def test_partial_traces_agree_with_the_matrix(state):
    dense = DensityMatrix(state.matrix(), state.dims)
    for keep in ([0], [1], [1, 0]):
        assert np.allclose(partial_trace(state, keep).matrix(), partial_trace(dense, keep).matrix(), atol=1e-15)


def test_a_state_comes_back_from_its_arrays(state):
    again = state_of({name: np.asarray(a) for name, a in state._arrays().items()}, state.dims)
    assert type(again) is type(state)
    assert np.array_equal(again.matrix(), state.matrix())


def test_partial_trace_of_a_diagonal_state_is_diagonal_with_exact_zeros():
    p = np.zeros(8)
    p[[0, 3]] = 0.5
    reduced = partial_trace(DensityMatrix.from_probabilities(p), [2, 0])
    assert reduced.is_diagonal
    assert reduced.probabilities().tolist() == [0.5, 0.0, 0.5, 0.0]


def test_partial_trace_of_a_batch_of_factors():
    a = np.array([factor(12, 3, k) for k in range(4)])
    batch = DensityMatrix.from_factor(a, (2, 3, 2))
    for keep in ([2], [1, 0], [0, 1, 2]):
        reduced = partial_trace(batch, keep)
        for k in range(4):
            assert np.allclose(reduced.matrix()[k], partial_trace(batch[k], keep).matrix(), atol=1e-15)


def test_factor_in_its_eigenbasis():
    for a in (factor(5, 2, 0), factor(3, 4, 0)):
        sigma = DensityMatrix.from_factor(a)
        rows = sigma.factor_in_eigenbasis()
        assert np.allclose(sigma.spectrum().basis @ rows, a, atol=1e-15)
        assert np.allclose(np.square(np.abs(rows)).sum(axis=1), sigma.spectrum().eigenvalues, rtol=1e-13)
    with pytest.raises(InputError, match="not held as a factor"):
        maximally_mixed((2,)).factor_in_eigenbasis()


@every("name", ["pull_log", "pull_matrix"])
@every("smoothing", [0.0, 0.2])
@every("r", [2, 5])
def test_cotangents_in_the_factor(name, smoothing, r):
    """Re Tr(C^dagger dA) against differences; A -> A M keeps the support, which pull_log of a bare factor needs."""
    a, x = factor(5, r, 0), hermitian(5, np.random.default_rng(2))
    change = a @ (factor(r, r, 3))
    change -= a * np.vdot(a, change).real

    def f(h):
        moved = a + h * change
        sigma = DensityMatrix.from_factor(moved / np.linalg.norm(moved), smoothing=smoothing)
        if name == "pull_matrix":
            return np.trace(x @ sigma.matrix()).real
        spectrum = sigma.spectrum()
        return np.trace(x @ spectrum.matrix_of(np.where(spectrum.support, spectrum.log_eigenvalues, 0))).real

    slope = (f(-2e-3) - 8 * f(-1e-3) + 8 * f(1e-3) - f(2e-3)) / 0.012
    got = np.vdot(getattr(DensityMatrix.from_factor(a, smoothing=smoothing), name)(x), change).real
    assert abs(slope) > 1e-2
    assert got == pytest.approx(slope, rel=1e-8)


@given(st.integers(0, 2**32 - 1))
def test_products_see_only_the_reduced_states(seed):
    rng = np.random.default_rng(seed)
    rho = ginibre((2, 3, 2), rng, rank=int(rng.integers(1, 13)))
    parts = [ginibre((2, 3), rng), ginibre((2,), rng)]
    joint = float(cross_entropy(rho, ProductState(parts)))
    separate = cross_entropy(partial_trace(rho, [0, 1]), parts[0]) + cross_entropy(partial_trace(rho, [2]), parts[1])
    dense = DensityMatrix(np.kron(parts[0].matrix(), parts[1].matrix()), (2, 3, 2))
    assert joint == pytest.approx(float(separate), rel=1e-12)
    assert joint == pytest.approx(float(cross_entropy(rho, dense)), rel=1e-9)


def test_product_is_infinite_where_one_factor_is():
    sigma = ProductState([DensityMatrix.from_probabilities([1.0, 0.0]), maximally_mixed((2,))])
    assert float(cross_entropy(ghz(2), sigma)) == np.inf
    assert CrossEntropy().value_and_cotangent(ghz(2), sigma)[1] is None


def test_forty_qubits_as_a_product():
    one = ginibre((2, 2), np.random.default_rng(0))
    sigma, rho = ProductState([one] * 20), ProductState([maximally_mixed((2, 2))] * 20)
    assert float(cross_entropy(rho, sigma)) == pytest.approx(20 * float(cross_entropy(maximally_mixed((2, 2)), one)))
    assert float(von_neumann_entropy(sigma)) == pytest.approx(20 * float(von_neumann_entropy(one)))
    with pytest.raises(MemoryError, match="use the factors"):
        sigma.matrix()


def test_a_fit_of_a_product_is_saved_with_its_factors(tmp_path):
    from qml.models import ProductModel

    result = fit(ProductModel([GibbsModel([pauli("X")]), maximally_mixed((3,))]), maximally_mixed((2, 3)), seed=0)
    result.save(tmp_path / "result.npz")
    again = FitResult.load(tmp_path / "result.npz")
    assert isinstance(again.state, ProductState)
    assert [type(f) for f in again.state.factors] == [type(f) for f in result.state.factors]
    assert np.array_equal(again.state.matrix(), result.state.matrix())


def test_sentences():
    with pytest.raises(InputError, match="at least one factor"):
        ProductState([])
    with pytest.raises(InputError, match="factor 1 of a product state must be one state; found a batch of shape"):
        ProductState([ghz(2), np.stack([np.eye(2) / 2] * 3)])
    with pytest.raises(InputError, match="unit trace"):
        ProductState([ghz(2), np.eye(2)])
    for p in (-0.1, 1.5, np.nan):
        with pytest.raises(InputError, match="smoothing must be a finite number"):
            DensityMatrix.from_factor(factor(3, 2, 0), smoothing=p)


@pytest.mark.parametrize("p", [5e-324, 1e-300, 1e-12, 1.0])
def test_any_smoothing_makes_the_entropy_finite(p):
    sigma = DensityMatrix.from_factor([[1.0], [0.0], [0.0], [0.0]], smoothing=p)
    other = cross_entropy(DensityMatrix.from_vector([0.0, 1.0, 0.0, 0.0]), sigma)
    assert float(other) == pytest.approx(math.log(4) - math.log(p), rel=1e-13)
    assert float(cross_entropy(DensityMatrix.from_vector([1.0, 0.0, 0.0, 0.0]), sigma)) == pytest.approx(
        -math.log1p(-0.75 * p), rel=1e-3, abs=1e-15
    )


def test_a_direction_that_counts_as_kernel_has_no_slope_in_its_factor():
    """The second singular value is cut, and with it what 1/(p/d) would multiply."""
    sigma = DensityMatrix.from_factor(np.diag([1.0, 1e-20]), smoothing=1e-200)
    value, cotangent = CrossEntropy().value_and_cotangent(maximally_mixed(1), sigma)
    assert value == pytest.approx((math.log(2) + 200 * math.log(10)) / 2, rel=1e-13)
    assert np.allclose(cotangent, [[-1.0, 0.0], [0.0, 0.0]], atol=1e-12)


COLD = GibbsState([0.0, 1000.0])


@pytest.mark.parametrize(
    "others", [[GibbsState([0.0, 0.0])], [maximally_mixed(1)], [maximally_mixed(1), COLD]], ids=str
)
def test_diagonal_states_side_by_side_stay_diagonal_and_keep_their_logarithms(others):
    joint = tensor(COLD, *others)
    assert joint.is_diagonal
    rho = tensor(DensityMatrix.from_probabilities([0.0, 1.0]), *others)
    assert cross_entropy(rho, joint) == pytest.approx(1000.0 + sum(s.entropy() for s in others), rel=1e-14)


def test_reduced_states_of_a_diagonal_gibbs_state_keep_its_logarithms():
    """The second qubit alone costs log(exp(-1000) + exp(-1001)); order of sites and batches as for matrices."""
    energies = np.array([0.0, 1000.0, 2000.0, 1001.0])
    reduced = GibbsState(energies).partial_trace([1])
    assert cross_entropy(DensityMatrix.from_probabilities([0.0, 1.0]), reduced) == pytest.approx(
        1000.0 - math.log1p(math.exp(-1.0)), rel=1e-14
    )
    warm = GibbsState(np.array([energies / 1000, energies[::-1] / 500]), diagonal=True)
    for keep in ([0], [1, 0], [0, 1]):
        dense = DensityMatrix(warm.matrix()).partial_trace(keep)
        assert np.allclose(warm.partial_trace(keep).matrix(), dense.matrix(), atol=1e-15)


def test_the_rank_of_a_product_takes_no_eigenvectors(monkeypatch):
    bits = [DensityMatrix.from_factor(factor(2, 2, k)) for k in range(12)]
    monkeypatch.setattr("qml._checks.available_memory", lambda: 2**24)
    assert ProductState(bits).rank() == 2**12


def test_why_a_product_is_infinite_takes_no_eigenvectors(monkeypatch):
    rng = np.random.default_rng(0)
    rho = ProductState([ginibre(1, rng) for _ in range(12)])
    sigma = ProductState([DensityMatrix.from_vector([1.0, 0.0]), *(ginibre(1, rng) for _ in range(11))])
    monkeypatch.setattr("qml._checks.available_memory", lambda: 2**24)
    weight = rho.factors[0].probabilities()[1]
    assert CrossEntropy().value(rho, sigma) == math.inf
    told = CrossEntropy().why_infinite(rho, sigma)
    assert told == f"at least {weight:.3g} of the weight of rho lies outside the support of sigma"


def test_a_purification_that_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr("qml._checks.available_memory", lambda: 2**26)
    with pytest.raises(MemoryRefused, match="a purification of dimension 1048576"):
        purify(maximally_mixed(10))


EMPTY = {
    "probabilities": DensityMatrix.from_probabilities(np.full((2, 4), 0.25)),
    "vectors": DensityMatrix.from_vector(np.full((2, 4), 0.5)),
    "matrices": DensityMatrix(np.array([np.eye(4) / 4] * 2)),
    "Gibbs": GibbsState(np.zeros((2, 4)), diagonal=True),
}


@every("kind", EMPTY)
def test_a_batch_of_no_states_has_no_numbers(kind):
    none = EMPTY[kind][np.zeros(2, dtype=bool)]
    assert none.batch_shape == (0,)
    numbers = (none.entropy(), none.purity(), none.rank(), cross_entropy(none, none), fidelity(none, none))
    assert all(np.shape(x) == (0,) for x in numbers)
    assert cross_entropy(maximally_mixed(2), none).shape == (0,)
    assert none.partial_trace([1]).matrix().shape == (0, 2, 2)
    assert none.sample(3, 0).shape == (0, 3, 2)


@pytest.mark.parametrize("loss", [CrossEntropy(), Infidelity(), Renyi(2.0), Renyi(0.5), Renyi(0.6, "petz")], ids=repr)
@pytest.mark.parametrize("p", [1e-300, 1e-308, 1e-310, 5e-324])
def test_slopes_of_factors_with_any_smoothing_are_numbers(p, loss):
    """A factor of lower rank: along what it lacks, the value changes with the square."""
    sigma = DensityMatrix.from_factor(np.diag([1.0, 0.0]), smoothing=p)
    value, slope = loss.value_and_cotangent(maximally_mixed(1), sigma)
    assert math.isfinite(value)
    assert np.isfinite(slope).all()
    assert slope[1, 1] == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("loss", [CrossEntropy(), Renyi(2.0), Renyi(0.5)], ids=repr)
@pytest.mark.parametrize("p", [1e-300, 1e-310, 5e-324])
def test_slopes_at_the_target_are_minus_one_however_small_a_probability_is(p, loss):
    """dL/dp_k = -p_k/q_k there, up to a number for all k."""
    rho = DensityMatrix.from_probabilities([1.0, p])
    assert loss.value_and_cotangent(rho, rho)[1] == pytest.approx([-1.0, -1.0], rel=1e-12)


@pytest.mark.parametrize("cold", [GibbsState([0.0, 2000.0]), thermal({"X": 1.0}, 1000.0)], ids=["diagonal", "turned"])
def test_products_keep_what_is_known_of_a_logarithm(cold):
    """S(1/4, sigma x tau) = (log-eigenvalues of both, on average), where float64 does not hold sigma's weights."""
    for bit in (DensityMatrix.from_probabilities([0.75, 0.25]), DensityMatrix([[0.5, 0.25], [0.25, 0.5]])):
        for sigma in (tensor(cold, bit), tensor(bit, cold)):
            exact = 1000.0 - np.log([0.75, 0.25]).mean()
            assert cross_entropy(maximally_mixed(2), sigma) == pytest.approx(exact, rel=1e-14)
    kernel = tensor(basis_state("0"), GibbsState([0.0, 2000.0]))
    assert cross_entropy(basis_state("01"), kernel) == pytest.approx(2000.0, rel=1e-15)
    assert cross_entropy(basis_state("11"), kernel) == np.inf


def test_sites_in_another_order_keep_what_is_known_of_a_logarithm():
    cold = thermal({"XI": 1.0, "IZ": 0.5}, 400.0)  # log-eigenvalues down to -1200
    turned = SpectralState(cold.spectrum().log_eigenvalues, cold.spectrum().columns, cold.dims)
    for sigma in (cold, turned):
        for keep in ([1, 0], [0, 1]):
            assert cross_entropy(maximally_mixed(2), sigma.partial_trace(keep)) == pytest.approx(600.0, rel=1e-14)
    rng = np.random.default_rng(5)
    h = hermitian(12, rng)
    batch = GibbsState(np.stack([h, 2 * h]), (2, 3, 2))
    one = SpectralState(batch[0].spectrum().log_eigenvalues, batch[0].spectrum().columns, (2, 3, 2))
    for sigma in (batch, one):
        found = sigma.partial_trace([2, 0, 1])
        assert found.dims == (2, 2, 3)
        assert type(found) is type(sigma)
        assert np.allclose(
            found.matrix(), DensityMatrix(sigma.matrix(), sigma.dims).partial_trace([2, 0, 1]).matrix(), atol=1e-14
        )
