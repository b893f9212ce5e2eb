"""A world as deployments have it: every kind is handled as documented, and counted."""

import json
from collections import Counter, defaultdict
from datetime import timedelta

import numpy as np
import pytest
import tensorflow as tf

from tests.end_to_end.reference import DAY, collapsed, product_areas, raw_events

pytestmark = pytest.mark.slow

MAX_EVENTS = 40
LOOKBACK = timedelta(days=180)
BLANKS = " \t\n\r\v\f"
OPEN_SETS = {"product_area": 5, "source": 6, "topic": 7, "customer_tier": 8, "region": 9}


@pytest.fixture(scope="module")
def installation(postgres_server, tmp_path_factory, installation_with):
    folder = tmp_path_factory.mktemp("goinsight")
    with installation_with(postgres_server, folder, "strong", 1_800, "goinsight") as made:
        yield made


@pytest.fixture(scope="module")
def settings(settings_for_small_worlds):
    return {
        **settings_for_small_worlds,
        "TENS_INSIGHT_CUTOFF_INTERVAL_DAYS": "28",
        "TENS_INSIGHT_MAX_EVENTS": str(MAX_EVENTS),
        "TENS_INSIGHT_MEMBERS": "1",
        "TENS_INSIGHT_MIN_AUC": "0.5",
    }


@pytest.fixture(scope="module")
def tuned(installation, settings):
    finished = installation.run("run", "tune", "--json", **settings, TENS_INSIGHT_TUNE_TRIALS="2")
    assert finished.code == 0, finished.err
    return finished


@pytest.fixture(scope="module")
def publications_after_tuning(installation, tuned):
    return installation.query("SELECT count(*) FROM tens_insight.publications")


@pytest.fixture(scope="module")
def trained(installation, settings, publications_after_tuning):
    """Takes what tuning found, but for one value that is set."""
    finished = installation.run("run", "train", "--json", **settings, TENS_INSIGHT_L2="0.007")
    assert finished.code == 0, finished.err
    return finished


@pytest.fixture(scope="module")
def published(installation, trained):
    return {
        row[0]: row
        for row in installation.query(
            "SELECT account_id, churn_probability FROM account_risk_scores"
        )
    }


@pytest.fixture(scope="module")
def scored(installation, published, settings):
    finished = installation.run("run", "score", "--json", **settings)
    assert finished.code == 0, finished.err
    return finished


@pytest.fixture(scope="module")
def rows(installation):
    """Every row: account, moment, hash of the id, sentiment, priority, then OPEN_SETS."""
    return installation.query(
        "SELECT account_id, created_at, hashtextextended(id, 0), sentiment, priority, "
        "product_area, source, topic, customer_tier, region FROM feedback_enriched"
    )


@pytest.fixture(scope="module")
def histories(installation, rows):
    """The rows of each account before as_of, oldest first, repetitions taken out."""
    found = defaultdict(list)
    for row in sorted((row for row in rows if row[0]), key=lambda row: row[1:3]):
        if row[1] < installation.as_of:
            found[row[0]].append((row[0], row[1], None, *row[3:]))
    return {account: collapsed(own) for account, own in found.items()}


@pytest.fixture(scope="module")
def alive(installation, histories):
    gone = {account for (account,) in installation.query("SELECT account_id FROM account_churn")}
    return {account: own for account, own in histories.items() if account not in gone}


def test_tuning_says_what_it_found_and_publishes_nothing(tuned, publications_after_tuning):
    found = tuned.summary
    assert found["outcome"] == "tuned"
    assert found["trials"] == 2
    assert found["log_loss"] <= found["settings_log_loss"]
    assert "Measured 2 sets of hyperparameters" in tuned.out
    assert "eval_examples" not in found["data"]
    assert publications_after_tuning == [(0,)]


def test_training_takes_what_tuning_found(installation, tuned, trained):
    found = tuned.summary
    trainer = installation.state_dir / "pipeline_root" / "tens-insight-train" / "ModelTrainer"
    (card,) = trainer.rglob("model_card.json")
    card = json.loads(card.read_text())
    assert card["tuner_run"] == found["tuner_run"]
    used = json.loads(card["hyperparameters"])
    assert used == found["values"] | {"l2": 0.007}
    assert card["hyperparameters_from"].endswith("; set explicitly: l2")
    said = trained.summary["hyperparameters_from"]
    assert said == card["hyperparameters_from"]
    assert f"trained with hyperparameters of {said}" in trained.out


def word(value):
    return value.strip(BLANKS).lower()


def test_the_world_holds_every_kind(trained):
    data = trained.summary["data"]
    for name in (
        "rows_in_future", "rows_without_account", "duplicate_rows", "accounts_changed_tier",
        "accounts_changed_region", "accounts_with_one_row", "accounts_cut", "accounts_with_slash",
        "accounts_alike", *(f"{column}_spellings" for column in OPEN_SETS),
    ):  # fmt: skip
        assert data[name] > 0, name


def test_rows_are_counted_as_they_are(trained, scored, rows, histories, installation):
    past = [row for row in rows if row[1] < installation.as_of]
    named = [row for row in past if row[0]]
    expected = {
        "feedback_rows": len(past),
        "rows_in_future": len(rows) - len(past),
        "rows_without_account": len(past) - len(named),
        "duplicate_rows": len(named) - sum(map(len, histories.values())),
    }
    for finished in (trained, scored):
        assert {name: finished.summary["data"][name] for name in expected} == expected


def test_accounts_are_counted_as_they_are(trained, scored, histories, alive, installation):
    ids = Counter(map(word, histories))

    def recent(own):
        return sum(row[1] >= installation.as_of - LOOKBACK for row in own)

    def several(column):
        return sum(len({word(row[column]) for row in own}) > 1 for own in histories.values())

    expected = {
        "accounts": len(histories),
        "accounts_with_one_row": sum(len(own) == 1 for own in histories.values()),
        "accounts_changed_tier": several(OPEN_SETS["customer_tier"]),
        "accounts_changed_region": several(OPEN_SETS["region"]),
        "accounts_cut": sum(recent(own) > MAX_EVENTS for own in alive.values()),
        "accounts_with_slash": sum("/" in account for account in histories),
        "accounts_alike": sum(ids[word(account)] > 1 for account in histories),
    }
    for finished in (trained, scored):
        assert {name: finished.summary["data"][name] for name in expected} == expected


@pytest.mark.parametrize("column", OPEN_SETS)
def test_spellings_are_counted_and_named(trained, histories, column):
    counts = Counter(row[OPEN_SETS[column]] for own in histories.values() for row in own)
    spellings = defaultdict(dict)
    for value, count in counts.items():
        spellings[word(value)][value] = count
    usual = {one: max(own, key=own.get) for one, own in spellings.items()}
    other = {value: count for value, count in counts.items() if value != usual[word(value)]}
    data = trained.summary["data"]
    assert data[f"{column}_spellings"] == len(other)
    assert data[f"{column}_spelling_rows"] == sum(other.values())
    named = data[f"{column}_spelling_examples"]
    assert [other[spelling] for spelling, _ in named] == sorted(other.values())[::-1][:3]
    assert [value for _, value in named] == [usual[word(spelling)] for spelling, _ in named]
    assert f"{column}: {len(other)} spellings in {sum(other.values())} rows" in trained.out


def test_words_that_training_never_saw_are_counted(trained, scored, alive, installation):
    """The late area, topics and source are the only words without a slot of their own."""
    late = {
        "area": (5, {"ai_assistant"}),
        "source": (6, {"slack"}),
        "topic": (7, {"hallucination", "prompt_limit", "tone"}),
    }
    events = [
        row
        for own in alive.values()
        for row in [one for one in own if one[1] >= installation.as_of - LOOKBACK][-MAX_EVENTS:]
    ]
    for finished in (trained, scored):
        found = finished.summary["published"]
        for name, (column, words) in late.items():
            share = sum(word(row[column]) in words for row in events) / len(events)
            assert found[f"unseen_{name}_share"] == pytest.approx(share, abs=1e-6)
            assert share > 0
            assert set(found[f"unseen_{name}_examples"]) == words
        assert found["unseen_tier_share"] == found["unseen_region_share"] == 0
    assert "outside the model's vocabulary: " in trained.out
    assert "('ai_assistant')" in trained.out


def test_every_id_comes_back_byte_for_byte(installation, published, scored, alive):
    again = installation.query("SELECT account_id, churn_probability FROM account_risk_scores")
    assert {row[0].encode() for row in again} == {account.encode() for account in alive}
    assert set(published) == set(alive)
    for odd in ("/", '"', "'", "\\", "\t", "\n", "ß", "😀", "e\u0301"):
        assert any(odd in account for account in published), odd
    alike = Counter(map(word, published))
    assert max(alike.values()) > 1
    np.testing.assert_allclose(
        [row[1] for row in again], [published[row[0]][1] for row in again], atol=1e-6
    )


def test_the_model_loaded_alone_gives_the_published_scores(published, trained, installation):
    model = tf.saved_model.load(trained.summary["pushed_to"])
    accounts = sorted(published)
    answer = model.signatures["raw_events"](**raw_events(installation, accounts, MAX_EVENTS))
    assert [one.decode() for one in answer["account_id"].numpy()[:, 0]] == accounts
    expected = [published[account][1] for account in accounts]
    np.testing.assert_allclose(answer["churn_probability"].numpy()[:, 0], expected, atol=1e-6)


def test_product_areas_follow_the_rule_on_rows_as_they_stand(installation, scored):
    """Names as they are spelled, and repeated rows as often as they are there."""
    feedback = installation.query(
        "SELECT product_area, customer_tier, sentiment, priority, created_at FROM feedback_enriched"
    )
    expected = product_areas(feedback, installation.as_of)
    found = installation.query(
        "SELECT product_area, segment, priority_score, feedback_count, avg_sentiment_score, "
        "negative_count, critical_count FROM product_area_impact"
    )
    assert {row[:2] for row in found} == set(expected)
    assert {"ai_assistant", " billing", "BILLING", "billing"} < {row[0] for row in found}
    for area, segment, score, *counts in found:
        assert score == pytest.approx(expected[area, segment][0], rel=0, abs=1e-9)
        assert counts == expected[area, segment][1:]


def test_one_account_writes_a_hundredth_of_all(rows, installation):
    past = Counter(row[0] for row in rows if row[1] < installation.as_of)
    del past[None]
    assert 0.009 < max(past.values()) / sum(past.values()) < 0.02


def test_the_lines_of_the_summary_hold_one_account_each(trained):
    lines = trained.out.splitlines()
    first = lines.index("The 10 accounts most at risk") + 1
    assert all("%" in line for line in lines[first : first + 10])
    assert lines[first + 10] == ""


def test_a_moment_of_the_future_is_no_event(rows, installation):
    later = [row[1] for row in rows if row[1] >= installation.as_of]
    assert min(later) >= installation.as_of + 30 * DAY
