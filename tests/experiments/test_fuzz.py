"""Any file at all: it is a study, or it gets one sentence with its place, exit code 2, and leaves nothing behind."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qml._checks import InputError
from qml.studies.cli import main
from qml.studies.run import run
from qml.studies.spec.config import study_of, to_yaml
from qml.studies.spec.source import parse

STUDIES = (
    """\
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
""",
    """\
extends: base.yaml
seed: 1
target:
  kind: thermal
  hamiltonian: {kind: tfim, n: 2}
  beta: 0.3
sweep:
  grid:
    target.beta: {low: 0.1, high: 1, count: 2, scale: log}
    fit.max_iterations: [1, 2]
  points:
    - {target.hamiltonian.h: 0.5}
  random:
    count: 2
    over:
      fit.restarts: [1, 2]
  seeds: 2
""",
)
BASE = """\
target:
  kind: thermal
  hamiltonian: {kind: tfim, n: 2}
  beta: 1.0
fits:
  - name: Gibbs
    model: {kind: gibbs, generators: {kind: neighbors, n: 2}}
"""
VALUES = [
    "", "null", "true", "-1", "0", "3", "1e400", "-.inf", ".nan", "9" * 20, "1" + "0" * 5000, "x", "[]", "{}",
     "[[[1]]]", "{a: {b: c}}", "[" * 50, "{a: " * 50, "'", '"', "{", "[", "&a 1", "*a", "&a [*a, *a]", "!!int 3",
     "!!python/object/apply:os.system [id]", "ghz", "thermal", "gibbs", "<<: {a: 1}", "? x", "\x07", "é", "- 1", "|",
     ">", "../../etc/passwd", "study.yaml", "\u2028", "0x1f", "1_0", "a.b: 1", "fits[*]", "%YAML 1.1", "---", "..."
]  # fmt: skip


def mutated(rng: random.Random) -> str:
    """A valid study with one to three lines changed."""
    lines = rng.choice(STUDIES).splitlines()
    for _ in range(rng.randint(1, 3)):
        i = rng.randrange(len(lines))
        at = rng.randint(0, len(lines[i]))
        match rng.choice(["drop", "double", "value", "key", "swap", "indent", "cut", "insert"]):
            case "drop":
                del lines[i]
            case "double":
                lines.insert(i, lines[i])
            case "value":
                lines[i] = lines[i].split(":")[0] + ": " + rng.choice(VALUES)
            case "key":
                lines[i] = lines[i].replace("a", rng.choice(["b", "", "aa", "[0]"]), 1)
            case "swap":
                j = rng.randrange(len(lines))
                lines[i], lines[j] = lines[j], lines[i]
            case "indent":
                lines[i] = rng.choice([" ", "  ", "\t"]) + lines[i]
            case "cut":
                lines[i] = lines[i][:at]
            case "insert":
                lines[i] = lines[i][:at] + rng.choice(VALUES) + lines[i][at:]
        if not lines:
            lines = [""]
    return "\n".join(lines)


mutations = st.randoms(use_true_random=False).map(mutated)


class Reached(Exception):
    """The study was accepted: a folder would be made next."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    @contextmanager
    def made(*_: object) -> Iterator[None]:
        raise Reached
        yield

    monkeypatch.setattr(run, "_folder", made)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def check(folder: Path, content: bytes) -> bool:
    """Whether the file is a study."""
    (folder / "study.yaml").write_bytes(content)
    result = CliRunner().invoke(main, ["run", "study.yaml"])
    assert sorted(os.listdir(folder)) == ["base.yaml", "study.yaml"]
    if isinstance(result.exception, Reached):
        return True
    assert result.exit_code == 2, (content, result.exception)
    assert result.stdout == ""
    assert result.stderr.startswith(("qml: study.yaml", "qml: base.yaml")), result.stderr
    assert result.stderr.count("\n") == 1
    assert "pydantic" not in result.stderr
    return False


def test_the_studies_that_are_mutated_are_valid(folder: Path) -> None:
    assert all(check(folder, study.encode()) for study in STUDIES)


FIXTURE = [HealthCheck.function_scoped_fixture]


@settings(max_examples=40, suppress_health_check=FIXTURE)
@given(mutations)
def test_mutated_studies_are_valid_or_get_a_sentence(folder: Path, text: str) -> None:
    check(folder, text.encode())


@settings(max_examples=80, suppress_health_check=FIXTURE)
@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_random_bytes_get_a_sentence(folder: Path, content: bytes) -> None:
    assert not check(folder, content)


BOMBS = {
    "aliases": "a: &a [x, x]\n"
    + "".join(f"{c}: &{c} [*{p}, *{p}]\n" for p, c in zip("abcdefg", "bcdefgh", strict=True)),
    "merge": "target: &t {kind: ghz}\nfits: {<<: *t}\n",
    "lists": "fits: " + "[" * 100_000,
    "mappings": "target: " + "{a: " * 60_000,
    "indentation": "".join(" " * i + "a:\n" for i in range(700)),
    "digits": "seed: " + "9" * 200_000,
    "exponent": "seed: 1e999999999",
    "long": "x" * (1 << 19),
    "keys": "".join(f"key{i}: 1\n" for i in range(1_500)),
    "items": "fits: [" + "1, " * 4_000 + "1]",
    "surrogate": 'title: "\\ud800"\n' + BASE,
    "utf16": "\ufefftarget: 1".encode("utf-16").decode("latin1"),
    "keys of keys": "? {a: {b: [c]}}\n: 1\n",
    "paths": BASE + "sweep: {grid: {'" + "fits[0]." * 5000 + "x': [1]}}\n",
    "index": BASE + "sweep: {grid: {'fits[99999999999999999999].name': [a]}}\n",
    "minus": BASE + "sweep: {grid: {'fits[-1].name': [a]}}\n",
    "count": BASE + "sweep: {random: {count: 100000000000000000000, over: {target.beta: [1]}}}\n",
    "range": BASE + "sweep: {grid: {target.beta: {low: -1e308, high: 1e308, count: 3}}}\n",
    "points": BASE + "sweep: {seeds: 10000, grid: {target.beta: {low: 0, high: 1, count: 10000}}}\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_do_not_go_off(folder: Path, name: str) -> None:
    assert not check(folder, BOMBS[name].encode())


@settings(max_examples=80)
@given(mutations)
def test_what_is_read_is_written_so_that_it_reads_back_equal(text: str) -> None:
    try:
        found = study_of(parse(text.encode(), Path("study.yaml")))
    except InputError:
        return
    assert study_of(parse(to_yaml(found).encode(), Path("study.yaml"))) == found


MANY = int(os.environ.get("MUTATED", "4000"))
"""How many studies the slow test reads."""


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_many_mutated_studies_are_valid_or_get_a_sentence(folder: Path, part: int) -> None:
    rng = random.Random(part)
    valid = sum(check(folder, mutated(rng).encode()) for _ in range(MANY // 4))
    assert 0.01 < valid / (MANY // 4) < 0.9
