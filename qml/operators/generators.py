"""Sets of operators by name: what models of the exponential family and their moments are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from numbers import Number
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import csr_array

from qml import _checks
from qml._checks import InputError
from qml._typing import ArrayLike
from qml.operators.coercion import PauliLike, as_pauli_sum
from qml.operators.pauli_sum import PauliSum, pauli
from qml.operators.sites import hermitian_sum
from qml.operators.strings import Word

GeneratorsLike: TypeAlias = PauliLike | Sequence[PauliLike | ArrayLike] | Mapping[str, PauliLike | ArrayLike]
"""A Pauli sum, whose strings are meant; or a list of operators, or a mapping that names them."""


def named_operators(generators: GeneratorsLike) -> dict[str, PauliSum | ArrayLike]:
    """Operators by name, at least one; what stands for a Pauli sum is made one.

    Parameters
    ----------
    generators : PauliSum, str, mapping, or sequence of operators
        Of one sum (a PauliSum, a string, or a mapping of strings to numbers) its strings are meant, without the
        identity. In a list a single string is called by its letters, anything else ``G0``, ``G1``, ...; a mapping of
        names to operators gives the names.

    Returns
    -------
    mapping of str to PauliSum or array (d, d)

    Raises
    ------
    InputError
        If they are neither, if there are no generators, or if two have the same name.

    Examples
    --------
    >>> list(named_operators({"ZZ": 0.5, "XI": 1.0})), list(named_operators(["XX", {"ZI": 1.0, "IZ": 1.0}]))
    (['ZZ', 'XI'], ['XX', 'G1'])
    """
    if isinstance(generators, Mapping) and generators and all(isinstance(g, Number) for g in generators.values()):
        generators = as_pauli_sum(generators)  # type: ignore[arg-type]
    if isinstance(generators, PauliSum | str):
        labels = as_pauli_sum(generators).labels
        generators = [pauli(label) for label in labels if set(label) != {"I"}]
    if isinstance(generators, Mapping):
        found = {_checks.text("the name of a generator", name): _operator(g) for name, g in generators.items()}
    else:
        held = [_operator(g) for g in _checks.listed("generators", generators, "operators, or one PauliSum")]
        names = [_name(k, g) for k, g in enumerate(held)]
        for name, times in Counter(names).items():
            if times > 1:
                raise InputError(
                    f"generators must be different; {name!r} is there {times} times: leave one, or pass a mapping that "
                    "names them."
                )
        found = dict(zip(names, held, strict=True))
    if not found:
        raise InputError("generators must hold at least one operator other than the identity; found none.")
    return found


def _operator(value: Any) -> Any:
    if isinstance(value, str | Mapping):
        return as_pauli_sum(value)
    return value if isinstance(value, PauliSum) or hasattr(value, "full") else _checks.array("each generator", value)


def _name(place: int, operator: Any) -> str:
    return operator.labels[0] if isinstance(operator, PauliSum) and len(operator.words) == 1 else f"G{place}"


def pauli_sums(generators: GeneratorsLike) -> dict[str, PauliSum]:
    """Operators by name that are Pauli sums as :func:`check_sums` wants them; see :func:`named_operators`."""
    named: Any = named_operators(generators)
    check_sums(list(named.values()))
    return dict(named)


def check_sums(operators: Sequence[Any]) -> None:
    """Refuse what is no Hermitian Pauli sum other than zero, and sums on different numbers of qubits."""
    for k, g in enumerate(operators):
        if not isinstance(g, PauliSum):
            raise InputError(f"generator {k} must be a PauliSum; found {_checks.shown(g)}.")
        if not g.words:
            raise InputError(f"generator {k} is zero: leave it out.")
        hermitian_sum(f"generator {k}", g, operators[0].dims)


def coefficients_of(operators: Sequence[PauliSum]) -> tuple[tuple[Word, ...], csr_array]:
    """All strings, and the coefficient of each in each operator (operators, strings)."""
    words = tuple(dict.fromkeys(word for g in operators for word in g.words))
    column = {word: k for k, word in enumerate(words)}
    columns = [column[word] for g in operators for word in g.words]
    values = [c.real for g in operators for c in g.coefficients]
    starts = np.cumsum([0, *(len(g.words) for g in operators)])
    found = csr_array((values, columns, starts), shape=(len(operators), len(words)), dtype=np.float64)
    found.sort_indices()
    return words, found
