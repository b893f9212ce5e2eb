"""Records what is decided about models, and says who is champion after that."""

import socket
import time
from dataclasses import dataclass
from typing import Final

from components.errors import DatabaseUnreachable, TransitionRefused, UnknownModel
from components.publishing.lock import user_name
from components.registry import transitions as log
from components.registry.possible import require_possible
from components.registry.rule import champion
from components.registry.stages import StageTransition, stages_after
from components.registry.versions import require_known
from pipeline.registry.registry import Registry

_TRIES: Final = 5


@dataclass(frozen=True)
class Outcome:
    """What a transition changed.

    Attributes:
        transition: As recorded.
        before: Version of the champion before it; None if there was none.
        after: Version of the champion now; None if there is none.
        pinned: Version that is pinned now; None if none is.
    """

    transition: StageTransition
    before: str | None
    after: str | None
    pinned: str | None


def decide(
    registry: Registry,
    kind: str,
    version: str = "",
    reason: str = "",
    *,
    name: str = "",
    other: str = "",
    share: float = 0.0,
) -> Outcome:
    """Records a transition on a model; it counts from the next node that resolves the champion.

    Args:
        registry: Where it is recorded.
        kind: One of KINDS.
        version: The model, or a beginning that no other has; for what ends something, such as
            unpin, the one that it ends for.
        reason: Why, in words.
        name: Who signs, for approve and reject.
        other: The second model of a split, likewise.
        share: Of the accounts that the second one scores.

    Raises:
        UnknownModel: No model has that version.
        TransitionRefused: The transition contradicts the gate or a transition that still holds.
        RegistryInconsistent: Two models have one version.
        DatabaseUnreachable: Another process kept ML Metadata locked.
    """
    if registry.store is None:
        raise UnknownModel("No run was ever recorded here, so there is no model to decide about.")
    for _ in range(_TRIES):
        try:
            return _recorded(registry, kind, version, reason, name, other, share)
        except log.NumberTaken:
            continue  # Somebody decided at the same moment: does ours still make sense?
    raise TransitionRefused(
        f"Others decided about models {_TRIES} times while this was tried, and nothing was "
        "recorded. See `tens-insight models list`, then try again."
    )


def _recorded(
    registry: Registry,
    kind: str,
    version: str,
    reason: str,
    name: str,
    other: str,
    share: float,
) -> Outcome:
    """Records the transition if it makes sense with what others have decided by now."""
    models, so_far = registry.judged(), registry.transitions()
    require_possible(kind, version, models, so_far, other)
    begun = stages_after(so_far).begun(kind)
    transition = StageTransition(
        number=so_far[-1].number + 1 if so_far else 1,
        kind=kind,
        version=begun.version if begun else require_known(version, models).version,
        other=begun.other if begun else require_known(other, models).version if other else "",
        share=begun.share if begun else share,
        at=time.time_ns() // 1_000_000,
        by=f"{name} ({actor()})" if name else actor(),
        reason=reason.strip(),
    )
    try:
        log.append_transition(registry.store, transition)
    except log.StoreBusy:
        raise DatabaseUnreachable(
            "Nothing was recorded: another process, such as a run, is writing to ML Metadata "
            "and did not let go of it. Try again."
        ) from None
    now = [*so_far, transition]
    held = stages_after(now).pin
    before, after = champion(models, so_far), champion(models, now)
    return Outcome(
        transition=transition,
        before=before.version if before else None,
        after=after.version if after else None,
        pinned=held.version if held else None,
    )


def actor() -> str:
    """Returns user@host of this process, as the operating system knows them."""
    return f"{user_name()}@{socket.gethostname()}"
