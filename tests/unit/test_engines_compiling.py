"""When kernels are compiled, and who is told."""

import inspect
import io
import sys

import numba
import numpy as np
import pytest
from click.testing import CliRunner

from qml.engines import linking, precompile
from qml.experiments.cli import main

TYPES = "void(float64[::1], int64)"


def _double(x, i):
    x[i] = 2.0 * x[i]


def _broken(x, i):
    x[i] = "no number"


def _quadruple(x, i):
    _linked_double(x, i)
    _linked_double(x, i)


def _calls_broken(x, i):
    _linked_broken(x, i)


OWN = double, broken, quadruple, calls_broken = [
    linking.Kernel(TYPES, function) for function in (_double, _broken, _quadruple, _calls_broken)
]
_linked_double, _linked_broken = double.linked, broken.linked
SLOTS = {slot: linking._BY_SLOT.pop(slot) for slot, kernel in list(linking._BY_SLOT.items()) if kernel in OWN}


@pytest.fixture
def fresh(monkeypatch):
    """The kernels above, known and not compiled; nothing is printed or started."""
    monkeypatch.setattr(precompile, "_begun", True)
    for slot, kernel in SLOTS.items():
        kernel._compiled, kernel._slot.value = None, None
        monkeypatch.setitem(linking._BY_SLOT, slot, kernel)


@pytest.mark.usefixtures("fresh")
def test_a_kernel_is_compiled_when_compiled_code_first_calls_it():
    quadruple.compile()
    x = np.ones(3)
    assert double._compiled is None  # compiling its caller does not need it
    quadruple(x, 1)
    assert double._compiled is not None
    double(x, 2)
    np.testing.assert_array_equal(x, [1.0, 4.0, 2.0])


@pytest.mark.usefixtures("fresh")
def test_what_cannot_be_compiled_is_an_error_of_the_caller():
    x = np.ones(3)
    with pytest.raises(numba.TypingError):
        calls_broken(x, 1)
    np.testing.assert_array_equal(x, 1.0)


@pytest.mark.usefixtures("fresh")
def test_an_interrupt_while_a_kernel_is_compiled_is_an_interrupt(monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt

    calls_broken.compile()
    monkeypatch.setattr(linking.Kernel, "compile", interrupted)
    with pytest.raises(KeyboardInterrupt):
        calls_broken(np.ones(3), 1)


def test_the_second_process_compiles_kernels_that_there_are():
    names = {kernel.name.rpartition(".")[2] for kernel in precompile.every_kernel()}
    assert set(precompile.ORDER) <= names
    assert len(set(precompile.ORDER)) == len(precompile.ORDER)


def test_one_line_in_a_terminal_and_one_second_process(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    started = []

    class Process:
        def __init__(self, command, **streams):
            started.append(command)

        def kill(self):
            pass

        def wait(self):
            pass

    monkeypatch.setattr(precompile.subprocess, "Popen", Process)
    monkeypatch.setattr(precompile, "_begun", False)
    monkeypatch.setattr(sys, "stderr", Terminal())
    precompile.begin()
    precompile.begin()
    assert sys.stderr.getvalue().count("\n") == 1
    assert "compiles its kernels" in sys.stderr.getvalue()
    assert [command[0] for command in started] == [sys.executable]


def test_no_line_where_nobody_reads(monkeypatch):
    monkeypatch.setattr(precompile.subprocess, "Popen", lambda *given, **streams: (_ for _ in ()).throw(OSError()))
    monkeypatch.setattr(precompile, "_begun", False)
    monkeypatch.setattr(precompile, "_watched", lambda: False)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    precompile.begin()  # and no process to be had is no error
    assert sys.stderr.getvalue() == ""


def test_every_kernel_compiles(monkeypatch):
    monkeypatch.setattr(precompile, "_begun", True)
    result = CliRunner().invoke(main, ["precompile"])
    assert result.exit_code == 0, result.output
    assert all(kernel._compiled is not None for kernel in linking.kernels())


def test_what_is_cached_holds_as_long_as_the_text_of_all_that_it_is_made_of():
    """Constants of block_rows are compiled into the blocks, which pauli_kernels calls by name only."""
    precompile.every_kernel()
    read = []
    original = inspect.getsource
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspect, "getsource", lambda module: read.append(module.__name__) or original(module))
        linking._text_of.__wrapped__("qml.engines.block_kernels")
    used = {f"qml.engines.{name}" for name in ("block_kernels", "block_rows", "simd", "linking")}
    assert used <= set(read)
    assert "qml.engines.vector_plan" not in read
    now = linking._text_of.__wrapped__("qml.engines.block_kernels")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspect, "getsource", lambda module: original(module) + "#" * module.__name__.endswith("simd"))
        assert linking._text_of.__wrapped__("qml.engines.block_kernels") != now
