"""What this machine can do at best, for the floors: each probe is the best of several tries on the threads allowed."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace

import numpy as np

L1_NUMBERS = 1024  # two such arrays of float64 are 16 KiB


def best(run: Callable[[], object]) -> float:
    """The shortest of some calls: of five, of more where they are quick, of fewer where they take a second."""
    took: list[float] = []
    while (len(took) < 5 and sum(took) < 1.0) or (len(took) < 200 and sum(took) < 0.05):
        begin = time.perf_counter()
        run()
        took.append(time.perf_counter() - begin)
    return min(took)


@cache
def _kernels() -> SimpleNamespace:
    import numba

    @numba.njit(parallel=True)
    def scale(r):
        for i in numba.prange(r.size):
            r[i] *= 0.999999

    @numba.njit
    def scale_serial(r):
        for i in range(r.size):
            r[i] *= 0.999999

    @numba.njit(fastmath=True)
    def rotate(x, y, c, s, repeats):
        for _ in range(repeats):
            for i in range(x.size):
                x[i], y[i] = c * x[i] - s * y[i], s * x[i] + c * y[i]

    return SimpleNamespace(scale=scale, scale_serial=scale_serial, rotate=rotate, threads=numba.get_num_threads())


def pass_seconds(r: np.ndarray) -> float:
    """One pass over the float64 vector r, read and written in place: bytes moved / bandwidth where r lives."""
    kernels = _kernels()
    return min(best(lambda: kernels.scale(r)), best(lambda: kernels.scale_serial(r)))


def flop_rate(repeats: int = 2000) -> float:
    """Floating-point operations a second of plane rotations (six for two numbers) on vectors in the L1 cache: that of
    one thread, times the threads."""
    kernels = _kernels()
    x, y = np.ones((2, L1_NUMBERS))
    seconds = best(lambda: kernels.rotate(x, y, np.cos(0.1), np.sin(0.1), repeats))
    return 6 * repeats * L1_NUMBERS / seconds * kernels.threads


def eigh_seconds(a: np.ndarray) -> float:
    """One eigen-decomposition of the Hermitian a, by the faster of LAPACK's drivers evd and, for large ones, evr.

    NumPy's evd and SciPy's evr each have a BLAS with threads of its own, and where both are in use a small
    decomposition can take a hundred times longer than it needs: so SciPy is left alone below dimension 512.
    """
    evd = best(lambda: np.linalg.eigh(a))
    if len(a) < 512:
        return evd
    import scipy.linalg

    return min(evd, best(lambda: scipy.linalg.eigh(a, driver="evr", check_finite=False)))


def eigvalsh_seconds(a: np.ndarray) -> float:
    """The eigenvalues of the Hermitian a alone."""
    return best(lambda: np.linalg.eigvalsh(a))


def product_seconds(a: np.ndarray) -> float:
    """One matrix product a a."""
    out = np.empty_like(a)
    return best(lambda: np.matmul(a, a, out=out))
