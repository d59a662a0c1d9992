r"""
How do I watch a fit, and stop it myself?
=========================================

A callback is any function of an iterate. This one keeps the noise that the circuit has learnt so far, and stops the fit
when the gap, which is the relative entropy that is left, has fallen below a tenth of a nat.
"""

import matplotlib.pyplot as plt

import qml

target = qml.thermal(qml.operators.tfim(3), beta=1.0)
circuit = qml.circuits.purification(3, 2, layers=2).then(qml.channels.Depolarizing("p", 0))
model = qml.CircuitModel(circuit)
steps = []


def watch(iteration):
    steps.append((iteration.iteration, iteration.gap, model.natural(iteration.params)["p"]))
    return iteration.gap < 0.1


result = qml.fit(model, target, seed=1, callbacks=[watch], progress=False)
number, gap, noise = zip(*steps, strict=True)
print(result.status)

above, below = plt.subplots(2, 1, sharex=True, figsize=(6.4, 4.4), layout="constrained")[1]
above.semilogy(number, gap)
above.axhline(0.1, color="0.35", linestyle=":", label="stop here")
above.set_ylabel("gap (nats)")
above.legend()
below.plot(number, noise, color="C1")
below.locator_params(axis="x", integer=True)
below.set_xlabel("iteration")
below.set_ylabel("learnt noise p")
