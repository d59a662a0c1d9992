"""READMEs of the repository as pages, and links from pages to files of the repository: to the page that a file has, or
to the file itself, which can then be downloaded."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
INCLUDED = re.compile(r"```\{include\} (\S+\.md)\n```")
LINK = re.compile(r"(\]\()(?!https?:|#|mailto:)([^)#\s]+)")


@cache
def pages() -> dict[Path, str]:
    """The page of each included file."""
    found = {}
    for page in sorted((DOCS / "studies").glob("*.md")):
        if include := INCLUDED.match(page.read_text(encoding="utf-8")):
            found[(page.parent / include[1]).resolve()] = page.relative_to(DOCS).with_suffix("").as_posix()
    return found


def include(app: Sphinx, docname: str, source: list[str]) -> None:
    """The text of an included file takes the place of the line that names it; its links are as seen from the page."""
    file = next((file for file, page in pages().items() if page == docname), None)
    if file is not None:
        folder = (DOCS / docname).parent

        def moved(link: re.Match[str]) -> str:
            return link[1] + os.path.relpath(file.parent / link[2], folder)

        text = LINK.sub(moved, file.read_text(encoding="utf-8"))
        source[0] = INCLUDED.sub(lambda _: text, source[0])
        app.env.note_dependency(str(file))


def point(app: Sphinx, document: nodes.document) -> None:
    """Links to included files, and to folders beside them, become links to the pages that they have."""
    for node in document.findall(pending_xref):
        if node.get("reftype") != "myst":
            continue
        target, _, anchor = node["reftarget"].partition("#")
        is_page = node.get("refdomain") == "doc"
        folder = DOCS if is_page else (DOCS / node["refdoc"]).parent
        file = (folder / (f"{target}.md" if is_page else target)).resolve()
        page = pages().get(file)
        if file.is_dir():
            page = pages().get(file / "README.md") or pages().get(file.parent / "README.md")
        if page:
            node["reftargetid"] = anchor or node.get("reftargetid")
            node["refdomain"], node["reftarget"] = "doc", page


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", include)
    app.connect("doctree-read", point)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
