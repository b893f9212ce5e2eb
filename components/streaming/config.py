"""The settings of `tens-insight stream`."""

from typing import Literal

import pydantic
from pydantic import Field, SecretStr

from components.config import component_config


@component_config
class StreamConfig:
    """How often is looked for new feedback, and how much is done at a time."""

    stream_source: Literal["auto", "scan", "slot", "kafka"] = Field(
        default="auto",
        description="Streaming: how new feedback is found: by looking through the table (scan), by "
        "logical decoding from a replication slot (slot), or by the messages of a topic (kafka); "
        "auto is kafka where KAFKA_BOOTSTRAP is set, else scan.",
    )
    stream_slot: str = Field(
        default="tens_insight",
        pattern=r"^[a-z0-9_]{1,63}$",
        description="Streaming: name of the replication slot, which is made where it is missing.",
    )
    stream_publication: str = Field(
        default="tens_insight",
        pattern=r"^[a-z_][a-z0-9_]{0,62}$",
        description="Streaming: name of the publication of logical replication that sends the "
        "feedback to the slot.",
    )
    stream_topic: str = Field(
        default="feedback_enriched",
        pattern=r"^[A-Za-z0-9._-]{1,249}$",
        description="Streaming: name of the topic in which the ETL tells Kafka of new feedback.",
    )
    kafka_protocol: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = Field(
        default="plaintext",
        description="Streaming: how Kafka is spoken to: with TLS (ssl), and with a user and a "
        "password (sasl).",
    )
    kafka_ca: str = Field(
        default="",
        description="Streaming: file of the certificates that Kafka's brokers are trusted by, PEM; "
        "empty: those of the system.",
    )
    kafka_certificate: str = Field(
        default="",
        description="Streaming: file of our own certificate for Kafka, PEM; empty: none.",
    )
    kafka_key: str = Field(
        default="", description="Streaming: file of the key of that certificate, PEM."
    )
    kafka_key_password: SecretStr = Field(
        default=SecretStr(""), description="Streaming: what that key is encrypted with."
    )
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512",
        description="Streaming: how user and password are told to Kafka. PLAIN sends the password "
        "as it is: with sasl_ssl alone.",
    )
    kafka_user: str = Field(default="", description="Streaming: the user at Kafka.")
    kafka_password: SecretStr = Field(
        default=SecretStr(""), description="Streaming: the user's password at Kafka."
    )
    stream_pause_seconds: float = Field(
        default=1.0,
        ge=0.1,
        le=300,
        description="Streaming: seconds between two looks for new feedback; a NOTIFY ends the "
        "pause.",
    )
    stream_accounts: int = Field(
        default=500,
        ge=10,
        le=10_000,
        description="Streaming: maximum number of accounts that are scored and published at once.",
    )
    stream_late_minutes: float = Field(
        default=10,
        gt=0,
        le=1_440,
        description="Streaming: how old, in minutes, created_at of a new row may be for each look "
        "to find it; older ones are found when the whole table is looked through.",
    )
    stream_scan_minutes: float = Field(
        default=5,
        gt=0,
        le=720,
        description="Streaming: minutes between two times that the whole table is looked through "
        "for rows that came later than stream_late_minutes; at most half of these.",
    )

    @pydantic.model_validator(mode="after")
    def _whole(self) -> "StreamConfig":
        if self.kafka_protocol.startswith("sasl") and not (
            self.kafka_user and self.kafka_password.get_secret_value()
        ):
            raise ValueError(
                f"kafka_protocol {self.kafka_protocol} needs kafka_user and kafka_password"
            )
        if (self.kafka_protocol, self.kafka_mechanism) == ("sasl_plaintext", "PLAIN"):
            raise ValueError(
                "kafka_mechanism PLAIN would send the password over the network as it is: set "
                "kafka_protocol to sasl_ssl, or another mechanism"
            )
        of_tls = ("kafka_ca", "kafka_certificate", "kafka_key")
        unused = [one for one in of_tls if getattr(self, one)]
        if unused and not self.kafka_protocol.endswith("ssl"):
            raise ValueError(
                f"kafka_protocol {self.kafka_protocol} is without TLS and would not use "
                f"{' and '.join(unused)}: set kafka_protocol to ssl or sasl_ssl"
            )
        if self.kafka_password.get_secret_value() and not self.kafka_protocol.startswith("sasl"):
            raise ValueError(
                f"kafka_protocol {self.kafka_protocol} would not use kafka_password: set "
                "kafka_protocol to sasl_ssl or sasl_plaintext"
            )
        if bool(self.kafka_certificate) != bool(self.kafka_key):
            raise ValueError("kafka_certificate and kafka_key need each other")
        return self

    @pydantic.model_validator(mode="after")
    def _overlap(self) -> "StreamConfig":
        if 2 * self.stream_scan_minutes > self.stream_late_minutes:
            raise ValueError(
                "stream_scan_minutes must be at most half of stream_late_minutes: rows that each "
                "look has found would else be scored again with each scan"
            )
        return self
