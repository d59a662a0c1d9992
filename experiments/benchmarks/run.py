"""Run one workload: `qml` and every peer that is found, side by side in one run.

python experiments/benchmarks/run.py W1 --sizes 6 8 10 12 --json FILE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
import harness
import processes
import report
import results
from rich.console import Console
from workload import load

HERE = Path(__file__).resolve().parent
BUSY = 10.0  # percent of all cores
WIDTH = 140  # of what is not a terminal
FOUND = (path.stem.upper() for path in HERE.glob("[wj][0-9]*.py"))
NAMES = sorted(FOUND, key=lambda name: (name[0] != "W", int(name[1:])))


class Spreading(click.Command):
    """A command whose repeated options take many values after one flag: ``--sizes 6 8`` is ``--sizes 6 --sizes 8``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        many = {flag for p in self.params if isinstance(p, click.Option) and p.multiple for flag in p.opts}
        spread: list[str] = []
        current = None
        for arg in args:
            if arg.startswith("-"):
                current = arg if arg in many else None
                spread += [] if current else [arg]
            else:
                spread += [current, arg] if current else [arg]
        return super().parse_args(ctx, spread)


def _workload(ctx: click.Context, param: click.Parameter, name: str) -> Path:
    if name.upper() in NAMES:
        return HERE / f"{name.lower()}.py"
    raise click.UsageError(f"there is no workload {name!r}; choose one of {', '.join(NAMES)}.")


def _one_of(kind: str, asked: tuple[str, ...], known: list[str]) -> list[str]:
    for name in asked:
        if name not in known:
            raise click.UsageError(f"there is no {kind} {name!r}; choose among {', '.join(known)}.")
    return list(asked) or known


@click.command(cls=Spreading, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("workload", callback=_workload)
@click.option("--sizes", type=click.IntRange(2), multiple=True, help="Qubits n.  [default: of the workload]")
@click.option("--variants", multiple=True, help="Variants of the workload.  [default: all]")
@click.option("--peers", multiple=True, help="Peers to compare with; 'none' for none.  [default: all that are found]")
@click.option("--peer-python", multiple=True, help="Interpreters in whose environments to look for peers.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all that is measured here.")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw time against n here (.svg, .png, .pdf).")
@click.option(
    "--threads", type=click.IntRange(1), default=2, show_default=True, help="Cores for each process; jobs choose."
)
@click.option("--beside", type=click.IntRange(0), default=0, show_default=True, help="Busy processes that run beside.")
@click.option("--cap", type=click.FloatRange(1), default=120.0, show_default=True, help="Seconds for each at a size.")
@click.option("--rounds", type=click.IntRange(1), default=7, show_default=True, help="Turns of each, interleaved.")
@click.option("--turn", type=click.FloatRange(0), default=0.3, show_default=True, help="Seconds a turn, at least.")
@click.option("--cold", is_flag=True, help="Also time the first call of qml without its cache of compiled kernels.")
@click.option("--by-hand", is_flag=True, help="Also time qml with each number of threads set by hand, and compare.")
@click.option("--redraw", is_flag=True, help="Measure nothing: tables and figure of what is in --json.")
def main(
    workload: Path,
    sizes: tuple[int, ...],
    variants: tuple[str, ...],
    peers: tuple[str, ...],
    peer_python: tuple[str, ...],
    json_file: Path | None,
    figure: Path | None,
    threads: int,
    beside: int,
    cap: float,
    rounds: int,
    turn: float,
    cold: bool,
    by_hand: bool,
    redraw: bool,
) -> None:
    """Time qml and its peers on WORKLOAD (W1 to W10, J1 to J7), check that they agree, print ratios and spreads."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    name, declared = workload.stem.upper(), load(workload)
    if redraw:
        if json_file is None or not json_file.exists():
            raise click.UsageError("--redraw needs --json FILE of an earlier run.")
        recorded = json.loads(json_file.read_text(encoding="utf-8"))
        if recorded["workload"] != name:
            raise click.UsageError(f"{json_file} holds {recorded['workload']}, not {name}.")
    else:
        settings = harness.Settings(0 if declared.defaults else threads, cap, rounds, turn, beside)
        known = [peer for peer in declared.implementations if peer != results.OURS]
        chosen = [] if peers == ("none",) else _one_of("peer", peers, known)
        chosen_variants = _one_of("variant", variants, list(declared.variants))
        try:
            members, absent = harness.recruit(
                declared, workload, [results.OURS, *chosen], peer_python, settings.threads
            )
        except (RuntimeError, OSError) as error:
            raise click.UsageError(str(error)) from None
        for peer, modules in absent.items():
            console.print(f"{peer}: not found (needs {', '.join(modules)})", style="dim")
        where = harness.machine()
        if where["busy"] > BUSY:
            console.print(f"The machine is busy ({where['busy']:.0f} %): do not trust what follows.", style="yellow")
        cells: list[results.Cell] = []
        with console.status("", refresh_per_second=1) as status, processes.busy(beside):
            members += harness.extras(declared, cold, by_hand)
            for more in harness.measure(declared, workload, members, chosen_variants, sizes, settings, status.update):
                cells += more
                recorded = harness.record(name, declared, settings, where, cells)
                if json_file is not None:
                    json_file.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
    report.print_tables(recorded, console)
    if figure is not None:
        report.draw(recorded, figure)
    failed = False
    for default, best, over in results.over_by_hand(results.cells_of(recorded)):
        too_slow = over.median > results.MOST_OVER_BY_HAND
        failed |= too_slow
        console.print(
            f"{default.variant}, n = {default.size}: by default {report.times(over)} as long as {best.implementation}; "
            f"{results.MOST_OVER_BY_HAND} at most{': TOO SLOW' if too_slow else ''}",
            style="red" if too_slow else None,
        )
    if wrong := [cell for cell in results.cells_of(recorded) if cell.agrees is False]:
        for cell in wrong:
            console.print(
                f"{cell.implementation} disagrees at {cell.variant}, n = {cell.size}: by {cell.difference:.1e}, "
                f"more than {recorded['tolerance']:.0e}.",
                style="red",
            )
    if wrong or failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
