"""Every validation and its message, once: which argument, what was expected, what was found, what to do."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, SupportsFloat, TypeVar, cast

import numpy as np

from qml._machine import available_memory
from qml._typing import ArrayLike, Dims, DimsLike, Numeric, Real

TOLERANCE = 1e-10
"""Largest violation of Hermiticity, unit trace, positivity or completeness taken for rounding in user input."""


T = TypeVar("T")
A = TypeVar("A", bound=np.ndarray)

LONGEST = 100
"""Letters of a value that a message shows."""
ALWAYS_FITS = 2**24
"""Bytes below which asking how much memory is free would cost more than the allocation."""


MOST_QUBITS = 4096
"""More than any register that can be simulated; a number above it is a slip."""


class InputError(ValueError):
    """A mistake in what the caller passed, told in one sentence."""


class OutsideDomain(InputError):
    """Parameters outside the domain of what they belong to, where they limit each other: a fit takes the loss there
    for +inf and shortens its step, as it does for no other error.

    Examples
    --------
    >>> from qml import Circuit, channels
    >>> three = Circuit(1, [channels.PauliChannel("px", "py", "pz", 0)]).compile()
    >>> try:
    ...     three.slots([0.5, 0.4, 0.3])
    ... except OutsideDomain as error:
    ...     print(error)
    PauliChannel: px + py + pz must be at most 1; found 1.2.
    """


class Record:
    """A dataclass that only the library makes: it holds copies of arrays, which no one can write to."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                object.__setattr__(self, name, kept(value))
            elif isinstance(value, dict):
                own = {key: kept(a) if isinstance(a, np.ndarray) else a for key, a in value.items()}
                object.__setattr__(self, name, own)


class MemoryRefused(MemoryError):
    """What was asked for would not fit in memory; nothing was allocated."""


def plural(count: int, noun: str, many: str = "") -> str:
    """``plural(1, "qubit") -> "1 qubit"``, ``plural(2, "qubit") -> "2 qubits"``; `many` where an s is not enough."""
    return f"{count} {noun}" if count == 1 else f"{count} {many or f'{noun}s'}"


def nearest(word: str, options: Iterable[str]) -> str:
    """ " (did you mean 'x'?)" for the nearest option, whatever its capitals, else an empty string."""
    spelled = {option.lower(): option for option in options}
    found = difflib.get_close_matches(word.lower(), spelled, n=1, cutoff=0.6)
    return f" (did you mean {spelled[found[0]]!r}?)" if found else ""


def shown(value: object) -> str:
    """`value` as a message shows it: its repr, cut where it is long; of a number of NumPy that of Python's."""
    try:
        text = repr(value.item() if isinstance(value, np.number | np.bool_) else value)
    except ValueError:  # of an integer with more digits than Python writes
        text = f"an integer of {value.bit_length()} bits" if isinstance(value, int) else type(value).__name__
    return short(" ".join(text.split()))


def short(text: str, most: int = LONGEST) -> str:
    """`text`, cut where it is longer than `most`."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def told(values: Iterable[object]) -> str:
    """Values as a message shows them, side by side; "none" where there are none."""
    return ", ".join(map(shown, values)) or "none"


def classes(value: object, library: str) -> set[str]:
    """The names of those classes of another library that a value is of."""
    return {kind.__name__ for kind in type(value).__mro__ if kind.__module__.partition(".")[0] == library}


def need(module: str, extra: str, what: str = "this") -> Any:
    """A module of another library, which `what` needs and an extra of ours installs."""
    try:
        return importlib.import_module(module)
    except ImportError:
        library = module.partition(".")[0]
        raise InputError(
            f"{what} needs {library}, which is not installed: run pip install 'qmaxlik[{extra}]'."
        ) from None


def text(name: str, value: object) -> str:
    """`value` if it is a text."""
    if not isinstance(value, str):
        raise InputError(f"{name} must be a text; found {shown(value)}.")
    return value


def flag(name: str, value: object) -> bool:
    """True or False, and nothing that only counts as one of them."""
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"{name} must be True or False; found {shown(value)}.")
    return bool(value)


def instance(name: str, value: Any, kind: Callable[..., T], hint: str = "") -> T:
    """`value` if it is a `kind`, a class; `hint` says more of what is expected."""
    assert isinstance(kind, type)
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIO" else "a"
        more = f", {hint}" if hint else ""
        raise InputError(f"{name} must be {article} {kind.__name__}{more}; found {shown(value)}.")
    return cast(T, value)


def registered(name: str, value: T | str, registry: Mapping[str, Callable[[], T]], kind: type[T], hint: str) -> T:
    """`value` if it is a `kind`, or the entry of this name in a registry, made with its default arguments."""
    if isinstance(value, str):
        return registry[choice(name, value, registry)]()
    return instance(name, value, kind, f"{hint}, or the name of one")


def listed(name: str, values: object, what: str = "values") -> list[Any]:
    """The members of a sequence, array or other iterable; a text or a mapping is none."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise InputError(f"{name} must be a list of {what}; found {shown(values)}.")
    try:
        return list(values)
    except TypeError:
        raise InputError(f"{name} must be a list of {what}; found {shown(values)}.") from None


def functions(name: str, values: object) -> list[Any]:
    """Functions, or other objects that can be called, of a list."""
    found = listed(name, values, "functions")
    for k, value in enumerate(found):
        if not callable(value):
            raise InputError(f"{name} must be functions; found {shown(value)} at {k}.")
    return found


def mapping(name: str, values: Any) -> Mapping[Any, Any]:
    """`values` if they are a mapping."""
    if not isinstance(values, Mapping):
        raise InputError(f"{name} must be a mapping; found {shown(values)}.")
    return values


def generator(name: str, rng: object, *, or_seed: bool = False) -> np.random.Generator:
    """`rng` if it is a NumPy Generator; where a seed is allowed, a new one of this seed, an int from 0."""
    if or_seed and isinstance(rng, int | np.integer):
        return np.random.default_rng(integer(f"{name}, where it is a seed,", rng, low=0))
    if not isinstance(rng, np.random.Generator):
        raise InputError(f"{name} must be a numpy Generator, e.g. numpy.random.default_rng(0); found {shown(rng)}.")
    return rng


def choice(name: str, value: object, options: Iterable[str]) -> str:
    """`value` if it is one of `options`; else the sentence with the nearest one."""
    options = list(options)
    if isinstance(value, str) and value in options:
        return value
    hint = nearest(value, options) if isinstance(value, str) else ""
    raise InputError(f"{name} must be one of {', '.join(map(repr, options))}; found {shown(value)}{hint}.")


def integer(name: str, value: object, low: int | None = None, high: int | None = None) -> int:
    """`value` as an int within [low, high]; booleans and fractions are refused."""
    n = int(value) if isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64) else None
    if n is None or (low is not None and n < low) or (high is not None and n > high):
        if low is not None and high is not None:
            wanted = f"an integer from {low} to {high}"
        else:
            wanted = "an integer" + (f" of at least {low}" if low is not None else "")
        raise InputError(f"{name} must be {wanted}; found {shown(value)}.")
    return n


def number(name: str, value: object, low: float = -math.inf, high: float = math.inf, unit: str = "") -> float:
    """`value` as a finite float within [low, high]."""
    unit = f" {unit}" if unit else ""
    x = math.nan
    if type(value) is float:
        x = value
    elif isinstance(value, np.complexfloating) or (
        isinstance(value, np.ndarray) and (value.ndim or np.ma.is_masked(value))
    ):
        pass  # float() would take the real part, the only entry, or NaN
    elif isinstance(value, SupportsFloat):
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            x = float(value)
    if math.isnan(x) and not isinstance(value, (float, np.floating)):
        raise InputError(f"{name} must be a real number{unit} that float64 holds; found {shown(value)}.")
    if not math.isfinite(x) or not low <= x <= high:
        ends = [f" of at {word} {end:.12g}" for word, end in (("least", low), ("most", high)) if math.isfinite(end)]
        span = f" from {low:.12g} to {high:.12g}" if len(ends) == 2 else "".join(ends)
        raise InputError(f"{name} must be a finite number{span}{unit}; found {digits(x)}.")
    return x + 0.0  # zero without a sign


def digits(x: float) -> str:
    """The fewest digits that a float is read back from."""
    return repr(x).removesuffix(".0")


def positive(name: str, value: object, high: float = math.inf) -> float:
    """`value` as a finite float above zero, and at most `high`."""
    x = number(name, value, high=high)
    if not x > 0:
        raise InputError(f"{name} must be greater than 0; found {digits(x)}.")
    return x


def array(name: str, value: ArrayLike) -> Numeric:
    """`value` as a finite float64 or complex128 array (no copy where it is one already).

    Objects of Qiskit would convert themselves, with the qubits in reversed order: they are refused.
    """
    if type(value) is np.ndarray and value.dtype == np.float64 and all_finite(value):
        return value
    if type(value).__module__.partition(".")[0].startswith("qiskit"):
        raise InputError(
            f"{name} is a {type(value).__name__} of Qiskit, whose first qubit is the last one here: pass "
            "qml.io.from_qiskit(x), with x the object."
        )
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise InputError(f"{name} must be an array of numbers; found one with masked entries: fill them.")
    try:
        a = np.asarray(value)
    except (ValueError, TypeError):
        found = "rows of different lengths"
        if hasattr(value, "aval"):
            found = "a tracer of JAX: use the functions of qml.jax, or call this outside of jit, grad and vmap"
        raise InputError(f"{name} must be an array of numbers; found {found}.") from None
    if a.dtype.kind not in "biufc":
        matrix = ": pass x.full(), with x the object" if hasattr(value, "full") else ""  # of a Qobj
        raise InputError(
            f"{name} must be an array of numbers; found {type(value).__name__} of dtype {a.dtype}{matrix}."
        )
    with np.errstate(over="ignore"):  # what float64 does not hold is infinite, and told below
        a = a.astype(np.complex128 if a.dtype.kind == "c" else np.float64, copy=False)
    if not all_finite(a):
        bad = np.argwhere(~np.isfinite(a))[0]
        raise InputError(f"{name} must be finite; found {a[tuple(bad)]} at index {tuple(map(int, bad))}.")
    return a


def all_finite(a: Numeric) -> bool:
    """Whether all entries of an array are finite; counting takes half the time of ``all`` where there are few."""
    return int(np.count_nonzero(np.isfinite(a))) == a.size


def reals(name: str, value: ArrayLike) -> Real:
    """`value` as a finite float64 array (no copy where it is one already)."""
    a = array(name, value)
    if a.dtype.kind == "c":
        raise InputError(f"{name} must be real; found a complex array: take its real part if that is meant.")
    return cast(Real, a)


def scalar(name: str, value: complex) -> complex:
    """One finite number, real or complex."""
    a = array(name, value)
    if a.ndim:
        raise InputError(f"{name} must be one number; found an array of shape {a.shape}.")
    return complex(a)


def kept(a: A) -> A:
    """A copy that no one can write to: what a frozen object holds of an array of the caller's."""
    copy = a.copy()
    copy.flags.writeable = False
    return copy


def parameters(name: str, value: ArrayLike, n_params: int, each: str = "parameter") -> Real:
    """A real vector of shape (n_params,), one number for `each`."""
    a = reals(name, value)
    if a.shape != (n_params,):
        raise InputError(f"{name} must have shape ({n_params},), one number a {each}; found shape {a.shape}.")
    return a


def shaped(name: str, value: A, shape: tuple[Any, ...], meaning: str) -> A:
    """An array of any library, or lists, of this shape; a leading ``...`` stands for any axes."""
    a = value if hasattr(value, "shape") else cast(A, array(name, value))
    tail = shape[1:] if shape[0] is ... else shape
    if (a.shape[-len(tail) :] if shape[0] is ... else a.shape) != tail:
        wanted = str(shape).replace("Ellipsis", "...")
        raise InputError(f"{name} must have shape {wanted}, {meaning}; found shape {a.shape}.")
    return a


def dimensions(name: str, dims: DimsLike, total: int | None = None) -> Dims:
    """Site dimensions as a tuple; an int is a number of qubits. Their product must be `total` when it is given."""
    if isinstance(dims, int | np.integer):
        result = qubits(name, dims)
        if total is not None and total != 1 << len(result):
            meant = f"{plural(len(result), 'qubit')}, dimension {readable(1 << len(result))}"
            raise InputError(
                f"{name} = {dims} means {meant}, but the array has dimension {total}: pass {name}=({total},) for one "
                f"site of dimension {total}, or leave {name} out."
            )
        return result
    sites = listed(name, dims, "site dimensions, such as (2, 3), or a number of qubits")
    result = tuple(integer(f"each entry of {name}", d, low=1) for d in sites)
    if total is not None and math.prod(result) != total:
        raise InputError(f"{name} must multiply to the dimension {total}; found {result}, product {math.prod(result)}.")
    return result


def qubit_count(name: str, n: object, low: int = 1) -> int:
    """A number of qubits; more than any register that can be simulated are refused before anything is built."""
    count = integer(name, n, low=low)
    if count > MOST_QUBITS:
        raise MemoryRefused(f"{name} must be at most {MOST_QUBITS} qubits, to fit in memory; found {shown(count)}.")
    return count


def qubits(name: str, n: object) -> Dims:
    """The dims (2, ..., 2) of n qubits."""
    return (2,) * qubit_count(name, n)


def readable(n: int) -> str:
    """The digits of a whole number, or the power of two below it where they would not be read."""
    return str(n) if n < 10**12 else f"2^{n.bit_length() - 1}" if n.bit_count() == 1 else f"2^{math.log2(n):.1f}"


def qubit_dims(total: int) -> Dims:
    """(2, ..., 2) when `total` is a power of two, else one site of dimension `total`."""
    n = total.bit_length() - 1
    return (2,) * n if n > 0 and total == 1 << n else (total,)


def sites(dims: DimsLike | None, total: int, name: str = "dims") -> Dims:
    """Site dimensions whose product is `total`; without them qubits where it is a power of two, else one site."""
    return qubit_dims(total) if dims is None else dimensions(name, dims, total)


def targets(name: str, wires: Iterable[int], n_sites: int) -> tuple[int, ...]:
    """Distinct site indices, each from 0 to n_sites - 1."""
    result = tuple(integer(f"each entry of {name}", w) for w in listed(name, wires, "sites"))
    for w in result:
        if not 0 <= w < n_sites:
            raise InputError(f"{name} must be sites from 0 to {n_sites - 1}; found {w}.")
    if len(set(result)) != len(result):
        raise InputError(f"{name} must be distinct sites; found {result}.")
    return result


def memory(what: str, needed: int, remedy: str, qubits: int = 0) -> None:
    """Refuse, before allocating, what would not fit. Less than 16 MiB always does, without asking the system.

    Where the need grows as 4^n with the number of `qubits`, the sentence says how many would fit.
    """
    if needed < ALWAYS_FITS:
        return
    free = available_memory()
    if needed > free:
        if qubits:
            fit = next((k for k in range(qubits, -1, -1) if needed >> 2 * (qubits - k) <= free), 0)
            remedy += f"; {plural(fit, 'qubit')} would fit"
        size = f"{needed / 2**30:.3g}" if needed < 2**900 else f"2^{needed.bit_length() - 31}"
        raise MemoryRefused(f"{what} needs {size} GiB, but {free / 2**30:.3g} GiB are free: {remedy}.")
