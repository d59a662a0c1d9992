"""What a run says where nobody reads it, where letters are missing, where text is meant to harm, and at a Ctrl-C that
comes early."""

from __future__ import annotations

import contextlib
import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner
from rich.cells import cell_len

import qml
from qml.studies.cli import main
from qml.studies.files import write_whole
from qml.studies.record.cells import to_csv
from qml.studies.record.folder import load_run
from qml.studies.run import run as experiments_run
from qml.studies.show import drawing
from qml.studies.show.output import console, plain_table, span
from qml.studies.show.terminal import visible

FITS = "fits:\n  - {name: one, model: {kind: gibbs, generators: {kind: neighbors, n: 2}}, max_iterations: 3}\n"
STUDY = "target: {kind: thermal, hamiltonian: {kind: tfim, n: 2}, beta: 0.5}\n" + FITS


def started(folder: Path, *arguments: str, **how: Any) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(qml.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    environment |= how.pop("environment", {})
    command = [sys.executable, "-m", "qml.studies.cli", *arguments]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, env=environment, **how)


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["run", str(folder / "study.yaml"), "--output", str(folder / "out"), *arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout


# text ------------------------------------------------------------------------------------------------------------


def test_a_title_that_is_no_mathematics_is_drawn_as_it_was_typed(tmp_path: Path, coarse_pictures: None) -> None:
    title, name = r"Learning $\ket{GHZ}$", r"$\frac$"
    (tmp_path / "study.yaml").write_text(f"title: {title}\n{STUDY.replace('name: one', f'name: {name}')}")
    text = " ".join(run(tmp_path).split())
    for each in (title, name):
        assert f"{each!r} is not what Matplotlib reads as mathematics: it is drawn as it was typed." in text
    for figure in ("history.png", "states.png"):
        assert (tmp_path / "out" / figure).read_bytes().startswith(b"\x89PNG")


def test_names_of_a_sweep_that_are_no_mathematics_are_drawn_as_they_were_typed(tmp_path: Path) -> None:
    study = STUDY.replace("name: one", r"name: '$\bra{0}$'") + "sweep: {grid: {target.beta: [0.5, 1.0]}}\n"
    (tmp_path / "study.yaml").write_text(study)
    run(tmp_path, "--workers", "1")
    for command in (["plot", str(tmp_path / "out")], ["report", str(tmp_path / "out")]):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "report.html").read_text().count("data:image/png") >= 1


def test_a_figure_that_fails_is_told_and_the_run_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("no backend\nof this name")

    monkeypatch.setattr(drawing, "_history", broken)
    (tmp_path / "study.yaml").write_text(STUDY)
    assert "history.png was not drawn: RuntimeError: no backend of this name\n" in run(tmp_path)
    assert load_run(tmp_path / "out").info["status"] == "finished"
    assert (tmp_path / "out" / "states.png").exists()


def test_a_title_without_end_is_cut_in_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    titles = []

    def save(figure: Any, path: Path) -> list[str]:
        titles.append(figure.get_suptitle())
        path.write_bytes(b"")
        return []

    monkeypatch.setattr(drawing, "save", save)
    (tmp_path / "study.yaml").write_text(f"title: {'long ' * 1_000}\n{STUDY}")
    run(tmp_path, "--quiet")
    assert 0 < len(titles[0]) <= 200


def test_a_plot_that_fails_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "study.yaml").write_text(STUDY + "sweep: {grid: {target.beta: [0.5, 1.0]}}\n")
    run(tmp_path, "--workers", "1", "--quiet")

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no LaTeX\nhere")

    for name in ("qml.plotting.files.plain_where_it_fails", "qml.plotting.sweeps.draw"):
        monkeypatch.setattr(name, broken)
        result = CliRunner().invoke(main, ["plot", str(tmp_path / "out")])
        assert (result.exit_code, result.stderr) == (2, "qml: the figure was not drawn: RuntimeError: no LaTeX here\n")
        result = CliRunner().invoke(main, ["report", str(tmp_path / "out")])
        assert result.exit_code == 0
        assert "loss was not drawn: RuntimeError: no LaTeX here" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.slow
def test_a_backend_that_is_not_there_ends_no_run(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(STUDY + "sweep: {grid: {target.beta: [0.5, 1.0]}}\n")
    lacking = {"MPLBACKEND": "module://nowhere"}
    for arguments in (["run", "study.yaml", "--output", "out", "--workers", "1"], ["report", "out"]):
        process = started(tmp_path, *arguments, stdout=subprocess.PIPE, environment=lacking)
        _, stderr = process.communicate(timeout=600)
        assert (process.returncode, stderr) == (0, b"")
    (tmp_path / "study.yaml").write_text(STUDY)
    process = started(tmp_path, "run", "study.yaml", stdout=subprocess.PIPE, environment={"MPLBACKEND": "nonsense"})
    _, stderr = process.communicate(timeout=600)
    assert (process.returncode, stderr) == (0, b"")


def test_escape_sequences_reach_no_terminal(tmp_path: Path, no_pictures: None) -> None:
    title = r'"\e[31mred \e]0;owned\a \b\r\x9b31m ok"'
    (tmp_path / "study.yaml").write_text(f"title: {title}\n{STUDY}")
    text = run(tmp_path)
    text += CliRunner().invoke(main, ["show", str(tmp_path / "out")]).stdout
    assert text.count(r"\x1b[31mred \x1b]0;owned\x07 \x08\r\x9b31m ok") == 2
    assert not set(text) & set("\x1b\x07\x08\r\x9b")
    found = CliRunner().invoke(main, ["run", str(tmp_path / "study.yaml"), "target.beta=\x1b[2J"])
    assert found.exit_code == 2
    assert "\x1b" not in found.stderr


def test_visible_text_keeps_letters_lines_and_tabs() -> None:
    assert visible("aé→\n\t ρ̂") == "aé→\n\t ρ̂"
    assert visible("\x00\x1b\x7f\x9b\u2028\ud800") == r"\x00\x1b\x7f\x9b\u2028\ud800"


@pytest.mark.parametrize("width", [40, 80])
def test_a_table_that_is_wider_than_the_terminal_shows_every_name_and_number(width: int) -> None:
    names = ["any state", "damping and dephasing", "\u6d4b\u91cf"]
    row = {"fit": names, "loss of": ["free_energy"] * 3, "loss": ["1.229911", "12.230363", "inf"]}
    numbers = {head: ["1.62e+00", "-2.41e+00", "nan"] for head in ("gap", "measuring", "bias", "D")}
    text = plain_table(row | numbers, width=width)
    assert max(map(cell_len, text.splitlines())) <= width
    blocks = [block.splitlines() for block in text.split("\n\n")]
    for block in blocks:
        assert [line.startswith(name) for line, name in zip(block, ["fit", *names], strict=True)] == [True] * 4
    shown = [word for block in blocks for line in block for word in line.split()]
    for word in (*row["loss"], *numbers["gap"] * 4, *numbers):
        assert word in shown
    assert shown.count("-2.41e+00") == 4
    assert plain_table(row | numbers).count("\n") == 3


def test_no_line_is_broken_where_nobody_sees_it(capsys: pytest.CaptureFixture[str]) -> None:
    console().print("word " * 100)
    assert capsys.readouterr().out == "word " * 100 + "\n"


def test_a_run_that_was_started_without_standard_streams_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_pictures: None
) -> None:
    (tmp_path / "study.yaml").write_text(STUDY)
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(SystemExit) as stopped:
        main(["run", str(tmp_path / "study.yaml"), "--output", str(tmp_path / "out")])
    assert stopped.value.code == 0
    assert load_run(tmp_path / "out").info["status"] == "finished"


def test_lengths_of_time_are_plain_numbers() -> None:
    found = [span(s) for s in (0.0, 0.00852, 0.0996, 0.1834, 0.99996, 1.0, 75.0, 1234.0, 7200.0, 3600 * 150.0)]
    assert found == ["0 ms", "8.5 ms", "100 ms", "180 ms", "1000 ms", "1 s", "75 s", "21 min", "2 h", "150 h"]


def test_text_never_enters_a_table_as_a_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiments_run, "_draw", lambda *_: None)
    names = ["=1+1", "+x", "-x", "@x", "'=1", "'x", "''", "x=1"]
    head, fit = STUDY.replace("max_iterations: 3", "max_iterations: 1").split("fits:\n")
    (tmp_path / "study.yaml").write_text(head + "fits:\n" + "".join(fit.replace("one", f'"{name}"') for name in names))
    run(tmp_path, "--quiet")
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["fit"] for line in lines] == [*(f"'{name}" for name in names[:-1]), "x=1"]
    assert all(float(line["loss"]) > 0 for line in lines)
    assert [row.fit for row in load_run(tmp_path / "out").rows] == names
    again = CliRunner().invoke(main, ["run", str(tmp_path / "out"), "--resume"])
    assert all(f"{name}: done already" in again.stdout for name in names)


def test_numbers_in_tables_stay_numbers() -> None:
    assert to_csv(["a", "-b"], [[-0.5, -3], ["-0.5", None]]) == "a,'-b\n-0.5,-3\n'-0.5,\n"


# streams ---------------------------------------------------------------------------------------------------------


def test_what_prints_goes_on_where_nobody_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as lost:
        monkeypatch.setattr(sys, "stdout", lost)
        out = console(lasting=True)
        for _ in range(3):
            out.print("x" * 100)
        assert capsys.readouterr().err == "qml: standard output is closed: the run goes on without it.\n"
        monkeypatch.undo()


def test_two_processes_may_write_one_file_and_what_a_killed_one_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, own = tmp_path / "report.html", os.getpid()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / f".part-{gone.pid}-report.html").write_text("half")
    (tmp_path / f".part-{gone.pid}-other.html").write_text("half")

    def slowly(target: Path) -> None:
        target.write_text("the first")
        monkeypatch.setattr(os, "getpid", lambda: os.getppid())
        write_whole(path, lambda other: other.write_text("the second"))
        monkeypatch.setattr(os, "getpid", lambda: own)
        assert path.read_text() == "the second"

    write_whole(path, slowly)
    assert path.read_text() == "the first"
    assert sorted(os.listdir(tmp_path)) == [f".part-{gone.pid}-other.html", "report.html"]


@pytest.mark.slow
def test_a_run_whose_reader_went_away_is_finished_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(STUDY)
    reader, writer = os.pipe()
    process = started(tmp_path, "run", "study.yaml", "--output", "out", stdout=writer)
    os.close(writer)
    os.close(reader)
    _, stderr = process.communicate(timeout=600)
    assert stderr.decode() == "qml: standard output is closed: the run goes on without it.\n"
    assert process.returncode == 0
    assert load_run(tmp_path / "out").info["status"] == "finished"
    reader, writer = os.pipe()
    os.close(reader)
    process = started(tmp_path, "table", "out", stdout=writer)
    os.close(writer)
    _, stderr = process.communicate(timeout=600)
    assert (process.returncode, stderr) == (141, b"")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is full")
def test_a_standard_output_that_is_full_is_named(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(STUDY)
    told = {
        "run": (0, "standard output cannot be written (No space left on device): the run goes on without it."),
        "validate": (2, "standard output cannot be written: No space left on device."),
        "show": (2, "standard output cannot be written: No space left on device."),
    }
    for command, (code, sentence) in told.items():
        with open("/dev/full", "wb") as full:
            options = (
                ["out"] if command == "show" else ["study.yaml", *(["--output", "out"] if command == "run" else [])]
            )
            process = started(tmp_path, command, *options, stdout=full)
            _, stderr = process.communicate(timeout=600)
        assert (process.returncode, stderr.decode()) == (code, f"qml: {sentence}\n")


@pytest.mark.slow
def test_letters_that_a_terminal_lacks_are_written_as_escapes(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("title: Lernen é → ρ\n" + STUDY, encoding="utf-8")
    latin = {"PYTHONIOENCODING": "latin-1"}
    for arguments in (["run", "study.yaml", "--output", "out"], ["show", "out"]):
        process = started(tmp_path, *arguments, stdout=subprocess.PIPE, environment=latin)
        stdout, stderr = process.communicate(timeout=600)
        assert (process.returncode, stderr) == (0, b"")
        assert stdout.startswith(b"Lernen \xe9 \\u2192 \\u03c1\n")


# Ctrl-C ----------------------------------------------------------------------------------------------------------


def importing(children: list[psutil.Process]) -> bool:
    """Whether one of these processes has begun to import NumPy."""
    found = False
    for child in children:
        with contextlib.suppress(psutil.Error):
            found |= any("multiarray" in each.path for each in child.memory_maps())
    return found


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="maps of other processes are read")
@pytest.mark.parametrize("when", ["tracked", "forking", "importing", "working"])
def test_an_early_ctrl_c_of_a_parallel_sweep_is_one_sentence(tmp_path: Path, when: str) -> None:
    """As soon as the sweep has one further process, two, the second one imports, or there is a third, a worker."""
    grid = "sweep: {grid: {target.beta: {low: 0.1, high: 2, count: 5000}}}\n"
    (tmp_path / "study.yaml").write_text(STUDY + grid)
    arguments = ["run", "study.yaml", "--workers", "2", "--output", "out", "--quiet"]
    process = started(tmp_path, *arguments, stdout=subprocess.PIPE, start_new_session=True)
    sweep, end, journal = psutil.Process(process.pid), time.monotonic() + 600, tmp_path / "out" / "points.journal"
    least = {"tracked": 1, "forking": 2, "importing": 2, "working": 3}[when]
    while (
        not journal.exists()
        or len(children := sweep.children(recursive=True)) < least
        or (when == "importing" and not importing(children))
    ):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=600)
    assert stderr.decode() == "qml: interrupted: what was done is in out; continue with: qml run out --resume\n"
    assert process.returncode == 130


@pytest.mark.slow
def test_two_reports_at_once_do_not_collide(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(STUDY)
    run(tmp_path, "--quiet")
    both = [started(tmp_path, "report", "out", stdout=subprocess.PIPE) for _ in range(2)]
    for process in both:
        _, stderr = process.communicate(timeout=600)
        assert (process.returncode, stderr) == (0, b"")
    assert sorted(path.name for path in (tmp_path / "out").glob("*report*")) == ["report.html"]


@pytest.mark.slow
def test_the_figure_of_a_run_without_a_sweep_is_drawn_anew_as_vectors(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(f"title: A title\n{STUDY}")
    run(tmp_path, "--quiet")
    out, drawn = str(tmp_path / "out"), tmp_path / "loss.svg"
    result = CliRunner().invoke(main, ["plot", out, "--output", str(drawn)])
    assert (result.exit_code, result.stderr) == (0, "")
    text = drawn.read_text()
    for part in ("<!-- A title -->", "<!-- loss (nats) -->", "<!-- iteration -->"):
        assert part in text
    assert "<image" not in text
    result = CliRunner().invoke(main, ["plot", out, "--kind", "scaling"])
    assert result.exit_code == 2
    assert "is not a sweep: its loss by iteration is drawn" in result.stderr
