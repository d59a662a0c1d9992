"""Public objects keep nothing of the caller's arrays, and hand out none that can be written to."""

from __future__ import annotations

import numpy as np
import pytest

from qml import (
    POVM,
    Counts,
    DensityMatrix,
    GibbsModel,
    GibbsState,
    Moments,
    PauliMeasurement,
    State,
    channels,
    gates,
)
from qml.engines import PauliState
from qml.fitting.result import History
from qml.losses import Labelled
from qml.measurement import ElementsMeasurement, ProjectiveMeasurement, ReadoutMeasurement
from qml.states import SpectralState
from qml.tomography import maximum_likelihood

EFFECTS = np.array([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]], dtype=np.complex128)
MAKERS = {
    "DensityMatrix": (DensityMatrix, np.eye(2, dtype=np.complex128) / 2),
    "from_probabilities": (DensityMatrix.from_probabilities, np.array([0.25, 0.75])),
    "from_factor": (DensityMatrix.from_factor, np.array([[0.6], [0.8]], dtype=np.complex128)),
    "from_vector": (DensityMatrix.from_vector, np.array([0.6, 0.8], dtype=np.complex128)),
    "GibbsState": (GibbsState, np.diag([1.0, 2.0]).astype(np.complex128)),
    "GibbsState, diagonal": (GibbsState, np.array([1.0, 2.0])),
    "SpectralState": (lambda v: SpectralState(np.log([0.25, 0.75]), v), np.eye(2, dtype=np.complex128)),
    "SpectralState, values": (lambda p: SpectralState(p, np.eye(2)), np.log([0.25, 0.75])),
    "a smoothed factor": (lambda a: DensityMatrix.from_factor(a, smoothing=0.5), np.array([[0.6], [0.8 + 0j]])),
    "PauliState": (lambda r: PauliState(r, 1), np.array([1.0, 0.5, 0.0, 0.0])),
    "POVM": (POVM, EFFECTS),
    "ElementsMeasurement": (lambda e: ElementsMeasurement([e]), EFFECTS),
    "ProjectiveMeasurement": (ProjectiveMeasurement, np.eye(2, dtype=np.complex128)),
    "ReadoutMeasurement": (
        lambda a: ReadoutMeasurement(PauliMeasurement(["Z"]), a),
        np.array([[0.9, 0.2], [0.1, 0.8]]),
    ),
    "Counts": (lambda n: Counts(PauliMeasurement(["Z"]), n), np.array([60, 40])),
    "Counts.from_weights": (lambda n: Counts.from_weights(PauliMeasurement(["Z"]), n), np.array([0.6, 0.4])),
    "Moments": (lambda m: Moments(["X"], m), np.array([0.5])),
    "Labelled": (lambda x: Labelled(x, [np.eye(2) / 2]), np.array([[0.5]])),
    "GibbsModel": (lambda g: GibbsModel([g]), np.array([[0.0, 1.0], [1.0, 0.0]], dtype=np.complex128)),
    "History": (lambda a: History._of(loss=a, floor=a, gradient_norm=a, seconds=a, held_out=a), np.array([1.0, 0.5])),
    "UnitaryGate": (gates.UnitaryGate, np.eye(2, dtype=np.complex128)),
    "KrausChannel": (channels.KrausChannel, np.eye(2, dtype=np.complex128)[None]),
}


def arrays(value, depth=0):
    """Every array that an object holds in its attributes, and in those of what it holds."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from arrays(item, depth)
    elif depth < 3 and type(value).__module__.startswith("qml."):
        for item in vars(value).values():
            yield from arrays(item, depth + 1)


def read_out(value):
    """What the public attributes and methods without arguments hand out."""
    for name in dir(type(value)):
        if name.startswith("_"):
            continue
        held = getattr(type(value), name)
        if isinstance(held, property) or type(held).__name__ == "cached_property":
            yield name, getattr(value, name)
        elif isinstance(value, State) and name in ("matrix", "probabilities", "spectrum", "hamiltonian"):
            found = held(value)
            yield name, found
            if name == "spectrum":
                yield "spectrum.log_eigenvalues", found.log_eigenvalues
                yield "spectrum.basis", found.basis
    yield from ((name, held) for name, held in vars(value).items() if not name.startswith("_"))


@pytest.mark.parametrize("name", MAKERS)
def test_the_callers_array_is_not_kept(name):
    make, buffer = MAKERS[name]
    buffer = buffer.copy()
    made = make(buffer)
    assert not [a for a in arrays(made) if np.shares_memory(a, buffer)]
    assert buffer.flags.writeable


@pytest.mark.parametrize("name", MAKERS)
def test_arrays_that_are_kept_are_handed_out_read_only(name):
    make, buffer = MAKERS[name]
    made = make(buffer.copy())
    out = {what: a for what, a in read_out(made) if isinstance(a, np.ndarray)}
    kept = list(arrays(made))
    loose = [what for what, a in out.items() if a.flags.writeable and any(np.shares_memory(a, b) for b in kept)]
    assert not loose


def test_the_deviances_of_a_tomography_are_read_only():
    found = maximum_likelihood(Counts(PauliMeasurement(["X", "Y", "Z"]), [50, 50, 60, 40, 70, 30]))
    assert not found.setting_deviances.flags.writeable
