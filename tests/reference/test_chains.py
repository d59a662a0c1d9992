"""Thermal states of chains against matrices and free fermions: within the errors that are stated, and to 1e-9."""

import math

import numpy as np
import pytest
from helpers.arrays import difference
from helpers.free_fermions import FreeChain, IsingChain, XXChain
from scipy.stats import chi2

from qml.engines import ChainEngine
from qml.engines.mps.correlations import times
from qml.models import ChainGibbsModel, ChainState, GibbsModel
from qml.models.chain import WEIGHTS
from qml.operators import PauliSum, heisenberg, j1j2, partial_trace_matrix, pauli, tfim, xxz
from qml.states import DensityMatrix, GibbsState

SEEDS = (1, 2)


def local(n: int, count: int, seed: int, letters: str = "XYZ", reach: int = 4) -> PauliSum:
    """Random strings on up to `reach` neighbouring sites, normal coefficients."""
    rng, terms = np.random.default_rng(seed), {}
    while len(terms) < count:
        size = int(rng.integers(1, min(reach, n) + 1))
        first = int(rng.integers(0, n - size + 1))
        word = "".join(rng.choice(list("I" + letters), size - 1)) + str(rng.choice(list(letters)))
        terms["I" * first + word + "I" * (n - first - size)] = float(rng.normal())
    return PauliSum.from_terms(list(terms.items()))


def observables(n: int) -> list[PauliSum]:
    """All strings on one site and on two."""
    ones = [pauli(p, sites=(i,), n=n) for p in "XYZ" for i in range(n)]
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    return ones + [pauli(p + q, sites=at, n=n) for at in pairs for p in "XYZ" for q in "XYZ"]


def values_in(state: GibbsState, operators: list[PauliSum]) -> np.ndarray:
    rho = state.matrix()
    return np.array([(g.sparse().multiply(rho.T)).sum().real for g in operators])


SMALL = {
    "heisenberg": 0.25 * heisenberg(6),
    "xxz in fields": xxz(6, delta=0.4) * 0.2 + 0.7 * pauli("XIIIII") - 0.3 * pauli("IIIIYI") + 0.5 * pauli("IIIZII"),
    "two neighbours": 0.2 * j1j2(5),
    "ising, cold": 3.0 * tfim(7),
    "real": 0.3 * local(7, 10, 0, "XZ"),
    **{f"complex {seed}": 0.4 * local(6, 9, seed) for seed in SEEDS},
}
LARGE = {
    "heisenberg": 0.3 * heisenberg(9),
    "two neighbours": 0.15 * j1j2(8),
    "xxz": 0.3 * xxz(10, delta=-0.5),
    "complex": 0.2 * local(10, 20, 5),
    "ising": 1.0 * tfim(11, h=0.7),
}


def check_against_matrices(k: PauliSum, tolerance: float) -> None:
    state = ChainState({"K": k}, [1.0], ChainEngine(tolerance, bond=256))
    exact, wanted = GibbsState(k.matrix()), observables(k.n_qubits)
    found = state.moments(wanted)
    off = abs(state.log_partition() - exact.log_partition())
    apart = np.abs(found.values - values_in(exact, wanted))
    assert off < state.log_partition_error <= tolerance * state.chain.strength
    assert np.all(apart < found.errors)
    assert np.all(found.errors <= tolerance)
    assert abs(state.entropy() - exact.entropy()) < state.entropy_error
    assert state.expect(k) == pytest.approx(exact.expect(k), abs=state.expectation_errors()[0])
    assert max(off, apart.max()) < 1e-9
    assert np.abs(found.values).max() > 1e-3


@pytest.mark.parametrize("name", SMALL)
def test_log_z_expectations_and_entropy_are_those_of_the_matrix(name: str) -> None:
    check_against_matrices(SMALL[name], 1e-9)


@pytest.mark.parametrize(
    ("n", "beta", "share", "seed"), [(41, 300.0, 1e-6, 3), (61, 50.0, 4e-6, 3), (61, 50.0, 4e-6, 5)]
)
def test_the_stated_error_holds_for_two_states_that_are_almost_degenerate(
    n: int, beta: float, share: float, seed: int
) -> None:
    fields = beta * share * np.random.default_rng(seed).normal(size=n)
    words = [(0, 3 << i) for i in range(n - 1)] + [(0, 1 << i) for i in range(n)]
    k = PauliSum(n, tuple(words), (*[-beta] * (n - 1), *fields.tolist()))
    middle = n // 2
    found = ChainEngine().thermal(k, [PauliSum(n, ((0, 1 << middle),), (1.0,))])
    spins = np.array([1.0, -1.0])

    def weights(h: np.ndarray) -> np.ndarray:  # logarithms, of the spin behind the last of these fields
        out = np.zeros(2)
        for x in h:
            out = np.logaddexp.reduce((out - x * spins)[:, None] + beta * np.outer(spins, spins), axis=0)
        return out

    log_weights = weights(fields[:middle]) + weights(fields[:middle:-1]) - fields[middle] * spins
    log_partition = np.logaddexp.reduce(log_weights)
    magnetisation = np.exp(log_weights - log_partition) @ spins
    assert 1e-4 < abs(magnetisation) < 0.1
    assert abs(found.log_partition - log_partition) < 2 / 3 * found.log_partition_error
    assert abs(found.values[0] - magnetisation) < 2 / 3 * found.errors[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_more_qubits_are_those_of_the_matrix(name: str) -> None:
    check_against_matrices(LARGE[name], 1e-8)


def quadratic_error(found: np.ndarray, exact: np.ndarray) -> float:
    """The largest relative error of v g v over all v."""
    root = np.linalg.cholesky(exact)
    apart = np.linalg.solve(root, np.linalg.solve(root, found - exact).T)
    return float(np.abs(np.linalg.eigvalsh(apart)).max())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bkm", "wigner_yanase"])
@pytest.mark.parametrize("name", ["xxz in fields", "complex 1"])
def test_metrics_are_those_of_the_matrix(name: str, kind: str) -> None:
    k = SMALL[name]
    theta = np.array(k.coefficients).real
    found, exact = (m(k).metric(theta, kind) for m in (ChainGibbsModel, GibbsModel))
    assert quadratic_error(found.matrix(), exact.matrix()) < 1e-4
    assert found.product(theta) == pytest.approx(exact.product(theta), rel=2e-4, abs=1e-5)


@pytest.mark.parametrize("kind", ["bkm", "wigner_yanase"])
@pytest.mark.parametrize("k", [3.0 * tfim(6), local(4, 10, 0) * 3.0], ids=["ising", "any"])
def test_metrics_at_low_temperature_have_the_error_of_their_weights(k: PauliSum, kind: str) -> None:
    theta = np.array(k.coefficients).real
    found, exact = (m(k).metric(theta, kind).matrix() for m in (ChainGibbsModel, GibbsModel))
    assert quadratic_error(found, exact) < {"bkm": 3e-4, "wigner_yanase": 3e-3}[kind]


@pytest.mark.parametrize(("kind", "bound"), [("bkm", 3e-4), ("wigner_yanase", 3e-3)])
def test_weights_are_positive_and_near_the_metric_for_all_differences(kind: str, bound: float) -> None:
    for largest in (0.0, 1.0, 7.0, 30.0, 1e3, 1e6):
        weights, error = times(WEIGHTS[kind], largest)
        w = np.concatenate([[0.0], np.geomspace(1e-3, max(largest, 1.0), 1000)])
        s = 0.5 ** np.arange(1, len(weights) + 1)
        sums = (np.exp(-w[:, None] * s) + np.exp(-w[:, None] * (1 - s))) / 2 @ np.array(weights)
        assert min(weights) > -1e-10
        assert np.abs(sums / WEIGHTS[kind](np.zeros_like(w), -w) - 1).max() < 1.2 * error + 1e-9
        assert error < (1e-5 if largest <= 7 else bound)


def test_the_derivative_of_an_expectation_is_a_covariance() -> None:
    k = local(5, 14, 9)
    model, theta = ChainGibbsModel(k, ChainEngine(1e-11)), np.linspace(-0.6, 0.5, 14)
    wanted = pauli("XIIIZ") + 0.5 * pauli("IYYII") + pauli("IIZII") + pauli("IXIII")
    exact = GibbsModel(k)
    pulled = model.state(theta)._pull_expect(wanted)
    direction = np.random.default_rng(0).normal(size=14)
    slope = difference(lambda at: np.array(exact.state(at).expect(wanted)), theta, direction)
    assert abs(slope) > 1e-2
    assert pulled @ direction == pytest.approx(slope, rel=1e-4)
    state, pull = exact.state_vjp(theta)
    assert pulled == pytest.approx(pull(state._pull_expect(wanted)), abs=2e-5)
    assert np.sum(np.abs(pulled) > 1e-3) > 7
    by_matrix = model.state(theta)._pull_expect(wanted.matrix())
    assert by_matrix == pytest.approx(pull(state._pull_expect(wanted)), abs=1e-12)


def test_reduced_states_in_any_order() -> None:
    state = ChainState([0.3 * local(8, 14, 5)], [1.0], ChainEngine(1e-7))
    imaginary = 0.0
    for keep in (
        [0],
        [7],
        [3, 4],
        [0, 7],
        [6, 1, 4],
        [5, 0, 2, 7, 3],
        [2, 3, 4, 5, 6],
        [7, 5, 3, 1],
        [1, 2, 3, 4, 5, 6],
    ):
        rho = partial_trace_matrix(state.dense.matrix(), keep, (2,) * 8)
        found = state.partial_trace(keep)
        assert found.dims == (2,) * len(keep)
        assert np.abs(found.matrix() - rho).max() < 1e-9
        assert np.linalg.norm(rho - np.eye(len(rho)) / len(rho)) > 1e-2
        imaginary = max(imaginary, float(np.abs(rho.imag).max()))
    assert imaginary > 1e-3


@pytest.mark.slow
def test_the_reduced_state_of_all_sites_is_the_state() -> None:
    state = ChainState([0.3 * local(8, 14, 5)], [1.0], ChainEngine(1e-7))
    keep = [4, 1, 0, 7, 6, 5, 2, 3]
    rho = partial_trace_matrix(state.dense.matrix(), keep, (2,) * 8)
    assert np.abs(state.partial_trace(keep).matrix() - rho).max() < 1e-9


def test_mutual_information_is_that_of_the_matrix() -> None:
    state = ChainState([1.5 * tfim(8)], [1.0])
    dense = DensityMatrix(state.dense.matrix())
    for first, second in (([3], [4]), ([0, 1], [5]), ([7], [0, 2]), ([2, 3, 4], [6, 5])):
        exact = dense.mutual_information(first, second)
        assert exact > 1e-4
        assert state.mutual_information(first, second) == pytest.approx(exact, abs=1e-7)


@pytest.mark.parametrize("letters", ["Y", "XYZZY"])
def test_shots_have_the_exact_probabilities(letters: str) -> None:
    state, count, n = ChainState([local(5, 12, 8)], [0.7]), 20_000, 5
    bits = state.sample(count, 3, letters)
    word = letters * n if len(letters) == 1 else letters
    signs = 1 - 2 * bits
    scores = []
    for i in range(n):
        for j in range(i, n):
            label = "".join(word[k] if k in (i, j) else "I" for k in range(n))
            exact = state.dense.expect(label)
            mean = signs[:, i].mean() if i == j else (signs[:, i] * signs[:, j]).mean()
            scores.append((mean - exact) / math.sqrt((1 - exact**2) / count))
    assert np.abs(scores).max() < 4
    turn = {"X": np.array([[1, 1], [1, -1]]), "Y": np.array([[1, -1j], [1, 1j]]), "Z": math.sqrt(2) * np.eye(2)}
    basis = np.ones((1, 1))
    for letter in word:
        basis = np.kron(basis, turn[letter] / math.sqrt(2))
    exact = np.einsum("ij,jk,ik->i", basis, state.dense.matrix(), basis.conj()).real
    seen = np.bincount(bits @ (1 << np.arange(n)[::-1]), minlength=1 << n)
    statistic = float((np.square(seen - count * exact) / (count * exact)).sum())
    assert 1e-4 < chi2.sf(statistic, (1 << n) - 1) < 1 - 1e-4


def test_far_sites_are_drawn_together() -> None:
    """A cold ferromagnet without fields is half all up, half all down."""
    k = sum((pauli("ZZ", -1.0, sites=(i, i + 1), n=30) for i in range(1, 29)), pauli("ZZ", -1.0, sites=(0, 1), n=30))
    bits = ChainState([k], [50.0]).sample(2000, 1)
    assert np.array_equal(bits.min(axis=1), bits.max(axis=1))
    assert abs(bits[:, 0].mean() - 0.5) < 4 / math.sqrt(4 * 2000)


# free fermions -------------------------------------------------------------------------------------------------------


def disordered(kind: type[FreeChain], n: int, beta: float, seed: int) -> FreeChain:
    rng = np.random.default_rng(seed)
    return kind(beta * rng.uniform(0.5, 1.5, n - 1) * rng.choice([-1, 1], n - 1), beta * rng.normal(size=n))


def check_against_free_fermions(chain: FreeChain, tolerance: float) -> None:
    n, state = chain.n, ChainState(chain.generators(), chain.params, ChainEngine(tolerance))
    assert (
        abs(state.log_partition() - chain.log_partition())
        < state.log_partition_error
        <= tolerance * state.chain.strength
    )
    assert np.all(np.abs(state.expectations() - chain.expectations()) < state.expectation_errors())
    assert abs(state.entropy() - chain.entropy()) < state.entropy_error
    far = [(0, n - 1), (n // 3, n // 3 + 5), (1, n // 2), (2, 4)]
    found = state.moments([pauli("ZZ", sites=at, n=n) for at in far])
    assert np.all(np.abs(found.values - [chain.zz(*at) for at in far]) < found.errors)


@pytest.mark.parametrize(("n", "beta"), [(20, 0.3), (15, 2.0), (50, 0.3)])
def test_disordered_ising_chains_are_those_of_free_fermions(n: int, beta: float) -> None:
    check_against_free_fermions(disordered(IsingChain, n, beta, n), 1e-8)


@pytest.mark.slow
def test_a_disordered_xx_chain_is_that_of_free_fermions() -> None:
    check_against_free_fermions(disordered(XXChain, 16, 0.4, 0), 1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "n", "beta", "tolerance"),
    [(IsingChain, 50, 4.0, 1e-8), (IsingChain, 100, 1.0, 1e-8), (XXChain, 50, 1.0, 1e-6), (XXChain, 100, 0.3, 1e-8)],
)
def test_long_disordered_chains_are_those_of_free_fermions(
    kind: type[FreeChain], n: int, beta: float, tolerance: float
) -> None:
    check_against_free_fermions(disordered(kind, n, beta, n), tolerance)


@pytest.mark.slow
def test_a_critical_chain_of_fifty_is_right_to_1e_8() -> None:
    chain = IsingChain(np.full(49, -1.0), np.full(50, -1.0))
    state = ChainState(chain.generators(), chain.params)
    assert abs(state.log_partition() - chain.log_partition()) < 1e-8
    assert np.abs(state.expectations() - chain.expectations()).max() < 1e-9
    assert state.log_partition_error <= 1e-8


@pytest.mark.parametrize(
    ("kind", "n"), [(IsingChain, 9), (XXChain, 7), pytest.param(IsingChain, 40, marks=pytest.mark.slow)]
)
def test_the_metric_is_the_covariance_of_free_fermions(kind: type[FreeChain], n: int) -> None:
    chain = disordered(kind, n, 0.6, 2)
    found = ChainGibbsModel(chain.generators(), ChainEngine(1e-6)).metric(chain.params).matrix()
    exact = chain.covariance()
    assert quadratic_error(found, exact) < 1e-4
    assert np.abs(found - exact).max() < 2e-5
    assert np.abs(exact[0, 1:]).max() > 1e-2


# the errors that are stated -------------------------------------------------------------------------------------------


def drawn(rng: np.random.Generator) -> PauliSum:
    """A chain of two to six qubits of any kind, at a temperature between 0.1 and 100."""
    kind = str(rng.choice(["ising", "xxx", "xxz", "j1j2", "any"]))
    n = int(rng.integers(2, 7 if kind == "ising" else 6))
    beta = 10 ** rng.uniform(-2, 1)
    if kind == "any":
        return beta * local(n, n + 1, int(rng.integers(1 << 30)))
    terms = []
    for reach in (1, 2) if kind == "j1j2" else (1,):
        for i in range(n - reach):
            same = float(rng.normal())
            for letter in "Z" if kind == "ising" else "XYZ":
                size = float(rng.normal()) if kind == "xxz" else same
                terms.append(pauli(2 * letter, size, sites=(i, i + reach), n=n))
    terms += [pauli("X" if kind == "ising" else "Z", float(rng.normal()), sites=(i,), n=n) for i in range(n)]
    return beta * sum(terms[1:], terms[0])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:the errors of a chain")
@pytest.mark.parametrize("bond", [256, 6])
def test_stated_errors_are_bounds(bond: int) -> None:
    """Of 150 chains; most true errors are below a third of what is stated."""
    rng, shares = np.random.default_rng(bond), []
    for _ in range(150):
        k, tolerance = drawn(rng), 10 ** rng.uniform(-10, -4)
        chain, wanted = ChainEngine(tolerance, bond).chain(k), observables(k.n_qubits)
        found, exact = chain.estimate(wanted), GibbsState(k.matrix())
        spread = 1e-14 * sum(map(abs, k.coefficients))  # of the matrix
        log_z = max(0.0, abs(found.log_partition - exact.log_partition()) - spread) / found.log_partition_error
        moments = np.maximum(np.abs(found.values - values_in(exact, wanted)) - spread, 0) / found.errors
        shares.append(max(log_z, moments.max()))
    assert max(shares) < 2 / 3
    assert np.mean(np.array(shares) > 1 / 3) < 0.2
    assert max(shares) > 0.05  # no bound from nowhere
