"""Studies from Python: the same numbers and folder as from a file, results as objects, mistakes in a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qml
from qml._checks import InputError
from qml.studies.run.run import Options, run_study

TARGET: dict[str, Any] = {"kind": "thermal", "hamiltonian": {"kind": "tfim", "n": 2, "h": 0.5}, "beta": 0.7}
GIBBS: dict[str, Any] = {"name": "Gibbs <b>", "model": {"kind": "gibbs", "generators": {"kind": "neighbors", "n": 2}}}
CIRCUIT: dict[str, Any] = {
    "name": "circuit",
    "model": {"kind": "circuit", "ansatz": {"kind": "purification", "n": 2, "ancillas": 2, "layers": 1}},
    "max_iterations": 5,
}
CHAIN = {"kind": "chain_gibbs", "generators": {"kind": "neighbors", "n": 2}, "tolerance": 1e-20}
STUDY = qml.Study(TARGET, [GIBBS, CIRCUIT], title="Two & two", seed=5)


def test_it_gives_the_numbers_of_the_file_to_the_bit(tmp_path: Path) -> None:
    STUDY.save(tmp_path / "two.yaml")
    run_study(tmp_path / "two.yaml", Options(tmp_path / "there", quiet=True))
    here, there = STUDY.run(tmp_path / "here", quiet=True), qml.open_run(tmp_path / "there")
    assert list(here) == list(there) == ["Gibbs <b>", "circuit"]
    assert (here.status, len(here)) == ("finished", 2)
    for name, found in here.items():
        assert np.array_equal(found.result.params, there[name].result.params)
        assert found.row.loss == there[name].row.loss == found.result.loss
    np.testing.assert_equal(here.table, there.table)
    assert here.study == there.study == STUDY == qml.Study.from_file(tmp_path / "two.yaml")
    assert STUDY != qml.Study.from_file(tmp_path / "here", ["seed=6"]) != 3


def test_numbers_and_sequences_of_numpy_are_plain() -> None:
    fit = {**GIBBS, "max_iterations": np.int64(7)}
    target = {"kind": "probabilities", "values": np.array([0.25, 0.75, 0.0, 0.0])}
    study = qml.Study(target, (fit,), seed=np.int64(3))
    assert study == qml.Study.from_yaml(study.to_yaml())
    assert study.target().probabilities().tolist() == [0.25, 0.75, 0.0, 0.0]


@pytest.mark.slow
def test_a_run_goes_on_and_is_not_overwritten(tmp_path: Path) -> None:
    first = STUDY.run(tmp_path / "run", quiet=True)
    with pytest.raises(InputError, match="exists already, and a run never overwrites"):
        STUDY.run(tmp_path / "run", quiet=True)
    again = STUDY.run(tmp_path / "run", resume=True, quiet=True)
    np.testing.assert_equal(again.table, first.table)
    with pytest.raises(InputError, match=r"is a run of another study: seed is 5 there and 0 here"):
        qml.Study(TARGET, [GIBBS, CIRCUIT], title="Two & two").run(tmp_path / "run", resume=True, quiet=True)


def test_a_sweep_has_a_table(tmp_path: Path) -> None:
    study = qml.Study(TARGET, [{**GIBBS, "max_iterations": 3}], sweep={"grid": {"target.beta": [0.5, 1.0]}})
    run = study.run(str(tmp_path / "sweep"), quiet=True, workers=1, threads=1)
    assert run.table["target.beta"] == [0.5, 1.0]
    assert (list(run), len(run)) == ([], 0)
    assert repr(run) == "<StudyRun: sweep, finished, sweep>"
    assert ">2</td>" in run._repr_html_()
    with pytest.raises(InputError, match="is a sweep, of which the table is kept"):
        run["Gibbs <b>"]


@pytest.mark.slow
def test_a_script_needs_no_guard_around_a_sweep_in_processes(tmp_path: Path) -> None:
    script = f"import qml; run = qml.Study({TARGET!r}, [{GIBBS!r}], sweep={{'grid': {{'target.beta': [0.5, 1.0]}}}})"
    (tmp_path / "script.py").write_text(f"{script}.run('sweep', workers=2); print(run.table['error'])")
    environment = os.environ | {"PYTHONPATH": str(Path(qml.__file__).parents[1])}
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "['', '']"


def test_it_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    run = STUDY.run()
    assert run.folder == Path("runs") / "two-two-001"
    assert "Two & two" in capsys.readouterr().out
    assert repr(run) == "<StudyRun: two-two-001, finished, fits 'Gibbs <b>', 'circuit'>"
    assert repr(STUDY) == "<Study: Two & two, fits 'Gibbs <b>', 'circuit', seed 5>"
    assert str(run).splitlines()[0] == "Two & two"
    page = run._repr_html_()
    assert "Gibbs &lt;b&gt;" in page
    assert "<caption>Two &amp; two: finished</caption>" in page
    assert "Two &amp; two" in STUDY._repr_html_()
    assert "loss" in run["circuit"]._repr_html_()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: qml.Study(TARGET, []), r"^study, fits: expected at least 1 item; found 0.$"),
        (lambda: qml.Study({"kind": "ghzz", "n": 2}, [GIBBS]), r"^study, target.kind: expected one of .* found 'ghzz'"),
        (lambda: qml.Study(TARGET, [{**GIBBS, "restart": 2}]), r"study, fits\[0\].restart: the key 'restart'"),
        (lambda: qml.Study(TARGET, [GIBBS], seed=-1), "^study, seed: expected at least 0; found -1"),
        (lambda: qml.Study(TARGET, [{**GIBBS, "model": CHAIN}]), "tolerance: expected at least 1e-12; found 1e-20"),
        (lambda: qml.Study(3, [GIBBS]), "^study, target: "),  # type: ignore[arg-type]
        (lambda: qml.Study(TARGET, [GIBBS]).run(quiet=True, workers=2), "this study has no sweep"),
        (lambda: qml.Study({**TARGET, "dims": [3]}, [GIBBS]).run(quiet=True), "^study, target: dims"),
        (lambda: qml.Study.from_yaml("target: ["), "^study, line 1, column 10: this is not valid YAML"),
        (lambda: qml.Study.from_file("none.yaml"), "there is no file none.yaml"),
        (lambda: qml.open_run("none"), "none is not the folder of a run"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_place(
    make: Any, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=sentence):
        make()
    assert not list(tmp_path.iterdir())


def test_a_fit_that_is_not_there_is_told(tmp_path: Path) -> None:
    run = qml.Study(TARGET, [CIRCUIT]).run(tmp_path / "run", quiet=True)
    with pytest.raises(InputError, match="the run has no fit 'gibs' that is done; it has circuit"):
        run["gibs"]
    (tmp_path / "run" / "fits" / "1-circuit" / "result.npz").write_bytes(b"")
    with pytest.raises(InputError, match="was changed or damaged since the run wrote it"):
        run["circuit"]
