"""The JAX engine on this machine's card, or its processors: correct, how fast, and what is moved between devices.

``python experiments/benchmarks/device.py`` checks values and gradients against the Pauli engine, then prints a table
of what a user runs, each beside dense JAX written by hand; ``--devices 1 2 4 8`` prints instead what a vector that is
spread moves, as it is compiled for so many devices (processors that JAX pretends to have, where there is no card);
``--compile 160 600`` prints how long circuits of so many random gates compile, and to how many instructions, on one
device or on so many;
``--sketch FILE`` compares with a program that computes the same circuit, in turns.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import itertools
import json
import os
import platform
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

VALUES, GRADIENTS = 1e-12, 1e-11
"""How far values and gradients may be from those of the Pauli engine, relative to the larger of 1 and themselves."""
REPEATS = 3
TURN = 0.2
"""Seconds of a turn where two programs take turns."""
HEAD = (
    "| job | n | seconds | passes a layer | peak memory | compiling | dense JAX by hand | its time / ours | "
    "difference |\n|" + "---|" * 9
)


class Clock:
    """What is left of the seconds allowed."""

    def __init__(self, limit: float) -> None:
        self.end = time.monotonic() + limit

    @property
    def left(self) -> float:
        return self.end - time.monotonic()

    def stop_at_the_end(self) -> None:
        """End the process when the time is up, whatever runs then."""

        def end() -> None:
            print("\nthe limit of seconds is reached: the rest is left out", flush=True)
            os._exit(0)

        timer = threading.Timer(max(self.left - 3, 0), end)
        timer.daemon = True
        timer.start()


def timed(run: Callable[[], Any], clock: Clock) -> tuple[Any, float, float]:
    """What it gives, seconds of a call (the median), and how much longer the first one took."""
    since = time.perf_counter()
    out = run()
    first = time.perf_counter() - since
    took: list[float] = []
    while not took or (len(took) < REPEATS and clock.left > 3 * took[-1] + 5):
        since = time.perf_counter()
        out = run()
        took.append(time.perf_counter() - since)
    seconds = statistics.median(took)
    return out, seconds, max(first - seconds, 0.0)


def difference(ours: Any, theirs: Any) -> tuple[float, float]:
    """Of values and of gradients, relative to the larger of 1 and themselves."""
    (a, g), (b, h) = ours, theirs
    return abs(a - b) / max(1.0, abs(b)), float(np.abs(g - h).max(initial=0.0) / max(1.0, np.abs(h).max(initial=0.0)))


def check(sizes: list[int]) -> None:
    """Every job against the Pauli engine."""
    from device_jobs import JOBS, step

    from qml.engines import JaxEngine, PauliEngine

    for n in sizes:
        for job in JOBS:
            value, gradient = difference(step(job, n, JaxEngine())(), step(job, n, PauliEngine())())
            print(f"{job.name}, n = {n}: value {value:.1e}, gradient {gradient:.1e} from the Pauli engine", flush=True)
            if not (value <= VALUES and gradient <= GRADIENTS):
                sys.exit(f"{job.name}, n = {n}: differs from the Pauli engine by more than allowed.")


def bandwidth(device: Any) -> float:
    """Bytes a second, read and written, of adding a number to a large vector."""
    import jax
    import jax.numpy as jnp

    with jax.enable_x64(True):
        x = jax.device_put(jnp.ones(2**24 if device.platform == "cpu" else 2**28), device)
        add = jax.jit(lambda x: x + 1.0)
        add(x).block_until_ready()
        best = min(_seconds(lambda: add(x).block_until_ready()) for _ in range(5))
    return 2 * x.nbytes / best


def _seconds(run: Callable[[], Any]) -> float:
    since = time.perf_counter()
    run()
    return time.perf_counter() - since


def _in_a_row(run: Callable[[], Any]) -> float:
    """The median of the seconds of calls in a row, as a fit makes them; of at least one."""
    found, end = [_seconds(run)], time.perf_counter() + TURN
    while time.perf_counter() < end:
        found.append(_seconds(run))
    return statistics.median(found)


def free_bytes(device: Any) -> float:
    """Memory that is free on a card, or half of that of the host."""
    stats = device.memory_stats()
    if stats and "bytes_limit" in stats:
        return float(stats["bytes_limit"] - stats.get("bytes_in_use", 0))
    import psutil

    return psutil.virtual_memory().available / 2


def peak(device: Any) -> int:
    return int((device.memory_stats() or {}).get("peak_bytes_in_use", 0))


def table(sizes: list[int], clock: Clock, record: dict[str, Any], save: Callable[[], None], by_hand_too: bool) -> None:
    """Print the table, row by row; sizes that would not fit, or not end in time, are left out."""
    import jax
    from device_jobs import JOBS, by_hand, step

    from qml.engines import JaxEngine

    device = jax.local_devices()[0]
    speed = bandwidth(device)
    record |= {"device": str(getattr(device, "device_kind", device)), "bandwidth": speed, "rows": []}
    print(f"\n{record['device']}: {speed / 1e9:.4g} GB/s read and written; load {os.getloadavg()[0]:.1f}\n\n{HEAD}")
    expected: dict[str, float] = {}
    for n in sizes:
        for job in JOBS:
            growth = 8.0 if job.matrices else 4.0
            if job.bytes_needed(n) > free_bytes(device) or expected.get(job.name, 0.0) > clock.left - 10:
                continue
            before = peak(device)
            ours, seconds, compiling = timed(step(job, n, JaxEngine()), clock)
            after = peak(device)
            expected[job.name] = (2 * growth * seconds + 1.5 * compiling) if n >= 6 else 0.0
            row = {
                "job": job.name,
                "n": n,
                "seconds": seconds,
                "compiling": compiling,
                "passes": seconds / job.layers / (2 * 8 * 4**n / speed),
                "peak": after if after > before else None,  # it never falls: what does not raise it is not seen
            }
            gc.collect()
            hand = f"{job.name} by hand"
            fits = job.bytes_by_hand(n) < free_bytes(device) and expected.get(hand, 0.0) < clock.left - 10
            if by_hand_too and fits:
                theirs, dense, compiled = timed(by_hand(job, n), clock)
                expected[hand] = 2 * 2 * growth * dense + 1.5 * compiled
                row |= {"dense": dense, "difference": max(difference(ours, theirs))}
                gc.collect()
            record["rows"].append(row)
            print(line(row), flush=True)
            save()


def line(row: dict[str, Any]) -> str:
    memory = f"{row['peak'] / 2**30:.3g} GiB" if row["peak"] else ""
    dense = " | | "
    if "dense" in row:
        dense = f"{row['dense']:.3g} s | {row['dense'] / row['seconds']:.3g} | {row['difference']:.0e}"
    return (
        f"| {row['job']} | {row['n']} | {row['seconds']:.3g} s | {row['passes']:.3g} | {memory} | "
        f"{row['compiling']:.1f} s | {dense} |"
    )


def beside(path: Path, sizes: list[int], rounds: int) -> None:
    """The sketch and the engine in turns; the circuit and the target are the same."""
    import jax
    import jax.numpy as jnp
    from device_jobs import JOBS, step, target_state
    from problems import angles

    from qml.engines import JaxEngine

    spec = importlib.util.spec_from_file_location("sketch", path)
    assert spec is not None
    assert spec.loader is not None
    sketch = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sketch)
    jobs = {job.name: job for job in JOBS}
    print("\n| job | n | engine | sketch | engine / sketch | difference |\n|---|---|---|---|---|---|")
    for n in sizes:
        for name in ("vector after the circuit (W1)", "S, gradient (W2)"):
            job = jobs[name]
            theta = jnp.asarray(angles(n, job.layers))
            if job.loss is None:
                evolve = sketch.jit(lambda t, n=n: sketch.evolve(t, n))

                def theirs(evolve: Any = evolve, theta: Any = theta) -> tuple[float, np.ndarray]:
                    vector = evolve(theta)
                    return float(vector[vector.size // 4]), np.zeros(0)  # its digits are I, Z, X, Y

            else:
                rho = jnp.asarray(target_state(n).matrix())
                loss = sketch.jit(lambda t, r, n=n: jax.value_and_grad(sketch.loss)(t, r, n))

                def theirs(loss: Any = loss, theta: Any = theta, rho: Any = rho) -> tuple[float, np.ndarray]:
                    value, gradient = loss(theta, rho)
                    return float(value), np.asarray(gradient).ravel()

            ours = step(job, n, JaxEngine())
            apart = max(difference(ours(), theirs()))
            took = np.array([[_in_a_row(ours), _in_a_row(theirs)] for _ in range(rounds)])
            a, b = np.median(took, axis=0)
            ratio = np.median(took[:, 0] / took[:, 1])
            print(f"| {name} | {n} | {1e3 * a:.3g} ms | {1e3 * b:.3g} ms | {ratio:.2f} | {apart:.0e} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", help="qubits; on a card 8 10 12 13 14 15 16, else 6 8")
    parser.add_argument("--limit", type=float, default=290.0, help="seconds in all")
    parser.add_argument("--check", type=int, nargs="*", default=[4, 8], help="qubits of the checks, at most 8")
    parser.add_argument("--no-peer", action="store_true", help="leave out what is written by hand")
    parser.add_argument("--devices", type=int, nargs="+", help="print what is moved between so many devices instead")
    parser.add_argument("--compile", type=int, nargs="+", help="print how random circuits of so many gates compile")
    parser.add_argument("--sketch", type=Path, help="compare with this file instead")
    parser.add_argument("--rounds", type=int, default=15, help="turns of the comparison")
    parser.add_argument("--json", type=Path, help="write what was measured to this file, after each row")
    chosen = parser.parse_args()
    clock = Clock(chosen.limit)
    if chosen.devices:
        flag = f" --xla_force_host_platform_device_count={max(chosen.devices)}"
        os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + flag
    import jax

    on_card = jax.default_backend() != "cpu"
    record: dict[str, Any] = {"jax": jax.__version__, "python": platform.python_version(), "load": os.getloadavg()}

    def save() -> None:
        if chosen.json:
            chosen.json.write_text(json.dumps(record, indent=1), encoding="utf-8")

    clock.stop_at_the_end()
    if chosen.compile:
        import device_compiled

        print(device_compiled.HEAD)
        record["compiled"] = []
        for n in chosen.sizes or [6, 12]:
            for case in itertools.product(chosen.devices or [1], chosen.compile, (False, True)):
                record["compiled"].append(device_compiled.row(n, *case))
                print(device_compiled.line(record["compiled"][-1]), flush=True)
    elif chosen.devices:
        import device_moved

        print(device_moved.HEAD)
        record["moved"] = []
        for n in chosen.sizes or [8, 9]:
            for row in device_moved.rows(n, chosen.devices):
                record["moved"].append(row)
                print(device_moved.line(row), flush=True)
    elif chosen.sketch:
        beside(chosen.sketch, chosen.sizes or [6, 8, 10], chosen.rounds)
    else:
        check([n for n in chosen.check if n <= 8])
        table(
            chosen.sizes or ([8, 10, 12, 13, 14, 15, 16] if on_card else [6, 8]),
            clock,
            record,
            save,
            not chosen.no_peer,
        )
    save()


if __name__ == "__main__":
    main()
