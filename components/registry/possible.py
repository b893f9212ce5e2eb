"""Which stage transitions are refused, and what to do instead."""

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Final

from components.errors import TransitionRefused
from components.registry.rule import champion, publishable_since, second_of_split
from components.registry.stages import (
    ACCEPT,
    APPROVE,
    END_SHADOW,
    END_SPLIT,
    ENDS,
    PIN,
    PROMOTE,
    SHADOW,
    SPLIT,
    UNPIN,
    WITHDRAW,
    JudgedModel,
    Stages,
    StageTransition,
    stages_after,
)
from components.registry.versions import require_known

_NEED_BLESSING: Final = {PROMOTE: "promoted", PIN: "pinned", APPROVE: "approved", SPLIT: "split"}


def require_possible(
    kind: str,
    version: str,
    models: Sequence[JudgedModel],
    transitions: Sequence[StageTransition],
    other: str = "",
) -> None:
    """Refuses a transition that would contradict the gate or a transition that still holds.

    Args:
        kind: One of KINDS.
        version: The model; for one of ENDS the one that is pinned, empty if none is.
        models: All that are known.
        transitions: All so far.
        other: Of a split the second model.

    Raises:
        UnknownModel: No model has that version.
        TransitionRefused: Says what stands against it, and what to do.
    """
    now = stages_after(transitions)
    if kind in ENDS:
        _require_begun(kind, now)
        return
    model = require_known(version, models)
    version = model.version
    if kind in _NEED_BLESSING:
        _require_blessed(kind, model, now)
    if kind == ACCEPT:
        _require_acceptable(model, models, transitions)
    if kind == PIN:
        _require_pinnable(version, now)
    if kind == WITHDRAW:
        _require_withdrawable(version, now)
    if kind == SHADOW:
        _require_shadow(version, models, transitions)
    if kind == SPLIT:
        second = require_known(other, models)
        _require_blessed(kind, second, now)
        _require_divisible(version, second.version, now)


def _require_shadow(
    version: str, models: Sequence[JudgedModel], transitions: Sequence[StageTransition]
) -> None:
    now, leader = stages_after(transitions), champion(models, transitions)
    if now.shadow and now.shadow.version == version:
        raise TransitionRefused(f"Model {version} is in shadow already ({_told(now.shadow)}).")
    if leader is not None and leader.version == version:
        raise TransitionRefused(
            f"Model {version} is the champion: what it says is published, and needs no shadow."
        )
    second = second_of_split(models, transitions)
    if now.split and second is not None and second.version == version:
        raise TransitionRefused(
            f"Model {version} scores a share of the accounts already ({_told(now.split)}); what it "
            "says of the others is kept in shadow."
        )


def _require_begun(kind: str, now: Stages) -> None:
    if kind == UNPIN and now.pin is None:
        raise TransitionRefused("No model is pinned, so there is nothing to unpin.")
    if kind == END_SHADOW and now.shadow is None:
        raise TransitionRefused(
            "Nobody put a model in shadow, so there is nothing to end: the former champion and the "
            "newest challenger are there by themselves, as TENS_INSIGHT_SHADOW_MODELS says."
        )
    if kind == END_SPLIT and now.split is None:
        raise TransitionRefused("No split lasts, so there is nothing to end.")


def _require_divisible(version: str, other: str, now: Stages) -> None:
    if version == other:
        raise TransitionRefused(
            f"Both models of the split are {version}: expected two. `tens-insight models list` "
            "shows all."
        )
    if now.split is not None:
        raise TransitionRefused(
            f"Models {now.split.version} and {now.split.other} share the accounts already "
            f"({_told(now.split)}). End that first: `tens-insight models split --end`."
        )
    if now.pin is not None:
        raise TransitionRefused(
            f"Model {now.pin.version} is pinned ({_told(now.pin)}), and scores all accounts. Unpin "
            "it first: `tens-insight models unpin`, then split."
        )
    for one in (version, other):
        if one in now.withdrawn:
            raise TransitionRefused(
                f"Model {one} was withdrawn ({_told(now.withdrawn[one])}). Lift that first: "
                f"`tens-insight models promote {one}`, then split."
            )


def _lifting(version: str, now: Stages) -> str:
    if version in now.accepted:
        return f"It was before: `tens-insight models promote {version}` lifts the withdrawal."
    return "`tens-insight run train` trains another one."


_NOT_JUDGED: Final = "was not judged: its training run did not get far"


def _require_blessed(kind: str, model: JudgedModel, now: Stages) -> None:
    if publishable_since(model, now) is not None:
        return
    what = "was not blessed" if model.judged else _NOT_JUDGED
    way_out = (
        f"It lacks evidence alone: `tens-insight models accept {model.version} --reason WHY` "
        "publishes with it."
        if model.acceptable
        else f"`tens-insight models show {model.version}` says why; `tens-insight models list` "
        "shows the blessed ones."
    )
    raise TransitionRefused(
        f"Model {model.version} {what}, and only what was blessed or accepted is ever published, "
        f"so it cannot be {_NEED_BLESSING[kind]}. {way_out}"
    )


def _require_acceptable(
    model: JudgedModel, models: Sequence[JudgedModel], transitions: Sequence[StageTransition]
) -> None:
    """Refuses to publish with a model that is worse, ranks by chance, or was never compared."""
    now, leader, version = stages_after(transitions), champion(models, transitions), model.version
    if version in now.withdrawn:
        raise TransitionRefused(
            f"Model {version} was withdrawn ({_told(now.withdrawn[version])}): it cannot be "
            f"accepted. {_lifting(version, now)}"
        )
    if model.blessed_at is not None:
        raise TransitionRefused(
            f"Model {version} was blessed, and needs no acceptance: `tens-insight models promote "
            f"{version}` makes it champion."
        )
    if version in now.accepted:
        raise TransitionRefused(
            f"Model {version} is accepted already ({_told(now.accepted[version])})."
        )
    if not model.judged:
        raise TransitionRefused(f"Model {version} {_NOT_JUDGED}. Nothing is known of it: train.")
    if not model.acceptable:
        why = model.unacceptable_because or "the gate did not record that it lacks evidence alone"
        raise TransitionRefused(
            f"Model {version} cannot be accepted: {why}. A person may accept a model that lacks "
            "evidence alone: none that is behind the champion, or a baseline beyond chance, whose "
            "ranking may be chance, or whose probabilities are off."
        )
    if leader is not None and leader.model_id != model.judged_beside:
        raise TransitionRefused(
            f"Model {version} cannot be accepted: the gate never compared it with the champion "
            f"{leader.version}, so it may be worse. `tens-insight run train` judges a new model "
            "beside the champion."
        )


def _require_pinnable(version: str, now: Stages) -> None:
    if version in now.withdrawn:
        raise TransitionRefused(
            f"Model {version} was withdrawn ({_told(now.withdrawn[version])}). Lift that first: "
            f"`tens-insight models promote {version}`, then pin it."
        )
    if now.pin and now.pin.version == version:
        raise TransitionRefused(f"Model {version} is pinned already ({_told(now.pin)}).")
    if now.split is not None:
        raise TransitionRefused(
            f"Models {now.split.version} and {now.split.other} share the accounts "
            f"({_told(now.split)}). End that first: `tens-insight models split --end`, then pin."
        )


def _require_withdrawable(version: str, now: Stages) -> None:
    if version in now.withdrawn:
        raise TransitionRefused(
            f"Model {version} is withdrawn already ({_told(now.withdrawn[version])})."
        )
    if now.pin and now.pin.version == version:
        raise TransitionRefused(
            f"Model {version} is pinned ({_told(now.pin)}). Unpin it first: "
            f"`tens-insight models unpin`, then withdraw it."
        )


def _told(transition: StageTransition) -> str:
    moment = datetime.fromtimestamp(transition.at / 1000, timezone.utc)
    reason = f": {transition.reason}" if transition.reason else ""
    return f"by {transition.by} at {moment:%Y-%m-%d %H:%M} UTC{reason}"
