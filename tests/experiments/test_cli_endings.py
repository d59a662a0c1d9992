"""The command where it fails or is interrupted: one sentence, and what was done is kept."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from helpers.command import STUDY, assert_sentence, call, files_of, interrupt_first_fit

from qml.fitting import FitResult
from qml.studies.record import fits
from qml.studies.record.folder import load_run

HINT = "qml: interrupted: what was done is in out; continue with: qml run out --resume\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_pictures: None) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path


# mistakes --------------------------------------------------------------------------------------------------------


def test_a_mistake_is_one_sentence_and_leaves_no_file(folder: Path) -> None:
    (folder / "study.yaml").write_text(STUDY.replace("beta: 0.5", "betta: 0.5"))
    for command in ("run", "validate"):
        result = call(command, "study.yaml")
        assert_sentence(result, "study.yaml, line 6, target.betta", "did you mean 'beta'?")
    (folder / "study.yaml").write_text(STUDY.replace("kind: neighbors, n: 2", "kind: neighbors, n: 3"))
    assert_sentence(call("run", "study.yaml"), "fits[0].model: the model has 3 qubits, the target 2 qubits.")
    (folder / "study.yaml").write_text("a: [")
    assert_sentence(call("run", "study.yaml"), "this is not valid YAML")
    assert_sentence(call("run", "nowhere.yaml"), "there is no file nowhere.yaml")
    assert_sentence(call("run", "study.yaml", "--seed", "-3"), "-3")
    assert_sentence(call("run", "study.yaml", "--sed", "3"), "--sed")
    assert_sentence(call("run"), "STUDY")
    assert_sentence(call("rum", "study.yaml"), "rum")
    assert_sentence(call("list", "target"), "targets")
    assert_sentence(call("show", "."), ". is not the folder of a run: it has no run.json")
    assert files_of(folder) == {"study.yaml"}
    assert not (folder / "runs").exists()


def test_what_does_not_fit_in_memory_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qml._checks.ALWAYS_FITS", 0)
    monkeypatch.setattr("qml._checks.available_memory", lambda: 10)
    result = call("run", "study.yaml")
    assert_sentence(result, "study.yaml, line", "are free")
    assert files_of(folder) == {"study.yaml"}


def test_a_bug_shows_its_traceback_and_marks_the_run_failed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(fits, "fit", broken)
    result = call("run", "study.yaml", "--output", "out")
    assert result.exit_code == 1
    assert isinstance(result.exception, ValueError)
    assert load_run(folder / "out").info["status"] == "failed"


def test_a_full_disk_keeps_what_was_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: FitResult, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FitResult, "save", full)
    result = call("run", "study.yaml", "--output", "out")
    assert result.exit_code == 2
    assert "result.npz cannot be written: No space left on device; what was written before is kept" in result.stderr
    assert "config.yaml" in files_of(folder / "out")
    assert not [name for name in files_of(folder / "out") if "result.npz" in name]


# interruption ----------------------------------------------------------------------------------------------------


def test_ctrl_c_between_fits_keeps_what_is_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = fits.fit, []

    def second_is_cut_off(*arguments: Any, **keywords: Any) -> FitResult:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **keywords)

    monkeypatch.setattr(fits, "fit", second_is_cut_off)
    result = call("run", "study.yaml", "--output", "out")
    assert result.exit_code == 130
    assert result.stderr == HINT
    found = load_run(folder / "out")
    assert found.info["status"] == "interrupted"
    assert [row.fit for row in found.rows] == ["Gibbs model"]
    shown = call("show", "out").stdout
    assert "interrupted, 1 of 2 fits" in shown


@pytest.mark.slow
def test_ctrl_c_in_a_real_process_keeps_the_best_so_far(folder: Path) -> None:
    slow = STUDY.replace(
        "max_iterations: 20", "max_iterations: 1000000\n    optimizer: {kind: adam, learning_rate: 1e-7}"
    )
    status, stderr = interrupt_first_fit(folder, slow, signal.SIGINT)
    assert status == 130
    assert stderr == HINT
    found = load_run(folder / "out")
    assert found.info["status"] == "interrupted"
    assert [row.fit for row in found.rows] == ["Gibbs model"]
    assert (folder / "out" / "fits" / "1-gibbs-model" / "result.npz").is_file()
    assert (folder / "out" / "history.png").is_file()


def test_the_way_to_go_on_can_be_pasted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(*_: Any, **__: Any) -> FitResult:
        raise KeyboardInterrupt

    monkeypatch.setattr(fits, "fit", cut_off)
    result = call("run", "study.yaml", "--output", "two words")
    assert result.stderr.endswith("; continue with: qml run 'two words' --resume\n")


# options that would be ignored ----------------------------------------------------------------------------------


def test_without_a_command_the_help_is_shown_as_it_is() -> None:
    result = call()
    assert (result.exit_code, result.stderr) == (2, "")
    assert result.stdout == call("--help").stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["study.yaml", "--dry-run", "--workers", "2"], "this study has no sweep: leave out --workers"),
        (["study.yaml", "--dry-run", "--scheduler", "local"], "this study has no sweep: leave out --workers"),
        (["there", "--dry-run"], "there is a folder: add --resume"),
        (["there", "--resume", "--output", "elsewhere"], "the run in there is continued there: leave out --output"),
        (["principle.yaml", "--checkpoint-seconds", "0"], "a study of the principle takes --output, --seed, --quiet"),
    ],
)
def test_an_option_without_a_meaning_is_refused(folder: Path, arguments: list[str], sentence: str) -> None:
    (folder / "there").mkdir()
    (folder / "principle.yaml").write_text("statements: [1]\npairs: 1\n")
    assert_sentence(call("run", *arguments), sentence)
    assert files_of(folder) == {"study.yaml", "principle.yaml"}
