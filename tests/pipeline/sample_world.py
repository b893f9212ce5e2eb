"""A small world that never changes: the samples in docs/ are what commands print about it."""

import json
import math
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psycopg2
import pyarrow as pa
import pytest

from components.contributions.record import record_contributions
from components.contributions.retention import Retention
from components.contributions.shard_rows import GROUPS_KEY, contribution_rows
from components.errors import PublicationRefused
from components.model_gate.decision_file import FILE, Decision
from components.model_gate.gate_check import GateCheck
from components.postgres.tables import ACCOUNT_RISK_SCORES, PRODUCT_AREA_IMPACT
from components.publishing.details import Details
from components.publishing.publication import NO_LABEL, Publication
from components.publishing.publish import publish
from pipeline.registry import change_stage, registry
from serving_model.served.model_hash import saved_model_sha256
from serving_model.served.risk_bands import RiskBands
from tests.components.contributions.scored import SCHEMA
from tests.components.publishing.policies import publish_policy
from tests.pipeline.registry.conftest import Shelf, make_shelf

if TYPE_CHECKING:
    from components.model_review.sections.compared import OneEvaluation

OLD, NEW = "20261121-d2af1624", "20261128-0485596f"
FIRST_DAY = datetime(2026, 11, 26, tzinfo=timezone.utc)
TRAINED_AT = datetime(2026, 11, 28, 4, 12, tzinfo=timezone.utc)
BANDS = RiskBands("capacity", capacity=(2, 6, 12), base_rate=0.081)
RISKY = "ACC-001701"
ACCOUNTS = [f"ACC-{number:06d}" for number in range(1690, 1730)]
TIERS, REGIONS = ("enterprise", "pro", "free"), ("EU", "NA", "APAC")
REASONS = [
    ("negative_feedback", 0.66, "9 negative messages so far, 8 of them about performance"),
    ("urgency", 0.49, "7 critical messages so far"),
    ("tenure", 0.42, "first message 6 days ago"),
    ("volume", -0.18, "11 messages so far"),
    ("channels", -0.17, "3 of 11 messages so far came through nps_survey"),
]
OTHERS = [("silence", 0.41), ("topics", 0.25), ("region", -0.11), ("tier", 0.10), ("rhythm", 0.002)]
OTHER_REASON = [("silence", 0.35, "quiet for 41 days; usually writes every 9 days")]
BASE = -2.43
METRICS = {"auc": 0.6427, "pr_auc": 0.1633, "log_loss": 0.2408, "calibration_error": 0.0155}


def checks() -> tuple[GateCheck, ...]:
    rows: list[tuple[Any, ...]] = [
        ("auc", "overall", 0.6427, (0.585, 0.694), "at least 0.6", "passed"),
        ("auc above chance", "overall", 0.6427, (0.585, 0.694), "lower end above 0.5", "passed"),
        ("log_loss gain over the constant", "overall", 0.0123, (0.004, 0.020),
         "lower end above 0", "passed"),
        ("auc against the logistic_regression", "overall", -0.0013, (-0.022, 0.020),
         "at least -0.02", "passed"),
        ("calibration error", "overall", 0.0155, None, "at most 0.05", "passed"),
        ("calibration gap", "overall", 0.0032, (-0.010, 0.015), "within 0.05 of 0", "passed"),
        ("auc", "customer_tier free", 0.6406, (0.561, 0.719), "upper end at least 0.5", "passed"),
        ("slice", "customer_tier enterprise", None, None, "", "skipped"),
    ]  # fmt: skip
    few = "slice: 8 churned and 272 stayed, at least 30 and 30 are needed"
    return tuple(GateCheck(*row[:5], None, row[5], 1406, 97, few) for row in rows)


def decision(version: str) -> Decision:
    return Decision(
        blessed=True,
        summary="BLESSED: auc above chance is 0.6427 [0.5849, 0.6940] on 1406 accounts (97 "
        "churned): lower end above 0.5; 7 checks passed, 1 skipped",
        model_version=version,
        champion_version=None,
        eval={"cutoff": "2026-09-29T00:00:00+00:00", "accounts": 1406, "churned": 97},
        training={},
        checks=checks(),
        metrics={"challenger": dict(METRICS)},
        slices=[],
        calibration=[],
    )


def evaluation() -> "OneEvaluation":
    """Both models on the evaluation set of the newer one; what compare shows of it."""
    from components.model_review.sections.compared import JudgedChange, OneEvaluation, Pair
    from components.model_review.sections.estimates import Estimate

    pairs = {
        "auc": (0.6488, 0.6427, (-0.0150, 0.0026)),
        "pr_auc": (0.1611, 0.1633, (-0.0090, 0.0177)),
        "log_loss": (0.2398, 0.2408, (-0.0007, 0.0027)),
        "calibration_error": (0.0157, 0.0155, (-0.0119, 0.0093)),
    }
    moved = [
        ("ACC-001701", 0.355, 0.290, "medium", "medium", True),
        ("ACC-001704", 0.189, 0.133, "low", "low", False),
        ("ACC-001720", 0.252, 0.209, "medium", "low", False),
    ]
    return OneEvaluation(
        version=NEW,
        cutoff="2026-09-29T00:00:00+00:00",
        accounts=1406,
        churned=97,
        metrics={
            name: Pair(a, b, Estimate(round(b - a, 4), ends))
            for name, (a, b, ends) in pairs.items()
        },
        contacts_for_half=None,
        slices=(),
        moved=tuple(JudgedChange(*one) for one in moved),
    )


def make_models(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Records two blessed models, whose files are there, and decisions by ann@jobs."""
    state_dir.mkdir()
    shelf = make_shelf(state_dir / "metadata.sqlite")
    root = state_dir / "pipeline_root" / "tens-insight-train"
    for number, (version, l2) in enumerate([(OLD, 0.05), (NEW, 0.2)]):
        model = root / "ModelTrainer" / "model" / str(9 + 22 * number)
        (model / "Format-Serving").mkdir(parents=True)
        (model / "Format-Serving" / "saved_model.pb").write_text(version)
        blessing = root / "ModelGate" / "blessing" / str(11 + 22 * number)
        blessing.mkdir(parents=True)
        (blessing / FILE).write_text(decision(version).as_json())
        examples = root / "FeedbackExampleGen" / "examples" / str(2 + 22 * number)
        (examples / "Split-eval").mkdir(parents=True)
        (examples / "Split-eval" / "data").touch()
        day = datetime.strptime(version[:8], "%Y%m%d").replace(tzinfo=timezone.utc)
        made = shelf.train(
            version,
            blessed=None,
            run=f"{day:%Y-%m-%d}T04:02:46",
            examples_uri=str(examples),
            uri=str(model),
            as_of=day.isoformat(),
            feedback_rows=133664,
            train_examples=16273,
            train_churned=1324,
            eval_cutoffs=(day - timedelta(days=60)).isoformat(),
            eval_examples=1406,
            eval_churned=97,
            code_version="dabf815a248e",
            packages="tensorflow 2.16.2, tfx 1.16.0, apache-beam 2.59.0",
            settings=json.dumps({"horizon_days": 60, "l2": l2, "seed": 5}),
            saved_model_sha256=saved_model_sha256(str(model / "Format-Serving")),
        )
        described = {
            "blessed": 1,
            "current_model_id": made,
            "auc": METRICS["auc"],
            "log_loss": METRICS["log_loss"],
            "summary": decision(version).summary,
        }
        judged = shelf.artifact("ModelBlessing", str(blessing), described)
        shelf.node(f"{day:%Y-%m-%d}T04:02:46", "ModelGate", [made], [judged])
    monkeypatch.setattr(registry, "_moment", lambda _: TRAINED_AT)
    monkeypatch.setattr(change_stage, "actor", lambda: "ann@jobs")
    times = iter(range(1_000))
    clock = SimpleNamespace(
        time_ns=lambda: int((TRAINED_AT.timestamp() + 3600 + 60 * next(times)) * 1_000_000_000)
    )
    monkeypatch.setattr(change_stage, "time", clock)
    return shelf


class Publisher:
    """Publishes days of the world; who and when are always the same."""

    def __init__(self, url: str):
        self.url = url
        self.execute(
            "CREATE TABLE feedback_enriched (id text, created_at timestamptz, source text, "
            "product_area text, sentiment text, priority int, topic text, region text, "
            "customer_tier text, account_id varchar, summary text)"
        )
        for number in range(11):
            sentiment = "negative" if number < 9 else "neutral"
            self.execute(
                "INSERT INTO feedback_enriched VALUES (%s, %s, 'email', 'performance', %s, %s, "
                "'speed', 'EU', 'pro', %s, '')",
                f"FB-{number}",
                FIRST_DAY - timedelta(days=1 + number / 3),
                sentiment,
                5 if number < 7 else 2,
                RISKY,
            )

    def execute(self, statement: str, *values: Any) -> None:
        with closing(psycopg2.connect(self.url)) as one, one, one.cursor() as cursor:
            cursor.execute(statement, values or None)

    def day(self, number: int, accounts: list[str] = ACCOUNTS, reason: str | None = None) -> None:
        """Publishes scores and areas, or has them refused where too many accounts are gone."""
        as_of, model = FIRST_DAY + timedelta(days=number), NEW if number else OLD
        scores = {name: self._probability(place, number) for place, name in enumerate(accounts)}
        policy = publish_policy(max_count_change=0.5, accept_shift=reason or "")
        try:
            self._scores(scores, as_of, model, policy)
        except PublicationRefused:
            self._settle(as_of)
            return
        rows = [("billing", "pro", 53.9, 1851, 0.07, 459, 201, as_of, "weights-96aa6f9c")]
        areas = Publication(as_of, "weights-96aa6f9c", NO_LABEL, f"run-{number}", 1)
        publish(PRODUCT_AREA_IMPACT, lambda: rows, publication=areas, policy=policy)
        self._settle(as_of)

    def _probability(self, place: int, number: int) -> float:
        base = 0.02 + 0.31 * ((place * 7) % 40) / 40
        return round(0.36 if place == 11 else max(base + 0.013 * number * (place % 3 - 1), 0.01), 4)

    def _scores(self, scores: dict[str, float], as_of: datetime, model: str, policy: Any) -> None:
        named = BANDS.categories(list(scores.values()), list(scores)).tolist()
        rows = [
            (name, p, 100 * (1 - p), category, as_of, model)
            for (name, p), category in zip(scores.items(), named, strict=True)
        ]
        given = [self._detail(place, name, p) for place, (name, p) in enumerate(scores.items())]
        published = publish(
            ACCOUNT_RISK_SCORES,
            lambda: rows,
            publication=Publication(
                as_of, model, "account_churn", f"run-{as_of:%d}", len(rows), bands=BANDS
            ),
            policy=policy,
            details=Details(lambda: given, 60, horizons_judged=(30, 60)),
        )
        rows_of = contribution_rows([self._shard(scores, given)])
        record_contributions(published.publication_id, rows_of, Retention(), patience_s=0)

    def _shard(self, scores: dict[str, float], details: list[tuple[Any, ...]]) -> pa.Table:
        """The contributions behind the reasons; silence takes what the others leave over."""
        groups = list(dict.fromkeys(one[0] for one in (*REASONS, *OTHERS)))
        rows = []
        for (name, p), detail in zip(scores.items(), details, strict=True):
            told = {
                one["group"]: one["log_odds"] for text in detail[7:9] for one in json.loads(text)
            }
            own = [told.get(group, 0.0) for group in groups]
            own[groups.index("silence")] += math.log(p / (1 - p)) - BASE - sum(own)
            rows.append(
                {
                    "account_id": name,
                    "churn_probability": p,
                    "churn_by_horizon": detail[1],
                    "base_log_odds": BASE,
                    "contributions": own,
                    "customer_tier": detail[9],
                    "region": detail[10],
                    "silence_state": detail[4],
                }
            )
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
        return table.replace_schema_metadata({GROUPS_KEY: json.dumps(groups)})

    def _detail(self, place: int, name: str, p: float) -> tuple[Any, ...]:
        risky = name == RISKY
        reasons = [
            {"group": group, "direction": "raises" if value > 0 else "lowers",
             "log_odds": value, "text": text}
            for group, value, text in (REASONS if risky else OTHER_REASON)
        ]  # fmt: skip
        others = [{"group": group, "log_odds": value} for group, value in OTHERS]
        days = (6.2, 0.9, "new") if risky else (400.0 + place, 41.0, "quiet")
        horizons = json.dumps({"30": round(p * 0.55, 4), "60": p, "90": round(p * 1.3, 4)})
        logs = (BASE, sum(value for _, value in OTHERS), json.dumps(reasons), json.dumps(others))
        return (name, horizons, *days, *logs, TIERS[place % 3], REGIONS[place % 4 % 3])

    def _settle(self, as_of: datetime) -> None:
        """Lets what was written now be written at five past four, by the job's role."""
        at, by = as_of + timedelta(hours=4, minutes=5), "pipeline@10.0.0.7 (ann on jobs)"
        for table, moment, who in (
            ("publications", "published_at", "published_by"),
            ("refusals", "refused_at", "refused_by"),
        ):
            self.execute(
                f"UPDATE tens_insight.{table} SET {moment} = %s, {who} = %s " f"WHERE {who} <> %s",
                at,
                by,
                by,
            )
