"""How channels are found, explained, and refused in a sentence where they are none."""

from __future__ import annotations

import inspect
import math
import pydoc
import re

import numpy as np
import pytest
from hypothesis import strategies as st

from qml import channels
from qml._checks import InputError
from qml.channels import CHANNELS, KrausChannel, PauliMixture
from qml.parameters import as_affine

ALL = list(CHANNELS.values())
TRAINABLE = [c for c in ALL if c.n_params]
NONE = np.zeros(0)
X, Y, Z = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])
UNIT_NUMBERS = st.lists(st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1)), min_size=4, max_size=4)


def refused(sentence: str) -> pytest.RaisesExc:
    return pytest.raises(InputError, match=re.escape(sentence))


def test_parameters_outside_their_domain():
    for name, bad, sentence in [
        ("BitFlip", (1.2,), "BitFlip: p must lie in [0, 1]; found 1.2."),
        ("Depolarizing", (1.4,), "Depolarizing: p must lie in [0, 1.33333333333]; found 1.4."),
        ("Depolarizing2", (1.07,), "Depolarizing2: p must lie in [0, 1.06666666667]; found 1.07."),
        ("PauliError", (-0.1,), "PauliError: q must lie in [0, 1]; found -0.1."),
        ("PauliError2", (1.01,), "PauliError2: q must lie in [0, 1]; found 1.01."),
        ("PauliChannel", (0.5, 0.4, 0.2), "PauliChannel: px + py + pz must be at most 1; found 1.1."),
        ("PauliChannel", (0.5, -0.4, 0.2), "PauliChannel: py must lie in [0, 1]; found -0.4."),
        ("AmplitudeDamping", (1.5,), "AmplitudeDamping: gamma must lie in [0, 1]; found 1.5."),
        ("GeneralizedAmplitudeDamping", (0.5, 2), "excited_population must lie in [0, 1]; found 2."),
        ("PhaseDamping", (-1e-9,), "PhaseDamping: lambda must lie in [0, 1]; found -1e-09."),
        ("ThermalRelaxation", (50, 120, 1, 0), "ThermalRelaxation: t2 must be at most 2 t1 = 100; found 120."),
        ("ThermalRelaxation", (0, 1, 1, 0), "ThermalRelaxation: t1 must be positive, at least 2.23e-308; found 0."),
        ("ThermalRelaxation", (1, 0, 1, 0), "ThermalRelaxation: t2 must be positive, at least 2.23e-308; found 0."),
        ("ThermalRelaxation", (1, 1, -1, 0), "ThermalRelaxation: time must lie in [0, inf]; found -1."),
        ("ThermalRelaxation", (math.inf, 1, 1, 0), "ThermalRelaxation: t1 must be a finite number; found inf."),
        ("ReadoutError", (0.1, 1.1), "ReadoutError: p10 must lie in [0, 1]; found 1.1."),
    ]:
        sites = range(CHANNELS[name].n_sites)
        with refused(sentence):
            CHANNELS[name](*bad, *sites)


def test_rounding_is_not_taken_for_a_mistake():
    channels.PauliChannel(0.1, 0.7, 0.2, 0)
    channels.PauliChannel(0.5 + 2**-52, 0.25, 0.25, 0)
    channels.ThermalRelaxation(0.1 + 0.2, math.nextafter(2 * (0.1 + 0.2), 1), 0.1, 0.0, 0)
    channels.Depolarizing(4 / 3, 0)
    channels.Depolarizing2(16 / 15, 0, 1)
    channels.Depolarizing(as_affine("q") * (4 / 3), 0)


def test_names_that_are_no_texts():
    with refused("name must be a text; found 3"):
        KrausChannel([np.eye(2)], name=3)
    with refused("name must be a text; found 3"):
        PauliMixture(3, ("X",), ((1.0,),), ("p",))


def test_kraus_operators_that_are_no_channel():
    with refused(
        "the Kraus operators of Kraus must be complete; found max|sum_k K_k^dagger K_k - 1| = 0.19, tolerance 1e-10."
    ):
        KrausChannel([0.9 * np.eye(2)])
    with pytest.raises(InputError, match=r"must be complete; found .* = (inf|nan), tolerance 1e-10\.$"):
        KrausChannel([[[1e200, 1e200], [1e200, -1e200]]])
    with refused("the Kraus operators of mine must have shape (m, d, d), also where there is one; found shape (2, 2)"):
        KrausChannel(np.eye(2), name="mine")
    with refused("must have shape (..., d, d); found shape (1, 2, 3)"):
        KrausChannel(np.ones((1, 2, 3)))
    with refused("rows of different lengths"):
        KrausChannel([np.eye(2), np.eye(3)])
    with refused("dims must multiply to the dimension 4; found (2, 3), product 6"):
        KrausChannel(np.eye(4)[None], dims=(2, 3))
    with refused("must have shape (..., d, d); found shape (0, 2, 2)"):
        KrausChannel(np.zeros((0, 2, 2)))


def test_mixtures_that_do_not_fit():
    with refused("Mine: the labels must be Pauli strings of one length; found ('X', 'ZZ')"):
        PauliMixture("Mine", ("X", "ZZ"), ((0.5, 0.5),), ("p",))
    with refused("a Pauli label must be one or more of the letters I, X, Y, Z; found 'Q'"):
        PauliMixture("Mine", ("Q",), ((1.0,),), ("p",))
    for shares in (((1.0, 1.0),), ((-1.0,),), ((0.0,),), ()):
        with refused("Mine: the shares must be non-negative numbers of shape (1, 1), no row all zero; found"):
            PauliMixture("Mine", ("X",), shares, ("p",))
    with refused(
        "Mine: the shares must be non-negative numbers of shape (1, 2), no row all zero; found ((1e+308, 1e+308"
    ):
        PauliMixture("Mine", ("X", "Z"), ((1e308, 1e308),), ("p",))


@pytest.mark.parametrize("kind", [list, np.array])
def test_shares_may_be_lists_and_arrays(kind):
    mixture = PauliMixture("Mine", kind(["X", "Z"]), kind([[0.5, 0.25]]), kind(["p"]))
    assert mixture == PauliMixture("Mine", ("X", "Z"), ((0.5, 0.25),), ("p",))
    assert hash(mixture) == hash(PauliMixture("Mine", ("X", "Z"), ((0.5, 0.25),), ("p",)))
    bloch = [
        np.einsum("ij,ji", s, mixture.superoperator(np.array([0.4])).dot(s.ravel()).reshape(2, 2)) / 2 for s in (X, Z)
    ]
    assert np.allclose(bloch, [1 - 2 * 0.1, 1 - 2 * 0.2])


@pytest.mark.parametrize("shares", [np.ones((3, 4)), [[1.0, -1.0]], np.full((1, 1), -1.0)])
def test_a_refusal_is_one_line(shares):
    with pytest.raises(InputError, match="the shares must be non-negative numbers") as caught:
        PauliMixture("Mine", ("X",), shares, ("p",))
    assert "\n" not in str(caught.value)


def test_wrong_placements():
    with refused("Depolarizing takes 2 arguments (p, site); found 1: 0.1"):
        channels.Depolarizing(0.1)
    with refused("ThermalRelaxation takes 5 arguments (t1, t2, time, excited_population, site); found 3"):
        channels.ThermalRelaxation(50, 70, 1)
    with refused("Depolarizing2 needs 2 distinct sites; found (1, 1)"):
        channels.Depolarizing2(0.1, 1, 1)
    with refused("AmplitudeDamping on sites (0,) is not unitary, so it has no inverse operation."):
        channels.AmplitudeDamping(0.1, 0).inverse()
    with refused("Reset takes 1 argument (site); found 2"):
        channels.Reset(0, 1)


def test_channels_are_found_by_name_and_explain_themselves():
    assert channels.channel("amplitude_damping") == channels.AmplitudeDamping
    with refused("(did you mean 'BitFlip'?)"):
        channels.channel("bitflipp")
    text = pydoc.render_doc(channels.AmplitudeDamping, renderer=pydoc.plaintext)
    assert "AmplitudeDamping(gamma, site)" in text
    assert "Decay to |0> with probability gamma" in text
    assert "From 0 to 1." in text
    for name, channel in CHANNELS.items():
        assert channel.__doc__.startswith(f"{name}("), name
        for parameter in channel.parameter_names:
            assert f"\n{parameter} : float" in channel.__doc__


def test_thermal_relaxation_goes_to_the_ground_state_unless_told_otherwise():
    plain, warm = channels.ThermalRelaxation(50, 70, 0.3, 0), channels.ThermalRelaxation(50, 70, 0.3, 0.25, 0)
    assert plain == channels.ThermalRelaxation(50, 70, 0.3, 0.0, 0)
    assert warm == channels.ThermalRelaxation(50, 70, 0.3, 0, excited_population=0.25)
    assert str(inspect.signature(channels.ThermalRelaxation)) == "(t1, t2, time, site, /, *, excited_population=0.0)"
    with refused("takes 5 arguments"):
        channels.ThermalRelaxation(50, 70, 0.3, 0.25, 0, excited_population=0.25)
    with refused("takes 5 arguments"):
        channels.ThermalRelaxation(50, 70, 0.3, 0, wrong=0.25)
