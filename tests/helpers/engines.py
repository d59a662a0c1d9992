"""Engines as parameters of tests: what JAX must compile first is slow."""

import functools
import inspect

import numpy as np
import pytest

from helpers.cases import every
from qml.engines import JaxEngine

KINDS_OF_JAX = ("H", "RX", "U3", "AmplitudeDamping", "CNOT", "CRX", "RZZ", "Depolarizing2", "Toffoli")
"""One instruction of each way in which the JAX engine takes them: all others go through the same code, which compiles
for seconds; random circuits of all of them are among the other tests."""


def under_test(made, slow=()):
    """One parameter an engine of a mapping by name; those of JAX are marked slow, and those named here."""
    marks = [pytest.mark.slow]
    return [
        pytest.param(engine, id=name, marks=marks if name.startswith("jax") or name in slow else [])
        for name, engine in made.items()
    ]


def each_with(made, names, values, of_jax=KINDS_OF_JAX, slow=()):
    """A test for every engine, which tries every value (a tuple where there are several names); those of JAX, some."""

    def decorate(test):
        all_of_them, some = every(names, values)(test), every(names, [v for v in values if v in of_jax])(test)

        @functools.wraps(test)
        def whole(engine, **fixtures):
            (some if isinstance(engine, JaxEngine) else all_of_them)(engine=engine, **fixtures)

        whole.__signature__ = inspect.signature(all_of_them)
        return pytest.mark.parametrize("engine", under_test(made, slow))(whole)

    return decorate


def equal(engine):
    """Asserts equality to the bit; for JAX, which compiles each of its functions by itself, to rounding."""
    close = functools.partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-14)
    return close if isinstance(engine, JaxEngine) else np.testing.assert_array_equal
