"""What the state directory of the pages' tests holds: models, decisions, reports, area scores."""

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2

from components.feedback_example_gen.reading.area_counts import AreaWindow
from components.model_gate.decision_file import CHALLENGER, CHAMPION, Decision, JudgedHorizon
from components.model_gate.gate_check import GateCheck
from components.postgres.tables import PRODUCT_AREA_IMPACT
from components.product_area_scorer.impact_file import FILE, ExplainedAreas, impacts_as_json
from components.publishing.publication import NO_LABEL, Publication
from components.publishing.publish import publish
from components.registry.published_properties import PublishedAreasProperties
from components.registry.stages import StageTransition
from components.registry.transitions import append_transition
from serving_model.evaluation.ranking import FirstAccounts
from tests.components.publishing.policies import publish_policy
from tests.pipeline.registry.conftest import Shelf, make_shelf
from transforms.product_area_impact import PairCounts, Weights, area_impacts

FIRST, SECOND, REFUSED = "20260601-abcdef01", "20260602-abcdef01", "20260603-abcdef01"
"""Two champions, one after the other, as the publications name them, and a refused model."""
WINDOW = AreaWindow(90, 4)
ENTERPRISE = ("enterprise",)
REPORT = "<!DOCTYPE html><html lang=en><style>p{color:red}</style><p>The report of "


def fill(state_dir: Path, url: str, as_of: datetime, weeks: int, hostile: str) -> None:
    """Fills the state directory, and publishes product areas; DATABASE_URL names the database."""
    shelf = make_shelf(state_dir / "metadata.sqlite")
    artifacts = state_dir / "artifacts"
    _model(shelf, artifacts, FIRST, decision(FIRST, None, hostile))
    _model(shelf, artifacts, SECOND, decision(SECOND, FIRST, hostile))
    _model(shelf, artifacts, REFUSED, decision(REFUSED, SECOND, hostile, blessed=False))
    append_transition(shelf.store, _accepted(hostile))
    for week in range(weeks):
        weights = Weights() if week < weeks - 1 else Weights().changed({"recent_feedback": 0.2})
        _publish_areas(shelf, artifacts, as_of + timedelta(weeks=week), week, weights, hostile)
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def pairs(week: int, hostile: str) -> tuple[PairCounts, ...]:
    """What was counted in a week."""
    return (
        PairCounts("billing", "enterprise", 90 + week, 40, 20, 30, 12, 9),
        PairCounts("billing", "pro", 60, 10 + 5 * week, 20, 12, 4, 5),
        PairCounts("performance", "pro", 120, 30, 50, 8, 2, 11),
        PairCounts(hostile, "pro", 12, 3, 4, 0, 0, 1),
        PairCounts("security", hostile, 5, 1, 1, 1, 1, 0),
    )


def decision(version: str, champion: str | None, hostile: str, *, blessed: bool = True) -> Decision:
    """The gate's decision; against a champion with paired differences."""
    checks = [check("auc", 0.71, (0.66, 0.76)), check("auc above chance", 0.71, (0.66, 0.76))]
    metrics = {CHALLENGER: _metrics(0.71)}
    if champion is not None:
        worse = -0.03 if blessed else -0.2
        metrics[CHAMPION] = _metrics(0.71 - worse)
        ends = (worse - 0.01, worse + 0.01)
        checks.append(check("auc against the champion", worse, ends, failed=not blessed))
    slice_ = check("auc", 0.6, (0.5, 0.7), slice_=f"region {hostile}")
    return Decision(
        blessed=blessed,
        summary=f"{'BLESSED' if blessed else 'NOT BLESSED'}: auc is 0.71 of {hostile}",
        model_version=version,
        champion_version=champion,
        eval={"cutoff": "2026-04-02T00:00:00+00:00", "accounts": 400, "churned": 40},
        training={},
        checks=(*checks, slice_),
        metrics=metrics,
        slices=[],
        calibration=[],
        unacceptable_because="" if blessed else "it is behind the champion",
        horizons=[JudgedHorizon(60, "", 400, 40, 0.71, (0.66, 0.76), 0.1, 0.1, 0.01, 0.4)],
        first_accounts=[FirstAccounts(CHALLENGER, 50, 20, 0.4, (0.3, 0.5), 0.5, (0.4, 0.6))],
    )


def check(
    name: str,
    value: float,
    ends: tuple[float, float],
    *,
    failed: bool = False,
    slice_: str = "overall",
) -> GateCheck:
    """One check of the gate."""
    verdict = "failed" if failed else "passed"
    rule = "at least -0.01"
    return GateCheck(name, slice_, value, ends, rule, -0.01, verdict, 400, 40, f"{name}: {rule}")


def _metrics(auc: float) -> dict[str, float | None]:
    return {"auc": auc, "pr_auc": 0.3, "log_loss": 0.31, "brier": 0.09, "calibration_error": None}


def _model(shelf: Shelf, artifacts: Path, version: str, judged: Decision) -> None:
    run = f"run-of-{version}"
    uri = str(artifacts / run / "model")
    settings = {"run": run, "uri": uri, "settings": '{"max_events": 300}'}
    model = shelf.train(version, None, **settings)
    folder = artifacts / run / "blessing"
    folder.mkdir(parents=True)
    (folder / "decision.json").write_text(judged.as_json())
    said = {
        "blessed": int(judged.blessed),
        "current_model_id": model,
        "summary": judged.summary,
        "acceptable": int(judged.acceptable),
        "unacceptable_because": judged.unacceptable_because,
    }
    blessing = shelf.artifact("ModelBlessing", str(folder), said)
    shelf.node(run, "ModelGate", [model], [blessing])
    _report(shelf, artifacts / run / "review", run, version)


def _report(shelf: Shelf, folder: Path, run: str, version: str) -> None:
    folder.mkdir(parents=True)
    (folder / "review.html").write_text(f"{REPORT}{version}</p></html>")
    said = {"outcome": "blessed", "model_version": version}
    review = shelf.artifact("TensInsightModelReview", str(folder), said)
    shelf.node(run, "ModelReview", [], [review])


def _accepted(hostile: str) -> StageTransition:
    reason = f"Agreed with CS {hostile}"
    return StageTransition(1, "promote", SECOND, 1_780_000_000_000, "ann@host", reason)


def _publish_areas(
    shelf: Shelf, artifacts: Path, as_of: datetime, week: int, weights: Weights, hostile: str
) -> None:
    impacts = tuple(area_impacts(pairs(week, hostile), weights, ENTERPRISE))
    version = weights.version()
    publication = Publication(as_of, version, NO_LABEL, f"run-{week}", len(impacts))
    published = publish(
        PRODUCT_AREA_IMPACT,
        lambda: [
            (
                *(one.counts.product_area, one.counts.segment, one.priority_score),
                *(one.counts.feedback, one.counts.avg_sentiment_score, one.counts.negative),
                *(one.counts.critical, as_of, version),
            )
            for one in impacts
        ],
        publication=publication,
        policy=publish_policy(max_count_change=9.0),
    )
    folder = artifacts / f"areas-{week}"
    folder.mkdir(parents=True)
    explained = ExplainedAreas(as_of, WINDOW, weights, ENTERPRISE, impacts)
    (folder / FILE).write_text(impacts_as_json(explained))
    said: Mapping[str, Any] = PublishedAreasProperties(
        as_of=as_of.isoformat(),
        weights_version=version,
        window_days=WINDOW.days,
        rows=300,
        unnamed_rows=0,
        published_count=len(impacts),
        removed_count=0,
        publication_id=published.publication_id,
    ).as_plain()
    shelf.artifact("TensInsightPublishedAreas", str(folder), dict(said))
