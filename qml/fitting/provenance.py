"""What a result was made with, so that it can be made again."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import scipy

import qml


def provenance() -> dict[str, Any]:
    """Versions, platform, threads, and the time now (UTC, ISO 8601).

    Examples
    --------
    >>> sorted(provenance())
    ['platform', 'started', 'threads', 'versions']
    """
    return {
        "versions": {
            "qml": qml.__version__,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "python": platform.python_version(),
        },
        "platform": platform.platform(),
        "threads": threads(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def threads() -> dict[str, int | None]:
    """Processors of this machine, and the threads of BLAS and Numba; None: not loaded, or not known."""
    numba = sys.modules.get("numba")
    pools = libraries(len(sys.modules)).info()
    blas = max((pool["num_threads"] for pool in pools if pool["user_api"] == "blas"), default=None)
    return {"cpus": os.cpu_count(), "blas": blas, "numba": None if numba is None else numba.get_num_threads()}


@lru_cache(maxsize=1)
def libraries(_: int) -> Any:
    """The BLAS of this process. Finding it takes milliseconds, as long as a small fit: it is looked for again only when
    a module has been imported since, their number being the argument."""
    return importlib.import_module("threadpoolctl").ThreadpoolController()
