"""What a gate set is made of: gates, preparations and effects as Pauli expectations, with their derivatives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property, partial
from itertools import product
from typing import Any

import numpy as np
from scipy import sparse

from qml import _checks
from qml._typing import Complex, Integer, Real
from qml.channels.exponentials import exponential, exponentials_along
from qml.engines.pauli_state import vector_of
from qml.models.base import Model
from qml.operators import pauli
from qml.operators.strings import all_labels
from qml.processes.models import KrausModel
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


class Linear(Piece):
    """An array that is affine in its parameters: a constant, plus a sparse map of the parameters (size, n)."""

    def __init__(self, names: tuple[str, ...], constant: Real, slopes: Any, start: Real) -> None:
        self.names, self._constant, self._slopes, self._start = names, constant, slopes, start

    def start(self, rng: np.random.Generator) -> Real:
        return self._start.copy()

    def value(self, theta: Real) -> Real:
        return np.asarray(self._constant + np.reshape(self._slopes @ theta, self._constant.shape))

    @cached_property
    def _derivatives(self) -> Real:
        return _checks.kept(self._slopes.T.toarray().reshape(-1, *self._constant.shape))

    def derivatives(self, theta: Real) -> Real:
        return self._derivatives


class OfModel(Piece):
    """What is read off the density matrices of a model."""

    def __init__(
        self, model: Model, read: Callable[[Complex], Real], prefix: str = "", start: Real | None = None
    ) -> None:
        self.model, self._read, self._start = model, read, start
        self.names = tuple(f"{prefix}{name}" for name in model.parameter_names)

    def start(self, rng: np.random.Generator) -> Real:
        return self.model.init_params(rng) if self._start is None else self._start.copy()

    def value(self, theta: Real) -> Real:
        return self._read(self.model.state(theta).matrix())

    def derivatives(self, theta: Real) -> Real:
        if not self.names:
            return np.zeros((0, *self.value(theta).shape))
        return self._read(self.model.state_jvp(theta)[1](np.eye(len(theta))))


def effects_of(choi: Complex, n: int) -> Real:
    """The effects (..., K, 4^n) of a process into K levels, as Tr(P M_k) / 2^n: d J = sum_k M_k^T (x) |k><k|."""
    d = 2**n
    outcomes = choi.shape[-1] // d
    effects = np.einsum("...ikjk->...kji", choi.reshape(*choi.shape[:-2], d, outcomes, d, outcomes))
    return vector_of(np.ascontiguousarray(effects), n)


class ErrorGenerator(Piece):
    r"""A gate after which a Lindblad generator of errors acts for a unit of time: always completely positive.

    .. math:: R = e^{L} R_0, \qquad L\rho = -i \sum_P h_P [P, \rho]
        + \sum_{PQ} C_{PQ} \big( P \rho Q - \tfrac12 \{ Q P, \rho \} \big), \qquad C = A A^\dagger

    with A lower triangular. Source: Blume-Kohout et al. (2022), arXiv:2103.01928.
    """

    def __init__(self, name: str, ideal: Real) -> None:
        self._ideal = ideal
        _checks.memory(f"the generators of errors of the gate {name!r}", 20 * len(ideal) ** 4, 'use kind="tp"')
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
        return exponentials_along(generator, np.concatenate([turns, of_a])) @ self._ideal


def known(value: Real) -> Linear:
    """An array without parameters."""
    return Linear((), value, sparse.csr_array((value.size, 0)), np.zeros(0))


def full(name: str, ideal: Real) -> Linear:
    """All entries of a transfer matrix or of a Pauli vector but those of the first row, the identity: the trace is
    preserved, and not always positive."""
    words, fixed = map(",".join, product(all_labels(len(ideal)), repeat=ideal.ndim)), ideal.size // len(ideal)
    names = tuple(f"{name}[{word}]" for word in words)[fixed:]
    constant = np.zeros_like(ideal)
    constant[0] = ideal[0]
    slopes = sparse.eye_array(ideal.size, len(names), k=-fixed, format="csr")
    return Linear(names, constant, slopes, (1 - WEAK) * ideal.reshape(-1)[fixed:])


def full_effects(name: str, ideal: Real) -> Linear:
    """Effects (K, D) that add up to the identity, all but the last of them free."""
    k, d = ideal.shape
    names = tuple(f"{name}[{j},{word}]" for j in range(k - 1) for word in all_labels(d))
    constant, weak = np.zeros((k, d)), (1 - WEAK) * ideal
    constant[-1, 0] = 1.0
    weak[:, 0] += WEAK / k
    others = sparse.kron(np.ones((1, k - 1)), sparse.eye_array(d))
    slopes = sparse.vstack([sparse.eye_array(len(names)), -others], format="csr")
    return Linear(names, constant, slopes, weak[:-1].reshape(-1))


def physical_preparation(name: str, ideal: Complex) -> OfModel:
    """A density matrix, as a process from nothing."""
    d = len(ideal)
    n = d.bit_length() - 1
    model = KrausModel((1,), (2,) * n)
    weak = DensityMatrix._trusted((1 - WEAK) * ideal + WEAK * np.eye(d) / d, (1, *(2,) * n))
    return OfModel(model, partial(vector_of, n=n), f"{name}.", model.params_of(Process(weak, (1,))))


def physical_effects(name: str, ideal: Complex) -> OfModel:
    """Effects (K, d, d), as a process into K levels."""
    outcomes, d, _ = ideal.shape
    n = d.bit_length() - 1
    model = KrausModel((2,) * n, (outcomes,), rank=d * outcomes)
    weak = (1 - WEAK) * ideal + WEAK * np.eye(d) / outcomes
    choi = np.zeros((d, outcomes, d, outcomes), dtype=np.complex128)
    for k in range(outcomes):
        choi[:, k, :, k] = weak[k].T / d
    process = Process(DensityMatrix(choi.reshape(d * outcomes, -1), ((2,) * n) + (outcomes,)), (2,) * n)
    return OfModel(model, partial(effects_of, n=n), f"{name}.", model.params_of(process))
