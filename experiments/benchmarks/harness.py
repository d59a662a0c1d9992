"""Time every implementation of a workload side by side: a process each, taking turns, so that drift hits all alike."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil
from processes import THREAD_VARIABLES, Gone, Member, Process
from results import BY_HAND, COLD, OURS, Cell, agree, ratios
from worker import FLOOR
from workload import Workload

ROOT = Path(__file__).resolve().parents[2]
PROBE_SECONDS = 60.0


@dataclass(frozen=True)
class Settings:
    """How to measure: cores for each process (0: as they come); seconds that one may take in all at one size; rounds,
    and how long a turn lasts at least; how many busy processes run beside."""

    threads: int = 2
    cap: float = 120.0
    rounds: int = 7
    turn: float = 0.3
    beside: int = 0


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
