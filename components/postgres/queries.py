"""Named queries: each package keeps its SQL in one file, `queries.sql`, beside its Python."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def queries(package: str) -> Mapping[str, str]:
    """Returns the queries of a package's `queries.sql`, by name.

    Each one begins with a line `-- name: its_name` and ends before the next such line, as in
    procrastinate's sql/queries.sql.

    Args:
        package: Dotted name of the package; `__package__` for the caller's own.
    """
    return named_queries((resources.files(package) / "queries.sql").read_text(encoding="utf-8"))


def named_queries(text: str) -> Mapping[str, str]:
    """Returns the queries in the text of a `queries.sql`, by name."""
    _, *parts = _NAME.split(text)
    return dict(zip(parts[::2], parts[1::2], strict=True))
