"""Are a model's files those that were exported? Asked before anything is made of them."""

from typing import Final

from components.errors import StateUnusable
from components.registry.model_properties import ModelProperties
from serving_model.served.model_hash import saved_model_sha256

FILES_OF_MODEL: Final = "The files of model "
"""How the errors begin: an alert tells by it that the model was the reason."""


def require_exported(path: str, properties: ModelProperties, name: str) -> None:
    """Refuses a model whose files do not have the hash that was recorded when it was exported.

    A changed bit among the weights would else change scores without a word.

    Args:
        path: Folder of its SavedModel.
        properties: What was recorded. A model of somebody else's trainer has no hash, and must
            only be there.
        name: Its version, or what else names it.

    Raises:
        StateUnusable: Its files are gone, or differ from what was exported.
    """
    recorded = properties.saved_model_sha256
    try:
        found = saved_model_sha256(path)
    except (ValueError, OSError):
        raise StateUnusable(
            f"{FILES_OF_MODEL}{name} are gone: nothing to read in {path}. {way_out(name)}"
        ) from None
    if recorded and found != recorded:
        raise StateUnusable(
            f"{FILES_OF_MODEL}{name} in {path} are not those that were exported: their SHA-256 "
            f"is {found[:12]}..., recorded was {recorded[:12]}.... {way_out(name)}"
        )


def way_out(name: str) -> str:
    """Says what to do about a model that cannot be used."""
    return (
        "Restore its folder from a backup; or do without it: `tens-insight models withdraw "
        f'{name} --reason "its files are damaged"`. Then the champion before it scores, if there '
        "is one, and `tens-insight run train` trains a new one, compared with that one or with "
        "none."
    )
