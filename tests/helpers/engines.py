"""Engines as parameters of tests: what JAX must compile first is slow."""

from functools import partial

import numpy as np
import pytest

from qml.engines import JaxEngine

KINDS_OF_JAX = ("H", "RX", "U3", "AmplitudeDamping", "CNOT", "CRX", "RZZ", "Depolarizing2", "Toffoli")
"""One instruction of each way in which the JAX engine takes them: all others go through the same code, which compiles
for seconds; random circuits of all of them are among the other tests."""


def under_test(made):
    """One parameter an engine of a mapping by name; those of JAX are marked slow."""
    return [pytest.param(engine, id=name, marks=_marks(name)) for name, engine in made.items()]


def each_with(made, values, of_jax=KINDS_OF_JAX):
    """Every engine with every value, a name or a tuple of arguments; those of JAX with some of them."""
    return [
        pytest.param(engine, *(value if isinstance(value, tuple) else (value,)), id=f"{key}-{value}", marks=_marks(key))
        for key, engine in made.items()
        for value in values
        if not key.startswith("jax") or value in of_jax
    ]


def equal(engine):
    """Asserts equality to the bit; for JAX, which compiles each of its functions by itself, to rounding."""
    close = partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-14)
    return close if isinstance(engine, JaxEngine) else np.testing.assert_array_equal


def _marks(name):
    return [pytest.mark.slow] if name.startswith("jax") else []
