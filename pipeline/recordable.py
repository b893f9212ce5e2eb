"""What ML Metadata cannot record on Postgres is refused before a run begins."""

from collections.abc import Iterator
from typing import Any

from components.postgres.connection import metadata_address
from pipeline.settings import ConfigurationInvalid


def require_recordable(pipeline: Any) -> None:
    """Refuses properties of nodes that hold a backslash, where ML Metadata is in Postgres.

    ML Metadata 1.16 quotes them wrongly there, and the run would end in an SQL error. A
    backslash comes from JSON, too, which writes quotes and letters outside ASCII with it.

    Args:
        pipeline: As compiled.

    Raises:
        ConfigurationInvalid: Names the node, the property and the setting's way out.
    """
    if metadata_address() is None:
        return
    for node, name in _with_backslash(pipeline):
        raise ConfigurationInvalid(
            f"Property {name} of node {node} holds a backslash, or a quote or a letter outside "
            "ASCII that JSON writes with one, and ML Metadata cannot record that on Postgres. "
            "Change the setting it comes from (`tens-insight explain-config` lists them), or "
            "unset METADATA_DATABASE_URL to keep ML Metadata in the state directory."
        )


def _with_backslash(pipeline: Any) -> Iterator[tuple[str, str]]:
    for node in pipeline.nodes:
        for name, value in node.pipeline_node.parameters.parameters.items():
            if "\\" in value.field_value.string_value:
                yield node.pipeline_node.node_info.id, name
