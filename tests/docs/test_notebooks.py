"""Every tutorial runs in a fresh kernel, cell by cell, as a reader would run it."""

import re
from collections import Counter
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from helpers.cases import every
from nbclient import NotebookClient

DOCS = Path(__file__).parents[2] / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.ipynb"))
NEEDED = {"network_flax": ("flax", "optax"), "network_torch": ("torch",)}
"""What tutorials need besides the extra for tests; without it they are left out."""
FIRST_CELL = """
import qml
target = qml.thermal(qml.operators.tfim(2), beta=1.0)
circuit = qml.circuits.purification(2, 2, layers=1).then(qml.channels.Depolarizing("p", 0))
result = qml.fit(qml.CircuitModel(circuit), target, seed=0, max_iterations=20)
print(result.summary())
"""


def run(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute()
    return notebook


def test_there_are_tutorials() -> None:
    assert TUTORIALS


def kinds(notebook: nbformat.NotebookNode) -> list[Counter[str]]:
    """What each cell of code shows: text or not, how many tables and figures; progress is none of these."""
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = [
        Counter(kind for o in cell.outputs for kind in o.get("data", (o.output_type,)) if o.get("name") != "stderr")
        for cell in codes
    ]
    return [Counter({kind: 1 if kind == "stream" else n for kind, n in one.items()}) for one in found]


@every("path", TUTORIALS, ids=lambda path: path.stem)
def test_the_stored_outputs_are_whole_and_of_one_run(path: Path) -> None:
    """As pages and the repository show them."""
    notebook = nbformat.read(path, as_version=4)
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in codes] == list(range(1, len(codes) + 1))
    assert all(kinds(notebook))
    for cell, shown in zip(codes, kinds(notebook), strict=True):
        assert "error" not in shown
        if re.search(r"^\S*(plt\.plot|plt\.scatter|subplots|plt\.figure|draw_circuit|plot_\w+)\(", cell.source, re.M):
            assert shown["image/png"], cell.source


@every("path", TUTORIALS, ids=lambda path: path.stem)
def test_headings_make_an_outline(path: Path) -> None:
    lines = [line for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"
             for line in cell.source.splitlines() if line.startswith("#")]  # fmt: skip
    levels = [len(line.split()[0]) for line in lines]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert levels.count(2) >= 3
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_runs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    stored = kinds(notebook)
    nbformat.validate(notebook)
    if absent := [library for library in NEEDED.get(path.stem, ()) if find_spec(library) is None]:
        pytest.skip(f"{path.stem} needs {', '.join(absent)}")
    run(notebook, path.parent)
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in codes)  # each shows something
    if path.stem != "pictures_of_states" or find_spec("ipywidgets") is None:  # whose sliders are no figure
        assert kinds(notebook) == stored


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_five_lines_in_a_fresh_kernel(tmp_path: Path) -> None:
    cell = nbformat.v4.new_code_cell(FIRST_CELL.strip())
    assert len(cell.source.splitlines()) == 5
    run(nbformat.v4.new_notebook(cells=[cell]), tmp_path)
    printed = "".join(o.get("text", "") for o in cell.outputs if o.get("name") == "stdout")
    assert "floor" in printed
    assert "status" in printed
