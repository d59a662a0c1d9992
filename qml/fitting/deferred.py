"""Deferred measurement: copies of the data are measured in the model's own eigenbasis, when the model asks."""

from __future__ import annotations

import math
import time
from functools import cached_property
from typing import Any, Literal

import numpy as np

from qml import _checks, threads
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, ParamsLike, Real
from qml.fitting.estimates import DeferredRun, GradientEstimate, ShotEstimate, means, of_shots
from qml.fitting.frequencies import shift_rules
from qml.fitting.provenance import provenance
from qml.fitting.result import FitResult, History, Restart
from qml.fitting.run import streams_of
from qml.losses import cross_entropy
from qml.measurement.sampling import multinomial
from qml.models.circuit import CircuitModel
from qml.models.gibbs import GibbsModel
from qml.models.spectral import SpectralModel
from qml.optimizers import Optimizer
from qml.optimizers.base import evaluate
from qml.states import as_single_state
from qml.states.base import State

SCHEDULES = ("fresh", "common")


class DeferredCrossEntropy:
    r"""The cross entropy S(rho, sigma_theta) and its gradient, estimated by measuring copies of rho.

    .. math:: S = \mathbb{E}_x[-\log s_x], \qquad x \sim \langle v_x | \rho | v_x \rangle, \qquad
        \sigma = \sum_x s_x |v_x\rangle\langle v_x|

    A copy that is rotated by the model's V^dagger and then measured gives -log s_x: unbiased, with the variance
    [Tr rho (log sigma)^2 - (Tr rho log sigma)^2] a shot. Nothing is lost by measuring: the empirical state of these
    outcomes has exactly their likelihood as its cross entropy. But the basis moves with theta, so that every update
    costs fresh copies. What each parameter needs:

    ==========================  ======================================================================
    spectrum (SpectralModel)    the shots of the value
    angle (SpectralModel)       shots in the bases at shifted angles; two for a Pauli rotation
    theta_j (GibbsModel)        shots of G_j, for <G_j>_rho - <G_j>_sigma; the model's own is computed
    ==========================  ======================================================================

    The copies of one evaluation are shared out equally between all these bases.

    Parameters
    ----------
    model : SpectralModel or GibbsModel
    rho : State
        The data, here simulated.
    copies : int
        For each evaluation of value and gradient.
    rng : numpy Generator
    schedule : {"fresh", "common"}
        Fresh random numbers at every evaluation, as with fresh copies; or the same ones each time (common random
        numbers), for which differences between nearby parameters have little noise.

    Raises
    ------
    InputError
        For another model, other dims, or fewer copies than two for each basis.

    Notes
    -----
    A :class:`~qml.optimizers.Differentiable`, so that optimizers can run on it. Source: Zhou Shangnan and Yixu Wang
    (2021), arXiv:2102.11887; shift rules: arXiv:2107.12390.

    Examples
    --------
    >>> import numpy as np
    >>> from qml import GibbsModel, cross_entropy, thermal
    >>> from qml.operators import tfim
    >>> rho, model = thermal(tfim(2), 1.0), GibbsModel(tfim(2))
    >>> deferred = DeferredCrossEntropy(model, rho, copies=40_000, rng=np.random.default_rng(0))
    >>> found = deferred.evaluate([-0.5, -0.5, -0.5])
    >>> low, high = found.value.interval(0.99)
    >>> bool(low < cross_entropy(rho, model.state([-0.5, -0.5, -0.5])) < high), found.copies
    (True, 40000)
    """

    def __init__(
        self,
        model: SpectralModel | GibbsModel,
        rho: State,
        *,
        copies: int,
        rng: np.random.Generator,
        schedule: str = "fresh",
    ) -> None:
        if not isinstance(model, SpectralModel | GibbsModel):
            raise InputError(
                f"deferred measurement needs a SpectralModel or a GibbsModel; found {type(model).__name__}: other "
                "models would need an observable for each parameter."
            )
        self.model = model
        self.rho = as_single_state(rho, model.dims, "rho")
        self.schedule = _checks.choice("schedule", schedule, SCHEDULES)
        self.copies = _checks.integer("copies", copies, low=1, high=2**62)
        if self.copies < 2 * self.n_bases:
            raise InputError(
                f"copies must be at least two for each of the {self.n_bases} bases that value and gradient need, "
                f"{2 * self.n_bases}; found {copies}."
            )
        self._rng = _checks.generator("rng", rng)
        self._common = int(rng.integers(2**63)) if schedule == "common" else 0
        self.copies_used = 0
        self.latest: GradientEstimate | None = None

    def __repr__(self) -> str:
        return f"<DeferredCrossEntropy: {self.model!r}, {self.copies} copies in {self.n_bases} bases, {self.schedule}>"

    @cached_property
    def n_bases(self) -> int:
        """In how many bases copies are measured for one gradient."""
        if isinstance(self.model, GibbsModel):
            return 1 + self.model.n_params
        return 1 + 2 * sum(len(shifts) for shifts, _ in self._rules)

    @cached_property
    def _rules(self) -> list[tuple[Real, Real]]:
        """Shifts and coefficients for every angle."""
        assert isinstance(self.model, SpectralModel)
        return shift_rules(CircuitModel(self.model.circuit))

    def estimate(self, params: ArrayLike, shots: int) -> ShotEstimate:
        """The cross entropy alone, from copies measured in the model's eigenbasis.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta of the model, or the natural value of every parameter by name.
        shots : int
            How many copies, at least 1.

        Returns
        -------
        ShotEstimate
            In nats, with its standard error.

        Raises
        ------
        InputError
            If params or shots are out of range.
        """
        shots = _checks.integer("shots", shots, low=1, high=2**62)
        spectrum = self.model.state(params).spectrum()
        self.copies_used += shots
        return means(-spectrum.log_eigenvalues, self._measure(spectrum.basis, shots, self._generator()))[0]

    def evaluate(self, params: ArrayLike) -> GradientEstimate:
        """The value and the gradient at theta, from `copies` copies.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta of the model, or the natural value of every parameter by name.

        Returns
        -------
        GradientEstimate

        Raises
        ------
        InputError
            If params has another shape, is not finite, or a name is missing.
        """
        rng = self._generator()
        shares = np.full(self.n_bases, self.copies // self.n_bases)
        shares[0] += self.copies - shares.sum()
        theta = self.model.theta(params)
        with threads.suited(self.rho.dim):
            found = (self._gibbs if isinstance(self.model, GibbsModel) else self._spectral)(theta, shares.tolist(), rng)
        self.copies_used += found.copies
        self.latest = found
        return found

    def value_and_gradient(self, params: Real) -> tuple[float, Real]:
        """What optimizers ask for: the estimates of S in nats and of its gradient (n_params,), without their errors.

        Parameters
        ----------
        params : array (n_params,)
        """
        found = self.evaluate(params)
        return found.value.value, found.gradient

    def descend(self, params: ArrayLike, steps: int, optimizer: Optimizer | str | None = None) -> DeferredRun:
        """Run an optimizer: one evaluation, with its copies, a step.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta of the model, or the natural value of every parameter by name.
        steps : int
            At least 0.
        optimizer : Optimizer or str, optional
            One that compares no values; ``Adam(0.1)`` by default.

        Returns
        -------
        DeferredRun

        Raises
        ------
        InputError
            If the optimizer compares values, as those with a line search do: shots make them noisy.

        Examples
        --------
        >>> import numpy as np
        >>> from qml import GibbsModel, thermal
        >>> from qml.operators import tfim
        >>> rho, model = thermal(tfim(2, h=0.5), 1.0), GibbsModel(tfim(2))
        >>> deferred = DeferredCrossEntropy(model, rho, copies=2000, rng=np.random.default_rng(0))
        >>> run = deferred.descend(np.zeros(3), steps=60)
        >>> int(run.copies[-1]), bool(np.abs(run.average(20) - [-1.0, -0.5, -0.5]).max() < 0.1)
        (122000, True)
        """
        steps = _checks.integer("steps", steps, low=0)
        _checks.memory(f"a record of {steps} steps", 8 * (self.model.n_params + 3) * steps, "take fewer steps")
        optimizer = of_shots(optimizer)
        point = evaluate(self, self.model.theta(params))
        state = optimizer.init(point)
        rows = [self._row(point.params)]
        for _ in range(steps):
            point, state = optimizer.step(self, point, state)
            rows.append(self._row(point.params))
        columns = [np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)]
        return DeferredRun(*columns)

    def _row(self, params: Real) -> tuple[Real, float, float, int]:
        assert self.latest is not None
        return params, self.latest.value.value, self.latest.value.standard_error, self.copies_used

    def _generator(self) -> np.random.Generator:
        return np.random.default_rng(self._common) if self.schedule == "common" else self._rng

    def _measure(self, basis: Complex | None, shots: int, rng: np.random.Generator) -> Real:
        """Frequencies of the outcomes of copies measured in a basis, times the shots: counts (d,)."""
        return multinomial(shots, self.rho.populations(basis), rng).astype(np.float64)

    def _spectral(self, theta: Real, shares: list[int], rng: np.random.Generator) -> GradientEstimate:
        assert isinstance(self.model, SpectralModel)
        model, program = self.model, self.model.circuit.compile()
        eta, phi = model.split(theta)
        logs, levels = model.energies.log_probabilities(eta), model.energies.generators.levels(0, self.rho.dim)
        counts = self._measure(model.engine.evolve_vectors(program, phi), shares[0], rng)
        value = means(-logs, counts)[0]
        slopes = means(levels - (levels @ np.exp(logs))[:, None], counts)
        gradient, variances = [s.value for s in slopes], [s.variance for s in slopes]
        remaining = iter(shares[1:])
        for unit, rule in zip(np.eye(len(phi)), self._rules, strict=True):
            total = variance = 0.0
            for shift, coefficient in zip(*rule, strict=True):
                for sign in (1.0, -1.0):
                    vectors = model.engine.evolve_vectors(program, phi + sign * shift * unit)
                    part = means(-logs, self._measure(vectors, next(remaining), rng))[0]
                    total += sign * coefficient * part.value
                    variance += coefficient**2 * part.variance
            gradient.append(total)
            variances.append(variance)
        return GradientEstimate(value, np.array(gradient), np.array(variances), sum(shares))

    def _gibbs(self, theta: Real, shares: list[int], rng: np.random.Generator) -> GradientEstimate:
        sigma = self.model.state(theta)
        spectrum = sigma.spectrum()
        value = means(-spectrum.log_eigenvalues, self._measure(spectrum.basis, shares[0], rng))[0]
        parts = []
        for (levels, populations, _), shots in zip(self._observables, shares[1:], strict=True):
            parts.append(means(levels, multinomial(shots, populations, rng).astype(np.float64))[0])
        own = np.array([levels @ sigma.populations(basis) for levels, _, basis in self._observables])
        gradient = np.array([part.value for part in parts]) - own
        return GradientEstimate(value, gradient, np.array([part.variance for part in parts]), sum(shares))

    @cached_property
    def _observables(self) -> list[tuple[Real, Real, Complex | None]]:
        """Of every generator: eigenvalues (d,), populations of rho (d,) and eigenvectors (d, d)."""
        assert isinstance(self.model, GibbsModel)
        count = self.model.n_params
        _checks.memory(f"the eigenvectors of {count} generators", 16 * count * self.rho.dim**2, "use fewer generators")
        found: list[tuple[Real, Real, Complex | None]] = []
        for unit in np.eye(count):
            state = self.model.state(unit)
            if state.is_diagonal:
                levels = np.diagonal(state.hamiltonian()).real
                found.append((levels, self.rho.probabilities(), None))
            else:
                levels, vectors = np.linalg.eigh(state.hamiltonian())
                found.append((levels, self.rho.populations(vectors), vectors))
        return found


def fit_deferred(
    model: SpectralModel | GibbsModel,
    target: Any,
    *,
    copies: int,
    steps: int = 100,
    optimizer: Optimizer | None = None,
    schedule: Literal["fresh", "common"] = "fresh",
    average: int = 1,
    params0: ParamsLike | None = None,
    seed: int | None = None,
) -> FitResult:
    r"""Learn a state by deferred measurement: shots in the model's own bases, which move with it.

    .. math:: \theta_{k+1} = \theta_k - \eta_k\, \hat g_k, \qquad
        \mathbb{E}\, \hat g_k = \nabla S(\rho, \sigma_{\theta_k})

    Parameters
    ----------
    model : SpectralModel or GibbsModel
    target : State, matrix (d, d), vector (d,) or Qobj
        rho, of which copies are simulated.
    copies : int
        Of the target, for each step.
    steps : int
    optimizer : Optimizer, optional
        One that compares no values; by default ``Adam(0.1)``.
    schedule : {"fresh", "common"}
        Random numbers of the shots: new ones in each step, or the same.
    average : int
        The parameters kept are the mean of so many of the last iterates; of all where there are fewer.
    params0 : array (n_params,), optional
        The start; by default ``model.init_params``.
    seed : int, optional
        What the start and the shots follow from.

    Returns
    -------
    FitResult
        The loss and its history are S(rho, sigma) itself, in nats, which the descent does not see; the status tells the
        last estimate. The history has no gradients and no times. `converged` is False: the steps asked for are taken.

    Raises
    ------
    InputError
        For another model, other dims, copies fewer than two for each basis, or an optimizer that compares values.

    Notes
    -----
    The descent of :meth:`DeferredCrossEntropy.descend`; a step costs at most one eigen-decomposition, or one circuit,
    for each basis. Source: Zhou Shangnan and Yixu Wang (2021), arXiv:2102.11887.

    Examples
    --------
    >>> from qml import GibbsModel, thermal
    >>> from qml.operators import tfim
    >>> rho = thermal(tfim(2, h=0.5), 1.0)
    >>> result = fit_deferred(GibbsModel(tfim(2)), rho, copies=2000, steps=60, average=20, seed=0)
    >>> result.gap < 0.01, result.iterations
    (True, 60)
    """
    optimizer = of_shots(optimizer)
    average = _checks.integer("average", average, low=1)
    (start, shots), known = streams_of(seed, 2)
    since = time.perf_counter()
    loss = DeferredCrossEntropy(model, target, copies=copies, rng=shots, schedule=schedule)
    run = loss.descend(model.init_params(start) if params0 is None else model.theta(params0), steps, optimizer)
    steps, params = len(run.params) - 1, run.average(min(average, len(run.params)))
    state, floor = model.state(params), float(loss.rho.entropy())
    seconds = time.perf_counter() - since
    value, unknown = cross_entropy(loss.rho, state), np.full(steps + 1, math.nan)
    values = np.array([cross_entropy(loss.rho, model.state(theta)) for theta in run.params])
    status = (
        f"stopped after {_checks.plural(steps, 'step')} and {loss.copies_used} copies; the last estimate of the loss "
        f"is {run.values[-1]:.6g} +- {run.standard_errors[-1]:.2g}."
    )
    about = {"model": repr(model), "loss": "CrossEntropy()", "optimizer": repr(optimizer), "copies": loss.copies}
    return FitResult(
        params=params,
        state=state,
        target=loss.rho,
        loss=value,
        floor=floor,
        history=History(values, np.full(steps + 1, floor), unknown, unknown),
        iterations=steps,
        evaluations=steps + 1,
        seconds=seconds,
        converged=False,
        status=status,
        seed=known,
        restarts=(Restart(value, steps, steps + 1, seconds, False, status),),
        provenance=provenance() | about | {"schedule": schedule},
        parameter_names=model.parameter_names,
        model=model,
    )
