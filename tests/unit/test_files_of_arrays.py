"""Files of arrays that were damaged or made to harm: one sentence, before any memory is taken."""

from __future__ import annotations

import io
import json
import os
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cases import every

from qml import _checks, _files
from qml._checks import InputError, MemoryRefused
from qml._files import parse_json, read_arrays
from qml._saved import array_of, numbers
from qml.fitting import Checkpoint
from qml.measurement import Counts, PauliMeasurement
from qml.states import DensityMatrix


def header(shape: str, dtype: str = "'<f8'") -> bytes:
    """An array of three numbers whose header says something else."""
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + np.arange(3.0).tobytes()


def archive(path: Path, content: bytes, name: str = "matrix.npy", compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr(name, content)
    return path


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {
        "a": np.arange(6.0).reshape(2, 3).T,
        "b": np.array(["é", "longer"]),
        "c": np.array(3 + 4j),
        "d": np.zeros((0, 4), dtype=np.int32),
        "e": np.array([True, False]),
        "f": np.array(b"bytes"),
    }
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "x.npz", allow_pickle=False, **arrays)
        found = read_arrays(tmp_path / "x.npz", "test")
        assert list(found) == list(arrays)
        for name, value in arrays.items():
            assert found[name].dtype == value.dtype
            assert found[name].shape == value.shape
            np.testing.assert_array_equal(found[name], value)


@every(
    "content, sentence",
    [
        (
            header("(2000000, 1000000)"),
            r"of plain arrays: by its shape \(2000000, 1000000\), 'matrix' has 16000000000000 b",
        ),
        (header("(2,)"), "'matrix' has 16 bytes, and the file holds 24 of it"),
        (header("(-3,)"), "by its shape"),
        (header("(3,)", "'|O'"), "must hold numbers or text; found the type 'object'"),
        (header("(3,)", "[('a', '<f8')]"), "must hold numbers or text"),
        (header("(3,)", "'<M8[s]'"), "must hold numbers or text"),
        (header("(10**12,)"), "'matrix' is no array"),
        (header("(1000000000000,)", "'<U0'"), "must hold numbers or text"),
        (header("(" * 3000), "'matrix' is no array"),
        (header("3"), "'matrix' is no array"),
        (b"no array", "'matrix' is no array"),
        (b"", "'matrix' is no array"),
    ],
)
def test_what_is_no_plain_array_is_refused_by_its_header(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = archive(tmp_path / "x.npz", content)
    with pytest.raises(InputError, match=sentence) as caught:
        read_arrays(path, "state")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError):
        DensityMatrix.load(path)


def test_a_file_of_zeros_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, size = tmp_path / "bomb.npz", 1 << 25
    monkeypatch.setattr(_files, "SMALL", 1 << 24)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("matrix.npy", "w") as stream:
        head = header(f"({size // 8},)")[: -3 * 8]
        stream.write(head)
        for _ in range(size >> 20):
            stream.write(bytes(1 << 20))
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"would become 0.0313 GiB, \d+ times what it is on disk: write it again"):
            read_arrays(path, "state")
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()


def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "x.npz", matrix=np.zeros((64, 64)))
    monkeypatch.setattr(_checks, "ALWAYS_FITS", 0)
    monkeypatch.setattr(_checks, "available_memory", lambda: 1 << 14)
    with pytest.raises(MemoryRefused, match="are free"):
        read_arrays(tmp_path / "x.npz", "state")


@pytest.mark.parametrize("load", [DensityMatrix.load, Counts.load, Counts.read_json, Counts.read_csv])
def test_pipes_devices_and_folders_are_refused(tmp_path: Path, load: Callable[[Path], Any]) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for name in ("pipe", "link", "."):
        with pytest.raises(InputError, match="is no file, but a folder, a pipe or a device"):
            load(tmp_path / name)
    for name in ("nothing", "x" * 300):
        with pytest.raises(InputError, match="does not exist"):
            load(tmp_path / name)
    with pytest.raises(InputError, match="file must be a path"):
        load(tmp_path / "a\0b")


def test_a_damaged_archive_is_told_at_any_cut(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, matrix=np.eye(2) / 2, dims=np.array([2]))
    whole = buffer.getvalue()
    for cut in range(0, len(whole) - 1, 29):
        (tmp_path / "x.npz").write_bytes(whole[:cut])
        with pytest.raises(InputError, match="is not a readable"):
            read_arrays(tmp_path / "x.npz", "state")


def test_json_that_is_nested_too_deeply_is_no_crash(tmp_path: Path) -> None:
    deep = "[" * 100_000
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(deep)
    (tmp_path / "x.json").write_text(deep)
    with pytest.raises(InputError, match=r"nested too deeply|not valid JSON"):
        Counts.read_json(tmp_path / "x.json")
    np.savez(tmp_path / "x.npz", json=np.array(deep), measurement=np.array(deep), counts=np.zeros(3))
    from qml.fitting import FitResult, checkpoint

    for load in (FitResult.load, Counts.load, checkpoint.read):
        with pytest.raises(InputError):
            load(tmp_path / "x.npz")


def test_a_cell_of_a_megabyte_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("setting,outcome,count\nZ,0," + "1" * 1_000_000 + "\n")
    with pytest.raises(InputError, match="CSV"):
        Counts.read_csv(tmp_path / "x.csv")


def test_complex_numbers_in_json_keep_the_sign_of_zeros_and_what_is_infinite() -> None:
    a = np.array([complex(0.0, -0.0), complex(-0.0, 0.0), complex(1.0, np.inf), complex(-np.inf, 2.0), 3j])
    assert array_of(json.loads(json.dumps(numbers(a)))).tobytes() == a.tobytes()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("a\0b", "path must be a path; found 'a"), ("\ud800", "path must name a file in a folder that exists")],
)
def test_a_name_that_no_file_can_have_is_refused(name: str, sentence: str) -> None:
    counts = Counts(PauliMeasurement(["Z"]), [1, 2])
    for write in (counts.save, counts.write_csv, counts.write_json, DensityMatrix([[0.5, 0.0], [0.0, 0.5]]).save):
        with pytest.raises(InputError, match=sentence):
            write(name)


def test_a_checkpoint_has_a_name_that_a_file_can_have() -> None:
    with pytest.raises(InputError, match="checkpoint must be the name of a file"):
        Checkpoint("a\0b")
