"""Runs, resumed runs and sweeps of fits with a method, and runs of before there were any."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.methods import (
    COUNTS,
    GATE,
    HIDDEN,
    LARGE,
    LIKELIHOOD,
    PURITY,
    RHO,
    SMALL,
    call,
    cut_off,
    planned,
    study,
)
from matplotlib.image import imread

import qml
from qml._checks import InputError
from qml._results import Outcome
from qml.states import ghz
from qml.studies.record import fits
from qml.studies.record.folder import RunFolder, load_run
from qml.studies.run import run, worker
from qml.studies.show.drawing import history
from qml.studies.spec import config, methods
from qml.studies.spec.source import parse


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "_draw", lambda *_: None)
    return tmp_path


# runs ------------------------------------------------------------------------------------------------------------

ALL = """\
title: All methods
seed: 2
target: {kind: counts, of: {kind: ghz, n: 2}, measurement: {kind: pauli}, shots: 100}
fits:
  - name: state
    method: {kind: maximum_likelihood}
    errors: [{kind: bootstrap, of: [purity, entropy], replicates: 4}]
  - name: entropy
    method: {kind: maximum_entropy}
  - name: model
    model: {kind: gibbs, generators: {kind: up_to_weight, n: 2}}
    max_iterations: 20
"""
STATES = """\
title: From states
seed: 2
target: {kind: thermal, hamiltonian: {kind: tfim, n: 2}, beta: 0.5}
fits:
  - name: hidden
    model: {kind: semi_quantum, n_visible: 2, n_hidden: 1}
    method: {kind: quantum_em, max_iterations: 6}
  - name: shots
    model: {kind: gibbs, generators: {kind: neighbors, n: 2}}
    method: {kind: deferred, copies: 200, steps: 5}
"""


@pytest.mark.slow
@pytest.mark.parametrize("text", [ALL, STATES], ids=["counts", "states"])
def test_two_runs_are_identical_and_everything_shows_them(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, coarse_pictures: None
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text(text)
    first = call("run", "study.yaml", "--output", "a", "--checkpoint-iterations", "1").stdout
    names = [fit.name for fit in load_run(Path("a")).study.fits]
    assert all(name in first for name in names)
    assert (Path("a") / "history.png").stat().st_size > 1000
    height, width = imread(Path("a") / "states.png").shape[:2]
    assert width < 3.6 * height  # at most four states in a row
    assert ("error bars of level 0.95\n" in call("show", "a").stdout) == (text == ALL)
    call("run", "a/config.yaml", "--output", "b", "--quiet")
    assert call("compare", "a", "b").stdout == f"{len(names)} of {len(names)} fits are identical to the bit.\n"
    for name in ("errors.csv", "parameters.csv"):
        for path in Path("a").glob(f"fits/*/{name}"):
            assert path.read_bytes() == (Path("b") / path.relative_to("a")).read_bytes()
    assert f"All {len(names)} fits are identical to the bit." in call("reproduce", "a").stdout
    for arguments in (["show", "a"], ["table", "a"], ["table", "a", "--csv"], ["report", "a"], ["plot", "a"]):
        call(*arguments)
    for fit in qml.open_run("a").values():
        assert isinstance(fit.result, Outcome)
        assert fit.result.status == fit.row.status
        assert "status" in fit._repr_html_()
    assert call("validate", "study.yaml").stdout.splitlines()[-1] == "The study is valid."
    dry = call("run", "study.yaml", "--dry-run").stdout
    assert dry.count("a step (measured") == len(names)
    assert "--engine jax: no fit of this study" in call("run", "study.yaml", "--engine", "jax", code=2).stderr


def test_the_history_of_every_method_is_drawn() -> None:
    """Of a tomography, the negative log-likelihood a shot at the iterates that were certified."""
    shots = {"model": SMALL, "method": {"kind": "deferred", "copies": 200, "steps": 3}}
    hidden = {"model": HIDDEN, "method": {"kind": "quantum_em", "max_iterations": 4}}
    by_target = (
        (COUNTS, [{"method": LIKELIHOOD}, {"method": {"kind": "maximum_entropy"}}]),
        (RHO, [hidden, shots]),
    )
    for target, fits_of in by_target:
        plan = planned(target, *fits_of)
        results = {job.spec.name: fits.run_fit(job, plan.target, 7, k) for k, job in enumerate(plan.jobs)}
        figure = history(results, "")
        assert figure is not None
        for name, result in results.items():
            (line,) = [line for line in figure.axes[0].lines if line.get_label() == name]
            row = fits.row_of(plan.jobs[int(name[-1])], result, plan.target)
            assert line.get_xdata()[-1] == row.iterations
            assert line.get_ydata()[-1] == pytest.approx(row.loss, abs=1e-8)
        assert "nats" in figure.axes[0].get_ylabel()
    assert history({"none": ghz(2)}, "") is None


def test_a_changed_state_is_found_by_reproduce(folder: Path) -> None:
    study(COUNTS, {"method": LIKELIHOOD, "errors": [PURITY]}).run("out", quiet=True, threads=1)
    found = load_run(folder / "out")
    result = Outcome.load(folder / "out/fits/1-fit-0/result.npz")
    moved = dataclasses.replace(result, state=qml.ghz(2))
    with RunFolder.resume(folder / "out", found.study, {}) as again:
        again.write_file("fits/1-fit-0/result.npz", moved.save)
        again.write("fits/1-fit-0/errors.csv", "quantity\n")
        again.finish("finished", 0)
    text = call("reproduce", "out", code=1).stdout
    assert "fit 0: the state differ by up to" in text
    assert "fit 0: the error bars differ" in text


def test_a_method_that_is_cut_off_starts_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "study.yaml").write_text(STATES)
    call("run", "study.yaml", "--output", "whole", "--quiet")
    with monkeypatch.context() as patch:
        cut_off(patch, methods.Method, "learn", 4)  # both are tried before the run
        stopped = call("run", "study.yaml", "--output", "out", code=130)
    assert "continue with: qml run out --resume" in stopped.stderr
    assert [row.fit for row in load_run(folder / "out").rows] == ["hidden"]
    assert "hidden: done already" in call("run", "out", "--resume").stdout
    assert call("compare", "out", "whole").stdout == "2 of 2 fits are identical to the bit.\n"


def test_ctrl_c_inside_a_process_tomography_ends_the_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = study(GATE, {"method": {"kind": "process_tomography"}}, {"method": {"kind": "process_tomography"}})
    whole = plan.run("whole", quiet=True)
    from qml.optimizers import LBFGS

    with monkeypatch.context() as patch:
        cut_off(patch, LBFGS, "step", 9)  # none is taken before the run
        stopped = plan.run("out", quiet=True)
    assert (stopped.status, list(stopped)) == ("interrupted", ["fit 0"])
    again = plan.run("out", resume=True, quiet=True)
    np.testing.assert_equal(again.table, whole.table)


@pytest.mark.parametrize("where", ["grid", "points"])
def test_a_sweep_has_a_row_for_each_tomography(folder: Path, where: str, no_pictures: None) -> None:
    sweep: dict[str, Any] = {"grid": {"target.shots": [50, 5000], "fits[0].method.rank": [1, 4]}}
    if where == "points":
        sweep = {
            "points": [{"target.shots": 50, "fits[0].method.rank": 1}, {"target.shots": 50, "fits[0].method.rank": 9}]
        }
    grown = {"model": LARGE, "max_iterations": 3, "grown_from": "fit 1"}
    few = {"model": SMALL, "max_iterations": 3}
    ran = study({**COUNTS, "of": RHO}, {"method": LIKELIHOOD}, few, grown, sweep=sweep).run(
        "out", workers=1, quiet=True
    )
    table = ran.table
    rows = [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]
    if where == "points":
        assert [row["error"][:60] for row in rows if row["error"]] == [
            "InputError: rank must be an integer from 1 to 4; found 9."
        ]
        return
    assert len(rows) == 12
    assert not any(row["error"] for row in rows)
    by = {(row["target.shots"], row["fits[0].method.rank"]): row for row in rows if row["fit"] == "fit 0"}
    assert by[5000, 4]["gap"] < by[50, 4]["gap"] < by[50, 1]["gap"]
    assert by[5000, 4]["fidelity"] > by[5000, 1]["fidelity"]
    assert by[50, 1]["n_params"] == 6
    call("plot", "out", "--x", "target.shots", "--output", "a.png")
    call("report", "out")


def test_a_point_whose_earlier_fit_failed_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = worker.run_fit

    def fails(job: Any, target: Any, seed: int, index: int, **rest: Any) -> Any:
        if index == 0:
            raise InputError("no luck.")
        return real(job, target, seed, index, **rest)

    monkeypatch.setattr(worker, "run_fit", fails)
    grown = {"model": LARGE, "max_iterations": 3, "grown_from": "fit 0"}
    made = study(RHO, {"model": SMALL, "max_iterations": 3}, grown, sweep={"grid": {"target.beta": [0.5]}})
    errors = made.run("out", workers=1, quiet=True).table["error"]
    assert errors == ["InputError: no luck.", "InputError: the fit 'fit 0', which this one grows from, failed."]


# runs of before --------------------------------------------------------------------------------------------------

BEFORE = """\
title: ""
seed: 5
target:
  kind: ghz
  n: 2
  through: []
fits:
- name: a
  model:
    kind: gibbs
    generators: {kind: neighbors, n: 2, weight: 2, periodic: false}
    dims: null
  loss: null
  optimizer: {kind: lbfgs, memory: 10}
  restarts: 1
  max_iterations: 1000
  gradient_tolerance: 1.0e-08
  loss_tolerance: 0.0
  prior: {kind: gaussian, scale: 1.0, mean: 0.0, copies: 5.0}
  validation: null
  patience: 10
  factorwise: false
- name: b
  model: {kind: cholesky, n: 2, dims: null, rank: null, smoothing: 0.0}
  loss: {kind: infidelity}
  optimizer: {kind: lbfgs, memory: 10}
  restarts: 1
  max_iterations: 1000
  gradient_tolerance: 1.0e-08
  loss_tolerance: 0.0
  prior: null
  validation:
    kind: ghz
    n: 2
    through: []
  patience: 10
  factorwise: false
sweep: null
loggers: []
"""
"""The resolved text of a study, and below its fingerprint, as they were when a fit had no method."""


def test_a_study_without_methods_has_the_text_and_the_fingerprint_of_before() -> None:
    found = config.study_of(parse(BEFORE.encode(), Path("config.yaml")))
    assert config.to_yaml(found) == BEFORE
    assert config.fingerprint(BEFORE, {}) == "bdfd98597af34635d22603d2b7e1505f83ac18c67ff9cf09ad11a9c264fd2ee1"


def test_a_run_of_before_is_shown_compared_and_resumed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder has the text of before, and so has the run that goes on in it."""
    (folder / "study.yaml").write_text(BEFORE)
    cut_off(monkeypatch, fits, "fit", 2)
    call("run", "study.yaml", "--output", "out", code=130)
    assert (folder / "out" / "config.yaml").read_text() == load_run(folder / "out").info["study"] == BEFORE
    call("run", "study.yaml", "--output", "out", "--resume")
    call("show", "out")
    assert call("compare", "out", "out").stdout == "2 of 2 fits are identical to the bit.\n"


def test_a_study_with_methods_reads_back_equal() -> None:
    for text in (ALL, STATES):
        found = config.study_of(parse(text.encode(), Path("study.yaml")))
        again = config.to_yaml(found)
        assert config.study_of(parse(again.encode(), Path("study.yaml"))) == found
        assert config.to_yaml(config.study_of(parse(again.encode(), Path("study.yaml")))) == again
        assert "patience" not in again.split("name: model")[0]
