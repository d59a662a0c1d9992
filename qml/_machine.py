"""What this process may use of the machine, as far as the system says: processors and memory."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

OWN_GROUPS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")
"""Where Linux lists the groups of processes that this one is in, and what they may use."""
FILES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    2: ("memory.max", "memory.current", "inactive_file"),
}
"""By the version of the groups: the limit, what is used, and the line of memory.stat with what can be taken back."""
UNLIMITED = 2**62
"""Version 1 says so by a number near this or above."""


def processors() -> int:
    """Processors that this process may use: those of the machine, less where it is bound to some of them, or is in a
    container or a batch job with a limit."""
    from loky import cpu_count

    return int(cpu_count())


def available_memory() -> int:
    """Bytes of memory that can be taken now without swapping: of the machine, and of the container or batch job."""
    import psutil

    return max(0, min([int(psutil.virtual_memory().available), *map(_left, _limits())]))


class _Limit(NamedTuple):
    """What a group of processes may use, the files with what it uses now, and what part of that can be taken back."""

    most: int
    used: Path
    stat: Path
    reclaimed: str


@cache
def _limits() -> list[_Limit]:
    """Of the groups that this process is in."""
    try:
        lines = [line.split(":", 2) for line in OWN_GROUPS.read_text(encoding="utf-8").splitlines()]
    except OSError:  # no Linux
        return []
    found = []
    for _, controlled, path in lines:
        if controlled and "memory" not in controlled.split(","):
            continue
        root, version = (GROUPS / "memory", 1) if controlled else (GROUPS, 2)
        limit, used, reclaimed = FILES[version]
        group = root / path.lstrip("/")  # a container sees its own group as the root, and may not find this one
        for folder in (group, *group.parents):
            with suppress(OSError, ValueError):  # no such file, or no limit
                most = int((folder / limit).read_text())
                if folder.is_relative_to(root) and most < UNLIMITED:
                    found.append(_Limit(most, folder / used, folder / "memory.stat", reclaimed))
    return found


def _left(limit: _Limit) -> int:
    stat = dict(line.split() for line in limit.stat.read_text().splitlines())
    return limit.most - int(limit.used.read_text()) + int(stat.get(limit.reclaimed, 0))
