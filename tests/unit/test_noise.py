"""Noise models: which channels they put where, counted, and the clock that makes idle sites relax."""

import numpy as np
import pytest

from qml import channels, gates
from qml._checks import InputError
from qml.circuits import Circuit, NoiseModel, hardware_efficient
from qml.engines.reference import ReferenceEngine
from qml.instructions import PartialTrace, Preparation
from qml.parameters import Parameter

trace = PartialTrace((2,))
fresh = Preparation((2,))
bell = Circuit(2, [gates.H(0), gates.CNOT(0, 1)])


def listed(circuit):
    return [str(operation) for operation in circuit]


def waits(circuit, name="ThermalRelaxation"):
    """(position, site, time) of every relaxation."""
    return [
        (i, operation.sites[0], operation.params[2].constant)
        for i, operation in enumerate(circuit)
        if operation.name == name
    ]


def test_the_empty_model_changes_nothing():
    assert bell.with_noise(NoiseModel()) == bell


def test_one_site_channels_follow_each_site_of_the_gate_in_its_order():
    model = NoiseModel().add(channels.BitFlip, 0.1)
    assert listed(Circuit(3, [gates.CNOT(2, 0)]).with_noise(model)) == ["CNOT 2 0", "BitFlip(0.1) 2", "BitFlip(0.1) 0"]


def test_two_site_channels_follow_two_site_gates_on_the_pair():
    model = NoiseModel().add(channels.Depolarizing2, 0.1)
    circuit = Circuit(3, [gates.H(0), gates.CNOT(2, 0), gates.Toffoli(0, 1, 2)])
    assert listed(circuit.with_noise(model)) == ["H 0", "CNOT 2 0", "Depolarizing2(0.1) 2 0", "Toffoli 0 1 2"]


def test_rules_by_gate_and_site_in_the_order_added():
    model = (
        NoiseModel()
        .add(channels.Depolarizing, "p", gates=("CNOT", "H"), sites=0)
        .add(channels.BitFlip, 0.25, gates="CNOT", sites=(1, 2))
        .add(channels.Depolarizing2, 0.01, gates="CNOT", sites=(0, 1))
    )
    circuit = Circuit(3, [gates.H(0), gates.H(1), gates.CNOT(1, 0), gates.CNOT(1, 2), gates.X(0)])
    assert listed(circuit.with_noise(model)) == [
        *("H 0", "Depolarizing(p) 0", "H 1"),
        *("CNOT 1 0", "Depolarizing(p) 0", "BitFlip(0.25) 1", "Depolarizing2(0.01) 1 0"),
        *("CNOT 1 2", "BitFlip(0.25) 1", "BitFlip(0.25) 2"),
        "X 0",
    ]


def test_counts_on_a_layered_circuit():
    circuit = hardware_efficient(4, 3, topology="ring")
    noisy = circuit.with_noise(
        NoiseModel()
        .add(channels.PauliError, 0.001, gates=("RY", "RZ"))
        .add(channels.PauliError2, 0.01, gates="CNOT")
        .with_readout(0.02, 0.05)
    )
    counts = noisy.instruction_counts()
    assert counts["PauliError"] == 2 * 4 * 4
    assert counts["PauliError2"] == 3 * 4
    assert counts["ReadoutError"] == 4
    assert noisy.parameters == circuit.parameters


def test_preparation_errors_and_channels_already_there():
    circuit = Circuit(2, [fresh(1), channels.BitFlip(0.3, 0), gates.H(1)])
    model = NoiseModel().add(channels.PhaseFlip, 0.2).add(channels.BitFlip, 0.01, gates="initialize")
    assert listed(circuit.with_noise(model)) == [
        *("initialize 1", "BitFlip(0.01) 1", "BitFlip(0.3) 0", "H 1", "PhaseFlip(0.2) 1")
    ]


def test_noise_can_be_learnt():
    model = NoiseModel().add(channels.Depolarizing, "p").add(channels.BitFlip, Parameter("p") / 2, gates="CNOT")
    noisy = bell.with_noise(model)
    assert noisy.parameters == ("p",)
    assert (noisy.domains["p"].low, noisy.domains["p"].high) == (0.0, pytest.approx(4 / 3))


def test_readout_on_surviving_sites_only():
    circuit = Circuit(3, [gates.H(0), trace(1)])
    noisy = circuit.with_noise(
        NoiseModel().with_readout(0.02, 0.05).with_readout(0.1, channel=channels.BitFlip, sites=2)
    )
    assert listed(noisy) == [
        "H 0",
        "trace_out 1",
        "ReadoutError(0.02, 0.05) 0",
        "ReadoutError(0.02, 0.05) 2",
        "BitFlip(0.1) 2",
    ]


def test_the_noisy_state_is_that_of_the_channels_by_hand():
    """(|00> + |11>)/sqrt 2, then a bit flip with q on qubit 1: weight q moves to the odd Bell state."""
    q = 0.2
    noisy = bell.with_noise(NoiseModel().add(channels.BitFlip, q, gates="CNOT", sites=1))
    even, odd = np.array([1, 0, 0, 1]) / np.sqrt(2), np.array([0, 1, 1, 0]) / np.sqrt(2)
    expected = (1 - q) * np.outer(even, even) + q * np.outer(odd, odd)
    sigma = ReferenceEngine().evolve(noisy.compile(), []).matrix()
    np.testing.assert_allclose(sigma, expected, atol=1e-15)


# the clock


def test_idle_times_on_a_schedule_by_hand():
    """H takes 1, CNOT 10, X nothing.

    clock:  site 0: H [0, 1]   CNOT(0,1) [1, 11]          waits 11 -> 21
            site 1: waits 0 -> 1, CNOT [1, 11], CNOT(1,2) [11, 21]
            site 2: X at 0, H [0, 1], waits 1 -> 11, CNOT [11, 21]
    """
    circuit = Circuit(3, [gates.H(0), gates.X(2), gates.H(2), gates.CNOT(0, 1), gates.CNOT(1, 2)])
    model = NoiseModel().with_relaxation(50.0, 70.0, durations={"H": 1.0, "CNOT": 10.0}, excited_population=0.1)
    noisy = circuit.with_noise(model)
    assert [(o.name, o.sites, o.params[2].constant if o.params else None) for o in noisy] == [
        ("H", (0,), None),
        ("ThermalRelaxation", (0,), 1.0),
        ("X", (2,), None),
        ("H", (2,), None),
        ("ThermalRelaxation", (2,), 1.0),
        ("ThermalRelaxation", (1,), 1.0),  # waits for H on 0
        ("CNOT", (0, 1), None),
        ("ThermalRelaxation", (0,), 10.0),
        ("ThermalRelaxation", (1,), 10.0),
        ("ThermalRelaxation", (2,), 10.0),  # waits for the first CNOT
        ("CNOT", (1, 2), None),
        ("ThermalRelaxation", (1,), 10.0),
        ("ThermalRelaxation", (2,), 10.0),
        ("ThermalRelaxation", (0,), 10.0),  # waits for the end
    ]
    assert all(o.params[3].constant == 0.1 for o in noisy if o.name == "ThermalRelaxation")


def test_every_site_relaxes_for_the_whole_schedule():
    """Busy plus idle time is the length of the schedule, on each site."""
    durations = {"RY": 0.1, "RZ": 0.3, "CNOT": 0.7}
    circuit = hardware_efficient(5, 4, topology=[(0, 1), (3, 4), (1, 2), (4, 0)])
    noisy = circuit.with_noise(NoiseModel().with_relaxation(50.0, 70.0, durations=durations))
    total = [sum(t for _, site, t in waits(noisy) if site == s) for s in range(5)]
    end = [0.0] * 5
    for operation in circuit:
        stop = max(end[s] for s in operation.sites) + durations[operation.name]
        for s in operation.sites:
            end[s] = stop
    np.testing.assert_allclose(total, max(end), rtol=1e-13)
    assert min(t for _, _, t in waits(noisy)) > 0.05  # no idling of the size of a rounding error


def test_rounding_of_the_clock_is_no_waiting():
    """0.1 + 0.2 is 0.3 up to the last digit: site 1 does not wait for site 0."""
    circuit = Circuit(2, [gates.X(0), gates.Y(0), gates.H(1), gates.CNOT(0, 1)])
    model = NoiseModel().with_relaxation(50.0, durations={"X": 0.1, "Y": 0.2, "H": 0.3, "CNOT": 1.0})
    assert [time for _, _, time in waits(circuit.with_noise(model))] == [0.1, 0.2, 0.3, 1.0, 1.0]


def test_relaxation_follows_the_rules_of_its_gate_and_precedes_readout():
    model = NoiseModel().with_readout(0.0, 0.1).with_relaxation(5.0, durations={"X": 1.0}).add(channels.BitFlip, 0.1)
    assert listed(Circuit(1, [gates.X(0)]).with_noise(model)) == [
        *("X 0", "BitFlip(0.1) 0", "ThermalRelaxation(5, 10, 1, 0) 0", "ReadoutError(0, 0.1) 0")
    ]


def test_constants_by_site_and_trainable():
    model = NoiseModel().with_relaxation(
        [5.0, "t1"], [6.0, "t1"], durations={"CNOT": 1.0}, excited_population=[0.0, 0.2]
    )
    noisy = Circuit(2, [gates.CNOT(0, 1)]).with_noise(model)
    assert listed(noisy)[1:] == ["ThermalRelaxation(5, 6, 1, 0) 0", "ThermalRelaxation(t1, t1, 1, 0.2) 1"]
    doubled = NoiseModel().with_relaxation(["t1"], durations={"X": 1.0})
    assert listed(Circuit(1, [gates.X(0)]).with_noise(doubled))[1:] == ["ThermalRelaxation(t1, 2*t1, 1, 0) 0"]


def test_traced_out_and_fresh_sites_on_the_clock():
    """Site 1 is discarded at 10; the fresh one there waits from 10 to 11, for the X on site 0 that ends at 11."""
    circuit = Circuit(2, [gates.CNOT(0, 1), trace(1), gates.X(0), fresh(1), gates.CNOT(0, 1), trace(0)])
    model = NoiseModel().with_relaxation(50.0, durations={"CNOT": 10.0, "X": 1.0})
    assert waits(circuit.with_noise(model)) == [
        *((1, 0, 10.0), (2, 1, 10.0), (5, 0, 1.0)),
        *((7, 1, 1.0), (9, 0, 10.0), (10, 1, 10.0)),
    ]


def test_an_absent_site_does_not_idle_and_discarded_ones_do_not_hold_up_the_end():
    model = NoiseModel().with_relaxation(50.0, durations={"X": 1.0, "H": 5.0})
    circuit = Circuit(2, [gates.X(0), gates.H(1), trace(1)])
    assert waits(circuit.with_noise(model)) == [(1, 0, 1.0), (3, 1, 5.0)]


def test_idle_decay_is_exponential():
    """|1> on site 1 idles for 3 while site 0 works: its population is exp(-3 / T1)."""
    circuit = Circuit(2, [gates.X(1), gates.H(0), gates.H(0), gates.H(0)])
    noisy = circuit.with_noise(NoiseModel().with_relaxation(2.0, 1.5, durations={"H": 1.0}))
    sigma = ReferenceEngine().evolve(noisy.compile(), []).matrix()
    assert sigma[1, 1].real + sigma[3, 3].real == pytest.approx(np.exp(-3 / 2), rel=1e-14)


# what it refuses


def test_unknown_gates_are_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"names a gate 'CNOTT' that neither.*did you mean 'CNOT'"):
        bell.with_noise(NoiseModel().add(channels.BitFlip, 0.1, gates="CNOTT"))
    with pytest.raises(InputError, match=r"names a gate 'R' that neither"):
        bell.with_noise(NoiseModel().with_relaxation(5.0, durations={"R": 1.0}))
    own = Circuit(1, [gates.UnitaryGate(np.eye(2), name="mine")(0)])
    assert len(own.with_noise(NoiseModel().add(channels.BitFlip, 0.1, gates="mine"))) == 2


def test_a_gate_has_one_duration():
    model = NoiseModel().with_relaxation(5.0, durations={"cx": 1.0, "CNOT": 2.0})
    with pytest.raises(InputError, match="each gate once; found 'cx', 'CNOT'"):
        bell.with_noise(model)


def test_sites_out_of_range_are_refused():
    with pytest.raises(InputError, match="the noise model names site 4, but the circuit has 2 sites"):
        bell.with_noise(NoiseModel().add(channels.BitFlip, 0.1, sites=(0, 4)))
    with pytest.raises(InputError, match="names site 2"):
        bell.with_noise(NoiseModel().with_readout(0.1, 0.1, sites=2))
    with pytest.raises(InputError, match="each entry of the sites of a noise rule must be an integer of at least 0"):
        NoiseModel().add(channels.BitFlip, 0.1, sites=-1)


def test_channels_and_parameters_are_checked():
    with pytest.raises(InputError, match=r"needs a channel without its sites, then its parameters"):
        NoiseModel().add(channels.BitFlip(0.1, 0))
    with pytest.raises(InputError, match="found RX"):
        NoiseModel().add(gates.RX, 0.1)
    with pytest.raises(InputError, match=r"BitFlip takes 1 parameter \(p\); found 2: 0.1, 0.2"):
        NoiseModel().add(channels.BitFlip, 0.1, 0.2)
    with pytest.raises(InputError, match=r"ReadoutError takes 2 parameters \(p01, p10\); found 0: none"):
        NoiseModel().with_readout()
    with pytest.raises(InputError, match=r"BitFlip: p must lie in \[0, 1\]; found 2"):
        NoiseModel().add(channels.BitFlip, 2.0)
    with pytest.raises(InputError, match="a readout error acts on one site; found Depolarizing2, on 2 sites"):
        NoiseModel().with_readout(0.1, channel=channels.Depolarizing2)
    with pytest.raises(InputError, match="cannot follow trace_out: nothing is left there"):
        NoiseModel().add(channels.BitFlip, 0.1, gates="trace_out")
    with pytest.raises(InputError, match=r"Depolarizing2 acts on 2 sites, but a rule lets it follow H 0"):
        bell.with_noise(NoiseModel().add(channels.Depolarizing2, 0.1, gates="H"))
    with pytest.raises(InputError, match="the duration of X must be a finite number of at least 0; found -1"):
        NoiseModel().with_relaxation(5.0, durations={"X": -1.0})
    for times, sentence in (
        ((-1.0,), r"t1 must lie in \[0, inf\]; found -1"),
        ((1.0, 3.0), "t2 must be at most 2 t1 = 2; found 3"),
        (([5.0, 1.0], [5.0, 3.0]), "t2 must be at most 2 t1 = 2; found 3"),
    ):
        with pytest.raises(InputError, match=sentence):
            NoiseModel().with_relaxation(*times, durations={})
    with pytest.raises(InputError, match=r"excited_population must lie in \[0, 1\]; found 2"):
        NoiseModel().with_relaxation(5.0, durations={}, excited_population=[0.1, 2.0])
    NoiseModel().with_relaxation(["a", 1.0], ["b", 1.5], durations={})
    with pytest.raises(InputError, match="t2 of the noise model must be one value, or one for each of the 2 sites"):
        bell.with_noise(NoiseModel().with_relaxation(5.0, [1.0, 2.0, 3.0], durations={"H": 1.0}))


def test_models_are_values():
    model = NoiseModel().add(channels.BitFlip, 0.1, gates=["H"]).with_relaxation(5.0, durations={"H": 1.0})
    same = NoiseModel().add(channels.BitFlip, 0.1, gates=("H",)).with_relaxation(5.0, durations={"H": 1.0})
    assert model == same
    assert hash(model) == hash(same)
    assert model != NoiseModel()


def test_names_in_rules_are_those_of_the_ansatz():
    circuit = Circuit(2, [gates.H(0), gates.CNOT(0, 1)])
    named = NoiseModel().add(channels.BitFlip, 0.1, gates="CNOT").with_relaxation(50, durations={"H": 1, "CNOT": 2})
    spelled = NoiseModel().add(channels.BitFlip, 0.1, gates="cx").with_relaxation(50, durations={"h": 1, "cx": 2})
    assert circuit.with_noise(spelled) == circuit.with_noise(named)
    own = Circuit(1, [gates.UnitaryGate(np.eye(2), name="u")(0)])
    assert len(own.with_noise(NoiseModel().add(channels.BitFlip, 0.1, gates="u"))) == 2
    rule = NoiseModel().add(channels.ThermalRelaxation, 50, 70, 1.0)
    assert rule.rules[0].params == NoiseModel().add(channels.ThermalRelaxation, 50, 70, 1.0, 0.0).rules[0].params


def test_a_notebook_shows_every_rule_and_where_it_acts():
    model = (
        NoiseModel()
        .add(channels.Depolarizing, "p<q", gates="CNOT", sites=[0, 1])
        .add(channels.Depolarizing2, 0.1, at=(1, 0))
        .with_relaxation([50.0, 60.0], durations={"CNOT": 0.3})
        .with_readout(0.01, 0.02)
    )
    rows = model._repr_html_().split("<tr>")[1:]
    assert ["Depolarizing(p&lt;q)" in rows[0], "after CNOT, on 0, 1" in rows[0]] == [True, True]
    assert "after every unitary gate on exactly 1, 0, on every site" in rows[1]
    assert "T1 = (50, 60), T2 = (100, 120); CNOT takes 0.3" in rows[2]
    assert ["ReadoutError(0.01, 0.02)" in rows[3], "at the end, on every site" in rows[3]] == [True, True]
    assert len(rows) == 4
    assert NoiseModel()._repr_html_() == "<table><caption>noise model</caption></table>"
