"""Vectors under unitary programs, one contract for every engine: columns and their gradient, against dense matrices."""

import numpy as np
import pytest
from helpers.engines import under_test

from qml import channels, gates
from qml._checks import InputError, MemoryRefused
from qml.circuits import Circuit
from qml.engines import ENGINES
from qml.operators import embed

MADE = {name: make() for name, make in ENGINES.items()}


@pytest.fixture(params=under_test(MADE))
def engine(request):
    return request.param


def slope(f, params, i, h=1e-5):
    step = np.zeros_like(params)
    step[i] = h
    return (f(params + step) - f(params - step)) / (2 * h)


def test_vectors_and_their_gradient(engine):
    rng = np.random.default_rng(8)
    n = 3
    circuit = Circuit(n).then(
        *(gates.U3("a", "b", "c", 0), gates.CRX("d", 2, 0), gates.RXX("e", 1, 2), gates.Toffoli(2, 0, 1)),
        *(gates.XXPlusYY("f", 0, 2), gates.RYY("g", 0, 1), gates.PauliRotation("XYZ")("h", 1, 2, 0)),
    )
    program, values = circuit.compile(), rng.uniform(-2, 2, 8)
    w0, c = (rng.normal(size=(8, 2)) + 1j * rng.normal(size=(8, 2)) for _ in range(2))

    def dense(v):
        named = dict(zip(circuit.parameters, v, strict=True))
        w = w0
        for operation in circuit.operations:
            numbers = np.array([p.value(named) for p in operation.params])
            w = embed(operation.instruction.matrix(numbers), operation.sites, (2,) * n) @ w
        return w

    w, pull = engine.evolve_vectors_vjp(program, values, w0)
    np.testing.assert_allclose(w, dense(values), atol=1e-14)
    np.testing.assert_allclose(engine.evolve_vectors(program, values) @ w0, w, atol=1e-14)
    gradient, before = pull(c)
    np.testing.assert_allclose(before, engine.evolve_vectors(program, values).conj().T @ c, atol=1e-14)
    same, push = engine.evolve_vectors_jvp(program, values, w0)
    np.testing.assert_array_equal(same, w)
    along, changes = rng.normal(size=(3, 8)), rng.normal(size=(3, 8, 2)) + 1j * rng.normal(size=(3, 8, 2))
    there = [np.vdot(c, dw).real for dw in push(along, changes)]
    np.testing.assert_allclose(there, along @ gradient + [np.vdot(before, dv).real for dv in changes], atol=1e-12)
    np.testing.assert_allclose(push(along[0]), push(along)[0], atol=1e-14)
    for i in range(8):
        value = slope(lambda v: np.vdot(c, dense(v)).real, values, i)
        assert abs(value) > 1e-3
        assert gradient[i] == pytest.approx(value, rel=1e-7)


def test_vectors_refusals(engine):
    noisy = Circuit(2).then(gates.RX("t", 0), channels.AmplitudeDamping(0.1, 1)).compile()
    with pytest.raises(InputError, match=r"unitary gates only; found AmplitudeDamping on sites \(1,\)"):
        engine.evolve_vectors(noisy, [0.1])
    with pytest.raises(InputError, match="unitary gates only"):
        engine.evolve_vectors_vjp(noisy, [0.1])
    program = Circuit(2).then(gates.RX("t", 0)).compile()
    with pytest.raises(InputError, match=r"vectors must have shape \(4, m\)"):
        engine.evolve_vectors(program, [0.1], np.ones(4))
    with pytest.raises(InputError, match=r"the cotangent must have the shape \(4, 4\)"):
        engine.evolve_vectors_vjp(program, [0.1])[1](np.ones(4))


def test_directions_of_a_program_without_parameters(engine):
    vectors = np.eye(2)[:, :1] + 0j
    _, push = engine.evolve_vectors_jvp(Circuit(1, [gates.X(0)]), [], vectors)
    np.testing.assert_array_equal(push(np.zeros((3, 0))), np.zeros((3, 2, 1)))
    np.testing.assert_allclose(push(np.zeros(0), vectors), [[0], [1]], atol=1e-16)


def test_more_directions_than_fit_are_refused(engine, monkeypatch):
    program = Circuit(2, [gates.RX("a", 0)]).compile()
    _, push = engine.evolve_vectors_jvp(program, [0.1])
    monkeypatch.setattr("qml._checks.available_memory", lambda: 2**24)
    with pytest.raises(MemoryRefused, match="pass fewer directions"):
        push(np.zeros((2**16, 1)))
