"""Time every implementation of a workload side by side: a process each, taking turns, so that drift hits all alike."""

from __future__ import annotations

import json
import os
import platform
import queue
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from worker import FLOOR
from workload import Workload

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OURS, COLD, BY_HAND = "qml", "qml without cache", "qml, threads:"
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "QML_NUM_THREADS",
    "QULACS_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
PROBE_SECONDS = 60.0
MOST_OVER_BY_HAND = 1.1
"""How much longer `qml` may take by default than with the best number of threads set by hand."""


@dataclass(frozen=True)
class Settings:
    """How to measure: cores for each process (0: as they come); seconds that one may take in all at one size; rounds,
    and how long a turn lasts at least; how many busy processes run beside."""

    threads: int = 2
    cap: float = 120.0
    rounds: int = 7
    turn: float = 0.3
    beside: int = 0


@dataclass(frozen=True)
class Member:
    """Who takes part: an implementation and the interpreter that can run it; not warm: with an empty cache of compiled
    kernels, for its first call alone."""

    name: str
    python: str
    implementation: str
    warm: bool = True
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Cell:
    """What was measured of one implementation at one size; seconds, and MiB."""

    variant: str
    size: int
    implementation: str
    status: str = "ok"
    setup_s: float | None = None
    first_s: float | None = None
    memory_mib: float | None = None
    peak_mib: float | None = None
    turns_s: list[list[float]] = field(default_factory=list)
    parts_s: list[dict[str, float]] = field(default_factory=list)
    fingerprint: list[float] | None = None
    difference: float | None = None
    agrees: bool | None = None
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def medians(self) -> list[float]:
        """The median call of each turn; where no turn fitted into the cap, the first call."""
        if self.turns_s:
            return [statistics.median(calls) for calls in self.turns_s]
        return [] if self.first_s is None else [self.first_s]

    @property
    def spread(self) -> Spread | None:
        return Spread.of(self.medians)


@dataclass(frozen=True)
class Spread:
    """A median with the lowest and highest of what it is the median of."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Spread | None:
        return cls(statistics.median(numbers), min(numbers), max(numbers)) if numbers else None


def ratio(of: Cell, to: Cell) -> Spread | None:
    """Time of `of` over time of `to`, turn by turn where both had one."""
    return Spread.of([a / b for a, b in zip(of.medians, to.medians, strict=False)])


class Gone(Exception):
    """A process gave no answer: its message is the status of the cell."""


class Process:
    """A worker process; stopped between its turns, so that no thread of it spins while another one is timed."""

    def __init__(self, workload: Path, member: Member, arguments: Sequence[object], threads: int, cap: float) -> None:
        environment = {
            **{name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES},
            **(dict.fromkeys(THREAD_VARIABLES, str(threads)) if threads else {}),
            "JAX_PLATFORMS": "cpu",
            "JAX_ENABLE_X64": "1",
            **member.environment,
        }
        command = [member.python, str(HERE / "worker.py"), str(workload), str(threads), *map(str, arguments)]
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by close()
        pipe = subprocess.PIPE
        try:
            self.popen = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=self.errors, text=True, env=environment
            )
        except OSError:
            self.errors.close()
            raise
        self.cap, self.left = cap, cap
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def _signal(self, name: str) -> None:
        if hasattr(signal, name) and self.popen.poll() is None:
            self.popen.send_signal(getattr(signal, name))

    def ask(self, line: str) -> dict[str, Any]:
        """Send a line, wait for the answer as long as the cap allows, stop the process again."""
        self._signal("SIGCONT")
        begin = time.perf_counter()
        try:
            assert self.popen.stdin is not None
            if line:
                self.popen.stdin.write(line + "\n")
                self.popen.stdin.flush()
            reply = self.lines.get(timeout=max(0.0, self.left))
        except queue.Empty:
            raise Gone(f"> {self.cap:g} s") from None
        except BrokenPipeError:
            reply = None
        finally:
            self.left -= time.perf_counter() - begin
            self._signal("SIGSTOP")
        if reply is None:
            raise Gone(f"died: {self._last_words()}")
        answer = json.loads(reply)
        if "missing" in answer or "failed" in answer:
            raise Gone(answer.get("failed") or f"not importable: {answer['missing']}")
        return answer

    def _last_words(self) -> str:
        self.popen.wait()
        self.errors.seek(0)
        lines = [line for line in self.errors.read().splitlines() if line.strip()]
        return lines[-1].strip() if lines else f"exit status {self.popen.returncode}"

    def close(self) -> None:
        self.popen.kill()
        self.popen.wait()
        self.reader.join(timeout=5)
        for stream in (self.popen.stdin, self.popen.stdout, self.errors):
            if stream is not None:
                stream.close()


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that do nothing but compute, each on whatever core it gets."""
    with ExitStack() as stack:
        for _ in range(count):
            popen = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            stack.callback(popen.wait)
            stack.callback(popen.kill)
        yield


def recruit(
    workload: Workload, path: Path, names: Sequence[str], pythons: Sequence[str], threads: int
) -> tuple[list[Member], dict[str, list[str]]]:
    """The members for `names`, each with the first interpreter that has its modules; and what the others lack."""
    lacking: dict[str, dict[str, list[str]]] = {}
    for python in dict.fromkeys([sys.executable, *pythons]):
        process = Process(path, Member("", python, ""), (), threads, PROBE_SECONDS)
        try:
            lacking[python] = process.ask("")
        except Gone as reason:
            raise RuntimeError(f"{python} cannot take part: {reason}") from None
        finally:
            process.close()
    members, absent = [], {}
    for name in names:
        able = [python for python, lack in lacking.items() if not lack[name]]
        if name == OURS:
            members.append(Member(name, sys.executable, name, environment=_of_ours()))
        elif able:
            members.append(Member(name, able[0], name))
        else:
            absent[name] = lacking[sys.executable][name]
    return members, absent


def _of_ours() -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}


def extras(workload: Workload, cold: bool, by_hand: bool = False) -> list[Member]:
    """The floor; and, where asked for, the first call of qml with no cache of compiled kernels, and qml with each
    number of threads that a user could set."""
    found = []
    for count in range(1, (os.cpu_count() or 1) + 1) if by_hand else ():
        environment = _of_ours() | dict.fromkeys(THREAD_VARIABLES, str(count))
        found.append(Member(f"{BY_HAND} {count}", sys.executable, OURS, environment=environment))
    if cold:
        found.append(Member(COLD, sys.executable, OURS, warm=False, environment={"PYTHONPATH": str(ROOT)}))
    if workload.floor is not None:
        found.append(Member(FLOOR, sys.executable, FLOOR))
    return found


def measure(
    workload: Workload,
    path: Path,
    members: Sequence[Member],
    variants: Sequence[str],
    sizes: Sequence[int],
    settings: Settings,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[list[Cell]]:
    """Cells of one (variant, size) after the other; an implementation that passed the cap sits out larger sizes.

    Without sizes, those of the workload."""
    for variant in variants:
        slow: dict[str, str] = {}
        for size in sorted(sizes or workload.sizes_of.get(variant, workload.sizes)):
            with ExitStack() as stack:
                cells = _compare(workload, path, members, variant, size, settings, slow, stack, say)
            agree([cell for cell in cells if cell.fingerprint is not None], workload.tolerance)
            yield cells


def _compare(
    workload: Workload,
    path: Path,
    members: Sequence[Member],
    variant: str,
    size: int,
    settings: Settings,
    slow: dict[str, str],
    stack: ExitStack,
    say: Callable[[str], None],
) -> list[Cell]:
    cells: list[Cell] = []
    playing: list[tuple[Cell, Process]] = []
    for member in members:
        solver = workload.implementations.get(member.implementation)
        if solver is not None and variant not in solver.variants:
            continue
        cell = Cell(variant, size, member.name)
        cells.append(cell)
        if member.name in slow:
            cell.status = slow[member.name]
            continue
        say(f"{variant}, n = {size}: {member.name}, first call")
        arguments = (member.implementation, size, variant)
        if not member.warm:
            cache = {"QML_CACHE_DIR": stack.enter_context(tempfile.TemporaryDirectory())}
            member = replace(member, environment=member.environment | cache)
        process = Process(path, member, arguments, settings.threads, settings.cap)
        stack.callback(process.close)
        try:
            for step in ("build", "first"):
                for key, value in process.ask(step).items():
                    setattr(cell, key, value)
        except Gone as reason:
            cell.status = str(reason)
            if cell.status.startswith(">"):
                slow[member.name] = cell.status
            process.close()
            continue
        if member.warm:
            playing.append((cell, process))
        else:
            process.close()
    for number in range(settings.rounds):
        say(f"{variant}, n = {size}: round {number + 1} of {settings.rounds}")
        for cell, process in playing:
            longest = max(cell.medians, default=0.0)
            if process.left > 2 * max(longest, settings.turn) and process.popen.poll() is None:
                try:
                    answer = process.ask(f"turn {settings.turn}")
                    cell.turns_s.append(answer["calls_s"])
                    cell.parts_s += answer.get("parts_s", [])
                except Gone as reason:
                    cell.status = str(reason)
    return cells


def agree(cells: Sequence[Cell], tolerance: float) -> None:
    """Compare each fingerprint with the median of all of them, number by number, relative where it exceeds 1."""
    if len(cells) < 2:
        return
    found = [np.array(cell.fingerprint) for cell in cells]
    usual = statistics.mode(f.size for f in found)
    usable = [f for f in found if f.size == usual and np.isfinite(f).all()]
    middle = np.median(usable, axis=0) if usable else np.full(usual, np.nan)
    for cell, f in zip(cells, found, strict=True):
        distance = np.abs(f - middle) / np.maximum(1.0, np.abs(middle)) if f.size == usual else np.array([np.inf])
        cell.difference = float(distance.max())
        cell.agrees = bool(cell.difference <= tolerance)


def ratios(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """For each (variant, size): the fastest peer that agrees, its time over qml's, and qml's over the floor."""
    found = []
    for variant, size in dict.fromkeys((c.variant, c.size) for c in cells):
        here = {c.implementation: c for c in cells if (c.variant, c.size) == (variant, size) and c.spread}
        if OURS not in here:
            continue
        ours = here[OURS]
        others = [c for name, c in here.items() if name != FLOOR and not name.startswith(OURS)]
        peers = [c for c in others if c.agrees and c.status == "ok"]
        fastest = min(peers, key=lambda c: c.spread.median, default=None)
        entry: dict[str, Any] = {"variant": variant, "size": size, "qml_s": asdict(ours.spread)}
        if fastest is not None:
            entry |= {"fastest_peer": fastest.implementation, "fastest_peer_s": asdict(fastest.spread)}
            entry["fastest_peer_over_qml"] = asdict(ratio(fastest, ours))
        if FLOOR in here:
            entry |= {"floor_s": asdict(here[FLOOR].spread), "qml_over_floor": asdict(ratio(ours, here[FLOOR]))}
        found.append(entry)
    return found


def over_by_hand(cells: Sequence[Cell]) -> list[tuple[Cell, Cell, Spread]]:
    """For each (variant, size): qml by default, qml with the best number of threads set by hand, and the time of the
    one over that of the other."""
    found = []
    for variant, size in dict.fromkeys((c.variant, c.size) for c in cells):
        here = [c for c in cells if (c.variant, c.size) == (variant, size) and c.spread]
        default = next((c for c in here if c.implementation == OURS), None)
        by_hand = [c for c in here if c.implementation.startswith(BY_HAND)]
        if default is not None and by_hand:
            best = min(by_hand, key=lambda c: statistics.median(c.medians))
            over = ratio(default, best)
            assert over is not None
            found.append((default, best, over))
    return found


def machine() -> dict[str, Any]:
    """The CPU's name and what else the figures depend on; how busy others keep it, in percent of all cores, now."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].partition(":")[2].strip() if lines else name
    return {"cpu": name, "cores": os.cpu_count(), "system": platform.platform(), "busy": psutil.cpu_percent(1.0)}


def record(
    name: str, workload: Workload, settings: Settings, where: dict[str, Any], cells: Sequence[Cell]
) -> dict[str, Any]:
    """All that was measured, raw repeats included, ready for JSON; `where` is what `machine` said at the start."""
    versions = {c.implementation: c.versions for c in cells if c.versions}
    rows = [{**asdict(replace(c, versions={})), "seconds": asdict(c.spread) if c.spread else None} for c in cells]
    for row in rows:
        del row["versions"]
    return {
        "workload": name,
        "title": workload.title,
        "quantity": workload.quantity,
        "tolerance": workload.tolerance,
        "date": time.strftime("%Y-%m-%d %H:%M:%S%z"),
        "machine": where,
        "settings": asdict(settings),
        "versions": versions,
        "ratios": ratios(cells),
        "cells": rows,
    }


def cells_of(recorded: dict[str, Any]) -> list[Cell]:
    """The cells of a record."""
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in recorded["cells"]]
    return [Cell(**row) for row in rows]
