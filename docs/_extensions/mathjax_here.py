"""MathJax beside the pages, so that equations are set without a network: one script and its fonts."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from sphinx.application import Sphinx

PARTS = ("tex-chtml-full.js", "output/chtml/fonts/woff-v2")


def copy(app: Sphinx, error: Exception | None) -> None:
    package = importlib.util.find_spec("sphinx-mathjax-offline")
    assert package is not None, "pip install sphinx-mathjax-offline"
    assert package.origin is not None
    source = Path(package.origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    if error is None and app.builder.format == "html":
        for part in PARTS:
            (target / part).parent.mkdir(parents=True, exist_ok=True)
            if (source / part).is_dir():
                shutil.copytree(source / part, target / part, dirs_exist_ok=True)
            else:
                shutil.copy(source / part, target / part)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
