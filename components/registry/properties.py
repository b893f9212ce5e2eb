"""Properties of artifacts in ML Metadata: one frozen dataclass for each type of artifact.

The name of a field is the name of its property. ML Metadata holds text, int and float:
- None is not written, and what is absent reads as the field's default.
- A bool is written as 0 or 1, as TFX does.
- A value with parts (a mapping or a tuple) is written as JSON text.
- An int beyond 32 bits is written as text, since ML Metadata 1.16 on Postgres has 32 bits.
- A backslash is written as %5C, since ML Metadata 1.16 on Postgres quotes it wrongly.
Readers convert to the type of the field; Kubeflow hands on every number as a float.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, ClassVar, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from components.errors import RegistryInconsistent

P = TypeVar("P", bound="Properties")
Plain = str | int | float

_PLAIN_TYPES: Final = (str, int, float, bool)
_VALUES: Final = ("string_value", "int_value", "double_value", "bool_value")
_LARGEST: Final = 2**31 - 1
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)
_hints: Callable[[Any], Mapping[str, Any]] = cache(get_type_hints)
"""Python takes long to find them, and a store holds hundreds of artifacts."""


@dataclass(frozen=True)
class Properties:
    """Base of the properties of one type of artifact."""

    TYPE_NAME: ClassVar[str]

    def write(self, artifact: Any) -> None:
        """Sets the custom properties of an artifact.

        Args:
            artifact: Of TFX, or a proto of ML Metadata.
        """
        target = _custom_properties(artifact)
        for name, value in self.as_plain().items():
            if isinstance(value, str):
                target[name].string_value = _without_backslash(value)
            elif isinstance(value, float):
                target[name].double_value = value
            elif abs(value) > _LARGEST:
                target[name].string_value = str(value)
            else:
                target[name].int_value = int(value)

    @classmethod
    def read(cls: type[P], artifact: Any) -> P:
        """Returns the properties of an artifact.

        Args:
            artifact: Of TFX, or a proto of ML Metadata.

        Raises:
            RegistryInconsistent: A property is absent or not of its type; names it.
        """
        try:
            return cls.from_plain(_plain_of(artifact))
        except ValueError as error:
            raise RegistryInconsistent(
                f"The {cls.TYPE_NAME} artifact {artifact.id} in ML Metadata has other properties "
                f"than Tens-Insight writes: {error}. Did its node fail, or was it added by hand? "
                "If so, mark it as DELETED; else run the pipeline again."
            ) from None

    @classmethod
    def read_if_written(cls: type[P], artifact: Any) -> P | None:
        """Returns the properties of an artifact; None if its node wrote none, since it failed.

        Raises:
            RegistryInconsistent: A property is absent or not of its type; names it.
        """
        return cls.read(artifact) if cls._names() & _plain_of(artifact).keys() else None

    @classmethod
    def from_plain(cls: type[P], plain: Mapping[str, Any]) -> P:
        """Returns the properties from plain values by their names, other names left out.

        Raises:
            ValueError: A value is absent or not of its type; names it.
        """
        try:
            return _adapter(cls).validate_python(cls._values(plain))
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            raise ValueError(f"{name}: {first['msg']}, got {first['input']!r}") from None

    def as_plain(self) -> dict[str, Plain]:
        """Returns texts and numbers by name, as ML Metadata and a model's card hold them."""
        return {
            name: value
            if isinstance(value, _PLAIN_TYPES)
            else json.dumps(value, ensure_ascii=False)
            for name, value in self.as_json().items()
        }

    def as_json(self) -> dict[str, Any]:
        """Returns values by name for JSON, those with parts as they are; no name for None."""
        found: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if not _pattern(one):
                found[one.name] = value
                continue
            for key, part in value.items():
                named = _parts(part) if is_dataclass(part) else {"": part}
                found |= {_property_name(one, key, name): two for name, two in named.items()}
        return {name: value for name, value in found.items() if value is not None}

    @classmethod
    def _names(cls) -> set[str]:
        """Returns the names of all properties that there can be."""
        names = set()
        for one in fields(cls):
            if not _pattern(one):
                names.add(one.name)
                continue
            part = get_args(_hints(cls)[one.name])[1]
            parts = [two.name for two in fields(part)] if is_dataclass(part) else [""]
            keys = one.metadata["property_keys"]
            names |= {_property_name(one, key, name) for key in keys for name in parts}
        return names

    @classmethod
    def _values(cls, plain: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the values of the fields that are there, in the shape of the fields."""
        hints = _hints(cls)
        found: dict[str, Any] = {}
        for one in fields(cls):
            if not _pattern(one):
                found |= _present(plain, {one.name: one.name}, hints)
                continue
            part = get_args(hints[one.name])[1]
            groups = {key: _group(plain, one, key, part) for key in one.metadata["property_keys"]}
            if groups := {key: group for key, group in groups.items() if group not in (None, {})}:
                found[one.name] = groups
        return found


def keyed(names: str, keys: Iterable[str]) -> dict[str, Any]:
    """Returns metadata of a field that maps keys to a number or to a dataclass of properties.

    Args:
        names: Name of a property by {key}, and for a dataclass by {name} of its field.
        keys: All that there can be; what has no property is not in the mapping.
    """
    return {"property_names": names, "property_keys": tuple(keys)}


def _pattern(one: "Field[Any]") -> str:
    return str(one.metadata.get("property_names", ""))


def _property_name(one: "Field[Any]", key: str, name: str) -> str:
    return _pattern(one).format(key=key, name=name)


def _parts(part: Any) -> dict[str, Any]:
    return {one.name: getattr(part, one.name) for one in fields(part)}


def _group(plain: Mapping[str, Any], one: "Field[Any]", key: str, part: Any) -> Any:
    if not is_dataclass(part):
        return plain.get(_property_name(one, key, ""))
    names = {two.name: _property_name(one, key, two.name) for two in fields(part)}
    return _present(plain, names, _hints(part))


def _present(
    plain: Mapping[str, Any], names: Mapping[str, str], hints: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns those of some properties that are there; JSON text read, where it is that."""
    found = {}
    for name, recorded in names.items():
        if recorded in plain:
            value = plain[recorded]
            is_text = isinstance(value, str) and not _is_plain(hints[name])
            found[name] = _from_json(recorded, value) if is_text else value
    return found


def _from_json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{name}: expected JSON, got {text[:40]!r} ({error})") from None


def _is_plain(hint: Any) -> bool:
    if hint in _PLAIN_TYPES:
        return True
    is_union = get_origin(hint) in (Union, UnionType)
    return is_union and all(one in (*_PLAIN_TYPES, NoneType) for one in get_args(hint))


def _custom_properties(artifact: Any) -> Any:
    """Returns the mapping that a write changes, of either kind of artifact."""
    return getattr(artifact, "mlmd_artifact", artifact).custom_properties


def _plain_of(artifact: Any) -> dict[str, Plain]:
    found: dict[str, Plain] = {}
    for name, value in _custom_properties(artifact).items():
        kind = value.WhichOneof("value")
        if kind in _VALUES:
            one = getattr(value, kind)
            found[name] = _with_backslash(one) if isinstance(one, str) else one
    return found


def _without_backslash(text: str) -> str:
    return text.replace("%", "%25").replace("\\", "%5C")


def _with_backslash(text: str) -> str:
    return text.replace("%5C", "\\").replace("%25", "%")
