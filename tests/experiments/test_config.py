"""The schema of a study: what is accepted, and the sentence for every mistake."""

# ruff: noqa: E501 - sentences stand on one line each

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qml._checks import InputError
from qml.studies.spec import build, config
from qml.studies.spec.config import study_of, to_yaml
from qml.studies.spec.schema import Kinds
from qml.studies.spec.source import parse

STUDIES = Path(__file__).parents[2] / "experiments"

VALID = """\
title: Bell, damped
seed: 5
target:
  kind: ghz
  n: 2
  through:
    - {channel: AmplitudeDamping, params: [0.2], sites: all}
fits:
  - name: circuit
    model:
      kind: circuit
      ansatz: {kind: purification, n: 2, ancillas: 2, layers: 2}
      noise: [{channel: Depolarizing, params: [1e-3], gates: [CNOT]}]
    optimizer: {kind: lbfgs, memory: 5}
    max_iterations: 3
  - name: Gibbs
    model:
      kind: gibbs
      generators: {kind: neighbors, n: 2}
    loss: {kind: relative_entropy}
    restarts: 2
"""


def study(text: str) -> config.Study:
    return study_of(parse(text.encode(), Path("study.yaml")))


def planned(text: str, folder: Path = Path()) -> build.Plan:
    source = parse(text.encode(), folder / "study.yaml")
    return build.build(study_of(source), source)


def changed(old: str, new: str) -> str:
    assert VALID.count(old) >= 1, old
    return VALID.replace(old, new, 1)


def test_a_valid_study() -> None:
    found = study(VALID)
    assert found.seed == 5
    assert found.target.kind == "ghz"
    assert found.fits[0].model.noise[0].params == [1e-3]
    assert found.fits[0].optimizer.memory == 5
    assert found.fits[0].loss is None  # by default that of the target
    assert found.fits[1].optimizer is None  # by default what the loss and the model say


def test_the_resolved_study_reads_back_equal() -> None:
    found = study(VALID)
    text = to_yaml(found)
    assert study(text) == found
    assert to_yaml(study(text)) == text
    assert "gradient_tolerance: 1.0e-08" in text


@pytest.mark.parametrize(
    "title", ["1e-3", "null", "a: b", "# x", "- y", 'é \\ "q"', "true", "~", "<<", "0x10", "2026-01-01"]
)
def test_every_title_reads_back_equal(title: str) -> None:
    found = study(changed("Bell, damped", '"' + title.replace("\\", "\\\\").replace('"', '\\"') + '"'))
    assert found.title == title
    assert study(to_yaml(found)) == found


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_studies_of_the_project_are_valid(path: Path) -> None:
    found, source = config.read_study(path)
    plan = build.build(found, source)
    assert found.title
    assert len(plan.jobs) == len(found.fits)
    assert study(to_yaml(found)) == found


MISTAKES: list[tuple[str, str, str]] = [
    # keys
    ("seed: 5", "sed: 5", r"study.yaml, line 2, sed: the key 'sed' is not known \(did you mean 'seed'\?\); the keys here are title, seed"),
    ("  n: 2\n  through", "  m: 2\n  through", r"line 5, target.m: the key 'm' is not known; the keys here are kind, n, through"),
    ("  n: 2\n", "", r"line 3, target: the key 'n' \(number of qubits\) is missing"),
    ("    max_iterations: 3", "    max_iteration: 3", r"line 15, fits\[0\].max_iteration: .*did you mean 'max_iterations'"),
    ("layers: 2}", "layer: 2}", r"line 12, fits\[0\].model.ansatz.layer: .*did you mean 'layers'"),
    ("fits:\n", "fit:\n", r"line 8, fit: the key 'fit' is not known \(did you mean 'fits'\?\)"),
    ("memory: 5", "memry: 5", r"line 14, fits\[0\].optimizer.memry: .*did you mean 'memory'"),
    # kinds
    ("kind: ghz", "kind: ghx", r"line 4, target.kind: expected one of thermal, ghz, .*; found 'ghx' \(did you mean 'ghz'\?\)"),
    ("  kind: ghz\n", "", r"line 3, target: the key 'kind' is missing: one of .*ghz, .*thermal"),
    ("kind: lbfgs", "kind: lbfg", r"line 14, fits\[0\].optimizer.kind: .*did you mean 'lbfgs'"),
    ("kind: relative_entropy", "kind: [1]", r"fits\[1\].loss.kind: expected one of .*; found a list"),
    ("kind: neighbors", "kind: neighbours", r"generators.kind: .*did you mean 'neighbors'"),
    ("kind: ghz", "kind: null", r"target.kind: expected one of .*; found nothing"),
    # types and bounds
    ("seed: 5", "seed: five", "line 2, seed: expected an integer; found 'five'"),
    ("seed: 5", "seed: 5.5", "line 2, seed: expected an integer; found 5.5"),
    ("seed: 5", "seed: true", "line 2, seed: expected an integer; found true"),
    ("seed: 5", "seed:", "line 2, seed: expected an integer; found nothing"),
    ("seed: 5", "seed: -1", "line 2, seed: expected at least 0; found -1"),
    ("seed: 5", "seed: " + "9" * 40, "seed: expected less than .*; found an integer of more than 30 digits"),
    ("title: Bell, damped", "title: 3", "line 1, title: expected text; found 3"),
    ("n: 2\n", "n: 0\n", "line 5, target.n: expected at least 1; found 0"),
    ("n: 2\n", "n: 25\n", "line 5, target.n: expected at most 24; found 25"),
    ("params: [0.2]", "params: 0.2", r"line 7, target.through\[0\].params: expected a list; found 0.2"),
    ("params: [0.2]", "params: [x]", r"line 7, target.through\[0\].params\[0\]: expected a number; found 'x'"),
    ("params: [0.2]", "params: [.nan]", r"target.through\[0\].params\[0\]: expected a finite number; found nan"),
    ("params: [1e-3]", "params: [1e999]", r"noise\[0\].params\[0\].*: expected a finite number; found inf"),
    ("sites: all", "sites: some", r"target.through\[0\].sites: expected 'all'"),
    ("max_iterations: 3", "max_iterations: 0", "max_iterations: expected at least 1; found 0"),
    ("restarts: 2", "restarts: [2]", r"fits\[1\].restarts: expected an integer; found a list"),
    ("  kind: ghz\n  n: 2\n", "  - 1\n", r"not valid YAML"),
    ("name: Gibbs", "name: ''", r"fits\[1\].name: a name is 1 to 80 characters on one line; found ''"),
    ("name: Gibbs", 'name: "a\\tb"', r"fits\[1\].name: a name is .* found 'a.+tb'"),
    # meaning
    ("name: Gibbs", "name: circuit", "line 8, fits: two fits have the name 'circuit'"),
    ("channel: AmplitudeDamping", "channel: AmplitudeDampin", r"target.through\[0\].channel: channel must be one of .*did you mean 'AmplitudeDamping'"),
    ("params: [0.2]", "params: []", r"line 7, target.through\[0\]: AmplitudeDamping takes 1 parameter \(.*\); found 0"),
    ("params: [0.2]", "params: [1.2]", r"line 7, target.through\[0\]: AmplitudeDamping: .* must lie in \[0, 1\]; found 1.2"),
    ("sites: all", "sites: [2]", "line 3, target: .*2"),
    ("sites: all", "sites: []", r"target.through\[0\].sites: expected .*found 0|sites: expected"),
    ("AmplitudeDamping, params: [0.2], sites: all", "Depolarizing2, params: [0.2], sites: [0]", r"through\[0\]: Depolarizing2 acts on 2 sites together: list 2 in sites; found a list"),
    ("gates: [CNOT]", "gates: [CNOTT]", r"line 10, fits\[0\].model: .*'CNOTT'.*did you mean 'CNOT'"),
    ("Depolarizing, params: [1e-3]", "Depolarizing, params: [2.0]", r"fits\[0\].model.noise\[0\]: Depolarizing: p must lie in"),
    ("kind: neighbors, n: 2", "kind: neighbors, n: 3", r"line 17, fits\[1\].model: the model has 3 qubits, the target 2 qubits"),
    ("kind: neighbors, n: 2", "kind: up_to_weight, n: 24, weight: 20", r"fits\[1\].model.generators: .*Pauli strings.*use a smaller weight"),
    ("kind: neighbors, n: 2", "kind: strings, labels: [XX, XX]", "a Pauli string is listed twice"),
    ("kind: neighbors, n: 2", "kind: strings, labels: [XX, X]", "Pauli strings must have one length; found 'XX' and 'X'"),
    ("kind: neighbors, n: 2", "kind: strings, labels: [II]", "generators must hold at least one operator other than the identity"),
    ("kind: neighbors, n: 2", "kind: strings, labels: [XQ]", r"generators.labels\[0\]: a Pauli string is made of 1 to 200 letters I, X, Y, Z; found 'XQ'"),
    ("kind: neighbors, n: 2", "kind: strings, labels: []", r"generators.labels: expected at least 1 item; found 0"),
    ("ancillas: 2", "ancillas: 2, rotations: [RQ]", r"fits\[0\].model.ansatz: a gate's name must be one of"),
    ("ancillas: 2", "ancillas: 2, topology: star", r"fits\[0\].model.ansatz.topology: "),
    ("ancillas: 2", "ancillas: 2, topology: [[0, 9]]", r"fits\[0\].model.ansatz: each pair of topology"),
    ("noise: [{channel: Depolarizing, params", "readout: [{channel: Depolarizing2, params", "the key 'gates' is not known"),
    ("noise: [{channel: Depolarizing, params: [1e-3], gates: [CNOT]}]", "readout: [{channel: Depolarizing2, params: [0.1]}]",
     r"readout\[0\]: a channel at the end acts on one site; Depolarizing2 acts on more"),
    ("ancillas: 2", "ancillas: 24", r"line 10, fits\[0\].model: a state of dimension 67108864 and its derivative needs"),
    ("memory: 5", "memory: 0", r"fits\[0\].optimizer: .*memory"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "sentence"), MISTAKES, ids=[new[:30] for _, new, _ in MISTAKES])
def test_a_mistake_gets_its_sentence(old: str, new: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        planned(changed(old, new))
    assert str(caught.value).startswith("study.yaml, line ")
    assert "\n" not in str(caught.value)
    assert "pydantic" not in str(caught.value)


@pytest.mark.parametrize("text", ["3", "[1, 2]", "hello", "true"])
def test_a_study_is_a_mapping(text: str) -> None:
    with pytest.raises(
        InputError, match=r"study.yaml, line 1: expected a mapping with the keys title, seed, target, fits"
    ):
        study(text)


def test_the_first_mistake_of_several_is_told() -> None:
    text = changed("seed: 5", "seed: x").replace("max_iterations: 3", "max_iterations: y")
    with pytest.raises(InputError, match="line 2, seed"):
        study(text)


def test_a_key_that_is_called_like_the_kind_is_told_from_it() -> None:
    """Pydantic tells the tags of unions among the keys on the way to a mistake."""
    text = changed("kind: gibbs", "kind: hidden\n      hidden: x")
    with pytest.raises(InputError, match=r"line 19, fits\[1\].model.hidden: expected an integer; found 'x'"):
        study(text)
    nested = text.replace("hidden: x", "hidden: [0, x]")
    with pytest.raises(InputError, match=r"line 19, fits\[1\].model.hidden\[1\]: expected an integer; found 'x'"):
        study(nested)


def test_every_kind_says_what_it_is() -> None:
    for union in Kinds.listed.values():
        assert all(spec.__doc__ for spec in union.specs.values())


# fuzzing; mutated files are in test_fuzz.py -----------------------------------------------------------------------

junk: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "n", "target", "fits", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(junk, st.sampled_from(["target", "fits", "seed", "title"]))
def test_junk_values_get_a_sentence(value: Any, key: str) -> None:
    source = parse(VALID.encode(), Path("study.yaml"))
    source.data[key] = value
    sentence = "study.yaml, line 1"
    try:
        study_of(source)
    except InputError as error:
        sentence = str(error)
    assert sentence.startswith("study.yaml, line ")
