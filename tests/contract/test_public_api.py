"""Every public callable refuses hostile arguments in one sentence: no other exception, no NaN, nothing that hangs."""

from __future__ import annotations

import inspect

import attack
import matplotlib
import pytest
from attack import PACKAGES, PUBLIC
from matplotlib import pyplot

import qml
from qml import _checks

SLOW = (
    "Study.run",
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
"""More than a quarter of a second of processor time each."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("attack")


@pytest.fixture
def found(monkeypatch, folder):
    """What the attack on a callable finds, where little memory is free, in a folder of its own: a word is the name of
    a file that can be written."""

    def attacked(name, hostile):
        monkeypatch.setattr(_checks, "available_memory", lambda: attack.MEMORY)
        monkeypatch.chdir(folder)
        with matplotlib.rc_context({"figure.max_open_warning": 0}):
            lines = attack.attack(name, PUBLIC[name](), hostile)
        pyplot.close("all")
        return lines

    return attacked


@pytest.mark.parametrize("package", PACKAGES)
def test_sharp_arguments_are_refused_in_a_sentence(package, found):
    names = [name for name in PACKAGES[package] if name not in SLOW]
    assert [f"{name}: {line}" for name in names for line in found(name, attack.SHARP)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLIC)
def test_hostile_arguments_are_refused_in_a_sentence(name, found):
    assert found(name, attack.HOSTILE | attack.SHARP if name in SLOW else attack.HOSTILE) == []


def raises(n: int) -> float:
    return 1.0 / int(n)


def not_a_number(n: object) -> float:
    return float("nan") if n is None else 0.0


def hangs(n: object) -> None:
    while n is None:
        pass


def added_today(a_name_without_example: int) -> int:
    return a_name_without_example


def test_the_attack_finds_what_it_looks_for():
    assert any("ZeroDivisionError" in line for line in attack.attack("raises", raises, {"zero": lambda: 0}))
    assert [line for line in attack.attack("not_a_number", not_a_number) if "NaN in" in line]
    assert attack.attack("hangs", hangs, seconds=0.05) == ["n = None: more than 0.05 s"]


def test_what_is_added_is_attacked_and_fails_without_an_example(monkeypatch):
    monkeypatch.setattr(attack.qml.states, "__all__", [*attack.qml.states.__all__, "added_today"])
    monkeypatch.setattr(attack.qml.states, "added_today", added_today, raising=False)
    call = attack.public()["states.added_today"]()
    with pytest.raises(KeyError, match=r"EXAMPLES needs a valid 'a_name_without_example' for states\.added_today"):
        attack.attack("states.added_today", call)


def test_objects_show_what_they_are():
    """And not where they lie in memory."""
    shown = {
        name: repr(attack.example(name, owner))
        for name, owner in attack.everything().items()
        if isinstance(owner, type) and not inspect.isabstract(owner) and not issubclass(owner, BaseException)
        if not getattr(owner, "_is_protocol", False) and owner is not qml.instructions.Instruction
    }
    assert len(shown) > 100
    assert {name: text for name, text in shown.items() if " object at 0x" in text} == {}


def test_nothing_public_is_missed():
    assert set(SLOW) <= set(PUBLIC)
    assert len(PUBLIC) > 300
    assert {
        *("cross_entropy", "gates.CNOT", "circuits.hardware_efficient", "encodings.kernel", "fitting.grow"),
        *("DensityMatrix.from_vector", "PauliSum.from_terms", "ChainGibbsModel.load", "Moments.of"),
        *("DensityMatrix.partial_trace", "GibbsModel.state", "Circuit.bind", "Counts.merge", "NoiseModel.add"),
        *("engines.PauliEngine.evolve", "geometry.GibbsMetric.product", "classical.Network.train"),
    } <= set(PUBLIC)
