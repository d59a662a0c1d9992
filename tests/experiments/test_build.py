"""From a study to objects: every kind of target, generators and model means what it says."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from qml import channels, losses, operators, states
from qml._checks import InputError
from qml.circuits import Circuit
from qml.encodings import datasets
from qml.engines import PauliEngine, ReferenceEngine
from qml.operators import named_operators
from qml.states import DensityMatrix
from qml.studies.spec import config, models, parts, streams, targets
from qml.studies.spec.schema import members

FOLDER = Path()


def target(spec: dict[str, Any], folder: Path = FOLDER, seed: int = 0) -> targets.Target:
    return TypeAdapter(targets.TargetSpec).validate_python(spec).build(targets.Context(folder, seed))


def matrix(spec: dict[str, Any], folder: Path = FOLDER, seed: int = 0) -> Any:
    return target(spec, folder, seed).state.matrix()


def random_state(seed: int = 0) -> DensityMatrix:
    return states.ginibre((2, 2), np.random.default_rng(seed))


def test_deterministic_targets() -> None:
    hamiltonian = {"kind": "tfim", "n": 3, "J": 1.0, "h": 0.5}
    np.testing.assert_allclose(
        matrix({"kind": "thermal", "hamiltonian": hamiltonian, "beta": 0.7}),
        states.thermal(operators.tfim(3, 1.0, 0.5), 0.7).matrix(),
    )
    np.testing.assert_array_equal(matrix({"kind": "ghz", "n": 3}), states.ghz(3).matrix())
    np.testing.assert_array_equal(matrix({"kind": "w", "n": 3}), states.w_state(3).matrix())
    np.testing.assert_array_equal(matrix({"kind": "werner", "p": 0.4, "d": 3}), states.werner(0.4, 3).matrix())
    np.testing.assert_array_equal(matrix({"kind": "maximally_mixed", "n": 2}), np.eye(4) / 4)
    found = target({"kind": "probabilities", "values": [0.5, 0.25, 0.25, 0.0]}).state
    assert found.is_diagonal
    assert found.dims == (2, 2)


@pytest.mark.parametrize(
    "spec", [{"kind": "haar_pure", "n": 2}, {"kind": "ginibre", "n": 2, "rank": 2}, {"kind": "bures", "n": 2}]
)
def test_random_targets_follow_from_the_seed(spec: dict[str, Any]) -> None:
    np.testing.assert_array_equal(matrix(spec, seed=3), matrix(spec, seed=3))
    assert np.abs(matrix(spec, seed=3) - matrix(spec, seed=4)).max() > 1e-3
    rank = {"haar_pure": 1, "ginibre": 2, "bures": 4}[spec["kind"]]
    assert np.linalg.matrix_rank(matrix(spec, seed=3)) == rank


def test_streams_are_independent() -> None:
    numbers = [*streams.stream(5, "target").random(2), *streams.stream(5, "split").random(2)]
    assert len(set(numbers)) == 4
    seeds = [streams.fit_seed(5, index) for index in range(3)]
    assert len(set(seeds)) == 3
    assert streams.fit_seed(5, 1) == seeds[1]
    assert streams.fit_seed(6, 1) != seeds[1]


@pytest.mark.parametrize("kind", sorted(members(parts.Hamiltonian)))
def test_hamiltonians(kind: str) -> None:
    size = {"hubbard": {"n_sites": 2}, "pauli": {"terms": {"XZ": 0.5, "IY": -1}}}.get(kind, {"n": 3})
    found = TypeAdapter(parts.Hamiltonian).validate_python({"kind": kind, **size}).build()
    expected = {
        "hubbard": lambda: operators.hubbard(2),
        "pauli": lambda: 0.5 * operators.pauli("XZ") - operators.pauli("IY"),
    }.get(kind, lambda: getattr(operators, kind)(3))()
    np.testing.assert_allclose(found.matrix(), expected.matrix())


def test_hamiltonians_on_other_lattices() -> None:
    spec = {"kind": "heisenberg", "n": 4, "J": [1, 2, 3], "edges": [[0, 1], [2, 3]]}
    found = TypeAdapter(parts.Hamiltonian).validate_python(spec).build()
    np.testing.assert_allclose(found.matrix(), operators.heisenberg(4, (1, 2, 3), edges=[(0, 1), (2, 3)]).matrix())


def test_channels_are_applied_in_order_and_on_their_sites() -> None:
    rules = [
        parts.AppliedChannel(channel="AmplitudeDamping", params=[0.3]),
        parts.AppliedChannel(channel="BitFlip", params=[0.25], sites=[1]),
        parts.AppliedChannel(channel="Depolarizing2", params=[0.1], sites=[1, 0]),
    ]
    rho = random_state()
    steps = [
        *(channels.AmplitudeDamping(0.3, q) for q in (0, 1)),
        channels.BitFlip(0.25, 1),
        channels.Depolarizing2(0.1, 1, 0),
    ]
    expected = PauliEngine().evolve(Circuit(2, steps).compile(), [], rho)
    found = parts.seen_through(rho, rules)
    np.testing.assert_allclose(found.matrix(), expected.matrix(), atol=1e-14)
    assert np.abs(found.matrix() - rho.matrix()).max() > 1e-2
    assert parts.seen_through(rho, []) is rho


def test_files_are_read_from_the_folder_of_the_study_only(tmp_path: Path) -> None:
    folder = tmp_path / "studies"
    (folder / "data").mkdir(parents=True)
    rho = random_state()
    rho.save(folder / "data" / "rho.npz")
    rho.save(tmp_path / "outside.npz")
    (folder / "link.npz").symlink_to(tmp_path / "outside.npz")
    np.testing.assert_array_equal(matrix({"kind": "file", "path": "data/rho.npz"}, folder), rho.matrix())
    for path in ("../outside.npz", str(tmp_path / "outside.npz"), "link.npz", "data/../../outside.npz"):
        with pytest.raises(InputError, match=r"read from the folder of the study only; .* lies outside"):
            target({"kind": "file", "path": path}, folder)
    with pytest.raises(InputError, match="does not exist"):
        target({"kind": "file", "path": "data/none.npz"}, folder)
    for name, content in (("text.npz", b"no arrays"), ("zip.npz", b"PK\x03\x04 broken"), ("empty.npz", b"")):
        (folder / name).write_bytes(content)
        with pytest.raises(InputError, match=r"is not a readable .npz file"):
            target({"kind": "file", "path": name}, folder)
    with pytest.raises(InputError, match="is no file, but a folder"):
        target({"kind": "file", "path": "data"}, folder)


def test_a_batch_is_no_target(tmp_path: Path) -> None:
    states.haar_pure((2,), np.random.default_rng(0), 3).save(tmp_path / "batch.npz")
    with pytest.raises(InputError, match=r"a target is one state; found a batch of shape \(3,\)"):
        target({"kind": "file", "path": "batch.npz"}, tmp_path)


# data sets -------------------------------------------------------------------------------------------------------


def test_samples_as_amplitudes_are_the_average_of_their_projectors() -> None:
    x = np.random.default_rng(0).normal(size=(5, 3))
    vectors = np.pad(x, ((0, 0), (0, 1))) / np.linalg.norm(x, axis=1, keepdims=True)
    found = datasets.state_of_samples(x)
    assert found.dims == (2, 2)
    np.testing.assert_allclose(found.matrix(), sum(np.outer(v, v) for v in vectors) / 5, atol=1e-15)


def test_samples_as_probabilities() -> None:
    x = np.array([[1.0, 3.0], [2.0, 0.0]])
    found = datasets.state_of_samples(x, "probability")
    assert found.is_diagonal
    np.testing.assert_allclose(found.probabilities(), [0.625, 0.375])
    with pytest.raises(InputError, match="negative entries are no probabilities"):
        datasets.state_of_samples(-x, "probability")
    with pytest.raises(InputError, match="zero everywhere is no state"):
        datasets.state_of_samples(np.zeros((1, 2)))


def test_the_split_takes_every_sample_once() -> None:
    x = np.arange(20.0).reshape(10, 2)
    train, test = datasets.split(x, 0.3, np.random.default_rng(0))
    assert test.shape == (3, 2)
    assert sorted(map(tuple, np.concatenate([train, test]))) == sorted(map(tuple, x))
    for share in (0.01, 0.99):
        with pytest.raises(InputError, match="leaves one part empty"):
            datasets.split(x, share, np.random.default_rng(0))


def test_digits_are_six_qubits_and_iris_two() -> None:
    digits = target({"kind": "dataset", "name": "digits", "test_fraction": 0.5}, seed=1)
    iris = target({"kind": "dataset", "name": "iris", "labels": [0, 2], "encoding": "probability"})
    assert digits.state.dims == (2,) * 6
    assert digits.test is not None
    assert np.abs(digits.state.matrix() - digits.test.matrix()).max() > 1e-4
    assert iris.state.dims == (2, 2)
    assert iris.test is None
    again = target({"kind": "dataset", "name": "digits", "test_fraction": 0.5}, seed=1)
    np.testing.assert_array_equal(digits.state.matrix(), again.state.matrix())
    assert datasets.load_samples("digits", [3])[0].shape == (183, 64)
    with pytest.raises(InputError, match="iris has the classes 0 to 2; found 7"):
        datasets.load_samples("iris", [7])


def test_without_scikit_learn_the_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(InputError, match=r"'digits' needs sklearn, .* install 'qmaxlik\[data\]'"):
        datasets.load_samples("digits")


# models ----------------------------------------------------------------------------------------------------------


def test_generators() -> None:
    def names(spec: dict[str, Any]) -> tuple[str, ...]:
        return tuple(named_operators(TypeAdapter(parts.Generators).validate_python(spec).build()))

    chain = set(names({"kind": "neighbors", "n": 3, "weight": 2}))
    one = {"".join(s) for s in itertools.product("IXYZ", repeat=3) if 3 - s.count("I") == 1}
    two = {a + b + "I" for a in "XYZ" for b in "XYZ"}
    assert chain == one | two | {"I" + label[:2] for label in two}
    assert set(names({"kind": "neighbors", "n": 3, "weight": 2, "periodic": True})) - chain == {
        f"{a}I{b}" for a in "XYZ" for b in "XYZ"
    }
    assert len(names({"kind": "neighbors", "n": 2, "weight": 5})) == 15
    assert len(names({"kind": "up_to_weight", "n": 4, "weight": 2})) == 12 + 6 * 9
    assert set(names({"kind": "terms_of", "hamiltonian": {"kind": "tfim", "n": 2}})) == {"ZZ", "XI", "IX"}
    assert set(names({"kind": "strings", "labels": ["XX", "II", "ZI"]})) == {"XX", "ZI"}


@pytest.mark.parametrize("kind", sorted(members(parts.Ansatz)))
def test_ansatze(kind: str) -> None:
    spec: dict[str, Any] = {"n": 3, "layers": 2}
    if kind == "mera_tree":
        spec = {"n": 3}
    if kind == "hamiltonian_variational":
        spec = {"hamiltonian": {"kind": "tfim", "n": 3}, "layers": 2}
    if kind == "purification":
        spec["ancillas"] = 1
    if kind == "qasm":
        spec = {"text": "input float a; qubit[3] q; U(a, 0, 0) q;"}
    circuit = TypeAdapter(parts.Ansatz).validate_python({"kind": kind, **spec}).build()
    assert circuit.dims_out == (2, 2, 2)
    assert circuit.n_params > 0


def test_noise_follows_its_gates_and_may_be_learnt() -> None:
    spec = {
        "kind": "circuit",
        "ansatz": {"kind": "hardware_efficient", "n": 2, "layers": 1},
        "noise": [
            {"channel": "Depolarizing", "params": ["p"], "gates": ["CNOT"]},
            {"channel": "PhaseDamping", "params": [0.1], "sites": [1]},
        ],
        "readout": [{"channel": "BitFlip", "params": ["q"], "sites": [0]}],
        "engine": "reference",
    }
    found = TypeAdapter(models.ModelSpec).validate_python(spec)
    assert models.learnt_noise(found) == ["p", "q"]
    model = found.build()
    assert isinstance(model.engine, ReferenceEngine)
    assert "p" in model.parameter_names
    counts = model.circuit.instruction_counts()
    assert counts["Depolarizing"] == 2
    assert counts["PhaseDamping"] == 5
    assert counts["BitFlip"] == 1


def test_every_registered_loss_and_optimizer_can_be_named() -> None:
    from qml.optimizers import OPTIMIZERS

    assert set(members(config.LossSpec)) == set(losses.EVERY_LOSS)
    assert set(members(config.OptimizerSpec)) == set(OPTIMIZERS)
    for name, spec in members(config.OptimizerSpec).items():
        made = spec(kind=name).build()
        assert type(made) is OPTIMIZERS[name]
