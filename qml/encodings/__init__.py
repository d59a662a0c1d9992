"""Classical data as quantum states, one a row, and the kernels that states have."""

from qml.encodings.kernels import embedding, kernel
from qml.encodings.maps import (
    amplitude_encoding,
    angle_encoding,
    basis_encoding,
    binary_frequencies,
    fourier_encoding,
    iqp_encoding,
    rank_one,
)

__all__ = [
    "amplitude_encoding",
    "angle_encoding",
    "basis_encoding",
    "binary_frequencies",
    "embedding",
    "fourier_encoding",
    "iqp_encoding",
    "kernel",
    "rank_one",
]
