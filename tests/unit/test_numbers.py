"""Numbers as arguments: what counts as an integer, a zero without a sign, and what float64 does not hold."""

import numpy as np
import pytest

from qml import GibbsModel, PauliMeasurement, ghz, thermal
from qml._checks import InputError
from qml.geometry import metric
from qml.processes import Experiments


def test_a_duration_is_no_integer():
    for duration in (np.timedelta64(3, "s"), np.timedelta64(3), np.timedelta64(3, "ns")):
        with pytest.raises(InputError, match="n must be an integer of at least 1"):
            ghz(duration)


def test_a_zero_has_no_sign():
    """Neither in random starts, nor in the names of times."""
    model = GibbsModel(["X"])
    assert model.init_params(np.random.default_rng(0), scale=-0.0).tolist() == [0.0]
    assert thermal("Z", -0.0).probabilities().tolist() == [0.5, 0.5]
    with pytest.raises(InputError, match="distinct"):
        Experiments([("Z+", -0.0, "Z"), ("Z+", 0.0, "Z")], 1, PauliMeasurement(["Z"]))


@pytest.mark.skipif(np.finfo(np.longdouble).max == np.finfo(np.float64).max, reason="long doubles are doubles here")
def test_numbers_beyond_float64_are_told_in_a_sentence():
    with pytest.raises(InputError, match="params must be finite; found inf"):
        GibbsModel(["X"]).state(np.array([np.longdouble(10) ** 400]))


def test_a_class_is_no_model():
    with pytest.raises(InputError, match="model must be a Model, such as GibbsModel; found <class"):
        metric(GibbsModel, [0.1])


def test_masked_entries_are_not_taken_for_numbers():
    model = GibbsModel(["X", "Z"])
    with pytest.raises(InputError, match="params must be an array of numbers; found one with masked entries"):
        model.state(np.ma.array([0.5, 0.5], mask=[True, False]))
    whole = np.ma.array([0.5, 0.25])
    assert np.array_equal(model.state(whole).matrix(), model.state([0.5, 0.25]).matrix())
