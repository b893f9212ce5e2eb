"""Reads the facts of the policy, once before it decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.monitor.measures import DISTANCE, SCORE, name_of_measure
from components.postgres.queries import queries
from components.postgres.rows import one_record, record, records, value
from components.registry.policy_acts import PolicyActProperties, read_acts
from components.registry.rule import champion, former_champion, shadowed
from components.registry.stages import JudgedModel, StageTransition, stages_after
from pipeline.database import consistent_read
from pipeline.policy.evidence import compared
from pipeline.policy.facts import TRAIN, Drift, Facts, KnownModel, Performance, kept_by
from pipeline.policy.unlike_settings import UnlikeSetting, unlike_settings
from pipeline.registry.registry import Registry
from pipeline.settings import Settings
from serving_model.evaluation.sequential import Sequential

_QUERIES: Final = queries(__package__)
_OF_INPUT: Final = (
    DISTANCE,
    "share of events",
    "mean",
    "mean of logarithm",
    "blank",
    "blank accounts",
    "missing",
    "unseen",
)
"""Metrics of monitoring that say that features moved."""


@dataclass(frozen=True)
class _Moments:
    now: datetime
    has_churn_table: bool
    scored_as_of: datetime | None


@dataclass(frozen=True)
class _Alarm:
    slice_key: str
    slice_value: str
    column_name: str
    metric: str
    opened_at: datetime
    surprise: float | None
    threshold: float | None


def read_facts(settings: Settings) -> Facts:
    """Asks ML Metadata and the database.

    Raises:
        DatabaseUnreachable: One of them cannot be used.
        ContractBroken: A table or privilege is missing.
        StateUnusable: ML Metadata is damaged, or gone.
        RegistryInconsistent: Two models have one version.
    """
    registry = Registry(settings.metadata_path)
    models = _Models(registry)
    acts = read_acts(registry.store) if registry.store is not None else []
    with consistent_read(settings, "policy") as cursor:
        return _facts(cursor, settings, models, acts)


class _Models:
    """The models that the policy speaks of, by the champion rule."""

    def __init__(self, registry: Registry):
        self._known = {one.artifact_id: one.properties for one in registry.models()}
        judged, self.transitions = registry.judged(), registry.transitions()
        leader = champion(judged, self.transitions)
        self.champion = self._model(leader)
        self.learnt_with = self._known[leader.model_id] if leader else None
        self.former = self._model(former_champion(judged, self.transitions))
        waiting = shadowed(judged, self.transitions)
        newer = [one for one in waiting if leader is None or one.model_id > leader.model_id]
        self.challenger = self._model(newer[0] if newer else None)
        self.newest_as_of = max(filter(None, map(self._as_of, self._known)), default=None)

    def _as_of(self, model_id: int) -> datetime | None:
        text = self._known[model_id].as_of
        return datetime.fromisoformat(text) if text else None

    def _model(self, found: JudgedModel | None) -> KnownModel | None:
        if found is None:
            return None
        said = self._known[found.model_id]
        return KnownModel(
            found.version,
            self._as_of(found.model_id),
            said.label_source,
            said.horizon_days or 0,
            kept_by(found.version, self.transitions),
        )


def _facts(
    cursor: Cursor, settings: Settings, models: _Models, acts: Sequence[PolicyActProperties]
) -> Facts:
    cursor.execute(_QUERIES["moments"], {"churn_table": settings.reading.churn_table})
    moments = one_record(cursor, _Moments)
    now = (settings.run.as_of or moments.now).astimezone(timezone.utc)
    leader = models.champion
    trained = [datetime.fromisoformat(one.as_of) for one in acts if one.kind == TRAIN]
    trained += [models.newest_as_of] if models.newest_as_of else []
    return Facts(
        now=now,
        champion=leader,
        former=models.former,
        challenger=models.challenger,
        held_by=_held_by(leader, models.transitions),
        trained_as_of=max(trained, default=None),
        scored_as_of=moments.scored_as_of,
        is_late=_is_late(moments.scored_as_of, now, settings),
        unlike=_unlike(models, settings, moments),
        left=_left(cursor, leader, now),
        drift=_drift(cursor, leader, now),
        performance=_performance(cursor, leader),
        against_former=_compared(cursor, leader, models.former, now, settings),
        against_champion=_compared(cursor, models.challenger, leader, now, settings),
        acts=acts,
    )


def _is_late(scored_as_of: datetime | None, now: datetime, settings: Settings) -> bool:
    limit = timedelta(hours=settings.alerts.alert_run_every_hours)
    return bool(limit) and scored_as_of is not None and now - scored_as_of > limit


def _held_by(leader: KnownModel | None, transitions: Sequence[StageTransition]) -> str:
    now = stages_after(transitions)
    if leader is not None and now.pin is not None and now.pin.version == leader.version:
        return f"the champion is pinned by {now.pin.by}: {now.pin.reason}"
    if now.split is not None:
        return f"{now.split.by} lets {now.split.version} and {now.split.other} share the accounts"
    return ""


def _compared(
    cursor: Cursor,
    first: KnownModel | None,
    second: KnownModel | None,
    now: datetime,
    settings: Settings,
) -> Sequential | None:
    if first is None or second is None or first.horizon_days != second.horizon_days:
        return None
    policy, versions = settings.policy, (first.version, second.version)
    if not first.horizon_days:
        return None
    return compared(
        cursor, versions, first.horizon_days, now, policy.policy_error, policy.policy_margin
    )


def _unlike(models: _Models, settings: Settings, moments: _Moments) -> list[UnlikeSetting]:
    if models.learnt_with is None:
        return []
    return unlike_settings(models.learnt_with, settings.reading, moments.has_churn_table)


def _left(cursor: Cursor, leader: KnownModel | None, now: datetime) -> int:
    if leader is None or leader.as_of is None:
        return 0
    values = {"label_source": leader.label_source, "since": leader.as_of, "until": now}
    cursor.execute(_QUERIES["left_since"], values)
    return int(value(cursor))


def _drift(cursor: Cursor, leader: KnownModel | None, now: datetime) -> list[Drift]:
    if leader is None or leader.as_of is None:
        return []
    cursor.execute(
        _QUERIES["drift"],
        {
            "since": leader.as_of,
            "until": now,
            "metrics": list(_OF_INPUT),
            "not_input": [SCORE],
        },
    )
    return [
        Drift(
            name_of_measure(one.slice_key, one.slice_value, one.column_name, one.metric),
            one.opened_at.astimezone(timezone.utc),
        )
        for one in records(cursor, _Alarm)
    ]


def _performance(cursor: Cursor, leader: KnownModel | None) -> Performance | None:
    if leader is None:
        return None
    cursor.execute(_QUERIES["performance"], {"model_version": leader.version})
    return record(cursor, Performance)
