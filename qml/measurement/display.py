"""Records of counts as text and in notebooks: of what was seen, the first settings and most frequent outcomes."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np

from qml import _checks
from qml.measurement.entries import outcome_label

if TYPE_CHECKING:
    from qml.measurement.counts import Counts

SETTINGS_SHOWN = 8
OUTCOMES_SHOWN = 8


def headline(counts: Counts) -> str:
    """Settings, outcomes and shots."""
    m = counts.measurement
    what = f"weight {counts.total:.6g}" if counts.is_weighted else _checks.plural(counts.total, "shot")
    seen, outcomes = int(np.count_nonzero(counts.counts)), _checks.plural(m.n_outcomes, "outcome")
    outcomes = outcomes if seen == m.n_outcomes else f"{seen} of {outcomes} seen"
    parts = [_checks.plural(len(m.settings), "setting"), outcomes, what]
    unused = int((counts.shots == 0).sum())
    return ", ".join(parts + ([f"no shots in {_checks.plural(unused, 'setting')}"] if unused else []))


def _table(counts: Counts) -> list[tuple[str, str, str]]:
    """Setting, shots, and its most frequent outcomes, of those that were seen."""
    rows = []
    for s in np.flatnonzero(counts.shots)[:SETTINGS_SHOWN].tolist():
        start, end = counts.measurement.offsets[s : s + 2]
        values = counts.counts[start:end]
        seen = np.flatnonzero(values)
        order = seen[np.argsort(-values[seen], kind="stable")[:OUTCOMES_SHOWN]]
        shape = counts.measurement.outcome_shape(s)
        shown = ", ".join(f"{outcome_label(shape, int(k))}: {values[k]:.6g}" for k in order)
        more = ", ..." if len(seen) > len(order) else ""
        rows.append((counts.measurement.settings[s], f"{counts.shots[s]:.6g}", shown + more))
    return rows


def counts_text(counts: Counts) -> str:
    """For ``print``."""
    rows = _table(counts)
    widths = [max((len(row[i]) for row in rows), default=0) for i in (0, 1)]
    body = [f"{name:<{widths[0]}}  {shots:>{widths[1]}}  {shown}" for name, shots, shown in rows]
    more = int(np.count_nonzero(counts.shots)) - len(rows)
    return "\n".join([repr(counts), *body, *([f"... and {_checks.plural(more, 'more setting')}"] if more else [])])


def counts_html(counts: Counts) -> str:
    """For notebooks."""
    rows = "".join(
        "<tr>" + "".join(f'<td style="text-align: left">{html.escape(cell)}</td>' for cell in row) + "</tr>"
        for row in _table(counts)
    )
    head = "<tr><th>setting</th><th>shots</th><th>most frequent outcomes</th></tr>"
    more = int(np.count_nonzero(counts.shots)) - SETTINGS_SHOWN
    tail = f"<br>... and {_checks.plural(more, 'more setting')}" if more > 0 else ""
    return f"<div><b>Counts</b>: {headline(counts)}<table>{head}{rows}</table>{tail}</div>"
