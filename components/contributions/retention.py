"""Which publications keep what their scores are made of: the older, the fewer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

NEWEST: Final = 2
"""Publications that were not undone and are kept whatever their age."""


@dataclass(frozen=True)
class Retention:
    """How long what is kept.

    Attributes:
        days: All publications as of these last days.
        weeks: The first one of each calendar week that began in so many weeks.
        months_for_days: The first one of each calendar month that began in so many days.
    """

    days: int = 8
    weeks: int = 10
    months_for_days: int = 400


@dataclass(frozen=True)
class Dated:
    """A publication that has parts; as_of with a time zone."""

    publication_id: int
    as_of: datetime
    undone: bool


def expired(
    publications: Sequence[Dated],
    rule: Retention,
    *,
    now: datetime | None = None,
    newest: int = NEWEST,
) -> list[int]:
    """Returns the publications that need their parts no more.

    Ages are counted from the newest as_of, so that a database which is scored for past days keeps
    what one of those days would have kept. The first of a week or month stays the first whatever
    comes later, so the same one is kept from its first day to its last. Weeks begin on Monday, UTC.

    Args:
        publications: All that have parts, in any order.
        rule: How long what is kept.
        now: What ages are counted from; the newest as_of if None.
        newest: So many publications that were not undone are kept whatever their age.

    Returns:
        Ids, ascending. Undone ones are kept for the last days alone.
    """
    if not publications:
        return []
    ordered = sorted(publications, key=lambda one: (one.as_of, one.publication_id))
    counted = [one for one in ordered if not one.undone]
    now = now or ordered[-1].as_of
    kept = {one.publication_id for one in ordered if one.as_of > now - timedelta(days=rule.days)}
    kept |= {one.publication_id for one in counted[len(counted) - newest :]} if newest else set()
    for start_of, days in ((_week, 7 * rule.weeks), (_month, rule.months_for_days)):
        firsts: dict[datetime, int] = {}
        for one in counted:
            firsts.setdefault(start_of(one.as_of), one.publication_id)
        # By its beginning: a period ends as a whole, so that no other one becomes its first.
        kept |= {first for start, first in firsts.items() if start > now - timedelta(days=days)}
    return sorted(one.publication_id for one in publications if one.publication_id not in kept)


def _week(moment: datetime) -> datetime:
    day = _day(moment)
    return day - timedelta(days=day.weekday())


def _month(moment: datetime) -> datetime:
    return _day(moment).replace(day=1)


def _day(moment: datetime) -> datetime:
    in_utc = moment.astimezone(timezone.utc)
    return in_utc.replace(hour=0, minute=0, second=0, microsecond=0)
