"""The settings of a fit as loggers take them: flat, and not too many."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

SETTINGS = 100
"""Most settings of a fit that are logged: MLflow takes no more at once."""


def settings_of(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a fit, flat: ``{"model.kind": "gibbs", ...}``; lists as text.

    Examples
    --------
    >>> settings_of({"seed": 1, "model": {"kind": "gibbs", "sites": [0, 1]}, "prior": None})
    {'seed': 1, 'model.kind': 'gibbs', 'model.sites': '[0, 1]'}
    """

    def flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                yield from flat(inner, f"{path}.{key}" if path else str(key))
        elif value is not None:
            yield path, json.dumps(value) if isinstance(value, list | tuple) else value

    return dict(list(flat(parts, ""))[:SETTINGS])
