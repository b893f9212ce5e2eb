"""Reads what artifacts say of themselves."""

from typing import Any

from tfx import types


def custom_properties(artifact: types.Artifact) -> dict[str, Any]:
    """Returns an artifact's custom properties as plain strings and numbers."""
    facts = {}
    for name, value in artifact.mlmd_artifact.custom_properties.items():
        kind = value.WhichOneof("value")
        if kind in ("string_value", "int_value", "double_value", "bool_value"):
            facts[name] = getattr(value, kind)
    return facts
