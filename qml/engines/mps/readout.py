"""What is read off a thermal state beside expectations: reduced density matrices, and shots in a product basis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qml import _checks
from qml._typing import Complex, Integer, Numeric
from qml.engines.mps.pairs import Pair
from qml.engines.mps.trains import Train
from qml.engines.transfer import TO_Z

SHOTS_AT_ONCE = 4096


def reduced_matrix(root: Train, keep: Sequence[int]) -> Complex:
    """The density matrix (2^k, 2^k) of the k sites `keep`, in ascending order, of M M^dagger / Tr with M = `root`."""
    k, n = len(keep), len(root.sites)
    _checks.memory(
        f"the density matrix of {_checks.plural(k, 'qubit')} of a chain of bond dimension {root.bond}",
        64 * (4**k + 4 ** (k // 2 + 1) * root.bond**2),
        "keep fewer sites",
        qubits=k,
    )
    pair = Pair(root.dagger, root)
    half = (k + 1) // 2
    bond = keep[half - 1] + 1
    left = _open(pair, keep[:half], bond)
    right = _open(pair.mirrored, [n - 1 - site for site in reversed(keep[half:])], n - bond)
    found = left.reshape(len(left), -1) @ right.reshape(len(right), -1).T
    axes = [*range(0, 2 * half, 2), *(2 * half + 2 * i for i in range(k - half - 1, -1, -1))]
    matrix = found.reshape((2,) * 2 * k).transpose([*axes, *(axis + 1 for axis in axes)]).reshape(2**k, 2**k)
    matrix = (matrix + matrix.conj().T).astype(np.complex128)
    return np.asarray(matrix / np.trace(matrix).real)


def _open(pair: Pair, keep: Sequence[int], bond: int) -> Numeric:
    """The environment at `bond` with rows and columns of the sites `keep` left open: (row 1 column 1 ..., a, b)."""
    e = pair.identity[keep[0]] if keep else pair.identity[bond]
    for site in range(keep[0] if keep else bond, bond):
        if site not in keep:
            e = pair.past(e, site)
            continue
        s, t = pair.a.sites[site], pair.b.sites[site]  # Tr(M^dagger P M): rho from row of M to column of M^dagger
        e = np.tensordot(np.tensordot(e, t, 1), s, ((1, 3), (0, 1)))  # open, row, b', column, a'
        e = e.transpose(0, 1, 3, 4, 2).reshape(-1, s.shape[3], t.shape[3])
    return e


def outcomes(root: Train, word: str, count: int, rng: np.random.Generator) -> Integer:
    """Outcomes 0 and 1 (count, n) of measuring M M^dagger / Tr with M = `root`, each qubit along the letter of `word`.

    M M^dagger is what is left of a pure state when its columns are not looked at: they are measured, too, and
    forgotten, so that a shot costs O(n chi^2). From the last qubit on, since all before it is orthonormal.
    """
    n = len(root.sites)
    _checks.memory(f"{count} shots of {_checks.plural(n, 'qubit')}", 8 * count * n, "draw fewer shots at a time")
    out = np.empty((count, n), dtype=np.int64)
    rotated = [np.einsum("rs,asub->baru", TO_Z[c], t) for c, t in zip(word, root.sites, strict=True)]
    for first in range(0, count, SHOTS_AT_ONCE):
        m = min(SHOTS_AT_ONCE, count - first)
        held: Numeric = np.ones((m, 1))
        for site in range(n - 1, -1, -1):
            t = rotated[site]
            x = (held @ t.reshape(len(t), -1)).reshape(m, t.shape[1], 4)
            p = np.cumsum(np.square(np.abs(x)).sum(axis=1), axis=1)
            chosen = (rng.random((m, 1)) * p[:, -1:] >= p[:, :-1]).sum(axis=1)
            out[first : first + m, site] = chosen // 2
            held = x[np.arange(m), :, chosen]
            held /= np.linalg.norm(held, axis=1, keepdims=True)
    return out
