"""Symmetry sectors of Gibbs models: what is conserved, and the same numbers as without them."""

import numpy as np
import pytest

from qml import CrossEntropy, GibbsModel, fit, pauli
from qml.fitting import Objective
from qml.geometry import KINDS
from qml.operators import heisenberg, tfim, xxz
from qml.states import ginibre, sectors
from qml.states.sectors import Sectors

FAMILIES = {
    "tfim": (tfim(4), 1),
    "xxz": (xxz(4), 2),
    "heisenberg in a field": (heisenberg(4, h=0.3), 1),
    "xxz, odd": (xxz(5), 1),
    "complex": (pauli("YXII") + pauli("IXYI") + pauli("ZZII") + pauli("IIIZ") + pauli("IZZI"), 2),
    "fields along X and Z": (tfim(4) + pauli("ZIII"), 0),
    "few terms": (pauli("XXII") + pauli("ZZII"), 4),
}


def built(monkeypatch, name, smallest):
    monkeypatch.setattr(sectors, "SMALLEST", smallest)
    model = GibbsModel(FAMILIES[name][0])
    assert (model.generators.sectors is None) == (smallest > 1 or FAMILIES[name][1] == 0)  # found when first asked for
    return model


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_conserved_commutes_with_every_term_and_with_each_other(name):
    ham, count = FAMILIES[name]
    model = GibbsModel(ham)
    found = Sectors(model.generators.words, model.generators.n, model.generators.is_real)
    assert len(found.symmetries) == count
    letters = {(0, 0): "I", (1, 0): "X", (0, 1): "Z", (1, 1): "Y"}
    n = model.generators.n
    strings = [
        pauli("".join(letters[x >> q & 1, z >> q & 1] for q in reversed(range(n)))).matrix()
        for x, z in found.symmetries
    ]
    for s in strings:
        assert not np.allclose(s, np.eye(len(s)))
        for other in [*strings, *(pauli(label).matrix() for label in model.parameter_names)]:
            assert np.allclose(s @ other, other @ s)
    theta = np.random.default_rng(0).normal(size=model.n_params)
    energies, vectors, labels = found.eigh(model.state(theta).hamiltonian())
    assert np.allclose(energies, np.linalg.eigvalsh(model.state(theta).hamiltonian()), atol=1e-13)
    assert np.allclose(vectors.conj().T @ vectors, np.eye(len(energies)), atol=1e-13)
    assert np.allclose((vectors * energies) @ vectors.conj().T, model.state(theta).hamiltonian(), atol=1e-13)
    assert np.bincount(labels).tolist() == [len(labels) >> count] * (1 << count)
    for k in range(1 << count):  # the strings are constant in every sector
        part = vectors[:, labels == k]
        for s in strings:
            inside = part.conj().T @ s @ part
            assert np.allclose(inside, inside[0, 0] * np.eye(part.shape[1]), atol=1e-13)


@pytest.mark.parametrize("name", FAMILIES)
def test_value_gradient_and_metric_are_those_of_the_whole_space(name, monkeypatch):
    """With a target that lacks the symmetries: only sigma has them."""
    model, dense = built(monkeypatch, name, 1), built(monkeypatch, name, 1 << 30)
    rng = np.random.default_rng(1)
    rho, theta = ginibre(model.dims, rng), rng.normal(size=model.n_params)
    found, expected = (Objective(m, rho, CrossEntropy()) for m in (model, dense))
    for a, b in zip(found.value_and_gradient(theta), expected.value_and_gradient(theta), strict=True):
        assert np.allclose(a, b, rtol=0, atol=1e-13)
    v = rng.normal(size=model.n_params)
    for kind in KINDS:
        for tolerance in (0.0, 0.05):
            one, two = (m.metric(theta, kind, tolerance=tolerance) for m in (model, dense))
            if tolerance == 0.0:
                assert np.allclose(one.matrix(), two.matrix(), rtol=0, atol=1e-13)
                assert np.allclose(one.product(v), two.matrix() @ v, atol=1e-12)
            left_out = np.linalg.eigvalsh(two.matrix() - one.matrix())
            assert left_out[-1] < 4 * tolerance + 1e-12


def test_newton_and_degenerate_spectra_through_sectors(monkeypatch):
    """At theta = 0 all energies are equal, and an SU(2)-symmetric K has multiplets across sectors."""
    model = built(monkeypatch, "xxz", 1)
    rho = ginibre(model.dims, np.random.default_rng(2))
    result = fit(model, rho, optimizer="newton", params0=np.zeros(model.n_params), gradient_tolerance=1e-10)
    assert result.converged
    dense = fit(built(monkeypatch, "xxz", 1 << 30), rho, optimizer="newton", params0=np.zeros(model.n_params))
    assert np.allclose(result.params, dense.params, atol=1e-7)
    same = np.ones(model.n_params)
    assert np.allclose(model.metric(same).matrix(), GibbsModel(xxz(4)).metric(same).matrix(), atol=1e-13)


def test_from_six_qubits_on_by_itself():
    assert GibbsModel(tfim(5)).generators.sectors is None
    model = GibbsModel(tfim(6))
    assert model.generators.sectors is not None
    labels = model.state(np.ones(model.n_params)).sector_labels()
    assert labels is not None
    assert np.bincount(labels).tolist() == [32, 32]
    assert GibbsModel([np.diag([1.0, -1.0])]).generators.sectors is None
    assert GibbsModel([pauli("Z" * 6)]).generators.sectors is None, "diagonal models need no eigenproblem"
