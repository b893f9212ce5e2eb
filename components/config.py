"""The config of a component: its settings, typed, handed to its executor as one JSON parameter.

A config class is the one definition of a component's settings: names, types, bounds, defaults
and descriptions. pipeline/settings.py fills it from environment and file, component.py writes it
into the parameter `config`, and the executor reads it back. Modules that define one import
neither TFX nor TensorFlow, so that `tens-insight --help` stays fast.

A value that only the runner knows when a run begins, such as as_of on Kubeflow, cannot be part
of a JSON text: it stays a parameter of its own.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Protocol, TypeVar, get_args
from urllib.parse import urlsplit

import pydantic
from pydantic import AfterValidator, Field, SecretStr
from pydantic.fields import FieldInfo
from typing_extensions import dataclass_transform

CONFIG: Final = "config"
"""Name of the execution property."""

Days = Annotated[int, Field(ge=1, le=3650)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
TableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?$")]
ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_$]*$")]


def url_problem(url: str) -> str:
    """Says what is wrong with an address of HTTP, without the address; empty if nothing is."""
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        is_url = False
    if is_url and url.isprintable() and " " not in url:
        return ""
    return "expected http://HOST... or https://HOST..., without blanks"


def _http_url(secret: SecretStr) -> SecretStr:
    url = secret.get_secret_value()
    if url and (problem := url_problem(url)):
        raise ValueError(problem)
    return secret


SecretUrl = Annotated[SecretStr, AfterValidator(_http_url)]
"""An address of HTTP that may hold a token or a password; empty for none.

Like every SecretStr it is shown as asterisks wherever the config is printed or dumped.
"""


class ConfigInvalid(ValueError):
    """The JSON parameter of a component does not hold its config."""


class IsConfig(Protocol):
    """An instance of a class that @component_config made."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


Config = TypeVar("Config", bound=IsConfig)
AnyClass = TypeVar("AnyClass")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
def component_config(cls: type[AnyClass]) -> type[AnyClass]:
    """Makes a class a config: a frozen dataclass whose values are validated when it is built.

    Every field has a default and a description: it is a setting, which `.env.example` and
    `tens-insight explain-config` show.

    Raises:
        TypeError: A field has no default, or no description.
    """
    made = pydantic.dataclasses.dataclass(
        cls,
        frozen=True,
        kw_only=True,
        config=pydantic.ConfigDict(extra="forbid", validate_default=True),
    )
    for name, field in setting_fields(made).items():
        if field.is_required() or not field.description:
            raise TypeError(f"{cls.__name__}.{name} needs Field(default=..., description=...)")
    return made  # type: ignore[return-value]


def setting_fields(kind: type[Any]) -> dict[str, FieldInfo]:
    """Returns type, default, bounds and description of each setting of a config class."""
    fields: dict[str, FieldInfo] = kind.__pydantic_fields__
    return fields


def is_secret(field: FieldInfo) -> bool:
    """Tells whether a setting may hold a password or a token, which nobody may be shown."""
    return _mentions_secret(field.annotation)


def _mentions_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_mentions_secret, get_args(annotation)))


def plain(config: IsConfig) -> dict[str, Any]:
    """Returns the values of a config by name, as JSON has them; of a secret, asterisks."""
    found: dict[str, Any] = pydantic.TypeAdapter(type(config)).dump_python(config, mode="json")
    return found


def as_parameter(config: IsConfig) -> str:
    """Returns a config as JSON with sorted keys: equal configs give equal texts.

    Letters outside ASCII are written as they are: ML Metadata cannot record a backslash on
    Postgres.
    """
    return json.dumps(plain(config), sort_keys=True, ensure_ascii=False, allow_nan=False)


def read_config(kind: type[Config], exec_properties: Mapping[str, Any]) -> Config:
    """Reads the config of a component from its execution properties.

    Args:
        kind: Its class.
        exec_properties: With the text of as_parameter under the key `config`.

    Raises:
        ConfigInvalid: Names the component and each field that is missing, unknown or wrong,
            with its value and what was expected.
    """
    component = kind.__name__.removesuffix("Config")
    if not isinstance(text := exec_properties.get(CONFIG), str):
        raise ConfigInvalid(
            f"{component} got no parameter {CONFIG!r}, but {sorted(exec_properties)}."
        )
    try:
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("expected a JSON object")
    except ValueError as error:
        raise ConfigInvalid(f"{component}: {CONFIG} is {text!r}: {error}.") from None
    # A default here would hide that the text was written by another version of the class.
    problems = [f"{name} is missing" for name in setting_fields(kind) if name not in values]
    try:
        found = pydantic.TypeAdapter(kind).validate_python(values)
    except pydantic.ValidationError as error:
        problems += [_sentence(kind, one) for one in error.errors()]
    if problems:
        raise ConfigInvalid(
            f"{component}: {CONFIG} does not fit {kind.__name__}: {'; '.join(problems)}. "
            "If the pipeline was compiled by another version, compile it again."
        )
    return found


def _sentence(kind: type[IsConfig], problem: Any) -> str:
    name = ".".join(map(str, problem["loc"])) or "its values together"
    if problem["loc"] and (field := setting_fields(kind).get(problem["loc"][0])):
        return f"{name} is {problem['input']!r}: {problem['msg']} ({field.description})"
    return f"{name}: {problem['msg']}"
