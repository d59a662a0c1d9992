"""What the points of a sweep are, and that their seeds follow from what they set and from nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qml._checks import InputError
from qml.studies.spec import streams, sweep
from qml.studies.spec.build import build, points_of
from qml.studies.spec.config import study_of
from qml.studies.spec.source import parse

STUDY = """\
seed: 5
target: {kind: thermal, hamiltonian: {kind: tfim, n: 2}, beta: 0.5}
fits:
  - name: Gibbs
    model: {kind: gibbs, generators: {kind: neighbors, n: 2}}
  - name: another
    model: {kind: gibbs, generators: {kind: neighbors, n: 2, weight: 1}}
sweep:
"""


def points(text: str) -> list[sweep.Point]:
    source = parse((STUDY + "".join(f"  {line}\n" for line in text.splitlines())).encode(), Path("study.yaml"))
    return list(points_of(study_of(source), source))


def values(text: str) -> list[dict[str, Any]]:
    return [point.values for point in points(text)]


def test_a_grid_is_every_combination() -> None:
    found = values("grid:\n  target.beta: [1.0, 2.0]\n  target.hamiltonian.h: {low: 0, high: 1, count: 3}")
    assert found == [{"target.beta": b, "target.hamiltonian.h": h} for b in (1.0, 2.0) for h in (0.0, 0.5, 1.0)]


def test_ranges() -> None:
    logarithmic = values("grid:\n  target.beta: {low: 1e-2, high: 100, count: 5, scale: log}")
    np.testing.assert_allclose([p["target.beta"] for p in logarithmic], [0.01, 0.1, 1, 10, 100], rtol=1e-12)
    integers = values("grid:\n  fit.max_iterations: {low: 1, high: 8, count: 30, scale: log, integer: true}")
    assert [p["fit.max_iterations"] for p in integers] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_points_are_whole_studies() -> None:
    text = "points:\n  - {target.beta: 2.0, 'fits[1].max_iterations': 7}\n  - {fit.max_iterations: 9}"
    one, two = [study_of(point.study) for point in points(text)]
    assert (one.target.beta, one.fits[0].max_iterations, one.fits[1].max_iterations) == (2.0, 1000, 7)
    assert (two.target.beta, two.fits[0].max_iterations, two.fits[1].max_iterations) == (0.5, 9, 9)
    assert one.sweep is None


def test_several_paths_get_one_value() -> None:
    text = "grid:\n  'target.hamiltonian.n, fits[*].model.generators.n': [2, 3]"
    for point, n in zip(points(text), (2, 3), strict=True):
        study = study_of(point.study)
        assert {study.target.hamiltonian.n, *(fit.model.generators.n for fit in study.fits)} == {n}


def test_random_points() -> None:
    text = (
        "random:\n  count: 200\n  over:\n    target.beta: {low: 0.01, high: 100, scale: log}\n    fit.restarts: [1, 2]"
    )
    found = values(text)
    logs = np.log10([p["target.beta"] for p in found])
    assert logs.min() > -2
    assert logs.max() < 2
    assert abs(logs.mean()) < 4 * (4 / np.sqrt(12)) / np.sqrt(200)
    assert 70 < sum(p["fit.restarts"] == 1 for p in found) < 130
    assert found == values(text)
    fewer = values(text.replace("200", "3"))
    assert fewer == found[:3]
    other = values(text.replace("fit.restarts: [1, 2]", "fit.max_iterations: {low: 3, high: 5, integer: true}"))
    assert [p["target.beta"] for p in other] == [p["target.beta"] for p in found]
    assert {p["fit.max_iterations"] for p in other} == {3, 4, 5}


def test_blocks_multiply_and_seeds_are_fastest() -> None:
    text = "grid: {target.beta: [1, 2]}\npoints: [{fit.restarts: 1}, {fit.restarts: 2}]\nseeds: 3"
    found = points(text)
    assert len(found) == 12
    assert [point.replicate for point in found[:4]] == [0, 1, 2, 0]
    assert [point.index for point in found] == list(range(12))
    assert len({point.seed for point in found}) == 12


def test_a_finer_sweep_keeps_the_seeds_that_it_had() -> None:
    def seeds(text: str) -> dict[Any, int]:
        return {(point.values["target.beta"], point.replicate): point.seed for point in points(text)}

    coarse = seeds("grid: {target.beta: [1.0, 3.0]}\nseeds: 2")
    fine = seeds("grid: {target.beta: [0.5, 3.0, 2.0, 1.0]}\nseeds: 4")
    assert all(fine[key] == seed for key, seed in coarse.items())


def test_common_seeds_are_shared_by_all_points_and_seeds_may_be_swept() -> None:
    found = points("grid: {target.beta: [1.0, 3.0]}\nseeds: 2\ncommon_seeds: true")
    assert [p.seed for p in found[:2]] == [p.seed for p in found[2:]]
    assert found[0].seed != found[1].seed
    swept = points("grid: {seed: [3, 9]}")
    assert [point.seed for point in swept] == [study_of(point.study).seed for point in swept] == [3, 9]


def test_streams_do_not_shift_each_other() -> None:
    """The first numbers of each stream, so that a release that changes them is noticed."""
    assert streams.STREAMS[:3] == ("target", "split", "fit")
    assert streams.point_seed(5, 0, {"a": 1}) == streams.point_seed(5, 0, {"a": 1})
    seeds = {streams.point_seed(s, r, v) for s in (5, 6) for r in (0, 1) for v in ({}, {"a": 1}, {"a": 1.0}, {"b": 1})}
    assert len(seeds) == 16
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("grid: {target.beta: []}", "line 9, sweep.grid.target.beta: expected at least 1 item"),
        ("grid: {target.beta: 3}", "expected a mapping with the keys low, high, scale, integer, count"),
        ("grid: {target.beta: {low: 2, high: 1, count: 3}}", "low must be at most high; found 2 and 1"),
        ("grid: {target.beta: {low: 0, high: 1, count: 3, scale: log}}", "a logarithmic scale needs low > 0"),
        ("grid: {target.beta: {low: 0, high: 1}}", r"the key 'count' \(how many numbers\) is missing"),
        ("grid: {target.beta: {low: 0, high: 1, count: 2, step: 1}}", "the key 'step' is not known"),
        ("grid: {target..beta: [1]}", "is not the path of a key"),
        ("grid: {target.beta: [1, x]}", "line 9, target.beta: expected a number; found 'x'"),
        ("grid:\n  target.betta: [1]", r"line 10, target.betta: the key 'betta' is not known \(did you mean 'beta'"),
        ("grid:\n  fits[7].restarts: [1]", r"line 10, sweep.grid.fits\[7\].restarts: .*fits has 2 items"),
        ("grid: {fit.restarts: [1, 0]}", r"line 9, fits\[0\].restarts: expected at least 1; found 0"),
        ("grid: {target.beta: [1]}\npoints: [{target.beta: 2}]", "target.beta is set twice"),
        ("grid: {sweep.seeds: [1]}", "sweep.seeds is not a part of a point"),
        ("grid: {seed: [1]}\nseeds: 2", "seed is set by the sweep itself"),
        ("grid: {target.beta: {low: 0, high: 1, count: 9999}}\nseeds: 1000", "a sweep has at most 100000 points"),
        ("seeds: 0", "sweep.seeds: expected at least 1"),
        ("random: {count: 3, over: {}}", "sweep.random.over: expected"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_sweep_gets_its_sentence(text: str, sentence: str) -> None:
    source = parse((STUDY + "".join(f"  {line}\n" for line in text.splitlines())).encode(), Path("study.yaml"))
    with pytest.raises(InputError, match=sentence) as caught:
        build(study_of(source), source)
    assert str(caught.value).startswith("study.yaml, line ")
    assert "\n" not in str(caught.value)
