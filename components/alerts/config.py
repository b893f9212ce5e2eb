"""The settings of alerts: when something is one, and who is told."""

import re
from typing import Final, Literal

import pydantic
from pydantic import Field, SecretStr

from components.alerts.alert import Severity
from components.config import SecretUrl, component_config

_YEAR_HOURS: Final = 8_784
_ADDRESS: Final = r"^[^\s@<>,;\"]+@[^\s@<>,;\"]+$"


@component_config
class AlertsConfig:
    """Conditions of alerts, and the sinks that they are delivered to."""

    alert_run_every_hours: float = Field(
        default=26,
        ge=0,
        le=_YEAR_HOURS,
        description="Alerts: hours within which a run that publishes must have begun; 0: never "
        "told.",
    )
    alert_scores_max_age_hours: float = Field(
        default=50,
        ge=0,
        le=_YEAR_HOURS,
        description="Alerts: hours beyond which the published scores are stale; 0: never told.",
    )
    alert_disk_free_percent: float = Field(
        default=5,
        ge=0,
        le=100,
        description="Alerts: percent of the state directory's disk that must be free; 0: never "
        "told.",
    )
    alert_stream_minutes: float = Field(
        default=30,
        ge=0,
        le=60 * _YEAR_HOURS,
        description="Alerts: minutes after which a stream that commits nothing has stopped; 0: "
        "never told.",
    )
    alert_stream_log_percent: float = Field(
        default=50,
        gt=0,
        le=100,
        description="Alerts: percent of max_slot_wal_keep_size that the server may keep for the "
        "replication slot of the stream before it is told.",
    )
    alert_min_severity: Severity = Field(
        default="info",
        description="Alerts: least severity that sinks are told: info, warning or critical.",
    )
    alert_installation: str = Field(
        default="tens-insight",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$",
        description="Alerts: name of this installation, for sinks that several of them share.",
    )
    alert_runbook_url: str = Field(
        default="docs/operations.md",
        pattern=r"^[^\s#]+$",
        description="Alerts: where messages link to for what to do; #KIND is added.",
    )
    alert_webhook_url: SecretUrl = Field(
        default=SecretStr(""),
        description="Alerts: URL of a webhook that takes JSON as Slack does; none if empty.",
    )
    alert_webhook_url_file: str = Field(
        default="", description="Alerts: file that holds that URL, in place of the setting."
    )
    alert_alertmanager_url: SecretUrl = Field(
        default=SecretStr(""),
        description="Alerts: URL of Prometheus's Alertmanager, without /api/v2; none if empty.",
    )
    alert_alertmanager_url_file: str = Field(
        default="", description="Alerts: file that holds that URL, in place of the setting."
    )
    alert_email_to: tuple[str, ...] = Field(
        default=(), description="Alerts: addresses that get an email, a JSON list."
    )
    alert_email_from: str = Field(
        default="", description="Alerts: address that the emails come from."
    )
    alert_smtp_host: str = Field(
        default="", description="Alerts: SMTP server that takes the emails."
    )
    alert_smtp_port: int = Field(
        default=587, ge=1, le=65_535, description="Alerts: port of the SMTP server."
    )
    alert_smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="Alerts: how the line to the SMTP server is encrypted: starttls, tls or none.",
    )
    alert_smtp_user: str = Field(
        default="", description="Alerts: user at the SMTP server; no login if empty."
    )
    alert_smtp_password: SecretStr = Field(
        default=SecretStr(""), description="Alerts: that user's password."
    )
    alert_smtp_password_file: str = Field(
        default="",
        description="Alerts: file that holds that password, in place of the setting.",
    )
    alert_command: tuple[str, ...] = Field(
        default=(),
        description="Alerts: program and arguments, a JSON list, that gets each message as JSON on "
        "standard input; none if empty. Arguments are no place for secrets.",
    )

    @pydantic.field_validator("alert_email_to")
    @classmethod
    def _addresses(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [one for one in given if not re.fullmatch(_ADDRESS, one)]:
            raise ValueError(f"{wrong[0]!r} is no address such as oncall@example.com")
        return given

    @pydantic.model_validator(mode="after")
    def _together(self) -> "AlertsConfig":
        for name in ("alert_webhook_url", "alert_alertmanager_url", "alert_smtp_password"):
            if getattr(self, name).get_secret_value() and getattr(self, f"{name}_file"):
                raise ValueError(f"{name} and {name}_file exclude each other")
        if self.alert_email_to and not (self.alert_smtp_host and self.alert_email_from):
            raise ValueError("alert_email_to needs alert_smtp_host and alert_email_from")
        return self
