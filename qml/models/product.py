"""Products of models over subsystems."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from qml._typing import ArrayLike, Complex, Cotangent, ParamsLike, Real
from qml.models.base import Model
from qml.models.parts import Composite, members_of
from qml.operators.sites import kron
from qml.states.base import State
from qml.states.coercion import StateLike, as_single_state
from qml.states.cross_entropy import marginals
from qml.states.product import ProductState


class ProductModel(Composite, Model):
    r"""Models side by side, without correlations between them.

    .. math:: \sigma = \sigma_1(\theta_1) \otimes \dots \otimes \sigma_m(\theta_m), \qquad
        S(\rho, \sigma) = \sum_k S(\rho_k, \sigma_k)

    with rho_k the reduced states of rho, which may be correlated. The loss is a sum over the factors, so that they can
    be learnt independently and in parallel: :func:`qml.fitting.factors.fit_factors`. Correlations of rho are out of
    reach: the best product has S(rho, sigma) = sum_k S(rho_k), above S(rho) by the total correlation of rho.

    Parameters
    ----------
    factors : sequence of Model or State
        At least one, in the order of the sites; a State is held fixed.

    Raises
    ------
    InputError
        If there is no factor, or one is neither a model nor a state.

    Notes
    -----
    The parameters of factor k are called ``k.name``. A state costs those of the factors, and so does S beside the
    partial traces of rho; no matrix of the joint dimension is formed for it.

    Examples
    --------
    >>> from qml import GibbsModel, ghz, pauli
    >>> model = ProductModel([GibbsModel(pauli("Z")), GibbsModel(pauli("X"))])
    >>> model.dims, model.parameter_names
    ((2, 2), ('0.Z', '1.X'))
    >>> round(-float(model.state([0.0, 0.0]).log_expectation(ghz(2))), 6)
    1.386294
    """

    def __init__(self, factors: Sequence[Model | StateLike]) -> None:
        self.factors = members_of("a product", factors)
        self.dims = tuple(d for factor in self.factors for d in factor.dims)
        self._join("a product", self.factors, [f"{k}." for k in range(len(self.factors))])

    @property
    def has_full_rank(self) -> bool:
        return all(factor.has_full_rank for factor in self.factors)

    def marginals(self, rho: StateLike) -> list[State]:
        """The reduced states of a state on the subsystems, one a factor.

        Parameters
        ----------
        rho : State, array (d, d) or (d,), or Qobj
            On the sites of the model.

        Raises
        ------
        InputError
            If `rho` is not a state, is a batch, or is on other sites.
        """
        return marginals(as_single_state(rho, self.dims, "rho"), [factor.dims for factor in self.factors])

    def state(self, params: ParamsLike = ()) -> ProductState:
        return ProductState([f.state(part) for f, part in zip(self.factors, self.split(params), strict=True)])

    def state_vjp(self, params: ParamsLike = ()) -> tuple[ProductState, Callable[[Cotangent], Real]]:
        parts = zip(self.factors, self.split(params), strict=True)
        states, pulls = zip(*(factor.state_vjp(part) for factor, part in parts), strict=True)

        def pull(cotangents: Cotangent) -> Real:
            return np.concatenate([p(c) for p, c in zip(pulls, cotangents, strict=True)])

        return ProductState(states), pull

    def state_jvp(self, params: ParamsLike = ()) -> tuple[State, Callable[[ArrayLike], Complex]]:
        parts = zip(self.factors, self.split(params), strict=True)
        states, pushes = zip(*(factor.state_jvp(part) for factor, part in parts), strict=True)

        def push(v: ArrayLike) -> Complex:
            along, matrices = self._directions(v), [s.matrix() for s in states]
            terms = [
                functools.reduce(kron, [*matrices[:k], member_push(part), *matrices[k + 1 :]])
                for k, (member_push, part) in enumerate(zip(pushes, along, strict=True))
            ]
            return np.asarray(np.sum(terms, axis=0))

        return ProductState(states), push

    def __repr__(self) -> str:
        return f"ProductModel([{', '.join(map(repr, self.factors))}])"
