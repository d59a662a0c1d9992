"""Engines as parameters of tests: what JAX must compile first is slow."""

import pytest


def under_test(made):
    """One parameter an engine of a mapping by name; those of JAX are marked slow."""
    marks = {name: [pytest.mark.slow] if name.startswith("jax") else [] for name in made}
    return [pytest.param(engine, id=name, marks=marks[name]) for name, engine in made.items()]
