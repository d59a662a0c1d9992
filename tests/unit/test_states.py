"""States: validation, constructors, conversions, and what each representation knows."""

from pathlib import Path

import numpy as np
import pytest
from helpers.cases import every

from qml import states
from qml._checks import InputError
from qml.losses import CrossEntropy
from qml.operators import pauli, tfim
from qml.states import DensityMatrix, GibbsState, SpectralState

RNG = np.random.default_rng(7)


def random_unitary(d: int) -> np.ndarray:
    return np.linalg.qr(RNG.normal(size=(d, d)) + 1j * RNG.normal(size=(d, d)))[0]


@every(
    "matrix, sentence",
    [
        ([[0.5, 0.1], [0.0, 0.5]], r"must be Hermitian; found max\|A - A\^dagger\| = 0.1"),
        ([[0.5, 0.0], [0.0, 0.6]], r"unit trace; found 1.1, off by 0.1"),
        ([[1.2, 0.0], [0.0, -0.2]], r"positive semidefinite; found the eigenvalue -0.2"),
        ([[np.nan, 0.0], [0.0, 1.0]], r"must be finite; found .*nan.* at index \(0, 0\)"),
        ([1.0, 0.0], r"must have shape \(..., d, d\); found shape \(2,\)"),
        ([[1.0, 0.0, 0.0]], r"found shape \(1, 3\)"),
        ([["a", "b"], ["c", "d"]], r"array of numbers"),
        ([[1.0], [1.0, 2.0]], r"rows of different lengths"),
    ],
)
def test_a_density_matrix_is_validated_with_the_measured_violation(matrix: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        DensityMatrix(matrix)  # type: ignore[arg-type]


def test_other_constructors_refuse_with_a_sentence(tmp_path: Path) -> None:
    rho = states.maximally_mixed((2, 2))
    cases = [
        (lambda: DensityMatrix.from_vector([1.0, 1.0]), "unit norm; found a squared norm off by 1.*divide by the norm"),
        (lambda: DensityMatrix.from_vector([0.5, 0.5]), "off by 0.5, .*: use from_probabilities for probabilities"),
        (lambda: states.as_state({"00": 3}), "found {.00.: 3}: of counted outcomes pass Counts.from_dicts"),
        (lambda: DensityMatrix.from_probabilities([0.5, 0.6]), "must sum to one"),
        (lambda: DensityMatrix.from_probabilities([1.5, -0.5]), "non-negative; found -0.5 at index"),
        (lambda: DensityMatrix.from_ensemble([]), "at least one state"),
        (lambda: DensityMatrix.from_ensemble([np.eye(2)]), "must have unit trace; found 2"),
        (lambda: DensityMatrix.from_ensemble([[1, 0]], weights=[0.5, 0.5]), "one entry a state"),
        (lambda: DensityMatrix.from_ensemble([[1, 0], [1, 0, 0]]), "equal dims"),
        (
            lambda: DensityMatrix.from_ensemble([[1, 0], DensityMatrix(np.eye(2)[None] / 2)]),
            r"single states; found a batch of \(1,\) \(at 1\)",
        ),
        (lambda: DensityMatrix(np.eye(4) / 4, dims=(2, 3)), "multiply to the dimension 4"),
        (lambda: DensityMatrix.load(tmp_path / "none.npz"), "does not exist"),
        (lambda: GibbsState([[0, 1], [0, 0]]), "must be Hermitian"),
        (lambda: GibbsState(1j * np.ones(2)), "must be real"),
        (lambda: SpectralState([0.0, -np.inf], np.ones((2, 2))), "must be unitary"),
        (lambda: SpectralState([0.0, 0.0], np.eye(2)), "must sum to one; found 2"),
        (lambda: SpectralState([0.0], np.eye(2)), "must be 2 numbers"),
        (lambda: states.werner(1.5), "p must be a finite number from 0 to 1"),
        (lambda: states.ghz(0), "n must be an integer of at least 1"),
        (lambda: states.basis_state("12"), "level 1 of bits must be an integer from 0 to 1"),
        (lambda: states.basis_state("0", dims=(2, 2)), "one level a site"),
        (lambda: states.haar_pure((2,), np.random), "rng must be a numpy Generator"),  # type: ignore[arg-type]
        (lambda: states.ginibre((2,), RNG, rank=0), "rank must be an integer of at least 1"),
        (lambda: states.partial_trace(rho, []), "at least one site"),
        (lambda: states.partial_trace(rho, [2]), "keep must be sites from 0 to 1"),
        (lambda: states.tensor(), "at least one state"),
        (lambda: states.purify(states.ginibre((2,), RNG, batch=3)), "must be one state"),
        (lambda: states.tensor(states.ginibre((2,), RNG, batch=3)), "must be one state"),
        (lambda: states.ginibre((2,), RNG, batch=3).qobj(), "index it first"),
        (lambda: rho[0], "single state cannot be indexed"),
        (lambda: states.thermal(tfim(2), np.inf), "beta must be a finite number"),
        (lambda: states.thermal(1e300 * tfim(2), 1e300), "lower beta"),
        (lambda: DensityMatrix.from_qobj(3), "QuTiP ket or density operator"),
    ]
    for make, sentence in cases:
        with pytest.raises(InputError, match=sentence):
            make()


def test_nothing_is_repaired_silently_but_on_request_the_nearest_state_is_found() -> None:
    h = RNG.normal(size=(5, 5)) + 1j * RNG.normal(size=(5, 5))
    h = (h + h.conj().T) / 2
    nearest = states.nearest_density_matrix(h)
    DensityMatrix(nearest.matrix())
    best = np.linalg.norm(h - nearest.matrix())
    for _ in range(200):  # no other state is nearer
        other = states.ginibre((5,), RNG, rank=int(RNG.integers(1, 6))).matrix()
        mixed = 0.99 * nearest.matrix() + 0.01 * other
        assert np.linalg.norm(h - mixed) >= best - 1e-12
    rho = states.ginibre((5,), RNG)
    assert np.abs(states.nearest_density_matrix(rho.matrix()).matrix() - rho.matrix()).max() < 1e-14


def test_a_state_never_changes() -> None:
    rho = DensityMatrix(np.eye(2) / 2)
    with pytest.raises(ValueError, match="read-only"):
        rho.matrix()[0, 0] = 1


@every("d", [1, 2, 3, 6])
@every("rank", [1, 2, 6])
def test_a_factor_knows_what_its_matrix_knows(d: int, rank: int) -> None:
    g = RNG.normal(size=(d, rank)) + 1j * RNG.normal(size=(d, rank))
    g /= np.linalg.norm(g)
    held, dense = DensityMatrix.from_factor(g), DensityMatrix(g @ g.conj().T)
    basis = random_unitary(d)
    assert held.rank() == dense.rank() == min(d, rank)
    assert held.entropy() == pytest.approx(float(dense.entropy()), abs=1e-13)
    assert held.purity() == pytest.approx(float(dense.purity()), abs=1e-13)
    assert np.abs(held.populations(basis) - dense.populations(basis)).max() < 1e-14
    assert np.abs(held.probabilities() - dense.probabilities()).max() < 1e-14


def test_members_of_an_ensemble_are_matrices_and_vectors_alike() -> None:
    mixed = DensityMatrix.from_ensemble(
        [np.eye(2) / 2, [1, 0], states.ghz(1), states.ghz(1).qobj()], [0.4, 0.1, 0.2, 0.3]
    )
    assert np.allclose(mixed.matrix(), 0.2 * np.eye(2) + 0.1 * np.diag([1, 0]) + 0.25 * np.ones((2, 2)), atol=1e-15)


def test_every_representation_of_one_state_agrees() -> None:
    p = np.array([0.5, 0.3, 0.2])
    basis = random_unitary(3)
    same = [
        DensityMatrix.from_probabilities(p),
        DensityMatrix(np.diag(p)),
        DensityMatrix.from_factor(np.diag(np.sqrt(p))),
        DensityMatrix.from_ensemble(np.eye(3), p),
        GibbsState(-np.log(p)),
        GibbsState(-np.log(np.diag(p) + np.ones((3, 3)) - np.eye(3))),
        SpectralState(np.log(p), np.eye(3)),
    ]
    for state in same:
        assert np.abs(state.matrix() - np.diag(p)).max() < 1e-15
        assert np.abs(state.probabilities() - p).max() < 1e-15
        assert np.abs(state.populations(basis) - np.abs(basis.T**2) @ p).max() < 1e-15
        assert state.entropy() == pytest.approx(-(p * np.log(p)).sum(), abs=1e-15)
        assert state.rank() == 3
        assert state.expect(np.diag([1.0, 2.0, 3.0])) == pytest.approx(1.7)


def test_named_states() -> None:
    assert states.ghz(3).expect(pauli("XXX")) == pytest.approx(1.0)
    assert states.ghz(3).expect(pauli("ZZI")) == pytest.approx(1.0)
    total_z = sum((pauli("Z", sites=(q,), n=4) for q in range(1, 4)), pauli("Z", sites=(0,), n=4))
    assert states.w_state(4).expect(total_z) == pytest.approx(2.0)
    singlet = np.array([0, 1, -1, 0]) / np.sqrt(2)
    assert np.abs(states.werner(1.0).matrix() - np.outer(singlet, singlet)).max() < 1e-15
    for d in (2, 3):
        for p in (0.0, 0.4, 1.0):
            DensityMatrix(states.werner(p, d).matrix())  # valid
        twirled = states.werner(0.3, d)
        u = np.kron(v := random_unitary(d), v)
        assert np.abs(u @ twirled.matrix() @ u.conj().T - twirled.matrix()).max() < 1e-14
    assert states.basis_state("2", dims=(3,)).probabilities().tolist() == [0, 0, 1]
    assert states.basis_state([1, 2], dims=(2, 3)).probabilities().argmax() == 5


def test_random_ensembles_have_their_purity() -> None:
    rng = np.random.default_rng(3)
    batch = states.ginibre((2, 2), rng, batch=4000)
    assert batch.batch_shape == (4000,)
    assert batch.purity().mean() == pytest.approx(8 / 17, abs=0.003)  # 2d/(d^2+1), Zyczkowski and Sommers (2001)
    mean = np.mean([float(states.bures((2,), rng).purity()) for _ in range(4000)])
    assert mean == pytest.approx((5 * 4 + 1) / (2 * 2 * (4 + 2)), abs=0.008)  # (5d^2+1)/(2d(d^2+2)), ibid.
    haar = states.haar_pure((3,), rng, batch=4000)
    assert np.abs(haar.probabilities().mean(axis=0) - 1 / 3).max() < 0.02
    assert (haar.probabilities() ** 2).mean() == pytest.approx(2 / 12, abs=0.006)  # 2/(d(d+1))
    assert haar.spectrum().log_eigenvalues.max() == pytest.approx(0.0, abs=1e-15)


def test_batches_equal_their_members() -> None:
    rng = np.random.default_rng(4)
    batch = states.ginibre((2, 2), rng, batch=5)
    values, entropies = batch.expect(pauli("XY")), batch.entropy()
    for k in range(5):
        assert values[k] == pytest.approx(float(batch[k].expect(pauli("XY"))), abs=1e-15)
        assert entropies[k] == pytest.approx(float(batch[k].entropy()), abs=1e-14)
    gibbs = GibbsState(np.arange(6.0).reshape(3, 2), diagonal=True)
    assert gibbs.batch_shape == (3,)
    assert np.abs(gibbs.log_partition() - np.log(np.exp(-np.arange(6.0).reshape(3, 2)).sum(axis=1))).max() < 1e-14


@pytest.mark.parametrize("beta", [-3.0, 1e-8, 1.0, 500.0, 1e6])
def test_thermal_states_at_any_temperature(beta: float) -> None:
    h = tfim(3)
    energies = np.linalg.eigvalsh(h.matrix())
    sigma = states.thermal(h, beta)
    shifted = -beta * energies - (-beta * energies).max()
    p = np.exp(shifted) / np.exp(shifted).sum()
    assert float(sigma.expect(h)) == pytest.approx(float(p @ energies), abs=1e-12)
    want = (-beta * energies).max() + np.log(np.exp(shifted).sum())
    assert float(sigma.log_partition()) == pytest.approx(want, rel=1e-13)
    assert np.isfinite(sigma.spectrum().log_eigenvalues).all()


def test_tensor_products_keep_what_is_known() -> None:
    rng = np.random.default_rng(5)
    a, b = states.ginibre((2,), rng), states.ginibre((3,), rng)
    assert np.abs(states.tensor(a, b).matrix() - np.kron(a.matrix(), b.matrix())).max() == 0
    k, q = GibbsState(np.diag([0.0, 400.0])), GibbsState(np.array([[0.0, 1.0, 0], [1.0, 0, 0], [0, 0, 900.0]]))
    product = states.tensor(k, q)
    assert isinstance(product, GibbsState)
    assert product.dims == (2, 3)
    assert np.abs(product.matrix() - np.kron(k.matrix(), q.matrix())).max() < 1e-15
    classical = states.tensor(states.basis_state("1"), states.maximally_mixed((3,)))
    assert classical.is_diagonal
    assert np.abs(classical.probabilities() - np.array([0, 0, 0, 1, 1, 1]) / 3).max() < 1e-16


def test_purification_reduces_to_the_state() -> None:
    rng = np.random.default_rng(6)
    for sigma in (states.ginibre((2, 3), rng, rank=4), states.thermal(tfim(2), 2.0), states.maximally_mixed((3,))):
        psi = states.purify(sigma)
        assert psi.purity() == pytest.approx(1.0)
        assert psi.dims == (*sigma.dims, int(sigma.rank()))
        reduced = states.partial_trace(psi, range(len(sigma.dims)))
        assert np.abs(reduced.matrix() - sigma.matrix()).max() < 1e-14


def test_files_round_trip_and_foreign_files_are_validated(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    for k, state in enumerate(
        (
            states.ginibre((2, 3), rng),
            states.haar_pure((2, 2), rng),
            states.maximally_mixed((3,)),
            states.ginibre((2,), rng, batch=2),
            DensityMatrix.from_factor(states.haar_pure((2, 2), rng).factor, smoothing=0.1),
        )
    ):
        path = tmp_path / f"{k}.npz"
        state.matrix()  # what was asked for before changes nothing of what is written
        state.save(path)
        back = DensityMatrix.load(path)
        assert back.dims == state.dims
        assert np.array_equal(back.matrix(), state.matrix())
        assert back.is_diagonal == state.is_diagonal
    bad = tmp_path / "bad.npz"
    np.savez(bad, matrix=np.eye(2))
    with pytest.raises(InputError, match="unit trace"):
        DensityMatrix.load(bad)
    for smoothing in (np.ones(2), np.array("much"), np.array(-1.0)):
        np.savez(bad, factor=np.eye(2) / np.sqrt(2), smoothing=smoothing)
        with pytest.raises(InputError, match=r"smoothing must be a (finite|real) number"):
            DensityMatrix.load(bad)
    np.savez(bad, nothing=np.eye(2))
    with pytest.raises(InputError, match="exactly one of the arrays"):
        DensityMatrix.load(bad)
    np.savez(bad, matrix=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match="plain arrays"):
        DensityMatrix.load(bad)
    bad.write_text("not an archive")
    with pytest.raises(InputError, match="not a readable"):
        DensityMatrix.load(bad)
    states.ghz(4).save(bad)
    whole = bad.read_bytes()
    for cut in range(0, len(whole), 97):  # every damage gets a sentence, or is harmless
        damaged = bytearray(whole)
        damaged[cut] ^= 0xFF
        bad.write_bytes(bytes(damaged))
        try:
            DensityMatrix.load(bad)
        except InputError as error:
            assert len(str(error)) > 20  # noqa: PT017


def test_a_frozen_gibbs_state_does_not_underflow() -> None:
    sigma = GibbsState(np.array([0.0, 1e5]))
    assert sigma.log_expectation(DensityMatrix.from_probabilities([0.5, 0.5])) == pytest.approx(-5e4)
    rho = DensityMatrix(np.array([[0.5, 0.5], [0.5, 0.5]]))
    assert GibbsState(np.diag([0.0, 1e5])).log_expectation(rho) == pytest.approx(-5e4)


def test_an_ensemble_of_few_vectors_stays_a_factor() -> None:
    vectors = [states.haar_pure((2, 2), RNG) for _ in range(3)]
    rho = DensityMatrix.from_ensemble(vectors, weights=[0.5, 0.3, 0.2])
    assert rho.factor is not None
    assert rho.factor.shape == (4, 3)
    mean = sum(w * v.matrix() for w, v in zip((0.5, 0.3, 0.2), vectors, strict=True))
    np.testing.assert_allclose(rho.matrix(), mean, atol=1e-15)


def test_complex_entries_show_their_signs() -> None:
    rho = DensityMatrix([[0.5, 0.25 + 0.125j], [0.25 - 0.125j, 0.5]])
    html = rho._repr_html_()
    assert html.index(">0.25+0.125i<") < html.index(">0.25-0.125i<")


def test_states_show_themselves_in_a_notebook() -> None:
    html = states.ghz(2)._repr_html_()
    assert "purity 1" in html
    assert "<table>" in html
    assert "batch of shape (3,)" in states.ginibre((2,), RNG, batch=3)._repr_html_()
    assert "<table>" not in states.ghz(4)._repr_html_()
    assert repr(states.ghz(2)) == "DensityMatrix(dims=(2, 2))"


def test_what_does_not_fit_in_memory_is_refused_before_it_is_allocated() -> None:
    rng = np.random.default_rng(0)
    for make in (lambda: states.ginibre((2,) * 24, rng), lambda: states.bures((2,) * 24, rng)):
        with pytest.raises(MemoryError, match=r"needs .* GiB, but .* GiB are free: use fewer sites"):
            make()
    with pytest.raises(MemoryError, match="a density matrix of dimension"):
        states.basis_state("0" * 22).matrix()


@pytest.mark.parametrize("d", [4, 8, 16])
def test_the_entropy_does_not_depend_on_what_was_asked_before(d: int) -> None:
    rng = np.random.default_rng(d)
    vectors = rng.standard_normal((d, 3)) + 1j * rng.standard_normal((d, 3))
    factor = vectors / np.linalg.norm(vectors)
    for make in (
        lambda: DensityMatrix(factor @ factor.conj().T),
        lambda: DensityMatrix.from_factor(factor),
        lambda: DensityMatrix.from_probabilities(np.arange(1.0, d + 1) / (d * (d + 1) / 2)),
    ):
        fresh, after_spectrum, after_matrix = make(), make(), make()
        after_spectrum.spectrum()
        after_matrix.matrix()
        assert fresh.entropy() == after_spectrum.entropy() == after_matrix.entropy()


def test_no_purity_is_above_one():
    """Rounding may take the sum of the squares there."""
    rng = np.random.default_rng(0)
    for dims in (2, (3,), 4):
        assert states.haar_pure(dims, rng, batch=100).purity().max() <= 1.0


def test_an_index_of_a_batch_is_one_of_states_and_never_of_their_entries():
    rng = np.random.default_rng(0)
    batches = (
        DensityMatrix(states.ginibre(1, rng, batch=6).matrix().reshape(2, 3, 2, 2)),
        DensityMatrix.from_vector(states.haar_pure(1, rng, batch=6).factor.reshape(2, 3, 2)),
        DensityMatrix.from_probabilities(rng.dirichlet([1.0, 1.0], (2, 3))),
        GibbsState(rng.normal(size=(2, 3, 2)), diagonal=True),
    )
    for batch in batches:
        for index in (0, (1, 2), (..., 0), (slice(None), 1), None, [1, 0], (slice(None), [0, 2]), np.eye(2, 3) > 0):
            places = np.arange(6).reshape(2, 3)[index]
            assert np.array_equal(batch[index].matrix(), batch.matrix().reshape(6, 2, 2)[places])
        for index in ((0, 0, 0), (slice(None), slice(None), 0), (2,), "a"):
            with pytest.raises(IndexError):
                batch[index]


def test_derivatives_at_the_least_probabilities_are_finite():
    """The derivative -rho/sigma itself is beyond float64 there."""
    sigma = DensityMatrix.from_probabilities([1.0, 5e-324])
    value, gradient = CrossEntropy().value_and_cotangent(states.maximally_mixed(1), sigma)
    assert value == pytest.approx(0.5 * 744.44, rel=1e-4)
    assert np.isfinite(gradient).all()
    assert gradient[1] < -1e307


def test_a_state_of_no_sites_is_shown():
    assert "no sites (d = 1)" in DensityMatrix([[1.0]], dims=())._repr_html_()
    assert DensityMatrix([[1.0]], dims=()).negativity([]) == 0.0


def test_thermal_states_of_operators_that_are_not_hermitian_are_refused_at_any_beta():
    for beta in (0.0, 1e-12, 1.0):
        with pytest.raises(InputError, match="the Hamiltonian must be Hermitian"):
            states.thermal([[0.0, 1.0], [0.0, 0.0]], beta)
