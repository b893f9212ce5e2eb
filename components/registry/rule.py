"""Which models score, a pure function of judged models and of stage transitions.

The champion rule:

1. The pinned model, while a pin lasts.
2. Else, while a split lasts, its first model, or the second where the first may not score.
3. Else the newest of the others, by the moment it was blessed, accepted or last promoted.

A model that was blessed into shadow is none of them until it is promoted or pinned. One that is
withdrawn, or that is neither blessed nor accepted, is never champion, whatever was pinned or
promoted: the rule holds for any sequence of transitions, also for one that our own commands would
have refused. Accepted counts of a model only that the gate refused for lack of evidence alone.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from components.registry.stages import JudgedModel, Stages, StageTransition, stages_after

PINNED_SHADOW: Final = "pinned"
FORMER_CHAMPION: Final = "former champion"
NEWEST_CHALLENGER: Final = "newest challenger"
SHADOW_ROLES: Final = (PINNED_SHADOW, FORMER_CHAMPION, NEWEST_CHALLENGER)
"""Why a model scores in shadow; where fewer are wanted than there are, the first ones do."""


def champion(
    models: Sequence[JudgedModel], transitions: Iterable[StageTransition]
) -> JudgedModel | None:
    """Returns the champion, None if no model may score."""
    now = stages_after(transitions)
    able = [model for model in models if is_able(model, now)]
    pinned = [model for model in able if now.pin and model.version == now.pin.version]
    candidates = pinned or _first_of_split(able, now) or able
    return max(candidates, key=lambda model: _rank(model, now)) if candidates else None


def _first_of_split(able: Sequence[JudgedModel], now: Stages) -> list[JudgedModel]:
    """Returns the first model of the split that may score; nothing without a split."""
    named = (now.split.version, now.split.other) if now.split else ()
    found = [model for version in named for model in able if model.version == version]
    return found[:1]


def _rank(model: JudgedModel, now: Stages) -> tuple[int, int]:
    since = publishable_since(model, now)
    assert since is not None
    promotion = now.promoted.get(model.version)
    return max(since, promotion.at) if promotion else since, model.model_id


def publishable_since(model: JudgedModel, now: Stages) -> int | None:
    """Returns when the gate blessed a model, or a person accepted it; None if neither did.

    Returns:
        Milliseconds since 1970 UTC.
    """
    if model.blessed_at is not None:
        return model.blessed_at
    accepted = now.accepted.get(model.version)
    return accepted.at if accepted is not None and model.acceptable else None


def second_of_split(
    models: Sequence[JudgedModel], transitions: Sequence[StageTransition]
) -> JudgedModel | None:
    """Returns the model that scores a share of the accounts beside the champion.

    None where no split lasts, or one of its models may not score: then the other, which is
    champion, scores all accounts.
    """
    now, leader = stages_after(transitions), champion(models, transitions)
    if now.split is None or leader is None or leader.version != now.split.version:
        return None
    version = now.split.other
    return next(
        (one for one in models if one.version == version and is_able(one, now)),
        None,
    )


def is_able(model: JudgedModel, now: Stages) -> bool:
    """Tells whether a model may score: it may be published, is not withdrawn, nor in shadow."""
    if publishable_since(model, now) is None or model.version in now.withdrawn:
        return False
    chosen = [now.pin.version] if now.pin else []
    chosen += [now.split.version, now.split.other] if now.split else []
    return not model.in_shadow or model.version in (*now.promoted, *chosen)


def former_champion(
    models: Sequence[JudgedModel], transitions: Sequence[StageTransition]
) -> JudgedModel | None:
    """Returns who would be champion if the models that are published were withdrawn.

    These are the champion and, while a split lasts, its second model.
    """
    return champion(_not_published(models, transitions), transitions)


def _not_published(
    models: Sequence[JudgedModel], transitions: Sequence[StageTransition]
) -> list[JudgedModel]:
    leader, second = champion(models, transitions), second_of_split(models, transitions)
    published = {one.version for one in (leader, second) if one is not None}
    return [one for one in models if one.version not in published]


def shadow_models(
    models: Sequence[JudgedModel], transitions: Sequence[StageTransition]
) -> dict[str, JudgedModel]:
    """Returns the models that may score in shadow, by their role, each once.

    - pinned: the one that a person named, blessed or not.
    - former champion: as `former_champion` says.
    - newest challenger: the newest model that is younger than the champion and not withdrawn;
      one that was blessed into shadow before others.

    Args:
        models: All that are known.
        transitions: All so far.
    """
    now, leader = stages_after(transitions), champion(models, transitions)
    others = _not_published(models, transitions)
    oldest = leader.model_id if leader is not None else None
    young = [
        one
        for one in others
        if oldest is not None and one.model_id > oldest and one.version not in now.withdrawn
    ]
    wanted = {
        PINNED_SHADOW: next(
            (one for one in others if now.shadow and one.version == now.shadow.version), None
        ),
        FORMER_CHAMPION: former_champion(models, transitions),
        NEWEST_CHALLENGER: max(young, key=_as_challenger) if young else None,
    }
    found: dict[str, JudgedModel] = {}
    for role in SHADOW_ROLES:
        one = wanted[role]
        if one is not None and one.version not in {two.version for two in found.values()}:
            found[role] = one
    return found


def _as_challenger(model: JudgedModel) -> tuple[bool, int]:
    return bool(model.blessed_at and model.in_shadow), model.model_id


def shadowed(
    models: Sequence[JudgedModel], transitions: Iterable[StageTransition]
) -> list[JudgedModel]:
    """Returns the models that are blessed and run in shadow, newest first."""
    now = stages_after(transitions)
    found = [
        model
        for model in models
        if model.blessed_at is not None
        and model.version not in now.withdrawn
        and not is_able(model, now)
    ]
    return sorted(found, key=lambda model: -model.model_id)
