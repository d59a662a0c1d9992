"""What OpenQASM cannot say here, and what cannot be said in OpenQASM, is refused in a sentence with its place."""

from __future__ import annotations

import re

import pytest
from helpers.cases import every

from qml import Circuit, channels, gates
from qml._checks import InputError
from qml.instructions import TraceOut
from qml.io import from_qasm, qasm_gates, qasm_read, qasm_values, to_qasm

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


@every(
    "body, sentence",
    [
        ("qubit q; x q", r"line 3, column \d+: this is not OpenQASM"),
        ("qubit q; rx(q) q;", "line 3, column 13: a number is needed"),
        ("qubit q; foo q;", "column 10: the gate 'foo' is not known: define it"),
        ("qubit q; rx q;", "rx takes 1 parameters; found 0"),
        ("qubit[2] q; cx q[0];", "cx acts on 2 qubits; found 1"),
        ("qubit[2] q; cx q[0], q[0];", "acts on the same qubit twice"),
        ("qubit[2] q; x q[2];", "index 2 is outside a register of 2"),
        ("qubit[2] a; qubit[3] b; cx a, b;", r"different sizes: \[2, 3\]"),
        ("qubit q; bit c; c = measure q; if (c) x q;", "c holds a measured result, and classical feedback"),
        ("qubit q; bit c; c = measure q; x q;", "qubit 0 is measured in line 3 and used again here"),
        ("qubit q; measure q; measure q;", "qubit 0 is measured twice"),
        ("qubit q; delay[10ns] q;", "a delay has no counterpart in a circuit of gates and channels"),
        ("qubit q; def f(qubit a) { x a; } f(q);", "a subroutine has no counterpart"),
        ("cal { }", "a calibration has no counterpart"),
        ("input int n; qubit q;", "an input is a float or an angle"),
        ("input float a; qubit q; rx(sin(a)) q;", "sin of a free parameter is not affine"),
        ("input float a; qubit q; rx(a * a) q;", "is not affine in the free parameters"),
        ("input float a; qubit[2] q; pow(0.5) @ h q[0]; pow(0.5) @ crx(a) q; ", "crx acts on 2 qubits; found 1"),
        ("input float a; qubit q; pow(0.5) @ U(a, 0, 0) q;", "needs numbers for its parameters"),
        ("qubit q; rx(1 / 0) q;", "cannot be computed"),
        ("qubit q; for uint[2] i in {1, 5} { x q; }", r"5 is outside uint\[2\]"),
        ("gate x a { h a; } include \"stdgates.inc\";", "the gate .x. is defined already: include stdgates.inc before"),
        ("qubit q; bit[2] b = 5;", "5 does not fit in 2 bits"),
        ("qubit q; bit[2] b = -3;", "-3 does not fit in 2 bits"),
        ("qubit q; bit[4] b = 3; bit[2] c = bit[2](b);", "2 bits are assigned 4"),
        ("qubit q; bit[2] b = \"101\";", "2 bits are assigned 3"),
        ("qubit q; uint[4] u = 5; rx(~u) q;", "~ turns the bits of a register around"),
        ("qubit q; bit[1] b; b = measure q; for bit c in b { rx(c) q; }", "holds a measured result"),
        ("input float a; qubit q; rx(a / 0) q;", "line 3, column 28: the divisor of a parameter must not be zero"),
        ("input float a; qubit q; if (!a) x q;", "!a is not affine"),
        ("qubit q; int i = 3; rx(sizeof(i)) q;", "only registers have a size"),
        ("qubit q; bit[2] c; let d = c[0:1]; c[0] = measure q; if (d) x q;", "registers of qubits have another name"),
        ("qubit q; int i = 1; i /= 0;", "line 3, column 21: this cannot be computed"),
        ("qubit q; rx(sqrt(-1)) q;", "cannot be computed"),
        ("qubit q; rx(1e300 * 1e300) q;", "a finite real number is needed"),
        ("int i = 2 ** 63; qubit q;", "more than 63 bits"),
        ("int i = 9 ** 9 ** 9; qubit q;", "cannot be computed|more than 63 bits|finite"),
        ("qubit[100000] q;", "from 1 to 1000"),
        ("bit[10000000000] c; qubit q;", "from 1 to 1000000"),
        ("qubit q; for int i in [0:100000000] { x q; }", "too long"),
        ("gate g q { g q; } qubit q; g q;", "more than 100 gates are defined by each other"),
        ("qubit q; rx(" + "(" * 200 + "1" + ")" * 200 + ") q;", "more than 100 brackets"),
        ("qubit q; rx(" + "-" * 400 + "1) q;", "more than 100 brackets or signs"),
        ("qubit q; rx(" + "1 + " * 3000 + "1) q;", "too deeply nested"),
        ("x $0;", r"\$0 is a qubit of hardware"),
        ("bit c;", "declares no qubits"),
        ("qubit q; qubit q;", "'q' is declared already"),
        ("qubit q; array[int[32], 2] a;", "an array type has no counterpart"),
        ("qubit q; switch (1) { case 1 { } }", "a switch has no counterpart"),
        ("qubit q;\n#pragma braket noise foo(0.1) q\n", "line 4, column 1: the noise 'foo' is not known"),
        ("qubit q;\n#pragma braket noise bit_flip(1.5) q\n", "must lie in"),
        ("qubit q;\n#pragma braket noise kraus([[1, 0], [0, 2]]) q\n", "must be complete"),
        ("qubit q;\n#pragma braket noise kraus([[1, 0], [0]]) q\n", "must be square"),
        ("qubit q;\n#pragma braket verbatim\n", "has no counterpart here"),
        ("qubit[2] q; x q[{0, 1, 0}];", "line 3, column 15: a qubit comes twice among these: name each once"),
        ("qubit[2] q; let a = q ++ q[1];", "a qubit comes twice among these"),
        ("qubit[2] q; ctrl @ x q[0];", "x acts on 1 qubits; found 0"),
        ("qubit[2] q; ctrl(3) @ x q[0], q[1];", "needs from 1 to 2 qubits"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_a_sentence_with_its_place(body, sentence):
    with pytest.raises(InputError, match=sentence):
        from_qasm(HEAD + body)


def test_other_versions_and_long_texts_are_refused():
    with pytest.raises(InputError, match="found the name of a file: pass Path"):
        from_qasm("a.qasm")
    with pytest.raises(InputError, match="found version 4"):
        from_qasm("OPENQASM 4.0; qubit q;")
    with pytest.raises(InputError, match="characters"):
        from_qasm(" " * (1 << 23))


def test_a_declaration_that_does_not_end_is_told_with_its_place():
    for ending in ("", "opaque " * 50_000):
        with pytest.raises(InputError, match="line 2, column"):
            from_qasm(f"OPENQASM 2.0;\nqreg q[1]; opaque {ending}")


DOUBLING = "gate g0 q { x q; } " + "".join(f"gate g{i + 1} q {{ g{i} q; g{i} q; }} " for i in range(40))
BOMBS = {
    "qubit q; int i = 0; while (true) { i = i; }": "steps",
    "qubit q; for int i in [0:999999] { x q; }": "operations|steps",
    "qubit q; pow(1e9) @ x q;": "would make more than",
    f"qubit q; int i = 0; while (true) {{ i = {' + '.join(['i'] * 200)}; }}": "steps",
    "bit[100000] b; qubit q; while (true) { b = b; }": "steps",
    "qubit q; while (true) { bit[100000] b; }": "steps",
    "".join(f"bit[1000000] b{i}; " for i in range(5000)): "steps",
    "qubit[6] q; while (true) { pow(0.5) @ ctrl(5) @ h " + ", ".join(f"q[{i}]" for i in range(6)) + "; }": "steps",
    f"gate g q {{ {'x q; ' * 1000} }} qubit q; {'inv @ ' * 5000} g q;": "steps",
    f"{DOUBLING} qubit q; g40 q;": "operations|steps",
    DOUBLING.replace("{ x q; }", "{ }") + " qubit q; g40 q;": "steps",
}


@pytest.mark.parametrize("body", BOMBS)
def test_programs_that_would_not_end_are_refused(body, monkeypatch):
    monkeypatch.setattr(qasm_values, "MOST_STEPS", 10_000)
    for module in (qasm_read, qasm_gates):
        monkeypatch.setattr(module, "MOST_OPERATIONS", 2000)
    with pytest.raises(InputError, match=BOMBS[body]):
        from_qasm(HEAD + body)


@pytest.mark.slow
@pytest.mark.parametrize("body", BOMBS)
def test_programs_that_would_not_end_are_refused_within_the_bounds_that_the_docs_state(body):
    with pytest.raises(InputError, match=BOMBS[body]):
        from_qasm(HEAD + body)


@pytest.mark.parametrize(
    ("circuit", "options", "sentence"),
    [
        (Circuit((3,), []), {}, "have qubits only"),
        (Circuit(1, [gates.RX("a", 0)]), {"version": 2}, "no free parameters; found 'a'"),
        (Circuit(1, [channels.BitFlip(0.1, 0)]), {"version": 2}, "no noise"),
        (Circuit(1, [channels.ReadoutError("p", 0.1, 0)]), {}, "needs a number for 'p'"),
        (Circuit(1, [gates.X(0)]), {"version": 4}, "version must be an integer from 2 to 3"),
        (Circuit(1, [gates.X(0)]), {"measured": [1]}, "measured"),
        (Circuit(1, [TraceOut(0)]), {"dialect": "braket"}, "Braket has no counterpart"),
    ],
)
def test_what_cannot_be_written_is_told(circuit, options, sentence):
    with pytest.raises(InputError, match=sentence):
        to_qasm(circuit, **options)


@pytest.mark.parametrize("folder", ["a" * 5000, "/no/such/folder", "\ud800", 3])
def test_what_is_no_folder_of_files_to_include_is_told(folder):
    with pytest.raises(InputError, match=r"includes must be a (folder|path); found "):
        from_qasm("OPENQASM 3.0; qubit q;", includes=folder)


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        *(("uint[8]", 255, True), ("uint[8]", 256, False), ("uint[8]", -1, False), ("int[8]", 127, True)),
        *(("int[8]", -128, True), ("int[8]", 128, False), ("int[8]", -129, False), ("int", 2**40, True)),
    ],
)
def test_integers_of_so_many_bits_hold_no_more(kind, value, fits):
    for statements in (f"const {kind} k = {value};", f"{kind} k; k = {value};", f"{kind} k; k += {value};"):
        text = HEAD + f"qubit q; {statements} rx(k) q;"
        if fits:
            assert next(iter(from_qasm(text))).params[0].constant == value
        else:
            with pytest.raises(InputError, match=re.escape(f"{value} is outside {kind}.")):
                from_qasm(text)


@every("text", ["", " \n", "// nothing\n", "/* nothing */"])
def test_an_empty_program_is_told_as_such(text: str) -> None:
    with pytest.raises(InputError, match=r"^the program is empty\.$"):
        from_qasm(text)


def test_a_letter_that_openqasm_does_not_have_is_told_with_its_place() -> None:
    with pytest.raises(InputError, match=r"^line 1, column 10: this is not OpenQASM: "):
        from_qasm("qubit q; §")
