"""Pre-training: the parameters of a small model as a start for a larger one."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Real
from qml.channels import ThermalRelaxation
from qml.circuits import Circuit
from qml.fitting.result import FitResult
from qml.models import Model

NEARLY_NOTHING = 1e-6
"""The natural value of a new parameter that may not be zero itself, such as a probability."""


def grow(result: FitResult, model: Model) -> Real:
    r"""Where to start the fit of a larger model: with the small model's parameters by name, and zero for new ones.

    For Gibbs models, sigma is the same state, so that ``fit(model, rho, params0=grow(result, model))`` never ends with
    a larger S(rho, sigma). So it is for circuits whose new gates do nothing at angle zero. A new parameter
    with a domain that excludes zero (the probability of a channel) starts at 1e-6; a T1 or T2 of
    ``channels.ThermalRelaxation`` is so long that a part of 1e-6 relaxes, or T2 a little below 2 T1 where T1 is known.

    Parameters
    ----------
    result : FitResult
        Of the small model.
    model : Model
        The large one; it must have all parameters of the small one.

    Returns
    -------
    array (n_params,)
        For ``params0`` of :func:`fit`.

    Raises
    ------
    InputError
        If a parameter of the small model is missing, or they are no result and no model.

    Examples
    --------
    >>> from qml import GibbsModel, fit, thermal
    >>> from qml.operators import tfim, xxz
    >>> rho = thermal(xxz(2, delta=0.5), 1.0)
    >>> small = fit(GibbsModel(tfim(2)), rho, seed=0)
    >>> large = GibbsModel.all_paulis(2)
    >>> fit(large, rho, params0=grow(small, large)).loss < small.loss
    True
    """
    _checks.instance("result", result, FitResult)
    _checks.instance("model", model, Model)
    return start_of(dict(zip(result.parameter_names, result.params.tolist(), strict=True)), model)


def start_of(known: Mapping[str, float], model: Model) -> Real:
    """The parameters of a model of which some are known by name; what is new is zero, or nearly."""
    for name in known:
        if name not in model.parameter_names:
            raise InputError(f"the larger model has no parameter {name!r}, which the fitted one has: give it that one.")
    theta = np.array([known.get(name, 0.0) for name in model.parameter_names])
    natural = model.natural(theta)
    times = _relaxation_times(model, {name: natural[name] for name in known})
    for k, name in enumerate(model.parameter_names):
        if name not in known and natural[name] != 0.0:
            theta[k] = model.unconstrained({**natural, name: times.get(name, NEARLY_NOTHING)})[k]
    return theta


def _relaxation_times(model: Model, known: Mapping[str, float]) -> dict[str, float]:
    """How long a new T1 or T2 is that relaxes nearly nothing, where it is a parameter by itself."""
    found: dict[str, float] = {}
    circuit = getattr(model, "circuit", None)
    for operation in circuit if isinstance(circuit, Circuit) else ():
        if operation.instruction is not ThermalRelaxation:
            continue
        t1, t2, time, _ = operation.params
        long = max((time.constant if time.is_constant else 1.0) / NEARLY_NOTHING, NEARLY_NOTHING)
        relaxes = t1.value(known) if all(name in known for name in t1.names) else math.inf
        for expression, longest in ((t1, long), (t2, min(long, 2 * relaxes * (1 - NEARLY_NOTHING)))):
            for name, factor in expression.terms if len(expression.terms) == 1 else ():
                if name not in known and factor > 0:
                    found[name] = max(found.get(name, 0.0), longest / factor)
    return found
