r"""
What does my gate really do?
============================

A square root of X that turns too far and loses energy, measured with four input states and three axes. The process of
maximum likelihood, less the ideal gate, shows both errors.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml
from qml import channels, gates, processes
from qml.tomography import process_tomography

ideal = qml.Circuit(1, [gates.RX(np.pi / 2, 0)])
truth = qml.Circuit(
    1, [gates.RX(np.pi / 2 + 0.12, 0), channels.Depolarizing(0.01, 0), channels.AmplitudeDamping(0.03, 0)]
)
setup = processes.ProcessMeasurement(1, qml.PauliMeasurement(1))
record = qml.sample(processes.as_process(truth), setup, 20_000, np.random.default_rng(1))
result = process_tomography(record)
print(result)

left, right = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")[1]
qml.plotting.plot_transfer_matrix(result.process, ax=left, title="estimate")
qml.plotting.plot_transfer_matrix(result.process, ideal, ax=right, title="estimate less ideal gate")
