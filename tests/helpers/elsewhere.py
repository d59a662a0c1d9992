"""Arrays that live elsewhere, as those on a card do: nothing but single numbers may come to the host."""

import operator

import numpy as np


def held(x):
    """What a device array holds; plain numbers and NumPy's arrays as they are."""
    if isinstance(x, Elsewhere):
        return x._held
    return type(x)(map(held, x)) if isinstance(x, list | tuple) else x


def elsewhere(x):
    """A device array for an array, and for each of a tuple."""
    if isinstance(x, tuple):
        return tuple(map(elsewhere, x))
    return Elsewhere(x) if isinstance(x, np.ndarray | np.generic) else x


class Namespace:
    """NumPy's functions on arrays that live elsewhere; none takes `out`, as there is no writing to an array."""

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        if name == "linalg":
            return Namespace(np.linalg)
        function = getattr(self._module, name)
        if name == "bincount":  # JAX's has the length of what it gives
            function = lambda x, weights, length: np.bincount(x, weights, length)  # noqa: E731

        def call(*args, **kwargs):
            assert "out" not in kwargs, f"{name} would write to an array"
            return elsewhere(function(*map(held, args), **{k: held(v) for k, v in kwargs.items()}))

        return call


class Elsewhere:
    """An immutable array that refuses to become one of NumPy's; single numbers may be read."""

    __array_priority__ = 100
    __array_ufunc__ = None

    def __init__(self, array):
        self._held = np.asarray(array)

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("an array was brought to the host")

    def __array_namespace__(self, api_version=None):
        return Namespace(np)

    def __getattr__(self, name):
        if name in ("shape", "ndim", "size", "dtype", "nbytes"):
            return getattr(self._held, name)
        if name in ("real", "imag", "T"):
            return elsewhere(getattr(self._held, name))
        if name.startswith("_") or name in ("view", "flags", "tolist"):
            raise AttributeError(name)
        method = getattr(self._held, name)
        return lambda *args, **kwargs: elsewhere(method(*map(held, args), **kwargs))

    def item(self):
        assert self.size == 1, "more than one number was brought to the host"
        return self._held.item()

    def __float__(self):
        return float(self.item())

    def __bool__(self):
        return bool(self.item())

    def __getitem__(self, index):
        return elsewhere(self._held[held(index)])

    def __len__(self):
        return len(self._held)

    def __neg__(self):
        return elsewhere(-self._held)

    def __abs__(self):
        return elsewhere(abs(self._held))


def _binary(name, swap):
    function = getattr(operator, name)

    def forward(self, other):
        a, b = self._held, held(other)
        return elsewhere(np.asarray(function(b, a) if swap else function(a, b)))

    return forward


_COMPARED = ("lt", "le", "gt", "ge", "eq", "ne")
_COMBINED = ("add", "sub", "mul", "truediv", "mod", "pow", "matmul", "and_", "or_", "xor", "rshift", "lshift")
for _name in (*_COMBINED, *_COMPARED):
    _bare = _name.rstrip("_")
    setattr(Elsewhere, f"__{_bare}__", _binary(_name, swap=False))
    if _name in _COMBINED:
        setattr(Elsewhere, f"__r{_bare}__", _binary(_name, swap=True))
