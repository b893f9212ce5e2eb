"""Takes an account's id out of the texts that ML Metadata keeps of artifacts and runs."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from pipeline.erasure.names import without
from pipeline.registry.store_file import store_error


def erase_from_metadata(store: Any, account_id: str) -> int:
    """Replaces the id in properties of artifacts and executions.

    Args:
        store: As `open_store` returns it.
        account_id: Byte for byte.

    Returns:
        How many artifacts and executions were changed.
    """
    artifacts = [one for one in store.get_artifacts() if _cleaned(one, account_id)]
    executions = [one for one in store.get_executions() if _cleaned(one, account_id)]
    store.put_artifacts(artifacts)
    store.put_executions(executions)
    return len(artifacts) + len(executions)


def overwrite_freed(path: Path) -> None:
    """Writes a sqlite file of ML Metadata again, without what it freed: old texts are still there.

    Raises:
        StateUnusable: The file is damaged.
        StateDirectoryBusy: Another program keeps it locked.
    """
    try:
        with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as connection:
            connection.execute("VACUUM")
    except sqlite3.Error as error:
        raise store_error(path, str(error)) from None


def _cleaned(node: Any, account_id: str) -> bool:
    found = False
    for properties in (node.properties, node.custom_properties):
        for name in properties:
            if properties[name].WhichOneof("value") != "string_value":
                continue
            text, count = without(account_id, properties[name].string_value)
            if count:
                properties[name].string_value = text
                found = True
    return found
