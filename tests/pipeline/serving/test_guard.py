"""Who is answered: tokens, rates, and where it may listen."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipeline.serving.guard import Rates, Tokens, require_safe_address
from pipeline.setting_groups import ServingSettings
from pipeline.settings import ConfigurationInvalid, load_settings

FIRST, SECOND = "first-token-0123456789", "second-token-0123456789"


def tokens(**changes: Any) -> Tokens:
    return Tokens(ServingSettings(**changes))


def test_a_known_token_has_a_name_that_does_not_tell_it() -> None:
    known = tokens(serve_tokens=(SecretStr(FIRST), SecretStr(SECOND)))
    names = [known.client(f"Bearer {one}") for one in (FIRST, SECOND)]
    assert None not in names
    assert len(set(names)) == 2
    assert known.client(f"bearer {FIRST}") == names[0]
    assert FIRST not in str(names)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", f"Basic {FIRST}", FIRST, f"Bearer {FIRST}x", "Bearer ü"]
)
def test_a_stranger_has_none(header: str) -> None:
    assert tokens(serve_tokens=(SecretStr(FIRST),)).client(header) is None


def test_a_browser_sends_the_token_as_password_to_pages_alone() -> None:
    known = tokens(serve_tokens=(SecretStr(FIRST),))
    basic = "Basic " + base64.b64encode(f"anyone:{FIRST}".encode()).decode()
    assert known.client(basic, of_browser=True) == known.client(f"Bearer {FIRST}")
    assert known.client(basic) is None
    for wrong in ("anyone:wrong", f"{FIRST}", f"{FIRST}:", "\udcff:x"):
        sent = base64.b64encode(wrong.encode(errors="surrogateescape")).decode()
        assert known.client(f"Basic {sent}", of_browser=True) is None
    assert known.client("Basic ü", of_browser=True) is None


def test_a_file_of_tokens_is_read_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.serving.guard._LOOK_S", 0)
    file = tmp_path / "tokens"
    file.write_text(f"# of the support tool\n{FIRST}\n\n")
    known = tokens(serve_tokens_file=str(file))
    assert known.client(f"Bearer {FIRST}")
    assert not known.client(f"Bearer {SECOND}")
    file.write_text(f"{SECOND}\n")
    assert known.client(f"Bearer {SECOND}")
    assert not known.client(f"Bearer {FIRST}")
    file.write_text("short\n")
    assert known.client(f"Bearer {SECOND}"), "those that were known go on"
    file.unlink()
    assert known.client(f"Bearer {SECOND}")


def test_a_file_that_cannot_be_used_is_refused_and_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="cannot be read"):
        tokens(serve_tokens_file=str(tmp_path / "none"))
    (tmp_path / "tokens").write_text("tiger-7")
    with pytest.raises(ConfigurationInvalid, match="less than 16") as found:
        tokens(serve_tokens_file=str(tmp_path / "tokens"))
    assert "tiger" not in str(found.value)


def test_a_short_token_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENS_INSIGHT_SERVE_TOKENS", json.dumps(["tiger-7"]))
    with pytest.raises(ConfigurationInvalid, match="at least 16 characters") as found:
        load_settings()
    assert "tiger" not in str(found.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "db.example.com"])
def test_other_machines_are_not_answered_without_tokens(host: str) -> None:
    settings = ServingSettings(serve_host=host)
    with pytest.raises(ConfigurationInvalid, match="TENS_INSIGHT_SERVE_TOKENS"):
        require_safe_address(settings, Tokens(settings))
    for changes in ({"serve_tokens": (SecretStr(FIRST),)}, {"serve_without_tokens": True}):
        told = ServingSettings(serve_host=host, **changes)
        require_safe_address(told, Tokens(told))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_is_answered(host: str) -> None:
    settings = ServingSettings(serve_host=host)
    require_safe_address(settings, Tokens(settings))


def test_a_client_may_send_its_rate_and_no_more() -> None:
    now = [0.0]
    rates = Rates(2, lambda: now[0])
    assert [rates.take("a") for _ in range(3)] == [0, 0, 0.5]
    assert rates.take("b") == 0
    now[0] = 0.5
    assert rates.take("a") == 0
    assert rates.take("a") > 0
    now[0] = 100
    assert [rates.take("a") > 0 for _ in range(3)] == [False, False, True]


def test_no_rate_is_no_limit_and_clients_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any(Rates(0).take("a") for _ in range(10_000))
    monkeypatch.setattr("pipeline.serving.guard._CLIENTS", 3)
    rates = Rates(1)
    for number in range(100):
        rates.take(str(number))
    assert len(rates._left) == 3
