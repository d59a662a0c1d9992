"""Implementations in processes of their own, stopped between their turns; and processes that keep the machine busy."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "QML_NUM_THREADS",
    "QULACS_NUM_THREADS",
    "RAYON_NUM_THREADS",
)


@dataclass(frozen=True)
class Member:
    """Who takes part: an implementation and the interpreter that can run it; not warm: with an empty cache of compiled
    kernels, for its first call alone."""

    name: str
    python: str
    implementation: str
    warm: bool = True
    environment: dict[str, str] = field(default_factory=dict)


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
