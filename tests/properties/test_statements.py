"""The statements of the principle hold on random instances, and a broken cross entropy is caught."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg

from qml import GibbsModel, fit, losses, operators, pauli, spectral
from qml._checks import InputError
from qml.encodings import rank_one
from qml.optimizers import LBFGS
from qml.principle import STATEMENTS, Verdict, check, check_all, structure
from qml.principle.friends import CLEAR
from qml.principle.report import table, write_report


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    return list(check_all(pairs=10_000))


def test_every_statement_holds_on_ten_thousand_instances(verdicts: list[Verdict]) -> None:
    assert [v.statement.number for v in verdicts] == list(STATEMENTS)
    assert [str(v) for v in verdicts if not v.holds] == []
    assert list(STATEMENTS)[:19] == list(range(1, 20))


def test_false_friends_are_broken_by_a_clear_margin(verdicts: list[Verdict]) -> None:
    evidence = verdicts[10].evidence
    assert len(evidence.counterexamples) == 7
    assert min(found.broken_by for found in evidence.counterexamples) == CLEAR - evidence.violation > 0.1
    assert all(0 < found.share < 1 for found in evidence.counterexamples)


def test_the_printed_counterexamples_can_be_checked_by_hand(verdicts: list[Verdict]) -> None:
    """From the printed Bloch vectors alone, with SciPy's matrix logarithm."""

    def qubits(text: str) -> list[np.ndarray]:
        paulis = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
        rows = [[float(x) for x in row.split(",")] for row in re.findall(r"\(([-\d., ]+)\)", text)]
        return [(np.eye(2) + np.einsum("k,kij->ij", row, paulis)) / 2 for row in rows]

    def s(rho: np.ndarray, sigma: np.ndarray) -> float:
        return float(-np.trace(rho @ scipy.linalg.logm(sigma)).real)

    found = verdicts[10].evidence.counterexamples
    rho, sigma = qubits(found[0].instance)
    assert found[0].left == pytest.approx(s(rho, sigma), abs=1e-9)
    assert found[0].right == pytest.approx(-np.diag(rho).real @ np.log(np.diag(sigma).real), abs=1e-9)
    rho, sigma = qubits(found[1].instance)
    assert found[1].right == pytest.approx(s(rho, sigma), abs=1e-9)
    assert found[1].left == pytest.approx(s(np.diag(np.diag(rho)), sigma), abs=1e-9)
    a, b, c, d = qubits(found[5].instance)
    assert found[5].left == pytest.approx((s(a, c) + s(b, d)) / 2, abs=1e-9)
    assert found[5].right == pytest.approx(s((a + b) / 2, (c + d) / 2), abs=1e-9)


def test_a_wrong_cross_entropy_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = losses.cross_entropy
    monkeypatch.setattr(losses, "cross_entropy", lambda rho, sigma: 0.97 * right(rho, sigma))
    caught = [number for number in STATEMENTS if not check(number, pairs=2000).holds]
    assert set(caught) >= set(STATEMENTS) - BLIND


BLIND = {10, 11, 12, 14, 15, 16, 21}
"""Linear in S, or with slack that 3 percent do not use up: these are caught below."""
MUTATIONS = {
    "S + S²/50": (losses, "cross_entropy", lambda right: lambda *xs: right(*xs) + right(*xs) ** 2 / 50, {14, 15}),
    "S clipped": (losses, "cross_entropy", lambda right: lambda *xs: np.minimum(right(*xs), 1.0), {10, 16}),
    "S(sigma, rho)": (losses, "cross_entropy", lambda right: lambda rho, sigma: right(sigma, rho), {9, 12}),
    "S = 1": (losses, "cross_entropy", lambda right: lambda *xs: np.ones_like(right(*xs)), {11}),
    "D²": (losses, "relative_entropy", lambda right: lambda *xs: right(*xs) ** 2, {21}),
    "F²": (losses, "fidelity", lambda right: lambda *xs: right(*xs) ** 2, {5}),
    "trace norm": (losses, "trace_distance", lambda right: lambda *xs: 2 * right(*xs), {6}),
    "differences of log": (spectral, "log_divided_differences", lambda right: lambda x: 1.01 * right(x), {19}),
    "differences of exp": (spectral, "exp_divided_differences", lambda right: lambda x: 1.01 * right(x), {18}),
    "the other part": (
        operators,
        "partial_trace_matrix",
        lambda right: lambda a, k, d: right(a, [len(d) - 1 - k[0]], d),
        {14},
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_wrong_formula_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, attribute, wrong, numbers = MUTATIONS[name]
    monkeypatch.setattr(module, attribute, wrong(getattr(module, attribute)))
    monkeypatch.setattr(structure, "SHAPES", ((2, 2),))
    for number in numbers:
        with np.errstate(invalid="ignore"):
            assert not check(number, pairs=500).holds


def test_every_blind_statement_is_caught_by_one_of_them() -> None:
    assert set().union(*(mutation[3] for mutation in MUTATIONS.values())) >= BLIND


def test_the_same_seed_gives_the_same_verdict_whichever_others_run() -> None:
    alone = check(8, pairs=500, seed=3).evidence.violation
    among = next(v for v in check_all([2, 8], pairs=500, seed=3) if v.statement.number == 8)
    assert alone == among.evidence.violation
    assert alone != check(8, pairs=500, seed=4).evidence.violation


def test_report_is_one_page_with_every_claim_and_figure(verdicts: list[Verdict], tmp_path: Path) -> None:
    assert all(v.evidence.panels and all(panel.caption for panel in v.evidence.panels) for v in verdicts)
    some = [verdicts[k] for k in (0, 10, 11)]
    write_report(some, tmp_path / "report.html", pairs=10_000, seed=0)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "http" not in text.replace("http-equiv", "")  # self-contained
    assert text.count("data:image/png;base64,") == sum(len(v.evidence.panels) for v in some)
    assert "3 of 3 statements hold" in text
    assert "S(ρ, σ)" in text
    assert text.count("Bloch vectors ρ") == 6
    assert table(verdicts).count("| holds |") == len(STATEMENTS)


@pytest.mark.parametrize(("number", "pairs", "told"), [(0, 10, "from 1 to"), (1, 0, "pairs"), (99, 10, "found 99")])
def test_bad_requests_are_refused(number: int, pairs: int, told: str) -> None:
    with pytest.raises(InputError, match=told):
        check(number, pairs=pairs)


def test_random_povms_are_measurements() -> None:
    from qml.principle.draws import povms

    effects = povms(np.random.default_rng(0), 3, 5, 20)
    np.testing.assert_allclose(effects.sum(axis=1), np.broadcast_to(np.eye(3), (20, 3, 3)), atol=1e-12)
    assert np.linalg.eigvalsh(effects).min() > -1e-12


@pytest.mark.parametrize(("biases", "learnt"), [((0.0, 0.2, 0.4), True), ((0.0, 0.0, 0.4), False)])
def test_parity_of_three_bits_may_have_one_of_them_without_bias(biases: tuple[float, ...], learnt: bool) -> None:
    signs = np.array(list(itertools.product([1.0, -1.0], repeat=4)))
    q = np.where(signs.prod(axis=1) > 0, ((1 + signs[:, :3] * biases) / 2).prod(axis=1), 0.0)
    strings = [pauli(a, sites=(i,), n=4) for i in range(4) for a in "XYZ"]
    strings += [pauli(a + a, sites=ij, n=4) for ij in itertools.combinations(range(4), 2) for a in "XYZ"]
    start, optimizer = np.zeros(len(strings)), LBFGS(memory=50)
    result = fit(GibbsModel(strings), rank_one(q), params0=start, optimizer=optimizer, gradient_tolerance=1e-6)
    assert result.loss == pytest.approx(0.0 if learnt else np.log(2), abs=1e-6)
    odd = result.state.probabilities()[q == 0].sum()
    assert odd == pytest.approx(0.0 if learnt else 0.5, abs=1e-6)
