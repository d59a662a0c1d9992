"""One page for every public object of ``qml``, written when the site is built, and links to them by any of their
names."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import public
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.napoleon import Config, NumpyDocstring
from sphinx.util.nodes import make_refnode

from qml._checks import InputError, MemoryRefused

FOLDER = "reference/api"
ERRORS = (InputError, MemoryRefused)
"""What is raised everywhere, beside the errors that modules list."""
COLON = "\ue000"
"""Stands for a colon where napoleon would take it for its own."""
KINDS = ("Classes", "Functions", "Gates and channels", "Tables and types")


def kind_of(value: Any) -> str:
    if inspect.isclass(value):
        return "Classes"
    if inspect.isfunction(value):
        return "Functions"
    return "Gates and channels" if callable(value) and hasattr(value, "parameter_names") else "Tables and types"


def write_pages(app: Sphinx) -> None:
    """Pages whose text is the same as before are left alone, so that they are not read again."""
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"index": _index(), "errors": _errors()}
    for module in public.modules():
        texts[module] = _module(module)
        for name in public.listed(module):
            full = f"{module}.{name}"
            if public.pages()[full] == full:
                texts[full] = _object(module, name)
    for path in folder.glob("*.rst"):
        if path.stem not in texts:
            path.unlink()
    for name, text in texts.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _heading(text: str, line: str = "=") -> str:
    return f"{text}\n{line * len(text)}\n\n"


def _table(rows: dict[str, str]) -> str:
    lines = [".. list-table::", "   :widths: 30 70", ""]
    for left, right in rows.items():
        lines += [f"   * - {left}", f"     - {right}"]
    return "\n".join(lines) + "\n\n"


def _index() -> str:
    rows = {f":doc:`{name} <{name}>`": public.summary(inspect.getdoc(m) or "") for name, m in public.modules().items()}
    rows[":doc:`Errors <errors>`"] = "What is raised for a user's mistake."
    toc = ".. toctree::\n   :hidden:\n\n" + "".join(f"   {name}\n" for name in [*public.modules(), "errors"])
    about = "Every public object has a page. What is not listed here may change without notice.\n\n"
    return _heading("API reference") + about + _table(rows) + toc


def _errors() -> str:
    text = _heading("Errors")
    for error in ERRORS:
        parent = error.__base__.__name__
        text += f".. py:exception:: {error.__name__}\n\n{_indented(inspect.getdoc(error) or '')}\n"
        text += f"   A kind of ``{parent}``, as which it can be caught.\n\n"
    return text


def _module(module: str) -> str:
    text = _heading(module) + f".. py:module:: {module}\n\n" + (inspect.getdoc(public.modules()[module]) or "") + "\n\n"
    groups: dict[str, dict[str, str]] = {}
    for name, value in public.listed(module).items():
        full = public.pages()[f"{module}.{name}"]
        said = public.summary(public.text_of(full.rpartition(".")[0], full.rpartition(".")[2]))
        if kind_of(value) == "Gates and channels":
            said = _called(value)[1].partition("\n\nParameters\n")[0].partition("\n\n")[0].replace("\n", " ")
        groups.setdefault(kind_of(value), {})[f":py:obj:`{name} <{full}>`"] = said
    for kind in KINDS:
        if kind in groups:
            text += _heading(kind, "-") + _table(groups[kind])
    own = [name for name in public.listed(module) if public.pages()[f"{module}.{name}"] == f"{module}.{name}"]
    return text + ".. toctree::\n   :hidden:\n\n" + "".join(f"   {name} <{module}.{name}>\n" for name in own)


def _called(value: Any) -> tuple[str, str]:
    """How a gate or channel is called, and the rest of its docstring."""
    call, _, rest = (inspect.getdoc(value) or "").partition("\n\n")
    return call, re.sub(r"(?<!\\)\|(?=\S)", r"\\|", rest)


def _object(module: str, name: str) -> str:
    value, full = public.listed(module)[name], f"{module}.{name}"
    text = _heading(full) + f".. py:currentmodule:: {module}\n\n"
    kind = kind_of(value)
    if module != "qml" and public.pages().get(f"qml.{name}") == full:
        text += f"Imported as ``qml.{name}``, too.\n\n"
    if kind == "Classes":
        parents = [p for p in map(_place, value.__mro__[1:]) if p][:1]
        text += "".join(f"A kind of :py:class:`~{parent}`.\n\n" for parent in parents)
        text += f".. autoclass:: {full}\n   :members:\n   :inherited-members:\n"
    elif kind == "Functions":
        text += f".. autofunction:: {full}\n"
    elif kind == "Gates and channels":
        call, rest = _called(value)
        text += f".. py:function:: {call.replace(value.name, name, 1)}\n\n{_indented(_napoleon(rest))}\n"
        text += f"   A :py:class:`~{_place_of_type(value)}`.\n" if _place_of_type(value) else ""
    else:
        text += f".. py:data:: {name}\n\n{_indented(_napoleon(public.text_of(module, name)))}\n"
        if isinstance(value, dict):
            text += "\n" + _indented(_table({f"``{key}``": _entry(entry) for key, entry in value.items()}))
    names = [known for known, page in public.pages().items() if page == full and known.count(".") <= full.count(".")]
    return text + f"\n.. minigallery:: {' '.join(names)}\n   :add-heading: In the gallery\n"


def _napoleon(text: str) -> str:
    return str(NumpyDocstring(text, Config(napoleon_use_rtype=False)))


def _indented(text: str) -> str:
    return "\n".join(f"   {line}" if line.strip() else "" for line in text.splitlines()) + "\n"


def _place(cls: Any) -> str | None:
    return public.pages().get(f"{cls.__module__}.{cls.__qualname__}")


def _place_of_type(value: Any) -> str | None:
    return next(filter(None, map(_place, type(value).__mro__)), None)


def _entry(value: Any) -> str:
    """What a table of names holds: the object of a name, or the name itself."""
    full = _place(value) if inspect.isclass(value) or inspect.isfunction(value) else None
    if full is None:
        named = str(getattr(value, "name", getattr(value, "__name__", value)))
        full = public.short().get(named)
        return f":py:obj:`~{full}`" if full else f"``{named}``"
    return f":py:obj:`~{full}`"


def place_of(name: str) -> str | None:
    """The full name on its page of a public object, or of a method of one, by any of its names."""
    for head, tail in ((name, ""), (name.rpartition(".")[0], name.rpartition(".")[2])):
        full = public.pages().get(head) or public.pages().get(f"qml.{head}") or public.short().get(head)
        if full:
            return f"{full}.{tail}" if tail else full
    last = name.rpartition(".")[2]
    return last if last in {error.__name__ for error in ERRORS} else None


def plain_types(app: Sphinx, document: nodes.document) -> None:
    """Words in the type slots of docstrings become links where they are public names, and plain text elsewhere."""
    for label in document.findall(nodes.field_name):
        if label.astext() == "Variables":  # Sphinx's word for attributes
            label.replace_self(nodes.field_name("", "Attributes"))
    for node in list(document.findall(pending_xref)):
        if node.get("refdomain") == "py" and "refwarn" not in node:  # no role that someone wrote
            full = place_of(node["reftarget"])
            if full is None:
                node.replace_self(node.children)
            else:
                node["reftarget"] = full
                node.attributes.pop("refspecific", None)


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Node) -> nodes.Node | None:
    """A link to a public object, or a method of one, by a name that is not the one on its page."""
    if node.get("refdomain") != "py":
        return None
    objects = env.get_domain("py").objects  # type: ignore[attr-defined]  # typed as any domain
    name = place_of(node["reftarget"].removesuffix("()"))
    if name in objects:
        there = objects[name]
        return make_refnode(app.builder, node["refdoc"], there.docname, there.node_id, content, name)
    return None


def skip(app: Sphinx, what: str, name: str, member: Any, skipped: bool, options: Any) -> bool | None:
    """Methods of other libraries are left to their pages; those of ``qml`` are shown even without a text."""
    function = getattr(member, "fget", None) or getattr(member, "__func__", member)
    home = str(getattr(function, "__module__", None) or "")
    if not callable(function) or not home or name.startswith("_"):
        return None
    return not home.startswith("qml")


def whole_sentence(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """What stands before a colon in the first paragraph on an attribute is no type: napoleon does not see the colon."""
    if what in ("attribute", "property", "data"):
        end = lines.index("") if "" in lines else len(lines)
        lines[:end] = [line.replace(":", COLON) for line in lines[:end]]


def with_colons(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    lines[:] = [line.replace(COLON, ":") for line in lines]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-skip-member", skip)
    app.connect("autodoc-process-docstring", whole_sentence, priority=400)  # napoleon comes at 500
    app.connect("autodoc-process-docstring", with_colons, priority=600)
    app.connect("doctree-read", plain_types)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
