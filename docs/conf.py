"""How the site is built, by ``nox -f .noxfile.py -s docs``."""

import gc
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))
sys.path.insert(0, str(HERE.parent))

import qml  # noqa: E402 - from the folder that the line above puts in the path

gc.set_threshold(100_000, 50, 1000)  # pages are trees with links to their parents: to search them takes an eighth

project = "qml"
author = "The qml developers"
copyright = "the qml developers"
version = release = qml.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
    "myst_nb",
    "api_pages",
    "mathjax_here",
    "repository",
    "study_page",
]
exclude_patterns = [
    "_extensions",
    "changes",
    "gallery",
    *(f"examples/**/*.{kind}" for kind in ("ipynb", "py", "zip", "json", "md5")),
]
nitpicky = True

# The pages: Markdown with mathematics, and notebooks with the outputs that are stored in them.
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"
nb_merge_streams = True

# Docstrings, in NumPy's style.
autodoc_member_order = "bysource"
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_use_admonition_for_examples = False

# The gallery: scripts that run where the site is built; one that is unchanged keeps its figure.
sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "examples",
    "subsection_order": [
        f"gallery/{name}" for name in ("states", "measured", "circuits", "learning", "fits", "extend")
    ],
    "within_subsection_order": "FileNameSortKey",
    "reset_modules": ("style.apply",),
    "capture_repr": (),
    "image_srcset": ["2x"],
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "doc_module": ("qml",),
    "reference_url": {"qml": None},
    "backreferences_dir": "examples/backreferences",
}
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"

html_theme = "pydata_sphinx_theme"
html_title = "qml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "collapse_navigation": True,
    "navigation_depth": 3,
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "footer_start": ["copyright"],
    "footer_end": [],
}
mathjax_path = "mathjax/tex-chtml-full.js"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
