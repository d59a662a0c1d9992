"""The language of studies: a JSON Schema for editors, the reference page made of it, and the lines of ``qml list``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from qml.channels import CHANNELS
from qml.engines import ENGINES
from qml.gates import GATES
from qml.instructions import Instruction
from qml.studies.spec import config
from qml.studies.spec.schema import Kinds, Spec, first_line

REGISTRIES: dict[str, Mapping[str, Instruction]] = {"channels": CHANNELS, "gates": GATES}
KINDS = (*sorted(Kinds.listed), "engines", *REGISTRIES)
EXTENDS = {
    "type": "string",
    "description": "a study in this folder or below it, over which this one is laid: mappings are merged, the rest "
    "replaced",
}
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
    """The reference page: the study, mappings without a kind by name, and every kind."""
    study = config.Study.model_json_schema()
    shared = {name: part for name, part in study["$defs"].items() if "kind" not in part["properties"]}
    said = {"The study": {**study, "properties": {"extends": EXTENDS, **study["properties"]}}, "Fit": shared.pop("Fit")}
    blocks = [HEAD, *(_section(title, part, study["$defs"]) for title, part in (said | shared).items())]
    for title, union in sorted(Kinds.listed.items()):
        blocks.append(f"## {title.capitalize()}\n")
        for kind, spec in union.specs.items():
            schema = spec.model_json_schema()
            defs = schema.get("$defs", {})
            if "$ref" in schema:  # of a spec that holds others of its kind
                schema = defs[schema["$ref"].rsplit("/", 1)[-1]]
            blocks.append(_section(f"`{kind}`", schema, defs, level=3))
    for title in REGISTRIES:
        listed = "\n".join(lines(title))
        blocks.append(f"## {title.capitalize()}\n\n```text\n{listed}\n```\n")
    return "\n".join(blocks)


def _section(title: str, schema: dict[str, Any], defs: dict[str, Any], level: int = 2) -> str:
    lines = [f"{'#' * level} {title}", "", schema["description"], ""]
    properties = {name: found for name, found in schema["properties"].items() if name != "kind"}
    if properties:
        lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
    for name, found in properties.items():
        default = "required" if name in schema.get("required", []) else ""
        if "default" in found:
            default = f"`{json.dumps(found['default'])}`"
        row = (f"`{name}`", _type(found, defs), default, _about(found))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    return "\n".join([*lines, ""] if properties else lines)


def _about(schema: dict[str, Any]) -> str:
    """The meaning of a key: its own description, or that of one of the values it may have."""
    own = [schema, *schema.get("anyOf", [])]
    return next((str(one["description"]) for one in own if "description" in one), "")


def _type(schema: dict[str, Any], defs: dict[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "discriminator" in schema:
        kinds = set(schema["discriminator"]["mapping"])
        title = next(title for title, union in Kinds.listed.items() if kinds <= union.specs.keys())
        return f"one of the [{title}](#{title})"
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        title = defs[name]["title"]
        return f"[{title}](#{title.lower()})"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type(one, defs) for one in schema[key]))
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{json.dumps(x)}`" for x in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type")
    if kind == "array":
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


# qml list ---------------------------------------------------------------------------------------------------------


def lines(what: str) -> list[str]:
    """One line a kind: its name, its keys (a default behind =), and what it is."""
    if what == "engines":
        heads = [(name, made.runs_on(), first_line(made)) for name, made in ENGINES.items()]
    elif what in REGISTRIES:
        heads = [(name, _arguments(item), "") for name, item in REGISTRIES[what].items()]
    else:
        heads = [(kind, _keys(spec), first_line(spec)) for kind, spec in Kinds.listed[what].specs.items()]
    widths = [max(len(row[i]) for row in heads) for i in (0, 1)]
    return [f"{name:<{widths[0]}}  {keys:<{widths[1]}}  {about}".rstrip() for name, keys, about in heads]


def _keys(spec: type[Spec]) -> str:
    shown = []
    for name, field in spec.model_fields.items():
        if name in ("kind", "through"):
            continue
        alone = field.is_required() or field.default in (None, "", [], {})
        shown.append(name if alone else f"{name}={_plain(field.default)}")
    return ", ".join(shown)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _arguments(item: Instruction) -> str:
    domains = [
        name if (domain.low, domain.high) == (-float("inf"), float("inf")) else f"{name} in {domain}"
        for name, domain in zip(item.parameter_names, item.domains, strict=True)
    ]
    sites = "1 site" if item.n_sites == 1 else f"{item.n_sites} sites"
    return f"{sites:<8} {', '.join(domains)}".rstrip()
