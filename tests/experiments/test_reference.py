"""The JSON Schema accepts what the reader accepts, and the reference page is current."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from qml.studies.cli import main
from qml.studies.spec import reference
from qml.studies.spec.schema import Kinds
from qml.studies.spec.source import read

ROOT = Path(__file__).parents[2]
STUDIES = sorted((ROOT / "experiments").glob("*.yaml"))


@pytest.fixture(scope="module")
def schema() -> Any:
    return reference.json_schema()


@pytest.fixture(scope="module")
def page() -> str:
    return reference.markdown()


@pytest.fixture(scope="module")
def validator(schema: Any) -> Any:
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_schema_accepts_the_studies_of_the_project_and_refuses_changed_ones(path: Path, validator: Any) -> None:
    data = read(path).data
    validator.validate(data)
    for change in ({"fitz": []}, {"seed": -1}, {"target": {"kind": "no_such_target"}}, {"title": 3}, {"fits": []}):
        assert not validator.is_valid({**copy.deepcopy(data), **change})


def test_a_study_that_extends_another_may_leave_out_what_that_one_says(validator: Any) -> None:
    assert validator.is_valid({"extends": "base.yaml", "seed": 3})
    assert validator.is_valid({"extends": "base.yaml", "target": {"beta": 3}})
    assert not validator.is_valid({"seed": 3})
    data = read(ROOT / "experiments" / "quickstart.yaml").data
    assert validator.is_valid(data)
    assert not validator.is_valid({**data, "target": {"beta": 3}})
    assert not validator.is_valid({"extends": "base.yaml", "target": {"kind": "thermal", "betta": 3}})


def test_every_kind_is_in_the_schema_and_on_the_page(schema: Any, page: str) -> None:
    text = json.dumps(schema)
    for title, union in Kinds.listed.items():
        assert f"## {title.capitalize()}\n" in page
        for kind in union.specs:
            assert f'"const": "{kind}"' in text
            assert f"### `{kind}`\n" in page


def test_the_commands_print_both(schema: Any, page: str) -> None:
    assert json.loads(CliRunner().invoke(main, ["schema"]).stdout) == schema
    assert CliRunner().invoke(main, ["schema", "--markdown"]).stdout == page
