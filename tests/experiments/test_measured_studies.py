"""Records of counts as targets of studies: what is sampled, learnt, shown, and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.command import ended as call
from pydantic import TypeAdapter

from qml import losses, states
from qml.losses import measured_report
from qml.measurement import Counts, PauliMeasurement
from qml.studies.record.folder import load_run
from qml.studies.record.table import load_table
from qml.studies.spec import config, measurements, reference, targets
from qml.studies.spec.build import build
from qml.studies.spec.compose import compose
from qml.studies.spec.reference import KINDS
from qml.studies.spec.schema import Kinds, members

STUDIES = Path(__file__).parents[2] / "experiments" / "measured"
STUDY = """\
seed: 2
target:
  kind: counts
  of: {kind: thermal, hamiltonian: {kind: tfim, n: 2}, beta: 0.5}
  measurement: {kind: pauli}
  shots: 3000
fits:
  - name: likelihood
    model: {kind: gibbs, generators: {kind: up_to_weight, n: 2}}
    loss: {kind: negative_log_likelihood}
  - name: empirical state
    model: {kind: gibbs, generators: {kind: up_to_weight, n: 2}}
    loss: {kind: cross_entropy}
"""
SIMULATED = STUDY[STUDY.index("  kind: counts") : STUDY.index("fits:")]
EXTRA: dict[str, dict[str, Any]] = {"axis": {"theta": 0.4, "phi": 0.3}, "haar": {"bases": 5}, "clifford": {"bases": 5}}
GINIBRE = {"kind": "ginibre", "n": 2}


def target(spec: dict[str, Any], folder: Path = Path(), seed: int = 0) -> targets.Target:
    found: Any = TypeAdapter(targets.TargetSpec).validate_python({"kind": "counts", **spec})
    return found.build(targets.Context(folder, seed))


def counts(measurement: dict[str, Any], shots: Any = "infinite", seed: int = 0) -> tuple[targets.Target, Counts]:
    found = target({"of": GINIBRE, "measurement": measurement, "shots": shots}, seed=seed)
    assert found.counts is not None
    return found, found.counts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path


@pytest.mark.parametrize("kind", sorted(members(measurements.MeasurementSpec)))
def test_every_measurement_is_of_the_state_and_follows_from_the_seed(kind: str) -> None:
    spec = {"kind": kind, **EXTRA.get(kind, {})}
    found, exact = counts(spec)
    np.testing.assert_allclose(exact.frequencies(), exact.measurement.probabilities(found.state), atol=1e-12)
    assert found.learnt is exact
    assert found.truth is found.state
    drawn = counts(spec, 20_000, seed=1)[1]
    assert drawn == counts(spec, 20_000, seed=1)[1]
    assert drawn != counts(spec, 20_000, seed=2)[1]
    spread = drawn.frequencies() - drawn.measurement.probabilities(counts(spec, seed=1)[0].state)
    assert np.abs(spread).max() < 5 * 0.5 / np.sqrt(20_000)
    assert (drawn.shots == 20_000).all()


@pytest.mark.parametrize("kind", ["pauli", "pauli_six", "mub", "sic"])
def test_the_empirical_state_is_biased_as_derived(kind: str) -> None:
    """Statement 12: on one qubit (rho + 1)/3 for each of these, a 2-design or all Pauli settings."""
    found = target({"of": {"kind": "bures", "n": 1}, "measurement": {"kind": kind}, "shots": "infinite"})
    assert found.counts is not None
    biased = (found.state.matrix() + np.eye(2)) / 3
    np.testing.assert_allclose(found.counts.empirical_state().matrix(), biased, atol=1e-12)


def test_an_axis_is_a_direction_of_the_bloch_sphere() -> None:
    for theta, phi, word in ((0.0, 0.0, "ZZ"), (np.pi / 2, 0.0, "XX"), (np.pi / 2, np.pi / 2, "YY")):
        found, exact = counts({"kind": "axis", "theta": theta, "phi": phi})
        np.testing.assert_allclose(exact.frequencies(), PauliMeasurement([word]).probabilities(found.state), atol=1e-12)


def test_readout_errors_are_in_the_counts_and_told_only_if_known() -> None:
    errors = {"rates": [[0.1, 0.2]]}
    known, hidden = (counts({"kind": "pauli", "readout": {**errors, "known": told}}, 500)[1] for told in (True, False))
    plain, state = counts({"kind": "pauli"}, 500)[1], counts({"kind": "pauli"})[0].state
    np.testing.assert_array_equal(known.counts, hidden.counts)
    assert hidden.measurement.settings == known.measurement.settings
    np.testing.assert_allclose(hidden.measurement.probabilities(state), plain.measurement.probabilities(state))
    one = np.array([[0.9, 0.2], [0.1, 0.8]])
    ideal = plain.measurement.probabilities(state).reshape(9, 4)
    np.testing.assert_allclose(
        known.measurement.probabilities(state).reshape(9, 4), ideal @ np.kron(one, one).T, atol=1e-12
    )


def test_a_study_of_counts_is_run_kept_and_shown(folder: Path, coarse_pictures: None) -> None:
    said = call("run", "study.yaml", "--output", "out").output
    assert "measuring" in said
    found = load_run(folder / "out")
    by_likelihood, by_state = found.rows
    rho = states.DensityMatrix.load(folder / "out" / "target.npz")
    kept = Counts.load(folder / "out" / "counts.npz")
    assert kept.total == 27_000
    from qml.fitting import FitResult

    sigma = FitResult.load(folder / "out" / "fits" / "1-likelihood" / "result.npz").state
    report = measured_report(kept, sigma, rho)
    assert by_likelihood.loss == pytest.approx(report.likelihood, abs=1e-12)
    assert by_likelihood.measuring_cost == pytest.approx(report.cost, abs=1e-12)
    assert by_likelihood.bias == pytest.approx(report.bias, abs=1e-12)
    assert by_likelihood.relative_entropy == pytest.approx(losses.relative_entropy(rho, sigma), abs=1e-12)
    assert by_state.floor == pytest.approx(float(kept.empirical_state().entropy()), abs=1e-12)
    assert by_likelihood.relative_entropy < 0.01 < 0.1 < by_state.relative_entropy
    assert by_likelihood.fidelity > by_state.fidelity
    for name in ("history.png", "measured.png", "states.png"):
        assert (folder / "out" / name).stat().st_size > 1000
    assert "measuring" in call("show", "out").output
    assert "27000 shots" in call("validate", "study.yaml").output


def test_biased_fits_are_told_and_come_last(folder: Path, no_pictures: None) -> None:
    """Whatever the study says first; and counts are learnt by their likelihood where it says nothing."""
    model = "    model: {kind: gibbs, generators: {kind: up_to_weight, n: 2}}\n"
    fits = f"  - name: first\n{model}    loss: {{kind: cross_entropy}}\n  - name: second\n{model}"
    (folder / "study.yaml").write_text(STUDY[: STUDY.index("  - name")] + fits)
    assert "negative_log_likelihood by" in call("validate", "study.yaml").output
    said = call("run", "study.yaml", "--output", "out").output
    first, second = load_run(folder / "out").rows
    assert (first.fit, first.biased, second.fit, second.biased) == ("first", True, "second", False)
    assert second.loss_name == "negative_log_likelihood"
    for text in (said[said.index("iterations") :], call("show", "out").output):
        assert text.index("second ") < text.index("first (biased)")
        assert "D(rho_hat||sigma) of cross_entropy" in text
        assert "D(f||p) of negative_log_likelihood" in text
        assert "Biased: first." in text
    assert "Biased" in first.status
    rows = call("table", "out").output.splitlines()
    assert [line.split()[0] for line in rows] == ["fit", "second", "first"]
    (folder / "study.yaml").write_text(
        STUDY[: STUDY.index("  - name")] + fits + "sweep: {grid: {target.shots: [300, 3000]}}\n"
    )
    call("run", "study.yaml", "--output", "swept", "--workers", "1")
    shown = [line.split()[0] for line in call("show", "swept").output.splitlines()]
    assert shown.index("second") < shown.index("first")
    cells = call("table", "swept", "--columns", "point,fit").output.splitlines()[1:]
    assert [tuple(line.split()) for line in cells] == [(p, fit) for p in "01" for fit in ("second", "first")]


def test_learnt_readout_errors_are_found(folder: Path, no_pictures: None) -> None:
    study = STUDY.replace("{kind: pauli}", "{kind: pauli, readout: {rates: [[0.03, 0.08]], known: false}}")
    study = study.replace("shots: 3000", "shots: infinite").replace("n: 2}, beta: 0.5", "n: 2, h: 0.3}, beta: 3")
    study = study.replace("likelihood}", "likelihood, readout: learnt}")
    study = study.replace("up_to_weight, n: 2", "terms_of, hamiltonian: {kind: tfim, n: 2}")
    (folder / "study.yaml").write_text(study)
    call("run", "study.yaml", "--output", "out")
    row = load_run(folder / "out").rows[0]
    rates = [float(part.split(" = ")[1]) for part in row.learnt_noise.split(", ")]
    a, b = np.reshape(rates, (2, 2)).T
    np.testing.assert_allclose(b - a, 0.05, atol=1e-5)
    assert np.prod(1 - a - b) == pytest.approx(0.89**2, abs=1e-3)  # each by itself may be taken for a weaker field
    assert row.likelihood == pytest.approx(row.loss, abs=1e-9)  # the report holds the errors that were learnt
    assert row.measuring_cost > 0


@pytest.mark.parametrize("name", ["record.json", "record.csv", "record.npz"])
def test_a_record_is_read_from_a_file(tmp_path: Path, name: str) -> None:
    made = counts({"kind": "pauli"}, [500, 0, 20, 1, 1, 1, 1, 1, 1])[1]
    {".json": made.write_json, ".csv": made.write_csv, ".npz": made.save}[Path(name).suffix](tmp_path / name)
    found = target({"file": name}, tmp_path)
    assert found.counts == made
    assert found.truth is None
    np.testing.assert_allclose(found.state.matrix(), made.empirical_state().matrix(), atol=1e-14)


def test_a_record_is_learnt_and_kept_beside_the_run(folder: Path, no_pictures: None) -> None:
    counts({"kind": "pauli"}, 4000)[1].write_json(folder / "record.json")
    (folder / "study.yaml").write_text(STUDY.replace(SIMULATED, "  kind: counts\n  file: record.json\n"))
    call("run", "study.yaml", "--output", "out")
    rows = load_run(folder / "out").rows
    assert rows[0].loss == pytest.approx(rows[0].likelihood, abs=1e-12)
    assert rows[0].measuring_cost > 0.01
    assert np.isnan([rows[0].fidelity, rows[0].bias, rows[0].relative_entropy]).all()
    assert not (folder / "out" / "target.npz").exists()  # the measured state is not known
    assert " nan " not in call("show", "out").output  # what is not known has no column
    (folder / "record.json").unlink()
    assert "36000 shots" in call("validate", "out/config.yaml").output


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("  shots: 3000\n", ""), "either of, measurement and shots, or file; found of, measurement"),
        (("  shots: 3000\n", "  shots: 3000\n  file: a.json\n"), "found of, measurement, shots, file"),
        ((SIMULATED, "  kind: counts\n"), "found none of them"),
        (("shots: 3000", "shots: -1"), "line 6, target.shots"),
        (("shots: 3000", "shots: 0"), "no shots at all"),
        (("shots: 3000", "shots: [1, 2]"), "shots"),
        (("{kind: pauli}", "{kind: pauli, settings: [XXX]}"), "dims"),
        (("{kind: pauli}", "{kind: paulis}"), "pauli"),
        (("{kind: pauli}", "{kind: pauli, readout: {rates: [[0.1, 1.2]]}}"), "readout.rates"),
        (("{kind: pauli}", "{kind: pauli, readout: {rates: [[0, 0], [0, 0], [0, 0]]}}"), "rates for 3 qubits"),
        (("{kind: pauli}", "{kind: pauli_six, readout: {rates: [[0.1, 0.1]]}}"), "confusion"),
        ((SIMULATED, "  kind: counts\n  file: ../a.json\n"), "outside"),
        ((SIMULATED, "  kind: counts\n  file: a.txt\n"), "a .json, .csv or .npz file"),
        ((SIMULATED, "  kind: counts\n  file: bad.json\n"), "row 0"),
        ((SIMULATED, "  kind: ghz\n  n: 2\n"), "fits[0].loss: NegativeLogLikelihood compares counts"),
        (("{kind: negative_log_likelihood}", "{kind: infidelity}"), "fits[0].loss"),
    ],
)
def test_what_cannot_be_is_refused(folder: Path, change: tuple[str, str], sentence: str) -> None:
    (folder / "bad.json").write_text(json.dumps({"settings": [{"paulis": "XZ", "counts": {"00": -3}}]}))
    assert change[0] in STUDY
    (folder / "study.yaml").write_text(STUDY.replace(*change))
    said = call("validate", "study.yaml", code=2)
    assert sentence in said.output + said.stderr


def test_measurements_are_listed() -> None:
    assert "pauli_six" in call("list", "measurements").output
    assert set(Kinds.listed) | set(reference.REGISTRIES) | {"engines"} == set(KINDS)


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_studies_of_the_project_are_valid(path: Path) -> None:
    source = compose(path)
    plan = build(config.study_of(source), source)
    assert plan.target.counts is not None


def test_the_price_of_measuring_by_angle(folder: Path) -> None:
    """Statements 9 and 12, as the study of the project draws them, at three angles."""
    (folder / "angle.yaml").write_text((STUDIES / "angle.yaml").read_text().replace("count: 15", "count: 3"))
    call("run", "angle.yaml", "--output", "out", "--workers", "1")
    table = load_table(load_run(folder / "out"))
    rows = {
        (fit, theta): (gap, away)
        for fit, theta, gap, away in zip(
            *(table[name] for name in ("fit", "target.measurement.theta", "measuring_cost", "relative_entropy")),
            strict=True,
        )
    }
    for fit in ("likelihood", "empirical state"):
        assert rows[fit, 0.0] == pytest.approx((0.0, 0.0), abs=1e-9)
    assert 0.1 < rows["likelihood", 0.7][0] < rows["likelihood", 1.4][0]
    assert rows["likelihood", 1.4][1] < 1e-9
    assert rows["empirical state", 1.4][1] > rows["empirical state", 0.7][1] > 0.01
    call("plot", "out", "--kind", "measured")
    assert (folder / "out" / "measured.png").stat().st_size > 1000


@pytest.mark.slow
def test_a_damped_and_misread_state_is_explained(folder: Path) -> None:
    call("run", str(STUDIES / "noise_and_readout.yaml"), "--output", "out")
    rows = {row.fit: row for row in load_run(folder / "out").rows}
    learnt = dict(part.split(" = ") for part in rows["damping and readout"].learnt_noise.split(", "))
    assert abs(float(learnt["gamma"]) - 0.1) < 0.02
    assert rows["damping and readout"].fidelity > 0.995 > rows["damping"].fidelity
    assert rows["damping and readout"].loss < rows["damping"].loss < rows["ideal"].loss
