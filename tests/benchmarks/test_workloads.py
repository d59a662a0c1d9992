"""The workloads of the benchmarks: each is one problem for every library, and each runs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "experiments" / "benchmarks"


@pytest.mark.parametrize("variant", ["depolarizing", "damping"])
def test_the_circuits_of_qml_and_of_the_peers_are_the_same(tools, variant):
    from qml.engines import ReferenceEngine

    problems, w1 = tools("problems"), tools("w1")
    circuit, values = problems.qml_circuit(3, w1.LAYERS, variant)
    program = circuit.compile()
    state = ReferenceEngine().evolve(program, [values[name] for name in program.parameters])
    task = w1.numpy(3, variant)
    by_hand = task.run().reshape(8, 8)
    assert np.abs(by_hand - state.matrix()).max() < 1e-14
    fingerprint = task.fingerprint(by_hand)
    assert fingerprint[0] == pytest.approx(1.0)
    assert 1 / 8 < fingerprint[1] < 1  # mixed
    assert np.abs(fingerprint - w1.look(np.eye(8) / 8)).max() > 1e-3


def test_the_strings_of_w5_are_pauli_strings(tools):
    from qml import pauli

    w5 = tools("w5")
    for label in ("XYZ", "YYI", "IZX"):
        assert np.array_equal(w5.combine([w5.String.of(label)], np.ones(1)), pauli(label).matrix())


@pytest.mark.parametrize("variant", ["matched", "mismatched"])
def test_the_trainings_of_w5_find_the_same_optimum(tools, variant):
    w5 = tools("w5")
    found = [task.fingerprint(task.run()) for task in (w5.newton(3, variant), w5.lbfgs(3, variant), w5.qml(3, variant))]
    p = w5.problem(3, variant)
    for fingerprint in found:
        assert np.abs(fingerprint[1:] - p.means).max() <= 1.01 * w5.TOLERANCE
        assert fingerprint[0] == pytest.approx(found[0][0], abs=1e-9)
    assert np.abs(p.means).max() > 0.1


def test_the_estimates_of_w6_are_equally_likely(tools):
    from qml.measurement import PauliMeasurement

    w6 = tools("w6")
    solvers = (w6.qml, w6.accelerated, w6.r_rho_r)
    found = [float(task.fingerprint(task.run())[0]) for task in (solver(3, "default") for solver in solvers)]
    assert max(found) - min(found) < w6.RELATIVE * found[0]
    given = w6.data(3)
    mixed = w6.Problem(3, given.shares).value(np.full(6**3, 1 / 8))
    assert found[0] < mixed - 0.1
    p = PauliMeasurement(3).probabilities_of(w6.ginibre(3, 1)).reshape((3,) * 3 + (2,) * 3)
    by_hand = w6.Problem(3, given.shares).probabilities(w6.ginibre(3, 1))
    assert np.abs(p.transpose(w6.paired(3)).reshape(-1) - by_hand).max() < 1e-14


def test_the_words_and_the_gates_of_w9_are_those_of_qml(tools):
    from qml.processes import Experiments, GateSetModel, xyi_gate_set, xyi_words

    w9 = tools("w9")
    for longest in (1, 6, 64):
        words = [tuple(f"G{letter}" for letter in word) for word in w9.words_up_to(longest)]
        assert sorted(words) == sorted(xyi_words(longest, lite=False))
    assert len(w9.of_words(64).words) == 2122
    model = xyi_gate_set()
    ideal = {g: p.transfer_matrix() for g, p in model.gates.items()}
    for letter in w9.TURNS:
        r = w9.turn(letter)
        assert 0 < np.abs(r - ideal[f"G{letter}"]).max() < 0.03
        assert np.abs(r[1:, 1:] @ r[1:, 1:].T - (1 - w9.ERROR) ** 2 * np.eye(3)).max() < 1e-12
    words = w9.words_up_to(2)
    setup = Experiments.product(
        [tuple(f"G{letter}" for letter in word) for word in words], {"rho": [1.0, 0.0]}, model.measurements
    )
    half = np.array([[1, 0, 0, 1], [1, 0, 0, -1]]) / 2
    p = w9.GateSet({g[1:]: m for g, m in ideal.items()}, np.array([1, 0, 0, 1]), half).probabilities(words)
    known = GateSetModel(model.gates, kind="known")
    assert np.abs(p.ravel() - known.predict([], setup)).max() < 1e-12


@pytest.mark.parametrize("n", [1, 2])
def test_the_settings_of_w9_are_those_of_qml(tools, n):
    from qml import PauliMeasurement
    from qml.processes import Process, ProcessMeasurement

    w9 = tools("w9")
    choi, given = w9.true_choi(n), w9.of_settings(n)
    process = Process(choi.reshape(4**n, 4**n), (2,) * n)
    p = ProcessMeasurement(n, PauliMeasurement(n)).probabilities(process.choi)
    assert np.abs(p - given.probabilities(choi).ravel()).max() < 1e-12
    target = np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2 if n == 1 else np.eye(4)[[0, 1, 3, 2]]
    overlap = np.vdot(Process.from_kraus(target).choi.matrix(), process.choi.matrix()).real
    assert overlap == pytest.approx({1: (1 + np.sqrt(0.95)) ** 2 / 4, 2: 0.97 + 0.03 / 16}[n], abs=1e-12)
    task = w9.qml(n, w9.PROCESS)
    best = float(task.fingerprint(task.run())[0])
    assert best < float(task.fingerprint(choi)[0]) < best + 1e-3


def test_the_record_of_w9_is_told_in_nats(tools):
    w9 = tools("w9")
    cells = [
        {"variant": "process", "size": 1, "implementation": name, "fingerprint": [value], "seconds": {"median": 0.5}}
        for name, value in (("qml", 0.5), ("other", 0.5001), ("failed", None))
    ]
    cells[2]["fingerprint"] = None
    table = w9.nats({"cells": cells})
    assert table[2:] == [
        "| process | 1 | qml | -6000.0000 | 0 | 500 ms |",
        "| process | 1 | other | -6001.2000 | 1.2 | 500 ms |",
    ]


def test_the_target_of_the_jobs_is_the_thermal_state_of_qml(tools):
    from qml import operators, thermal

    jobs = tools("jobs")
    for n in (1, 3):
        np.testing.assert_allclose(jobs.chain(n), thermal(operators.tfim(n), 1.0).matrix(), atol=1e-14)
    assert jobs.entropy(jobs.chain(3)) == pytest.approx(float(thermal(operators.tfim(3), 1.0).entropy()), abs=1e-12)


def test_fits_of_a_job_agree_on_where_they_begin_and_that_they_descend(tools):
    fingerprint = tools("jobs").descent(lambda: (3.0, 1.1), 1.0).fingerprint
    assert fingerprint((3.0, 1.1)).tolist() == [3.0, 1.0]
    assert fingerprint((3.0, 2.9)).tolist() == [3.0, 0.0]  # no descent
    assert fingerprint((3.0, 0.9)).tolist() == [3.0, 0.0]  # below what is possible


def test_jobs_of_gibbs_models_find_the_optimum(tools):
    j2, w5 = tools("j2"), tools("w5")
    p = w5.problem(3, "matched")
    for solver in (j2.qml, j2.lbfgs):
        task = solver(3, "visible")
        fingerprint = task.fingerprint(task.run())
        assert np.abs(fingerprint[1:] - p.means).max() <= 1.01 * j2.TOLERANCE
    task = j2.qml(2, "hidden")
    start, fell = task.fingerprint(task.run())
    assert fell == 1.0
    k = w5.combine([w5.String.of(label) for label in j2.strings_of(2)], j2.start_of(2))
    sigma = np.einsum("aibi->ab", w5.gibbs(k).rho.reshape(4, 2, 4, 2))
    w, v = np.linalg.eigh(sigma)
    by_hand = -np.log(w) @ np.einsum("ij,ik,kj->j", v.conj(), tools("jobs").chain(2), v).real
    assert start == pytest.approx(by_hand, abs=1e-12)


ENOUGH = {"J4": ["--variants", "moons", "iris-cross-entropy"], "W10": ["--variants", "1e-3"]}
"""Variants by which each implementation of a workload runs; without an entry, all."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["W1", "W2", "W3", "W5", "W6", "W9", "W10", "J1", "J2", "J3", "J4", "J6", "J7"])
def test_every_workload_runs(name, tmp_path):
    file = tmp_path / "out.json"
    options = ["--sizes", "2", "--rounds", "1", "--turn", "0", "--threads", "1", "--json", str(file)]
    command = [sys.executable, str(FOLDER / "run.py"), name, *options, *ENOUGH.get(name, [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    cells = json.loads(file.read_text())["cells"]
    assert all(c["status"] == "ok" for c in cells if c["implementation"] in ("qml", "numpy", "floor"))


@pytest.mark.slow
def test_the_speed_of_every_workload_is_measured_from_commit_to_commit(tmp_path):
    command = [sys.executable, "-m", "pytest", str(FOLDER / "speed.py"), "-n", "0", "-q", "--collect-only"]
    done = subprocess.run(command, cwd=FOLDER.parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {line.partition("[")[2].partition("-")[0] for line in done.stdout.splitlines() if "::test_speed[" in line}
    assert found == {path.stem.upper() for path in FOLDER.glob("[wj][0-9]*.py")} - {"J5", "J6", "J7"}
