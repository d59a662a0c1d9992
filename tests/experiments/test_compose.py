"""Studies over studies, and overrides: what wins, what is refused, and that the place of a mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qml._checks import InputError
from qml.studies.spec.compose import compose, override, parse_path
from qml.studies.spec.config import read_study
from qml.studies.spec.source import parse

BASE = """\
title: base
target:
  kind: thermal
  beta: 1.0
  hamiltonian: {kind: tfim, n: 2, h: 0.5}
fits:
  - name: Gibbs
    model: {kind: gibbs, generators: {kind: neighbors, n: 2}}
  - name: again
    model: {kind: gibbs, generators: {kind: neighbors, n: 2}}
"""


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder / "study.yaml"


def data(text: str, *overrides: str) -> object:
    return override(parse(text.encode(), Path("study.yaml")), overrides).data


def test_mappings_are_merged_and_the_rest_is_replaced(tmp_path: Path) -> None:
    path = written(
        tmp_path, base=BASE, study="extends: base.yaml\ntarget:\n  beta: 2.0\n  hamiltonian: {h: 1.5}\nseed: 3\n"
    )
    study, _ = read_study(path)
    assert (study.title, study.seed, study.target.beta) == ("base", 3, 2.0)
    assert (study.target.hamiltonian.h, study.target.hamiltonian.n) == (1.5, 2)
    assert len(study.fits) == 2
    one = "fits:\n  - name: only\n    model: {kind: gibbs, generators: {kind: neighbors, n: 2}}\n"
    written(tmp_path, study="extends: base.yaml\n" + one)
    assert [fit.name for fit in read_study(path)[0].fits] == ["only"]


def test_another_kind_replaces_the_whole_mapping(tmp_path: Path) -> None:
    path = written(tmp_path, base=BASE, study="extends: base.yaml\ntarget: {kind: ghz, n: 2}\n")
    assert compose(path).data["target"] == {"kind": "ghz", "n": 2}
    written(tmp_path, study="extends: base.yaml\ntarget: {kind: thermal, beta: 3}\n")
    assert compose(path).data["target"]["hamiltonian"] == {"kind": "tfim", "n": 2, "h": 0.5}


def test_a_chain_through_folders_below(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        study="extends: parts/middle.yaml\nseed: 1\n",
        parts__middle="extends: base.yaml\nseed: 2\ntitle: middle\n",
        parts__base=BASE,
    )
    study, _ = read_study(path)
    assert (study.seed, study.title) == (1, "middle")


def test_a_mistake_is_told_with_its_own_file(tmp_path: Path) -> None:
    path = written(
        tmp_path, parts__base=BASE.replace("beta: 1.0", "beta: x"), study="extends: parts/base.yaml\nseed: 1\n"
    )
    with pytest.raises(InputError, match=r"^parts/base.yaml, line 4, target.beta: expected a number; found 'x'"):
        read_study(path)
    path.write_text("extends: parts/base.yaml\n\ntarget:\n  beta: y\n")
    with pytest.raises(InputError, match=r"^study.yaml, line 4, target.beta: expected a number; found 'y'"):
        read_study(path)
    with pytest.raises(InputError, match=r"^command line, target.beta: expected a number; found 'z'"):
        read_study(path, ["target.beta=z"])


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (
            {"study": "extends: study.yaml\n"},
            "line 1, extends: a study cannot extend itself: study.yaml extends study.yaml",
        ),
        (
            {"study": "extends: a.yaml\n", "a": "extends: b.yaml\n", "b": "extends: a.yaml\n"},
            "b.yaml, line 1, extends: a study cannot extend itself: a.yaml extends b.yaml extends a.yaml",
        ),
        ({"study": "seed: 1\nextends: no.yaml\n"}, "study.yaml, line 2, extends: there is no file 'no.yaml'"),
        ({"study": "extends: [a.yaml]\n"}, "line 1, extends: expected the path of one study"),
        ({"study": 'extends: "a\\0b"\n'}, "line 1, extends: expected the path of one study"),
        ({"study": "extends: ../outside.yaml\n"}, "from the folder of the study only; '../outside.yaml' lies outside"),
        ({"study": "extends: /etc/passwd\n"}, "lies outside"),
        ({"study": "extends: link.yaml\n"}, "lies outside"),
        ({"study": "extends: a.yaml\n", "a": "- 1\n"}, "a.yaml, line 1: a study is a mapping of keys"),
        ({"study": "extends: a.yaml\n", "a": "x: [\n"}, "^a.yaml, line 2, column 1: this is not valid YAML"),
        ({"study": "target: {extends: a.yaml}\nfits: []\n", "a": BASE}, "target: the key 'kind' is missing"),
    ],
)
def test_what_cannot_be_extended(tmp_path: Path, files: dict[str, str], sentence: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "outside.yaml").write_text(BASE)
    (home / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    with pytest.raises(InputError, match=sentence):
        read_study(written(home, **files))


def test_a_chain_has_an_end(tmp_path: Path) -> None:
    files = {f"s{i}": f"extends: s{i + 1}.yaml\n" for i in range(30)}
    with pytest.raises(InputError, match="a chain of more than 16 files is not read"):
        read_study(written(tmp_path, study="extends: s0.yaml\n", **files))


# overrides -------------------------------------------------------------------------------------------------------


def test_overrides_are_read_like_the_file() -> None:
    assert data("a: 1\n", "a=1e-3") == {"a": 1e-3}
    assert data("a: 1\n", "a=[1, x, true, null]", "b='1e-3'") == {"a": [1, "x", True, None], "b": "1e-3"}
    assert data("a: 1\n", "a={k: v}", "a.k=w", "c.d.e=5", "x=") == {"a": {"k": "w"}, "c": {"d": {"e": 5}}, "x": None}
    assert data("a: [1, {b: 2}]\n", "a[1].b=3", "a[0]=q") == {"a": ["q", {"b": 3}]}
    assert data("a: 1\n", "a=x=y") == {"a": "x=y"}


def test_every_item_and_every_fit() -> None:
    assert data("fits: [{a: 1}, {b: 2}]\n", "fits[*].a=7") == {"fits": [{"a": 7}, {"b": 2, "a": 7}]}
    assert data("fits: [{a: 1}, {b: 2}]\n", "fit.a=[0]") == {"fits": [{"a": [0]}, {"b": 2, "a": [0]}]}


def test_an_override_leaves_the_study_that_it_came_from_as_it_is() -> None:
    source = parse(b"a: {b: [1, 2]}\n", Path("study.yaml"))
    assert override(source, ["a.b[0]=9"]).data == {"a": {"b": [9, 2]}}
    assert source.data == {"a": {"b": [1, 2]}}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a", "an override is PATH=VALUE"),
        ("=3", "an empty path names no key"),
        ("a..b=3", "'a..b' is not the path of a key"),
        (".a=3", "is not the path"),
        ("[0]=3", "is not the path"),
        ("a[x]=3", "is not the path"),
        ("a[-1]=3", "is not the path"),
        ("a b=3", "is not the path"),
        ("a[9999999]=3", "is not the path"),
        ("list[5]=3", r"list\[5\]: list has 2 items, counted from 0; found \[5\]"),
        ("list.x=3", r"list.x: list is a list: write \[0\] for its first item"),
        ("a.x=3", "a.x: a is a single value, so it has no key 'x'"),
        ("a[0]=3", r"a\[0\]: a is not a list"),
        ("a=[1", "command line, a: this is not valid YAML"),
        ("a=!!int 3", "command line, a: tags"),
        ("a=&x 3", "command line, a: anchors"),
        ("a={k: 1, k: 2}", "command line, a: the key k stands twice"),
        ("extends=b.yaml", "what a study extends is said in its file only"),
    ],
)
def test_overrides_that_are_refused(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        data("a: 1\nlist: [1, 2]\n", text)
    assert "command line" in str(caught.value) or "path" in str(caught.value)


@given(st.text(max_size=30))
def test_any_text_is_an_override_or_gets_a_sentence(text: str) -> None:
    sentence = ""
    try:
        data("a: 1\nfits: [{b: 2}]\n", text)
    except InputError as error:
        sentence = str(error)
    assert "\n" not in sentence


@given(st.lists(st.from_regex(r"[a-z_]{1,5}", fullmatch=True) | st.integers(0, 99), min_size=1, max_size=6))
def test_a_path_is_read_as_it_is_written(path: list[str | int]) -> None:
    from qml.studies.spec.source import dotted

    path[0] = "x"
    assert parse_path(dotted(path)) == tuple(path)
