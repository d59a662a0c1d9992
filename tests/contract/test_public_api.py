"""Every public callable refuses hostile arguments in one sentence: no other exception, no NaN, nothing that hangs."""

from __future__ import annotations

import attack
import matplotlib
import pytest
from matplotlib import pyplot

from qml import _checks

PUBLIC = attack.public()
METHODS = attack.methods()
SLOW = (
    "fit",
    "losses.measured_report",
    "DensityMatrix.from_qobj",
    "plotting.draw_circuit",
    "plotting.plot_history",
    "plotting.plot_measured",
    "principle.check_all",
    "tomography.bootstrap",
    "tomography.ProfileLikelihood.interval",
    "tomography.TomographyResult.interval",
)
"""More than half a second of processor time each."""


def marked(names):
    return [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in names]


@pytest.mark.parametrize("name", marked(PUBLIC))
def test_hostile_arguments_are_refused_in_a_sentence(name, monkeypatch):
    monkeypatch.setattr(_checks, "available_memory", lambda: attack.MEMORY)
    with matplotlib.rc_context({"figure.max_open_warning": 0}):
        assert attack.attack(name, PUBLIC[name]) == []
    pyplot.close("all")


@pytest.mark.parametrize("name", marked(METHODS))
def test_hostile_arguments_of_methods_are_refused_in_a_sentence(name, monkeypatch, tmp_path):
    monkeypatch.setattr(_checks, "available_memory", lambda: attack.MEMORY)
    monkeypatch.chdir(tmp_path)  # a word is the name of a file that can be written
    make, method = METHODS[name]
    assert attack.attack(name, getattr(make(), method)) == []


def test_the_attack_finds_what_it_looks_for():
    def raises(n: int) -> float:
        return 1.0 / int(n)

    def not_a_number(n: object) -> float:
        return float("nan") if n is None else 0.0

    def hangs(n: object) -> None:
        while n is None:
            pass

    attack.EXAMPLES["n"], valid = (lambda: 2), attack.EXAMPLES["n"]
    try:
        assert any("ZeroDivisionError" in line for line in attack.attack("raises", raises))
        assert [line for line in attack.attack("not_a_number", not_a_number) if "NaN in" in line]
        assert attack.attack("hangs", hangs, seconds=0.05) == ["n = None: more than 0.05 s"]
    finally:
        attack.EXAMPLES["n"] = valid


def test_nothing_public_is_missed():
    assert len(PUBLIC) > 150
    assert set(SLOW) <= {*PUBLIC, *METHODS}
    assert len(METHODS) > 80
    assert {"DensityMatrix.partial_trace", "GibbsModel.state", "Circuit.bind", "Counts.merge"} <= set(METHODS)
    assert {
        "cross_entropy",
        "gates.CNOT",
        "DensityMatrix.from_vector",
        "circuits.hardware_efficient",
        "encodings.kernel",
    } <= set(PUBLIC)
