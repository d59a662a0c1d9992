"""Circuits as pyGSTi writes them in a line of text, unrolled into words of gates, within bounds that make text from
anywhere safe to read."""

from __future__ import annotations

import re
from typing import NamedTuple

from qml import _checks
from qml._checks import InputError

MOST_LETTERS = 10**7
"""Letters of all circuits of a file, powers carried out."""
DEEPEST = 100
"""Brackets within brackets."""

# Nothing that a part has taken is given back (++, *+): the time that a match takes grows with the text alone.
_NAME = r"(?:\{[a-z0-9_()]++\}|(?:rho|[GIM])[a-z0-9_]*+)"
_ARGUMENTS = r"(?:;[a-z0-9_Q./-]++)*+"
_LINES = r"(?::[QTLAD]?[a-z0-9_]++)*+"
_TIME = r"(?:![0-9.]++)?"
_LABEL = re.compile(f"({_NAME})({_ARGUMENTS})({_LINES})({_TIME})")
_ONE = f"{_NAME}{_ARGUMENTS}{_LINES}{_TIME}"
_LETTER = re.compile(rf"\[(?:{_ONE})*+\]|(?=[GI{{]){_ONE}")
_POWER = re.compile(r"\^([0-9]{1,9})(?![0-9])")
_PART = re.compile(rf"\(|[*~|]|(\)|\{{\}}|{_LETTER.pattern})(?:{_POWER.pattern})?")
_END = re.compile(r"@\(([A-Za-z0-9_,* ]*)\)(?:@[A-Za-z0-9_]+)?")


class Letter(NamedTuple):
    """A gate, or a layer of gates that act at once: as pyGSTi writes it, and the same without the lines."""

    label: str
    bare: str
    lines: frozenset[str]


class Line(NamedTuple):
    """A circuit: labels of its preparation and of its measurement, where it has them; its letters; the lines named."""

    preparation: str | None
    letters: tuple[Letter, ...]
    measurement: str | None
    lines: frozenset[str]


class WordParser:
    """A parser of circuits that adds up what it has unrolled."""

    def __init__(self) -> None:
        self._letters: dict[str, Letter] = {}
        self._unrolled = 0

    def parse(self, text: str) -> Line:
        """The circuit of a text.

        Raises
        ------
        InputError
            Where it is none, is nested too deeply, or more letters than a file may have would come of it.
        """
        at, start, end = 0, None, None
        if text.startswith("rho"):
            start, at = _alone("preparation", text, at)
        word, opened = list[Letter](), list[int]()  # where each group that is not closed begins
        while (part := _PART.match(text, at)) is not None and (part[1] != ")" or opened):
            at = part.end()
            if part[0] == "(":
                opened.append(len(word))
                if len(opened) > DEEPEST:
                    raise InputError(f"more than {DEEPEST} brackets within each other are not read")
            elif part[1] is not None:  # else a product, or how layers may be compiled: neither is part of the word
                begin = opened.pop() if part[1] == ")" else len(word)
                if part[1] not in (")", "{}"):
                    word.append(self._letter(part[1]))
                    self._spend(1)
                self._repeat(word, begin, 1 if part[2] is None else int(part[2]))
        if text.startswith("M", at) and not opened:
            end, at = _alone("measurement", text, at)
        lines = frozenset(line for letter in word for line in letter.lines)
        if text.startswith("@", at) and not opened:
            found = _END.match(text, at)
            if found is None:
                raise _wrong("the lines of a circuit are written @(0,1)", text, at)
            at = found.end()
            named = frozenset(line.strip() for line in found[1].split(",") if line.strip())
            if named != {"*"}:
                if lines - named:
                    raise InputError(f"a gate is on line {min(lines - named)}, which the circuit does not have")
                lines = named
        if at < len(text) or opened:
            raise _wrong(_trouble(text[at:], bool(opened)), text, at)
        return Line(start, tuple(word), end, lines)

    def _letter(self, text: str) -> Letter:
        if text not in self._letters:
            self._letters[text] = _letter(text)
        return self._letters[text]

    def _repeat(self, word: list[Letter], begin: int, power: int) -> None:
        """Carry out a power of the end of a word."""
        group = word[begin:] if power != 1 else []
        if group:
            self._spend(len(group) * max(1, power))
            word[begin:] = group * power

    def _spend(self, letters: int) -> None:
        self._unrolled += letters
        if self._unrolled > MOST_LETTERS:
            raise InputError(f"the circuits up to here have more than {MOST_LETTERS} gates, powers carried out")


def letter_of(text: str) -> Letter | None:
    """The letter of a text; None where it is not one letter."""
    try:
        return _letter(text) if _LETTER.fullmatch(text) else None
    except InputError:
        return None


def _alone(what: str, text: str, at: int) -> tuple[str, int]:
    """A preparation or a measurement, which is a name alone, and where it ends."""
    found = _LABEL.match(text, at)
    assert found is not None
    if found[0] != found[1]:
        raise _wrong(f"the {what} is a name alone", text, at)
    return found[0], found.end()


def _trouble(rest: str, is_open: bool) -> str:
    """What is wrong with a circuit that cannot be read from here on."""
    if rest.startswith("^") and not _POWER.match(rest):
        return "a power is a whole number of at most nine digits"
    if rest.startswith("["):
        return "this is no layer, such as [Gx:0Gy:1]"
    if is_open:
        return "a bracket is not closed"
    return "a bracket is closed that was not opened" if rest.startswith((")", "]")) else "this is no gate"


def _wrong(what: str, text: str, at: int) -> InputError:
    rest = text[at : at + 20]
    return InputError(f"{what}; found {_checks.shown(rest) if rest else 'the end of the circuit'}")


def _letter(text: str) -> Letter:
    """One letter from the text of a gate or of a layer; a layer of one gate is that gate."""
    gates = [found.groups() for found in _LABEL.finditer(text)]
    for name, *_ in gates:
        if not name.startswith(("G", "{")):
            kind = "an instrument" if name.startswith("I") else "a preparation or a measurement"
            raise InputError(f"{name!r} is {kind}, which is not read within a word of gates")
    wires = [line for _, _, lines, _ in gates for line in lines.split(":")[1:]]
    if len(set(wires)) < len(wires):
        raise InputError(f"gates that act at once must be on lines of their own; found {_checks.shown(text)}")
    gates.sort(key=lambda gate: [(len(line), line) for line in gate[2].split(":")[1:]])
    full, bare = ["".join(gate) for gate in gates], [gate[0] + gate[1] + gate[3] for gate in gates]
    if len(gates) == 1:
        return Letter(full[0], bare[0], frozenset(wires))
    return Letter(f"[{''.join(full)}]", f"[{''.join(bare)}]", frozenset(wires))
