"""Targets, models and methods of the studies in test_methods.py and its neighbors, and what runs them."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner, Result

import qml
from qml.studies.cli import main
from qml.studies.spec import build

RHO = {"kind": "thermal", "hamiltonian": {"kind": "tfim", "n": 2, "h": 0.5}, "beta": 0.8}
BELL = {"kind": "ghz", "n": 2}
COUNTS = {"kind": "counts", "of": BELL, "measurement": {"kind": "pauli"}, "shots": 200}
NOISY = {"kind": "process", "ansatz": {"kind": "qasm", "text": "qubit[1] q; t q[0];"}}
GATE = {"kind": "counts", "of": NOISY, "measurement": {"kind": "pauli"}, "shots": 300}
SMALL = {"kind": "gibbs", "generators": {"kind": "terms_of", "hamiltonian": {"kind": "tfim", "n": 2}}}
LARGE = {"kind": "gibbs", "generators": {"kind": "up_to_weight", "n": 2}}
HIDDEN = {"kind": "semi_quantum", "n_visible": 2, "n_hidden": 1}
LIKELIHOOD = {"kind": "maximum_likelihood"}
PURITY = {"kind": "bootstrap", "of": ["purity"], "replicates": 5}


def study(target: dict[str, Any], *fits: dict[str, Any], **rest: Any) -> qml.Study:
    return qml.Study(target, [{"name": f"fit {k}", **fit} for k, fit in enumerate(fits)], seed=7, **rest)


def planned(target: dict[str, Any], *fits: dict[str, Any], **rest: Any) -> build.Plan:
    made = study(target, *fits, **rest)
    return build.build(made._study, made._source)


def call(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == code, (result.output, result.exception)
    return result


def cut_off(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, at: int) -> None:
    """Ctrl-C at one of the calls of a function."""
    real, calls = getattr(place, name), []

    def cut(*arguments: Any, **keywords: Any) -> Any:
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt
        return real(*arguments, **keywords)

    monkeypatch.setattr(place, name, cut)
