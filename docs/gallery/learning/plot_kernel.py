r"""
How alike are encoded data?
===========================

Numbers become states, and the overlap of two states is a kernel. One feature from 0 to 1 in three encodings: how fast
the likeness to the middle point falls.
"""

import matplotlib.pyplot as plt
import numpy as np

from qml import encodings

x = np.linspace(0, 1, 121)
for dash, levels in zip(("-", "--", ":"), (2, 4, 8), strict=True):
    states = encodings.fourier_encoding(2 * np.pi * x[:, None], levels)
    middle = encodings.fourier_encoding(np.array([[np.pi]]), levels)
    plt.plot(x, encodings.kernel(states, middle)[:, 0], dash, label=f"{levels} levels")
plt.xlabel("feature")
plt.ylabel("overlap with the state of 0.5")
plt.legend()
