"""The curvature of an objective: what second-order optimizers ask for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from qml._checks import InputError
from qml._typing import Integer, Real
from qml.fitting.priors import Laplace, Prior
from qml.geometry import Metric
from qml.losses import Loss
from qml.models import Conditioned, Model
from qml.optimizers import LBFGS, Newton, Optimizer, as_optimizer
from qml.optimizers.linear import DENSE_UP_TO
from qml.states import State

CURVED_UP_TO = 2048
"""Parameters of a conditional model with a prior up to which Newton's method is the default."""


class Curved(ABC):
    """An objective's Hessian, and the metric of its model: those of the model, plus the curvature of the prior."""

    model: Model
    target: Any
    loss: Loss
    prior: Prior | None
    n_params: int

    @abstractmethod
    def state(self, params: Real) -> State:
        """sigma_theta."""

    @property
    def has_hessian(self) -> bool:
        """Whether the Hessian is known: for a cross entropy and an exponential family, where it is the metric."""
        return self.loss.is_cross_entropy and self.model.is_exponential_family and not self.loss.parameter_names

    @property
    def default_optimizer(self) -> Optimizer:
        """Newton's method where the Hessian is known, up to 128 parameters, or 2048, by conjugate gradients, of a
        conditional model with a prior and more examples than inputs; for a cross entropy of other models of at most
        128, the one that suits the model: the natural gradient for a :class:`~qml.models.CholeskyModel` of full rank,
        which comes close to any target, and :class:`~qml.optimizers.NaturalLBFGS` for a
        :class:`~qml.models.HiddenGibbsModel`. Else L-BFGS, also for a Laplace prior, over whose rounded kinks Newton's
        method may take a thousand steps.

        Examples
        --------
        >>> from qml import GibbsModel, ghz
        >>> from qml.fitting import Objective
        >>> Objective.of(GibbsModel(["XX", "ZI", "IZ"]), ghz(2)).default_optimizer
        Newton(solver='auto')
        >>> Objective.of(GibbsModel.all_paulis(4, weight=4), ghz(4)).default_optimizer
        LBFGS(memory=10)
        >>> from qml import CholeskyModel
        >>> Objective.of(CholeskyModel(2), ghz(2)).default_optimizer
        NaturalGradient(metric='bkm', learning_rate=1.0, damping=0.001, solver='auto')
        >>> from qml import HiddenGibbsModel
        >>> Objective.of(HiddenGibbsModel.all_paulis(3), ghz(2)).default_optimizer
        NaturalLBFGS(metric='bkm', memory=10)
        """
        if isinstance(self.prior, Laplace):
            return LBFGS()
        is_small = self.n_params <= DENSE_UP_TO
        if self.has_hessian and (is_small or self._is_preconditioned):
            return Newton()
        has_metric = self.loss.is_cross_entropy and not self.loss.parameter_names
        return as_optimizer(self.model.suited_optimizer) if is_small and has_metric else LBFGS()

    @property
    def _is_preconditioned(self) -> bool:
        """Whether conjugate gradients take few products: all directions are curved, and blocks of the Hessian are
        known."""
        if self.prior is None or not isinstance(self.model, Conditioned) or self.n_params > CURVED_UP_TO:
            return False
        count, inputs = self.model.inputs.shape
        return bool(count > inputs)

    def hessian(self, params: Real, *, tolerance: float = 0.0) -> Metric:
        """The Hessian of f, assembled or only applied.

        Parameters
        ----------
        params : array (n_params,)
        tolerance : float
            As in :class:`~qml.geometry.GibbsMetric`: what may be left out for speed.

        Raises
        ------
        InputError
            Where it is not known: see :attr:`has_hessian`.
        """
        if not self.has_hessian:
            raise InputError(
                "Newton's method needs a cross entropy of an exponential family, such as a GibbsModel; found "
                f"{type(self.loss).__name__} and {type(self.model).__name__}: use NaturalGradient() or LBFGS()."
            )
        weights = self.loss.member_weights(self.target)
        hessian = self.model.metric(params, tolerance=tolerance, state=self.state(params), weights=weights)
        return hessian if self.prior is None else Shifted(hessian, self.prior.curvature(params))

    def metric(self, params: Real, kind: str = "bkm") -> Metric:
        """A metric of the model, plus the curvature of the prior; see :func:`qml.geometry.metric`.

        Parameters
        ----------
        params : array (n_params,)
        kind : {"bkm", "bures", "wigner_yanase"}

        Raises
        ------
        InputError
            For a loss with parameters of its own, or a model without forward derivatives.
        """
        self._no_loss_parameters("a metric")
        weights = self.loss.member_weights(self.target)
        metric = self.model.metric(params, kind, state=self.state(params), weights=weights)
        return metric if self.prior is None else Shifted(metric, self.prior.curvature(params))

    def _no_loss_parameters(self, what: str) -> None:
        if self.loss.parameter_names:
            raise InputError(
                f"{what} of {type(self.loss).__name__}, which has parameters of its own, is not defined: use an "
                "optimizer that works from gradients, such as LBFGS()."
            )


class Shifted(Metric):
    """A metric plus a diagonal."""

    def __init__(self, metric: Metric, diagonal: Real) -> None:
        super().__init__(metric.kind, metric.n_params)
        self._metric, self._diagonal = metric, diagonal

    def matrix(self) -> Real:
        return self._metric.matrix() + np.diag(self._diagonal)

    def blocks(self) -> tuple[Integer, Real] | None:
        found = self._metric.blocks()
        if found is not None:
            np.einsum("kqq->kq", found[1])[...] += self._diagonal[found[0]]  # a view of the diagonals
        return found

    def _product(self, v: Real) -> Real:
        return self._metric.product(v) + self._diagonal * v
