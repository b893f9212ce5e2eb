"""Every setting of a run: one frozen, typed object, built at the edge.

Values come from environment variables (TENS_INSIGHT_<NAME>), then from the YAML file
that TENS_INSIGHT_CONFIG names, then from the defaults here. The database address is
no setting: components/postgres/connection.py resolves it where a connection is opened,
so that it can never travel with the others into ML Metadata or a compiled pipeline.
"""

import difflib
import os
from pathlib import Path
from typing import Any, Final

import pydantic
import yaml
from pydantic import Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from pipeline.setting_groups.areas import AreaSettings
from pipeline.setting_groups.data_gate import DataGateSettings
from pipeline.setting_groups.kubeflow import KubeflowSettings
from pipeline.setting_groups.model_gate import ModelGateSettings
from pipeline.setting_groups.publishing import PublishingSettings
from pipeline.setting_groups.reading import ReadingSettings
from pipeline.setting_groups.reviewing import ReviewingSettings
from pipeline.setting_groups.training import TrainingSettings

PREFIX: Final = "TENS_INSIGHT_"
CONFIG_VARIABLE: Final = f"{PREFIX}CONFIG"
_OF_A_MACHINE: Final = (
    "state_dir",
    "beam_pipeline_args",
    "review_dir",
    *KubeflowSettings.model_fields,
)


class ConfigurationInvalid(ValueError):
    """A setting has a wrong value, or does not exist."""


class Settings(
    # Read from the right: pydantic lists the fields of the last base first.
    KubeflowSettings,
    AreaSettings,
    ReviewingSettings,
    PublishingSettings,
    ModelGateSettings,
    TrainingSettings,
    DataGateSettings,
    ReadingSettings,
    BaseSettings,
):
    """The settings, with their units and meaning."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True
    )

    state_dir: Path = Field(
        Path("var"),
        description="Folder of ML Metadata, artifacts, pushed models, logs, embedded database.",
    )

    @pydantic.field_validator("state_dir")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return folder.expanduser().absolute()

    @property
    def metadata_path(self) -> Path:
        """The sqlite file of ML Metadata."""
        return self.state_dir / "metadata.sqlite"

    @property
    def pipeline_root(self) -> Path:
        """Folder of the artifacts."""
        return self.state_dir / "pipeline_root"

    @property
    def serving_dir(self) -> Path:
        """Folder of blessed models, one version each, as TensorFlow Serving reads it."""
        return self.state_dir / "serving" / "churn"

    @property
    def compiled_dir(self) -> Path:
        """Folder of what is compiled for Kubeflow and Vertex."""
        return self.state_dir / "compiled"

    def portable(self) -> dict[str, Any]:
        """Returns the settings as plain values by name, without those of one machine.

        They go into ML Metadata and beside the model: no secret can be among them, since no
        setting holds one.
        """
        return self.model_dump(mode="json", exclude=set(_OF_A_MACHINE))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Explicit values first, then the environment, then the YAML file."""
        return init_settings, env_settings, _YamlFile(settings_cls)


class _YamlFile(PydanticBaseSettingsSource):
    """The optional file that TENS_INSIGHT_CONFIG names."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return read_config_file()


def read_config_file() -> dict[str, Any]:
    """Returns the settings in the file that TENS_INSIGHT_CONFIG names, if any.

    Raises:
        ConfigurationInvalid: The file cannot be read or is no YAML mapping.
    """
    name = os.environ.get(CONFIG_VARIABLE)
    if not name:
        return {}
    try:
        content = yaml.safe_load(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationInvalid(
            f"{CONFIG_VARIABLE} names {name}, which cannot be read: {error}"
        ) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationInvalid(f"{name} must hold one YAML mapping of setting to value.")
    return content


def load_settings(**explicit: Any) -> Settings:
    """Builds the settings from explicit values, environment and file.

    Args:
        **explicit: Settings that a command's options give; None means not given.

    Raises:
        ConfigurationInvalid: Names each wrong value, where it came from and what was
            expected; unknown names are refused with the nearest known one.
    """
    _refuse_unknown_variables()
    given = {name: value for name, value in explicit.items() if value is not None}
    try:
        return Settings(**given)
    except pydantic.ValidationError as error:
        lines = [_sentence(problem, given) for problem in error.errors()]
        raise ConfigurationInvalid("\n".join(lines)) from None
    except SettingsError as error:
        raise ConfigurationInvalid(
            f"A setting that is a list or a mapping must be JSON, such as [64, 32]: {error}"
        ) from None


def origin(name: str, given: dict[str, Any] | None = None) -> str:
    """Says where a setting's value comes from."""
    if given and name in given:
        return "command line"
    if os.environ.get(f"{PREFIX}{name.upper()}"):
        return f"environment ({PREFIX}{name.upper()})"
    if name in read_config_file():
        return f"file ({os.environ[CONFIG_VARIABLE]})"
    return "default"


def _refuse_unknown_variables() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {CONFIG_VARIABLE}
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise ConfigurationInvalid(_unknown(name, f"environment variable {name}", known))


def _unknown(name: str, what: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"There is no setting for the {what}.{hint} `tens-insight explain-config` lists them."


def _sentence(problem: Any, given: dict[str, Any]) -> str:
    if not problem["loc"]:
        said = problem["msg"].removeprefix("Value error, ")
        return f"Settings do not go together: {said}."
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return _unknown(name, f"name {name!r} in {origin(name)}", set(Settings.model_fields))
    field = str(problem["loc"][0])
    if field not in Settings.model_fields:
        return f"{name}: {problem['msg']}"
    return (
        f"Setting {name} from {origin(field, given)} is {problem['input']!r}: {problem['msg']}. "
        f"({Settings.model_fields[field].description})"
    )
