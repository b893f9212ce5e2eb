import pytest


@pytest.fixture
def metadata(migrated_database, postgres_server, monkeypatch):
    """An empty database that METADATA_DATABASE_URL names, beside the one with our tables."""
    name = postgres_server.create_database()
    monkeypatch.setenv("METADATA_DATABASE_URL", postgres_server.url(name))
    yield postgres_server.url(name)
    postgres_server.drop_database(name)
