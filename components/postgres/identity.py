"""Which database this is: a random id, made once, that a backup keeps."""

from dataclasses import dataclass

from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from components.errors import ContractBroken
from components.postgres.connection import describe
from components.postgres.failures import explained


@dataclass(frozen=True)
class DatabaseIdentity:
    """A database, however it is reached.

    Attributes:
        id: Of schema tens_insight, in lower case with hyphens.
        name: user@host:port/dbname of this connection.
    """

    id: str
    name: str

    @property
    def described(self) -> str:
        """Name and id in a few words."""
        return f"{self.name} (id {self.id[:8]})"


def read_identity(connection: Connection) -> DatabaseIdentity:
    """Reads the id, in the caller's transaction if there is one.

    Raises:
        ContractBroken: It was never made, or may not be read.
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor() as cursor:
        cursor.execute("SELECT id::text FROM tens_insight.database_identity")
        rows = cursor.fetchall()
    if len(rows) != 1:
        raise ContractBroken(
            f"tens_insight.database_identity in {describe(connection)} holds {len(rows)} rows, "
            "expected one. Run `tens-insight db init`, which makes it; models that were trained "
            "before are then those of another database, see docs/state.md."
        )
    return DatabaseIdentity(rows[0][0], describe(connection))
