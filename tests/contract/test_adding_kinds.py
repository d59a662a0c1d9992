"""What is added to the library can be named in a study: its definition, its name in the list of its package, and the
study here; nothing in the part that reads studies is touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ADDED: dict[str, list[tuple[str, str, str]]] = {
    "hamiltonian": [
        ("operators/hamiltonians.py", "HAMILTONIANS: dict", '''def flips(n: int, strength: float = 1.0) -> PauliSum:
    """A transverse field alone.

    Parameters
    ----------
    n : int
    strength : float
        Of the field on each qubit.
    """
    return tfim(n, 0.0, strength)


'''),
        ("operators/hamiltonians.py", '    "tfim": tfim,\n', '    "flips": flips,\n'),
    ],
    "generators": [
        ("operators/sets.py", "GENERATORS: dict", '''def fields(n: int) -> list[PauliSum]:
    """X and Z of every qubit."""
    return [pauli(letter, sites=(q,), n=n) for q in range(n) for letter in "XZ"]


'''),
        ("operators/sets.py", '    "neighbors": neighbors,\n', '    "fields": fields,\n'),
    ],
    "ansatz": [
        ("circuits/ansatz.py", "def universal_block", '''def turns(n: int) -> Circuit:
    """One rotation of each qubit."""
    return Circuit(n, [gates.RY(f"t{q}", q) for q in range(n)])


'''),
        ("circuits/__init__.py", "    purification,\n", "    turns,\n"),
        ("circuits/__init__.py", '    "purification": purification,\n', '    "turns": turns,\n'),
    ],
    "state": [
        ("states/library.py", "def werner", '''def aligned(n: int, angle: float = 0.0) -> DensityMatrix:
    """Every qubit turned by the same angle."""
    one = np.array([math.cos(angle / 2), math.sin(angle / 2)])
    whole = one
    for _ in range(n - 1):
        whole = np.kron(whole, one)
    return DensityMatrix.from_vector(whole, (2,) * n)


'''),
        ("states/library.py", '    "ghz": ghz,\n', '    "aligned": aligned,\n'),
    ],
    "measurement": [
        ("measurement/library.py", "MEASUREMENTS: dict", '''def trine(d: int = 2) -> ElementsMeasurement:
    """Three outcomes of a qubit, in the plane of X and Z."""
    angles = np.arange(3) * np.pi / 3
    return _rank_one(np.array([np.cos(angles), np.sin(angles)]), 2 / 3, "trine")


'''),
        ("measurement/library.py", '    "sic": sic,\n', '    "trine": trine,\n'),
    ],
    "model": [
        ("models/mixture.py", None, '''

class IsotropicModel(MixtureModel):
    """A GHZ state and white noise, whose weight is learnt."""

    def __init__(self, n: int) -> None:
        from qml.states import ghz, maximally_mixed

        super().__init__([ghz(n), maximally_mixed(n)])
'''),
        ("models/__init__.py", "MixtureModel\n", "IsotropicModel, "),
        ("models/__init__.py", '    "mixture": MixtureModel,\n', '    "isotropic": IsotropicModel,\n'),
    ],
    "loss": [
        ("losses/divergences.py", None, '''

class Weighted(HilbertSchmidt):
    """A multiple of the squared Hilbert-Schmidt distance."""

    name = "weighted"

    def __init__(self, weight: float = 2.0) -> None:
        self.weight = weight

    def value(self, target, sigma):
        return self.weight * super().value(target, sigma)

    def value_and_cotangent(self, target, sigma):
        value, cotangent = super().value_and_cotangent(target, sigma)
        return self.weight * value, self.weight * cotangent
'''),
        ("losses/__init__.py", "RelativeEntropy, TraceDistance\n", "Weighted, "),
        ("losses/__init__.py", "TraceDistance, MMD)", "Weighted, "),
    ],
    "tomography": [
        ("tomography/entropy.py", None, '''

def rough(counts: Counts, gap: float = 0.5, max_iterations: int = 100) -> TomographyResult:
    """The state of largest likelihood, nearly.

    Parameters
    ----------
    gap : float
        In nats, how nearly.
    """
    return maximum_likelihood(counts, gap=gap, max_iterations=max_iterations)
'''),
        ("tomography/__init__.py", "maximum_entropy\n", "rough, "),
        ("tomography/__init__.py", '    "maximum_entropy": maximum_entropy,\n', '    "rough": rough,\n'),
    ],
    "channel": [
        ("channels/mixtures.py", None, '''

Scramble = documented(PauliMixture("Scramble", ("XX", "ZZ"), ((0.5, 0.5),), ("p",)), """XX or ZZ, with p / 2 each.""")
'''),
        ("channels/mixtures.py", '    "BitFlip",\n', '    "Scramble",\n'),
    ],
}  # fmt: skip
STUDY = """
seed: 4
target:
  kind: counts
  of: {kind: aligned, n: 2, angle: 0.3, through: [{channel: Scramble, params: [0.2], sites: [0, 1]}]}
  measurement: {kind: trine}
  shots: 200
fits:
  - name: own generators
    model: {kind: gibbs, generators: {kind: fields, n: 2}}
  - name: own Hamiltonian
    model: {kind: gibbs, generators: {kind: terms_of, hamiltonian: {kind: flips, n: 2, strength: 0.5}}}
  - name: own circuit
    model:
      kind: circuit
      ansatz: {kind: turns, n: 2}
      noise: [{channel: BitFlip, params: [p]}]
      readout: [{channel: Depolarizing, params: [0.2]}]
  - name: own model
    model: {kind: isotropic, n: 2}
  - name: own tomography
    method: {kind: rough, gap: 0.1}
"""
LOSS = """
seed: 4
target: {kind: aligned, n: 2, angle: 1.0}
fits:
  - name: own loss
    model: {kind: isotropic, n: 2}
    loss: {kind: weighted, weight: 3.0}
    optimizer: {kind: adam}
    max_iterations: 20
"""


@pytest.mark.slow
def test_what_the_library_has_a_study_can_name(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "qml", tmp_path / "qml")  # with what is compiled of the files that stay as they are
    for kind, edits in ADDED.items():
        assert len({name for name, _, _ in edits}) <= 2, kind
        for name, before, text in edits:
            path = tmp_path / "qml" / name
            assert not name.startswith("studies")
            old = path.read_text(encoding="utf-8")
            assert before is None or before in old, (name, before)
            new = old + text if before is None else old.replace(before, text + before, 1)
            path.write_text(new, encoding="utf-8")
    for name, text in {"counts": STUDY, "loss": LOSS}.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    lines = {
        "models": "isotropic n ",
        "hamiltonians": "flips n, strength=1 A transverse field alone.",
        "measurements": "trine readout Three outcomes",
        "losses": "weighted weight=2 ",
        "generators": "fields n X and Z of every qubit.",
        "ansatze": "turns n One rotation of each qubit.",
        "targets": "aligned n, angle=0 ",
        "methods": "rough gap=0.5, max_iterations=100 The state of largest likelihood, nearly.",
        "channels": "Scramble 2 sites",
    }
    runs = [["run", f"{name}.yaml", "--output", name] for name in ("counts", "loss")]
    printed = qml(tmp_path, *runs, *(["list", kinds] for kinds in lines), ["schema", "--markdown"])
    for line, listed in zip(lines.values(), printed[len(runs) :], strict=False):
        assert line in " ".join(listed.split()), listed
    assert "of the field on each qubit" in printed[-1]
    assert "in nats, how nearly" in printed[-1]


COMMANDS = """
import json, sys
from click.testing import CliRunner
from qml.studies.cli import main

done = [CliRunner().invoke(main, arguments) for arguments in json.loads(sys.argv[1])]
print(json.dumps([(result.exit_code, result.output or repr(result.exception)) for result in done]))
"""


def qml(folder: Path, *commands: list[str]) -> list[str]:
    """What each of the commands prints, all in one process that imports the copy."""
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", COMMANDS, json.dumps(commands)]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    done = json.loads(ended.stdout)
    assert [text for code, text in done if code] == []
    return [text for _, text in done]
