"""What a store of ML Metadata is: its own name, its database, and where its artifacts lie.

A model is right for the database that it learnt from, and so is all that a later run takes from
the store: the champion, hyperparameters, statistics to compare with. A store therefore belongs to
one database, by the id in schema tens_insight, until somebody lets it adopt another.
"""

import contextlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Final

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2

from components.errors import OtherDatabase
from components.postgres.identity import DatabaseIdentity
from components.registry import artifact_names
from components.registry.properties import Properties

_NAME: Final = "identity"
_FOLDERS: Final = ("pipeline_root", "serving")
"""Of a state directory, those that hold artifacts."""


@dataclass(frozen=True, kw_only=True)
class StoreProperties(Properties):
    """What a store says of itself.

    Attributes:
        id: Its name, given to it once.
        database_id: The database that it belongs to; None before its first run.
        database_name: user@host:port/dbname of that, as it was reached then.
        adopted: The databases that it belonged to before: a sentence each, by id.
        state_dirs: By the id of a state directory the places that it had: the last one is where
            it was when a run began there; others are kept while artifacts are being moved.
    """

    TYPE_NAME = artifact_names.STORE

    id: str
    database_id: str | None = None
    database_name: str | None = None
    adopted: dict[str, str] = field(default_factory=dict)
    state_dirs: dict[str, list[str]] = field(default_factory=dict)

    @property
    def database(self) -> str:
        """The database in a few words."""
        return DatabaseIdentity(self.database_id or "", self.database_name or "?").described


def find_store(store: Any) -> StoreProperties | None:
    """Returns what a store says of itself; None where no run ever began."""
    context = store.get_context_by_type_and_name(StoreProperties.TYPE_NAME, _NAME)
    return StoreProperties.read(context) if context is not None else None


def read_store(store: Any) -> StoreProperties:
    """Returns what a store says of itself; gives it its name if it has none."""
    found = find_store(store)
    if found is None:
        context = metadata_store_pb2.Context(
            type_id=store.put_context_type(
                metadata_store_pb2.ContextType(name=StoreProperties.TYPE_NAME)
            ),
            name=_NAME,
        )
        StoreProperties(id=str(uuid.uuid4())).write(context)
        # Another run may begin at the same moment.
        with contextlib.suppress(errors.AlreadyExistsError):
            store.put_contexts([context])
        found = find_store(store)
        assert found is not None
    return found


def write_store(store: Any, properties: StoreProperties) -> None:
    """Replaces what a store says of itself."""
    context = store.get_context_by_type_and_name(StoreProperties.TYPE_NAME, _NAME)
    context.custom_properties.clear()
    properties.write(context)
    store.put_contexts([context])


def other_database(store: Any, database: DatabaseIdentity) -> StoreProperties | None:
    """Returns what a store says of itself where it belongs to another database, else None.

    A store in which no run came as far as reading belongs to none yet.
    """
    found = find_store(store)
    if found is None or found.database_id in (None, database.id):
        return None
    return found if store.get_artifacts_by_type(artifact_names.EXAMPLES) else None


def require_database(store: Any, database: DatabaseIdentity, place: str) -> None:
    """Binds a store to the database of its first run, and refuses it for any other.

    Args:
        store: Of ML Metadata.
        database: That the run reads and publishes to.
        place: Where the store is, in words.

    Raises:
        OtherDatabase: The store belongs to another one; says what to do.
    """
    other = other_database(store, database)
    if other is not None:
        raise OtherDatabase(
            f"The models and runs in {place} belong to the database {other.database}; the one that "
            f"is named now is {database.described}. A model scores the database that it learnt "
            "from. Set TENS_INSIGHT_STATE_DIR to a folder of its own for this database (and "
            "METADATA_DATABASE_URL, if it is set, to a database of its own) and train there; or "
            "name the other database again. If this one is a copy of it or takes its place, let "
            "the models pass to it on purpose: `tens-insight run score --adopt` (or run train, or "
            "`tens-insight db adopt`)."
        )
    found = read_store(store)
    if found.database_id != database.id:
        write_store(store, replace(found, database_id=database.id, database_name=database.name))


def adopt_database(store: Any, database: DatabaseIdentity, by: str) -> StoreProperties | None:
    """Lets a store, and all models in it, belong to another database from now on.

    Args:
        store: Of ML Metadata.
        database: The one that they pass to.
        by: Who wants it, user@host.

    Returns:
        What the store said before; None where it belonged to this database, or to none.
    """
    other = other_database(store, database)
    if other is None or other.database_id is None:
        return None
    moment = datetime.now(timezone.utc).isoformat(timespec="seconds")
    told = f"{other.database_name}, until {moment}, by {by}"
    write_store(
        store,
        replace(
            other,
            database_id=database.id,
            database_name=database.name,
            adopted=other.adopted | {other.database_id: told},
        ),
    )
    return other


def require_known_database(store: Any, version: str, database_id: str | None) -> None:
    """Refuses a model that came from a database that the store never belonged to.

    Args:
        store: That holds the model.
        version: The model's.
        database_id: As the model says; None for a model of somebody else's trainer.

    Raises:
        OtherDatabase: It was brought here from another store.
    """
    found = find_store(store)
    if found is None or database_id is None or found.database_id is None:
        return
    if database_id != found.database_id and database_id not in found.adopted:
        raise OtherDatabase(
            f"Model {version} learnt from the database with id {database_id[:8]}, and the store of "
            f"ML Metadata that holds it belongs to {found.database}. Withdraw the model "
            f"(`tens-insight models withdraw {version}`), or use the state directory that it came "
            "from."
        )


def moved(artifact: Any, former: Iterable[str], now: str) -> bool:
    """Lets an artifact that lay in a former place of a state directory lie in its present one.

    What lies elsewhere, such as in a bucket, stays as it is.

    Args:
        artifact: Of ML Metadata, as a proto; its uri and the texts that are paths are changed.
        former: Places that the state directory had.
        now: The one that it has.

    Returns:
        Whether anything was changed.
    """
    pairs = [(f"{place}/{name}/", f"{now}/{name}/") for place in former for name in _FOLDERS]

    def here(path: str) -> str:
        if any(path.startswith(new) for _, new in pairs):
            return path
        old, new = next((pair for pair in pairs if path.startswith(pair[0])), ("", ""))
        return new + path[len(old) :]

    before = artifact.SerializeToString(deterministic=True)
    artifact.uri = here(artifact.uri)
    for value in artifact.custom_properties.values():
        if value.WhichOneof("value") == "string_value":
            value.string_value = here(value.string_value)
    return bool(before != artifact.SerializeToString(deterministic=True))
