"""Files that survive: whole or not at all, checksummed line by line, one process a folder."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qml._checks import InputError
from qml.studies import files
from qml.studies.files import Journal, locked, read_journal, write_whole

ENTRIES = [{"point": 0, "x": 0.1}, {"point": 1, "x": float("inf")}, {"point": 2, "text": "é\n"}]


def filled(path: Path) -> bytes:
    journal = Journal(path)
    for entry in ENTRIES:
        journal.append(entry)
    journal.close()
    return path.read_bytes()


def test_a_file_is_replaced_or_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    write_whole(path, lambda p: p.write_text("one"))
    assert path.read_text() == "one"

    def full(p: Path) -> None:
        p.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(
        InputError, match=r"file.txt cannot be written: No space left on device; what was written before"
    ):
        write_whole(path, full)
    assert path.read_text() == "one"
    assert os.listdir(path.parent) == ["file.txt"]


def test_a_journal_reads_back(tmp_path: Path) -> None:
    filled(tmp_path / "j")
    assert read_journal(tmp_path / "j") == ENTRIES
    assert read_journal(tmp_path / "none") == []
    journal = Journal(tmp_path / "j")
    assert journal.entries == ENTRIES
    journal.append({"point": 3})
    journal.close()
    assert read_journal(tmp_path / "j") == [*ENTRIES, {"point": 3}]


def test_a_line_cut_at_any_byte_is_dropped_and_the_rest_kept(tmp_path: Path) -> None:
    path = tmp_path / "j"
    content = filled(path)
    ends = [i + 1 for i, byte in enumerate(content) if byte == ord("\n")]
    for cut in [*range(0, len(content), 5), *ends, *(end - 1 for end in ends)]:
        path.write_bytes(content[:cut])
        whole = sum(end <= cut for end in ends)
        assert read_journal(path) == ENTRIES[:whole]
        journal = Journal(path)
        journal.append({"point": 9})
        journal.close()
        assert read_journal(path) == [*ENTRIES[:whole], {"point": 9}]


@given(position=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_is_never_read(tmp_path_factory: pytest.TempPathFactory, position: int, bit: int) -> None:
    path = tmp_path_factory.mktemp("j") / "j"
    content = bytearray(filled(path))
    content[position % len(content)] ^= 1 << bit
    path.write_bytes(content)
    found: list[Any] = []
    with contextlib.suppress(InputError):
        found = read_journal(path)
    assert found == ENTRIES[: len(found)]
    assert len(found) < len(ENTRIES)


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "j"
    before = filled(path)
    journal = Journal(path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(InputError, match="No space left on device; what was written before is kept"):
        journal.append({"point": 3, "long": "x" * 1000})
    monkeypatch.undo()
    journal.close()
    assert path.read_bytes() == before


def test_a_folder_belongs_to_one_process(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom qml.studies.files import locked\n"
        "with locked(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(InputError, match=r"another process is working in .*: wait until it is done"),
            locked(tmp_path),
        ):
            pass
        other.kill()
        other.wait()
    with locked(tmp_path):
        pass


def test_numbers_survive_the_journal_to_the_bit(tmp_path: Path) -> None:
    values: list[Any] = [0.1, -0.0, 5e-324, 1.7976931348623157e308, float("-inf"), 2**63 - 1]
    journal = Journal(tmp_path / "j")
    journal.append({"values": values})
    journal.close()
    assert json.dumps(read_journal(tmp_path / "j")[0]["values"]) == json.dumps(values)
