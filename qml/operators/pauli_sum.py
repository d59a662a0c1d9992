"""Linear combinations of Pauli strings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from qml import _checks, _matrices
from qml._checks import InputError
from qml._saved import Saved
from qml._typing import ArrayLike, Complex, Dims
from qml.operators import strings

if TYPE_CHECKING:
    from scipy.sparse import csr_array

PAIRS = "pairs (label, coefficient), or a mapping"
SHOWN = 12  # terms of the short displays


@dataclass(frozen=True, eq=False, repr=False)
class PauliSum(Saved):
    r"""A linear combination of Pauli strings on n qubits: a frozen value.

    .. math:: A = \sum_P c_P P, \qquad P \in \{I, X, Y, Z\}^{\otimes n}, \quad c_P \in \mathbb{C}

    Made by :func:`pauli`, :meth:`from_terms`, :meth:`from_matrix`, and by algebra: ``A + B``, ``A - B``, ``2 * A``,
    ``A / 2``, ``-A`` and the operator product ``A @ B``. Equal strings are merged and exact zeros dropped. Terms keep
    the order in which they first appear (a Trotter product follows it); equality and hash do not depend on that order.

    Attributes
    ----------
    n_qubits : int
        The number n of qubits.
    words : tuple of (int, int)
        Each string as its masks (x, z); the bit of qubit k is the one of weight 2^(n - 1 - k).
    coefficients : tuple of float or complex
        c_P in the order of `words`; a float where the imaginary part is exactly zero.

    Examples
    --------
    >>> A = PauliSum.from_terms({"XX": 0.5, "ZI": 1.0})
    >>> print(A @ A)
    1.25*II
    >>> print(pauli("X") @ pauli("Y"))
    i*Z
    """

    n_qubits: int
    words: tuple[strings.Word, ...]
    coefficients: tuple[complex, ...]

    _keys = ("n_qubits", "terms")
    default_loss: ClassVar[str] = "expectation"
    """What a fit minimises where the target is a Hamiltonian."""

    def _arguments(self) -> dict[str, Any]:
        return {"n_qubits": self.n_qubits, "terms": dict(self.terms)}

    @classmethod
    def _again(cls, **arguments: Any) -> PauliSum:
        return cls.from_terms(arguments["terms"], arguments["n_qubits"])

    __array_ufunc__: ClassVar[None] = None  # so that NumPy scalars leave the multiplication to this class

    @staticmethod
    def from_terms(
        terms: Mapping[str, complex] | Iterable[tuple[str, complex]], n_qubits: int | None = None
    ) -> PauliSum:
        """The sum of coefficient times string over a mapping, or over pairs, of (label, coefficient).

        Parameters
        ----------
        terms : mapping of str to complex, or iterable of (str, complex)
            Labels over I, X, Y, Z, all of the same length; qubit 0 is the leftmost letter.
        n_qubits : int, optional
            Needed only where `terms` may be empty: the zero operator.

        Raises
        ------
        InputError
            Where a label holds another letter or another number of letters, or a coefficient is not a finite number.

        Examples
        --------
        >>> PauliSum.from_terms([("ZZ", -1.0), ("XI", -0.5), ("ZZ", 3.0)]).terms
        (('ZZ', 2.0), ('XI', -0.5))
        """
        pairs = terms.items() if isinstance(terms, Mapping) else _checks.listed("terms", terms, PAIRS)
        if n_qubits is not None:
            n_qubits = _checks.qubit_count("n_qubits", n_qubits)
        items: list[tuple[strings.Word, complex]] = []
        for pair in pairs:
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise InputError(f"terms must be {PAIRS}; found {_checks.shown(pair)}.")
            label = strings.as_label(pair[0])
            n_qubits = n_qubits or len(label)
            if len(label) != n_qubits:
                raise InputError(f"every label must have {_checks.plural(n_qubits, 'letter')}; found {label!r}.")
            items.append((strings.word_of(label), _checks.scalar(f"the coefficient of {label!r}", pair[1])))
        if n_qubits is None:
            raise InputError("terms must hold at least one label; found none: pass n_qubits if zero is meant.")
        return _collect(n_qubits, items)

    @staticmethod
    def from_matrix(matrix: ArrayLike) -> PauliSum:
        r"""The Pauli expansion of a matrix, strings in alphabetical order.

        .. math:: c_P = 2^{-n} \, \mathrm{Tr}(P A)

        Coefficients at or below 4 n eps max|A|, the rounding of the transform, are left out. Costs n 4^n operations,
        by one Walsh-Hadamard transform for each x.

        Parameters
        ----------
        matrix : array (2^n, 2^n)
            Any complex matrix; an exactly Hermitian one has exactly real coefficients.

        Raises
        ------
        InputError
            Where the side is not a power of two, 2 or more.

        Examples
        --------
        >>> print(PauliSum.from_matrix([[2.0, 0.0], [1.0, 0.0]]))
        I + 0.5*X - 0.5i*Y + Z
        """
        a = _matrices.square("matrix", matrix)
        d = a.shape[-1]
        n = d.bit_length() - 1
        if a.ndim != 2 or d < 2 or d != 1 << n:
            raise InputError(f"matrix must have shape (2^n, 2^n) with n >= 1; found shape {a.shape}.")
        _matrices.summable("matrix", a, "divide it by a number")
        _checks.memory(f"the Pauli expansion on {n} qubits", 56 * d * d, "use fewer qubits")
        b = np.arange(d)
        c = a[b ^ b[:, None], b]  # c[x, b] = A[b + x, b], then its transform over b
        for k in range(n):
            halves = c.reshape(d, -1, 2, 1 << k)
            c = np.stack([halves[:, :, 0] + halves[:, :, 1], halves[:, :, 0] - halves[:, :, 1]], axis=2)
        c = c.reshape(d, d) / d
        limit = 4 * n * np.finfo(np.float64).eps * np.abs(a).max()
        items = [
            ((int(x), int(z)), strings.I_POWERS[-(x & z).bit_count() % 4] * complex(c[x, z]))
            for x, z in np.argwhere(np.abs(c) > limit).tolist()
        ]
        return _collect(n, sorted(items, key=lambda item: strings.spell(item[0], n)))

    @property
    def dims(self) -> Dims:
        """(2, ..., 2), one entry a qubit."""
        return (2,) * self.n_qubits

    @property
    def labels(self) -> tuple[str, ...]:
        """The strings as letters, qubit 0 leftmost."""
        return tuple(strings.spell(word, self.n_qubits) for word in self.words)

    @property
    def terms(self) -> tuple[tuple[str, complex], ...]:
        """(label, coefficient) of each term, in order; what :meth:`from_terms` takes."""
        return tuple(zip(self.labels, self.coefficients, strict=True))

    @property
    def is_hermitian(self) -> bool:
        """Whether the coefficients are real: max|Im c| at most 1e-10 max|c|."""
        imaginary = max((abs(c.imag) for c in self.coefficients), default=0.0)
        return imaginary <= _checks.TOLERANCE * self._largest

    @property
    def _largest(self) -> float:
        return max(map(abs, self.coefficients), default=0.0)

    def adjoint(self) -> PauliSum:
        """The adjoint: every coefficient conjugated."""
        return PauliSum(self.n_qubits, self.words, tuple(c.conjugate() for c in self.coefficients))

    def commutes_with(self, other: PauliSum) -> bool:
        """Whether A B = B A: no Pauli coefficient of A B - B A exceeds 1e-10 max|c_A| max|c_B|.

        Parameters
        ----------
        other : PauliSum
            B, on as many qubits.

        Raises
        ------
        InputError
            If `other` is no Pauli sum, or one on another number of qubits.

        Examples
        --------
        >>> pauli("XX").commutes_with(pauli("ZZ")), pauli("XI").commutes_with(pauli("ZZ"))
        (True, False)
        """
        self._check_partner("compared with", other)
        a, b = (x / (x._largest or 1.0) for x in (self, other))
        return (a @ b - b @ a)._largest <= _checks.TOLERANCE

    def matrix(self) -> Complex:
        """The dense matrix, shape (2^n, 2^n); costs 2^n operations a term and 16 * 4^n bytes.

        Raises
        ------
        MemoryRefused
            Where it would not fit in the free memory; nothing is allocated.

        Examples
        --------
        >>> pauli("Y").matrix()
        array([[0.+0.j, 0.-1.j],
               [0.+1.j, 0.+0.j]])
        """
        what = f"the dense matrix of a Pauli sum on {self._size}"
        _checks.memory(what, 16 * 4**self.n_qubits, "use .sparse() or .apply(psi)")
        out = np.zeros((1 << self.n_qubits,) * 2, dtype=np.complex128)
        for x, b, values in strings.diagonals(self._items(), self.n_qubits):
            out[b ^ x, b] = values
        return out

    def sparse(self) -> csr_array:
        """The matrix (2^n, 2^n) as a SciPy csr_array; it stores at most 2^n numbers for every distinct x."""
        from scipy.sparse import csr_array

        d = 1 << self.n_qubits
        what = f"the sparse matrix of a Pauli sum on {self._size}"
        _checks.memory(what, 96 * d * len({x for x, _ in self.words}), "use .apply(psi)")
        if not self.words:
            return csr_array((d, d), dtype=np.complex128)
        found = [(b ^ x, b, values) for x, b, values in strings.diagonals(self._items(), self.n_qubits)]
        rows, columns, data = map(np.concatenate, zip(*found, strict=True))
        matrix = csr_array((data, (rows, columns)), shape=(d, d))
        matrix.eliminate_zeros()
        return matrix

    def _traces(self, matrices: Complex) -> Complex:
        """Tr(X O), shape (...), for matrices X (..., d, d): 2^n operations a term."""
        out: Complex = np.zeros(matrices.shape[:-2], dtype=np.complex128)
        for x, b, values in strings.diagonals(self._items(), self.n_qubits):
            out = out + (values * matrices[..., b, b ^ x]).sum(axis=-1)
        return out

    def apply(self, psi: ArrayLike) -> Complex:
        """A psi without a matrix, shape (..., 2^n); costs 2^n operations a term.

        Parameters
        ----------
        psi : array (..., 2^n)
            One or more vectors, along the last axis, of any norm.

        Raises
        ------
        InputError
            If the shape is another, or an entry is not finite.

        Examples
        --------
        >>> pauli("XZ").apply([0.0, 1.0, 0.0, 0.0]).real
        array([ 0.,  0.,  0., -1.])
        """
        d = 1 << self.n_qubits
        vectors = _checks.shaped("psi", _checks.array("psi", psi), (..., d), f"vectors of {self._size}")
        out = np.zeros(vectors.shape, dtype=np.complex128)
        for x, b, values in strings.diagonals(self._items(), self.n_qubits):
            out += (values * vectors)[..., b ^ x]
        return out

    def __add__(self, other: PauliSum) -> PauliSum:
        self._check_partner("added to", other)
        return _collect(self.n_qubits, [*self._items(), *other._items()])

    def __radd__(self, other: int) -> PauliSum:
        if other == 0:  # where the built-in sum() starts
            return self
        raise InputError(f"a Pauli sum cannot be added to {other!r}: add a multiple of the identity pauli('I...I').")

    def __sub__(self, other: PauliSum) -> PauliSum:
        self._check_partner("combined with", other)
        return self + -other

    def __neg__(self) -> PauliSum:
        return PauliSum(self.n_qubits, self.words, tuple(-c for c in self.coefficients))

    def __mul__(self, factor: complex) -> PauliSum:
        if isinstance(factor, PauliSum):
            raise InputError("* multiplies a Pauli sum by a number: write A @ B for the product of two operators.")
        s = strings.simplest(_checks.scalar("the factor of a Pauli sum", factor))
        return _collect(self.n_qubits, [(word, s * c) for word, c in self._items()])

    __rmul__ = __mul__

    def __truediv__(self, divisor: complex) -> PauliSum:
        s = strings.simplest(_checks.scalar("the divisor of a Pauli sum", divisor))
        if s == 0:
            raise InputError("the divisor of a Pauli sum must not be zero.")
        return _collect(self.n_qubits, [(word, c / s) for word, c in self._items()])

    def __matmul__(self, other: PauliSum) -> PauliSum:
        self._check_partner("multiplied by", other)
        products = []
        for (x1, z1), c1 in self._items():
            for (x2, z2), c2 in other._items():
                x, z = x1 ^ x2, z1 ^ z2
                power = (x1 & z1).bit_count() + (x2 & z2).bit_count() - (x & z).bit_count() + 2 * (z1 & x2).bit_count()
                products.append(((x, z), strings.I_POWERS[power % 4] * c1 * c2))
        return _collect(self.n_qubits, products)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PauliSum):
            return NotImplemented
        return self.n_qubits == other.n_qubits and dict(self._items()) == dict(other._items())

    def __hash__(self) -> int:
        return hash((self.n_qubits, frozenset(self._items())))

    def __str__(self) -> str:
        return strings.write(self.terms)

    def __repr__(self) -> str:
        shown = strings.write(self.terms[:SHOWN], more=len(self.words) > SHOWN)
        return f"<PauliSum on {self._size}: {shown}>"

    def _repr_latex_(self) -> str:
        terms = [(strings.latex(label), c) for label, c in self.terms[:SHOWN]]
        shown = strings.write(terms, times=r"\,", dots=r"\cdots", more=len(self.words) > SHOWN)
        return rf"$\displaystyle {shown}$"

    def _items(self) -> Iterator[tuple[strings.Word, complex]]:
        return zip(self.words, self.coefficients, strict=True)

    @property
    def _size(self) -> str:
        return _checks.plural(self.n_qubits, "qubit")

    def _check_partner(self, verb: str, other: object) -> None:
        if not isinstance(other, PauliSum):
            raise InputError(
                f"a Pauli sum can be {verb} another Pauli sum; found {type(other).__name__}: "
                "use .apply(psi) for vectors, .matrix() for matrices, pauli('I...I') for the identity."
            )
        if other.n_qubits != self.n_qubits:
            raise InputError(
                f"a Pauli sum on {self._size} cannot be {verb} one on {other._size}: "
                "place the smaller one with pauli(label, sites=..., n=...)."
            )


def pauli(label: str, coefficient: complex = 1.0, sites: Sequence[int] | None = None, n: int | None = None) -> PauliSum:
    r"""One Pauli string times a number: :math:`c \, P_0 \otimes P_1 \otimes \dots`

    Parameters
    ----------
    label : str
        Letters I, X, Y, Z. Without `sites`, letter k acts on qubit k and the string has as many qubits as letters.
    coefficient : complex
        The number c.
    sites : sequence of int, optional
        The qubit that each letter acts on, any order; the others get the identity. Needs `n`.
    n : int, optional
        The number of qubits, with `sites`.

    Returns
    -------
    PauliSum
        Of one term, or none where c is zero.

    Raises
    ------
    InputError
        Where a letter is none of the four, sites are repeated or outside, or only one of `sites` and `n` is given.

    Examples
    --------
    >>> pauli("XZ", sites=(0, 3), n=5).labels
    ('XIIZI',)
    >>> pauli("XZ", 0.5)
    <PauliSum on 2 qubits: 0.5*XZ>
    """
    letters = strings.as_label(label)
    if (sites is None) != (n is None):
        raise InputError(f"sites and n must be given together; found sites = {sites}, n = {n}.")
    if sites is not None:
        letters = strings.placed(letters, sites, _checks.qubit_count("n", n))
    return PauliSum.from_terms([(letters, coefficient)])


def _collect(n_qubits: int, items: Iterable[tuple[strings.Word, complex]]) -> PauliSum:
    kept = strings.merged(items)
    return PauliSum(n_qubits, tuple(kept), tuple(kept.values()))
