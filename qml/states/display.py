"""How a state shows itself in a notebook: what it is, its headline numbers, and its largest entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from qml.states.base import State

LARGEST_MATRIX_SHOWN = 8
LARGEST_DIM_SUMMARISED = 512


def state_html(state: State) -> str:
    """An HTML summary; matrices are drawn up to dimension 8, spectral numbers computed up to dimension 512."""
    alike = len(set(state.dims)) == 1
    sites = f"{state.dims[0]}^{len(state.dims)}" if alike else " × ".join(map(str, state.dims)) or "no sites"
    lines = [f"<b>{type(state).__name__}</b> on {sites} (d = {state.dim})"]
    if state.batch_shape:
        lines.append(f"batch of shape {state.batch_shape}")
    elif state.dim <= LARGEST_DIM_SUMMARISED:
        lines.append(
            f"purity {float(state.purity()):.6g}, entropy {float(state.entropy()):.6g} nats, rank {int(state.rank())}"
        )
    html = "<div>" + "<br>".join(lines)
    if not state.batch_shape and state.dim <= LARGEST_MATRIX_SHOWN:
        html += _table(state)
    return html + "</div>"


def _table(state: State) -> str:
    m = state.numpy().matrix()
    labels = ["".join(map(str, np.unravel_index(k, state.dims))) for k in range(state.dim)]
    top = float(np.abs(m).max())
    head = "".join(f"<th>{x}</th>" for x in labels)
    rows = ""
    for label, row in zip(labels, m, strict=True):
        cells = "".join(
            f'<td style="background:rgba(31,119,180,{0.55 * abs(z) / top:.2f})">{_complex(z)}</td>' for z in row
        )
        rows += f"<tr><th>{label}</th>{cells}</tr>"
    return f"<table><tr><th></th>{head}</tr>{rows}</table>"


def _complex(z: complex) -> str:
    re, im = round(float(z.real), 3) + 0.0, round(float(z.imag), 3) + 0.0
    if im == 0:
        return f"{re:g}"
    return f"{im:g}i" if re == 0 else f"{re:g}{'+' if im > 0 else '-'}{abs(im):g}i"
