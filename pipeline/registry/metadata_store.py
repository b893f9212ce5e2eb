"""Where ML Metadata lies: a sqlite file of the state directory, or a Postgres database.

METADATA_DATABASE_URL chooses Postgres. It is read where a store is opened, like
DATABASE_URL, and its password is in no configuration that TFX sees.
"""

import os
import warnings
from pathlib import Path
from typing import Any

from components.postgres.connection import metadata_address
from components.postgres.metadata_database import fill_config, require_metadata_database
from pipeline.runs.quiet import silence_libraries


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
    """
    if metadata_address() is None and not metadata_path.exists():
        return None
    config = connection_config(metadata_path)
    ml_metadata, _ = _import_ml_metadata()
    return ml_metadata.MetadataStore(config)


def describe_store(metadata_path: Path) -> str:
    """Says where ML Metadata lies, without a password."""
    address = metadata_address()
    return f"Postgres {address.name}" if address else f"sqlite {os.path.relpath(metadata_path)}"


def require_store() -> None:
    """Fails in a second where METADATA_DATABASE_URL names no database that can be used.

    Raises:
        DatabaseUnreachable: It cannot be reached, does not exist, or holds something else.
        ContractBroken: The role lacks a right in it.
    """
    address = metadata_address()
    if address is not None:
        require_metadata_database(address)


def _import_ml_metadata() -> tuple[Any, Any]:
    silence_libraries()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ml_metadata
        from ml_metadata.proto import metadata_store_pb2
    return ml_metadata, metadata_store_pb2
