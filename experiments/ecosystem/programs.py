"""Reads every OpenQASM program of a folder, and compares its unitary with the one that Qiskit makes of it.

``python experiments/ecosystem/programs.py FOLDER`` needs Qiskit (and qiskit-qasm3-import for version 3); programs of
more than ten qubits are read, and not compared.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np
from qiskit import QuantumCircuit, qasm2, qasm3
from qiskit.quantum_info import Operator, SuperOp

from qml import Circuit
from qml._checks import InputError
from qml.engines import ReferenceEngine
from qml.io import from_qasm

LARGEST, LARGEST_WITH_RESETS = 10, 4


def theirs(text: str, version: int) -> QuantumCircuit:
    """The program as Qiskit reads it, without measurements."""
    read = (
        qasm3.loads(text) if version == 3 else qasm2.loads(text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    )
    bare = QuantumCircuit(read.num_qubits)
    for item in read.data:
        if item.operation.name not in ("barrier", "measure"):
            bare.append(item.operation, [read.find_bit(q).index for q in item.qubits])
    return bare


def distance(ours: Circuit, other: QuantumCircuit) -> float:
    """The largest difference of the two unitaries, up to a phase; or of the states that come of |0...0>."""
    if not ours.is_unitary:
        state = np.zeros((2**ours.n_sites,) * 2)
        state[0, 0] = 1
        found = SuperOp(other)
        reached = (found.data @ state.reshape(-1)).reshape(state.shape, order="F")
        axes = list(range(2 * ours.n_sites))
        n = ours.n_sites
        turned = reached.reshape((2,) * (2 * n)).transpose([*axes[:n][::-1], *axes[n:][::-1]]).reshape(state.shape)
        return float(np.abs(ReferenceEngine().evolve(ours, ()).matrix() - turned).max())
    u = ReferenceEngine().evolve_vectors(ours, ())
    v = Operator(other).reverse_qargs().data
    phase = np.vdot(v, u)
    return float(np.abs(u - v * phase / abs(phase)).max())


def judged(path: Path) -> str:
    """What became of one program."""
    text = path.read_text(encoding="utf-8", errors="replace")
    version = 2 if "OPENQASM 2" in text else 3
    since = time.perf_counter()
    try:
        circuit = from_qasm(text)
    except InputError as error:
        return f"refused: {error}"
    seconds = time.perf_counter() - since
    if circuit.n_sites > (LARGEST if circuit.is_unitary else LARGEST_WITH_RESETS):
        return f"read in {seconds:.2f} s, too large to compare: {circuit!r}"
    try:
        other = theirs(text, version)
    except Exception as error:
        return f"read in {seconds:.2f} s, and Qiskit refuses it: {str(error).splitlines()[0][:80]}"
    apart = distance(circuit, other)
    return f"{'equal' if apart < 1e-10 else 'DIFFERENT'}: {apart:.1e}, read in {seconds:.2f} s, {circuit!r}"


def main(folder: Path) -> int:
    """Every program below a folder."""
    warnings.simplefilter("ignore")
    counted: dict[str, int] = {}
    for path in sorted(folder.rglob("*.qasm")):
        verdict = judged(path)
        kind = verdict.split()[0].strip(":,")
        counted[kind] = counted.get(kind, 0) + 1
        print(f"{path.name}: {verdict}")
    print(", ".join(f"{count} {kind}" for kind, count in counted.items()))
    return 1 if "DIFFERENT" in counted else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python experiments/ecosystem/programs.py FOLDER")
    sys.exit(main(Path(sys.argv[1])))
