"""The site is built without a warning, every public object has a page, and no link inside of it leads nowhere."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from helpers.cases import every
from matplotlib import pyplot

import qml

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "docs" / "gallery").glob("*/plot_*.py"))
NEEDED = ("myst_nb", "pydata_sphinx_theme", "sphinx_gallery", "sphinx_design", "sphinxcontrib.bibtex")


class Page(HTMLParser):
    """The links of a page, what it loads, and the places in it that links can point to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.places = {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.places.update(filter(None, (named.get("id"), named.get("name"))))
        link = named.get("href") if tag in ("a", "link") else named.get("src") if tag in ("img", "script") else None
        if link is not None:
            self.links.append(link)
            self.loaded += [link] if tag != "a" else []


def broken(site: Path) -> list[str]:
    """Links and pictures of a site that lead nowhere inside of it."""
    files = {str(path) for path in site.resolve().rglob("*")}
    own = [name for name in sorted(files) if name.endswith(".html") and "/_static/" not in name]
    pages = {name: Page(Path(name).read_text(encoding="utf-8")) for name in own}
    found = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = os.path.normpath(f"{Path(path).parent}/{unquote(parts.path)}") if parts.path else path
            if target not in files or (target in pages and unquote(parts.fragment) not in pages[target].places):
                found.append(f"{Path(path).relative_to(site.resolve())}: {link}")
    return found


def public_names() -> set[str]:
    """What ``qml`` lists, and what the modules among it list, each with the module that it is listed in."""
    listed = {name: getattr(qml, name) for name in qml.__all__}
    modules = {name: value for name, value in listed.items() if inspect.ismodule(value)}
    return {f"qml.{name}" for name in listed} | {f"qml.{m}.{n}" for m, v in modules.items() for n in v.__all__}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built from a copy of what it is made of."""
    if not all(find_spec(name.partition(".")[0]) and find_spec(name) for name in NEEDED):
        pytest.skip("the extra docs is not installed")
    folder = tmp_path_factory.mktemp("site")
    for part in ("docs", "experiments", "qml"):
        leave = shutil.ignore_patterns("__pycache__", "results", "api", "examples")
        shutil.copytree(ROOT / part, folder / part, ignore=leave)
    options = ["-q", "-W", "--keep-going", "-b", "html", "-D", "plot_gallery=0"]  # the examples run one by one below
    command = [sys.executable, "-m", "sphinx", *options, "docs", "build/html"]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-5000:]
    return folder / "build" / "html"


@pytest.mark.slow
def test_the_site_is_whole_and_needs_no_network(site: Path) -> None:
    """One test, so that one process builds the site."""
    assert broken(site) == []
    assert len(list(site.rglob("*.html"))) > 450
    every_public_object_has_a_page(site)
    equations_and_search_need_no_network(site)


def every_public_object_has_a_page(site: Path) -> None:
    folder = site / "reference" / "api"
    pages = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("qml*.html")}
    assert len(public_names()) > 400
    for name in public_names():
        if name in pages:
            assert name.rpartition(".")[2] in pages[name]
            continue
        module, _, last = name.rpartition(".")  # listed in two modules: the table of this one links to the other
        assert any(f'href="{page}.html' in pages[module] for page in pages if page.endswith(f".{last}")), name


def equations_and_search_need_no_network(site: Path) -> None:
    pages = [Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")]
    loaded = {link for page in pages for link in page.loaded}
    assert {link for link in loaded if urlsplit(link).netloc} == set()
    assert any("mathjax/tex-chtml-full.js" in link for link in loaded)
    assert (site / "searchindex.js").stat().st_size > 100_000
    assert list((site / "_static" / "mathjax").rglob("*.woff"))


def test_broken_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<h1 id="x"></h1><a href="b.html#y"></a><a href="b.html#z"></a><a href="#x"></a>')
    (tmp_path / "b.html").write_text('<h1 id="y"></h1><img src="none.png"><a href="https://example.org/none"></a>')
    assert broken(tmp_path) == ["a.html: b.html#z", "b.html: none.png"]


@every("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_asks_a_question(path: Path) -> None:
    title = path.read_text(encoding="utf-8").splitlines()[1]
    assert title.endswith("?")


def test_there_are_enough_examples() -> None:
    assert len(EXAMPLES) >= 20


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_draws_one_figure(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pyplot.close("all")
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), {"__name__": "__main__"})
    assert len(pyplot.get_fignums()) == 1
    pyplot.close("all")
