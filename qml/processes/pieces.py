"""What a gate set is made of: gates, preparations and effects as Pauli expectations, with their derivatives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np

from qml._typing import Complex, Integer, Real
from qml.channels.exponentials import exponential, exponential_along
from qml.engines.pauli_state import vector_of
from qml.models.base import Model
from qml.operators import pauli
from qml.operators.strings import all_labels
from qml.processes.choi import transfer_of_choi
from qml.processes.process import Process
from qml.states import DensityMatrix

WEAK = 0.01
"""Depolarization of what a fit starts from: an outcome that the ideal gates exclude is not impossible there."""


class Piece(ABC):
    """An array that some parameters determine."""

    names: tuple[str, ...]
    """Of its parameters."""
    places: Integer
    """Where these stand among all parameters of the gate set."""

    @abstractmethod
    def start(self, rng: np.random.Generator) -> Real:
        """Parameters (n,) near to what it should ideally be."""

    @abstractmethod
    def value(self, theta: Real) -> Real:
        """The array."""

    @abstractmethod
    def derivatives(self, theta: Real) -> Real:
        """Its derivatives (n, ...)."""


class Known(Piece):
    """An array that is known."""

    names = ()

    def __init__(self, value: Real) -> None:
        self._value = value

    def start(self, rng: np.random.Generator) -> Real:
        return np.zeros(0)

    def value(self, theta: Real) -> Real:
        return self._value

    def derivatives(self, theta: Real) -> Real:
        return np.zeros((0, *self._value.shape))


class Entries(Piece):
    """Some entries of an array are parameters, the others are known."""

    def __init__(self, names: tuple[str, ...], ideal: Real, free: Real, weak: Real) -> None:
        self.names, self._ideal, self._weak = names, ideal, weak
        self._free = np.flatnonzero(free)

    def start(self, rng: np.random.Generator) -> Real:
        return np.array(self._weak.reshape(-1)[self._free])

    def value(self, theta: Real) -> Real:
        found = self._ideal.copy().reshape(-1)
        found[self._free] = theta
        return found.reshape(self._ideal.shape)

    def derivatives(self, theta: Real) -> Real:
        found = np.zeros((len(self._free), self._ideal.size))
        found[np.arange(len(self._free)), self._free] = 1.0
        return found.reshape(-1, *self._ideal.shape)


class Effects(Piece):
    """Effects (K, D) that add up to the identity, all but the last of them free."""

    def __init__(self, name: str, ideal: Real) -> None:
        self._ideal = ideal
        words = all_labels(ideal.shape[1])
        self.names = tuple(f"{name}[{k},{w}]" for k in range(len(ideal) - 1) for w in words)

    def start(self, rng: np.random.Generator) -> Real:
        weak = self._ideal.copy()
        weak[:, 1:] *= 1 - WEAK
        weak[:, 0] = (1 - WEAK) * weak[:, 0] + WEAK / len(weak)
        return weak[:-1].reshape(-1)

    def value(self, theta: Real) -> Real:
        first = theta.reshape(-1, self._ideal.shape[1])
        last = -first.sum(axis=0)
        last[0] += 1.0
        return np.concatenate([first, last[None]])

    def derivatives(self, theta: Real) -> Real:
        k, d = self._ideal.shape
        free = np.eye((k - 1) * d).reshape(-1, k - 1, d)
        return np.concatenate([free, -free.sum(axis=1, keepdims=True)], axis=1)


class OfModel(Piece):
    """What is read off a model of Choi states, of states, or of effects as processes into K levels."""

    def __init__(self, model: Model, sites: int, reads: str, names: tuple[str, ...], ideal: Real | None = None) -> None:
        self.model, self._n, self._reads = model, sites, reads
        self.names, self._ideal = names, ideal

    def start(self, rng: np.random.Generator) -> Real:
        return self.model.init_params(rng) if self._ideal is None else self._ideal.copy()

    def value(self, theta: Real) -> Real:
        return self._read(self.model.state(theta).matrix())

    def derivatives(self, theta: Real) -> Real:
        if not self.names:
            return np.zeros((0, *self.value(theta).shape))
        return self._read(self.model.state_jvp(theta)[1](np.eye(len(theta))))

    def _read(self, matrices: Complex) -> Real:
        n, lead = self._n, matrices.shape[:-2]
        if self._reads == "gate":
            return transfer_of_choi(matrices, n, n)
        if self._reads == "state":
            return vector_of(matrices, n)
        d = 2**n
        outcomes = matrices.shape[-1] // d
        tensor = matrices.reshape(*lead, d, outcomes, d, outcomes)
        effects = np.einsum("...ikjk->...kji", tensor)  # d J = sum_k M_k^T (x) |k><k|, and Tr(P M) / d
        return vector_of(np.ascontiguousarray(effects), n)


class ErrorGenerator(Piece):
    r"""A gate after which a Lindblad generator of errors acts for a unit of time: always completely positive.

    .. math:: R = e^{L} R_0, \qquad L\rho = -i \sum_P h_P [P, \rho]
        + \sum_{PQ} C_{PQ} \big( P \rho Q - \tfrac12 \{ Q P, \rho \} \big), \qquad C = A A^\dagger

    with A lower triangular. Source: Blume-Kohout et al. (2022), arXiv:2103.01928.
    """

    def __init__(self, name: str, ideal: Real) -> None:
        self._ideal = ideal
        words = all_labels(len(ideal))[1:]
        m = len(words)
        self._below = np.tril_indices(m, -1)
        diagonal = [f"{name}.a[{w},{w}]" for w in words]
        pairs = [f"{words[i]},{words[j]}" for i, j in zip(*self._below, strict=True)]
        parts = [f"{name}.a[{pair}].{part}" for part in ("re", "im") for pair in pairs]
        self.names = (*(f"{name}.h[{w}]" for w in words), *diagonal, *parts)
        self._m = m

    @cached_property
    def _basis(self) -> tuple[Real, Complex]:
        """Generators of the h_P (m, D, D), and those of the C_PQ (m, m, D, D), complex."""
        side = len(self._ideal)
        n = (side.bit_length() - 1) // 2
        everything = np.stack([pauli(word).matrix() for word in all_labels(side)])
        paulis = everything[1:]

        def read(images: Complex) -> Complex:
            """Of the images (D, d, d) of all strings."""
            return np.asarray(np.einsum("pij,qji->pq", everything, images) / 2**n)

        turns = np.stack([read(-1j * (p @ everything - everything @ p)) for p in paulis]).real
        jumps = np.empty((len(paulis), len(paulis), side, side), dtype=np.complex128)
        for a, p in enumerate(paulis):
            for b, q in enumerate(paulis):
                square = q @ p
                jumps[a, b] = read(p @ everything @ q - (square @ everything + everything @ square) / 2)
        return turns, jumps

    def start(self, rng: np.random.Generator) -> Real:
        theta = np.zeros(len(self.names))
        theta[self._m : 2 * self._m] = np.sqrt(WEAK / (self._m + 1))
        return theta

    def _triangle(self, theta: Real) -> tuple[Real, Complex]:
        h, diagonal, re, im = np.split(theta, np.cumsum([self._m, self._m, len(self._below[0])]))
        a = np.diag(diagonal).astype(np.complex128)
        a[self._below] = re + 1j * im
        return h, a

    def _generator(self, theta: Real) -> Real:
        h, a = self._triangle(theta)
        turns, jumps = self._basis
        return np.asarray(np.tensordot(h, turns, axes=1) + np.tensordot(a @ a.conj().T, jumps, axes=2).real)

    def value(self, theta: Real) -> Real:
        return np.asarray(exponential(self._generator(theta)) @ self._ideal)

    def derivatives(self, theta: Real) -> Real:
        _, a = self._triangle(theta)
        turns, jumps = self._basis
        generator, m, k = self._generator(theta), self._m, len(self._below[0])
        units = np.zeros((m + 2 * k, m, m), dtype=np.complex128)
        units[np.arange(m), np.arange(m), np.arange(m)] = 1.0
        units[m + np.arange(k), self._below[0], self._below[1]] = 1.0
        units[m + k + np.arange(k), self._below[0], self._below[1]] = 1j
        moved = units @ a.conj().T
        of_a = np.tensordot(moved + moved.conj().swapaxes(1, 2), jumps, axes=2).real
        along = [exponential_along(generator, x) @ self._ideal for x in (*turns, *of_a)]
        return np.stack(along)


def full_gate(name: str, ideal: Real) -> Entries:
    """All entries of a transfer matrix but the first row: trace preserving, not always positive."""
    words = all_labels(len(ideal))
    free = np.ones(ideal.shape, dtype=bool)
    free[0] = False
    weak = ideal * (1 - WEAK)
    weak[0] = ideal[0]
    return Entries(tuple(f"{name}[{a},{b}]" for a in words[1:] for b in words), ideal, free, weak)


def full_preparation(name: str, ideal: Real) -> Entries:
    """All Pauli expectations but that of the identity."""
    free = np.ones(len(ideal), dtype=bool)
    free[0] = False
    weak = np.where(free, ideal * (1 - WEAK), ideal)
    return Entries(tuple(f"{name}[{w}]" for w in all_labels(len(ideal))[1:]), ideal, free, weak)


def physical_preparation(name: str, ideal: Complex) -> OfModel:
    """A density matrix, as a process from nothing."""
    from qml.processes.models import KrausModel

    d = len(ideal)
    n = d.bit_length() - 1
    model = KrausModel((1,), (2,) * n)
    weak = DensityMatrix._trusted((1 - WEAK) * ideal + WEAK * np.eye(d) / d, (1, *(2,) * n))
    names = tuple(f"{name}.{p}" for p in model.parameter_names)
    return OfModel(model, n, "state", names, model.params_of(Process(weak, (1,))))


def physical_effects(name: str, ideal: Complex) -> OfModel:
    """Effects (K, d, d), as a process into K levels."""
    from qml.processes.models import KrausModel

    outcomes, d, _ = ideal.shape
    n = d.bit_length() - 1
    model = KrausModel((2,) * n, (outcomes,), rank=d * outcomes)
    weak = (1 - WEAK) * ideal + WEAK * np.eye(d) / outcomes
    choi = np.zeros((d, outcomes, d, outcomes), dtype=np.complex128)
    for k in range(outcomes):
        choi[:, k, :, k] = weak[k].T / d
    process = Process(DensityMatrix(choi.reshape(d * outcomes, -1), ((2,) * n) + (outcomes,)), (2,) * n)
    names = tuple(f"{name}.{p}" for p in model.parameter_names)
    return OfModel(model, n, "effects", names, model.params_of(process))
