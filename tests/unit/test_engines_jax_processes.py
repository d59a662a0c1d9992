"""A vector that is spread over the devices of several processes gives each of them what one process computes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.spread import numbers

from qml.engines import PauliEngine

PROGRAM = """
import json, sys
import jax
import numpy as np

port, number = map(int, sys.argv[1:])
jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.distributed.initialize(f"127.0.0.1:{port}", num_processes=2, process_id=number)

from helpers.spread import numbers
from qml._checks import InputError
from qml.engines import JaxEngine

engine = JaxEngine(len(jax.devices()))
found, state = numbers(engine)
refused = ""
if number:
    try:
        JaxEngine(len(jax.local_devices()))
    except InputError as error:
        refused = str(error)
devices = len(state.pauli_vector.value.sharding.device_set)
print(json.dumps({"devices": devices, "refused": refused, "numbers": found}))
"""
FOUR = "--xla_force_host_platform_device_count=4"
TESTS = Path(__file__).parents[1]


def started(port: int, number: int) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port), str(number)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "XLA_FLAGS": f"{os.environ['XLA_FLAGS']} {FOUR}", "PYTHONPATH": paths},
    )


def said(process: subprocess.Popen[str]) -> dict:
    out, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    return json.loads(next(line for line in out.splitlines() if line.startswith("{")))


@pytest.mark.slow
def test_two_processes_give_what_one_gives():
    """One process, and the engine without JAX."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = [started(port, number) for number in range(2)]
    try:
        both = [said(process) for process in running]
    finally:
        for process in running:
            process.kill()
    one, _ = numbers(PauliEngine())
    for each in both:
        assert each["devices"] == 8
        assert each["numbers"].keys() == one.keys()
        for name, expected in one.items():
            assert np.abs(expected).max() > 1e-5
            np.testing.assert_allclose(each["numbers"][name], expected, atol=1e-12, err_msg=name)
    assert "found none of process 1: ask for all 8, or for jax.local_devices()" in both[1]["refused"]
