"""Run every reproduction, and write its table and figure into the page on them.

python experiments/reproductions/page.py
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parent))
from published import Found

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "reproductions.md"
FIGURES = Path(__file__).parent / "figures"
MARK = re.compile(r"<!-- figures: python experiments/reproductions/(\w+)\.py -->")


def names() -> list[str]:
    """The scripts, in the order of the page."""
    return MARK.findall(PAGE.read_text(encoding="utf-8"))


def table_of(name: str) -> list[str]:
    """The lines of the table of a script that stand in the page."""
    below = PAGE.read_text(encoding="utf-8").split(f"reproductions/{name}.py -->")[1]
    lines = below.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    rest = lines[first:]
    return rest[: next((i for i, line in enumerate(rest) if not line.startswith("|")), len(rest))]


def written(name: str, found: Found) -> None:
    """Put the table of a script in the place of the one in the page."""
    text, old = PAGE.read_text(encoding="utf-8"), "\n".join(table_of(name))
    before, after = text.split(f"reproductions/{name}.py -->")
    after = after.replace(old, found.table().strip(), 1)
    PAGE.write_text(f"{before}reproductions/{name}.py -->{after}", encoding="utf-8")


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.argument("only", nargs=-1)
def main(only: tuple[str, ...]) -> None:
    FIGURES.mkdir(exist_ok=True)
    for name in only or names():
        found: Found = importlib.import_module(name).reproduce()
        click.echo(f"{name}\n{found.table()}")
        written(name, found)
        found.draw().savefig(FIGURES / f"{name}.png", dpi=80)


if __name__ == "__main__":
    main()
