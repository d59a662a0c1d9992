"""``qml convert``, and circuits of OpenQASM in studies."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from helpers.command import assert_sentence, call

import qml
from qml import Circuit, CircuitModel, Counts, FitResult, gates
from qml.io import convert, from_qasm, load
from qml.processes import ProcessModel, as_process
from qml.studies.record.folder import load_run

PROGRAM = """OPENQASM 3.0;
include "stdgates.inc";
input float a;
input float p;
qubit[2] q;
ry(2 * a) q[0];
cx q[0], q[1];
#pragma braket noise depolarizing(p) q[1]
"""
STUDY = """
target: {kind: werner, p: 0.4}
fits:
  - name: short
    model: {kind: circuit, circuit: {qasm: circuits/bell.qasm}}
    max_iterations: 5
  - name: long
    model:
      kind: circuit
      ansatz: {kind: qasm, file: circuits/bell.qasm}
      readout: [{channel: BitFlip, params: [0.01]}]
    max_iterations: 5
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_pictures: None) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "circuits").mkdir()
    (tmp_path / "circuits" / "bell.qasm").write_text(PROGRAM)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path


def test_circuits_go_from_format_to_format(folder):
    circuit = from_qasm(PROGRAM)
    names = ["circuits/bell.qasm", "a.json", "b.npz", "c.qasm"]
    for one, other in pairwise(names):
        result = call("convert", one, other)
        assert result.exit_code == 0
        assert f"<Circuit: 2 qubits, 3 operations, 2 parameters> written to {other}" in result.output
    assert load("a.json") == load("b.npz") == circuit
    assert from_qasm(Path("c.qasm").read_text()) == circuit
    Path("marked.qasm").write_text(PROGRAM, encoding="utf-8-sig")  # as some editors write text
    assert convert("marked.qasm", "marked.json") == circuit


def test_counts_go_from_format_to_format(folder):
    counts = Counts.from_dicts({"XX": {"00": 3, "11": 4}, "ZZ": {"01": 5}})
    counts.write_csv("a.csv")
    for one, other in (("a.csv", "b.json"), ("b.json", "c.npz"), ("c.npz", "d.csv")):
        assert call("convert", one, other).exit_code == 0
    assert Counts.read_csv("d.csv") == Counts.read_json("b.json") == counts


def test_a_model_of_a_process_becomes_its_circuit_without_the_reference(folder):
    circuit = Circuit(1, [gates.RX("a", 0)])
    result = qml.fit(ProcessModel(circuit), as_process(gates.SX).choi, seed=1, progress=False)
    result.save("process.npz")
    convert("process.npz", "process.qasm")
    learnt = from_qasm(Path("process.qasm").read_text())
    assert learnt == circuit.bind(result.model.natural(result.params))


def test_a_result_becomes_the_circuit_that_was_learnt(folder):
    target = qml.DensityMatrix(np.diag([0.7, 0.0, 0.0, 0.3]))
    circuit = Circuit(2, [gates.RY("a", 0), gates.CNOT(0, 1), qml.channels.PhaseFlip("p", 0)])
    result = qml.fit(CircuitModel(circuit), target, seed=1, progress=False)
    result.save("fit.npz")
    assert call("convert", "fit.npz", "fit.json").exit_code == 0
    assert call("convert", "fit.json", "learnt.qasm").exit_code == 0
    learnt = from_qasm(Path("learnt.qasm").read_text())
    assert learnt.parameters == ()
    again = qml.engines.PauliEngine().evolve(learnt, ()).matrix()
    assert np.abs(again - result.state.matrix()).max() < 1e-15
    assert isinstance(load("fit.json"), FitResult)


def test_mistakes_of_the_command(folder):
    Path("taken.json").write_text("{}")
    Path("odd.txt").write_text("")
    Path("bad.qasm").write_bytes(b"\xff\xfe")
    qml.pauli("XZ").save("sum.json")
    for arguments, sentence in (
        (("circuits/bell.qasm", "taken.json"), "taken.json exists already: choose another name, or add --force"),
        (("nothing.qasm", "a.json"), "the source file 'nothing.qasm' does not exist"),
        (("odd.txt", "a.json"), "files that end in .qasm, .json, .npz, .csv are read"),
        (("circuits/bell.qasm", "a.txt"), "files that end in .qasm, .json, .npz, .csv are written"),
        (("circuits/bell.qasm", "a.csv"), "CSV files hold counts; found a Circuit"),
        (("sum.json", "a.qasm"), "OpenQASM holds circuits; found a PauliSum without one"),
        (("taken.json", "a.qasm"), "the keys 'format' and 'object'"),
        (("bad.qasm", "a.json"), "is not text"),
        (("circuits/bell.qasm", "a.qasm", "--version", "2"), "OpenQASM 2 has no free parameters"),
    ):
        result = call("convert", *arguments)
        assert_sentence(result, sentence)
    assert not Path("a.json").exists()
    assert call("convert", "circuits/bell.qasm", "taken.json", "--force").exit_code == 0
    assert isinstance(convert("taken.json", "again.npz"), Circuit)


def test_studies_learn_the_inputs_of_a_program_by_name(folder):
    assert call("run", "study.yaml", "--output", "run", "--quiet").exit_code == 0
    run = load_run(folder / "run")
    short = FitResult.load(run.checked("fits/1-short/result.npz"))
    assert short.parameter_names == ("a", "p")
    circuit = from_qasm(PROGRAM)
    expected = CircuitModel(circuit).state(short.params).matrix()
    assert np.array_equal(short.state.matrix(), expected)
    (folder / "circuits" / "bell.qasm").unlink()
    result = call("reproduce", "run")
    assert result.exit_code == 0, result.output
    assert "All 2 fits are identical to the bit" in result.output


def test_mistakes_in_programs_of_studies(folder):
    program = folder / "circuits" / "bell.qasm"
    for text, sentence in (
        (PROGRAM.replace("2 * a", "a * a"), "fits[0].model.ansatz: line 6, column 4: a * a is not affine"),
        (PROGRAM + "x q[0]", "this is not OpenQASM"),
        (PROGRAM + "// " + "x" * 200_000, "at most 128 KiB"),
    ):
        program.write_text(text)
        assert_sentence(call("validate", "study.yaml"), sentence)
    program.unlink()
    assert_sentence(call("validate", "study.yaml"), "the OpenQASM file")
    text = STUDY.replace("circuits/bell", "../bell")
    (folder / "study.yaml").write_text(text)
    assert_sentence(call("validate", "study.yaml"), "files are read from the folder of the study only")
    (folder / "study.yaml").write_text(STUDY.replace("file: circuits/bell.qasm", "file: a, text: b"))
    assert_sentence(call("validate", "study.yaml"), "")
