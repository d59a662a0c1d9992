"""The command: what it prints, what it keeps, and how it fails."""

from __future__ import annotations

import csv
import json
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from helpers.command import STUDY, assert_sentence, call, files_of

import qml
from qml.fitting import FitResult
from qml.states import DensityMatrix
from qml.studies.record import fits
from qml.studies.record.folder import load_run
from qml.studies.record.table import load_table
from qml.studies.run import run
from qml.studies.spec.reference import KINDS

FILES = {
    ".lock",
    "log.jsonl",
    "config.yaml",
    "environment.json",
    "run.json",
    "results.csv",
    "target.npz",
    "history.png",
    "states.png",
    "fits/1-gibbs-model/result.npz",
    "fits/1-gibbs-model/history.csv",
    "fits/1-gibbs-model/parameters.csv",
    "fits/2-circuit-noisy/result.npz",
    "fits/2-circuit-noisy/history.csv",
    "fits/2-circuit-noisy/parameters.csv",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_pictures: None) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path


# run -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    home = tmp_path_factory.mktemp("run")
    (home / "study.yaml").write_text(STUDY)
    return home / "out", call("run", str(home / "study.yaml"), "--output", str(home / "out"))


def test_a_run_prints_its_table_and_keeps_everything(done: tuple[Path, Result]) -> None:
    folder, result = done
    assert result.exit_code == 0, result.output
    for part in ("Two qubits", "Gibbs model: 15 parameters", "fidelity", "floor", "all in nats", f"Kept in {folder}"):
        assert part in result.stdout
    assert result.stderr == ""
    assert files_of(folder) == FILES
    assert json.loads((folder / "run.json").read_text())["status"] == "finished"
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["versions"]["numpy"] == np.__version__
    for png in folder.glob("*.png"):
        assert png.read_bytes().startswith(b"\x89PNG")


def test_the_gibbs_model_learns_the_thermal_state(done: tuple[Path, Result]) -> None:
    rows = load_run(done[0]).rows
    assert abs(rows[0].gap) < 1e-12
    assert rows[0].fidelity > 1 - 1e-6
    assert rows[1].gap > 0


def test_the_folder_reloads_to_the_same_numbers(done: tuple[Path, Result]) -> None:
    folder = done[0]
    loaded = load_run(folder)
    assert loaded.study == run.read(folder / "config.yaml").study
    rho = DensityMatrix.load(folder / "target.npz")
    for row, name in zip(loaded.rows, ("1-gibbs-model", "2-circuit-noisy"), strict=True):
        result = FitResult.load(folder / "fits" / name / "result.npz")
        assert (row.loss, row.floor, row.gap, row.iterations) == (
            result.loss,
            result.floor,
            result.gap,
            result.iterations,
        )
        assert row.fidelity == result.fidelity
        assert row.seconds == result.seconds
        assert row.loss == pytest.approx(float(qml.cross_entropy(rho, result.state)), abs=1e-12)
        with (folder / "fits" / name / "history.csv").open() as file:
            lines = list(csv.DictReader(file))
        assert [float(line["loss"]) for line in lines] == result.history.loss.tolist()
        assert [int(line["iteration"]) for line in lines] == list(range(len(result.history)))


def same_numbers(a: Path, b: Path) -> None:
    for name in ("1-gibbs-model", "2-circuit-noisy"):
        one, two = (FitResult.load(folder / "fits" / name / "result.npz") for folder in (a, b))
        np.testing.assert_array_equal(one.params, two.params)
        np.testing.assert_array_equal(one.history.loss, two.history.loss)
        np.testing.assert_array_equal(one.state.matrix(), two.state.matrix())


def test_the_same_seed_gives_the_same_bits_and_the_resolved_config_too(
    done: tuple[Path, Result], tmp_path: Path, no_pictures: None
) -> None:
    folder = done[0]
    for source, name in ((folder.parent / "study.yaml", "again"), (folder / "config.yaml", "resolved")):
        assert call("run", str(source), "--output", str(tmp_path / name), "--quiet").exit_code == 0
        same_numbers(folder, tmp_path / name)


def test_another_seed_gives_another_run(done: tuple[Path, Result], tmp_path: Path, no_pictures: None) -> None:
    assert (
        call("run", str(done[0].parent / "study.yaml"), "--output", str(tmp_path / "x"), "--seed", "6").exit_code == 0
    )
    found = load_run(tmp_path / "x")
    assert found.study.seed == 6
    one, two = (FitResult.load(path / "fits/2-circuit-noisy/result.npz") for path in (done[0], tmp_path / "x"))
    assert np.abs(one.params - two.params).max() > 1e-3


def test_a_fit_at_the_end_leaves_the_others_as_they_are(done: tuple[Path, Result], folder: Path) -> None:
    (folder / "study.yaml").write_text(
        STUDY + "  - name: more\n    model: {kind: gibbs, generators: {kind: neighbors, n: 2}}\n"
    )
    assert call("run", "study.yaml", "--output", "out", "--quiet").exit_code == 0
    same_numbers(done[0], folder / "out")


def test_runs_are_numbered_and_never_overwritten(folder: Path) -> None:
    (folder / "study.yaml").write_text(STUDY.split("  - name: circuit")[0])
    for number in ("001", "002"):
        result = call("run", "study.yaml", "--quiet")
        assert result.stdout == f"runs/study-{number}\n"
    (folder / "runs" / "study-007").mkdir()
    assert call("run", "study.yaml", "--quiet").stdout == "runs/study-008\n"
    assert_sentence(
        call("run", "study.yaml", "--output", "runs/study-001"), "exists already, and a run never overwrites"
    )
    assert_sentence(call("run", "study.yaml", "--output", "study.yaml/x"), "cannot be written")


def test_a_target_from_a_file_travels_with_the_run(folder: Path) -> None:
    (folder / "data").mkdir()
    DensityMatrix(np.diag([0.7, 0.1, 0.1, 0.1])).save(folder / "data" / "rho.npz")
    study = STUDY.split("  - name: circuit")[0]
    study = (
        study[: study.index("  kind: thermal")] + "  kind: file\n  path: data/rho.npz\n" + study[study.index("fits:") :]
    )
    (folder / "study.yaml").write_text(study)
    assert call("run", "study.yaml", "--output", "a", "--quiet").exit_code == 0
    assert call("run", "a/config.yaml", "--output", "b", "--quiet").exit_code == 0
    assert load_run(folder / "a").rows[0].loss == load_run(folder / "b").rows[0].loss


def test_what_was_held_out_is_reported(folder: Path) -> None:
    target = "target:\n  {kind: dataset, name: iris, test_fraction: 0.3}\n"
    (folder / "study.yaml").write_text(target + STUDY[STUDY.index("fits:") :])
    result = call("run", "study.yaml", "--output", "out")
    assert result.exit_code == 0, result.output
    assert "held out" in result.stdout
    assert "-1.3863 for the maximally mixed" in " ".join(result.stdout.split())
    found = load_run(folder / "out")
    for row in found.rows:
        assert row.test_log_likelihood <= found.info["test"]["best"]
    assert found.rows[0].test_log_likelihood > found.info["test"]["maximally_mixed"]
    assert "held out" in call("show", "out").stdout


def test_noise_that_is_learnt_is_told(folder: Path) -> None:
    (folder / "study.yaml").write_text(
        "target: {kind: ghz, n: 2, through: [{channel: AmplitudeDamping, params: [0.2]}]}\n"
        "fits:\n"
        "  - name: circuit\n"
        "    model:\n"
        "      kind: circuit\n"
        "      ansatz: {kind: hardware_efficient, n: 2, layers: 1}\n"
        "      readout: [{channel: AmplitudeDamping, params: [gamma]}]\n"
    )
    result = call("run", "study.yaml", "--output", "out")
    assert result.exit_code == 0, result.output
    assert "Learnt noise of circuit: gamma = 0.2" in result.stdout
    row = load_run(folder / "out").rows[0]
    assert abs(row.gap) < 1e-9
    name, value = row.learnt_noise.split(" = ")
    assert name == "gamma"
    assert float(value) == pytest.approx(0.2, abs=1e-4)
    with (folder / "out/fits/1-circuit/parameters.csv").open() as file:
        values = {line["name"]: float(line["value"]) for line in csv.DictReader(file)}
    assert values["gamma"] == pytest.approx(0.2, abs=1e-4)
    assert "ry[0,0]" in values


def test_other_losses_are_named_in_the_table(folder: Path) -> None:
    (folder / "study.yaml").write_text(
        STUDY.replace("max_iterations: 5", "max_iterations: 5\n    loss: {kind: infidelity}")
    )
    result = call("run", "study.yaml", "--output", "out")
    assert "infidelity" in result.stdout
    assert "cross_entropy" in result.stdout
    assert "S = -Tr" not in result.stdout


def test_the_relative_entropy_is_not_called_s(folder: Path) -> None:
    """Its floor is zero, not S(rho)."""
    (folder / "study.yaml").write_text(
        STUDY.replace("max_iterations: 5", "max_iterations: 5\n    loss: {kind: relative_entropy}")
    )
    text = call("run", "study.yaml", "--output", "out").stdout
    assert "S = -Tr" not in text
    assert "D(rho||sigma) of relative_entropy" in text


# the other commands ----------------------------------------------------------------------------------------------


def test_validate_builds_everything_and_writes_nothing(folder: Path) -> None:
    result = call("validate", "study.yaml")
    assert result.exit_code == 0
    assert "target thermal: 2 qubits, S(rho) = 1.0" in result.stdout
    assert (
        "fit 'Gibbs model': gibbs model with 15 parameters, cross_entropy by newton, at most 20 iterations"
        in result.stdout
    )
    assert result.stdout.endswith("The study is valid.\n")
    assert files_of(folder) == {"study.yaml"}


def test_show_prints_the_table_from_disk(done: tuple[Path, Result]) -> None:
    result = call("show", str(done[0]))
    assert result.exit_code == 0
    row = load_run(done[0]).rows[0]
    assert f"{row.loss:.6f}" in result.stdout
    assert "Two qubits" in result.stdout
    assert "seed 5, finished, 2 of 2 fits" in result.stdout


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("run.json", "{", "run.json is damaged"),
        ("run.json", "[]", "run.json is damaged (no status)"),
        ("results.csv", "fit,loss\na,b\n", "results.csv was changed or damaged"),
        ("config.yaml", "x: 1\n", "config.yaml, line 1, x: the key 'x' is not known"),
    ],
)
def test_a_damaged_run_is_refused(
    done: tuple[Path, Result], tmp_path: Path, name: str, content: str, sentence: str
) -> None:
    for each in ("run.json", "results.csv", "config.yaml"):
        (tmp_path / each).write_bytes((done[0] / each).read_bytes())
    (tmp_path / name).write_text(content)
    assert_sentence(call("show", str(tmp_path)), sentence)


def test_show_of_a_run_without_results(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fits, "fit", cut_off)
    assert call("run", "study.yaml", "--output", "out").exit_code == 130
    assert "No fit is done" in call("show", "out").stdout


def test_list_names_everything() -> None:
    text = call("list").stdout
    for name in (
        "thermal",
        "dataset",
        "gibbs",
        "purification",
        "neighbors",
        "lbfgs",
        "cross_entropy",
        "AmplitudeDamping",
        "CNOT",
    ):
        assert name in text
    for kind in KINDS:
        part = call("list", kind)
        assert part.exit_code == 0
        assert all(line.strip() in text for line in part.stdout.splitlines())
        assert f"{kind}:" in text
    assert "gamma in [0, 1]" in call("list", "channels").stdout
    assert "memory=10" in call("list", "optimizers").stdout


def test_python_m_qml_is_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["qml", "list", "losses"])
    with pytest.raises(SystemExit, match=r"^0$"):
        runpy.run_module("qml", run_name="__main__")
    assert capsys.readouterr().out == call("list", "losses").stdout


def test_version_and_help() -> None:
    assert call("--version").stdout == f"qml {qml.__version__}\n"
    text = call("--help").stdout
    for command in ("run", "validate", "show", "list"):
        assert f"\n  {command} " in text
    assert not [line for line in text.splitlines()[1:] if line.endswith("...")]  # no summary is cut
    assert "--seed" in call("run", "--help").stdout


def test_a_terminal_gets_a_bar_and_a_table() -> None:
    from io import StringIO

    from rich.console import Console

    from qml.studies.show.output import FitReporter, plain_table, result_table

    out = Console(file=StringIO(), force_terminal=True, width=100, highlight=False, markup=False)
    reporter = FitReporter(out)
    reporter.begin("[b]fit[/b]", 3, 10)
    reporter.stop()
    row = fits.Row(
        "[b]fit[/b]",
        "cross_entropy",
        3,
        float("inf"),
        0.5,
        float("inf"),
        0.0,
        3,
        4,
        1.0,
        float("nan"),
        "",
        True,
        "done",
    )
    reporter.end(row)
    out.print(plain_table(result_table([row])))
    text = out.file.getvalue()  # type: ignore[attr-defined]
    assert "[b]fit[/b]: gap inf after 3 iterations" in text
    assert "held out" not in text


def test_a_fit_that_stays_infinite_is_told_as_such(folder: Path) -> None:
    study = STUDY.replace(
        "kind: thermal\n  hamiltonian: {kind: tfim, n: 2}\n  beta: 0.5", "kind: maximally_mixed\n  n: 2"
    )
    study = study.replace("ancillas: 2, layers: 1", "ancillas: 0, layers: 1").replace("params: [0.01]", "params: [0.0]")
    (folder / "study.yaml").write_text(study)
    result = call("run", "study.yaml", "--output", "out")
    assert result.exit_code == 0, result.output
    rows = load_run(folder / "out").rows
    assert rows[1].loss == float("inf")
    assert "support" in rows[1].status


# the studies of the project --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "experiments").glob("*.yaml")), ids=lambda p: p.stem
)
def test_the_studies_of_the_project_learn_their_targets(path: Path, tmp_path: Path, coarse_pictures: None) -> None:
    result = call("run", str(path), "--output", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    found = load_run(tmp_path / "out")
    columns = load_table(found)
    best = columns["gap"].index(min(columns["gap"]))
    if found.study.target.kind in ("hamiltonian", "thermal_chain"):
        assert columns["gap"][best] < 1e-6  # of an energy, above the ground state; a long chain has no fidelity
    else:
        assert columns["fidelity"][best] > 0.98
    if "test" in found.info:
        learnt = columns["test_log_likelihood"][best]
        assert found.info["test"]["maximally_mixed"] < learnt <= found.info["test"]["best"]
