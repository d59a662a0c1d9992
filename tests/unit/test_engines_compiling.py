"""The compiler of kernels: what it makes of Python, what it refuses, and what is kept on disk."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.cases import every

from qml.engines import precompile
from qml.engines._llvm import kernel as kernels
from qml.engines._llvm.kernel import Kernel, kernel
from qml.engines._llvm.language import F1, F2, F3, I1, I2, LANES, U1, CannotCompile, inline, subroutine
from qml.engines._llvm.machine import Machine
from qml.engines._llvm.simd import load, store
from qml.engines.compile.patience import say_once
from qml.studies.cli import main

SHIFT = 3
PAIRS = ((1, 2), (3, 5), (8, 13))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where machine code is kept in a test."""
    monkeypatch.setenv("QML_CACHE_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def own(monkeypatch):
    """Kernels of tests are not among those of the engines, and nothing is printed."""
    monkeypatch.setattr(kernels, "_KERNELS", list(kernels._KERNELS))
    monkeypatch.setattr(kernels, "say_once", lambda line: None)


def _integers(a: int, b: int, out: I1) -> int:
    out[0], out[1], out[2] = a // b, a % b, -a
    out[3] = a // 8 + a % 8
    out[4] = (a ^ b) | (a & 255) << SHIFT
    out[5] = a >> 2 if a > b and b != 3 else a << 1
    out[6] = max(a, b, 7) - min(a, b)
    out[7] = 5 if a == 1 or a == 4 or not b > 0 else PAIRS[1][1] + a
    out[8] += a
    return out[5] + (a > b)


@every("a", [-17, -8, -1, 0, 1, 2, 5, 9, 1000])
@every("b", [-7, -2, 1, 3, 8])
def test_integers_are_those_of_python(a, b):
    compiled, plain = np.zeros(9, dtype=np.int64), np.zeros(9, dtype=np.int64)
    assert INTEGERS(a, b, compiled) == _integers(a, b, plain)
    np.testing.assert_array_equal(compiled, plain)


@inline
def _wrapped(x: F1, at: int) -> float:
    while at >= x.size:
        at -= x.size
    return x[at]


def _wrapped_plain(x, at):
    return x[at % x.size]


def _first_above(x: F1, limit: float) -> int:
    for i in range(x.size):
        if x[i] > limit:
            return i
    return -1


first_above = subroutine(_first_above)


def _loops(x: F2, y: F3, z: I2, small: U1, out: F1) -> float:
    rows, columns = x.shape
    room, other = np.zeros((rows, 3)), np.empty(columns * 200)
    total = 0.0
    for i in range(rows):
        row = x[i]
        for j in range(columns - 1, -1, -2):
            if row[j] < 0.0:
                continue
            if row[j] > 2.0:
                break
            room[i, j % 3] += row[j] / 3 + _wrapped(row, j + 9) - z[i, 0] * 0.5
        other[:columns] = 1.5
        part = y[i, 1:] if i & 1 else y[0][:2]
        total += part[1, 2] + other[columns - 1] + first_above(row, 0.5) + np.cos(room[i, 0])
    for index in small:
        total += index
    for start in range(0, rows, columns):
        total -= room[start, 0]
    out[:] = 0.0
    out[1:3] = total
    for i in range(out.size):
        out[i] *= x.size - room.reshape(-1)[i]
    return -total


def test_loops_arrays_and_calls_are_those_of_python(monkeypatch):
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(5, 7)), rng.normal(size=(5, 3, 4)), rng.integers(-9, 9, size=(5, 2))
    small = np.array([2**32 - 1, 3], dtype=np.uint32)
    compiled, plain = np.ones(4), np.ones(4)
    value = LOOPS(x, y, z, small, compiled)
    monkeypatch.setitem(globals(), "_wrapped", _wrapped_plain)
    monkeypatch.setitem(globals(), "first_above", _first_above)
    assert value == pytest.approx(_loops(x, y, z, small, plain), rel=1e-14)
    np.testing.assert_allclose(compiled, plain, rtol=1e-14)
    assert abs(value) > 1


def _rows(x: F1, factor: float, turned: bool) -> None:
    for i in range(0, x.size, LANES):
        here = load(x, i)
        store(x, i, -here * here if turned else 2 * here + factor)


def test_rows_of_lanes():
    x = np.arange(16.0)
    ROWS(x, 0.5, False)
    np.testing.assert_array_equal(x, 2 * np.arange(16.0) + 0.5)
    ROWS(x, 0.5, True)
    np.testing.assert_array_equal(x, -((2 * np.arange(16.0) + 0.5) ** 2))


class Given(NamedTuple):
    numbers: F1
    factor: float
    turned: bool


class Pair(NamedTuple):
    first: Given
    at: int


@subroutine
def _product_of(pair: Pair) -> float:
    return pair.first.numbers[pair.at] * pair.first.factor


def _records(given: Given, out: F1) -> None:
    for i in range(out.size):
        pair = Pair(given, out.size - 1 - i if given.turned else i)
        out[i] = _product_of(pair)


@pytest.mark.parametrize("turned", [False, True])
def test_records(turned):
    x, out = np.arange(5.0), np.zeros(5)
    RECORDS(Given(x, 2.0, turned), out)
    np.testing.assert_array_equal(out, 2 * (x[::-1] if turned else x))


@pytest.mark.parametrize("given", [(np.ones(5), 2.0), np.ones(5), None, (np.ones(5, dtype=int), 2.0, True)])
def test_what_is_no_record_is_refused(given):
    with pytest.raises((TypeError, IndexError, SystemError)):
        RECORDS(given, np.zeros(5))


INTEGERS, LOOPS, ROWS, RECORDS = (Kernel(function) for function in (_integers, _loops, _rows, _records))
for own_kernel in (INTEGERS, LOOPS, ROWS, RECORDS):
    kernels._KERNELS.remove(own_kernel)


@every(
    "arguments",
    [
        (np.ones(8), 1.0),
        (np.ones(8), 1.0, False, 0),
        (np.ones(8), "one", False),
        (np.ones((2, 4)), 1.0, False),
        (np.ones(16)[::2], 1.0, False),
        (np.frombuffer(bytes(65), dtype=np.float64, count=8, offset=1), 1.0, False),
        (np.ones(8, dtype=np.float32), 1.0, False),
        (np.ones(8, dtype=np.int64), 1.0, False),
    ],
)
def test_other_arguments_are_refused(arguments):
    with pytest.raises(TypeError):
        ROWS(*arguments)


def test_too_large_an_integer_is_refused():
    with pytest.raises(OverflowError):
        INTEGERS(2**63, 1, np.zeros(9, dtype=np.int64))


def _generator(n: int) -> None:
    yield n


def _string(n: int) -> None:
    n = 1
    n += 0.5


def _unknown(n: int) -> None:
    missing(n)  # noqa: F821


@pytest.mark.parametrize(
    ("function", "words"),
    [(_generator, "_generator, line"), (_string, "n is i64 first, double later"), (_unknown, "missing is not known")],
)
def test_what_cannot_be_compiled_is_said(function, words, folder):
    with pytest.raises(CannotCompile, match=words):
        kernel(function)(1)


def _shifted(n: int) -> int:
    return n << SHIFT


def test_machine_code_is_kept_until_what_it_is_made_of_changes(folder, monkeypatch):
    made = []
    original = Machine.compiled
    monkeypatch.setattr(Machine, "compiled", lambda self, text: made.append(text) or original(self, text))
    assert [kernel(_shifted)(1) for _ in range(2)] == [8, 8]
    assert len(made) == 1
    (file,) = folder.iterdir()
    head = json.loads(file.read_bytes().partition(b"\n")[0])
    assert __file__ in head["files"]
    assert [__name__, "SHIFT", "3"] in head["constants"]
    monkeypatch.setitem(globals(), "SHIFT", 4)  # a number from elsewhere
    assert kernel(_shifted)(1) == 16
    assert len(made) == 2
    digest = kernels._digest
    monkeypatch.setattr(kernels, "_digest", lambda file: "other" if file == __file__ else digest(file))  # a text
    assert kernel(_shifted)(1) == 16
    assert len(made) == 3
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-1])  # a file that is not whole
    assert kernel(_shifted)(1) == 16
    assert len(made) == 4


def test_a_record_of_another_file_is_part_of_what_a_kernel_is_made_of(folder):
    """Fields that change places there: what was compiled for the old ones would read the wrong arguments."""
    record = "from typing import NamedTuple\nclass Pair(NamedTuple):\n    {}: int\n    {}: int\n"
    use = (
        "from records import Pair\nfrom qml.engines._llvm.kernel import kernel\n"
        "@kernel\ndef tens(pair: Pair) -> int:\n    return 10 * pair.a + pair.b\nprint(tens(Pair(a=1, b=2)))\n"
    )
    (folder / "use.py").write_text(use)
    for fields in ("ab", "ba"):
        (folder / "records.py").write_text("from __future__ import annotations\n" + record.format(*fields))
        made = subprocess.run([sys.executable, folder / "use.py"], capture_output=True, text=True, check=True)
        assert made.stdout == "12\n"


def test_a_user_without_a_home_keeps_kernels_beside_their_source(monkeypatch, tmp_path):
    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("QML_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(kernels.Path, "home", unknown)
    assert list(kernels._folders(tmp_path / "source.py")) == [tmp_path / "__pycache__"]


def test_where_nothing_can_be_kept_kernels_run(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("QML_CACHE_DIR", str(blocked))
    assert kernel(_shifted)(1) == 8


def test_one_line_in_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.undo()
    monkeypatch.setattr(sys, "stderr", Terminal())
    say_once.cache_clear()
    say_once("It takes long.")
    say_once("It takes long.")
    assert sys.stderr.getvalue() == "It takes long.\n"


def test_no_line_where_nobody_reads(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    say_once.cache_clear()
    say_once("It takes long.")
    assert sys.stderr.getvalue() == ""


def test_every_kernel_compiles():
    result = CliRunner().invoke(main, ["precompile"])
    assert result.exit_code == 0, result.output
    assert all(kernel._call is not None for kernel in precompile.every_kernel())
