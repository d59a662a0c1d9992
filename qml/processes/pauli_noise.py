"""Pauli channels, dense or sparse: what is learnt by fidelities of Pauli strings, on many qubits too."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Dims, ParamsLike, Real
from qml.channels import Lindblad
from qml.measurement.elements import setting_names
from qml.models.mixture import MixtureModel
from qml.operators import pauli
from qml.operators.strings import all_labels
from qml.parameters import HALF_LINE, UNIT
from qml.processes.design import Design
from qml.processes.outcomes import IntervalFamily, Prediction
from qml.processes.process import Process

START = 0.05
"""What rates start near to, and by how much contrasts start below one."""
FASTEST = 1e200
"""A sum of rates that nothing survives: of faster ones float64 may not hold the sum, nor their multiples."""


class Parities(Design):
    r"""Pauli strings prepared in an eigenstate, sent so many times through a channel, and measured: two outcomes each.

    .. math:: p_\pm = \tfrac12 \big( 1 \pm A_b f_b^m \big)

    for the string b after m uses of a Pauli channel, with its fidelity f_b = Tr[P_b E(P_b)] / 2^n and the contrast A_b
    that preparation and measurement leave, 1 where they are without errors. Other channels are made Pauli channels by
    random Pauli frames.

    Parameters
    ----------
    strings : sequence of str
        Pauli strings of equal length, any number of qubits.
    depths : sequence of int
        m >= 0.

    Raises
    ------
    InputError
        If strings are no Pauli strings of equal length, or a depth is below 0.

    Examples
    --------
    >>> Parities(["XX", "ZI"], [0, 2]).settings
    ('XX,0', 'XX,2', 'ZI,0', 'ZI,2')
    """

    def __init__(self, strings: Sequence[str], depths: Sequence[int]) -> None:
        self.strings = _words("strings", strings)
        held = _checks.listed("depths", depths, "integers")
        self.depths = tuple(_checks.integer("each depth", m, low=0) for m in held)
        if not self.depths or len(set(self.depths)) != len(self.depths):
            raise InputError(f"depths must be one or more distinct numbers; found {self.depths}.")
        self.sites = (2,) * len(self.strings[0])
        pairs = list(itertools.product(self.strings, self.depths))
        self.settings = setting_names([f"{b},{m}" for b, m in pairs], len(pairs))
        self._set(np.full(len(pairs), 2))

    def __repr__(self) -> str:
        strings, qubits = _checks.plural(len(self.strings), "string"), _checks.plural(len(self.sites), "qubit")
        return f"Parities({strings} of {qubits}, depths {self.depths})"


class PauliLindbladModel(IntervalFamily):
    r"""Sparse Pauli noise on any number of qubits: few strings that act at small rates.

    .. math:: E = e^{\mathcal{L}}, \qquad \mathcal{L}\rho = \sum_k \lambda_k (P_k \rho P_k - \rho), \qquad
        f_b = \exp\Big( -2 \sum_{k : \{P_k, P_b\} = 0} \lambda_k \Big)

    No matrix is formed: a fidelity is one sum over the strings that anticommute with P_b. Learnt from counts of
    :class:`Parities`; rates are log(1 + exp(theta)), contrasts 1/(1 + exp(-theta)).

    Parameters
    ----------
    terms : sequence of str
        The P_k, not the identity; ``qml.operators.neighbors`` lists those of a chain.
    spam : sequence of str
        Strings b whose contrast A_b is learnt; it is 1 for all others.

    Raises
    ------
    InputError
        For strings of different lengths, one that comes twice, or the identity.

    Notes
    -----
    O(strings x terms) numbers. Source: van den Berg, Minev, Kandala, Temme (2023), Nat. Phys. 19, 1116,
    arXiv:2201.09866.

    Examples
    --------
    Thirty qubits:

    >>> import numpy as np
    >>> from qml import fit
    >>> from qml.optimizers import NaturalGradient
    >>> n = 30
    >>> words = ["I" * k + "ZZ" + "I" * (n - k - 2) for k in range(n - 1)]
    >>> model = PauliLindbladModel(words)
    >>> setup = Parities(["I" * k + "X" + "I" * (n - k - 1) for k in range(n)], [1, 4, 16])
    >>> truth = model.unconstrained({word: 0.01 + 0.001 * k for k, word in enumerate(words)})
    >>> counts = setup.simulate(model.predict(truth, setup), 10**6, np.random.default_rng(0))
    >>> found = fit(model, counts, optimizer=NaturalGradient(), seed=0, progress=False)
    >>> rates = model.natural(found.params)
    >>> max(abs(rates[word] - 0.01 - 0.001 * k) for k, word in enumerate(words)) < 5e-4
    True
    """

    def __init__(self, terms: Sequence[str], spam: Sequence[str] = ()) -> None:
        self.terms = _words("terms", terms)
        if any(set(word) == {"I"} for word in self.terms):
            raise InputError("terms must not hold the identity, which does nothing.")
        held = _checks.listed("spam", spam, "Pauli strings")
        self.spam = _words("spam", held) if held else ()
        if self.spam and len(self.spam[0]) != len(self.terms[0]):
            raise InputError("terms and spam must be strings of equal length.")
        self._set_intervals([HALF_LINE] * len(self.terms) + [UNIT] * len(self.spam))
        self._latest: tuple[Parities, Real] | None = None

    @property
    def sites(self) -> Dims:
        return (2,) * len(self.terms[0])

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return self.terms + tuple(f"spam[{word}]" for word in self.spam)

    def init_params(self, rng: np.random.Generator) -> Real:
        """A random start: rates near 0.05, contrasts near 0.95.

        Parameters
        ----------
        rng : numpy Generator

        Raises
        ------
        InputError
            If `rng` is no Generator.
        """
        starts = [HALF_LINE.to_real(START)] * len(self.terms) + [UNIT.to_real(1 - START)] * len(self.spam)
        return np.array(starts) + 0.1 * _checks.generator("rng", rng).normal(size=len(starts))

    def fidelities(self, params: ParamsLike, strings: Sequence[str]) -> Real:
        """The fidelities f_b of Pauli strings, from 0 to 1, shape (strings,).

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name. By name a rate may be zero, too.
        strings : sequence of str
            b, on the qubits of the model.

        Raises
        ------
        InputError
            If one is no Pauli string of these qubits, or parameters do not fit.
        """
        words = _words("strings", strings)
        if len(words[0]) != len(self.sites):
            raise InputError(f"strings must be on {len(self.sites)} qubits; found {words[0]!r}.")
        values, _ = self._values(self._anywhere(params))
        return np.asarray(np.exp(-2 * _decay_rates(_anticommuting(words, self.terms), values[: len(self.terms)])))

    def channel(self, params: ParamsLike = ()) -> Process:
        """The noise as a process, for few qubits: O(16^n) numbers.

        Parameters
        ----------
        params : array (n_params,), or mapping of str to float
            theta, or the natural value of every parameter by name. By name a rate may be zero, too.

        Raises
        ------
        InputError
            If the parameters do not fit.
        """
        rates = self.natural(self._anywhere(params))
        held = Lindblad(jumps={word: pauli(word) for word in self.terms})
        values = np.array([1.0, *(rates[word] for word in self.terms)])
        return Process.from_superoperator(held.superoperator(values), self.sites, self.sites)

    def _check(self, experiments: Any) -> None:
        if not isinstance(experiments, Parities):
            raise InputError(f"sparse Pauli noise is learnt from Parities; found {type(experiments).__name__}.")

    def _predict(self, theta: Real, experiments: Parities) -> Prediction:
        if self._latest is None or self._latest[0] is not experiments:
            self._latest = experiments, _anticommuting(experiments.strings, self.terms)
        table, k = self._latest[1], len(self.terms)
        values, slopes = self._values(theta)
        depths = np.array(experiments.depths, dtype=np.float64)
        contrasts = np.ones(len(experiments.strings))
        places = {word: i for i, word in enumerate(experiments.strings)}
        learnt = [(places[word], k + j) for j, word in enumerate(self.spam) if word in places]
        for i, j in learnt:
            contrasts[i] = values[j]
        exponents = -2 * _decay_rates(table, values[:k])[:, None] * depths  # strings, depths
        decay, a = np.exp(exponents), contrasts[:, None]
        e, lost = a * decay, (1 - a) - a * np.expm1(exponents)  # 1 - e, of which small rates keep their digits
        p = np.stack([(1 + e) / 2, lost / 2], axis=-1).reshape(-1)

        def pull(weights: Real) -> Real:
            w = weights.reshape(*e.shape, 2)
            of_e = (w[..., 0] - w[..., 1]) / 2
            found = np.zeros(len(theta))
            found[:k] = -2 * ((of_e * e * depths).sum(axis=1) @ table)
            for i, j in learnt:
                found[j] = of_e[i] @ decay[i]
            return np.asarray(found * slopes)

        def jacobian() -> Real:
            what = f"the derivatives of {e.size} settings in {len(theta)} parameters"
            _checks.memory(what, 32 * e.size * len(theta), "use LBFGS()")
            of_e = np.zeros((*e.shape, len(theta)))
            of_e[..., :k] = -2 * (e * depths)[..., None] * table[:, None, :]
            for i, j in learnt:
                of_e[i, :, j] = decay[i]
            both = np.stack([of_e / 2, -of_e / 2], axis=2) * slopes
            return np.asarray(both.reshape(-1, len(theta)))

        return Prediction(p, pull, jacobian)

    def __repr__(self) -> str:
        terms, qubits = _checks.plural(len(self.terms), "term"), _checks.plural(len(self.sites), "qubit")
        return f"PauliLindbladModel({terms}, {qubits})"


def pauli_channel_model(n: int) -> MixtureModel:
    r"""Every Pauli channel on n qubits, as a model of Choi states: probabilities of the 4^n strings as a softmax.

    .. math:: E(\rho) = \sum_P p_P P \rho P

    The Choi states of the strings are orthogonal, so that S is the classical cross entropy of the probabilities.

    Parameters
    ----------
    n : int

    Raises
    ------
    InputError
        If n is no integer of at least 1.
    MemoryRefused
        If the 4^n strings would not fit in memory.

    Examples
    --------
    >>> pauli_channel_model(1).n_params
    3
    """
    n = _checks.qubit_count("n", n)
    _checks.memory(f"all Pauli strings of {n} qubits as processes", 32 * 16**n * 4**n, "use PauliLindbladModel")
    return MixtureModel([Process.from_kraus(pauli(word).matrix()).choi for word in all_labels(4**n)])


def _words(name: str, values: Any) -> tuple[str, ...]:
    held = tuple(_checks.listed(name, values, "Pauli strings"))
    if not held:
        raise InputError(f"{name} must hold at least one Pauli string; found none.")
    for word in held:
        if not _checks.text(f"each of {name}", word) or set(word) - set("IXYZ") or len(word) != len(held[0]):
            raise InputError(f"{name} must be Pauli strings of equal length, of I, X, Y, Z; found {word!r}.")
    if len(set(held)) != len(held):
        raise InputError(f"{name} must be distinct; found one twice.")
    return held


def _decay_rates(table: Real, rates: Real) -> Real:
    """The sums of the rates of the strings that anticommute with each of some (strings,), finite for any rates."""
    with np.errstate(over="ignore"):
        return np.minimum(table @ rates, FASTEST)


def _anticommuting(first: Sequence[str], second: Sequence[str]) -> Real:
    """1 where strings anticommute, else 0: (first, second)."""
    _checks.memory("a table of Pauli strings", 32 * len(first) * len(second), "use fewer strings")

    def bits(words: Sequence[str], letters: str) -> Real:
        return np.array([[letter in letters for letter in word] for word in words], dtype=np.float64)

    products = bits(first, "XY") @ bits(second, "YZ").T + bits(first, "YZ") @ bits(second, "XY").T
    return np.asarray(products % 2)
