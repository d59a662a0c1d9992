"""Array aliases. Shapes stand in docstrings; these say only the number type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Real: TypeAlias = npt.NDArray[np.float64]
Complex: TypeAlias = npt.NDArray[np.complex128]
"""Or of float64, where no number has an imaginary part: what is real, such as eigenvectors, stays so."""
Integer: TypeAlias = npt.NDArray[np.int64]
Numeric: TypeAlias = Real | Complex
ArrayLike: TypeAlias = npt.ArrayLike
ParamsLike: TypeAlias = npt.ArrayLike | Mapping[str, float]
"""theta as an array, or the values of all parameters by name, as the physics knows them."""
Dims: TypeAlias = tuple[int, ...]
DimsLike: TypeAlias = int | Sequence[int]
Numbers: TypeAlias = Any
"""What a state, or two, have one number of: a float for single states, an array of its shape for a batch."""
Cotangent: TypeAlias = Any
"""What a loss hands to a state's owner: dL/d(coordinate), in that state's own coordinate."""
