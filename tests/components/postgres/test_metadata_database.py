"""METADATA_DATABASE_URL names a database that can be used, or the error says why not."""

import contextlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import sql

from components.errors import AddressInvalid, ContractBroken, DatabaseUnreachable
from components.postgres.address import read_address
from components.postgres.connection import metadata_address
from components.postgres.metadata_database import MetadataDatabase, require_metadata_database
from tests.property_tests import cases

VARIABLE = "METADATA_DATABASE_URL"


def required(url: str) -> MetadataDatabase:
    return require_metadata_database(read_address({VARIABLE: url}, VARIABLE))


def execute(url: str, *statements: str) -> None:
    connection = psycopg2.connect(url)
    with contextlib.closing(connection), connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_it_is_off_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann@db/x")
    assert metadata_address() is None
    monkeypatch.setenv(VARIABLE, "")
    assert metadata_address() is None


def test_an_empty_database_is_fine(database: str) -> None:
    found = required(database)
    assert found.parameters["dbname"] == urlsplit(database).path.lstrip("/")
    assert found.name.endswith(found.parameters["dbname"])


def test_a_database_of_something_else_is_refused(migrated_database: str) -> None:
    with pytest.raises(DatabaseUnreachable, match=r"holds 2 tables or views such as account_risk"):
        required(migrated_database)


def test_a_database_of_ml_metadata_is_fine(database: str) -> None:
    execute(database, "CREATE TABLE mlmdenv (schema_version int)", "CREATE TABLE more (a int)")
    required(database)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: url.replace("/test_", "/no_"), "does not exist"),
        (lambda url: url.replace("socket", "socket-of-nobody"), "No database answers at"),
        (lambda url: "mysql://ann:tiger-7@db/x", f"{VARIABLE} starts with mysql://"),
        (lambda url: f"{url}&options=-cjit%3Doff", "gives options, which ML Metadata cannot take"),
        (lambda url: f"{url}&password=a%0Ab", "has a line break"),
    ],
)
def test_what_cannot_be_used_is_said(database: str, change: Any, said: str) -> None:
    with pytest.raises((AddressInvalid, DatabaseUnreachable)) as caught:
        required(change(database))
    assert said in str(caught.value)
    assert "tiger-7" not in str(caught.value)


def test_a_role_that_may_not_create_tables_is_told_the_grant(password_url: str) -> None:
    with pytest.raises(ContractBroken) as caught:
        required(password_url)
    user, password = urlsplit(password_url).username, urlsplit(password_url).password
    assert f'GRANT CREATE, USAGE ON SCHEMA public TO "{user}"' in str(caught.value)
    assert str(password) not in str(caught.value)


def test_a_role_that_may_not_write_is_told_the_grant(database: str, password_url: str) -> None:
    execute(database, "CREATE TABLE mlmdenv (a int)", "CREATE TABLE artifact (a int)")
    with pytest.raises(ContractBroken, match="GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES"):
        required(password_url)


def test_a_wrong_password_is_a_refused_login(password_url: str) -> None:
    wrong = password_url.replace("secret-", "hunter2-")
    with pytest.raises(DatabaseUnreachable, match="refused the login") as caught:
        required(wrong)
    assert "hunter2" not in str(caught.value)


@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=cases(25),
)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=0x24F), min_size=1, max_size=30))
def test_any_password_reaches_libpq_by_its_file_in_memory(
    postgres_server: Any, database: str, password_url: str, password: str
) -> None:
    from urllib.parse import quote

    user = sql.Identifier(str(urlsplit(password_url).username))
    change = sql.SQL("ALTER ROLE {} PASSWORD {}").format(user, sql.Literal(password))
    postgres_server.execute(change)
    dbname = sql.Identifier(urlsplit(database).path.lstrip("/"))
    grant = sql.SQL("GRANT CREATE, USAGE ON SCHEMA public TO {}").format(user)
    postgres_server.execute(grant, dbname.string)
    url = password_url.replace(str(urlsplit(password_url).password), quote(password, safe=""))
    found = required(url)
    assert password not in (found.parameters["passfile"], found.name)
    assert "password" not in found.parameters
    file = Path(found.parameters["passfile"])
    assert file.stat().st_mode & 0o077 == 0
    assert file.resolve() != file
    assert not os.path.exists(file.resolve())  # on no disk
    psycopg2.connect(**found.parameters).close()
