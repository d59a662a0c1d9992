r"""Pauli strings as bit masks, and how they are spelled.

A string on n qubits is a pair of masks (x, z) with one bit a qubit, qubit 0 in the highest: I = (0, 0), X = (1, 0),
Z = (0, 1), Y = (1, 1). As Y = i X Z,

.. math:: P_{x,z} = i^{|x \wedge z|} X^x Z^z, \qquad X^x Z^z |b\rangle = (-1)^{|z \wedge b|} |b \oplus x\rangle ,

so a string has one non-zero entry a column, and the strings that share x share the places of theirs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import product
from typing import Any, TypeAlias, TypeVar

import numpy as np

from qml import _checks
from qml._checks import InputError
from qml._typing import Complex, Integer, Numeric, Real

_Values = TypeVar("_Values", Real, Complex, Numeric)

Word: TypeAlias = tuple[int, int]
"""A Pauli string as its masks (x, z)."""

I_POWERS: tuple[complex, ...] = (1.0, 1j, -1.0, -1j)
LETTERS = "IXZY"
"""The letter of a qubit with the bits x and z stands at x + 2 z."""
X_BITS, Z_BITS = str.maketrans(LETTERS, "0101"), str.maketrans(LETTERS, "0011")


def as_label(label: object) -> str:
    """`label` if it is a word over I, X, Y, Z."""
    if not isinstance(label, str) or not label or set(label) - set(LETTERS):
        raise InputError(f"a Pauli label must be one or more of the letters I, X, Y, Z; found {label!r}.")
    return label


def all_labels(count: int) -> list[str]:
    """The labels of all Pauli strings on n qubits, count = 4^n of them, in the order of I, X, Y, Z."""
    return list(map("".join, product("IXYZ", repeat=(count.bit_length() - 1) // 2)))


def word_of(label: str) -> Word:
    """The masks of a label."""
    return int(label.translate(X_BITS), 2), int(label.translate(Z_BITS), 2)


def placed(letters: str, sites: Sequence[int], n: int) -> str:
    """The label of n letters with these on the listed qubits, and I elsewhere."""
    where = _checks.targets("sites", sites, n)
    if len(where) != len(letters):
        raise InputError(f"sites must name one qubit for each letter of {letters!r}; found {where}.")
    label = ["I"] * n
    for site, letter in zip(where, letters, strict=True):
        label[site] = letter
    return "".join(label)


def merged(items: Iterable[tuple[Word, complex]]) -> dict[Word, complex]:
    """Equal words added up in the order of their first appearance, without exact zeros."""
    weights: dict[Word, complex] = {}
    for word, c in items:
        weights[word] = weights.get(word, 0.0) + c
    norm = sum(abs(c.real) + abs(c.imag) for c in weights.values())  # at least that of the operator
    if not math.isfinite(norm):
        raise InputError("the coefficients of the Pauli sum add up to more than float64 holds: use another unit.")
    return {word: simplest(c) for word, c in weights.items() if c != 0}


def simplest(c: complex) -> complex:
    """A float where the imaginary part is exactly zero."""
    return c.real if c.imag == 0 else c


def diagonals(terms: Iterable[tuple[Word, complex]], n: int) -> Iterator[tuple[int, Integer, Complex]]:
    """For every distinct x: (x, all b, the entries A[b + x, b] that its strings make, of A = sum of c P)."""
    by_x: dict[int, list[tuple[int, complex]]] = {}
    for (x, z), c in terms:
        by_x.setdefault(x, []).append((z, c * I_POWERS[(x & z).bit_count() % 4]))
    b = np.arange(1 << n)
    for x, group in by_x.items():
        values = np.zeros(b.shape, dtype=np.complex128)
        for z, c in group:
            values += c * (1.0 - 2.0 * (np.bitwise_count(b & z) & 1))
        yield x, b, values


def diagonal_of(terms: Iterable[tuple[Word, complex]], n: int) -> Complex:
    """The entries A[b, b], shape (2^n,)."""
    found = diagonals((term for term in terms if not term[0][0]), n)
    return next((values for _, _, values in found), np.zeros(1 << n, dtype=np.complex128))


def spell(word: Word, n: int) -> str:
    """The label of n letters with these masks."""
    bits = zip(*(f"{mask:0{n}b}" for mask in word), strict=True)
    return "".join([LETTERS[(x == "1") + 2 * (z == "1")] for x, z in bits])


def digits_of(labels: Sequence[str]) -> Integer:
    """Labels of equal length as numbers 0 to 3 for I, X, Y and Z, (labels, n)."""
    table = np.zeros(256, dtype=np.int64)
    table[list(b"IXYZ")] = range(4)
    n = len(labels[0]) if labels else 0
    return table[np.frombuffer("".join(labels).encode(), dtype=np.uint8)].reshape(len(labels), n)


def latex(label: str) -> str:
    """A label in LaTeX, identities left out: "XIZ" is X_{0}Z_{2}."""
    return "".join(f"{letter}_{{{k}}}" for k, letter in enumerate(label) if letter != "I") or r"\mathbb{1}"


def write(terms: Iterable[tuple[str, complex]], times: str = "*", dots: str = "...", more: bool = False) -> str:
    """A sum of (label, coefficient) with six digits, `times` between the two, and `dots` if there is `more`."""
    parts = []
    for label, c in terms:
        part, size = 1.0, f"({c.real:.6g}{c.imag:+.6g}i)"
        if not (c.real and c.imag):
            part = c.real or c.imag
            size = f"{abs(part):.6g}{'i' if c.imag else ''}"
        factor = {"1": "", "1i": f"i{times}"}.get(size, size + times)
        parts.append((part, f"{factor}{label}"))
    return (signed_sum(parts) or "0") + (f" + {dots}" if more else "")


def signed_sum(parts: Iterable[tuple[float, str]]) -> str:
    """Texts of sizes as a sum, each with the sign of the number beside it."""
    text = "".join([f" - {size}" if x < 0 else f" + {size}" for x, size in parts])
    return f"-{text[3:]}" if text.startswith(" -") else text[3:]


def walsh_hadamard(a: _Values) -> _Values:
    r"""sum_b (-1)^(z . b) a[..., b] for every z, along the last axis of length 2^n, four bits a matrix product.

    Examples
    --------
    >>> import numpy as np
    >>> walsh_hadamard(np.array([3.0, 1.0])).tolist()
    [4.0, 2.0]
    """
    shape, half = a.shape, 1
    while half < shape[-1]:
        radix = min(16, shape[-1] // half)
        signs = _signs(radix, a.dtype)
        a = a.reshape(-1, radix) @ signs if half == 1 else signs @ a.reshape(-1, radix, half)
        half *= radix
    return a.reshape(shape)


@cache
def _signs(size: int, dtype: np.dtype[Any]) -> Any:
    """(-1)^(z . b), shape (size, size)."""
    bits = np.arange(size)
    return np.asarray(1.0 - 2.0 * (np.bitwise_count(bits[:, None] & bits) % 2), dtype=dtype)
