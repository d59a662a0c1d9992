"""What a run found, in one sentence."""

from __future__ import annotations

from qml._checks import plural
from qml.studies.record.table import Table, count, rows_of, summary
from qml.studies.show.figures import noise_of, unit


def conclusion(table: Table) -> str:
    """Which fit comes nearest to its floor, and how near the others come; in the median over the points of a sweep.

    Gaps of different losses are not compared, and where no floor is known the losses are.

    Examples
    --------
    >>> table = {
    ...     "fit": ["a", "b"],
    ...     "loss_name": ["cross_entropy"] * 2,
    ...     "loss": [0.9, 0.7],
    ...     "gap": [0.2, 1e-15],
    ...     "fidelity": [0.9, 1.0],
    ...     "iterations": [3, 9],
    ...     "likelihood": [None] * 2,
    ... }
    >>> print(conclusion(table))
    b reaches its floor, up to rounding; a ends 0.2 nats above it.
    """
    if not count(table):
        return "No fit is done yet."
    fits = rows_of(summary({"error": [""] * count(table), **table}))
    gaps = {fit["fit"]: fit["median gap"] for fit in fits if fit["median gap"] is not None}
    failed = sum(map(bool, table.get("error", [])))
    tail = f" {plural(failed, 'fit')} failed." if failed else ""
    losses = set(table["loss_name"]) - {None, ""}
    if not gaps:
        return f"No fit ended with a finite gap.{tail}"
    points = max(fit["points"] for fit in fits)
    over = "" if points == 1 else f" in the median of {points} points"
    rows = rows_of(table)
    noise, nats = noise_of(rows), " nats" if unit(rows) else ""
    order = sorted(gaps, key=gaps.__getitem__) if len(losses) == 1 else list(gaps)
    parts = []
    for k, fit in enumerate(order):
        it = "its floor" if k == 0 or len(losses) > 1 else "it"
        gap = gaps[fit]
        at = f"reaches {it}, up to rounding" if gap <= noise else f"ends {gap:.3g}{nats} above {it}"
        parts.append(f"{fit} {at}{over if k == 0 else ''}")
    if len(losses) > 1:
        return f"{'; '.join(parts)}. The losses differ, so these gaps are not to be compared.{tail}"
    return f"{'; '.join(parts)}.{tail}"
