r"""
Which state was measured, and how sure is that?
===============================================

A Bell pair that lost some of its coherence: nine Pauli settings, 60 shots each. The state of maximum likelihood comes
with a certificate, and intervals from the likelihood ratio hold at the boundary of the states, where estimates of
nearly pure states lie.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml
from qml.tomography import maximum_likelihood

noisy = qml.CircuitModel(qml.Circuit(2, [qml.channels.PhaseFlip(0.06, 0)]), initial=qml.ghz(2)).state()
record = qml.sample(noisy, qml.PauliMeasurement(2), 60, np.random.default_rng(1))
estimate = maximum_likelihood(record)
print(estimate)

words = ("XX", "YY", "ZZ", "XI", "IZ")
ranges = [estimate.interval(qml.pauli(word), replicates=60) for word in words]
ranges.append(estimate.interval(qml.ghz(2), replicates=60))
middle = [estimate.state.expect(word) for word in words] + [qml.fidelity(estimate.state, qml.ghz(2))]
true = [noisy.expect(word) for word in words] + [qml.fidelity(noisy, qml.ghz(2))]

for k, (low, high) in enumerate(ranges):
    plt.plot([k, k], [low, high], color="C0", linewidth=5, alpha=0.4, label="95 percent interval" if k == 0 else None)
plt.plot(middle, "o", color="C0", label="estimate")
plt.plot(true, "_", color="C1", markersize=14, markeredgewidth=2, label="true")
plt.xticks(range(len(ranges)), [*words, "fidelity with\nthe Bell pair"])
plt.axhline(0, color="0.8", linewidth=0.8, zorder=0)
plt.ylabel("value")
plt.legend(loc="lower right")
