"""What a fit leaves: results, their display and files, the objective, live progress."""

import dataclasses
import json
import sys
import types

import numpy as np
import pytest

from qml import CircuitModel, FitResult, GibbsModel, SpectralModel, channels, circuits, fit, gates, pauli, thermal
from qml._checks import InputError
from qml.circuits import Circuit
from qml.engines.reference import ReferenceEngine
from qml.fitting import Objective, progress
from qml.losses import CrossEntropy, Labelled, Loss, label_states
from qml.models import ConditionalGibbsModel
from qml.operators import tfim
from qml.states import DensityMatrix, ghz, maximally_mixed

RHO = thermal(tfim(2, h=0.6), 1.0)
DENSE = ReferenceEngine()


def noisy_model():
    return CircuitModel(circuits.hardware_efficient(2, 1).then(channels.Depolarizing(0.1, 0), channels.BitFlip(0.1, 1)))


def test_result_is_complete_and_consistent():
    result = fit(GibbsModel(tfim(2)), RHO, seed=3)
    assert result.parameter_names == ("ZZ", "XI", "IX")
    assert result.seed == 3
    assert result.gap == result.loss - result.floor
    assert np.array_equal(result.history.gap, result.history.loss - result.floor)
    assert result.history.fidelity is None
    assert result.provenance["versions"]["numpy"] == np.__version__
    assert set(result.provenance["versions"]) == {"qml", "numpy", "scipy", "python"}
    assert result.provenance["started"].endswith("+00:00")
    assert result.provenance["optimizer"] == "Newton(solver='auto')"
    assert result.provenance["threads"]["cpus"] >= 1
    json.dumps(result.provenance)
    assert float(np.abs(np.diff(result.history.seconds)).min()) >= 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.loss = 0.0


def test_displays():
    result = fit(GibbsModel(tfim(2)), RHO, seed=3)
    text = result.summary()
    assert str(result) == text
    for word in ("loss", "floor", "gap", "fidelity", "iterations", "seconds", "status", result.status):
        assert word in text
    html = result._repr_html_()
    assert html.count("<tr>") == len(text.splitlines())
    assert "&lt;" not in html
    assert repr(result).startswith("<FitResult: loss ")
    page = result.history._repr_html_()
    assert page.count("<tr>") == 1 + min(len(result.history), 8)
    assert f">{len(result.history) - 1}<" in page
    assert f">{result.history.loss[0]:.6g}<" in page
    assert f">{result.history.loss[-1]:.6g}<" in page
    assert fit(GibbsModel(tfim(2)), RHO, seed=3, max_iterations=1).history._repr_html_().count("<tr>") == 3


STATES = {
    "gibbs": (GibbsModel(tfim(2)), RHO),
    "diagonal": (GibbsModel([pauli("ZI"), pauli("ZZ")]), DensityMatrix.from_probabilities([0.1, 0.2, 0.3, 0.4])),
    "spectral": (SpectralModel(circuits.hardware_efficient(2, 1)), DensityMatrix(RHO.matrix())),
    "circuit": (noisy_model(), RHO),
    "infinite": (CircuitModel(Circuit(2, [gates.RY("a", 0)])), maximally_mixed((2, 2))),
    "pure target": (GibbsModel.all_paulis(2), ghz(2)),
}


@pytest.mark.parametrize("kind", STATES)
def test_save_and_load_keep_everything(kind, tmp_path):
    model, rho = STATES[kind]
    result = fit(model, rho, seed=0, restarts=2, max_iterations=5, track_fidelity=kind != "diagonal")
    result.save(tmp_path / "result.npz")
    again = FitResult.load(tmp_path / "result.npz")
    for name in ("loss", "floor", "gap", "iterations", "evaluations", "converged", "status", "seed", "parameter_names"):
        assert getattr(again, name) == getattr(result, name)
    assert again.restarts == result.restarts
    assert again.provenance == result.provenance
    assert np.array_equal(again.params, result.params)
    for name, column in result.history.columns().items():
        assert np.array_equal(again.history.columns()[name], column, equal_nan=True)
    for state, kept in ((result.state, again.state), (result.target, again.target)):
        assert kept.dims == state.dims
        assert np.allclose(kept.matrix(), state.matrix(), atol=1e-15)
    assert again.fidelity == pytest.approx(result.fidelity, abs=1e-12)
    assert CrossEntropy().value(again.target, again.state) == pytest.approx(result.loss, abs=1e-12)


@pytest.mark.parametrize("generators", [[pauli("Z")], [pauli("X"), pauli("Z")]], ids=["diagonal", "dense"])
def test_save_and_load_keep_labels_and_what_was_held_out(generators, tmp_path):
    x = np.linspace(-1, 1, 6)[:, None]
    data, held_out = (Labelled(z, label_states((z[:, 0] > 0).astype(int), 2, noise=0.1)) for z in (x, x[:4] + 0.1))
    result = fit(ConditionalGibbsModel(generators, 1), data, validation=held_out, seed=0)
    result.save(tmp_path / "result.npz")
    again = FitResult.load(tmp_path / "result.npz")
    assert np.array_equal(again.history.held_out, result.history.held_out)
    for state, kept in ((result.state, again.state), (result.target, again.target)):
        assert kept.batch_shape == state.batch_shape == (6,)
        assert np.allclose(kept.matrix(), state.matrix(), atol=1e-15)
    assert again.summary() == result.summary()


def test_the_fidelity_of_labelled_data_is_followed_as_its_mean():
    data = Labelled([[-1.0], [1.0], [1.0]], label_states([0, 1, 0], 2, noise=0.1))
    result = fit(ConditionalGibbsModel(["Z"], 1), data, seed=0, track_fidelity=True, progress=False)
    assert result.history.fidelity[-1] == pytest.approx(result.fidelity, abs=1e-12)
    assert 0.5 < result.fidelity < 0.99


def test_saving_a_frozen_state_keeps_its_logarithm(tmp_path):
    for generator in (pauli("ZZ"), pauli("XX")):
        result = fit(GibbsModel([generator]), RHO, params0=[600.0], max_iterations=0)
        with (tmp_path / "result.npz").open("wb") as file:
            result.save(file)
        kept = FitResult.load(tmp_path / "result.npz").state
        assert CrossEntropy().value(RHO, kept) == pytest.approx(result.loss, rel=1e-12)
        assert result.loss > 100


def test_a_result_of_a_loss_of_ones_own_is_saved_whatever_its_target_is(tmp_path):
    class Energy(Loss):
        """Tr(H sigma), where the target is what has the Hamiltonian H."""

        name = "energy"

        def accept(self, target, dims):
            return target

        def value(self, target, sigma):
            return float(sigma.expect(target.hamiltonian))

        def value_and_cotangent(self, target, sigma):
            matrix = DensityMatrix(sigma.matrix(), sigma.dims)
            return self.value(target, matrix), target.hamiltonian.matrix()

        def floor(self, target):
            return float(np.linalg.eigvalsh(target.hamiltonian.matrix())[0])

    class Magnet:
        hamiltonian = tfim(2)

        def __repr__(self):
            return "Magnet()"

    model = CircuitModel(circuits.hardware_efficient(2, 1).then(channels.Depolarizing(0.01, 0)), engine=DENSE)
    result = fit(model, Magnet(), loss=Energy(), seed=0, max_iterations=3)
    assert result.loss < result.history.loss[0]
    result.save(tmp_path / "fit.npz")
    loaded = FitResult.load(tmp_path / "fit.npz")
    assert loaded.target is None
    assert loaded.provenance["target"] == "Magnet()"
    assert loaded.params.tobytes() == result.params.tobytes()
    assert loaded.summary() == result.summary()
    with pytest.raises(InputError, match="the fidelity needs a state as the target"):
        _ = loaded.fidelity


def test_foreign_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        FitResult.load(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("hello")
    RHO_AS_MATRIX = DensityMatrix(RHO.matrix())
    RHO_AS_MATRIX.save(tmp_path / "state.npz")
    np.savez(tmp_path / "pickle.npz", json=np.array([{"a": 1}], dtype=object))
    for name in ("text", "state", "pickle"):
        with pytest.raises(InputError, match=r"is (not a readable .npz file|no file that the library wrote)"):
            FitResult.load(tmp_path / f"{name}.npz")
    np.savez(tmp_path / "later.npz", json=np.array(json.dumps({"format": "qml.FitResult 3"})))
    with pytest.raises(InputError, match=r"of the format 'qml\.FitResult 3'"):
        FitResult.load(tmp_path / "later.npz")


def test_objective_counts_and_remembers():
    objective = Objective(GibbsModel(tfim(2)), RHO, CrossEntropy())
    theta = np.array([0.1, 0.2, 0.3])
    value, gradient = objective.value_and_gradient(theta)
    assert value == objective.value(theta)
    assert gradient.shape == (3,)
    assert objective.evaluations == 2
    assert objective.state(theta) is objective.state(theta)
    assert np.allclose(objective.state(theta + 1).matrix(), objective.model.state(theta + 1).matrix())


# progress -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0.0)


def test_progress_in_a_terminal(at_once, capsys):
    fit(GibbsModel(tfim(2)), RHO, seed=0, restarts=2, progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "restart 2/2" in shown.err
    assert "gap" in shown.err


def test_no_progress_where_it_is_off_or_over_at_once(monkeypatch, capsys):
    fit(GibbsModel(tfim(2)), RHO, seed=0, progress=True)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "DELAY", 0.0)
    fit(GibbsModel(tfim(2)), RHO, seed=0, progress=False)
    fit(GibbsModel(tfim(2)), RHO, seed=0)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    fit(GibbsModel(tfim(2)), RHO, seed=0)
    assert "loss" in capsys.readouterr().err


def test_progress_in_a_notebook(at_once, monkeypatch, capsys):
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(progress.importlib.util, "find_spec", lambda name: None)
    fit(GibbsModel(tfim(2)), RHO, seed=0)
    assert "gradient" in capsys.readouterr().err


def test_the_bar_is_closed_when_the_fit_is_cut_short(at_once, monkeypatch, capsys):
    closed = []

    class Spy(progress.Terminal):
        def close(self):
            closed.append(True)
            super().close()

    def callback(record):
        if record.iteration == 2:
            raise RuntimeError

    monkeypatch.setattr(progress, "Terminal", Spy)
    with pytest.raises(RuntimeError):
        fit(GibbsModel(tfim(2)), RHO, seed=0, progress=True, callbacks=[callback])
    assert closed == [True]
    capsys.readouterr()
