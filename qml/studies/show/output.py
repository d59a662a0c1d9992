"""What a run prints while it works and when it is done: rich in a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from operator import attrgetter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from qml._checks import plural
from qml.losses import EVERY_LOSS, CrossEntropy, von_neumann_entropy
from qml.studies.record.fits import Row
from qml.studies.record.folder import Run
from qml.studies.record.table import Table as Columns
from qml.studies.record.table import count, filled, load_errors, load_table, summary
from qml.studies.show.terminal import Lasting, visible
from qml.studies.spec.build import Plan, sites

if TYPE_CHECKING:
    from qml.fitting import Iteration
    from qml.states import State

_NUMBER = re.compile(r"[-+.0-9e]*|-?inf|nan")
"""Cells that stand at the right of their column; an empty one, too."""
UNBROKEN = 1 << 20
"""Columns of what is no terminal: more than any line has."""
SECONDS_BETWEEN_LINES = 5.0
ERRORS_SHOWN = 5
"""Failed points whose error is printed; all of them are in the table."""
_UNITS = (("h", 3600.0, 7200.0), ("min", 60.0, 120.0), ("s", 1.0, 1.0), ("ms", 1e-3, 0.0))
"""Units of time, their seconds, and from how many seconds on they are used."""


class _Plain(Console):
    """Prints text as text, whatever is in it."""

    def print(self, *objects: Any, **how: Any) -> None:
        super().print(*(visible(x) if isinstance(x, str) else x for x in objects), **how)


def console(quiet: bool = False, lasting: bool = False) -> Console:
    """Standard output; where it is no terminal, no line is broken. If `lasting`, what prints goes on where it cannot be
    written any more."""
    file: Any = Lasting() if lasting else None
    out = _Plain(file=file, quiet=quiet, highlight=False, markup=False)
    if not out.is_terminal:
        out.width = UNBROKEN
    return out


_COLUMNS = {
    "loss": ("loss", ".6f"),
    "floor": ("floor", ".6f"),
    "gap": ("gap", ".2e"),
    "fidelity": ("fidelity", ".6f"),
    "test_log_likelihood": ("held out", "z.4f"),
    "accuracy": ("accuracy", ".3f"),
    "test_accuracy": ("accuracy, held out", ".3f"),
    "measuring_cost": ("measuring", ".2e"),
    "bias": ("bias", ".2e"),
    "relative_entropy": ("D", ".2e"),
    "iterations": ("iterations", "d"),
}
"""Quantities of the closing table: the head, and how each is written."""


def result_table(rows: Sequence[Row]) -> Columns:
    """The closing table, each cell as text; entropies in nats. Without what is known of no fit. Fits that are biased
    come last."""
    rows = sorted(rows, key=attrgetter("biased"))
    entropic = all(row.loss_name == CrossEntropy.name for row in rows)
    table = {"fit": [row.fit + (" (biased)" if row.biased else "") for row in rows]}
    losses = {} if entropic else {"loss of": [row.loss_name for row in rows]}
    numbers = {
        "S" if entropic and name == "loss" else head: [format(getattr(row, name), form) for row in rows]
        for name, (head, form) in _COLUMNS.items()
        if name in ("loss", "floor", "gap") or _any(rows, name)
    }
    return table | losses | numbers


def _any(rows: Sequence[Row], quantity: str) -> bool:
    """Whether a quantity is known of any fit."""
    return any(not math.isnan(getattr(row, quantity)) for row in rows)


def _gaps(rows: Sequence[Row]) -> str:
    """What the gap of each loss in the table is."""
    found = {row.loss_name: EVERY_LOSS[row.loss_name].gap_is for row in rows if row.loss_name in EVERY_LOSS}
    if any(row.biased for row in rows):
        found = {name: gap.replace("rho", "rho_hat") for name, gap in found.items()}
    return ", ".join(f"{gap} of {name}" for name, gap in found.items() if gap)


def legend(info: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """What stands below the table: noise that was learnt, what the columns mean, what to compare them with."""
    lines = [f"Learnt noise of {row.fit}: {row.learnt_noise}." for row in rows if row.learnt_noise]
    return "\n".join(lines + meanings(info, rows, ("S", "measuring", "D")))


def meanings(info: Mapping[str, Any], rows: Sequence[Row], heads: tuple[str, str, str]) -> list[str]:
    """What the columns of a table mean, of which the cross entropy, the cost of measuring and D have these heads."""
    (loss, cost, divergence), lines = heads, []
    if all(row.loss_name == CrossEntropy.name for row in rows):
        learnt = "rho_hat" if any(row.biased for row in rows) else "rho"
        lines.append(
            f"{loss} = -Tr {learnt} log sigma, floor = its least value S({learnt}), "
            f"gap = D({learnt}||sigma) = {loss} - floor; all in nats."
        )
    elif gaps := _gaps(rows):
        lines.append(f"gap = loss - floor: {gaps}, in nats.")
    biased = [row.fit for row in rows if row.biased]
    if biased:
        lines.append(
            f"Biased: {', '.join(biased)}. What was learnt is the empirical state rho_hat of the counts, not the "
            "measured state, however many shots there are; gaps of different losses do not compare."
        )
    if _any(rows, "measuring_cost"):
        lines.append(
            f"{cost} = S(rho_hat, sigma) - likelihood - sum f log Tr M, rho_hat the empirical state of the counts; "
            "f their frequencies, p the model's; "
            "bias = S(rho_hat, sigma) - S(rho, sigma) (nan if both are infinite), "
            f"{divergence} = D(rho||sigma), rho the measured state if known; nats."
        )
    test = info.get("test")
    if _any(rows, "accuracy"):
        lines.append(
            "accuracy: the share of labels, learnt or held out, to which a model gives the largest probability."
        )
    if test:
        of = "labels (minus their loss)" if _any(rows, "accuracy") else "copies (Tr rho_test log sigma)"
        best = f"{test['maximally_mixed']:z.4f} for the maximally mixed state, {test['best']:z.4f} at best"
        lines.append(f"held out: the log-likelihood of held-out {of}, in nats each; {best}.")
    return lines


def benchmarks(test: State) -> dict[str, float]:
    """Log-likelihood per copy of what was held out, under the maximally mixed state and at best; the mean of labels."""
    return {"maximally_mixed": -math.log(test.dim), "best": -float(np.mean(von_neumann_entropy(test)))}


def show_run(run: Run, out: Console) -> None:
    """A run from its folder: title, table, legend, status."""
    table = load_table(run)
    out.print(run.study.title or run.folder.name, style="bold")
    if run.study.sweep is not None:
        if count(table):
            out.print(plain_table(summary(table), digits=4, width=out.width))
        done = plural(len(set(table["point"])), "point")
    else:
        show_fits(run, out)
        for row in sorted(run.rows, key=attrgetter("biased")):
            out.print(f"{row.fit}: {times(row)}: {row.status}")
        done = f"{sum(not row.interrupted for row in run.rows)} of {plural(len(run.study.fits), 'fit')}"
    out.print(f"seed {run.study.seed}, {run.info['status']}, {done}, started {run.info['started']}")


def show_fits(run: Run, out: Console) -> None:
    """The closing table of a run, what its columns mean, and error bars, where there are any."""
    if not run.rows:
        out.print("No fit is done.")
        return
    out.print(plain_table(result_table(run.rows), width=out.width))
    out.print(legend(run.info, run.rows))
    if errors := load_errors(run):
        short = {"error" if name == "standard_error" else name: cells for name, cells in errors.items()}
        head = "error bars"
        if len(set(short["level"])) == 1:
            head += f" of level {short.pop('level')[0]:g}"
        out.print(f"{head}\n{plain_table(short, digits=4, width=out.width)}")


def plain_table(columns: Columns, digits: int = 9, width: int | None = None) -> str:
    """A tidy table as aligned text, without the columns that are empty. Columns for which `width` has no room follow
    below, beside the first column again.

    Examples
    --------
    >>> print(plain_table({"fit": ["a", "b"], "loss": [0.5, 12.0], "steps": [3, 4]}, width=12))
    fit  loss
    a     0.5
    b      12
    <BLANKLINE>
    fit  steps
    a        3
    b        4
    """
    blocks: list[list[str]] = []
    for name, column in filled(columns).items():
        cells = [name, *("" if x is None else f"{x:.{digits}g}" if isinstance(x, float) else str(x) for x in column)]
        size = max(map(cell_len, cells))
        pads = [" " * (size - cell_len(cell)) for cell in cells]
        right = all(map(_NUMBER.fullmatch, cells[1:]))
        block = [pad + cell if right else cell + pad for cell, pad in zip(cells, pads, strict=True)]
        if not blocks:
            blocks, first = [block], block
            continue
        if width is not None and blocks[-1] is not first and cell_len(blocks[-1][0]) + 2 + size > width:
            blocks.append(first)
        blocks[-1] = [f"{line}  {cell}" for line, cell in zip(blocks[-1], block, strict=True)]
    return "\n\n".join("\n".join(map(str.rstrip, lines)) for lines in blocks)


def describe(plan: Plan) -> str:
    """One line on the target and one on each fit, and the number of points of a sweep."""
    target, state = plan.target, plan.target.state
    known = f", S(rho) = {float(von_neumann_entropy(state)) + 0.0:.6f} nats" if target.known else ""
    counts = "" if target.counts is None else f", {repr(target.counts)[1:-1].removeprefix('Counts: ')}"
    if target.labels is not None:
        counts = f", {len(target.labels.train)} labels of {len(target.labels.names)} classes, " + plural(
            target.labels.train.inputs.shape[1], "input"
        )
    lines = [f"target {plan.study.target.kind}: {sites(state.dims)}{counts}{known}"]
    for job in plan.jobs:
        model, most = job.spec.model, plural(job.most, "iteration")
        of = "" if model is None else f"{model.kind} model with {plural(job.n_params, 'parameter')}, "
        errors = "".join(f", error bars by {one.kind}" for one in job.spec.errors or ())
        lines.append(f"fit {job.spec.name!r}: {of}{job.loss.name} by {job.way}, at most {most}{errors}")
    if plan.points:
        lines.append(f"sweep: {plural(len(plan.points), 'point')}")
    return "\n".join(lines)


# live progress: a bar in a terminal, a line now and then elsewhere ------------------------------------------------


class _Live:
    """A bar on `out`, or lines where that is no terminal."""

    def __init__(self, out: Console) -> None:
        self.out = out
        self._bar: Progress | None = None
        self._printed = time.perf_counter()

    def _start(self, what: str, total: int | None, done: int = 0) -> bool:
        """Begin; whether there is a bar."""
        self._printed = time.perf_counter()
        if not self.out.is_terminal or self.out.quiet:
            return False
        columns = TextColumn("{task.description}"), BarColumn(24), TextColumn("{task.fields[at]}"), TimeElapsedColumn()
        self._bar = Progress(*columns, console=self.out, transient=True)
        self._task = self._bar.add_task(escape(what), total=total, completed=done, at="")
        self._bar.start()
        return True

    def _show(self, done: int, line: str) -> None:
        """So much is done: the line stands beside the bar, or is printed where there is none."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, at=line)
        elif time.perf_counter() - self._printed > SECONDS_BETWEEN_LINES:
            self._printed = time.perf_counter()
            self.out.print(f"  {line}")

    def stop(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class FitReporter(_Live):
    """Follows the fits of a run, one at a time: begin, step, step, ..., stop, end."""

    def begin(self, name: str, about: str, max_iterations: int | None) -> None:
        """A fit starts; of a method that tells nothing before its end, the most iterations are None."""
        head = f"{name}: {about}"
        if not self._start(head, max_iterations):
            self.out.print(head)

    def step(self, iteration: Iteration) -> None:
        """An iteration is done."""
        start = f"start {iteration.restart + 1}, " if iteration.restart else ""
        line = f"{start}iteration {iteration.iteration}, loss {iteration.loss:.6f}, gap {iteration.gap:.2e}"
        self._show(iteration.iteration, line)

    def end(self, row: Row) -> None:
        """The fit is done."""
        head = f"{row.fit}: " if self.out.is_terminal else "  "
        self.out.print(f"{head}gap {row.gap:.2e} after {times(row)}: {row.status}")


class SweepReporter(_Live):
    """Counts the points that are done and failed, and estimates when the rest will be done."""

    def __init__(self, out: Console, total: int, before: int = 0) -> None:
        super().__init__(out)
        self.total = total
        self.before = before
        self.finished = before
        self.failures = 0
        self._since = time.perf_counter()

    def __enter__(self) -> Self:
        if self.before:
            self.out.print(f"{self.before} of {self.total} points are done already.")
        self._start("sweep", self.total, self.before)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.out.print(self.line())

    def done(self, point: int, errors: list[str]) -> None:
        """A point has come back."""
        self.finished += 1
        self.failures += bool(errors)
        if errors and self.failures <= ERRORS_SHOWN:
            self.out.print(f"  point {point} failed: {errors[0]}")
        self._show(self.finished, self.line())

    def line(self) -> str:
        """``12 of 40 points done, 1 failed, 70 s to go``."""
        text = f"{self.finished} of {self.total} points done"
        text += f", {self.failures} failed" if self.failures else ""
        here, left = self.finished - self.before, self.total - self.finished
        if here and left:
            text += f", {span((time.perf_counter() - self._since) / here * left)} to go"
        return text


def times(row: Row) -> str:
    """``20 iterations, 3.4 s (170 ms a step)``."""
    step = f" ({span(row.seconds / row.iterations)} a step)" if row.iterations else ""
    return f"{plural(row.iterations, 'iteration')}, {row.seconds:.1f} s{step}"


def span(seconds: float) -> str:
    """A length of time in the unit that reads best, to two digits.

    Examples
    --------
    >>> span(0.0004), span(0.1834), span(75), span(5 * 3600 + 60 * 29)
    ('0.4 ms', '180 ms', '75 s', '5.5 h')
    """
    unit, size = next((unit, size) for unit, size, least in _UNITS if seconds >= least)
    return f"{float(f'{seconds / size:.2g}'):g} {unit}"
