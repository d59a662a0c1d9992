"""States and losses on arrays that are not NumPy's: nothing comes to the host but single numbers."""

import numpy as np
import pytest
from helpers.arrays import hermitian
from helpers.cases import every
from helpers.elsewhere import Elsewhere, Namespace, held

from qml import losses, pauli
from qml._arrays import namespace, on_host
from qml.measurement import (
    ElementsMeasurement,
    PauliMeasurement,
    ProductMeasurement,
    haar_bases,
    pauli_six,
    sample,
    sic,
)
from qml.states import DensityMatrix, GibbsState, ProductState, SpectralState, ginibre


def _compare(there, here):
    """Cotangents: of a matrix, or of each factor, or of a spectrum and its eigenvectors."""
    if isinstance(here, tuple):
        for x, y in zip(there, here, strict=True):
            _compare(x, y)
    else:
        assert not on_host(there)
        np.testing.assert_allclose(held(there), here, rtol=1e-9, atol=1e-9)


def _spectral(logs, vectors):
    return SpectralState._trusted(Elsewhere(logs) if isinstance(vectors, Elsewhere) else logs, vectors, (2, 2))


def _states(rng):
    full, low, factor = ginibre((2, 2), rng), ginibre((2, 2), rng, rank=2).matrix(), ginibre((2, 2), rng, rank=2).factor
    dims, p = (2, 2), rng.dirichlet(np.ones(4))
    return {
        "matrix": (lambda a: DensityMatrix._trusted(a, dims), full.matrix()),
        "matrix of rank 2": (lambda a: DensityMatrix._trusted(a, dims), low),
        "factor": (lambda a: DensityMatrix._make(None, dims, factor=a), factor),
        "smoothed": (lambda a: DensityMatrix._make(None, dims, factor=a, smoothing=0.1), factor),
        "probabilities": (lambda a: DensityMatrix._make(None, dims, probabilities=a), p),
        "Gibbs": (lambda a: GibbsState._trusted(a, dims, diagonal=False), hermitian(4, rng)),
        "product": (lambda a: ProductState([DensityMatrix._trusted(a, (2,))] * 2), ginibre((2,), rng).matrix()),
        "spectral": (lambda a: _spectral(np.log(p), a), np.linalg.eigh(hermitian(4, rng))[1]),
        "Gibbs, diagonal": (lambda a: GibbsState._trusted(a, dims, diagonal=True), rng.normal(size=4)),
    }


KINDS = _states(np.random.default_rng(1))
LOSSES = [
    losses.CrossEntropy(),
    losses.RelativeEntropy(),
    losses.HilbertSchmidt(),
    losses.Infidelity(),
    losses.TraceDistance(),
    losses.Renyi(2.0),
    losses.Renyi(0.6),
    losses.Renyi(1.5, "petz"),
]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_losses_and_cotangents_stay_where_the_arrays_are(loss):
    for make_sigma, a in KINDS.values():
        for make_rho, b in KINDS.values():
            expected, cotangent = loss.value_and_cotangent(make_rho(b), make_sigma(a))
            for target in (make_rho(Elsewhere(b)), make_rho(b)):  # the target may still be on the host
                found, there = loss.value_and_cotangent(target, make_sigma(Elsewhere(a)))
                assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)
                assert loss.value(target, make_sigma(Elsewhere(a))) == pytest.approx(expected, rel=1e-12, abs=1e-12)
                if cotangent is None:
                    assert there is None
                else:
                    _compare(there, cotangent)


@every("kind", KINDS)
def test_numbers_of_states(kind):
    make, a = KINDS[kind]
    here, there = make(a), make(Elsewhere(a))
    x = hermitian(4, np.random.default_rng(2))
    for name in ("entropy", "purity", "rank"):
        assert getattr(there, name)() == pytest.approx(getattr(here, name)(), rel=1e-12, abs=1e-12)
    for observable in (x, pauli("XZ")):
        assert there.expect(observable) == pytest.approx(here.expect(observable), rel=1e-12, abs=1e-12)
    for name in ("matrix", "probabilities", "eigenvalues"):
        np.testing.assert_allclose(held(getattr(there, name)()), getattr(here, name)(), atol=1e-14)
    for name in ("pull_log", "pull_matrix"):
        _compare(getattr(there, name)(Elsewhere(x)), getattr(here, name)(x))


MEASUREMENTS = {
    "Pauli": PauliMeasurement(2),
    "some Pauli settings": PauliMeasurement(["XY", "ZZ", "YX"]),
    "projective": haar_bases(2, 5, np.random.default_rng(4)),
    "elements": ElementsMeasurement([[pauli_six(2).element(k) for k in range(36)]], (2, 2)),
    "product": pauli_six(2),
    "product of settings": ProductMeasurement([PauliMeasurement(1), sic(2)]),
}


@every("loss", [losses.NegativeLogLikelihood(), losses.ChiSquare(), losses.SquaredError()], ids=repr)
@every("measurement", MEASUREMENTS)
@every("kind", KINDS)
def test_losses_of_counts(kind, measurement, loss):
    (make, a), done = KINDS[kind], MEASUREMENTS[measurement]
    counts = sample(ginibre((2, 2), np.random.default_rng(5)), done, 100, np.random.default_rng(6))
    np.testing.assert_allclose(held(done.probabilities(make(Elsewhere(a)))), done.probabilities(make(a)), atol=1e-14)
    expected, cotangent = loss.value_and_cotangent(loss.accept(counts, (2, 2)), make(a))
    found, there = loss.value_and_cotangent(loss.accept(counts, (2, 2)), make(Elsewhere(a)))
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert (there is None) == (cotangent is None)
    if cotangent is not None:
        _compare(there, cotangent)


BATCHES = {
    "matrix": (lambda a: DensityMatrix._trusted(a, (2,)), ginibre((2,), np.random.default_rng(7), batch=3).matrix()),
    "Gibbs": (
        lambda a: GibbsState._trusted(a, (2,), diagonal=False),
        np.array([np.eye(2), [[1, 2], [2, 0]], [[0, 1j], [-1j, 1]]]),
    ),
    "Gibbs, diagonal": (lambda a: GibbsState._trusted(a, (2,), diagonal=True), np.arange(6.0).reshape(3, 2)),
}


@pytest.mark.parametrize("loss", [losses.MeanCrossEntropy([1, 2, 3]), losses.LabelLikelihood()], ids=repr)
@pytest.mark.parametrize("kind", BATCHES)
def test_losses_of_labels(kind, loss):
    (make, a), labels = BATCHES[kind], losses.label_states([0, 1, 1], 2, noise=0.1)
    expected, cotangent = loss.value_and_cotangent(labels, make(a))
    found, there = loss.value_and_cotangent(labels, make(Elsewhere(a)))
    assert found == pytest.approx(expected, rel=1e-12)
    _compare(there, cotangent)


@every("keep", [[0], [1], [1, 0]])
@every("kind", KINDS)
def test_reduced_states_stay_where_the_arrays_are(kind, keep):
    make, a = KINDS[kind]
    there = make(Elsewhere(a)).partial_trace(keep).matrix()
    assert not on_host(there)
    np.testing.assert_allclose(held(there), make(a).partial_trace(keep).matrix(), rtol=1e-12, atol=1e-12)


def test_the_namespace_is_that_of_the_array_that_is_elsewhere():
    a = np.ones(2)
    assert namespace(a, 1.0) is np
    assert isinstance(namespace(a, Elsewhere(a)), Namespace)
    with pytest.raises(AssertionError, match="brought to the host"):
        np.asarray(Elsewhere(a))
    with pytest.raises(AssertionError, match="more than one number"):
        float(Elsewhere(a))
