"""What people and the policy decided about models, and which stages that leaves them in."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

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
ACCEPT: Final = "accept"
"""A person publishes with a model that the gate refused for lack of evidence alone."""
KINDS: Final = (
    *(PROMOTE, WITHDRAW, PIN, UNPIN, ACCEPT),
    *SIGNATURES,
    *(SHADOW, END_SHADOW, SPLIT, END_SPLIT),
)
_END: Final = {UNPIN: PIN, END_SHADOW: SHADOW, END_SPLIT: SPLIT}
_BEGIN: Final = frozenset(_END.values())
ENDS: Final = tuple(_END)
"""Kinds that end what another one began, and name no model of their own."""


@dataclass(frozen=True)
class JudgedModel:
    """A model and the gate's decision on it.

    Attributes:
        version: Its name.
        model_id: Of its artifact; a later model has a higher one.
        judged: Whether the gate decided at all.
        blessed_at: When the gate blessed it, milliseconds since 1970 UTC; None if it did not.
        in_shadow: Whether it was blessed to run in shadow first: it scores once it is promoted.
        acceptable: Whether the gate refused it for lack of evidence alone: a person may accept it.
        unacceptable_because: Of a refused one that nobody may accept, the check that says so.
        judged_beside: Artifact id of the champion that it was compared with; None without one.
    """

    version: str
    model_id: int
    judged: bool
    blessed_at: int | None
    in_shadow: bool = False
    acceptable: bool = False
    unacceptable_because: str = ""
    judged_beside: int | None = None


@dataclass(frozen=True)
class StageTransition:
    """What somebody decided about a model, or about the two of a split.

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
    """What holds after all transitions: who is promoted, withdrawn, pinned, in shadow, in a split.

    Attributes:
        withdrawn: The withdrawal of each version that no promotion lifted.
        promoted: The last promotion of each version that no withdrawal followed.
        pin: The last pin, unless an unpin followed.
        shadow: Which model a person wants in shadow, unless that was ended.
        split: The last split, unless it was ended.
        accepted: The acceptance of each version that a person accepted.
    """

    withdrawn: dict[str, StageTransition] = field(default_factory=dict)
    promoted: dict[str, StageTransition] = field(default_factory=dict)
    pin: StageTransition | None = None
    shadow: StageTransition | None = None
    split: StageTransition | None = None
    accepted: dict[str, StageTransition] = field(default_factory=dict)

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
    accepted: dict[str, StageTransition] = {}
    last: dict[str, StageTransition | None] = {}
    for transition in sorted(transitions, key=lambda transition: transition.number):
        if transition.kind == PROMOTE:
            promoted[transition.version] = transition
            withdrawn.pop(transition.version, None)
        elif transition.kind == WITHDRAW:
            withdrawn[transition.version] = transition
            promoted.pop(transition.version, None)
        elif transition.kind == ACCEPT:
            accepted[transition.version] = transition
        elif transition.kind in _BEGIN:
            last[transition.kind] = transition
        elif transition.kind in _END:
            last[_END[transition.kind]] = None
        elif transition.kind not in SIGNATURES:
            raise ValueError(
                f"Transition {transition.number} is {transition.kind!r}, expected one of {KINDS}."
            )
    lasting = (last.get(PIN), last.get(SHADOW), last.get(SPLIT))
    return Stages(withdrawn, promoted, *lasting, accepted)
