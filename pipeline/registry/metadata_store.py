"""Where ML Metadata lies: a sqlite file of the state directory, or a Postgres database.

METADATA_DATABASE_URL chooses Postgres. It is read where a store is opened, like
DATABASE_URL, and its password is in no configuration that TFX sees.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.postgres.connection import metadata_address
from components.postgres.metadata_database import fill_config, require_metadata_database
from pipeline.logs import silence_libraries
from pipeline.registry.store_file import (
    require_store_not_lost,
    require_whole_store,
    store_error,
)
from pipeline.settings import ConfigurationInvalid
from pipeline.state_directory import require_readable_store


def connection_config(metadata_path: Path) -> Any:
    """Returns the ConnectionConfig of ML Metadata, for runners and for the registry.

    Args:
        metadata_path: The sqlite file, where METADATA_DATABASE_URL is not set.

    Raises:
        DatabaseUnreachable: METADATA_DATABASE_URL names no database that can be used.
        ContractBroken: The role lacks a right in it.
    """
    address = metadata_address()
    database = require_metadata_database(address) if address else None
    _, proto = _import_ml_metadata()
    config = proto.ConnectionConfig()
    if database is not None:
        fill_config(config.postgresql, database)
    else:
        config.sqlite.filename_uri = str(metadata_path)
        config.sqlite.connection_mode = proto.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    return config


def open_store(metadata_path: Path) -> Any | None:
    """Opens ML Metadata; None where nothing was ever recorded in a sqlite file.

    Args:
        metadata_path: The sqlite file, where METADATA_DATABASE_URL is not set.

    Raises:
        DatabaseUnreachable: METADATA_DATABASE_URL names no database that can be used.
        ContractBroken: The role lacks a right in it.
        ConfigurationInvalid: The sqlite file cannot be read.
        StateUnusable: It is gone or damaged.
        StateDirectoryBusy: Another program keeps it locked.
    """
    if metadata_address() is None and not require_readable_store(metadata_path):
        require_store_not_lost(metadata_path)
        return None
    return connect_store(metadata_path, connection_config(metadata_path))


def connect_store(metadata_path: Path, config: Any) -> Any:
    """Opens ML Metadata, and makes a sqlite file that is not there.

    Args:
        metadata_path: The sqlite file, where METADATA_DATABASE_URL is not set.
        config: As connection_config returns it.

    Raises:
        StateUnusable: The sqlite file is damaged, or is no database.
        StateDirectoryBusy: Another program keeps it locked.
    """
    is_file = metadata_address() is None
    if is_file and metadata_path.exists():
        require_whole_store(metadata_path)
    ml_metadata, _ = _import_ml_metadata()
    try:
        return ml_metadata.MetadataStore(config)
    except RuntimeError as error:  # with sqlite's words in it, and whole statements
        if not is_file:
            raise
        raise store_error(metadata_path, str(error).partition(" query: ")[0]) from None


def describe_store(metadata_path: Path) -> str:
    """Says where ML Metadata lies, without a password."""
    address = metadata_address()
    return f"Postgres {address.name}" if address else f"sqlite {metadata_path}"


def require_store() -> None:
    """Fails in a second where METADATA_DATABASE_URL names no database that can be used.

    Raises:
        DatabaseUnreachable: It cannot be reached, does not exist, or holds something else.
        ContractBroken: The role lacks a right in it.
    """
    address = metadata_address()
    if address is not None:
        require_metadata_database(address)


def require_recordable(pipeline: Any) -> None:
    """Refuses properties of nodes that hold a backslash, where ML Metadata is in Postgres.

    ML Metadata 1.16 quotes them wrongly there, and the run would end in an SQL error. A
    backslash comes from JSON, too, which writes quotes and letters outside ASCII with it.

    Args:
        pipeline: As compiled.

    Raises:
        ConfigurationInvalid: Names the node, the property and the setting's way out.
    """
    if metadata_address() is None:
        return
    for node, name, text in _texts(pipeline):
        require_no_backslash(
            node, name, text, "unset METADATA_DATABASE_URL to keep it in the state directory"
        )


def require_no_backslash(node: str, name: str, text: str, otherwise: str) -> None:
    """Refuses a property that ML Metadata cannot record on Postgres.

    Args:
        node: Whose it is.
        name: Of the property.
        text: Its value.
        otherwise: What may be done in place of changing the setting.

    Raises:
        ConfigurationInvalid: It holds a backslash.
    """
    if "\\" in text:
        raise ConfigurationInvalid(
            f"Property {name} of node {node} holds a backslash, or a quote or a letter outside "
            "ASCII that JSON writes with one, and ML Metadata cannot record that on Postgres. "
            "Change the setting it comes from (`tens-insight explain-config` lists them), or "
            f"{otherwise}."
        )


def _texts(pipeline: Any) -> Iterator[tuple[str, str, str]]:
    for node in pipeline.nodes:
        for name, value in node.pipeline_node.parameters.parameters.items():
            yield node.pipeline_node.node_info.id, name, value.field_value.string_value


def _import_ml_metadata() -> tuple[Any, Any]:
    silence_libraries()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ml_metadata
        from ml_metadata.proto import metadata_store_pb2
    return ml_metadata, metadata_store_pb2
