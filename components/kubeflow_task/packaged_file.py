"""Names files of installed packages so that every machine finds its own copy."""

from importlib import resources
from typing import Any, Final

_SCHEME: Final = "package://"


def reference(package: str, file: str) -> str:
    """Returns a name for a file of a package, such as package://transforms.schema/schema.pbtxt."""
    return f"{_SCHEME}{package}/{file}"


def resolved(value: Any) -> Any:
    """Returns the path that such a name means here; anything else as it is."""
    if not isinstance(value, str) or not value.startswith(_SCHEME):
        return value
    package, _, file = value.removeprefix(_SCHEME).partition("/")
    return str(resources.files(package) / file)
