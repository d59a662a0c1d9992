"""An engine whose arrays live elsewhere: fits of circuits bring to the host single numbers and gradients alone."""

import numpy as np
import pytest
from helpers.arrays import hermitian
from helpers.cases import every
from helpers.elsewhere import Elsewhere, held

from qml import Circuit, CircuitModel, PauliMeasurement, channels, check_gradient, fit, gates, losses, sample
from qml.engines import PauliEngine, PauliState, ReferenceEngine
from qml.engines.base import Engine
from qml.engines.pauli_state import matrix_of, vector_of
from qml.operators import tfim
from qml.optimizers import LBFGS, NaturalGradient
from qml.states import DensityMatrix, ginibre, thermal


class Probe(Engine):
    """Runs what the reference engine runs; its states, matrices or Pauli vectors, refuse to become NumPy's arrays."""

    def __init__(self, vectors=False):
        self.reference, self.vectors = ReferenceEngine(), vectors

    def hold(self, state):
        m, n = held(state.matrix()), len(state.dims)
        if self.vectors:
            return PauliState._trusted(Elsewhere(vector_of(m, n)), n)
        return DensityMatrix._trusted(Elsewhere(m), state.dims)

    def evolve(self, program, params, initial=None):
        return self.hold(self.reference.evolve(program, params, _here(initial)))

    def evolve_vjp(self, program, params, initial=None):
        state, pull = self.reference.evolve_vjp(program, params, _here(initial))
        there = self.hold(state)

        def pull_there(cotangent):
            assert isinstance(cotangent, Elsewhere)
            n, g = len(state.dims), held(cotangent)
            gradient, before = pull(matrix_of(2.0**n * g, n) if self.vectors else g)
            return gradient, None if before is None else initial.pull_matrix(Elsewhere(before))

        return there, pull_there

    def evolve_jvp(self, program, params, initial=None):
        state, push = self.reference.evolve_jvp(program, params, _here(initial))
        return self.hold(state), lambda v, changes=None: Elsewhere(push(v, held(changes)))

    def evolve_vectors(self, program, params, vectors=None):
        raise NotImplementedError

    def evolve_vectors_vjp(self, program, params, vectors=None):
        raise NotImplementedError


def _here(state):
    return None if state is None else DensityMatrix._trusted(held(state.matrix()), state.dims)


RHO = thermal(tfim(2), 0.7)
COUNTS = sample(RHO, PauliMeasurement(2), 1000, np.random.default_rng(0))
JOBS = {
    "S": (losses.CrossEntropy(), RHO),
    "infidelity": (losses.Infidelity(), RHO),
    "Hilbert-Schmidt": (losses.HilbertSchmidt(), RHO),
    "likelihood of Pauli counts": (losses.NegativeLogLikelihood(), COUNTS),
    "energy": (losses.Expectation(), tfim(2)),
    "energy of a matrix": (losses.Expectation(), tfim(2).matrix()),
    "free energy": (losses.FreeEnergy(0.7), tfim(2)),
}


@every("optimizer", [LBFGS(), NaturalGradient(), NaturalGradient(solver="cg")], ids=repr)
@every("name", JOBS)
def test_fits_of_circuits_stay_where_the_arrays_are(name, optimizer):
    turns = gates.RY("a", 0), gates.RX("b", 1), gates.RXX("c", 0, 1)
    circuit = Circuit(2, [*turns, channels.Depolarizing("p", 0), channels.AmplitudeDamping(0.1, 1)])
    loss, target = JOBS[name]
    found = [
        fit(CircuitModel(circuit, engine=engine), target, loss=loss, optimizer=optimizer, seed=1, max_iterations=2)
        for engine in (ReferenceEngine(), Probe(), Probe(vectors=True))
    ]
    assert found[0].loss < found[0].history.loss[0] - 1e-3
    for probe in found[1:]:
        np.testing.assert_allclose(probe.history.loss, found[0].history.loss, rtol=1e-8)


@pytest.mark.parametrize("engine", [Probe(), Probe(vectors=True)], ids=["matrix", "vector"])
def test_a_circuit_starts_from_what_is_there(engine):
    below = CircuitModel(Circuit(2, [gates.RY("a", 0), gates.CNOT(0, 1)]), engine=engine)
    model = CircuitModel(Circuit(2, [channels.Depolarizing("p", 0), gates.RX("b", 1)]), engine=engine, initial=below)
    theta = model.init_params(np.random.default_rng(0))
    assert check_gradient(model, RHO, losses.CrossEntropy(), theta).ok


@pytest.mark.parametrize("batch", [(), (3,)])
def test_pauli_vectors_and_matrices_of_arrays_elsewhere(batch):
    rng = np.random.default_rng(0)
    m = hermitian(8, rng, *batch)
    r = vector_of(m, 3, 0.5)
    there = vector_of(Elsewhere(m), 3, 0.5)
    np.testing.assert_allclose(held(there), r, atol=1e-13)
    np.testing.assert_allclose(held(matrix_of(there, 3)), matrix_of(r, 3), atol=1e-13)


def test_numbers_of_a_pauli_vector_elsewhere():
    here = PauliState._trusted(vector_of(RHO.matrix(), 2), 2)
    there = PauliState._trusted(Elsewhere(here.pauli_vector), 2)
    assert there.purity() == pytest.approx(here.purity(), rel=1e-14)
    assert there.expect(tfim(2)) == pytest.approx(here.expect(tfim(2)), rel=1e-14)
    np.testing.assert_allclose(held(there.probabilities()), here.probabilities(), atol=1e-15)
    np.testing.assert_allclose(held(there.partial_trace([1]).matrix()), here.partial_trace([1]).matrix(), atol=1e-15)


@pytest.mark.parametrize("batch", [(), (2,)])
def test_distance_of_pauli_vectors_is_that_of_their_matrices(batch):
    rng = np.random.default_rng(3)
    rho, sigma = (ginibre((2, 2), rng, batch=batch[0] if batch else None) for _ in range(2))
    held = [PauliEngine().hold(state) for state in (rho, sigma)]
    distance = losses.hilbert_schmidt_distance(*held)
    assert np.min(distance) > 0.1
    np.testing.assert_allclose(distance, losses.hilbert_schmidt_distance(rho, sigma), rtol=1e-13)
    if not batch:
        value, slope = losses.HilbertSchmidt().value_and_cotangent(*held)
        expected, matrix = losses.HilbertSchmidt().value_and_cotangent(rho, sigma)
        assert value == pytest.approx(expected, rel=1e-13)
        np.testing.assert_allclose(slope, held[1].pull_matrix(matrix), atol=1e-15)
