"""Gates given by a matrix function and its derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qml import _checks
from qml._typing import Complex, Dims, Real
from qml.instructions import Unitary
from qml.parameters import Affine


@dataclass(frozen=True, repr=False, kw_only=True)
class ParametricGate(Unitary):
    r"""A gate given by a matrix function U(params) and the function of its analytic derivatives.

    .. math:: \rho \mapsto U(\theta) \rho\, U(\theta)^\dagger

    The functions are taken at their word: that U is unitary and the derivatives are its own is not checked.

    Parameters
    ----------
    name : str
        What drawings and messages call it.
    dims : int or sequence of int
        Dimensions of its sites, whose product is D.
    parameter_names : sequence of str
    function : callable
        params (n_params,) -> U, shape (D, D).
    derivative_function : callable
        params (n_params,) -> dU/dparams, shape (n_params, D, D).
    undo : callable
        Parameters -> those at which the same gate is the inverse; it works on numbers and on expressions alike.

    Raises
    ------
    InputError
        Where a name is no text, or a function cannot be called.

    Examples
    --------
    >>> import numpy as np
    >>> phase = ParametricGate(
    ...     name="phase", dims=(2,), parameter_names=("phi",),
    ...     function=lambda v: np.diag([1, np.exp(1j * v[0])]),
    ...     derivative_function=lambda v: np.diag([0, 1j * np.exp(1j * v[0])])[None],
    ...     undo=lambda v: (-v[0],),
    ... )
    >>> print(phase("a", 3).inverse())
    phase(-a) 3
    """

    name: str
    dims: Dims
    parameter_names: tuple[str, ...]
    function: Callable[[Real], Complex]
    derivative_function: Callable[[Real], Complex]
    undo: Callable[[tuple[Affine, ...]], tuple[Affine, ...]]

    def __post_init__(self) -> None:
        _checks.text("name", self.name)
        names = _checks.listed("parameter_names", self.parameter_names, "names")
        object.__setattr__(self, "parameter_names", tuple(_checks.text("each parameter name", n) for n in names))
        object.__setattr__(self, "dims", _checks.dimensions("dims", self.dims))
        called = (self.function, self.derivative_function, self.undo)
        _checks.functions("function, derivative_function and undo", called)

    def matrix(self, params: Real) -> Complex:
        return self.function(params)

    def derivatives(self, params: Real) -> Complex:
        return self.derivative_function(params)

    def inverse(self, params: tuple[Affine, ...]) -> tuple[Unitary, tuple[Affine, ...]]:
        return self, self.undo(params)
