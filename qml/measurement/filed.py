"""A record of measured data in files: arrays, JSON text and tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Self

from qml import _checks
from qml._checks import InputError
from qml._descriptions import Described
from qml._files import read_arrays, write_arrays
from qml.measurement import formats
from qml.measurement.base import Measurement
from qml.measurement.descriptions import packed, unpacked


class FiledRecord(Described, is_kind=False):
    """A measurement and a number for each of its outcomes, written to files and read from them."""

    measurement: Measurement
    _counts: Any

    def _set(self, measurement: Measurement, counts: Any) -> None:
        self.measurement = _checks.instance("measurement", measurement, Measurement)
        self._counts = _checks.kept(counts)

    @classmethod
    def _make(cls, measurement: Measurement, counts: Any) -> Self:
        made = cls.__new__(cls)
        made._set(measurement, counts)
        return made

    def _arrays(self) -> dict[str, Any]:
        """The record as plain arrays, for ``.npz`` files."""
        return {"counts": self._counts, **packed(self.measurement)}

    @classmethod
    def _from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """The record of :meth:`_arrays`; validated like any other input."""
        if "counts" not in arrays:
            raise InputError(f"a record needs the array 'counts'; found {sorted(arrays)}.")
        found: Self = cls._again(measurement=unpacked(arrays), counts=arrays["counts"])
        return found

    def save(self, path: str | Path | IO[bytes]) -> None:
        """Write the record and its measurement to one ``.npz`` file: plain arrays, never a pickle.

        Parameters
        ----------
        path : path, or a file open for writing bytes

        Raises
        ------
        InputError
            If it is neither, or its folder does not exist.
        """
        write_arrays(path, self._arrays())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read the record that :meth:`save` wrote.

        Parameters
        ----------
        path : path

        Raises
        ------
        InputError
            If it is no such file.
        """
        return cls._from_arrays(read_arrays(path, "counts"))

    def write_json(self, path: str | Path) -> None:
        """Write the record as JSON text, which :meth:`read_json` reads.

        Parameters
        ----------
        path : path

        Raises
        ------
        InputError
            For a record of weights, which has no counts.
        """
        formats.write_json(self.measurement, self._counts, path)

    @classmethod
    def read_json(cls, path: str | Path, measurement: Measurement | None = None) -> Self:
        """Read a record from JSON text.

        Parameters
        ----------
        path : path
            A file with the key ``settings``: a list of ``{"paulis": "XZ", "counts": {"00": 7, ...}}``, qubit 0 leftmost
            and outcome 0 the +1 eigenstate, or of ``{"setting": name, "counts": ...}``. Other keys, such as where the
            data come from, are left alone.
        measurement : Measurement, optional
            Where neither the settings nor the file (key ``measurement``) say what was measured.

        Raises
        ------
        InputError
            If it is not such a file; for a bad row, which is named.
        """
        return cls._make(*formats.read_json(path, measurement))

    def write_csv(self, path: str | Path) -> None:
        """Write a table with the columns setting, outcome, count, which :meth:`read_csv` reads: a line an outcome,
        also those never seen.

        Parameters
        ----------
        path : path

        Raises
        ------
        InputError
            For a record of weights, which has no counts.
        """
        formats.write_csv(self.measurement, self._counts, path)

    @classmethod
    def read_csv(cls, path: str | Path, measurement: Measurement | None = None) -> Self:
        """Read a table with the columns setting, outcome, count (qubit 0 leftmost); outcomes that are not there count
        as zero.

        Parameters
        ----------
        path : path
        measurement : Measurement, optional
            Without it the settings must be Pauli words.

        Raises
        ------
        InputError
            If it is no such table; for a bad row, which is named by its line number.
        """
        return cls._make(*formats.read_csv(path, measurement))
