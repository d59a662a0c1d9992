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
_LAYER = re.compile(rf"\[(?:{_NAME}{_ARGUMENTS}{_LINES}{_TIME})*+\]")
_POWER = re.compile(r"\^([0-9]{1,9})(?![0-9])")
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
        self._text, self._at, self._out = text, 0, list[Letter]()
        start, end = None, None
        if text.startswith("rho"):
            start = self._special("preparation")
        self._sequence(0)
        if self._next() == "M":
            end = self._special("measurement")
        lines = frozenset(line for letter in self._out for line in letter.lines)
        if self._next() == "@":
            found = _END.match(text, self._at)
            if found is None:
                raise self._wrong("the lines of a circuit are written @(0,1)")
            self._at = found.end()
            named = frozenset(line.strip() for line in found[1].split(",") if line.strip())
            if named != {"*"}:
                if lines - named:
                    raise InputError(f"a gate is on line {min(lines - named)}, which the circuit does not have")
                lines = named
        if self._at < len(text):
            raise self._wrong("a bracket is closed that was not opened" if self._next() in ")]" else "this is no gate")
        return Line(start, tuple(self._out), end, lines)

    def letter(self, text: str) -> Letter | None:
        """The letter of a text; None where it is not one letter."""
        try:
            found = self.parse(text)
        except InputError:
            return None
        is_one = len(found.letters) == 1 and found.preparation is None and found.measurement is None
        return found.letters[0] if is_one and not re.search(r"[@^(*~|]", re.sub(r"\{.*?\}", "", text)) else None

    def _sequence(self, depth: int) -> None:
        """Letters and groups with their powers, up to the end of a group or of the circuit."""
        if depth > DEEPEST:
            raise InputError(f"more than {DEEPEST} brackets within each other are not read")
        while True:
            mark, start = self._next(), len(self._out)
            if mark in ("*", "~", "|"):  # a product; how layers may be compiled: neither is part of the word
                self._at += 1
                continue
            if mark == "(":
                self._at += 1
                self._sequence(depth + 1)
                if self._next() != ")":
                    raise self._wrong("a bracket is not closed")
                self._at += 1
            elif self._text.startswith("{}", self._at):
                self._at += 2
            elif mark == "[" or mark == "{" or (mark in "GI" and mark):
                self._out.append(self._letter())
                self._spend(1)
            else:
                return
            self._repeat(start)

    def _repeat(self, start: int) -> None:
        """Carry out the power behind a letter or a group, which began at `start` of the word."""
        if self._next() != "^":
            return
        found = _POWER.match(self._text, self._at)
        if found is None:
            raise self._wrong("a power is a whole number of at most nine digits")
        self._at = found.end()
        power, group = int(found[1]), self._out[start:]
        if group and power:
            self._spend(len(group) * power)
            self._out.extend(group * (power - 1))
        else:
            self._spend(len(group))
            del self._out[start:]

    def _spend(self, letters: int) -> None:
        self._unrolled += letters
        if self._unrolled > MOST_LETTERS:
            raise InputError(f"the circuits up to here have more than {MOST_LETTERS} gates, powers carried out")

    def _letter(self) -> Letter:
        pattern, what = (_LAYER, "layer") if self._next() == "[" else (_LABEL, "gate")
        found = pattern.match(self._text, self._at)
        if found is None:
            raise self._wrong(f"this is no {what}, such as {'[Gx:0Gy:1]' if what == 'layer' else 'Gx:0'}")
        self._at = found.end()
        text = found[0]
        if text not in self._letters:
            self._letters[text] = _letter(text)
        return self._letters[text]

    def _special(self, what: str) -> str:
        """A preparation or a measurement: a name alone."""
        found = _LABEL.match(self._text, self._at)
        assert found is not None
        if any(found.groups()[1:]):
            raise self._wrong(f"the {what} is a name alone")
        self._at = found.end()
        return found[0]

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _wrong(self, what: str) -> InputError:
        rest = self._text[self._at : self._at + 20]
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
