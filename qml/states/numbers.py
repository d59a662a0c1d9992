"""What states have one number of: a float for a single state, an array for a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from qml._arrays import is_traced, on_host
from qml._typing import Numbers


def per_state(values: Any) -> Numbers:
    """A float, or an int, for a single state; an array (...) for a batch.

    Examples
    --------
    >>> import numpy as np
    >>> per_state(np.array(0.5)), per_state(np.array([0.5, 1.0]))
    (0.5, array([0.5, 1. ]))
    """
    a = np.asarray(values) if on_host(values) else values
    return a if a.ndim or is_traced(a) else a.item()
