r"""
What does a measurement throw away?
===================================

Counts can stand for their projectors, which makes an empirical state with a cross entropy, or be judged by their
likelihood. The first is never smaller. The difference is zero where the basis is that of the model, and grows as the
basis is tilted.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml
from qml.losses import measured_report
from qml.measurement import ProjectiveMeasurement

qubit = qml.thermal(qml.pauli("Z"), beta=1.0)


def tilted(angle):
    c, s = np.cos(angle / 2), np.sin(angle / 2)
    return ProjectiveMeasurement([[c, -s], [s, c]], (2,))


angles = np.linspace(0, np.pi / 2, 19)
records = [qml.Counts.from_frequencies(m, m.probabilities(qubit)) for m in map(tilted, angles)]
reports = [measured_report(record, qubit, qubit) for record in records]
qml.plotting.plot_measured(reports, angles, plt.gca(), xlabel="angle of the basis (radians)")
