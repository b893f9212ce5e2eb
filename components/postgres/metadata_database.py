"""The database that ML Metadata may live in: reached, checked, and spoken of without secrets."""

import os
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from components.errors import AddressInvalid, ContractBroken, DatabaseUnreachable
from components.postgres.address import METADATA_URL_VARIABLE, Address
from components.postgres.connection import connect
from components.postgres.failures import explained, place_of
from components.postgres.queries import queries
from components.postgres.rows import one_record

_QUERIES: Final = queries(__package__)

_TAKEN: Final = ("host", "hostaddr", "port", "user", "dbname", "password")
_TAKEN_SSL: Final = ("sslmode", "sslcert", "sslkey", "sslrootcert")


@dataclass(frozen=True)
class MetadataDatabase:
    """A database that is empty or ML Metadata's.

    Attributes:
        name: user@host:port/dbname, never with a password.
        parameters: libpq's parameters for it; without the password, with `passfile` in
            its place where there is one.
        ssl: libpq's parameters of TLS.
    """

    name: str
    parameters: dict[str, str]
    ssl: dict[str, str]


@dataclass(frozen=True)
class _Contents:
    """What a database holds, as far as ML Metadata is concerned.

    Attributes:
        schema: The current one; None without any.
        tables: Tables and views in it.
        is_metadata: Whether they are ML Metadata's.
        first: One of them by name.
        may_create: Whether the role may create tables there.
        may_write: Whether it may write to ML Metadata's.
    """

    schema: str | None
    tables: int
    is_metadata: bool
    first: str | None
    may_create: bool | None
    may_write: bool


def require_metadata_database(address: Address) -> MetadataDatabase:
    """Connects once, so that a wrong address or a foreign database ends with a sentence.

    Args:
        address: Of METADATA_DATABASE_URL.

    Raises:
        DatabaseUnreachable: It cannot be reached, does not exist, or holds something else.
        ContractBroken: The role may not create or change ML Metadata's tables.
    """
    _require_parameters(address)
    with closing(connect("tens-insight metadata", address=address)) as connection:
        place = place_of(connection)
        with explained(connection), connection.cursor() as cursor:
            cursor.execute(_QUERIES["metadata_tables"])
            contents = one_record(cursor, _Contents)
    _require_usable(place.name, place.user, contents)
    parameters = {name: address.parameters[name] for name in _TAKEN if name in address.parameters}
    password = parameters.pop("password", "")
    if password:
        parameters["passfile"] = _passfile(password)
    return MetadataDatabase(
        name=place.name,
        parameters=parameters | {"user": place.user, "dbname": place.database},
        ssl={name: address.parameters[name] for name in _TAKEN_SSL if name in address.parameters},
    )


def fill_config(config: Any, database: MetadataDatabase) -> None:
    """Fills a PostgreSQLDatabaseConfig of ML Metadata."""
    for name, value in database.parameters.items():
        setattr(config, name, value)
    for name, value in database.ssl.items():
        setattr(config.ssloption, name, value)
    # ML Metadata would connect to database `postgres` first, to create ours.
    config.skip_db_creation = True


def _require_parameters(address: Address) -> None:
    unknown = sorted(set(address.parameters) - {*_TAKEN, *_TAKEN_SSL})
    if unknown:
        raise AddressInvalid(
            f"{METADATA_URL_VARIABLE} gives {', '.join(unknown)}, which ML Metadata cannot take. "
            f"It takes {', '.join((*_TAKEN, *_TAKEN_SSL))}; for the rest set libpq's own "
            "variables, such as PGPASSFILE or PGCONNECT_TIMEOUT."
        )
    if "\n" in address.parameters.get("password", ""):
        raise AddressInvalid(
            f"The password in {METADATA_URL_VARIABLE} has a line break, which no password file "
            "can hold. Choose another one."
        )


def _require_usable(name: str, user: str, contents: _Contents) -> None:
    if contents.tables and not contents.is_metadata:
        raise DatabaseUnreachable(
            f"{METADATA_URL_VARIABLE} names {name}, which holds {contents.tables} tables or views "
            f"such as {contents.first}, and none of ML Metadata. Name an empty database (CREATE "
            "DATABASE ...), or one that ML Metadata made."
        )
    if not contents.tables and not contents.may_create:
        raise ContractBroken(
            f"The role may not create ML Metadata's tables in {name}. Let the owner run: "
            f'GRANT CREATE, USAGE ON SCHEMA {contents.schema or "public"} TO "{user}"'
        )
    if not contents.may_write:
        raise ContractBroken(
            f"The role may not write to ML Metadata's tables in {name}. Let their owner run: "
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "
            f'{contents.schema} TO "{user}"; '
            f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA {contents.schema} TO "{user}"'
        )


@lru_cache
def _passfile(password: str) -> str:
    """Returns the path of a password file that lies in memory alone, for this process.

    TFX logs and hands on the whole configuration of ML Metadata: the path may be seen, the
    password is on no disk, and gone with the process.
    """
    descriptor = os.memfd_create("pgpass")
    os.fchmod(descriptor, 0o600)  # libpq reads no password file that others may read
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    os.write(descriptor, f"*:*:*:*:{escaped}\n".encode())
    return f"/proc/self/fd/{descriptor}"
