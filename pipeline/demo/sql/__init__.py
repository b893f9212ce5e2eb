"""The statements of the simulated world, one .sql file each."""

from importlib import resources


def load_sql(name: str) -> str:
    """Returns the text of `name`.sql in this folder."""
    return (resources.files(__name__) / f"{name}.sql").read_text(encoding="utf-8")
