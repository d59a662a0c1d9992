"""Models: one contract for all of them, and what each is by an independent construction."""

import html
import itertools

import numpy as np
import pytest
import scipy.linalg
from helpers.arrays import complex_normal, hermitian
from helpers.cases import every

from qml import CircuitModel, GibbsModel, SpectralModel, channels, circuits, gates, pauli
from qml._checks import InputError
from qml.circuits import Circuit
from qml.engines.reference import ReferenceEngine
from qml.fitting.functions import StateFunction
from qml.instructions import PartialTrace, Preparation
from qml.losses import HAMILTONIAN_LOSSES, CrossEntropy, Expectation, FreeEnergy, HilbertSchmidt
from qml.models import (
    MODELS,
    CholeskyModel,
    EvolvedGibbsModel,
    HiddenGibbsModel,
    IsingEnergies,
    MixtureModel,
    NoisyModel,
    ProductModel,
    PurifiedCircuitModel,
    semi_quantum_restricted,
)
from qml.models.with_circuit import WithCircuit
from qml.operators import PauliSum, embed, tfim
from qml.parameters import Interval, Parameter
from qml.states import basis_state, ginibre


def noisy_circuit(n=2):
    layer = [gates.RY(f"y{q}", q) for q in range(n)] + [gates.RZ(f"z{q}", q) for q in range(n)]
    noise = [channels.Depolarizing("p", q) for q in range(n)]
    entangle = [gates.CNOT(q, q + 1) for q in range(n - 1)]
    damp = [channels.AmplitudeDamping("gamma", 0)]
    return Circuit(n, layer).then(*entangle, *noise, *damp, gates.RX(2 * Parameter("y0") + 0.1, 0))


def qutrit_matrices():
    rng = np.random.default_rng(5)
    return [hermitian(6, rng) for _ in range(4)]


def visible_diagonal_matrices():
    """Diagonal in the qutrit, the second site, and not in the qubit."""
    rng = np.random.default_rng(6)
    return [np.kron(hermitian(2, rng), np.diag(rng.standard_normal(3))) for _ in range(4)]


def channel_on_top():
    return Circuit(2, [gates.RXX("turn", 0, 1), channels.Depolarizing("p", 0), channels.AmplitudeDamping("gamma", 1)])


def exchange_of_sites():
    """Qubit 1 leaves, a fresh one comes in its place and interacts."""
    return Circuit(
        2,
        [
            gates.CNOT(0, 1),
            PartialTrace((2,))(1),
            Preparation((2,))(1),
            gates.RY("a", 0),
            gates.RXX("b", 0, 1),
            channels.Depolarizing(0.2, 1),
        ],
    )


def rotations(n, layers=2):
    return circuits.hardware_efficient(n, layers)


MODELS_UNDER_TEST = {
    "circuit, noisy": lambda: CircuitModel(noisy_circuit()),
    "circuit, noisy, reference": lambda: CircuitModel(noisy_circuit(), engine=ReferenceEngine()),
    "circuit, mixed start": lambda: CircuitModel(
        Circuit(2, [gates.RXX("a", 0, 1), gates.RY("b", 0)]), initial=ginibre((2, 2), np.random.default_rng(3))
    ),
    "circuit, narrower domain": lambda: CircuitModel(noisy_circuit(), domains={"p": Interval(0.1, 0.2)}),
    "circuit, purification": lambda: CircuitModel(circuits.purification(1, 1, 2)),
    "circuit, qutrit": lambda: CircuitModel(
        Circuit((3,), []), initial=ginibre((3,), np.random.default_rng(1)), engine=ReferenceEngine()
    ),
    "gibbs, Pauli": lambda: GibbsModel.all_paulis(3, weight=2),
    "gibbs, sums": lambda: GibbsModel([tfim(2), pauli("YX", 0.3) + pauli("XY"), pauli("ZI")]),
    "gibbs, diagonal": lambda: GibbsModel([pauli("ZI"), pauli("IZ"), pauli("ZZ")]),
    "gibbs, matrices": lambda: GibbsModel(qutrit_matrices(), dims=(2, 3)),
    "gibbs, diagonal matrices": lambda: GibbsModel([np.diag([0.0, 1, 2]), np.diag([0.0, 1, 4])]),
    "hidden, dense": lambda: HiddenGibbsModel.all_paulis(3),
    "hidden, dense, a middle site": lambda: HiddenGibbsModel([tfim(3), pauli("XYI"), pauli("IZX")], hidden=[1]),
    "hidden, dense, qutrit": lambda: HiddenGibbsModel(qutrit_matrices(), dims=(2, 3)),
    "hidden, blocks": lambda: HiddenGibbsModel([pauli(x) for x in ("ZXI", "IXX", "ZIY", "IZI", "ZZI")], 2),
    "hidden, blocks of matrices": lambda: HiddenGibbsModel(visible_diagonal_matrices(), [0], dims=(2, 3)),
    "hidden, blocks, classical": lambda: HiddenGibbsModel([pauli("ZZI"), pauli("IZZ"), pauli("IIZ"), pauli("ZII")], 2),
    "hidden, closed form": lambda: semi_quantum_restricted(2, 2),
    "evolved": lambda: EvolvedGibbsModel(tfim(2), rotations(2, 1)),
    "evolved, diagonal": lambda: EvolvedGibbsModel([pauli("ZI"), pauli("ZZ")], rotations(2, 1), ReferenceEngine()),
    "evolved, qutrit": lambda: EvolvedGibbsModel(qutrit_matrices(), Circuit((2, 3), [gates.RX("a", 0)])),
    "spectral, product": lambda: SpectralModel(rotations(2)),
    "spectral, table": lambda: SpectralModel(rotations(2), "table", engine=ReferenceEngine()),
    "spectral, no rotation": lambda: SpectralModel(Circuit((2, 3)), engine=ReferenceEngine()),
    "spectral, Ising": lambda: SpectralModel(rotations(2), "ising"),
    "spectral, Ising edges": lambda: SpectralModel(rotations(3, 1), IsingEnergies((2, 2, 2), [(0, 1), (0, 1, 2)])),
    "Cholesky": lambda: CholeskyModel((2, 2)),
    "Cholesky, qutrit": lambda: CholeskyModel((3, 2)),
    "Cholesky, low rank, smoothed": lambda: CholeskyModel((3,), rank=2, smoothing=0.1),
    "Cholesky, one level": lambda: CholeskyModel((1,)),
    "purified": lambda: PurifiedCircuitModel(rotations(4), 2),
    "purified, smoothed": lambda: PurifiedCircuitModel(rotations(3, 1), 1, smoothing=0.2, engine=ReferenceEngine()),
    "purified, more ancillas": lambda: PurifiedCircuitModel(rotations(3, 1), 2),
    "mixture": lambda: MixtureModel([SpectralModel(rotations(2, 1)), CholeskyModel((2, 2), 1), basis_state("10")]),
    "mixture, diagonal": lambda: MixtureModel([GibbsModel([pauli("ZZ"), pauli("ZI")])] * 3),
    "mixture, factors": lambda: MixtureModel(
        [PurifiedCircuitModel(rotations(2, 1), 0)] * 2 + [CholeskyModel((2, 2), 2)]
    ),
    "mixture, qutrits": lambda: MixtureModel([CholeskyModel((3,)), CholeskyModel((3,), 1)]),
    "product": lambda: ProductModel([CholeskyModel((2, 2)), SpectralModel(rotations(1))]),
    "product, qutrit": lambda: ProductModel([CholeskyModel((3,)), ginibre((2,), np.random.default_rng(2))]),
    "product, diagonal": lambda: ProductModel([GibbsModel([pauli("Z")])] * 2),
    "noisy": lambda: NoisyModel(SpectralModel(rotations(2, 1)), channel_on_top()),
    "noisy, reference": lambda: NoisyModel(CholeskyModel((2, 2), 1), channel_on_top(), engine=ReferenceEngine()),
    "noisy, fixed": lambda: NoisyModel(CholeskyModel((2, 2)), Circuit(2, [channels.Depolarizing(0.1, 1)])),
    "noisy, sites come and go": lambda: NoisyModel(
        CholeskyModel((2, 2)), exchange_of_sites(), engine=ReferenceEngine()
    ),
    "noisy, product": lambda: NoisyModel(ProductModel([CholeskyModel((2,))] * 2), channel_on_top()),
}


EVERY_MODEL = every("model", [make() for make in MODELS_UNDER_TEST.values()], ids=list(MODELS_UNDER_TEST))


# one contract for all -------------------------------------------------------------------------------------------------


@EVERY_MODEL
def test_a_notebook_shows_what_it_is_and_its_parameters(model):
    page = model._repr_html_()
    assert page.startswith(f"<table><caption>{html.escape(repr(model))}</caption>")
    assert all(html.escape(name) in page for name in model.parameter_names[:8])
    assert (f"({model.n_params} in all)" in page) == (model.n_params > 8)
    assert ("full, whatever the parameters" in page) == model.has_full_rank
    assert ("<pre" in page) == isinstance(model, WithCircuit)


@EVERY_MODEL
def test_other_frameworks_get_its_state_and_both_derivatives(model):
    function, rng = StateFunction(model), np.random.default_rng(7)
    rows, v = np.array([model.init_params(rng) for _ in range(3)]), rng.normal(size=model.n_params)
    c = complex_normal(rng, 3, *function.shape)
    for row, one, found, pulled in zip(rows, c, function.state(rows), function.pull(rows, c), strict=True):
        assert np.allclose(found, model.state(row).matrix(), rtol=0, atol=1e-14)
        expected = np.vdot(one, function.push(row, v)).real
        assert pulled @ v == pytest.approx(expected, abs=1e-12 * (1 + np.abs(pulled).max(initial=0.0)))


@EVERY_MODEL
def test_state_is_a_state_on_the_dims_of_the_model(model):
    sigma = model.state(model.init_params(np.random.default_rng(0)))
    assert sigma.dims == model.dims
    assert sigma.batch_shape == ()
    m = sigma.matrix()
    assert np.abs(m - m.conj().T).max() < 1e-14
    assert abs(np.trace(m) - 1) < 1e-13
    assert np.linalg.eigvalsh(m).min() > -1e-14


@EVERY_MODEL
def test_names_are_distinct_and_count_the_parameters(model):
    assert len(set(model.parameter_names)) == model.n_params
    assert model.init_params(np.random.default_rng(0)).shape == (model.n_params,)
    with pytest.raises(InputError, match=rf"shape \({model.n_params},\)"):
        model.state(np.zeros(model.n_params + 1))


@EVERY_MODEL
def test_start_is_a_function_of_the_generator(model):
    first, again, other = (model.init_params(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert model.n_params == 0 or not np.array_equal(first, other)


@EVERY_MODEL
def test_vjp_gives_the_same_state(model):
    theta = model.init_params(np.random.default_rng(4))
    assert np.array_equal(model.state(theta).matrix(), model.state_vjp(theta)[0].matrix())


@EVERY_MODEL
@every("loss", [CrossEntropy(), HilbertSchmidt(), Expectation(), FreeEnergy(0.7)], ids=lambda loss: loss.name)
def test_pullback_is_the_derivative(model, loss):
    rng = np.random.default_rng(7)
    theta = model.init_params(rng)
    rho = ginibre(model.dims, rng)
    if loss.name in HAMILTONIAN_LOSSES:
        rho = hermitian(rho.dim, rng)
    sigma, pullback = model.state_vjp(theta)
    gradient = pullback(loss.value_and_cotangent(rho, sigma)[1])
    assert gradient.shape == (model.n_params,)
    assert model.n_params == 0 or sigma.dim == 1 or np.abs(gradient).max() > 1e-3

    directions = np.eye(model.n_params)
    if model.n_params > 2:  # two, in each of which every parameter takes part
        directions = np.linalg.qr(rng.standard_normal((model.n_params, 2)))[0].T

    def slope(u, h):
        f = [loss.value(rho, model.state(theta + s * h * u)) for s in (-2, -1, 1, 2)]
        return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h)

    numeric = np.array([slope(u, 1e-3) for u in directions])
    assert np.allclose(directions @ gradient, numeric, rtol=1e-7, atol=1e-9)


@EVERY_MODEL
def test_push_is_the_derivative(model):
    rng = np.random.default_rng(8)
    theta = model.init_params(rng)
    sigma, push = model.state_jvp(theta)
    assert np.array_equal(sigma.matrix(), model.state(theta).matrix())
    v = rng.standard_normal((2, 1, model.n_params))
    pushed = push(v)
    assert pushed.shape == (2, 1, sigma.dim, sigma.dim)
    assert np.abs(pushed).max() > 1e-3 or sigma.dim == 1 or model.n_params == 0
    for derivative, direction in zip(pushed[:, 0], v[:, 0], strict=True):
        f = [model.state(theta + h * direction).matrix() for h in (-2e-3, -1e-3, 1e-3, 2e-3)]
        assert np.allclose(derivative, (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / 0.012, rtol=0, atol=1e-9)
    assert np.allclose(push(v[0, 0]), pushed[0, 0], rtol=0, atol=1e-14 * np.abs(pushed).max(initial=1))
    assert push(v[:0]).shape == (0, 1, sigma.dim, sigma.dim)


@EVERY_MODEL
def test_natural_and_unconstrained_are_inverse(model):
    theta = model.init_params(np.random.default_rng(2))
    values = model.natural(theta)
    assert tuple(values) == model.parameter_names
    assert np.allclose(model.unconstrained(values), theta, rtol=1e-12, atol=1e-12)


def test_every_registered_kind_is_under_test():
    kinds = {type(make()) for make in MODELS_UNDER_TEST.values()}
    assert set(MODELS.values()) == kinds


def test_unconstrained_wants_every_name_and_no_other():
    model = GibbsModel([pauli("XX"), pauli("ZZ")])
    with pytest.raises(InputError, match="'ZZ' is missing"):
        model.unconstrained({"XX": 1.0})
    with pytest.raises(InputError, match=r"no parameter 'ZX'"):
        model.unconstrained({"XX": 1.0, "ZZ": 1.0, "ZX": 0.0})


# spectral models ------------------------------------------------------------------------------------------------------


def test_product_spectrum_is_independent_bernoulli():
    model = SpectralModel(Circuit(3))
    eta = np.array([0.3, -1.2, 2.0])
    one = 1 / (1 + np.exp(-eta))
    bits = np.array(list(itertools.product([0, 1], repeat=3)))
    expected = np.prod(np.where(bits == 1, one, 1 - one), axis=1)
    assert np.allclose(np.diag(model.state(eta).matrix()).real, expected, atol=1e-15)


def test_product_spectrum_of_a_qubit_and_a_qutrit():
    model = SpectralModel(Circuit((2, 3)), engine=ReferenceEngine())
    assert model.parameter_names == ("eta_0", "eta_1_1", "eta_1_2")
    p, q = np.array([0.25, 0.75]), np.array([0.2, 0.3, 0.5])
    eta = np.log([p[1] / p[0], q[1] / q[0], q[2] / q[0]])
    assert np.allclose(np.exp(model.log_probabilities(eta)), np.kron(p, q), atol=1e-15)


def test_table_spectrum_and_its_gauge():
    model = SpectralModel(Circuit(2), "table")
    assert model.parameter_names == ("E_00", "E_01", "E_10", "E_11")
    energies = np.array([0.1, 2.0, -1.0, 0.4])
    expected = np.exp(-energies) / np.exp(-energies).sum()
    assert np.allclose(model.state(energies).probabilities(), expected, atol=1e-15)
    assert np.allclose(model.log_probabilities(energies + 7), np.log(expected), atol=1e-14)
    sigma, pullback = model.state_vjp(energies)
    gradient = pullback(CrossEntropy().value_and_cotangent(basis_state("01"), sigma)[1])
    assert np.abs(gradient).max() > 0.1
    assert abs(gradient.sum()) < 1e-15


def test_rotation_by_the_circuit():
    circuit = rotations(2, 1)
    model = SpectralModel(circuit, "table")
    theta = model.init_params(np.random.default_rng(0))
    v = np.eye(4)
    for operation in circuit.bind(dict(zip(circuit.parameters, theta[4:].tolist(), strict=True))):
        values = np.array([p.constant for p in operation.params])
        v = embed(operation.instruction.matrix(values), operation.sites, (2, 2)) @ v
    s = np.exp(model.log_probabilities(theta))
    assert np.allclose(model.state(theta).matrix(), (v * s) @ v.conj().T, atol=1e-14)


def test_spectral_model_never_underflows():
    model = SpectralModel(Circuit(2))
    sigma = model.state([-800.0, 900.0])
    assert CrossEntropy().value(basis_state("10"), sigma) == pytest.approx(1700.0, rel=1e-12)


def test_spectral_model_solves_no_eigenvalue_problem(monkeypatch):
    model = SpectralModel(rotations(2))
    rho = ginibre((2, 2), np.random.default_rng(0))
    rho.matrix()

    def refuse(*args, **kwargs):
        raise AssertionError("an eigenvalue problem was solved")

    for module, name in [(np.linalg, "eigh"), (np.linalg, "eigvalsh"), (np.linalg, "svd"), (scipy.linalg, "eigh")]:
        monkeypatch.setattr(module, name, refuse)
    sigma, pullback = model.state_vjp(model.init_params(np.random.default_rng(1)))
    value, cotangent = CrossEntropy().value_and_cotangent(rho, sigma)
    assert np.isfinite(value)
    assert np.isfinite(pullback(cotangent)).all()


def test_spectral_sentences():
    with pytest.raises(InputError, match="unitary gates; this one holds another"):
        SpectralModel(noisy_circuit())
    with pytest.raises(InputError, match=r"energies must be one of .*'product'\?"):
        SpectralModel(Circuit(1), "products")
    with pytest.raises(InputError, match="two parts call a parameter 'eta_0'"):
        SpectralModel(Circuit(1, [gates.RX("eta_0", 0)]))


def test_pauli_sum_order_does_not_matter():
    terms = {"XI": 1.0, "ZZ": 1.0, "IY": 1.0}
    first = GibbsModel(PauliSum.from_terms(terms)).state([0.1, 0.2, 0.3])
    second = GibbsModel(PauliSum.from_terms(dict(reversed(terms.items())))).state([0.3, 0.2, 0.1])
    assert np.allclose(first.matrix(), second.matrix(), atol=1e-15)
