"""Texts that ML Metadata can record on any database.

On Postgres, ML Metadata 1.16 quotes a backslash wrongly, and what follows it would be read
as SQL. Texts that come from people or from feedback are therefore written without one.
"""


def without_backslash(text: str) -> str:
    """Writes % and the backslash as URLs do."""
    return text.replace("%", "%25").replace("\\", "%5C")


def with_backslash(text: str) -> str:
    """Reads what without_backslash wrote."""
    return text.replace("%5C", "\\").replace("%25", "%")
