"""Energies of spectral models: what each distribution is, and its derivatives both ways."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qml import Circuit, GibbsModel, SpectralModel, _matrices, circuits, fit, pauli
from qml._checks import InputError, MemoryRefused
from qml.models import IsingEnergies, ProductEnergies, TableEnergies
from qml.states import ginibre

FAMILIES = {
    "product": lambda: ProductEnergies((2, 3, 2)),
    "product, one level": lambda: ProductEnergies((2, 1)),
    "table": lambda: TableEnergies((2, 3)),
    "Ising, all pairs": lambda: IsingEnergies((2,) * 4),
    "Ising, edges": lambda: IsingEnergies((2, 2, 2), [(2, 0), (0, 1, 2)]),
    "Ising, no edge": lambda: IsingEnergies((2, 2), []),
}


@pytest.fixture(params=FAMILIES, ids=str)
def energies(request):
    return FAMILIES[request.param]()


def test_is_a_distribution_of_full_rank(energies):
    eta = np.random.default_rng(0).standard_normal(len(energies.parameter_names))
    logs = energies.log_probabilities(eta)
    assert logs.shape == (np.prod(energies.dims),)
    assert np.isfinite(logs).all()
    assert np.exp(logs).sum() == pytest.approx(1.0, abs=1e-14)


def test_derivatives_both_ways(energies):
    rng = np.random.default_rng(1)
    n = len(energies.parameter_names)
    eta, v, g = rng.standard_normal(n), rng.standard_normal((3, n)), rng.standard_normal(int(np.prod(energies.dims)))
    sigma, push = energies.state_jvp(eta)
    pushed = np.diagonal(push(v), axis1=1, axis2=2).real / sigma.probabilities()
    for direction, slope in zip(v, pushed, strict=True):
        f = [energies.log_probabilities(eta + h * direction) for h in (-2e-3, -1e-3, 1e-3, 2e-3)]
        numeric = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / 0.012
        assert np.abs(numeric).max() > 1e-2
        assert np.allclose(slope, numeric, atol=1e-9)
    pull = energies.state_vjp(eta)[1]
    assert np.allclose(v @ pull(sigma.pull_log(np.diag(g))), pushed @ g, atol=1e-12)


@given(st.lists(st.floats(-1e3, 1e3), min_size=6, max_size=6))
def test_ising_by_enumeration(eta):
    """Also at energies of thousands, where probabilities underflow and their logarithms do not."""
    energies = IsingEnergies((2, 2, 2), [(0, 1), (1, 2), (0, 1, 2)])
    assert energies.parameter_names == ("h_0", "h_1", "h_2", "J_0_1", "J_1_2", "J_0_1_2")
    expected = []
    for bits in itertools.product([0, 1], repeat=3):
        z = [1 - 2 * b for b in bits]
        terms = [*z, z[0] * z[1], z[1] * z[2], z[0] * z[1] * z[2]]
        expected.append(-sum(c * t for c, t in zip(eta, terms, strict=True)))
    expected = np.array(expected) - np.logaddexp.reduce(expected)
    assert np.allclose(energies.log_probabilities(np.array(eta)), expected, rtol=1e-13, atol=1e-12 * 6e3)


def test_ising_without_a_rotation_is_the_classical_boltzmann_machine():
    n = 3
    spectral = SpectralModel(Circuit(n), "ising")
    strings = [pauli("Z", sites=[i], n=n) for i in range(n)]
    strings += [pauli("ZZ", sites=list(e), n=n) for e in itertools.combinations(range(n), 2)]
    gibbs = GibbsModel(strings)
    theta = np.random.default_rng(0).standard_normal(6)
    logs = [model.state(theta).spectrum().log_eigenvalues for model in (spectral, gibbs)]
    assert np.allclose(*logs, atol=1e-14)


def test_ising_and_product_agree_without_couplings():
    """The logit of 1 is the log-odds: z goes from +1 to -1, so that eta = 2 h."""
    h = np.array([0.3, -1.2])
    first = IsingEnergies((2, 2), []).log_probabilities(h)
    assert np.allclose(first, ProductEnergies((2, 2)).log_probabilities(2 * h), atol=1e-15)


@pytest.mark.parametrize("energies", ["product", "table", "ising"])
def test_learns_a_state_of_its_own_family(energies):
    model = SpectralModel(circuits.hardware_efficient(2, 2), energies)
    rho = model.state(model.init_params(np.random.default_rng(100)))
    assert fit(model, rho, seed=0).gap < 1e-8


def test_edges_of_ones_own():
    model = SpectralModel(circuits.hardware_efficient(3, 1), IsingEnergies((2, 2, 2), [(0, 2)]))
    assert model.parameter_names[:4] == ("h_0", "h_1", "h_2", "J_0_2")
    assert np.isfinite(model.state(np.zeros(model.n_params)).entropy())
    assert repr(SpectralModel(Circuit(1))) == (
        "SpectralModel(<Circuit: 1 qubit, 0 operations, 0 parameters>, ProductEnergies(dims=(2,), 1 parameter))"
    )


def test_known_logarithm_is_exact_for_any_field():
    model = SpectralModel(Circuit(2), "ising")
    assert -model.state([4000.0, 0.0, 0.0]).log_expectation(ginibre((2, 2), np.random.default_rng(0))) > 1000


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: IsingEnergies((2, 3)), r"for qubits; found dims \(2, 3\)"),
        (lambda: IsingEnergies((2, 2), [(0, 2)]), "each edge must be sites from 0 to 1; found 2"),
        (lambda: IsingEnergies((2, 2), [(0,)]), r"join at least two sites; found \(0,\)"),
        (lambda: IsingEnergies((2, 2), [(0, 1), (1, 0)]), r"edges must be different; \(0, 1\) is there 2 times"),
        (lambda: SpectralModel(Circuit(3), IsingEnergies((2, 2))), r"energies must be for the sites \(2, 2, 2\)"),
        (lambda: SpectralModel(Circuit(3), 3), "energies must be one of 'product', 'table', 'ising'; found 3"),
    ],
)
def test_sentences(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


@pytest.mark.parametrize("family", [IsingEnergies, ProductEnergies])
def test_levels_that_do_not_fit_are_refused(family):
    with pytest.raises(MemoryRefused, match=r"probabilities of dimension 2\^45 needs"):
        family((2,) * 45)


def test_what_a_circuit_makes_is_not_proved_to_be_unitary_again(monkeypatch):
    model = SpectralModel(circuits.hardware_efficient(2, 1))
    theta = model.init_params(np.random.default_rng(0))
    monkeypatch.setattr(_matrices, "unitary", None)
    sigma, pull = model.state_vjp(theta)
    assert np.abs(pull(sigma.pull_log(np.diag([1.0, 2.0, 0.0, 0.0]).astype(complex)))).max() > 1e-2
