"""Why the mean score changed between two publications, in parts that add up to the change.

With C the accounts in both publications, a before and b after:

    mean(b) - mean(a) = [mean(b) - mean of C in b]     what those that came add
                      + [mean of C in a - mean(a)]     what those that left take away
                      + [mean of C in b - mean of C in a]

and the last one is the mean of the moves of the accounts in both, each divided among the feature
groups as in components/contributions/secants.py. Contributions of two models are measured from
two bases and cannot be compared group by group: then the parts of all steps between the two, as
they were recorded with each publication, are added up, and another model is a part of the steps
at which one began alone. Where the former model scored in shadow at such a step, with q its
probabilities of the accounts in both, the feedback is the mean of q - a, and the model the mean of
b - q.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, get_args

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.contributions.secants import NARROW, parts_by_group
from components.postgres.queries import queries
from components.postgres.rows import one_record, record, records
from serving_model.reasons.factors import LARGEST_PROBABILITY, SMALLEST_PROBABILITY

_QUERIES: Final = queries(__package__)
CARRIERS: Final = 10
SMALLEST: Final = 1e-6
"""Of a probability: parts that add up to a change up to this are its parts."""
PartName = Literal["came", "left", "group", "feedback", "model", "rest"]


class PartsNotKept(ValueError):
    """What the scores of a publication are made of is not kept, or it holds no account."""


@dataclass(frozen=True)
class Side:
    """A publication that is compared.

    Attributes:
        publication_id: In the log.
        as_of: The moment that it speaks of, UTC.
        model_version: That scored it.
        horizon_days: Of its probabilities.
        groups: Feature groups of its contributions; empty without reasons.
        place: Of the horizon among those that are kept, from 1.
    """

    publication_id: int
    as_of: datetime
    model_version: str
    horizon_days: int
    groups: Sequence[str]
    place: int


@dataclass(frozen=True)
class Part:
    """One part of the change of a mean.

    Attributes:
        part: came, left, group, feedback, model or rest.
        feature_group: Of a part `group`; else empty.
        accounts: How many it is made of.
        change: What it adds to the mean; 0.01 is one percent point.
    """

    part: PartName
    feature_group: str
    accounts: int
    change: float


@dataclass(frozen=True)
class Carrier:
    """An account that carries much of the change.

    Attributes:
        account_id: As the database holds it.
        before: Its probability; None if it came.
        after: Its probability; None if it left.
        change: What it adds to the mean.
        groups: What each feature group adds to its own probability; empty where that is not known.
    """

    account_id: str
    before: float | None
    after: float | None
    change: float
    groups: dict[str, float]


@dataclass(frozen=True)
class MeanChange:
    """Why the mean score changed.

    Attributes:
        before: The earlier publication.
        after: The later one.
        accounts: How many accounts each has.
        in_both: How many are in both.
        means: Mean probability of each.
        parts: Add up to the difference of the means.
        carriers: The accounts that carry most, first those that carry more; none where no account
            is in both.
        steps: From how many recorded steps the parts were added up; 1 where the two were compared.
    """

    before: Side
    after: Side
    accounts: tuple[int, int]
    in_both: int
    means: tuple[float, float]
    parts: list[Part]
    carriers: list[Carrier]
    steps: int = 1

    @property
    def change(self) -> float:
        """The difference of the means."""
        return self.means[1] - self.means[0]


@dataclass(frozen=True)
class _FoundSide:
    """A publication; what is not kept is None."""

    publication_id: int
    as_of: datetime
    model_version: str
    horizon_days: int | None
    groups: list[str] | None
    place: int | None


@dataclass(frozen=True)
class Sums:
    """What two publications have in common and what not, as the query change_sums says.

    Attributes:
        accounts_before: Accounts of the former publication.
        accounts_after: Of the later one.
        accounts_in_both: Of both.
        sum_before: Of the former probabilities.
        sum_after: Of the later ones.
        sum_before_in_both: Of the former ones of the accounts in both.
        sum_after_in_both: Of their later ones.
        group_sums: What each shared group adds to these, along the secant of each account.
    """

    accounts_before: int
    accounts_after: int
    accounts_in_both: int
    sum_before: float
    sum_after: float
    sum_before_in_both: float
    sum_after_in_both: float
    group_sums: list[float]


@dataclass(frozen=True)
class _StepRow:
    """As the query steps_between says."""

    publication_id: int
    former_publication_id: int
    part: PartName
    feature_group: str
    accounts: int
    change: float


@dataclass(frozen=True)
class _Shadow:
    """As the query change_by_former_model says."""

    accounts: int
    moved: float


@dataclass(frozen=True)
class _CarrierRow:
    """As the query change_carriers says."""

    account_id: str
    before: float | None
    after: float | None
    change: float
    log_odds_before: list[float] | None
    log_odds_after: list[float] | None


def change_between(cursor: Cursor, before: int, after: int, carriers: int = CARRIERS) -> MeanChange:
    """Divides the change of the mean between any two publications whose parts are kept.

    Args:
        cursor: Of a transaction that sees one state of the database.
        before: Id of the publication from which it changed.
        after: Id of the one to which.
        carriers: How many accounts to name at most.

    Raises:
        PartsNotKept: What the scores of one of them are made of is not kept.
    """
    sides = find_side(cursor, before), find_side(cursor, after)
    found = mean_change(cursor, *sides, carriers)
    if shared_groups(*sides):
        return found
    steps = _recorded_steps(cursor, before, after)
    if len(steps) == 1 and not _adds_up(steps[0], found):
        return found  # accounts were forgotten since
    return replace(found, parts=_added_up(steps), steps=len(steps)) if steps else found


def _adds_up(parts: Sequence[Part], found: MeanChange) -> bool:
    return abs(sum(one.change for one in parts) - found.change) < SMALLEST


def divide_model(cursor: Cursor, found: MeanChange) -> MeanChange:
    """Tells the feedback from another model, where the former one scored the later side in shadow.

    It must have scored all accounts in both, and kept the horizon; else the parts stay as they are.

    Args:
        cursor: Of a transaction that may read the shadow scores.
        found: As mean_change returns it.
    """
    before, after = found.before, found.after
    if before.model_version == after.model_version or before.horizon_days != after.horizon_days:
        return found
    values = {"former_model": before.model_version, "horizon_days": after.horizon_days}
    values |= {"publication_id": after.publication_id}
    cursor.execute(_statement("change_by_former_model", before, after, ()), values)
    shadow = one_record(cursor, _Shadow)
    if shadow.accounts != found.in_both or not shadow.accounts:
        return found
    feedback = Part("feedback", "", shadow.accounts, shadow.moved / shadow.accounts)
    parts = []
    for one in found.parts:
        if one.part == "model":
            parts += [feedback, replace(one, change=one.change - feedback.change)]
        else:
            parts.append(one)
    return replace(found, parts=parts)


def _recorded_steps(cursor: Cursor, before: int, after: int) -> list[list[Part]]:
    """Returns the parts of each step from one publication to another; none if one is missing."""
    cursor.execute(_QUERIES["steps_between"], {"before": before, "after": after})
    steps: dict[int, list[Part]] = {}
    former: dict[int, int] = {}
    for row in records(cursor, _StepRow):
        part = Part(row.part, row.feature_group, row.accounts, row.change)
        steps.setdefault(row.publication_id, []).append(part)
        former[row.publication_id] = row.former_publication_id
    found, at = [], after
    while at in steps:
        found.append(steps[at])
        at = former[at]
    return found if at == before else []


def _added_up(steps: Sequence[Sequence[Part]]) -> list[Part]:
    """Adds parts of one name; of accounts the most that one step had."""
    order = [*get_args(PartName)]
    found: dict[tuple[PartName, str], Part] = {}
    for one in (part for step in reversed(steps) for part in step):
        key = one.part, one.feature_group
        former = found.get(key, Part(*key, 0, 0.0))
        accounts = max(one.accounts, former.accounts)
        found[key] = Part(*key, accounts, former.change + one.change)
    return sorted(found.values(), key=lambda one: order.index(one.part))


def find_side(cursor: Cursor, publication_id: int) -> Side:
    """Finds a publication whose parts are kept.

    Raises:
        PartsNotKept: There is none of this id, or what its scores are made of is not kept.
    """
    cursor.execute(_QUERIES["side_of_change"], {"publication_id": publication_id})
    found = record(cursor, _FoundSide)
    if found is None:
        raise PartsNotKept(
            f"there is no publication {publication_id} of account scores; `tens-insight "
            "publications list --table scores` shows all"
        )
    if found.groups is None or found.horizon_days is None or found.place is None:
        raise PartsNotKept(
            f"what the scores of publication {publication_id} are made of is not kept: it was "
            "never recorded, or is too old (docs/monitoring.md says what is kept how long)"
        )
    return Side(
        found.publication_id,
        found.as_of,
        found.model_version,
        found.horizon_days,
        found.groups,
        found.place,
    )


def kept_groups(cursor: Cursor, publication_id: int) -> list[str]:
    """Returns the feature groups whose contributions are kept of a publication; none without."""
    cursor.execute(_QUERIES["side_of_change"], {"publication_id": publication_id})
    found = record(cursor, _FoundSide)
    return list(found.groups or ()) if found else []


def mean_change(cursor: Cursor, before: Side, after: Side, carriers: int = CARRIERS) -> MeanChange:
    """Divides the change of the mean from one publication to another.

    Args:
        cursor: Of a transaction that sees one state of the database.
        before: The publication from which it changed.
        after: The one to which.
        carriers: How many accounts to name at most.

    Raises:
        PartsNotKept: One of them holds no account.
    """
    groups = shared_groups(before, after)
    cursor.execute(_statement("change_sums", before, after, groups))
    sums = one_record(cursor, Sums)
    found = change_of_sums(before, after, sums)
    if not carriers:
        return found
    return replace(found, carriers=_carriers(cursor, before, after, sums, groups, carriers))


def change_of_sums(before: Side, after: Side, sums: Sums) -> MeanChange:
    """Divides the change of the mean, given what the publications have in common; names no account.

    Raises:
        PartsNotKept: One of them holds no account.
    """
    for side, count in ((before, sums.accounts_before), (after, sums.accounts_after)):
        if count == 0:
            raise PartsNotKept(f"publication {side.publication_id} holds no account")
    return MeanChange(
        before=before,
        after=after,
        accounts=(sums.accounts_before, sums.accounts_after),
        in_both=sums.accounts_in_both,
        means=(sums.sum_before / sums.accounts_before, sums.sum_after / sums.accounts_after),
        parts=_parts(sums, shared_groups(before, after)),
        carriers=[],
    )


def shared_groups(before: Side, after: Side) -> Sequence[str]:
    """Returns the groups that can be compared: none where two models scored."""
    alike = before.model_version == after.model_version and before.groups == after.groups
    return after.groups if alike else ()


def _parts(sums: Sums, groups: Sequence[str]) -> list[Part]:
    mean_before = sums.sum_before / sums.accounts_before
    mean_after = sums.sum_after / sums.accounts_after
    both = sums.accounts_in_both
    came, left = sums.accounts_after - both, sums.accounts_before - both
    if both == 0:
        # Nothing to measure the ones or the others against: all of it is that they are others.
        return [Part("came", "", came, mean_after - mean_before), Part("left", "", left, 0.0)]
    both_before, both_after = sums.sum_before_in_both / both, sums.sum_after_in_both / both
    parts = [
        Part("came", "", came, mean_after - both_after),
        Part("left", "", left, both_before - mean_before),
    ]
    moved = both_after - both_before
    if not groups:
        return [*parts, Part("model", "", both, moved)]
    by_group = [one / both for one in sums.group_sums]
    parts += [
        Part("group", name, both, value) for name, value in zip(groups, by_group, strict=True)
    ]
    return [*parts, Part("rest", "", both, moved - sum(by_group))]


def _carriers(
    cursor: Cursor, before: Side, after: Side, sums: Sums, groups: Sequence[str], limit: int
) -> list[Carrier]:
    both = sums.accounts_in_both
    if both == 0:
        return []  # there is nothing to measure one account against
    values = {
        "accounts_before": sums.accounts_before,
        "accounts_after": sums.accounts_after,
        "accounts_in_both": both,
        "before_in_both": sums.sum_before_in_both / both,
        "after_in_both": sums.sum_after_in_both / both,
        "limit": limit,
    }
    cursor.execute(_statement("change_carriers", before, after, ()), values)
    return [_carrier(row, groups) for row in records(cursor, _CarrierRow)]


def _carrier(row: _CarrierRow, groups: Sequence[str]) -> Carrier:
    parts: dict[str, float] = {}
    if groups and row.log_odds_before and row.log_odds_after:
        assert row.before is not None  # an account that is in both: contributions come with a score
        assert row.after is not None
        then, now = (row.before, row.log_odds_before), (row.after, row.log_odds_after)
        parts = parts_by_group(then, now, groups)
    return Carrier(row.account_id, row.before, row.after, row.change, parts)


def _statement(query: str, before: Side, after: Side, groups: Sequence[str]) -> sql.Composed:
    sums = sql.SQL(", ").join(
        sql.SQL("coalesce(sum(slope * (b.c[{0}] - a.c[{0}])), 0)").format(sql.Literal(place))
        for place in range(1, len(groups) + 1)
    )
    return sql.SQL(_QUERIES[query]).format(
        before=_rows(before), after=_rows(after), groups=sums, narrow=sql.Literal(NARROW)
    )


def _rows(side: Side) -> sql.Composed:
    return sql.SQL(_QUERIES["change_rows"]).format(
        place=sql.Literal(side.place),
        publication_id=sql.Literal(side.publication_id),
        smallest=sql.Literal(SMALLEST_PROBABILITY),
        largest=sql.Literal(LARGEST_PROBABILITY),
    )
