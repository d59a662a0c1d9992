"""Mixtures of models, with weights that are learnt beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import scipy.special

from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Cotangent, Dims, ParamsLike, Real
from qml.models.base import Model, Parametrized
from qml.models.parts import Composite, members_of
from qml.spectral import log_softmax
from qml.states.base import State
from qml.states.coercion import StateLike
from qml.states.density_matrix import DensityMatrix
from qml.states.gibbs import GibbsState


class _Weights(Parametrized):
    """The weights w_1, ..., w_{m-1} of a mixture, by their log-odds against w_0; equal at the start."""

    def __init__(self, members: int) -> None:
        self._names = tuple(f"w_{k}" for k in range(1, members))

    def init_params(self, rng: np.random.Generator) -> Real:
        return np.zeros(self.n_params)

    def natural(self, params: ParamsLike = ()) -> dict[str, float]:
        weights = np.exp(_log_weights(self.theta(params))[1:])
        return dict(zip(self._names, weights.tolist(), strict=True))

    def unconstrained(self, values: Mapping[str, float]) -> Real:
        weights = super().unconstrained(values)
        rest = 1.0 - float(weights.sum())
        if (weights <= 0).any() or rest <= 0:
            raise InputError(
                f"values: weights must be positive and leave a positive rest for w_0; found {weights.tolist()}."
            )
        return np.asarray(np.log(weights) - np.log(rest))


def _log_weights(odds: Real) -> Real:
    return log_softmax(np.concatenate([[0.0], odds]))


class MixtureModel(Composite, Model):
    r"""A convex combination of models on the same sites, weights and members learnt together.

    .. math:: \sigma = \sum_k w_k\, \sigma_k(\theta_k), \qquad w = \mathrm{softmax}(0, u_1, \dots, u_{m-1})

    Of full rank as soon as one member is: mix a low-rank model with ``maximally_mixed(dims)`` to make S(rho, sigma)
    finite. Of diagonal members it is a classical mixture model, stays diagonal and is known by its logarithms; of
    members held as factors, the factors side by side, as long as they have no more columns than rows.

    Parameters
    ----------
    members : sequence of Model or State
        At least one, with equal dims; a State is held fixed.

    Raises
    ------
    InputError
        If dims differ, or there is no member.

    Notes
    -----
    theta holds the log-odds u of the weights against member 0 first, then the members' parameters, called ``k.name``;
    :meth:`natural` gives the weights w_1, ..., w_{m-1} (w_0 is the rest). A state costs those of all members and, for
    the logarithm of a sum of matrices, an eigen-decomposition, O(d^3). The fit is not convex: members can trade
    places, and one that starts far from the target may lose its weight; restarts help.

    Examples
    --------
    >>> from qml.states import basis_state, maximally_mixed
    >>> model = MixtureModel([basis_state("0"), maximally_mixed((2,))])
    >>> model.parameter_names
    ('w_1',)
    >>> model.state(model.unconstrained({"w_1": 0.5})).probabilities()
    array([0.75, 0.25])
    """

    def __init__(self, members: Sequence[Model | StateLike]) -> None:
        self.members = members_of("a mixture", members)
        self.dims = self.members[0].dims
        for k, member in enumerate(self.members):
            if member.dims != self.dims:
                raise InputError(
                    f"the members of a mixture need equal dims; found {self.dims} (0) and {member.dims} ({k})."
                )
        prefixes = ["", *(f"{k}." for k in range(len(self.members)))]
        self._join("a mixture", [_Weights(len(self.members)), *self.members], prefixes)

    @property
    def has_full_rank(self) -> bool:
        return any(member.has_full_rank for member in self.members)

    def state(self, params: ParamsLike = ()) -> State:
        log_w, parts = self._at(params)
        return _mixed(log_w, [m.state(part) for m, part in zip(self.members, parts, strict=True)], self.dims)[0]

    def state_vjp(self, params: ParamsLike = ()) -> tuple[State, Callable[[Cotangent], Real]]:
        log_w, parts = self._at(params)
        w = np.exp(log_w)
        states, pulls = zip(*(m.state_vjp(part) for m, part in zip(self.members, parts, strict=True)), strict=True)
        mixture, unmix = _mixed(log_w, states, self.dims)

        def pull(cotangent: Cotangent) -> Real:
            weighted, cotangents = unmix(cotangent)
            odds = (weighted - w * weighted.sum())[1:]
            return np.concatenate([odds, *(p(c) for p, c in zip(pulls, cotangents, strict=True))])

        return mixture, pull

    def state_jvp(self, params: ParamsLike = ()) -> tuple[State, Callable[[ArrayLike], Complex]]:
        log_w, parts = self._at(params)
        w = np.exp(log_w)
        states, pushes = zip(*(m.state_jvp(part) for m, part in zip(self.members, parts, strict=True)), strict=True)

        def push(v: ArrayLike) -> Complex:
            odds, *along = self._directions(v)
            du = np.concatenate([np.zeros((*odds.shape[:-1], 1)), odds], axis=-1)
            dw = w * (du - (du @ w)[..., None])
            out = np.tensordot(dw, np.array([s.matrix() for s in states]), axes=1)
            for x, member_push, part in zip(w, pushes, along, strict=True):
                out += x * member_push(part)
            return np.asarray(out)

        return _mixed(log_w, states, self.dims)[0], push

    def _at(self, params: ParamsLike) -> tuple[Real, list[Real]]:
        """log w (m,), and the parameters of each member."""
        odds, *parts = self.split(params)
        return _log_weights(odds), parts

    def __repr__(self) -> str:
        return f"MixtureModel([{', '.join(map(repr, self.members))}])"


def _mixed(
    log_w: Real, states: Sequence[State], dims: Dims
) -> tuple[State, Callable[[Cotangent], tuple[Real, list[Cotangent]]]]:
    """sum_k w_k sigma_k, and the way back: w_k dL/dw_k (m,) and the cotangent of each sigma_k."""
    w = np.exp(log_w)
    if all(s.is_diagonal for s in states):
        shares = log_w[:, None] + np.array([s.spectrum().log_eigenvalues for s in states])
        logs = scipy.special.logsumexp(shares, axis=0)
        if np.isfinite(logs).all():  # also where float64 does not hold the probabilities
            shares = np.exp(shares - logs)

            def from_energies(g: Cotangent) -> tuple[Real, list[Cotangent]]:
                x = -g * shares
                return x.sum(axis=1), [s._pull_log_of_diagonal(row) for s, row in zip(states, x, strict=True)]

            return GibbsState._trusted(-logs, dims, diagonal=True), from_energies
        p = np.array([s.probabilities() for s in states])

        def from_diagonal(g: Cotangent) -> tuple[Real, list[Cotangent]]:
            return w * (p @ g), [s._pull_diagonal(weight * g) for weight, s in zip(w, states, strict=True)]

        return DensityMatrix.from_probabilities(w @ p, dims), from_diagonal
    held = [s.factor for s in states if s.factor is not None]
    roots = np.sqrt(w)
    if len(held) == len(states) and sum(a.shape[1] for a in held) <= states[0].dim:
        cuts = np.cumsum([a.shape[1] for a in held])[:-1]

        def from_factor(c: Cotangent) -> tuple[Real, list[Cotangent]]:
            blocks = [root * block for root, block in zip(roots, np.split(c, cuts, axis=1), strict=True)]
            overlaps = [np.vdot(block, a).real / 2 for block, a in zip(blocks, held, strict=True)]
            return np.array(overlaps), blocks

        joint = np.concatenate([root * a for root, a in zip(roots, held, strict=True)], axis=1)
        return DensityMatrix.from_factor(joint, dims), from_factor
    matrices = np.array([s.matrix() for s in states])

    def from_matrix(g: Cotangent) -> tuple[Real, list[Cotangent]]:
        means = np.array([np.vdot(g, m).real for m in matrices])
        return w * means, [s.pull_matrix(weight * g) for weight, s in zip(w, states, strict=True)]

    return DensityMatrix._trusted(np.tensordot(w, matrices, axes=1), dims), from_matrix
