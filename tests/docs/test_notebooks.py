"""Every tutorial runs in a fresh kernel, cell by cell, as a reader would run it."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nbformat
import pytest
from matplotlib import pyplot
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


def test_the_cells_of_the_first_tutorial_run_one_after_the_other() -> None:
    """In this process; all tutorials run in a kernel of their own below."""
    (path,) = (path for path in TUTORIALS if path.stem == "first_fit")
    codes = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    names: dict[str, Any] = {}
    for code in codes:
        exec(compile(code, str(path), "exec"), names)
    pyplot.close("all")
    assert names["result"].gap < 0.1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_runs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    if absent := [library for library in NEEDED.get(path.stem, ()) if find_spec(library) is None]:
        pytest.skip(f"{path.stem} needs {', '.join(absent)}")
    run(notebook, path.parent)
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in codes)  # each shows something


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_five_lines_in_a_fresh_kernel(tmp_path: Path) -> None:
    cell = nbformat.v4.new_code_cell(FIRST_CELL.strip())
    assert len(cell.source.splitlines()) == 5
    run(nbformat.v4.new_notebook(cells=[cell]), tmp_path)
    printed = "".join(o.get("text", "") for o in cell.outputs if o.get("name") == "stdout")
    assert "floor" in printed
    assert "status" in printed
