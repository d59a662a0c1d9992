"""Everything that files can hold comes back as it was: every kind, as JSON and as arrays, and by the schema."""

from __future__ import annotations

import json
import subprocess
import sys

import attack
import fastjsonschema
import jsonschema
import numpy as np
import pytest
from helpers.cases import every

import qml
from qml import Circuit, Counts, FitResult, GibbsModel, NoiseModel, channels, fit, gates, pauli
from qml._checks import InputError
from qml._descriptions import KINDS, Described, kinds
from qml.fitting import History
from qml.io import from_dict, load, save, schema, to_dict
from qml.models.base import Parametrized

OBJECTS = {
    name: owner
    for name, owner in attack.everything().items()
    if isinstance(owner, type) and issubclass(owner, Described) and kinds().get(owner._kind) == owner._again
}
NOT_WRITTEN = ("gates.ParametricGate",)
"""Functions are no plain data."""


def test_kinds_are_public():
    hidden = {
        "PartialTrace",
        "Preparation",
        "CircuitParameters",
        "Fixed",
        "EvolvedGibbsState",
        "PauliState",
        "selection",
        "IfKnown",
        "Excess",
    }
    public = {owner._kind for owner in OBJECTS.values()} | hidden
    found = {kind for kind, make in kinds().items() if "." not in kind and not of_an_example(make)}
    assert found - public <= {"state", "gate", "channel", "DensityMatrix"}


def of_an_example(make):
    """Whether the class is defined by the example of a docstring, which has been run in this process."""
    cls = getattr(make, "__self__", None)
    return cls is not None and getattr(sys.modules[cls.__module__], cls.__name__, None) is not cls


@every("name", [name for name in OBJECTS if name not in NOT_WRITTEN])
def test_every_kind_comes_back(name, tmp_path):
    value = attack.example(name, OBJECTS[name])
    plain = json.loads(json.dumps(to_dict(value)))
    again = from_dict(plain)
    assert to_dict(again) == plain
    assert type(again) is type(value) or isinstance(value, qml.State)
    for ending in ("json", "npz"):
        save(value, tmp_path / f"it.{ending}")
        assert to_dict(load(tmp_path / f"it.{ending}")) == plain


@every("name", [name for name, owner in OBJECTS.items() if issubclass(owner, Parametrized)])
def test_models_that_come_back_give_the_same_states_to_the_bit(name):
    model = attack.example(name, OBJECTS[name])
    again = from_dict(json.loads(json.dumps(to_dict(model))))
    assert again.parameter_names == model.parameter_names
    theta = model.init_params(np.random.default_rng(3))
    if isinstance(model, qml.models.Model):
        one, two = model.state(theta), again.state(theta)
        if not isinstance(one, qml.models.ThermalState):
            assert one.matrix().tobytes() == two.matrix().tobytes()
    elif isinstance(model, qml.models.ConditionalModel):
        inputs = np.full((2, model.n_inputs), 0.3)
        assert model.states(theta, inputs).matrix().tobytes() == again.states(theta, inputs).matrix().tobytes()


def test_every_instruction_comes_back():
    instructions = [*gates.GATES.values(), *channels.CHANNELS.values(), gates.controlled(gates.H, 2)]
    instructions += [gates.PauliRotation("XYZ"), gates.UnitaryGate([[0, 1j], [1, 0]], name="mine")]
    instructions += [
        channels.KrausChannel([np.eye(3)], name="wait"),
        channels.PauliMixture("m", ("XX",), ((1.0,),), ("p",)),
    ]
    for instruction in instructions:
        assert from_dict(to_dict(instruction)) == instruction


def test_methods_of_what_is_kept():
    circuit = Circuit(1, [gates.RX("a", 0)])
    assert Circuit.from_dict(circuit.to_dict()) == circuit
    noise = NoiseModel().add(channels.BitFlip, 2 * qml.Parameter("p"), gates="X", at=0).with_readout(0.1, 0.2)
    noise = noise.with_relaxation([50.0, 60.0], durations={"X": 0.1})
    assert NoiseModel.from_dict(json.loads(json.dumps(noise.to_dict()))) == noise
    with pytest.raises(InputError, match="a NoiseModel is needed; found a Circuit"):
        NoiseModel.from_dict(circuit.to_dict())


def test_a_result_holds_its_model_to_go_on_with(tmp_path):
    target = qml.states.thermal(qml.pauli("ZZ") + 0.3 * pauli("XI"), 1.0)
    result = fit(GibbsModel(["ZZ", "XI"]), target, seed=0, progress=False)
    for path in (tmp_path / "fit.npz", tmp_path / "fit.json"):
        result.save(path) if path.suffix == ".npz" else save(result, path)
        again = load(path)
        assert isinstance(again, FitResult)
        assert again.params.tobytes() == result.params.tobytes()
        assert again.summary() == result.summary()
        state = again.model.state(again.params)
        assert state.matrix().tobytes() == result.state.matrix().tobytes()
        further = fit(again.model, again.target, params0=again.params, progress=False)
        assert further.converged
        assert abs(further.loss - result.loss) < 1e-12


def test_a_model_of_ones_own_is_kept_if_its_arguments_are(tmp_path):
    class Keeps(GibbsModel):
        def __init__(self, strength: float) -> None:
            super().__init__(["Z"])
            self.strength = strength

        def _arguments(self):
            return {"strength": self.strength}

    class Forgets(GibbsModel):
        def __init__(self, strength: float) -> None:
            super().__init__(["Z"])

        _arguments = Described._arguments

    class Inherits(GibbsModel):
        """Whose arguments are those of another constructor."""

        def __init__(self, strength: float) -> None:
            super().__init__(["Z"])

    target = qml.DensityMatrix(np.diag([0.7, 0.3]))
    for owner, kept in ((Keeps, True), (Forgets, False), (Inherits, False)):
        result = fit(owner(0.3), target, seed=0, progress=False)
        result.save(tmp_path / "own.npz")
        again = FitResult.load(tmp_path / "own.npz")
        assert isinstance(again.model, owner) == kept
        assert again.summary() == result.summary()
        KINDS.pop(owner._kind)
        assert FitResult.load(tmp_path / "own.npz").model is None


def test_arrays_that_are_not_finite_come_back_from_json():
    plain = json.dumps(to_dict(History(*np.array([[1.0, np.nan], [np.inf, -np.inf], [0.1, 1e-300], [0, 1]]))))
    assert "NaN" not in plain
    assert "Infinity" not in plain
    again = from_dict(json.loads(plain))
    assert np.isnan(again.loss[1])
    assert again.floor.tolist() == [np.inf, -np.inf]
    assert again.gradient_norm.tolist() == [0.1, 1e-300]


def test_other_files_of_the_library_are_found_out(tmp_path):
    counts = Counts(qml.PauliMeasurement(["X", "Z"]), [[60, 40], [80, 20]])
    counts.save(tmp_path / "counts.npz")
    counts.write_json(tmp_path / "counts.json")
    assert load(tmp_path / "counts.npz") == load(tmp_path / "counts.json") == counts
    state = qml.DensityMatrix([[0.6, 0.2], [0.2, 0.4]])
    state.save(tmp_path / "state.npz")
    assert np.array_equal(load(tmp_path / "state.npz").matrix(), state.matrix())
    tomogram = attack.EXAMPLES["tomography.TomographyResult"]()
    tomogram.save(tmp_path / "tomogram.npz")
    assert load(tmp_path / "tomogram.npz").summary() == tomogram.summary()
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(InputError, match="is no file that the library wrote"):
        load(tmp_path / "other.npz")


@every(
    "data, sentence",
    [
        ({}, "the keys 'format' and 'object'"),
        ({"format": "qml.Object 9", "object": 1}, "of the format 'qml.Object 9'; this version reads 'qml.Object 1'"),
        ({"kind": "Circuits"}, r"the kind 'Circuits', which the library does not know \(did you mean 'Circuit'\?\)"),
        ({"kind": "Circuit", "dims": [2]}, None),
        ({"kind": "Circuit", "dims": [2], "operations": [], "more": 1}, "the Circuit can't be made"),
        ({"kind": "Circuit", "dims": [10**12], "operations": [{"kind": "gate", "name": "RX"}]}, "its sites"),
        ({"kind": "gate", "name": "RXX1"}, "the name of a gate must be one of"),
        ({"kind": "PauliSum", "n_qubits": 1, "terms": {"Q": 1}}, "Q"),
        ({"kind": "UnitaryGate", "matrix": {"real": [[1, 0], [0]]}}, "nested lists of numbers"),
        (
            {"kind": "UnitaryGate", "matrix": {"real": [[10**400, 0], [0, 1]], "imag": [[0, 0], [0, 0]]}},
            "nested lists of numbers",
        ),
        ({"kind": "UnitaryGate", "matrix": {"real": [[1, 0], [0, 2]]}}, "unitary"),
        ({"kind": "CholeskyModel", "dims": [2] * 40}, "memory|GiB"),
        ({"complex": ["spam"]}, "stands for nothing"),
        ({"mapping": 3}, "stands for nothing"),
        ({"float": "spam"}, "stands for nothing"),
        ({"kind": "PauliEngine", "name": "registry"}, "the PauliEngine can't be made"),
    ],
)
def test_data_that_are_none_are_refused(data, sentence):
    given = data if not data or "format" in data else {"format": "qml.Object 1", "object": data}
    if sentence is None:
        assert from_dict(given) == Circuit(1)
        return
    with pytest.raises((InputError, qml.measurement.counts._checks.MemoryRefused), match=sentence):
        from_dict(given)


def test_data_that_are_nested_without_end_are_refused():
    deep: object = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InputError, match="nested too deeply"):
        from_dict({"format": "qml.Object 1", "object": deep})


@pytest.mark.slow
def test_every_kind_is_read_by_a_process_that_has_used_nothing_else(tmp_path):
    for name, owner in OBJECTS.items():
        if name not in NOT_WRITTEN:
            save(attack.example(name, owner), tmp_path / f"{name}.json")
    code = "import sys, pathlib, qml.io\nfor f in pathlib.Path(sys.argv[1]).iterdir(): qml.io.load(f)"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    one = "import sys, qml.io; qml.io.load(sys.argv[1])"
    for name in ("tomography.TomographyResult", "FitResult", "engines.PauliEngine"):
        command = [sys.executable, "-c", one, str(tmp_path / f"{name}.json")]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0, name


def test_a_damaged_model_is_an_error_and_no_missing_model(tmp_path):
    result = attack.EXAMPLES["FitResult"]()
    plain = json.loads(json.dumps(to_dict(result)))
    model = plain["object"]["model"]["value"]
    assert model["kind"] == "GibbsModel"
    model["dims"] = [3]
    with pytest.raises(InputError, match="dims"):
        from_dict(plain)
    model["kind"] = "elsewhere.TheirModel"
    assert from_dict(plain).model is None


def test_functions_are_not_written():
    gate = attack.example("gates.ParametricGate", gates.ParametricGate)
    with pytest.raises(InputError, match="can't be written to a file"):
        to_dict(gate)


def test_the_schema_names_the_keys_of_every_kind():
    found = schema()
    jsonschema.Draft202012Validator.check_schema(found)
    assert set(kinds()) <= set(found["$defs"])
    for name, owner in OBJECTS.items():
        if name not in NOT_WRITTEN:
            plain = to_dict(attack.example(name, owner))["object"]
            keys = found["$defs"][plain["kind"]]
            assert set(keys["required"]) <= set(plain) <= set(keys["properties"]), name


@pytest.mark.slow
def test_the_schema_accepts_every_kind_and_refuses_others():
    found = schema()
    validator = fastjsonschema.compile(found, use_default=False)  # takes seconds, and then far less than jsonschema
    for name, owner in OBJECTS.items():
        if name not in NOT_WRITTEN:
            validator(json.loads(json.dumps(to_dict(attack.example(name, owner)))))
    for wrong in ({"kind": "Circuit", "dims": 1}, {"kind": "gate", "name": "spam"}, {"kind": "nothing"}):
        with pytest.raises(fastjsonschema.JsonSchemaValueException):
            validator({"format": "qml.Object 1", "object": wrong})
