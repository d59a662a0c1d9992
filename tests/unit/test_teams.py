"""Threads that work side by side: each piece is done once, and nothing is held when all are done."""

import threading
import weakref

import numpy as np
import pytest

from qml.engines._llvm import teams


def test_pieces_are_done_once_each():
    counts = np.zeros(1000, dtype=np.int64)

    def task(begin, end):
        counts[begin:end] += 1

    teams.spread(1000, 3, task)
    assert (counts == 1).all()


@pytest.mark.parametrize("run", [lambda task: teams.spread(8, 2, task), lambda task: teams.together(1, 2, task)])
def test_a_thread_that_comes_too_late_holds_nothing(run):
    """The other thread is busy with something else until the end: what it is handed is dropped without it."""
    busy = threading.Event()
    blocked = teams._pool(2).submit(busy.wait)
    try:
        array = np.zeros(3)
        held = weakref.ref(array)
        run(lambda *_, array=array: array.fill(1.0))
        assert array.sum() == 3
        del array
        assert held() is None
    finally:
        busy.set()
        assert blocked.result()
