"""A test that tries many cases tries all of them, and names each that fails."""

import numpy as np
import pytest
from helpers.cases import every

RNG = np.random.default_rng(0)


def failures_of(test, **fixtures):
    with pytest.raises(BaseExceptionGroup) as found:
        test(**fixtures)
    return found.value


def test_every_case_is_tried_and_each_that_fails_is_named():
    tried = []

    @every("n, word", [(1, "a"), (2, "b"), (3, "c"), (4, "d")])
    def small(n, word):
        tried.append((n, word))
        assert n != 2
        if n == 3:
            with pytest.raises(ValueError, match="never"):
                pass
        if n == 4:
            pytest.skip("not here")

    group = failures_of(small)
    assert tried == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]
    assert "3 of 4 cases: 2-b, 3-c, 4-d" in str(group)
    assert [error.__notes__[-1] for error in group.exceptions] == [f"The case was {x}." for x in ("2-b", "3-c", "4-d")]


def test_several_make_all_pairs_and_fixtures_are_left_to_pytest():
    tried = []

    @every("a", [1, 2])
    @every("b", [10, 20], ids=lambda b: f"b={b}")
    def test(a, b, folder):
        tried.append((a, b, folder))

    test(folder="here")
    assert sorted(tried) == [(1, 10, "here"), (1, 20, "here"), (2, 10, "here"), (2, 20, "here")]
    assert [title for title, _ in test.cases] == ["b=10-1", "b=20-1", "b=10-2", "b=20-2"]


def test_random_numbers_follow_from_the_case_alone():
    drawn = {}

    def test(n):
        drawn.setdefault(n, []).append(RNG.normal())

    every("n", [1, 2, 3])(test)()
    every("n", [3, 1])(test)()
    assert drawn[1][0] == drawn[1][1] != drawn[2][0]
    assert drawn[3][0] == drawn[3][1]


def test_what_would_try_nothing_or_leave_something_behind_is_refused():
    with pytest.raises(ValueError, match="needs a case"):
        every("n", [])

    def test(n, monkeypatch):
        pass

    with pytest.raises(TypeError, match=r"MonkeyPatch\.context"):
        every("n", [1])(test)
