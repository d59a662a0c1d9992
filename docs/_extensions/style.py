"""Every example of the gallery starts from the same figures: those of ``qml/plotting/figures.mplstyle``."""

from pathlib import Path
from typing import Any

import matplotlib

STYLE = Path(__file__).parents[2] / "qml" / "plotting" / "figures.mplstyle"


def apply(_: dict[str, Any] | None = None, __: str | None = None) -> None:
    """As sphinx-gallery calls it, with its settings and the example that comes."""
    matplotlib.rcdefaults()
    matplotlib.use("Agg")
    matplotlib.rc_file(STYLE, use_default_template=False)
