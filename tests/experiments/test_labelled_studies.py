"""Labelled data as targets of studies: what is read, split, learnt, shown, and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.command import ended as call
from pydantic import TypeAdapter
from sklearn.datasets import load_iris, load_wine

from qml._checks import InputError
from qml.encodings.labelled import Samples, standardized
from qml.fitting import FitResult
from qml.studies.record.fits import row_of, run_fit
from qml.studies.record.folder import load_run
from qml.studies.record.table import load_table
from qml.studies.spec import config, parts, targets
from qml.studies.spec.build import Plan, build
from qml.studies.spec.schema import members
from qml.studies.spec.source import parse

IRIS = {"kind": "dataset", "name": "iris"}
MOONS = {"kind": "two_moons", "samples": 60}
SOFTMAX = {"kind": "conditional_gibbs", "generators": {"kind": "projectors", "levels": 3}}
QUBIT = {"kind": "conditional_gibbs", "generators": {"kind": "strings", "labels": ["X", "Z"]}}
UPLOADS = {"kind": "conditional_circuit", "n": 1, "layers": 1, "ancillas": 1}
MEAN = {"kind": "mean_cross_entropy"}
STUDIES = Path(__file__).parents[2] / "experiments"
CSV = "a,label,b\n0.5,yes,1\n-1,no,2e0\n0.25,yes,-3\n1,no,0\n"


def target(data: dict[str, Any] = IRIS, folder: Path = Path(), seed: int = 0, **rest: Any) -> targets.Target:
    found: Any = TypeAdapter(targets.TargetSpec).validate_python({"kind": "labelled", "data": data, **rest})
    return found.build(targets.Context(folder, seed))


def labelled(*args: Any, **kwargs: Any) -> targets.Labels:
    found = target(*args, **kwargs).labels
    assert found is not None
    return found


def plan(
    model: dict[str, Any] = SOFTMAX, data: dict[str, Any] = IRIS, of: dict[str, Any] | None = None, **fit: Any
) -> Plan:
    study = {
        "target": {"kind": "labelled", "data": data, "label_noise": 0.1, **(of or {})},
        "fits": [{"name": "it", "model": model, "loss": MEAN, "max_iterations": 3, **fit}],
    }
    source = parse(json.dumps(study).encode(), Path("study.yaml"))
    return build(config.study_of(source), source)


def test_inputs_and_classes_are_those_of_the_data_set() -> None:
    x, y = load_iris(return_X_y=True)
    found = labelled(standardize=False, label_noise=0.3)
    assert np.array_equal(found.train.inputs, x)
    assert found.names == ("setosa", "versicolor", "virginica")
    p = found.train.states.probabilities()
    assert np.allclose(p[np.arange(len(y)), y], 0.8)
    assert np.allclose(p.sum(axis=1), 1)
    assert (found.test, found.validation) == (None, None)
    some = labelled({"kind": "dataset", "name": "wine", "classes": [0, 2]}, standardize=False)
    x, y = load_wine(return_X_y=True)
    assert np.array_equal(some.train.inputs, x[y != 1])
    assert np.array_equal(some.train.states.probabilities().argmax(axis=1), y[y != 1] // 2)


def test_more_levels_than_classes_are_empty_but_there() -> None:
    states = labelled(levels=4, label_noise=0.3).train.states
    assert states.dims == (2, 2)
    assert np.allclose(states.probabilities()[:, 3], 0)


def test_parts_have_every_class_and_no_sample_twice() -> None:
    found = labelled(standardize=False, validation_fraction=0.2, test_fraction=0.3)
    parts = [found.train, found.validation, found.test]
    sizes = []
    for part in parts:
        assert part is not None
        sizes.append(np.bincount(part.states.probabilities().argmax(axis=1)).tolist())
    assert sizes == [[25] * 3, [10] * 3, [15] * 3]
    together = np.concatenate([part.inputs for part in parts if part is not None])
    assert np.array_equal(np.sort(together, axis=0), np.sort(load_iris().data, axis=0))
    assert not np.array_equal(labelled(seed=1, test_fraction=0.3).test.inputs, labelled(test_fraction=0.3).test.inputs)  # type: ignore[union-attr]


def test_inputs_are_scaled_by_the_training_part() -> None:
    raw, found = labelled(standardize=False, test_fraction=0.4), labelled(test_fraction=0.4)
    assert np.allclose(found.train.inputs.mean(axis=0), 0, atol=1e-14)
    assert np.allclose(found.train.inputs.std(axis=0), 1)
    assert raw.test is not None
    assert found.test is not None
    center, scale = raw.train.inputs.mean(axis=0), raw.train.inputs.std(axis=0)
    assert np.allclose(found.test.inputs, (raw.test.inputs - center) / scale)


def test_a_constant_input_stays_finite() -> None:
    samples = Samples(np.array([[1.0, 2.0], [1.0, 4.0]]), np.array([0, 1]), ("a", "b"))
    assert np.array_equal(standardized([samples])[0].inputs, [[0.0, -1.0], [0.0, 1.0]])
    three, other = (Samples(np.full((m, 1), x), np.zeros(m, np.int64), ("a",)) for m, x in ((3, 0.1), (1, 0.11)))
    train, test = standardized([three, other])  # of which the mean, as a sum, is not 0.1
    assert np.array_equal(train.inputs, np.zeros((3, 1)))
    assert np.allclose(test.inputs, 0.01)


def test_labels_are_flipped_at_random_where_they_are_learnt() -> None:
    data = {"kind": "dataset", "name": "digits"}
    clean, wrong = (labelled(data, flipped=f, test_fraction=0.5) for f in (0.0, 0.3))
    before, after = (part.train.states.probabilities().argmax(axis=1) for part in (clean, wrong))
    count, differ = len(before), float((before != after).mean())
    assert abs(differ - 0.3) < 4 * np.sqrt(0.3 * 0.7 / count)
    assert len(np.unique((after - before)[after != before] % 10)) == 9
    assert clean.test is not None
    assert wrong.test is not None
    assert np.array_equal(clean.test.states.probabilities(), wrong.test.states.probabilities())


def test_moons_follow_from_the_seed() -> None:
    one, same, other = (labelled(MOONS, seed=s).train.inputs for s in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)
    assert labelled({**MOONS, "noise": 0.0}, standardize=False).train.inputs.std(axis=0).max() < 1


def test_tables(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(CSV)
    np.savez(tmp_path / "t.npz", inputs=[[0.5, 1], [-1, 2], [0.25, -3], [1, 0]], labels=["yes", "no", "yes", "no"])
    np.savez(tmp_path / "n.npz", inputs=[[0.5, 1], [-1, 2], [0.25, -3], [1, 0]], labels=[7, 3, 7, 3])
    for name, classes in (("t.csv", ("no", "yes")), ("t.npz", ("no", "yes")), ("n.npz", ("3", "7"))):
        found = labelled({"kind": "table", "path": name}, tmp_path, standardize=False)
        assert found.names == classes
        assert np.array_equal(found.train.inputs, [[0.5, 1.0], [-1.0, 2.0], [0.25, -3.0], [1.0, 0.0]])
        assert found.train.states.probabilities().argmax(axis=1).tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "found no head"),
        ("a,b\n1,2\n", "needs a head of different names"),
        ("a,a,label\n1,2,x\n", "needs a head of different names"),
        ("a,label\n", "no rows below its head"),
        ("a,label\n1,x\n2\n", "row 3: expected 2 cells; found 1"),
        ("a,label\n1,x\nhot,y\n", "row 3, column 'a': expected a finite number; found 'hot'"),
        ("a,label\nnan,x\n1,y\n", "row 2, column 'a': expected a finite number; found 'nan'"),
        ("a,label\n1,x\n2,x\n", "at least two classes; found 1"),
        (b"a,label\n\xff,x\n", "no CSV text in UTF-8"),
    ],
)
def test_what_is_wrong_with_a_csv_is_told(text: str | bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=words):
        labelled({"kind": "table", "path": "t.csv"}, tmp_path)


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    outside = tmp_path / "home"
    outside.mkdir()
    (tmp_path / "t.csv").write_text(CSV)
    np.savez(outside / "pickle.npz", inputs=np.array([{}], dtype=object), labels=[1])
    np.savez(outside / "half.npz", inputs=[[1.0]])
    np.savez(outside / "real.npz", inputs=[[1.0], [2.0]], labels=[0.5, 1.5])
    (outside / "t.txt").write_text(CSV)
    for path, words in (
        ("../t.csv", "lies outside it"),
        ("none.csv", "does not exist"),
        ("t.txt", r"a .csv or .npz file"),
        ("pickle.npz", "not a readable .npz file of plain arrays"),
        ("half.npz", "'labels' is missing"),
        ("real.npz", "labels of type float64"),
    ):
        with pytest.raises(InputError, match=words):
            labelled({"kind": "table", "path": path}, outside)


@pytest.mark.parametrize("kind", members(parts.Generators))
def test_every_set_of_generators_learns(kind: str) -> None:
    keys: dict[str, dict[str, Any]] = {
        "projectors": {"levels": 4},
        "hermitian": {"levels": 4},
        "terms_of": {"hamiltonian": {"kind": "tfim", "n": 2}},
        "strings": {"labels": ["ZI", "IZ"]},
    }
    model = {"kind": "conditional_gibbs", "generators": {"kind": kind, **keys.get(kind, {"n": 2})}}
    made = plan(model, of={"levels": 4}, optimizer={"kind": "newton"})
    result = run_fit(made.jobs[0], made.target, 0, 0)
    assert result.loss < result.history.loss[0] - 0.1


@pytest.mark.parametrize("model", [QUBIT, UPLOADS], ids=["gibbs", "circuit"])
@pytest.mark.parametrize("loss", ["mean_cross_entropy", "label_likelihood"])
def test_a_fit_keeps_the_parameters_that_are_best_on_what_is_held_out(model: dict[str, Any], loss: str) -> None:
    made = plan(
        model, MOONS, {"validation_fraction": 0.3, "test_fraction": 0.2}, loss={"kind": loss}, validation="held_out"
    )
    job = made.jobs[0]
    result = run_fit(job, made.target, 0, 0)
    held_out = result.history.held_out
    assert held_out is not None
    assert made.target.labels is not None
    part, test = made.target.labels.validation, made.target.labels.test
    assert part is not None
    assert test is not None
    states = job.model.conditional.states  # type: ignore[attr-defined]
    assert job.loss.value(part.states, states(result.params, part.inputs)) == pytest.approx(held_out.min(), abs=1e-14)
    row = row_of(job, result, made.target)
    p = states(result.params, test.inputs).probabilities()
    right = p.argmax(axis=1) == test.states.probabilities().argmax(axis=1)
    assert row.test_accuracy == right.mean()
    assert row.test_log_likelihood == pytest.approx(-job.loss.value(test.states, states(result.params, test.inputs)))


def test_noise_that_is_learnt_is_told_in_its_own_units() -> None:
    made = plan({**UPLOADS, "readout": [{"channel": "BitFlip", "params": ["p"]}]}, MOONS)
    result = run_fit(made.jobs[0], made.target, 0, 0)
    row = row_of(made.jobs[0], result, made.target)
    name, value = row.learnt_noise.split(" = ")
    assert name == "p"
    assert 0 < float(value) < 1
    natural = made.jobs[0].natural(result.params)
    assert np.allclose(made.jobs[0].model.unconstrained(natural), result.params, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"loss": {"kind": "cross_entropy"}}, "labelled data need a loss of labels"),
        ({"model": {"kind": "gibbs", "generators": {"kind": "neighbors", "n": 2}}}, "need a conditional model"),
        ({"model": QUBIT}, "the model has 1 qubit, the target sites of dimensions"),
        ({"validation": "held_out"}, "held_out needs a target of labelled data with a validation_fraction"),
        ({"validation": {"kind": "labelled", "data": IRIS}}, "validation of labelled data is held_out"),
        ({"of": {"levels": 2}}, "levels must be at least 3, one a class; found 2"),
        ({"of": {"validation_fraction": 0.5, "test_fraction": 0.5}}, "must leave something to learn from"),
        ({"of": {"test_fraction": 0.001}}, "leave a part empty"),
        ({"data": {**IRIS, "classes": [0, 7]}}, "iris has the classes 0 to 2; found 7"),
    ],
)
def test_what_does_not_go_together_is_told(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        plan(**change)


def test_conditional_models_learn_nothing_else() -> None:
    study = {"target": {"kind": "ghz", "n": 1}, "fits": [{"name": "it", "model": QUBIT}]}
    source = parse(json.dumps(study).encode(), Path("study.yaml"))
    with pytest.raises(InputError, match=r"fits\[0\].model: the model conditional_gibbs learns from labelled data"):
        build(config.study_of(source), source)


@pytest.mark.slow
def test_a_run_keeps_tables_pictures_and_the_file_that_it_was_learnt_from(
    tmp_path: Path, monkeypatch: Any, coarse_pictures: None
) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    rows = [f"{a!r},{b!r},{'up' if a + b > 0 else 'down'}" for a, b in x.tolist()]
    (tmp_path / "points.csv").write_text("\n".join(["a,b,side", *rows]))
    study = {
        "target": {
            "kind": "labelled",
            "data": {"kind": "table", "path": "points.csv", "label": "side"},
            "label_noise": 0.1,
            "test_fraction": 0.25,
        },
        "fits": [
            {"name": "Gibbs", "model": QUBIT, "loss": MEAN, "optimizer": {"kind": "newton"}},
            {
                "name": "batches",
                "model": QUBIT,
                "loss": MEAN,
                "optimizer": {"kind": "stochastic_adam"},
                "max_iterations": 9,
            },
        ],
    }
    (tmp_path / "s.yaml").write_text(json.dumps(study))
    said = call("run", "s.yaml").output
    for words in ("accuracy", "accuracy, held out", "at best", "Gibbs", "batches"):
        assert words in said
    run = tmp_path / "runs" / "s-001"
    names = ("labels.npz", "labels.png", "history.png", "inputs/points.csv")
    assert all((run / name).is_file() for name in names)
    assert not (run / "target.npz").exists()
    with np.load(run / "labels.npz") as kept:
        assert kept["train.inputs"].shape == (30, 2)
        assert kept["test.labels"].shape == (10, 2)
        assert kept["names"].tolist() == ["down", "up"]
    assert FitResult.load(run / "fits" / "1-gibbs" / "result.npz").state.batch_shape == (30,)
    assert "identical to the bit" in call("reproduce", "runs/s-001").output
    assert "30 labels of 2 classes, 2 inputs" in call("validate", "s.yaml").output
    call("report", "runs/s-001")
    assert (run / "report.html").read_text().count("<img") == 2
    call("run", "s.yaml", "--dry-run")
    call("show", "runs/s-001")


def test_a_sweep_over_flipped_labels(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    study = {
        "target": {"kind": "labelled", "data": MOONS, "label_noise": 0.1, "test_fraction": 0.5},
        "fits": [{"name": "it", "model": QUBIT, "loss": MEAN, "optimizer": {"kind": "newton"}}],
        "sweep": {"grid": {"target.flipped": [0.0, 0.4]}},
    }
    (tmp_path / "s.yaml").write_text(json.dumps(study))
    call("run", "s.yaml", "--workers", "1")
    accuracy = load_table(load_run(tmp_path / "runs" / "s-001"))["accuracy"]
    assert accuracy[0] > accuracy[1] + 0.1


def test_the_study_of_the_repository_is_valid() -> None:
    said = call("validate", str(STUDIES / "classification" / "iris.yaml")).output
    assert "75 labels of 3 classes" in said
