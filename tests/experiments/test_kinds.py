"""Every model, optimizer, loss and prior of the package is a kind of a study, and each learns something there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qml._checks import InputError, MemoryRefused
from qml.engines import ChainEngine
from qml.fitting import FitResult, priors
from qml.losses import EVERY_LOSS
from qml.models import MODELS
from qml.operators import tfim
from qml.optimizers import OPTIMIZERS
from qml.states import thermal
from qml.studies.record.fits import row_of, run_fit
from qml.studies.record.folder import load_run
from qml.studies.record.table import load_table
from qml.studies.run.run import Options, run_study
from qml.studies.run.sweeping import How
from qml.studies.show import output
from qml.studies.show.page import page
from qml.studies.spec import config, models
from qml.studies.spec.build import Job, Plan, build
from qml.studies.spec.models import FAMILIES
from qml.studies.spec.schema import members
from qml.studies.spec.source import parse

RHO = {"kind": "thermal", "hamiltonian": {"kind": "tfim", "n": 2, "h": 0.5}, "beta": 0.7}
COUNTS = {"kind": "counts", "of": RHO, "measurement": {"kind": "pauli"}, "shots": 50}
PAULIS = {"kind": "neighbors", "n": 2}
GATES = {"kind": "hardware_efficient", "n": 2, "layers": 1}
GIBBS = {"kind": "gibbs", "generators": PAULIS}
ONE = {"kind": "gibbs", "generators": {"kind": "strings", "labels": ["X", "Z"]}}
WHITE = {"kind": "fixed", "state": {"kind": "maximally_mixed", "n": 2}}
FLIP = {"channel": "BitFlip", "params": ["p"]}
MODEL_KEYS: dict[str, dict[str, Any]] = {
    "circuit": {"ansatz": {"kind": "purification", "n": 2, "ancillas": 2, "layers": 2}},
    "gibbs": {"generators": PAULIS},
    "large_gibbs": {"generators": PAULIS, "samples": 8},
    "chain_gibbs": {"generators": PAULIS, "tolerance": 1e-6},
    "hidden": {"generators": {"kind": "neighbors", "n": 3}, "hidden": [2]},
    "semi_quantum": {"n_visible": 2, "n_hidden": 1, "letters": "XZ"},
    "evolved": {"generators": {"kind": "strings", "labels": ["ZI", "IZ"]}, "ansatz": GATES},
    "spectral": {"ansatz": GATES, "energies": "ising", "edges": [[0, 1]]},
    "cholesky": {"n": 2, "rank": 2, "smoothing": 0.1},
    "purified": {"ansatz": {**GATES, "n": 3}, "n_ancillas": 1, "smoothing": 0.1},
    "fixed": {"state": WHITE["state"]},
    "mixture": {"members": [GIBBS, WHITE]},
    "product": {"factors": [ONE, ONE]},
    "noisy": {"model": GIBBS, "noise": [FLIP]},
    "process": {
        "ansatz": {"kind": "hardware_efficient", "n": 1, "layers": 1},
        "noise": [{"channel": "Depolarizing", "params": ["q"]}],
    },
    "kraus": {"dims_in": 1},
}


def plan(target: dict[str, Any] = RHO, **fit: Any) -> Plan:
    study = {"seed": 3, "target": target, "fits": [{"name": "it", "model": GIBBS, "max_iterations": 2, **fit}]}
    source = parse(json.dumps(study).encode(), Path("study.yaml"))
    return build(config.study_of(source), source)


def fitted(target: dict[str, Any] = RHO, **fit: Any) -> tuple[Job, FitResult]:
    made = plan(target, **fit)
    result = run_fit(made.jobs[0], made.target, 3, 0)
    assert row_of(made.jobs[0], result, made.target).n_params == len(result.params)
    return made.jobs[0], result


def test_every_entry_of_the_registries_is_a_kind() -> None:
    assert set(MODELS) <= set(members(models.ModelSpec)) == set(MODEL_KEYS)
    assert set(OPTIMIZERS) == set(members(config.OptimizerSpec))
    assert set(EVERY_LOSS) == set(members(config.LossSpec))
    conditional = {"conditional_gibbs", "conditional_circuit"}
    assert set(members(models.AnyModelSpec)) == set(members(models.ModelSpec)) | conditional | set(FAMILIES)
    assert set(priors.PRIORS) == set(members(config.PriorSpec))


@pytest.mark.parametrize("kind", MODEL_KEYS)
def test_every_model_learns(kind: str) -> None:
    _, result = fitted(model={"kind": kind, **MODEL_KEYS[kind]})
    assert np.isfinite(result.history.loss).all()
    assert (result.loss < result.history.loss[0]) != (kind == "fixed")


def test_a_circuit_starts_from_a_model_and_learns_noise_within_its_domain() -> None:
    model = {"kind": "circuit", "ansatz": {**GATES, "layers": 0}, "noise": [{**FLIP, "gates": ["RZ"]}]}
    model |= {"initial": GIBBS, "domains": {"p": [0.0, 0.05]}}
    target = {**RHO, "through": [{"channel": "BitFlip", "params": [0.2]}]}
    job, result = fitted(target, model=model, max_iterations=200)
    assert job.model.parameter_names[0] == "XI"
    assert 0 < job.natural(result.params)["p"] < 0.05
    assert result.gap < 1e-6
    with pytest.raises(InputError, match=r"fits\[0\].model: domains: the circuit has no parameter 'q'"):
        plan(model={**model, "domains": {"q": [0.0, 0.05]}})
    with pytest.raises(InputError, match=r"fits\[0\].model.initial.generators.weight: expected at least 1"):
        plan(model={**model, "initial": {"kind": "gibbs", "generators": {**PAULIS, "weight": 0}}})


def test_noise_that_no_gate_has_is_refused() -> None:
    spec = {"kind": "circuit", "ansatz": {**GATES, "layers": 0}, "noise": [{**FLIP, "gates": ["CNOT"]}]}
    with pytest.raises(InputError, match=r"fits\[0\].model: no gate has the noise 'p'"):
        plan(model=spec)


@pytest.mark.parametrize("kind", sorted(OPTIMIZERS))
def test_every_optimizer_takes_a_step(kind: str) -> None:
    target = {"kind": "haar_pure", "n": 2} if kind == "stochastic_adam" else RHO  # batches are of an ensemble
    fit: dict[str, Any] = {}
    if kind == "parameter_shift":
        fit = {"model": {"kind": "circuit", **MODEL_KEYS["circuit"]}, "loss": {"kind": "hilbert_schmidt"}}
    _, result = fitted(target, optimizer={"kind": kind}, **fit)
    assert result.iterations >= 1, result.status


@pytest.mark.parametrize("kind", sorted(priors.PRIORS))
def test_a_narrow_prior_pulls_parameters_to_its_mean(kind: str) -> None:
    free = fitted(max_iterations=50)[1]
    held = fitted(max_iterations=50, prior={"kind": kind, "scale": 0.5, "copies": 2})[1]
    assert np.abs(held.params).sum() < 0.8 * np.abs(free.params).sum()


def test_validation_has_fresh_shots_of_the_same_state() -> None:
    made = plan(COUNTS, loss={"kind": "negative_log_likelihood"}, validation=COUNTS, patience=3)
    held, counts = made.jobs[0].validation, made.target.counts
    assert held is not None
    assert counts is not None
    assert not np.array_equal(held.counts, counts.counts)
    run_fit(made.jobs[0], made.target, 3, 0)


def test_factor_by_factor_is_the_joint_fit() -> None:
    product = {"kind": "product", "factors": [ONE, ONE]}
    losses = [fitted(model=product, factorwise=f, max_iterations=100)[1].loss for f in (True, False)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-10)


def test_noise_that_is_learnt_inside_other_models_has_its_name() -> None:
    noisy = {"kind": "noisy", "model": GIBBS, "noise": [FLIP]}
    job, result = fitted(model={"kind": "mixture", "members": [WHITE, noisy]})
    assert models.learnt_noise(job.spec.model) == ["1.p"]
    assert 0 < job.natural(result.params)["1.p"] < 1


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        ({"model": {"kind": "spectral", "ansatz": GATES, "edges": [[0, 1]]}}, "edges belong to"),
        ({"model": {"kind": "cholesky", "n": 2, "dims": [2, 2]}}, "found both"),
        ({"model": {"kind": "cholesky", "dims": [2, 0]}}, r"dims\[1\]: expected at least 1; found 0"),
        ({"model": {"kind": "cholesky", "dims": []}}, "dims: expected at least 1 item"),
        (
            {"model": {"kind": "gibbs", "generators": {**PAULIS, "weight": 25}}},
            "weight: expected at most",
        ),
        ({"factorwise": True}, "for the model product"),
        (
            {"validation": {"kind": "file", "path": "a.npz"}},
            r"fits\[0\].validation: the state file .*a.npz'",
        ),
    ],
)
def test_what_does_not_go_together_is_told(fit: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        plan(**fit)


def test_a_hamiltonian_is_a_target_of_energies_and_of_nothing_else() -> None:
    chain = {"kind": "hamiltonian", "hamiltonian": RHO["hamiltonian"]}
    job, ground = fitted(chain, model={"kind": "cholesky", "n": 2}, max_iterations=50)
    assert job.loss.name == "expectation"
    assert ground.gap < 1e-6
    assert ground.gap == pytest.approx(ground.loss - np.linalg.eigvalsh(tfim(2, h=0.5).matrix())[0], abs=1e-12)
    _, warm = fitted(chain, loss={"kind": "free_energy", "beta": 0.7}, max_iterations=50)
    np.testing.assert_allclose(warm.state.matrix(), thermal(tfim(2, h=0.5), 0.7).matrix(), atol=1e-6)
    for kind in ("cross_entropy", "negative_log_likelihood"):
        with pytest.raises(InputError, match="target must be"):
            plan(chain, loss={"kind": kind})
    with pytest.raises(InputError, match="must be a Hamiltonian"):
        plan(RHO, loss={"kind": "free_energy"})
    with pytest.raises(InputError, match="the model has 2 qubits, the target 3 qubits"):
        plan({"kind": "hamiltonian", "hamiltonian": {"kind": "tfim", "n": 3}})


CHAIN = {"kind": "thermal_chain", "hamiltonian": {"kind": "tfim", "n": 16}, "beta": 0.3}
LONG = {"generators": {"kind": "neighbors", "n": 100}}
BONDS = {"kind": "chain_gibbs", "generators": {"kind": "terms_of", "hamiltonian": CHAIN["hamiltonian"]}}


def test_a_chain_is_learnt_and_shown_without_a_matrix() -> None:
    asked = {"optimizer": {"kind": "newton"}, "gradient_tolerance": 1e-4, "max_iterations": 20}
    job, result = fitted(CHAIN, model={**BONDS, "tolerance": 1e-5, "bond": 64}, **asked)
    assert repr(job.model).endswith("ChainEngine(tolerance=1e-05, bond=64))")
    assert repr(plan(CHAIN, model=BONDS).jobs[0].model).endswith(f"{ChainEngine()!r})")
    assert result.converged
    assert abs(result.gap) < 1e-6
    np.testing.assert_allclose(result.params, -0.3, atol=1e-3)
    row = row_of(job, result, plan(CHAIN, model=BONDS).target)
    assert np.isnan(row.fidelity)
    assert "fidelity" not in output.result_table([row])
    assert "fidelity" not in str(result)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tolerance": 0.0}, r"fits\[0\].model.tolerance: expected at least 1e-12; found 0"),
        ({"tolerance": 0.5}, r"fits\[0\].model.tolerance: expected at most 0.1; found 0.5"),
        ({"bond": 0}, r"fits\[0\].model.bond: expected at least 1; found 0"),
        ({"bond": 2.5}, r"fits\[0\].model.bond: expected an integer; found 2.5"),
        (
            {"samples": 8},
            r"fits\[0\].model.samples: the key 'samples' is not known; the keys here",
        ),
        (
            {"generators": {"kind": "neighbors", "n": 201}},
            "n: expected at most 200; found 201",
        ),
        ({"generators": {"kind": "neighbors", "n": 17}}, "the model has 17 qubits, the target 16 qubits"),
        ({"kind": "gibbs"}, r"fits\[0\].model: a state of dimension 65536 and its derivative needs"),
    ],
)
def test_a_mistake_about_a_chain_gets_its_sentence(changed: dict[str, Any], words: str) -> None:
    with pytest.raises((InputError, MemoryRefused), match=words) as caught:
        plan(CHAIN, model={**BONDS, **changed})
    assert "\n" not in str(caught.value)


def test_a_chain_that_is_too_cold_or_not_open_to_channels_gets_its_sentence() -> None:
    with pytest.raises(InputError, match=r"target.beta: expected at most 1000000; found 1e\+300"):
        plan({**CHAIN, "beta": 1e300}, model=BONDS)
    with pytest.raises(InputError, match="the key 'through' is not known"):
        plan({**CHAIN, "through": [{"channel": "BitFlip", "params": [0.2]}]}, model=BONDS)


def test_a_hamiltonian_may_have_more_qubits_than_a_state_vector() -> None:
    made = plan({"kind": "hamiltonian", "hamiltonian": {"kind": "tfim", "n": 100}}, model={**BONDS, **LONG})
    assert made.target.state.dims == (2,) * 100


@pytest.mark.slow
def test_a_chain_is_swept_and_reported(tmp_path: Path, coarse_pictures: None) -> None:
    study = {"title": "Chains", "target": CHAIN, "sweep": {"grid": {"target.beta": [0.1, 0.2]}}}
    study["fits"] = [{"name": "it", "model": BONDS, "optimizer": {"kind": "newton"}, "gradient_tolerance": 1e-6}]
    (tmp_path / "study.yaml").write_text(json.dumps(study))
    done = run_study(tmp_path / "study.yaml", Options(output=tmp_path / "out", quiet=True, how=How(workers=1)))
    assert done.exit_code == 0
    columns = load_table(load_run(tmp_path / "out"))
    assert np.abs(columns["gap"]).max() < 1e-9
    assert np.isnan(columns["fidelity"]).all()
    assert "thermal_chain" in page(load_run(tmp_path / "out"))


@pytest.mark.slow
def test_a_study_of_a_hamiltonian_is_run_and_shown(tmp_path: Path, coarse_pictures: None) -> None:
    folder = Path(__file__).parents[2] / "experiments"
    done = run_study(folder / "ground_and_thermal.yaml", Options(output=tmp_path / "out", quiet=True))
    assert done.exit_code == 0
    assert not (tmp_path / "out" / "target.npz").exists()
    rows = ground, noisy, warm, mean_field = load_run(done.folder).rows
    assert max(ground.gap, warm.gap) < 1e-9 < 1e-2 < min(noisy.gap, mean_field.gap)
    text = output.legend({}, rows)
    assert text == "gap = loss - floor: D(sigma||rho_beta) of free_energy, in nats."
    assert list(output.result_table(rows)) == ["fit", "loss of", "loss", "floor", "gap", "iterations"]
