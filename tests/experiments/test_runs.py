"""Sweeps and resumed runs by their commands: what is kept, what is done again, what is told."""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from helpers.command import ended as call
from helpers.command import interrupt_first_fit

from qml.fitting.objective import Objective
from qml.studies.record import fits
from qml.studies.record.folder import RunFolder, load_run
from qml.studies.run import cost, pools, run, worker
from qml.studies.show.output import span
from qml.studies.spec import config

STUDY = """\
title: Two qubits
seed: 5
target:
  kind: thermal
  hamiltonian: {kind: tfim, n: 2}
  beta: 0.5
fits:
  - name: Gibbs model
    model: {kind: gibbs, generators: {kind: neighbors, n: 2}}
    max_iterations: 20
  - name: fields only
    model: {kind: gibbs, generators: {kind: neighbors, n: 2, weight: 1}}
    max_iterations: 2
"""
MORE = [
    {"name": name, "model": {"kind": "gibbs", "generators": {"kind": "neighbors", "n": 2}}, "max_iterations": 2}
    for name in "abc"
]
SWEEP = """\
sweep:
  grid:
    target.beta: [0.5, 1.0, 2.0]
    target.hamiltonian.h: [0.5, 1.0]
  seeds: 2
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "_draw", lambda *_: None)  # half a second; see test_cli.py for the figures
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "sweep.yaml").write_text(STUDY + SWEEP)
    return tmp_path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("sweep")
    (home / "sweep.yaml").write_text(STUDY + SWEEP)
    result = call("run", str(home / "sweep.yaml"), "--workers", "1", "--output", str(home / "out"))
    assert "12 of 12 points done" in result.stdout
    return home / "out"


# sweeps ----------------------------------------------------------------------------------------------------------


def test_the_table_of_a_sweep_is_tidy(done: Path) -> None:
    found = rows(done / "table.csv")
    assert len(found) == 24
    assert list(found[0])[:7] == [
        "point", "replicate", "seed", "target.beta", "target.hamiltonian.h", "fit", "loss_name",
    ]  # fmt: skip
    assert [(r["target.beta"], r["target.hamiltonian.h"], r["replicate"]) for r in found[::2]] == [
        (b, h, k) for b in ("0.5", "1.0", "2.0") for h in ("0.5", "1.0") for k in ("0", "1")
    ]
    for row in found:
        assert float(row["gap"]) == pytest.approx(0, abs=1e-4) or row["fit"] == "fields only"
        assert row["error"] == ""
    timed = rows(done / "timings.csv")
    assert [(r["point"], r["fit"]) for r in timed] == [(r["point"], r["fit"]) for r in found]
    assert {r["kernels"] for r in timed} == {"1"}
    assert {r["blas"] for r in timed} == {"1"}


def test_parquet_holds_the_same_numbers(done: Path) -> None:
    parquet = importlib.import_module("pyarrow.parquet")
    found = parquet.read_table(done / "table.parquet").to_pydict()
    plain = rows(done / "table.csv")
    assert [repr(x) for x in found["loss"]] == [row["loss"] for row in plain]
    assert [str(x) for x in found["seed"]] == [row["seed"] for row in plain]
    assert found["fit"] == [row["fit"] for row in plain]


def test_a_point_is_what_the_same_study_alone_gives(done: Path, folder: Path) -> None:
    point = rows(done / "table.csv")[10]
    overrides = [f"{name}={point[name]}" for name in ("target.beta", "target.hamiltonian.h")]
    call("run", "study.yaml", *overrides, "--seed", point["seed"], "--threads", "1", "--output", "alone")
    assert rows(folder / "alone" / "results.csv")[0]["loss"] == point["loss"]


@pytest.mark.slow
def test_table_plot_report_compare(done: Path, folder: Path, coarse_pictures: None) -> None:
    text = call("table", str(done), "--csv").stdout
    assert text == (done / "table.csv").read_text()
    few = list(csv.reader(io.StringIO(call("table", str(done), "--csv", "--columns", "fit, gap").stdout)))
    assert few[0] == ["fit", "gap"]
    assert "did you mean 'gap'" in call("table", str(done), "--columns", "gapp", code=2).stderr
    assert "fields only" in call("table", str(done)).stdout
    for kind in ("loss", "scaling", "heatmap"):
        call("plot", str(done), "--kind", kind, "--output", f"{kind}.png")
        assert (folder / f"{kind}.png").read_bytes().startswith(b"\x89PNG")
    call("plot", str(done), "--x", "target.hamiltonian.h", "--output", "x.svg")
    drawn = (folder / "x.svg").read_text()
    for part in ("target.hamiltonian.h", "target.beta = 0.5", "target.beta = 2", "over replicate"):
        assert part in drawn
    assert "an axis must be one of" in call("plot", str(done), "--x", "target.bta", code=2).stderr
    assert "did you mean 'loss'" in call("plot", str(done), "--kind", "los", code=2).stderr
    assert "the ending of the file" in call("plot", str(done), "--output", "x.doc", code=2).stderr
    call("report", str(done), "--output", "report.html")
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == page.count("<figcaption>") == 3
    assert re.search(r"<b>.* reaches its floor, up to rounding in the median of 12 points; fields only ends ", page)
    for column in ("target.<wbr>beta", "n_<wbr>params", "fidelity", "converged"):
        assert f"<th>{column}" in page
    assert "The same in every row: loss_name cross_entropy" in page
    assert page.count("<td class=words colspan=") == 24
    for part in ("<h2>Summary</h2>", "<th>median gap", "<td>fields only</td><td class=number>12</td>"):
        assert part in page
    assert "test_log_likelihood" not in page
    assert "kind: thermal" in page
    assert "http" not in page
    assert "<script" not in page
    assert call("compare", str(done), str(done)).stdout == "24 of 24 fits are identical to the bit.\n"


def test_show_sums_a_sweep_up(done: Path) -> None:
    lines = call("show", str(done)).stdout.splitlines()
    assert lines[1].split() == ["fit", "points", "failed", "median", "gap", "least", "gap", "greatest", "gap",
                                "median", "fidelity", "median", "iterations"]  # fmt: skip
    assert lines[3].startswith("fields only      12       0")
    assert "finished, 12 points" in lines[4]


def test_mistakes_about_figures_and_files(done: Path, folder: Path, no_pictures: None) -> None:
    for arguments, part in (
        (["plot", str(done), "--y", "target.beta"], "y is the other axis of a heatmap"),
        (
            ["plot", str(done), "--kind", "heatmap", "--x", "target.beta", "--y", "target.beta"],
            "a heatmap has two axes",
        ),
        (["report", str(done), "--output", ""], "is not the name of a file"),
        (["run", "study.yaml", "--output", "a" * 300], "File name too long"),
        (["run", "study.yaml", "--seed", str(2**63)], "--seed"),
        (["run", "study.yaml", "--threads", "1000000"], "--threads"),
    ):
        result = call(*arguments, code=2)
        assert part in result.stderr
        assert result.stderr.count("\n") == 1
    assert sorted(os.listdir(folder)) == ["study.yaml", "sweep.yaml"]


def test_compare_tells_what_differs(done: Path, folder: Path) -> None:
    call("run", "sweep.yaml", "fits[1].max_iterations=1", "sweep.seeds=1", "--workers", "1", "--output", "b")
    text = call("compare", str(done), "b").stdout
    assert text.startswith("6 of 12 fits are identical")
    assert "fields only, target.beta=0.5, target.hamiltonian.h=0.5: loss " in text
    assert f"only in {done}: Gibbs model, target.beta=0.5, target.hamiltonian.h=0.5, replicate 1" in text
    assert "study, fits[1].max_iterations: 2, 1" in text


def test_a_run_is_compared_with_its_point_of_a_sweep(done: Path, folder: Path) -> None:
    seed = rows(done / "table.csv")[0]["seed"]
    call("run", "study.yaml", "target.hamiltonian.h=0.5", "--seed", seed, "--threads", "1", "--output", "b")
    text = call("compare", "b", str(done)).stdout
    assert text.startswith("2 of 2 fits are identical to the bit.")
    assert text.count(f"only in {done}: ") == 22
    call("run", "study.yaml", "target.hamiltonian.h=0.7", "--output", "c")
    assert call("compare", "c", str(done)).stdout.startswith("No fit is in both.")


def test_a_sweep_over_words_has_no_axis(folder: Path) -> None:
    text = STUDY + "sweep: {grid: {'fit.optimizer': [{kind: lbfgs}, {kind: adam}]}}\n"
    (folder / "words.yaml").write_text(text)
    call("run", "words.yaml", "--workers", "1", "--output", "words")
    assert {row["fit.optimizer"] for row in rows(folder / "words/table.csv")} == {
        '{"kind": "lbfgs"}',
        '{"kind": "adam"}',
    }
    assert "needs 1 axis of numbers that vary; this sweep has 0" in call("plot", "words", code=2).stderr
    call("report", "words")
    assert "data:image" not in (folder / "words" / "report.html").read_text()


def test_a_point_may_have_more_fits_than_the_study(folder: Path) -> None:
    text = STUDY + f"sweep:\n  points:\n    - {{fit.restarts: 1}}\n    - fits: {json.dumps(MORE)}\n"
    (folder / "more.yaml").write_text(text)
    call("run", "more.yaml", "--workers", "1", "--output", "out")
    found = rows(folder / "out" / "table.csv")
    assert [(row["point"], row["fit"], row["error"]) for row in found] == [
        ("0", "Gibbs model", ""), ("0", "fields only", ""), *(("1", name, "") for name in "abc"),
    ]  # fmt: skip


def test_failed_points_are_recorded_and_tried_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = "sweep: {grid: {'target.hamiltonian.n, fits[0].model.generators.n': [2, 3]}}\n"
    (folder / "sizes.yaml").write_text(STUDY + grid)
    result = call("run", "sizes.yaml", "--workers", "1", "--output", "out", code=1)
    assert "point 1 failed: InputError: this point, fits[1].model: the model has 2" in result.stdout
    assert result.stderr == (
        "qml: 1 point failed, each with its error in the table; continue with: qml run out --resume\n"
    )
    found = rows(folder / "out" / "table.csv")
    assert [bool(row["error"]) for row in found] == [False, False, False, True]
    assert "the model has 2 qubits, the target 3 qubits" in found[3]["error"]
    assert found[3]["loss"] == ""
    tried: list[int] = []
    real = worker.work
    monkeypatch.setattr(pools, "work", lambda task, kept: (tried.append(task.point), real(task, kept))[1])
    call("run", "out", "--resume", "--workers", "1", code=1)
    assert tried == [1]
    assert rows(folder / "out" / "table.csv") == found
    assert json.loads((folder / "out" / "run.json").read_text())["exit_code"] == 1


def test_a_sweep_is_continued_where_it_was_cut(done: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, tried = worker.work, []

    def cut(task: worker.Task, kept: worker.Kept) -> dict[str, Any]:
        tried.append(task.point)
        if len(tried) == 5:
            raise KeyboardInterrupt
        return real(task, kept)

    monkeypatch.setattr(pools, "work", cut)
    result = call("run", "sweep.yaml", "--workers", "1", code=130)
    assert "continue with: qml run runs/sweep-001 --resume" in result.stderr
    out = folder / "runs" / "sweep-001"
    assert len(rows(out / "table.csv")) == 8
    assert len(list(csv.reader(io.StringIO(call("table", str(out), "--csv").stdout)))) == 9
    call("run", "sweep.yaml", "--resume", "--workers", "1")
    assert tried[5:] == list(range(4, 12))
    for name in ("table.csv", "table.parquet"):
        assert (out / name).read_bytes() == (done / name).read_bytes()
    before = (out / "run.json").read_bytes()
    assert "began with threads=1" in call("run", str(out), "--resume", "--threads", "2", code=2).stderr
    assert (out / "run.json").read_bytes() == before


def test_dry_run_measures_and_writes_nothing(folder: Path) -> None:
    text = call("run", "sweep.yaml", "--dry-run", "--workers", "2").stdout
    assert "fit 'Gibbs model': 15 parameters, " in text
    assert re.search(r"a step \(measured[^)]*\), at most 20 steps: at most ", text)
    assert "sweep: 12 points in 2 processes, at most " in text
    assert sorted(os.listdir(folder)) == ["study.yaml", "sweep.yaml"]


def test_a_dry_run_says_what_a_step_costs_besides_its_gradient(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that an evaluation sets forward by a second, and a metric by thirty."""
    clock = [0.0]

    def slow(name: str, seconds: float) -> None:
        real = getattr(Objective, name)

        def slowly(*arguments: Any, **keywords: Any) -> Any:
            clock[0] += seconds
            return real(*arguments, **keywords)

        monkeypatch.setattr(Objective, name, slowly)

    slow("value_and_gradient", 1.0)
    slow("metric", 30.0)
    monkeypatch.setattr(cost.time, "perf_counter", lambda: clock[0])
    natural = "max_iterations: 10\n    optimizer: {kind: natural_gradient}"
    (folder / "study.yaml").write_text(STUDY.replace("max_iterations: 20", natural, 1))
    first, second, total = call("run", "study.yaml", "--dry-run").stdout.splitlines()[-3:]
    found = re.search(r"(\S+) s a step \(measured, (\S+) times an evaluation of the loss and its gradient\)", first)
    assert found is not None
    assert found[1] == found[2]
    assert 31 <= float(found[1]) <= 35
    assert "1 s a step (measured), at most 2 steps: at most 2 s" in second
    assert total == f"in all at most {span(10 * float(found[1]) + 2)}"


# single runs -----------------------------------------------------------------------------------------------------


def test_a_run_is_continued_and_what_was_done_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("run", "study.yaml", "--output", "whole")
    real, calls = fits.fit, []

    def second_is_cut_off(*arguments: Any, **keywords: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **keywords)

    monkeypatch.setattr(fits, "fit", second_is_cut_off)
    call("run", "study.yaml", "--output", "out", code=130)
    kept = (folder / "out/fits/1-gibbs-model/result.npz").stat().st_mtime_ns
    result = call("run", "out", "--resume")
    assert "Gibbs model: done already" in result.stdout
    assert len(calls) == 3
    assert (folder / "out/fits/1-gibbs-model/result.npz").stat().st_mtime_ns == kept
    assert call("compare", "out", "whole").stdout == "2 of 2 fits are identical to the bit.\n"
    found = load_run(folder / "out").info
    assert (found["status"], found["exit_code"], len(found["resumed"])) == ("finished", 0, 1)


def test_a_fit_that_was_cut_short_does_not_count_as_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = fits.fit, []

    def stop(iteration: Any) -> None:
        if len(calls) == 2 and iteration.iteration == 2:
            raise KeyboardInterrupt

    def cut(*arguments: Any, **keywords: Any) -> Any:
        calls.append(1)
        return real(*arguments, **keywords | {"callbacks": [stop]})

    monkeypatch.setattr(fits, "fit", cut)
    call("run", "study.yaml", "--output", "out", code=130)
    assert len(load_run(folder / "out").rows) == 2
    assert "seed 5, interrupted, 1 of 2 fits, started " in call("show", "out").stdout
    call("report", "out")
    page = (folder / "out/report.html").read_text(encoding="utf-8")
    assert "interrupted, 1 fit done; seed 5" in page
    assert "<p>loss = -Tr rho log sigma, floor = its least value S(rho), gap = " in page


def test_a_fit_that_fails_is_named_with_its_line(folder: Path) -> None:
    model = "{kind: circuit, ansatz: {kind: hardware_efficient, n: 2, layers: 1}}"
    fit = f"  - {{name: pure, model: {model}, optimizer: {{kind: natural_gradient}}, loss: {{kind: infidelity}}}}\n"
    (folder / "study.yaml").write_text(STUDY + fit)
    said = call("run", "study.yaml", "--output", "out", code=2).stderr
    assert said.startswith("qml: study.yaml, line 14, fits[2]: the Bogoliubov-Kubo-Mori metric is infinite here")
    assert len(load_run(folder / "out").rows) == 2


def test_what_cannot_be_continued(folder: Path) -> None:
    assert "there is no run of this study to continue" in call("run", "study.yaml", "--resume", code=2).stderr
    assert not (folder / "runs").exists()
    call("run", "study.yaml", "--output", "out")
    other = call("run", "study.yaml", "target.beta=0.75", "--output", "out", "--resume", code=2)
    assert "out is a run of another study: target.beta is 0.5 there and 0.75 here" in other.stderr
    assert "out is a folder: add --resume" in call("run", "out", code=2).stderr
    assert "is not the folder of a run" in call("run", "study.yaml", "--output", "x", "--resume", code=2).stderr
    with RunFolder.resume(folder / "out", load_run(folder / "out").study, {}):
        assert "another process is working in out" in call("run", "out", "--resume", code=2).stderr


def test_the_manifest_says_what_a_run_depended_on(folder: Path) -> None:
    call("run", "study.yaml", "--output", "out")
    info = load_run(folder / "out")
    assert info.info["fingerprint"] == config.fingerprint(config.to_yaml(info.study), {})
    assert info.info["status"] == "finished"
    assert info.info["exit_code"] == 0
    assert info.info["ended"] >= info.info["started"]
    assert {"versions", "commit", "cpu", "threads", "platform", "memory_bytes"} <= set(info.environment)
    events = [json.loads(line)["event"] for line in (folder / "out/log.jsonl").read_text().splitlines()]
    assert events == ["started", "fit started", "fit done", "fit started", "fit done", "finished"]


@pytest.mark.slow
def test_sigterm_is_like_ctrl_c(folder: Path) -> None:
    slow = STUDY.replace("n: 2", "n: 4").replace("max_iterations: 20", "max_iterations: 100000\n    " + ADAM, 1)
    status, stderr = interrupt_first_fit(folder, slow, signal.SIGTERM)
    assert status == 143
    assert stderr == "qml: interrupted: what was done is in out; continue with: qml run out --resume\n"
    info = load_run(folder / "out").info
    assert (info["status"], info["exit_code"]) == ("interrupted", 143)


ADAM = "optimizer: {kind: adam, learning_rate: 1e-7}"
