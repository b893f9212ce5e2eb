"""What the database of the pages' tests holds: five publications, feedback, runs and alerts."""

import json
from contextlib import closing
from datetime import datetime, timedelta, timezone

import psycopg2

from components.alerts.alert import Alert
from components.alerts.alert_table import record
from components.postgres.queries import queries
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.details import Details
from components.publishing.publication import Publication
from components.publishing.publish import publish
from pipeline.runs.record import RunRecord
from pipeline.runs.run_table import put_records
from serving_model.served.risk_bands import CONTRACT_BANDS
from tests.components.contributions import scored
from tests.components.publishing.policies import publish_policy

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
WEEKS = 5
HOSTILE = "a/b?&#<script>alert('x')</script>\n\u202e\"عربي 客户 "
FORMULA = "=HYPERLINK(1)"
ACCOUNTS = (
    "ACC-1",
    "ACC-2",
    "ACC-3",
    HOSTILE,
    FORMULA,
    "..",
    "%2F+ ",
    *map("B-{:02}".format, range(60)),
)
REASONS = [
    {"group": "silence", "direction": "raises", "log_odds": 0.6412, "text": "silent for 43 days"},
    {"group": "topics", "direction": "raises", "log_odds": 0.2, "text": f"about {HOSTILE}"},
    {"group": "tenure", "direction": "lowers", "log_odds": -0.9, "text": "first message long ago"},
]
FAILED = f"Table feedback_enriched has no column topic: {HOSTILE}"


def fill(url: str) -> None:
    """Fills a migrated database; DATABASE_URL names it."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(queries("pipeline.demo")["create_inputs"])
        _feedback(cursor)
    for week in range(WEEKS):
        _publish(week)
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        put_records(cursor, _runs())
        record(cursor, [_alert()], ["scores_stale"])
        _performance(cursor)


def probability(place: int, week: int) -> float:
    """Of an account of ACCOUNTS in a week."""
    return scored.Scored(contributions(place, week)).p


def contributions(place: int, week: int) -> list[float]:
    """Likewise, what silence, tenure and volume add."""
    return [4.5 - place / 8 + week / 9, 0.3, -week / 20]


def _publish(week: int) -> None:
    as_of, model = AS_OF + timedelta(weeks=week), f"2026060{week // 3 + 1}-abcdef01"
    accounts = ACCOUNTS[: len(ACCOUNTS) - 3 * (week < WEEKS - 1)]
    values = [probability(place, week) for place in range(len(accounts))]
    bands = CONTRACT_BANDS.against(0.08)
    named = bands.categories(values, list(accounts)).tolist()
    rows = [
        (account, p, 100 * (1 - p), band, as_of, model)
        for account, p, band in zip(accounts, values, named, strict=True)
    ]
    details = [
        (
            *(account, json.dumps({"30": p / 2, "60": p, "90": p**0.5}), 400.0 + 9 * p, 30 * p),
            *("quiet" if place % 3 else "silent", -2.4, 0.05, json.dumps(REASONS), "[]"),
            *(("Enterprise " if place % 2 else "pro"), "EU" if place % 4 else HOSTILE),
        )
        for place, (account, p) in enumerate(zip(accounts, values, strict=True))
    ]
    published = publish(
        ACCOUNT_RISK_SCORES,
        lambda: rows,
        publication=Publication(as_of, model, "none", f"run-{week}", len(rows), bands=bands),
        policy=publish_policy(max_count_change=9.0),
        details=Details(lambda: details, 60),
    )
    made_of = {
        account: scored.Scored(contributions(place, week)) for place, account in enumerate(accounts)
    }
    scored.record(published.publication_id, made_of)


def _feedback(cursor: psycopg2.extensions.cursor) -> None:
    cursor.execute(
        "INSERT INTO feedback_enriched (id, created_at, source, product_area, sentiment, priority, "
        "topic, region, customer_tier, account_id, summary) "
        "SELECT a.place || '-' || n, %(as_of)s::timestamptz - n * interval '9 days', "
        "(ARRAY['email', 'chat'])[1 + n %% 2], "
        "(ARRAY['billing', 'performance', %(odd)s])[1 + n %% 3], "
        "(ARRAY['negative', 'neutral', 'positive'])[1 + (n + a.place::int) %% 3], 1 + n %% 5, "
        "'invoice', 'EU', 'pro', a.account_id, 'CANARY the text of the feedback' "
        "FROM unnest(%(accounts)s) WITH ORDINALITY AS a (account_id, place), "
        "generate_series(1, 12) AS n",
        {"as_of": AS_OF, "accounts": list(ACCOUNTS), "odd": HOSTILE},
    )


def _runs() -> list[RunRecord]:
    end = AS_OF + timedelta(weeks=WEEKS - 1, minutes=4)
    began = end - timedelta(minutes=4)
    return [
        RunRecord("20260629-a", "train", "complete", began, end, sentence="Published 67 scores."),
        RunRecord(
            run_id="20260629-b",
            kind="score",
            state="failed",
            started_at=began + timedelta(days=1),
            ended_at=end + timedelta(days=1),
            exit_code=4,
            error="ContractBroken",
            sentence=FAILED,
            failed_node="FeedbackExampleGen",
        ),
    ]


def _alert() -> Alert:
    return Alert("scores_stale", "", f"The scores are 40 hours old. {HOSTILE}", {})


def _performance(cursor: psycopg2.extensions.cursor) -> None:
    cursor.execute(
        "INSERT INTO tens_insight.model_performance (publication_id, horizon_days, kind, slice, "
        "slice_value, band, metric, value, low, high, model_version, as_of) "
        "SELECT publication_id, 60, v.kind, 'overall', '', '', metric, value, value - .05, "
        "value + .05, model_version, as_of FROM tens_insight.publications, "
        "(VALUES ('realised', 'auc', .71), ('estimated', 'auc', .7), "
        "('realised', 'log_loss', .3), ('estimated', 'log_loss', .28), "
        "('realised', 'left', 12), ('estimated', 'left', 13)) AS v (kind, metric, value)"
    )
