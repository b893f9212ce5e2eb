"""Publications in a real database, and a plain model of the events that they have to give."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from components.account_events.config import AccountEventsConfig
from components.account_events.record import RecordedEvents, write_events
from serving_model.served.risk_bands import CONTRACT_BANDS

BEGIN = datetime(2026, 1, 5, tzinfo=timezone.utc)
CONFIG = AccountEventsConfig(events_per_day=2, event_tier_weights={"enterprise": 2.0})
TIERS = {"A": "enterprise", "B": "pro", "C": None, "D": "free", "E": "pro", "H": "enterprise"}
HELD_OUT = "H"
HIGH = ("high", "critical")
LEVELS = {"high": 1, "critical": 2}


@dataclass(frozen=True)
class Score:
    """What a publication says of an account."""

    p: float
    state: str = "active"

    @property
    def category(self) -> str:
        return str(CONTRACT_BANDS.categories([self.p], [""])[0])


@dataclass
class Publication:
    """One line of the log. `scores` by account, or `areas` by pair of area and segment."""

    number: int
    as_of: datetime
    model: str
    scores: Mapping[str, Score] | None = None
    areas: Mapping[tuple[str, str], float] | None = None
    rule: str = "probability"
    undone: bool = False
    handled: bool = False


@dataclass
class Event:
    publication: Publication
    as_of: datetime
    kind: str
    subject: str | tuple[str, str]
    value: float
    left_out: str | None
    ended_by: Publication | None = None

    @property
    def goes_on(self) -> bool:
        over = self.ended_by is not None and not self.ended_by.undone
        return not self.publication.undone and not over


@dataclass
class Model:
    """The rules in plain Python, over the whole history each time."""

    config: AccountEventsConfig = CONFIG
    log: list[Publication] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def standing(self, of: str, up_to: int) -> list[Publication]:
        return [
            one
            for one in self.log
            if getattr(one, of) is not None and not one.undone and one.number <= up_to
        ]

    def handle(self, now: Publication) -> list[Event]:
        if now.undone:
            return []
        found: list[Event] = []
        ends: list[tuple[Event, Publication]] = []
        if not now.handled:
            found += self.of_accounts(now, ends)
        areas = [one for one in self.standing("areas", 10**9) if one.as_of <= now.as_of][-1:]
        if areas and not areas[0].handled:
            found += self.of_areas(areas[0], now.as_of, ends)
        told = [one for one in found if one.left_out is None]
        told.sort(key=lambda one: (-one.value, one.kind, one.subject))
        today = [
            one
            for one in self.events
            if one.as_of.date() == now.as_of.date()
            and one.left_out is None
            and not one.publication.undone
        ]
        for one in told[max(0, self.config.events_per_day - len(today)) :]:
            one.left_out = "budget"
        for event, by in ends:
            event.ended_by = by
        for one in [now, *areas]:
            one.handled = True
        self.events += found
        return found

    def going_on(self, subject: Any, *kinds: str) -> list[Event]:
        return [
            one
            for one in self.events
            if one.subject == subject and one.kind in kinds and one.goes_on
        ]

    def of_accounts(self, now: Publication, ends: list[Any]) -> list[Event]:
        assert now.scores is not None
        before = [one for one in self.standing("scores", now.number - 1) if one.handled]
        former = before[-1] if before else None
        quiet = now.as_of - timedelta(days=self.config.event_quiet_days)
        found = []
        for account, score in now.scores.items():
            then = former.scores.get(account) if former and former.scores else None
            entered = self.going_on(account, "entered high", "entered critical")
            known = max((LEVELS[one.kind.removeprefix("entered ")] for one in entered), default=0)
            level = LEVELS.get(score.category, 0)

            def add(kind: str, size: float, why: str | None, account: str = account) -> None:
                weight = self.config.event_tier_weights.get(TIERS[account] or "", 1.0)
                why = why or ("holdout" if account == HELD_OUT else None)
                found.append(Event(now, now.as_of, kind, account, size * weight, why))

            if level > known:
                why = None
                if then is not None and former is not None:
                    why = "another rule" if former.rule != now.rule else None
                    why = "another model" if former.model != now.model else why
                add(f"entered {score.category}", score.p, why)
            elif then is not None and former is not None and former.model == now.model:
                jumps = [
                    one
                    for one in self.events
                    if one.subject == account
                    and one.kind == "jumped"
                    and not one.publication.undone
                    and one.as_of > quiet
                ]
                if score.p - then.p >= self.config.event_jump and not jumps:
                    add("jumped", score.p - then.p, None)
            if known and not level:
                self.recover(account, now, quiet, entered, add, ends)
            silences = self.going_on(account, "silent")
            if score.state == "silent" and not silences:
                why = "first seen"
                if then is not None:
                    why = "silent before" if then.state == "silent" else None
                add("silent", score.p, why)
            if score.state != "silent":
                ends += [(one, now) for one in silences]
        self.leave(now, quiet, ends)
        return found

    def recover(
        self,
        account: str,
        now: Publication,
        quiet: datetime,
        entered: list[Event],
        add: Any,
        ends: list[Any],
    ) -> None:
        own = [one for one in self.standing("scores", now.number) if account in (one.scores or {})]
        highs = [one for one in own if one.scores[account].category in HIGH]
        last = highs[-1]
        if last.as_of > quiet:
            return
        below = own[own.index(last) + 1]
        why = "another model" if below.model != last.model else None
        why = why if any(one.left_out is None for one in entered) else "not told before"
        add("recovered", (last.scores[account].p - now.scores[account].p) / 2, why)
        ends += [(one, now) for one in entered]

    def leave(self, now: Publication, quiet: datetime, ends: list[Any]) -> None:
        recent = [one for one in self.standing("scores", now.number) if one.as_of > quiet]
        for one in self.events:
            going = one.goes_on and one.kind in ("entered high", "entered critical", "silent")
            if going and not any(one.subject in (other.scores or {}) for other in recent):
                ends.append((one, now))

    def of_areas(self, areas: Publication, as_of: datetime, ends: list[Any]) -> list[Event]:
        before = [one for one in self.standing("areas", areas.number - 1) if one.handled]
        quiet = as_of - timedelta(days=self.config.event_quiet_days)
        limit = self.config.event_area_score
        found = []
        for pair, score in (areas.areas or {}).items():
            if score >= limit and not self.going_on(pair, "area critical"):
                why = "another rule" if before and before[-1].model != areas.model else None
                weight = self.config.event_tier_weights.get(pair[1], 1.0)
                found.append(Event(areas, as_of, "area critical", pair, score / 100 * weight, why))
        recent = [
            one for one in self.standing("areas", areas.number) if one.as_of > quiet or one is areas
        ]
        for one in self.events:
            if one.kind == "area critical" and one.goes_on:
                scores = [(other.areas or {}).get(one.subject, 0.0) for other in recent]
                if not any(score >= limit for score in scores):
                    ends.append((one, areas))
        return found


PUBLISH = """
INSERT INTO tens_insight.publications
    (attempt, target_table, as_of, model_version, label_source, rows_written, rows_removed,
     category_shares, run_id, published_by, risk_bands)
VALUES (gen_random_uuid(), %s, %s, %s, 'none', 1, 0, '{}', 'run', 'a test', %s)
RETURNING publication_id"""
SCORE = """
INSERT INTO tens_insight.account_risk_score_history
    (publication_id, account_id, churn_probability, risk_category, model_version)
VALUES (%s, %s, %s, %s, %s)"""
PART = """
INSERT INTO tens_insight.account_contributions
    (publication_id, account_id, probabilities, customer_tier, silence_state)
VALUES (%s, %s, '{0.1}', %s, %s)"""
LAYOUT = """
INSERT INTO tens_insight.contribution_layouts
    (publication_id, horizons, horizon_days, groups, accounts, digest)
VALUES (%s, '{60}', 60, '{}', 1, 0)"""
DETAIL = """
INSERT INTO tens_insight.account_risk_detail_history
    (publication_id, account_id, percentile, churn_by_horizon, tenure_days, days_since_last_event,
     silence_state, holdout)
VALUES (%s, %s, 50, '{}', 1, 1, 'active', %s)"""
AREA = """
INSERT INTO tens_insight.product_area_impact_history
    (publication_id, product_area, segment, priority_score, model_version)
VALUES (%s, %s, %s, %s, %s)"""
EVENTS = """
SELECT publication_id, as_of, kind, account_id, product_area, customer_tier, value, left_out,
       ended_at, withdrawn_at IS NOT NULL
FROM tens_insight.account_events"""


class World:
    """Publications in the database, inside one transaction that is never committed."""

    def __init__(self, cursor: Any, config: AccountEventsConfig = CONFIG):
        self.cursor, self.config = cursor, config
        self.model = Model(config)

    def publish(self, day: float, scores: Mapping[str, Score], model: str = "m-1", rule: str = ""):
        as_of = BEGIN + timedelta(days=day)
        bands = {"mode": "lift", "lifts": [1, 2, 3], "base_rate": 0.25} if rule else None
        number = self._log("account_risk_scores", as_of, model, bands)
        for account, one in scores.items():
            self.cursor.execute(SCORE, (number, account, one.p, one.category, model))
            self.cursor.execute(PART, (number, account, TIERS.get(account, "pro"), one.state))
            if account == HELD_OUT:
                self.cursor.execute(DETAIL, (number, account, True))
        self.cursor.execute(LAYOUT, (number,))
        return self._added(
            Publication(number, as_of, model, scores=dict(scores), rule=rule or "probability")
        )

    def publish_areas(self, day: float, areas: Mapping[tuple[str, str], float], model: str = "w-1"):
        as_of = BEGIN + timedelta(days=day)
        number = self._log("product_area_impact", as_of, model, None)
        for pair, score in areas.items():
            self.cursor.execute(AREA, (number, *pair, score, model))
        return self._added(Publication(number, as_of, model, areas=dict(areas)))

    def _log(self, table: str, as_of: datetime, model: str, bands: Any) -> int:
        given = json.dumps(bands) if bands else None
        self.cursor.execute(PUBLISH, (table, as_of, model, given))
        return int(self.cursor.fetchone()[0])

    def _added(self, one: Publication) -> Publication:
        self.model.log.append(one)
        return one

    def undo(self, one: Publication) -> None:
        one.undone = True
        self.cursor.execute(
            "UPDATE tens_insight.publications SET undone_at = now(), undone_by = 'a', "
            "undo_reason = 'b' WHERE publication_id = %s",
            (one.number,),
        )

    def handle(self, one: Publication) -> RecordedEvents | None:
        """Records the events of a publication, and holds them against the model."""
        expected = self.model.handle(one)
        found = write_events(self.cursor, one.number, self.config)
        told = [event for event in expected if event.left_out is None]
        told.sort(key=lambda event: (-event.value, event.kind, event.subject))
        assert len(found.told if found else ()) == len(told)
        if found and found.told:
            self.cursor.execute(
                "SELECT kind, coalesce(account_id, product_area || '/' || customer_tier) "
                "FROM tens_insight.account_event_log WHERE event_id = ANY (%s) "
                "ORDER BY array_position(%s::bigint[], event_id)",
                (list(found.told), list(found.told)),
            )
            assert self.cursor.fetchall() == [(one.kind, _name(one.subject)) for one in told]
        return found

    def check(self) -> None:
        """Compares all events in the database with those of the model."""
        self.cursor.execute(EVENTS)
        found = sorted(
            (
                number,
                as_of,
                kind,
                account or f"{area}/{tier}",
                round(value, 9),
                left_out or "",
                ended or BEGIN,
                withdrawn,
            )
            for number, as_of, kind, account, area, tier, value, left_out, ended, withdrawn in (
                self.cursor.fetchall()
            )
        )
        expected = sorted(
            (
                one.publication.number,
                one.as_of,
                one.kind,
                _name(one.subject),
                round(one.value, 9),
                one.left_out or "",
                one.ended_by.as_of if one.ended_by and not one.ended_by.undone else BEGIN,
                one.publication.undone,
            )
            for one in self.model.events
        )
        assert found == expected


def _name(subject: str | tuple[str, str]) -> str:
    return subject if isinstance(subject, str) else "/".join(subject)
