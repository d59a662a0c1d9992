"""Ground states and thermal states that are learnt, against QuTiP's."""

import numpy as np
import pytest
import qutip

from qml import CholeskyModel, GibbsModel, fidelity, fit
from qml.losses import Expectation, FreeEnergy
from qml.operators import heisenberg, tfim


def spins(n: int, j: float, h: float) -> qutip.Qobj:
    """-j sum Z Z - h sum X, by tensor products."""
    z = [qutip.tensor([qutip.sigmaz() if q == k else qutip.qeye(2) for q in range(n)]) for k in range(n)]
    x = [qutip.tensor([qutip.sigmax() if q == k else qutip.qeye(2) for q in range(n)]) for k in range(n)]
    return -j * sum(z[k] * z[k + 1] for k in range(n - 1)) - h * sum(x)


def test_the_ground_state_of_a_chain() -> None:
    h = spins(3, 1.0, 0.6)
    energy, psi = h.groundstate()
    found = fit(CholeskyModel((2, 2, 2), rank=1), h, loss=Expectation(), seed=2)
    assert found.loss == pytest.approx(energy, abs=1e-9)
    assert found.floor == pytest.approx(energy, abs=1e-12)
    assert fidelity(psi, found.state) > 1 - 1e-7
    assert Expectation().value(tfim(3, h=0.6), found.state) == pytest.approx(energy, abs=1e-9)


@pytest.mark.parametrize("beta", [0.2, 1.5])
def test_a_thermal_state_and_its_free_energy(beta: float) -> None:
    h = heisenberg(3)
    dense = qutip.Qobj(h.matrix(), dims=[[2] * 3] * 2)
    weights = (-beta * dense).expm()
    z = weights.tr()
    rho = weights / z
    found = fit(GibbsModel.all_paulis(3, weight=2), h, loss=FreeEnergy(beta), seed=0)
    assert found.floor == pytest.approx(-np.log(z), abs=1e-11)
    assert found.loss == pytest.approx(beta * qutip.expect(dense, rho) - qutip.entropy_vn(rho), abs=1e-9)
    np.testing.assert_allclose(found.state.matrix(), rho.full(), atol=1e-6)
