"""Creates our tables, step by step and once: numbered .sql files, in order."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Final

import psycopg2
from psycopg2 import errorcodes as codes
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import ContractBroken
from components.postgres.connection import begin_writing
from components.postgres.failures import explained, place_of
from components.postgres.grants import share_outputs
from components.postgres.mending import mend
from components.postgres.queries import queries
from components.postgres.rows import record, value

_QUERIES: Final = queries(__package__)

_FIRST_UNRELEASED: Final = "0001_output_tables.sql"
UNRELEASED_SCHEMA: Final = (
    "schema tens_insight was made by a version from before the first release, whose migrations "
    "are not continued. Nothing was changed. To go on, let its owner run: DROP SCHEMA "
    "tens_insight CASCADE; then run `tens-insight db grants` (the roles' rights in the schema "
    "are dropped with it) and `tens-insight db init`. That loses the history of publications, "
    "the refused rows and the details; account_risk_scores and product_area_impact keep their "
    "rows, and the next publication records these as existing."
)
_ALREADY_THERE: Final = (codes.DUPLICATE_TABLE, codes.DUPLICATE_COLUMN, codes.DUPLICATE_OBJECT)
_LIST_LOST: Final = (
    "A dump of the schema alone (pg_dump --schema-only) leaves it like this. Nothing was changed. "
    "If schema tens_insight holds nothing that you need, let its owner run: DROP SCHEMA "
    "tens_insight CASCADE; then run `tens-insight db grants` and `tens-insight db init`; the two "
    "output tables keep their rows. Else restore the rows too, from the database that the schema "
    "came from: pg_dump --data-only --schema=tens_insight."
)
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('tens-insight migrate', 0))"


@dataclass(frozen=True)
class Migration:
    """One step of the schema.

    Attributes:
        name: File name, which starts with the number that orders it.
        statements: SQL.
    """

    name: str
    statements: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the statements, in hexadecimal."""
        return hashlib.sha256(self.statements.encode()).hexdigest()


@dataclass(frozen=True)
class _Applied:
    """What the list of migrations says of one; applied_at by the server's clock."""

    checksum: str
    applied_at: datetime


def packaged_migrations() -> list[Migration]:
    """Returns the migrations that come with this version, in order."""
    folder = resources.files("components.postgres.migrations")
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )
    return [Migration(file.name, file.read_text(encoding="utf-8")) for file in files]


def migrate(connection: Connection, migrations: list[Migration] | None = None) -> list[str]:
    """Applies the migrations that are missing, each in a transaction of its own.

    Safe to do again and by several at once: an advisory lock lets one in at a time.
    Tables that exist in public are never altered.

    Args:
        connection: Outside of a transaction; the role must own schema tens_insight or
            may create it.
        migrations: Which ones, in order; by default those of this version.

    Returns:
        The names of the migrations applied now, and what was dropped since and made again, a
        sentence each; empty if nothing was missing.

    Raises:
        ContractBroken: A right to create is missing, a migration that was applied differs
            from its file, or the schema is from before the first release.
        DatabaseUnreachable: The server went away, or another migration runs for long.
    """
    begin_writing(connection)
    pending = packaged_migrations() if migrations is None else migrations
    with explained(connection):
        with connection, connection.cursor() as cursor:
            cursor.execute(_LOCK)
            if holds_unreleased_schema(cursor):
                raise ContractBroken(f"{place_of(connection).name}: {UNRELEASED_SCHEMA}")
            cursor.execute(_QUERIES["schema_migrations"])
        applied = [migration.name for migration in pending if _apply(connection, migration)]
        with connection, connection.cursor() as cursor:
            cursor.execute(_LOCK)
            applied += mend(cursor, [migration.statements for migration in pending])
        with connection, connection.cursor() as cursor:
            cursor.execute(_LOCK)
            cursor.execute(_QUERIES["make_identity"])
            share_outputs(connection)
        return applied


def holds_unreleased_schema(cursor: Cursor) -> bool:
    """Tells whether schema tens_insight was made by migrations from before the first release.

    A role that may not read the list of migrations gets False: its missing rights are a
    problem of their own.
    """
    cursor.execute(_QUERIES["may_read_migrations"])
    if cursor.fetchone() != (True,):  # no row where the list is not there
        return False
    cursor.execute(
        "SELECT EXISTS (SELECT FROM tens_insight.schema_migrations WHERE name = %s)",
        (_FIRST_UNRELEASED,),
    )
    return bool(value(cursor))


def _apply(connection: Connection, migration: Migration) -> bool:
    """Applies one migration unless it was; tells whether it did."""
    with connection, connection.cursor() as cursor:
        cursor.execute(_LOCK)
        if _was_applied(cursor, migration):
            return False
        try:
            cursor.execute(migration.statements)
        except psycopg2.Error as error:
            if error.pgcode not in _ALREADY_THERE:
                raise
            raise ContractBroken(
                f"{place_of(connection).name}: {_said(error)}, but the list of migrations, "
                f"tens_insight.schema_migrations, does not say that {migration.name} was applied. "
                f"{_LIST_LOST}"
            ) from None
        cursor.execute(
            "INSERT INTO tens_insight.schema_migrations (name, checksum) VALUES (%s, %s)",
            (migration.name, migration.checksum),
        )
    return True


def _said(error: psycopg2.Error) -> str:
    return " ".join((error.diag.message_primary or str(error)).split())


def _was_applied(cursor: Cursor, migration: Migration) -> bool:
    cursor.execute(
        "SELECT checksum, applied_at FROM tens_insight.schema_migrations WHERE name = %s",
        (migration.name,),
    )
    applied = record(cursor, _Applied)
    if applied is not None and applied.checksum != migration.checksum:
        raise ContractBroken(
            f"Migration {migration.name} was applied on {applied.applied_at:%Y-%m-%d} with other "
            f"contents (checksum {applied.checksum[:12]}, the file has "
            f"{migration.checksum[:12]}). Restore the file and put the change into a new migration."
        )
    return applied is not None
