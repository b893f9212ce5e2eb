"""Names of tables as settings give them: "table" or "schema.table", exactly as they are."""

from psycopg2 import sql

from components.errors import ContractBroken


def split_table_name(table: str) -> tuple[str | None, str]:
    """Returns (schema or None, table), each in the case that it is written in.

    Raises:
        ContractBroken: The name is empty or has more than two parts.
    """
    parts = table.split(".")
    if len(parts) > 2 or not all(parts):
        raise ContractBroken(
            f"{table!r} is not the name of a table. Expected table or schema.table."
        )
    return (parts[0], parts[1]) if len(parts) == 2 else (None, parts[0])


def table_identifier(table: str) -> sql.Identifier:
    """Returns the quoted name of a table, for psycopg2.sql.

    Raises:
        ContractBroken: As split_table_name does.
    """
    schema, name = split_table_name(table)
    return sql.Identifier(schema, name) if schema else sql.Identifier(name)
