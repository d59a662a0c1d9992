r"""
Which family of states comes nearest?
=====================================

Every fit of a state ends with a gap above the floor :math:`S(\rho)`: the relative entropy of what the family cannot
tell. Here a chain of four spins with couplings of neighbors and next neighbors is learnt by Gibbs models with more and
more operators.
"""

import matplotlib.pyplot as plt

import qml
from qml.operators import j1j2, neighbors, up_to_weight

target = qml.thermal(j1j2(4, J2=0.5), beta=1.0)
families = {
    "fields": up_to_weight(4, 1),
    "fields, ZZ": [*up_to_weight(4, 1), *(qml.pauli(word) for word in ("ZZII", "IZZI", "IIZZ"))],
    "neighbors": neighbors(4),
    "all pairs": up_to_weight(4, 2),
}
gaps = {}
for name, generators in families.items():
    result = qml.fit(qml.GibbsModel(generators), target, optimizer="newton", seed=1, progress=False)
    gaps[f"{name}\n({len(generators)} parameters)"] = abs(result.gap)

plt.bar_label(plt.bar(list(gaps), list(gaps.values()), width=0.5), fmt="%.3f")
plt.ylabel(r"gap $D(\rho \Vert \sigma)$ (nats)")
