"""Fits that do not descend by an optimizer: tomographies with error bars, quantum EM, deferred measurement; and fits that
start from smaller ones. From YAML and from Python, with the numbers of the functions themselves."""

# ruff: noqa: E501 - sentences stand on one line each

from __future__ import annotations

import csv
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.methods import (
    BELL,
    COUNTS,
    GATE,
    HIDDEN,
    LARGE,
    LIKELIHOOD,
    PURITY,
    RHO,
    SMALL,
    call,
    cut_off,
    planned,
    study,
)

import qml
from qml import losses, tomography
from qml._checks import InputError
from qml.fitting import DeferredCrossEntropy, FitResult, fit_deferred, grow, quantum_em
from qml.measurement import Counts
from qml.models import semi_quantum_restricted
from qml.operators import tfim
from qml.optimizers import Adam
from qml.states import State, ghz
from qml.studies.record import fits
from qml.studies.run import run
from qml.studies.spec import methods, streams
from qml.studies.spec.schema import members
from qml.tomography import TOMOGRAPHIES, TomographyResult


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "_draw", lambda *_: None)
    return tmp_path


# what they find --------------------------------------------------------------------------------------------------


def test_every_tomography_is_a_method_with_the_arguments_of_its_function_as_keys() -> None:
    found: Any = members(methods.MethodSpec)
    assert {*TOMOGRAPHIES, "quantum_em", "deferred"} == set(found)
    assert {kind for kind in found if "model" not in found[kind].asked()} == set(TOMOGRAPHIES)
    for kind, spec in found.items():
        assert any(limit in spec.model_fields for limit in methods.LIMITS), kind
        said = set(inspect.signature(spec.maker).parameters) - spec.given - {"start"}
        assert said == set(spec.model_fields) - {"kind"}, kind


@pytest.mark.parametrize(
    "method",
    [
        LIKELIHOOD,
        {**LIKELIHOOD, "rank": 1},
        {**LIKELIHOOD, "hedging": 0.5},
        {**LIKELIHOOD, "method": "accelerated", "gap": 1e-3},
        {"kind": "maximum_entropy", "gap": 0.1},
        {"kind": "choose_rank", "gap": 1e-4},
    ],
    ids=lambda method: "-".join(map(str, method.values())),
)
def test_a_tomography_is_that_of_its_function(method: dict[str, Any], folder: Path) -> None:
    ran = study(COUNTS, {"method": method}).run("out", quiet=True)
    counts = Counts.load(folder / "out" / "counts.npz")
    keys = {key: value for key, value in method.items() if key != "kind"}
    wanted = TOMOGRAPHIES[method["kind"]](counts, **keys)
    result, row = ran["fit 0"].result, ran["fit 0"].row
    assert isinstance(result, TomographyResult)
    np.testing.assert_array_equal(result.state.matrix(), wanted.state.matrix())
    assert (result.certificate, row.status, row.iterations) == (wanted.certificate, wanted.status, wanted.iterations)
    assert row.loss == pytest.approx(-wanted.log_likelihood / counts.total, abs=1e-12)
    assert row.floor == pytest.approx(losses.NegativeLogLikelihood().floor(counts), abs=1e-12)
    assert row.fidelity == pytest.approx(losses.fidelity(ghz(2), wanted.state), abs=1e-12)
    assert (row.loss_name, row.n_params, row.converged) == ("negative_log_likelihood", wanted.parameters, True)
    assert row.evaluations is None
    files = {path.name for path in (folder / "out" / "fits" / "1-fit-0").iterdir()}
    assert files == {"result.npz", "history.csv"}
    with (folder / "out" / "fits" / "1-fit-0" / "history.csv").open(newline="") as file:
        kept = list(csv.DictReader(file))
    assert [int(line["iteration"]) for line in kept] == result.history.iteration.tolist()
    assert [float(line["certificate"]) for line in kept] == result.history.gap.tolist()


def test_the_chosen_rank_is_told_and_fitted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    white = {**BELL, "through": [{"channel": "Depolarizing", "params": [0.05]}]}
    tried: list[int | None] = []

    def counted(counts: Counts, rank: int | None = None, **rest: Any) -> TomographyResult:
        tried.append(rank)
        return tomography.maximum_likelihood(counts, rank=rank, **rest)

    monkeypatch.setattr(tomography.ranks, "maximum_likelihood", counted)
    plan = planned({**COUNTS, "of": white}, {"method": {"kind": "choose_rank"}})
    found: Any = fits.run_fit(plan.jobs[0], plan.target, 7, 0)
    assert tried[-3:] == [None, 1, 2]
    chosen = tomography.choose_rank(plan.target.counts)
    assert chosen.rank == found.rank == 2 < chosen.full.rank
    assert found.status.endswith("; rank 2 of 4 is the smallest that the record does not rule out.")


def test_a_process_is_that_of_its_function(folder: Path) -> None:
    errors = [
        {"kind": "bootstrap", "of": ["fidelity"], "replicates": 4},
        {"kind": "interval", "of": ["fidelity"], "replicates": 20},
    ]
    ran = study(GATE, {"method": {"kind": "process_tomography", "rank": 2}, "errors": errors}).run("out", quiet=True)
    counts = Counts.load(folder / "out" / "counts.npz")
    wanted = tomography.process_tomography(counts, rank=2, seed=streams.fit_seed(7, 0), progress=False)
    np.testing.assert_array_equal(ran["fit 0"].result.process.choi.matrix(), wanted.process.choi.matrix())
    assert ran["fit 0"].row.fidelity > 0.95
    assert all(low <= 1.0 + 1e-9 for low in ran.errors["low"])


def test_quantum_em_is_that_of_its_function(folder: Path) -> None:
    method = {"kind": "quantum_em", "max_iterations": 5, "inner_iterations": 3}
    ran = study(RHO, {"model": HIDDEN, "method": method}).run("out", quiet=True)
    result = ran["fit 0"].result
    rho = qml.thermal(tfim(2, h=0.5), 0.8)
    seed = streams.fit_seed(7, 0)
    wanted = quantum_em(semi_quantum_restricted(2, 1), rho, seed=seed, max_iterations=5, inner_iterations=3)
    assert isinstance(result, FitResult)
    np.testing.assert_array_equal(result.params, wanted.params)
    row = ran["fit 0"].row
    assert (row.loss, row.gap, row.iterations, row.converged) == (wanted.loss, wanted.gap, 5, False)
    assert row.seconds > 0
    assert row.fidelity == pytest.approx(losses.fidelity(rho, wanted.state), abs=1e-12)
    with (folder / "out" / "fits" / "1-fit-0" / "history.csv").open(newline="") as file:
        assert [float(line["loss"]) for line in csv.DictReader(file)] == wanted.history.loss.tolist()
    with (folder / "out" / "fits" / "1-fit-0" / "parameters.csv").open(newline="") as file:
        assert [float(line["value"]) for line in csv.DictReader(file)] == wanted.params.tolist()


def test_deferred_measurement_is_that_of_its_function(folder: Path) -> None:
    method = {
        "kind": "deferred",
        "copies": 500,
        "steps": 30,
        "average": 10,
        "optimizer": {"kind": "adam", "learning_rate": 0.2},
    }
    ran = study(RHO, {"model": SMALL, "method": method}).run("out", quiet=True)
    rho = qml.thermal(tfim(2, h=0.5), 0.8)
    seed = streams.fit_seed(7, 0)
    wanted = fit_deferred(
        qml.GibbsModel(tfim(2)), rho, copies=500, steps=30, average=10, optimizer=Adam(0.2), seed=seed
    )
    assert isinstance(ran["fit 0"].result, FitResult)
    start, shots = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(2))
    loss = DeferredCrossEntropy(wanted.model, rho, copies=500, rng=shots)
    descent = loss.descend(wanted.model.init_params(start), 30, Adam(0.2))
    np.testing.assert_array_equal(wanted.params, descent.average(10))
    exact = [losses.cross_entropy(rho, wanted.model.state(theta)) for theta in descent.params]
    np.testing.assert_array_equal(wanted.history.loss, exact)
    assert f"{descent.values[-1]:.6g} +- {descent.standard_errors[-1]:.2g}" in wanted.status
    np.testing.assert_array_equal(ran["fit 0"].result.params, wanted.params)
    assert ran["fit 0"].row.loss == wanted.loss == pytest.approx(losses.cross_entropy(rho, wanted.state), abs=1e-12)
    assert "15500 copies" in ran["fit 0"].row.status


# where fits start ------------------------------------------------------------------------------------------------


def test_a_fit_grows_from_an_earlier_one(folder: Path) -> None:
    few = {"max_iterations": 3}
    grown = {"model": LARGE, "grown_from": "fit 0", **few}
    ran = study(RHO, {"model": SMALL, **few}, grown, {"model": LARGE, **few}).run("out", quiet=True)
    small, large = ran["fit 0"].result, ran["fit 1"].result
    start = grow(small, large.model)
    again = qml.fit(large.model, small.target, params0=start, max_iterations=3, progress=False)
    np.testing.assert_array_equal(large.params, again.params)
    assert large.history.loss[0] == pytest.approx(small.loss, abs=1e-12)
    assert large.loss < small.loss
    assert large.history.loss[0] < ran["fit 2"].result.history.loss[0]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"model": HIDDEN, "method": {"kind": "quantum_em", "max_iterations": 3}}, {"model": HIDDEN}),
        ({"model": HIDDEN, "max_iterations": 3}, {"model": HIDDEN, "method": {"kind": "quantum_em"}}),
        ({"model": SMALL, "method": {"kind": "deferred", "copies": 300, "steps": 3}}, {"model": LARGE}),
        ({"model": SMALL, "max_iterations": 2}, {"model": LARGE, "method": {"kind": "deferred", "copies": 300}}),
    ],
    ids=["from EM", "into EM", "from shots", "into shots"],
)
def test_methods_and_descents_grow_from_each_other(first: dict[str, Any], second: dict[str, Any]) -> None:
    plan = planned(RHO, first, {**second, "grown_from": "fit 0"})
    results = {"fit 0": fits.run_fit(plan.jobs[0], plan.target, 7, 0)}
    found: Any = fits.run_fit(plan.jobs[1], plan.target, 7, 1, results=results)
    start = found.history.loss[0] if hasattr(found.history, "loss") else found.history[0]
    assert start == pytest.approx(results["fit 0"].loss, abs=1e-10)


def test_a_fit_of_a_resumed_run_grows_from_what_was_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = study(
        RHO, {"model": SMALL, "max_iterations": 3}, {"model": LARGE, "grown_from": "fit 0", "max_iterations": 4}
    )
    whole = made.run("whole", quiet=True)
    cut_off(monkeypatch, fits, "fit", 2)
    assert made.run("out", quiet=True).status == "interrupted"
    assert list(made.run("out", resume=True, quiet=True)) == ["fit 0", "fit 1"]
    np.testing.assert_array_equal(qml.open_run("out")["fit 1"].result.params, whole["fit 1"].result.params)


# error bars ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_error_bars_are_those_of_the_functions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = {"kind": "bootstrap", "of": ["purity", "fidelity", {"kind": "tfim", "n": 2}], "replicates": 6, "level": 0.9}
    profile = {"kind": "interval", "of": ["fidelity", {"kind": "pauli", "terms": {"ZZ": 1.0}}], "replicates": 20}
    other = {**profile, "of": ["fidelity"], "state": {"kind": "basis", "bits": "00"}}
    ran = study(COUNTS, {"method": LIKELIHOOD, "errors": [drawn, profile, other]}, {"model": LARGE}).run("out")
    errors, result = ran.errors, ran["fit 0"].result
    assert errors["quantity"] == ["purity", "fidelity", "-ZZ - XI - IX", "fidelity", "ZZ", "fidelity with basis"]
    assert errors["kind"] == ["bootstrap"] * 3 + ["interval"] * 3
    assert set(errors["fit"]) == {"fit 0"}
    hamiltonian = tfim(2)
    functions = {"p": State.purity, "f": lambda s: losses.fidelity(ghz(2), s), "h": lambda s: s.expect(hamiltonian)}
    wanted = tomography.bootstrap(result, functions, replicates=6, seed=streams.error_seed(7, 0, 0))
    for k, name in enumerate(functions):
        assert errors["estimate"][k] == wanted.estimates[name]
        assert errors["standard_error"][k] == wanted.standard_error(name)
        assert (errors["low"][k], errors["high"][k]) == wanted.interval(name, 0.9)
    assert (errors["low"][3], errors["high"][3]) == result.interval(
        ghz(2), replicates=20, seed=streams.error_seed(7, 0, 1)
    )
    assert (errors["low"][4], errors["high"][4]) == result.interval(
        qml.pauli("ZZ"), replicates=20, seed=streams.error_seed(7, 0, 1)
    )
    assert errors["standard_error"][3] is None
    assert errors["level"] == [0.9] * 3 + [0.95] * 3
    for shown in (capsys.readouterr().out, str(ran), ran._repr_html_(), call("show", "out").stdout):
        assert "fidelity with basis" in shown
    call("report", "out")
    assert "<h2>Error bars</h2>" in (folder / "out" / "report.html").read_text()
    assert qml.open_run("out").errors == errors
    (folder / "out/fits/1-fit-0/errors.csv").write_text("")
    with pytest.raises(InputError, match=r"errors.csv was changed or damaged"):
        qml.open_run("out").errors  # noqa: B018


def test_the_state_and_the_error_bars_are_kept_apart(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while error bars are drawn keeps the state; what goes on draws them, and finds it nowhere else."""
    made = study(
        COUNTS, {"method": LIKELIHOOD, "errors": [PURITY, PURITY | {"of": ["entropy"]}]}, {"method": LIKELIHOOD}
    )
    whole = made.run("whole", quiet=True)
    cut_off(monkeypatch, tomography.error_bars, "bootstrap", 4)  # both are tried before the run
    half = made.run("out", quiet=True)
    assert (half.status, list(half), half.errors) == ("interrupted", ["fit 0"], {})
    kept = (folder / "out/fits/1-fit-0/result.npz").stat().st_mtime_ns
    again = made.run("out", resume=True, quiet=True)
    assert (again.status, list(again)) == ("finished", ["fit 0", "fit 1"])
    assert (folder / "out/fits/1-fit-0/result.npz").stat().st_mtime_ns == kept
    assert (folder / "out/fits/1-fit-0/errors.csv").read_bytes() == (
        folder / "whole/fits/1-fit-0/errors.csv"
    ).read_bytes()
    assert call("compare", "out", "whole").stdout == "2 of 2 fits are identical to the bit.\n"
    assert whole.errors == again.errors
    assert made.run("out", resume=True, quiet=True).errors == again.errors
