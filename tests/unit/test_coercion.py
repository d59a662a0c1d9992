"""Arrays, lists and Qobj stand for states, strings and mappings for Pauli sums, names for parameters, everywhere."""

import numpy as np
import pytest
import qutip
from helpers.cases import every

from qml import (
    Circuit,
    CircuitModel,
    GibbsModel,
    LargeGibbsModel,
    MixtureModel,
    Moments,
    PauliMeasurement,
    PauliSum,
    check_gradient,
    cross_entropy,
    encodings,
    fit,
    fit_factors,
    gates,
    losses,
    models,
    pauli,
    sample,
    states,
    thermal,
)
from qml._checks import InputError
from qml.circuits import hamiltonian_variational, trotter
from qml.engines.reference import ReferenceEngine
from qml.fitting import shot_variance
from qml.operators import as_matrix, dims_of
from qml.states import DensityMatrix, maximally_mixed, tensor

RHO = np.array([[0.6, 0.2j], [-0.2j, 0.4]])
MEASURES = [
    losses.cross_entropy,
    losses.relative_entropy,
    losses.fidelity,
    losses.trace_distance,
    losses.hilbert_schmidt_distance,
    losses.weight_outside_support,
    losses.measured_relative_entropy,
    shot_variance,
]


def test_an_array_of_qutip_is_told_what_to_pass():
    with pytest.raises(InputError, match=r"found Qobj of dtype object: pass x\.full\(\)"):
        DensityMatrix(qutip.Qobj(RHO))


@every("measure", MEASURES)
@every("given", [RHO, RHO.tolist(), qutip.Qobj(RHO), DensityMatrix(RHO)], ids=["array", "list", "qobj", "state"])
def test_measures_take_what_stands_for_a_state(measure, given):
    sigma = np.diag([0.7, 0.3])
    wanted = measure(DensityMatrix(RHO), DensityMatrix(sigma))
    assert measure(given, sigma) == wanted
    assert measure(given, DensityMatrix(sigma)) == wanted
    assert measure(DensityMatrix(RHO), qutip.Qobj(sigma)) == wanted


def test_an_array_takes_the_dims_of_the_state_beside_it():
    four = np.diag([0.4, 0.3, 0.2, 0.1])
    wanted = float(cross_entropy(DensityMatrix(four, (4,)), DensityMatrix(np.eye(4) / 4, (4,))))
    for other in (maximally_mixed((2, 2)), maximally_mixed((4,))):
        for given in (four, qutip.Qobj(four)):
            assert float(cross_entropy(given, other)) == wanted
            assert np.isfinite(float(cross_entropy(other, given)))
    with pytest.raises(InputError, match="equal dims"):
        cross_entropy(DensityMatrix(four, (4,)), maximally_mixed((2, 2)))
    with pytest.raises(InputError, match="rho must be"):
        cross_entropy("spam", maximally_mixed((2, 2)))


def test_functions_of_states_take_arrays():
    assert losses.purity([0.6, 0.8]) == pytest.approx(1.0)
    assert losses.von_neumann_entropy(RHO) == DensityMatrix(RHO).entropy()
    assert np.array_equal(
        states.partial_trace(np.kron(RHO, RHO), [1]).matrix(), states.partial_trace(tensor(RHO, RHO), [1]).matrix()
    )
    assert states.purify(RHO).dims == (2, 2)
    assert PauliMeasurement(["Z"]).probabilities(RHO) == pytest.approx([0.6, 0.4])
    rng = np.random.default_rng(0)
    assert sample(RHO, PauliMeasurement(["Z"]), 10, rng).total == 10
    assert encodings.kernel(np.array([RHO, RHO])).shape == (2, 2)
    assert MixtureModel([RHO, np.eye(2) / 2]).state([0.0]).dims == (2,)
    model = CircuitModel(Circuit(1, [gates.RX("a", 0)]), engine=ReferenceEngine(), initial=RHO)
    assert model.state({"a": 0.0}).matrix() == pytest.approx(RHO)
    assert Moments.of(RHO, ["Z", "Y"]).values == pytest.approx([0.2, -0.4])


def test_strings_and_mappings_stand_for_pauli_sums():
    assert GibbsModel(["XX", "ZI"]).parameter_names == ("XX", "ZI")
    assert GibbsModel({"XX": 0.5, "ZI": 1.0}).parameter_names == ("XX", "ZI")
    assert GibbsModel("XX").parameter_names == LargeGibbsModel("XX").parameter_names == ("XX",)
    assert GibbsModel({"field": {"ZI": 1.0, "IZ": 1.0}, "bond": "ZZ"}).parameter_names == ("field", "bond")
    assert models.EvolvedGibbsModel(["Z"], Circuit(1, [gates.RY("a", 0)]), ReferenceEngine()).parameter_names == (
        "Z",
        "a",
    )
    assert models.HiddenGibbsModel(["XI", "ZZ", "IX"]).dims == (2,)
    hamiltonian = PauliSum.from_terms({"ZZ": 1.0, "XI": 0.5})
    plain = thermal({"ZZ": 1.0, "XI": 0.5}, 1)
    assert np.array_equal(plain.matrix(), thermal(hamiltonian, 1.0).matrix())
    assert np.array_equal(as_matrix("XZ", (2, 2)), pauli("XZ").matrix())
    assert dims_of({"XZ": 1.0}) == (2, 2)
    assert maximally_mixed((2, 2)).expect("ZZ") == pytest.approx(0.0)
    assert trotter({"ZZ": 1.0, "XI": 0.5}, "t", 2) == trotter(hamiltonian, "t", 2)
    assert hamiltonian_variational("ZZ", 1).parameters == ("t[0,ZZ]",)
    with pytest.raises(InputError, match="letters I, X, Y, Z"):
        GibbsModel(["spam"])


def test_parameters_go_by_name():
    circuit = Circuit(1, [gates.RX("a", 0), gates.RZ("b", 0)])
    model = CircuitModel(circuit, engine=ReferenceEngine())
    named = {"b": 0.2, "a": 0.1}
    assert np.array_equal(model.state(named).matrix(), model.state([0.1, 0.2]).matrix())
    assert np.array_equal(ReferenceEngine().evolve(circuit, named).matrix(), model.state([0.1, 0.2]).matrix())
    assert CircuitModel(Circuit(1), engine=ReferenceEngine()).state().dims == (2,)
    for wrong in ({"a": 0.1}, {"a": 0.1, "b": 0.2, "c": 0.3}, {"a": 0.1, "b": None}):
        with pytest.raises(InputError):
            model.state(wrong)
        with pytest.raises(InputError):
            ReferenceEngine().evolve(circuit, wrong)
    with pytest.raises(InputError, match=r"shape \(2,\)"):
        model.state()
    start = fit(GibbsModel("Z"), RHO, params0={"Z": 0.3}, max_iterations=0)
    assert start.params.tolist() == [0.3]
    assert check_gradient(GibbsModel(["X", "Z"]), RHO, loss="infidelity", params={"X": 0.3, "Z": 0.2}).ok
    product = models.ProductModel([GibbsModel("Z"), GibbsModel("X")])
    named = fit_factors(product, maximally_mixed((2, 2)), params0={"0.Z": 0.1, "1.X": 0.2}, max_iterations=0)
    assert named.params.tolist() == [0.1, 0.2]


def test_readout_rates_go_by_name_beside_the_parameters_of_the_model():
    counts = sample(RHO, PauliMeasurement(["Z"]), 100, np.random.default_rng(0))
    loss = losses.NegativeLogLikelihood(losses.TrainableReadout(1))
    rates = dict.fromkeys(loss.parameter_names, 0.25)
    start = fit(GibbsModel("Z"), counts, loss=loss, params0={"Z": 0.3} | rates, max_iterations=0)
    assert start.params == pytest.approx([0.3, 0.0, 0.0])


def test_programs_and_circuits_stand_for_each_other():
    circuit = Circuit(1, [gates.RX("a", 0)])
    engine = ReferenceEngine()
    assert np.array_equal(engine.evolve(circuit, [0.3]).matrix(), engine.evolve(circuit.compile(), [0.3]).matrix())
    values, _ = engine.expect_vectors_vjp(circuit, [0.0], "Z")
    assert values == pytest.approx([1.0, -1.0])
    with pytest.raises(InputError, match="circuit must be a Circuit"):
        engine.evolve("spam", [0.3])


def test_numbers_of_numpy_are_shown_as_numbers():
    with pytest.raises(InputError, match=r"n must be an integer of at least 1; found 0\."):
        GibbsModel.all_paulis(np.int64(0))
    with pytest.raises(InputError, match=r"theta must be a real number that float64 holds; found 1j\."):
        gates.RX(np.complex128(1j), 0)
