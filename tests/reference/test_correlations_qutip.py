"""Correlations, partial transposes and entanglement of states of every kind against QuTiP, and known values."""

import itertools

import numpy as np
import pytest
import qutip

from qml import ProductModel, operators, states
from qml._checks import InputError
from qml._random import haar_unitaries
from qml.engines.pauli.conversion import vector_of
from qml.engines.pauli_state import PauliState
from qml.states import DensityMatrix, GibbsState, ProductState, SpectralState


def kinds(dims, rng):
    d = int(np.prod(dims))
    h = rng.normal(size=(d, d))
    yield states.ginibre(dims, rng)
    yield states.ginibre(dims, rng, rank=2)
    yield states.haar_pure(dims, rng)
    yield GibbsState(h + h.T, dims)
    yield GibbsState(rng.normal(size=d), dims)
    yield DensityMatrix.from_probabilities(rng.dirichlet(np.ones(d)), dims)
    yield SpectralState(np.log(rng.dirichlet(np.ones(d))), np.linalg.qr(h)[0], dims)
    yield DensityMatrix.from_factor(states.haar_pure(dims, rng).factor, dims, smoothing=0.1)
    yield ProductState([states.ginibre(dims[:2], rng), states.haar_pure(dims[2:], rng)])
    yield ProductState([states.ginibre((m,), rng, rank=1 + m // 3) for m in dims])
    if set(dims) == {2}:
        yield PauliState(vector_of(states.ginibre(dims, rng).matrix(), len(dims)), len(dims))


@pytest.mark.parametrize(
    "dims", [(2, 2, 2), (2, 3, 2), (3, 2, 1), pytest.param((3, 2, 2, 1), marks=pytest.mark.slow)], ids=str
)
def test_every_kind_against_qutip(dims):
    for rho in kinds(dims, np.random.default_rng(7)):
        q, n = rho.qobj(), len(dims)
        np.testing.assert_allclose(rho.eigenvalues()[::-1], q.eigenenergies(), atol=1e-13)
        for size in range(1, n):
            for keep in itertools.permutations(range(n), size):
                reduced = rho.partial_trace(keep)
                assert reduced.dims == tuple(dims[k] for k in keep)
                expected = q.ptrace(sorted(keep)).permute(np.argsort(np.argsort(keep)).tolist())
                np.testing.assert_allclose(reduced.matrix(), expected.full(), atol=1e-14)
                assert rho.mutual_information(keep) == pytest.approx(
                    qutip.entropy_vn(q.ptrace(keep))
                    + qutip.entropy_vn(q.ptrace([k for k in range(n) if k not in keep]))
                    - qutip.entropy_vn(q),
                    abs=1e-11,
                )
                transposed = qutip.partial_transpose(q, [int(k in keep) for k in range(n)])
                np.testing.assert_allclose(rho.partial_transpose(keep), transposed.full(), atol=1e-15)
                norm = np.abs(transposed.eigenenergies()).sum()
                assert rho.negativity(keep) == pytest.approx((norm - 1) / 2, abs=1e-13)
        a, b = [0], [2]
        pair = q.ptrace([0, 2])  # whose negativity QuTiP takes from square roots
        assert rho.mutual_information(a, b) == pytest.approx(qutip.entropy_mutual(pair, 0, 1), abs=1e-11)
        assert rho.partial_trace([2, 0]).negativity([0]) == pytest.approx(qutip.negativity(pair, 1), abs=1e-7)


def test_concurrence_against_qutip():
    rng = np.random.default_rng(3)
    batch = states.ginibre((2, 2), rng, rank=2, batch=40)
    expected = [qutip.concurrence(batch[k].qobj()) for k in range(40)]
    np.testing.assert_allclose(batch.concurrence(), expected, atol=1e-7)  # QuTiP takes roots of eigenvalues
    assert np.ptp(expected) > 0.3
    for rho in [GibbsState(operators.heisenberg(2).matrix()), states.werner(0.9)]:
        assert rho.concurrence() == pytest.approx(qutip.concurrence(rho.qobj()), abs=1e-7)


def test_the_concurrence_is_never_above_one():
    """Of states that are maximally entangled, where rounding leads above it."""
    bell = np.eye(2).reshape(4) / np.sqrt(2)
    rotated = [np.kron(*haar_unitaries(np.random.default_rng(seed), (2, 2, 2))) @ bell for seed in range(100)]
    found = np.array([states.DensityMatrix.from_vector(v).concurrence() for v in rotated])
    assert found.max() == 1.0
    assert found == pytest.approx(1.0, abs=1e-14)


def test_known_values():
    for p in (0.0, 0.3, 0.5, 0.7, 1.0):
        werner = states.werner(p)  # entangled from p = 1/2 on
        assert werner.concurrence() == pytest.approx(max(0, 2 * p - 1), abs=1e-12)
        assert werner.negativity([0]) == pytest.approx(max(0, p - 0.5), abs=1e-12)
    for n in (2, 3, 4):
        assert states.ghz(n).negativity([0]) == pytest.approx(0.5, abs=1e-12)
        assert states.ghz(n).mutual_information([0]) == pytest.approx(2 * np.log(2), abs=1e-12)
        assert states.w_state(n).partial_trace([0, n - 1]).concurrence() == pytest.approx(2 / n, abs=1e-12)
    assert states.haar_pure((3, 3), np.random.default_rng(0)).negativity([0]) <= 1
    product = ProductState([states.ghz(2), states.maximally_mixed((3,))])
    assert product.mutual_information([0, 1], [2]) == pytest.approx(0, abs=1e-14)
    assert product.mutual_information([0], [1]) == pytest.approx(2 * np.log(2), abs=1e-14)
    assert states.basis_state("01").concurrence() == 0.0
    assert product.negativity([2]) == pytest.approx(0, abs=1e-15)


def test_batches_and_types():
    batch, one = states.ginibre((2, 2), np.random.default_rng(5), batch=3), states.ghz(2)
    assert type(one.negativity([0])) is type(one.concurrence()) is type(one.mutual_information([0])) is float
    assert one.eigenvalues().tolist() == pytest.approx([1, 0, 0, 0], abs=1e-15)
    for name, more in {"negativity": [[0]], "concurrence": [], "mutual_information": [[0]], "eigenvalues": []}.items():
        found = getattr(batch, name)(*more)
        np.testing.assert_allclose(found, [getattr(batch[k], name)(*more) for k in range(3)], atol=1e-14)
    assert batch.partial_transpose([1]).shape == (3, 4, 4)


def test_reduced_product_states_keep_their_factors():
    a, b = states.ginibre((2, 3), np.random.default_rng(1)), GibbsState([0.3, 0.2])
    rho = ProductState([a, b])
    assert rho.partial_trace([2]) is b
    assert rho.partial_trace([0, 1]) is a
    kept = rho.partial_trace([2, 1])
    assert isinstance(kept, ProductState)
    assert kept.factors[0] is b
    assert isinstance(rho.partial_trace([1, 2, 0]), DensityMatrix)  # the sites of a are apart
    assert ProductModel([a, b]).dims == (2, 3, 2)


def test_refusals():
    rho = states.ghz(3)
    for wrong, text in (
        (rho.concurrence, "that of two qubits; found sites of dimensions"),
        (lambda: rho.mutual_information([0], [0, 1]), "distinct"),
        (lambda: rho.mutual_information([0, 1, 2]), "must name at least one"),
        (lambda: rho.mutual_information([]), "must name at least one"),
        (lambda: rho.negativity([3]), "sites from 0 to 2; found 3"),
        (lambda: rho.partial_transpose([0, 0]), "distinct"),
        (lambda: rho.partial_trace([]), "at least one site"),
        (lambda: ProductState([rho]).partial_trace([]), "at least one site"),
        (lambda: PauliState([1.0, 0, 0, 1], 1).partial_trace([]), "at least one site"),
    ):
        with pytest.raises(InputError, match=text):
            wrong()
