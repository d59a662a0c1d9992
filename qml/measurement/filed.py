"""A record of measured data in files that people and other programs write, too: JSON text and tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from qml import _checks
from qml._saved import Saved
from qml.measurement import formats
from qml.measurement.base import Measurement


class FiledRecord(Saved, is_kind=False):
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
