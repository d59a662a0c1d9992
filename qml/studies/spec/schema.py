"""What every part of a study file has in common: strict keys, and one sentence for every mistake."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

from qml._checks import nearest, plural, short
from qml.studies.spec.source import Key, Source

Qubits = Annotated[int, Field(ge=1, le=24, description="number of qubits")]
ManyQubits = Annotated[int, Field(ge=1, le=200, description="number of qubits")]
"""Of what is written down as Pauli strings."""
FewQubits = Annotated[int, Field(ge=1, le=12, description="number of qubits")]
"""Of states that are held as dense matrices from the start."""
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Sites = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, description="sites, from 0")]


SIZES: dict[str, Any] = {
    "n": Qubits,
    "n_sites": Annotated[int, Field(ge=1, le=12, description="number of sites")],
    "n_visible": Annotated[int, Field(ge=1, le=12, description="number of visible qubits")],
    "n_hidden": Annotated[int, Field(ge=1, le=12, description="number of hidden qubits")],
    "n_ancilla": Annotated[int, Field(ge=0, le=24, description="qubits that are traced out")],
    "n_ancillas": Annotated[int, Field(ge=0, le=24, description="qubits that are traced out")],
    "layers": Annotated[int, Field(ge=0, le=1_000, description="number of layers")],
    "weight": Annotated[int, Field(ge=1, le=24, description="qubits that a string acts on, at most")],
    "levels": Annotated[int, Field(ge=2, le=64, description="as many as those of the states")],
    "count": Annotated[int, Field(ge=1, le=10_000, description="number of bases")],
}
"""Sizes by the name of the argument: a study must not ask for what takes for ever to write down."""
KEYS = {"circuit": "ansatz", "n_ancilla": "ancillas", "count": "bases"}
"""Keys that are called otherwise than the argument of the library that they stand for."""


def plain(text: str) -> str:
    """The words of a docstring on one line, without marks."""
    return re.sub(r":\w+:`~?([^`]*)`", r"\1", " ".join(text.split())).replace("`", "").replace("\\|", "|")


def first_line(spec: type) -> str:
    """The first sentence of a docstring, on one line."""
    return plain((inspect.getdoc(spec) or "").split("\n\n")[0])


def _briefly(schema: dict[str, Any], spec: type) -> None:
    schema["description"] = first_line(spec)


class Spec(BaseModel):
    """A mapping of a study file: unknown and missing keys are refused by name. What its docstring says of a key under
    Parameters is told in messages, in the reference and in the JSON Schema."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True, json_schema_extra=_briefly
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        own = inspect.get_annotations(cls)
        for name, sentence in _described(cls).items():
            for key in {name, KEYS.get(name, name)} & own.keys():
                cls.model_fields[key].description = sentence
        if "through" in cls.model_fields:  # what comes after everything else is said last
            cls.model_fields["through"] = cls.model_fields.pop("through")

    @model_validator(mode="before")
    @classmethod
    def _keys(cls, data: Any) -> Any:
        fields = cls.__pydantic_fields__  # which `model_fields` takes five times as long to look up
        if not isinstance(data, Mapping):
            known = ", ".join(fields)
            raise PydanticCustomError("mapping", "expected a mapping with the keys {keys}", {"keys": known})
        for key in data:
            if key not in fields:
                hint, known = nearest(str(key), fields), ", ".join(fields)
                sentence = "the key {key} is not known{hint}; the keys here are {keys}"
                raise PydanticCustomError("key", sentence, {"at": key, "key": repr(key), "hint": hint, "keys": known})
        for key, field in fields.items():
            if key not in data and field.is_required():
                about = f" ({field.description})" if field.description else ""
                raise PydanticCustomError(
                    "lacks", "the key {key}{about} is missing", {"key": repr(key), "about": about}
                )
        return data


AnySpec = TypeVar("AnySpec", bound=Spec)


class Kinds:
    """What a study can name in one place, by its `kind`: ``Annotated[Spec, Kinds({"ghz": ..., "file": ...})]``; what it
    is called in lists of all that there is, if it stands there."""

    listed: ClassVar[dict[str, Kinds]] = {}

    def __init__(self, specs: Mapping[str, type[Spec]], title: str = "") -> None:
        self.specs = dict(specs)
        if title:
            self.listed[title] = self

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        union: Any = reduce(or_, self.specs.values())
        schema = handler.generate_schema(Annotated[union, Field(discriminator="kind")])
        return core_schema.no_info_before_validator_function(self._has_kind, schema)

    def _has_kind(self, data: Any) -> Any:
        if isinstance(data, Mapping) and "kind" not in data:
            raise PydanticCustomError(
                "lacks", "the key 'kind' is missing: one of {kinds}", {"kinds": ", ".join(self.specs)}
            )
        return data


def members(named: Any) -> dict[str, type[Spec]]:
    """The specs that an annotation with :class:`Kinds` stands for, by kind."""
    return next(found.specs for found in typing.get_args(named) if isinstance(found, Kinds))


def kind_of(spec: type[Spec]) -> str:
    """The kind that a spec stands for."""
    return str(typing.get_args(spec.model_fields["kind"].annotation)[0])


def _described(documented: object) -> dict[str, str]:
    """What a docstring says of each argument, the first sentence."""
    section = (inspect.getdoc(documented) or "").partition("Parameters\n----------\n")[2].split("\n\n")[0]
    found: dict[str, str] = {}
    for names, text in re.findall(r"^(\S[^:\n]*) :.*\n((?:    .*\n?)*)", section, re.MULTILINE):
        sentence = re.split(r"\.(?= [A-Z]|$)", plain(text))[0]
        if sentence[1:2].islower():
            sentence = sentence[:1].lower() + sentence[1:]
        shared = names.split(", ")
        found |= {name: sentence for name in shared if sentence and not (shared[1:] and name in SIZES)}
    return found


_WORDS = {
    "input should be": "expected",
    "a valid dictionary or object to extract fields from": "a mapping with the key 'kind'",
    "a valid dictionary": "a mapping",
    "a valid integer, got a number with a fractional part": "an integer",
    "a valid integer": "an integer",
    "a valid number": "a number",
    "a valid string": "text",
    "a valid boolean": "true or false",
    "a valid list": "a list",
}
"""What pydantic says, and what is said here."""
_BOUNDS = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}


def read_as(spec: type[AnySpec], source: Source) -> AnySpec:
    """What a source says, as a spec.

    Raises
    ------
    InputError
        At the first mistake in the order of the file, with its place; of those on one line, at the innermost.
    """
    try:
        return spec.model_validate(source.data, context={"home": source.home})
    except ValidationError as error:
        found = [_sentence(details, source) for details in error.errors(include_url=False)]
    around = {path[:k] for path, _ in found for k in range(len(path))}
    found = [one for one in found if one[0] not in around]  # of what may be a word or a mapping, and is a mapping
    path, sentence = min(found, key=lambda one: (source.place(one[0]), -len(one[0])))
    raise source.error(path, sentence)


def _sentence(details: ErrorDetails, source: Source) -> tuple[tuple[Key, ...], str]:
    path = _place(details["loc"], source.data)
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    if kind == "key":
        return (*path, context["at"]), f"{details['msg']}."
    if kind == "lacks":
        return path, f"{details['msg']}."
    if kind == "value_error":
        return (*path, *getattr(context["error"], "path", ())), str(context["error"])
    if kind == "union_tag_invalid":
        path, value = (*path, "kind"), value["kind"]
        options = [tag.strip().strip("'") for tag in context["expected_tags"].split(",")]
        return path, f"expected one of {', '.join(options)}; found {shown(value)}{nearest(str(value), options)}."
    hint = ""
    if kind == "literal_error":
        expected = f"expected {context['expected']}"
        hint = nearest(str(value), [part.strip("'") for part in context["expected"].replace(" or ", ", ").split(", ")])
    elif kind in ("too_short", "too_long"):
        bound, most = ("at least", context["min_length"]) if kind == "too_short" else ("at most", context["max_length"])
        return path, f"expected {bound} {plural(most, 'item')}; found {context['actual_length']}."
    else:
        expected = details["msg"][:1].lower() + details["msg"][1:]
        for theirs, ours in _WORDS.items():
            expected = expected.replace(theirs, ours)
        for key in _BOUNDS.keys() & context.keys():
            bound = context[key]
            expected = f"expected {_BOUNDS[key]} {f'{bound:.12g}' if isinstance(bound, float) else bound}"
    return path, f"{expected}; found {shown(value)}{hint}."


def _place(loc: Sequence[Key], data: Any) -> tuple[Key, ...]:
    """A location as pydantic gives it, without the tags of unions, which stand before the keys of a mapping."""
    path: list[Key] = []
    arrived = True
    for key in loc:
        tag = arrived and isinstance(data, dict) and data.get("kind") == key
        arrived = False
        if tag:
            continue
        known = range(len(data)) if isinstance(data, list) else data if isinstance(data, dict) else ()
        if key in known:
            path.append(key)
            data = data[key]
            arrived = True
    return tuple(path)


def shown(value: Any) -> str:
    """A value of a study file as it may stand in a sentence: short, on one line."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return repr(short(value, 60))
    if isinstance(value, int) and abs(value) >= 10**30:
        return "an integer of more than 30 digits"
    return repr(value)
