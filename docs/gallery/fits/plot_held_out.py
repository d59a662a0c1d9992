r"""
Does my model learn the noise of the counts?
============================================

Few shots and many parameters. A second record that the fit does not learn from says when to stop: the parameters kept
are those with the lowest loss on it.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml

rng = np.random.default_rng(1)
truth = qml.thermal(qml.operators.tfim(3), beta=1.5)
train, held_out = (qml.sample(truth, qml.PauliMeasurement(3), shots, rng) for shots in (6, 30))
model = qml.CholeskyModel(3)
stopped = qml.fit(model, train, validation=held_out, patience=15, seed=1, progress=False)
full = qml.fit(model, train, seed=1, max_iterations=200, progress=False)
print(f"D(rho||sigma): {qml.relative_entropy(truth, stopped.state):.3f} stopped, "
      f"{qml.relative_entropy(truth, full.state):.3f} at the end")  # fmt: skip

plt.plot(stopped.history.loss, label="loss on the record")
plt.plot(stopped.history.held_out, "--", label="loss on the held-out record")
best = int(np.argmin(stopped.history.held_out))
plt.plot(best, stopped.history.held_out[best], "o", color="C1", label="kept")
plt.xlabel("iteration")
plt.ylabel("nats a shot")
plt.legend()
