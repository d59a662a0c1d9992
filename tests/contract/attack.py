"""What the public API is attacked with: every public callable, valid arguments for it, and hostile ones."""

from __future__ import annotations

import atexit
import dataclasses
import enum
import importlib
import inspect
import math
import pkgutil
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import qml
from qml._checks import InputError, MemoryRefused
from qml.fitting import FitError

SECONDS = 5.0
"""Processor time that one call may take."""

MEMORY = 2**28
"""Bytes that the library is told are free."""
UNCHECKED = ("estimators", "loggers", "plotting", "principle", "tomography")

HOSTILE: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "a word": lambda: "spam",
    "empty text": lambda: "",
    "a number as text": lambda: "0.3",
    "bytes": lambda: b"spam",
    "NaN": lambda: math.nan,
    "inf": lambda: math.inf,
    "-inf": lambda: -math.inf,
    "zero": lambda: 0,
    "minus one": lambda: -1,
    "1.5": lambda: 1.5,
    "1e308": lambda: 1e308,
    "a billion": lambda: 10**9,
    "2**63": lambda: 2**63,
    "10**400": lambda: 10**400,
    "uint8": lambda: np.uint8(3),
    "uint64": lambda: np.uint64(2**64 - 1),
    "complex": lambda: 1j,
    "object": object,
    "a class": lambda: int,
    "a function": lambda: lambda *_: None,
    "an array of one number": lambda: np.array([1.5]),
    "a zero-dimensional array": lambda: np.array(1.5),
    "empty list": list,
    "empty array": lambda: np.zeros((0, 2, 2)),
    "empty mapping": dict,
    "mapping": lambda: {"a": [1]},
    "mapping of None": lambda: {None: None},
    "set": lambda: {1, 2},
    "ragged": lambda: [[1.0], [1.0, 2.0]],
    "deeply nested": lambda: [[[[[1]]]]],
    "list of None": lambda: [None, None],
    "list of words": lambda: ["spam", "eggs"],
    "list of pairs": lambda: [(0, 9), ("a", None)],
    "list of fractions": lambda: [1.5, 2.5],
    "list of huge": lambda: [10**400],
    "list of a billion": lambda: [10**9, 10**9],
    "list of negative": lambda: [-2, -2],
    "array of NaN": lambda: np.full((2, 2), np.nan),
    "array of inf": lambda: np.full((2,), np.inf),
    "array of 1e308": lambda: np.full((2, 2), 1e308),
    "array (3, 2)": lambda: np.ones((3, 2)),
    "array (3, 3)": lambda: np.eye(3) / 3,
    "array (2, 2, 2, 2)": lambda: np.zeros((2, 2, 2, 2)),
    "unsigned array": lambda: np.array([[1, 2], [2, 1]], dtype=np.uint8),
    "complex array": lambda: np.array([[1j, 2], [3, 4j]]),
    "array of objects": lambda: np.array([None, 1], dtype=object),
    "array of words": lambda: np.array(["a", "b"]),
    "array of dates": lambda: np.array(["2021-02-23"], dtype="datetime64[D]"),
    "a state of another size": lambda: qml.states.maximally_mixed((3,)),
    "a batch of states": lambda: qml.DensityMatrix(np.array([np.eye(2) / 2] * 3)),
    "a Pauli sum of another size": lambda: qml.pauli("XYZXYZ"),
}
"""What is put in place of each argument, one at a time."""


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


def plus() -> qml.DensityMatrix:
    """A mixed qubit."""
    return qml.DensityMatrix([[0.6, 0.2], [0.2, 0.4]])


FILES = tempfile.mkdtemp()
"""Where files for reading stand until the process ends."""
atexit.register(shutil.rmtree, FILES)


def written(name: str) -> Path:
    """A file of that name that can be read."""
    path = Path(FILES) / name
    if not path.exists():
        held = plus() if "state" in name else counts()
        {".npz": held.save, ".json": counts().write_json, ".csv": counts().write_csv}[path.suffix](path)
    return path


def public() -> dict[str, Callable[..., Any]]:
    """Every public callable of the library by its shortest name: functions, classes, and their class methods."""
    found: dict[str, Callable[..., Any]] = {}
    seen: set[int] = set()
    names = [info.name for info in pkgutil.iter_modules(qml.__path__) if not info.name.startswith("_")]
    for name in ["", *(n for n in names if n not in UNCHECKED)]:
        module = importlib.import_module(f"qml.{name}".rstrip("."))
        for item in getattr(module, "__all__", ()):
            value = getattr(module, item)
            if id(value) in seen or not is_attacked(value):
                continue
            seen.add(id(value))
            found[f"{name}.{item}".lstrip(".")] = value
            if inspect.isclass(value):
                for method, held in vars(value).items():
                    if (
                        not method.startswith("_")
                        and method not in TRUSTED
                        and isinstance(held, classmethod | staticmethod)
                    ):
                        found[f"{name}.{item}.{method}".lstrip(".")] = getattr(value, method)
    return found


INNER = ("StateMetric", "ConditionalGibbsMetric", "MeanMetric", "evaluate", "grow")
"""What models, optimizers and fits hand to each other, ready-made."""


def is_attacked(value: Any) -> bool:
    """Whether it is something that a user calls: not a module, a protocol, an interface, an exception or a record.

    A record is a dataclass that checks nothing (no ``__post_init__``): the library makes it, users read it.
    """
    if inspect.ismodule(value) or not callable(value) or getattr(value, "__name__", "") in INNER:
        return False
    if not inspect.isclass(value):
        return type(value).__module__ != "typing" and not hasattr(value, "__origin__")
    if inspect.isabstract(value) or issubclass(value, BaseException | enum.Enum):
        return False
    if getattr(value, "_is_protocol", False):
        return False
    is_generated = dataclasses.is_dataclass(value) and value.__init__.__code__.co_filename == "<string>"
    return not is_generated or hasattr(value, "__post_init__")


TRUSTED = ("trusted", "from_arrays", "of")
"""Class methods that engines and files call, which check nothing or what was written."""
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
}
"""A valid argument for each parameter by its name, or by its owner and name where one name means several things."""


class Hang(BaseException):
    """A call that took more than its processor time; not an Exception, so that nothing on the way catches it."""


@contextmanager
def budget(seconds: float) -> Iterator[None]:
    """Hang where the block takes more than so much processor time of this process, whatever the clock says."""

    def stop(*_: Any) -> None:
        raise Hang

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


def valid_arguments(name: str, call: Callable[..., Any]) -> dict[str, Any]:
    """A valid argument for each parameter that has none by default."""
    found = {}
    for parameter in inspect.signature(call).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        own = f"{name}.{parameter.name}"
        if own in EXAMPLES or (parameter.default is parameter.empty and parameter.name in EXAMPLES):
            found[parameter.name] = EXAMPLES.get(own, EXAMPLES.get(parameter.name))()
        elif parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL:
            raise KeyError(f"EXAMPLES needs a valid {parameter.name!r} for {name}")
    return found


def placed(call: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """The call with its arguments by name, where that can be."""
    positional, named = [], {}
    for parameter in inspect.signature(call).parameters.values():
        if parameter.name not in arguments:
            continue
        if parameter.kind is parameter.VAR_POSITIONAL or parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(arguments[parameter.name])
        else:
            named[parameter.name] = arguments[parameter.name]
    if positional and named:
        order = [p.name for p in inspect.signature(call).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        positional = [named.pop(key) for key in order if key in named] + positional
    result = call(*positional, **named)
    return list(result) if inspect.isgenerator(result) else result


def numbers_of(value: Any) -> Iterator[np.ndarray]:
    """The numbers that a user would read off a result."""
    if isinstance(value, float | complex | np.number):
        yield np.asarray(value)
    elif isinstance(value, np.ndarray):
        if value.dtype.kind in "fc":
            yield value
    elif isinstance(value, qml.State):
        yield value.probabilities()
        yield np.asarray(value.purity())
    elif isinstance(value, qml.PauliSum):
        yield np.asarray(value.coefficients)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from numbers_of(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from numbers_of(item)


def attack(name: str, call: Callable[..., Any], seconds: float = SECONDS) -> list[str]:
    """What went wrong: one line a hostile argument that was neither refused in a sentence nor made sense of."""
    placed(call, valid_arguments(name, call))  # what follows is refused for the hostile argument alone
    found = []
    for parameter in inspect.signature(call).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        for what, make in HOSTILE.items():
            arguments = valid_arguments(name, call) | {parameter.name: make()}
            try:
                with budget(seconds):
                    result = placed(call, arguments)
                    wrong = any(np.isnan(x).any() for x in numbers_of(result))
            except (InputError, MemoryRefused, FitError):
                continue
            except Hang:
                found.append(f"{parameter.name} = {what}: more than {seconds} s")
            except Exception as error:
                found.append(f"{parameter.name} = {what}: {type(error).__name__}: {str(error)[:100]}")
            else:
                if wrong:
                    found.append(f"{parameter.name} = {what}: NaN in {result!r:.80}")
    return found
