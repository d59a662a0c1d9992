"""Arrays of any kind: NumPy's, and those of any library with the Python array API and NumPy's methods, as JAX has.

Code that touches the arrays of a state asks them for their namespace and never converts them: what lies on a card
stays there. Sums, maxima and yes-or-no questions may come to the host, as single numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce, wraps
from typing import Any

import numpy as np

from qml._typing import Complex, Numbers, Real

_HOST = (np.ndarray, np.generic, int, float, complex)


def namespace(*arrays: Any) -> Any:
    """The namespace of the first array that is not NumPy's, else NumPy.

    Examples
    --------
    >>> import numpy as np
    >>> namespace(np.zeros(2)) is np
    True
    """
    for a in arrays:
        if type(a) is not np.ndarray and not isinstance(a, _HOST):
            return a.__array_namespace__()
    return np


def on_host(array: Any) -> bool:
    """Whether it is one of NumPy's, or a plain number."""
    return type(array) is np.ndarray or isinstance(array, _HOST)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays and of plain numbers: where the library of the first array compiles, its operations are
    one."""

    @wraps(function)
    def call(array: Any, *others: Any) -> Any:
        as_one = None if on_host(array) else getattr(namespace(array), "compiled", None)
        return function(array, *others) if as_one is None else as_one(function, array, *others)

    return call


def surely(condition: Any) -> bool:
    """Whether a condition holds, as far as is known: no, where the numbers are still to come, as when JAX traces."""
    return not getattr(condition, "is_traced", False) and bool(condition)


def number(x: Any) -> float:
    """A float; itself where it is still to come."""
    return x if getattr(x, "is_traced", False) else float(x)


def is_traced(x: Any) -> bool:
    """Whether it is an array of numbers that are still to come."""
    return bool(getattr(x, "is_traced", False))


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


def frozen(array: Any) -> Any:
    """A view that no one can write to; arrays of other libraries are taken to be immutable."""
    if isinstance(array, np.ndarray) and array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def as_real(array: Any) -> Real:
    """The array itself: arrays of every namespace are typed as NumPy's."""
    found: Real = array
    return found


def as_complex(array: Any) -> Complex:
    """The array itself: arrays of every namespace are typed as NumPy's."""
    found: Complex = array
    return found


def outer(vectors: Iterable[Any]) -> Real:
    """The tensor product (d_1 d_2 ...,) of vectors (d_1,), (d_2,), ..."""
    return as_real(reduce(lambda a, b: (a[:, None] * b).reshape(-1), vectors))


def diagonal(matrix: Any) -> Real:
    """The real diagonal (..., d) of Hermitian matrices (..., d, d)."""
    return as_real(matrix.diagonal(axis1=-2, axis2=-1).real)


def trace_of_product(a: Any, b: Any) -> Real:
    """Tr(A B) of Hermitian matrices (..., d, d), the sum of A_ij conj(B_ij); leading axes broadcast."""
    if a.ndim == b.ndim == 2 and on_host(a) and on_host(b):
        return as_real(np.vdot(b, a).real)
    return as_real(namespace(a, b).einsum("...ij,...ij->...", a, b.conj()).real)
