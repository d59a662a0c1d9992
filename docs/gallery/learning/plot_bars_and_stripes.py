r"""
What do hidden units add?
=========================

Bars and stripes on three by three pixels: fourteen pictures. A Boltzmann machine of nine visible units, joined to
hidden ones, learns their distribution. With hidden units it tells more and more of the pictures from noise.
"""

import itertools

import matplotlib.pyplot as plt
import numpy as np

import qml

side = 3
rows = [np.repeat(bits, side) for bits in itertools.product((0, 1), repeat=side)]
columns = [np.tile(bits, side) for bits in itertools.product((0, 1), repeat=side)]
pictures = np.unique(np.array(rows + columns), axis=0)
p = np.zeros(2**side**2)
p[pictures @ 2 ** np.arange(side**2)[::-1]] = 1 / len(pictures)
target = qml.DensityMatrix.from_probabilities(p)


def word(*sites, n):
    return qml.pauli("".join("Z" if i in sites else "I" for i in range(n)))


gaps, hidden = [], [0, 1, 2, 4, 6]
for m in hidden:
    n = side**2 + m
    terms = [word(i, n=n) for i in range(n)] + [word(v, h, n=n) for v in range(side**2) for h in range(side**2, n)]
    model = qml.HiddenGibbsModel(terms, hidden=m) if m else qml.GibbsModel(terms)
    result = qml.fit(model, target, seed=2, restarts=2, max_iterations=150, progress=False)
    gaps.append(result.gap)

left, right = plt.subplots(1, 2, figsize=(8, 3.4), width_ratios=(1.3, 1), layout="constrained")[1]
left.plot(hidden, gaps, "o-")
left.set_xlabel("hidden units")
left.set_ylabel(r"gap $D(\rho \Vert \sigma)$ (nats)")
drawn = np.random.default_rng(1).choice(len(p), 20, p=result.state.probabilities())
grid = np.zeros((4 * (side + 1) - 1, 5 * (side + 1) - 1))
for k, x in enumerate(drawn):
    picture = np.array(list(np.binary_repr(x, side**2)), int).reshape(side, side)
    r, c = divmod(k, 5)
    grid[r * (side + 1) : r * (side + 1) + side, c * (side + 1) : c * (side + 1) + side] = 1 + picture
right.imshow(grid, cmap="Blues", vmin=0, vmax=2.4)
right.set_title(f"drawn with {hidden[-1]} hidden units")
right.axis("off")
