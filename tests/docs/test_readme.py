"""What the README shows runs as it stands there, and its links lead somewhere."""

import re
from pathlib import Path

from qml import channels, gates

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_example_runs(capsys) -> None:
    (example,) = blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    assert "floor" in capsys.readouterr().out


def test_each_command_is_one_line_under_its_mark() -> None:
    for mark in ("main-job", "tests"):
        (command,) = re.findall(rf"<!-- {mark} -->\n```sh\n(.*?)\n```", README, flags=re.DOTALL)
        assert "\n" not in command
        assert command.startswith("python3 -m venv .venv && ")
    assert "experiments/quickstart.yaml" in README


def test_links_between_pages_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "experiments" / "README.md", *(ROOT / "docs").rglob("*.md")]
    made, count = ROOT / "docs" / "reference" / "config.md", 0  # made with the site, whose links are looked at there
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not target.startswith(("http", "mailto")):
                count += 1
                found = (page.parent / target).resolve()
                assert found.exists() or found == made, f"{page.name} links to {target}"
    assert count > 5


def test_counts_in_the_readme_are_those_of_the_registries() -> None:
    assert f"{len(gates.GATES)} gates" in README
    assert f"{len(channels.CHANNELS)} noise channels" in README


def test_sessions_that_are_named_anywhere_exist() -> None:
    sessions = re.findall(r"^def (\w+)\(session", (ROOT / ".noxfile.py").read_text(encoding="utf-8"), re.MULTILINE)
    files = [ROOT / ".ci" / "run", ROOT / "docs" / "contributing.md", *(ROOT / ".github" / "workflows").glob("*.yml")]
    named = [name for file in files for name in re.findall(r"nox\S* .*-s (\w+)", file.read_text(encoding="utf-8"))]
    assert {"slow", "docs"} <= set(named) <= set(sessions)


def test_what_is_changed_to_try_the_tests_exists() -> None:
    paths = re.findall(r"(?:qml|tests)/[\w/*.]+", (ROOT / ".ci" / "mutants").read_text(encoding="utf-8"))
    assert len(paths) > 20
    for path in paths:
        assert list(ROOT.glob(path)), path
