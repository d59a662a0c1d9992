r"""
What does my noisy circuit look like?
=====================================

Gates are white, noise is shaded, a site that is traced out ends in a ground symbol. Letters and numbers are the free
and the fixed parameters.
"""

import qml
from qml import channels, gates
from qml.circuits import TraceOut

noise = (
    qml.NoiseModel()
    .add(channels.Depolarizing2, "p", gates="CNOT")
    .add(channels.AmplitudeDamping, 0.02, gates=["RY", "RX"])
)
circuit = qml.Circuit(
    3,
    [
        *(gates.RY(f"a{i}", i) for i in range(3)),
        gates.CNOT(0, 1),
        gates.CNOT(1, 2),
        *(gates.RX(f"b{i}", i) for i in range(2)),
        TraceOut(2),
    ],
).with_noise(noise)
qml.plotting.draw_circuit(circuit, width=9)
