"""An int is a number of qubits wherever dims are asked for; any other register is a tuple."""

import numpy as np
import pytest
from helpers.cases import every

from qml import channels, circuits, gates, measurement, models, operators, states
from qml._checks import InputError, MemoryRefused

RNG = np.random.default_rng(0)

BY_DIMS = {
    "ginibre": lambda dims: states.ginibre(dims, RNG),
    "haar_pure": lambda dims: states.haar_pure(dims, RNG),
    "bures": lambda dims: states.bures(dims, RNG),
    "maximally_mixed": states.maximally_mixed,
    "CholeskyModel": models.CholeskyModel,
    "computational_basis": measurement.computational_basis,
    "haar_bases": lambda dims: measurement.haar_bases(dims, 2, RNG),
    "ProductEnergies": models.ProductEnergies,
    "TableEnergies": models.TableEnergies,
    "IsingEnergies": models.IsingEnergies,
    "Circuit": circuits.Circuit,
}
BY_ARRAY = {
    "DensityMatrix": lambda dims: states.DensityMatrix(np.eye(4) / 4, dims),
    "from_vector": lambda dims: states.DensityMatrix.from_vector([1, 0, 0, 0], dims),
    "from_factor": lambda dims: states.DensityMatrix.from_factor(np.eye(4) / 2, dims),
    "from_probabilities": lambda dims: states.DensityMatrix.from_probabilities(np.full(4, 0.25), dims),
    "nearest": lambda dims: states.nearest_density_matrix(np.eye(4), dims),
    "GibbsState": lambda dims: states.GibbsState(np.zeros((4, 4)), dims),
    "SpectralState": lambda dims: states.SpectralState(np.log(np.full(4, 0.25)), np.eye(4), dims),
    "a smoothed factor": lambda dims: states.DensityMatrix.from_factor(np.eye(4)[:, :1], dims, smoothing=0.5),
    "thermal": lambda dims: states.thermal(np.diag([0.0, 1, 2, 3]), 1.0, dims),
    "as_state": lambda dims: states.as_state(np.eye(4) / 4, dims),
    "GibbsModel": lambda dims: models.GibbsModel([np.diag([0.0, 1, 2, 3])], dims),
    "POVM": lambda dims: measurement.POVM([np.eye(4)], dims),
    "ProjectiveMeasurement": lambda dims: measurement.ProjectiveMeasurement(np.eye(4), dims),
}


@every("name", BY_DIMS)
def test_an_int_is_a_number_of_qubits(name):
    for n in (1, 2, np.int64(3)):
        assert BY_DIMS[name](n).dims == (2,) * n == BY_DIMS[name]((2,) * n).dims


@every("name", BY_ARRAY)
def test_an_int_that_does_not_fit_the_array_names_both_meanings(name):
    assert BY_ARRAY[name](2).dims == BY_ARRAY[name](None).dims == (2, 2)
    assert BY_ARRAY[name]((4,)).dims == (4,)
    with pytest.raises(InputError) as caught:
        BY_ARRAY[name](4)
    assert str(caught.value) == (
        "dims = 4 means 4 qubits, dimension 16, but the array has dimension 4: pass dims=(4,) for one site of "
        "dimension 4, or leave dims out."
    )


def test_operators_and_instructions_take_a_number_of_qubits():
    assert operators.as_matrix(operators.pauli("XY"), 2).shape == operators.as_matrix(np.eye(4), 2).shape == (4, 4)
    assert operators.embed(np.eye(2), [0], 3).shape == (8, 8)
    assert operators.partial_trace_matrix(np.eye(4), [0], 2).shape == (2, 2)
    for refused in (
        lambda: operators.as_matrix(np.eye(4), 4),
        lambda: operators.as_matrix(operators.pauli("XY"), 4),
        lambda: operators.partial_trace_matrix(np.eye(4), [0], 4),
        lambda: gates.UnitaryGate(np.eye(4), 4),
        lambda: channels.KrausChannel([np.eye(4)], 4),
    ):
        with pytest.raises(InputError, match="4 means 4 qubits, dimension 16, but the array has dimension 4"):
            refused()


@every("name", BY_DIMS | BY_ARRAY)
def test_a_huge_number_of_qubits_is_refused_before_its_dims_are_written(name):
    for n in (10**9, 10**400):
        with pytest.raises(MemoryRefused, match="at most 4096 qubits"):
            (BY_DIMS | BY_ARRAY)[name](n)


@every("name", [n for n in BY_DIMS if n not in ("Circuit", "ProductEnergies", "IsingEnergies")])
def test_more_qubits_than_memory_holds_are_refused_before_allocating(name):
    for n in (60, 4096):
        with pytest.raises(MemoryRefused, match="GiB are free"):
            BY_DIMS[name](n)


def test_pure_states_need_the_memory_of_vectors(monkeypatch):
    monkeypatch.setattr("qml._checks.available_memory", lambda: 2**28)
    assert states.haar_pure(16, RNG).dim == 2**16  # a matrix of 64 GiB
    for many in (states.ghz, states.w_state, lambda n: states.basis_state("0" * n)):
        with pytest.raises(MemoryRefused, match="state vector"):
            many(30)


@every("dims", [1.5, "22", b"2", object(), (2, 0), (2.0,), (True,), True, 0, -1])
def test_what_is_no_dims_is_told(dims):
    with pytest.raises(InputError, match="dims"):
        states.maximally_mixed(dims)
