"""What a run says while it works and when it is done: rich in a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from qml._checks import plural
from qml.experiments.record import Row, Run
from qml.losses import von_neumann_entropy

if TYPE_CHECKING:
    from qml.experiments.build import Plan
    from qml.fitting import Iteration
    from qml.states import State

ENTROPIC = ("cross_entropy", "relative_entropy")
SECONDS_BETWEEN_LINES = 5.0


def console(quiet: bool = False) -> Console:
    """Standard output; lines are as long as they need to be where it is no terminal."""
    out = Console(quiet=quiet, highlight=False)
    return out if out.is_terminal else Console(quiet=quiet, highlight=False, width=200)


class Reporter:
    """Follows the fits of a run, one at a time: begin, step, step, ..., stop, end."""

    def __init__(self, out: Console) -> None:
        self.out = out
        self._bar: Progress | None = None

    def begin(self, name: str, n_params: int, max_iterations: int) -> None:
        """A fit starts."""
        self._said = time.perf_counter()
        head = f"{name}: {plural(n_params, 'parameter')}"
        if not self.out.is_terminal or self.out.quiet:
            self.out.print(head, markup=False)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(24),
            TextColumn("{task.fields[at]}"),
            TimeElapsedColumn(),
        )
        self._bar = Progress(*columns, console=self.out, transient=True)
        self._task = self._bar.add_task(escape(head), total=max_iterations, at="")
        self._bar.start()

    def step(self, iteration: Iteration) -> None:
        """An iteration is done."""
        start = f"start {iteration.restart + 1}, " if iteration.restart else ""
        at = f"{start}iteration {iteration.iteration}, loss {iteration.loss:.6f}, gap {iteration.gap:.2e}"
        if self._bar is not None:
            self._bar.update(self._task, completed=iteration.iteration, at=at)
        elif time.perf_counter() - self._said > SECONDS_BETWEEN_LINES:
            self._said = time.perf_counter()
            self.out.print(f"  {at}", markup=False)

    def stop(self) -> None:
        """The fit has returned or failed."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def end(self, row: Row) -> None:
        """What came of the fit."""
        head = f"{row.fit}: " if self.out.is_terminal else "  "
        times = f"{plural(row.iterations, 'iteration')}, {row.seconds:.1f} s"
        self.out.print(f"{head}gap {row.gap:.2e} after {times}: {row.status}", markup=False)


def result_table(rows: Sequence[Row]) -> Table:
    """The closing table; entropies in nats. As narrow as it can be, so that it fits into 80 columns."""
    entropic = all(row.loss_name in ENTROPIC for row in rows)
    held_out = any(not math.isnan(row.test_log_likelihood) for row in rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("fit", overflow="fold")
    if not entropic:
        table.add_column("loss of")
    for head in ("S" if entropic else "loss", "floor", "gap", "fidelity"):
        table.add_column(head, justify="right", no_wrap=True)
    if held_out:
        table.add_column("held out", justify="right", no_wrap=True)
    table.add_column("iterations", justify="right", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    for row in rows:
        cells = [escape(row.fit), *([] if entropic else [row.loss_name])]
        cells += [f"{row.loss:.6f}", f"{row.floor:.6f}", f"{row.gap:.2e}", f"{row.fidelity:.6f}"]
        cells += [f"{row.test_log_likelihood:.4f}"] if held_out else []
        table.add_row(*cells, str(row.iterations), f"{row.seconds:.1f}")
    return table


def legend(info: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """What stands below the table: noise that was learnt, what the columns mean, what to compare them with."""
    lines = [f"Learnt noise of {row.fit}: {row.learnt_noise}." for row in rows if row.learnt_noise]
    if all(row.loss_name in ENTROPIC for row in rows):
        lines += [
            "S = -Tr rho log sigma, floor = its least value S(rho), gap = D(rho||sigma) = S - floor; all in nats."
        ]
    test = info.get("test")
    if test:
        lines.append(
            f"Held out: the log-likelihood Tr rho_test log sigma in nats a copy; {test['maximally_mixed']:.4f} for the "
            f"maximally mixed state, {test['best']:.4f} for rho_test itself (no model can do better)."
        )
    return "\n".join(lines)


def benchmarks(test: State) -> dict[str, float]:
    """Log-likelihood per copy of what was held out, under the maximally mixed state and at best."""
    return {"maximally_mixed": -math.log(test.dim), "best": -float(von_neumann_entropy(test))}


def show_run(run: Run, out: Console) -> None:
    """A run from its folder: title, table, legend, status."""
    out.print(run.study.title or run.folder.name, style="bold", markup=False)
    if run.rows:
        out.print(result_table(run.rows))
        out.print(legend(run.info, run.rows), markup=False)
    else:
        out.print("No fit is done.")
    for row in run.rows:
        out.print(f"{row.fit}: {row.status}", markup=False)
    done = f"{len(run.rows)} of {plural(len(run.study.fits), 'fit')}"
    out.print(f"seed {run.study.seed}, {run.info['status']}, {done}, started {run.info['started']}", markup=False)


def describe(plan: Plan) -> str:
    """One line on the target and one on each fit, for ``qml validate``."""
    state = plan.target.state
    dims = plural(len(state.dims), "qubit") if set(state.dims) == {2} else f"sites of dimensions {state.dims}"
    lines = [f"target {plan.study.target.kind}: {dims}, S(rho) = {float(von_neumann_entropy(state)) + 0.0:.6f} nats"]
    for job in plan.jobs:
        lines.append(
            f"fit {job.spec.name!r}: {job.spec.model.kind} model with {plural(job.model.n_params, 'parameter')}, "
            f"{job.loss.name} by {job.spec.optimizer.kind}, at most {plural(job.spec.max_iterations, 'iteration')}"
        )
    return "\n".join([*lines, "The study is valid."])
