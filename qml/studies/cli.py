"""The command ``qml``. Imports only click and the standard library here, so that ``qml --help`` answers at once."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from qml.studies.cli_results import COMMANDS, PATH
from qml.studies.show import terminal

if TYPE_CHECKING:
    from qml.studies.run.run import Finished, Options


class Commands(click.Group):
    """A mistake of the user is one sentence on stderr and exit code 2; anything unexpected shows its traceback."""

    def main(self, *arguments: Any, **options: Any) -> NoReturn:
        terminal.forgiving()
        try:
            code = super().main(*arguments, **options | {"standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            terminal.say(error.format_message())
            sys.exit(error.exit_code)
        except click.ClickException as error:
            _fail(error.format_message(), error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            _fail("interrupted.", terminal.INTERRUPTED)
        except (ValueError, MemoryError) as error:
            from qml._checks import InputError, MemoryRefused

            if not isinstance(error, InputError | MemoryRefused):
                raise
            _fail(str(error), 2)
        except OSError as error:  # a path that is too long, a disk that is gone
            where = f"{error.filename}: " if error.filename else ""
            _fail(f"{where}{error.strerror or error}.", 2)
        gc.freeze()  # at its end the interpreter searches for cycles whatever is not frozen: 0.3 s after a study
        sys.exit(code or 0)


def _fail(sentence: str, code: int) -> NoReturn:
    terminal.complain(sentence)
    sys.exit(code)


def _lasting(line: str) -> None:
    """The last line of a run, which is kept whether or not anybody reads it."""
    out = terminal.Lasting()
    out.write(terminal.visible(f"{line}\n"))
    out.flush()


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from qml import __version__

        terminal.say(f"qml {__version__}")
        context.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version.")
def main() -> None:
    """Learn quantum states by minimizing the quantum cross entropy S(rho, sigma) = -Tr rho log sigma.

    A study is a YAML file with one target and the fits that learn it; the folder experiments/ has examples.
    """


@main.command()
@click.argument("study", type=PATH)
@click.argument("overrides", nargs=-1, metavar="[PATH=VALUE]...")
@click.option("--output", type=PATH, metavar="DIR", help="New folder of the run [runs/STUDY-001, -002, ...].")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), metavar="N", help="Use this seed instead of the study's.")
@click.option("--resume", is_flag=True, help="Continue a run: STUDY is its folder, or its study (the last run of it).")
@click.option("--dry-run", is_flag=True, help="Check everything and say what the run would cost; write nothing.")
@click.option("--engine", metavar="NAME", help="What runs the circuits of all fits: see qml list engines.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes of a sweep [one a processor].")
@click.option("--threads", type=click.IntRange(1, 1024), metavar="N", help="Threads of each process [1 in a sweep].")
@click.option("--scheduler", metavar="ADDRESS", help="Run a sweep on a Dask cluster: 'local', or tcp://HOST:PORT.")
@click.option(
    "--checkpoint-seconds",
    type=click.FloatRange(min=0.0),
    metavar="S",
    help="A fit writes a checkpoint so often, where that takes less than 1 % of the time [30].",
)
@click.option(
    "--checkpoint-iterations", type=click.IntRange(min=1), metavar="N", help="And every N iterations besides."
)
@click.option("--quiet", is_flag=True, help="Print only the folder of the run.")
def run(
    study: Path,
    overrides: tuple[str, ...],
    output: Path | None,
    seed: int | None,
    resume: bool,
    dry_run: bool,
    engine: str | None,
    quiet: bool,
    **how: Any,
) -> int:
    """Run the fits of STUDY and keep everything in a new folder.

    PATH=VALUE lays a value over the study, such as fits[0].max_iterations=50 or fit.restarts=3 (in every fit).
    """
    from qml.studies.run.run import Options, run_study
    from qml.studies.run.sweeping import How
    from qml.studies.spec.config import with_engine
    from qml.studies.spec.source import is_principle

    carry_out: Callable[[Path, Options], Finished] = run_study
    if is_principle(study):
        from qml.studies.run.principle import run_principle as carry_out

        if any((resume, dry_run, engine)) or set(how.values()) != {None}:
            _fail("a study of the principle takes --output, --seed, --quiet and PATH=VALUE only.", 2)
    if engine is not None:
        overrides = tuple(with_engine(study, engine, overrides))
    options = Options(output, seed, overrides, resume, quiet, How(**how))
    if dry_run:
        terminal.say(_cost(study, options))
        return 0
    finished = carry_out(study, options)
    kept = f"{finished.folder}: {finished.page}" if finished.page else finished.folder
    _lasting(str(finished.folder) if quiet else f"Kept in {kept}")
    if finished.problem:
        _fail(finished.problem, finished.exit_code)
    return 0


def _cost(study: Path, options: Options) -> str:
    from qml.studies.run import cost
    from qml.studies.run.run import prepared
    from qml.studies.run.sweeping import workers_for
    from qml.studies.show import output
    from qml.threads import pinned

    plan, _, options = prepared(study, options)
    threads = options.how.threads or (1 if plan.points else None)
    with pinned(threads):
        costs = cost.describe(plan, workers_for(options.how, len(plan.points)))
    return f"{output.describe(plan)}\n{costs}"


@main.command()
@click.argument("study", type=PATH)
@click.argument("overrides", nargs=-1, metavar="[PATH=VALUE]...")
def validate(study: Path, overrides: tuple[str, ...]) -> None:
    """Check STUDY and build its target and models, without fitting."""
    from qml.studies.spec.source import is_principle

    if is_principle(study):
        from qml.studies.run.principle import read_principle

        numbers = [str(n) for found in read_principle(study, overrides).values() for n in found.statements]
        terminal.say(f"statements {', '.join(numbers)}\nThe study is valid.")
        return
    from qml.studies.run.run import Options, read
    from qml.studies.show.output import describe

    terminal.say(f"{describe(read(study, Options(overrides=overrides)))}\nThe study is valid.")


@main.command()
def precompile() -> None:
    """Compile the kernels of all engines for this processor. No later run waits for them then.

    For images of machines and containers, and once before many jobs start at once on a cluster.
    """
    from qml.engines.precompile import every_kernel

    err: Any = sys.stderr or terminal.Lasting()
    with click.progressbar(every_kernel(), label="compiling", file=err) as kernels:
        for kernel in kernels:
            kernel.compile()
    terminal.say("All kernels are compiled.")


@main.command()
@click.argument("source", type=PATH)
@click.argument("target", type=PATH)
@click.option("--version", type=click.IntRange(2, 3), default=3, show_default=True, help="Of OpenQASM, when written.")
@click.option("--force", is_flag=True, help="Replace TARGET if it exists.")
def convert(source: Path, target: Path, version: int, force: bool) -> None:
    """Convert SOURCE to TARGET, each in the format of its ending.

    Circuits: .qasm, .json, .npz. Counts: .csv, .json, .npz. Results, models and other objects: .json, .npz; a result
    whose model is a circuit becomes .qasm with the numbers that were learnt.
    """
    from qml.io import convert as convert_file

    if target.exists() and not force:
        _fail(f"{target} exists already: choose another name, or add --force.", 2)
    terminal.say(f"{convert_file(source, target, version=version)!r} written to {target}")


@main.command()
@click.option("--markdown", is_flag=True, help="The reference page instead.")
@click.option("--objects", is_flag=True, help="That of circuits, models, results and other objects in files.")
def schema(markdown: bool, objects: bool) -> None:
    """Print the JSON Schema of studies, for editors."""
    import json

    if objects:
        from qml.io import schema as schema_of_objects

        terminal.say(json.dumps(schema_of_objects(), indent=1))
        return
    from qml.studies.spec import reference

    text = reference.markdown() if markdown else json.dumps(reference.json_schema(), indent=1) + "\n"
    terminal.say(text, nl=False)


@main.command("list")
@click.argument("what", required=False)
def list_kinds(what: str | None) -> None:
    """List what a study can name. WHAT is one of these kinds of things; by default all of them are listed.

    ansatze, data, errors, generators, hamiltonians, jumps, loggers, losses, measurements, methods, models, optimizers,
    priors, targets, engines, channels, gates
    """
    from qml._checks import choice
    from qml.studies.spec.reference import KINDS, lines

    for kind in (choice("what is listed", what, KINDS),) if what else KINDS:
        if not what:
            terminal.say(f"{kind}:")
        for line in lines(kind):
            terminal.say(line if what else f"  {line}")


for command in COMMANDS:
    main.add_command(command)

if __name__ == "__main__":
    main()
