r"""Relaxation and dephasing of one qubit.

Coherence is lost as a square root, :math:`c = \sqrt{1 - \gamma}`, whose derivative at :math:`\gamma = 1` is truly minus
infinity. An infinite derivative times a zero would be NaN and spoil a gradient, so what stands there is the derivative
at the largest float64 below 1, about -4.7e7: right in sign, huge, finite. In the unconstrained coordinate u of the
domain, where a fit moves, the exact product :math:`(dc/d\gamma)(d\gamma/du) = -\gamma \sqrt{1 - \gamma} / 2` vanishes
at that end, and the computed one is within 1e-8 of it at every u.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qml._checks import OutsideDomain
from qml._typing import Complex, Real
from qml.channels.kraus import nonzero
from qml.instructions import Channel
from qml.instructions.names import documented
from qml.parameters import HALF_LINE, UNIT

__all__ = [
    "AmplitudeDamping",
    "Damping",
    "GeneralizedAmplitudeDamping",
    "PhaseDamping",
    "ThermalRelaxation",
]

EPS, TINY = float(np.finfo(np.float64).eps), float(np.finfo(np.float64).tiny)


class Damping(Channel, is_kind=False):
    r"""A qubit whose populations relax and whose coherences shrink.

    .. math:: \rho_{11} \mapsto (1 - g) \rho_{11} + g e, \qquad \rho_{01} \mapsto c \rho_{01}, \qquad
        c = \sqrt{(1 - g)(1 - \lambda)}

    g is the relaxed part, e the excited population of the steady state and lambda the dephasing beyond what relaxation
    brings, all from 0 to 1; subclasses say how their parameters set them. The map is completely positive for all of
    these: its Choi matrix has the entries g (1 - e) and g e and a block of determinant
    :math:`(1 - g) \lambda + g^2 e (1 - e)`.

    Raises
    ------
    InputError
        Where, when it is placed, a parameter lies outside its domain.

    Examples
    --------
    >>> import numpy as np
    >>> AmplitudeDamping.kraus(np.array([0.36])).real
    array([[[1. , 0. ],
            [0. , 0.8]],
           [[0. , 0.6],
            [0. , 0. ]]])
    >>> ThermalRelaxation.parameter_names
    ('t1', 't2', 'time', 'excited_population')
    """

    dims = (2,)

    @abstractmethod
    def motion(self, params: Real) -> tuple[float, float, float, float]:
        """What the parameters say of the motion: g, e, c, lambda.

        Parameters
        ----------
        params : array (n_params,)
            In the order of `parameter_names`, in their domains.
        """

    @abstractmethod
    def motion_derivatives(self, params: Real) -> list[tuple[float, float, float]]:
        """The derivatives (dg, de, dc), one row a parameter; finite.

        Parameters
        ----------
        params : array (n_params,)
            In the order of `parameter_names`, in their domains.
        """

    def kraus(self, params: Real) -> Complex:
        g, e, c, lam = self.motion(params)
        stay_0, stay_1 = 1 - g * e, 1 - g * (1 - e)
        rest = (1 - g) * lam + g * g * e * (1 - e)
        pivot = max(stay_0, stay_1)  # at least 1/2, as they sum to 2 - g
        i, j = (0, 1) if stay_0 >= stay_1 else (1, 0)
        k = np.zeros((4, 2, 2), dtype=np.complex128)
        k[0, i, i] = math.sqrt(pivot)
        k[0, j, j] = c / math.sqrt(pivot)
        k[1, j, j] = math.sqrt(rest / pivot)
        k[2, 0, 1] = math.sqrt(g * (1 - e))
        k[3, 1, 0] = math.sqrt(g * e)
        return nonzero(k)

    def superoperator(self, params: Real) -> Complex:
        g, e, c, _ = self.motion(params)
        return _damping_superoperator(1.0, g, g * e, c)

    def superoperator_derivatives(self, params: Real) -> Complex:
        g, e, _, _ = self.motion(params)
        rows = self.motion_derivatives(params)
        return np.array([_damping_superoperator(0.0, dg, dg * e + g * de, dc) for dg, de, dc in rows])


def _damping_superoperator(one: float, g: float, g_e: float, c: float) -> Complex:
    """The superoperator, or (one = 0) its differential: it is linear in (one, g, g e, c)."""
    s = np.diag([one - g_e, c, c, one - g + g_e]).astype(np.complex128)
    s[0, 3] = g - g_e
    s[3, 0] = g_e
    return s


def _root_slope(x: float) -> float:
    """d sqrt(1 - x) / dx; at x = 1 that of the largest float64 below 1 (see the top of this file)."""
    return -0.5 / math.sqrt(max(1 - x, EPS / 2))


@dataclass(frozen=True, repr=False)
class _GeneralizedAmplitudeDamping(Damping):
    name = "GeneralizedAmplitudeDamping"
    parameter_names = ("gamma", "excited_population")
    domains = (UNIT, UNIT)

    def motion(self, params: Real) -> tuple[float, float, float, float]:
        gamma, e = map(float, params)
        return gamma, e, math.sqrt(1 - gamma), 0.0

    def motion_derivatives(self, params: Real) -> list[tuple[float, float, float]]:
        return [(1.0, 0.0, _root_slope(float(params[0]))), (0.0, 1.0, 0.0)]


@dataclass(frozen=True, repr=False)
class _AmplitudeDamping(Damping):
    name = "AmplitudeDamping"
    parameter_names = ("gamma",)
    domains = (UNIT,)

    def motion(self, params: Real) -> tuple[float, float, float, float]:
        gamma = float(params[0])
        return gamma, 0.0, math.sqrt(1 - gamma), 0.0

    def motion_derivatives(self, params: Real) -> list[tuple[float, float, float]]:
        return [(1.0, 0.0, _root_slope(float(params[0])))]


@dataclass(frozen=True, repr=False)
class _PhaseDamping(Damping):
    name = "PhaseDamping"
    parameter_names = ("lambda",)
    domains = (UNIT,)

    def motion(self, params: Real) -> tuple[float, float, float, float]:
        lam = float(params[0])
        return 0.0, 0.0, math.sqrt(1 - lam), lam

    def motion_derivatives(self, params: Real) -> list[tuple[float, float, float]]:
        return [(0.0, 0.0, _root_slope(float(params[0])))]


@dataclass(frozen=True, repr=False)
class _ThermalRelaxation(Damping):
    name = "ThermalRelaxation"
    parameter_names = ("t1", "t2", "time", "excited_population")
    defaults: ClassVar[Mapping[str, float]] = {"excited_population": 0.0}
    domains = (HALF_LINE, HALF_LINE, HALF_LINE, UNIT)

    def check(self, params: Real) -> None:
        super().check(params)
        t1, t2 = params[:2]
        for label, t in (("t1", t1), ("t2", t2)):
            if t < TINY:
                raise OutsideDomain(f"{self.name}: {label} must be positive, at least {TINY:.3g}; found {t:.3g}.")
        if t2 / 2 > t1 / (1 - 4 * EPS):
            raise OutsideDomain(f"{self.name}: t2 must be at most 2 t1 = {2 * float(t1):.12g}; found {t2:.12g}.")

    def motion(self, params: Real) -> tuple[float, float, float, float]:
        t1, t2, time, e = map(float, params)
        dephasing = max(0.0, 2 * (time / t2) - time / t1)
        return -math.expm1(-time / t1), e, math.exp(-time / t2), -math.expm1(-dephasing)

    def motion_derivatives(self, params: Real) -> list[tuple[float, float, float]]:
        t1, t2, time, _ = map(float, params)
        x1, x2 = (min(time / t, 1e4) for t in (t1, t2))  # from 746 on, exp(-x) is zero in float64
        p, c = math.exp(-x1), math.exp(-x2)
        return [(-x1 * p / t1, 0.0, 0.0), (0.0, 0.0, x2 * c / t2), (p / t1, 0.0, -c / t2), (0.0, 1.0, 0.0)]


AmplitudeDamping = documented(
    _AmplitudeDamping(),
    """Decay to |0> with probability gamma: populations of |1> times 1 - gamma, coherences times sqrt(1 - gamma).""",
)
GeneralizedAmplitudeDamping = documented(
    _GeneralizedAmplitudeDamping(),
    """Relaxation by gamma towards a mixed state with the given excited population (0: AmplitudeDamping).""",
)
PhaseDamping = documented(_PhaseDamping(), """Coherences times sqrt(1 - lambda).""")
ThermalRelaxation = documented(
    _ThermalRelaxation(),
    r"""Relaxation towards `excited_population` during `time`, with the constants t1 and t2 <= 2 t1.

.. math:: \rho_{11} - e \mapsto e^{-t/T_1} (\rho_{11} - e), \qquad \rho_{01} \mapsto e^{-t/T_2} \rho_{01}

Exact on the whole of T2 <= 2 T1, T2 > T1 included, where no mixture of reset and phase flip serves. Every parameter is
finite: a qubit that does not relax at all has :data:`PhaseDamping`, or a t1 as large as 1e300. The limit ties t1 and t2
together, and a fit that steps beyond it is refused; :data:`GeneralizedAmplitudeDamping` and :data:`PhaseDamping` one
after the other reach the same channels with independent domains.
""",
    t1="Relaxation time T1, above 0, in any unit of time.",
    t2="Coherence time T2, above 0 and at most 2 T1, in that unit.",
    time="How long it relaxes, in that unit.",
    excited_population="Population of |1> in equilibrium, from 0 to 1.",
)
