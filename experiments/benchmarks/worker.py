"""The side of the harness that runs in a process of its own: one implementation, one size; a line in, a JSON line out.

It needs Python and NumPy alone, so that it runs in any peer's environment. Lines understood: ``build``, ``first``,
``turn SECONDS``. What libraries print goes to standard error.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from workload import Implementation, Task, Workload, load

FLOOR = "floor"
STATUS = Path("/proc/self/status")


def missing(path: Path) -> dict[str, list[str]]:
    """The modules that this interpreter lacks, for every implementation of the workload at `path`."""
    names = {name: i.modules for name, i in load(path).implementations.items()}
    return {name: [m for m in modules if importlib.util.find_spec(m) is None] for name, modules in names.items()}


def memory_mib(field: str) -> float:
    """Resident memory of this process in MiB: ``VmRSS`` now, ``VmHWM`` at its peak."""
    if STATUS.exists():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
        return int(line.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def forget_peak() -> None:
    """Start ``VmHWM`` anew, where the system can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def versions(modules: tuple[str, ...]) -> dict[str, str]:
    """The versions of the modules of an implementation, and of Python."""
    found = {"python": platform.python_version()}
    for module in modules:
        try:
            found[module] = importlib.metadata.version(module)
        except importlib.metadata.PackageNotFoundError:
            found[module] = str(getattr(importlib.import_module(module), "__version__", "unknown"))
    return found


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    out = run()
    return time.perf_counter() - begin, out


class Solver:
    """An implementation at work on one problem."""

    task: Task

    def __init__(self, implementation: Implementation, n: int, variant: str) -> None:
        self.implementation, self.n, self.variant = implementation, n, variant

    def build(self) -> dict[str, Any]:
        seconds, self.task = timed(lambda: self.implementation.build(self.n, self.variant))
        return {"setup_s": seconds, "versions": versions(self.implementation.modules)}

    def first(self) -> dict[str, Any]:
        """The first call, which holds all compilation; its memory above what was resident before it."""
        forget_peak()
        before = memory_mib("VmRSS")
        seconds, out = timed(self.task.run)
        peak = memory_mib("VmHWM")
        fingerprint = np.asarray(self.task.fingerprint(out), dtype=float).ravel()
        return {
            "first_s": seconds,
            "memory_mib": max(0.0, peak - before),
            "peak_mib": peak,
            "fingerprint": fingerprint.tolist(),
        }

    def turn(self, seconds: float) -> dict[str, Any]:
        """Calls until `seconds` have passed, at least one; those that end in the first third only warm up."""
        calls: list[float] = []
        parts: list[dict[str, float]] = []
        begin = now = time.perf_counter()
        while now - begin < seconds or not calls:
            took, out = timed(self.task.run)
            now = time.perf_counter()
            if now - begin > seconds / 3:
                calls.append(took)
                parts += [self.task.parts(out)] if self.task.parts else []
            del out
        return {"calls_s": calls, "parts_s": parts}


class Floor:
    """The floor of a workload, measured anew in every turn."""

    def __init__(self, workload: Workload, n: int, variant: str) -> None:
        assert workload.floor is not None
        self.make, self.n, self.variant = workload.floor, n, variant

    def build(self) -> dict[str, Any]:
        seconds, self.measure = timed(lambda: self.make(self.n, self.variant))
        return {"setup_s": seconds, "versions": versions(("numpy", "scipy", "llvmlite"))}

    def first(self) -> dict[str, Any]:
        return {"first_s": self.measure()}

    def turn(self, seconds: float) -> dict[str, Any]:
        return {"calls_s": [self.measure()]}


def pin(threads: int) -> None:
    """Keep to `threads` cores (0: as it is): thread pools that heed no variable count the cores that they may use."""
    if threads and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def serve(solver: Solver | Floor, answer: Callable[[dict[str, Any]], None]) -> None:
    for line in sys.stdin:
        command, *arguments = line.split()
        try:
            answer(getattr(solver, command)(*map(float, arguments)))
        except ImportError as error:
            answer({"missing": str(error)})
        except Exception as error:
            answer({"failed": f"{type(error).__name__}: {error}"})


def main() -> None:
    path, threads, *which = sys.argv[1:]
    pin(int(threads))
    with os.fdopen(os.dup(1), "w", buffering=1) as replies:
        os.dup2(2, 1)

        def answer(reply: dict[str, Any]) -> None:
            replies.write(json.dumps(reply) + "\n")

        if not which:
            answer(missing(Path(path)))
            return
        name, n, variant = which
        workload = load(Path(path))
        if name == FLOOR:
            serve(Floor(workload, int(n), variant), answer)
        else:
            serve(Solver(workload.implementations[name], int(n), variant), answer)


if __name__ == "__main__":
    main()
