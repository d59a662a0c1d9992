"""Reproductions of published results: each script runs small, and in full holds and says what the page says."""

import importlib
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner

FOLDER = Path(__file__).resolve().parents[2] / "experiments" / "reproductions"
HELPERS = ("published", "page")
FEWER = 12
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in HELPERS)
SMALL = {
    "bars_and_stripes": (5,),
    "natural_gradients": (5,),
    "evolved": (5,),
    "thermalizer": ((0.5,),),
    "iterative_scaling": (2,),
    "schumacher": (3, 256),
    "parity": (30,),
    "expectation_maximisation": (3,),
    "hamiltonian_learning": ((1000, 10000), 20, 1, 6),
    "superfast": ((1, 2), 2),
    "gradient_tomography": (1, 5),
}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module
    for name in (*SCRIPTS, *HELPERS):
        sys.modules.pop(name, None)


def test_every_script_has_a_small_run_and_a_place_on_the_page(load) -> None:
    assert set(SMALL) == set(SCRIPTS)
    page: ModuleType = load("page")
    assert sorted(page.names()) == SCRIPTS
    assert all((FOLDER / "figures" / f"{name}.png").exists() for name in SCRIPTS)
    assert not any("**no**" in line for name in SCRIPTS for line in page.table_of(name))


LONGER = ("hamiltonian_learning",)
"""A second, even when it is small."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in LONGER else ()) for name in SCRIPTS]
)
def test_a_script_runs_small(name: str, load, monkeypatch: pytest.MonkeyPatch) -> None:
    script: ModuleType = load(name)
    if name == "thermalizer":
        monkeypatch.setattr(script, "MOST", 3)
        monkeypatch.setattr(script, "LAYERS", 1)
    found = script.reproduce(*SMALL[name])
    assert len(found.lines) >= 3
    assert found.table().count("\n") == len(found.lines) + 2
    assert all(math.isfinite(line.ours) for line in found.lines)
    assert all(len(curve.x) == len(curve.y) > 0 for curve in found.curves)
    assert found.draw().axes[0].get_legend() is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_in_full_holds_and_says_what_the_page_says(name: str, load) -> None:
    small = {"qubits": FEWER} if name == "hamiltonian_learning" else {}  # fifty take a minute of the processor
    found, page = load(name).reproduce(**small), load("page")
    assert found.holds, found.table()

    def without_ours(lines: list[str]) -> list[list[str]]:
        cells = [line.strip("| ").split(" | ") for line in lines]
        return [[*row[:3], row[-1]] for row in cells]

    table = found.table().replace(f"{FEWER} qubits", "50 qubits")
    said, computed = without_ours(page.table_of(name)), without_ours(table.splitlines())
    if name == "iterative_scaling":  # counts of iterations stand among the words
        said, computed = ([[row[0].partition("(")[0], *row[1:]] for row in rows] for rows in (said, computed))
    assert said == computed


def test_what_holds(load) -> None:
    published = load("published")
    line = published.Line
    assert line("a", 0.556, 0.5563, published.last_digit("0.556")).holds
    assert not line("a", 0.556, 0.5566, published.last_digit("0.556")).holds
    assert published.last_digit("1.5e-4") == pytest.approx(5e-6)
    assert line("a", 1.0, 0.1, 0.01, at_most=True).holds
    assert not line("a", 1.0, 1.02, 0.01, at_most=True).holds
    assert not line("a", None, 2.0, 1.0).holds
    assert not line("a", 1.0, math.nan, 0.1).holds
    assert not line("a", None, math.nan, 0.1).holds


@pytest.mark.parametrize("holds", [True, False])
def test_a_command_writes_its_table_and_figure_and_fails_where_a_line_does_not_hold(
    holds: bool, load, tmp_path: Path
) -> None:
    published = load("published")
    lines = [published.Line("one", 1.0, 1.0 if holds else 2.0, 0.1)]
    found = published.Found(lines, [published.Curve("c", [1.0, 2.0], [1.0, 0.5])], ("x", "y"))
    done = CliRunner().invoke(
        published.command(lambda: found), ["--table", str(tmp_path / "t.md"), "--figure", str(tmp_path / "f.png")]
    )
    assert done.exit_code == (0 if holds else 1)
    assert ("**no**" in (tmp_path / "t.md").read_text()) != holds
    assert (tmp_path / "f.png").stat().st_size > 1000


# the physics of the scripts -------------------------------------------------------------------------------------------


def test_bars_and_stripes_are_the_images_of_one_direction(load) -> None:
    p = load("bars_and_stripes").bars_and_stripes()
    assert np.count_nonzero(p) == 6
    assert p[0b0000] == p[0b1100] == p[0b1010] == pytest.approx(1 / 6)
    assert p[0b1001] == 0
    assert np.count_nonzero(load("bars_and_stripes").bars_and_stripes(3)) == 14


def test_the_code_is_a_channel_and_its_counting_is_that_of_matrices(load) -> None:
    script = load("schumacher")
    kraus = script.channel(4, script.SIGMA, 1.1)
    np.testing.assert_allclose(sum(a.conj().T @ a for a in kraus), np.eye(16), atol=1e-12)
    weights, lengths = script.words(4, script.RHO, script.SIGMA)
    assert weights.sum() == pytest.approx(1)
    counts = [math.comb(4, k) for k in range(5)]
    assert sum(c * 2.0**-length for c, length in zip(counts, lengths, strict=True)) <= 1  # Kraft
    rho = np.kron(np.kron(script.RHO.matrix(), script.RHO.matrix()), np.kron(script.RHO.matrix(), script.RHO.matrix()))
    projected = abs(np.trace(kraus[0] @ rho)) ** 2
    assert projected == pytest.approx(float(script.fidelities(4, script.RHO, script.SIGMA, [1.1])[0]), abs=1e-12)
    assert script.entanglement_fidelity(rho, kraus) >= projected


def test_iterative_scaling_stands_still_at_the_state_itself(load) -> None:
    from qml import GibbsModel
    from qml.operators import neighbors

    model = GibbsModel(neighbors(3))
    theta = np.random.default_rng(0).normal(scale=0.2, size=model.n_params)
    moved, error = load("iterative_scaling").scaling(model, model.state(theta))(theta)
    np.testing.assert_allclose(moved, theta, atol=1e-13)
    assert error < 1e-13
