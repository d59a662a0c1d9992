"""What a study can name, read off the schema and the registries: the lines of ``qml list``."""

from __future__ import annotations

from collections.abc import Mapping

from qml.channels import CHANNELS
from qml.engines import ENGINES
from qml.gates import GATES
from qml.instructions import Instruction
from qml.studies.spec import config as config
from qml.studies.spec.schema import Kinds, Spec, first_line

REGISTRIES: dict[str, Mapping[str, Instruction]] = {"channels": CHANNELS, "gates": GATES}
KINDS = (*sorted(Kinds.listed), "engines", *REGISTRIES)


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
