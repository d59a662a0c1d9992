"""Every named channel against QuTiP: Lindblad evolution where there is one, mixtures of its operators elsewhere."""

from __future__ import annotations

import itertools
import math

import numpy as np
import qutip
from helpers.cases import every

from qml.channels import CHANNELS, KrausChannel

LETTERS = {"I": qutip.qeye(2), "X": qutip.sigmax(), "Y": qutip.sigmay(), "Z": qutip.sigmaz()}
LOWER = qutip.destroy(2)
P = 0.23


def mixture(weights: dict[str, float]) -> qutip.Qobj:
    """Pauli strings applied with the given probabilities, as a superoperator."""
    strings = {label: qutip.tensor([LETTERS[letter] for letter in label]) for label in weights}
    return sum(w * qutip.sprepost(strings[label], strings[label].dag()) for label, w in weights.items())


def lindblad(time: float, down: float = 0.0, up: float = 0.0, dephasing: float = 0.0) -> qutip.Qobj:
    """exp(L t) for decay and excitation rates and the rate at which coherences are lost beyond that."""
    jumps = [math.sqrt(down) * LOWER, math.sqrt(up) * LOWER.dag(), math.sqrt(dephasing / 2) * qutip.sigmaz()]
    return (qutip.liouvillian(qutip.qzero(2), jumps) * time).expm()


def thermal(t1: float, t2: float, time: float, e: float) -> qutip.Qobj:
    return lindblad(time, (1 - e) / t1, e / t1, 1 / t2 - 1 / (2 * t1))


def uniform(k: int, error: float) -> dict[str, float]:
    """The identity but for one of the other strings on k qubits, all as likely, with probability `error`."""
    labels = ["".join(letters) for letters in itertools.product("IXYZ", repeat=k)]
    return {label: 1 - error if set(label) == {"I"} else error / (4**k - 1) for label in labels}


def kept(e: qutip.Qobj) -> qutip.Qobj:
    return qutip.sprepost(e, e.dag())


READ = {(0, 0): 0.7, (1, 0): 0.3, (0, 1): 0.1, (1, 1): 0.9}
CASES = [
    ("BitFlip", (P,), mixture({"I": 1 - P, "X": P})),
    ("PhaseFlip", (P,), mixture({"I": 1 - P, "Z": P})),
    ("BitPhaseFlip", (P,), mixture({"I": 1 - P, "Y": P})),
    ("Depolarizing", (P,), mixture(uniform(1, P * 3 / 4))),
    ("Depolarizing", (4 / 3,), mixture(uniform(1, 1.0))),
    ("Depolarizing2", (P,), mixture(uniform(2, P * 15 / 16))),
    ("Depolarizing2", (16 / 15,), mixture(uniform(2, 1.0))),
    ("PauliError", (P,), mixture(uniform(1, P))),
    ("PauliError2", (P,), mixture(uniform(2, P))),
    ("PauliChannel", (0.1, 0.2, 0.3), mixture({"I": 0.4, "X": 0.1, "Y": 0.2, "Z": 0.3})),
    ("AmplitudeDamping", (P,), lindblad(-math.log1p(-P), 1.0)),
    ("GeneralizedAmplitudeDamping", (P, 0.4), lindblad(-math.log1p(-P), 0.6, 0.4)),
    ("GeneralizedAmplitudeDamping", (P, 0.9), lindblad(-math.log1p(-P), 0.1, 0.9)),
    ("PhaseDamping", (P,), lindblad(-math.log1p(-P) / 2, dephasing=1.0)),
    ("ThermalRelaxation", (50.0, 20.0, 13.0, 0.2), thermal(50.0, 20.0, 13.0, 0.2)),
    ("ThermalRelaxation", (50.0, 80.0, 13.0, 0.2), thermal(50.0, 80.0, 13.0, 0.2)),
    ("ThermalRelaxation", (50.0, 100.0, 13.0, 0.0), thermal(50.0, 100.0, 13.0, 0.0)),
    ("ThermalRelaxation", (50.0, 100.0, 130.0, 0.8), thermal(50.0, 100.0, 130.0, 0.8)),
    ("Reset", (), kept(qutip.fock_dm(2, 0)) + kept(LOWER)),
    (
        "ReadoutError",
        (0.1, 0.3),
        sum(a * kept(qutip.basis(2, r) * qutip.basis(2, t).dag()) for (r, t), a in READ.items()),
    ),
]


def test_every_named_channel_has_a_reference():
    assert {name for name, _, _ in CASES} == set(CHANNELS)


@every("name, params, reference", CASES, ids=[f"{n}{p}" for n, p, _ in CASES])
def test_the_superoperator_is_that_of_qutip(name, params, reference):
    channel, values = CHANNELS[name], np.array(params)
    channel.check(values)
    for seed in (1, 2):
        rho = qutip.rand_dm(list(channel.dims), seed=seed)
        moved = qutip.vector_to_operator(reference * qutip.operator_to_vector(rho)).full()
        ours = (channel.superoperator(values) @ rho.full().reshape(-1)).reshape(rho.shape)
        assert np.abs(ours - rho.full()).max() > 1e-2
        assert np.abs(ours - moved).max() < 1e-13


@every("name, params", [case[:2] for case in CASES], ids=[f"{n}{p}" for n, p, _ in CASES])
def test_qutip_finds_the_kraus_form_a_channel_with_this_superoperator(name, params):
    channel, values = CHANNELS[name], np.array(params)
    whole = qutip.kraus_to_super([qutip.Qobj(k, dims=[list(channel.dims)] * 2) for k in channel.kraus(values)])
    assert whole.iscptp
    side = math.prod(channel.dims)
    column_major = channel.superoperator(values).reshape((side,) * 4).transpose(1, 0, 3, 2).reshape(side**2, side**2)
    assert np.abs(whole.full() - column_major).max() < 1e-14


def test_a_random_kraus_map_of_a_qutrit():
    operators = qutip.rand_kraus_map(3, seed=4)
    channel = KrausChannel([k.full() for k in operators])
    rho = qutip.rand_dm(3, seed=5)
    moved = qutip.vector_to_operator(qutip.kraus_to_super(operators) * qutip.operator_to_vector(rho)).full()
    ours = channel.superoperator(np.zeros(0)) @ rho.full().reshape(-1)
    assert channel.dims == (3,)
    assert np.abs(ours - moved.reshape(-1)).max() < 1e-14
