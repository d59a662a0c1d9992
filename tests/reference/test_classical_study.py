"""The classification study, at small sizes: what its page claims."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "experiments" / "classification"
MODULES = ("models", "run")


@pytest.fixture
def study(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    yield {name: importlib.import_module(name) for name in MODULES}
    for name in MODULES:
        sys.modules.pop(name, None)


def test_the_diagonal_model_is_scikit_learns(study):
    scores = study["run"].scores
    for data in ("iris", "wine"):
        theirs = scores(study["models"].logistic, data, 0)
        assert scores(study["models"].diagonal, data, 0) == pytest.approx(theirs, abs=1e-5)


def test_flipped_labels_are_learnt_better_by_generators_that_do_not_commute(study):
    models, excess = study["models"], study["run"].excess
    for rate in (0.1, 0.2):
        logistic, perceptron, likelihood = (
            excess(learner, rate, 0) for learner in (models.logistic, models.perceptron, models.non_commuting)
        )
        assert likelihood < perceptron < logistic
        assert likelihood < 0.6 * logistic


def test_the_circuit_bends_its_boundary(study):
    scores = study["run"].scores
    assert scores(study["models"].circuit, "two moons", 0)[1] < scores(study["models"].logistic, "two moons", 0)[1]


def test_tables_and_figure(study, tmp_path):
    run = study["run"]
    found = {model: np.arange(10.0).reshape(5, 2) for model in run.NOISY}
    text = run.tables([run.Row("iris", "circuit", 2, 0.9, 0.1, 0.3, 0.01, 2.0)], found)
    assert "| iris | circuit | 0.900 ± 0.100 | 0.300 ± 0.010 | 2.00 |" in text
    run.draw(found, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000
