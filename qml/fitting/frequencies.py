r"""Parameter-shift rules: derivatives of circuits from the same circuits at other angles.

An expectation after a circuit is, in one parameter, a trigonometric polynomial whose frequencies Omega_r are the
differences of eigenvalues of the gate's generator (of sums of them, where gates share the parameter). Then

.. math:: h'(0) = \sum_{r=1}^R c_r \left[ h(x_r) - h(-x_r) \right], \qquad x_r = \frac{(2r-1)\pi}{2\,\Omega_{max}},
    \qquad 2 \sum_r c_r \sin(\Omega_k x_r) = \Omega_k \text{ for all } k.

Source: Wierichs, Izaac, Wang and Lin (2022), arXiv:2107.12390.
"""

from __future__ import annotations

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Real
from qml.instructions import Unitary
from qml.models import CircuitModel, Model
from qml.parameters import REAL_LINE

SAME = 1e-9
"""Frequencies that differ by less than this part of the largest are one."""
MOST = 64
"""The largest number of frequencies of a parameter."""


def frequencies(model: Model) -> list[Real]:
    """The frequencies > 0 of each parameter of a circuit model, ascending; a sentence where there is no such rule.

    Examples
    --------
    >>> from qml import Circuit, CircuitModel, gates
    >>> frequencies(CircuitModel(Circuit(2, [gates.RX("a", 0), gates.CRY("b", 0, 1)])))
    [array([1.]), array([0.5, 1. ])]
    """
    if not isinstance(model, CircuitModel) or model.parameter_names != model.circuit.compile().parameters:
        raise InputError(
            f"parameter shifts need a circuit model; found {type(model).__name__}: use an optimizer with analytic "
            "gradients, such as LBFGS()."
        )
    program = model.circuit.compile()
    found = [np.zeros(1) for _ in program.parameters]
    weights = program.weights.tocsr()
    for step in program.steps:
        for slot in range(step.start, step.stop):
            for entry in range(weights.indptr[slot], weights.indptr[slot + 1]):
                j, c = weights.indices[entry], abs(float(weights.data[entry]))
                name = program.parameters[j]
                if not isinstance(step.instruction, Unitary) or model.domains[name] != REAL_LINE:
                    raise InputError(
                        f"parameter shifts need unitary gates; {name!r} is a parameter of {step.instruction.name}: fix "
                        "its value, or use an optimizer with analytic gradients, such as LBFGS()."
                    )
                of_gate = c * _gate_frequencies(step.instruction, slot - step.start)
                all_of_gate = np.concatenate([-of_gate, [0.0], of_gate])
                found[j] = _distinct(np.abs(found[j][:, None] + all_of_gate).ravel())
                if len(found[j]) > MOST:
                    raise InputError(
                        f"the parameter {name!r} turns with more than {MOST} frequencies, too many for parameter "
                        "shifts: give its gates parameters of their own."
                    )
    return [f[1:] for f in found]


def shift_rule(omegas: Real) -> tuple[Real, Real]:
    """The shifts x_r and coefficients c_r, each (R,), for frequencies > 0.

    Examples
    --------
    >>> import numpy as np
    >>> x, c = shift_rule(np.array([1.0]))
    >>> (x / np.pi).round(6), c.round(6)
    (array([0.5]), array([0.5]))
    """
    if not len(omegas):
        return np.zeros(0), np.zeros(0)
    x = (2 * np.arange(len(omegas)) + 1) * np.pi / (2 * omegas[-1])
    return x, np.linalg.solve(2 * np.sin(np.outer(omegas, x)), omegas)


def shift_rules(model: Model) -> list[tuple[Real, Real]]:
    """The shifts and coefficients of each parameter of a circuit model; a sentence where there is no such rule."""
    return [shift_rule(omegas) for omegas in frequencies(model)]


def _gate_frequencies(gate: Unitary, k: int) -> Real:
    """Distinct differences > 0 of the eigenvalues of the generator i dU/dv_k U^dagger, which must not depend on v_k."""
    v = np.linspace(0.3, 1.7, gate.n_params)
    generators = []
    for value in (v[k], v[k] + 0.9):
        v[k] = value
        generators.append(1j * gate.derivatives(v)[k] @ gate.matrix(v).conj().T)
    first, second = generators
    if not np.allclose(first, second, atol=SAME):
        raise InputError(
            f"{gate.name} is no exponential of its parameter {gate.parameter_names[k]!r}, so it has no shift rule: use "
            "an optimizer with analytic gradients, such as LBFGS()."
        )
    values = np.linalg.eigvalsh(first)
    return _distinct(np.abs(values[:, None] - values).ravel())[1:]


def _distinct(values: Real) -> Real:
    """Ascending, rounded copies dropped; the first is 0 where one is."""
    ordered = np.sort(_checks.array("frequencies", values).real)
    return np.asarray(ordered[np.concatenate([[True], np.diff(ordered) > SAME * ordered[-1]])])
