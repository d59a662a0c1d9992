"""Processors and memory that a process may use: of the machine, of a container, of a batch job."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from qml import _checks, _machine

GIB = 2**30


def group(folder: Path, version: int, limit: str, used: int, cache: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = _machine.FILES[version]
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 12\n{names[2]} {cache}\n")
    _machine._limits.cache_clear()


@pytest.fixture
def linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    _machine._limits.cache_clear()
    monkeypatch.setattr(_machine, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(_machine, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 64 * GIB}))
    yield tmp_path
    _machine._limits.cache_clear()


def test_a_machine_without_groups_has_what_is_free(linux: Path) -> None:
    assert _machine.available_memory() == 64 * GIB
    (linux / "own").write_text("3:cpuset:/\n0::/user.slice\n")
    _machine._limits.cache_clear()
    assert _machine.available_memory() == 64 * GIB


def test_the_limit_of_a_batch_job_or_of_any_group_around_it_counts(linux: Path) -> None:
    (linux / "own").write_text("0::/slurm/job_7/step_0\n")
    group(linux / "groups/slurm/job_7/step_0", 2, "max", GIB, 0)
    assert _machine.available_memory() == 64 * GIB
    group(linux / "groups/slurm/job_7", 2, str(8 * GIB), 3 * GIB, GIB)
    assert _machine.available_memory() == 6 * GIB  # files that are only kept for speed can go
    group(linux / "groups/slurm", 2, str(4 * GIB), 3 * GIB, 0)
    assert _machine.available_memory() == GIB
    group(linux / "groups/slurm/job_7", 2, str(8 * GIB), 9 * GIB, 0)
    assert _machine.available_memory() == 0


def test_a_container_sees_its_own_group_as_the_root(linux: Path) -> None:
    (linux / "own").write_text("4:blkio,memory:/docker/3f\n0::/\n")
    group(linux / "groups/memory", 1, str(2 * GIB), GIB // 2, 0)
    assert _machine.available_memory() == 3 * GIB // 2
    group(linux / "groups", 2, str(GIB), GIB // 2, 0)
    assert _machine.available_memory() == GIB // 2
    with pytest.raises(_checks.MemoryRefused, match=r"^something needs 0\.75 GiB, but 0\.5 GiB are free: use less\.$"):
        _checks.memory("something", 3 * GIB // 4, "use less")


def test_processors_are_those_that_the_process_is_bound_to() -> None:
    assert 1 <= _machine.processors() <= (os.cpu_count() or 1)
