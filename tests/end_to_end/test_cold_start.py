"""The first day: 33 rows of feedback, and scores all the same, from an empty table to undo."""

import pytest

from tests.contract.conftest import execute
from tests.end_to_end.conftest import AREAS

pytestmark = pytest.mark.slow

RULES = {"TENS_INSIGHT_COLD_START": "rules", "TENS_INSIGHT_ASSUMED_CHURN_RATE": "0.1"}


@pytest.fixture(scope="module")
def first_day(postgres_server, tmp_path_factory, installation_with):
    """The 33 newest rows of a small world, and nobody who left."""
    with installation_with(postgres_server, tmp_path_factory.mktemp("first"), "base", 60) as made:
        execute(
            made.admin_url,
            "DELETE FROM account_churn",
            "DELETE FROM feedback_enriched WHERE id NOT IN (SELECT id FROM feedback_enriched "
            "WHERE account_id IS NOT NULL ORDER BY created_at DESC, id LIMIT 33)",
        )
        yield made


@pytest.fixture(scope="module")
def trained(first_day):
    """`run train` where nothing can be learnt."""
    return first_day.run("run", "train", "--json", TENS_INSIGHT_LABEL_SOURCE="inactivity", **RULES)


def test_training_publishes_by_the_rule_and_says_why_nothing_was_learnt(first_day, trained):
    assert trained.code == 0, trained.err
    summary = trained.summary
    assert summary["learnt"] is False
    assert summary["published"]["model_version"].startswith("rules-")
    assert summary["published"]["mean_probability"] == pytest.approx(0.1, abs=1e-4)
    assert "is too short" in summary["not_learnt"][0]
    assert "scored with  the cold-start rule rules-" in trained.out
    assert "nothing was learnt" in trained.out
    assert "estimated" not in trained.out
    assert first_day.query("SELECT count(*) FROM account_risk_scores") == [(17,)]
    rows = first_day.query("SELECT DISTINCT learnt FROM tens_insight.account_risk_details")
    assert rows == [(False,)]
    assert first_day.query(AREAS)
    ((kind, state, sentence),) = first_day.query(
        "SELECT kind, state, sentence FROM tens_insight.runs"
    )
    assert (kind, state) == ("train", "complete")
    assert "nothing was learnt" in sentence
    assert "No model was trained" in sentence


def test_scoring_does_it_again_and_every_page_says_what_it_is(first_day, trained):
    scored = first_day.run(
        "run", "score", "--json", TENS_INSIGHT_LABEL_SOURCE="inactivity", **RULES
    )
    assert scored.code == 0, scored.err
    version = scored.summary["published"]["model_version"]
    assert version == trained.summary["published"]["model_version"]
    ((account,),) = first_day.query("SELECT account_id FROM account_risk_scores LIMIT 1")
    for command in (("status",), ("models", "list"), ("account", account)):
        said = first_day.run(*command)
        assert said.code == 0, said.err
        assert version in said.out
        assert "nothing was learnt" in said.out
    undone = first_day.run("publications", "undo", "--reason", "a test")
    assert undone.code == 0, undone.err
    assert first_day.query("SELECT DISTINCT model_version FROM account_risk_scores") == [(version,)]
    assert first_day.query(
        "SELECT undone_at IS NULL FROM tens_insight.publications "
        "WHERE target_table = 'account_risk_scores' AND kind = 'published' ORDER BY publication_id"
    ) == [(True,), (False,)]
    shown = first_day.run("models", "show", version)
    assert shown.code == 2
    assert "which is no model" in shown.err


def test_without_the_setting_the_run_ends_as_before(first_day, trained):
    refused = first_day.run("run", "score", TENS_INSIGHT_LABEL_SOURCE="inactivity")
    assert refused.code == 3
    assert "TENS_INSIGHT_COLD_START=rules" in refused.err
    lacking = first_day.run("run", "score", TENS_INSIGHT_COLD_START="rules")
    assert lacking.code == 6
    assert "TENS_INSIGHT_ASSUMED_CHURN_RATE=0.05" in lacking.err
