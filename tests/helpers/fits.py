"""Comparisons of fits."""

from dataclasses import replace

from qml.fitting import FitResult


def same(a: FitResult, b: FitResult) -> None:
    """Equal to the bit, seconds aside."""
    columns, others = a.history.columns(), b.history.columns()
    assert all(columns[name].tobytes() == others[name].tobytes() for name in columns if name != "seconds")
    assert a.params.tobytes() == b.params.tobytes()
    assert a.state.matrix().tobytes() == b.state.matrix().tobytes()
    assert (a.loss, a.evaluations, a.status, a.seed) == (b.loss, b.evaluations, b.status, b.seed)
    assert [replace(r, seconds=0.0) for r in a.restarts] == [replace(r, seconds=0.0) for r in b.restarts]
