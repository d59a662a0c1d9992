"""A gate and a channel are added to a copy of the library in three files each: definition, test, line in the docs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.cases import cases_in_copy

ROOT = Path(__file__).parents[2]
GATE = '''
DCX = documented(
    UnitaryGate([[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0]], name="DCX"),
    """CNOT with the first qubit as control, then with the second.""",
)
'''
CHANNEL = '''
Scramble = documented(PauliMixture("Scramble", ("XX", "ZZ"), ((0.5, 0.5),), ("p",)), """XX or ZZ, with p / 2 each.""")
'''
REVERSED = "qutip.tensor(PAULI['I'], ZERO) + qutip.tensor(PAULI['X'], ONE)"
MIXED = (
    "(1 - P) * kept(qutip.qeye([2, 2])) + P / 2 * kept(qutip.tensor([qutip.sigmax()] * 2))"
    " + P / 2 * kept(qutip.tensor([qutip.sigmaz()] * 2))"
)
ADDED = {
    "gate": {
        "qml/gates/constants.py": ('__all__ = [\n', '__all__ = [\n    "DCX",\n', GATE),
        "tests/reference/test_gates_qutip.py": (
            "REFERENCES = {\n", f'REFERENCES = {{\n    "DCX": ((), ({REVERSED}) @ qg.cnot()),\n', ""
        ),
        "README.md": ("33 gates", "34 gates", ""),
    },
    "channel": {
        "qml/channels/mixtures.py": ('__all__ = [\n', '__all__ = [\n    "Scramble",\n', CHANNEL),
        "tests/reference/test_channels_qutip.py": ("CASES = [\n", f'CASES = [\n    ("Scramble", (P,), {MIXED}),\n', ""),
        "README.md": ("14 noise channels", "15 noise channels", ""),
    },
}  # fmt: skip
SUITE = """
tests/unit/test_gates.py tests/unit/test_channels.py tests/reference/test_gates_qutip.py
tests/reference/test_channels_qutip.py tests/contract/test_public_api.py tests/docs/test_readme.py
"""


@pytest.mark.slow
def test_what_is_added_in_three_files_is_found_drawn_attacked_and_compared(tmp_path):
    for name in ("qml", "tests", "docs", "experiments"):
        shutil.copytree(ROOT / name, tmp_path / name)  # with what is compiled of the files that stay as they are
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for added in ADDED.values():
        assert len(added) == 3
        for name, (old, new, end) in added.items():
            text = (tmp_path / name).read_text(encoding="utf-8")
            assert old in text, name
            (tmp_path / name).write_text(text.replace(old, new, 1) + end, encoding="utf-8")
    found = pytest_in(tmp_path, "-k", "gate or channel")
    assert found.returncode == 0, found.stdout[-3000:]
    for kind, new in {"gate": "DCX", "channel": "Scramble"}.items():
        for file in (f"tests/unit/test_{kind}s.py", f"tests/reference/test_{kind}s_qutip.py"):
            assert any(new in case for case in cases_in_copy(tmp_path, file)), f"{file} did not try {new}"
        attacked = [sys.executable, "-c", f"import attack; assert '{kind}s.{new}' in attack.PACKAGES['{kind}s']"]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(tmp_path / "tests/contract")])}
        subprocess.run(attacked, cwd=tmp_path, env=environment, check=True)


def pytest_in(folder, *options):
    command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *SUITE.split(), *options]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
