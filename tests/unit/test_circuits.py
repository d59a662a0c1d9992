"""Circuits: what they refuse, how they compose, and what they compile to."""

import math
import pickle

import numpy as np
import pytest
from helpers.cases import every

from qml import channels, gates
from qml._checks import InputError
from qml.circuits import Circuit, hardware_efficient
from qml.engines.reference import ReferenceEngine
from qml.instructions import Initialize, Operation, PartialTrace, Preparation, TraceOut
from qml.parameters import REAL_LINE, Interval, Parameter

a, b = Parameter("a"), Parameter("b")
trace = PartialTrace((2,))
fresh = Preparation((2,))


def unitary(circuit, params=()):
    return ReferenceEngine().evolve_vectors(circuit.compile(), np.asarray(params, dtype=float))


def density(circuit, params=()):
    return ReferenceEngine().evolve(circuit.compile(), np.asarray(params, dtype=float)).matrix()


# values


def test_equal_contents_make_equal_circuits():
    one = Circuit(2, [gates.H(0), gates.RX("a", 1)])
    other = Circuit((2, 2), (gates.H(0), gates.RX(Parameter("a"), 1)))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Circuit(3, one.operations)
    assert one != one.then(gates.H(0))
    assert len({one, other}) == 1


def test_frozen_and_pickled():
    circuit = Circuit(2, [gates.H(0), channels.Depolarizing("p", 1)])
    with pytest.raises(AttributeError):
        circuit.dims = (2,)
    circuit.compile()
    assert pickle.loads(pickle.dumps(circuit)) == circuit


def test_length_iteration_repr_counts():
    circuit = Circuit(2, [gates.H(0), gates.CNOT(0, 1), gates.H(1), gates.RX("a", 0)])
    assert len(circuit) == 4
    assert [operation.name for operation in circuit] == ["H", "CNOT", "H", "RX"]
    assert circuit.instruction_counts() == {"H": 2, "CNOT": 1, "RX": 1}
    assert repr(circuit) == "<Circuit: 2 qubits, 4 operations, 1 parameter>"
    assert repr(Circuit((2, 3))) == "<Circuit: dims (2, 3), 0 operations, 0 parameters>"
    assert circuit._repr_html_().startswith('<pre style="font-family: monospace')  # in others the wires break
    assert "┤H├" in circuit._repr_html_()


def test_depth_counts_layers_of_busy_sites():
    assert Circuit(3).depth == 0
    assert Circuit(3, [gates.H(0), gates.H(1), gates.H(2)]).depth == 1
    ladder = [gates.H(0), gates.CNOT(0, 1), gates.CNOT(1, 2), gates.X(0)]
    assert Circuit(3, ladder).depth == 3
    assert Circuit(4, [gates.CNOT(0, 3), gates.H(1), gates.CNOT(1, 2)]).depth == 2


def test_is_unitary():
    assert Circuit(2, [gates.H(0)]).is_unitary
    assert not Circuit(2, [gates.H(0), channels.BitFlip(0.1, 0)]).is_unitary
    assert not Circuit(2, [trace(0)]).is_unitary


# sites that come and go


def test_registers_with_ancillas():
    circuit = Circuit(4, [fresh(2), gates.CNOT(0, 2), trace(1), fresh(1), trace(3)])
    assert circuit.sites_in == (0, 1, 3)
    assert circuit.dims_in == (2, 2, 2)
    assert circuit.sites_out == (0, 1, 2)
    assert circuit.dims_out == (2, 2, 2)


def test_untouched_sites_belong_to_the_register():
    assert Circuit(3).sites_in == Circuit(3).sites_out == (0, 1, 2)


def test_positions_count_in_the_register_as_it_is_then():
    dims = (2, 3, 2, 5)
    circuit = Circuit(
        dims,
        [
            gates.CNOT(2, 0),  # register 0 1 2 3
            PartialTrace((3,))(1),
            gates.CNOT(2, 0),  # register 0 2 3
            PartialTrace((5, 2))(3, 0),
            gates.X(2),  # register 2
            Preparation((5, 2))(3, 0),
            gates.CNOT(0, 2),  # register 0 2 3
            Preparation((3,))(1),
            gates.CNOT(0, 2),
        ],
    )
    program = circuit.compile()
    assert [step.sites for step in program.steps] == [
        (2, 0),
        (1,),
        (1, 0),
        (2, 0),
        (0,),
        (2, 0),
        (0, 1),
        (1,),
        (0, 2),
    ]
    assert program.dims_in == program.dims_out == dims


def test_trace_in_the_middle_gives_the_reduced_state():
    """A Bell pair on sites 0, 2 and |1> on site 1: without site 0, sites 1 and 2 are |1><1| and 1/2."""
    circuit = Circuit(3, [gates.X(1), gates.H(0), gates.CNOT(0, 2), trace(0), gates.X(2)])
    expected = np.kron(np.diag([0, 1]), np.eye(2) / 2)
    np.testing.assert_allclose(density(circuit), expected, atol=1e-15)


def test_reinitialized_site_forgets():
    circuit = Circuit(2, [gates.X(0), gates.X(1), trace(0), fresh(0)])
    np.testing.assert_allclose(density(circuit), np.diag([0, 1, 0, 0]), atol=1e-15)


def test_acting_on_a_dead_site_is_refused():
    with pytest.raises(InputError, match=r"operation 1, H 0, acts on site 0, which was traced out before.*initialize"):
        Circuit(2, [trace(0), gates.H(0)])
    with pytest.raises(InputError, match="operation 1, trace_out 0, acts on site 0"):
        Circuit(2, [trace(0), trace(0)])
    with pytest.raises(InputError, match="acts on site 1, which was traced out"):
        Circuit(3, [trace(1), gates.CNOT(0, 1)])


def test_initializing_a_present_site_is_refused():
    with pytest.raises(InputError, match="operation 1, initialize 0, adds site 0, which is there already"):
        Circuit(1, [gates.H(0), fresh(0)])
    with pytest.raises(InputError, match="operation 1, initialize 0, adds site 0"):
        Circuit(1, [fresh(0), fresh(0)])


def test_sites_and_dims_are_checked():
    with pytest.raises(InputError, match=r"operation 1, CNOT 0 2, names site 2, but the circuit has 2 sites"):
        Circuit(2, [gates.H(0), gates.CNOT(0, 2)])
    with pytest.raises(InputError, match="each site must be an integer of at least 0; found -1"):
        Circuit(2, [Operation(gates.H, (-1,))])
    with pytest.raises(
        InputError, match=r"operation 0, RX\(a\) 1, acts on dimensions \(2,\), but sites \(1,\).*\(3,\)"
    ):
        Circuit((2, 3), [gates.RX("a", 1)])
    with pytest.raises(InputError, match=r"operation 0 of the circuit is CNOT without its sites"):
        Circuit(2, [gates.CNOT])
    with pytest.raises(InputError, match="operation 0 of the circuit must be an Operation; found 'H'"):
        Circuit(2, ["H"])
    with pytest.raises(InputError, match="the dims of a circuit must be an integer of at least 1; found 0"):
        Circuit(0)
    with pytest.raises(InputError, match="at least one site"):
        Circuit(())
    with pytest.raises(InputError, match="distinct sites"):
        Circuit(2, [gates.CNOT(1, 1)])


# parameters


def test_parameters_in_order_of_appearance_and_shared():
    circuit = Circuit(2, [gates.RX("b", 0), gates.RZ(a - b, 1), gates.RX("a", 1)])
    assert circuit.parameters == ("b", "a")
    assert circuit.n_params == 2


def test_affine_weights_and_offset():
    circuit = Circuit(
        2, [gates.RX(2 * a - b + 0.5, 0), gates.H(1), gates.U3("b", 0.25, -a, 1), channels.Depolarizing(b / 2 + 0.1, 0)]
    )
    program = circuit.compile()
    theta = np.array([0.3, 0.7])
    np.testing.assert_allclose(program.weights.toarray(), [[2, -1], [0, 1], [0, 0], [-1, 0], [0, 0.5]])
    np.testing.assert_allclose(program.offset, [0.5, 0, 0.25, 0, 0.1])
    np.testing.assert_allclose(program.slots(theta), [2 * 0.3 - 0.7 + 0.5, 0.7, 0.25, -0.3, 0.45])
    assert [(step.start, step.stop) for step in program.steps] == [(0, 1), (1, 1), (1, 4), (4, 5)]
    assert program.parameters == ("a", "b")
    assert circuit.compile() is program


def test_program_without_parameters():
    program = Circuit(2, [gates.H(0), gates.RX(0.3, 1)]).compile()
    assert program.weights.shape == (1, 0)
    np.testing.assert_allclose(program.slots(np.zeros(0)), [0.3])


def test_bind_numbers_names_and_expressions():
    circuit = Circuit(1, [gates.RX("a", 0), gates.RZ(a + b, 0)])
    assert [str(o) for o in circuit.bind(a=0.5)] == ["RX(0.5) 0", "RZ(b + 0.5) 0"]
    assert circuit.bind({"a": "c"}, b=2 * Parameter("c")).parameters == ("c",)
    assert circuit.bind({"a": b, "b": a}).parameters == ("b", "a")  # simultaneous, so that names can be swapped
    assert circuit.bind() == circuit
    np.testing.assert_allclose(unitary(circuit.bind(a=0.4, b=0.2)), unitary(circuit, [0.4, 0.2]), atol=1e-15)


def test_bind_refuses():
    circuit = Circuit(1, [gates.RX("theta", 0), channels.BitFlip("p", 0)])
    with pytest.raises(InputError, match=r"no free parameter 'thta' \(did you mean 'theta'\?\); it has theta, p"):
        circuit.bind(thta=0.1)
    with pytest.raises(InputError, match="it has none"):
        Circuit(1).bind(x=1.0)
    with pytest.raises(InputError, match=r"BitFlip: p must lie in \[0, 1\]; found 1.5"):
        circuit.bind(p=1.5)


def test_a_constant_that_rounds_the_whole_domain_away():
    """No theta may give a number in the domain: the search for one near its ends is over nevertheless."""
    for c, k in ((2.341640519361442, 2.4512211448789696e16), (-0.0024638967146891834, 2.1875239462783126e17)):
        domain = Circuit(1, [channels.Depolarizing(c * Parameter("p") + k, 0)]).domains["p"]
        assert [domain.low, domain.high] == pytest.approx([-k / c, -k / c])
    with pytest.raises(InputError, match="has no range to move in: Depolarizing"):
        Circuit(1, [channels.Depolarizing(1e-10 * Parameter("p") + 1e308, 0)])


def test_domains_are_preimages():
    circuit = Circuit(
        1,
        [
            gates.RX("a", 0),
            channels.BitFlip(2 * Parameter("p") + 0.2, 0),
            channels.BitFlip(-0.5 * Parameter("q") + 0.5, 0),
            channels.BitFlip(Parameter("r") + Parameter("s"), 0),
        ],
    )
    domains = circuit.domains
    assert list(domains) == ["a", "p", "q", "r", "s"]
    assert domains["a"] == domains["r"] == domains["s"] == REAL_LINE
    assert domains["p"].low == pytest.approx(-0.1)
    assert domains["p"].high == pytest.approx(0.4)
    assert domains["q"] == Interval(-1.0, 1.0)


def test_intervals_that_do_not_overlap():
    for other in (Interval(1.0, 2.0), Interval(2.0, 3.0)):
        with pytest.raises(InputError, match=r"\[0, 1\] and \[.*\] have no common interval"):
            Interval(0.0, 1.0).intersection(other)


def test_domains_are_intersected():
    circuit = Circuit(
        1, [channels.BitFlip("p", 0), channels.Depolarizing("p", 0), channels.BitFlip(1.5 - Parameter("p"), 0)]
    )
    assert circuit.domains == {"p": Interval(0.5, 1.0)}
    half_line = Circuit(1, [channels.ThermalRelaxation(50.0, 70.0, "t", 0.0, 0)]).domains["t"]
    assert half_line.low == 0.0
    assert half_line.high == math.inf


@every("c", [1 / 3, -0.7, 3.0, 1e-3, 7e5])
@every("k", [0.0, 0.1, -0.3, 1 / 7, 1.1])
def test_ends_of_domains_stay_inside_in_float64(c, k):
    """Both ends, put through the program's own arithmetic, pass the channel's check, and are sharp."""
    circuit = Circuit(1, [channels.BitFlip(c * a + k, 0)])
    domain = circuit.domains["a"]
    reached = sorted(float(circuit.compile().slots([end])[0]) for end in (domain.low, domain.high))
    np.testing.assert_allclose(reached, [0, 1], atol=1e-15 * max(1.0, 5 * abs(k)))


def test_an_empty_domain_names_the_parameter_and_both_uses():
    message = (
        r"parameter 'p' has no range to move in: BitFlip\(p - 2\) 1 needs it to be at least 2, and "
        r"BitFlip\(p\) 0 at most 1"
    )
    with pytest.raises(InputError, match=message):
        Circuit(2, [channels.BitFlip("p", 0), channels.BitFlip(Parameter("p") - 2, 1)])
    with pytest.raises(InputError, match=message):
        Circuit(2, [channels.BitFlip(Parameter("p") - 2, 1), channels.BitFlip("p", 0)])


# composition


def test_then_takes_operations_and_circuits_in_order():
    bell = Circuit(2, [gates.H(0), gates.CNOT(0, 1)])
    circuit = Circuit(2).then(gates.X(1), bell, gates.Z(0))
    assert [str(o) for o in circuit] == ["X 1", "H 0", "CNOT 0 1", "Z 0"]
    assert Circuit(2).then() == Circuit(2)


def test_then_places_smaller_circuits():
    step = Circuit((2, 3), [gates.RX("a", 0), channels.BitFlip(0.1, 0)])
    placed = Circuit((3, 2, 2)).then(step, sites=(2, 0))
    assert [o.sites for o in placed] == [(2,), (2,)]
    assert placed.parameters == ("a",)
    bell = Circuit(2, [gates.H(0), gates.CNOT(0, 1)])
    pairs = Circuit(4).then(bell, sites=(3, 1)).then(bell, sites=(0, 2))
    assert [str(o) for o in pairs] == ["H 3", "CNOT 3 1", "H 0", "CNOT 0 2"]


def test_then_refuses():
    bell = Circuit(2, [gates.H(0), gates.CNOT(0, 1)])
    with pytest.raises(InputError, match=r"circuits in a row need equal dims; found \(2, 2, 2\), then \(2, 2\)"):
        Circuit(3).then(bell)
    with pytest.raises(InputError, match=r"must name 2 sites, as many as the circuit that is placed has; found \(0,\)"):
        Circuit(3).then(bell, sites=(0,))
    with pytest.raises(InputError, match="sites must be sites from 0 to 2; found 3"):
        Circuit(3).then(bell, sites=(0, 3))
    with pytest.raises(InputError, match="sites must be distinct"):
        Circuit(3).then(bell, sites=(1, 1))
    with pytest.raises(InputError, match="sites places circuits; found the operation X 0"):
        Circuit(3).then(gates.X(0), sites=(1, 2))
    with pytest.raises(InputError, match="but sites"):
        Circuit((3, 2)).then(bell, sites=(1, 0))


def test_repeat_shares_or_renames():
    layer = Circuit(1, [gates.RX("a", 0), gates.RZ("b[1]", 0), gates.RX("a", 0)])
    assert layer.repeat(2) == layer.then(layer)
    assert layer.repeat(2, fresh=True).parameters == ("a[0]", "b[1][0]", "a[1]", "b[1][1]")
    assert layer.repeat(0) == Circuit(1)
    with pytest.raises(InputError, match="the number k of repetitions must be an integer of at least 0; found -1"):
        layer.repeat(-1)


def test_repeat_with_an_ancilla_that_comes_and_goes():
    step = Circuit(2, [fresh(1), gates.CRY(0.4, 0, 1), trace(1)])
    circuit = Circuit(2, [*step.repeat(3)])
    assert circuit.sites_in == circuit.sites_out == (0,)


def test_inverse_composes_to_the_identity():
    rng = np.random.default_rng(0)
    circuit = hardware_efficient(3, 2, rotations=("U3", "SX", "T"), entangler="CRX", topology="ring").then(
        gates.ISWAP(2, 0), gates.PauliRotation("XYZ")(2 * a + 0.1, 1, 2, 0), gates.P("a", 1), gates.XXPlusYY("a", 0, 2)
    )
    theta = rng.normal(size=circuit.n_params)
    there = unitary(circuit, theta)
    back = circuit.then(circuit.inverse())
    assert back.parameters == circuit.parameters
    assert np.abs(there - np.eye(8)).max() > 0.1
    np.testing.assert_allclose(unitary(back, theta), np.eye(8), atol=1e-14)
    assert circuit.inverse().inverse() == circuit


def test_inverse_of_what_is_not_unitary_is_refused():
    with pytest.raises(InputError, match=r"BitFlip on sites \(0,\) is not unitary"):
        Circuit(1, [channels.BitFlip(0.1, 0)]).inverse()


def test_sites_are_traced_out_and_made_by_their_numbers():
    assert Circuit(3, [TraceOut(1)]).dims_out == (2, 2)
    assert TraceOut(1) == PartialTrace((2,))(1)
    assert Initialize(0, 2, dims=(3, 2)) == Preparation((3, 2))(0, 2)
    assert Circuit((3, 2), [TraceOut(0, dims=(3,))]).dims_out == (2,)
    for call in (lambda: TraceOut((2,)), lambda: TraceOut(), lambda: TraceOut("a"), lambda: TraceOut(1, dims=(2, 2))):
        with pytest.raises(InputError, match="TraceOut"):
            call()
