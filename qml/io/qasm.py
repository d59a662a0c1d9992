"""OpenQASM 2 and 3, in and out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qml import _checks
from qml._checks import InputError
from qml._files import folder
from qml.circuits import Circuit
from qml.io.blocks import Values


def from_qasm(text: str, *, includes: str | Path | None = None, measured: bool = False) -> Any:
    r"""The circuit of an OpenQASM 3 or 2 program, read by the parser of the language's own project.

    Qubits become sites in the order of their declarations. ``input float`` and ``input angle`` become free parameters
    of the same names, also within affine expressions; constants, loops over constants, gate definitions and the
    modifiers ctrl, negctrl, inv and pow are carried out. Global phases are left out, except where a gate is controlled:
    there ``U`` has the phase that OpenQASM 3 defines, :math:`e^{i\theta/2}` times that of version 2 and of Qiskit.
    Noise and unitaries are read from the pragmas of Braket (``#pragma braket noise depolarizing(0.1) q[0]``).

    Parameters
    ----------
    text : str
        At most 2^19 characters (to read those takes about half a GiB), 100 brackets deep, of at most 1000 qubits and
        100 000 operations.
    includes : path, optional
        The folder from which files may be included; without it, only ``stdgates.inc`` and ``qelib1.inc`` are known.
    measured : bool
        Whether to return also which sites are measured at the end.

    Returns
    -------
    Circuit, or (Circuit, tuple of int)
        The tuple has the site of each classical bit that holds a result, in the order of the bits.

    Raises
    ------
    InputError
        With line and column, where the text is no OpenQASM, or says what a circuit of gates and channels has no
        counterpart for: classical feedback, qubits that are used after they were measured, timing, calibration.

    Examples
    --------
    >>> text = '''
    ... OPENQASM 3.0;
    ... include "stdgates.inc";
    ... input float theta;
    ... qubit[2] q;
    ... bit[2] c;
    ... ry(2 * theta) q[0];
    ... ctrl @ x q[0], q[1];
    ... #pragma braket noise depolarizing(0.01) q[1]
    ... c = measure q;
    ... '''
    >>> circuit, sites = from_qasm(text, measured=True)
    >>> print(*circuit, sep=", ")
    RY(2*theta) 0, CNOT 0 1, PauliError(0.01) 1
    >>> sites
    (0, 1)
    """
    if "\n" not in _checks.text("text", text) and text.endswith(".qasm"):
        raise InputError(f"text must be a program; found the name of a file: pass Path({text!r}).read_text().")
    _checks.need("openqasm3.parser", "qasm")
    from qml.io.qasm_read import Reader

    measured = _checks.flag("measured", measured)
    circuit, sites = Reader(None if includes is None else folder("includes", includes)).read(text)
    return (circuit, sites) if measured else circuit


def to_qasm(
    circuit: Circuit,
    params: Values = None,
    version: int = 3,
    *,
    measured: Sequence[int] = (),
    dialect: str = "standard",
) -> str:
    r"""A circuit of qubits as an OpenQASM program.

    Free parameters become ``input float`` in version 3; names that OpenQASM does not allow are changed and kept in an
    annotation, from which :func:`from_qasm` has them back. Gates without a name in ``stdgates.inc`` (``qelib1.inc``)
    are defined in the program, those given by a matrix by a decomposition into rotations and CNOTs (Shende, Bullock
    and Markov 2006, arXiv:quant-ph/0406176) of about :math:`4^n` gates. Channels are pragmas of Braket: by name where
    Braket has one, else by their Kraus operators. An annotation of a barrier keeps ``TraceOut`` and ``Initialize``.

    Parameters
    ----------
    circuit : Circuit
        Of qubits.
    params : mapping of str to float, or array (n_params,), optional
        Numbers for all or some of the free parameters (in radians where they are angles).
    version : {3, 2}
        Version 2 has no free parameters and no noise.
    measured : sequence of int
        Sites that are measured at the end, into bits 0, 1, ...
    dialect : {"standard", "braket"}
        The gates that the program takes as known: those of the file that it includes, or those of Braket, which knows
        no such file.

    Returns
    -------
    str

    Raises
    ------
    InputError
        Where the sites are no qubits; an operation has no counterpart in the version, or needs numbers for its
        parameters.

    Examples
    --------
    >>> from qml import Circuit, channels, gates
    >>> print(to_qasm(Circuit(2, [gates.RX("a", 0), gates.CNOT(0, 1), channels.BitFlip(0.1, 1)])))
    OPENQASM 3.0;
    include "stdgates.inc";
    input float[64] a;
    qubit[2] q;
    rx(a) q[0];
    cx q[0], q[1];
    #pragma braket noise bit_flip(0.1) q[1]
    <BLANKLINE>
    """
    from qml.io.qasm_write import Writer

    version = _checks.integer("version", version, low=2, high=3)
    if _checks.choice("dialect", dialect, ("standard", "braket")) == "braket" and version == 2:
        raise InputError("Braket reads OpenQASM 3: leave out version=2, or dialect.")
    return Writer(version, dialect).write(circuit, params, measured)
