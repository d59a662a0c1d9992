"""Results of quantum EM: how it ends, and how a result is shown, saved and read."""

import numpy as np
import pytest

from qml import pauli
from qml._checks import InputError
from qml.fitting import FitError, FitResult, quantum_em
from qml.models import HiddenGibbsModel, semi_quantum_restricted
from qml.states import basis_state
from qml.tomography import TomographyResult


def paulis(*labels):
    return [pauli(label) for label in labels]


def test_em_endings():
    model = semi_quantum_restricted(2, 1)
    rho = model.state(np.ones(model.n_params))
    there = quantum_em(model, rho, params0=np.ones(model.n_params))
    assert (there.iterations, there.converged) == (0, True)
    short = quantum_em(model, rho, seed=0, max_iterations=2)
    assert not short.converged
    assert "stopped after 2 iterations" in short.status
    nowhere = quantum_em(HiddenGibbsModel(paulis("ZI", "IZ", "XX")), basis_state("0"), params0=[500.0, 500.0, 1e-300])
    assert "not started" in nowhere.status
    assert "history" not in repr(there)


@pytest.mark.parametrize("kind", ["diagonal", "dense"])
def test_results_of_em_are_shown_saved_and_loaded(kind, tmp_path):
    model = semi_quantum_restricted(2, 1) if kind == "diagonal" else HiddenGibbsModel(paulis("XXI", "ZIZ", "IZX"))
    rho = np.diag([0.4, 0.1, 0.2, 0.3]) if kind == "diagonal" else model.state(np.ones(3))
    result = quantum_em(model, rho, seed=1, gradient_tolerance=1e-6)
    result.save(tmp_path / "em.npz")
    again = FitResult.load(tmp_path / "em.npz")
    assert again.summary() == result.summary() == str(result)
    assert again.parameter_names == model.parameter_names
    assert np.array_equal(again.params, result.params)
    assert np.array_equal(again.history.loss, result.history.loss)
    assert np.allclose(again.state.matrix(), result.state.matrix(), atol=1e-15)
    assert again.raise_if_failed() is again
    assert result._repr_html_().count("<tr>") == len(result.summary().splitlines())
    with (tmp_path / "open.npz").open("wb") as file:
        result.save(file)
    assert FitResult.load(tmp_path / "open.npz").loss == result.loss
    with pytest.raises(InputError, match="a TomographyResult is needed; found a FitResult"):
        TomographyResult.load(tmp_path / "em.npz")
    np.savez(tmp_path / "pickle.npz", json=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match=r"not a readable .npz file of plain arrays"):
        FitResult.load(tmp_path / "pickle.npz")
    short = quantum_em(model, rho, seed=0, max_iterations=1)
    with pytest.raises(FitError, match="stopped after 1 iteration"):
        short.raise_if_failed()
