"""The page of all keys of studies, written when the site is built, like the pages of objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from qml.studies.spec.reference import markdown


def write_page(app: Sphinx) -> None:
    """A page whose text is the same as before is left alone, so that it is not read again."""
    path, text = Path(app.srcdir) / "reference" / "config.md", markdown()
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", write_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
