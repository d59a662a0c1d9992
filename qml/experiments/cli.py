"""The command ``qml``. Imports only click and the standard library here, so that ``qml --help`` answers at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

INTERRUPTED = 130


class Commands(click.Group):
    """A mistake of the user is one sentence on stderr and exit code 2; anything unexpected shows its traceback."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.ClickException as error:
            _fail(error.format_message(), error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            _fail("interrupted.", INTERRUPTED)
        except (ValueError, MemoryError) as error:
            from qml._checks import InputError, MemoryRefused

            if not isinstance(error, InputError | MemoryRefused):
                raise
            _fail(str(error), 2)
        sys.exit(code or 0)


def _fail(sentence: str, code: int) -> NoReturn:
    click.echo(f"qml: {' '.join(sentence.split())}", err=True)
    sys.exit(code)


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from qml import __version__

        click.echo(f"qml {__version__}")
        context.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version.")
def main() -> None:
    """Learn quantum states by minimizing the quantum cross entropy S(rho, sigma) = -Tr rho log sigma.

    A study is a YAML file with one target and the fits that learn it; the folder experiments/ has examples.
    """


@main.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="New folder of the run [runs/STUDY-001, -002, ...].",
)
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Use this seed instead of the study's.")
@click.option("--quiet", is_flag=True, help="Print only the folder of the run.")
def run(study: Path, output: Path | None, seed: int | None, quiet: bool) -> int:
    """Run the fits of STUDY and keep everything in a new folder."""
    from qml.experiments.run import run_study

    finished = run_study(study, output=output, seed=seed, quiet=quiet)
    if finished.interrupted:
        _fail(f"interrupted: what was done is in {finished.folder}.", INTERRUPTED)
    return 0


@main.command()
@click.argument("study", type=click.Path(path_type=Path))
def validate(study: Path) -> None:
    """Check STUDY and build its target and models, without fitting."""
    from qml.experiments.report import describe
    from qml.experiments.run import plan_study

    click.echo(describe(plan_study(study)))


@main.command()
@click.argument("run", type=click.Path(path_type=Path))
def show(run: Path) -> None:
    """Print the table of the run in the folder RUN."""
    from qml.experiments.record import load_run
    from qml.experiments.report import console, show_run

    show_run(load_run(run), console())


KINDS = ("targets", "hamiltonians", "models", "ansatze", "generators", "losses", "optimizers", "channels", "gates")


@main.command("list")
@click.argument("what", type=click.Choice(KINDS), required=False)
def list_kinds(what: str | None) -> None:
    """List what a study can name: WHAT is one of the kinds of things below; all of them by default.

    targets, hamiltonians, models, ansatze, generators, losses, optimizers, channels, gates
    """
    from qml.experiments.catalog import lines

    for kind in (what,) if what else KINDS:
        if not what:
            click.secho(f"{kind}:", bold=True)
        for line in lines(kind):
            click.echo(line if what else f"  {line}")


if __name__ == "__main__":
    main()
