"""Which model a version means, in full or shortened."""

from collections.abc import Sequence
from typing import Final

from components.errors import UnknownModel, did_you_mean
from components.registry.stages import JudgedModel
from transforms.cold_start_rule import NOTHING_LEARNT, is_rule

_NAMED: Final = 3


def require_known(version: str, models: Sequence[JudgedModel]) -> JudgedModel:
    """Returns the model of a version.

    Args:
        version: Its name, or a beginning that no other has.
        models: All that are known.

    Raises:
        UnknownModel: There is none, or several begin so; names the nearest ones.
    """
    known = {model.version: model for model in sorted(models, key=lambda one: -one.model_id)}
    return known[full_version(version, list(known))]


def full_version(version: str, known: Sequence[str]) -> str:
    """Returns the one known version that is meant.

    Args:
        version: Its name, or a beginning that no other has.
        known: All versions, newest first.

    Raises:
        UnknownModel: There is none, or several begin so; names the nearest ones.
    """
    if version in known:
        return version
    if is_rule(version):
        raise UnknownModel(
            f"{version} names the cold-start rule, which is no model: {NOTHING_LEARNT}. Its card "
            "lies beside the scores that it made; docs/cold-start.md says what it counts, and "
            "`tens-insight models list` what it published."
        )
    begun = [one for one in known if version and one.startswith(version)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        named = ", ".join(begun[:_NAMED]) + (", ..." if len(begun) > _NAMED else "")
        raise UnknownModel(f"{len(begun)} models begin with {version!r}: {named}. Say more of it.")
    if not known:
        raise UnknownModel(
            f"There is no model {version!r}: none was trained yet. Run `tens-insight run train`."
        )
    raise UnknownModel(
        f"There is no model {version!r} among {len(known)}."
        f"{did_you_mean(version, known, 3, 0.5)} `tens-insight models list` shows all."
    )
