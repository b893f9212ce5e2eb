"""What runs would have left behind: the properties that their nodes record."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from components.data_checker.actions import DEFAULT_ACTIONS, decide
from components.data_checker.checks import Check
from components.data_checker.config import DataCheckerConfig
from components.data_checker.sizes import check_freshness, check_sizes
from components.data_checker.volume import check_volume
from components.model_review.run_artifacts import RunArtifacts
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import ModelProperties
from components.registry.node_costs import DONE, NOT_RUN, NodeCost
from components.registry.node_costs import FAILED as NODE_FAILED
from components.registry.published_properties import Estimated, RecordedOutcomesProperties
from components.verdicts import FAILED, PASSED, SKIPPED
from tests.components.sample_properties import examples_properties, scores_properties

CHALLENGER_VERSION = "20260601-4b825dc6"
CHAMPION_VERSION = "20260501-9f86d081"
AS_OF = "2026-06-01T00:00:00+00:00"
_FIRST_CUTOFF = datetime.fromisoformat("2025-10-16T00:00:00+00:00")
SETTINGS: dict[str, Any] = {
    "batch_size": 512,
    "carried_shift": 0.5,
    "churn_table": "account_churn",
    "cutoff_interval_days": 14,
    "data_checks": DEFAULT_ACTIONS,
    "dropout": 0.5,
    "epochs": 16,
    "eval_cutoff": None,
    "hidden_units": [32],
    "horizon_days": 60,
    "l2": 0.05,
    "label_source": "auto",
    "learning_rate": 0.002,
    "lookback_days": 180,
    "max_worsening": {},
    "members": 6,
    "review_accounts": True,
    "risk_bands": "probability",
    "seed": 20,
}
EXAMPLES: dict[str, Any] = {
    "as_of": AS_OF,
    "label_source": "account_churn",
    "duplicate_events": "collapse",
    "lookback_days": 180,
    "horizon_days": 60,
    "max_events": 500,
    "feedback_rows": 61_204,
    "newest_feedback": "2026-05-31T21:17:40+00:00",
    "rows_without_account": 3_127,
    "rows_in_future": 2,
    "rows_without_date": 0,
    "late_rows": 41,
    "previous_as_of": "2026-05-01T00:00:00+00:00",
    "previous_feedback_rows": 57_410,
    "previous_scored": 1_388,
    "rows_last_week": 902,
    "rows_weeks_before": 7_344,
    "train_cutoffs": ",".join(
        (_FIRST_CUTOFF + timedelta(days=14 * number)).isoformat() for number in range(9)
    ),
    "train_examples": 12_020,
    "train_churned": 1_562,
    "eval_cutoffs": "2026-04-02T00:00:00+00:00",
    "eval_examples": 1_446,
    "eval_churned": 198,
    "score_cutoffs": AS_OF,
    "score_examples": 1_412,
    "score_churned": 0,
    "duplicate_rows": 122,
    "accounts_changed_tier": 61,
    "accounts_changed_region": 12,
    "accounts_with_one_row": 83,
    "accounts_cut": 4,
    "accounts_with_slash": 1,
    "accounts_alike": 2,
    "product_area_spellings": 3,
    "product_area_spelling_rows": 17,
    "product_area_spelling_examples": '[["Billing", "billing"], ["ui_ux ", "ui_ux"]]',
    "source_spellings": 0,
    "source_spelling_rows": 0,
    "topic_spellings": 0,
    "topic_spelling_rows": 0,
    "customer_tier_spellings": 1,
    "customer_tier_spelling_rows": 9,
    "customer_tier_spelling_examples": '[["PRO", "pro"]]',
    "region_spellings": 0,
    "region_spelling_rows": 0,
}
PUBLISHED = scores_properties(
    model_version=CHALLENGER_VERSION,
    published_count=1_412,
    published_at="2026-06-01T02:41:07+00:00",
    unseen_topic_share=0.013,
    unseen_topic_examples='["sso_login", "dark_mode"]',
)
OUTCOMES = RecordedOutcomesProperties(
    as_of="2026-06-01T00:00:00+00:00",
    label_source="account_churn",
    measured=0,
    accounts=0,
    left=0,
    unknown=0,
    waiting=0,
    open=3,
    estimated={
        "auc": Estimated(0.7214, 0.6702, 0.7683),
        "log_loss": Estimated(0.2391, 0.2012, 0.2816),
    },
)
MODEL = ModelProperties(
    model_version=CHALLENGER_VERSION,
    packages="apache-beam 2.56.0, tensorflow 2.16.2, tfx 1.16.0",
    saved_model_sha256="4b825dc642cb6eb9a060e54bf8d69288fbee49044b825dc642cb6eb9a060e54b",
    hyperparameters_from="settings",
)
CHAMPION = ModelProperties(
    model_version=CHAMPION_VERSION,
    settings=SETTINGS | {"l2": 0.002, "members": 1, "epochs": 20},
)
_LIMITS = DataCheckerConfig(min_accounts=100, min_churned=20, max_feedback_age_days=7)
_NODES = (
    ("FeedbackExampleGen", 11.2),
    ("StatisticsGen", 6.1),
    ("ExampleValidator", 0.4),
    ("DataChecker", 1.3),
    ("DataGate", 0.1),
    ("Transform", 21.9),
    ("ModelTrainer", 64.7),
    ("Evaluator", 9.4),
    ("ModelGate", 7.8),
    ("Pusher", 0.2),
    ("AccountScorer", 8.5),
    ("ProductAreaScorer", 0.9),
)


def run(examples: dict[str, Any] = EXAMPLES, failed: str = "", **others: Any) -> RunArtifacts:
    """Returns a run as far as it came.

    Args:
        examples: Properties of its Examples.
        failed: Node that failed; those after it were not run.
        others: Of RunArtifacts.
    """
    data = examples_properties(**examples)
    return RunArtifacts(
        run_id="2026-06-01T02:36:51.204117",
        examples=data,
        checks=tuple(decide(_checks(data), DEFAULT_ACTIONS)),
        costs=tuple(_costs(failed)),
        **{"uris": {"examples": "/srv/tens-insight/pipelines/FeedbackExampleGen/examples/1"}}
        | others,
    )


def _costs(failed: str) -> Iterator[NodeCost]:
    outcome = DONE
    for place, (name, seconds) in enumerate(_NODES):
        if name == failed:
            outcome = NODE_FAILED
        if outcome == NOT_RUN:
            yield NodeCost(name, NOT_RUN)
        else:
            yield NodeCost(name, outcome, seconds, 812.5 + 61.25 * place)
        if name == failed:
            outcome = NOT_RUN


def _checks(examples: ExamplesProperties) -> Iterator[Check]:
    splits = ["train", "eval", "score"]
    yield from check_sizes(examples, splits, _LIMITS)
    yield check_freshness(examples, splits, _LIMITS)
    yield Check("train: schema", "schema", ("train",), "none", "no anomaly", PASSED, "")
    yield from check_volume(examples, splits, _LIMITS)
    for split in splits:
        yield Check(f"{split}: missing region", "missing", (split,), 0.002, "<= 0.05", PASSED, "")
    for split, base, group in (("eval", "train", "drift"), ("score", "train", "skew")):
        for feature, found, limit in (
            ("customer_tier", 0.021, 0.1),
            ("region", 0.034, 0.1),
            ("tenure_days", 0.287, 0.6),
            ("days_since_last_event", 0.141 if split == "score" else 0.061, 0.12),
            ("event_age_days", 0.011, 0.02),
        ):
            yield _drift(split, base, group, feature, found, limit)
    few = "too few: 88 values in eval of 500 needed (TENS_INSIGHT_MIN_DRIFT_ACCOUNTS)"
    name = "score against eval: event_topic"
    yield Check(name, "drift", ("score", "eval"), None, "measured", SKIPPED, f"{name}: {few}")


def _drift(split: str, base: str, group: str, feature: str, found: float, limit: float) -> Check:
    message = (
        f"{feature} in {split} is {found:.3f} away from {base}, at most {limit:g} is usual: the "
        "mean was 21.4 and is 29.8, the median was 14 and is 23 (transforms/schema/schema.pbtxt)"
    )
    beyond = found > limit
    return Check(
        name=f"{split} against {base}: {feature}",
        group=group,
        splits=(split, base),
        found=found,
        threshold=f"<= {limit:g}",
        verdict=FAILED if beyond else PASSED,
        message=message if beyond else "",
    )
