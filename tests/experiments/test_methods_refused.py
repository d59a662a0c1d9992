"""What a study may not say of the method of a fit, of where it starts, and of its error bars."""

# ruff: noqa: E501 - sentences stand on one line each

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
    planned,
)

from qml._checks import InputError
from qml.studies.spec import build, config
from qml.studies.spec.source import parse

# what is refused -------------------------------------------------------------------------------------------------

GHZ3 = {"kind": "ghz", "n": 3}
LEARNT = {"kind": "negative_log_likelihood", "readout": "learnt"}
MISTAKES: list[tuple[dict[str, Any], list[dict[str, Any]], str]] = [
    (COUNTS, [{"method": {"kind": "maximum_likelihod"}}], r"fits\[0\].method.kind: expected one of .*did you mean 'maximum_likelihood'"),
    (COUNTS, [{"method": {**LIKELIHOOD, "rnk": 2}}], r"method.rnk: the key 'rnk' is not known \(did you mean 'rank'\?\)"),
    (COUNTS, [{"method": {**LIKELIHOOD, "rank": 9}}], r"fits\[0\].method: rank must be an integer from 1 to 4; found 9"),
    (COUNTS, [{"method": {"kind": "maximum_entropy", "gap": 0.0}}], r"fits\[0\].method: gap must be above zero"),
    (COUNTS, [{"method": {"kind": "choose_rank", "ranks": [5]}}], r"fits\[0\].method: each rank must be an integer from 1 to 4; found 5"),
    (RHO, [{"model": SMALL, "method": {"kind": "deferred", "copies": 3}}], r"fits\[0\].method: copies must be at least two for each"),
    (RHO, [{"model": SMALL, "method": {"kind": "deferred", "copies": 99, "optimizer": {"kind": "lbfgs"}}}], "must be one that compares no values"),
    # models and targets
    (COUNTS, [{}], r"fits\[0\]: the key 'model' is missing; only a fit whose method is one of maximum_likelihood, .* needs none"),
    (RHO, [{"method": {"kind": "quantum_em"}}], r"fits\[0\]: the key 'model' is missing: the method quantum_em learns the parameters of one"),
    (COUNTS, [{"method": LIKELIHOOD, "model": LARGE}], r"fits\[0\].model: the method maximum_likelihood finds the state itself: leave model out"),
    (RHO, [{"method": LIKELIHOOD}], r"fits\[0\].method: the method maximum_likelihood learns from counts: use a target of the kind counts"),
    (COUNTS, [{"method": {"kind": "quantum_em"}, "model": HIDDEN}], "the method quantum_em learns from a state: use a target that is one"),
    ({"kind": "hamiltonian", "hamiltonian": {"kind": "tfim", "n": 2}}, [{"method": {"kind": "quantum_em"}, "model": HIDDEN}], "learns from a state"),
    (RHO, [{"method": {"kind": "quantum_em"}, "model": SMALL}], "model must be a HiddenGibbsModel"),
    (GATE, [{"method": LIKELIHOOD}], "use process_tomography"),
    (COUNTS, [{"method": {"kind": "process_tomography"}}], "for states use maximum_likelihood"),
    ({"kind": "experiments", "of": {"kind": "gate_set", "standard": "xyi"}, "shots": 9, "max_length": 1}, [{"method": LIKELIHOOD}], "are learnt by families of processes"),
    # keys of descent
    *((COUNTS, [{"method": LIKELIHOOD, key: value}], rf"fits\[0\].{key}: {key} belongs to descent, and the method is maximum_likelihood: leave it out")
      for key, value in {"loss": {"kind": "chi_square"}, "optimizer": {"kind": "lbfgs"}, "restarts": 1, "loss_tolerance": 0.0,
                         "gradient_tolerance": 1e-3, "prior": None, "validation": COUNTS, "patience": 3, "factorwise": False}.items()),
    (RHO, [{"method": {"kind": "quantum_em"}, "model": HIDDEN, "max_iterations": 3}], r"fits\[0\].max_iterations: .* the method is quantum_em: write it in method"),
    # growth
    (RHO, [{"model": SMALL, "grown_from": "fit 1"}, {"model": SMALL}], r"fits\[0\].grown_from: there is no earlier fit 'fit 1'; there is none"),
    (RHO, [{"model": SMALL}, {"model": SMALL, "grown_from": "fit 1"}], r"fits\[1\].grown_from: there is no earlier fit 'fit 1'; there is 'fit 0'"),
    (COUNTS, [{"method": LIKELIHOOD}, {"model": SMALL, "grown_from": "fit 0"}], r"fits\[1\].grown_from: the fit 'fit 0' has no parameters to start from"),
    (COUNTS, [{"method": LIKELIHOOD, "grown_from": "x"}], r"fits\[0\].grown_from: the method maximum_likelihood starts from no parameters: leave grown_from out"),
    (RHO, [{"model": LARGE}, {"model": SMALL, "grown_from": "fit 0"}], r"fits\[1\].grown_from: the larger model has no parameter"),
    (COUNTS, [{"model": SMALL, "loss": LEARNT}, {"model": SMALL, "grown_from": "fit 0"}], "fits whose loss learns parameters of its own grow from none"),
    # error bars
    (RHO, [{"model": SMALL, "errors": [PURITY]}], r"fits\[0\].errors: errors are those of a tomography: give a method that learns from counts"),
    (RHO, [{"model": HIDDEN, "method": {"kind": "quantum_em"}, "errors": [PURITY]}], "the method quantum_em is no tomography: leave errors out"),
    (COUNTS, [{"method": LIKELIHOOD, "errors": [{**PURITY, "of": ["puritty"]}]}], r"of\[0\]: expected 'purity', .* \(did you mean 'purity'\?\)"),
    (COUNTS, [{"method": LIKELIHOOD, "errors": [{**PURITY, "of": [{"kind": "tfimm", "n": 2}]}]}], r"of\[0\].kind: .*did you mean 'tfim'"),
    (COUNTS, [{"method": LIKELIHOOD, "errors": [{**PURITY, "of": [{"kind": "tfim", "n": 3}]}]}], r"fits\[0\].errors\[0\]: .*3 qubits"),
    (COUNTS, [{"method": LIKELIHOOD, "errors": [{**PURITY, "of": ["purity", "purity"]}]}], "purity is listed twice"),
    (COUNTS, [{"method": LIKELIHOOD, "errors": [{**PURITY, "of": ["fidelity"], "state": GHZ3}]}], "must have equal dims"),
    (COUNTS, [{"method": LIKELIHOOD, "errors": [{**PURITY, "state": BELL}]}], "state is what the fidelity is with"),
    (COUNTS, [{"method": LIKELIHOOD, "errors": [{**PURITY, "replicates": 1}]}], "replicates must be an integer from 2"),
    (COUNTS, [{"method": LIKELIHOOD, "errors": [{"kind": "interval", "of": ["entropy"]}]}], "not of entropy: use bootstrap"),
    ({**COUNTS, "of": RHO}, [{"method": LIKELIHOOD, "errors": [{"kind": "interval", "of": ["fidelity"]}]}], "the fidelity with a mixed state is not an expectation"),
    ({**COUNTS, "shots": "infinite"}, [{"method": LIKELIHOOD, "errors": [PURITY]}], "the bootstrap needs integer counts"),
    (COUNTS, [{"method": {"kind": "maximum_entropy"}, "errors": [PURITY]}], "the bootstrap repeats maximum_likelihood"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "said", "words"), MISTAKES, ids=[words[:50] for _, _, words in MISTAKES])
def test_a_mistake_gets_its_sentence_before_anything_is_run(
    target: dict[str, Any], said: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        planned(target, *said)
    assert str(caught.value).startswith("study, ")
    assert "\n" not in str(caught.value)


def test_error_bars_of_points_and_of_unknown_states_are_refused(tmp_path: Path) -> None:
    fit = {"method": LIKELIHOOD, "errors": [PURITY]}
    more = {"fits": [{"name": "fit 0", "method": LIKELIHOOD}, {"name": "fit 1", **fit}]}
    for k, study in enumerate(
        ((fit, {"grid": {"target.shots": [10, 20]}}), ({"method": LIKELIHOOD}, {"points": [more]}))
    ):
        with pytest.raises(
            InputError, match=rf"fits\[{k}\].errors: of a sweep only the table is kept: leave errors, or sweep, out"
        ):
            planned(COUNTS, study[0], sweep=study[1])
    with pytest.raises(InputError, match=r"fits\[0\].restarts: restarts belongs to descent"):
        planned(COUNTS, {"method": LIKELIHOOD}, sweep={"grid": {"fit.restarts": [1, 2]}})
    planned(COUNTS, {"method": LIKELIHOOD}).target.counts.write_json(tmp_path / "record.json")
    text = {
        "target": {"kind": "counts", "file": "record.json"},
        "fits": [{"name": "it", "method": LIKELIHOOD, "errors": [{**PURITY, "of": ["fidelity"]}]}],
    }
    source = parse(json.dumps(text).encode(), tmp_path / "study.yaml")
    with pytest.raises(InputError, match="the state that was measured is not known: say in state with which one"):
        build.build(config.study_of(source), source)
    text["fits"][0]["errors"][0]["state"] = BELL
    source = parse(json.dumps(text).encode(), tmp_path / "study.yaml")
    assert build.build(config.study_of(source), source).jobs[0].model is None


def test_a_mistake_inside_what_may_be_a_word_is_told_where_it_is() -> None:
    """Of a quantity that is a mapping, not that it is none of the words."""
    lines = "target: {}\nfits:\n- name: it\n  method: {kind: maximum_likelihood}\n  errors:\n  - kind: bootstrap\n    of:\n    - kind: tfim\n      n: 2\n      hh: 1\n"
    with pytest.raises(InputError, match=r"line 10, fits\[0\].errors\[0\].of\[0\].hh: the key 'hh' is not known"):
        config.study_of(parse(lines.replace("{}", "{kind: counts, file: a.json}").encode(), Path("study.yaml")))
