"""What engines say that a call needs is no less than what NumPy then takes."""

import tracemalloc

import numpy as np
import pytest
from helpers.cases import every

from qml import Circuit, _checks, buffers, channels, gates
from qml.engines import PauliEngine, ReferenceEngine

N = 8
ROUNDS = [*(gates.RY(f"a{q}", q) for q in range(N)), *(gates.CNOT(q, q + 1) for q in range(N - 1))]
UNITARY = Circuit(N, ROUNDS).compile()
NOISY = Circuit(N, [*ROUNDS, channels.AmplitudeDamping(0.1, 0)]).compile()
THETA = np.full(N, 0.3)
MATRIX = np.eye(2**N) + 0j


def columns(engine, m, gradient):
    v = np.ones((2**N, m)) + 0j
    if gradient:
        return lambda: engine().evolve_vectors_vjp(UNITARY, THETA, v)[1](v)
    return lambda: engine().evolve_vectors(UNITARY, THETA, v)


def changed():
    PauliEngine().evolve_jvp(NOISY, THETA)[1](np.eye(N)[:3], np.stack([MATRIX] * 3))


CALLS = {
    "state": lambda: ReferenceEngine().evolve(NOISY, THETA),
    "gradient": lambda: ReferenceEngine().evolve_vjp(NOISY, THETA)[1](MATRIX),
    "direction": lambda: ReferenceEngine().evolve_jvp(NOISY, THETA)[1](np.eye(N)[:1]),
    "changes": changed,
    **{
        f"{m} vectors, {engine.__name__}, {gradient=}": columns(engine, m, gradient)
        for m in (1000, 1024)
        for engine in (ReferenceEngine, PauliEngine)
        for gradient in (False, True)
    },
    "unitary": lambda: ReferenceEngine().evolve_vectors_vjp(UNITARY, THETA)[1](MATRIX),
}


@every("name", CALLS)
def test_what_is_checked_is_what_is_taken(name):
    asked, memory = [0], _checks.memory

    def noted(what, needed, *rest):
        asked.append(needed)
        memory(what, needed, *rest)

    CALLS[name]()
    _checks.available_memory()  # which imports what it asks
    buffers.workspace().release()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_checks, "memory", noted)
        patched.setattr(_checks, "ALWAYS_FITS", 0)
        tracemalloc.start()
        try:
            CALLS[name]()
            taken = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert taken > 2**20
    assert max(asked) >= 0.95 * taken
    assert max(asked) < 3 * taken
