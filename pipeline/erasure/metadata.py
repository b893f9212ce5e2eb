"""Takes an account's id out of the texts that ML Metadata keeps of artifacts and runs."""

import re
from typing import Any

from components.publishing.erasure import FORGOTTEN
from pipeline.erasure.names import word_pattern


def erase_from_metadata(store: Any, account_id: str) -> int:
    """Replaces the id in properties of artifacts and executions.

    Args:
        store: As `open_store` returns it.
        account_id: Byte for byte.

    Returns:
        How many artifacts and executions were changed.
    """
    pattern = re.compile(word_pattern(account_id))
    artifacts = [one for one in store.get_artifacts() if _cleaned(one, pattern)]
    executions = [one for one in store.get_executions() if _cleaned(one, pattern)]
    store.put_artifacts(artifacts)
    store.put_executions(executions)
    return len(artifacts) + len(executions)


def _cleaned(node: Any, pattern: re.Pattern[str]) -> bool:
    found = False
    for properties in (node.properties, node.custom_properties):
        for name in properties:
            if properties[name].WhichOneof("value") != "string_value":
                continue
            text, count = pattern.subn(FORGOTTEN, properties[name].string_value)
            if count:
                properties[name].string_value = text
                found = True
    return found
