"""Studies of the principle: a folder of them becomes one report; mistakes are told before anything is checked."""

from pathlib import Path

import pytest

from qml import losses
from qml.principle import STATEMENTS, Verdict, check
from qml.studies.cli import main
from qml.studies.run.principle import read_principle
from qml.studies.spec.source import is_principle

SHIPPED = Path(__file__).parents[2] / "experiments" / "principle"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_pictures: None) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(["run", *words])
    return int(stopped.value.code or 0)


def test_the_shipped_studies_name_every_statement_once() -> None:
    numbers = [n for study in read_principle(SHIPPED).values() for n in study.statements]
    assert sorted(numbers) == sorted(STATEMENTS)


@pytest.mark.slow
def test_the_shipped_folder_becomes_one_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(SHIPPED), "pairs=300", "--output", "out") == 0
    assert "Kept in out" in capsys.readouterr().out
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert f"{len(STATEMENTS)} of {len(STATEMENTS)} statements hold" in report
    assert (tmp_path / "out" / "statements.md").read_text(encoding="utf-8").count("| holds |") == len(STATEMENTS)
    assert '"pairs": 300' in (tmp_path / "out" / "structure.json").read_text(encoding="utf-8")


def test_a_folder_of_studies_becomes_one_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    for name, pairs, seed in (("first", 200, 0), ("second", 300, 4)):
        text = f"title: The {name}\nstatements: [{len(name) - 3}]\npairs: {pairs}\nseed: {seed}\n"
        (tmp_path / "in" / f"{name}.yaml").write_text(text)
    assert run("in", "--output", "out") == 0
    printed = capsys.readouterr().out
    assert "The first\n 2 holds" in printed
    assert "The second\n 3 holds" in printed
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "2 of 2 statements hold. At least 200 random instances each, seed 0, 4;" in report


def test_a_violation_is_told_and_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    right = losses.cross_entropy
    monkeypatch.setattr(losses, "cross_entropy", lambda rho, sigma: 0.9 * right(rho, sigma))
    assert run(str(SHIPPED / "bound_ladder.yaml"), "pairs=500", "--output", "out") == 1
    assert "violated: statement 1, statement 2" in capsys.readouterr().err


def test_ctrl_c_keeps_what_was_checked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from qml.studies.run import principle

    def interrupted(number: int, *, pairs: int, seed: int) -> Verdict:
        if number == 6:
            raise KeyboardInterrupt
        return check(number, pairs=50, seed=seed)

    monkeypatch.setattr(principle, "check", interrupted)
    assert run(str(SHIPPED / "bound_ladder.yaml"), "--output", "out") == 130
    assert "interrupted: the report in out holds what was checked" in capsys.readouterr().err
    assert Path("out", "statements.md").read_text(encoding="utf-8").count("| holds |") == 5


@pytest.mark.parametrize(
    ("text", "words", "told"),
    [
        ("statements: [1, 24]\n", [], "line 1, statements: statements are numbered from 1 to 23; found 24."),
        ("statements: []\n", [], "statements"),
        ("statements: [1]\npair: 3\n", [], "the key 'pair' is not known (did you mean 'pairs'?)"),
        ("statements: [1]\npairs: 0\n", [], "pairs"),
        ("statements: [1]\n", ["--workers", "2"], "takes --output, --seed, --quiet"),
        ("statements: [1]\n", ["pairs=many"], "pairs"),
    ],
)
def test_mistakes_are_one_sentence(
    tmp_path: Path, text: str, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.yaml").write_text(text)
    assert run("p.yaml", *words) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("qml.studies.run.principle.check", never)
    (tmp_path / "file").write_text("")
    assert run(str(SHIPPED / "false_friends.yaml"), "--output", "file/out") == 2
    assert "the folder file/out cannot be written: Not a directory." in capsys.readouterr().err


def test_a_ctrl_c_before_the_first_statement_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("qml.studies.run.principle.check", stopped)
    assert run(str(SHIPPED / "false_friends.yaml"), "--output", "out") == 130
    assert capsys.readouterr().err.strip() == "qml: interrupted."
    assert not (tmp_path / "out").exists()


def test_an_error_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("qml.studies.run.principle.check", failing)
    with pytest.raises(ZeroDivisionError):
        run(str(SHIPPED / "false_friends.yaml"), "--output", "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_studies_is_not_one_of_the_principle(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("statements: [1]\n")
    assert is_principle(tmp_path)
    (tmp_path / "q.yaml").write_text("target: {kind: ghz, n: 2}\n")
    assert not is_principle(tmp_path)
    assert not is_principle(tmp_path / "absent.yaml")
