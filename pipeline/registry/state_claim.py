"""Store, database and state directory of a run belong together, or the run does not begin."""

from typing import Any

from components.errors import TensInsightError
from components.postgres.identity import DatabaseIdentity, read_identity
from components.registry.store_identity import adopt_database, other_database, require_database
from pipeline.database import open_database
from pipeline.registry.change_stage import actor
from pipeline.registry.metadata_store import describe_store, open_store
from pipeline.registry.state_places import record_place, require_own_artifacts
from pipeline.settings import Settings


def claim_state(store: Any, settings: Settings, database: DatabaseIdentity | None) -> None:
    """Makes sure that a run may begin, and that its store knows where the artifacts lie now.

    Args:
        store: Of ML Metadata.
        settings: Say where the state directory is.
        database: That the run reads and publishes to; None for a pipeline that knows none.

    Raises:
        ConfigurationInvalid: The artifacts there are recorded in another store, or the folder
            cannot be written.
        OtherDatabase: The store belongs to another database.
    """
    mark = require_own_artifacts(store, settings.pipeline_root)
    if database is not None:
        require_database(store, database, describe_store(settings.metadata_path))
    record_place(store, mark, settings.state_dir)


def require_state_of(settings: Settings, database: DatabaseIdentity) -> None:
    """Refuses a store of another database, where there is a store; changes nothing.

    Raises:
        OtherDatabase: Says whose it is, and what to do.
    """
    store = open_store(settings.metadata_path)
    if store is not None and other_database(store, database) is not None:
        require_database(store, database, describe_store(settings.metadata_path))


def adopt_state(settings: Settings, database: DatabaseIdentity) -> str:
    """Lets the models and runs of the store belong to a database from now on.

    Returns:
        What came of it, in a sentence.
    """
    store, place = open_store(settings.metadata_path), describe_store(settings.metadata_path)
    before = adopt_database(store, database, actor()) if store is not None else None
    if before is None:
        return f"Nothing to adopt: no model or run in {place} belongs to another database."
    return (
        f"The models and runs in {place} belonged to the database {before.database}. From now on "
        f"they belong to {database.described}, and no longer to the other one."
    )


def note_of_other_database(settings: Settings, store: Any | None) -> str:
    """Says that the models belong to another database than the one that is named.

    Args:
        settings: For the embedded database.
        store: As `open_store` returns it; None without any.

    Returns:
        A sentence; empty where they do not, or where that cannot be asked.
    """
    if store is None:
        return ""
    try:
        with open_database(settings, "identity", statement_timeout_s=30) as connection:
            database = read_identity(connection)
    except TensInsightError:
        return ""
    other = other_database(store, database)
    if other is None:
        return ""
    return (
        f"The models here belong to the database {other.database}, not to {database.described}: "
        "runs are refused, `run score --adopt` lets them pass to it."
    )
