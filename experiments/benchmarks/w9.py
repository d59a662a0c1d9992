"""W9: processes learnt from counts: a gate set of one qubit from long words (variant `gates`, the size is the longest
power of a germ), and single processes of one and two qubits from all Pauli settings (variant `process`).

`gates`: 1000 shots of each word of fiducial, power of a germ, fiducial, of gates depolarized by a percent that turn a
little too far. A call ends with the gates in the gauge next to the ideal ones. `process`: 1000 shots of each of the
12^n settings, of a damped root of X and of a depolarized CNOT. The fitters of qiskit-experiments minimise squares, not
the likelihood: all agree within 0.005 nats a shot, and what they lack is told in nats by
``python experiments/benchmarks/w9.py RECORD.json``, a record of ``run.py W9 --json RECORD.json``. They keep the trace
only nearly (0.14 leaves the imaginary part of Tr_out J = 1/d free), so that the probabilities of each setting are
divided by their sum before likelihoods are compared.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Callable
from functools import cache, reduce
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from workload import Task, Workload

SHOTS = 1000
GATES, PROCESS = "gates", "process"
WORKLOAD = Workload(
    "processes of maximum likelihood: a gate set from long words; one process, all Pauli settings",
    "seconds an estimate",
    sizes=(1, 2),
    variants=(GATES, PROCESS),
    sizes_of={GATES: (64,)},
    tolerance=5e-3,
)
FIDUCIALS = ("", "x", "y", "xx", "xxx", "yyy")
GERMS = ("i", "x", "y", "xy", "xxy", "xyy", "xyi", "xiy", "xii", "yii", "xyyi", "xxyxyy")
ERROR, TURNS, READOUT = 0.01, {"i": 0.0, "x": np.pi / 2 + 0.01, "y": np.pi / 2 - 0.007}, 0.002
LEAST = 1e-12  # of a probability: what linear inversion gives may be negative


class GateSet(NamedTuple):
    """Pauli transfer matrices of the gates, Tr(P rho) of the preparation, Tr(P M_k) / 2 of the measurement."""

    gates: dict[str, np.ndarray]
    start: np.ndarray
    ends: np.ndarray

    def probabilities(self, words: list[str]) -> np.ndarray:
        return np.array([self.ends @ reduce(lambda v, g: self.gates[g] @ v, word, self.start) for word in words])


def turn(letter: str) -> np.ndarray:
    """A rotation about X or Y, in radians, that is depolarized."""
    c, s = np.cos(TURNS[letter]), np.sin(TURNS[letter])
    r = np.eye(4)
    if letter != "i":
        a, b = {"x": (2, 3), "y": (3, 1)}[letter]
        r[np.ix_([a, b], [a, b])] = [[c, -s], [s, c]]
    r[1:] *= 1 - ERROR
    return r


def words_up_to(longest: int) -> list[str]:
    """Fiducial, power of a germ of at most 1, 2, 4, ... gates, fiducial; the first gate leftmost."""
    powers = [2**k for k in range(longest.bit_length()) if 2**k <= longest]
    middles = ["", *(germ * (length // len(germ)) for length in powers for germ in GERMS if length >= len(germ))]
    return list(dict.fromkeys(a + middle + b for middle in middles for a in FIDUCIALS for b in FIDUCIALS))


class Words(NamedTuple):
    """Words, and counts (words, 2) of both outcomes."""

    words: list[str]
    counts: np.ndarray


@cache
def of_words(longest: int) -> Words:
    half = np.array([1, 0, 0, 1 - 2 * READOUT]) / 2
    truth = GateSet({g: turn(g) for g in TURNS}, 2 * half, np.array([half, [1, 0, 0, 0] - half]))
    words = words_up_to(longest)
    return Words(words, np.random.default_rng([9, longest]).multinomial(SHOTS, truth.probabilities(words)))


def minus_log_likelihood(p: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Of a shot, in nats; p (settings, outcomes)."""
    p = np.maximum(p, LEAST)
    p = p / p.sum(axis=1, keepdims=True)
    return np.array([-float((counts * np.log(p)).sum() / counts.sum())])


def gate_set(longest: int, solve: Callable[[Words], tuple[GateSet, dict[str, float]]]) -> Task:
    """All must agree on the log-likelihood of the gate set that they return."""
    given = of_words(longest)
    return Task(
        lambda: solve(given),
        lambda found: minus_log_likelihood(found[0].probabilities(given.words), given.counts),
        lambda found: found[1],
    )


def qml_gates(longest: int) -> Task:
    from qml.measurement import Counts
    from qml.processes import Experiments, xyi_gate_set
    from qml.tomography import gate_set_tomography

    given = of_words(longest)
    words = [tuple(f"G{letter}" for letter in word) for word in given.words]
    counts = Counts(Experiments.product(words, {"rho": [1.0, 0.0]}, xyi_gate_set().measurements), given.counts)

    def solve(_: Words) -> tuple[GateSet, dict[str, float]]:
        since = time.perf_counter()
        result = gate_set_tomography(xyi_gate_set(), counts).raise_if_failed()
        fitted = time.perf_counter()
        fixed = result.in_gauge()
        gates = {letter: fixed.gates[f"G{letter}"] for letter in TURNS}
        found = GateSet(gates, fixed.preparations["rho"], fixed.measurements["Z"])
        return found, {"fit": fitted - since, "gauge": time.perf_counter() - fitted}

    return gate_set(longest, solve)


@WORKLOAD.by("pygsti", variants=(GATES,))
def pygsti(longest: int, variant: str) -> Task:
    """StandardGST, "full TP": least squares on ever longer words, then the likelihood, then the gauge."""
    import pygsti
    from pygsti.modelpacks import smq1Q_XYI as pack

    given = of_words(longest)
    names = {(): "i", ("Gxpi2", 0): "x", ("Gypi2", 0): "y"}
    labels = {letter: label for label, letter in names.items()}
    design = pack.create_gst_experiment_design(longest, fpr=False, lite=False)
    rows = dict(zip(given.words, given.counts.tolist(), strict=True))
    data = pygsti.data.DataSet(outcome_labels=["0", "1"])
    for circuit in design.all_circuits_needing_data:
        zero, one = rows.pop("".join(names[tuple(label)] for label in circuit.layertup))
        data.add_count_dict(circuit, {("0",): zero, ("1",): one})
    assert not rows, "words that pyGSTi does not ask for"
    data.done_adding_data()
    experiment = pygsti.protocols.ProtocolData(design, data)

    def solve(_: Words) -> tuple[GateSet, dict[str, float]]:
        protocol = pygsti.protocols.StandardGST(modes=("full TP",), verbosity=0)
        estimate = protocol.run(experiment, disable_checkpointing=True).estimates["full TP"]
        model, timers = estimate.models["stdgaugeopt"], estimate.parameters["profiler"].timers

        def dense(member: Any) -> np.ndarray:
            return np.real(member.to_dense("HilbertSchmidt"))

        gates = {letter: dense(model.operations[label]) for letter, label in labels.items()}
        ends = np.array([dense(model.povms["Mdefault"][k]) for k in ("0", "1")]) / np.sqrt(2)
        seconds = {
            "fit": float(timers["GST: total iterative optimization"]),
            "gauge": float(timers["full TP: gauge optimization"]),
        }
        return GateSet(gates, dense(model.preps["rho0"]) * np.sqrt(2), ends), seconds

    return gate_set(longest, solve)


X, Y, Z = (np.array(m) for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]))
EFFECTS = np.array([[(np.eye(2) + sign * p) / 2 for sign in (1, -1)] for p in (X, Y, Z)])  # (basis, outcome, 2, 2)
INPUTS = EFFECTS[[2, 2, 0, 1], [0, 1, 0, 0]][:, None]  # Z+, Z-, X+, Y+


def beside(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Kronecker products of all members of two stacks (settings, outcomes, d, d), those of the first slowest."""
    shape = [m * n for m, n in zip(a.shape, b.shape, strict=True)]
    return np.einsum("skij,tlmn->stklimjn", a, b).reshape(shape)


class Settings(NamedTuple):
    """d rho^T (x) M (settings, outcomes, 4^n, 4^n) of all preparations and Pauli settings, and counts."""

    operators: np.ndarray
    counts: np.ndarray

    def probabilities(self, choi: np.ndarray) -> np.ndarray:
        return np.einsum("skij,ji->sk", self.operators, choi, optimize=True).real


def true_choi(n: int) -> np.ndarray:
    """The root of X, damped by 0.05; CNOT, depolarized by 0.03. Input sites first, unit trace."""
    if n == 1:
        root = ((1 + 1j) * np.eye(2) + (1 - 1j) * X) / 2
        kraus = [np.diag([1, np.sqrt(0.95)]) @ root, np.sqrt(0.05) * np.array([[0, 1], [0, 0]]) @ root]
    else:
        kraus = [np.eye(4)[[0, 1, 3, 2]]]
    vectors = np.array([k.T.ravel() for k in kraus])
    choi = vectors.T @ vectors.conj() / 2**n
    return choi if n == 1 else 0.97 * choi + 0.03 * np.eye(16) / 16


@cache
def of_settings(n: int) -> Settings:
    inputs, effects = (reduce(beside, [stack] * n) for stack in (INPUTS, EFFECTS))
    given = Settings(2**n * beside(inputs.swapaxes(-1, -2), effects), np.empty(0))
    p = np.clip(given.probabilities(true_choi(n)), 0, 1)
    return given._replace(counts=np.random.default_rng([10, n]).multinomial(SHOTS, p / p.sum(axis=1, keepdims=True)))


def process(n: int, solve: Callable[[Settings], Any]) -> Task:
    """Fingerprint: how likely the Choi matrix returned is."""
    given = of_settings(n)
    return Task(lambda: solve(given), lambda j: minus_log_likelihood(given.probabilities(np.asarray(j)), given.counts))


@WORKLOAD.by("qml", "numpy", "scipy")
def qml(n: int, variant: str) -> Task:
    if variant == GATES:
        return qml_gates(n)
    from qml.measurement import Counts, PauliMeasurement
    from qml.processes import ProcessMeasurement
    from qml.tomography import process_tomography

    measurement = ProcessMeasurement(n, PauliMeasurement(n))

    def solve(given: Settings) -> np.ndarray:
        return process_tomography(Counts(measurement, given.counts)).raise_if_failed().state.matrix()

    return process(n, solve)


def fitted(n: int, name: str, **options: Any) -> Task:
    """By a fitter of qiskit-experiments, then what `ProcessTomography` makes of it: the nearest positive matrix."""
    from qiskit_experiments.library.tomography import basis, fitters

    axes = np.array(list(itertools.product(range(3), repeat=n)))
    ours = np.where(axes == 2, 0, axes + 1)  # its order is Z, X, Y; that of preparations Z+, Z-, X+, Y+ as here
    inputs = np.array(list(itertools.product(range(4), repeat=n)))
    chosen = np.repeat(inputs, len(ours), axis=0), np.tile(ours, (len(inputs), 1))
    qubits, back = tuple(range(n)), [*range(n)][::-1]

    def solve(given: Settings) -> np.ndarray:
        shots = given.counts.sum(axis=1)
        outcomes = given.counts.reshape(-1, *(2,) * n).transpose(0, *range(n, 0, -1)).reshape(1, len(shots), -1)
        fit, about = getattr(fitters, name)(
            outcomes, shots, chosen[1], chosen[0],
            measurement_basis=basis.PauliMeasurementBasis(), preparation_basis=basis.PauliPreparationBasis(),
            measurement_qubits=qubits, preparation_qubits=qubits, **options,
        )  # fmt: skip
        j = np.asarray(fitters.postprocess_fitter(fit, about, make_positive=True, qpt=True)[0][0].data)
        half = back + [n + q for q in back]  # its last qubit comes first
        return j.reshape((2,) * 4 * n).transpose(half + [2 * n + q for q in half]).reshape(4**n, 4**n) / 2**n

    return process(n, solve)


@WORKLOAD.by("cvxpy", variants=(PROCESS,))
def clarabel(n: int, variant: str) -> Task:
    """By hand: the likelihood itself as a cone program over all processes, by cvxpy and its interior-point solver."""
    import cvxpy

    d = 2**n

    def solve(given: Settings) -> np.ndarray:
        seen = given.counts.ravel() > 0
        rows = given.operators.swapaxes(-1, -2).reshape(len(seen), -1)[seen]
        real, imag = cvxpy.Variable((d * d, d * d), symmetric=True), cvxpy.Variable((d * d, d * d))
        p = rows.real @ cvxpy.vec(real, order="C") - rows.imag @ cvxpy.vec(imag, order="C")
        limits = [imag == -imag.T, cvxpy.bmat([[real, -imag], [imag, real]]) >> 0]
        for i, j in itertools.combinations_with_replacement(range(d), 2):
            block = np.s_[i * d : (i + 1) * d, j * d : (j + 1) * d]
            limits += [cvxpy.trace(real[block]) == (i == j) / d, cvxpy.trace(imag[block]) == 0]
        shares = given.counts.ravel()[seen] / given.counts.sum()
        cvxpy.Problem(cvxpy.Maximize(shares @ cvxpy.log(p)), limits).solve(solver="CLARABEL")
        return np.asarray(real.value + 1j * imag.value)

    return process(n, solve)


@WORKLOAD.by("qiskit_experiments", "cvxpy", variants=(PROCESS,))
def gaussian_lstsq(n: int, variant: str) -> Task:
    """Squares weighted by their variances, positive and (nearly) trace preserving, by cvxpy and SCS."""
    return fitted(n, "cvxpy_gaussian_lstsq", trace_preserving=True)


@WORKLOAD.by("qiskit_experiments", "cvxpy", variants=(PROCESS,))
def linear_lstsq(n: int, variant: str) -> Task:
    """The same without weights."""
    return fitted(n, "cvxpy_linear_lstsq", trace_preserving=True)


@WORKLOAD.by("qiskit_experiments", variants=(PROCESS,))
def linear_inversion(n: int, variant: str) -> Task:
    """What `ProcessTomography` does by default; its result need not preserve the trace."""
    return fitted(n, "linear_inversion")


def nats(record: dict[str, Any]) -> list[str]:
    """A table of log-likelihoods and times of a record of a run."""
    lines = ["| variant | n | by | log-likelihood | below the best | time |", "|---" * 6 + "|"]
    cells = [c for c in record["cells"] if c["fingerprint"] and c["seconds"]]
    for c in cells:
        gates = c["variant"] == GATES
        counts = of_words(c["size"]).counts if gates else of_settings(c["size"]).counts
        best = min(o["fingerprint"][0] for o in cells if (o["variant"], o["size"]) == (c["variant"], c["size"]))
        value, total = c["fingerprint"][0], counts.sum()
        lines.append(
            f"| {c['variant']} | {c['size']} | {c['implementation']} | {-value * total:.4f} | "
            f"{(value - best) * total:.2g} | {1e3 * c['seconds']['median']:.3g} ms |"
        )
    return lines


def main() -> None:
    """Print how likely the answers of a run are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("record", type=Path, help="what run.py W9 --json wrote")
    print("\n".join(nats(json.loads(parser.parse_args().record.read_text(encoding="utf-8")))))


if __name__ == "__main__":
    main()
