"""Counts as text and in notebooks: of what was seen, the first settings and the most frequent outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np

from qml import _checks
from qml._results import html_table
from qml.measurement.base import Measurement
from qml.measurement.entries import outcome_label

SHOWN = 8
"""Settings, and outcomes of each."""


def headline(measurement: Measurement, counts: Any) -> str:
    """Settings, outcomes and shots of counts (n_outcomes,)."""
    total, shots = counts.sum().item(), np.add.reduceat(counts, measurement.offsets[:-1])
    what = f"weight {total:.6g}" if counts.dtype.kind == "f" else _checks.plural(total, "shot")
    seen, outcomes = int(np.count_nonzero(counts)), _checks.plural(measurement.n_outcomes, "outcome")
    outcomes = outcomes if seen == measurement.n_outcomes else f"{seen} of {outcomes} seen"
    parts = [_checks.plural(len(measurement.settings), "setting"), outcomes, what]
    unused = int((shots == 0).sum())
    return ", ".join(parts + ([f"no shots in {_checks.plural(unused, 'setting')}"] if unused else []))


def text(measurement: Measurement, counts: Any) -> list[str]:
    """The lines of ``print``, below the headline."""
    rows, rest = _table(measurement, counts)
    widths = [max((len(row[i]) for row in rows), default=0) for i in (0, 1)]
    return [*(f"{name:<{widths[0]}}  {shots:>{widths[1]}}  {shown}" for name, shots, shown in rows), *rest]


def html(measurement: Measurement, counts: Any) -> str:
    """For notebooks."""
    rows, rest = _table(measurement, counts)
    heads = ("setting", "shots", "most frequent outcomes")
    return html_table(f"Counts: {headline(measurement, counts)}", rows, heads) + "".join(rest)


def _table(measurement: Measurement, counts: Any) -> tuple[list[tuple[str, str, str]], list[str]]:
    """Setting, shots, and its most frequent outcomes, of the first settings that have shots; and how many more have."""
    totals = np.add.reduceat(counts, measurement.offsets[:-1])
    measured, rows = np.flatnonzero(totals), []
    for s in measured[:SHOWN].tolist():
        values = counts[slice(*measurement.offsets[s : s + 2])]
        seen = np.flatnonzero(values)
        most = seen[np.argsort(-values[seen], kind="stable")[:SHOWN]]
        shape = measurement.outcome_shape(s)
        shown = ", ".join(f"{outcome_label(shape, int(k))}: {values[k]:.6g}" for k in most)
        rows.append((measurement.settings[s], f"{totals[s]:.6g}", shown + (", ..." if len(seen) > SHOWN else "")))
    more = len(measured) - SHOWN
    return rows, [f"... and {_checks.plural(more, 'more setting')}"] if more > 0 else []
