"""One test of many cases, in place of ``pytest.mark.parametrize`` where each is quick: a test costs pytest, in several
processes, more time than most of these cases need."""

from __future__ import annotations

import functools
import inspect
import os
import runpy
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FAILURES = (Exception, pytest.fail.Exception, pytest.skip.Exception)
"""What one case may end in while the others are still tried. A case that would be skipped is not one of them."""
Ids = Callable[[Any], str] | Sequence[str] | None


def every(names: str, cases: Iterable[Any], ids: Ids = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Try a test with each case, and fail at the end with the traceback of every case that failed, under its name.

    ``names``, ``cases`` and ``ids`` are those of ``pytest.mark.parametrize``, and several of them make all pairs, too.
    Fixtures are made once, for all cases: what one replaces would stay for the next, so ``monkeypatch`` is refused.
    Random numbers follow from the name of a case, whatever came before it.
    """
    words = [name.strip() for name in names.split(",")]
    here = [_case(words, case, ids, k) for k, case in enumerate(cases)]
    if not here:
        raise ValueError("a test needs a case")

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        below = getattr(test, "cases", None)
        run = test.__wrapped__ if below else test  # type: ignore[attr-defined]
        tried = [(f"{b}-{a}", more | given) for a, given in here for b, more in below] if below else here

        @functools.wraps(run)
        def whole(**fixtures: Any) -> None:
            failed = []
            for title, given in tried:
                begin_anew(run.__globals__, f"{run.__name__}[{title}]")
                try:
                    run(**given, **fixtures)
                except FAILURES as error:
                    error.add_note(f"The case was {title}.")
                    failed.append((title, error))
            if failed:
                titles = ", ".join(title for title, _ in failed)
                raise BaseExceptionGroup(f"{len(failed)} of {len(tried)} cases: {titles}", [e for _, e in failed])

        signature = inspect.signature(test)
        left = [p for name, p in signature.parameters.items() if name not in words]
        if "monkeypatch" in signature.parameters:
            raise TypeError("what a test replaces in one case stays for the next: use pytest.MonkeyPatch.context()")
        whole.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        whole.cases = tried  # type: ignore[attr-defined]
        return whole

    return decorate


def _case(words: Sequence[str], case: Any, ids: Ids, k: int) -> tuple[str, dict[str, Any]]:
    """The title of a case and its arguments."""
    values = (case,) if len(words) == 1 else tuple(case)
    parts = []
    for name, value in zip(words, values, strict=True):
        plain = str(value) if isinstance(value, str | int | float | complex | None) else None
        parts.append((callable(ids) and ids(value)) or plain or getattr(value, "__name__", f"{name}{k}"))
    title = "-".join(parts) if ids is None or callable(ids) else ids[k]
    return title, dict(zip(words, values, strict=True))


def begin_anew(module: Mapping[str, Any], name: str) -> None:
    """Let the generators that stand at the top of a test module begin anew, from the name of a test."""
    for held in module.values():
        if isinstance(held, np.random.Generator):
            held.bit_generator.state = np.random.default_rng(zlib.crc32(name.encode())).bit_generator.state


def cases_of(file: str | Path) -> set[str]:
    """The names of all cases of the tests in a file."""
    return {title for test in runpy.run_path(str(file)).values() for title, _ in getattr(test, "cases", ())}


def cases_in_copy(folder: Path, file: str) -> list[str]:
    """Those of a file in a copy of the repository, which a process of its own reads."""
    places = os.pathsep.join(str(folder / place) for place in (".", "tests", "tests/contract"))
    code = f"from helpers.cases import cases_of; print(*cases_of({file!r}), sep='\\n')"
    environment = os.environ | {"PYTHONPATH": places}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, check=True)
    return done.stdout.decode().splitlines()
