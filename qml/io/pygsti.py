"""Text data sets of pyGSTi, in and out, as counts of experiments with words of gates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from qml import _checks
from qml._checks import InputError
from qml._files import writable
from qml._typing import ArrayLike
from qml.io.pygsti_text import Letter, Row, letter_of, read_rows, whole
from qml.measurement import Counts, PauliMeasurement
from qml.measurement.base import Measurement
from qml.processes import Experiments
from qml.processes.experiments import Word, _measurements
from qml.processes.measurement import prepared
from qml.states import basis_state
from qml.states.coercion import StateLike


def read_pygsti(
    path: str | Path,
    preparations: Mapping[str, StateLike] | StateLike | None = None,
    measurements: Measurement | Mapping[str, Measurement | ArrayLike] | None = None,
    *,
    gates: Mapping[str, str] | None = None,
) -> Counts:
    r"""The counts of a text data set of pyGSTi.

    Every line is a circuit, such as ``Gx:0(Gx:0Gy:0)^16@(0)``, and its counts: in columns that a line
    ``## Columns = 0 count, 1 count`` names (or ``0 frequency, count total``), or as ``0:45  1:55``. Gates act from left
    to right. A circuit that comes twice has its counts added up; one that is marked ``BAD`` is left out; ``--`` is 0.

    Parameters
    ----------
    path : path
        At most 64 MiB, 10^7 gates with all powers carried out, 100 brackets within each other.
    preparations : mapping of str to State, optional
        As for :class:`~qml.processes.Experiments`; several are told apart by the labels in front of the circuits
        (``rho0Gx:0``). By default "rho", all qubits in \|0>, as many as the labels of outcomes have digits.
    measurements : Measurement, or mapping of str to Measurement or effects (K, d, d), optional
        Their outcomes are those of the file by label ("0", "1", or "00", "01", ...); several are told apart by the
        labels behind the circuits (``Gx:0Mdefault``). By default ``PauliMeasurement(["ZZ"])``, a Z for each qubit.
    gates : mapping of str to str, optional
        From pyGSTi's labels ("Gxpi2:0", "[]" for an idle layer, "[Gx:0Gy:1]") to names of gates. Others are called by
        their labels, on one qubit without the number of the line: "Gxpi2".

    Returns
    -------
    Counts
        Of :class:`~qml.processes.Experiments`; weights where a count is no integer.

    Raises
    ------
    InputError
        With the number of the line: where it is no circuit, has other counts than the columns say, an outcome that the
        measurement does not have, more lines than the preparations have qubits; instruments, and data with times.

    Notes
    -----
    Source of the format: pyGSTi 0.10.2, ``pygsti.io.write_dataset``.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> text = "## Columns = 0 count, 1 count\n{}@(0)  99  1\nGxpi2:0(Gxpi2:0)^2@(0)  52  48\n"
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "data.txt"
    ...     _ = path.write_text(text)
    ...     counts = read_pygsti(path, gates={"Gxpi2:0": "Gx"})
    >>> counts.measurement.settings
    ('rho||Z', 'rho|Gx Gx Gx|Z')
    >>> counts.counts
    array([99,  1, 52, 48])
    """
    named = _names(gates)
    starts = None if preparations is None else prepared(preparations)
    rows = read_rows(path)
    n = len(starts[0].dims) if starts else _digits(rows)
    states, labels = starts if starts else prepared({"rho": basis_state("0" * n)})
    held = _measurements(PauliMeasurement(["Z" * n]) if measurements is None else measurements, states.dim)
    outcomes = {name: {label: k for k, label in enumerate(m.outcome_labels(0))} for name, m in held.items()}
    settings: dict[tuple[str, Word, str], list[float]] = {}
    lines: set[str] = set()
    for row in rows:
        try:
            lines |= row.circuit.lines
            if len(lines) > n:
                raise InputError(
                    f"the circuits up to here are on {len(lines)} lines, {_checks.told(sorted(lines))}, but the "
                    f"preparations are of {_checks.plural(n, 'qubit')}"
                )
            start = _chosen("preparation", row.circuit.preparation, labels)
            end = _chosen("measurement", row.circuit.measurement, held)
            found = _placed(row, outcomes[end])
        except InputError as error:
            raise InputError(f"line {row.number}: {error}.") from None
        word = tuple(
            named.get(x.label) or (named.get(x.bare, x.bare) if n == 1 else x.label) for x in row.circuit.letters
        )
        before = settings.get((start, word, end))
        settings[start, word, end] = found if before is None else [a + b for a, b in zip(before, found, strict=True)]
    experiments = Experiments(list(settings), states, held, preparation_names=list(labels))
    values = [value for found in settings.values() for value in found]
    if all(isinstance(value, int) for value in values):
        return Counts(experiments, values)
    return Counts.from_weights(experiments, values)


def write_pygsti(counts: Counts, path: str | Path, *, gates: Mapping[str, str] | None = None) -> None:
    """Write counts of experiments as a text data set of pyGSTi, which ``pygsti.io.read_dataset`` reads.

    Parameters
    ----------
    counts : Counts
        Of :class:`~qml.processes.Experiments` with words of gates. Names of gates must be labels of pyGSTi, such as
        "Gx:0" or "[]"; on one qubit "Gx" stands for "Gx:0". Where there are several preparations or measurements,
        theirs must begin with "rho" and "M".
    path : path
    gates : mapping of str to str, optional
        From pyGSTi's labels to the names of gates here, as :func:`read_pygsti` takes it.

    Raises
    ------
    InputError
        For other counts, times in place of words, names that are no labels of pyGSTi.

    Examples
    --------
    >>> from qml import Counts, PauliMeasurement
    >>> from qml.processes import Experiments
    >>> setup = Experiments.product([(), ("Gx", "Gi")], {"rho": [1.0, 0.0]}, PauliMeasurement(["Z"]))
    >>> write_pygsti(Counts(setup, [99, 1, 50, 50]), "/dev/stdout", gates={"[]": "Gi"})  # doctest: +SKIP
    ## Columns = 0 count, 1 count
    {}@(0)  99  1
    Gx:0[]@(0)  50  50
    """
    held = _checks.instance("counts", counts, Counts)
    setup = held.measurement
    if not isinstance(setup, Experiments) or setup.is_timed:
        raise InputError("counts must be of Experiments with words of gates; found others.")
    n, names = len(setup.sites), dict.fromkeys(name for word in setup.circuits for name in word)
    letters = _letters(names, _names(gates), n)
    lines = {line for letter in letters.values() for line in letter.lines} or {"0"}
    if len(lines) > n:
        raise InputError(
            f"the gates are on lines {_checks.told(sorted(lines))}, more than the {n} of the preparations."
        )
    ordinary = {str(k) for k in range(n)}
    end = f"@({','.join(sorted(ordinary if lines <= ordinary else lines, key=lambda line: (len(line), line)))})"
    starts = _marks("preparation", setup.preparation_names, "rho")
    ends = _marks("measurement", tuple(setup.measurements), "M")
    outcomes = {tuple(m.outcome_labels(0)) for m in setup.measurements.values()}
    header = next(iter(outcomes)) if len(outcomes) == 1 else None
    text = [f"## Columns = {', '.join(f'{label} count' for label in header)}"] if header else []
    for k, row in enumerate(setup.rows):
        assert isinstance(row.circuit, tuple)
        word = "".join(letters[name].label for name in row.circuit)
        circuit = starts[row.preparation] + word + ends[row.measurement] or "{}"
        values = held[k]
        cells = values.values() if header else (f"{label}:{value!r}" for label, value in values.items())
        text.append("  ".join([circuit + end, *(str(cell) for cell in cells)]))
    writable(path).write_text("\n".join([*text, ""]), encoding="utf-8")


def _names(gates: Mapping[str, str] | None) -> dict[str, str]:
    """The mapping that was given, whose labels are written as they come back from the parser."""
    found = {}
    for label, name in ({} if gates is None else _checks.mapping("gates", gates)).items():
        letter = letter_of(_checks.text("each label of gates", label))
        if letter is None:
            raise InputError(f"labels of gates must be pyGSTi's, such as 'Gx:0' or '[]'; found {_checks.shown(label)}.")
        found[letter.label] = _checks.text(f"the name of {label!r}", name)
    return found


def _digits(rows: Sequence[Row]) -> int:
    """The number of qubits, from the labels of the outcomes."""
    label = next((label for row in rows for label in row.counts), "")
    if not label or set(label) - set("01"):
        raise InputError(
            f"line {rows[0].number}: outcomes must be labelled by bits, such as 0 or 01; found {_checks.shown(label)}: "
            "name the preparations and the measurements."
        )
    return len(label)


def _chosen(what: str, label: str | None, known: Mapping[str, object] | tuple[str, ...]) -> str:
    """The preparation or measurement of a circuit; one that is alone needs no label."""
    if label is None:
        if len(known) == 1:
            return next(iter(known))
        raise InputError(f"the circuit must name its {what}, one of {_checks.told(known)}")
    if label not in known:
        hint = _checks.nearest(label, known)
        raise InputError(f"there is no {what} {label!r}{hint}; there are {_checks.told(known)}")
    return label


def _placed(row: Row, places: Mapping[str, int]) -> list[float]:
    """The counts of a line in the order of the outcomes of the measurement."""
    found: list[float] = [0] * len(places)
    for label, value in row.counts.items():
        if label not in places:
            hint = " (outcomes with several parts are those of instruments)" if ":" in label else ""
            raise InputError(f"the measurement has no outcome {label!r}{hint}; it has {_checks.told(places)}")
        found[places[label]] = value
    if row.total is not None:
        rest = whole(row.total - sum(found), row.total)
        absent = [k for label, k in places.items() if label not in row.counts]
        if rest < 0 or (rest and len(absent) != 1):
            raise InputError(f"the counts must add up to the total {row.total:.12g}; found {sum(found):.12g}")
        if absent:
            found[absent[0]] = rest
    return found


def _letters(names: Mapping[str, None], given: Mapping[str, str], n: int) -> dict[str, Letter]:
    """The letter of pyGSTi of each name of a gate."""
    labels = {name: label for label, name in given.items()}
    if len(labels) < len(given):
        raise InputError(f"gates must give each label a name of its own; found {_checks.told(given.values())}.")
    found: dict[str, Letter] = {}
    for name in names:
        letter = letter_of(labels.get(name, name))
        if letter is not None and n == 1 and not letter.lines and letter.label != "[]":
            letter = letter_of(f"{letter.label}:0") or letter
        if letter is None:
            raise InputError(
                f"names of gates must be labels of pyGSTi, such as 'Gx' or '[Gx:0Gy:1]'; found {_checks.shown(name)}: "
                "pass gates={label: name}."
            )
        found[name] = letter
    if len({letter.label for letter in found.values()}) < len(found):
        raise InputError(f"gates must have different labels; found {_checks.told(x.label for x in found.values())}.")
    return found


def _marks(what: str, names: tuple[str, ...], begin: str) -> dict[str, str]:
    """What stands for each preparation or measurement: nothing where there is one."""
    if len(names) == 1:
        return {names[0]: ""}
    for name in names:
        if not re.fullmatch(f"{begin}[a-z0-9_]*", name):
            raise InputError(
                f"names of several {what}s must be such as {begin}0 for pyGSTi; found {_checks.shown(name)}."
            )
    return {name: name for name in names}
