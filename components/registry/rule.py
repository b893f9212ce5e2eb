"""The champion rule, a pure function of judged models and of stage transitions.

1. The pinned model, while a pin lasts.
2. Else the newest of the others, by the moment it was blessed or last promoted.

A model that is not blessed or that is withdrawn is never champion, whatever was pinned
or promoted: the rule holds for any sequence of transitions, also for one that our own commands
would have refused.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Final

from components.errors import TransitionRefused, UnknownModel, did_you_mean

PROMOTE: Final = "promote"
WITHDRAW: Final = "withdraw"
PIN: Final = "pin"
UNPIN: Final = "unpin"
APPROVE: Final = "approve"
REJECT: Final = "reject"
SIGNATURES: Final = (APPROVE, REJECT)
"""What reviewers sign: it is kept with the transitions, and changes no stage."""
KINDS: Final = (PROMOTE, WITHDRAW, PIN, UNPIN, *SIGNATURES)
_NEED_BLESSING: Final = {PROMOTE: "promoted", PIN: "pinned", APPROVE: "approved"}
_NAMED: Final = 3


@dataclass(frozen=True)
class JudgedModel:
    """A model and the gate's decision on it.

    Attributes:
        version: Its name.
        model_id: Of its artifact; a later model has a higher one.
        judged: Whether the gate decided at all.
        blessed_at: When the gate blessed it, milliseconds since 1970 UTC; None if it did not.
    """

    version: str
    model_id: int
    judged: bool
    blessed_at: int | None


@dataclass(frozen=True)
class StageTransition:
    """What somebody decided about a model: promotion, withdrawal, pin or its end, signature.

    Attributes:
        number: Place in the order of all transitions, from 1.
        kind: promote, withdraw, pin, unpin, approve or reject.
        version: The model.
        at: Milliseconds since 1970 UTC.
        by: user@host; before it, of a signature, the name that was signed with.
        reason: In their words; may be empty.
    """

    number: int
    kind: str
    version: str
    at: int
    by: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Stages:
    """Which models are promoted, withdrawn and pinned, after all transitions.

    Attributes:
        withdrawn: The withdrawal of each version that no promotion lifted.
        promoted: The last promotion of each version that no withdrawal followed.
        pin: The last pin, unless an unpin followed.
    """

    withdrawn: dict[str, StageTransition] = field(default_factory=dict)
    promoted: dict[str, StageTransition] = field(default_factory=dict)
    pin: StageTransition | None = None


def stages_after(transitions: Iterable[StageTransition]) -> Stages:
    """Returns the stages of models after transitions, taken in the order of their numbers.

    Raises:
        ValueError: If a transition is of no kind that we know: then the rule cannot be applied.
    """
    withdrawn: dict[str, StageTransition] = {}
    promoted: dict[str, StageTransition] = {}
    pin: StageTransition | None = None
    for transition in sorted(transitions, key=lambda transition: transition.number):
        if transition.kind == PROMOTE:
            promoted[transition.version] = transition
            withdrawn.pop(transition.version, None)
        elif transition.kind == WITHDRAW:
            withdrawn[transition.version] = transition
            promoted.pop(transition.version, None)
        elif transition.kind in (PIN, UNPIN):
            pin = transition if transition.kind == PIN else None
        elif transition.kind not in SIGNATURES:
            raise ValueError(
                f"Transition {transition.number} is {transition.kind!r}, expected one of {KINDS}."
            )
    return Stages(withdrawn, promoted, pin)


def champion(
    models: Sequence[JudgedModel], transitions: Iterable[StageTransition]
) -> JudgedModel | None:
    """Returns the champion, None if no model may score."""
    now = stages_after(transitions)
    able = [
        model
        for model in models
        if model.blessed_at is not None and model.version not in now.withdrawn
    ]
    pinned = [model for model in able if now.pin and model.version == now.pin.version]
    candidates = pinned or able
    return max(candidates, key=lambda model: _rank(model, now)) if candidates else None


def _rank(model: JudgedModel, now: Stages) -> tuple[int, int]:
    assert model.blessed_at is not None
    promotion = now.promoted.get(model.version)
    chosen_at = max(model.blessed_at, promotion.at) if promotion else model.blessed_at
    return chosen_at, model.model_id


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


def require_possible(
    kind: str, version: str, models: Sequence[JudgedModel], transitions: Sequence[StageTransition]
) -> None:
    """Refuses a transition that would contradict the gate or a transition that still holds.

    Args:
        kind: One of KINDS.
        version: The model; for unpin the one that is pinned, empty if none is.
        models: All that are known.
        transitions: All so far.

    Raises:
        UnknownModel: No model has that version.
        TransitionRefused: Says what stands against it, and what to do.
    """
    now = stages_after(transitions)
    if kind == UNPIN:
        if now.pin is None:
            raise TransitionRefused("No model is pinned, so there is nothing to unpin.")
        return
    model = require_known(version, models)
    version = model.version
    if kind in _NEED_BLESSING:
        _require_blessed(kind, model)
    if kind == PIN:
        _require_pinnable(version, now)
    if kind == WITHDRAW:
        _require_withdrawable(version, now)


def _require_blessed(kind: str, model: JudgedModel) -> None:
    if model.blessed_at is not None:
        return
    what = "was not blessed" if model.judged else "was not judged: its training run did not get far"
    raise TransitionRefused(
        f"Model {model.version} {what}, and nothing unblessed is ever published, so it cannot "
        f"be {_NEED_BLESSING[kind]}. `tens-insight models show "
        f"{model.version}` says why; `tens-insight models list` shows the blessed ones."
    )


def _require_pinnable(version: str, now: Stages) -> None:
    if version in now.withdrawn:
        raise TransitionRefused(
            f"Model {version} was withdrawn ({_told(now.withdrawn[version])}). Lift that first: "
            f"`tens-insight models promote {version}`, then pin it."
        )
    if now.pin and now.pin.version == version:
        raise TransitionRefused(f"Model {version} is pinned already ({_told(now.pin)}).")


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
