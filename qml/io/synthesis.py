r"""Unitary matrices as rotations and CNOTs, for formats that have no matrices.

.. math:: U = \begin{pmatrix} A_1 & \\ & A_2 \end{pmatrix} \begin{pmatrix} C & -S \\ S & C \end{pmatrix}
    \begin{pmatrix} B_1 & \\ & B_2 \end{pmatrix}, \qquad
    \begin{pmatrix} A_1 & \\ & A_2 \end{pmatrix} =
    (1 \otimes V) \begin{pmatrix} D & \\ & D^\dagger \end{pmatrix} (1 \otimes W)

The middle factors are rotations of the first qubit, one for each state of the others; the rest acts on one qubit
fewer.
Source: Shende, Bullock and Markov (2006), arXiv:quant-ph/0406176.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import linalg

from qml import _checks
from qml._typing import Complex, Real
from qml.gates import CNOT, RY, RZ, P, PauliRotation
from qml.io.blocks import Block
from qml.parameters import Affine


def decomposed(matrix: Complex) -> Block:
    """A unitary (2^n, 2^n) as P, RY, RZ and CNOT gates on sites 0, ..., n - 1: about 4^n of them."""
    n = len(matrix).bit_length() - 1
    _checks.memory(f"the decomposition of a gate on {n} qubits", 3000 * 4**n, "use gates on fewer qubits")
    return _decomposed(np.asarray(matrix, dtype=np.complex128), range(n))


def _decomposed(u: Complex, sites: Sequence[int]) -> Block:
    if len(sites) == 1:
        theta, phi, lam, gamma = euler(u)
        turns = P(lam, sites[0]), RY(theta, sites[0]), P(phi, sites[0])
        return Block(tuple(turn for turn in turns if turn.params[0].constant), Affine((), gamma))
    half = len(u) // 2
    (a1, a2), theta, (b1, b2) = linalg.cossin(u, p=half, q=half, separate=True)
    turn = _rotated(RY, 2 * np.asarray(theta), sites[0], sites[1:])
    return _multiplexed(b1, b2, sites).then(turn).then(_multiplexed(a1, a2, sites))


def _multiplexed(a: Complex, b: Complex, sites: Sequence[int]) -> Block:
    """One matrix or the other, by the state of the first site."""
    t, v = linalg.schur(a @ b.conj().T, output="complex")
    half = np.angle(np.diag(t)) / 2
    w = np.exp(1j * half)[:, None] * (v.conj().T @ b)
    turn = _rotated(RZ, -2 * half, sites[0], sites[1:])
    return _decomposed(w, sites[1:]).then(turn).then(_decomposed(v, sites[1:]))


def _rotated(gate: PauliRotation, angles: Real, site: int, others: Sequence[int]) -> Block:
    """A rotation of one site, by the angle (2^k,) that belongs to the state of the others."""
    if not others:
        return Block.of(gate, float(angles[0]), site)
    zero, one = np.split(angles, 2)
    flip = Block.of(CNOT, others[0], site)
    same = _rotated(gate, (zero + one) / 2, site, others[1:])
    return same.then(flip).then(_rotated(gate, (zero - one) / 2, site, others[1:])).then(flip)


def euler(u: Complex) -> tuple[float, float, float, float]:
    r"""(theta, phi, lambda, gamma) with :math:`u = e^{i\gamma} U_3(\theta, \phi, \lambda)`, in radians."""
    c, s = abs(u[0, 0]), abs(u[1, 0])
    theta = 2 * math.atan2(s, c)
    if c >= s:
        gamma = float(np.angle(u[0, 0]))
        total = float(np.angle(u[1, 1])) - gamma
        phi = float(np.angle(u[1, 0])) - gamma if s > 1e-12 else 0.0
        return theta, phi, total - phi, gamma
    apart = float(np.angle(u[1, 0])) - float(np.angle(-u[0, 1]))  # phi - lambda
    lam = float(np.angle(u[1, 1]) - np.angle(u[1, 0])) if c > 1e-12 else 0.0
    phi = lam + apart
    return theta, phi, lam, float(np.angle(u[1, 0])) - phi
