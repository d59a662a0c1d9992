"""Gate sets: gates, preparations and measurements that are learnt together from words of gates."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike, Dims, ParamsLike, Real
from qml.circuits import Circuit
from qml.engines.pauli_state import vector_of
from qml.instructions import Operation
from qml.measurement.base import Measurement
from qml.models.base import Model
from qml.processes.choi import transfer_of_choi
from qml.processes.experiments import Experiments, _measurements
from qml.processes.models import ProcessModel
from qml.processes.outcomes import Prediction, ProcessFamily
from qml.processes.pieces import (
    ErrorGenerator,
    OfModel,
    Piece,
    full,
    full_effects,
    known,
    physical_effects,
    physical_preparation,
)
from qml.processes.process import Process, as_process
from qml.processes.words import Words
from qml.states.coercion import StateLike, one_state

KINDS = ("tp", "cptp", "known")


class GateSetModel(ProcessFamily):
    r"""Gates, and the preparations and measurements around them, of which only words of gates are ever seen.

    .. math:: p_{sk} = e_{m(s) k} \cdot R_{w_T} \cdots R_{w_1}\, v_{j(s)}

    with Pauli transfer matrices R, Pauli vectors v of preparations and e of effects. Nothing is taken as known but what
    says so: preparations and measurements that are not named here are those of the experiments. What the words cannot
    tell is the gauge R -> S R S^-1, v -> S v, e -> e S^-1; the likelihood does not depend on it.

    Parameters
    ----------
    gates : mapping of str to process, Circuit or Model
        What each gate should be, or a circuit with free parameters (trainable noise, angles), or a model of Choi
        states such as :class:`KrausModel`; parameters of the same name in several circuits are one.
    kind : {"tp", "cptp", "known"}
        How what has no free parameters of its own is learnt: "tp", all entries that preserve the trace; "cptp",
        completely positive, a gate followed by exp of a Lindblad generator of errors, states and effects by
        isometries; "known", not at all.
    preparations : mapping of str to State or Model, optional
        What each should be.
    measurements : Measurement or mapping of str to effects (K, d, d), optional

    Raises
    ------
    InputError
        Where gates are on different sites, not qubits, or names repeat.

    Notes
    -----
    The likelihood and its gradient cost one sweep of all words forward and one backward, O(N T 16^n) for N words of
    length T; the derivatives that Fisher's scoring needs (``NaturalGradient()``) one more backward, an outcome at a
    time. Source: Nielsen et al. (2021), Quantum 5, 557, arXiv:2009.07301 (gate set tomography).

    Examples
    --------
    >>> import numpy as np
    >>> from qml import Circuit, channels, fit, gates
    >>> from qml.optimizers import NaturalGradient
    >>> from qml.processes import Experiments
    >>> noisy = Circuit(1, [gates.RX("angle", 0), channels.Depolarizing("p", 0)])
    >>> model = GateSetModel({"Gx": noisy})
    >>> words = [("Gx",) * k for k in range(20)]
    >>> setup = Experiments.product(words, {"0": [1.0, 0.0]}, {"Z": [np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]})
    >>> truth = model.unconstrained({"angle": 1.6, "p": 0.01})
    >>> counts = setup.simulate(model.predict(truth, setup), 10**6, np.random.default_rng(0))
    >>> found = fit(model, counts, params0={"angle": 1.5, "p": 0.02}, optimizer=NaturalGradient(), progress=False)
    >>> {name: round(value, 4) for name, value in model.natural(found.params).items()}
    {'angle': 1.6, 'p': 0.01}
    """

    def __init__(
        self,
        gates: Mapping[str, Any],
        *,
        kind: str = "tp",
        preparations: Mapping[str, StateLike | Model] | None = None,
        measurements: Measurement | Mapping[str, Measurement | ArrayLike] | None = None,
    ) -> None:
        self.kind = _checks.choice("kind", kind, KINDS)
        given = _checks.mapping("gates", gates)
        if not given:
            raise InputError("a gate set needs at least one gate; found none.")
        self.gates = {_checks.text("the name of a gate", name): _as_gate(name, g) for name, g in given.items()}
        self._sites = _sites_of(self.gates)
        if set(self._sites) != {2}:
            raise InputError(f"gate sets are of qubits; found sites of dimensions {self._sites}.")
        side = 2 ** len(self._sites)
        self.preparations = _checks.mapping("preparations", {} if preparations is None else preparations)
        is_empty = measurements is None or (isinstance(measurements, Mapping) and not measurements)
        self.measurements = {} if is_empty else _measurements(measurements, side)
        self._gates = {name: self._gate(name, g) for name, g in self.gates.items()}
        self._starts = {name: self._preparation(name, p) for name, p in self.preparations.items()}
        self._ends = {name: self._measurement(name, m) for name, m in self.measurements.items()}
        self._pieces = [*self._gates.values(), *self._starts.values(), *self._ends.values()]
        self._names = tuple(dict.fromkeys(name for piece in self._pieces for name in piece.names))
        numbers = {name: k for k, name in enumerate(self._names)}
        for piece in self._pieces:
            piece.places = np.array([numbers[n] for n in piece.names], dtype=np.int64)
        self._held: tuple[Experiments, Words] | None = None

    def _gate(self, name: str, gate: Process | Model) -> Piece:
        n = len(self._sites)
        if isinstance(gate, Model):
            prefix = "" if isinstance(gate, ProcessModel) else f"{name}."
            return OfModel(gate, partial(transfer_of_choi, n=n, m=n), prefix)
        size = (300 if self.kind == "tp" else 24) * 16**n  # with the names of parameters, or without
        _checks.memory(f"the matrix of the gate {name!r} with {16**n} entries", size, "use fewer qubits")
        ideal = gate.transfer_matrix()
        if self.kind == "known":
            return known(ideal)
        return full(name, ideal) if self.kind == "tp" else ErrorGenerator(name, ideal)

    def _preparation(self, name: str, given: StateLike | Model) -> Piece:
        n = len(self._sites)
        if isinstance(given, Model):
            return OfModel(given, partial(vector_of, n=n), f"{name}.")
        ideal = one_state(given, f"preparation {name!r}", self._sites).matrix()
        if len(ideal) != 2**n:
            raise InputError(f"preparation {name!r} must be on {n} qubits; found the dimension {len(ideal)}.")
        if self.kind == "known":
            return known(vector_of(ideal, n))
        return full(name, vector_of(ideal, n)) if self.kind == "tp" else physical_preparation(name, ideal)

    def _measurement(self, name: str, given: Measurement) -> Piece:
        n = len(self._sites)
        ideal = np.array([given.element(k) for k in range(given.n_outcomes)])
        vectors = vector_of(ideal, n) / 2**n
        if self.kind == "known":
            return known(vectors)
        return full_effects(name, vectors) if self.kind == "tp" else physical_effects(name, ideal)

    @property
    def sites(self) -> Dims:
        return self._sites

    def init_params(self, rng: np.random.Generator) -> Real:
        """A random start: what everything should be, with a depolarization of a percent; circuits start at random.

        Parameters
        ----------
        rng : numpy Generator

        Raises
        ------
        InputError
            If `rng` is no Generator.
        """
        theta = np.zeros(self.n_params)
        rng = _checks.generator("rng", rng)
        for piece in self._pieces:
            theta[piece.places] = piece.start(rng)
        return theta

    def natural(self, params: ParamsLike = ()) -> dict[str, float]:
        theta = self.theta(params)
        found = dict(zip(self._names, theta.tolist(), strict=True))
        for piece in self._pieces:
            if isinstance(piece, OfModel) and piece.names:
                values = piece.model.natural(theta[piece.places])
                found.update(zip(piece.names, values.values(), strict=True))
        return found

    def unconstrained(self, values: Mapping[str, float]) -> Real:
        theta = super().unconstrained(values)
        for piece in self._pieces:
            if isinstance(piece, OfModel) and piece.names:
                own = {
                    inner: values[name] for inner, name in zip(piece.model.parameter_names, piece.names, strict=True)
                }
                theta[piece.places] = piece.model.unconstrained(own)
        return theta

    def _value(self, piece: Piece, theta: Real) -> Real:
        return piece.value(theta[piece.places])

    def transfer_matrices(self, params: ParamsLike = ()) -> dict[str, Real]:
        """The Pauli transfer matrix (4^n, 4^n) of every gate, by name.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name.

        Raises
        ------
        InputError
            If the parameters do not fit.
        """
        theta = self.theta(params)
        return {name: self._value(piece, theta) for name, piece in self._gates.items()}

    def pauli_vectors(self, params: ParamsLike = ()) -> dict[str, Real]:
        """The expectations Tr(P rho) (4^n,) of every preparation that is learnt, by name.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name.

        Raises
        ------
        InputError
            If the parameters do not fit.
        """
        theta = self.theta(params)
        return {name: self._value(piece, theta) for name, piece in self._starts.items()}

    def effects(self, params: ParamsLike = ()) -> dict[str, Real]:
        """Tr(P M_k) / 2^n (K, 4^n) of every measurement that is learnt, by name.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name.

        Raises
        ------
        InputError
            If the parameters do not fit.
        """
        theta = self.theta(params)
        return {name: self._value(piece, theta) for name, piece in self._ends.items()}

    def _check(self, experiments: Experiments) -> None:
        if _checks.instance("data", experiments, Experiments).is_timed:
            raise InputError("a gate set predicts words of gates; found times.")
        for word in experiments.circuits:
            for name in word:
                if name not in self.gates:
                    hint = _checks.nearest(name, self.gates)
                    raise InputError(f"the gate set has no gate {name!r}{hint}; it has {_checks.told(self.gates)}.")
        for name, held in experiments.measurements.items():
            if name in self.measurements and held.n_outcomes != self.measurements[name].n_outcomes:
                raise InputError(f"measurement {name!r} must have {self.measurements[name].n_outcomes} outcomes.")
        unused = [name for name in self.preparations if name not in experiments.preparation_names]
        unused += [name for name in self.measurements if name not in experiments.measurements]
        if unused:
            raise InputError(
                f"the experiments have no preparation or measurement {unused[0]!r}, which the model learns."
            )

    def _words(self, experiments: Experiments) -> Words:
        """The words of experiments as numbers; those of the latest are at hand."""
        if self._held is None or self._held[0] is not experiments:
            numbers = {name: k for k, name in enumerate(self.gates)}
            circuits = [[numbers[name] for name in word] for word in experiments.circuits]
            self._held = experiments, Words([circuits[k] for k in experiments.through], len(self.gates))
        return self._held[1]

    def _predict(self, theta: Real, experiments: Experiments) -> Prediction:
        words = self._words(experiments)
        gates = np.stack([self._value(piece, theta) for piece in self._gates.values()])
        inputs = experiments.inputs.copy()
        for name, piece in self._starts.items():
            inputs[experiments.preparation_names.index(name)] = self._value(piece, theta)
        stacked, is_there = experiments.effects.copy(), experiments.is_there
        own_ends = [(k, name) for k, name in enumerate(experiments.measurements) if name in self._ends]
        for k, name in own_ends:
            effects = self._value(self._ends[name], theta)
            stacked[k, : len(effects)] = effects
        most = stacked.shape[1]
        trail = words.forward(gates, inputs[experiments.starts])
        finals, ends = words.finals(trail), stacked[experiments.ends]
        p = np.matmul(ends, finals[:, :, None])[:, :, 0][is_there]

        def gather(of_gates: Real, of_starts: Real, of_ends: Real) -> Real:
            """Derivatives (..., gates, D, D), (..., preparations, D), (..., measurements, K, D) in the parameters."""
            lead = of_gates.shape[:-3]
            found = np.zeros((*lead, self.n_params))
            parts = [(piece, of_gates[..., k, :, :]) for k, piece in enumerate(self._gates.values())]
            for name, piece in self._starts.items():
                parts.append((piece, of_starts[..., experiments.preparation_names.index(name), :]))
            for k, name in own_ends:
                parts.append((self._ends[name], of_ends[..., k, : self.measurements[name].n_outcomes, :]))
            for piece, along in parts:
                if piece.names:
                    own = piece.derivatives(theta[piece.places])
                    size = own[0].size
                    found[..., piece.places] += along.reshape(*lead, size) @ own.reshape(-1, size).T
            return found

        def pull(weights: Real) -> Real:
            w = np.zeros(is_there.shape)
            w[is_there] = weights
            of_gates, back = words.pull(gates, trail, np.einsum("nk,nkd->nd", w, ends))
            of_starts, of_ends = np.zeros_like(inputs), np.zeros_like(stacked)
            np.add.at(of_starts, experiments.starts, back)
            np.add.at(of_ends, experiments.ends, w[:, :, None] * finals[:, None, :])
            return gather(of_gates, of_starts, of_ends)

        def jacobian() -> Real:
            n, some = len(ends), max(1, most - 1) if (experiments.sizes == most).all() else most
            what = f"the derivatives of {n} settings in {self.n_params} parameters"
            _checks.memory(what, 24 * n * some * (gates.size + self.n_params), "use LBFGS()")
            of_gates, back = words.jacobian(gates, trail, ends[:, :some])
            of_starts = np.zeros((n, some, *inputs.shape))
            of_starts[np.arange(n), :, experiments.starts] = back
            of_ends = np.zeros((n, some, *stacked.shape))
            for k in range(some):
                of_ends[np.arange(n), k, experiments.ends, k] = finals
            found = gather(of_gates, of_starts, of_ends)
            if some < most:  # probabilities add up to one
                found = np.concatenate([found, -found.sum(axis=1, keepdims=True)], axis=1)
            return np.asarray(found[is_there])

        return Prediction(p, pull, jacobian)

    def __repr__(self) -> str:
        return f"GateSetModel({', '.join(self.gates)}; {self.kind}, {_checks.plural(self.n_params, 'parameter')})"


def _as_gate(name: str, gate: Any) -> Process | Model:
    if any(c.isspace() or c in "|," for c in name) or not name:
        raise InputError(f"names of gates must not be empty nor hold spaces, commas or bars; found {name!r}.")
    if isinstance(gate, Model):
        return gate
    if isinstance(gate, Operation) and gate.parameters:
        gate = Circuit(len(gate.sites), [gate])
    if isinstance(gate, Circuit) and gate.n_params:
        return ProcessModel(gate)
    return as_process(gate, f"gate {name!r}")


def _sites_of(gates: Mapping[str, Process | Model]) -> Dims:
    """What all gates act on."""
    found: Dims | None = None
    for name, gate in gates.items():
        dims = gate.dims if isinstance(gate, Model) else gate.dims_in + gate.dims_out
        half = len(dims) // 2
        if len(dims) % 2 or dims[:half] != dims[half:] or (found is not None and dims[:half] != found):
            expected = "the same sites in and out" if found is None else f"sites {found}, as the others"
            raise InputError(f"gate {name!r} must act on {expected}; found dims {dims}.")
        found = dims[:half]
    assert found is not None
    return found
