import pytest


@pytest.fixture
def metadata(database, monkeypatch):
    """An empty database that METADATA_DATABASE_URL names."""
    monkeypatch.setenv("METADATA_DATABASE_URL", database)
    return database
