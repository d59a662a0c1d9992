"""Threads of linear algebra: one for small matrices, for as long as something asks for it, and as before afterwards."""

import os
import threading

import numpy as np
import pytest

from qml import CrossEntropy, GibbsModel, fit, relative_entropy, thermal, threads
from qml.fitting import DeferredCrossEntropy, quantum_em
from qml.losses import measured_relative_entropy
from qml.measurement import PauliMeasurement, sample
from qml.models import HiddenGibbsModel
from qml.operators import tfim
from qml.states import ginibre
from qml.tomography import maximum_likelihood

RHO = ginibre((2,) * 5, np.random.default_rng(1))
AT_FIRST = [library.num_threads for library in threads._libraries()]


@pytest.fixture(autouse=True)
def two():
    """Two threads of every library, as on a machine of two cores."""
    before = numbers()
    threads._set([2] * len(before))
    yield
    threads._set(before)


def numbers():
    return [library.num_threads for library in threads._libraries()]


def test_numpy_and_scipy_are_found():
    assert len(numbers()) >= 1
    assert set(numbers()) == {2}
    assert threads.found()["blas"] == 2


def test_small_matrices_on_one_thread_large_ones_on_all():
    for dim in (1, 32, 511):
        with threads.suited(dim):
            assert set(numbers()) == {1}
        assert set(numbers()) == {2}
    with threads.suited(512):
        assert set(numbers()) == {2}


def test_what_is_nested_counts_once():
    with threads.suited(4):
        with threads.suited(4), threads.suited(1000):
            assert set(numbers()) == {1}
        assert set(numbers()) == {1}
    assert set(numbers()) == {2}


def test_single_functions_leave_the_smallest_matrices_alone():
    for dim, expected in ((16, 2), (32, 1), (511, 1), (512, 2)):
        with threads.suited_alone(dim):
            assert set(numbers()) == {expected}


def test_a_loss_and_its_derivative_set_the_number_once(monkeypatch):
    """Each time costs microseconds, beside matrices for which that counts."""
    calls, original = [], threads._set
    state = sigma()
    monkeypatch.setattr(threads, "_set", lambda numbers: calls.append(list(numbers)) or original(numbers))
    CrossEntropy().value_and_cotangent(RHO, state)
    n = len(numbers())
    assert calls == [[1] * n, [2] * n]


def test_an_error_leaves_nothing_behind():
    with pytest.raises(ZeroDivisionError), threads.suited(4):
        raise ZeroDivisionError
    assert set(numbers()) == {2}


def test_pinned_numbers_hold_for_large_matrices_and_come_back():
    with threads.pinned(3):
        assert set(numbers()) == {3}
        with threads.suited(4):
            assert set(numbers()) == {1}
        with threads.suited(512):
            assert set(numbers()) == {3}
        with threads.pinned(4):
            assert set(numbers()) == {3}
        assert set(numbers()) == {3}
    assert set(numbers()) == {2}


def test_the_last_of_several_python_threads_restores():
    """The second begins while the first is under way and ends after it; whichever thread was first, both can set it."""
    with threads.suited(4):
        pass
    begun, go_on, seen = threading.Event(), threading.Event(), []

    def other():
        with threads.suited(4):
            begun.set()
            go_on.wait(30)
            seen.append(set(numbers()))
        seen.append(set(numbers()))

    worker = threading.Thread(target=other)
    with threads.suited(4):
        worker.start()
        assert begun.wait(30)
    assert set(numbers()) == {1}
    go_on.set()
    worker.join()
    assert seen == [{1}, {2}]


def sigma():
    return ginibre((2,) * 5, np.random.default_rng(2))


def counts():
    rng = np.random.default_rng(3)
    return sample(ginibre((2, 2), rng), PauliMeasurement(2), 100, rng)


def deferred():
    rng = np.random.default_rng(4)
    return DeferredCrossEntropy(GibbsModel(tfim(5)), RHO, copies=1000, rng=rng).evaluate(np.full(9, 0.1))


JOBS = {
    "fit": lambda: fit(GibbsModel(tfim(5)), RHO, seed=0, max_iterations=3),
    "newton": lambda: fit(GibbsModel(tfim(5)), thermal(tfim(5), 1.0), optimizer="newton", seed=0, max_iterations=2),
    "relative entropy": lambda: relative_entropy(RHO, sigma()),
    "measured relative entropy": lambda: measured_relative_entropy(RHO, sigma(), gap=1e4),
    "tomography": lambda: maximum_likelihood(counts(), max_iterations=3),
    "deferred measurement": deferred,
    "expectation maximisation": lambda: quantum_em(
        HiddenGibbsModel(tfim(5), hidden=(4,)), ginibre((2,) * 4, np.random.default_rng(5)), seed=1, max_iterations=2
    ),
}


@pytest.mark.parametrize("name", JOBS)
def test_jobs_decompose_small_matrices_on_one_thread(name, monkeypatch):
    """Below 32 a second thread is never used, so that only whole jobs set the number."""
    seen, original = [], np.linalg.eigh
    smallest = 2 if name == "tomography" else 32

    def eigh(a, *args, **keywords):
        if a.shape[-1] >= smallest:
            seen.append(set(numbers()))
        return original(a, *args, **keywords)

    monkeypatch.setattr(np.linalg, "eigh", eigh)
    JOBS[name]()
    assert {1} in seen
    assert all(found == {1} for found in seen)
    assert set(numbers()) == {2}


def test_a_fit_says_how_many_it_had_and_leaves_the_others_when_a_callback_raises():
    seen = []
    result = fit(
        GibbsModel(tfim(2)), thermal(tfim(2), 0.4), seed=0, callbacks=[lambda iteration: seen.append(set(numbers()))]
    )
    assert seen == [{1}] * len(result.history)
    assert result.provenance["threads"]["blas"] == 1

    def broken(iteration):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit(GibbsModel(tfim(2)), thermal(tfim(2), 0.4), seed=0, callbacks=[broken])
    assert set(numbers()) == {2}


def test_where_tests_run_side_by_side_each_process_has_the_threads_that_it_was_given():
    """Also of the library that came with NumPy, which a plugin imports before any file of ours."""
    given = int(os.environ["OPENBLAS_NUM_THREADS"]) if "PYTEST_XDIST_WORKER" in os.environ else max(AT_FIRST)
    assert max(AT_FIRST) <= given


def test_libraries_that_have_no_threads_are_left_alone():
    import scs  # noqa: F401 - brings one, with CVXPY

    found = threads._libraries.__wrapped__()
    assert len(found) >= 1
    assert all(library.threading_layer != "disabled" for library in found)
