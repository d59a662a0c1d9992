"""Gibbs states of long chains: edges, mistakes told in a sentence, shots, and the same numbers every time."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from helpers.cases import every

from qml import _checks
from qml._checks import InputError, MemoryRefused
from qml.engines import ChainEngine
from qml.engines.mps.hamiltonian import train_of
from qml.engines.mps.trains import identity, product
from qml.models import ChainGibbsModel, ChainState, LargeGibbsModel
from qml.models.chain import ChainMetric
from qml.moments import Moments
from qml.operators import PauliSum, heisenberg, pauli, tfim
from qml.states import DensityMatrix, ghz, ginibre

STRONG = 0.5 * heisenberg(6)


def agrees(state: ChainState, factor: float = 1.0) -> None:
    """With its own matrix: log Z, expectations and entropy, within the errors that it states."""
    exact = state.dense
    rounding = 1e-13 * (1 + abs(exact.log_partition()))
    assert abs(state.log_partition() - exact.log_partition()) < factor * state.log_partition_error + rounding
    wanted = Moments.of(exact, state.generators).values
    assert np.all(np.abs(state.expectations() - wanted) <= factor * state.expectation_errors() + 1e-13)
    assert abs(state.entropy() - exact.entropy()) < factor * state.entropy_error + rounding


@every("n", [1, 2, 3])
@every("beta", [1e-9, 1e-3, 1.0, 50.0, 1e3])
def test_few_qubits_at_any_temperature(n: int, beta: float) -> None:
    agrees(ChainState([tfim(n, h=0.7)], [beta]))


@pytest.mark.parametrize("n", [1, 2, 7])
def test_without_couplings_nothing_is_left_but_the_number_of_states(n: int) -> None:
    state = ChainState([tfim(n)], [0.0])
    assert state.log_partition() == pytest.approx(n * math.log(2), abs=1e-13)
    assert state.entropy() == pytest.approx(n * math.log(2), abs=1e-13)
    assert state.expectations() == pytest.approx([0.0], abs=1e-14)
    assert state.log_partition_error < 1e-11
    assert state.partial_trace([n - 1]).matrix() == pytest.approx(np.eye(2) / 2, abs=1e-14)
    assert abs(state.sample(1000, 0).mean() - 0.5) < 4 / math.sqrt(4 * 1000 * n)
    metric = ChainGibbsModel(tfim(n)).metric(np.zeros(2 * n - 1)).matrix()
    assert metric == pytest.approx(np.eye(2 * n - 1), abs=1e-5)


def test_a_constant_moves_log_z_alone() -> None:
    plain, moved = (ChainState([k], [0.5]) for k in (tfim(5), tfim(5) + 3.0 * pauli("I" * 5)))
    assert moved.log_partition() == pytest.approx(plain.log_partition() - 1.5, abs=1e-12)
    assert moved.moments(tfim(5)).values == pytest.approx(plain.moments(tfim(5)).values, abs=1e-13)
    assert moved.expectations() == pytest.approx(plain.expectations() + 3.0, abs=1e-12)
    alone = ChainState([pauli("III")], [0.7])
    assert alone.log_partition() == pytest.approx(3 * math.log(2) - 0.7, abs=1e-13)
    assert ChainGibbsModel([pauli("III")]).metric([0.7]).matrix() == pytest.approx(np.zeros((1, 1)))


@pytest.mark.parametrize("label", ["Y", "XYZZYX", "IIYII", "ZIIIIIIX", "YIIIIIIY"])
def test_a_single_string_wherever_it_is(label: str) -> None:
    state = ChainState([pauli(label)], [0.7])
    n = len(label)
    assert state.log_partition() == pytest.approx(n * math.log(2) + math.log(math.cosh(0.7)), abs=1e-12)
    assert state.expect(pauli(label)) == pytest.approx(-math.tanh(0.7), abs=1e-13)
    assert state.bond <= 2
    agrees(state)


def test_couplings_of_all_pairs() -> None:
    rng = np.random.default_rng(0)
    pairs = [pauli("ZZ", float(rng.normal()), sites=(i, j), n=6) for i in range(6) for j in range(i + 1, 6)]
    agrees(ChainState([*pairs, tfim(6)], [*np.full(len(pairs), 0.4), 0.3]))


@pytest.mark.slow
def test_couplings_of_all_pairs_of_eight_qubits() -> None:
    rng = np.random.default_rng(0)
    pairs = [pauli("ZZ", float(rng.normal()), sites=(i, j), n=8) for i in range(8) for j in range(i + 1, 8)]
    agrees(ChainState([*pairs, tfim(8)], [*np.full(len(pairs), 0.2), 0.2], ChainEngine(1e-6)))


@pytest.mark.parametrize("beta", [50.0, 500.0])
def test_a_cold_ferromagnet_is_all_up_or_all_down(beta: float) -> None:
    n = 10
    k = sum((pauli("ZZ", -1.0, sites=(i, i + 1), n=n) for i in range(1, n - 1)), pauli("ZZ", -1.0, sites=(0, 1), n=n))
    state = ChainState([k], [beta])
    assert state.expect(pauli("ZZ", sites=(0, n - 1), n=n)) == pytest.approx(1.0, abs=1e-12)
    assert abs(state.expect(pauli("Z", sites=(3,), n=n))) < state.truncation
    assert abs(state.log_partition() - (beta * (n - 1) + math.log(2))) < state.log_partition_error
    assert abs(state.entropy() - math.log(2)) < state.entropy_error
    assert state.mutual_information([0], [n - 1]) == pytest.approx(math.log(2), abs=1e-10)


def test_two_thousand_qubits_overflow_nothing() -> None:
    n = 2201
    found, lost = product(identity(n), identity(n), 1e-9, 8, np.random.default_rng(0))
    assert abs(found.log) < 1e-12
    assert lost < 1e-15


@pytest.mark.slow
def test_two_thousand_qubits_without_couplings() -> None:
    n = 2200
    k = PauliSum(n, tuple((1 << i, 0) for i in range(n)), (1e-3,) * n)
    found = ChainEngine().thermal(k, [PauliSum(n, ((1 << 77, 0),), (1.0,))])
    assert abs(found.log_partition - n * math.log(2 * math.cosh(1e-3))) < found.log_partition_error < 1e-8
    assert found.values == pytest.approx([-math.tanh(1e-3)], abs=1e-11)


def test_a_pauli_sum_is_its_operator() -> None:
    k = heisenberg(3) + 0.4 * pauli("XYZ") - 0.2 * pauli("IYI") + 0.7 * pauli("III")
    train = train_of(k)
    product_ = train.sites[0]
    for t in train.sites[1:]:
        product_ = np.tensordot(product_, t, 1)
    matrix = product_.reshape((2,) * 6).transpose(0, 2, 4, 1, 3, 5).reshape(8, 8)
    assert 2**1.5 * math.exp(train.log) * matrix == pytest.approx(k.matrix(), abs=1e-13)
    assert not np.iscomplexobj(train_of(tfim(3)).sites[0])


def test_imaginary_strings_vanish_exactly_in_a_real_state() -> None:
    found = ChainState([tfim(5)], [0.5]).moments([pauli("YIIII"), pauli("XYIII"), pauli("YYIII")])
    assert np.array_equal(found.values[:2], [0.0, 0.0])
    assert found.values[2] != 0.0
    metric = ChainGibbsModel([tfim(4), pauli("IYII"), pauli("XYII")]).metric([0.5, 0.0, 0.0]).matrix()
    assert np.array_equal(metric[0, 1:], [0.0, 0.0])
    assert metric[1, 1] > 0.1


def test_whole_operators_have_the_covariances_of_their_strings() -> None:
    h = tfim(5, h=0.6)
    parts = ChainGibbsModel(h).metric(0.7 * np.array(h.coefficients)).matrix()
    whole = ChainGibbsModel([h]).metric([0.7]).matrix()
    c = np.array(h.coefficients)
    assert whole == pytest.approx(np.array([[c @ parts @ c]]), rel=1e-9)


def test_metrics_need_one_run_and_refuse_those_that_they_have_not() -> None:
    model = ChainGibbsModel(tfim(3))
    state = model.state(np.ones(5))
    metric = model.metric(np.ones(5), state=state)
    assert isinstance(metric, ChainMetric)
    assert metric.matrix() is metric.matrix()
    assert metric.product(np.eye(5)[0]) == pytest.approx(metric.matrix()[0])
    with pytest.raises(InputError, match="chains have the metrics 'bkm', 'wigner_yanase'; found 'bures'"):
        model.metric(np.ones(5), "bures")
    with pytest.raises(InputError, match="kind"):
        model.metric(np.ones(5), "spam")


@pytest.mark.parametrize("bond", [1, 2, 3, 5, 8])
def test_a_bond_dimension_that_is_too_small_is_warned_of(bond: int) -> None:
    state = ChainState([STRONG], [1.0], ChainEngine(bond=bond))
    sentence = f"6 qubits with bond dimension {bond} are estimated as up to .*above the tolerance .*: allow a larger"
    with pytest.warns(UserWarning, match=sentence):
        off = abs(state.log_partition() - state.dense.log_partition())
    assert 1e-8 < off < state.log_partition_error
    assert state.bond == bond


def test_what_rounding_leaves_is_warned_of() -> None:
    state = ChainState([tfim(2)], [1e8], ChainEngine(1e-12))
    with pytest.warns(UserWarning, match=r"above the tolerance 5e-05: allow a larger tolerance\."):
        assert state.log_partition_error > 1e-8
    agrees(state)


@pytest.mark.slow
def test_more_of_a_bond_is_nearer() -> None:
    exact = ChainState([STRONG], [1.0]).log_partition()
    off = []
    for bond in (4, 16, 40):
        with pytest.warns(UserWarning, match="allow a larger bond dimension"):
            off.append(abs(ChainState([STRONG], [1.0], ChainEngine(1e-9, bond)).log_partition() - exact))
    assert off[0] > 10 * off[1] > 100 * off[2] > 0


@pytest.mark.slow
def test_a_smaller_tolerance_is_nearer() -> None:
    found = [ChainState([STRONG], [1.0], ChainEngine(tolerance)) for tolerance in (1e-3, 1e-6, 1e-9)]
    assert found[0].bond < found[1].bond < found[2].bond
    for state, tolerance in zip(found, (1e-3, 1e-6, 1e-9), strict=True):
        agrees(state)
        assert state.log_partition_error <= tolerance


@every(
    "make, sentence",
    [
        (lambda: ChainEngine(1e-13), "tolerance must be"),
        (lambda: ChainEngine(0.2), "tolerance must be"),
        (lambda: ChainEngine(bond=0), "bond must be"),
        (lambda: ChainEngine(bond=5000), "bond must be"),
        (lambda: ChainEngine(bond=2.5), "bond must be"),  # type: ignore[arg-type]
        (lambda: ChainEngine().thermal(1j * pauli("X")), "hamiltonian must be Hermitian"),
        (lambda: ChainEngine().thermal(np.eye(2)), "hamiltonian"),  # type: ignore[arg-type]
        (lambda: ChainGibbsModel([np.eye(2)]), "must be a PauliSum"),
        (lambda: ChainGibbsModel([1j * pauli("X")]), "must be Hermitian"),
        (lambda: ChainGibbsModel(tfim(3), "chain"), "engine must be a ChainEngine"),  # type: ignore[arg-type]
        (lambda: ChainState([tfim(3)], [0.1], 7), "engine must be a ChainEngine"),  # type: ignore[arg-type]
        (lambda: ChainState([tfim(3)], [0.1, 0.2]), "shape"),
        (lambda: ChainState([tfim(3)], [0.1]).moments(tfim(4)), "must have equal dims"),
        (lambda: ChainState([tfim(3)], [0.1]).expect(tfim(4)), "qubits|dims"),
        (lambda: ChainState([tfim(3)], [0.1]).partial_trace([]), "keep must name at least one site"),
        (lambda: ChainState([tfim(3)], [0.1]).partial_trace([3]), "keep must be sites from 0 to 2; found 3"),
        (lambda: ChainState([tfim(3)], [0.1]).partial_trace([1, 1]), "keep must be distinct sites"),
        (lambda: ChainState([tfim(3)], [0.1]).sample(5, 0, "XX"), "one of X, Y and Z for each of the 3 qubits"),
        (lambda: ChainState([tfim(3)], [0.1]).sample(5, 0, "I"), "one of X, Y and Z for each of the 3 qubits"),
        (lambda: ChainState([tfim(3)], [0.1]).sample(5, 0, "xyz"), "one of X, Y and Z for each of the 3 qubits"),
        (lambda: ChainState([tfim(3)], [0.1]).sample(5, 0, ""), "one of X, Y and Z for each of the 3 qubits"),
        (lambda: ChainState([tfim(3)], [0.1]).sample(-1, 0), "shots must be"),
        (lambda: ChainState([tfim(3)], [0.1]).sample(5, "a"), "rng must be"),  # type: ignore[arg-type]
        (lambda: ChainState([tfim(3)], [0.1])[0], "single state cannot be indexed"),
    ],
)
def test_mistakes_are_told_in_a_sentence(make: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make()  # type: ignore[operator]


@pytest.mark.slow
def test_what_would_not_fit_is_refused_before_it_is_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    far = PauliSum.from_terms([("".join(rng.choice(list("IXYZ"), 30)), 1.0) for _ in range(150)])
    words = tuple(dict.fromkeys((int(a), int(b)) for a, b in rng.integers(1, 2**60, (400, 2))))
    monkeypatch.setattr(_checks, "available_memory", lambda: _checks.ALWAYS_FITS)
    with pytest.raises(MemoryRefused, match=r"150 strings as a matrix-product operator .* needs 0\.0\d+ GiB, but"):
        ChainState([far], [0.1]).log_partition()
    with pytest.raises(MemoryRefused, match=r"product of matrix-product operators .* on 60 qubits needs 0\.0\d+ GiB"):
        ChainState([tfim(60)], [3.0]).log_partition()
    state = ChainState([tfim(60)], [1.0])
    with pytest.raises(MemoryRefused, match=r"density matrix of 14 qubits of a chain .* keep fewer sites; 8 qubits"):
        state.partial_trace(range(14))
    with pytest.raises(MemoryRefused, match="1000000 shots of 60 qubits needs"):
        state.sample(1_000_000, 0)
    with pytest.raises(MemoryRefused, match="covariances of 519 Pauli strings needs"):
        ChainState([tfim(60)], [1.0])._pull_expect(PauliSum(60, words, (1.0,) * 400))
    with pytest.raises(MemoryRefused, match="Gibbs state of 60 qubits"):
        state.matrix()


@pytest.mark.slow
def test_the_environments_of_many_strings_are_counted_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = np.random.default_rng(0).integers(1, 2**60, (12_000, 2))
    words = tuple(dict.fromkeys((int(a), int(b)) for a, b in draws))
    state = ChainState([tfim(60)], [1.0])
    monkeypatch.setattr(_checks, "available_memory", lambda: _checks.ALWAYS_FITS)
    with pytest.raises(MemoryRefused, match=r"environments of \d+ Pauli strings needs .* ask for fewer at a time"):
        state.moments([PauliSum(60, words, (1.0,) * len(words))])


def test_shots_are_those_of_their_seed() -> None:
    state = ChainState([tfim(7)], [1.0])
    bits = state.sample(5000, 3)
    assert bits.shape == (5000, 7)
    assert set(np.unique(bits)) == {0, 1}
    assert np.array_equal(bits, state.sample(5000, np.random.default_rng(3)))
    assert np.array_equal(state.sample(9, 3, "XYZXYZX"), state.sample(9, 3, "XYZXYZX"))
    assert not np.array_equal(bits, state.sample(5000, 4))
    assert state.sample(0, 0).shape == (0, 7)


def test_what_only_a_matrix_can_tell_is_exact() -> None:
    state = ChainState([0.3 * heisenberg(4)], [1.0])
    assert state.purity() == pytest.approx(state.dense.purity(), rel=1e-14)
    assert state.eigenvalues() == pytest.approx(state.dense.eigenvalues(), rel=1e-14)
    assert np.array_equal(state.matrix(), state.dense.matrix())
    assert state.expect(np.diag(np.arange(16.0))) == pytest.approx(state.dense.expect(np.diag(np.arange(16.0))))


def test_a_chain_is_a_target_as_its_moments_are() -> None:
    rho = ChainState([tfim(9)], [0.8])
    model = ChainGibbsModel(tfim(9, h=0.5))
    assert not isinstance(rho.partial_trace([2, 3]), ChainState)
    assert isinstance(rho.partial_trace([2, 3]), DensityMatrix)
    sigma = model.state(np.linspace(-0.5, 0.5, 17))
    by_state, by_moments = (sigma._pull_energy(data) for data in (rho, Moments.of(rho, tfim(9, h=0.5))))
    assert np.array_equal(by_state, by_moments)
    assert np.abs(by_state).min() > 1e-3


def test_repr_and_errors_say_what_it_is() -> None:
    model = ChainGibbsModel(tfim(3), ChainEngine(1e-6, 32))
    assert repr(model) == "ChainGibbsModel(dims=(2, 2, 2), 5 generators, ChainEngine(tolerance=1e-06, bond=32))"
    assert repr(model.state(np.ones(5))) == "ChainState(3 qubits, 5 generators, ChainEngine(tolerance=1e-06, bond=32))"
    assert isinstance(model, LargeGibbsModel)
    assert model.is_exponential_family
    assert model.state(np.ones(5)).truncation <= 1e-6
    assert model.state(np.ones(5)).engine_dimension == model.state(np.ones(5)).bond


PROGRAM = """
import json, sys
from qml.engines.mps.hamiltonian import train_of
from qml.engines.mps.trains import identity, product
from qml.models import ChainGibbsModel
from qml.operators import heisenberg, pauli
import numpy as np
model = ChainGibbsModel(heisenberg(5, h=0.3) + 0.4 * pauli("XYIII"))
theta = np.linspace(-0.4, 0.5, model.n_params)
state = model.state(theta)
bits = state.sample(50, 1, "XYZXY")
numbers = [state.log_partition(), *state.expectations(), *model.metric(theta).matrix().ravel(), state.entropy()]
print(json.dumps([[float(x).hex() for x in numbers], bits.tolist()]))
"""


@pytest.mark.slow
def test_the_same_numbers_to_the_bit_again_and_in_another_process(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        exec(PROGRAM, {})
    first, second = capsys.readouterr().out.split("\n")[:2]
    other = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    assert json.loads(first) == json.loads(second) == json.loads(other)


def test_small_states_become_chains_and_come_back() -> None:
    rho = ginibre((2,) * 4, np.random.default_rng(3))
    chain = ChainState.of(rho)
    assert np.abs(chain.matrix() - rho.matrix()).max() < 1e-12
    assert np.abs(chain.partial_trace([2, 0]).matrix() - rho.partial_trace([2, 0]).matrix()).max() < 1e-8
    assert chain.entropy() == pytest.approx(rho.entropy(), abs=1e-7)
    assert abs(chain.log_partition()) < 1e-7
    with pytest.raises(InputError, match="a chain has full rank; found a state of rank 1 in dimension 4"):
        ChainState.of(ghz(2))
    with pytest.raises(InputError, match=r"one of qubits; found a state on sites of dimensions \(3,\)"):
        ChainState.of(ginibre((3,), np.random.default_rng(0)))
