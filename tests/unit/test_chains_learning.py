"""Learning on chains: couplings from moments and counts, energies, whole operators; results written and read."""

import json
from pathlib import Path

import numpy as np
import pytest

import qml
from qml import CrossEntropy, GibbsModel, check_gradient, fit, thermal
from qml.engines import ChainEngine
from qml.io import from_dict, load, save, to_dict
from qml.losses import Expectation, FreeEnergy
from qml.models import ChainGibbsModel, ChainState
from qml.moments import Moments
from qml.operators import PauliSum, heisenberg, pauli, tfim

COMPLEX = heisenberg(4, h=0.3) + 0.4 * pauli("XYII") + 0.2 * pauli("IIYI")


def disordered(n: int) -> PauliSum:
    """An Ising chain in fields along X and Z."""
    rng = np.random.default_rng(n)
    terms = [pauli("ZZ", float(rng.normal(0.8, 0.3)), sites=(i, i + 1), n=n) for i in range(n - 1)]
    terms += [pauli(p, float(rng.normal(0.5, 0.3)), sites=(i,), n=n) for i in range(n) for p in "XZ"]
    return sum(terms[1:], terms[0])


@pytest.mark.parametrize(("optimizer", "n"), [("newton", 8), ("natural_gradient", 4), ("lbfgs", 4)])
def test_couplings_come_back_from_exact_moments(optimizer: str, n: int) -> None:
    k = disordered(n)
    wanted = np.array(k.coefficients).real
    target = ChainState(k, wanted).moments(k)
    result = fit(ChainGibbsModel(k), target, optimizer=optimizer, seed=0, gradient_tolerance=1e-7, progress=False)
    assert result.converged
    assert np.abs(result.params - wanted).max() < 1e-6
    assert result.loss == pytest.approx(target.entropy(), abs=1e-8)
    assert optimizer == "lbfgs" or result.iterations <= 12


@pytest.mark.slow
def test_fifty_qubits_come_back_by_newton() -> None:
    k = disordered(50)
    wanted = np.array(k.coefficients).real
    target = ChainState(k, wanted).moments(k)
    result = fit(ChainGibbsModel(k), target, optimizer="newton", seed=0, gradient_tolerance=1e-7, progress=False)
    assert result.converged
    assert result.iterations <= 12
    assert np.abs(result.params - wanted).max() < 1e-6


def test_whole_operators_come_back() -> None:
    n = 5
    zz = sum((pauli("ZZ", sites=(i, i + 1), n=n) for i in range(1, n - 1)), pauli("ZZ", sites=(0, 1), n=n))
    x = sum((pauli("X", sites=(i,), n=n) for i in range(1, n)), pauli("X", sites=(0,), n=n))
    generators = {"zz": zz, "x": x}
    target = ChainState(generators, [-0.4, -0.9]).moments()
    result = fit(ChainGibbsModel(generators), target, optimizer="newton", seed=0, gradient_tolerance=1e-7)
    assert result.parameter_names == ("zz", "x")
    assert result.params == pytest.approx([-0.4, -0.9], abs=1e-7)


def test_the_loss_and_its_gradient_are_those_of_the_matrix() -> None:
    chain, dense, loss = ChainGibbsModel(COMPLEX), GibbsModel(COMPLEX), CrossEntropy()
    rho, theta = thermal(COMPLEX, 0.6), np.linspace(-0.5, 0.5, chain.n_params)
    numbers = []
    for model in (chain, dense):
        state, pull = model.state_vjp(theta)
        value, cotangent = loss.value_and_cotangent(rho, state)
        numbers.append([value, *pull(cotangent)])
    assert numbers[0] == pytest.approx(numbers[1], abs=1e-8)
    assert np.abs(numbers[1][1:]).min() > 1e-4
    assert check_gradient(chain, Moments.of(rho, COMPLEX), params=theta, directions=1).ok


def test_counts_of_a_few_qubits_are_learnt_as_by_the_matrix() -> None:
    h = tfim(3)
    record = qml.sample(thermal(h, 0.7), qml.PauliMeasurement(3), 500, np.random.default_rng(0))
    found, exact = (fit(m(h), record, seed=0, progress=False) for m in (ChainGibbsModel, GibbsModel))
    assert found.converged
    assert found.params == pytest.approx(exact.params, abs=1e-5)
    assert found.loss == pytest.approx(exact.loss, abs=1e-9)
    assert np.abs(exact.params).min() > 0.1


@pytest.mark.parametrize("loss", [FreeEnergy(0.5), Expectation()], ids=["free energy", "energy"])
def test_losses_of_a_hamiltonian_are_those_of_the_matrix(loss: qml.losses.Loss) -> None:
    h, theta = tfim(4, h=0.6) + 0.3 * pauli("XYII"), np.linspace(-0.6, 0.7, len(COMPLEX.words))
    numbers = []
    for model in (ChainGibbsModel(COMPLEX), GibbsModel(COMPLEX)):
        state, pull = model.state_vjp(theta)
        value, cotangent = loss.value_and_cotangent(h, state)
        assert loss.value(h, state) == pytest.approx(value, abs=1e-12)
        numbers.append(np.array([value, *pull(cotangent)]))
    assert numbers[0] == pytest.approx(numbers[1], abs=1e-4)
    assert np.abs(numbers[1][1:]).max() > 0.1


@pytest.mark.slow
def test_thermal_and_ground_states_are_fitted_as_by_the_matrix() -> None:
    h = tfim(3, h=0.6)
    found, exact = (fit(m(h), h, loss=FreeEnergy(0.5), seed=0, progress=False) for m in (ChainGibbsModel, GibbsModel))
    assert found.converged
    assert found.params == pytest.approx(0.5 * np.array(h.coefficients).real, abs=1e-6)
    assert found.loss == pytest.approx(exact.loss, abs=1e-9)
    energies = [
        fit(m(h), h, loss=Expectation(), seed=0, max_iterations=6, progress=False).loss
        for m in (ChainGibbsModel, GibbsModel)
    ]
    assert energies[0] == pytest.approx(energies[1], abs=1e-3)


@pytest.mark.slow
def test_the_energy_of_a_long_chain_falls() -> None:
    """No matrix is needed: the derivative is a covariance."""
    h = tfim(12, h=0.7)
    result = fit(ChainGibbsModel(h, ChainEngine(1e-6)), h, loss=Expectation(), seed=0, max_iterations=2, progress=False)
    assert result.history.loss[-1] < result.history.loss[0] - 4
    assert np.isnan(result.floor)


def to_the_bit(a: ChainState, b: ChainState) -> None:
    assert type(a) is type(b) is ChainState
    assert a.log_partition() == b.log_partition()
    assert np.array_equal(a.params, b.params)
    assert np.array_equal(a.expectations(), b.expectations())
    assert a.entropy() == b.entropy()


def test_what_is_written_comes_back_to_the_bit(tmp_path: Path) -> None:
    engine = ChainEngine(3e-7, 99)
    state = ChainState({"h": COMPLEX, "z": pauli("ZIII")}, [0.4, 0.1], engine)
    model = ChainGibbsModel({"h": COMPLEX, "z": pauli("ZIII")}, engine)
    for value in (engine, state, model):
        plain = json.loads(json.dumps(to_dict(value)))
        for ending in ("json", "npz"):
            save(value, tmp_path / f"it.{ending}")
            again = load(tmp_path / f"it.{ending}")
            assert to_dict(again) == to_dict(from_dict(plain)) == plain
            if isinstance(again, ChainEngine):
                assert (again.tolerance, again.bond) == (3e-7, 99)
            else:
                to_the_bit(again if isinstance(again, ChainState) else again.state([0.4, 0.1]), state)


def test_a_result_comes_back_to_the_bit_and_goes_on(tmp_path: Path) -> None:
    h = tfim(5)
    target = ChainState([h], [0.8]).moments(h)
    result = fit(ChainGibbsModel(h), target, optimizer="newton", seed=0, max_iterations=2, progress=False)
    for path in (tmp_path / "fit.npz", tmp_path / "fit.json"):
        save(result, path)
        again = qml.FitResult.load(path)
        assert again.params.tobytes() == result.params.tobytes()
        assert again.summary() == result.summary()
        assert isinstance(again.state, ChainState)
        assert isinstance(result.state, ChainState)
        to_the_bit(again.state, result.state)
        assert isinstance(again.model, ChainGibbsModel)
        further = fit(again.model, again.target, params0=again.params, optimizer="newton", progress=False)
        assert further.converged
        assert further.params == pytest.approx(np.full(9, -0.8), abs=1e-6)
        assert np.abs(result.params + 0.8).max() > 1e-3


def test_a_result_whose_target_is_a_chain_comes_back(tmp_path: Path) -> None:
    h = tfim(4)
    target = ChainState([h], [0.8])
    result = fit(ChainGibbsModel(h), target, optimizer="newton", seed=0, progress=False)
    result.save(tmp_path / "fit.npz")
    again = qml.FitResult.load(tmp_path / "fit.npz")
    to_the_bit(again.target, target)
    assert again.loss == result.loss == pytest.approx(target.entropy(), abs=1e-8)


@pytest.mark.slow
def test_the_free_energy_of_a_long_chain_is_learnt() -> None:
    h = tfim(16)
    found = fit(ChainGibbsModel(h), h, loss=FreeEnergy(beta=0.7), seed=0, gradient_tolerance=1e-6)
    assert found.converged
    assert np.abs(found.params + 0.7).max() < 1e-5
    assert found.loss == pytest.approx(-ChainState([h], [0.7]).log_partition(), abs=1e-7)


def test_the_slope_of_the_free_energy_needs_no_matrix() -> None:
    loss, theta = FreeEnergy(beta=1.3), np.array([0.4, -0.3, 0.2, 0.5, 0.1])
    h = tfim(3, h=0.6) + 0.2 * pauli("XZI")
    pairs = [m(tfim(3)).state_vjp(theta) for m in (ChainGibbsModel, GibbsModel)]
    (a, chain), (b, exact) = [(v, pull(c)) for s, pull in pairs for v, c in [loss.value_and_cotangent(h, s)]]
    assert a == pytest.approx(b, abs=1e-8)
    assert np.abs(exact).min() > 1e-2
    assert chain == pytest.approx(exact, rel=1e-4)
    by_matrix = loss.value_and_cotangent(h.matrix(), pairs[0][0])[1]
    assert by_matrix == pytest.approx(exact, rel=1e-8)
