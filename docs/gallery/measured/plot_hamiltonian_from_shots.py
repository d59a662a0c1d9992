r"""
Can I read the Hamiltonian off the counts?
==========================================

A chain of three spins is in equilibrium at a known temperature. All Pauli settings are measured, 2000 shots each, and a
Gibbs model is fitted to the counts. Its parameters are the couplings, with standard errors from the Fisher information.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml
from qml.tomography import model_errors

rng = np.random.default_rng(3)
model = qml.GibbsModel(qml.operators.neighbors(3))
true = rng.normal(0, 0.25, model.n_params)
record = qml.sample(model.state(true), qml.PauliMeasurement(3), 2000, rng)
result = qml.fit(model, record, seed=1, progress=False)
errors = model_errors(model, result)

place = np.arange(model.n_params)
plt.figure(figsize=(8, 3.7))
plt.errorbar(place, result.params, 2 * errors.standard_errors, fmt="o", capsize=2, label="learnt, two standard errors")
plt.plot(place, true, "_", color="C1", markersize=12, markeredgewidth=2, label="true")
plt.xticks(place, model.parameter_names, rotation=90, fontsize="small")
plt.ylabel("coupling")
plt.legend()
