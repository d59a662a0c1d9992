r"""
Can readout errors be learnt from the same counts?
==================================================

The detectors of two qubits report the wrong bit now and then. A likelihood with trainable readout learns their rates
beside the state, from one record of all Pauli settings.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml
from qml.losses import TrainableReadout
from qml.measurement import ReadoutMeasurement
from qml.tomography import model_errors

confusion = np.array([[[0.97, 0.08], [0.03, 0.92]], [[0.95, 0.12], [0.05, 0.88]]])
truth = qml.thermal(qml.operators.tfim(2), beta=1.5)
record = qml.sample(truth, ReadoutMeasurement(qml.PauliMeasurement(2), confusion), 300_000, np.random.default_rng(2))
reported = qml.Counts(qml.PauliMeasurement(2), record.counts)

model = qml.GibbsModel(qml.operators.tfim(2))
blind = qml.fit(model, reported, seed=1, progress=False)
aware = qml.NegativeLogLikelihood(TrainableReadout(2))
result = qml.fit(model, reported, loss=aware, seed=1, progress=False)
errors = model_errors(model, result, loss=aware)

rates = [name for name in errors.natural if name.startswith("readout")]
plt.errorbar(
    range(4), [errors.natural[r][0] for r in rates], [2 * errors.natural[r][1] for r in rates], fmt="o", capsize=3,
    label="learnt, two standard errors",
)  # fmt: skip
plt.plot(range(4), [0.03, 0.08, 0.05, 0.12], "_", color="C1", markersize=16, markeredgewidth=2, label="true")
plt.xticks(range(4), ["0: 1 for 0", "0: 0 for 1", "1: 1 for 0", "1: 0 for 1"])
plt.xlabel("qubit, and what it reports wrongly")
plt.ylabel("rate")
plt.title(
    f"fidelity of the state: {qml.fidelity(truth, blind.state):.4f} without, "
    f"{qml.fidelity(truth, result.state):.4f} with readout"
)
plt.legend()
