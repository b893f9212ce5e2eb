"""The champion rule, a pure function of judged models and of stage transitions.

1. The pinned model, while a pin lasts.
2. Else, while a split lasts, its first model, or the second where the first may not score.
3. Else the newest of the others, by the moment it was blessed or last promoted.

A model that was blessed into shadow is none of them until it is promoted or pinned. One that is
not blessed or that is withdrawn is never champion, whatever was pinned or promoted: the rule holds
for any sequence of transitions, also for one that our own commands would have refused.
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
SHADOW: Final = "shadow"
END_SHADOW: Final = "end shadow"
"""A model that scores beside the champion and is never published, by the wish of a person."""
SPLIT: Final = "split"
END_SPLIT: Final = "end split"
"""Two models that share the accounts."""
KINDS: Final = (
    *(PROMOTE, WITHDRAW, PIN, UNPIN),
    *SIGNATURES,
    *(SHADOW, END_SHADOW, SPLIT, END_SPLIT),
)
_NEED_BLESSING: Final = {PROMOTE: "promoted", PIN: "pinned", APPROVE: "approved", SPLIT: "split"}
_END: Final = {UNPIN: PIN, END_SHADOW: SHADOW, END_SPLIT: SPLIT}
_BEGIN: Final = frozenset(_END.values())
ENDS: Final = tuple(_END)
"""Kinds that end what another one began, and name no model of their own."""
_NAMED: Final = 3


@dataclass(frozen=True)
class JudgedModel:
    """A model and the gate's decision on it.

    Attributes:
        version: Its name.
        model_id: Of its artifact; a later model has a higher one.
        judged: Whether the gate decided at all.
        blessed_at: When the gate blessed it, milliseconds since 1970 UTC; None if it did not.
        in_shadow: Whether it was blessed to run in shadow first: it scores once it is promoted.
    """

    version: str
    model_id: int
    judged: bool
    blessed_at: int | None
    in_shadow: bool = False


@dataclass(frozen=True)
class StageTransition:
    """What somebody decided about a model: promotion, withdrawal, pin or its end, signature.

    Attributes:
        number: Place in the order of all transitions, from 1.
        kind: One of KINDS.
        version: The model; of a split the first one.
        at: Milliseconds since 1970 UTC.
        by: user@host; before it, of a signature, the name that was signed with.
        reason: In their words; may be empty.
        other: Of a split the second model; else empty.
        share: Of a split the share of the accounts that the second model scores, ]0, 1[.
    """

    number: int
    kind: str
    version: str
    at: int
    by: str = ""
    reason: str = ""
    other: str = ""
    share: float = 0.0

    @property
    def salt(self) -> str:
        """Begins what is hashed to divide accounts: no other split or holdout has it."""
        return f"split-{self.number}-{self.at}"


@dataclass(frozen=True)
class Stages:
    """Which models are promoted, withdrawn and pinned, after all transitions.

    Attributes:
        withdrawn: The withdrawal of each version that no promotion lifted.
        promoted: The last promotion of each version that no withdrawal followed.
        pin: The last pin, unless an unpin followed.
        shadow: Which model a person wants in shadow, unless that was ended.
        split: The last split, unless it was ended.
    """

    withdrawn: dict[str, StageTransition] = field(default_factory=dict)
    promoted: dict[str, StageTransition] = field(default_factory=dict)
    pin: StageTransition | None = None
    shadow: StageTransition | None = None
    split: StageTransition | None = None

    def begun(self, kind: str) -> StageTransition | None:
        """Returns what a transition of one of ENDS would end; None for any other kind."""
        return {UNPIN: self.pin, END_SHADOW: self.shadow, END_SPLIT: self.split}.get(kind)


def stages_after(transitions: Iterable[StageTransition]) -> Stages:
    """Returns the stages of models after transitions, taken in the order of their numbers.

    Raises:
        ValueError: If a transition is of no kind that we know: then the rule cannot be applied.
    """
    withdrawn: dict[str, StageTransition] = {}
    promoted: dict[str, StageTransition] = {}
    last: dict[str, StageTransition | None] = {}
    for transition in sorted(transitions, key=lambda transition: transition.number):
        if transition.kind == PROMOTE:
            promoted[transition.version] = transition
            withdrawn.pop(transition.version, None)
        elif transition.kind == WITHDRAW:
            withdrawn[transition.version] = transition
            promoted.pop(transition.version, None)
        elif transition.kind in _BEGIN:
            last[transition.kind] = transition
        elif transition.kind in _END:
            last[_END[transition.kind]] = None
        elif transition.kind not in SIGNATURES:
            raise ValueError(
                f"Transition {transition.number} is {transition.kind!r}, expected one of {KINDS}."
            )
    return Stages(withdrawn, promoted, last.get(PIN), last.get(SHADOW), last.get(SPLIT))


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
    """Tells whether a model may score: blessed, not withdrawn, and not in shadow until chosen."""
    if model.blessed_at is None or model.version in now.withdrawn:
        return False
    chosen = [now.pin.version] if now.pin else []
    chosen += [now.split.version, now.split.other] if now.split else []
    return not model.in_shadow or model.version in (*now.promoted, *chosen)


PINNED_SHADOW: Final = "pinned"
FORMER_CHAMPION: Final = "former champion"
NEWEST_CHALLENGER: Final = "newest challenger"
SHADOW_ROLES: Final = (PINNED_SHADOW, FORMER_CHAMPION, NEWEST_CHALLENGER)
"""Why a model scores in shadow; where fewer are wanted than there are, the first ones do."""


def shadow_models(
    models: Sequence[JudgedModel], transitions: Sequence[StageTransition]
) -> dict[str, JudgedModel]:
    """Returns the models that may score in shadow, by their role, each once.

    - pinned: the one that a person named, blessed or not.
    - former champion: who would be champion if those that are published were withdrawn.
    - newest challenger: the newest model that is younger than the champion and not withdrawn;
      one that was blessed into shadow before others.

    Args:
        models: All that are known.
        transitions: All so far.
    """
    now, leader = stages_after(transitions), champion(models, transitions)
    second = second_of_split(models, transitions)
    published = {one.version for one in (leader, second) if one is not None}
    others = [one for one in models if one.version not in published]
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
        FORMER_CHAMPION: champion(others, transitions),
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
        _require_blessed(kind, model)
    if kind == PIN:
        _require_pinnable(version, now)
    if kind == WITHDRAW:
        _require_withdrawable(version, now)
    if kind == SHADOW:
        _require_shadow(version, models, transitions)
    if kind == SPLIT:
        second = require_known(other, models)
        _require_blessed(kind, second)
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
