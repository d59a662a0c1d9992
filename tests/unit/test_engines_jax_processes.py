"""A vector that is spread over the devices of several processes gives each of them what one process computes."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

PROGRAM = """
import json, sys
import jax
import numpy as np

port, count, number = map(int, sys.argv[1:])
if count > 1:
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(f"127.0.0.1:{port}", num_processes=count, process_id=number)

from qml import Circuit, CircuitModel, channels, fit, gates, losses
from qml._checks import InputError
from qml.engines import JaxEngine
from qml.operators import tfim
from qml.states import GibbsState, thermal

n, rng = 5, np.random.default_rng(0)
operations = [gates.RY(f"a{site}", site) for site in range(n)]
operations += [gates.CNOT(site, (site + 1) % n) for site in range(n)]
operations += [channels.AmplitudeDamping(0.1, site) for site in range(n)]
circuit = Circuit(n, operations)
program, theta, g = circuit.compile(), rng.normal(size=n), rng.normal(size=4**n)
initial = GibbsState(rng.normal(size=2**n), dims=(2,) * n)
engine = JaxEngine(len(jax.devices()))
state, pull = engine.evolve_vjp(program, theta, initial)
by_theta, by_initial = pull(g)
found = {"vector": state.pauli_vector, "gradient": by_theta, "gradient of initial": by_initial}
found |= {"string": state.expect("ZZIIX"), "sum": state.expect(tfim(n)), "purity": state.purity()}
found |= {"probabilities": state.probabilities(), "entropy": state.entropy()}
found["from |0...0>"] = engine.evolve(program, theta).pauli_vector
model = CircuitModel(circuit, engine=engine)
for loss, target in ((losses.Expectation(), tfim(n)), (losses.HilbertSchmidt(), thermal(tfim(n), 0.7))):
    result = fit(model, target, loss=loss, seed=1, max_iterations=2, progress=False)
    found[type(loss).__name__] = [*result.history.loss, *result.params]
devices = state.pauli_vector.value.sharding.device_set
refused = ""
if number:
    try:
        JaxEngine(len(jax.local_devices()))
    except InputError as error:
        refused = str(error)
numbers = {name: np.asarray(x).ravel().tolist() for name, x in found.items()}
print(json.dumps({"devices": len(devices), "refused": refused, "numbers": numbers}))
"""
FLAGS = "--xla_force_host_platform_device_count={} --xla_backend_optimization_level=0"


def started(port: int, count: int, number: int, devices: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port), str(count), str(number)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "XLA_FLAGS": FLAGS.format(devices)},
    )


def said(process: subprocess.Popen[str]) -> dict:
    out, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    return json.loads(next(line for line in out.splitlines() if line.startswith("{")))


@pytest.mark.slow
def test_two_processes_give_what_one_gives():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = [started(port, 2, number, devices=4) for number in range(2)]
    try:
        both = [said(process) for process in running]
    finally:
        for process in running:
            process.kill()
    one = said(started(0, 1, 0, devices=1))
    assert one["devices"] == 1
    for each in both:
        assert each["devices"] == 8
        assert each["numbers"].keys() == one["numbers"].keys()
        for name, numbers in one["numbers"].items():
            assert np.abs(numbers).max() > 1e-5
            np.testing.assert_allclose(each["numbers"][name], numbers, atol=1e-12, err_msg=name)
    assert "found none of process 1: ask for all 8, or for jax.local_devices()" in both[1]["refused"]
