"""The engine of a study, by its name: on the command line, in the list, in what a run keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from helpers.command import ended as call

from qml import open_run
from qml.studies.run import run

STUDY = """\
target: {kind: thermal, hamiltonian: {kind: tfim, n: 2}, beta: 0.5}
fits:
  - name: field
    model: {kind: gibbs, generators: {kind: neighbors, n: 2, weight: 1}}
    max_iterations: 2
  - name: circuit
    model:
      kind: circuit
      ansatz: {kind: hardware_efficient, n: 2, layers: 1}
      noise: [{channel: Depolarizing, params: [0.05]}]
    max_iterations: 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "_draw", lambda *_: None)
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "gibbs.yaml").write_text(STUDY.partition("  - name: circuit")[0])
    return tmp_path


def test_every_circuit_runs_on_the_engine_and_the_run_says_so(folder: Path) -> None:
    call("run", "study.yaml", "--engine", "reference", "--output", "run")
    kept = yaml.safe_load((folder / "run" / "config.yaml").read_text())
    assert kept["fits"][1]["model"]["engine"] == "reference"
    assert "engine" not in kept["fits"][0]["model"]


def test_engines_are_listed_with_what_they_run_on() -> None:
    lines = call("list", "engines").output.splitlines()
    assert [line.split()[0] for line in lines] == ["pauli", "reference", "jax"]
    assert "x cpu" in lines[2]


def test_refusals(folder: Path) -> None:
    assert (
        "expected 'pauli', 'reference' or 'jax'; found 'jx'"
        in call("run", "study.yaml", "--engine", "jx", code=2).stderr
    )
    assert (
        "--engine jax: no fit of this study has a model with a circuit"
        in call("run", "gibbs.yaml", "--engine", "jax", code=2).stderr
    )
    text = (folder / "study.yaml").read_text()
    (folder / "sweep.yaml").write_text(f"{text}sweep: {{grid: {{'fits[1].model.engine': [pauli, reference]}}}}\n")
    refused = "--engine jax: the sweep sets fits[1].model.engine at every point: leave one of the two out"
    assert refused in call("run", "sweep.yaml", "--engine", "jax", code=2).stderr
    assert not (folder / "runs").exists()


@pytest.mark.slow
def test_a_run_on_jax_is_that_on_the_pauli_engine(folder: Path) -> None:
    for engine in ("pauli", "jax"):
        call("run", "study.yaml", "--engine", engine, "--output", engine)
    here, there = (open_run(folder / engine)["circuit"].result for engine in ("pauli", "jax"))
    np.testing.assert_allclose(there.params, here.params, atol=1e-9)
    np.testing.assert_allclose(there.state.matrix(), here.state.matrix(), atol=1e-9)
    dry = call("run", "study.yaml", "--engine", "jax", "--dry-run").output
    assert "its gradient keeps 1 vector of" in dry
    assert "on 1 device (cpu)" in dry
