"""The execution properties of a component, as its config and its other parameters give them."""

from typing import Any

from components.config import CONFIG, as_parameter


def exec_properties(config: Any, **others: Any) -> dict[str, Any]:
    """Returns what the executor of a component is given.

    Args:
        config: Of the component.
        **others: Its other parameters.
    """
    return {CONFIG: as_parameter(config), **others}
