"""What a person who waits for a compiler is told."""

from __future__ import annotations

import sys
from functools import cache


@cache
def say_once(line: str) -> None:
    """One line, once a process: in a terminal, or in a notebook."""
    ipython = sys.modules.get("IPython")
    if sys.stderr.isatty() or (ipython is not None and ipython.get_ipython() is not None):
        print(line, file=sys.stderr, flush=True)
