import pytest


@pytest.fixture
def metadata(store_database):
    """A database with an empty store, which METADATA_DATABASE_URL names."""
    return store_database


@pytest.fixture
def no_store(database, monkeypatch):
    """An empty database that METADATA_DATABASE_URL names."""
    monkeypatch.setenv("METADATA_DATABASE_URL", database)
    return database
