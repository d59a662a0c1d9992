r"""What a metric is: a symmetric matrix in the parameters, assembled or only applied; and the monotone metrics.

A monotone metric (one that no quantum channel increases) is one weight function of a pair of eigenvalues: in the
eigenbasis of sigma with eigenvalues e^{l_a},

.. math:: g(A, B) = \sum_{ab} c(e^{l_a}, e^{l_b})\; \mathrm{Re}\, A_{ab}^* B_{ab}, \qquad
    c(x, y) = \frac{s(\delta)}{\max(x, y)}, \quad \delta = l_< - l_> \le 0.

All three have s(0) = 1: on commuting families each is the classical Fisher information.
Source: Petz (1996), Linear Algebra Appl. 244, 81.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np

from qml import _checks, spectral
from qml._arrays import as_real, namespace
from qml._typing import ArrayLike, Integer, Real


def _bkm(gap: Real) -> Real:
    """(log x - log y)/(x - y): s = delta / expm1(delta)."""
    xp = namespace(gap)
    safe = xp.minimum(gap, -spectral.TINY)  # for which the quotient is 1, as its limit is
    return as_real(safe / xp.expm1(safe))


def _bures(gap: Real) -> Real:
    """2/(x + y): s = 2 / (1 + e^delta)."""
    return as_real(2.0 / (1.0 + namespace(gap).exp(gap)))


def _wigner_yanase(gap: Real) -> Real:
    """4/(sqrt x + sqrt y)^2: s = 4 / (1 + e^{delta/2})^2."""
    return as_real(4.0 / (1.0 + namespace(gap).exp(gap / 2)) ** 2)


KINDS: dict[str, Callable[[Real], Real]] = {"bkm": _bkm, "bures": _bures, "wigner_yanase": _wigner_yanase}
"""Each metric's s(delta) by name, smaller metrics last: bures <= wigner_yanase <= bkm."""


def state_weights(kind: str, logs_a: Real, logs_b: Real) -> Real:
    """c(e^{l_a}, e^{l_b}) for finite l_>; broadcasts. With l_< = -inf it is 2/x (Bures), 4/x (Wigner-Yanase), inf."""
    xp = namespace(logs_a, logs_b)
    larger = xp.maximum(logs_a, logs_b)
    gap = xp.minimum(logs_a, logs_b) - larger
    with np.errstate(over="ignore"):
        return as_real(xp.minimum(xp.exp(-logs_a), xp.exp(-logs_b)) * KINDS[kind](gap))


def gibbs_weights(kind: str, logs_a: Real, logs_b: Real) -> Real:
    r"""c times the squared slope of exp: what an exponential family puts on pairs of its dK_ab; at most e^{l_>}.

    .. math:: c(e^{l_a}, e^{l_b}) \left( \frac{e^{l_a} - e^{l_b}}{l_a - l_b} \right)^2
        = e^{l_>}\, s(\delta) \left( \frac{e^\delta - 1}{\delta} \right)^2

    For the Bogoliubov-Kubo-Mori metric that is the logarithmic mean of the eigenvalues. Nothing over- or underflows
    that should not, however far apart they are.
    """
    larger = np.maximum(logs_a, logs_b)
    gap = np.minimum(logs_a, logs_b) - larger
    slope = np.divide(np.expm1(gap), gap, out=np.ones_like(gap), where=gap != 0.0)
    out = np.exp(larger) * slope
    return out if kind == "bkm" else np.asarray(out * (KINDS[kind](gap) * slope))


class Metric(ABC):
    """A metric at one theta: positive semidefinite, in nats over products of parameter units.

    Parameters
    ----------
    kind : {"bkm", "bures", "wigner_yanase"}
    n_params : int
        p, the number of parameters.

    Raises
    ------
    InputError
        For another kind.

    Examples
    --------
    >>> from qml import GibbsModel
    >>> found = GibbsModel(["X", "Z"]).metric([0.0, 0.0])
    >>> found, found.product([1.0, 2.0])
    (GibbsMetric('bkm', 2 parameters), array([1., 2.]))
    """

    def __init__(self, kind: str, n_params: int) -> None:
        self.kind = _checks.choice("kind", kind, KINDS)
        self.n_params = n_params

    @abstractmethod
    def matrix(self) -> Real:
        """g (p, p), symmetric."""

    def blocks(self) -> tuple[Integer, Real] | None:
        """Parameters in groups of one size (k, q), each in one group, and the block of g that belongs to each group
        (k, q, q); None where they would cost as much as all of g."""
        return None

    def product(self, vector: ArrayLike) -> Real:
        """The product g v (p,), computed without the matrix g: for conjugate gradients.

        Parameters
        ----------
        vector : array (p,)
            v, in units of the parameters.

        Raises
        ------
        InputError
            If it has another shape or is not finite.
        """
        return self._product(_checks.parameters("vector", vector, self.n_params))

    def _product(self, v: Real) -> Real:
        """g v (p,); a metric that can do without g says so."""
        return np.asarray(self.matrix() @ v)

    def _fits(self, needed: int) -> None:
        """Refuse, before anything is allocated, a matrix g that would take more memory than there is."""
        what = f"the metric of {_checks.plural(self.n_params, 'parameter')}"
        _checks.memory(what, needed, "use its products with vectors (solver 'cg')")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.kind!r}, {_checks.plural(self.n_params, 'parameter')})"


@runtime_checkable
class HasMetric(Protocol):
    """A family of states with a metric: every model.

    Examples
    --------
    >>> from qml import CholeskyModel
    >>> isinstance(CholeskyModel(1), HasMetric)
    True
    """

    def metric(self, params: ArrayLike, kind: str = "bkm", *, tolerance: float = 0.0) -> Metric:
        """The metric at theta; see :func:`metric`.

        Parameters
        ----------
        params : array (p,)
            theta.
        kind : {"bkm", "bures", "wigner_yanase"}
        tolerance : float
            What a family may leave out for speed, relative.
        """


def metric(model: HasMetric, params: ArrayLike, kind: str = "bkm") -> Real:
    r"""A monotone metric of a family of states, in its parameters.

    .. math:: g_{ij} = \sum_{ab} c(\lambda_a, \lambda_b)\,
        \langle a | \partial_i \sigma | b \rangle \langle b | \partial_j \sigma | a \rangle

    ==================  ==================================  =====================================================
    kind                c(x, y)                             is
    ==================  ==================================  =====================================================
    ``bkm``             (log x - log y)/(x - y)             the Bogoliubov-Kubo-Mori metric: second order of
                                                            D(sigma||sigma'), D = d.g.d/2; of a Gibbs model, the
                                                            Hessian of S(rho, sigma), whatever rho
    ``bures``           2/(x + y)                           the quantum Fisher information (SLD), four times the
                                                            Bures metric: 1 - F = d.g.d/4 to second order, F the
                                                            squared fidelity, along states of unchanged rank
    ``wigner_yanase``   4/(sqrt x + sqrt y)^2               4 Tr(d sqrt(sigma))^2
    ==================  ==================================  =====================================================

    All are normalised to the classical Fisher information where everything commutes, and
    ``bures <= wigner_yanase <= bkm`` as matrices.

    Parameters
    ----------
    model : Model
    params : array (p,)
        theta.
    kind : {"bkm", "bures", "wigner_yanase"}

    Returns
    -------
    array (p, p)
        Symmetric, positive semidefinite.

    Raises
    ------
    InputError
        Where the model has no forward derivatives, and for ``bkm`` where sigma is of deficient rank and a derivative
        leaves its support: that metric is infinite there.

    Notes
    -----
    Pairs of eigenvectors that both count as kernel (the support policy: computed eigenvalues up to 4 d eps lambda_max)
    contribute nothing. Gibbs models: the eigen-decomposition and m d^3 operations for m generators, half of them for
    the symmetry, in real arithmetic where all generators are real. Other models: p forward derivatives and 2 p products
    of d x d matrices. Source: Petz (1996), Linear Algebra Appl. 244, 81; Braunstein and Caves (1994), PRL 72, 3439.

    Examples
    --------
    >>> from qml import GibbsModel, pauli
    >>> model = GibbsModel([pauli("X"), pauli("Z")])
    >>> metric(model, [0.0, 0.0])
    array([[1., 0.],
           [0., 1.]])
    >>> metric(model, [0.0, 1.0]).round(4)
    array([[0.7616, 0.    ],
           [0.    , 0.42  ]])
    """
    if not isinstance(model, HasMetric) or isinstance(model, type):
        raise _checks.InputError(f"model must be a Model, such as GibbsModel; found {_checks.shown(model)}.")
    return model.metric(params, kind).matrix()
