"""The databases that the fixtures hand to every other test."""

import os
from urllib.parse import urlsplit

import psycopg2
import pytest


def scalar(url: str, query: str) -> object:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            row = cursor.fetchone()
            assert row is not None
            return row[0]
    finally:
        connection.close()


def test_database_is_empty_and_named_by_the_environment(database: str) -> None:
    assert os.environ["DATABASE_URL"] == database
    assert not any(name.startswith("PG") for name in os.environ)
    tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
    assert scalar(database, tables) == 0


def test_role_with_password_gets_in_with_it_alone(password_url: str) -> None:
    parts = urlsplit(password_url)
    assert parts.password is not None
    assert scalar(password_url, "SELECT current_user") == parts.username
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(password_url.replace(parts.password, "wrong"))
