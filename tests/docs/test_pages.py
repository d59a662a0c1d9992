"""The Python of the pages runs as it stands there, page by page, in an empty folder."""

from __future__ import annotations

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from matplotlib import pyplot

PAGES = {
    path: "\n".join(re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE))
    for path in sorted((Path(__file__).parents[2] / "docs").rglob("*.md"))
}
NEEDED = {
    "cluster.md": ("a cluster",),
    "cirq.md": ("cirq", "braket", "pytket"),
    "device_noise.md": ("qiskit", "qiskit_aer", "qiskit_ibm_runtime"),
    "jax_and_torch.md": ("jax", "optax", "torch"),
    "pennylane.md": ("pennylane",),
    "qiskit.md": ("qiskit",),
    "sweeps.md": ("a cluster",),
}
"""What pages need besides the extra for tests; without it they are compiled only."""


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path, code in PAGES.items() if code], ids=lambda path: path.stem)
def test_the_examples_of_a_page_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = compile(PAGES[path], path.name, "exec")
    if all(find_spec(library) for library in NEEDED.get(path.name, ())):
        exec(code, {})
    pyplot.close("all")


def test_there_are_pages_with_examples() -> None:
    assert sum(map(bool, PAGES.values())) > 8


def test_changes_to_come_are_of_a_kind_that_the_changelog_has() -> None:
    root = Path(__file__).parents[2]
    towncrier = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
    kinds = "|".join(kind["directory"] for kind in towncrier["type"])
    named = [path.name for path in (root / towncrier["directory"]).iterdir() if path.name not in towncrier["ignore"]]
    assert [name for name in named if not re.fullmatch(rf"\+[\w-]+\.({kinds})\.md", name)] == []
    assert (root / towncrier["filename"]).read_text(encoding="utf-8").count(towncrier["start_string"]) == 1
