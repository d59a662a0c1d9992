"""gate_set_tomography: gates, preparations and measurements of maximum likelihood from words of gates."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qml import _checks, threads
from qml._checks import InputError
from qml._results import Outcome
from qml._typing import Integer, Real
from qml.fitting.restart import CTRL_C
from qml.measurement import Counts
from qml.processes import Experiments, GateSetModel, Process
from qml.processes.choi import choi_of_transfer, positive_choi
from qml.tomography.likelihood import agreement
from qml.tomography.linear import record_of
from qml.tomography.result import TomographyError
from qml.tomography.scoring import caps, directions, inside, scored
from qml.tomography.soft import SoftOutcomes

FIRST = 8
"""Length of the words of the first stage; it doubles from stage to stage."""
LIGHT = 0.03
"""What preparations and effects weigh beside gates where a gauge is chosen: gates are what long words tell well."""
NULL = 1e-10
"""Of squares: what is rounding beside the largest."""


@dataclass(frozen=True, eq=False, repr=False)
class GateSetResult(Outcome):
    r"""The gate set of largest likelihood of a record of words.

    .. math:: G = 2 \sum_k n_k \log\frac{n_k}{N_{s(k)} p_k}, \qquad N_\sigma = \frac{G - \nu}{\sqrt{2 \nu}}

    Attributes
    ----------
    model : GateSetModel
    counts : Counts
    params : array (n_params,)
    log_likelihood : float
        sum_k n_k log p_k in nats, without the multinomial coefficient.
    deviance : float
        G = 2 Delta log L: twice what the frequencies themselves have above the model.
    determined : int
        Directions of the parameters that the words tell; the others are the gauge, or are not seen.
    degrees : int
        nu: outcomes less one of each setting that has shots, less `determined`; what G is near to where the model is
        right and counts are large.
    stages : tuple of (int, int)
        The longest word of each stage, and the iterations it took.
    iterations : int
    seconds : float
    converged : bool
        Never where the slope at the end promises more nats than the optimum is uncertain by, `determined`/2.
    status : str

    Examples
    --------
    >>> from qml.processes import xyi_gate_set, xyi_words
    >>> model = xyi_gate_set()
    >>> setup = Experiments.product(xyi_words(1), {"rho": [1.0, 0.0]}, model.measurements)
    >>> ideal = model.init_params(np.random.default_rng(0))
    >>> counts = setup.simulate(model.predict(ideal, setup), 1000, np.random.default_rng(1))
    >>> result = gate_set_tomography(model, counts)
    >>> result.converged, result.determined, abs(result.n_sigma) < 3
    (True, 31, True)
    >>> fixed = result.in_gauge()  # only in one gauge can gates be looked at alone
    >>> sorted(fixed.gates)
    ['Gi', 'Gx', 'Gy']
    """

    model: GateSetModel
    counts: Counts
    params: Real
    log_likelihood: float
    deviance: float
    determined: int
    degrees: int
    stages: tuple[tuple[int, int], ...]
    iterations: int
    seconds: float
    converged: bool
    status: str

    @property
    def n_sigma(self) -> float:
        """N_sigma: by how many standard deviations of chi-square the deviance exceeds its degrees of freedom; beyond a
        few, no gate set of this kind (Markovian, the same all the time) explains the record. NaN without degrees."""
        return (self.deviance - self.degrees) / math.sqrt(2 * self.degrees) if self.degrees > 0 else math.nan

    @property
    def aic(self) -> float:
        """Akaike's criterion with the parameters that are determined: the smaller the better."""
        return 2 * self.determined - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """The Bayesian criterion with N the shots of all settings (Schwarz 1978): the smaller the better."""
        return self.determined * math.log(self.counts.total) - 2 * self.log_likelihood

    @property
    def transfer_matrices(self) -> dict[str, Real]:
        """The Pauli transfer matrices of the gates as they were found, in a gauge of chance; see :meth:`in_gauge`."""
        return self.model.transfer_matrices(self.params)

    def in_gauge(self, targets: Mapping[str, Real] | None = None) -> GaugeFixed:
        r"""The gate set in the gauge in which it is nearest to what it should be.

        .. math:: \min_S \sum_g \lVert S R_g S^{-1} - T_g \rVert^2
            + w^2 \Big( \sum_j \lVert S v_j - v^0_j \rVert^2 + \sum_m \lVert e_m S^{-1} - e^0_m \rVert^2 \Big)

        over all S that preserve the trace and leave preparations and measurements that are known as they are, with the
        weight w = 0.03 of those that are learnt.

        Parameters
        ----------
        targets : mapping of str to array (4^n, 4^n), optional
            T_g of some or all gates; by default what the gates of the model should be.

        Raises
        ------
        InputError
            For a gate that there is not, a matrix of another shape, or none where the model has no ideal gates.
        """
        from scipy.optimize import least_squares

        ideal = {name: gate.transfer_matrix() for name, gate in self.model.gates.items() if isinstance(gate, Process)}
        wanted = dict(_checks.mapping("targets", ideal if targets is None else targets))
        if not wanted:
            raise InputError("targets must name the gates that the gauge is chosen by; the model has no ideal ones.")
        gates = self.transfer_matrices
        for name in wanted:
            wanted[name] = _checks.reals(f"the target of {name!r}", wanted[name])
            if name not in gates:
                raise InputError(f"targets must be of the gates {_checks.told(gates)}; found {name!r}.")
            if wanted[name].shape != gates[name].shape:
                raise InputError(
                    f"the target of {name!r} must be a transfer matrix of shape {gates[name].shape}; found shape "
                    f"{wanted[name].shape}."
                )
        experiments = self.counts.measurement
        assert isinstance(experiments, Experiments)
        starts, ends = self.model.pauli_vectors(self.params), self.model.effects(self.params)
        given = dict(zip(experiments.preparation_names, experiments.inputs, strict=True))
        effects = dict(zip(experiments.measurements, experiments.effects, strict=True))
        side = len(next(iter(gates.values())))
        of_starts = [given[row.preparation] for row in experiments.rows if row.preparation not in starts]
        of_ends = [effects[row.measurement][:, 1:] for row in experiments.rows if row.measurement not in ends]
        left = _orthogonal_to(np.reshape(of_ends, (-1, side - 1)))
        right = _orthogonal_to(np.reshape(of_starts, (-1, side)))
        free = left.shape[1], 0 if self.model.kind == "known" else right.shape[1]

        def moved(x: Real) -> tuple[dict[str, Real], dict[str, Real], dict[str, Real]]:
            s = np.eye(side)
            s[1:] += left @ x.reshape(free) @ right[:, : free[1]].T
            inverse = np.linalg.inv(s)
            return (
                {name: s @ r @ inverse for name, r in gates.items()},
                {name: s @ v for name, v in starts.items()},
                {name: e @ inverse for name, e in ends.items()},
            )

        def residuals(x: Real) -> Real:
            r, v, e = moved(x)
            parts = [r[name] - target for name, target in wanted.items()]
            parts += [LIGHT * (v[name] - given[name]) for name in v]
            parts += [LIGHT * (e[name] - effects[name][: len(e[name])]) for name in e]
            return np.concatenate([part.ravel() for part in parts])

        x = np.zeros(math.prod(free))
        return GaugeFixed(*moved(least_squares(residuals, x, xtol=1e-12, ftol=1e-14).x if len(x) else x))

    caption: ClassVar[str] = "gate set"
    error: ClassVar[type[RuntimeError]] = TomographyError

    def _rows(self) -> list[tuple[str, str]]:
        longest = max((length for length, _ in self.stages), default=0)
        return [
            ("log-likelihood", f"{self.log_likelihood:.12g} nats"),
            ("deviance", f"{self.deviance:.6g} for {self.degrees} degrees of freedom ({self.n_sigma:+.2f} sigma)"),
            ("parameters", f"{len(self.params)}, {self.determined} of them determined"),
            ("data", f"{self.counts.total:.6g} shots, {len(self.counts)} settings, words up to {longest} gates"),
            ("AIC", f"{self.aic:.6f}"),
            ("iterations", f"{self.iterations} in {_checks.plural(len(self.stages), 'stage')}"),
            ("seconds", f"{self.seconds:.3f}"),
            ("status", self.status),
        ]


@dataclass(frozen=True, eq=False)
class GaugeFixed(_checks.Record):
    """A gate set in one gauge.

    Attributes
    ----------
    gates : mapping of str to array (4^n, 4^n)
        Pauli transfer matrices.
    preparations : mapping of str to array (4^n,)
        Tr(P rho).
    measurements : mapping of str to array (K, 4^n)
        Tr(P M_k) / 2^n.

    Examples
    --------
    >>> from qml.processes import xyi_gate_set, xyi_words
    >>> model = xyi_gate_set()
    >>> setup = Experiments.product(xyi_words(1), {"rho": [1.0, 0.0]}, model.measurements)
    >>> ideal = model.init_params(np.random.default_rng(0))
    >>> counts = setup.simulate(model.predict(ideal, setup), 10**6, np.random.default_rng(1))
    >>> fixed = gate_set_tomography(model, counts).in_gauge()
    >>> bool(np.abs(fixed.gates["Gx"] - model.gates["Gx"].transfer_matrix()).max() < 0.02)
    True
    >>> fixed.process("Gx")
    <Process: dims (2,) to (2,), rank 4 of 4>
    """

    gates: Mapping[str, Real]
    preparations: Mapping[str, Real]
    measurements: Mapping[str, Real]

    def process(self, name: str) -> Process:
        """A gate as a process: the nearest one that is completely positive and preserves the trace, where statistical
        errors make it none by a little (positive part of the Choi state, then the trace restored).

        Parameters
        ----------
        name : str
            Of the gate.

        Raises
        ------
        InputError
            If there is no such gate.
        """
        matrix = self.gates[_checks.choice("name", name, self.gates)]
        choi = choi_of_transfer(matrix)
        n = (len(matrix).bit_length() - 1) // 2
        if np.linalg.eigvalsh(choi)[0] < 0:
            choi = positive_choi(choi, 2**n)
        return Process((choi + choi.conj().T) / 2, (2,) * n)


def gate_set_tomography(
    model: GateSetModel,
    counts: Counts,
    *,
    lengths: Sequence[int] | None = None,
    params0: Real | None = None,
    seed: int = 0,
    max_iterations: int = 500,
    progress: bool | None = None,
) -> GateSetResult:
    r"""The gate set of maximum likelihood, by Fisher's scoring on ever longer words, and by L-BFGS where that is slow.

    .. math:: \hat\theta = \arg\max_\theta \sum_{sk} n_{sk} \log p_{sk}(\theta)

    The likelihood of long words has many maxima; that of short ones brings the parameters near to the right one. Each
    stage takes all words up to a length, and starts from where the stage before ended. Gates that are not completely
    positive may predict negative probabilities: see ``qml.tomography.scoring``; the result has none.

    Parameters
    ----------
    model : GateSetModel
    counts : Counts
        Of :class:`~qml.processes.Experiments` with words.
    lengths : sequence of int, optional
        The longest words of the stages, in gates; by default 8, 16, 32, ... up to the longest.
    params0 : array (n_params,), optional
        By default what the gates should be, depolarized by a percent.
    seed : int
    max_iterations : int
        Of each stage.
    progress : bool, optional
        As for ``fit``; Ctrl-C keeps the best so far.

    Returns
    -------
    GateSetResult

    Raises
    ------
    InputError
        For counts of other experiments, a record without shots, or lengths that do not rise.

    Notes
    -----
    A step costs two sweeps of all words and a linear system of the parameters. Source: Nielsen et al. (2021), Quantum
    5, 557, arXiv:2009.07301.

    Examples
    --------
    >>> import numpy as np
    >>> from qml.processes import xyi_gate_set, xyi_words
    >>> model = xyi_gate_set()
    >>> setup = Experiments.product(xyi_words(4), {"rho": [1.0, 0.0]}, model.measurements)
    >>> truth = model.init_params(np.random.default_rng(0))
    >>> counts = setup.simulate(model.predict(truth, setup), 1000, np.random.default_rng(1))
    >>> result = gate_set_tomography(model, counts)
    >>> result.converged, result.determined, abs(result.n_sigma) < 3
    (True, 31, True)
    """
    counts = record_of(counts)
    experiments = counts.measurement
    model = _checks.instance("model", model, GateSetModel)
    if not isinstance(experiments, Experiments):
        raise InputError(
            f"gate_set_tomography needs counts of Experiments; found those of a {type(experiments).__name__}."
        )
    since = time.perf_counter()
    sizes = np.array([len(row.circuit) for row in experiments.rows if not isinstance(row.circuit, float)])
    if len(sizes) < len(experiments.rows):
        raise InputError("gate_set_tomography needs words of gates; found times.")
    counts.shares()  # refuses a record without shots
    params = model.init_params(np.random.default_rng(_checks.integer("seed", seed, low=0)))
    if params0 is not None:
        params = _checks.parameters("params0", params0, model.n_params)
    max_iterations = _checks.integer("max_iterations", max_iterations, low=0)
    most, outcomes = int(sizes.max()), model.on(counts)
    done: list[tuple[int, int]] = []
    with threads.suited(4 ** len(model.sites)):
        for longest in _stages(lengths, most):
            last = longest >= most
            some = counts if last else _part(counts, np.flatnonzero(sizes <= longest))
            if some is None:
                continue
            taken = 0
            for cap in [math.inf] if done else caps(some):
                fine = last and cap == math.inf
                found, iterations, promise = scored(
                    SoftOutcomes(model, some, cap), some, params, fine, max_iterations, progress
                )
                params, taken = found.params, taken + iterations
                if CTRL_C in found.status:
                    break
            done.append((min(longest, most), taken))
            if CTRL_C in found.status:
                break
        params = inside(SoftOutcomes(model, counts), params)
        value, deviance, free = agreement(counts, outcomes._at(params).probabilities)
        determined = directions(outcomes, params).shape[1]
        attained = promise <= determined / 2
        return GateSetResult(
            model=model,
            counts=counts,
            params=params,
            log_likelihood=value,
            deviance=deviance,
            determined=determined,
            degrees=free - determined,
            stages=tuple(done),
            iterations=sum(iterations for _, iterations in done),
            seconds=time.perf_counter() - since,
            converged=found.converged and attained,
            status=found.status
            if attained or not found.converged
            else f"not converged: no step was found that gains the {promise:.3g} nats which the slope promises, and "
            f"the optimum is uncertain by only {determined / 2:g}: begin elsewhere (params0).",
        )


def _orthogonal_to(rows: Real) -> Real:
    """An orthonormal basis (n, k), in columns, of the vectors that rows (m, n) are orthogonal to."""
    values, vectors = np.linalg.eigh(rows.T @ rows)
    return np.asarray(vectors[:, values <= NULL * values[-1]])


def _stages(lengths: Sequence[int] | None, longest: int) -> list[int]:
    if lengths is None:
        stages = [FIRST]
        while 3 * stages[-1] < longest:
            stages.append(2 * stages[-1])
        return [*stages, longest] if longest > FIRST else [longest]
    held = [_checks.integer("each length", length, low=0) for length in _checks.listed("lengths", lengths)]
    if held != sorted(set(held)):
        raise InputError(f"lengths must rise; found {held}.")
    return [length for length in held if length < longest] + [longest]


def _part(counts: Counts, rows: Integer) -> Counts | None:
    """The record of some settings; None where they have no shots."""
    if not len(rows) or not np.asarray(counts.shots)[rows].sum() > 0:
        return None
    return counts.subset(rows.tolist())
