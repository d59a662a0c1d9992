"""Settings that every test runs under, in whatever order they come."""

import contextlib
import gc
import os
import signal
import sys
from importlib.metadata import version
from pathlib import Path

import hypothesis
import matplotlib
import pytest

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or every worker and process compiles everything again: 10 s each
sys.dont_write_bytecode = False
pytest.register_assert_rewrite("helpers")
from helpers.cases import begin_anew  # noqa: E402

matplotlib.use("Agg")
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")
FLAGS = (  # eight devices to spread vectors over; what is compiled for a test runs once or twice
    "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=0 "
    "--xla_llvm_disable_expensive_passes=true"
)
if [int(part) for part in version("jaxlib").split(".")[:2]] < [0, 11]:  # later ones do not know it, and abort
    FLAGS += " --xla_cpu_use_fusion_emitters=false"
os.environ.setdefault("XLA_FLAGS", FLAGS)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a shell, which processes would inherit
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("qml", deadline=None, max_examples=40, derandomize=True)
hypothesis.settings.load_profile("qml")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes():
    """One process a core: more threads of BLAS would only wait for each other. What is freed stays with a process for
    its next array, whose pages the system would clear again. The workers inherit both; one of their plugins imports
    NumPy before this file, so they would come too late from here."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(2**26))
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**28))


def pytest_ignore_collect(collection_path, config):
    """Slow tests are looked for only in files that have some, of their own or by engine: half of the time."""
    if config.option.markexpr == "slow" and collection_path.suffix == ".py":
        text = collection_path.read_text(encoding="utf-8")
        return not ("mark.slow" in text or "helpers.engines" in text) or None
    return None


@pytest.hookimpl(wrapper=True)
def pytest_collect_file():
    """Docstrings of tests hold no examples to look for."""
    return [found for found in (yield) if type(found) is pytest.Module]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """The site is built first, whatever the order: it takes the longest, and nobody should wait for it at the end."""
    items.sort(key=lambda item: "site" not in getattr(item, "fixturenames", ()))


def import_a_part(session):
    """Import those test files first that the other workers come to later, where all tests are collected: in a new
    clone the assertions of every file are rewritten, which takes half of the time, and one worker keeps the result."""
    name, count = os.environ.get("PYTEST_XDIST_WORKER"), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if name and session.config.args == session.config.getini("testpaths"):
        for path in sorted(Path(__file__).parent.glob("[ru]*/test_*.py"))[int(name.removeprefix("gw")) :: count]:
            with contextlib.suppress(Exception, pytest.skip.Exception):  # the collection tells
                _ = pytest.Module.from_parent(session, path=path).obj


@pytest.hookimpl(wrapper=True)
def pytest_collection(session):
    """No search for cycles amid the millions of objects that are made here and stay: a third of the time."""
    gc.disable()
    try:
        import_a_part(session)
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_runtest_setup(item):
    """A generator that a test module holds begins anew in each test, from the name of the test: nothing that ran
    before changes its numbers."""
    if module := getattr(item, "module", None):
        begin_anew(vars(module), item.name)


def pytest_terminal_summary(terminalreporter, config):
    """The seed of the order, also where no header is printed."""
    seed = config.getoption("randomly_seed", None)
    if seed is not None:
        terminalreporter.write_line(f"random order: --randomly-seed={seed} repeats it")
