"""Valid arguments of the public API, by the names of the parameters: what the attack on it starts from."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import qml
from qml.optimizers.base import evaluate


def rng() -> np.random.Generator:
    """A generator, the same every time."""
    return np.random.default_rng(0)


def counts() -> qml.Counts:
    """The record of a qubit measured along two axes."""
    return qml.Counts(qml.PauliMeasurement(["X", "Z"]), [[60, 40], [80, 20]])


def circuit() -> qml.Circuit:
    """Two qubits, two parameters."""
    return qml.Circuit(2, [qml.gates.RY("a", 0), qml.gates.RY("b", 1), qml.gates.CNOT(0, 1)])


def model() -> qml.GibbsModel:
    """Of one qubit."""
    return qml.GibbsModel([qml.pauli("X"), qml.pauli("Z")])


def pair() -> qml.DensityMatrix:
    """A batch of two qubits."""
    return qml.DensityMatrix([np.eye(2) / 2, np.diag([0.25, 0.75])])


def plus() -> qml.DensityMatrix:
    """A mixed qubit."""
    return qml.DensityMatrix([[0.6, 0.2], [0.2, 0.4]])


@cache
def tomogram() -> qml.tomography.TomographyResult:
    """The state of largest likelihood of a qubit measured along three axes."""
    record = qml.Counts(qml.PauliMeasurement(1), [[60, 40], [50, 50], [80, 20]])
    return qml.tomography.maximum_likelihood(record)


@cache
def fitted() -> qml.FitResult:
    """The fit of a model to a record."""
    return qml.fit(model(), counts(), seed=0, max_iterations=5)


@cache
def learnt() -> qml.models.EMResult:
    """A model with a hidden unit after some rounds of expectation and maximisation."""
    return qml.quantum_em(qml.HiddenGibbsModel(["ZZ", "IX"]), plus(), seed=0, max_iterations=20)


def process() -> qml.Process:
    """A damped qubit."""
    return qml.processes.as_process(qml.channels.AmplitudeDamping(0.2, 0))


def words() -> qml.processes.Experiments:
    """Two words of one gate."""
    return qml.processes.Experiments([("0", ("G",), "Z"), ("0", ("G", "G"), "Z")], {"0": [1.0, 0.0]}, Z)


def gate_set() -> qml.processes.GateSetModel:
    """One gate, nothing else learnt."""
    return qml.processes.GateSetModel({"G": qml.Circuit(1, [qml.gates.RX("a", 0), qml.channels.BitFlip("b", 0)])})


def word_counts() -> qml.Counts:
    """The record of the two words."""
    return qml.Counts(words(), [[60, 40], [20, 80]])


@cache
def gates_found() -> qml.tomography.GateSetResult:
    """The gate set of largest likelihood of the two words."""
    model = qml.processes.GateSetModel({"G": qml.gates.X}, preparations={"0": [1.0, 0.0]})
    return qml.tomography.gate_set_tomography(model, word_counts())


@cache
def nested() -> tuple[qml.FitResult, qml.FitResult]:
    """Fits of a model and of one with a parameter more."""
    smaller, larger = qml.Circuit(1, [qml.gates.RY("a", 0)]), qml.Circuit(1, [qml.gates.RY("a", 0), FLIP])
    first, second = (qml.fit(qml.CircuitModel(c), counts(), seed=0, progress=False) for c in (smaller, larger))
    return first, second


def iteration() -> qml.fitting.Iteration:
    """What a callback of a fit is given."""
    seen: list[qml.fitting.Iteration] = []
    qml.fit(model(), counts(), seed=0, max_iterations=1, callbacks=[seen.append])
    return seen[-1]


@cache
def verdict() -> qml.principle.Verdict:
    """The second statement, checked on some pairs."""
    return qml.principle.check(2, pairs=10)


def chain() -> qml.ChainGibbsModel:
    """Of one qubit."""
    return qml.ChainGibbsModel([qml.pauli("X"), qml.pauli("Z")])


def study() -> qml.Study:
    """Of one qubit and one fit."""
    return qml.Study(TARGET, FITS)


FILES = tempfile.mkdtemp()
"""Where files for reading stand until the process ends."""
atexit.register(shutil.rmtree, FILES)


def written(name: str) -> Path:
    """A file of that name that can be read."""
    path = Path(FILES) / name
    if name == "run":
        return path if path.exists() else study().run(path, quiet=True).folder
    if not path.exists():
        made = {"state.npz": plus, "fit.npz": fitted, "em.npz": learnt, "study.yaml": study, "chain.npz": chain}
        made["process.npz"] = process
        held = made.get(name, counts)()
        if name == "pygsti.txt":
            qml.io.write_pygsti(word_counts(), path, gates={"Gx:0": "G"})
            return path
        {".npz": held.save, ".yaml": held.save, ".json": counts().write_json, ".csv": counts().write_csv}[path.suffix](
            path
        )
    return path


Z = {"Z": [np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]}
FLIP = qml.channels.BitFlip("p", 0)
TARGET = {"kind": "probabilities", "values": [0.6, 0.4]}
FITS = [{"name": "a", "model": {"kind": "gibbs", "generators": {"kind": "strings", "labels": ["Z"]}}}]
LIKELIHOODS = ("Bernoulli", "Gaussian", "Laplace")
NETWORK = ("outputs", "outputs_vjp", "value_and_gradient", "train")


EXAMPLES: dict[str, Callable[[], Any]] = {
    # numbers
    "n": lambda: 2,
    "d": lambda: 2,
    "n_qubits": lambda: 1,
    "n_sites": lambda: 1,
    "n_visible": lambda: 1,
    "n_hidden": lambda: 1,
    "n_ancilla": lambda: 1,
    "n_ancillas": lambda: 1,
    "n_inputs": lambda: 1,
    "n_params": lambda: 2,
    "n_controls": lambda: 1,
    "layers": lambda: 1,
    "rows": lambda: 2,
    "columns": lambda: 2,
    "number": lambda: 1,
    "numbers": lambda: [1],
    "pairs": lambda: 10,
    "count": lambda: 2,
    "steps": lambda: 2,
    "order": lambda: 2,
    "classes": lambda: 2,
    "copies": lambda: 4,
    "levels": lambda: 2,
    "rank": lambda: 1,
    "ranks": lambda: [1, 2],
    "dim": lambda: 2,
    "weight": lambda: 1,
    "where": lambda: "fit.checkpoint",
    "seconds": lambda: 30.0,
    "batch": lambda: 2,
    "shots": lambda: 100,
    "seed": lambda: 0,
    "replicates": lambda: 2,
    "max_iterations": lambda: 20,
    "memory": lambda: 5,
    "beta": lambda: 1.0,
    "p": lambda: 0.5,
    "q": lambda: 0.1,
    "time": lambda: 0.3,
    "coefficient": lambda: 0.5,
    "width": lambda: 1.0,
    "cross_entropy_in_nats": lambda: 0.7,
    "entropy": lambda: 0.5,
    "samples": lambda: 4,
    "krylov": lambda: 10,
    "noise": lambda: 0.1,
    # texts
    "name": lambda: "a",
    "label": lambda: "XY",
    "letters": lambda: "XZ",
    "bits": lambda: "0",
    "axis": lambda: "Y",
    # arrays
    "matrix": lambda: np.eye(2) / 2,
    "matrices": lambda: np.eye(2),
    "psi": lambda: [0.6, 0.8],
    "vector": lambda: [0.6, 0.8],
    "factor": lambda: [[0.6], [0.8]],
    "probabilities": lambda: [0.5, 0.5],
    "log_probabilities": lambda: np.log([0.5, 0.5]),
    "vectors": lambda: np.eye(2),
    "weights": lambda: [0.5, 0.5],
    "params": lambda: [0.1, 0.2],
    "params0": lambda: [0.1, 0.2],
    "values": lambda: [0.1, 0.2],
    "errors": lambda: [0.1, 0.2],
    "elements": lambda: [[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]],
    "bases": lambda: np.eye(2),
    "confusion": lambda: [[0.9, 0.2], [0.1, 0.8]],
    "kraus": lambda: [np.eye(2)],
    "angles": lambda: [[0.1, 0.2]],
    "design": lambda: [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]],
    "targets": lambda: [0.0, 1.0, 3.0],
    "inputs": lambda: [[0.0], [1.0]],
    "labels": lambda: [0, 1],
    "jacobians": lambda: np.ones((1, 2, 2)),
    # gates and channels
    **{name: lambda: 0.1 for name in ("theta", "phi", "lambda", "gamma", "p01", "p10", "px", "py", "pz")},
    **{f"site{k}": lambda k=k: k for k in range(3)},
    "site": lambda: 0,
    "t1": lambda: 50.0,
    "t2": lambda: 70.0,
    # the objects of the library
    "state": plus,
    "states": plus,
    "rho": plus,
    "sigma": plus,
    "first": plus,
    "second": plus,
    "target": plus,
    "hamiltonian": lambda: qml.pauli("Z"),
    "op": lambda: qml.pauli("Z"),
    "generators": lambda: [qml.pauli("X"), qml.pauli("Z")],
    "terms": lambda: {"XX": 0.5, "ZI": 1.0},
    "words": lambda: ((1, 0),),
    "coefficients": lambda: (1.0,),
    "dims": lambda: (2,),
    "keep": lambda: [0],
    "sites": lambda: [0],
    "edges": lambda: [(0, 1)],
    "circuit": circuit,
    "operations": lambda: [qml.gates.H(0)],
    "gate": lambda: qml.gates.X,
    "channel": lambda: qml.channels.BitFlip,
    "measurement": lambda: qml.PauliMeasurement(1),
    "measurements": lambda: [qml.PauliMeasurement(1), qml.PauliMeasurement(["X"])],
    "settings": lambda: ["X", "Z"],
    "counts": counts,
    "model": model,
    "members": lambda: [model(), plus()],
    "factors": lambda: [model(), plus()],
    "rng": rng,
    "loss": lambda: qml.CrossEntropy(),
    "widths": lambda: [1, 2, 1],
    "shares": lambda: ((1.0,),),
    "parameter_names": lambda: ("p",),
    "path": lambda: "/nowhere/state.npz",
    # the same name for another thing
    "Circuit.dims": lambda: 1,
    "channels.PauliMixture.labels": lambda: ("X",),
    "circuits.NoiseRule.params": lambda: (0.1,),
    "circuits.purification.n": lambda: 1,
    "Counts.counts": lambda: [[60, 40], [80, 20]],
    "Counts.measurement": lambda: qml.PauliMeasurement(["X", "Z"]),
    "measurement.ElementsMeasurement.elements": lambda: [np.eye(2)[None], np.eye(2)[None]],
    "measurement.ProjectiveMeasurement.bases": lambda: [np.eye(2), np.eye(2)],
    "measurement.ProductMeasurement.factors": lambda: [qml.PauliMeasurement(1), qml.PauliMeasurement(1)],
    "states.ProductState.factors": lambda: [plus(), plus()],
    "losses.Expectation.accept.target": lambda: qml.pauli("Z"),
    "losses.FreeEnergy.accept.target": lambda: qml.pauli("Z"),
    "GibbsState.hamiltonian": lambda: np.diag([1.0, 2.0]),
    "Counts.from_weights.counts": lambda: [0.6, 0.4, 0.8, 0.2],
    "Counts.from_weights.weights": lambda: [0.6, 0.4, 0.8, 0.2],
    "Counts.from_weights.measurement": lambda: qml.PauliMeasurement(["X", "Z"]),
    "Counts.from_frequencies.measurement": lambda: qml.PauliMeasurement(["X", "Z"]),
    "Counts.from_dicts.measurement": lambda: qml.PauliMeasurement(["X", "Z"]),
    "DensityMatrix.from_ensemble.states": lambda: [plus(), plus()],
    "EvolvedGibbsModel.generators": lambda: ["ZZ", "XI"],
    "HiddenGibbsModel.generators": lambda: ["ZZ", "IX"],
    "HiddenGibbsModel.all_paulis.n": lambda: 2,
    "NoisyModel.circuit": lambda: qml.Circuit(1, [qml.channels.BitFlip("p", 0)]),
    "fit_factors.model": lambda: qml.ProductModel([model(), model()]),
    "fit_factors.target": lambda: np.eye(4) / 4,
    "ProductModel.marginals.rho": lambda: np.eye(4) / 4,
    "quantum_em.model": lambda: qml.HiddenGibbsModel(["ZZ", "IX"]),
    "channels.PauliMixture.parameter_names": lambda: ("p",),
    "circuits.NoiseRule.channel": lambda: qml.channels.BitFlip,
    "circuits.Relaxation.t1": lambda: 50.0,
    "circuits.Relaxation.t2": lambda: 70.0,
    "circuits.Relaxation.durations": lambda: (("H", 1.0),),
    "states.tensor.states": plus,
    "operators.tensor_matrices.matrices": lambda: np.eye(2),
    "qobj": lambda: __import__("qutip").basis(2, 0),
    "frequencies": lambda: [0.6, 0.4, 0.8, 0.2],
    "records": lambda: {"X": {"0": 60, "1": 40}, "Z": {"0": 80, "1": 20}},
    "gates.ParametricGate.name": lambda: "phase",
    "gates.ParametricGate.parameter_names": lambda: ("phi",),
    "gates.ParametricGate.function": lambda: lambda v: np.diag([1, np.exp(1j * v[0])]),
    "gates.ParametricGate.derivative_function": lambda: lambda v: np.diag([0, 1j * np.exp(1j * v[0])])[None],
    "gates.ParametricGate.undo": lambda: lambda v: (-v[0],),
    "gates.gate.name": lambda: "cx",
    "classical.separates.weights": lambda: [[0.0], [1.0]],
    "engines.PauliState.n": lambda: 1,
    "engines.PauliState.vector": lambda: [1.0, 0.5, 0.0, 0.0],
    "measurement.ReadoutMeasurement.confusion": lambda: [[[0.9, 0.2], [0.1, 0.8]]],
    "alpha": lambda: 0.5,
    "fitting.DeferredCrossEntropy.copies": lambda: 20,
    "fitting.fit_deferred.copies": lambda: 20,
    "ProductState.factors": lambda: [plus(), plus()],
    "models.Conditioned.model": lambda: qml.ConditionalGibbsModel(["X", "Z"], 1),
    "DensityMatrix.load.path": lambda: written("state.npz"),
    "Counts.load.path": lambda: written("counts.npz"),
    "Counts.read_json.path": lambda: written("counts.json"),
    "Counts.read_csv.path": lambda: written("counts.csv"),
    "gates.UnitaryGate.matrix": lambda: np.eye(2),
    "channels.GeneralizedAmplitudeDamping.excited_population": lambda: 0.1,
    "losses.Labelled.states": lambda: [np.eye(2) / 2, np.eye(2) / 2],
    "losses.classical_cross_entropy.p": lambda: [0.5, 0.5],
    "losses.classical_cross_entropy.q": lambda: [0.5, 0.5],
    "models.ConditionalCircuitModel.inputs": lambda: {"a": 0},
    "geometry.GibbsMetric.state": lambda: model().state([0.1, 0.2]),
    "geometry.GibbsMetric.generators": lambda: model().generators,
    "channels.channel.name": lambda: "BitFlip",
    "circuits.TraceOut.sites": lambda: 0,
    "circuits.Initialize.sites": lambda: 0,
    "circuits.as_program.value": circuit,
    "operators.as_pauli_sum.value": lambda: "XX",
    "states.as_state.value": plus,
    "states.as_single_state.value": plus,
    "states.one_state.value": plus,
    "losses.as_loss.value": lambda: "infidelity",
    "optimizers.as_optimizer.value": lambda: "lbfgs",
    # tomography
    "result": tomogram,
    "functionals": lambda: {"purity": qml.State.purity},
    "operator": lambda: qml.pauli("Z"),
    "tomography.bootstrap.replicates": lambda: 2,
    "tomography.choose_rank.ranks": lambda: [1, 2],
    "tomography.Bootstrap": lambda: qml.tomography.bootstrap(tomogram(), {"a": qml.State.purity}, replicates=2, seed=0),
    "tomography.StateTomography": lambda: qml.tomography.StateTomography().fit(counts()),
    "tomography.ProfileLikelihood.interval.replicates": lambda: 20,
    "tomography.ProfileLikelihood.p_value.replicates": lambda: 4,
    "tomography.TomographyResult.interval.replicates": lambda: 20,
    # encodings and operations
    "encodings.basis_encoding.bits": lambda: [[0, 1]],
    "encodings.binary_frequencies.bits": lambda: [[0, 1]],
    "encodings.embedding.states": lambda: pair(),
    "encodings.kernel.first": lambda: pair(),
    "instruction": lambda: qml.gates.X,
    "parameters.as_affine.value": lambda: 0.1,
    # pictures and statements
    "results": fitted,
    "reports": lambda: [qml.losses.measured_report(counts(), plus())],
    "plotting.plot_transfer_matrix.limit": lambda: 0.5,
    "plotting.plot_transfer_matrix.target": lambda: qml.gates.X,
    "plotting.plot_density_matrix.limit": lambda: 0.5,
    "principle.check.pairs": lambda: 10,
    "principle.check_all.pairs": lambda: 10,
    "principle.check_all.numbers": lambda: [1],
    # studies
    "fits": lambda: FITS,
    "Study.target": lambda: TARGET,
    "Study.from_yaml.text": lambda: study().to_yaml(),
    "Study.from_file.path": lambda: written("study.yaml"),
    "folder": lambda: written("run"),
    # methods
    "DensityMatrix": lambda: qml.DensityMatrix(np.eye(4) / 4),
    "DensityMatrix.mutual_information.first": lambda: [0],
    "DensityMatrix.expect.operator": lambda: "ZZ",
    "Circuit.with_noise.model": lambda: qml.circuits.NoiseModel(),
    **{
        f"{writer}.path": lambda: Path(FILES) / "written"
        for writer in (
            *("Counts.save", "Counts.write_csv", "Counts.write_json"),
            *("DensityMatrix.save", "FitResult.save", "models.EMResult.save", "Study.save"),
        )
    },
    "tomography.Bootstrap.bias.name": lambda: "a",
    "observable": lambda: qml.pauli("Z"),
    "tomography.ProfileLikelihood.p_value.value": lambda: 0.5,
    "tomography.ProfileLikelihood.statistic.value": lambda: 0.5,
    "k": lambda: 2,
    "key": lambda: "X",
    "other": counts,
    "outcome": lambda: 0,
    "setting": lambda: 0,
    "tomography.goodness_of_fit.replicates": lambda: 2,
    "tomography.goodness_of_fit.result": fitted,
    "tomography.model_errors.result": fitted,
    "tomography.TomographyResult": tomogram,
    "fitting.grow.result": fitted,
    "program": circuit,
    "outputs": lambda: [0.5, 1.0],
    "likelihood": lambda: qml.classical.BernoulliLikelihood(),
    "durations": lambda: {"H": 1.0},
    "rates": lambda: [[0.1, 0.25], [0.1, 0.25]],
    "u": lambda: 0.5,
    "size": lambda: 20,
    "step": lambda: 1,
    "value": lambda: 0.5,
    "NegativeLogLikelihood.accept.target": counts,
    "NegativeLogLikelihood.compare.p": lambda: np.full(4, 0.5),
    "NoiseModel.add.params": lambda: (0.1,),
    "NoiseModel.with_readout.params": lambda: (0.1, 0.1),
    "PauliSum": lambda: qml.pauli("X"),
    "PauliSum.commutes_with.other": lambda: qml.pauli("Z"),
    "circuits.Program": lambda: circuit().compile(),
    "classical.BernoulliLikelihood.targets": lambda: [0.0, 1.0],
    **{f"classical.{name}Likelihood.value_and_gradient.targets": lambda: [0.0, 1.0] for name in LIKELIHOODS},
    "classical.CategoricalLikelihood.value_and_gradient.targets": lambda: [0, 1],
    "classical.CategoricalLikelihood.value_and_gradient.outputs": lambda: np.eye(2),
    "classical.BernoulliLikelihood.value.targets": lambda: [0.0, 1.0],
    "classical.LinearFit": lambda: qml.classical.linear_regression([[1.0], [1.0], [1.0]], [0.0, 1.0, 3.0]),
    "classical.LinearFit.standard_errors.design": lambda: [[1.0], [1.0], [1.0]],
    **{f"classical.Network.{method}.params": lambda: np.full(7, 0.1) for method in NETWORK},
    **{f"classical.Network.{method}.targets": lambda: [[0.0], [1.0]] for method in NETWORK},
    **{f"engines.{name}Engine.expect_vectors_vjp.observable": lambda: "ZZ" for name in ("Jax", "Pauli", "Reference")},
    "losses.LabelLikelihood.accept.target": pair,
    **{f"losses.TrainableReadout.{method}.params": lambda: np.zeros(4) for method in ("confusion", "natural", "rates")},
    "models.EMResult": learnt,
    "engines.ThermalEstimate": lambda: qml.engines.KrylovEngine(samples=2).thermal(qml.pauli("Z"), [qml.pauli("X")]),
    "fitting.GradientCheck": lambda: qml.check_gradient(model(), plus()),
    "fitting.History": lambda: fitted().history,
    "fitting.Iteration": iteration,
    "fitting.Restart": lambda: fitted().restarts[0],
    "losses.MeasuredReport": lambda: qml.losses.measured_report(counts(), plus()),
    "optimizers.Point": lambda: evaluate(qml.fitting.Objective(model(), plus(), qml.CrossEntropy()), np.zeros(2)),
    "principle.Evidence": lambda: verdict().evidence,
    "principle.Panel": lambda: verdict().evidence.panels[0],
    "principle.Series": lambda: verdict().evidence.panels[0].series[0],
    "principle.Statement": lambda: verdict().statement,
    "principle.Verdict": verdict,
    "tomography.Determined": lambda: tomogram().determined,
    "tomography.GoodnessOfFit": lambda: qml.tomography.goodness_of_fit(model(), fitted(), replicates=2),
    "tomography.ModelErrors": lambda: qml.tomography.model_errors(model(), fitted()),
    "tomography.RankChoice": lambda: qml.tomography.choose_rank(tomogram().counts),
    "tomography.RankTest": lambda: qml.tomography.choose_rank(tomogram().counts).tests[0],
    "tomography.TomographyHistory": lambda: tomogram().history,
    "fitting.Objective": lambda: qml.fitting.Objective(
        model(), qml.DensityMatrix.from_factor(np.diag([0.6, 0.8])), qml.CrossEntropy()
    ),
    "fitting.Objective.minibatch.seed": lambda: 0,
    "parameters.Affine": lambda: 2 * qml.Parameter("a") + 1.0,
    "parameters.Affine.value.values": lambda: {"a": 0.5},
    "parameters.Affine.substitute.values": lambda: {"a": 0.5},
    "parameters.Interval": lambda: qml.parameters.Interval(0.0, 1.0),
    "parameters.Interval.intersection.other": lambda: qml.parameters.Interval(0.5, 2.0),
    "io.from_qasm.text": lambda: "qubit q; input float a; U(a, 0, 0) q;",
    "io.from_qasm.includes": lambda: FILES,
    "io.read_pygsti.path": lambda: written("pygsti.txt"),
    "io.read_pygsti.gates": lambda: {"Gx:0": "G"},
    "io.write_pygsti.counts": word_counts,
    "io.write_pygsti.path": lambda: "pygsti.txt",
    "io.write_pygsti.gates": lambda: {"Gx:0": "G"},
    "io.from_qiskit.value": lambda: qml.io.to_qiskit(circuit()),
    "io.to_qiskit.value": circuit,
    "io.from_cirq.circuit": lambda: qml.io.to_cirq(circuit()),
    "io.from_pytket.circuit": lambda: qml.io.to_pytket(circuit(), [0.1, 0.2]),
    "io.to_pytket.params": lambda: [0.1, 0.2],
    "io.from_pennylane.function": lambda: qml.io.to_pennylane(circuit()),
    "io.from_pennylane.arguments": lambda: np.array([0.1, 0.2]),
    "io.to_dict.value": circuit,
    "io.save.value": circuit,
    "io.save.path": lambda: "circuit.json",
    "io.from_dict.data": lambda: circuit().to_dict(),
    "io.convert.source": lambda: written("state.npz"),
    "io.convert.target": lambda: "converted.json",
    "io.load.path": lambda: written("state.npz"),
    "ChainGibbsModel.from_dict.data": lambda: chain().to_dict(),
    "ChainGibbsModel.save.path": lambda: "model.json",
    "ChainGibbsModel.load.path": lambda: written("chain.npz"),
    "FitResult": fitted,
    # processes
    "Process": process,
    "Process.choi": lambda: process().choi,
    "Process.from_kraus.operators": lambda: np.eye(2),
    "Process.from_superoperator.matrix": lambda: np.eye(4),
    "Process.from_transfer_matrix.matrix": lambda: np.eye(4),
    "Process.from_qobj.qobj": lambda: __import__("qutip").sigmax(),
    "Process.from_circuit.params": lambda: [0.1, 0.2],
    "Process.then.other": process,
    "Process.tensor.other": process,
    "Process.from_dict.data": lambda: process().to_dict(),
    "Process.load.path": lambda: written("process.npz"),
    "Process.save.path": lambda: "process.json",
    "isometry": lambda: np.eye(2),
    "environment": lambda: 1,
    "process": process,
    "dims_in": lambda: (2,),
    "processes.as_process.value": process,
    "processes.process_fidelity.first": process,
    "processes.process_fidelity.second": process,
    "processes.diamond_distance.first": process,
    "processes.diamond_distance.second": process,
    "processes.average_gate_fidelity.target": lambda: qml.gates.X,
    "ProcessModel.on.inputs": lambda: qml.DensityMatrix([np.eye(4) / 4, np.diag([0.4, 0.3, 0.2, 0.1])]),
    **{f"processes.KrausModel.state_{way}.params": lambda: np.arange(8) - 3.5 for way in ("vjp", "jvp")},
    "processes.KrausModel": lambda: qml.processes.KrausModel(1, rank=1),
    "processes.KrausModel.params_of.process": lambda: qml.processes.as_process(qml.gates.X),
    "processes.OutputsModel.inputs": pair,
    "processes.OutputsModel.circuit": lambda: qml.Circuit(1, [qml.gates.RY("a", 0), qml.gates.RX("b", 0)]),
    "preparations": lambda: {"0": [1.0, 0.0]},
    "processes.Experiments": words,
    "processes.Experiments.measurements": lambda: Z,
    "processes.Experiments.product.measurements": lambda: Z,
    "processes.Experiments.settings": lambda: [("0", ("G",), "Z")],
    "processes.Experiments.select.settings": lambda: [0],
    "processes.Experiments.simulate.probabilities": lambda: [0.5, 0.5, 0.5, 0.5],
    "circuits": lambda: [("G",)],
    "processes.GateSetModel": gate_set,
    "processes.GateSetModel.gates": lambda: {"G": qml.gates.X},
    "processes.GateSetModel.predict.experiments": words,
    "data": words,
    "experiments": words,
    "family": gate_set,
    "processes.LindbladModel": lambda: qml.processes.LindbladModel({"x": "X"}, {"z": "Z"}),
    "processes.LindbladModel.hamiltonian": lambda: {"x": "X"},
    "channels.Lindblad.hamiltonian": lambda: {"x": "X"},
    "channels.Lindblad": lambda: qml.channels.Lindblad({"x": "X"}, {"z": "Z"}),
    "processes.LindbladModel.predict.experiments": lambda: qml.processes.Experiments.product([0.5], 1, Z),
    "strings": lambda: ["X", "Z"],
    "depths": lambda: [1, 2],
    "processes.PauliLindbladModel": lambda: qml.processes.PauliLindbladModel(["X", "Z"]),
    "processes.PauliLindbladModel.terms": lambda: ["X", "Z"],
    "processes.PauliLindbladModel.predict.experiments": lambda: qml.processes.Parities(["X"], [1]),
    "processes.Parities.simulate.probabilities": lambda: [0.5] * 8,
    "processes.pauli_preparations.labels": lambda: ["Z+", "X+"],
    "max_length": lambda: 2,
    "germs": lambda: [("Gx",)],
    "fiducials": lambda: [(), ("Gy",)],
    "tomography.gate_set_tomography.model": gate_set,
    "tomography.gate_set_tomography.counts": word_counts,
    "tomography.GateSetResult": gates_found,
    "tomography.GateSetResult.in_gauge.targets": lambda: {"G": np.eye(4)},
    "tomography.GaugeFixed": lambda: gates_found().in_gauge(),
    "tomography.GaugeFixed.process.name": lambda: "G",
    "tomography.LikelihoodRatio": lambda: qml.tomography.likelihood_ratio(*nested()),
    "smaller": lambda: nested()[0],
    "larger": lambda: nested()[1],
    "tomography.process_tomography.counts": lambda: qml.sample(
        process(), qml.processes.ProcessMeasurement(1, qml.PauliMeasurement(1)), 20, rng()
    ),
    "FitResult.load.path": lambda: written("fit.npz"),
    "models.EMResult.load.path": lambda: written("em.npz"),
}
"""A valid argument for each parameter by its name, or by its owner and name where one name means several things."""
