"""Where the seconds of a process go: ``python parts.py FILE BEGIN -c PROGRAM ARGUMENTS...`` runs the program and writes
its seconds by part into FILE, as JSON.

Parts exclude each other: compiling inside a fit is not counted to the fit. `start` is the time from BEGIN, when the
process was started (``time.monotonic``), to the first line below; threads other than the main one are not seen.
"""

from __future__ import annotations

import functools
import importlib
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

PARTS = {
    "qml.engines._llvm.kernel": {"Kernel.compile": "kernels"},
    "qml._files": {"write_whole": "files"},
    "qml.studies.show.drawing": {"draw": "figures", "save": "figures"},
    "qml.studies.files": {"Journal.append": "files"},
    "qml.studies.run.pools": {"carry_out": "points"},
    "qml.studies.run.run": {"read": "study"},
    "qml.fitting.run": {"fit": "fits"},
}
"""Functions by module, and the part that their time is; what is below none of them is of the part `rest`."""


class Clock:
    """Seconds by part; what one part calls of another is counted to the other."""

    def __init__(self, begin: float) -> None:
        self.seconds: Counter[str] = Counter()
        self._open, self._since = ["start"], begin

    def switch(self) -> None:
        """Count the time since the last call to the part that is open."""
        now = time.monotonic()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now

    def counted(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time counted to a part."""

        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                return function(*arguments, **named)
            self.switch()
            self._open.append(part)
            try:
                return function(*arguments, **named)
            finally:
                self.switch()
                self._open.pop()

        return call

    def begin(self) -> None:
        """The interpreter is there: what comes now is no part of the start."""
        self.switch()
        self._open = ["rest"]

    def follow(self) -> None:
        """From now on imports are counted, and the functions of every module in PARTS."""
        system: Any = importlib._bootstrap  # type: ignore[attr-defined]  # every import that is not done yet calls this
        find = self.counted("imports", system._find_and_load)

        def found(name: str, *others: Any) -> Any:
            module = find(name, *others)
            for function, part in PARTS.get(name, {}).items():
                *classes, last = function.split(".")
                owner = functools.reduce(getattr, classes, sys.modules[name])
                if not hasattr(getattr(owner, last), "__wrapped__"):
                    setattr(owner, last, self.counted(part, getattr(owner, last)))
            return module

        system._find_and_load = found


def main() -> None:
    file, begin, _, program, *arguments = sys.argv[1:]
    clock = Clock(float(begin))
    sys.argv = ["-c", *arguments]
    sys.path[0] = ""
    clock.begin()
    clock.follow()
    try:
        exec(compile(program, "<string>", "exec"), {"__name__": "__main__"})
    finally:
        clock.switch()
        Path(file).write_text(json.dumps(clock.seconds), encoding="utf-8")


if __name__ == "__main__":
    main()
