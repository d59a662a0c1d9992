"""Processes, their distances and Lindblad channels against QuTiP and 50-digit arithmetic."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import pytest
import qutip
from helpers.arrays import complex_normal, hermitian
from helpers.cases import every
from helpers.digits import to_mp
from helpers.processes import random_kraus
from scipy.stats import unitary_group

from qml import channels
from qml.channels import Lindblad
from qml.processes import Process, as_process, average_gate_fidelity, process_fidelity, unitarity
from qml.states import ginibre

DIGITS = 50
ENDS = [((2,), (2,)), ((2, 2), (2, 2)), ((3,), (3,)), ((2, 3), (2,)), ((1,), (3,)), ((2, 2), (1,)), ((2,), (2, 3))]
SQUARE = [((2,), (2,)), ((2, 2), (2, 2)), ((3,), (3,))]


def ranks(dims_in, dims_out):
    """The least rank, one between, and the full one."""
    d, d_out = math.prod(dims_in), math.prod(dims_out)
    least, most = -(-d // d_out), d * d_out
    return sorted({least, (least + most) // 2, most})


CASES = [(ins, outs, rank) for ins, outs in ENDS for rank in ranks(ins, outs)]
EVERY = every("ins, outs, rank", CASES)


def both(ins, outs, rank, seed=0):
    """A process, and the same as a superoperator of QuTiP."""
    k = random_kraus(ins, outs, rank, seed)
    operators = [qutip.Qobj(a, dims=[list(outs), list(ins)]) for a in k]
    peer = sum(qutip.sprepost(a, a.dag()) for a in operators)
    return Process.from_kraus(k, ins, outs), peer, k


def row_major(peer, d, d_out):
    """The array of a superoperator of QuTiP, which stacks columns, on stacked rows."""
    return peer.full().reshape(d_out, d_out, d, d).transpose(1, 0, 3, 2).reshape(d_out**2, d**2)


def choi_of(peer, d, d_out):
    """J by QuTiP, which knows no Choi matrix of a state or a trace: there it is E(1), or the identity, divided by d."""
    if 1 in (d, d_out):
        return row_major(peer, d, d_out).reshape(d_out, d_out) if d == 1 else np.eye(d) / d
    return qutip.to_choi(peer).full() / d


def moved(peer, rho):
    """E(rho) by QuTiP, as an array."""
    image = peer * qutip.operator_to_vector(rho)
    return qutip.vector_to_operator(image).full() if isinstance(image, qutip.Qobj) else np.array([[image]])


def design(d):
    """Vectors of a 2-design, from mutually unbiased bases: six for a qubit, twelve for a qutrit."""
    if d == 2:
        s = math.sqrt(0.5)
        return [np.array(v) for v in ([1, 0], [0, 1], [s, s], [s, -s], [s, 1j * s], [s, -1j * s])]
    w, k = np.exp(2j * np.pi / 3), np.arange(3)
    return [*np.eye(3), *(w ** (a * k**2 + b * k) / math.sqrt(3) for a in range(3) for b in range(3))]


def paulis(n):
    letters = [np.eye(2), *(p.full() for p in (qutip.sigmax(), qutip.sigmay(), qutip.sigmaz()))]
    found = []
    for chosen in itertools.product(letters, repeat=n):
        p = np.eye(1)
        for letter in chosen:
            p = np.kron(p, letter)
        found.append(p)
    return found


@EVERY
def test_choi_state_and_superoperator_are_those_of_qutip(ins, outs, rank):
    process, peer, _ = both(ins, outs, rank)
    d, d_out = math.prod(ins), math.prod(outs)
    choi = choi_of(peer, d, d_out)
    assert np.abs(process.choi.matrix() - choi).max() < 1e-15
    assert np.abs(process.superoperator() - row_major(peer, d, d_out)).max() < 1e-14
    assert np.abs(process.superoperator()).max() > 0.1
    assert (process.dims_in, process.dims_out, process.choi.dims) == (ins, outs, ins + outs)
    assert process.rank == np.linalg.matrix_rank(choi, tol=1e-12) == rank


@EVERY
def test_to_qutip_and_back(ins, outs, rank):
    process, peer, _ = both(ins, outs, rank)
    written = process.qobj()
    assert written.dims == peer.dims
    assert np.abs((written - peer).full()).max() < 1e-14
    again = Process.from_qobj(peer)
    assert (again.dims_in, again.dims_out) == (ins, outs)
    assert np.abs(again.choi.matrix() - process.choi.matrix()).max() < 1e-15


@pytest.mark.parametrize(("ins", "outs"), [((1,), (2, 3)), ((2,), (1,)), ((1,), (1,)), ((2,), (1, 2))])
def test_preparations_and_the_trace_go_to_qutip_and_back(ins, outs):
    process = Process.from_kraus(random_kraus(ins, outs, 2, 0), ins, outs)
    again = Process.from_qobj(process.qobj())
    assert (again.dims_in, again.dims_out) == (ins, outs)
    assert np.abs(again.choi.matrix() - process.choi.matrix()).max() < 1e-15


@pytest.mark.parametrize("form", [qutip.to_super, qutip.to_choi, qutip.to_chi], ids=lambda f: f.__name__)
def test_every_representation_of_qutip_is_read(form):
    process, peer, _ = both((2, 2), (2, 2), 3)
    assert np.abs(as_process(form(peer)).choi.matrix() - process.choi.matrix()).max() < 1e-14


def test_a_unitary_and_an_isometry_of_qutip_are_read():
    u = qutip.rand_unitary([2, 3], seed=1)
    assert as_process(u).dims_in == (2, 3)
    assert np.abs(as_process(u).choi.matrix() - qutip.to_choi(qutip.to_super(u)).full() / 6).max() < 1e-15
    v = qutip.Qobj(random_kraus((2,), (2, 3), 1, 4)[0], dims=[[2, 3], [2]])
    assert (as_process(v).dims_in, as_process(v).dims_out) == ((2,), (2, 3))


@EVERY
def test_outputs_are_those_of_qutip_and_of_50_digits(ins, outs, rank):
    process, peer, k = both(ins, outs, rank)
    for seed in (1, 2):
        rho = ginibre(ins, np.random.default_rng(seed))
        image = process.apply(rho)
        assert image.dims == outs
        assert np.abs(image.matrix() - moved(peer, rho.qobj())).max() < 1e-14
        with mpmath.workdps(DIGITS):
            parts = [to_mp(a) * to_mp(rho.matrix()) * to_mp(a).H for a in k]
            exact = np.array(sum(parts[1:], parts[0]).tolist(), dtype=complex)
        assert np.abs(image.matrix() - exact).max() < 1e-15


@EVERY
def test_kraus_operators_in_50_digits_make_the_channel_preserve_the_trace_and_are_orthogonal(ins, outs, rank):
    process, _, given = both(ins, outs, rank)
    found = process.kraus()
    d, d_out = math.prod(ins), math.prod(outs)
    assert found.shape == (rank, d_out, d)
    with mpmath.workdps(DIGITS):
        ours, theirs = ([to_mp(a) for a in held] for held in (found, given))
        total = sum((a.H * a for a in ours[1:]), ours[0].H * ours[0])
        assert mpmath.mnorm(total - mpmath.eye(d), "f") < 1e-14
        for i, j in ((0, 0), (d - 1, 0), (d - 1, d - 1)):
            unit = mpmath.zeros(d)
            unit[i, j] = 1
            images = [sum((a * unit * a.H for a in held[1:]), held[0] * unit * held[0].H) for held in (ours, theirs)]
            assert mpmath.mnorm(images[0] - images[1], "f") < 1e-14
    overlaps = np.einsum("kai,lai->kl", found.conj(), found)
    assert np.abs(overlaps - np.diag(np.diag(overlaps))).max() < 1e-14
    assert (np.diff(np.diag(overlaps).real) < 1e-14).all()


@pytest.mark.parametrize(("middle", "last"), [((2,), (3,)), ((2, 2), (2,)), ((1,), (2,)), ((3,), (1,))], ids=str)
def test_one_process_after_another_is_that_of_qutip(middle, last):
    first, one, _ = both((2, 2), middle, 4, seed=1)
    second, other, _ = both(middle, last, max(2, math.prod(middle) // math.prod(last)), seed=2)
    whole = first.then(second)
    assert (whole.dims_in, whole.dims_out) == ((2, 2), last)
    assert np.abs(whole.choi.matrix() - choi_of(other * one, 4, math.prod(last))).max() < 1e-15


@pytest.mark.parametrize(("ins", "outs"), [((2,), (2,)), ((3,), (2,)), ((2,), (1,)), ((1,), (2,))], ids=str)
def test_processes_side_by_side_are_those_of_qutip(ins, outs):
    first, _, one = both(ins, outs, max(2, math.prod(ins)), seed=1)
    second, _, other = both((2,), (2,), 3, seed=2)
    whole = first.tensor(second)
    pairs = itertools.product([qutip.Qobj(a) for a in one], [qutip.Qobj(b) for b in other])
    products = [qutip.Qobj(qutip.tensor(a, b).full(), dims=[[*outs, 2], [*ins, 2]]) for a, b in pairs]
    peer = sum(qutip.sprepost(a, a.dag()) for a in products)
    assert (whole.dims_in, whole.dims_out) == ((*ins, 2), (*outs, 2))
    rho = ginibre((*ins, 2), np.random.default_rng(3))
    assert np.abs(whole.apply(rho).matrix() - moved(peer, rho.qobj())).max() < 1e-14


@every("ins, outs", SQUARE, ids=str)
@every("rank", [1, 2, "full"])
def test_fidelities_with_a_unitary_are_those_of_qutip(ins, outs, rank):
    d = math.prod(ins)
    process, peer, _ = both(ins, outs, d * d if rank == "full" else rank, seed=3)
    u = qutip.rand_unitary(list(ins), seed=4)
    f = process_fidelity(process, u)
    assert 1e-3 < f < 1 - 1e-3
    assert f == pytest.approx(qutip.process_fidelity(peer, u), abs=1e-14)
    assert average_gate_fidelity(process, u) == pytest.approx(qutip.average_gate_fidelity(peer, u), abs=1e-14)


@pytest.mark.parametrize(
    ("ins", "outs", "ranks"), [((2,), (2,), (3, 4)), ((2, 3), (2,), (5, 12)), ((3,), (3,), (2, 9))]
)
def test_the_fidelity_of_two_noisy_processes_is_that_of_their_choi_states_in_qutip(ins, outs, ranks):
    (one, a, _), (other, b, _) = (both(ins, outs, rank, seed) for seed, rank in enumerate(ranks))
    d = math.prod(ins)
    peers = [qutip.Qobj(qutip.to_choi(x).full() / d) for x in (a, b)]
    assert process_fidelity(one, other) == pytest.approx(qutip.fidelity(*peers) ** 2, abs=1e-7)
    assert 0.05 < process_fidelity(one, other) < 0.95


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("rank", [1, 3])
def test_average_gate_fidelity_is_the_mean_over_a_2_design(d, rank):
    process, _, k = both((d,), (d,), rank, seed=5)
    u = unitary_group.rvs(d, random_state=6)
    mean = np.mean([np.abs([v.conj() @ u.conj().T @ a @ v for a in k]) ** 2 @ np.ones(rank) for v in design(d)])
    assert 0.1 < mean < 0.9
    assert average_gate_fidelity(process, Process.from_kraus(u)) == pytest.approx(mean, abs=1e-14)


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("rank", [1, 2, 4])
def test_transfer_matrix_and_unitarity_by_their_definition(n, rank):
    process, _, k = both((2,) * n, (2,) * n, rank, seed=7)
    images = [sum(a @ q @ a.conj().T for a in k) for q in paulis(n)]
    r = np.array([[np.trace(p @ image).real for image in images] for p in paulis(n)]) / 2**n
    assert np.abs(process.transfer_matrix() - r).max() < 1e-14
    u = (r[1:, 1:] ** 2).sum() / (4**n - 1)
    assert unitarity(process) == pytest.approx(u, abs=1e-14)
    assert u == pytest.approx(1, abs=1e-13) if rank == 1 else 0.01 < u < 0.9


def test_a_transfer_matrix_between_other_numbers_of_qubits():
    process, _, k = both((2, 2), (2,), 5, seed=8)
    r = np.array([[np.trace(p @ sum(a @ q @ a.conj().T for a in k)).real / 4 for q in paulis(2)] for p in paulis(1)])
    found = process.transfer_matrix()
    assert np.abs(found - r).max() < 1e-14
    assert np.abs(Process.from_transfer_matrix(found).choi.matrix() - process.choi.matrix()).max() < 1e-15


@pytest.mark.parametrize("d", [2, 3])
def test_unitarity_is_the_mean_purity_of_what_the_traceless_part_becomes(d):
    process, _, k = both((d,), (d,), 2, seed=9)
    purities = []
    for v in design(d):
        x = np.outer(v, v.conj()) - np.eye(d) / d
        image = sum(a @ x @ a.conj().T for a in k)
        purities.append(np.trace(image @ image).real)
    assert unitarity(process) == pytest.approx(d / (d - 1) * np.mean(purities), abs=1e-14)


def exact_generator(drift, terms, jumps, values):
    """G on stacked rows, column by column from the equation, in mpmath."""
    d = drift.rows
    h = drift.copy()
    for value, term in zip(values, terms, strict=False):
        h += value * term
    found = mpmath.zeros(d * d)
    for i, j in itertools.product(range(d), repeat=2):
        rho = mpmath.zeros(d)
        rho[i, j] = 1
        out = mpmath.mpc(0, -1) * (h * rho - rho * h)
        for rate, jump in zip(values[len(terms) :], jumps, strict=True):
            square = jump.H * jump
            out += rate * (jump * rho * jump.H - (square * rho + rho * square) / 2)
        for a, b in itertools.product(range(d), repeat=2):
            found[a * d + b, i * d + j] = out[a, b]
    return found


def exact(drift, terms, jumps, params):
    """exp(t G) at exact parameters (time, h, gamma); an array of floats is taken to the last of its digits."""
    held = to_mp(drift), [to_mp(m) for m in terms], [to_mp(m) for m in jumps]
    return mpmath.expm(params[0] * exact_generator(*held, params[1:]), method="taylor")


def exact_derivative(drift, terms, jumps, params, k):
    """The central difference in parameter k with a step of 1e-18; what it leaves out is of the order of 1e-32."""
    with mpmath.workdps(DIGITS + 10):
        h = mpmath.mpf(10) ** -18
        ends = []
        for sign in (1, -1):
            at = [mpmath.mpf(float(x)) for x in params]
            at[k] += sign * h
            ends.append(exact(drift, terms, jumps, at))
        return as_array((ends[0] - ends[1]) / (2 * h))


def as_array(m):
    return np.array(m.tolist(), dtype=complex).reshape(m.rows, m.cols)


X, Y, Z = (p.full() for p in (qutip.sigmax(), qutip.sigmay(), qutip.sigmaz()))
LOWER = np.array([[0, 1], [0, 0]], dtype=complex)
LADDER = np.diag(np.sqrt([1.0, 2.0]), 1).astype(complex)
RNG = np.random.default_rng(11)
TERMS3 = [hermitian(3, RNG) for _ in range(2)]
JUMPS3 = [LADDER, complex_normal(RNG, 3, 3)]
EQUATIONS = {
    "qubit": (0.2 * Z, [X / 2, Y], [LOWER, Z], [0.8, 0.9, -0.4, 0.3, 0.1]),
    "exceptional point": (np.zeros((2, 2)), [X / 2], [LOWER], [1.5, 0.25, 1.0]),
    "stiff": (0.1 * X, [Z], [LOWER, X], [20.0, 0.5, 1e-3, 1e3]),
    "stiff ladder": (0.1 * TERMS3[0], [], [np.diag([1, 0], 1), np.diag([0, 1], 1)], [50.0, 1e-3, 1e3]),
    "qutrit": (np.zeros((3, 3)), TERMS3, JUMPS3, [0.7, 0.5, -1.1, 0.4, 0.2]),
}


def lindblad_of(drift, terms, jumps, params):
    """The channel, and its parameters."""
    names = {f"h{k}": m for k, m in enumerate(terms)}, {f"g{k}": m for k, m in enumerate(jumps)}
    return Lindblad(*names, dims=(len(drift),), drift=drift), np.array(params)


@pytest.mark.parametrize("name", EQUATIONS)
def test_lindblad_evolution_is_that_of_qutip_and_of_50_digits(name):
    drift, terms, jumps, params = EQUATIONS[name]
    channel, values = lindblad_of(*EQUATIONS[name])
    h = drift + sum(x * m for x, m in zip(params[1:], terms, strict=False))
    rates = params[1 + len(terms) :]
    peer = qutip.liouvillian(qutip.Qobj(h), [math.sqrt(g) * qutip.Qobj(m) for g, m in zip(rates, jumps, strict=True)])
    ours, d = channel.superoperator(values), len(drift)
    assert np.abs(ours - np.eye(d * d)).max() > 0.1
    assert np.abs(ours - row_major((params[0] * peer).expm(), d, d)).max() < 1e-12
    with mpmath.workdps(DIGITS):
        reference = as_array(exact(drift, terms, jumps, [mpmath.mpf(x) for x in params]))
    assert np.abs(ours - reference).max() < 1e-12


def test_the_generator_at_the_exceptional_point_can_not_be_diagonalised():
    """A drive at a quarter of the decay rate, where the damped oscillation of (y, z) becomes a decay."""
    channel, values = lindblad_of(*EQUATIONS["exceptional point"])
    eigenvalues, vectors = np.linalg.eig(channel.generator(values[1:]))
    assert np.linalg.cond(vectors) > 1e7
    assert np.sort(np.abs(eigenvalues + 0.75))[:2] == pytest.approx(0, abs=1e-7)


SLOW = {"qutrit": pytest.mark.slow, "stiff ladder": pytest.mark.slow}


@pytest.mark.parametrize("name", [pytest.param(name, marks=SLOW.get(name, ())) for name in EQUATIONS])
def test_lindblad_derivatives_are_differences_in_60_digits(name):
    drift, terms, jumps, params = EQUATIONS[name]
    channel, values = lindblad_of(*EQUATIONS[name])
    ours = channel.superoperator_derivatives(values)
    assert ours.shape == (len(params), len(drift) ** 2, len(drift) ** 2)
    for k in range(len(params)):
        reference = exact_derivative(drift, terms, jumps, params, k)
        assert np.abs(reference).max() > 1e-8
        assert np.abs(ours[k] - reference).max() < 1e-9 * np.abs(reference).max(), (k, np.abs(reference).max())


def test_lindblad_at_time_zero_and_at_rates_zero():
    drift, terms, jumps, _ = EQUATIONS["qubit"]
    channel, values = lindblad_of(drift, terms, jumps, [0.0, 0.9, -0.4, 0.3, 0.1])
    assert np.array_equal(channel.superoperator(values), np.eye(4))
    derivatives = channel.superoperator_derivatives(values)
    with mpmath.workdps(DIGITS):
        held = to_mp(drift), [to_mp(m) for m in terms], [to_mp(m) for m in jumps]
        generator = as_array(exact_generator(*held, [mpmath.mpf(x) for x in values[1:]]))
    assert np.abs(derivatives[0] - generator).max() < 1e-15
    assert not derivatives[1:].any()
    values = np.array([1.3, 0.9, -0.4, 0.0, 0.0])
    u = (-1j * 1.3 * qutip.Qobj(drift + 0.9 * terms[0] - 0.4 * terms[1])).expm()
    assert np.abs(channel.superoperator(values) - np.kron(u.full(), u.full().conj())).max() < 1e-14
    assert process_fidelity(as_process(channel(*values, 0)), u) == pytest.approx(1, abs=1e-13)
    slope = channel.superoperator_derivatives(values)[3]  # of a rate at its end
    reference = exact_derivative(drift, terms, jumps, values, 3)
    assert np.abs(reference).max() > 0.1
    assert np.abs(slope - reference).max() < 1e-13


def test_lindblad_on_one_dimension_does_nothing():
    channel = Lindblad({"h": [[1.0]]}, {"g": [[2.0]]})
    values = np.array([3.0, 0.5, 0.7])
    assert channel.superoperator(values) == pytest.approx(1, abs=1e-15)
    assert channel.superoperator_derivatives(values) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(
    ("equation", "known"),
    [
        (Lindblad(jumps={"g": LOWER})(-math.log(0.7), 1.0, 0), channels.AmplitudeDamping(0.3, 0)),
        (Lindblad(jumps={"g": Z})(-math.log(0.8) / 2, 1.0, 0), channels.PhaseFlip(0.1, 0)),
    ],
    ids=["decay", "dephasing"],
)
def test_lindblad_is_the_named_channel(equation, known):
    one, other = as_process(equation), as_process(known)
    assert np.abs(one.choi.matrix() - other.choi.matrix()).max() < 1e-15
    assert process_fidelity(one, as_process(channels.Reset(0))) < 0.9
