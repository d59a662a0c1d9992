"""What the tests of studies share."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from qml.fitting import provenance

commit = functools.cache(provenance.commit)


@pytest.fixture(autouse=True)
def git_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three processes for each run, which take longer than a small fit."""
    monkeypatch.setattr(provenance, "commit", commit)


@pytest.fixture(autouse=True)
def no_power_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits until the disk has what was written, which takes half of the time of a small run."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def coarse_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are drawn with few dots: PNG by the canvas, all else by `savefig`."""
    save, print_png = Figure.savefig, FigureCanvasAgg.print_png

    def coarse(figure: Figure, file: Any, **rest: Any) -> None:
        save(figure, file, **{**rest, "dpi": 30})

    @functools.wraps(print_png)  # `savefig` looks at what it takes
    def coarse_png(canvas: FigureCanvasAgg, file: Any, **rest: Any) -> None:
        canvas.figure.set_dpi(30)
        print_png(canvas, file, **rest)

    monkeypatch.setattr(Figure, "savefig", coarse)
    monkeypatch.setattr(FigureCanvasAgg, "print_png", coarse_png)


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made and kept, but their files are empty: drawing them takes longer than a small study."""

    def empty(_: Figure | FigureCanvasAgg, file: Any, **__: Any) -> None:
        if isinstance(file, str | Path):
            Path(file).touch()

    monkeypatch.setattr(Figure, "savefig", empty)
    monkeypatch.setattr(FigureCanvasAgg, "print_png", empty)
