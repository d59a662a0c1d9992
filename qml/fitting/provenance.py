"""What a result was made with, so that it can be made again."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import Any

import numpy as np
import scipy

import qml
from qml import threads


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
