"""Keys of a study that are read off the library: the arguments of what it builds, with their types, defaults and
docstrings. What a constructor accepts and a YAML file can hold, a study can say, without a word of it here."""

from __future__ import annotations

import builtins
import inspect
import typing
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, reduce
from operator import or_
from types import GenericAlias, MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import Field, create_model, model_validator

from qml._checks import InputError, MemoryRefused
from qml.studies.spec.schema import KEYS, SIZES, Kinds, Qubits, Spec, kind_of

VALUES: dict[str, Any] = {"ArrayLike": object, "StateLike": object}
"""What a study says for an argument, by the name of its type in the library; ``object`` for what it cannot say. Kinds
enter themselves."""
NOTHING: Mapping[str, Any] = MappingProxyType({})
"""The default of an argument that is a mapping."""
Kept: TypeAlias = dict[Any, Any]
"""What the points of a sweep share where they say the same, such as models: building and compiling one takes
milliseconds."""
MOST_KEPT = 16


class Keyed(Spec):
    """The arguments of a function or a class of the library, as keys."""

    kind: str
    maker: ClassVar[Callable[..., Any]]
    given: ClassVar[frozenset[str]] = frozenset({"rng", "batch", "n_inputs", "folder"})
    """Arguments that the study gives, which are no keys."""
    sizes: ClassVar[Mapping[str, Any]] = SIZES

    @classmethod
    def asked(cls) -> Mapping[str, inspect.Parameter]:
        """What the maker asks for: keys, and what the study gives."""
        return _asked(cls.maker)

    def make(self, kept: Kept | None = None, /, **given: Any) -> Any:
        """What is made of them; `given` is what no key says, such as a random generator, where it is asked for."""
        asked = self.asked()
        return type(self).maker(**self.arguments(kept), **{name: x for name, x in given.items() if name in asked})

    def arguments(self, kept: Kept | None = None) -> dict[str, Any]:
        """The keys other than `kind`, as arguments of the maker; what they name is built, or is among what is kept."""
        names = {KEYS.get(name, name): name for name in self.asked()}
        return {names[key]: built(self, key, kept) for key in type(self).model_fields if key in names}


@cache
def _asked(maker: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(maker).parameters


class Made(Keyed):
    """One that is built by itself."""

    def build(self, **given: Any) -> Any:
        """The object."""
        return self.make(**given)


class Sized(Keyed):
    """What is made for sites of given dims: `n` qubits, or any others.

    Parameters
    ----------
    n : int
        Number of qubits.
    dims : list of int
        Of the sites, instead of n.
    """

    n: Qubits | None = None
    dims: Annotated[list[Annotated[int, Field(ge=1)]] | None, Field(min_length=1)] = None

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.n is None) == (self.dims is None):
            raise InputError(f"give either n or dims; found {'neither' if self.n is None else 'both'}.")
        return self

    def arguments(self, kept: Kept | None = None) -> dict[str, Any]:
        return {**super().arguments(kept), "dims": self.n if self.dims is None else self.dims}


class Inside(InputError):
    """A mistake in a part of a spec, with the keys that lead there."""

    def __init__(self, path: tuple[str | int, ...], sentence: str) -> None:
        super().__init__(sentence)
        self.path = path


def built(spec: Spec, key: str, kept: Kept | None = None) -> Any:
    """What a key says: plain data as they are, anything that has a kind as what it names, which may be kept."""

    def one(value: Any, *path: str | int) -> Any:
        if isinstance(value, list):
            return [one(part, *path, k) for k, part in enumerate(value)]
        if isinstance(value, dict):
            return {name: one(part, *path, name) for name, part in value.items()}
        if not hasattr(value, "build"):
            return value
        try:
            return shared(value, kept)
        except (InputError, MemoryRefused) as error:
            raise Inside((*path, *getattr(error, "path", ())), str(error)) from error

    return one(getattr(spec, key), key)


def shared(spec: Any, kept: Kept | None) -> Any:
    """What a spec names, from what is kept, or built and put there; what was not asked for longest goes first."""
    if kept is None:
        return spec.build()
    key = type(spec), spec.model_dump_json()
    if key not in kept and len(kept) >= MOST_KEPT:
        del kept[next(iter(kept))]
    kept[key] = kept.pop(key) if key in kept else spec.build()
    return kept[key]


def union(
    registry: Mapping[str, Callable[..., Any]], *special: type[Spec], base: type[Keyed] = Made, title: str = ""
) -> Kinds:
    """Kinds with a spec for each entry of a registry, whose keys are its arguments.

    An argument that no YAML file can hold has no key: a default stays, and random generators are given to `build`. An
    entry that needs such an argument can be named only if `special` has a spec for it.
    """
    made: dict[str, type[Spec]] = {kind_of(spec): spec for spec in special}
    found = {kind: made.pop(kind, None) or spec_of(kind, maker, base) for kind, maker in registry.items()}
    return Kinds({kind: spec for kind, spec in (found | made).items() if spec is not None}, title)


def spec_of(kind: str, maker: Callable[..., Any], base: type[Keyed] = Made) -> type[Keyed] | None:
    """The spec of a function or class, None if it needs an argument that a study cannot say."""
    fields: dict[str, Any] = {"kind": (Literal[kind], ...)}
    bases: tuple[type[Keyed], ...] = (base,)
    hints = _hints(maker)
    for name, parameter in inspect.signature(maker).parameters.items():
        required = parameter.default is parameter.empty
        if name in base.given or name in base.model_fields:
            continue
        if name == "dims" and required:
            bases = (base, Sized)
            continue
        value = base.sizes[name] if name in base.sizes and hints[name] is int else _value(hints[name])
        if value is None:
            if required:
                return None
            continue
        default = parameter.default
        plain = list(default) if isinstance(default, tuple) else dict(default) if default is NOTHING else default
        fields[KEYS.get(name, name)] = (value, ... if required else plain)
    title = getattr(maker, "__name__", kind)
    spec: type[Keyed] = create_model(title, __base__=bases, __doc__=inspect.getdoc(maker), **fields)
    spec.maker = staticmethod(maker)
    return spec


class _Names(ChainMap[str, Any]):
    def __missing__(self, key: str) -> Any:
        return object  # of the library, imported for type checkers only: no value of a study


def _hints(maker: Callable[..., Any]) -> dict[str, Any]:
    call: Any = maker.__init__ if inspect.isclass(maker) else maker
    if not inspect.isfunction(call):
        return {}
    names = _Names(VALUES, call.__globals__, vars(builtins))
    return typing.get_type_hints(call, localns=names, include_extras=True)


def _value(hint: Any) -> Any:
    """A type of values in a YAML file, as far as one can hold those of `hint`; None if it cannot."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    is_spec = inspect.isclass(hint) and issubclass(hint, Spec)
    if is_spec or hint in (int, float, str, bool, NoneType) or origin in (Literal, Annotated):
        return hint
    if origin in (typing.Union, UnionType):
        parts = [part for part in map(_value, inner) if part is not None]
        return None if set(parts) <= {NoneType} else reduce(or_, parts)
    if origin not in (list, tuple, Sequence, Iterable, dict, Mapping):
        return None
    item = _value(inner[1] if origin in (dict, Mapping) else inner[0])
    if item is None or origin in (dict, Mapping):
        return item and GenericAlias(dict, (str, item))
    count = len(inner) if origin is tuple and ... not in inner else None
    return Annotated[GenericAlias(list, item), Field(min_length=count, max_length=count)]
