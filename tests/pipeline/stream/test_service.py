"""Where the stream finds new feedback, and what is not said of how Kafka is reached."""

import os

import pytest

from components.alerts.sinks.command import _environment
from components.streaming.config import StreamConfig
from pipeline.settings import SETTINGS, ConfigurationInvalid, load_settings, variable
from pipeline.stream.service import source_of

BROKERS = {"KAFKA_BOOTSTRAP": "broker-1:9092, [::1]:9093"}


@pytest.mark.parametrize(
    ("source", "environ", "name"),
    [
        ("auto", {}, "scan"),
        ("auto", BROKERS, "kafka"),
        ("scan", BROKERS, "scan"),
        ("slot", BROKERS, "slot"),
        ("kafka", BROKERS, "kafka"),
    ],
)
def test_the_source(source: str, environ: dict[str, str], name: str) -> None:
    found = source_of(StreamConfig(stream_source=source), environ)  # type: ignore[arg-type]
    assert found.name == name
    if name == "kafka":
        assert found.bootstrap == ["broker-1:9092", "[::1]:9093"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "KAFKA_BOOTSTRAP is not set"),
        ({"KAFKA_BOOTSTRAP": "broker-1"}, "number 1 is none"),
        ({"KAFKA_BOOTSTRAP": "broker-1:1,broker-2:99999"}, "number 2 is none"),
        ({"KAFKA_BOOTSTRAP": "kafka://tiger@broker-1:1"}, "number 1 is none"),
    ],
)
def test_brokers_that_are_none(environ: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=said) as caught:
        source_of(StreamConfig(stream_source="kafka"), environ)
    assert "tiger" not in str(caught.value)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigurationInvalid, match="kafka_ca names /nowhere"):
        source_of(StreamConfig(kafka_protocol="ssl", kafka_ca="/nowhere"), BROKERS)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"KAFKA_PROTOCOL": "sasl_ssl"}, "needs kafka_user and kafka_password"),
        (
            {
                "KAFKA_PROTOCOL": "sasl_plaintext",
                "KAFKA_MECHANISM": "PLAIN",
                "KAFKA_USER": "us",
                "KAFKA_PASSWORD": "tiger-9",
            },
            "would send the password over the network",
        ),
        (
            {"KAFKA_PROTOCOL": "ssl", "KAFKA_CERTIFICATE": "/a"},
            "kafka_certificate and kafka_key need each other",
        ),
        (
            {"KAFKA_CA": "/a", "KAFKA_KEY": "/tiger"},
            "plaintext is without TLS and would not use kafka_ca and kafka_key",
        ),
        (
            {"KAFKA_PROTOCOL": "ssl", "KAFKA_PASSWORD": "tiger-9"},
            "ssl would not use kafka_password",
        ),
    ],
)
def test_settings_of_kafka_that_do_not_go_together(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], said: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"TENS_INSIGHT_{name}", value)
    with pytest.raises(ConfigurationInvalid, match=said) as caught:
        load_settings()
    assert "tiger" not in str(caught.value)


def test_no_program_of_alerts_sees_a_secret_of_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = [one for one in SETTINGS if one.startswith("kafka") and "password" in one]
    assert len(secrets) == 2
    monkeypatch.setenv(variable("kafka_protocol"), "sasl_ssl")
    monkeypatch.setenv(variable("kafka_user"), "us")
    for name in secrets:
        monkeypatch.setenv(variable(name), "tiger-9")
    assert "tiger-9" not in _environment(os.environ).values()
    assert "tiger" not in repr(load_settings())
