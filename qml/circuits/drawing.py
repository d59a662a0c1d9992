r"""Circuits as text, and the layout that other drawings share.

Boxes with thin walls are gates and with double walls channels; ● is a control, ⊕ a controlled X, × a swap, ⊣ a site
that is traced out, \|0⟩ a fresh one. A box over several sites numbers its rows where its sites are not listed
downwards. Names of channels made of several words are shortened to their initials, explained in the last line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from qml import gates
from qml._typing import Dims
from qml.instructions import Channel, Instruction, Operation, PartialTrace, Preparation, Unitary
from qml.parameters import Affine

LONGEST = 16
"""Longest text of one parameter; longer ones end in an ellipsis."""

LONGEST_TOGETHER = 26
"""Longest text of all parameters of an operation; of longer ones only the first is shown."""


@dataclass(frozen=True)
class Mark:
    """What one operation looks like: dots on `controls`, and a symbol or a labeled box on `targets`."""

    kind: Literal["box", "channel", "plus", "cross", "dot", "trace", "fresh"]
    targets: tuple[int, ...]
    controls: tuple[int, ...] = ()
    name: str = ""
    params: tuple[Affine, ...] = ()

    @property
    def label(self) -> str:
        """Name and parameters on one line."""
        name = " ".join(self.name.split())
        params = f"{short(self.params[0])}, …" if self.is_cut else ", ".join(map(short, self.params))
        return f"{name}({params})" if params else name

    @property
    def is_cut(self) -> bool:
        """Whether its parameters are so long together that only the first is shown."""
        return len(self.params) > 1 and sum(len(short(p)) + 2 for p in self.params) > LONGEST_TOGETHER

    @property
    def rows(self) -> range:
        """The rows that it covers, those that it only crosses included."""
        sites = self.targets + self.controls
        return range(min(sites, default=0), max(sites, default=-1) + 1)

    @property
    def is_ordered(self) -> bool:
        """Whether its targets are listed downwards, so that the rows of its box need no numbers."""
        return list(self.targets) == sorted(self.targets)


def mark(operation: Operation) -> Mark:
    """How to draw an operation."""
    instruction, sites = operation.instruction, operation.sites
    if isinstance(instruction, PartialTrace):
        return Mark("trace", sites)
    if isinstance(instruction, Preparation):
        return Mark("fresh", sites)
    if isinstance(instruction, Channel):
        return Mark("channel", sites, (), initials(instruction.name), operation.params)
    base: Instruction = instruction
    controls: tuple[int, ...] = ()
    if isinstance(instruction, gates.Controlled):
        base, controls, sites = instruction.gate, sites[: instruction.n_controls], sites[instruction.n_controls :]
    symbols: dict[Unitary, Literal["plus", "cross", "dot"]] = {gates.SWAP: "cross"}
    if controls:
        symbols |= {gates.X: "plus", gates.Z: "dot"}
    if isinstance(base, Unitary) and base in symbols:
        return Mark(symbols[base], sites, controls)
    return Mark("box", sites, controls, base.name, operation.params)


def short(expression: Affine) -> str:
    """A parameter in few characters: numbers with three digits, long expressions cut."""
    text = f"{expression.constant:.3g}" if expression.is_constant else " ".join(str(expression).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def initials(name: str) -> str:
    """The initials of a name of several words: ThermalRelaxation -> TR; other names as they are."""
    words = re.findall(r"([A-Z])[a-z]+(\d*)", name)
    return "".join(first + number for first, number in words) if len(words) > 1 else name


def legend(operations: Iterable[Operation]) -> str:
    """What the initials in the drawing stand for."""
    names = dict.fromkeys(o.name for o in operations if isinstance(o.instruction, Channel))
    return ", ".join(f"{initials(name)}: {name}" for name in names if initials(name) != name)


def columns(operations: Iterable[Operation]) -> list[list[Mark]]:
    """Marks sorted into columns in which no two share a row; each as far left as the order allows."""
    result: list[list[Mark]] = []
    filled: dict[int, int] = {}
    for m in map(mark, operations):
        column = max((filled.get(row, 0) for row in m.rows), default=0)
        if column == len(result):
            result.append([])
        result[column].append(m)
        filled.update((row, column + 1) for row in m.rows)
    return result


def text(operations: Sequence[Operation], dims: Dims, sites_in: Iterable[int], width: int) -> str:
    """A circuit as text, folded into panels of at most `width` characters (one column at least)."""
    labels = [f"{site}: " if dim == 2 else f"{site} (d={dim}): " for site, dim in enumerate(dims)]
    indent = max(map(len, labels))
    margin = [name.rjust(indent) for label in labels for name in (label, "")][:-1]
    alive = set(sites_in)
    panels = [_beside(margin, _wires(alive, len(dims)))]
    for marks in columns(operations):
        widest = max(map(_width, marks))
        canvas = [[wire] * widest for wire in _wires(alive, len(dims))]
        for m in marks:
            _stamp(canvas, m, alive)
        if len(panels[-1][0]) + len(canvas[0]) > width and len(panels[-1][0]) > indent + 1:
            panels.append(_beside(margin, _wires(alive, len(dims))))
        alive = alive_after(marks, alive)
        panels[-1] = _beside(panels[-1], map("".join, canvas), _wires(alive, len(dims)))
    drawn = "\n\n\n".join("\n".join(line.rstrip() for line in panel) for panel in panels)
    footer = legend(operations)
    return f"{drawn}\n{footer}" if footer else drawn


def alive_after(marks: list[Mark], alive: set[int]) -> set[int]:
    """The sites that are there behind a column."""
    fresh = {site for m in marks if m.kind == "fresh" for site in m.targets}
    return (alive | fresh) - {site for m in marks if m.kind == "trace" for site in m.targets}


def _wires(alive: set[int], n_sites: int) -> list[str]:
    """One character of every line: lines 2 s are wires, those between carry vertical lines and labels of tall boxes."""
    return ["─" if line % 2 == 0 and line // 2 in alive else " " for line in range(2 * n_sites - 1)]


def _beside(*parts: Iterable[str]) -> list[str]:
    """Blocks of lines side by side."""
    return list(map("".join, zip(*parts, strict=True)))


def _width(m: Mark) -> int:
    if m.kind in ("box", "channel"):
        return len(m.label) + (2 if m.is_ordered else 4)
    return 3 if m.kind == "fresh" else 1


def _stamp(canvas: list[list[str]], m: Mark, alive: set[int]) -> None:
    width, middle = len(canvas[0]), (len(canvas[0]) - 1) // 2
    if m.kind in ("trace", "fresh"):
        for site in m.targets:
            wire = "─" * width
            symbol = wire[: width // 2] + "⊣" if m.kind == "trace" else "|0⟩".rjust((width + 3) // 2) + wire
            canvas[2 * site] = list(symbol[:width].ljust(width))
        return
    for line in range(2 * m.rows.start, 2 * m.rows.stop - 1):
        canvas[line][middle] = "┼" if line % 2 == 0 and line // 2 in alive else "│"
    for site in m.controls:
        canvas[2 * site][middle] = "●"
    if m.kind in ("plus", "cross", "dot"):
        for site in m.targets:
            canvas[2 * site][middle] = {"plus": "⊕", "cross": "×", "dot": "●"}[m.kind]
        return
    _stamp_box(canvas, m, alive, middle)


def _stamp_box(canvas: list[list[str]], m: Mark, alive: set[int], middle: int) -> None:
    inner = _width(m) - 2
    left = (len(canvas[0]) - inner - 2) // 2
    top, bottom = min(m.targets), max(m.targets)
    wall, crossing, walls = ("║", "╫", "╢╟") if m.kind == "channel" else ("│", "┼", "┤├")
    label_line = 2 * top if top == bottom else 2 * ((top + bottom) // 2) + 1
    for line in range(2 * top, 2 * bottom + 1):
        site, is_wire = line // 2, line % 2 == 0
        if is_wire and site in m.targets:
            number = "" if m.is_ordered else str(m.targets.index(site))
            content = walls[0] + (m.label if line == label_line else number).ljust(inner) + walls[1]
        elif is_wire:
            through = "─" if site in alive else " "
            content = (crossing if site in alive else wall).join(["", through * inner, ""])
        else:
            content = wall + (m.label if line == label_line else "").center(inner) + wall
        canvas[line][left : left + inner + 2] = content
        if is_wire and site in m.controls:
            canvas[line][middle] = "●"
