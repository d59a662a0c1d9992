"""Optimizers: from a starting point to lower values, one accepted iterate after the other."""

from qml import _checks
from qml.optimizers.adam import Adam, StochasticAdam
from qml.optimizers.base import Differentiable, NotANumber, Optimizer, OptimizerState, Point, Stalled
from qml.optimizers.descent import GradientDescent
from qml.optimizers.lbfgs import LBFGS
from qml.optimizers.mirror import MirrorDescent
from qml.optimizers.natural import NaturalGradient, NaturalLBFGS
from qml.optimizers.newton import Newton
from qml.optimizers.shift import ParameterShift
from qml.optimizers.spsa import SPSA

OPTIMIZERS: dict[str, type[Optimizer]] = {
    optimizer.name: optimizer
    for optimizer in (
        LBFGS,
        Newton,
        NaturalLBFGS,
        NaturalGradient,
        MirrorDescent,
        Adam,
        GradientDescent,
        StochasticAdam,
        SPSA,
        ParameterShift,
    )
}
"""Every optimizer by name; configs and the command line read this list."""


def as_optimizer(value: Optimizer | str) -> Optimizer:
    """An optimizer, from one or from the name of one, which stands for it with its default settings.

    Parameters
    ----------
    value : Optimizer or str
        A name is one of ``OPTIMIZERS``.

    Raises
    ------
    InputError
        If it is neither, with the nearest name.

    Examples
    --------
    >>> as_optimizer("newton")
    Newton(solver='auto')
    """
    return _checks.registered("optimizer", value, OPTIMIZERS, Optimizer, "such as LBFGS()")  # type: ignore[type-abstract]


__all__ = [
    "LBFGS",
    "OPTIMIZERS",
    "SPSA",
    "Adam",
    "Differentiable",
    "GradientDescent",
    "MirrorDescent",
    "NaturalGradient",
    "NaturalLBFGS",
    "Newton",
    "NotANumber",
    "Optimizer",
    "OptimizerState",
    "ParameterShift",
    "Point",
    "Stalled",
    "StochasticAdam",
    "as_optimizer",
]
