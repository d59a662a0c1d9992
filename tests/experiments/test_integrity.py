"""Runs that were tampered with, or are continued with other data: what differs is told, and nothing is mixed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from qml._checks import InputError
from qml.fitting import provenance
from qml.measurement import Counts, PauliMeasurement
from qml.states import DensityMatrix
from qml.studies.cli import main
from qml.studies.files import digest
from qml.studies.record.folder import load_run
from qml.studies.record.table import load_table
from qml.studies.run import run

FITS = "fits:\n  - {name: one, model: {kind: gibbs, generators: {kind: neighbors, n: 2}}, max_iterations: 3}\n"
STUDY = "target: {kind: thermal, hamiltonian: {kind: tfim, n: 2}, beta: 0.5}\n" + FITS
SWEEP = STUDY + "sweep: {grid: {target.beta: [0.5, 1.0, 2.0]}}\n"


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither figures nor git, which take longer than everything else."""
    monkeypatch.setattr(run, "_draw", lambda *_: None)
    monkeypatch.setattr(provenance, "commit", lambda: None)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    quick(monkeypatch)
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return tmp_path


def call(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == code, (result.output, result.exception)
    assert result.stderr.count("\n") == (code != 0), result.stderr
    return result


def state_file(path: Path, weight: float) -> None:
    path.parent.mkdir(exist_ok=True)
    DensityMatrix(np.diag([weight, 1 - weight, 0.0, 0.0])).save(path)


# the study and its files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["study", "sweep"])
def test_a_run_whose_config_was_changed_is_not_continued(folder: Path, name: str) -> None:
    workers = ["--workers", "1"] if name == "sweep" else []
    call("run", f"{name}.yaml", "--output", "out", *workers)
    config = folder / "out" / "config.yaml"
    before = config.read_text()
    config.write_text(f"# a note\n{before}")  # says the same
    call("show", "out")
    config.write_text(before.replace("max_iterations: 3", "max_iterations: 4"))
    told = "out/config.yaml is not the study that was run: fits[0].max_iterations was 3 when the run began and is 4 now"
    for arguments in (["run", "out", "--resume"], ["show", "out"], ["table", "out"], ["report", "out"]):
        assert told in call(*arguments, code=2).stderr
    config.write_text(before)
    call("run", "out", "--resume", *workers)


@pytest.mark.parametrize("sweep", [False, True])
def test_a_run_whose_data_changed_is_not_continued(folder: Path, sweep: bool) -> None:
    target = "target: {kind: file, path: data/rho.npz}\n"
    more = "sweep: {grid: {fit.max_iterations: [1, 2]}}\n" if sweep else ""
    (folder / "study.yaml").write_text(target + FITS + more)
    state_file(folder / "data" / "rho.npz", 0.25)
    workers = ["--workers", "1"] if sweep else []
    call("run", "study.yaml", *workers)
    out = "runs/study-001"
    for resumed in ("study.yaml", out):
        call("run", resumed, "--resume", *workers)
    state_file(folder / "data" / "rho.npz", 0.75)
    changed = "the file 'data/rho.npz' has changed since the run began"
    assert changed in call("run", "study.yaml", "--resume", "--output", out, code=2).stderr
    assert f"in the last one, {out}, {changed}" in call("run", "study.yaml", "--resume", code=2).stderr
    call("run", out, "--resume", *workers)  # by its own copy
    state_file(folder / out / "inputs" / "data" / "rho.npz", 0.75)
    assert changed in call("run", out, "--resume", code=2).stderr


def test_the_fingerprint_holds_the_study_and_its_files(folder: Path) -> None:
    (folder / "study.yaml").write_text("target: {kind: file, path: rho.npz}\n" + FITS)
    prints = []
    for weight in (0.25, 0.75, 0.25):
        state_file(folder / "rho.npz", weight)
        call("run", "study.yaml", "--output", f"out{len(prints)}")
        info = load_run(folder / f"out{len(prints)}").info
        assert info["inputs"] == {"rho.npz": digest(folder / "rho.npz")}
        prints.append(info["fingerprint"])
    assert prints[0] == prints[2] != prints[1]


@pytest.mark.parametrize("sweep", [False, True])
def test_what_a_fit_is_validated_on_may_be_a_file_and_belongs_to_the_study(folder: Path, sweep: bool) -> None:
    record = Counts(PauliMeasurement(2), np.full((9, 4), 25))
    record.write_csv(folder / "held.csv")
    held = "max_iterations: 30, loss: {kind: negative_log_likelihood}, validation: {kind: counts, file: held.csv}"
    target = "target: {kind: counts, of: {kind: ghz, n: 2}, measurement: {kind: pauli}, shots: 50}\n"
    more = "sweep: {grid: {target.shots: [20, 50]}}\n" if sweep else ""
    (folder / "study.yaml").write_text(target + FITS.replace("max_iterations: 3", held) + more)
    workers = ["--workers", "1"] if sweep else []
    call("run", "study.yaml", *workers, "--output", "out")
    assert load_run(folder / "out").info["inputs"] == {"held.csv": digest(folder / "held.csv")}
    call("run", "out/config.yaml", *workers, "--output", "again")
    assert load_table(load_run(folder / "out"))["loss"] == load_table(load_run(folder / "again"))["loss"]
    assert load_table(load_run(folder / "out"))["loss"][-1] > 1.2  # it ends early, near what was held out: white noise
    Counts(PauliMeasurement(2), np.full((9, 4), 24)).write_csv(folder / "held.csv")
    changed = "the file 'held.csv' has changed since the run began"
    assert changed in call("run", "study.yaml", "--resume", "--output", "out", code=2).stderr


@pytest.mark.parametrize("name", ["results.csv", "run.json", "environment.json", "config.yaml", "./x/../target.npz"])
def test_data_files_may_be_called_like_those_of_the_run(folder: Path, name: str) -> None:
    (folder / "data").mkdir()
    record = [["setting", "outcome", "count"], *([[s, o, 5] for s in ("XX", "ZZ") for o in ("00", "11")])]
    text = "\n".join(",".join(map(str, row)) for row in record) + "\n"
    if name == "results.csv":
        (folder / name).write_text(text)
        target = f"target: {{kind: counts, file: {name}}}\n"
    else:
        state_file(folder / os.path.normpath(name), 0.25)
        target = f"target: {{kind: file, path: {name}}}\n"
    (folder / "study.yaml").write_text(target + FITS)
    call("run", "study.yaml", "--output", "a")
    call("show", "a")
    for again in ("a/config.yaml", "b/config.yaml"):  # the copy is all that is needed, also for a copy of the copy
        call("run", again, "--output", chr(ord(again[0]) + 1))
    losses = [load_run(folder / run).rows[0].loss for run in "abc"]
    assert losses[0] == losses[1] == losses[2]
    call("run", "c", "--resume")


def test_a_linked_data_file_travels_under_its_own_name(folder: Path) -> None:
    state_file(folder / "data" / "rho.npz", 0.25)
    (folder / "link.npz").symlink_to("data/rho.npz")
    (folder / "study.yaml").write_text("target: {kind: file, path: link.npz}\n" + FITS)
    call("run", "study.yaml", "--output", "a")
    assert not (folder / "a" / "inputs" / "link.npz").is_symlink()
    call("run", "a/config.yaml", "--output", "b")
    (folder / "study.yaml").write_text(f"target: {{kind: file, path: {folder / 'link.npz'}}}\n" + FITS)
    assert "found the absolute path" in call("run", "study.yaml", "--output", "c", code=2).stderr


# what was written ------------------------------------------------------------------------------------------------


def test_results_are_checked_when_they_are_read(folder: Path) -> None:
    call("run", "study.yaml", "--output", "whole")
    loss = repr(load_run(folder / "whole").rows[0].loss)
    text = (folder / "whole" / "results.csv").read_text()
    damages = {
        "results.csv": [text.replace(loss, loss[:-1] + str((int(loss[-1]) + 1) % 10)), "", text.splitlines()[0], None],
        "environment.json": ["{}", None],
    }
    for name, contents in damages.items():
        for content in contents:
            shutil.copytree(folder / "whole", folder / "out")
            if content is None:
                (folder / "out" / name).unlink()
            else:
                (folder / "out" / name).write_text(content)
            told = "is missing" if content is None else "was changed or damaged"
            for arguments in (
                ["show", "out"],
                ["table", "out"],
                ["run", "out", "--resume"],
                ["compare", "out", "whole"],
            ):
                assert f"out/{name} {told} since the run wrote it" in call(*arguments, code=2).stderr
            shutil.rmtree(folder / "out")
    result = folder / "whole" / "fits" / "1-one" / "result.npz"
    call("run", "study.yaml", "fits[0].max_iterations=1", "--output", "other")
    shutil.copyfile(folder / "other" / "fits" / "1-one" / "result.npz", result)
    for arguments in (["run", "whole", "--resume"], ["reproduce", "whole"]):
        assert "result.npz was changed or damaged" in call(*arguments, code=2).stderr


def test_a_sweep_is_checked_when_it_is_read_and_mended_when_it_is_continued(folder: Path) -> None:
    call("run", "sweep.yaml", "--output", "out", "--workers", "1")
    table, journal = folder / "out" / "table.csv", folder / "out" / "points.journal"
    whole, lines = table.read_text(), journal.read_bytes()
    table.write_text(whole.replace("0.5", "0.6", 1))
    for command in ("show", "table", "report"):
        refused = call(command, "out", code=2)
        assert refused.stdout == ""
        assert "out/table.csv was changed or damaged" in refused.stderr
        assert "qml run out --resume writes it again" in refused.stderr
    call("run", "out", "--resume", "--workers", "1")
    assert table.read_text() == whole
    for kept in (2, 0):
        journal.write_bytes(b"".join(lines.splitlines(keepends=True)[:kept]))
        for command in ("show", "table", "report"):
            assert f"out/points.journal holds {kept} entries of 3" in call(command, "out", code=2).stderr
        text = call("run", "out", "--resume", "--workers", "1").stdout
        assert f"points.journal has lost {3 - kept} entr" in text
        assert table.read_text() == whole
        call("show", "out")


@pytest.mark.slow
def test_a_run_that_was_killed_at_any_write_looks_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each file that a run puts in its place, its folder is copied, as a kill would leave it, and continued."""
    (folder / "study.yaml").write_text(STUDY + FITS.replace("fits:\n", "").replace("one", "two"))
    copies: list[Path] = []
    replace = Path.replace

    def then_copied(self: Path, target: Path) -> Path:
        found = replace(self, target)
        if "out" in Path(target).parts:
            copies.append(folder / f"copy{len(copies)}")
            shutil.copytree(folder / "out", copies[-1])
        return found

    monkeypatch.setattr(Path, "replace", then_copied)
    call("run", "study.yaml", "--output", "out", "--threads", "1")
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    quick(monkeypatch)
    assert len(copies) > 15
    for copy in copies:
        if (copy / "run.json").exists():
            call("run", copy.name, "--resume")
        else:
            assert (
                "leave out --resume to start it"
                in call("run", "study.yaml", "--resume", "--output", copy.name, code=2).stderr
            )
            call("run", "study.yaml", "--output", copy.name, "--threads", "1")
        text = call("compare", copy.name, "out").stdout
        assert text.startswith("2 of 2 fits are identical to the bit.")


def test_a_checkpoint_that_a_kill_has_left_is_removed_at_the_next_look(folder: Path) -> None:
    call("run", "study.yaml", "--output", "out")
    left = [folder / "out" / "fits" / "1-one" / f"checkpoint.npz{ending}" for ending in ("", ".previous")]
    for path in left:
        path.write_bytes(b"of a fit that is done")
    assert "one: done already" in call("run", "out", "--resume").stdout
    assert not any(path.exists() for path in left)


def test_a_file_of_a_run_that_cannot_be_read_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "run.json").write_text("{}")
    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(InputError, match=r"run\.json cannot be read: Permission denied\.$"):
        load_run(tmp_path)


def test_a_fingerprint_that_is_not_that_of_the_study_is_damage(folder: Path) -> None:
    call("run", "study.yaml", "--output", "out")
    path = folder / "out" / "run.json"
    info = json.loads(path.read_text())
    path.write_text(json.dumps({**info, "study": info["study"].replace("beta: 0.5", "beta: 0.6")}))
    assert "run.json is damaged (its fingerprint is not that of its study)" in call("show", "out", code=2).stderr


# what has no place in a run ---------------------------------------------------------------------------------------


def test_a_folder_with_something_else_in_it_is_not_overwritten(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "notes.txt").write_text("mine")
    assert "exists already, and a run never overwrites" in call("run", "study.yaml", "--output", "mine", code=2).stderr
    assert (folder / "mine" / "notes.txt").read_text() == "mine"
    (folder / "empty").mkdir()
    call("run", "study.yaml", "--output", "empty")


@pytest.mark.parametrize("name", ["results.csv", "environment.json", "run.json", "config.yaml", "log.jsonl", "fits/x"])
def test_pipes_and_devices_in_a_run_are_refused(folder: Path, name: str) -> None:
    call("run", "study.yaml", "--output", "out")
    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        path = folder / "out" / name
        path.unlink(missing_ok=True)
        make(path)
        for arguments in (["show", "out"], ["run", "out", "--resume"]):
            call(*arguments, code=2)


def test_pipes_and_devices_are_refused_as_inputs(folder: Path) -> None:
    os.mkfifo(folder / "pipe.npz")
    (folder / "zero.csv").symlink_to("/dev/zero")
    for target in ("{kind: file, path: pipe.npz}", "{kind: counts, file: pipe.npz}"):
        (folder / "study.yaml").write_text(f"target: {target}\n{FITS}")
        assert "is no file, but a folder, a pipe or a device" in call("run", "study.yaml", code=2).stderr
    os.mkfifo(folder / "pipe.yaml")
    call("run", "pipe.yaml", code=2)
    (folder / "extends.yaml").write_text("extends: pipe.yaml\n")
    call("run", "extends.yaml", code=2)


def test_json_nested_without_end_and_huge_cells_are_told(folder: Path) -> None:
    call("run", "study.yaml", "--output", "out")
    info = (folder / "out" / "run.json").read_text()
    (folder / "out" / "run.json").write_text("[" * 100_000)
    assert "run.json is damaged" in call("show", "out", code=2).stderr
    (folder / "out" / "run.json").write_text(info)
    (folder / "out" / "results.csv").write_text("x" * 1_000_000)
    assert "results.csv was changed" in call("show", "out", code=2).stderr
    (folder / "t.csv").write_text("label,x\na,1\nb," + "1" * 1_000_000 + "\n")
    target = "target: {kind: labelled, data: {kind: table, path: t.csv}}\n"
    (folder / "study.yaml").write_text(target + FITS)
    assert "is no CSV text" in call("run", "study.yaml", code=2).stderr


def test_an_inverse_temperature_beyond_all_numbers_is_no_crash(folder: Path) -> None:
    (folder / "study.yaml").write_text(STUDY.replace("0.5", "1e308"))
    assert "study.yaml, line 1, target: " in call("run", "study.yaml", "--output", "out", code=2).stderr
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    "dims", [np.array([np.nan]), np.array(["four"]), np.array([4.5]), np.array([[4]]), np.array(-4)]
)
def test_dims_of_a_file_that_are_none_are_told(folder: Path, dims: np.ndarray) -> None:
    np.savez(folder / "rho.npz", matrix=np.eye(4) / 4, dims=dims)
    (folder / "study.yaml").write_text("target: {kind: file, path: rho.npz}\n" + FITS)
    assert "target: " in call("run", "study.yaml", code=2).stderr


def test_a_target_without_an_entropy_is_told_before_anything_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qml.studies.spec.build.von_neumann_entropy", lambda _: float("nan"))
    assert "target: its entropy is not a number" in call("run", "study.yaml", "--output", "out", code=2).stderr
    assert sorted(os.listdir(folder)) == ["study.yaml", "sweep.yaml"]
