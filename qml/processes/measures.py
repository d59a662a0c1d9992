"""How far apart two processes are: fidelities, unitarity, the diamond distance."""

from __future__ import annotations

import math

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml.losses.measures import fidelity
from qml.processes.process import Process, as_process


def process_fidelity(first: Process, second: Process) -> float:
    r"""The fidelity of two processes: that of their Choi states, from 0 to 1.

    .. math:: F = \left( \mathrm{Tr} \sqrt{\sqrt{J} J' \sqrt{J}} \right)^2

    With a unitary, F = Tr J J', also called the entanglement fidelity.

    Parameters
    ----------
    first, second : Process, or what :func:`as_process` takes for one

    Raises
    ------
    InputError
        If they do not have the same input and output sites.

    Examples
    --------
    >>> from qml import channels, gates
    >>> round(process_fidelity(channels.Depolarizing(0.1, 0), gates.X.inverse(())[0]), 6)
    0.025
    """
    one, other = _pair(first, second)
    return float(fidelity(one.choi, other.choi))


def average_gate_fidelity(process: Process, target: Process) -> float:
    r"""The mean fidelity of a process with a unitary over all pure inputs.

    .. math:: \bar F = \int d\psi\, \langle\psi| U^\dagger E(\psi) U |\psi\rangle = \frac{d F + 1}{d + 1}

    with F the process fidelity. Source: Horodecki et al. (1999), arXiv:quant-ph/9807091; Nielsen (2002),
    arXiv:quant-ph/0205035.

    Parameters
    ----------
    process, target : Process, or what :func:`as_process` takes for one
        The target must be unitary: for two noisy processes the formula does not hold.

    Raises
    ------
    InputError
        If the target is not unitary, or the sites differ.

    Examples
    --------
    >>> from qml import channels, gates
    >>> round(average_gate_fidelity(channels.Depolarizing(0.1, 0), gates.I), 6)
    0.95
    """
    one, other = _pair(process, target)
    if not other.is_unitary:
        raise InputError(
            f"the target must be unitary; found one with {other.rank} Kraus operators: use process_fidelity."
        )
    d = one.dim_in
    return (d * process_fidelity(one, other) + 1) / (d + 1)


def unitarity(process: Process) -> float:
    r"""How coherent the noise is: the mean of what is left of the purity beyond that of the identity part.

    .. math:: u = \frac{1}{d^2 - 1} \sum_{P, Q \ne 1} |R_{PQ}|^2
        = \frac{d^2\, \mathrm{Tr} J^2 - d\, \mathrm{Tr} E(1/d)^2}{d^2 - 1}

    From 0 to 1; 1 exactly for unitaries. Source: Wallman, Granade, Harper, Flammia (2015), arXiv:1503.07865.

    Parameters
    ----------
    process : Process, or what :func:`as_process` takes for one
        Of dimension at least 2, the same for input and output.

    Raises
    ------
    InputError
        If it is no process, or its input and output differ in dimension.

    Examples
    --------
    >>> from qml import channels, gates
    >>> round(unitarity(channels.Depolarizing(0.1, 0)), 6), round(unitarity(gates.H), 6)
    (0.81, 1.0)
    """
    found = as_process(process)
    d = found.dim_in
    if d != found.dim_out or d < 2:
        raise InputError(f"unitarity is of processes of one dimension d > 1; found {d} to {found.dim_out}.")
    image = found.apply(np.eye(d) / d)
    return float(np.clip((d**2 * found.choi.purity() - d * image.purity()) / (d**2 - 1), 0.0, 1.0))


def diamond_distance(first: Process, second: Process) -> float:
    r"""Half the diamond norm of the difference: the best chance to tell two processes apart in one use, rescaled.

    .. math:: \delta = \frac12 \lVert E - E' \rVert_\diamond = \max_{\rho} T\big((1 \otimes E)\rho,
        (1 \otimes E')\rho\big) = \min_{Z \ge 0,\, Z \ge d (J - J')} \lVert \mathrm{Tr}_{\text{out}} Z \rVert_\infty

    over inputs that may be entangled with a reference, with T the trace distance: from 0 to 1, and
    T(J, J') <= delta <= d T(J, J'). Guessing which of two was used succeeds with probability (1 + delta)/2 at best.
    A semidefinite program, solved by CVXPY (extra ``diamond``) to about 1e-5 of the distance, however small; O(D^6) for
    a Choi matrix of side D.
    Source: Watrous (2013), Chicago J. Theor. Comput. Sci. 8, arXiv:1207.5726.

    Parameters
    ----------
    first, second : Process, or what :func:`as_process` takes for one

    Raises
    ------
    InputError
        If CVXPY is not installed, or the sites differ.
    MemoryRefused
        If its D^4 numbers would not fit.

    Examples
    --------
    >>> from qml import channels, gates
    >>> round(diamond_distance(channels.PhaseFlip(0.1, 0), gates.I), 5)
    0.1
    """
    one, other = _pair(first, second)
    difference = one.dim_in * (one.choi.matrix() - other.choi.matrix())
    scale = float(np.abs(difference).max())  # of distances of any size: tolerances of solvers are absolute
    if not scale > 0 or one.dim_out == 1:  # where all are the trace
        return 0.0
    cvxpy = _checks.need("cvxpy", "diamond", "the diamond distance")
    d, d_out = one.dim_in, one.dim_out
    _checks.memory(f"the semidefinite program of dimension {d * d_out}", 16 * (d * d_out) ** 4, "use fewer sites")
    z, bound = cvxpy.Variable((d * d_out, d * d_out), hermitian=True), cvxpy.Variable()
    reduced = cvxpy.partial_trace(z, (d, d_out), axis=1)
    problem = cvxpy.Problem(
        cvxpy.Minimize(bound), [z >> 0, z - difference / scale >> 0, bound * np.eye(d) - reduced >> 0]
    )
    problem.solve()
    if problem.status not in ("optimal", "optimal_inaccurate") or not math.isfinite(problem.value):
        raise RuntimeError(f"CVXPY did not solve the semidefinite program: {problem.status}.")
    return float(min(max(scale * problem.value, 0.0), 1.0))


def _pair(first: object, second: object) -> tuple[Process, Process]:
    one, other = as_process(first, "first"), as_process(second, "second")
    if (one.dims_in, one.dims_out) != (other.dims_in, other.dims_out):
        raise InputError(
            f"the processes must have equal sites; found {_checks.told([one.dims_in, one.dims_out])} and "
            f"{_checks.told([other.dims_in, other.dims_out])}."
        )
    return one, other
