"""What a run depended on, besides its study: versions, commit, machine, threads. No names of users or hosts."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path
from typing import Any

import qml
from qml.fitting.provenance import provenance

PACKAGES = ("llvmlite", "qutip", "scikit-learn", "distributed", "pyarrow")


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
