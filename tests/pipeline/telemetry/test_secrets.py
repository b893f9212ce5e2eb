"""Addresses with tokens are shown nowhere, wherever they are set, and whatever is wrong."""

import json
from dataclasses import asdict

import pytest

from components.config import is_secret, plain
from pipeline.cli import run_cli
from pipeline.settings import SETTINGS, ConfigurationInvalid, load_settings

TOKEN = "c0ffee-token-of-the-sink"
SECRETS = {
    "pushgateway_url": f"https://user:{TOKEN}@push.example.com",
    "ping_urls": {"score": f"https://hc.example.com/{TOKEN}"},
    "openlineage_url": f"https://lineage.example.com/{TOKEN}",
    "openlineage_api_key": TOKEN,
}


def as_text(value):
    return value if isinstance(value, str) else json.dumps(value)


@pytest.fixture(params=["environment", "file"])
def given(request, state_dir, monkeypatch, tmp_path):
    """Gives settings in one of two ways."""

    def give(values):
        if request.param == "environment":
            for name, value in values.items():
                monkeypatch.setenv(f"TENS_INSIGHT_{name.upper()}", as_text(value))
        else:
            file = tmp_path / "settings.yaml"
            file.write_text(json.dumps(values))
            monkeypatch.setenv("TENS_INSIGHT_CONFIG", str(file))

    return give


def test_what_may_be_a_secret_is_known_and_never_leaves_the_machine():
    assert {name for name, field in SETTINGS.items() if is_secret(field)} >= set(SECRETS)
    portable = load_settings().portable()
    assert not [name for name, field in SETTINGS.items() if is_secret(field) and name in portable]


def test_secrets_are_shown_by_no_command_and_no_dump(given, capsys):
    given(SECRETS)
    settings = load_settings()
    assert settings.telemetry.openlineage_api_key.get_secret_value() == TOKEN
    for options in ([], ["--json"], ["--changed"]):
        assert run_cli(["explain-config", *options]) == 0
    shown = capsys.readouterr()
    dumps = [repr(settings), str(settings), json.dumps(plain(settings.telemetry))]
    dumps += [str(asdict(settings)), json.dumps(settings.portable())]
    for text in (shown.out, shown.err, *dumps):
        assert TOKEN not in text
    assert "\n# TENS_INSIGHT_PUSHGATEWAY_URL='**********'\n" in shown.out


@pytest.mark.parametrize(
    "wrong",
    [
        {"pushgateway_url": f"ftp://{TOKEN}"},
        {"pushgateway_url": f"https://host:port/{TOKEN}"},
        {"pushgateway_url": f"https:///{TOKEN}"},
        {"openlineage_url": f"https://[{TOKEN}"},
        {"openlineage_url": f"https://host/{TOKEN} "},
        {"ping_urls": {"score": TOKEN}},
        {"ping_urls": {"daily": f"https://host/{TOKEN}"}},
        {"ping_urls": [TOKEN]},
        {"ping_urls": f"https://host/{TOKEN}"},
    ],
)
def test_a_wrong_value_is_refused_and_not_shown(given, capsys, wrong):
    given(wrong)
    with pytest.raises(ConfigurationInvalid, match=next(iter(wrong))) as caught:
        load_settings()
    assert TOKEN not in str(caught.value)
    assert run_cli(["run", "score", "--json"]) == 6
    shown = capsys.readouterr()
    assert TOKEN not in shown.out + shown.err


def test_a_file_that_is_no_yaml_is_refused_without_its_lines(state_dir, monkeypatch, tmp_path):
    file = tmp_path / "settings.yaml"
    monkeypatch.setenv("TENS_INSIGHT_CONFIG", str(file))
    for text in (
        f"openlineage_api_key: {TOKEN}: x\n",
        f"pushgateway_url: [https://{TOKEN}\n",
        f"a: 'x\n{TOKEN}",
        f"pushgateway_url: !{TOKEN} x",
        f"pushgateway_url: *{TOKEN}",
        f"pushgateway_url: \x01{TOKEN}",
    ):
        file.write_text(text)
        with pytest.raises(ConfigurationInvalid, match="which cannot be read") as caught:
            load_settings()
        assert TOKEN not in str(caught.value), text


def test_a_value_is_a_url_or_empty(given):
    given({"pushgateway_url": "", "ping_urls": {"score": "http://[::1]:8000/a?b=c"}})
    settings = load_settings()
    assert settings.telemetry.pushgateway_url.get_secret_value() == ""
