import pytest


@pytest.fixture
def metadata(migrated_database, store_database):
    """A database with an empty store, beside the one with our tables."""
    return store_database
