"""Estimators refuse hostile parameters and data as scikit-learn's conventions want: a ValueError or a TypeError."""

from __future__ import annotations

import inspect
import warnings

import attack
import pytest
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

from qml import _checks, estimators

SHORT = {"max_iter": 5, "random_state": 0, "layers": 1, "restarts": 1}
"""Parameters that keep a valid fit short."""
DATA = {"X": [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]], "y": [0, 1, 1, 0]}


def fitting(name):
    """The fit of an estimator as one call, of its parameters and the data."""
    owner = getattr(estimators, name)
    known = inspect.signature(owner).parameters

    def call(X, y, **params):
        short = {key: value for key, value in SHORT.items() if key in known}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", DataConversionWarning)
            owner(**{**short, **params}).fit(X, y)

    keyword = inspect.Parameter.KEYWORD_ONLY
    data = [inspect.Parameter(key, keyword, default=value) for key, value in DATA.items()]
    call.__signature__ = inspect.Signature([*data, *(p.replace(kind=keyword) for p in known.values())])
    return call


SLOW = {"QuantumCircuitClassifier": [pytest.mark.slow]}


@pytest.mark.parametrize("name", [pytest.param(name, marks=SLOW.get(name, [])) for name in estimators.__all__])
def test_sharp_parameters_and_data_are_refused(name, monkeypatch):
    assert found(name, attack.SHARP, monkeypatch) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", estimators.__all__)
def test_hostile_parameters_and_data_are_refused(name, monkeypatch):
    assert found(name, attack.HOSTILE, monkeypatch) == []


def found(name, hostile, monkeypatch):
    """One line a hostile argument of an estimator or its fit that raises something else than scikit-learn would."""
    monkeypatch.setattr(_checks, "available_memory", lambda: attack.MEMORY)
    call = fitting(name)
    lines = []
    for parameter in inspect.signature(call).parameters:
        for what, make in hostile.items():
            try:
                with attack.budget(attack.SECONDS):
                    call(**{**DATA, parameter: make()})
            except (ValueError, TypeError, _checks.MemoryRefused):
                continue
            except OverflowError:
                if parameter != "X":  # scikit-learn's own, for integers that float64 does not hold
                    lines.append(f"{parameter} = {what}: OverflowError")
            except attack.Hang:
                lines.append(f"{parameter} = {what}: more than {attack.SECONDS} s")
            except Exception as error:
                lines.append(f"{parameter} = {what}: {type(error).__name__}: {str(error)[:100]}")
    return lines
