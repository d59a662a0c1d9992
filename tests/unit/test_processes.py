"""Processes: every way to make one, the laws that they obey, distances, and what is refused."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from helpers.cases import every
from helpers.processes import random_kraus
from hypothesis import given
from hypothesis import strategies as st

from qml import Circuit, channels, gates, io
from qml._checks import InputError, MemoryRefused
from qml._random import haar_unitaries
from qml.channels import CHANNELS
from qml.circuits import Initialize, TraceOut
from qml.engines import ReferenceEngine
from qml.gates import GATES
from qml.processes import (
    Process,
    as_process,
    average_gate_fidelity,
    maximally_entangled,
    process_fidelity,
    unitarity,
)
from qml.states import DensityMatrix, ginibre, maximally_mixed

SEEDS = st.integers(0, 2**32 - 1)
SITES = st.sampled_from([(2,), (3,), (2, 2), (1,)])
X = np.array([[0, 1], [1, 0]])


def random_process(ins, outs, seed, rank=None):
    """Of a given number of Kraus operators, or of any that is possible."""
    d, d_out = math.prod(ins), math.prod(outs)
    least, most = -(-d // d_out), d * d_out
    rank = int(np.random.default_rng(seed).integers(least, most + 1)) if rank is None else rank
    return Process.from_kraus(random_kraus(ins, outs, rank, seed % 2**32), ins, outs)


def distance(one, other):
    """The largest difference of two Choi matrices on the same sites."""
    assert (one.dims_in, one.dims_out) == (other.dims_in, other.dims_out)
    return np.abs(one.choi.matrix() - other.choi.matrix()).max()


ENDS = [((2,), (2,)), ((3,), (2,)), ((2, 2), (2,)), ((2,), (2, 2)), ((1,), (2,)), ((2, 3), (1,))]


@every("ins, outs", ENDS, ids=str)
@every("rank", [None, "least", "full"])
def test_every_form_makes_the_same_process_again(ins, outs, rank):
    d, d_out = math.prod(ins), math.prod(outs)
    process = random_process(ins, outs, 1, {"least": -(-d // d_out), "full": d * d_out}.get(rank))
    v = process.stinespring()
    assert v.shape == (d_out * process.rank, d)
    again = [
        Process(process.choi, ins),
        Process(DensityMatrix(process.choi.matrix(), ins + outs), ins),
        Process.from_kraus(process.kraus(), ins, outs),
        Process.from_stinespring(v, process.rank, ins, outs),
        Process.from_superoperator(process.superoperator(), ins, outs),
        Process.from_qobj(process.qobj()),
        as_process(process),
        Process.from_dict(process.to_dict()),
    ]
    if set(ins + outs) == {2}:
        again.append(Process.from_transfer_matrix(process.transfer_matrix()))
    if ins == outs:
        again += [as_process(process.channel("kept")), Process(process.choi)]
    for other in again:
        assert distance(process, other) < 1e-14
        assert other.rank == process.rank


def test_equal_sites_are_the_default():
    j = maximally_mixed((2, 2, 2, 2))
    assert (Process(j).dims_in, Process(j).dims_out) == ((2, 2), (2, 2))
    assert (Process(j, 3).dims_in, Process(j, (2,)).dims_out) == ((2, 2, 2), (2, 2, 2))
    assert Process.from_kraus(np.eye(4)).dims_in == (2, 2)
    assert Process.from_kraus(np.eye(3)).dims_in == (3,)
    assert as_process(gates.X).dim_in == as_process(gates.X).dim_out == 2


def test_more_kraus_operators_than_dimensions():
    """Nine of a qubit, which has room for four."""
    k = random_kraus((2,), (2,), 9, 2)
    process = Process.from_kraus(k)
    rho = ginibre((2,), np.random.default_rng(0))
    assert process.rank == 4
    assert len(process.kraus()) == 4
    assert np.abs(process.apply(rho).matrix() - sum(a @ rho.matrix() @ a.conj().T for a in k)).max() < 1e-15


@pytest.mark.parametrize("suffix", ["json", "npz"])
def test_files(tmp_path, suffix):
    process = random_process((2, 3), (2,), 3, 4)
    process.save(tmp_path / f"p.{suffix}")
    for read in (Process.load, io.load):
        other = read(tmp_path / f"p.{suffix}")
        assert other.choi.matrix().tobytes() == process.choi.matrix().tobytes()
        assert (other.dims_in, other.dims_out, other.rank) == ((2, 3), (2,), 4)


def test_what_is_shown():
    process = random_process((2, 3), (2,), 3, 4)
    assert repr(process) == "<Process: dims (2, 3) to (2,), rank 4 of 12>"
    assert ">(2, 3)</td>" in process._repr_html_()
    assert f"{process.choi.purity():.6f}" in process._repr_html_()


def test_a_pair_of_systems_is_what_goes_in():
    phi = maximally_entangled((2, 3))
    assert phi.dims == (2, 3, 2, 3)
    vector = np.eye(6).reshape(-1) / math.sqrt(6)
    assert np.array_equal(phi.matrix(), np.outer(vector, vector))
    process = random_process((2, 3), (2,), 2)
    k = [np.kron(np.eye(6), a) @ vector for a in process.kraus()]
    assert np.abs(process.choi.matrix() - sum(np.outer(v, v.conj()) for v in k)).max() < 1e-15


# refusals -------------------------------------------------------------------------------------------------------------

TWICE = np.stack([np.eye(4) / 4] * 2)
REFUSED = [
    (lambda: Process(np.diag([1.0, 0, 0, 0])), r"preserve the trace: Tr_out J = 1/d; found max\|d Tr_out J - 1\| = 1"),
    (lambda: Process(np.diag([0.5, 0.5, 0.5, -0.5])), r"completely positive; found the eigenvalue -0\.5"),
    (
        lambda: Process(np.diag([0.5, 0.5, 0, 0]), (4,)),
        r"dims_in must be the first sites .* dims \(2, 2\); found \(4,\)",
    ),
    (lambda: Process(np.eye(4) / 4, (2, 2)), r"dims_in must be the first sites"),
    (lambda: Process(np.eye(8) / 8), r"dims_in must say which sites are the input; found .* \(2, 2, 2\)"),
    (lambda: Process(TWICE), r"the Choi state must be one state; found a batch of shape \(2,\)"),
    (lambda: Process.from_kraus(1.1 * X), r"complete; found max\|sum_k K_k\^dagger K_k - 1\| = 0\.21"),
    (lambda: Process.from_kraus([1, 2]), r"shape \(m, d_out, d\) or \(d_out, d\); found \(2,\)"),
    (lambda: Process.from_kraus(X, (3,)), r"dims_in must multiply to the dimension 2; found \(3,\)"),
    (lambda: Process.from_kraus(X, None, (3,)), r"dims_out must multiply to the dimension 2"),
    (lambda: Process.from_stinespring(np.eye(3)[:, :2], 2), r"shape \(d_out 2, d\); found \(3, 2\)"),
    (lambda: Process.from_stinespring(np.eye(2), 0), r"environment must be an integer of at least 1; found 0"),
    (lambda: Process.from_superoperator(np.eye(3)), r"shape \(d_out\^2, d\^2\); found \(3, 3\)"),
    (lambda: Process.from_superoperator(np.eye(4)[[0, 2, 1, 3]]), r"found the eigenvalue -0\.5"),  # the transposition
    (lambda: Process.from_superoperator(np.diag([1.0, 0, 0, 0.5])), r"trace"),
    (lambda: Process.from_transfer_matrix(np.eye(8)), r"shape \(4\^m, 4\^n\); found \(8, 8\)"),
    (lambda: Process.from_transfer_matrix(np.diag([1, 1, 1, -1.0])), r"found the eigenvalue -0\.5"),
    (lambda: Process.from_circuit(gates.X(0)), r"circuit must be a Circuit"),
    (lambda: Process.from_qobj(X), r"a QuTiP superoperator or operator is needed"),
    (lambda: as_process("X"), r"the process must be a Process, a Circuit, a gate or channel, .*; found 'X'"),
    (lambda: as_process(X), r"the process must be a Process"),
    (lambda: as_process(TraceOut(0)), r"the process must be a Process"),
    (lambda: as_process(Initialize(0)), r"the process must be a Process"),
    (lambda: as_process(gates.RX("a", 0)), r"no free parameter; found 'a': bind them"),
    (lambda: as_process(channels.Depolarizing("p", 0)), r"no free parameter; found 'p': bind them"),
    (lambda: as_process(Circuit(1, [gates.RX("a", 0)])), r"no free parameter; found 'a': bind them"),
    (lambda: process_fidelity(gates.X, Circuit(1, [gates.RX("a", 0)])), r"second must have no free parameter"),
    (lambda: as_process(gates.RX), r"RX takes 1 parameter"),
    (lambda: as_process(gates.X).apply(maximally_mixed((3,))), r"on the input sites, dims \(2,\); found \(3,\)"),
    (lambda: as_process(gates.X).then(gates.CNOT), r"the next process must take the dims \(2,\); found \(2, 2\)"),
    (lambda: as_process(gates.X).then(3), r"other must be a Process"),
    (lambda: as_process(gates.X).tensor(3), r"other must be a Process"),
    (lambda: Process.from_kraus(np.eye(3)).transfer_matrix(), r"of qubits; found the dims \(3,\) and \(3,\)"),
    (lambda: Process.from_kraus(np.eye(4)[:, :2]).channel(), r"maps sites to themselves; found \(2,\) to \(2, 2\)"),
    (lambda: process_fidelity(gates.CNOT, gates.X), r"must have equal sites"),
    (lambda: process_fidelity(X, gates.X), r"first must be a Process"),
    (
        lambda: average_gate_fidelity(gates.X, channels.Depolarizing(0.1, 0)),
        r"unitary; found one with 4 Kraus operators",
    ),
    (lambda: unitarity(Process.from_kraus(np.eye(4)[:, :2])), r"one dimension d > 1; found 2 to 4"),
    (lambda: unitarity(Process.from_kraus(np.eye(1))), r"one dimension d > 1; found 1 to 1"),
]


@every("make, sentence", REFUSED, ids=[s for _, s in REFUSED])
def test_bad_input_is_refused_with_one_sentence(make, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("violation", "refused"), [(1e-12, False), (1e-8, True)])
def test_what_is_lost_by_rounding_is_allowed(violation, refused):
    j = (np.eye(4) + violation * np.diag([1, 1, -1, -1])) / 4
    if refused:
        with pytest.raises(InputError, match="preserve the trace"):
            Process(j)
        return
    assert Process(j).rank == 4


# what is taken for a process ------------------------------------------------------------------------------------------


def values_of(instruction):
    """Parameters inside their domains, which add up to less than one where they are probabilities."""
    return [
        min(0.2 + 0.1 * k, d.high / 3) if math.isfinite(d.high) else 1.0 + 0.3 * k
        for k, d in enumerate(instruction.domains)
    ]


@every("name", sorted({*GATES, *CHANNELS}))
def test_every_gate_and_channel_is_a_process(name):
    instruction = {**GATES, **CHANNELS}[name]
    values, sites = values_of(instruction), tuple(range(instruction.n_sites))
    placed = instruction(*values, *sites)
    process = as_process(placed)
    assert distance(process, as_process(Circuit(len(sites), [placed]))) < 1e-14
    assert np.abs(process.superoperator() - instruction.superoperator(np.array(values))).max() < 1e-14
    assert process.is_unitary == (name in GATES)
    if not values:
        assert distance(as_process(instruction), process) == 0


def test_an_operation_acts_on_its_own_sites_in_its_own_order():
    assert distance(as_process(gates.CNOT(3, 1)), as_process(gates.CNOT)) == 0
    flipped = as_process(Circuit(2, [gates.CNOT(1, 0)]))
    assert distance(flipped, as_process(gates.CNOT)) > 0.1


def test_a_circuit_with_fresh_and_discarded_sites():
    """A qubit that is encoded into two, of which the first is discarded; a reset of the rest."""
    circuit = Circuit(
        3,
        [
            gates.H(0),
            Initialize(2),
            gates.CNOT(0, 2),
            gates.CRY(0.7, 2, 1),
            TraceOut(0),
            channels.AmplitudeDamping(0.3, 1),
        ],
    )
    process = as_process(circuit)
    assert (process.dims_in, process.dims_out) == ((2, 2), (2, 2))
    rho = ginibre((2, 2), np.random.default_rng(1))
    image = ReferenceEngine().evolve(circuit, (), rho).matrix()
    assert np.abs(process.apply(rho).matrix() - image).max() < 1e-14
    assert np.abs(image - rho.matrix()).max() > 0.1


def test_a_circuit_of_qutrits_with_parameters():
    k = random_kraus((3, 2), (3, 2), 4, 3)
    circuit = Circuit((3, 2), [channels.KrausChannel(k, (3, 2))(0, 1), gates.RX("a", 1), gates.RZ("b", 1)])
    process = Process.from_circuit(circuit, {"a": 0.3, "b": 0.5})
    rho = ginibre((3, 2), np.random.default_rng(1))
    image = ReferenceEngine().evolve(circuit, [0.3, 0.5], rho).matrix()
    assert np.abs(process.apply(rho).matrix() - image).max() < 1e-14
    assert distance(process, as_process(circuit.bind(a=0.3, b=0.5))) < 1e-15
    assert distance(process, Process.from_circuit(circuit, [0.5, 0.3])) > 1e-3


def test_preparing_a_state_and_tracing_it_out_are_processes():
    prepared = as_process(Circuit(2, [Initialize(0, 1), gates.H(0), gates.CNOT(0, 1)]))
    assert (prepared.dims_in, prepared.dims_out) == ((), (2, 2))
    assert prepared.apply([1.0]).probabilities() == pytest.approx([0.5, 0, 0, 0.5])
    discarded = prepared.then(Process.from_kraus(np.eye(4)[:, None], 2, ()))
    assert discarded.choi.matrix() == pytest.approx(1)
    reset = Process.from_kraus(np.eye(2)[:, None]).then(Process.from_kraus([[1.0], [0.0]]))
    assert distance(reset, as_process(channels.Reset(0))) < 1e-15


def test_a_process_is_an_instruction_of_circuits():
    process = random_process((2, 2), (2, 2), 5, 3)
    operation = process.channel("mine")(1, 0)
    assert operation.name == "mine"
    circuit = Circuit(3, [operation])
    rho = ginibre((2, 2, 2), np.random.default_rng(0))
    k = process.kraus().reshape(-1, 2, 2, 2, 2)
    wide = [np.einsum("abcd,ef->baedcf", a, np.eye(2)).reshape(8, 8) for a in k]  # sites 1, 0 in the order 0, 1
    image = sum(a @ rho.matrix() @ a.conj().T for a in wide)
    assert np.abs(ReferenceEngine().evolve(circuit, (), rho).matrix() - image).max() < 1e-14


# laws -----------------------------------------------------------------------------------------------------------------


@given(SEEDS, SITES, SITES, SITES)
def test_one_after_another(seed, ins, middle, outs):
    one, other = random_process(ins, middle, seed), random_process(middle, outs, seed + 1)
    rho = ginibre(ins, np.random.default_rng(seed))
    whole = one.then(other)
    assert (whole.dims_in, whole.dims_out) == (ins, outs)
    assert np.abs(whole.apply(rho).matrix() - other.apply(one.apply(rho)).matrix()).max() < 1e-14
    assert np.abs(whole.superoperator() - other.superoperator() @ one.superoperator()).max() < 1e-14
    reduced = np.trace(whole.choi.matrix().reshape(whole.dim_in, whole.dim_out, whole.dim_in, -1), axis1=1, axis2=3)
    assert np.abs(whole.dim_in * reduced - np.eye(whole.dim_in)).max() < 1e-13


@given(SEEDS, SITES, SITES)
def test_side_by_side(seed, ins, outs):
    one, other = random_process(ins, outs, seed), random_process((2,), (2,), seed + 1, 2)
    rng = np.random.default_rng(seed)
    rho, tau = ginibre(ins, rng), ginibre((2,), rng)
    whole = one.tensor(other)
    product = DensityMatrix(np.kron(rho.matrix(), tau.matrix()), (*ins, 2))
    image = np.kron(one.apply(rho).matrix(), other.apply(tau).matrix())
    assert (whole.dims_in, whole.dims_out) == ((*ins, 2), (*outs, 2))
    assert whole.rank == one.rank * other.rank
    assert np.abs(whole.apply(product).matrix() - image).max() < 1e-14


@given(SEEDS)
def test_side_by_side_and_one_after_another_may_be_exchanged(seed):
    a, b, c, d = (random_process((2,), (2,), seed + k, 2) for k in range(4))
    assert distance(a.tensor(b).then(c.tensor(d)), a.then(c).tensor(b.then(d))) < 1e-14


@given(SEEDS, SITES, SITES)
def test_outputs_are_states_and_a_batch_is_each_of_its_members(seed, ins, outs):
    process = random_process(ins, outs, seed)
    rho = ginibre(ins, np.random.default_rng(seed), batch=3)
    images = process.apply(rho)
    assert images.batch_shape == (3,)
    for k in range(3):
        one = process.apply(rho.matrix()[k]).matrix()
        assert np.abs(images.matrix()[k] - one).max() < 1e-15
        assert np.trace(one).real == pytest.approx(1, abs=1e-13)
        assert np.linalg.eigvalsh(one).min() > -1e-14


@given(SEEDS, SITES, SITES)
def test_process_fidelity_is_symmetric_bounded_and_one_for_equal_processes_alone(seed, ins, outs):
    one, other = random_process(ins, outs, seed), random_process(ins, outs, seed + 1)
    f = process_fidelity(one, other)
    assert f == pytest.approx(process_fidelity(other, one), abs=1e-12)
    assert -1e-14 < f < 1 + 1e-12
    assert process_fidelity(one, one) == pytest.approx(1, abs=1e-12)
    if distance(one, other) > 1e-3:
        assert f < 1 - 1e-7
    else:
        assert math.prod(outs) == 1


@given(SEEDS, st.sampled_from([(2,), (3,), (2, 2)]))
def test_average_gate_fidelity_of_a_unitary_with_itself_and_of_all_others(seed, dims):
    u = random_process(dims, dims, seed, 1)
    noisy = random_process(dims, dims, seed + 1)
    assert average_gate_fidelity(u, u) == pytest.approx(1, abs=1e-13)
    d = math.prod(dims)
    assert 1 / (d + 1) - 1e-13 < average_gate_fidelity(noisy, u) < 1


@given(SEEDS, st.sampled_from([(2,), (3,), (2, 2)]))
def test_unitarity_is_one_for_unitaries_alone_and_does_not_see_unitaries_around(seed, dims):
    noisy = random_process(dims, dims, seed)
    u, v = (random_process(dims, dims, seed + k, 1) for k in (1, 2))
    found = unitarity(noisy)
    assert unitarity(u) == pytest.approx(1, abs=1e-13)
    assert -1e-14 < found < (1 + 1e-13 if noisy.is_unitary else 1 - 1e-6)
    assert unitarity(u.then(noisy).then(v)) == pytest.approx(found, abs=1e-13)


def test_fidelities_of_known_processes():
    """A phase flip of 0.3; rotations by the angle a, F = cos^2(a / 2); a process with the mixed state as output."""
    assert process_fidelity(channels.PhaseFlip(0.3, 0), gates.I) == pytest.approx(0.7, abs=1e-14)
    assert process_fidelity(gates.RX(0.4, 0), gates.RX(1.0, 0)) == pytest.approx(math.cos(0.3) ** 2, abs=1e-14)
    assert process_fidelity(channels.PhaseFlip(0.3, 0), channels.PhaseFlip(0.6, 0)) == pytest.approx(
        (math.sqrt(0.7 * 0.4) + math.sqrt(0.3 * 0.6)) ** 2, abs=1e-12
    )
    assert process_fidelity(gates.X, gates.Z) == pytest.approx(0, abs=1e-15)
    lost = Process(maximally_mixed((2, 2)))
    assert (process_fidelity(lost, gates.H), unitarity(lost)) == pytest.approx((0.25, 0), abs=1e-14)
    assert average_gate_fidelity(lost, gates.H) == pytest.approx(0.5, abs=1e-14)
    assert unitarity(channels.AmplitudeDamping(0.3, 0)) == pytest.approx((2 * 0.7 + 0.7**2) / 3, abs=1e-14)


def test_the_transfer_matrix_maps_expectations_of_pauli_strings():
    process = random_process((2, 2), (2,), 4)
    r = process.transfer_matrix()
    assert r[0] == pytest.approx(np.eye(16)[0], abs=1e-14)
    letters = [np.eye(2), X, np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]
    rho = ginibre((2, 2), np.random.default_rng(0))
    before = [np.trace(np.kron(p, q) @ rho.matrix()).real for p, q in itertools.product(letters, repeat=2)]
    after = [np.trace(p @ process.apply(rho).matrix()).real for p in letters]
    assert np.abs(after[1:]).max() > 0.05
    assert r @ before == pytest.approx(np.array(after), abs=1e-14)


def test_unitarity_and_fidelity_of_a_unitary_are_never_above_one():
    rng = np.random.default_rng(0)
    processes = [Process.from_kraus([u]) for u in haar_unitaries(rng, (100, 2, 2))]
    assert max(unitarity(p) for p in processes) == 1.0
    assert max(average_gate_fidelity(p, p) for p in processes) == 1.0


def test_processes_side_by_side_that_do_not_fit_are_refused_before_anything_is_made(monkeypatch):
    noisy = random_process((2, 2, 2), (2, 2, 2), seed=0, rank=16)
    monkeypatch.setattr("qml._checks.available_memory", lambda: 2**25)
    with pytest.raises(MemoryRefused, match="Kraus operators of both processes"):
        noisy.tensor(noisy)
