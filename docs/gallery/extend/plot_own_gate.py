r"""
How do I train a gate that the library does not have?
=====================================================

A gate is its matrix, the derivative of it, and its inverse. This one turns one excitation between two qubits,

.. math:: G(\theta) = \begin{pmatrix} 1 & & & \\ & \cos\theta & -\sin\theta & \\ & \sin\theta & \cos\theta & \\ & & & 1
    \end{pmatrix},

and a ladder of them makes every real state with one excitation, the W state among them.
"""

import matplotlib.pyplot as plt
import numpy as np

import qml
from qml import gates


def turned(cosine, sine, corner):
    return np.array([[corner, 0, 0, 0], [0, cosine, -sine, 0], [0, sine, cosine, 0], [0, 0, 0, corner]], complex)


givens = gates.ParametricGate(
    name="Givens",
    dims=(2, 2),
    parameter_names=("theta",),
    function=lambda v: turned(np.cos(v[0]), np.sin(v[0]), 1),
    derivative_function=lambda v: turned(-np.sin(v[0]), np.cos(v[0]), 0)[None],
    undo=lambda v: (-v[0],),
)
n = 5
circuit = qml.Circuit(n, [gates.X(0), *(givens(f"t{i}", i, i + 1) for i in range(n - 1))])
result = qml.fit(qml.CircuitModel(circuit), qml.w_state(n), loss="infidelity", seed=1, progress=False)

print(f"infidelity {abs(result.loss):.0e}")
left, right = plt.subplots(1, 2, figsize=(8, 3.4), width_ratios=(1.6, 1), layout="constrained")[1]
qml.plotting.draw_circuit(circuit, left)
right.bar(range(n), [result.state.partial_trace([i]).expect("Z") for i in range(n)])
right.axhline(1 - 2 / n, color="0.35", linestyle=":", label="W state")
right.set_xlabel("qubit")
right.set_ylabel(r"$\langle Z \rangle$")
right.set_ylim(0, 0.8)
right.legend(loc="upper right")
