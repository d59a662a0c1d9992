"""Objects of the library that serve as valid arguments, and the files that they are read from."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

import qml


def rng() -> np.random.Generator:
    """A generator, the same every time."""
    return np.random.default_rng(0)


def counts() -> qml.Counts:
    """The record of a qubit measured along two axes."""
    return qml.Counts(qml.PauliMeasurement(["X", "Z"]), [[60, 40], [80, 20]])


def circuit() -> qml.Circuit:
    """Two qubits, two parameters."""
    return qml.Circuit(2, [qml.gates.RY("a", 0), qml.gates.RY("b", 1), qml.gates.CNOT(0, 1)])


def model() -> qml.GibbsModel:
    """Of one qubit."""
    return qml.GibbsModel([qml.pauli("X"), qml.pauli("Z")])


def pair() -> qml.DensityMatrix:
    """A batch of two qubits."""
    return qml.DensityMatrix([np.eye(2) / 2, np.diag([0.25, 0.75])])


def plus() -> qml.DensityMatrix:
    """A mixed qubit."""
    return qml.DensityMatrix([[0.6, 0.2], [0.2, 0.4]])


@cache
def tomogram() -> qml.tomography.TomographyResult:
    """The state of largest likelihood of a qubit measured along three axes."""
    record = qml.Counts(qml.PauliMeasurement(1), [[60, 40], [50, 50], [80, 20]])
    return qml.tomography.maximum_likelihood(record)


@cache
def fitted() -> qml.FitResult:
    """The fit of a model to a record."""
    return qml.fit(model(), counts(), seed=0, max_iterations=5)


def process() -> qml.Process:
    """A damped qubit."""
    return qml.processes.as_process(qml.channels.AmplitudeDamping(0.2, 0))


def words() -> qml.processes.Experiments:
    """Two words of one gate."""
    return qml.processes.Experiments([("0", ("G",), "Z"), ("0", ("G", "G"), "Z")], {"0": [1.0, 0.0]}, Z)


def gate_set() -> qml.processes.GateSetModel:
    """One gate, nothing else learnt."""
    return qml.processes.GateSetModel({"G": qml.Circuit(1, [qml.gates.RX("a", 0), qml.channels.BitFlip("b", 0)])})


def word_counts() -> qml.Counts:
    """The record of the two words."""
    return qml.Counts(words(), [[60, 40], [20, 80]])


@cache
def gates_found() -> qml.tomography.GateSetResult:
    """The gate set of largest likelihood of the two words."""
    model = qml.processes.GateSetModel({"G": qml.gates.X}, preparations={"0": [1.0, 0.0]})
    return qml.tomography.gate_set_tomography(model, word_counts())


@cache
def nested() -> tuple[qml.FitResult, qml.FitResult]:
    """Fits of a model and of one with a parameter more."""
    smaller, larger = qml.Circuit(1, [qml.gates.RY("a", 0)]), qml.Circuit(1, [qml.gates.RY("a", 0), FLIP])
    first, second = (qml.fit(qml.CircuitModel(c), counts(), seed=0, progress=False) for c in (smaller, larger))
    return first, second


def iteration() -> qml.fitting.Iteration:
    """What a callback of a fit is given."""
    seen: list[qml.fitting.Iteration] = []
    qml.fit(model(), counts(), seed=0, max_iterations=1, callbacks=[seen.append])
    return seen[-1]


@cache
def verdict() -> qml.principle.Verdict:
    """The second statement, checked on some pairs."""
    return qml.principle.check(2, pairs=10)


def chain() -> qml.ChainGibbsModel:
    """Of one qubit."""
    return qml.ChainGibbsModel([qml.pauli("X"), qml.pauli("Z")])


def study() -> qml.Study:
    """Of one qubit and one fit."""
    return qml.Study(TARGET, FITS)


FILES = tempfile.mkdtemp()
"""Where files for reading stand until the process ends."""
atexit.register(shutil.rmtree, FILES)


def written(name: str) -> Path:
    """A file of that name that can be read."""
    path = Path(FILES) / name
    if name == "run":
        return path if path.exists() else study().run(path, quiet=True).folder
    if not path.exists():
        made = {"state.npz": plus, "fit.npz": fitted, "study.yaml": study, "chain.npz": chain}
        made["process.npz"] = process
        held = made.get(name, counts)()
        if name == "pygsti.txt":
            qml.io.write_pygsti(word_counts(), path, gates={"Gx:0": "G"})
            return path
        {".npz": held.save, ".yaml": held.save, ".json": counts().write_json, ".csv": counts().write_csv}[path.suffix](
            path
        )
    return path


Z = {"Z": [np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]}
FLIP = qml.channels.BitFlip("p", 0)
TARGET = {"kind": "probabilities", "values": [0.6, 0.4]}
FITS = [{"name": "a", "model": {"kind": "gibbs", "generators": {"kind": "strings", "labels": ["Z"]}}}]
LIKELIHOODS = ("Bernoulli", "Gaussian", "Laplace")
NETWORK = ("outputs", "outputs_vjp", "value_and_gradient", "train")
