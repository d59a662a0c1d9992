"""The reader of study files: a plain core of YAML, and a sentence with the place for everything else."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from qml._checks import InputError
from qml.studies.spec import source
from qml.studies.spec.source import dotted, parse, read

PATH = Path("study.yaml")


def data(text: str) -> object:
    return parse(text.encode(), PATH).data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1E5", 1e5),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("+3", 3),
        ("010", 10),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'1e-3'", "1e-3"),
        ('"true"', "true"),
        ("-.inf", -math.inf),
        (".inf", math.inf),
        (".Inf", math.inf),
        ("-.INF", -math.inf),
        ("+.5", 0.5),
        ("e3", "e3"),
        (".", "."),
        ("1e", "1e"),
    ],
)
def test_scalars_are_those_of_the_core_schema(text: str, value: object) -> None:
    found = data(f"key: {text}\n")
    assert found == {"key": value}
    assert type(found["key"]) is type(value)


def test_not_a_number_is_read_and_left_to_the_schema() -> None:
    for text in (".nan", ".NaN", ".NAN"):
        assert math.isnan(data(f"key: {text}")["key"])


def test_lines_of_keys_and_items() -> None:
    found = parse(b"title: x\n\nfits:\n  - name: a\n    model: {kind: b}\n  -\n    name: c\n", PATH)
    assert found.data == {"title": "x", "fits": [{"name": "a", "model": {"kind": "b"}}, {"name": "c"}]}
    assert found.place(("title",)).line == 1
    assert found.place(("fits",)).line == 3
    assert found.place(("fits", 0, "model", "kind")).line == 5
    assert found.place(("fits", 1, "name")).line == 7
    assert found.place(("fits", 0, "model", "nowhere", 3)).line == 5
    assert str(found.error(("fits", 0, "model"), "no.")) == "study.yaml, line 5, fits[0].model: no."


def test_dotted() -> None:
    assert dotted(("fits", 0, "model", "noise", 1, "params", 0)) == "fits[0].model.noise[1].params[0]"
    assert dotted(()) == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "study.yaml is empty"),
        ("# only a comment\n", "study.yaml is empty"),
        ("a: 1\nb: 2\na: 3\n", r"line 3: the key a stands twice, first on line 1"),
        ("x:\n  a: 1\n  'a': 3\n", r"line 3: the key x.a stands twice, first on line 2"),
        ("a: &here 1\n", r"line 1: anchors and aliases .* found 'here'"),
        ("a: 1\nb: *there\n", r"line 2: anchors and aliases .* found 'there'"),
        ("a: &x [1]\nb: [*x, *x]\n", "line 1: anchors"),
        ("a: !!python/object/apply:os.system ['true']\n", "line 1: tags .* found 'tag:yaml.org,2002:python"),
        ("a: !mine 3\n", "line 1: tags .* found '!mine'"),
        ("a: !!binary aGk=\n", "tags"),
        ("? [1, 2]\n: 3\n", "a key must be a word"),
        ("? {a: 1}\n: 3\n", "a key must be a word"),
        ("a: 1\n---\nb: 2\n", "line 2, column 1: this is not valid YAML: but found another document"),
        ("a: [1, 2\nb: 3\n", r"line 2, column 2: this is not valid YAML"),
        ("a: b: c\n", "line 1, column 5: this is not valid YAML: mapping values are not allowed"),
        ("\ta: 1\n", "not valid YAML: found character"),
        ("a: \x01\n", r"line 1: a study is text; found the character U\+0001"),
        ("[" * 40 + "]" * 40, "nesting deeper than 16"),
        ("{a: " * 40 + "1" + "}" * 40, "nesting deeper than 16"),
        ("[" * 100_000, "nesting deeper than 16"),
        ("a: " + "9" * 5000, "line 1: a number of 5000 digits is not read"),
        ("a: 0." + "9" * 5000, "line 1: a number of 5002 digits is not read"),
        ("a: " + "x" * (1 << 18), "larger than 256 KiB"),
    ],
)
def test_what_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        data(text)


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(InputError, match=r"line 2: a study is UTF-8 text; found the byte 0xff"):
        parse(b"a: 1\nb: \xff\n", PATH)
    assert parse(b"\xef\xbb\xbfa: 1\n", PATH).data == {"a": 1}


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        read(tmp_path / "nothing.yaml")
    with pytest.raises(InputError, match="is not a file"):
        read(tmp_path)
    (tmp_path / "study.yaml").write_text("a: 1\n")
    assert read(tmp_path / "study.yaml").data == {"a": 1}


def test_a_merge_key_is_a_word_like_any_other() -> None:
    assert data("<<: {a: 1}\n") == {"<<": {"a": 1}}


def test_the_unsafe_entry_points_of_yaml_are_not_used() -> None:
    text = Path(source.__file__).read_text()
    assert "yaml.load(" not in text
    assert issubclass(source._Loader, yaml.SafeLoader)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.text("abcé- :#'\"1e.", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.text("xyz", min_size=1, max_size=3), plain, min_size=1, max_size=3))
def test_reads_json_as_json(value: dict[str, object]) -> None:
    import json

    text = json.dumps(value, ensure_ascii=False).replace("Infinity", ".inf")
    assert data(text) == value


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60) | st.text("a1:-[]{}&*!|>'\"%@`#,\n ?<~.e", max_size=60).map(str.encode))
def test_random_bytes_give_values_or_sentences(content: bytes) -> None:
    sentence = "study.yaml"
    try:
        parse(content, PATH)
    except InputError as error:
        sentence = str(error)
    assert sentence.startswith("study.yaml")
    assert "\n" not in sentence


def test_a_study_of_fits_is_parsed_only_by_what_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fits, principle = tmp_path / "fits.yaml", tmp_path / "principle.yaml"
    fits.write_text("target: {kind: ghz, n: 2}\n")
    principle.write_text("statements: all\n")
    assert source.is_principle(principle)
    monkeypatch.setattr(source.yaml, "compose", None)
    assert not source.is_principle(fits)
    with pytest.raises(TypeError):
        source.is_principle(principle)
