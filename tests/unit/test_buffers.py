"""Memory that is kept for the next array of the same size: never shared, bounded, given back before a refusal."""

import copy
import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from qml import _checks, buffers, circuits
from qml._checks import MemoryRefused
from qml.engines import PauliEngine

COUNT = buffers.SMALLEST // 8


@pytest.fixture(autouse=True)
def room():
    """A workspace of the test's own, whoever holds another."""
    gc.collect()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buffers, "_held", weakref.WeakValueDictionary())
        room = buffers.workspace()
        yield room


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_returns_when_the_last_view_is_gone(room):
    array = buffers.empty((2, COUNT))
    first, view = address(array), array[1, ::2].view(np.int64)
    view.flags.writeable = False
    del array
    other = buffers.empty((2, COUNT))
    assert room.kept_bytes == 0
    assert address(other) != first
    del view
    assert room.kept_bytes == 2 * buffers.SMALLEST
    again = buffers.empty_complex((COUNT // 2, 2))
    assert again.dtype == np.complex128
    assert again.shape == (COUNT // 2, 2)
    assert address(again) == first
    assert room.kept_bytes == 0


def test_zeros_are_zero_whatever_the_memory_held(room):
    buffers.empty((COUNT,)).fill(np.nan)
    assert room.kept_bytes > 0
    zeros = buffers.zeros((COUNT,))
    assert room.kept_bytes == 0
    np.testing.assert_array_equal(zeros, np.zeros(COUNT))
    np.testing.assert_array_equal(buffers.zeros((2, 3)), np.zeros((2, 3)))


def test_what_is_kept_is_bounded_and_the_oldest_leaves_first(room, monkeypatch):
    monkeypatch.setattr(buffers, "KEPT", 3 * buffers.SMALLEST)
    oldest, second = buffers.empty((2 * COUNT,)), buffers.empty((COUNT,))
    newest = buffers.empty((COUNT + 1,))
    del oldest
    del second
    assert room.kept_bytes == 3 * buffers.SMALLEST
    del newest
    assert room.kept_bytes == 2 * buffers.SMALLEST + 8
    for count in (1, COUNT - 1, 3 * COUNT + 1):
        room.release()
        buffers.empty((count,))
        assert room.kept_bytes == 0


def test_it_is_given_back_before_anything_is_refused(room, monkeypatch):
    free = 2**30
    monkeypatch.setattr(_checks, "available_memory", lambda: free - room.kept_bytes)
    buffers.empty((COUNT,))
    buffers.check("this", free, "ask for less")
    assert room.kept_bytes == 0
    with pytest.raises(MemoryRefused, match=r"this needs 1 GiB, but 1 GiB are free: ask for less"):
        buffers.check("this", free + 1, "ask for less")


def test_states_of_the_engine_never_share_memory(room):
    n = 10
    program = circuits.hardware_efficient(n, 1, rotations=("RY",)).compile()
    values = np.random.default_rng(0).uniform(-1, 1, (2, program.n_params))
    engine = PauliEngine()
    first = engine.evolve(program, values[0])
    vector, matrix = first.pauli_vector.copy(), first.matrix().copy()
    for _ in range(2):
        engine.evolve(program, values[1]).matrix()
    assert room.kept_bytes >= vector.nbytes + matrix.nbytes
    np.testing.assert_array_equal(first.pauli_vector, vector)
    np.testing.assert_array_equal(first.matrix(), matrix)
    np.testing.assert_array_equal(engine.evolve(program, values[0]).matrix(), matrix)


def test_threads_take_and_give_memory_at_the_same_time(room):
    def task(number):
        array = buffers.empty((COUNT,))
        array.fill(number)
        return bool((array == number).all())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(task, range(64)))
    assert 0 < room.kept_bytes <= 4 * buffers.SMALLEST


def test_so_many_pieces_at_most_and_the_oldest_leave_first(room):
    arrays = [buffers.empty((COUNT + 8 * k,)) for k in range(buffers.PIECES + 5)]
    places = [address(array) for array in arrays]
    while arrays:
        del arrays[0]
    assert room.kept_bytes == sum(8 * (COUNT + 8 * k) for k in range(5, buffers.PIECES + 5))
    again = [buffers.empty((COUNT + 8 * k,)) for k in range(5, buffers.PIECES + 5)]
    assert [address(array) for array in again] == places[5:]
    assert room.kept_bytes == 0


def test_memory_is_kept_as_long_as_somebody_holds_the_workspace(monkeypatch):
    monkeypatch.setattr(buffers, "_held", weakref.WeakValueDictionary())
    buffers.empty((COUNT,))
    assert buffers._current() is None
    engine = PauliEngine()
    room = weakref.ref(buffers.workspace())
    assert PauliEngine()._workspace is room() is engine._workspace
    array = buffers.empty((COUNT,))
    buffers.empty((COUNT,))
    assert room().kept_bytes == buffers.SMALLEST
    del engine
    assert room() is None
    array.fill(1.0)  # what is lent outlives it
    del array
    assert buffers._current() is None


def test_a_copy_of_an_engine_shares_the_workspace(room):
    engine = PauliEngine()
    assert copy.deepcopy(engine)._workspace is engine._workspace is room
