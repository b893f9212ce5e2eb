"""Every setting of a run: one frozen, typed object, built at the edge.

Values come from environment variables (TENS_INSIGHT_<NAME>), then from the YAML file
that TENS_INSIGHT_CONFIG names, then from the defaults here. The database address is
no setting: components/postgres/connection.py resolves it where a connection is opened,
so that it can never travel with the others into ML Metadata or a compiled pipeline.
"""

import difflib
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import pydantic
import yaml
from pydantic import Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from components.data_gate.actions import DEFAULT_ACTIONS, complete_actions
from transforms.product_area_impact import Weights

PREFIX: Final = "TENS_INSIGHT_"
CONFIG_VARIABLE: Final = f"{PREFIX}CONFIG"
_OF_A_MACHINE: Final = ("state_dir", "beam_pipeline_args")

Days = Annotated[int, Field(ge=1, le=3650)]
Share = Annotated[float, Field(ge=0, le=1)]
Units = Annotated[int, Field(ge=1)]
TableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?$")]
ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_$]*$")]


class ConfigurationInvalid(ValueError):
    """A setting has a wrong value, or does not exist."""


class Settings(BaseSettings):
    """The settings, with their units and meaning."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True
    )

    state_dir: Path = Field(
        Path("var"),
        description="Folder of ML Metadata, artifacts, pushed models, logs, embedded database.",
    )
    as_of: datetime | None = Field(
        None, description="The run's now, ISO 8601, UTC without a zone; default: database clock."
    )

    lookback_days: Days = Field(180, description="Days before the cutoff that event lists reach.")
    horizon_days: Days = Field(60, description="Days after the cutoff that the label looks.")
    cutoff_interval_days: Days = Field(14, description="Days between two training cutoffs.")
    max_training_cutoffs: int = Field(
        12, ge=1, le=200, description="Most cutoffs to train on, the newest ones."
    )
    training_cutoffs: tuple[datetime, ...] = Field(
        (), description="Moments to train on in place of regular ones, a JSON list of ISO 8601."
    )
    eval_cutoff: datetime | None = Field(
        None, description="Moment to evaluate on; default: the newest with a closed window."
    )
    max_events: int = Field(
        500, ge=1, le=100_000, description="Most events in a snapshot, the newest ones."
    )
    duplicate_events: Literal["collapse", "keep"] = Field(
        "collapse",
        description="Account features: rows equal in all but their id count once, or all.",
    )

    label_source: Literal["auto", "account_churn", "inactivity"] = Field(
        "auto", description="Ground truth table, silence, or the table if it is there (auto)."
    )
    churn_table: TableName = Field("account_churn", description="Table of dated churns.")
    churn_account_column: ColumnName = Field("account_id", description="Its account column.")
    churn_date_column: ColumnName = Field("churned_at", description="Its timestamptz column.")

    rows_per_bucket: int = Field(
        1_000_000, ge=1_000, description="Feedback rows one reader holds in memory, about."
    )
    beam_pipeline_args: tuple[str, ...] = Field(
        (), description="Options for Beam in place of the local defaults, as a JSON list."
    )

    min_accounts: int = Field(
        200, ge=2, description="Fewest accounts at the evaluation cutoff to learn from."
    )
    min_churned: int = Field(
        20, ge=1, description="Fewest churned snapshots to train on, and to evaluate on."
    )
    max_feedback_age_days: Days = Field(
        14, description="Oldest that the newest feedback may be at as_of."
    )
    data_checks: dict[str, str] = Field(
        dict(DEFAULT_ACTIONS),
        description="The data gate: stop, warn or off for groups of checks, as a JSON mapping; "
        "those not named keep their defaults.",
    )
    min_drift_accounts: int = Field(
        500, ge=2, description="The data gate: fewest accounts in each of two splits to compare."
    )
    max_unseen_share: Share = Field(
        0.05, description="The data gate: most values of a feature that train does not have."
    )
    max_missing_share: Share = Field(
        0.05, description="The data gate: most missing or empty values of a feature."
    )
    max_vanished_share: Share = Field(
        0.01, description="The data gate: most of the previous run's feedback that may be gone."
    )
    max_accounts_change: Share = Field(
        0.2, description="The data gate: most change of the number of accounts to score."
    )
    min_week_share: Share = Field(
        0.5, description="The data gate: least feedback of the last 7 days, of the mean week."
    )

    seed: int = Field(20, ge=0, le=2**31 - 1, description="Of weights, dropout and shuffling.")
    max_epochs: int = Field(60, ge=1, le=10_000, description="Early stopping usually ends sooner.")
    batch_size: int = Field(1024, ge=1, description="Snapshots in a training step.")
    learning_rate: float = Field(0.001, gt=0, lt=1, description="Of Adam.")
    l2: float = Field(
        0.05, ge=0, description="L2 penalty at 10,000 training snapshots; less where more."
    )
    dropout: Share = Field(0.2, lt=1, description="Share of hidden units dropped in training.")
    hidden_units: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (32, 16), description="Units of each hidden layer."
    )
    members: int = Field(
        3, ge=1, le=50, description="Networks of different seeds whose mean is the model."
    )

    min_auc: Share = Field(0.6, description="The gate: lowest AUC on the evaluation snapshot.")
    max_auc_drop: Share = Field(
        0.02, description="The gate: how far AUC may fall behind champion or logistic regression."
    )
    max_pr_auc_drop: Share = Field(
        0.03, description="The gate: the same for the area under the precision-recall curve."
    )
    max_log_loss_rise: float = Field(
        0.02, ge=0, description="The gate: how far log-loss may rise over theirs, in nats."
    )
    max_calibration_error: Share = Field(
        0.05, description="The gate: highest expected calibration error."
    )
    max_calibration_gap: Share = Field(
        0.05, description="The gate: most that mean probability and observed rate may differ."
    )
    min_slice_churned: Units = Field(
        30, description="The gate: fewest churned accounts of a slice that counts."
    )
    min_slice_stayed: Units = Field(
        30, description="The gate: fewest accounts that stayed, of a slice that counts."
    )

    departed_accounts: Literal["remove", "keep"] = Field(
        "remove", description="What publishing does to scores of accounts no longer scored."
    )
    max_count_change: Share = Field(
        0.5, description="Circuit breaker: most change of the number of scores, as a share."
    )
    max_mean_shift: Share = Field(
        0.2, description="Circuit breaker: most change of the mean probability."
    )
    max_category_shift: Share = Field(
        0.2, description="Circuit breaker: most change of a category's share of the scores."
    )
    max_moved_share: Share = Field(
        0.1, description="Circuit breaker: most accounts that may move far, as a share."
    )
    moved_threshold: Share = Field(
        0.3, description="Circuit breaker: change of a probability that is a far move."
    )
    accept_shift: str = Field(
        "", description="Circuit breaker: the reason to publish in spite of it, for the log."
    )
    history_days: Days = Field(
        400, description="Days that the history of what was published reaches back."
    )

    area_window_days: Days = Field(
        90, description="Product areas: days before as_of whose feedback counts."
    )
    area_weights: dict[str, float] = Field(
        Weights().as_dict(),
        description="Product areas: weight of every signal, >= 0, of sum 1, as a JSON mapping.",
    )
    critical_priority: int = Field(
        4, ge=1, le=5, description="Product areas: lowest priority that is critical."
    )
    enterprise_segments: tuple[str, ...] = Field(
        ("enterprise",), description="Product areas: tiers that count as enterprise."
    )
    areas_empty_window: Literal["keep", "clear"] = Field(
        "keep", description="Product areas: what a window without feedback does to the table."
    )
    vanished_areas: Literal["remove", "keep"] = Field(
        "remove", description="Product areas: what publishing does to pairs without feedback."
    )

    @pydantic.field_validator("as_of", "eval_cutoff")
    @classmethod
    def _in_utc(cls, moment: datetime | None) -> datetime | None:
        return None if moment is None else _utc(moment)

    @pydantic.field_validator("training_cutoffs")
    @classmethod
    def _all_in_utc(cls, moments: tuple[datetime, ...]) -> tuple[datetime, ...]:
        return tuple(map(_utc, moments))

    @pydantic.field_validator("area_weights")
    @classmethod
    def _full_set(cls, weights: dict[str, float]) -> dict[str, float]:
        return Weights.from_mapping(weights).as_dict()

    @pydantic.field_validator("accept_shift")
    @classmethod
    def _a_reason(cls, reason: str) -> str:
        # A switch of former versions: "false" must not come to mean "accepted".
        if reason.strip().lower() in ("true", "false", "yes", "no", "on", "off", "1", "0"):
            raise ValueError("expected the reason in words, or nothing")
        return " ".join(reason.split())

    @pydantic.field_validator("data_checks")
    @classmethod
    def _all_groups(cls, actions: dict[str, str]) -> dict[str, str]:
        return complete_actions(actions)

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


def _utc(moment: datetime) -> datetime:
    """Without a zone a moment is UTC already."""
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc).astimezone(timezone.utc)


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
