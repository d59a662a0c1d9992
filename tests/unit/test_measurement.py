"""One contract for every measurement: probabilities, adjoint, effects, selection, files."""

import math

import numpy as np
import pytest
from helpers.arrays import hermitian
from helpers.cases import every

from qml import states
from qml._checks import InputError, MemoryRefused
from qml.engines import PauliState
from qml.engines.pauli_state import vector_of
from qml.measurement import (
    POVM,
    CombinedMeasurement,
    Counts,
    ElementsMeasurement,
    Measurement,
    PauliMeasurement,
    ProductMeasurement,
    ProjectiveMeasurement,
    ReadoutMeasurement,
    clifford_bases,
    computational_basis,
    haar_bases,
    mutually_unbiased_bases,
    pauli_six,
    sample,
    sic,
)

RNG = np.random.default_rng(3)
FLIPS = [np.array([[0.9, 0.2], [0.1, 0.8]]), np.array([[0.95, 0.1], [0.05, 0.9]])]
TRINE = [np.outer(v, v) * 2 / 3 for v in ([1, 0], [0.5, 0.75**0.5], [0.5, -(0.75**0.5)])]

MEASUREMENTS: dict[str, Measurement] = {
    "trine": POVM(TRINE),
    "ragged": ElementsMeasurement([TRINE, [np.diag([1.0, 0]), np.diag([0, 1.0])]], settings=["trine", "Z"]),
    "all Paulis": PauliMeasurement(2),
    "some Paulis": PauliMeasurement(["ZXY", "XXX"]),
    "Pauli-6": pauli_six(2),
    "SIC": sic(3),
    "MUB": mutually_unbiased_bases(3),
    "Haar": haar_bases((3, 2), 3, RNG),
    "Clifford": clifford_bases(3, 4, RNG),
    "computational": computational_basis((2, 3)),
    "product of qubits": ProductMeasurement([PauliMeasurement(1), pauli_six(), PauliMeasurement(["XX", "ZY"])]),
    "product of others": ProductMeasurement([mutually_unbiased_bases(3), sic(2)]),
    "combined": CombinedMeasurement([PauliMeasurement(["XX", "ZZ"]), pauli_six(2), PauliMeasurement(["XX"])]),
    "readout of each qubit": ReadoutMeasurement(PauliMeasurement(2), FLIPS),
    "readout together": ReadoutMeasurement(PauliMeasurement(2), np.kron(*FLIPS)),
    "selection": pauli_six(1).select([0]),
    "one state": computational_basis((1,)),
}


@every("kind", MEASUREMENTS)
def test_effects_probabilities_and_adjoint_agree(kind: str) -> None:
    m = MEASUREMENTS[kind]
    d = math.prod(m.dims)
    effects = np.array([m.element(k) for k in range(m.n_outcomes)])
    assert m.offsets[-1] == m.n_outcomes == len(effects) == m.sizes.sum()
    assert len(m.settings) == len(set(m.settings)) == len(m.sizes)
    assert np.abs(np.add.reduceat(effects, m.offsets[:-1]) - np.eye(d)).max() < 1e-12
    assert np.linalg.eigvalsh(effects).min() > -1e-12
    assert np.abs(np.trace(effects, axis1=1, axis2=2) - m.traces()).max() < 1e-12
    x, w = hermitian(d, RNG), RNG.normal(size=m.n_outcomes)
    assert np.abs(m.probabilities_of(x) - np.einsum("kij,ji->k", effects, x).real).max() < 1e-12
    assert np.abs(m.adjoint(w) - np.einsum("k,kij->ij", w, effects)).max() < 1e-12
    for rho in (states.ginibre(m.dims, RNG), states.ginibre(m.dims, RNG, rank=1), states.maximally_mixed(m.dims)):
        assert np.abs(m.probabilities(rho) - m.probabilities_of(rho.matrix())).max() < 1e-12


@every("kind", MEASUREMENTS)
def test_labels_batches_selection_and_files(kind: str, tmp_path) -> None:
    m = MEASUREMENTS[kind]
    batch = states.ginibre(m.dims, RNG, batch=3)
    together = m.probabilities(batch)
    assert together.shape == (3, m.n_outcomes)
    assert np.abs(together[1] - m.probabilities(batch[1])).max() < 1e-14
    x = np.array([[hermitian(m.dim, RNG) for _ in range(2)] for _ in range(3)])
    assert np.abs(m.probabilities_of(x)[2, 1] - m.probabilities_of(x[2, 1])).max() < 1e-14 * np.abs(x).max() * m.dim
    assert m.probabilities_of(x[:0]).shape == (0, 2, m.n_outcomes)
    for s in range(len(m.settings)):
        assert len(set(m.outcome_labels(s))) == m.sizes[s] == math.prod(m.outcome_shape(s))
    last = m.select([len(m.settings) - 1])
    assert last.settings == m.settings[-1:]
    assert np.abs(last.probabilities(batch[0]) - m.probabilities(batch[0])[m.offsets[-2] :]).max() < 1e-14
    w = RNG.normal(size=last.n_outcomes)
    assert np.abs(np.vdot(last.adjoint(w), batch[0].matrix()).real - w @ last.probabilities(batch[0])) < 1e-12
    counts = sample(batch[0], m, 50, RNG)
    counts.save(tmp_path / "counts.npz")
    assert Counts.load(tmp_path / "counts.npz") == counts
    counts.write_json(tmp_path / "counts.json")
    assert Counts.read_json(tmp_path / "counts.json") == counts
    counts.write_csv(tmp_path / "counts.csv")
    assert Counts.read_csv(tmp_path / "counts.csv", m) == counts


@pytest.mark.parametrize("kind", MEASUREMENTS)
def test_wrong_shapes_are_told_in_a_sentence(kind: str) -> None:
    m = MEASUREMENTS[kind]
    for weights in (np.ones(m.n_outcomes + 1), np.ones((2, m.n_outcomes)), np.float64(1.0), [1.0] * (m.n_outcomes + 1)):
        with pytest.raises(
            InputError, match=rf"weights must have shape \({m.n_outcomes},\), one number for each outcome"
        ):
            m.adjoint(weights)
    for matrix in (np.eye(m.dim + 1), np.ones(m.dim), np.ones((m.dim, m.dim + 1))):
        with pytest.raises(InputError, match=rf"matrix must have shape \(\.\.\., {m.dim}, {m.dim}\)"):
            m.probabilities_of(matrix)
    assert np.array_equal(m.adjoint([1.0] * m.n_outcomes), m.adjoint(np.ones(m.n_outcomes)))


@pytest.mark.parametrize("settings", [2, ["XZ", "ZZ"]])
def test_wrong_shapes_of_pauli_vectors_are_told_in_a_sentence(settings) -> None:
    m = PauliMeasurement(settings)
    with pytest.raises(
        InputError, match=r"vector must have shape \(\.\.\., 16\), one number for each Pauli string; found"
    ):
        m.from_vector(np.ones(15))
    with pytest.raises(InputError, match=rf"weights must have shape \({m.n_outcomes},\)"):
        m.to_vector(np.ones(m.n_outcomes - 1))


def test_pauli_settings_follow_the_convention() -> None:
    """Qubit 0 leftmost, outcome 0 the +1 eigenstate, whichever way the settings are listed."""
    plus = states.DensityMatrix.from_vector(np.kron([1, 1j], [1, 0]) / np.sqrt(2))
    m = PauliMeasurement(2)
    p = m.probabilities(plus).reshape(9, 4)
    assert p[m.settings.index("YZ")] == pytest.approx([1, 0, 0, 0], abs=1e-15)
    assert p[m.settings.index("XZ")] == pytest.approx([0.5, 0, 0.5, 0], abs=1e-15)
    one = states.basis_state("01")
    assert PauliMeasurement(["ZZ"]).probabilities(one).argmax() == 1
    words = list(RNG.permutation(m.settings))
    rho = states.ginibre((2, 2), RNG)
    shuffled = PauliMeasurement(words).probabilities(rho).reshape(9, 4)
    full = m.probabilities(rho).reshape(9, 4)
    assert np.abs(shuffled - full[[m.settings.index(w) for w in words]]).max() < 1e-15


@pytest.mark.parametrize("settings", [3, ["XZY", "ZZZ"]])
def test_pauli_vectors_are_read_directly(settings) -> None:
    m = PauliMeasurement(settings)
    rho = states.ginibre((2, 2, 2), RNG)
    held = PauliState(vector_of(rho.matrix(), 3), 3)
    assert np.abs(m.probabilities(held) - m.probabilities(rho)).max() < 1e-15
    w = RNG.normal(size=m.n_outcomes)
    assert np.abs(m.pull(w, held) - held.pull_matrix(m.adjoint(w))).max() < 1e-14
    assert m.pull(w, held) @ held.pauli_vector == pytest.approx(w @ m.probabilities(rho), rel=1e-12)
    product = ProductMeasurement([PauliMeasurement(1)] * 3)
    assert np.abs(product.probabilities(held) - PauliMeasurement(3).probabilities(rho)).max() < 1e-15


def test_overlaps_of_named_measurements() -> None:
    for d in (2, 3):
        effects = np.array([sic(d).element(k) for k in range(d * d)]) * d
        gram = np.einsum("aij,bji->ab", effects, effects).real
        assert np.abs(gram - (np.eye(d * d) * d + 1) / (d + 1)).max() < 1e-12
    for d in (2, 3, 5, 7):
        bases = mutually_unbiased_bases(d).bases
        overlaps = np.abs(np.einsum("aij,bik->abjk", bases.conj(), bases)) ** 2
        for a in range(d + 1):
            for b in range(d + 1):
                expected = np.eye(d) if a == b else np.full((d, d), 1 / d)
                assert np.abs(overlaps[a, b] - expected).max() < 1e-12


@pytest.mark.parametrize("draw", [lambda n: haar_bases((2,) * n, 3000, RNG), lambda n: clifford_bases(n, 3000, RNG)])
def test_random_bases_are_two_designs(draw) -> None:
    """The empirical state of exact probabilities is (rho + 1)/(d + 1), to the accuracy of the mean over bases."""
    rho = states.ginibre((2, 2), RNG)
    m = draw(2)
    exact = Counts.from_frequencies(m, m.probabilities(rho))
    expected = (rho.matrix() + np.eye(4)) / 5
    assert np.abs(exact.empirical_state().matrix() - expected).max() < 0.02


def test_clifford_bases_are_stabilizer_bases_all_of_them() -> None:
    entries = np.abs(clifford_bases(2, 200, RNG).bases) ** 2
    assert np.abs(entries[..., None] - np.array([0, 0.25, 0.5, 1])).min(axis=-1).max() < 1e-12
    one = np.round(np.abs(clifford_bases(1, 200, RNG).bases[:, 0, 0]) ** 2, 9)
    assert 0.2 < (one == 1).mean() < 0.47  # Z is one of three


def test_bad_measurements_are_refused() -> None:
    with pytest.raises(InputError, match=r"eigenvalue -0\.5 in element 1 of setting 0"):
        POVM([np.diag([0.0, 1.5]), np.diag([1.0, -0.5])])
    with pytest.raises(InputError, match=r"add up to the identity; found max\|sum M_k - 1\| = inf"):
        POVM([np.eye(2) * 1e307] * 20)
    with pytest.raises(InputError, match=r"add up to the identity; found max\|sum M_k - 1\| = 0\.1"):
        POVM([np.diag([0.9, 0.5]), np.diag([0.0, 0.5])])
    with pytest.raises(InputError, match="must be Hermitian"):
        POVM([[[0.5, 1j], [1j, 0.5]], [[0.5, -1j], [-1j, 0.5]]])
    with pytest.raises(
        InputError, match=r"bases must be unitary; found max\|U\^dagger U - 1\| = [0-9.]+ at 1, tolerance"
    ):
        ProjectiveMeasurement([np.eye(2), np.ones((2, 2))])
    for words, message in (
        (["XX", "XA"], "a word over X, Y, Z"),
        (["XX", "X"], "equal length"),
        (["XX", "XX"], "'XX' more than once"),
        ([], "at least one word"),
    ):
        with pytest.raises(InputError, match=message):
            PauliMeasurement(words)
    with pytest.raises(MemoryRefused, match="all 14348907 Pauli settings of 15 qubits"):
        PauliMeasurement(15)
    with pytest.raises(InputError, match="must be a prime number"):
        mutually_unbiased_bases(4)
    with pytest.raises(InputError, match="from 2 to 3"):
        sic(4)
    with pytest.raises(InputError, match=r"A\[reported\]\[true\] whose columns add up to one"):
        ReadoutMeasurement(PauliMeasurement(1), [np.array([[0.9, 0.1], [0.2, 0.8]])])
    with pytest.raises(InputError, match="equally many outcomes in every setting"):
        ReadoutMeasurement(MEASUREMENTS["ragged"], FLIPS[:1])
    with pytest.raises(InputError, match=r"acts on sites of dims \(2, 2\); found a state of dims \(2,\)"):
        PauliMeasurement(2).probabilities(states.maximally_mixed((2,)))
    with pytest.raises(InputError, match=r"words such as 'XZ', or a number of qubits; found 2\.5"):
        PauliMeasurement(2.5)
    for make in (CombinedMeasurement, ProductMeasurement):
        with pytest.raises(InputError, match="must be measurements; found str at 1"):
            make([PauliMeasurement(1), "Z"])
        with pytest.raises(InputError, match="at least one measurement"):
            make([])
    bases = [ProjectiveMeasurement([np.eye(2)] * 2, settings=names) for names in (["a", "a,b"], ["b,c", "c"])]
    with pytest.raises(InputError, match="joined by commas, names of settings must stay distinct"):
        ProductMeasurement(bases)  # "a" and "b,c", or "a,b" and "c"
    for draw in (lambda: haar_bases((2, 2), 1, 7), lambda: clifford_bases(2, 1, None)):
        with pytest.raises(InputError, match="rng must be a numpy Generator"):
            draw()
    with pytest.raises(InputError, match=r"shape \(\.\.\., d, d\); found shape \(0, 2, 2\)"):
        ElementsMeasurement([np.zeros((0, 2, 2))])
    with pytest.raises(InputError, match="distinct settings"):
        PauliMeasurement(1).select([0, 0])
    with pytest.raises(InputError, match="equal dims"):
        CombinedMeasurement([PauliMeasurement(1), PauliMeasurement(2)])
    with pytest.raises(InputError, match=r"no setting 'XXA' \(did you mean"):
        PauliMeasurement(3).select(["XXA"])


def test_readout_errors_agree_with_the_channel() -> None:
    from qml import Circuit, CircuitModel, channels

    rho = states.ginibre((2, 2), RNG)
    p01, p10 = 0.2, 0.1
    noisy = CircuitModel(
        Circuit(2, [channels.ReadoutError(p01, p10, 0), channels.ReadoutError(p01, p10, 1)]), initial=rho
    )
    a = np.array([[1 - p10, p01], [p10, 1 - p01]])
    z = PauliMeasurement(["ZZ"])
    folded = ReadoutMeasurement(z, [a, a]).probabilities(rho)
    assert np.abs(folded - z.probabilities(noisy.state([]))).max() < 1e-14


def test_a_confusion_may_be_one_matrix_as_lists() -> None:
    rho = states.ginibre((2,), RNG)
    a = [[0.9, 0.2], [0.1, 0.8]]
    z = PauliMeasurement(["Z"])
    whole, digits = ReadoutMeasurement(z, a), ReadoutMeasurement(z, [a])
    assert np.array_equal(whole.probabilities(rho), digits.probabilities(rho))
    joint = np.kron(a, np.eye(2)).tolist()
    both = ReadoutMeasurement(PauliMeasurement(["ZZ"]), joint).probabilities(states.ginibre((2, 2), RNG))
    assert both.sum() == pytest.approx(1.0, abs=1e-14)
    with pytest.raises(InputError, match="rows of different lengths"):
        ReadoutMeasurement(z, [[0.9, 0.2], [0.1]])
