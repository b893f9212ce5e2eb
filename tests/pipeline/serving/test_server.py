"""What cannot be right by itself ends the server before it listens."""

import pytest

from components.errors import AddressInvalid, DatabaseUnreachable
from pipeline.serving.server import serve
from pipeline.settings import load_settings
from tests.environment import unset_settings


@pytest.mark.parametrize(
    ("address", "kind", "said"),
    [
        ("tiger-7", AddressInvalid, "not a URL"),
        ("postgresql://:tiger-7@host:port/x", AddressInvalid, "not well-formed"),
        ("", DatabaseUnreachable, "No database is named"),
    ],
)
def test_what_names_no_database_is_no_server(
    address: str,
    kind: type[Exception],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: object,
) -> None:
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", address)
    monkeypatch.setattr("pipeline.serving.server._log_to_stderr", lambda: None)
    monkeypatch.setattr("pipeline.serving.server._listen", lambda *where: pytest.fail("it listens"))
    with pytest.raises(kind, match=said) as found:
        serve(load_settings(serve_port=0), lambda line: None)
    assert "tiger" not in str(found.value)
