"""Studies of the principle itself: files that name statements, checked together into one report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator

from qml._checks import InputError
from qml.principle import STATEMENTS, Verdict, check
from qml.principle.pages import page, table
from qml.studies.files import write_text
from qml.studies.record.folder import new_folder, slug
from qml.studies.run.run import Finished, Options
from qml.studies.show.output import console
from qml.studies.show.terminal import INTERRUPTED
from qml.studies.spec.compose import compose, override
from qml.studies.spec.schema import Seed, Spec, read_as
from qml.studies.spec.source import studies_in

if TYPE_CHECKING:
    from rich.console import Console


class PrincipleStudy(Spec):
    """Statements of the principle, and on how many random instances they are checked.

    Parameters
    ----------
    title : str
        Stands above the lines of the statements.
    statements : list of int
        Their numbers.
    pairs : int
        Random instances of each, about.
    seed : int
        Every random number follows from it.
    """

    title: str = ""
    statements: Annotated[list[int], Field(min_length=1)]
    pairs: Annotated[int, Field(ge=1, le=10**7)] = 10_000
    seed: Seed = 0

    @field_validator("statements")
    @classmethod
    def _known(cls, numbers: list[int]) -> list[int]:
        for number in numbers:
            if number not in STATEMENTS:
                raise InputError(f"statements are numbered from 1 to {max(STATEMENTS)}; found {number}.")
        return numbers


def read_principle(path: Path, overrides: Sequence[str] = ()) -> dict[Path, PrincipleStudy]:
    """The study in a file, or all of a folder, by file.

    Raises
    ------
    InputError
        At the first mistake.
    """
    files = studies_in(path) if path.is_dir() else [path]
    return {file: read_as(PrincipleStudy, override(compose(file), overrides)) for file in files}


def run_principle(path: Path, options: Options) -> Finished:
    """Check the statements of a study, or of all studies of a folder, and write one report.

    Raises
    ------
    InputError
        At the first mistake in a study, before anything is checked; if the output exists or cannot be written.

    Notes
    -----
    Ctrl-C ends the checks, and the report holds those that were done.
    """
    studies, output = read_principle(path, options.overrides), options.output
    if options.seed is not None:
        studies = {file: study.model_copy(update={"seed": options.seed}) for file, study in studies.items()}
    if output is not None and output.exists():
        raise InputError(f"{output} exists already, and a run never overwrites: choose a new folder.")
    out, verdicts, code, problem = console(options.quiet, lasting=True), [], 0, ""
    folder = new_folder(slug(path.resolve().stem), output)
    try:
        for verdict in _checked(studies.values(), out):
            verdicts.append(verdict)
    except BaseException as error:
        if not verdicts or not isinstance(error, KeyboardInterrupt):
            folder.rmdir()
            raise
        code, problem = INTERRUPTED, f"interrupted: the report in {folder} holds what was checked."
    for file, study in studies.items():
        write_text(folder / f"{file.stem}.json", study.model_dump_json(indent=2))
    verdicts.sort(key=lambda v: v.statement.number)
    pairs, seeds = (sorted({getattr(study, key) for study in studies.values()}) for key in ("pairs", "seed"))
    write_text(folder / "report.html", page(verdicts, pairs=pairs[0], seeds=seeds))
    write_text(folder / "statements.md", table(verdicts))
    violated = ", ".join(f"statement {v.statement.number}" for v in verdicts if not v.holds)
    if violated and not problem:
        code, problem = 1, f"violated: {violated}; see the report."
    return Finished(folder, code, problem, page="report.html")


def _checked(studies: Iterable[PrincipleStudy], out: Console) -> Iterator[Verdict]:
    """Each statement checked and printed, one after the other; in a terminal, the one at work is shown meanwhile."""
    for study in studies:
        out.print(study.title or "Statements", style="bold")
        for number in study.statements:
            with out.status(f"{number}. {STATEMENTS[number].title}") if out.is_terminal else nullcontext():
                verdict = check(number, pairs=study.pairs, seed=study.seed)
            out.print(str(verdict), style=None if verdict.holds else "bold red")
            for found in verdict.evidence.counterexamples:
                out.print(f"   {found}")
            yield verdict
