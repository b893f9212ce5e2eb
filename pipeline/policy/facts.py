"""What the policy looks at, and decides by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from components.registry.policy_acts import PolicyActProperties
from components.registry.stages import PROMOTE, WITHDRAW, StageTransition
from pipeline.policy.unlike_settings import UnlikeSetting
from serving_model.evaluation.sequential import Sequential

POLICY: Final = "policy"
"""Who decided, in the log of transitions: "policy (user@host)"."""
TRAIN: Final = "train"


@dataclass(frozen=True)
class KnownModel:
    """A model that the policy speaks of.

    Attributes:
        version: Its name.
        as_of: The now of its training run, UTC; None for a model of another trainer.
        label_source: What it learnt from.
        horizon_days: Of its windows; 0 where nobody recorded it.
        kept_by: Who promoted it after the policy had withdrawn it; empty if nobody did.
    """

    version: str
    as_of: datetime | None = None
    label_source: str = ""
    horizon_days: int = 0
    kept_by: str = ""


@dataclass(frozen=True)
class Drift:
    """A measure of the input with an open alarm."""

    name: str
    opened_at: datetime


@dataclass(frozen=True)
class Performance:
    """The newest realised log-loss of the champion, and what was estimated for it."""

    publication_id: int
    as_of: datetime
    value: float
    low: float
    high: float
    foreseen: float
    foreseen_low: float
    foreseen_high: float

    @property
    def fell(self) -> bool:
        """Whether it is worse than anything that was estimated."""
        return self.low > self.foreseen_high


@dataclass(frozen=True)
class Facts:
    """What is known when the policy decides; moments are UTC.

    Attributes:
        now: Of the run: `as_of`, or the database's clock.
        champion: The model that scores; None if there is none.
        former: The one that would score if the champion, and the second model of a split, were
            withdrawn.
        challenger: The newest model that runs in shadow.
        held_by: What a person decided that keeps stages as they are, a phrase; empty if nothing.
        trained_as_of: The moment of the last training, whether it came to a model or not.
        scored_as_of: The newest moment that scores were published for.
        is_late: Whether they are older than ALERT_RUN_EVERY_HOURS allows.
        unlike: Settings of population and labels that are others than the champion learnt with.
        left: Accounts that left since the champion learnt.
        drift: Alarms about the input that are younger than the champion.
        performance: Of the champion; None before any of its windows has closed.
        against_former: The champion beside the former one; None without one.
        against_champion: The challenger beside the champion; None without one.
        acts: What the policy did so far, oldest first.
    """

    now: datetime
    champion: KnownModel | None = None
    former: KnownModel | None = None
    challenger: KnownModel | None = None
    held_by: str = ""
    trained_as_of: datetime | None = None
    scored_as_of: datetime | None = None
    is_late: bool = False
    unlike: Sequence[UnlikeSetting] = ()
    left: int = 0
    drift: Sequence[Drift] = ()
    performance: Performance | None = None
    against_former: Sequential | None = None
    against_champion: Sequential | None = None
    acts: Sequence[PolicyActProperties] = ()


def kept_by(version: str, transitions: Sequence[StageTransition]) -> str:
    """Returns who promoted a model after the policy had withdrawn it; empty if nobody did."""
    withdrawn = False
    for one in (one for one in transitions if one.version == version):
        own = one.by.startswith(f"{POLICY} (")
        if one.kind == WITHDRAW and own:
            withdrawn = True
        if one.kind == PROMOTE and withdrawn and not own:
            return one.by
    return ""
