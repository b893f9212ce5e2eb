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
    for node, name, text in _texts(pipeline):
        require_no_backslash(
            node, name, text, "unset METADATA_DATABASE_URL to keep it in the state directory"
        )


def require_no_backslash(node: str, name: str, text: str, otherwise: str) -> None:
    """Refuses a property that ML Metadata cannot record on Postgres.

    Args:
        node: Whose it is.
        name: Of the property.
        text: Its value.
        otherwise: What may be done in place of changing the setting.

    Raises:
        ConfigurationInvalid: It holds a backslash.
    """
    if "\\" in text:
        raise ConfigurationInvalid(
            f"Property {name} of node {node} holds a backslash, or a quote or a letter outside "
            "ASCII that JSON writes with one, and ML Metadata cannot record that on Postgres. "
            "Change the setting it comes from (`tens-insight explain-config` lists them), or "
            f"{otherwise}."
        )


def _texts(pipeline: Any) -> Iterator[tuple[str, str, str]]:
    for node in pipeline.nodes:
        for name, value in node.pipeline_node.parameters.parameters.items():
            yield node.pipeline_node.node_info.id, name, value.field_value.string_value
