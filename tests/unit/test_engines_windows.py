"""Operations in windows: each once, in an order that changes nothing, within the sites and the budget of a window."""

from dataclasses import dataclass

import numpy as np
from helpers.cases import every

from qml.engines.compile.steps import as_permutation, fused, is_permutation
from qml.engines.compile.windows import windows


@dataclass(frozen=True)
class Op:
    number: int
    sites: tuple[int, ...]
    active: tuple[int, ...]
    computed: int


def operations(seed: int, n: int) -> list[Op]:
    rng = np.random.default_rng(seed)
    found = []
    for number in range(80):
        sites = tuple(rng.choice(n, rng.integers(1, 4), replace=False).tolist())
        found.append(Op(number, sites, sites[: rng.integers(1, len(sites) + 1)], int(rng.integers(0, 3))))
    return found


@every("seed", range(5))
@every("most, budget, ahead", [(3, np.inf, 64), (4, 5, 64), (6, 3, 7)])
def test_windows(seed, most, budget, ahead):
    n, ops = 6, operations(seed, 6)
    made = list(windows(ops, n, most, ahead, budget))
    order = [op for chosen, _ in made for op in chosen]
    assert sorted(op.number for op in order) == list(range(len(ops)))
    place = {op.number: at for at, op in enumerate(order)}
    for a in ops:
        for b in ops[a.number + 1 :]:
            assert place[a.number] < place[b.number] or not set(a.sites) & set(b.sites)
    for chosen, active in made:
        assert active == tuple(sorted({site for op in chosen for site in op.active}))
        assert len(active) <= most
        assert len(chosen) == 1 or sum(op.computed for op in chosen) <= budget
    assert len(made) < len(ops) / 2


def test_an_operation_larger_than_a_window_has_one_of_its_own():
    large, small = Op(0, (0, 1, 2), (0, 1, 2), 9), Op(1, (3,), (3,), 1)
    assert list(windows([large, small], 4, 2, 64, 1)) == [([large], (0, 1, 2)), ([small], (3,))]


def test_permutations_and_what_is_none():
    matrix = np.zeros((4, 4))
    matrix[2, 0], matrix[0, 3] = -1.0, 0.5
    assert is_permutation(matrix)
    places, factors = as_permutation(matrix)
    assert sorted(places.tolist()) == [0, 1, 2, 3]
    x, y = np.arange(1.0, 5.0), np.zeros(4)
    y[places] = factors * x
    np.testing.assert_array_equal(y, matrix @ x)
    matrix[2, 1] = 1e-300
    assert not is_permutation(matrix)


def test_fixed_maps_that_follow_each_other_are_multiplied_in_their_order():
    a, b = np.array([[1.0, 1], [0, 1]]), np.array([[1.0, 0], [1, 1]])
    (product,) = fused([a, b])
    np.testing.assert_array_equal(product, b @ a)
    assert list(fused([])) == []
