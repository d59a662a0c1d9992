"""Every kind of state against every kind, single and batches, with plain matrices as the reference."""

import itertools
import math

import numpy as np
import pytest
import scipy.linalg
from helpers.arrays import hermitian
from helpers.cases import every

from qml import losses, operators, states
from qml.engines.pauli.conversion import vector_of
from qml.engines.pauli_state import PauliState
from qml.losses import CrossEntropy, cross_entropy, relative_entropy
from qml.measurement import (
    POVM,
    PauliMeasurement,
    ProductMeasurement,
    ReadoutMeasurement,
    haar_bases,
    mutually_unbiased_bases,
    pauli_six,
    sic,
)
from qml.states import DensityMatrix, GibbsState, ProductState, SpectralState

RNG = np.random.default_rng(20)
Q, D, BATCH = (2, 2), 4, 3


def ginibre(dims=Q, **more):
    return states.ginibre(dims, RNG, **more)


def simplex(*lead, zeros=0):
    p = RNG.dirichlet(np.ones(D - zeros), lead or None)
    return np.concatenate([p, np.zeros((*lead, zeros))], axis=-1)


def pauli(matrix):
    return PauliState(vector_of(matrix, 2), 2)


SINGLE = {
    "matrix": ginibre(),
    "matrix of rank 2": DensityMatrix(ginibre(rank=2).matrix()),
    "probabilities": DensityMatrix.from_probabilities(simplex()),
    "probabilities with zeros": DensityMatrix.from_probabilities(simplex(zeros=2)),
    "factor": ginibre(rank=2),
    "wide factor": DensityMatrix.from_factor((lambda a: a / np.linalg.norm(a))(RNG.normal(size=(D, 7)) + 0j)),
    "vector": states.haar_pure(Q, RNG),
    "Gibbs": GibbsState(hermitian(D, RNG)),
    "cold Gibbs": GibbsState(400 * hermitian(D, RNG)),
    "Gibbs, diagonal": GibbsState(RNG.normal(size=D)),
    "spectral": SpectralState(np.log(simplex()), haar_bases(Q, 1, RNG).bases[0]),
    "spectral of rank 3": SpectralState(np.log([0.5, 0.25, 0.25, 1e-320]) * [1, 1, 1, np.inf], np.eye(4)[:, ::-1]),
    "smoothed": DensityMatrix.from_factor(ginibre(rank=2).factor, smoothing=0.1),
    "product": ProductState([ginibre((2,)), DensityMatrix.from_probabilities([0.3, 0.7])]),
    "product of a vector": ProductState([states.haar_pure((2,), RNG), GibbsState([0.1, 0.7])]),
    "product, diagonal": ProductState([DensityMatrix.from_probabilities([1.0, 0.0]), GibbsState([0.1, 0.7])]),
    "product of a product": ProductState(
        [ProductState([ginibre((2,)), DensityMatrix.from_factor([[0.6], [0.8]], smoothing=0.2)])]
    ),
    "Pauli vector": pauli(ginibre().matrix()),
}
MANY = {
    "matrices": ginibre(batch=BATCH),
    "probabilities": DensityMatrix.from_probabilities(simplex(BATCH)),
    "probabilities with zeros": DensityMatrix.from_probabilities(simplex(BATCH, zeros=1)),
    "factors": ginibre(rank=2, batch=BATCH),
    "smoothed factors": DensityMatrix.from_factor(ginibre(rank=2, batch=BATCH).factor, smoothing=0.1),
    "Gibbs": GibbsState(hermitian(D, RNG, BATCH)),
    "Gibbs, diagonal": GibbsState(RNG.normal(size=(BATCH, D)), diagonal=True),
    "Pauli vectors": pauli(ginibre(batch=BATCH).matrix()),
}
KINDS = {f"one: {k}": v for k, v in SINGLE.items()} | {f"many: {k}": v for k, v in MANY.items()}


def over_batch(f, *arrays):
    """f of the members: a number for single states, else an array (BATCH,)."""
    if all(a.ndim == 2 for a in arrays):
        return f(*arrays)
    return np.array([f(*(a if a.ndim == 2 else a[k] for a in arrays)) for k in range(BATCH)])


def reference_cross_entropy(rho, sigma):
    s, v = np.linalg.eigh(sigma)
    p = np.einsum("ij,ik,kj->j", v.conj(), rho, v).real
    kept = s > 1e-13
    return math.inf if p[~kept].sum() > 1e-11 else -(p[kept] * np.log(s[kept])).sum()


def reference_entropy(rho):
    s = np.linalg.eigvalsh(rho)
    return -(s[s > 1e-13] * np.log(s[s > 1e-13])).sum()


def reference_fidelity(rho, sigma):
    roots = [(v * np.sqrt(s.clip(0))) @ v.conj().T for s, v in map(np.linalg.eigh, (rho, sigma))]
    return np.linalg.svd(roots[0] @ roots[1], compute_uv=False).sum() ** 2


def agrees(found, expected, atol=1e-12, rtol=1e-12):
    if np.ndim(expected) == 0:
        assert type(found) in (float, int), type(found)
    else:
        assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, expected, atol=atol, rtol=rtol)


@every("kind", KINDS)
def test_every_kind_of_model_with_every_kind_of_data(kind):
    for rho in KINDS.values():
        two_states(rho, KINDS[kind], "cold" in kind)


def two_states(rho, sigma, cold):
    a, b = rho.matrix(), sigma.matrix()
    if cold:  # its small eigenvalues are in no matrix
        logs = scipy.linalg.eigvalsh(sigma.hamiltonian())
        s = over_batch(lambda x: np.trace(x @ sigma.hamiltonian()).real, a) - logs[0]
    else:
        s = over_batch(reference_cross_entropy, a, b)
    scale = 1 + np.abs(np.where(np.isinf(s), 0, s)).max()
    agrees(cross_entropy(rho, sigma), s, atol=1e-12 * scale)
    agrees(relative_entropy(rho, sigma), s - over_batch(lambda x, y: reference_entropy(x), a, b), atol=1e-12 * scale)
    agrees(losses.fidelity(rho, sigma), over_batch(reference_fidelity, a, b), atol=1e-7)
    agrees(losses.trace_distance(rho, sigma), over_batch(lambda x, y: np.linalg.norm(x - y, "nuc") / 2, a, b))
    agrees(losses.hilbert_schmidt_distance(rho, sigma), over_batch(lambda x, y: np.linalg.norm(x - y), a, b), 1e-8)
    outside = losses.weight_outside_support(rho, sigma)
    assert (np.asarray(outside) > 1e-12).tolist() == np.isinf(cross_entropy(rho, sigma)).tolist()
    if not rho.batch_shape and not sigma.batch_shape:
        value, cotangent = CrossEntropy().value_and_cotangent(rho, sigma)
        agrees(value, s, atol=1e-12 * scale)
        assert (cotangent is None) == np.isinf(s)


@every("kind", KINDS)
def test_one_state(kind):
    rho = KINDS[kind]
    m = rho.matrix()
    assert m.shape == (*rho.batch_shape, D, D)
    o, xz = hermitian(D, RNG), operators.pauli("XZ")
    agrees(rho.entropy(), over_batch(reference_entropy, m))
    agrees(rho.purity(), over_batch(lambda x: np.trace(x @ x).real, m))
    if "cold" in kind:
        assert rho.rank() == D  # its eigenvalues of exp(-1000) are known
    else:
        agrees(rho.rank(), over_batch(lambda x: int((np.linalg.eigvalsh(x) > 1e-13).sum()), m))
    agrees(rho.expect(o), over_batch(lambda x: np.trace(x @ o).real, m))
    agrees(rho.expect(xz), over_batch(lambda x: np.trace(x @ xz.matrix()).real, m))
    np.testing.assert_allclose(rho.probabilities(), np.diagonal(m, axis1=-2, axis2=-1).real, atol=1e-14)
    assert np.all(np.asarray(rho.entropy()) >= 0)
    agrees(cross_entropy(rho, rho), rho.entropy(), atol=1e-12)
    agrees(cross_entropy(rho, DensityMatrix(m)), over_batch(lambda x: reference_entropy(x), m))


@every("kind", KINDS)
def test_columns_and_stacked_bases(kind):
    rho = KINDS[kind]
    for lead, r in itertools.product([(), (BATCH,), (2, 1)], (1, D, 6)):
        x = RNG.normal(size=(*lead, D, r)) + 1j * RNG.normal(size=(*lead, D, r))
        expected = rho.matrix() @ x
        np.testing.assert_allclose(rho.apply(x), expected, atol=1e-12)
        np.testing.assert_allclose(rho.populations(x), (x.conj() * expected).sum(axis=-2).real, atol=1e-12)


POVM_OF_SIX = POVM([pauli_six(2).element(k) for k in range(36)])
MEASUREMENTS = {
    "stacked bases": haar_bases(Q, 5, RNG),
    "one basis": haar_bases(Q, 1, RNG),
    "Pauli": PauliMeasurement(2),
    "Pauli-6": pauli_six(2),
    "POVM": POVM_OF_SIX,
    "product of MUB and SIC": ProductMeasurement([mutually_unbiased_bases(2), sic(2)]),
    "readout": ReadoutMeasurement(PauliMeasurement(2), [[[0.9, 0.2], [0.1, 0.8]]] * 2),
}


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_probabilities_of_measurements(name):
    m = MEASUREMENTS[name]
    elements = np.array([m.element(k) for k in range(m.n_outcomes)])
    for rho in KINDS.values():
        expected = np.einsum("kij,...ji->...k", elements, rho.matrix()).real
        np.testing.assert_allclose(m.probabilities(rho), expected, atol=1e-13)


@every("kind", KINDS)
def test_partial_traces(kind):
    rho = KINDS[kind]
    t = rho.matrix().reshape(*rho.batch_shape, 2, 2, 2, 2)
    for keep, indices in {(0,): "...abcb->...ac", (1,): "...abac->...bc", (1, 0): "...abcd->...badc"}.items():
        expected = np.einsum(indices, t).reshape(*rho.batch_shape, 2 ** len(keep), -1)
        np.testing.assert_allclose(states.partial_trace(rho, keep).matrix(), expected, atol=1e-14)
