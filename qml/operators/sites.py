"""Operators on the listed sites of a register, for any site dimensions."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias, cast, runtime_checkable

import numpy as np

from qml import _checks, _matrices
from qml._arrays import as_complex, as_real
from qml._checks import InputError
from qml._typing import ArrayLike, Complex, Dims, DimsLike, Integer, Numeric, Real
from qml.operators.coercion import PauliLike, as_pauli_sum
from qml.operators.pauli_sum import PauliSum
from qml.operators.strings import diagonal_of


@runtime_checkable
class DenseOperator(Protocol):
    """What is asked of a QuTiP Qobj: `dims` as [[rows], [columns]] and `full()`, its dense matrix."""

    dims: Any

    def full(self) -> Any:
        """The matrix (d, d)."""


OperatorLike: TypeAlias = "ArrayLike | PauliSum | DenseOperator | Mapping[str, complex]"
"""An operator: a matrix (d, d), a :class:`PauliSum` or what stands for one ("XX", {"XX": 0.5}), or a QuTiP Qobj."""


def as_matrix(op: OperatorLike, dims: DimsLike) -> Complex:
    """The dense matrix of an operator on sites of dimensions `dims`, shape (d, d).

    Parameters
    ----------
    op : array (d, d), PauliSum, str, mapping or qutip.Qobj
        A Pauli sum needs one qubit a site; a Qobj needs these site dimensions, or a single site of dimension d.
    dims : int or sequence of int
        Site dimensions; an int is a number of qubits.

    Returns
    -------
    array (d, d), complex128

    Raises
    ------
    InputError
        Where the operator does not act on these sites. Hermiticity is not asked for.
    MemoryRefused
        Where the matrix of a Pauli sum would not fit in memory.

    Examples
    --------
    >>> from qml.operators import pauli
    >>> as_matrix(pauli("Z"), 1).real
    array([[ 1.,  0.],
           [ 0., -1.]])
    """
    if isinstance(op, str | Mapping):
        op = as_pauli_sum(op)
    dims = _checks.dimensions("dims", dims, math.prod(dims_of(op)) if isinstance(dims, int | np.integer) else None)
    if isinstance(op, PauliSum):
        if op.dims != dims:
            raise InputError(
                f"the operator must act on sites of dimensions {dims}; found a Pauli sum on "
                f"{_checks.plural(op.n_qubits, 'qubit')}."
            )
        return op.matrix()
    d = math.prod(dims)
    if not isinstance(op, np.ndarray) and isinstance(op, DenseOperator):  # asking for a protocol takes long
        if op.dims not in ([list(dims), list(dims)], [[d], [d]]):
            raise InputError(f"the operator must act on sites of dimensions {dims}; found a Qobj of dims {op.dims}.")
        op = np.asarray(op.full())
    matrix = _matrices.square("the operator", cast(ArrayLike, op), d)
    if matrix.ndim != 2:
        raise InputError(f"the operator must be one matrix of shape ({d}, {d}); found shape {matrix.shape}.")
    return matrix


def as_hermitian(name: str, op: OperatorLike, dims: Dims, least: float = 0.0) -> PauliSum | Complex:
    """A Hermitian operator on sites `dims`: a Pauli sum, or what stands for one, as a sum; else the matrix (d, d),
    whose violation is measured as by :func:`qml._matrices.hermitian`.

    Raises
    ------
    InputError
        If it is not Hermitian, or acts on other sites.
    """
    h = as_pauli_sum(op, name) if isinstance(op, str | Mapping) else op
    if isinstance(h, PauliSum):
        return hermitian_sum(name, h, dims)
    return _matrices.hermitian(name, as_matrix(h, dims), least=least)


def hermitian_sum(name: str, op: PauliLike, dims: Dims) -> PauliSum:
    """A Hermitian Pauli sum on sites `dims`, or what stands for one.

    Raises
    ------
    InputError
        If it is none, or acts on other sites.
    """
    h = as_pauli_sum(op, name)
    if not h.is_hermitian:
        raise InputError(
            f"{name} must be Hermitian; found a Pauli sum with complex coefficients: pass (H + H.adjoint()) / 2."
        )
    if h.dims != dims:
        raise InputError(
            f"{name} must act on sites of dimensions {_checks.shown(dims)}; found a Pauli sum on "
            f"{_checks.plural(h.n_qubits, 'qubit')}."
        )
    return h


def diagonal_entries(op: PauliSum | Complex) -> Real:
    """<x|O|x> (d,) of a Hermitian operator."""
    found = diagonal_of(op._items(), op.n_qubits) if isinstance(op, PauliSum) else op.diagonal()
    return as_real(found.real)


def dims_of(op: OperatorLike) -> Dims:
    """The dimensions of the sites that an operator acts on.

    Parameters
    ----------
    op : array (d, d), PauliSum, str, mapping or qutip.Qobj
        Of a plain array: qubits where d is a power of two, else one site.

    Returns
    -------
    tuple of int

    Raises
    ------
    InputError
        Where it is no operator, or a matrix that is not square.

    Examples
    --------
    >>> import numpy as np
    >>> dims_of(np.eye(4)), dims_of(np.eye(3))
    ((2, 2), (3,))
    """
    if isinstance(op, PauliSum | str | Mapping):
        return as_pauli_sum(op).dims
    if isinstance(op, DenseOperator):
        return _checks.dimensions("dims of the operator", op.dims[0])
    return _checks.qubit_dims(_matrices.square("the operator", op).shape[-1])


def embed(op: OperatorLike, sites: Sequence[int], dims: DimsLike) -> Complex:
    r"""An operator on the listed sites, times the identity on all others, shape (d, d).

    .. math:: \langle a, r| A_{\rm full} |a', r'\rangle = \langle a| A |a'\rangle \, \delta_{r r'}

    where a runs over the listed sites, the first listed most significant, and r over the rest.

    Parameters
    ----------
    op : array (D, D), PauliSum or qutip.Qobj
        D is the product of the dimensions of the listed sites.
    sites : sequence of int
        Distinct sites, in the order of the factors of `op`.
    dims : int or sequence of int
        Dimensions of all sites, with product d; an int is a number of qubits.

    Returns
    -------
    array (d, d), complex128

    Raises
    ------
    InputError
        Where a site is repeated or outside, or the operator does not act on the listed ones.
    MemoryRefused
        Where d x d complex numbers would not fit in the free memory.

    Examples
    --------
    >>> from qml.operators import pauli
    >>> bool((embed(pauli("XZ"), (2, 0), (2, 2, 2)) == pauli("ZIX").matrix()).all())
    True
    """
    dims = _checks.dimensions("dims", dims)
    sites = _checks.targets("sites", sites, len(dims))
    d = math.prod(dims)
    what = f"an operator on dimension {_checks.readable(d)}"
    _checks.memory(what, 16 * d * d, "use fewer sites, or keep the operator on its own")
    matrix = as_matrix(op, tuple(dims[s] for s in sites))
    index = _offsets(sites, dims)[:, None] + _offsets(_others(sites, dims), dims)  # (D, d / D)
    out = np.zeros((d, d), dtype=np.complex128)
    out[index[:, None], index] = matrix[:, :, None]
    return out


def partial_trace_matrix(matrix: ArrayLike, keep: Sequence[int], dims: DimsLike) -> Complex:
    r"""The partial trace over all sites that are not kept; the kept ones come in the order listed.

    .. math:: \langle a| \mathrm{Tr}_r A |a'\rangle = \sum_r \langle a, r| A |a', r\rangle

    Parameters
    ----------
    matrix : array (..., d, d)
        One matrix or a batch of them, Hermitian or not.
    keep : sequence of int
        Distinct sites; the first listed becomes the most significant. None at all leaves the trace, shape (..., 1, 1).
    dims : int or sequence of int
        Dimensions of all sites, with product d; an int is a number of qubits.

    Returns
    -------
    array (..., d', d')
        d' is the product of the kept dimensions. Costs d d' additions.

    Raises
    ------
    InputError
        Where a site is repeated or outside, or the matrix does not act on `dims`.

    Examples
    --------
    >>> import numpy as np
    >>> bell = np.outer([1, 0, 0, 1], [1, 0, 0, 1]) / 2
    >>> partial_trace_matrix(bell, [1], (2, 2)).real
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    full = _matrices.square("matrix", matrix)
    _matrices.summable("matrix", full, "scale it")
    dims = _checks.dimensions("dims", dims, full.shape[-1])
    return reduced_matrix(full, _checks.targets("keep", keep, len(dims)), dims)


def reduced_matrix(matrix: Complex, keep: Dims, dims: Dims) -> Complex:
    """:func:`partial_trace_matrix` of what is known to be right, with arrays of any namespace."""
    index = _offsets(keep, dims)[:, None] + _offsets(_others(keep, dims), dims)  # (d', the rest)
    return as_complex(matrix[..., index[:, None], index].sum(axis=-1))


def kept_sites(keep: Sequence[int], n_sites: int) -> tuple[int, ...]:
    """The sites that a partial trace keeps: distinct ones, at least one."""
    result = _checks.targets("keep", keep, n_sites)
    if not result:
        raise InputError("keep must name at least one site; found none.")
    return result


def pairs_of_sites(name: str, values: object, n_sites: int, what: str = "pairs of sites") -> list[tuple[int, int]]:
    """Pairs of distinct sites."""
    found = [_checks.targets(f"each pair of {name}", pair, n_sites) for pair in _checks.listed(name, values, what)]
    for pair in found:
        if len(pair) != 2:
            raise InputError(f"{name} must be pairs of sites; found {pair}.")
    return [(first, second) for first, second in found]


def grouped(values: Numeric, keep: Dims, dims: Dims) -> Numeric:
    """An array (..., d) as (..., d', d / d'): the kept sites in the order listed, then the others; of any namespace."""
    lead = values.ndim - 1
    order = (*range(lead), *(lead + site for site in (*keep, *_others(keep, dims))))
    tensor = values.reshape(*values.shape[:-1], *dims).transpose(*order)
    side = math.prod(dims[k] for k in keep)
    return tensor.reshape(*values.shape[:-1], side, values.shape[-1] // side)


def tensor_matrices(*matrices: ArrayLike) -> Complex:
    r"""The tensor product :math:`A \otimes B \otimes \dots`, shape (..., ab, ab) for factors (..., a, a), (..., b, b).

    Leading batch axes broadcast. Costs as many operations as the result has entries.

    Parameters
    ----------
    *matrices : array (..., a, a)

    Returns
    -------
    array (..., d, d), complex128
        d is the product of the sides.

    Raises
    ------
    InputError
        Where a factor is not square, the batches do not broadcast, or there is no factor.
    MemoryRefused
        Where the result would not fit in the free memory.

    Examples
    --------
    >>> tensor_matrices([[0, 1], [1, 0]], [[2]]).real
    array([[0., 2.],
           [2., 0.]])
    """
    if not matrices:
        raise InputError("a tensor product needs at least one matrix; found none.")
    factors = [_matrices.square(f"factor {i} of a tensor product", m) for i, m in enumerate(matrices)]
    shapes = [f.shape[:-2] for f in factors]
    try:
        batch = np.broadcast_shapes(*shapes)
    except ValueError:
        raise InputError(f"the batches of a tensor product must broadcast; found shapes {shapes}.") from None
    d = math.prod(f.shape[-1] for f in factors)
    what = f"a tensor product of dimension {_checks.readable(d)}"
    _checks.memory(what, 16 * d * d * math.prod(batch), "use fewer factors")
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused
        product = functools.reduce(kron, factors)
    return cast(Complex, _checks.array("a tensor product", product))


def kron(a: Complex, b: Complex) -> Complex:
    """The tensor product of matrices (..., a, j) and (..., b, k), as (..., ab, jk), with arrays of any namespace."""
    product = a[..., :, None, :, None] * b[..., None, :, None, :]
    return product.reshape(*product.shape[:-4], a.shape[-2] * b.shape[-2], a.shape[-1] * b.shape[-1])


def _others(sites: tuple[int, ...], dims: Dims) -> tuple[int, ...]:
    return tuple(s for s in range(len(dims)) if s not in sites)


def _offsets(sites: tuple[int, ...], dims: Dims) -> Integer:
    """Flat index of every configuration of the listed sites (the first most significant), all other sites at 0."""
    offsets = np.zeros(1, dtype=np.int64)
    for s in sites:
        stride = math.prod(dims[s + 1 :])
        offsets = (offsets[:, None] + stride * np.arange(dims[s])).ravel()
    return offsets
