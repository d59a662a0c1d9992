"""The language of studies, for editors and for readers: a JSON Schema, and the reference page made from it."""

from __future__ import annotations

import json
from typing import Any

from qml.studies.spec import catalog, config, measurements, parts, sweep
from qml.studies.spec.schema import Spec, first_line, members

EXTENDS = {
    "type": "string",
    "description": "a study in this folder or below it, over which this one is laid: mappings are merged, the rest "
    "replaced",
}
SHARED: tuple[type[Spec], ...] = (
    config.Fit,
    sweep.Sweep,
    sweep.Range,
    sweep.Random,
    sweep.Interval,
    parts.AppliedChannel,
    parts.NoiseRule,
    parts.ReadoutRule,
    measurements.Readout,
)
"""Mappings without a kind, which get a section each."""

HEAD = """\
<!-- made by: qml schema --markdown -->

# Study files

A study is a YAML file with one target and the fits that learn it; `qml validate` checks one, `qml run` runs it. Only
plain YAML is read: mappings, lists, text, numbers (`1e-3` is one), `true`, `false`, `null`. Anchors, aliases, tags,
keys that stand twice and files outside the folder of the study are refused, and no environment variable is read.

`qml schema > study.schema.json` writes the same as a JSON Schema; with the line
`# yaml-language-server: $schema=study.schema.json` at the top of a study, editors complete its keys.
"""


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a study file.

    One that extends another may leave out target, fits, and the kind of its target with whatever else that one says.
    """
    schema = config.Study.model_json_schema()
    target = schema["properties"]["target"]
    partly = {"type": "object", "not": {"required": ["kind"]}, "description": "laid over the target that is extended"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "qml study",
        "properties": {"extends": EXTENDS, **schema["properties"], "target": {"anyOf": [target, partly]}},
        "required": [],
        "if": {"not": {"required": ["extends"]}},
        "then": {"required": schema["required"], "properties": {"target": {"required": ["kind"]}}},
    }


def markdown() -> str:
    """The reference page."""
    blocks = [HEAD, _section("The study", config.Study, extra={"extends": EXTENDS})]
    blocks += [_section(spec.__name__, spec) for spec in SHARED]
    for title, union in catalog.UNIONS.items():
        blocks.append(f"## {title.capitalize()}\n")
        blocks += [_section(f"`{kind}`", spec, level=3) for kind, spec in members(union).items()]
    for title in catalog.REGISTRIES:
        listed = "\n".join(catalog.lines(title))
        blocks.append(f"## {title.capitalize()}\n\n```text\n{listed}\n```\n")
    return "\n".join(blocks)


def _section(title: str, spec: type[Spec], level: int = 2, extra: dict[str, Any] | None = None) -> str:
    schema = spec.model_json_schema()
    if "$ref" in schema:  # of a spec that holds others of its kind
        schema = {**schema, **schema["$defs"][schema["$ref"].rsplit("/", 1)[-1]]}
    defs, properties = schema.get("$defs", {}), {**(extra or {}), **schema["properties"]}
    required = schema.get("required", [])
    lines = [f"{'#' * level} {title}", "", first_line(spec), ""]
    names = [*(extra or {}), *(name for name in spec.model_fields if name != "kind")]
    if names:
        lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
    for name in names:
        found = properties[name]
        default = "required" if name in required else "" if name == "extends" else f"`{_default(spec, name)}`"
        row = (f"`{name}`", _type(found, defs), default, _about(found))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    return "\n".join([*lines, ""] if names else lines)


def _default(spec: type[Spec], name: str) -> str:
    value = spec.model_fields[name].get_default(call_default_factory=True)
    return _json(value.model_dump() if isinstance(value, Spec) else value)


def _about(schema: dict[str, Any]) -> str:
    """The meaning of a key: its own description, or that of one of the values it may have."""
    own = [schema, *schema.get("anyOf", [])]
    return next((str(one["description"]) for one in own if "description" in one), "")


def _type(schema: dict[str, Any], defs: dict[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "discriminator" in schema:
        kinds = set(schema["discriminator"]["mapping"])
        title = next(title for title, union in catalog.UNIONS.items() if kinds <= set(members(union)))
        return f"one of the [{title}](#{title})"
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        own = defs[name]
        if "kind" in own.get("properties", {}):
            return f"`{own['properties']['kind']['const']}`"
        return f"[{own['title']}](#{own['title'].lower()})"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type(one, defs) for one in schema[key]))
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{_json(x)}`" for x in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type")
    if kind == "array":
        if "prefixItems" in schema:
            return "list of " + ", ".join(_type(one, defs) for one in schema["prefixItems"])
        return f"list of {_type(schema['items'], defs)}" if schema.get("items") else "list"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"mapping to {_type(inner, defs)}" if isinstance(inner, dict) else "mapping"
    words = {
        "integer": "integer",
        "number": "number",
        "string": "text",
        "boolean": "`true` or `false`",
        "null": "`null`",
    }
    return words.get(str(kind), "any value") + _bounds(schema)


def _bounds(schema: dict[str, Any]) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    found = [f"{sign} {_number(schema[key])}" for key, sign in signs.items() if key in schema]
    return f" {', '.join(found)}" if found else ""


def _number(x: float) -> str:
    return "2^63" if x == 2**63 else f"{x:g}" if isinstance(x, float) else str(x)


def _json(value: Any) -> str:
    return json.dumps(value)
