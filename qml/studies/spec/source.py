"""A study file as text: plain YAML read into Python values, with the place of every key kept for messages.

The language is the JSON-like core of YAML 1.2: mappings, sequences, strings, numbers (``1e-3`` is one), ``true``,
``false`` and ``null``. Anchors, aliases, tags, merge keys, duplicate keys and further documents are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import yaml

from qml._checks import InputError, MemoryRefused

MAX_BYTES = 1 << 18
MAX_DEPTH = 16
MAX_DIGITS = 400
INPUTS = "inputs"
"""Where a run keeps copies of the files that its study names."""
COMMAND_LINE = "command line"
"""The origin of what was overridden there."""
POINT = "this point"
"""The origin of the study of one point of a sweep."""
PYTHON = "study"
"""The origin of what was said from Python."""

Key: TypeAlias = "str | int"

_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: value for value in (True, False) for word in (str(value), str(value).lower(), str(value).upper())
}


def dotted(path: Sequence[Key]) -> str:
    """``("fits", 0, "model") -> "fits[0].model"``."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


class Place(NamedTuple):
    """Where something is said: `origin` is the name of another file than that of the study, or something without lines,
    such as the command line; `line` is that of its key, or of its item in a list, from 1."""

    origin: str = ""
    line: int = 1


@dataclass(frozen=True)
class Source:
    """The values of a study file and where they stand.

    Attributes
    ----------
    path : Path
        The file.
    data : object
        Its content: dicts, lists, strings, numbers, booleans and None.
    places : dict
        Where each key path is said.
    """

    path: Path
    data: Any
    places: dict[tuple[Key, ...], Place] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The folder that files named in the study are in: its own; of the study of a run, where that keeps copies."""
        folder = self.path.parent
        is_run = self.path.name == "config.yaml" and (folder / "run.json").is_file()
        return folder / INPUTS if is_run else folder

    def place(self, path: Sequence[Key]) -> Place:
        """Where `path`, or the nearest part around it, is said; places sort with those of the file itself first."""
        known = tuple(path)
        while known and known not in self.places:
            known = known[:-1]
        return self.places.get(known, Place())

    def error(self, path: Sequence[Key], sentence: str) -> InputError:
        """The sentence, with file, line and key path in front of it."""
        origin, line = self.place(path)
        place = origin if origin in (COMMAND_LINE, POINT, PYTHON) else f"{origin or self.path.name}, line {line}"
        return InputError(f"{place}{f', {dotted(path)}' if path else ''}: {sentence}")

    @contextmanager
    def within(self, *path: Key) -> Iterator[None]:
        """A context in which an :class:`InputError` is raised with the place `path` in front of it."""
        try:
            yield
        except (InputError, MemoryRefused) as error:
            raise self.error((*path, *getattr(error, "path", ())), str(error)) from error


def read(path: Path) -> Source:
    """The content of a YAML file.

    Raises
    ------
    InputError
        If the file cannot be read, is larger than 256 KiB, nested deeper than 16, or is not plain YAML.
    """
    return parse(_content(path), path)


def _content(path: Path) -> bytes:
    """The bytes of a file; one more than is read of those that are too large."""
    if not path.exists():
        raise InputError(f"there is no file {path}.")
    if not path.is_file():
        raise InputError(f"a study is a YAML file; {path} is not a file.")
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def is_principle(path: Path) -> bool:
    """Whether `path` is a study of the principle, or a folder in which every study is one."""
    if path.is_dir():
        files = studies_in(path)
        return bool(files) and not (path / "run.json").exists() and all(is_principle(file) for file in files)
    if not path.is_file():
        return False
    try:
        content = _content(path)
        data = parse(content, path).data if b"statements" in content else None  # others are not parsed twice
    except InputError:  # it is raised again when the file is read as a study
        return False
    return isinstance(data, dict) and "statements" in data


def studies_in(folder: Path) -> list[Path]:
    """The studies of a folder, in the order of their names."""
    return sorted(folder.glob("*.yaml"))


def parse(content: bytes, path: Path) -> Source:
    """The same for the bytes of a file; `path` is used in messages only."""
    if len(content) > MAX_BYTES:
        raise InputError(
            f"{path.name} is larger than {MAX_BYTES >> 10} KiB, which no study needs: is it the right file?"
        )
    source = Source(path, None)
    try:
        text = content.decode("utf-8-sig")
        node = yaml.compose(text, _Loader)
        data = None if node is None else _value(node, (), source.places)
    except UnicodeDecodeError as error:
        line, byte = content[: error.start].count(b"\n") + 1, content[error.start]
        raise InputError(f"{path.name}, line {line}: a study is UTF-8 text; found the byte {byte:#04x}.") from None
    except _Refused as refused:
        raise InputError(f"{path.name}, line {refused.line}: {refused}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise InputError(f"{path.name}{place}: this is not valid YAML: {error.problem or error.context}.") from None
    except yaml.reader.ReaderError as error:
        line, code = text[: error.position].count("\n") + 1, int(error.character)
        raise InputError(f"{path.name}, line {line}: a study is text; found the character U+{code:04X}.") from None
    if node is None:
        raise InputError(f"{path.name} is empty: a study needs at least the keys target and fits.")
    return Source(path, data, source.places)


class _Refused(Exception):
    def __init__(self, mark: yaml.Mark, sentence: str) -> None:
        super().__init__(sentence)
        self.line = mark.line + 1


class _Loader(yaml.SafeLoader):
    """Composes nodes only (nothing is constructed by it), without anchors, aliases, tags or deep nesting."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _Refused(
                event.start_mark, f"anchors and aliases (&, *) are not read; found {event.anchor!r}: repeat it."
            )
        if getattr(event, "tag", None) is not None:
            raise _Refused(event.start_mark, f"tags (!) are not read; found {event.tag!r}: write the plain value.")
        if self.depth > MAX_DEPTH:
            raise _Refused(event.start_mark, f"nesting deeper than {MAX_DEPTH} levels is not read.")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        if isinstance(node, yaml.ScalarNode) and any("\ud800" <= c <= "\udfff" for c in node.value):
            raise _Refused(event.start_mark, "text has half a character (a surrogate): no file could hold it.")
        return node


def _value(node: yaml.Node, path: tuple[Key, ...], places: dict[tuple[Key, ...], Place]) -> Any:
    """The Python value of a node; fills `places` on the way."""
    places.setdefault(path, Place(line=node.start_mark.line + 1))
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, i), places) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _Refused(key_node.start_mark, "a key must be a word; found a list or mapping.")
            key = key_node.value
            if key in result:
                first = places[*path, key].line
                raise _Refused(
                    key_node.start_mark, f"the key {dotted((*path, key))} stands twice, first on line {first}."
                )
            places[*path, key] = Place(line=key_node.start_mark.line + 1)
            result[key] = _value(value_node, (*path, key), places)
        return result
    assert isinstance(node, yaml.ScalarNode)
    return _scalar(node)


def _scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    is_integer = _INTEGER.fullmatch(text) is not None
    if not is_integer and _FLOAT.fullmatch(text) is None:
        return text
    if len(text) > MAX_DIGITS:
        raise _Refused(node.start_mark, f"a number of {len(text)} digits is not read.")
    if is_integer:
        return int(text)
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
