"""Drawings: the text exactly, and the figure by what it contains and what must not overlap."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import FancyBboxPatch

from qml import channels, gates
from qml._checks import InputError
from qml.circuits import Circuit, NoiseModel, brickwork, hardware_efficient, mera_tree
from qml.instructions import PartialTrace, Preparation
from qml.parameters import Parameter
from qml.plotting import draw_circuit

HALF_PIXEL = 0.5

trace = PartialTrace((2,))
fresh = Preparation((2,))

ZOO = Circuit(
    5,
    [
        gates.H(0),
        gates.CNOT(0, 2),
        gates.RX("theta", 1),
        gates.RXX("a", 3, 1),
        gates.Fredkin(4, 0, 1),
        channels.Depolarizing2("p", 0, 1),
        trace(2),
        gates.RZZ(0.12345, 1, 3),
        channels.ThermalRelaxation(50, 70, 0.03, 0, 4),
        fresh(2),
        gates.controlled(gates.RXX)("an_extremely_long_name", 2, 0, 3),
        gates.CZ(0, 4),
        PartialTrace((2, 2))(1, 3),
    ],
)


def lines(text):
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def test_zoo():
    expected = """
0: ─┤H├─●────────────────────────×──╢                ╟────────────────────┤                     ├─●───
        │                        │  ║Depolarizing2(p)║                    │                     │ │
1: ─────┼─┤RX(theta)├─┤1       ├─×──╢                ╟───┤          ├─────┼─────────────────────┼─┼─⊣
        │             │        │ │                       │          │     │RXX(an_extremely_lo…)│ │
2: ─────⊕─────────────┼────────┼─┼───────────⊣           │          │ |0⟩─┼──────────●──────────┼─┼───
                      │ RXX(a) │ │                       │RZZ(0.123)│     │                     │ │
3: ───────────────────┤0       ├─┼───────────────────────┤          ├─────┤                     ├─┼─⊣
                                 │                                                                │
4: ──────────────────────────────●─╢TR(50, 70, 0.03, 0)╟──────────────────────────────────────────●───
TR: ThermalRelaxation
"""
    assert lines(ZOO.draw()) == lines(expected)


def test_columns_are_aligned():
    """All wire lines of a panel are equally long, up to sites that have ended."""
    for circuit in (hardware_efficient(4, 2), mera_tree(4), brickwork(5, 3)):
        for panel in circuit.draw(100).split("\n\n\n"):
            wires = [line for line in panel.splitlines() if "─" in line and line[0].isdigit()]
            assert len(wires) == circuit.n_sites
            assert len(set(map(len, wires))) == 1


def test_wide_circuits_are_folded():
    circuit = hardware_efficient(3, 6)
    text = circuit.draw(80)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("0: ─") == text.count("2: ─") > 3
    assert text.count("RY(") == 21
    assert text.count("●") == text.count("⊕") == 12
    assert circuit.draw(10_000).count("0: ─") == 1
    with pytest.raises(InputError, match="width must be an integer of at least 20; found 3"):
        circuit.draw(3)


def test_empty_circuits_and_other_dimensions():
    assert lines(str(Circuit(2))) == ["0: ─", "", "1: ─"]
    assert lines(str(Circuit((2, 3)))) == ["      0: ─", "", "1 (d=3): ─"]


def test_long_parameters_are_cut():
    text = str(Circuit(1, [gates.RX(Parameter("alpha") * 0.1234567 - 2 * Parameter("beta"), 0)]))
    assert text == "0: ─┤RX(0.123457*alpha …)├─"
    u3 = str(Circuit(1, [gates.U3("a_long_theta", "a_long_phi", "a_long_lambda", 0)]))
    assert "┤U3(a_long_theta, …)├" in u3


def test_names_with_line_breaks_stay_on_one_line():
    two = gates.UnitaryGate(np.eye(2), name="two\nlines")
    assert str(Circuit(1, [gates.RX("a\r\nb", 0), two(0)])) == "0: ─┤RX(a b)├─┤two lines├─"


def test_absent_and_discarded_sites_have_no_wire():
    rows = lines(str(Circuit(2, [fresh(1), gates.CNOT(0, 1), trace(0), gates.H(1)])))
    assert rows[0] == "0: ─────●──⊣"
    assert rows[2] == "1:  |0⟩─⊕─┤H├─"


def boxes(ax):
    return [patch.get_window_extent() for patch in ax.patches if isinstance(patch, FancyBboxPatch)]


@pytest.mark.parametrize(
    ("circuit", "width"),
    [
        pytest.param(ZOO, 11.0, marks=pytest.mark.slow),
        (ZOO, 4.0),
        (hardware_efficient(3, 1, rotations=("U3", "RY"), entangler="CRX", topology="ring"), 6.0),
        (mera_tree(2), 6.0),
        pytest.param(mera_tree(3), 11.0, marks=pytest.mark.slow),
        (
            hardware_efficient(2, 1).with_noise(NoiseModel().add(channels.Depolarizing, "p").with_readout(0.02, 0.05)),
            7.0,
        ),
    ],
)
def test_nothing_overlaps_or_sticks_out(circuit, width):
    ax = draw_circuit(circuit, width=width)
    ax.figure.draw_without_rendering()
    frame, drawn = ax.figure.bbox, boxes(ax)
    assert len(drawn) == sum(
        len(o.sites) > 0 and o.name not in ("CNOT", "CZ", "Fredkin", "trace_out", "initialize") for o in circuit
    )
    for one, other in itertools.combinations(drawn, 2):
        assert not one.overlaps(other)
    for text in ax.texts:
        extent = text.get_window_extent()
        assert frame.x0 <= extent.x0
        assert extent.x1 <= frame.x1
        assert frame.y0 <= extent.y0
        assert extent.y1 <= frame.y1
        center = (extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2
        for box in drawn:
            if box.contains(*center):
                assert box.x0 <= extent.x0
                assert extent.x1 <= box.x1
                assert box.y0 - HALF_PIXEL <= extent.y0  # with the room for descenders that the line has none of
                assert extent.y1 <= box.y1 + HALF_PIXEL
    plt.close(ax.figure)


@pytest.mark.slow
def test_figures_fold_and_scale():
    circuit = hardware_efficient(3, 6)
    wide, narrow = draw_circuit(circuit, width=30.0), draw_circuit(circuit, width=5.0)
    assert wide.figure.get_figwidth() > 9
    assert narrow.figure.get_figwidth() <= 5.3
    assert narrow.figure.get_figheight() > 3 * wide.figure.get_figheight()
    _, ax = plt.subplots(figsize=(2, 2))
    assert draw_circuit(circuit, ax) is ax
    assert max(text.get_fontsize() for text in ax.texts) < 6
    plt.close("all")
    with pytest.raises(InputError, match=r"width must be a finite number from 2 to 1000; found 0\.5"):
        draw_circuit(circuit, width=0.5)


def test_labels_are_tex():
    printable = "".join(map(chr, range(32, 127)))
    own = gates.UnitaryGate(np.eye(2), name="my_gate 1")
    circuit = Circuit(
        1,
        [
            gates.Sdg(0),
            gates.SX(0),
            own(0),
            gates.RX(2 * Parameter("theta") - 0.5, 0),
            gates.RZ("a.t[0,ZZI]", 0),
            gates.RY("theta0[1,2]", 0),
            gates.RX("θ", 0),
            gates.P(0.123456, 0),
            gates.P(-3.5e-8, 0),
            *(gates.P(printable[i : i + 12], 0) for i in range(1, 95, 12)),
        ],
    )
    ax = draw_circuit(circuit)
    ax.figure.draw_without_rendering()  # parses every label
    texts = [text.get_text() for text in ax.texts]
    assert r"$S^\dagger$" in texts
    assert r"$\sqrt{X}$" in texts
    assert r"$\mathrm{my\_gate\ 1}$" in texts
    assert "θ" in texts
    assert r"$2\,\theta - 0.5$" in texts
    assert r"${a.\!t}_{0,ZZI}$" in texts
    assert r"${\theta}_{0;1,2}$" in texts
    assert "$0.123$" in texts
    assert r"$-3.5{\times}10^{-8}$" in texts
    plt.close(ax.figure)


def test_the_footer_explains_initials_once():
    noisy = Circuit(2, [channels.AmplitudeDamping(0.1, 0), channels.AmplitudeDamping(0.2, 1), channels.BitFlip(0.1, 0)])
    assert str(noisy).splitlines()[-1] == "AD: AmplitudeDamping, BF: BitFlip"
    assert "AD:" not in str(Circuit(1, [channels.Depolarizing(0.1, 0)]))
    alike = Circuit(2, [channels.PauliError(0.1, 0), channels.PauliError2(0.1, 0, 1)])
    assert str(alike).splitlines()[-1] == "PE: PauliError, PE2: PauliError2"


def test_a_circuit_can_be_drawn_without_its_noise():
    noise = NoiseModel().add(channels.Depolarizing, "p", gates="CNOT")
    ideal = Circuit(3, [gates.H(0), gates.CNOT(0, 1), trace(2), fresh(2)])
    assert ideal.with_noise(noise).without_noise() == ideal
    assert len(ideal.with_noise(noise)) == 6
    drawn = [text.get_text() for text in draw_circuit(ideal.with_noise(noise).without_noise()).texts]
    assert not any("Depolarizing" in text for text in drawn)
    plt.close("all")


@pytest.mark.parametrize(("width", "rows"), [(12.0, [9]), (3.4, [4, 5]), (2.3, [3, 3, 3])])
def test_the_rows_of_a_folded_circuit_are_even(width, rows):
    """Filled one after the other, the last row would hold what was left: 2 of 9, and 1."""
    axes = draw_circuit(Circuit(1, [gates.RX("a", 0)] * 9), width=width)
    heights = [round(patch.get_y(), 3) for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    assert sorted(heights.count(height) for height in set(heights)) == rows
    plt.close("all")
