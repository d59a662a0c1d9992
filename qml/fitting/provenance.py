"""What a result was made with, so that it can be made again."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import scipy

import qml
from qml import threads

PACKAGES = ("llvmlite", "qutip", "scikit-learn", "distributed", "pyarrow")
"""What a run depends on beside these, where it is installed."""


def versions() -> dict[str, str]:
    """Versions of what the numbers come from."""
    python = platform.python_version()
    return {"qml": qml.__version__, "numpy": np.__version__, "scipy": scipy.__version__, "python": python}


def provenance() -> dict[str, Any]:
    """Versions, platform, threads, and the time now (UTC, ISO 8601).

    Examples
    --------
    >>> sorted(provenance())
    ['platform', 'started', 'threads', 'versions']
    """
    return {
        "versions": versions(),
        "platform": platform.platform(),
        "threads": threads.found(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def environment() -> dict[str, Any]:
    """Versions, git commit, processor, memory, threads."""
    from importlib.metadata import PackageNotFoundError, version

    import psutil

    found = provenance()
    for package in PACKAGES:
        try:
            found["versions"][package] = version(package)
        except PackageNotFoundError:
            found["versions"][package] = None
    return {**found, "commit": commit(), "cpu": cpu(), "memory_bytes": psutil.virtual_memory().total}


def commit() -> str | None:
    """The commit that qml runs from, with "+changes" behind it where files differ; None outside of a git checkout."""
    package = Path(qml.__file__).parent

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "--no-optional-locks", "-C", str(package), *arguments],
                capture_output=True,
                text=True,
                timeout=10,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    if git("ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    head = git("rev-parse", "HEAD")
    return head if head is None or not git("status", "--porcelain", "--", ".") else f"{head}+changes"


def cpu() -> str:
    """The name of the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
