"""What the tests of studies share."""

from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure


@pytest.fixture
def coarse_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are drawn with few dots."""
    save = Figure.savefig

    def coarse(figure: Figure, file: Any, **rest: Any) -> None:
        save(figure, file, **{**rest, "dpi": 30})

    monkeypatch.setattr(Figure, "savefig", coarse)


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made and kept, but their files are empty: drawing them takes longer than a small study."""

    def empty(figure: Figure, file: Any, **_: Any) -> None:
        if isinstance(file, str | Path):
            Path(file).touch()

    monkeypatch.setattr(Figure, "savefig", empty)
