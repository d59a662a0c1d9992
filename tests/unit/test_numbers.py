"""Numbers as arguments: what counts as an integer, a zero without a sign, and what float64 does not hold."""

import math

import numpy as np
import pytest

from qml import Circuit, GibbsModel, Moments, Parameter, PauliMeasurement, gates, ghz, pauli, thermal
from qml._checks import InputError, MemoryRefused, OutsideDomain
from qml.engines import KrylovEngine, PauliEngine, ReferenceEngine
from qml.geometry import metric
from qml.losses import MeanCrossEntropy
from qml.operators import partial_trace_matrix, tensor_matrices, tfim
from qml.parameters import Affine, as_affine
from qml.processes import Experiments
from qml.states import ProductState, SpectralState, nearest_density_matrix, tensor


def test_a_duration_is_no_integer():
    for duration in (np.timedelta64(3, "s"), np.timedelta64(3, "ns")):
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


def test_masked_shots_and_logarithms_are_refused():
    with pytest.raises(InputError, match="array of bits 0 and 1"):
        Moments.from_shots(["X"], {"X": np.ma.masked_array([[0], [1]], [[False], [True]])})
    with pytest.raises(InputError, match="log_probabilities must be an array of real numbers"):
        SpectralState(np.ma.masked_array([0.0, -1000.0], [False, True]), np.eye(2))


def test_one_masked_number_is_no_number():
    with pytest.raises(InputError, match="J must be a real number that float64 holds; found masked"):
        tfim(2, J=np.ma.masked)


@pytest.mark.parametrize(
    "too_large",
    [
        lambda: pauli("X", 1e308) * 10,
        lambda: pauli("X", 1e308) + pauli("X", 1e308),
        lambda: pauli("X", 1e308) + pauli("Z", 1e308),
        lambda: pauli("X", 1.7e308 + 1.7e308j),
        lambda: ghz(1).expect([[1e308, 1e308], [1e308, 1e308]]),
        lambda: ghz(1).expect([[0.0, 1.7e308 + 1.7e308j], [0.0, 0.0]]),
        lambda: MeanCrossEntropy([1e308, 1e308]),
        lambda: pauli("X", 1e200) @ pauli("X", 1e200),
        lambda: pauli("X") / 5e-324,
        lambda: Parameter("a") * 1e308 * 10,
        lambda: Parameter("a") + 1e308 + 1e308,
        lambda: (Parameter("a") * 1e308).substitute({"a": 1e10}),
        lambda: (Parameter("a") * 1e308).value({"a": 1e10}),
        lambda: tensor_matrices(np.full((2, 2), 1e200), np.full((2, 2), 1e200)),
        lambda: partial_trace_matrix(np.full((4, 4), 1e308), [0], (2, 2)),
        lambda: KrylovEngine(2).thermal(tfim(2) * 1e308),
    ],
)
def test_what_grows_beyond_float64_is_told_in_a_sentence(too_large):
    with pytest.raises(InputError, match=r"finite|float64|up to"):
        too_large()


@pytest.mark.parametrize("engine", [ReferenceEngine(), PauliEngine()])
def test_a_step_to_angles_beyond_float64_is_outside_the_domain(engine):
    circuit = Circuit(1, [gates.RX(Parameter("a") * 1e308, 0)])
    with pytest.raises(OutsideDomain, match="a number that float64 does not hold"):
        engine.evolve(circuit, [10.0])
    u = gates.U3.matrix(np.array([0.3, 1.7e308, 1.7e308]))  # whose sum is infinite
    assert np.abs(u @ u.conj().T - np.eye(2)).max() < 1e-15


def test_an_expression_that_is_none_is_told_in_a_sentence():
    for terms, constant in (("a", 1.0), (("a",), 1.0), ((("a", "x"),), 1.0), ((), "x"), ((("a", math.nan),), 0.0)):
        with pytest.raises(InputError, match=r"pairs of a name and a number|each number of an expression must be"):
            Affine(terms, constant)


def test_dividing_an_expression_divides_its_numbers():
    for k in range(1, 200):
        assert (k * Parameter("a") + k) / k == Parameter("a") + 1.0
    assert as_affine(5e-324) / 5e-324 == as_affine(1.0)


def test_the_nearest_state_of_a_matrix_of_any_size():
    for size in (1e-300, 1e17, 1e300):
        assert nearest_density_matrix(size * np.eye(4)).matrix().tolist() == (np.eye(4) / 4).tolist()
    assert nearest_density_matrix(np.diag([1e300, 1.0])).matrix().tolist() == [[1.0, 0.0], [0.0, 0.0]]
    wide = nearest_density_matrix(np.diag([1e16, 1e16 - 1.0, -1e300])).probabilities()
    assert wide == pytest.approx([0.5 + 0.5 * (1e16 - (1e16 - 1.0)), 0.5 - 0.5 * (1e16 - (1e16 - 1.0)), 0.0])


def test_products_of_more_levels_than_memory_holds_are_refused_at_once():
    one = np.diag([0.25, 0.75])
    many = ProductState([one] * 70)
    assert many.entropy() == pytest.approx(70 * ProductState([one]).entropy())
    for ask in (many.probabilities, many.eigenvalues, many.spectrum, many.rank, lambda: tensor(*[ghz(1)] * 70)):
        with pytest.raises(MemoryRefused, match=r"of dimension 2\^70 needs"):
            ask()
    with pytest.raises(MemoryRefused, match=r"of dimension 2\^70 needs"):
        tensor(*[ProductState([one]).partial_trace([0])] * 70)


@pytest.mark.parametrize("unit", [1e-200, 1.0, 1e200])
def test_whether_operators_commute_does_not_depend_on_their_unit(unit):
    assert (unit * pauli("XX")).commutes_with(unit * pauli("ZZ"))
    assert not (unit * pauli("XX")).commutes_with(unit * pauli("ZI"))
