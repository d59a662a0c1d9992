"""Disks that are full: the system lets no file grow further. A sentence, and nothing is lost that was there."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import Result
from helpers.command import call

from qml.studies.files import read_journal
from qml.studies.run import run

STUDY = """\
seed: 5
target: {kind: thermal, hamiltonian: {kind: tfim, n: 2}, beta: 0.5}
fits:
  - {name: one, model: {kind: gibbs, generators: {kind: neighbors, n: 2}}, max_iterations: 20}
  - {name: two, model: {kind: gibbs, generators: {kind: neighbors, n: 2, weight: 1}}, max_iterations: 20}
"""
SWEEP = STUDY + "sweep: {grid: {target.beta: {low: 0.1, high: 2, count: 20}}}\n"


REASONS = "File too large", "No space left on device"


@contextmanager
def full(size: int) -> Iterator[None]:
    """No file grows beyond so many bytes: writing fails in the middle, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    sys.dont_write_bytecode = True  # Python would keep half a file of what is imported here, for good
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = False


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "_draw", lambda *_: None)  # half a second each
    (tmp_path / "run.yaml").write_text(STUDY)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return tmp_path


def refused(result: Result) -> None:
    assert result.exit_code == 2, result.exception
    assert result.stderr.count("\n") == 1, result.stderr
    assert any(f"cannot be written: {why}; what was written before is kept." in result.stderr for why in REASONS)


def test_a_run_on_a_disk_that_fills_up_goes_on_when_there_is_room(folder: Path) -> None:
    assert call("run", "run.yaml", "--output", "whole", "--threads", "1").exit_code == 0
    resumed = 0
    for size in (100, 400, 700, 900, 1300, 2000, 3000, 4500):
        out = folder / f"out{size}"
        with full(size):
            refused(call("run", "run.yaml", "--output", out.name, "--threads", "1"))
        assert not list(out.rglob(".part-*"))
        if not out.exists():  # the disk was full before it was a run
            continue
        resumed += 1
        assert call("run", out.name, "--resume").exit_code == 0
        text = call("compare", out.name, "whole").stdout
        assert text == "2 of 2 fits are identical to the bit.\n"
    assert 3 <= resumed <= 6


@pytest.mark.slow
def test_a_sweep_on_a_disk_that_fills_up_keeps_its_points(folder: Path) -> None:
    assert call("run", "sweep.yaml", "--output", "whole", "--workers", "1").exit_code == 0
    for size in (3000, 8000):
        out = folder / f"out{size}"
        with full(size):
            refused(call("run", "sweep.yaml", "--output", out.name, "--workers", "1"))
        before = read_journal(out / "points.journal")
        assert 0 < len(before) < 20
        assert call("run", out.name, "--resume", "--workers", "1").exit_code == 0
        assert read_journal(out / "points.journal")[: len(before)] == before
        for name in ("table.csv", "table.parquet"):
            assert (out / name).read_bytes() == (folder / "whole" / name).read_bytes()


def test_figures_and_reports_on_a_full_disk(folder: Path, coarse_pictures: None) -> None:
    (folder / "sweep.yaml").write_text(STUDY + "sweep: {grid: {target.beta: [0.5, 1.0]}}\n")
    assert call("run", "sweep.yaml", "--output", "out", "--workers", "1", "--quiet").exit_code == 0
    (folder / "report.html").write_text("the one before")
    with full(2000):
        refused(call("report", "out", "--output", "report.html"))
        refused(call("plot", "out"))
    assert (folder / "report.html").read_text() == "the one before"
    assert not list(folder.rglob(".part-*"))


def test_a_folder_that_cannot_be_made(folder: Path) -> None:
    (folder / "runs").write_text("a file")
    result = call("run", "run.yaml")
    assert (result.exit_code, result.stderr) == (2, "qml: the folder runs cannot be written: File exists.\n")
    result = call("run", "run.yaml", "--output", "run.yaml/out")
    assert (result.exit_code, result.stderr) == (
        2,
        "qml: the folder run.yaml/out cannot be written: Not a directory.\n",
    )
