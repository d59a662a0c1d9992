"""What this machine can do at best, for the floors: each probe is the best of several tries on the threads allowed."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

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


def pass_seconds(r: np.ndarray) -> float:
    """One pass over the float64 vector r, read and written in place: bytes moved / bandwidth where r lives."""
    from probe_kernels import scale

    from qml.threads import of_kernels

    threads = of_kernels()
    cuts = [r.size * k // threads for k in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        shared = best(lambda: list(pool.map(lambda start, stop: scale(r, start, stop), cuts[:-1], cuts[1:])))
    return min(shared, best(lambda: scale(r, 0, r.size)))


def flop_rate(repeats: int = 2000) -> float:
    """Floating-point operations a second of plane rotations (six for two numbers) on vectors in the L1 cache: that of
    one thread, times the threads."""
    from probe_kernels import rotate

    from qml.threads import of_kernels

    x, y = np.ones((2, L1_NUMBERS))
    seconds = best(lambda: rotate(x, y, float(np.cos(0.1)), float(np.sin(0.1)), repeats))
    return 6 * repeats * L1_NUMBERS / seconds * of_kernels()


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
