"""Printing to the terminal: text is shown as text, and a run goes on where its output is closed."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import click

INTERRUPTED, PIPE, TERMINATED = 130, 141, 143
"""The exit codes of a command that a Ctrl-C ended, whose reader went away, and that SIGTERM ended, as shells have them:
128 + the number of the signal."""
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def visible(text: str) -> str:
    r"""Text that a terminal shows and does not obey: control characters, line ends and tabs aside, as escapes.

    Examples
    --------
    >>> print(visible("\x1b[31mred"))
    \x1b[31mred
    """
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def forgiving() -> None:
    """From now on, what the encoding of standard output and error lacks is written as an escape, and is no error."""
    for stream in (sys.stdout, sys.stderr):
        if (reconfigure := getattr(stream, "reconfigure", None)) is not None:
            reconfigure(errors="backslashreplace")


def say(text: str, nl: bool = True) -> None:
    """Text on standard output."""
    with printing():
        click.echo(visible(text), nl=nl)


class _Unwritable(click.ClickException):
    exit_code = 2


@contextmanager
def printing() -> Iterator[None]:
    """Where standard output cannot be written: quietly the end where its reader went away, otherwise one sentence."""
    try:
        yield
    except BrokenPipeError:
        _abandon(sys.stdout)
        sys.exit(PIPE)
    except OSError as error:
        _abandon(sys.stdout)
        raise _Unwritable(f"standard output cannot be written: {error.strerror}.") from None


def complain(sentence: str) -> None:
    """One sentence on standard error, if there is one."""
    with suppress(OSError):
        click.echo(visible(f"qml: {' '.join(sentence.split())}"), err=True)


class Lasting:
    """Standard output of a run, which goes on where it cannot be written any more; this is reported once, on
    standard error."""

    def __init__(self) -> None:
        self._stream: TextIO = sys.stdout or io.StringIO()  # a process may have been started without one
        self._lost = False

    def write(self, text: str) -> int:
        """Print text, as long as that is possible."""
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Print what is waiting, as long as that is possible."""
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, do: Callable[..., object], *arguments: str) -> None:
        if self._lost:
            return
        try:
            do(*arguments)
        except OSError as error:
            self._lost = True
            _abandon(self._stream)
            why = "is closed" if isinstance(error, BrokenPipeError) else f"cannot be written ({error.strerror})"
            complain(f"standard output {why}: the run goes on without it.")


def _abandon(stream: TextIO) -> None:
    """Let the rest of a stream go nowhere, so that the interpreter does not fail over it at its end."""
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
