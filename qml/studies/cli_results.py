"""The commands that read runs: show, table, plot, report, compare, reproduce."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qml.studies.show.terminal import printing, say

if TYPE_CHECKING:
    from qml.studies.run.compare import Comparison

PATH: Any = click.Path(path_type=Path)
RUN = click.argument("run", type=PATH)
PAIRS_SHOWN = 40


@click.command()
@RUN
def show(run: Path) -> None:
    """Print the table of the run in the folder RUN."""
    from qml.studies.record.folder import load_run
    from qml.studies.show.output import console, show_run

    found = load_run(run)
    with printing():
        show_run(found, console())


@click.command()
@RUN
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values, to the last digit.")
@click.option("--columns", metavar="A,B,...", help="These columns only.")
def table(run: Path, as_csv: bool, columns: str | None) -> None:
    """Print every row of the table of RUN, also while it runs."""
    from qml._checks import choice
    from qml.studies.record.cells import to_csv
    from qml.studies.record.folder import load_run
    from qml.studies.record.table import biased_last, load_table
    from qml.studies.show.output import plain_table

    found = biased_last(load_table(load_run(run)))
    if columns is not None:
        found = {name: found[choice("a column", name, found)] for name in map(str.strip, columns.split(","))}
    if as_csv:
        say(to_csv(list(found), zip(*found.values(), strict=True)), nl=False)
    else:
        say(plain_table(found))


@click.command()
@RUN
@click.option("--kind", default="loss", show_default=True, help="loss, scaling, heatmap or measured.")
@click.option("--x", help="The axis: what the sweep varies [the first that is a number].")
@click.option("--y", help="The other axis of a heatmap.")
@click.option("--output", type=PATH, metavar="FILE", help="A .png, .svg or .pdf [RUN/KIND.png].")
def plot(run: Path, kind: str, x: str | None, y: str | None, output: Path | None) -> None:
    """Draw a figure of RUN.

    Of a sweep, the loss above its floor, how the gap scales, a map of the gap over two axes, or what measuring costs;
    of a run without a sweep, the loss and the gap of its fits by iteration.
    """
    from qml._checks import InputError, choice
    from qml.plotting import sweeps
    from qml.plotting.files import save
    from qml.studies.files import write_whole
    from qml.studies.notebook import open_run
    from qml.studies.record.folder import load_run
    from qml.studies.record.table import load_table
    from qml.studies.show.drawing import drawing, history

    found = load_run(run)
    sweep = found.study.sweep
    if sweep is None and (kind != "loss" or x or y):
        raise InputError(f"{run} is not a sweep: its loss by iteration is drawn, without --kind, --x and --y.")
    path = output or run / f"{kind}.png"
    form = choice("the ending of the file", path.suffix.lower(), (".png", ".svg", ".pdf"))
    notes = list[str]()
    with drawing("the figure"):
        if sweep is None:
            results = {name: fit.result for name, fit in open_run(run).items()}
            if (figure := history(results, found.study.title)) is None:
                raise InputError(f"no fit of {run} keeps its iterates: there is nothing to draw.")
        else:
            figure = sweeps.draw(load_table(found), sweep.names(), kind, x, y)
        write_whole(path, lambda file: notes.extend(save(figure, file, form[1:])))
    for line in [str(path), *notes]:
        say(line)


@click.command()
@RUN
@click.option("--output", type=PATH, metavar="FILE", help="[RUN/report.html]")
def report(run: Path, output: Path | None) -> None:
    """Write RUN as one HTML page. It has the figures, the table, the study and the environment."""
    from qml.studies.files import write_text
    from qml.studies.record.folder import load_run
    from qml.studies.show.page import page

    path = output or run / "report.html"
    write_text(path, page(load_run(run)))
    say(str(path))


@click.command()
@click.argument("a", type=PATH)
@click.argument("b", type=PATH)
def compare(a: Path, b: Path) -> None:
    """Compare the runs A and B, fit by fit."""
    from qml.studies.record.folder import load_run
    from qml.studies.run.compare import compare as compared

    for line in _lines(compared(load_run(a), load_run(b)), a, b):
        say(line)


def _lines(found: Comparison, a: Path, b: Path) -> list[str]:
    lines = [f"{found.identical} of {len(found.pairs)} fits are identical to the bit."]
    if not found.pairs:
        lines = ["No fit is in both."] if not found.failed else ["No fit is done in both."]
    differing = [pair for pair in found.pairs if pair.differing]
    for pair in differing[:PAIRS_SHOWN]:
        x, y = pair.losses
        losses = "failed" if x is None or y is None else f"loss {x:.9g}, {y:.9g}, difference {y - x:+.3e}"
        lines.append(f"  {pair.name}: {losses}; differing: {', '.join(pair.differing)}")
    lines += _more(differing)
    where = {"failed in both": found.failed, f"only in {a}": found.only[0], f"only in {b}": found.only[1]}
    for place, names in where.items():
        lines += [f"{place}: {name}" for name in names[:PAIRS_SHOWN]] + _more(names)
    lines += [f"study, {line}" for line in found.study]
    return lines + [f"environment, {line}" for line in found.environment]


def _more(items: Sequence[Any]) -> list[str]:
    left = len(items) - PAIRS_SHOWN
    return [f"  and {left} more"] if left > 0 else []


@click.command()
@RUN
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes of a sweep [one a processor].")
@click.option("--scheduler", metavar="ADDRESS", help="Run a sweep on a Dask cluster.")
def reproduce(run: Path, workers: int | None, scheduler: str | None) -> int:
    """Run the study of RUN again and compare to the bit. Exit code 1 if a number differs."""
    from qml.studies.record.folder import load_run
    from qml.studies.run.compare import reproduce as repeated
    from qml.studies.run.sweeping import How

    fits, differences, environment = repeated(load_run(run), How(workers, None, scheduler))
    if not differences:
        say(f"{'The fit is' if fits == 1 else f'All {fits} fits are'} identical to the bit.")
        return 0
    around = [f"environment, {line}" for line in environment]
    for line in [*differences[:PAIRS_SHOWN], *_more(differences), *around]:
        say(line)
    return 1


COMMANDS = (show, table, plot, report, compare, reproduce)
