r"""Compiled kernels: unitary programs on columns of vectors of qubits, many operations in one pass over memory.

Element (i, c) of the columns (2^n, m) has the number e = i m + c; eight elements lie together, first their real parts,
then their imaginary ones. A *sweep* acts on k active qubits: for every setting of the other qubits and every column
there is a unit of 2^k numbers; eight units at a time are brought into a buffer, 2^k rows of eight real and eight
imaginary parts, all operations of the sweep are applied there on whole vector registers, and they are put back.

The operations of a sweep, one row each in its table ``ops``:

* ``PAIR``: C (A x B) on two active qubits: optional 2 x 2 matrices A and B, then a permutation of the four components
  with a factor each (CNOT, CZ, SWAP, ... or nothing);
* ``TURN``: exp(-i theta P / 2) = cos(theta/2) - i sin(theta/2) P for a string P of any weight; the qubits of its
  letters X and Y are active, those of its letters Z need not be;
* ``DENSE``: any matrix on j active qubits; its zeros cost nothing.

Backward, the operations are undone on the vectors psi and on their cotangent lambda in the same pass. The derivative of
U in a parameter is U K with K anti-Hermitian, so that Re <lambda'|K|psi'>, summed after undoing U, is all that is
needed: K itself for TURN and DENSE; for A and B the six real sums that any K on one qubit meets.

The eight-fold units are split into chunks, whose number does not depend on that of the threads; sums are kept for each
chunk.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qml.engines._llvm.kernel import kernel
from qml.engines._llvm.language import F1, F2, F3, I1, I2, LANES, subroutine
from qml.engines._llvm.simd import load, store
from qml.engines._llvm.teams import finish, ticket, wait
from qml.engines.vectors.operations import ROW, dense, dense_sums, odd, pair, pair_sums, turn, turn_sums

PAIR, TURN, DENSE = range(3)
KIND, FREE, OUT, A, B, C, D, E = range(8)
"""Columns of ``ops``: the kind; what is differentiated (PAIR: bit 0 for A, bit 1 for B; DENSE: the number of matrices
K); where its sums go; and

* PAIR: the bits of the two qubits in the row number, high and low; where A and B start (-1: none); the core's row;
* TURN: the masks x and z in the row number; where cos and sin start; the mask z of the other qubits; the power of i;
* DENSE: where the row offsets of the 2^j components start; 2^j; where the matrix starts; where the matrices K start;
  where the rows of the first components start."""

FIRST_SHIFT, N_ACTIVE, FIRST_OP, N_OPS = range(4)
"""Columns of ``sweeps``: where the bits of the active qubits start in ``places`` (ascending); their number; the rows in
``ops``."""

CHUNKS = 16


class Tables(NamedTuple):
    """A program as :func:`run` reads it: its sweeps, the rows of their operations, bits and masks that these refer to,
    and the cores of pairs, where each component goes and its factor."""

    sweeps: I2
    places: I1
    ops: I2
    core_places: I2
    core_factors: F2


@subroutine
def _sums(buffers: F1, sums: F1, op: I1, offsets: I1, firsts: I1, matrices: F1, signs: F1) -> None:
    """The sums of an operation, psi and lambda before it one after the other in the buffers."""
    size = buffers.size // 2
    psi, cotangent = buffers[:size], buffers[size:]
    if op[KIND] == PAIR:
        pair_sums(psi, cotangent, ROW << op[A], ROW << op[B], op[FREE], sums)
    elif op[KIND] == TURN:
        turn_sums(psi, cotangent, op[A], op[B], op[E], signs, sums)
    else:
        for p in range(op[FREE]):
            start = op[D] + 2 * op[B] * op[B] * p
            dense_sums(psi, cotangent, offsets, firsts, matrices, start, sums, LANES * p)


@subroutine
def _fill(x: F1, buffer: F1, elements: I1, rows: I1, back: bool) -> None:
    """The units whose first elements these are into a buffer, or back."""
    if elements.size == LANES and elements[LANES - 1] - elements[0] == LANES - 1:
        start = 2 * elements[0]
        for r in range(rows.size):
            i = start + 2 * rows[r]
            if back:
                store(x, i, load(buffer, ROW * r))
                store(x, i + 8, load(buffer, ROW * r + 8))
            else:
                store(buffer, ROW * r, load(x, i))
                store(buffer, ROW * r + 8, load(x, i + 8))
        return
    for r in range(rows.size):
        for lane in range(LANES):
            j = ROW * r + lane
            if lane < elements.size:
                e = elements[lane] + rows[r]
                i = ((e >> 3) << 4) | (e & 7)
                if back:
                    x[i], x[i + 8] = buffer[j], buffer[j + 8]
                else:
                    buffer[j], buffer[j + 8] = x[i], x[i + 8]
            elif not back:
                buffer[j], buffer[j + 8] = 0.0, 0.0


@kernel
def run(
    x: F1,
    y: F1,
    n: int,
    m: int,
    tables: Tables,
    coefficients: F1,
    matrices: F1,
    sums: F3,
    first: int,
    backward: bool,
    progress: I1,
) -> None:
    """Sweep `first` and all later ones in place on x; or, backward, undone, last first, on x and y.

    Backward, y is the cotangent, and the sums are added to rows of `sums` (chunks, sums, 8). m is 1, 2, 4, or divisible
    by 8. For `progress` see :mod:`qml.engines._llvm.teams`; a sweep is one phase.
    """
    sweeps, places, ops = tables.sweeps, tables.places, tables.ops
    elements, indices, signs = np.empty(LANES, np.int64), np.empty(LANES, np.int64), np.empty(LANES)
    most, flat_sums = 0, sums.reshape(-1)
    for number in range(sweeps.shape[0]):
        most = max(most, sweeps[number, N_ACTIVE])
    room = np.empty(3 * (ROW << most))  # two buffers, and the components of a matrix
    for phase in range(sweeps.shape[0] - first):
        sweep = sweeps[sweeps.shape[0] - 1 - phase if backward else first + phase]
        k, place = sweep[N_ACTIVE], sweep[FIRST_SHIFT]
        size = ROW << k
        buffers, w = room[: 2 * size], room[2 * size :]
        rows = np.zeros(1 << k, np.int64)
        for r in range(rows.size):
            for bit in range(k):
                rows[r] += ((r >> bit) & 1) * (m << places[place + bit])
        units = m << (n - k)
        groups = (units + LANES - 1) // LANES
        chunk = ticket(progress, phase, -1)
        while chunk < CHUNKS:
            for group in range(groups * chunk // CHUNKS, groups * (chunk + 1) // CHUNKS):
                lanes = min(LANES, units)
                for lane in range(lanes):
                    index = (LANES * group + lane) // m
                    column = LANES * group + lane - index * m
                    for bit in range(k):
                        shift = places[place + bit]
                        index = ((index >> shift) << (shift + 1)) | (index & ((1 << shift) - 1))
                    indices[lane], elements[lane] = index, index * m + column
                for o in range(-1, sweep[N_OPS] + 1):
                    if o < 0 or o == sweep[N_OPS]:
                        for side in range(2 if backward else 1):
                            buffer = buffers[side * size : (side + 1) * size]
                            _fill(y if side else x, buffer, elements[:lanes], rows, o >= 0)
                        continue
                    op = ops[sweep[FIRST_OP] + (sweep[N_OPS] - 1 - o if backward else o)]
                    offsets, firsts = places[:0], places[:0]
                    if op[KIND] == TURN:
                        for lane in range(LANES):
                            signs[lane] = 1.0 - 2.0 * odd(indices[lane] & op[D]) if lane < lanes else 0.0
                    elif op[KIND] == DENSE:
                        offsets = places[op[A] : op[A] + op[B]]
                        firsts = places[op[E] : op[E] + (1 << k) // op[B]]
                    for side in range(2 if backward else 1):
                        buffer = buffers[side * size : (side + 1) * size]
                        if op[KIND] == PAIR:
                            moves, factors = tables.core_places[op[E]], tables.core_factors[op[E]]
                            high, low = ROW << op[A], ROW << op[B]
                            pair(buffer, high, low, coefficients, op[C], op[D], moves, factors, backward)
                        elif op[KIND] == TURN:
                            cosine, sine = coefficients[LANES * op[C]], coefficients[LANES * (op[C] + 1)]
                            turn(buffer, op[A], op[B], op[E], cosine, -sine if backward else sine, signs)
                        else:
                            dense(buffer, w, offsets, firsts, matrices, op[C], backward)
                    if backward and op[FREE]:
                        at = LANES * (chunk * sums.shape[1] + op[OUT])
                        _sums(buffers, flat_sums[at:], op, offsets, firsts, matrices, signs)
            finish(progress, phase)
            chunk = ticket(progress, phase, chunk)
        wait(progress, phase, CHUNKS)
