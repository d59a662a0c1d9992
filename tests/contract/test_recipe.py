"""The conda recipe needs what the package needs, Binder gets what the tutorials need, and pages tell it."""

import tomllib
from pathlib import Path

import yaml

import qml

ROOT = Path(__file__).parents[2]
RECIPE = yaml.safe_load((ROOT / ".github" / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OF_CONDA = {"matplotlib": "matplotlib-base"}


def test_requirements_are_those_of_the_package() -> None:
    wanted = [(*line.split(">="),) for line in PROJECT["project"]["dependencies"]]
    python = f"python {PROJECT['project']['requires-python']}"
    run = [python, *(f"{OF_CONDA.get(name, name)} >={least}" for name, least in wanted)]
    assert sorted(RECIPE["requirements"]["run"]) == sorted(run)
    (builder,) = PROJECT["build-system"]["requires"]
    assert builder.replace(">", " >", 1) in RECIPE["requirements"]["host"]


def test_name_version_and_command_are_those_of_the_package() -> None:
    assert RECIPE["context"]["version"] == PROJECT["project"]["version"] == qml.__version__
    assert RECIPE["package"]["name"] == PROJECT["project"]["name"]
    scripts = [f"{name} = {place}" for name, place in PROJECT["project"]["scripts"].items()]
    assert RECIPE["build"]["python"]["entry_points"] == scripts


def test_what_is_cited_is_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == qml.__version__
    assert citation["license"] == PROJECT["project"]["license"]
    assert f"{{{qml.__version__}}}" in (ROOT / "docs" / "about" / "cite.md").read_text(encoding="utf-8")


def test_binder_installs_an_extra_on_a_python_that_is_supported() -> None:
    folder = ROOT / ".binder"
    extra = (folder / "requirements.txt").read_text(encoding="utf-8").strip().removeprefix(".[").removesuffix("]")
    assert {"jupyterlab", "ipywidgets"} <= {
        line.partition(">=")[0] for line in PROJECT["project"]["optional-dependencies"][extra]
    }
    python = (folder / "runtime.txt").read_text(encoding="utf-8").strip().replace("python-", "")
    assert f"Programming Language :: Python :: {python}" in PROJECT["project"]["classifiers"]


def test_the_page_on_installing_names_every_extra_and_every_python() -> None:
    page = (ROOT / "docs" / "start" / "installation.md").read_text(encoding="utf-8")
    assert [extra for extra in PROJECT["project"]["optional-dependencies"] if f"`{extra}`" not in page] == []
    versions = [line.rpartition(" ")[2] for line in PROJECT["project"]["classifiers"] if "Python :: 3." in line]
    assert f"| {', '.join(versions)} | supported |" in page
