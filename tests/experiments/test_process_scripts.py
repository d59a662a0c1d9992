"""The scripts of experiments/processes: their quantities, and that they run."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner

FOLDER = Path(__file__).parents[2] / "experiments" / "processes"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"processes_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_angles_are_those_of_the_gates_in_every_gauge() -> None:
    from qml.processes import as_process

    lengths = script("lengths")
    r = {name: as_process(gate).transfer_matrix() for name, gate in lengths.truth(0.01).items()}
    expected = [lengths.TURN_X, lengths.TURN_Y, np.pi / 2 - abs(lengths.TILT), 0.01]
    found = lengths.invariants(r)
    assert found[:2] == pytest.approx(expected[:2], abs=1e-9)
    assert abs(found[2] - np.pi / 2) == pytest.approx(lengths.TILT, abs=1e-9)
    assert found[3] == pytest.approx(0.01, abs=1e-12)
    s = np.eye(4) + 0.1 * np.random.default_rng(0).normal(size=(4, 4))
    s[0] = [1, 0, 0, 0]
    moved = lengths.invariants({name: s @ m @ np.linalg.inv(s) for name, m in r.items()})
    assert moved == pytest.approx(found, abs=1e-9)


def test_an_exponent_is_found_with_its_error() -> None:
    lengths = script("lengths")
    slope, error = lengths.exponent([1, 2, 4, 8], 3.0 / np.array([1, 2, 4, 8]))
    assert slope == pytest.approx(-1, abs=1e-12)
    assert error < 1e-12


def test_shares_come_with_what_the_records_leave_possible() -> None:
    share = script("coverage").share
    assert share([True] * 20) == "100.0 % (83 to 100)"  # 1 - 0.025^(1/20)
    assert share([True] * 19 + [False]) == "95.0 % (75 to 100)"
    assert share([True, False, None]) == "50.0 % (1 to 99), 1 without an answer"
    assert share([None]) == "no answer"


@pytest.mark.slow
def test_the_scripts_run(tmp_path: Path) -> None:
    options = ["--longest", "8", "--repetitions", "2", "--figure", str(tmp_path / "f.svg")]
    done = CliRunner().invoke(script("lengths").main, [*options, "--table", str(tmp_path / "t.md")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "t.md").read_text().count("\n") == 7
    assert "<svg" in (tmp_path / "f.svg").read_text()
    coverage = script("coverage")
    assert set(coverage.fidelity_once("damped, 10 %", 100, 20, 0)) == {"likelihood ratio", "Fisher information"}
    for _, scenes in list(coverage.scenes(100, 100, 20).values())[1:]:
        for scene in scenes:
            assert all(isinstance(hit, bool | np.bool_) for hit in scene.once(0).values()), scene.name
