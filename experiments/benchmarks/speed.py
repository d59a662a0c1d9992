"""The workloads and jobs at their smallest sizes, by `qml` alone, for pytest-benchmark: to compare commits, not peers.

python -m pytest experiments/benchmarks/speed.py -n 0 --benchmark-autosave --benchmark-compare
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from results import OURS
from run import HERE, NAMES
from workload import load

PROCESSES = ("J5", "J6", "J7")  # start interpreters, which run.py times
CASES = [
    (name, variant, min(declared.sizes_of.get(variant, declared.sizes)))
    for name in NAMES
    if name not in PROCESSES
    for declared in [load(HERE / f"{name.lower()}.py")]
    for variant in declared.implementations[OURS].variants
]


@pytest.mark.filterwarnings("ignore:stopped after")  # a job with few iterations is a job
@pytest.mark.parametrize(("name", "variant", "size"), CASES)
def test_speed(benchmark: Any, name: str, variant: str, size: int) -> None:
    task = load(HERE / f"{name.lower()}.py").implementations[OURS].build(size, variant)
    assert task.fingerprint(task.run()).size  # compiled now
    benchmark(task.run)
