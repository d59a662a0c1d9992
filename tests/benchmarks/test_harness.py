"""The benchmark harness: tables, JSON, agreement, the cap, and its sentences; only NumPy peers, tiny sizes."""

import functools
import importlib
import json
import math
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from click.testing import CliRunner

FOLDER = Path(__file__).resolve().parents[2] / "experiments" / "benchmarks"

TOY = """
import os
import sys
import time

import numpy as np
from workload import Task, Workload

WORKLOAD = Workload("doubling", "seconds a double", sizes=(2, 3), tolerance=1e-6)


def answer(number):
    return Task(lambda: number, np.asarray)


@WORKLOAD.by("numpy")
def qml(n, variant):
    print("noise on standard output")
    return answer([2.0 * n, 1.0])


@WORKLOAD.by("numpy")
def right(n, variant):
    return answer([2.0 * n + 1e-9, 1.0])


@WORKLOAD.by("numpy")
def wrong(n, variant):
    return answer([2.0 * n, 1.001])


@WORKLOAD.by("numpy")
def slow(n, variant):
    time.sleep(60)


@WORKLOAD.by("numpy")
def broken(n, variant):
    raise ValueError("out of paper")


@WORKLOAD.by("numpy")
def dying(n, variant):
    print("last words", file=sys.stderr, flush=True)
    os._exit(3)


@WORKLOAD.by("no_such_module")
def absent(n, variant):
    raise AssertionError
"""


SIZES = pytest.mark.parametrize("sizes", [(2,), pytest.param((2, 3), marks=pytest.mark.slow)], ids=str)


@pytest.fixture
def harness(tools):
    return tools("harness")


@pytest.fixture
def results(tools):
    return tools("results")


@pytest.fixture
def processes(tools):
    return tools("processes")


@pytest.fixture
def play(tools, harness, tmp_path, monkeypatch):
    """Measure the toy workload: play(names, cap, sizes) -> cells by (size, name), and the names of the absent."""
    path = tmp_path / "toy.py"
    path.write_text(TOY)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    workload = tools("workload").load(path)

    def run(*names, cap=60.0, sizes=(2, 3)):
        settings = harness.Settings(threads=1, cap=cap, rounds=2, turn=0.0)
        members, absent = harness.recruit(workload, path, names, [], 1)
        groups = harness.measure(workload, path, members, ["default"], sizes, settings)
        return {(c.size, c.implementation): c for cells in groups for c in cells}, absent

    yield run
    sys.modules.pop("toy", None)


def cell(results, name="peer", turns=((1.0,),), fingerprint=(1.0,), **more):
    made = results.Cell("default", 2, name, **more)
    made.turns_s, made.fingerprint = [list(t) for t in turns], list(fingerprint)
    return made


@SIZES
def test_a_run_from_the_command_line(tools, tmp_path, monkeypatch, sizes):
    file, figure = tmp_path / "out.json", tmp_path / "out.png"
    options = ["--peers", "numpy", "--rounds", "2", "--turn", "0", "--threads", "1", "--variants", "relative"]
    monkeypatch.setenv("COLUMNS", "200")
    busy = psutil.cpu_percent
    monkeypatch.setattr(psutil, "cpu_percent", lambda _: busy(0.02))  # a second otherwise
    monkeypatch.chdir(tmp_path)
    command = ["W4", "--sizes", *map(str, sizes), "--json", str(file), *options, "--figure", str(figure)]
    done = CliRunner().invoke(tools("run").main, command)
    assert done.exit_code == 0, done.output
    headings = [f"W4 relative, n = {n}" for n in sizes]
    for word in (*headings, "numpy", "floor", "time / qml", "peer / qml", "first call", "MiB"):
        assert word in done.output
    assert figure.read_bytes().startswith(b"\x89PNG")

    recorded = json.loads(file.read_text())
    assert recorded["workload"] == "W4"
    assert recorded["machine"]["cpu"]
    assert 0 <= recorded["machine"]["busy"] <= 100
    assert recorded["settings"]["threads"] == 1
    assert recorded["versions"]["qml"]["qml"]
    assert recorded["versions"]["numpy"]["numpy"] == np.__version__
    cells = {(c["size"], c["implementation"]): c for c in recorded["cells"]}
    assert set(cells) == {(n, name) for n in sizes for name in ("qml", "numpy", "floor")}
    for (_, name), found in cells.items():
        assert found["status"] == "ok"
        assert len(found["turns_s"]) == 2
        assert found["seconds"]["low"] <= found["seconds"]["median"] <= found["seconds"]["high"]
        assert found["first_s"] > 0
        if name != "floor":
            assert found["agrees"]
            assert found["peak_mib"] > found["memory_mib"] >= 0
    assert [entry["fastest_peer"] for entry in recorded["ratios"]] == ["numpy"] * len(sizes)
    assert all(entry["fastest_peer_over_qml"]["low"] > 0 for entry in recorded["ratios"])
    assert all(entry["qml_over_floor"]["median"] > 0 for entry in recorded["ratios"])


@SIZES
def test_a_disagreement_is_caught_and_named(play, results, sizes):
    cells, absent = play("qml", "right", "wrong", "broken", "dying", "absent", sizes=sizes)
    assert absent == {"absent": ["no_such_module"]}
    for n in sizes:
        assert cells[n, "right"].agrees
        assert cells[n, "right"].difference < 1e-8
        assert not cells[n, "wrong"].agrees
        assert cells[n, "wrong"].difference == pytest.approx(1e-3)
        assert cells[n, "broken"].status == "ValueError: out of paper"
        assert cells[n, "dying"].status == "died: last words"
        assert len(cells[n, "right"].turns_s) == 2
    cells[2, "wrong"].turns_s = [[1e-12], [1e-12]]
    assert [entry["fastest_peer"] for entry in results.ratios(list(cells.values()))] == ["right"] * len(sizes)


def test_the_cap_ends_a_slow_one_and_larger_sizes_are_skipped(play, harness, monkeypatch):
    real, begun = harness.Process, []

    def process(path, member, arguments, *rest):
        begun.append(arguments)
        return real(path, member, arguments, *rest)

    monkeypatch.setattr(harness, "Process", process)
    cells, _ = play("slow", cap=0.25)
    assert begun == [(), ("slow", 2, "default")]
    assert cells[2, "slow"].status == cells[3, "slow"].status == "> 0.25 s"
    assert cells[3, "slow"].setup_s is None


def test_fingerprints_are_compared_with_the_median(results):
    cells = [cell(results, fingerprint=f) for f in ((1.0, 200.0), (1.0, 200.0), (1.0, 200.1), (1.0,), (1.0, math.nan))]
    results.agree(cells, 1e-6)
    assert [c.agrees for c in cells] == [True, True, False, False, False]
    assert cells[2].difference == pytest.approx(0.1 / 200)
    alone = [cell(results)]
    results.agree(alone, 1e-6)
    assert alone[0].agrees is None


def test_ratios_are_taken_turn_by_turn(results):
    fast = cell(results, turns=((1.0, 1.0, 9.0), (2.0,), (4.0,)))
    slow = cell(results, turns=((3.0,), (6.0,)))
    assert fast.medians == [1.0, 2.0, 4.0]
    assert results.ratio(slow, fast) == results.Spread(3.0, 3.0, 3.0)
    first = cell(results, turns=(), first_s=5.0)
    assert results.ratio(first, fast) == results.Spread(5.0, 5.0, 5.0)
    assert cell(results, turns=()).spread is None


def test_the_default_is_compared_with_the_best_number_of_threads(results):
    default = cell(results, "qml", turns=((1.2,), (1.0,), (1.4,)))
    one, two = (cell(results, f"qml, threads: {k}", turns=((t,),) * 3) for k, t in ((1, 1.0), (2, 3.0)))
    ((found, best, over),) = results.over_by_hand([default, one, two, cell(results)])
    assert (found, best) == (default, one)
    assert (over.median, over.low, over.high) == (1.2, 1.0, 1.4)
    assert results.over_by_hand([default, cell(results)]) == []
    assert "fastest_peer" not in results.ratios([default, one, two])[0]


def test_threads_set_by_hand_are_those_of_every_library(tools, harness, processes, monkeypatch):
    monkeypatch.setattr(harness.os, "cpu_count", lambda: 3)
    declared = tools("workload").load(FOLDER / "j1.py")
    members = harness.extras(declared, cold=False, by_hand=True)
    assert [member.name for member in members] == ["qml, threads: 1", "qml, threads: 2", "qml, threads: 3"]
    for count, member in enumerate(members, 1):
        assert member.implementation == "qml"
        assert {member.environment[name] for name in processes.THREAD_VARIABLES} == {str(count)}


def test_a_disagreement_sets_the_exit_status(tools, harness, results, tmp_path):
    cells = [cell(results, "qml"), cell(results, "numpy"), cell(results, "torch", fingerprint=(1.1,))]
    results.agree(cells, 1e-9)
    workload = tools("workload").load(FOLDER / "w4.py")
    file = tmp_path / "old.json"
    file.write_text(json.dumps(harness.record("W4", workload, harness.Settings(), {"cpu": "a"}, cells)))
    run = tools("run")
    done = CliRunner().invoke(run.main, ["W4", "--redraw", "--json", str(file)])
    assert done.exit_code == 1
    assert "torch disagrees at default, n = 2: by 1.0e-01, more than 1e-09." in " ".join(done.output.split())
    assert "numpy disagrees" not in done.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["W0"],
            "there is no workload 'W0'; choose one of W1, W2, W3, W4, W5, W6, W7, W8, W9, W10, J1, J2, J3, J4, J5, J6, "
            "J7.",
        ),
        (["W4", "--peers", "numpi"], "there is no peer 'numpi'; choose among numpy, torch"),
        (["W4", "--variants", "both"], "there is no variant 'both'; choose among relative, cross."),
        (["W4", "--sizes", "2", "1"], "1 is not in the range x>=2"),
        (["W4", "--redraw"], "--redraw needs --json FILE of an earlier run."),
        (["W4", "--peer-python", "/no/such/python"], "/no/such/python"),
    ],
)
def test_what_cannot_be_run_is_told_in_a_sentence(tools, arguments, sentence):
    done = CliRunner().invoke(tools("run").main, arguments)
    assert done.exit_code == 2
    assert sentence in done.output


def test_sizes_of_a_variant_are_its_own(tools, harness, results, processes):
    workload = tools("workload").Workload("", "", sizes=(1, 2), variants=("a", "b"), sizes_of={"a": (64,)})
    settings = harness.Settings()

    def measured(sizes):
        members = [processes.Member("x", "", "x")]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(harness, "_compare", lambda w, p, m, variant, size, *rest: [results.Cell(variant, size, "x")])
            groups = list(harness.measure(workload, Path(), members, ("a", "b"), sizes, settings))
        return [(cell.variant, cell.size) for cells in groups for cell in cells]

    assert measured(()) == [("a", 64), ("b", 1), ("b", 2)]
    assert measured((3,)) == [("a", 3), ("b", 3)]


@pytest.mark.slow
def test_jobs_choose_their_threads_and_workloads_are_told(tools, harness, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    path = tmp_path / "told.py"
    path.write_text(
        "import os\nimport numpy as np\nfrom workload import Task, Workload\n"
        "WORKLOAD = Workload('', '', sizes=(2,))\n"
        "@WORKLOAD.by('numpy')\ndef qml(n, variant):\n"
        "    return Task(lambda: int(os.environ.get('OPENBLAS_NUM_THREADS', 0)), np.array)\n"
    )
    monkeypatch.setattr(sys, "path", sys.path.copy())
    workload = tools("workload").load(path)
    for threads in (0, 1):
        settings = harness.Settings(threads=threads, rounds=1, turn=0.0)
        members, _ = harness.recruit(workload, path, ["qml"], [], threads)
        ((found,),) = harness.measure(workload, path, members, ["default"], [2], settings)
        assert found.fingerprint == [threads]
    sys.modules.pop("told", None)
    assert all(tools(f"j{k}").WORKLOAD.defaults for k in range(1, 8))


def test_the_time_of_a_process_is_counted_part_by_part(tools):
    program = "import sys, time; print(sys.argv[1]); from fractions import Fraction; time.sleep(0.05)"
    ended = tools("jobs").process(program, "word")
    assert ended.printed == "word\n"
    assert set(ended.seconds) == {"start", "rest", "imports", "exit"}
    assert ended.seconds["rest"] >= 0.05
    assert all(seconds > 0 for seconds in ended.seconds.values())
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        tools("jobs").process("1 / 0")


def test_the_time_of_one_part_is_no_time_of_the_part_around_it(tools, monkeypatch):
    parts, now = tools("parts"), [0.0]
    monkeypatch.setattr(parts.time, "monotonic", lambda: now[0])
    clock = parts.Clock(-1.0)
    clock.begin()
    inner = clock.counted("inner", lambda: now.__setitem__(0, now[0] + 2.0))

    def work():
        now[0] += 3.0
        inner()
        now[0] += 4.0

    clock.counted("outer", work)()
    clock.switch()
    assert clock.seconds == {"start": 1.0, "rest": 0.0, "outer": 7.0, "inner": 2.0}


def test_every_function_whose_time_is_counted_exists(tools):
    for module, functions in tools("parts").PARTS.items():
        for name in functions:
            assert callable(functools.reduce(getattr, name.split("."), importlib.import_module(module)))


def test_busy_processes_run_as_long_as_they_are_wanted(processes):
    here = psutil.Process()
    before = set(here.children())
    with processes.busy(2):
        beside = set(here.children()) - before
        assert len(beside) == 2
    assert not any(process.is_running() for process in beside)


def test_what_was_beside_is_told(tools):
    told = tools("report")._threads
    assert told({"threads": 2}) == "2 threads"
    assert told({"threads": 0, "beside": 1}) == "default threads, beside 1 busy process"
    assert told({"threads": 0, "beside": 2}) == "default threads, beside 2 busy processes"
