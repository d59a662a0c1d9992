"""The command in this process, its study of two fits, and what is asked of its files and its mistakes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from click.testing import CliRunner, Result

import qml
from qml.studies.cli import main

STUDY = """\
title: Two qubits
seed: 5
target:
  kind: thermal
  hamiltonian: {kind: tfim, n: 2}
  beta: 0.5
fits:
  - name: Gibbs model
    model: {kind: gibbs, generators: {kind: neighbors, n: 2}}
    max_iterations: 20
  - name: circuit, noisy
    model:
      kind: circuit
      ansatz: {kind: purification, n: 2, ancillas: 2, layers: 1}
      noise: [{channel: Depolarizing, params: [0.01], gates: [CNOT]}]
      engine: reference
    max_iterations: 5
"""


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def ended(*arguments: str, code: int = 0) -> Result:
    """The same, with this exit code."""
    result = call(*arguments)
    assert result.exit_code == code, (result.output, result.exception)
    return result


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def assert_sentence(result: Result, *parts: str, code: int = 2) -> None:
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("qml: ")
    assert result.stderr.count("\n") == 1
    for part in parts:
        assert part in result.stderr


def environment() -> dict[str, str]:
    """Of a process that the test starts."""
    return {**os.environ, "PYTHONPATH": str(Path(qml.__file__).parents[1]), "OMP_NUM_THREADS": "1"}


def interrupt_first_fit(folder: Path, study: str, number: signal.Signals) -> tuple[int, str]:
    """Run a study in a process of its own, send it a signal in the middle of its first fit: exit status, stderr."""
    (folder / "study.yaml").write_text(study)
    process = subprocess.Popen(
        [sys.executable, "-m", "qml.studies.cli", "run", "study.yaml", "--output", "out",
         "--checkpoint-iterations", "20"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), cwd=folder,
    )  # fmt: skip
    while not (folder / "out/fits/1-gibbs-model/checkpoint.npz").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(number)
    _, stderr = process.communicate()
    return process.returncode, stderr
