"""Contracts that end without a date: who is silent is scored and marked, and decides no figure."""

import json
from datetime import datetime

import pytest

from components.model_gate.predictions import read_predictions
from tests.contract.conftest import execute
from tests.end_to_end.conftest import SMALLEST_BLESSED

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="wiring")]

LIMIT = 180
"""Days: the lookback, so that the account state `silent` means the same."""
SCORED = SMALLEST_BLESSED | {
    "TENS_INSIGHT_ACTIVE_WITHIN_DAYS": str(LIMIT),
    "TENS_INSIGHT_SILENT_ACCOUNTS": "scored",
}
ENDED = """
DELETE FROM account_churn
WHERE churned_at < '{as_of}'::timestamptz - interval '232 days' AND hashtext(account_id) % 5 <> 0
"""
"""Before the first training cutoff, so that no label is another."""
THERE_AT = """
SELECT account_id, max(created_at) < %s::timestamptz - make_interval(days => %s)
FROM feedback_enriched AS f
WHERE account_id IS NOT NULL AND created_at < %s
  AND NOT EXISTS (SELECT FROM account_churn AS c
                  WHERE c.account_id = f.account_id AND c.churned_at < %s)
GROUP BY account_id
"""


@pytest.fixture(scope="module")
def place(copy_of_installation, tmp_path_factory):
    """The installation after both runs, and then many contracts ended without a date."""
    with copy_of_installation(tmp_path_factory.mktemp("silent") / "state") as made:
        execute(made.admin_url, ENDED.format(as_of=made.as_of))
        yield made


@pytest.fixture(scope="module")
def retrained(place):
    """`run train` by which silent accounts are scored, by its model or by the champion before."""
    done = place.run("run", "train", "--json", **SCORED)
    assert done.code == 0, done.err
    return done


def newest(place, output):
    """Returns the folder of what the newest training run wrote."""
    folders = (place.state_dir / "pipeline_root" / "tens-insight-train").glob(f"{output}/*")
    return max(folders, key=lambda folder: int(folder.name))


def there_at(place, moment):
    """Returns who is there without a churn date before a moment: the silent, and the others."""
    rows = place.query(THERE_AT, moment, LIMIT, moment, moment)
    return ({account for account, is_silent in rows if is_silent == wanted} for wanted in (1, 0))


def test_silent_accounts_are_published_and_marked(place, retrained):
    silent, living = there_at(place, place.as_of)
    assert len(silent) > 30
    details = place.query(
        "SELECT account_id, silence_state, days_since_last_event "
        "FROM account_risk_scores JOIN tens_insight.account_risk_details USING (account_id)"
    )
    assert {account for account, _, _ in details} == silent | living
    assert {account for account, state, _ in details if state == "silent"} == silent
    assert {account for account, _, days in details if days > LIMIT} == silent
    population = place.query(
        "SELECT population FROM tens_insight.publications "
        "WHERE target_table = 'account_risk_scores' ORDER BY publication_id DESC LIMIT 1"
    )[0][0]
    assert (population["silent"], population["silent_accounts"]) == (len(silent), "scored")
    assert f"{len(silent)} accounts silent for more than {LIMIT} days" in retrained.out
    assert "scored, though nothing was learnt from them" in retrained.out
    (account, *_) = sorted(silent)
    shown = place.run("account", account)
    assert shown.code == 0, shown.err
    assert "silent" in shown.out


def test_they_never_decide_what_the_gate_says(place, retrained):
    gate = retrained.summary["gate"]
    silent, living = there_at(place, datetime.fromisoformat(gate["eval"]["cutoff"]))
    assert len(silent) > 30
    assert gate["eval"]["accounts"] == len(living)
    blessing = newest(place, "ModelGate/blessing")
    assert set(read_predictions(str(blessing)).accounts.tolist()) == living
    assert retrained.review["head"]["accounts"] == len(living)
    assert retrained.summary["data"]["eval_silent"] == len(silent)


def test_lift_counts_from_the_rate_of_the_others(place, retrained):
    """In the model that learnt without them, whether it was blessed or not."""
    data = retrained.summary["data"]
    of_the_living = data["train_churned"] / data["train_examples"]
    of_all = data["train_churned"] / (data["train_examples"] + data["train_silent"])
    assert of_all < 0.95 * of_the_living
    card = newest(place, "ModelTrainer/model") / "Format-Serving/assets.extra/model_card.json"
    rate = json.loads(card.read_text())["calibrated_base_rate"]
    assert abs(rate - of_the_living) < (of_the_living - of_all) / 2
