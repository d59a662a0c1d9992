"""Channels: complete positivity and derivatives on the whole of every domain, physical action, and what is refused."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from helpers.cases import every
from hypothesis import given, settings
from hypothesis import strategies as st

from qml import channels
from qml._checks import InputError
from qml.channels import CHANNELS, KrausChannel, PauliMixture
from qml.instructions import Channel
from qml.parameters import UNIT

ALL = list(CHANNELS.values())
TRAINABLE = [c for c in ALL if c.n_params]
NONE = np.zeros(0)
X, Y, Z = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])
UNIT_NUMBERS = st.lists(st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1)), min_size=4, max_size=4)


def inside(channel: Channel, units: list[float]) -> np.ndarray:
    """A point of the domain from numbers in [0, 1], ends included."""
    u = np.array(units[: channel.n_params])
    if channel.name == "ThermalRelaxation":
        t1 = 0.1 + 10 * u[0]
        return np.array([t1, 2 * t1 * (0.01 + 0.99 * u[1]), 20 * u[2], u[3]])
    if channel.name == "PauliChannel":
        return u / max(1.0, math.fsum(u))
    return np.array(
        [d.from_real(40.0) if x == 1 else d.low + x * (d.high - d.low) for d, x in zip(channel.domains, u, strict=True)]
    )


def random_state(side: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(side, side)) + 1j * rng.normal(size=(side, side))
    rho = a @ a.conj().T
    return rho / np.trace(rho)


def act(channel: Channel, params, rho: np.ndarray) -> np.ndarray:
    values = np.array(params, dtype=float)
    return (channel.superoperator(values) @ rho.reshape(-1)).reshape(rho.shape)


def choi(channel: Channel, params: np.ndarray) -> np.ndarray:
    side = math.prod(channel.dims)
    s = channel.superoperator(params).reshape((side,) * 4)
    return s.transpose(0, 2, 1, 3).reshape(side**2, side**2)


def bloch(rho: np.ndarray) -> np.ndarray:
    return np.array([np.trace(p @ rho).real for p in (X, Y, Z)])


def test_the_registry_lists_every_channel_that_can_be_reached_by_its_name():
    assert set(CHANNELS.values()) == {c for c in vars(channels).values() if isinstance(c, Channel)}
    assert set(CHANNELS) <= set(channels.__all__)
    assert all(getattr(channels, name) is c and c.name == name for name, c in CHANNELS.items())


@pytest.mark.parametrize("channel", ALL, ids=repr)
@given(units=UNIT_NUMBERS)
@settings(max_examples=30, deadline=None)
def test_every_channel_is_completely_positive_trace_preserving_and_equal_to_its_kraus_form(channel, units):
    params = inside(channel, units)
    channel.check(params)
    side = math.prod(channel.dims)
    k = channel.kraus(params)
    assert k.shape[1:] == (side, side)
    assert k.dtype == np.complex128
    assert np.abs(np.einsum("kai,kaj->ij", k.conj(), k) - np.eye(side)).max() < 1e-14
    assert np.abs(Channel.superoperator(channel, params) - channel.superoperator(params)).max() < 1e-14
    assert np.linalg.eigvalsh(choi(channel, params)).min() > -1e-14
    trace = np.einsum("iiab->ab", channel.superoperator(params).reshape((side,) * 4))
    assert np.abs(trace - np.eye(side)).max() < 1e-14


@pytest.mark.parametrize("channel", TRAINABLE, ids=repr)
@given(units=st.lists(st.floats(0.05, 0.95), min_size=4, max_size=4))
@settings(max_examples=15, deadline=None)
def test_derivatives_inside_the_domain_are_those_of_finite_differences(channel, units):
    params, h = inside(channel, units), 1e-6
    analytic = channel.superoperator_derivatives(params)
    side = math.prod(channel.dims) ** 2
    assert analytic.shape == (channel.n_params, side, side)
    for i in range(channel.n_params):
        step = h * np.eye(channel.n_params)[i]
        difference = (channel.superoperator(params + step) - channel.superoperator(params - step)) / (2 * h)
        assert np.abs(analytic[i] - difference).max() < 1e-7 * max(1, np.abs(difference).max())


@every("channel", TRAINABLE, ids=repr)
def test_no_derivative_vanishes_where_the_channel_moves(channel):
    point = [3.0, 4.0, 2.0, 0.3] if channel.name == "ThermalRelaxation" else [0.3, 0.2, 0.1][: channel.n_params]
    assert (np.abs(channel.superoperator_derivatives(np.array(point))).max(axis=(1, 2)) > 0.05).all()


EDGES = [
    *((c, (0.0,), 0, +1) for c in TRAINABLE if c.n_params == 1),
    *((c, (c.domains[0].high,), 0, -1) for c in TRAINABLE if isinstance(c, PauliMixture) and c.n_params == 1),
    *((channels.PauliChannel, (0.0, 0.3, 0.7), i, d) for i, d in ((0, +1), (1, -1), (2, -1))),
    *((channels.ReadoutError, (0.0, 1.0), i, d) for i, d in ((0, +1), (1, -1))),
    *((channels.ReadoutError, (1.0, 0.0), i, d) for i, d in ((0, -1), (1, +1))),
    *((channels.GeneralizedAmplitudeDamping, (0.0, e), 0, +1) for e in (0.0, 1.0)),
    *((channels.GeneralizedAmplitudeDamping, (g, e), 1, d) for g in (0.0, 1.0) for e, d in ((0.0, 1), (1.0, -1))),
    *((channels.ThermalRelaxation, (2.0, 4.0, t, e), i, d) for t in (0.0, 1.5) for e, d3 in ((0.0, 1), (1.0, -1))
      for i, d in ((0, 1), (1, -1), (2, 1), (3, d3))),
]  # fmt: skip


@every("channel, point, i, direction", EDGES)
def test_derivatives_at_the_ends_are_those_of_one_sided_differences(channel, point, i, direction):
    params, h = np.array(point), direction * 1e-4
    step = h * np.eye(channel.n_params)[i]
    f = [channel.superoperator(params + k * step) for k in range(4)]
    one_sided = (-11 * f[0] + 18 * f[1] - 9 * f[2] + 2 * f[3]) / (6 * h)
    analytic = channel.superoperator_derivatives(params)[i]
    still = channel.name in ("ThermalRelaxation", "GeneralizedAmplitudeDamping") and np.abs(one_sided).max() < 1e-10
    assert np.abs(analytic).max() > 0.05 or (still and not analytic.any())
    assert np.abs(analytic - one_sided).max() < 1e-9


def test_only_what_cannot_move_has_a_vanishing_derivative():
    """Without time or damping, the constants and the excited population make no difference; elsewhere all do."""
    frozen = channels.ThermalRelaxation.superoperator_derivatives(np.array([2.0, 4.0, 0.0, 0.3]))
    assert [bool(d.any()) for d in frozen] == [False, False, True, False]
    frozen = channels.GeneralizedAmplitudeDamping.superoperator_derivatives(np.array([0.0, 0.3]))
    assert [bool(d.any()) for d in frozen] == [True, False]


ROOTS = [
    (channels.AmplitudeDamping, lambda x: [x]),
    (channels.GeneralizedAmplitudeDamping, lambda x: [x, 0.3]),
    (channels.PhaseDamping, lambda x: [x]),
]


@pytest.mark.parametrize(("channel", "at"), ROOTS, ids=lambda v: getattr(v, "name", ""))
def test_the_diverging_derivative_is_that_of_the_last_number_below_one(channel, at):
    below = math.nextafter(1.0, 0.0)
    end = channel.superoperator_derivatives(np.array(at(1.0)))
    assert np.isfinite(end).all()
    assert np.abs(end - channel.superoperator_derivatives(np.array(at(below)))).max() < 1e-14
    assert end[0, 1, 1].real == pytest.approx(-(2**25.5), rel=1e-15)
    populations = np.ix_([0, 3], [0, 3])
    step = [channel.superoperator(np.array(at(1.0 - k * 1e-3)))[populations] for k in (0, 1)]
    assert np.abs(end[0][populations] - (step[0] - step[1]) / 1e-3).max() < 1e-12


@pytest.mark.parametrize(("channel", "at"), ROOTS, ids=lambda v: getattr(v, "name", ""))
def test_in_the_unconstrained_coordinate_the_derivative_is_finite_and_right_everywhere(channel, at):
    for u in np.linspace(-60, 800, 1721):
        gamma, slope = UNIT.from_real(u), UNIT.slope(u)
        product = channel.superoperator_derivatives(np.array(at(gamma)))[0, 1, 1].real * slope
        exact = -0.5 * gamma * math.exp(-np.logaddexp(0.0, u) / 2)
        assert abs(product - exact) < 1e-8
        if u < 10:
            assert product == pytest.approx(exact, rel=1e-11)


def test_the_domain_of_depolarizing_is_the_whole_of_complete_positivity():
    for channel, end in ((channels.Depolarizing, 4 / 3), (channels.Depolarizing2, 16 / 15)):
        assert channel.domains[0].low == 0
        assert channel.domains[0].high == end
        assert np.linalg.eigvalsh(choi(channel, np.array([end]))).min() > -1e-15
        assert np.linalg.eigvalsh(choi(channel, np.array([end + 1e-3]))).min() < -1e-4
    assert channels.PauliError.domains == channels.PauliError2.domains == (UNIT,)


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0, "end"])
def test_depolarizing_mixes_with_the_identity_and_the_error_convention_is_the_same_channel(p):
    for channel, error, k in (
        (channels.Depolarizing, channels.PauliError, 1),
        (channels.Depolarizing2, channels.PauliError2, 2),
    ):
        ratio = 4**k / (4**k - 1)
        value = ratio if p == "end" else p
        rho = random_state(2**k)
        wanted = (1 - value) * rho + value * np.eye(2**k) / 2**k
        assert np.abs(act(channel, [value], rho) - wanted).max() < 1e-15
        assert np.abs(act(error, [value / ratio], rho) - wanted).max() < 1e-15
        assert len(channel.kraus(np.array([value]))) == (1 if value == 0 else 4**k - (p == "end"))


def test_bloch_vectors_contract_as_they_should():
    rho = random_state(2, 3)
    x, y, z = bloch(rho)
    assert min(abs(x), abs(y), abs(z)) > 0.1
    for channel, params, wanted in [
        (channels.BitFlip, [0.2], [x, 0.6 * y, 0.6 * z]),
        (channels.BitPhaseFlip, [0.2], [0.6 * x, y, 0.6 * z]),
        (channels.PhaseFlip, [0.2], [0.6 * x, 0.6 * y, z]),
        (channels.PhaseFlip, [1.0], [-x, -y, z]),
        (channels.PauliChannel, [0.1, 0.2, 0.3], [(1 - 2 * 0.5) * x, (1 - 2 * 0.4) * y, (1 - 2 * 0.3) * z]),
        (channels.Depolarizing, [0.3], [0.7 * x, 0.7 * y, 0.7 * z]),
        (channels.PauliError, [0.3], [0.6 * x, 0.6 * y, 0.6 * z]),
        (channels.AmplitudeDamping, [0.36], [0.8 * x, 0.8 * y, 0.36 + 0.64 * z]),
        (channels.GeneralizedAmplitudeDamping, [0.36, 0.25], [0.8 * x, 0.8 * y, 0.36 * 0.5 + 0.64 * z]),
        (channels.PhaseDamping, [0.36], [0.8 * x, 0.8 * y, z]),
        (channels.Reset, [], [0, 0, 1]),
        (channels.ReadoutError, [0.1, 0.3], [0, 0, -0.2 + 0.6 * z]),
    ]:
        assert bloch(act(channel, params, rho)) == pytest.approx(wanted, abs=1e-15), channel


@every("t2", [0.05, 1.0, 3.0, 5.0, 6.0])
@every("e", [0.0, 0.2, 0.9, 1.0])
def test_thermal_relaxation_follows_both_decay_curves(t2, e):
    t1, rho = 3.0, random_state(2, 5)
    for time in (0.0, 1e-6, 0.7, 5.0, 1e3):
        after = act(channels.ThermalRelaxation, [t1, t2, time, e], rho)
        assert after[1, 1].real == pytest.approx(e + math.exp(-time / t1) * (rho[1, 1].real - e), abs=1e-15)
        assert after[0, 1] == pytest.approx(math.exp(-time / t2) * rho[0, 1], abs=1e-16)
    assert act(channels.ThermalRelaxation, [t1, t2, 1e5, e], rho) == pytest.approx(np.diag([1 - e, e]), abs=1e-15)


def test_thermal_relaxation_composes_in_time_and_from_its_parts():
    rho = random_state(2, 6)
    first = act(channels.ThermalRelaxation, [3.0, 5.0, 0.4, 0.2], rho)
    both = act(channels.ThermalRelaxation, [3.0, 5.0, 1.1, 0.2], first)
    assert np.abs(both - act(channels.ThermalRelaxation, [3.0, 5.0, 1.5, 0.2], rho)).max() < 1e-15
    longest = np.array([1e308, 1.7e308, 1.7e308, 0.3])  # the Kraus operators are of the same map at all times
    k = channels.ThermalRelaxation.kraus(longest)
    same = np.einsum("kia,kjb->ijab", k, k.conj()).reshape(4, 4)
    assert same == pytest.approx(channels.ThermalRelaxation.superoperator(longest), abs=1e-15)
    gamma, dephasing = -math.expm1(-1.5 / 3), -math.expm1(-2 * 1.5 * (1 / 5 - 1 / 6))
    damped = act(channels.GeneralizedAmplitudeDamping, [gamma, 0.2], rho)
    assert np.abs(act(channels.PhaseDamping, [dephasing], damped) - both).max() < 1e-15


def test_thermal_relaxation_at_extreme_ratios():
    never = [1e300, 1e300, 5.0, 0.5]
    rho = random_state(2)
    assert np.array_equal(act(channels.ThermalRelaxation, never, rho), rho)
    at_once = np.array([1e-300, 1e-300, 1e3, 0.25])
    assert np.abs(act(channels.ThermalRelaxation, at_once, rho) - np.diag([0.75, 0.25])).max() < 1e-15
    slopes = channels.ThermalRelaxation.superoperator_derivatives(at_once)
    assert np.isfinite(slopes).all()
    assert not slopes[:3].any()
    assert slopes[3].any()


def test_steady_states():
    mixed = np.eye(2) / 2
    for channel, params, steady in [
        (channels.AmplitudeDamping, [0.3], np.diag([1, 0])),
        (channels.GeneralizedAmplitudeDamping, [0.3, 0.2], np.diag([0.8, 0.2])),
        (channels.ThermalRelaxation, [2.0, 3.0, 0.5, 0.2], np.diag([0.8, 0.2])),
        (channels.Depolarizing, [0.3], mixed),
        (channels.PauliChannel, [0.1, 0.2, 0.3], mixed),
        (channels.ReadoutError, [0.1, 0.3], np.diag([0.25, 0.75])),
    ]:
        assert np.abs(act(channel, params, steady.astype(complex)) - steady).max() < 1e-15
        state = random_state(2)
        for _ in range(200):
            state = act(channel, params, state)
        assert np.abs(state - steady).max() < 1e-12


def test_readout_error_is_a_measurement_reported_by_a_matrix():
    rho, a = random_state(2, 7), np.array([[0.7, 0.1], [0.3, 0.9]])  # A[reported][true]
    reported = act(channels.ReadoutError, [0.1, 0.3], rho)
    assert np.allclose(np.diag(reported), a @ np.diag(rho), atol=1e-15)
    assert reported[0, 1] == reported[1, 0] == 0
    assert np.allclose(act(channels.ReadoutError, [0, 0], rho), np.diag(np.diag(rho)), atol=1e-15)


def test_textbook_kraus_operators_with_nothing_superfluous():
    damping = channels.AmplitudeDamping.kraus(np.array([0.36]))
    assert np.allclose(damping, [[[1, 0], [0, 0.8]], [[0, 0.6], [0, 0]]], atol=1e-15)
    assert np.array_equal(channels.AmplitudeDamping.kraus(np.array([0.0])), np.eye(2)[None])
    assert np.array_equal(channels.PhaseDamping.kraus(np.array([1.0])), [np.diag([1, 0]), np.diag([0, 1])])
    assert len(channels.GeneralizedAmplitudeDamping.kraus(np.array([0.36, 0.2]))) == 4
    assert len(channels.ThermalRelaxation.kraus(np.array([1.0, 2.0, 0.3, 0.0]))) == 2


def test_kraus_channels_of_any_dimensions():
    decay = np.zeros((3, 3, 3))
    decay[0], decay[1, 0, 1], decay[2, 1, 2] = np.diag([1, 0.8, 0.6]), 0.6, 0.8
    ladder = KrausChannel(decay, name="ladder")
    assert (ladder.dims, ladder.name, ladder.n_params) == ((3,), "ladder", 0)
    rho = random_state(3)
    assert np.abs(act(ladder, [], rho) - sum(k @ rho @ k.T for k in decay)).max() < 1e-15
    assert ladder.superoperator_derivatives(NONE).shape == (0, 9, 9)
    assert KrausChannel(np.eye(6)[None], dims=(2, 3)).dims == (2, 3)
    assert KrausChannel(np.eye(4)[None]).dims == (2, 2)
    assert KrausChannel(np.eye(1)[None]).superoperator(NONE).shape == (1, 1)
    assert str(KrausChannel(np.eye(6)[None], dims=(2, 3))(4, 1)) == "Kraus 4 1"


def test_channels_are_values():
    assert KrausChannel([np.eye(2)]) == KrausChannel([[[1, -0.0], [0, 1]]])
    assert hash(KrausChannel([np.eye(2)])) == hash(KrausChannel(np.eye(2)[None]))
    assert KrausChannel([np.eye(2)]) != KrausChannel([np.eye(2)], name="other")
    assert KrausChannel([np.eye(4)]) != KrausChannel([np.eye(4)], dims=(4,))
    assert len({*ALL, *ALL}) == len(ALL)
    for channel in ALL:
        assert pickle.loads(pickle.dumps(channel)) == channel
    channels.Depolarizing.superoperator_derivatives(np.array([0.1]))[:] = 7
    assert channels.Depolarizing.superoperator_derivatives(np.array([0.1]))[0, 0, 0] == -0.5
    with pytest.raises(AttributeError):
        channels.Depolarizing.name = "other"


def test_a_correlated_pauli_error_of_ones_own():
    rho, zz = random_state(4), np.kron(Z, Z)
    parity = PauliMixture("ParityFlip", ("ZZ",), ((1.0,),), ("p",))
    assert np.abs(act(parity, [0.2], rho) - (0.8 * rho + 0.2 * zz @ rho @ zz)).max() < 1e-15
    assert parity.dims == (2, 2)
    lazy = PauliMixture("Half", ("X", "Z"), ((0.25, 0.25),), ("p",))
    assert lazy.domains[0].high == 2


def test_derivatives_of_relaxation_are_finite_for_all_times_that_are_taken():
    tiny = float(np.finfo(float).tiny)
    for time in (0.0, tiny, 1.0, 1e300):
        slopes = channels.ThermalRelaxation.superoperator_derivatives(np.array([tiny, 2 * tiny, time, 0.1]))
        assert np.isfinite(slopes).all()
    with pytest.raises(InputError, match="t1 must be positive, at least 2"):
        channels.ThermalRelaxation(5e-324, 5e-324, 5e-324, 0)
