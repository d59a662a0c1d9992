"""Text data sets of pyGSTi line by line: circuits, unrolled into words of gates within bounds that make text from
anywhere safe to read, and what was counted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from qml import _checks
from qml._checks import InputError
from qml._files import read_text
from qml.measurement.entries import MOST

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


LARGEST_FILE = 1 << 26
"""Bytes that are read."""
ROUNDED = 1e-6
"""Frequencies are written with six digits: a frequency times the shots this near to an integer, of a shot, is one."""
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{1,3})?")
_COLUMN = re.compile(r"(\S+)\s+(count|frequency)|count\s+(total)")


class Row(NamedTuple):
    """A line of data: its number, the circuit, the count of each outcome, and the shots where a column says so."""

    number: int
    circuit: Line
    counts: dict[str, float]
    total: float | None


def read_rows(path: str | Path) -> list[Row]:
    """The lines of data of a file.

    Raises
    ------
    InputError
        With the number of the line that is none.
    MemoryRefused
        If the lines would not fit.
    """
    lines = read_text(path, "pyGSTi", LARGEST_FILE).split("\n")
    _checks.memory(f"the record of {len(lines)} lines", 1000 * len(lines), "split the file")
    parser, rows = WordParser(), list[Row]()
    columns: list[tuple[str, str]] | None = None
    for number, line in enumerate(lines, 1):
        try:
            data, _, comment = line.partition("#")
            if comment.startswith("#") and not data.strip():
                columns = _directive(comment[1:], columns, bool(rows))
            cells = data.split()
            if not cells or cells[1:] == ["BAD"]:
                continue
            if cells[0] in ("times:", "outcomes:", "repetitions:", "aux:") or len(cells) == 1:
                raise InputError(
                    "there are no counts beside the circuit; data with times are not read: write them by "
                    "pygsti.io.write_dataset with with_times=False"
                )
            if columns is not None and "BAD" in cells[1:]:
                continue
            circuit = parser.parse(cells[0])
            counts, total = _by_label(cells[1:]) if columns is None else _by_column(cells[1:], columns)
            rows.append(Row(number, circuit, counts, total))
        except InputError as error:
            raise InputError(f"line {number}: {error}.") from None
    if not rows:
        raise InputError("the pyGSTi file holds no counts.")
    return rows


def _directive(text: str, columns: list[tuple[str, str]] | None, is_late: bool) -> list[tuple[str, str]] | None:
    """The columns after a line that begins with ##."""
    key, _, value = text.partition("=")
    if key.strip() == "Lookup":
        raise InputError("abbreviations of circuits in another file are not read: write the circuits out")
    if key.strip() != "Columns":
        return columns
    if is_late or columns is not None:
        raise InputError("the line with the columns must come once, above the data")
    found = []
    for column in value.split(","):
        match = _COLUMN.fullmatch(column.strip())
        if match is None:
            raise InputError(
                f"columns must be '0 count', '0 frequency' or 'count total'; found {_checks.shown(column.strip())}"
            )
        found.append(("", "total") if match[3] else (match[1], match[2]))
    if len({label for label, _ in found}) < len(found):
        raise InputError(f"each column must be of an outcome of its own; found {_checks.shown(value.strip())}")
    kinds = {kind for _, kind in found}
    if ("frequency" in kinds and "total" not in kinds) or kinds == {"total"}:
        raise InputError("frequencies need a column 'count total' beside them, and that needs other columns")
    return found


def _by_label(cells: list[str]) -> tuple[dict[str, float], None]:
    """Counts of cells such as 0:45."""
    found: dict[str, float] = {}
    for cell in cells:
        label, colon, count = cell.rpartition(":")
        if not colon:
            raise InputError(
                f"counts must be such as 0:45, or have a line '## Columns = 0 count, 1 count' above them; found "
                f"{_checks.shown(cell)}"
            )
        if label in found:
            raise InputError(f"outcome {_checks.shown(label)} comes twice")
        found[label] = _number(count)
    return found, None


def _by_column(cells: list[str], columns: list[tuple[str, str]]) -> tuple[dict[str, float], float | None]:
    """Counts of cells in columns, and the total where a column holds it."""
    if len(cells) != len(columns):
        raise InputError(f"there must be {_checks.plural(len(columns), 'count')}, one a column; found {len(cells)}")
    values = [0 if cell == "--" else _number(cell) for cell in cells]
    total = next((v for v, (_, kind) in zip(values, columns, strict=True) if kind == "total"), None)
    found: dict[str, float] = {}
    for value, (label, kind) in zip(values, columns, strict=True):
        if kind == "count":
            found[label] = value
        elif kind == "frequency":
            assert total is not None
            if value > 1:
                raise InputError(f"a frequency must not exceed one; found {value:.6g}")
            found[label] = whole(value * total, total)
    return found, total


def _number(cell: str) -> float:
    """An integer where it is one."""
    if not _NUMBER.fullmatch(cell):
        raise InputError(f"a count must be a number of at least 0; found {_checks.shown(cell)}")
    value = int(cell) if cell.isdigit() else float(cell)
    if not value <= MOST:
        raise InputError(f"a count must be at most 2^63 - 1; found {_checks.shown(cell)}")
    return int(value) if value == int(value) else value


def whole(value: float, total: float) -> float:
    """The integer nearest to a count that was written as a frequency, where it is near."""
    nearest = round(value)
    return nearest if abs(value - nearest) <= ROUNDED * total + 1e-9 else value
