"""Ansatz circuits: parameter names, what they can reach, and product formulas against the exact exponential."""

import math

import numpy as np
import pytest
from scipy.linalg import expm

from qml import gates
from qml._checks import InputError
from qml.circuits import (
    Circuit,
    brickwork,
    hamiltonian_variational,
    hardware_efficient,
    mera_tree,
    purification,
    trotter,
    universal_block,
)
from qml.engines.reference import ReferenceEngine
from qml.operators import PauliSum, heisenberg, pauli, tfim


def unitary(circuit, params=()):
    return ReferenceEngine().evolve_vectors(circuit.compile(), np.asarray(params, dtype=float))


def on(circuit):
    return [operation.sites for operation in circuit if len(operation.sites) == 2]


# layered


def test_hardware_efficient_names_and_order():
    circuit = hardware_efficient(2, 1, rotations=("RX", "U3"), entangler="CRZ", name="a")
    assert circuit.parameters == (
        *("a.rx[0,0]", "a.u3.theta[0,0]", "a.u3.phi[0,0]", "a.u3.lambda[0,0]"),
        *("a.rx[0,1]", "a.u3.theta[0,1]", "a.u3.phi[0,1]", "a.u3.lambda[0,1]"),
        "a.crz[0,0,1]",
        *("a.rx[1,0]", "a.u3.theta[1,0]", "a.u3.phi[1,0]", "a.u3.lambda[1,0]"),
        *("a.rx[1,1]", "a.u3.theta[1,1]", "a.u3.phi[1,1]", "a.u3.lambda[1,1]"),
    )
    assert circuit == hardware_efficient(2, 1, rotations=(gates.RX, gates.U3), entangler=gates.CRZ, name="a")


@pytest.mark.parametrize(
    ("topology", "edges"),
    [
        ("linear", [(0, 1), (1, 2), (2, 3)]),
        ("ring", [(0, 1), (1, 2), (2, 3), (3, 0)]),
        ("full", [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]),
        ([(3, 0), (1, 2)], [(3, 0), (1, 2)]),
    ],
)
def test_topologies(topology, edges):
    assert on(hardware_efficient(4, 2, topology=topology)) == edges * 2


def test_a_gate_that_stands_twice_has_angles_of_its_own():
    euler = hardware_efficient(1, 0, rotations=("RZ", "RY", "RZ"))
    assert euler.parameters == ("rz[0,0]", "ry[0,0]", "rz.2[0,0]")
    twice = hardware_efficient(2, 1, ("U3", "U3"), "RZZ", [(0, 1), (1, 0), (0, 1)])
    assert twice.n_params == 2 * 2 * 6 + 3
    assert [name for name in twice.parameters if name.startswith("rzz")] == ["rzz[0,0,1]", "rzz[0,1,0]", "rzz.2[0,0,1]"]


def test_small_hardware_efficient_circuits():
    assert on(hardware_efficient(2, 1, topology="ring")) == [(0, 1)]
    assert hardware_efficient(1, 3).instruction_counts() == {"RY": 4, "RZ": 4}
    assert hardware_efficient(3, 0).n_params == 6


def test_hardware_efficient_at_zero_is_its_entanglers():
    circuit = hardware_efficient(2, 1)
    np.testing.assert_allclose(unitary(circuit, np.zeros(circuit.n_params)), gates.CNOT.matrix([]), atol=1e-15)


def test_hardware_efficient_refuses():
    with pytest.raises(InputError, match=r"topology must be one of .*; found 'rings' \(did you mean 'ring'\?\)"):
        hardware_efficient(3, 1, topology="rings")
    with pytest.raises(InputError, match="a gate's name must be one of"):
        hardware_efficient(3, 1, rotations=("RW",))
    with pytest.raises(InputError, match="each rotation must act on 1 qubit; found CNOT, on 2"):
        hardware_efficient(3, 1, rotations=("CNOT",))
    with pytest.raises(InputError, match="the entangler must act on 2 qubits; found RX, on 1"):
        hardware_efficient(3, 1, entangler="RX")
    with pytest.raises(InputError, match="each pair of topology must be sites from 0 to 2; found 3"):
        hardware_efficient(3, 1, topology=[(0, 3)])
    with pytest.raises(InputError, match=r"topology must be pairs of sites; found \(0, 1, 2\)"):
        hardware_efficient(3, 1, topology=[(0, 1, 2)])
    with pytest.raises(InputError, match="layers must be an integer of at least 0"):
        hardware_efficient(3, -1)


def test_the_universal_block_reaches_every_direction():
    """Its 15 parameters move a generic point in all 15 directions of SU(4): the Jacobian has full rank."""
    theta = np.random.default_rng(1).normal(size=15)
    block, step = universal_block(), 1e-6
    u = unitary(block, theta)
    assert block.n_params == 15
    tangents = []
    for i in range(15):
        shift = step * np.eye(15)[i]
        du = (unitary(block, theta + shift) - unitary(block, theta - shift)) / (2 * step)
        generator = -1j * u.conj().T @ du
        generator -= np.trace(generator) / 4 * np.eye(4)
        tangents.append(np.concatenate([generator.real.ravel(), generator.imag.ravel()]))
    assert np.linalg.svd(tangents, compute_uv=False)[-1] > 1e-3


def test_brickwork_rows_and_names():
    block = Circuit(2, [gates.RX("a", 0), gates.CNOT(0, 1), gates.RX("a", 1)])
    circuit = brickwork(5, 3, block, name="w")
    assert on(circuit) == [(0, 1), (2, 3), (1, 2), (3, 4), (0, 1), (2, 3)]
    assert circuit.parameters == ("w.a[0,0]", "w.a[0,2]", "w.a[1,1]", "w.a[1,3]", "w.a[2,0]", "w.a[2,2]")
    assert brickwork(4, 2).n_params == 3 * 15
    with pytest.raises(InputError, match="the block must be a circuit on two qubits; found <Circuit: 3 qubits"):
        brickwork(4, 1, Circuit(3))


@pytest.mark.parametrize(("n", "n_ancilla", "rank"), [(2, 0, 1), (2, 1, 2), (1, 1, 2), (2, 2, 4)])
def test_purification_rank(n, n_ancilla, rank):
    circuit = purification(n, n_ancilla, layers=3)
    assert circuit.dims_in == circuit.dims_out == (2,) * n
    theta = np.random.default_rng(2).normal(size=circuit.n_params)
    p = np.linalg.eigvalsh(ReferenceEngine().evolve(circuit.compile(), theta).matrix())
    assert p.sum() == pytest.approx(1, abs=1e-14)
    assert (p > 1e-6).sum() == rank
    assert (np.abs(p) > 1e-14).sum() == rank


def test_purification_is_the_partial_trace_of_its_inner_circuit():
    circuit, inner = purification(2, 1, 2), hardware_efficient(3, 2)
    theta = np.random.default_rng(3).normal(size=inner.n_params)
    psi = unitary(inner, theta)[:, 0].reshape(4, 2)
    sigma = ReferenceEngine().evolve(circuit.compile(), theta).matrix()
    np.testing.assert_allclose(sigma, psi @ psi.conj().T, atol=1e-14)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 7, 8, 16])
def test_mera_joins_every_qubit_once(n):
    circuit = mera_tree(n, Circuit(2, [gates.RXX("a", 0, 1)]))
    joined = [o.sites for o in circuit if o.parameters[0].startswith("iso")]
    assert sorted(pair[1] for pair in joined) == list(range(1, n))  # a tree: each qubit but 0 is added by one isometry
    seen = {0}
    for parent, child in joined:
        assert parent in seen
        assert child not in seen
        seen.add(child)
    assert circuit.is_unitary


def test_mera_scales():
    block = Circuit(2, [gates.RXX("a", 0, 1)])
    tree = mera_tree(8, block, name="m")
    assert [(o.parameters[0], o.sites) for o in tree] == [
        ("m.iso.a[0,0]", (0, 4)),
        ("m.iso.a[1,0]", (0, 2)),
        ("m.iso.a[1,4]", (4, 6)),
        ("m.dis.a[1,2]", (2, 4)),
        *((f"m.iso.a[2,{q}]", (q, q + 1)) for q in (0, 2, 4, 6)),
        *((f"m.dis.a[2,{q}]", (q, q + 1)) for q in (1, 3, 5)),
    ]
    assert mera_tree(8, block, disentanglers=False).n_params == 7
    assert mera_tree(4).n_params == 4 * 15


# product formulas


@pytest.mark.parametrize("order", [1, 2])
def test_trotter_of_commuting_terms_is_exact(order):
    H = pauli("ZZI", 0.7) + pauli("IZZ", -1.3) + pauli("ZIZ", 0.4) + pauli("IIZ", 2.0)
    u = unitary(trotter(H, 0.9, steps=1, order=order))
    np.testing.assert_allclose(u, expm(-0.9j * H.matrix()), atol=1e-13)
    stabilizers = pauli("XX", 0.3) + pauli("YY", -0.8) + pauli("ZZ", 0.5)
    np.testing.assert_allclose(
        unitary(trotter(stabilizers, 1.7, 1, order)), expm(-1.7j * stabilizers.matrix()), atol=1e-13
    )


def test_trotter_leaves_out_the_phase_of_the_identity():
    H = pauli("II", 0.6) + pauli("XY", 0.2)
    u = unitary(trotter(H, 0.5, 1))
    np.testing.assert_allclose(u * np.exp(-0.3j), expm(-0.5j * H.matrix()), atol=1e-14)


@pytest.mark.parametrize("order", [1, 2])
def test_trotter_error_falls_with_its_order(order):
    """Halving the step divides the error by 2^p."""
    H = heisenberg(3) + tfim(3, 0.3, 0.8)
    exact = expm(-1j * H.matrix())
    errors = [np.linalg.norm(unitary(trotter(H, 1.0, steps, order)) - exact, 2) for steps in (16, 32, 64)]
    slopes = [math.log2(errors[i] / errors[i + 1]) for i in range(2)]
    np.testing.assert_allclose(slopes, order, atol=0.1)
    assert errors[-1] > 1e-6


def test_second_order_is_symmetric_in_time():
    circuit = trotter(heisenberg(3) + tfim(3), "t", steps=2, order=2)
    forward, backward = unitary(circuit, [0.7]), unitary(circuit, [-0.7])
    np.testing.assert_allclose(forward @ backward, np.eye(8), atol=1e-13)
    first = trotter(heisenberg(3) + tfim(3), "t", steps=2, order=1)
    assert np.abs(unitary(first, [0.7]) @ unitary(first, [-0.7]) - np.eye(8)).max() > 1e-2


def test_trotter_costs_and_free_time():
    H = tfim(4)
    assert len(trotter(H, 1.0, 5)) == 5 * 7
    assert len(trotter(H, 1.0, 5, order=2)) == 5 * 13
    free = trotter(H, "t", 3, order=2)
    assert free.parameters == ("t",)
    np.testing.assert_allclose(unitary(free, [0.4]), unitary(trotter(H, 0.4, 3, order=2)), atol=1e-13)
    assert len(trotter(PauliSum.from_terms([], n_qubits=2), 1.0, 2, order=2)) == 0


def test_trotter_refuses():
    with pytest.raises(
        InputError, match=r"hamiltonian must be Hermitian; found a Pauli sum with complex .* pass \(H \+ H.adjoint"
    ):
        trotter(pauli("X", 1j), 1.0, 1)
    with pytest.raises(InputError, match=r"hamiltonian must be a PauliSum, a string such as .* found array"):
        trotter(np.eye(2), 1.0, 1)
    with pytest.raises(InputError, match="order must be an integer from 1 to 2; found 3"):
        trotter(pauli("X"), 1.0, 1, order=3)
    with pytest.raises(InputError, match="steps must be an integer of at least 1; found 0"):
        trotter(pauli("X"), 1.0, 0)


def test_hamiltonian_variational_is_a_product_of_exponentials_of_its_groups():
    H = tfim(3, J=0.6, h=0.9)
    ZZ = PauliSum.from_terms([(label, c) for label, c in H.terms if "Z" in label]).matrix()
    X = PauliSum.from_terms([(label, c) for label, c in H.terms if "X" in label]).matrix()
    circuit = hamiltonian_variational(H, 2, initial=None, name="v")
    assert circuit.parameters == ("v.t[0,ZZ]", "v.t[0,X]", "v.t[1,ZZ]", "v.t[1,X]")
    t = [0.3, -0.8, 1.1, 0.4]
    expected = expm(-1j * t[3] * X) @ expm(-1j * t[2] * ZZ) @ expm(-1j * t[1] * X) @ expm(-1j * t[0] * ZZ)
    np.testing.assert_allclose(unitary(circuit, t), expected, atol=1e-13)


def test_hamiltonian_variational_groups_letters_that_are_interleaved():
    H = PauliSum.from_terms([("ZZI", 1.0), ("XII", 1.0), ("IZZ", 1.0), ("IXI", 1.0)])
    layer = hamiltonian_variational(H, 1, initial=None)
    assert [operation.name for operation in layer] == ["RZZ", "RZZ", "RX", "RX"]
    assert hamiltonian_variational(H, 1, share="term").parameters == ("t[0,ZZI]", "t[0,XII]", "t[0,IZZ]", "t[0,IXI]")


def test_hamiltonian_variational_by_layer_is_trotter():
    H = heisenberg(3)
    circuit = hamiltonian_variational(H, 3, initial=None, share="layer")
    assert circuit.parameters == ("t[0]", "t[1]", "t[2]")
    np.testing.assert_allclose(unitary(circuit, [0.2] * 3), unitary(trotter(H, 0.6, 3)), atol=1e-13)


def test_hamiltonian_variational_starts_in_plus():
    u = unitary(hamiltonian_variational(tfim(2), 0))
    np.testing.assert_allclose(u[:, 0], np.full(4, 0.5), atol=1e-15)
    with pytest.raises(InputError, match="initial must be one of 'plus'; found 'minus'"):
        hamiltonian_variational(tfim(2), 1, initial="minus")
    with pytest.raises(InputError, match="share must be one of"):
        hamiltonian_variational(tfim(2), 1, share="kind")
