"""Studies made of other studies: ``extends: base.yaml``, and overrides ``fits[0].max_iterations=50``.

What extends a file is laid over it by these rules:

- mappings are merged key by key, at every depth;
- but two mappings that both say `kind`, and not the same one, are not: the upper one replaces the lower one;
- anything else (a number, text, a list, null) replaces what was there. So `fits` as a list replaces all fits.

A file may extend one that extends another. All of them lie in the folder of the study or below it. Paths of other files
that are named in any of them start from the folder of the study.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import reduce
from pathlib import Path
from typing import Any

from qml._checks import InputError, plural
from qml.studies.spec.source import COMMAND_LINE, Key, Place, Source, dotted, parse, read

MAX_CHAIN = 16
EVERY = "*"
"""In a path: every item of a list."""

_STEP = re.compile(r"(?:^|\.)([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]{1,6}|\*)\]")


def compose(path: Path) -> Source:
    """A study file laid over what it extends.

    Raises
    ------
    InputError
        If a file is missing, lies outside the folder of the study, or extends itself, directly or not.
    """
    root = path.parent.resolve()
    chain = [read(path)]
    seen = [path.resolve()]
    while isinstance(chain[-1].data, dict) and "extends" in chain[-1].data:
        source = chain[-1]
        base = source.data.pop("extends")
        if not isinstance(base, str) or not base or "\0" in base:
            raise source.error(("extends",), "expected the path of one study, such as base.yaml.")
        target = (seen[-1].parent / base).resolve()
        if not target.is_relative_to(root):
            raise source.error(
                ("extends",), f"studies are read from the folder of the study only; {base!r} lies outside it."
            )
        if target in seen:
            names = " extends ".join(p.name for p in [*seen[seen.index(target) :], target])
            raise source.error(("extends",), f"a study cannot extend itself: {names}.")
        if len(chain) == MAX_CHAIN:
            raise source.error(("extends",), f"a chain of more than {MAX_CHAIN} files is not read.")
        if not target.is_file():
            raise source.error(("extends",), f"there is no file {base!r}.")
        lower = read(target)
        if not isinstance(lower.data, dict):
            raise lower.error((), "a study is a mapping of keys.")
        name = target.relative_to(root).as_posix()
        places = {at: Place(name, place.line) for at, place in lower.places.items()}
        chain.append(Source(target, lower.data, places))
        seen.append(target)
    return reduce(_over, reversed(chain))


def _over(lower: Source, upper: Source) -> Source:
    """`upper` laid over `lower`. What stands in both is said by the upper one, so its places come last."""
    data = _merged(lower.data, upper.data)
    below = {path: place for path, place in lower.places.items() if _is_in(data, path)}
    return Source(upper.path, data, below | upper.places)


def _merged(low: Any, high: Any) -> Any:
    if not isinstance(low, dict) or not isinstance(high, dict):
        return high
    if "kind" in low and "kind" in high and low["kind"] != high["kind"]:
        return high
    return low | {key: _merged(low[key], value) if key in low else value for key, value in high.items()}


def _is_in(data: Any, path: tuple[Key, ...]) -> bool:
    """Whether there is something at a path."""
    for key in path:
        if key not in (data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()):
            return False
        data = data[key]
    return True


# overrides -------------------------------------------------------------------------------------------------------


def override(source: Source, overrides: Iterable[str]) -> Source:
    """The study with ``PATH=VALUE`` from the command line laid over it, in their order.

    A value is read as YAML, by the rules of the file itself: ``x=1e-3`` is a number, ``x=[1, 2]`` a list.

    Raises
    ------
    InputError
        If an override has no ``=``, its path is none or leads nowhere, or its value is no plain YAML.
    """
    for text in overrides:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(
                f"{COMMAND_LINE}: an override is PATH=VALUE, such as fits[0].max_iterations=50; found {text!r}."
            )
        name = name.strip()
        if name == "extends":
            raise InputError(f"{COMMAND_LINE}: what a study extends is said in its file only.")
        found = read_value(name, value)
        try:
            source = assign(source, name, found, Place(COMMAND_LINE))
        except InputError as error:
            raise InputError(f"{COMMAND_LINE}, {error}") from None
    return source


def read_value(name: str, text: str) -> Any:
    """The value of an override."""
    if not text.strip():
        return None
    try:
        return parse(text.encode(), Path(COMMAND_LINE)).data
    except InputError as error:
        sentence = str(error).removeprefix(COMMAND_LINE).split(": ", 1)[-1]
        raise InputError(f"{COMMAND_LINE}, {name}: {sentence}") from None


def assign(source: Source, name: str, value: Any, place: Place) -> Source:
    """The study with `value` at the path `name`, which messages name as being from `place`.

    Mappings on the way that are not there yet are made.

    Raises
    ------
    InputError
        If the path leads nowhere.
    """
    said: list[tuple[Key, ...]] = []

    def put(box: Any, path: tuple[Key, ...], at: tuple[Key, ...]) -> Any:
        if not path:
            said.append(at)
            return value
        key, rest, shown = path[0], path[1:], dotted(at) or "the study"
        if isinstance(key, int) or key == EVERY:
            if not isinstance(box, list):
                raise InputError(f"{name}: {shown} is not a list, so it has no item [{key}].")
            if isinstance(key, int) and key >= len(box):
                raise InputError(f"{name}: {shown} has {plural(len(box), 'item')}, counted from 0; found [{key}].")
            return [put(item, rest, (*at, i)) if key in (i, EVERY) else item for i, item in enumerate(box)]
        if isinstance(box, list):
            raise InputError(f"{name}: {shown} is a list: write [0] for its first item, [*] for every one.")
        if not isinstance(box, dict):
            raise InputError(f"{name}: {shown} is a single value, so it has no key {key!r}.")
        if key not in box:
            said.append((*at, key))
        return {**box, key: put(box.get(key, {}), rest, (*at, key))}

    data = put(source.data, parse_path(name), ())
    places = {path: old for path, old in source.places.items() if not any(path[: len(s)] == s for s in said)}
    return Source(source.path, data, places | dict.fromkeys(said, place))


def parse_path(name: str) -> tuple[Key, ...]:
    """``fits[0].model.noise[*].params[0]`` as keys; ``fit.`` in front stands for ``fits[*].``, every fit.

    Examples
    --------
    >>> parse_path("fits[0].max_iterations"), parse_path("fit.restarts")
    (('fits', 0, 'max_iterations'), ('fits', '*', 'restarts'))
    """
    path: list[Key] = []
    at = 0
    while at < len(name):
        step = _STEP.match(name, at) if at == 0 or name[at] in ".[" else None
        if step is None or (step[1] is None and not path) or (at == 0 and name[0] == "."):
            raise InputError(f"{name[:80]!r} is not the path of a key, such as fits[0].model.ansatz.layers.")
        path.append(step[1] if step[1] is not None else EVERY if step[2] == EVERY else int(step[2]))
        at = step.end()
    if not path:
        raise InputError("an empty path names no key; expected one such as fits[0].max_iterations.")
    return ("fits", EVERY, *path[1:]) if path[0] == "fit" and len(path) > 1 else tuple(path)
