r"""W10: all first derivatives of log Z of a long critical Ising chain at beta = 1, with matrix-product states. Variants
are the errors that are asked for.

.. math:: K = -\sum_i Z_i Z_{i+1} - \sum_i X_i, \qquad
    \langle Z_i Z_{i+1} \rangle, \langle X_i \rangle \quad \text{in} \quad e^{-K}/Z

A call is one gradient of a quantum Boltzmann machine, from its parameters to the 2n - 1 expectations. They are known
exactly, by free fermions. Each peer has the cheapest settings, found by hand at n = 50, whose largest error is below
the one asked for; the harness compares errors in units of that. Error and time of a record of ``run.py W10 --json
RECORD.json`` on one plot: ``python experiments/benchmarks/w10.py RECORD.json --figure w10.svg``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from workload import Task, Workload

BETA = 1.0
ERRORS = ("1e-3", "1e-5", "1e-7", "1e-9")
WORKLOAD = Workload(
    "expectations of the critical Ising chain at beta = 1, to a given error",
    "seconds a gradient",
    sizes=(20, 50),
    variants=ERRORS,
    tolerance=2.0,
)
X, Z = np.array([[0.0, 1.0], [1.0, 0.0]]), np.diag([1.0, -1.0])
ON_BOND = np.kron(np.kron(Z, np.eye(2)), np.kron(Z, np.eye(2)))  # each qubit with the ancilla that purifies it
ON_SITE = np.kron(X, np.eye(2))
PAIR = np.eye(2).ravel() / np.sqrt(2)  # a qubit at infinite temperature


def exact(n: int) -> np.ndarray:
    """<Z_i Z_{i+1}>, then <X_i>, from the singular values of the couplings of Majorana operators; Pfeuty (1970)."""
    u, s, vt = np.linalg.svd(np.eye(n) - np.eye(n, k=-1))
    c = (u * np.tanh(BETA * s)) @ vt
    return np.concatenate([-np.diagonal(c, -1), np.diagonal(c)])


def labels(n: int) -> list[str]:
    """The strings, in the same order."""
    bonds = ["I" * i + "ZZ" + "I" * (n - i - 2) for i in range(n - 1)]
    return bonds + ["I" * i + "X" + "I" * (n - i - 1) for i in range(n)]


def gradient(n: int, variant: str, solve: Callable[[], np.ndarray]) -> Task:
    """Fingerprint: the errors of all expectations, in units of the one asked for. Seconds of the processor are kept."""

    def run() -> tuple[np.ndarray, float]:
        since = time.process_time()
        return np.asarray(solve()), time.process_time() - since

    return Task(run, lambda found: (found[0] - exact(n)) / float(variant), lambda found: {"processor": found[1]})


@WORKLOAD.by("qml", "numpy", "scipy")
def qml(n: int, variant: str) -> Task:
    """The engine of a LargeGibbsModel for chains, asked for that error."""
    from qml import pauli
    from qml.engines import ChainEngine
    from qml.operators import tfim

    hamiltonian, generators = BETA * tfim(n), [pauli(label) for label in labels(n)]
    engine = ChainEngine(tolerance=float(variant))
    return gradient(n, variant, lambda: engine.thermal(hamiltonian, generators).values)


# Blanes and Moan (2002), J. Comput. Appl. Math. 142, 313: fourth order, exp(a_1 A) exp(b_1 B) exp(a_2 A) ..., symmetric
SHARES_A = (0.0792036964311957, 0.353172906049774, -0.0420650803577195)
SHARES_B = (0.209515106613362, -0.143851773179818)


def layers(steps: int) -> list[tuple[int, float]]:
    """The parity of the bonds of each layer of gates, and its imaginary time; the last of a step joins the next."""
    a = [*SHARES_A, 1 - 2 * sum(SHARES_A), *SHARES_A[::-1]]
    b = [*SHARES_B, 0.5 - sum(SHARES_B), 0.5 - sum(SHARES_B), *SHARES_B[::-1]]
    found: list[tuple[int, float]] = []
    for k in [*range(13)] * steps:
        before = found.pop()[1] if found and k == 0 else 0.0
        found.append((k % 2, before + (b if k % 2 else a)[k // 2] * BETA / (2 * steps)))
    return found


class Purification:
    """A normalised matrix-product state (left, qubit and ancilla, right) that is canonical about its centre."""

    def __init__(self, n: int) -> None:
        self.tensors = [PAIR.reshape(1, 4, 1)] * n

    def theta(self, i: int) -> np.ndarray:
        """Both tensors of a bond (left, 16, right)."""
        both = np.tensordot(self.tensors[i], self.tensors[i + 1], 1)
        return both.reshape(len(both), 16, -1)

    def act(self, i: int, gate: np.ndarray, right: bool, cutoff: float) -> None:
        """Apply a gate to a bond of which one site is the centre; the centre is its right site then, or its left one.

        The squares of the singular values left out add up to less than `cutoff`."""
        theta = gate @ self.theta(i)
        u, s, v = np.linalg.svd(theta.reshape(4 * len(theta), -1), full_matrices=False)
        rest = np.cumsum(s[::-1] ** 2)[::-1]
        kept = int((rest > cutoff * rest[0]).sum())
        u, s, v = u[:, :kept], s[:kept] / np.linalg.norm(s[:kept]), v[:kept]
        u, v = (u, s[:, None] * v) if right else (u * s, v)
        self.tensors[i : i + 2] = u.reshape(-1, 4, kept), v.reshape(kept, 4, -1)

    def move(self, i: int, right: bool) -> None:
        """The centre from one site of a bond to the other."""
        left, other = self.tensors[i : i + 2]
        if right:
            q, r = np.linalg.qr(left.reshape(-1, left.shape[2]))
            self.tensors[i : i + 2] = q.reshape(len(left), 4, -1), np.tensordot(r, other, 1)
        else:
            q, r = np.linalg.qr(other.reshape(len(other), -1).T)
            self.tensors[i : i + 2] = np.tensordot(left, r.T, 1), q.T.reshape(-1, 4, other.shape[2])

    def expectations(self, right: bool) -> np.ndarray:
        """Those of every bond, then of every site, in a sweep from one end, where the centre is, to the other."""
        n, bonds, sites = len(self.tensors), {}, {}
        for i in range(n - 1) if right else range(n - 2, -1, -1):
            theta = self.theta(i)
            bonds[i] = float((theta * (ON_BOND @ theta)).sum())
            ends = {i: np.kron(ON_SITE, np.eye(4)), i + 1: np.kron(np.eye(4), ON_SITE)}
            sites |= {j: float((theta * (on_end @ theta)).sum()) for j, on_end in ends.items()}
            self.move(i, right)
        return np.array([bonds[i] for i in range(n - 1)] + [sites[i] for i in range(n)])


@WORKLOAD.by("numpy")
def numpy(n: int, variant: str) -> Task:
    """By hand: the gates of a layer as the centre sweeps over it and back."""
    steps, cutoff = {"1e-3": (1, 1e-6), "1e-5": (2, 3e-10), "1e-7": (5, 1e-16), "1e-9": (16, 1e-20)}[variant]

    def bond(i: int) -> np.ndarray:
        left, right = (1.0 if i == 0 else 0.5), (1.0 if i == n - 2 else 0.5)
        return -ON_BOND - left * np.kron(ON_SITE, np.eye(4)) - right * np.kron(np.eye(4), ON_SITE)

    def solve() -> np.ndarray:
        levels = {i: np.linalg.eigh(bond(i)) for i in {0, min(1, n - 2), n - 2}}
        psi, right = Purification(n), True
        for parity, beta in layers(steps):
            gates = {i: (v * np.exp(-beta * w)) @ v.T for i, (w, v) in levels.items()}
            for i in range(n - 1) if right else range(n - 2, -1, -1):
                if i % 2 == parity:
                    psi.act(i, gates.get(i, gates[min(1, n - 2)]), right, cutoff)
                else:
                    psi.move(i, right)
            right = not right
        return psi.expectations(right)

    return gradient(n, variant, solve)


@WORKLOAD.by("quimb")
def quimb(n: int, variant: str) -> Task:
    """Its TEBD of fourth order in imaginary time, each qubit and its ancilla one site of dimension 4."""
    import quimb.tensor as qtn

    steps, cutoff = {"1e-3": (1, 1e-7), "1e-5": (4, 1e-10), "1e-7": (12, 1e-15), "1e-9": (40, 1e-20)}[variant]

    def solve() -> np.ndarray:
        hamiltonian, start = qtn.LocalHam1D(n, -ON_BOND, -ON_SITE), qtn.MPS_product_state([PAIR] * n)
        options = {"cutoff": cutoff, "cutoff_mode": "rsum2"}
        tebd = qtn.TEBD(start, hamiltonian, imag=True, progbar=False, split_opts=options)
        tebd.update_to(BETA / 2, dt=BETA / 2 / steps, order=4)
        terms = {(i, i + 1): ON_BOND for i in range(n - 1)} | dict.fromkeys(range(n), ON_SITE)
        found = tebd.pt.compute_local_expectation(terms, route="canonical", return_all=True)
        return np.array([found[where] for where in terms]).real

    return gradient(n, variant, solve)


def of_tenpy(n: int, variant: str, cool: Callable[[Any, Any, float], None]) -> Task:
    """cool(psi, model, beta / 2) is what makes exp(-K / 2) of a purification at infinite temperature."""
    from tenpy.linalg import np_conserved
    from tenpy.models.tf_ising import TFIChain
    from tenpy.networks.purification_mps import PurificationMPS

    def solve() -> np.ndarray:
        model = TFIChain({"L": n, "J": 1.0, "g": 1.0, "bc_MPS": "finite", "conserve": None})  # of X X and of Z
        psi = PurificationMPS.from_infiniteT(model.lat.mps_sites(), bc="finite")
        cool(psi, model, BETA / 2)
        x = psi.sites[0].get_op("Sigmax")
        bond = np_conserved.outer(*(x.replace_labels(["p", "p*"], [f"p{k}", f"p{k}*"]) for k in (0, 1)))
        axes = ["p0", "p1"], ["p0*", "p1*"]
        bonds = psi.expectation_value(bond, sites=list(range(n - 1)), axes=axes)
        return np.concatenate([bonds, psi.expectation_value("Sigmaz")]).real

    return gradient(n, variant, solve)


@WORKLOAD.by("tenpy", variants=("1e-3", "1e-5"))
def tenpy(n: int, variant: str) -> Task:
    """PurificationTEBD, in imaginary time of second order: two digits more cost ten times the steps. No parity is kept,
    since its blocks are too small to pay."""
    from tenpy.algorithms.purification import PurificationTEBD

    steps, least = {"1e-3": (5, 1e-4), "1e-5": (46, 3e-6)}[variant]

    def cool(psi: Any, model: Any, beta: float) -> None:
        truncation = {"chi_max": 400, "svd_min": least, "trunc_cut": least}
        PurificationTEBD(psi, model, {"trunc_params": truncation, "dt": beta / steps}).run_imaginary(beta)

    return of_tenpy(n, variant, cool)


@WORKLOAD.by("tenpy", variants=("1e-3",))
def tenpy_mpo(n: int, variant: str) -> Task:
    """W_II in two complex steps, that is of second order, by PurificationApplyMPO."""
    from tenpy.algorithms.purification import PurificationApplyMPO

    steps, least = 5, 1e-4

    def cool(psi: Any, model: Any, beta: float) -> None:
        parts = [model.H_MPO.make_U_II(-beta / steps * half) for half in (0.5 + 0.5j, 0.5 - 0.5j)]
        truncation = {"chi_max": 400, "svd_min": least, "trunc_cut": least}
        engine = PurificationApplyMPO(psi, parts[0], {"trunc_params": truncation})
        for part in parts * steps:
            engine.init_env(part)
            engine.run()

    return of_tenpy(n, variant, cool)


@WORKLOAD.by("qbm", "quimb", variants=("1e-3", "1e-5"))
def qbmkit(n: int, variant: str) -> Task:
    """Its purified matrix-product states, of second order; 1e-5 is what its 100 steps by default reach."""
    from qbm.backends.tensor_network import TensorNetworkBackend
    from qbm.models import FullyVisibleQBM

    steps, cutoff = {"1e-3": (10, 1e-9), "1e-5": (100, 1e-13)}[variant]
    backend = TensorNetworkBackend(trotter_steps=steps, cutoff=cutoff)
    model = FullyVisibleQBM(generators=labels(n), theta=np.full(2 * n - 1, -BETA), backend=backend)
    return gradient(n, variant, lambda: model.state().generator_expectations())


class Point(NamedTuple):
    """What one implementation reached: the largest error, and in how many seconds, of a processor or by the clock."""

    name: str
    n: int
    variant: str
    error: float
    seconds: float
    of: str


def points(record: dict[str, Any]) -> list[Point]:
    """Those of all that finished, in the order of the record. Of the first call only the time by the clock is known."""
    found = []
    for c in record["cells"]:
        if c["fingerprint"]:
            error = float(c["variant"]) * max(map(abs, c["fingerprint"]))
            spent = [part["processor"] for part in c["parts_s"]]
            time_of = (statistics.median(spent), "") if spent else (c["first_s"], " by the clock")
            found.append(Point(c["implementation"], c["size"], c["variant"], error, *time_of))
    return found


def table(record: dict[str, Any]) -> list[str]:
    lines = ["| n | asked for | by | largest error | processor |", "|---" * 5 + "|"]
    return lines + [
        f"| {p.n} | {p.variant} | {p.name} | {p.error:.1e} | {p.seconds:.2g} s{p.of} |" for p in points(record)
    ]


def draw(record: dict[str, Any], path: Path) -> None:
    """Seconds of a processor against error, both logarithmic, at the largest size of the record."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    found = points(record)
    n = max(p.n for p in found)
    figure, axis = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    for name in dict.fromkeys(p.name for p in found):
        line = sorted((p.error, p.seconds) for p in found if (p.name, p.n) == (name, n))
        style = {"color": "black", "linewidth": 2.4, "zorder": 3} if name == "qml" else {"linewidth": 1.3}
        axis.plot(*zip(*line, strict=True), marker="o", markersize=4, label=name, **style)
    axis.set(
        xscale="log",
        yscale="log",
        xlabel="largest error of an expectation",
        ylabel=f"{record['quantity']}, one processor",
    )
    axis.invert_xaxis()
    axis.grid(color="0.9", linewidth=0.8)
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right center", frameon=False)
    figure.suptitle(f"W10: critical Ising chain, n = {n}, beta = {BETA:g}", fontsize=11, x=0.01, ha="left")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    """Print error and time of a run, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("record", type=Path, help="what run.py W10 --json wrote")
    parser.add_argument("--figure", type=Path, help="draw time against error here (.svg, .png, .pdf)")
    asked = parser.parse_args()
    record = json.loads(asked.record.read_text(encoding="utf-8"))
    print("\n".join(table(record)))
    if asked.figure is not None:
        draw(record, asked.figure)


if __name__ == "__main__":
    main()
