"""Every setting of a run: frozen, typed groups, loaded once when a command begins.

A group is the config of a component, defined beside it, and is handed to it whole. By name a
setting is flat: its value comes from the environment variable TENS_INSIGHT_<NAME>, then from
the YAML file that TENS_INSIGHT_CONFIG names, then from the default in its group. The database
address is no setting: components/postgres/connection.py resolves it where a connection is opened,
so that it can never travel with the others into ML Metadata or a compiled pipeline.
"""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, get_origin, get_type_hints

import pydantic
import yaml
from pydantic.fields import FieldInfo

from components.account_scorer.config import AccountScorerConfig
from components.alerts.config import AlertsConfig
from components.config import is_secret, plain, setting_fields
from components.data_checker.config import DataCheckerConfig
from components.errors import did_you_mean
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.model_gate.config import ModelGateConfig
from components.model_review.config import ModelReviewConfig
from components.model_trainer.config import ModelTrainerConfig
from components.monitor.config import MonitorConfig
from components.outcome_recorder.config import OutcomeRecorderConfig
from components.product_area_scorer.config import ProductAreaScorerConfig
from components.streaming.config import StreamConfig
from pipeline.runners.config import BeamSettings
from pipeline.setting_groups import (
    KubeflowSettings,
    PolicySettings,
    RunSettings,
    ServingSettings,
    TelemetrySettings,
)

PREFIX: Final = "TENS_INSIGHT_"
CONFIG_VARIABLE: Final = f"{PREFIX}CONFIG"


class ConfigurationInvalid(ValueError):
    """A setting has a wrong value, or does not exist."""


@dataclass(frozen=True)
class Settings:
    """The settings by group, each of which is documented in its class.

    Attributes:
        explicit: Names of the settings whose values are given, not defaults.
    """

    run: RunSettings
    beam: BeamSettings
    reading: FeedbackExampleGenConfig
    data_gate: DataCheckerConfig
    training: ModelTrainerConfig
    model_gate: ModelGateConfig
    scoring: AccountScorerConfig
    monitoring: MonitorConfig
    areas: ProductAreaScorerConfig
    alerts: AlertsConfig
    telemetry: TelemetrySettings
    policy: PolicySettings
    review: ModelReviewConfig
    outcomes: OutcomeRecorderConfig
    serving: ServingSettings
    streaming: StreamConfig
    cluster: KubeflowSettings
    explicit: frozenset[str] = frozenset()

    @property
    def state_dir(self) -> Path:
        """Folder of everything that this machine keeps."""
        return self.run.state_dir

    @property
    def logs_dir(self) -> Path:
        """Folder of the log files of runs."""
        return self.state_dir / "logs"

    @property
    def alerts_dir(self) -> Path:
        """Folder of what alerts keep: while the database is away, and about sinks."""
        return self.state_dir / "alerts"

    @property
    def runs_dir(self) -> Path:
        """Folder of the records of runs."""
        return self.state_dir / "runs"

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

    @property
    def contract(self) -> dict[str, Any]:
        """What check_contract asks of the inputs, as its keyword arguments.

        A table that somebody named must be there, also by the name that is the default.
        """
        asked = self.reading.contract
        named = bool({"churn_table", "churn_account_column", "churn_date_column"} & self.explicit)
        asked["need_churn_table"] |= named and self.reading.label_source == "auto"
        asked["actions"] = self.outcomes.actions
        return asked

    def value(self, name: str) -> Any:
        """Returns the value of a setting by its flat name."""
        return getattr(getattr(self, _GROUP_OF[name]), name)

    def plain_value(self, name: str) -> Any:
        """Returns the value of a setting as JSON has it."""
        return plain(getattr(self, _GROUP_OF[name]))[name]

    def portable(self) -> dict[str, Any]:
        """Returns the settings as plain values by name, without those of one machine.

        They go into ML Metadata and beside the model: no secret is among them.
        """
        found: dict[str, Any] = {}
        for group in _GROUPS:
            found |= plain(getattr(self, group))
        return {name: found[name] for name in SETTINGS if name not in _OF_A_MACHINE}


_GROUPS: Final[Mapping[str, type[Any]]] = {
    name: kind for name, kind in get_type_hints(Settings).items() if name != "explicit"
}
_GROUP_OF: Final = {name: group for group, kind in _GROUPS.items() for name in setting_fields(kind)}
"""Groups that share settings inherit them, with equal values: any of them speaks for all."""
SETTINGS: Final[Mapping[str, FieldInfo]] = {
    name: field for kind in _GROUPS.values() for name, field in setting_fields(kind).items()
}
"""Every setting by name: type, default, bounds and description."""
_OF_A_MACHINE: Final = frozenset(
    {
        *setting_fields(RunSettings).keys() - {"as_of"},
        "review_dir",
        *setting_fields(AlertsConfig),
        *setting_fields(KubeflowSettings),
        *setting_fields(BeamSettings),
        *setting_fields(TelemetrySettings),
        *setting_fields(ServingSettings),
        *setting_fields(PolicySettings),
        *setting_fields(StreamConfig),
    }
)


def load_settings(**explicit: Any) -> Settings:
    """Builds the settings from explicit values, environment and file.

    Args:
        **explicit: Settings that a command's options give; None means not given.

    Raises:
        ConfigurationInvalid: Names each wrong value, where it came from and what was
            expected; unknown names are refused with the nearest known one.
    """
    _refuse_wrong_variables()
    options = {name: value for name, value in explicit.items() if value is not None}
    given = read_config_file() | _environment() | options
    groups, problems = {}, list(_unknown_names(given, options))
    for group, kind in _GROUPS.items():
        own = {name: given[name] for name in setting_fields(kind) if name in given}
        try:
            groups[group] = pydantic.TypeAdapter(kind).validate_python(own)
        except pydantic.ValidationError as error:
            problems += [_sentence(problem, options) for problem in error.errors()]
    if problems:
        # A setting that groups share is wrong in each of them.
        raise ConfigurationInvalid("\n".join(dict.fromkeys(problems)))
    return Settings(**groups, explicit=frozenset(given))


def default_settings() -> Settings:
    """Returns the settings without environment and file."""
    return Settings(**{group: kind() for group, kind in _GROUPS.items()})


def state_settings(**explicit: Any) -> Settings | None:
    """Returns settings with the state directory and the sinks that are asked for, and no others.

    For code that must record, and tell, that the settings were refused.

    Args:
        **explicit: As for load_settings.

    Returns:
        None where the state directory itself is not known. Sinks that are not well are none.
    """
    try:
        run = _group(RunSettings, ["state_dir"], explicit)
    except (ConfigurationInvalid, pydantic.ValidationError):
        return None
    sinks = {name: _group_alone(_GROUPS[name]) for name in ("alerts", "telemetry")}
    return replace(default_settings(), run=run, **sinks)


def _group_alone(kind: type[Any]) -> Any:
    """Returns a group as it is set; with its defaults where one of its values is wrong."""
    try:
        return _group(kind, setting_fields(kind), {})
    except (ConfigurationInvalid, pydantic.ValidationError):
        return kind()


def _group(kind: type[Any], names: Collection[str], explicit: Mapping[str, Any]) -> Any:
    """Returns a group with the given values of these names alone."""
    texts = {one: _from_text(one, text) for one, text in _variables().items() if one in names}
    given = {**_readable_config_file(), **texts, **explicit}
    asked = {name: given[name] for name in names if given.get(name) not in (None, "")}
    return pydantic.TypeAdapter(kind).validate_python(asked)


def _readable_config_file() -> dict[str, Any]:
    try:
        return read_config_file()
    except ConfigurationInvalid:
        return {}


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
            f"{CONFIG_VARIABLE} names {name}, which cannot be read: {_without_lines(error)}"
        ) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationInvalid(f"{name} must hold one YAML mapping of setting to value.")
    return content


def _without_lines(error: Exception) -> str:
    """Says where a file is wrong, and no word of it: each may be a secret."""
    if isinstance(error, OSError):
        return str(error)
    mark = getattr(error, "problem_mark", None)
    where = f", see line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"it is no YAML in UTF-8{where}"


def origin(name: str, options: Mapping[str, Any] | None = None) -> str:
    """Says where a setting's value comes from."""
    if options and name in options:
        return "command line"
    if os.environ.get(variable(name)):
        return f"environment ({variable(name)})"
    if name in read_config_file():
        return f"file ({os.environ[CONFIG_VARIABLE]})"
    return "default"


def variable(name: str) -> str:
    """Returns the environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def _environment() -> dict[str, Any]:
    """Returns the settings that variables hold, those that are empty left out.

    Raises:
        ConfigurationInvalid: A list or a mapping is not written as JSON, or there are blanks
            around another value.
    """
    return {name: _from_text(name, text) for name, text in _variables().items()}


def _variables() -> dict[str, str]:
    texts = ((name, os.environ.get(variable(name))) for name in SETTINGS)
    return {name: text for name, text in texts if text}


def _from_text(name: str, text: str) -> Any:
    if get_origin(SETTINGS[name].annotation) not in (tuple, dict):
        if text != text.strip():
            raise ConfigurationInvalid(
                f"Setting {name} from {origin(name)} is {_shown(name, text)}: expected no blank, "
                "tab or line end before or after the value."
            )
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise ConfigurationInvalid(
            f"Setting {name} from {origin(name)} is {_shown(name, text)}: a list or a mapping "
            f"must be JSON, such as [64, 32]. ({SETTINGS[name].description})"
        ) from None


def _refuse_wrong_variables() -> None:
    known = {*map(variable, SETTINGS), CONFIG_VARIABLE}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and os.environ[name].endswith("\r"):
            raise ConfigurationInvalid(
                f"The environment variable {name} ends with a carriage return (CR), as the line "
                "ends of Windows have it. Set it again without; dos2unix mends the file that set "
                "it."
            )
        if name.upper().startswith(PREFIX) and name not in known:
            what = f"environment variable {name}"
            raise ConfigurationInvalid(_unknown(name.upper(), what, known))


def _unknown_names(given: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[str]:
    for name in given:
        if name not in SETTINGS:
            where = f"name {str(name)!r} in {origin(name, options)}"
            yield _unknown(str(name), where, set(SETTINGS))


def _unknown(name: str, what: str, known: set[str]) -> str:
    hint = did_you_mean(name, sorted(known))
    return f"There is no setting for the {what}.{hint} `tens-insight explain-config` lists them."


def _sentence(problem: Any, options: Mapping[str, Any]) -> str:
    if not problem["loc"]:
        said = problem["msg"].removeprefix("Value error, ")
        return f"Settings do not go together: {said}."
    name, field = ".".join(str(part) for part in problem["loc"]), str(problem["loc"][0])
    return (
        f"Setting {name} from {origin(field, options)} is {_shown(field, problem['input'])}: "
        f"{problem['msg']}. ({SETTINGS[field].description})"
    )


def _shown(name: str, value: Any) -> str:
    """Returns a value as a message shows it."""
    return "not shown, as a secret" if is_secret(SETTINGS[name]) else repr(value)
