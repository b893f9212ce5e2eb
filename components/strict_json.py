"""JSON that every reader takes: what is no number is null."""

import json
import math
from collections.abc import Mapping
from typing import Any


def strict_json(value: Mapping[str, Any]) -> str:
    """Returns JSON without NaN and infinity, which the standard does not know.

    Args:
        value: Of plain values, mappings, lists and tuples.
    """
    return json.dumps(_plain(value), indent=1, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
