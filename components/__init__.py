"""The TFX components of Tens-Insight and the database room they share.

The artifact types can be had from here as well: on Kubeflow and Vertex the title of a type
is the path it is imported by, and must have the form room.Type.
"""

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    """Imports an artifact type when it is asked for, since that loads TFX.

    Raises:
        AttributeError: There is no such type.
    """
    if name[:1].isupper():
        return getattr(importlib.import_module("components.registry.artifacts"), name)
    raise AttributeError(f"module 'components' has no attribute {name!r}")
