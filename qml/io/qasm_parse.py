"""OpenQASM text as a tree, within bounds that make text from anywhere safe to read."""

from __future__ import annotations

import re
from typing import Any

from antlr4 import CommonTokenStream, InputStream, Token
from antlr4.error.ErrorListener import ErrorListener
from openqasm3 import ast, parser

from qml._checks import InputError

LONGEST_TEXT = 1 << 19
"""Characters of a program; the tree of the longest takes about half a GiB."""
DEEPEST = 100
"""Brackets within brackets, and gates within gates."""
MOST_QUBITS = 1000
MOST_OPERATIONS = 100_000
MOST_STEPS = 2_000_000
"""Statements and parts of expressions that are carried out, those of loops and gates each time, and what they move:
bits, and the operations of gates that have modifiers."""


class _Listener(ErrorListener):  # type: ignore[misc]  # ANTLR has no types
    def syntaxError(self, recognizer: Any, symbol: Any, line: int, column: int, message: str, error: Any) -> None:  # noqa: N802 - its name
        raise InputError(f"line {line}, column {column + 1}: this is not OpenQASM: {message[:200]}.")


def parse(text: str) -> ast.Program:
    """The program of a text.

    Raises
    ------
    InputError
        Where it is none, with line and column; or is too long or too deeply nested to be read safely.
    """
    if len(text) > LONGEST_TEXT:
        raise InputError(f"the program has {len(text)} characters; at most {LONGEST_TEXT} are read.")
    depth = 0
    for line, row in enumerate(text.splitlines(), 1):
        for mark in re.findall(r"[][(){}]|(?:[-~!]\s*){100}", row):
            depth += 1 if mark in "([{" else -1 if mark in ")]}" else DEEPEST
            if depth > DEEPEST:
                raise InputError(f"line {line}: more than {DEEPEST} brackets or signs within each other are not read.")
    library: Any = parser
    lexer = library.qasm3Lexer(InputStream(text))
    reader = library.qasm3Parser(CommonTokenStream(lexer))
    for part in (lexer, reader):
        part.removeErrorListeners()
        part.addErrorListener(_Listener())
    try:
        if reader.getTokenStream().LA(1) == Token.EOF:
            raise InputError("the program is empty.")
        program = library.QASMNodeVisitor().visitProgram(reader.program())
    except parser.QASM3ParsingError as error:
        where = re.match(r"L(\d+):C(\d+): (.*)", str(error))
        at = f"line {where[1]}, column {int(where[2]) + 1}: {where[3]}" if where else str(error)
        raise InputError(f"{at}.") from None
    except InputError:
        raise
    except RecursionError:
        raise InputError("the program is too deeply nested to be read.") from None
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError) as error:
        raise InputError(f"the OpenQASM parser cannot read this program ({type(error).__name__}: {error}).") from None
    assert isinstance(program, ast.Program)
    return program
