"""Connections honour the address, and failures say what is wrong but no password."""

import os
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
from psycopg2 import sql

from components.errors import AddressInvalid, DatabaseUnreachable
from components.postgres.connection import (
    ServerNotAnswering,
    connect,
    database_is_configured,
    describe,
)


def _setting(connection, name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", (name,))
        return cursor.fetchone()[0]


def _with_query(url: str, query: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{query}"


def test_session_is_utc_named_and_bounded(database: str) -> None:
    with closing(connect("tens-insight test", statement_timeout_s=7)) as connection:
        assert _setting(connection, "application_name") == "tens-insight test"
        assert _setting(connection, "TimeZone") == "UTC"
        assert _setting(connection, "client_encoding") == "UTF8"
        assert _setting(connection, "statement_timeout") == "7s"
        assert _setting(connection, "lock_timeout") == "30s"
        assert _setting(connection, "idle_in_transaction_session_timeout") == "10min"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_both_schemes_connect(database: str, scheme: str, monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{scheme}:{database.partition(':')[2]}")
    with closing(connect("tens-insight test")) as connection:
        assert connection.info.dbname == urlsplit(database).path.lstrip("/")


def test_options_of_the_url_win(database: str, monkeypatch) -> None:
    options = "options=-csearch_path%3Dcrm%20-clock_timeout%3D3s%20-cTimeZone%3DAsia/Tokyo"
    monkeypatch.setenv("DATABASE_URL", _with_query(database, options))
    with closing(connect("tens-insight test")) as connection:
        assert _setting(connection, "search_path") == "crm"
        assert _setting(connection, "lock_timeout") == "3s"
        assert _setting(connection, "TimeZone") == "UTC"  # the one thing that is ours


def test_libpq_variables_connect_without_a_url(database: str, monkeypatch) -> None:
    with closing(connect("tens-insight test")) as connection:
        info = connection.info
        variables = {
            "PGHOST": info.host,
            "PGPORT": str(info.port),
            "PGUSER": info.user,
            "PGDATABASE": info.dbname,
            "PGPASSWORD": info.password or "",
        }
    monkeypatch.delenv("DATABASE_URL")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with closing(connect("tens-insight test")) as connection:
        assert connection.info.dbname == variables["PGDATABASE"]


def test_description_holds_no_password(password_url: str, monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", password_url)
    with closing(connect("tens-insight test")) as connection:
        parts = urlsplit(password_url)
        assert describe(connection).startswith(f"{parts.username}@")
        assert describe(connection).endswith(parts.path)
        assert parts.password not in describe(connection)


def test_wrong_password_is_named_but_not_shown(password_url: str, monkeypatch) -> None:
    password = urlsplit(password_url).password
    assert password
    wrong = password_url.replace(password, "wrong-tiger-7")
    monkeypatch.setenv("DATABASE_URL", wrong)
    with pytest.raises(DatabaseUnreachable, match="refused the login") as caught:
        connect("tens-insight test")
    assert urlsplit(wrong).username in str(caught.value)
    assert "wrong-tiger-7" not in str(caught.value)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert not isinstance(caught.value, ServerNotAnswering)


def test_missing_database_is_named(database: str, monkeypatch) -> None:
    name = urlsplit(database).path.lstrip("/")
    monkeypatch.setenv("DATABASE_URL", database.replace(name, "no_such_database"))
    with pytest.raises(DatabaseUnreachable, match="no_such_database.* does not exist"):
        connect("tens-insight test")


@pytest.mark.parametrize(
    "host", ["127.0.0.1:1", "no-such-host.invalid:5432", "%2Fno%2Fsuch%2Ffolder:5432"]
)
def test_unreachable_server_is_named(host: str, monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://ann:tiger-7@{host}/goinsight")
    with pytest.raises(ServerNotAnswering, match="No database answers at ann@") as caught:
        connect("tens-insight test")
    assert "/goinsight" in str(caught.value)
    assert "tiger-7" not in str(caught.value)


def test_password_in_the_wrong_place_of_the_url_is_not_shown(monkeypatch) -> None:
    url = "postgresql://ann:tiger-7@127.0.0.1:1/goinsight?sslmode=tiger-7"
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(AddressInvalid, match="sslmode") as caught:
        connect("tens-insight test")
    assert "tiger-7" not in str(caught.value)


@pytest.mark.parametrize(
    "variable",
    [
        *("DATABASE_URL", "DATABASE_URL_SECRET", "PGSERVICE", "PGSERVICEFILE", "PGHOST"),
        *("PGHOSTADDR", "PGPORT", "PGDATABASE", "PGPASSFILE"),
    ],
)
def test_configured_by_any_of_the_variables(variable: str) -> None:
    assert database_is_configured({variable: "x"})
    assert not database_is_configured({variable: "", "PGUSER": "ann"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PGPORT", "abc"),
        ("PGPORT", "99999"),
        ("PGSSLMODE", "sometimes"),
        ("PGSERVICE", "nobody-made-it"),
        ("PGCONNECT_TIMEOUT", "soon"),
        ("PGHOST", "127.0.0.1\r"),
    ],
)
def test_what_libpq_cannot_take_is_a_wrong_address(name: str, value: str, monkeypatch) -> None:
    for variable in [one for one in os.environ if one.startswith(("PG", "DATABASE"))]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv(name, value)
    with pytest.raises(AddressInvalid):
        connect("tens-insight test")


@pytest.mark.parametrize("limited", ["ROLE {role}", "DATABASE {database}"])
def test_a_limit_of_connections_is_no_wrong_password(
    limited: str,
    password_url: str,
    database: str,
    postgres_server: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {"role": urlsplit(password_url).username, "database": urlsplit(database).path[1:]}
    change = "ALTER " + limited.format(**names) + " CONNECTION LIMIT 0"
    postgres_server.execute(sql.SQL(change))
    monkeypatch.setenv("DATABASE_URL", password_url)
    with pytest.raises(ServerNotAnswering, match="has no connection left") as failed:
        connect("tens-insight test")
    assert "CONNECTION LIMIT" in str(failed.value)
    assert "Check user and password" not in str(failed.value)


def test_a_role_that_may_not_connect_is_told_the_grant(
    password_url: str, database: str, postgres_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoke = f"REVOKE CONNECT ON DATABASE {urlsplit(database).path[1:]} FROM PUBLIC"
    postgres_server.execute(sql.SQL(revoke))
    monkeypatch.setenv("DATABASE_URL", password_url)
    with pytest.raises(DatabaseUnreachable, match="GRANT CONNECT"):
        connect("tens-insight test")
