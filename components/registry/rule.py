"""The champion rule, a pure function of judged models and the acts of people.

1. The pinned model, while a pin lasts.
2. Else the newest of the others, by the moment it was blessed or last promoted.

A model that is not blessed or that is withdrawn is never champion, whatever was pinned
or promoted: the rule holds for any sequence of acts, also for one that our own commands
would have refused.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

PROMOTE: Final = "promote"
WITHDRAW: Final = "withdraw"
PIN: Final = "pin"
UNPIN: Final = "unpin"
KINDS: Final = (PROMOTE, WITHDRAW, PIN, UNPIN)


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
class Act:
    """What somebody decided about a model.

    Attributes:
        number: Place in the order of all acts, from 1.
        kind: promote, withdraw, pin or unpin.
        version: The model.
        at: Milliseconds since 1970 UTC.
        by: user@host.
        reason: In their words; may be empty.
    """

    number: int
    kind: str
    version: str
    at: int
    by: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Standing:
    """What all acts together come to.

    Attributes:
        withdrawn: The withdrawal of each version that no promotion lifted.
        promoted: The last promotion of each version that no withdrawal followed.
        pin: The last pin, unless an unpin followed.
    """

    withdrawn: dict[str, Act] = field(default_factory=dict)
    promoted: dict[str, Act] = field(default_factory=dict)
    pin: Act | None = None


def standing(acts: Iterable[Act]) -> Standing:
    """Returns what acts come to, taken in the order of their numbers.

    Raises:
        ValueError: If an act is of no kind that we know: then the rule cannot be applied.
    """
    withdrawn: dict[str, Act] = {}
    promoted: dict[str, Act] = {}
    pin: Act | None = None
    for act in sorted(acts, key=lambda act: act.number):
        if act.kind == PROMOTE:
            promoted[act.version] = act
            withdrawn.pop(act.version, None)
        elif act.kind == WITHDRAW:
            withdrawn[act.version] = act
            promoted.pop(act.version, None)
        elif act.kind in (PIN, UNPIN):
            pin = act if act.kind == PIN else None
        else:
            raise ValueError(f"Act {act.number} is {act.kind!r}, expected one of {KINDS}.")
    return Standing(withdrawn, promoted, pin)


def champion(models: Sequence[JudgedModel], acts: Iterable[Act]) -> JudgedModel | None:
    """Returns the champion, None if no model may score."""
    now = standing(acts)
    able = [
        model
        for model in models
        if model.blessed_at is not None and model.version not in now.withdrawn
    ]
    pinned = [model for model in able if now.pin and model.version == now.pin.version]
    candidates = pinned or able
    return max(candidates, key=lambda model: _rank(model, now)) if candidates else None


def _rank(model: JudgedModel, now: Standing) -> tuple[int, int]:
    assert model.blessed_at is not None
    promotion = now.promoted.get(model.version)
    chosen_at = max(model.blessed_at, promotion.at) if promotion else model.blessed_at
    return chosen_at, model.model_id
