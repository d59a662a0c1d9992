#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""What development needs to run, each in an environment of its own: ``nox -f .noxfile.py -s docs`` builds the site.

``nox --no-venv`` takes the environment that it is started in, as ``.ci/run`` does; ``nox -t checks`` is all that is not
a test. What follows ``--`` goes to the command.
"""

import os
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|venv"
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # for --no-venv


def install(session: nox.Session, *packages: str) -> None:
    if session.venv_backend != "none":
        session.install(*packages)


@nox.session
def tests(session: nox.Session) -> None:
    """The tests that are quick."""
    install(session, "-e", ".[test]")
    session.run("python", "-m", "pytest", "-q", *session.posargs)


@nox.session(default=False, venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """The quick tests, with the oldest releases of other libraries that pyproject.toml allows."""
    older = "pyparsing>=3.2,<3.3"  # the first Matplotlib 3.10 calls what later ones warn of
    install(session, "--resolution", "lowest-direct", "-e", ".[test]", older)
    session.run("python", "-m", "pytest", "-q", *session.posargs)


@nox.session(default=False)
def slow(session: nox.Session) -> None:
    """The other ones."""
    install(session, "-e", ".[dev]")
    session.run("python", "-m", "pytest", "-q", "-m", "slow", "tests", *session.posargs)


@nox.session(tags=["checks"])
def lint(session: nox.Session) -> None:
    """What ruff finds in the code, and its format."""
    install(session, "ruff")
    session.run("ruff", "check", ".", *session.posargs)
    session.run("ruff", "format", "--check", ".")


@nox.session(tags=["checks"])
def types(session: nox.Session) -> None:
    """What mypy finds."""
    install(session, "-e", ".[dev]")
    session.run("mypy", *session.posargs)


@nox.session(tags=["checks"])
def layers(session: nox.Session) -> None:
    """Imports that do not point down."""
    install(session, "-e", ".[dev]")
    session.run("lint-imports", *session.posargs)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """The site, into build/html; warnings are errors."""
    install(session, "-e", ".[docs]")
    session.run("python", "-m", "sphinx", "-W", "--keep-going", "-b", "html", *session.posargs, "docs", "build/html")


@nox.session(default=False)
def links(session: nox.Session) -> None:
    """Whether links out of the site still lead somewhere; needs a network."""
    install(session, "-e", ".[docs]")
    skip = ("-D", "plot_gallery=0")
    session.run("python", "-m", "sphinx", "-b", "linkcheck", *skip, *session.posargs, "docs", "build/links")


@nox.session(default=False)
def package(session: nox.Session) -> None:
    """Wheel and sdist into dist/, checked, and the main job with each in a bare environment."""
    install(session, *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "release"))
    session.run(".ci/package", external=True)


if __name__ == "__main__":
    nox.main()
