"""A million shots of a noisy ten-qubit circuit: ``sampling.py qml`` or ``sampling.py aer``, each in its environment.

Four layers of RY, RZ on every qubit and a chain of CNOTs, depolarizing noise behind every gate; two threads.
"""

import sys
import time
from collections.abc import Callable

import numpy as np

N, SHOTS, ONE, TWO = 10, 10**6, 0.01, 0.02
ANGLES = np.random.default_rng(0).uniform(-3, 3, (4, N, 2))


def with_qml() -> Callable[[], object]:
    from qml import Circuit, PauliMeasurement, channels, gates, sample
    from qml.engines import PauliEngine

    operations = []
    for layer in ANGLES:
        for q, angles in enumerate(layer):
            for gate, angle in zip((gates.RY, gates.RZ), angles, strict=True):
                operations += [gate(float(angle), q), channels.Depolarizing(ONE, q)]
        for q in range(N - 1):
            operations += [gates.CNOT(q, q + 1), channels.Depolarizing2(TWO, q, q + 1)]
    program, engine, measurement = Circuit(N, operations).compile(), PauliEngine(threads=2), PauliMeasurement(["Z" * N])
    rng = np.random.default_rng(1)
    return lambda: sample(engine.evolve(program, []), measurement, SHOTS, rng)


def with_aer() -> Callable[[], object]:
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel, depolarizing_error

    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(ONE, 1), ["ry", "rz"])
    noise.add_all_qubit_quantum_error(depolarizing_error(TWO, 2), ["cx"])
    circuit = QuantumCircuit(N)
    for layer in ANGLES:
        for q, (y, z) in enumerate(layer):
            circuit.ry(y, q)
            circuit.rz(z, q)
        for q in range(N - 1):
            circuit.cx(q, q + 1)
    circuit.measure_all()
    simulator = AerSimulator(method="density_matrix", noise_model=noise, max_parallel_threads=2)
    return lambda: simulator.run(circuit, shots=SHOTS).result().get_counts()


def main(which: str) -> None:
    draw = {"qml": with_qml, "aer": with_aer}[which]()
    seconds = []
    for _ in range(5):
        since = time.perf_counter()
        draw()
        seconds.append(time.perf_counter() - since)
    print(f"{which}: median {sorted(seconds)[2]:.3f} s, least {min(seconds):.3f} s, first {seconds[0]:.3f} s")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "qml")
