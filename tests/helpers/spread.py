"""What an engine computes of a noisy circuit, of its states and of fits: the same wherever its vectors are."""

from typing import Any

import numpy as np

from qml import Circuit, CircuitModel, channels, fit, gates, losses
from qml.operators import tfim
from qml.states import GibbsState, State, thermal


def numbers(engine: Any, n: int = 5) -> tuple[dict[str, list[float]], State]:
    """Numbers by their names, and the state that most of them are of."""
    rng = np.random.default_rng(0)
    operations = [gates.RY(f"a{site}", site) for site in range(n)]
    operations += [gates.CNOT(site, (site + 1) % n) for site in range(n)]
    operations += [channels.AmplitudeDamping(0.1, site) for site in range(n)]
    circuit = Circuit(n, operations)
    program, theta, g = circuit.compile(), rng.normal(size=n), rng.normal(size=4**n)
    initial = GibbsState(rng.normal(size=2**n), dims=(2,) * n)
    state, pull = engine.evolve_vjp(program, theta, initial)
    by_theta, by_initial = pull(g)
    found = {"vector": state.pauli_vector, "gradient": by_theta, "gradient of initial": by_initial}
    found |= {"string": state.expect("ZZ" + (n - 3) * "I" + "X"), "sum": state.expect(tfim(n))}
    found |= {"purity": state.purity(), "probabilities": state.probabilities(), "entropy": state.entropy()}
    found["from |0...0>"] = engine.evolve(program, theta).pauli_vector
    model = CircuitModel(circuit, engine=engine)
    for loss, target in ((losses.Expectation(), tfim(n)), (losses.HilbertSchmidt(), thermal(tfim(n), 0.7))):
        result = fit(model, target, loss=loss, seed=1, max_iterations=2, progress=False)
        found[type(loss).__name__] = [*result.history.loss, *result.params]
    return {name: np.asarray(x).ravel().tolist() for name, x in found.items()}, state
