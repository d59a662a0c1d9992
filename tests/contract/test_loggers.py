"""Loggers refuse hostile arguments in a sentence, and before they make anything."""

import attack
import pytest

from qml import _checks, loggers

MLFLOW = pytest.param("MLflow", marks=[pytest.mark.slow, pytest.mark.filterwarnings("default")])


@pytest.mark.parametrize("name", ["TensorBoard", MLFLOW])
def test_hostile_arguments_are_refused_in_a_sentence(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # a word is the name of a log
    owner = getattr(loggers, name)
    place = "folder" if name == "TensorBoard" else "file"

    def opened(place, settings, every, resume, **names):
        with owner(tmp_path / "log" if place is None else place, settings=settings, every=every,
                   resume=resume, **names):  # fmt: skip
            pass

    examples = {"place": None, "settings": {"rate": 0.1}, "every": 1, "resume": True}
    found = []
    for key in examples:
        for what, make in (attack.SHARP | attack.HOSTILE).items():
            try:
                opened(**{**examples, key: make()})
            except _checks.InputError:
                continue
            except Exception as error:
                found.append(f"{place if key == 'place' else key} = {what}: {type(error).__name__}: {error}")
    assert found == []


def test_nothing_is_made_for_what_is_refused(tmp_path):
    for wrong in ({"every": 0}, {"resume": "yes"}, {"settings": {1: 2}}, {"settings": {"rate": None}}):
        with pytest.raises(_checks.InputError):
            loggers.TensorBoard(tmp_path / "log", **wrong)
    assert not (tmp_path / "log").exists()
