"""What the policy reads of a real database and a store of ML Metadata."""

from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from components.registry.stages import PROMOTE, WITHDRAW
from pipeline.policy.act import perform
from pipeline.policy.decide import Act, Decision, decide
from pipeline.policy.facts import TRAIN, Facts
from pipeline.policy.read_facts import read_facts
from pipeline.registry import change_stage
from pipeline.settings import load_settings
from pipeline.state_directory import open_state_dir
from tests.pipeline.policy.conftest import END, Yard

DAY = timedelta(days=1)


def execute(url: str, statement: str, *rows: dict[str, Any]) -> list[Any]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        for row in rows or ({},):
            cursor.execute(statement, row)
        return cursor.fetchall() if cursor.description else []


def read(yard: Yard, now: datetime = END) -> Facts:
    return read_facts(yard.settings(as_of=now))


PUBLICATION = """
INSERT INTO tens_insight.publications
    (attempt, target_table, as_of, model_version, label_source, rows_written, rows_removed,
     category_shares, run_id, published_by, horizon_days, horizons)
VALUES (gen_random_uuid(), 'account_risk_scores', %(as_of)s, %(version)s, 'account_churn', 1, 0,
        '{}', 'run', 'test', 60, '{30,60,90}')
RETURNING publication_id
"""
DEPARTURE = """
INSERT INTO tens_insight.account_departures (account_id, label_source, gone_from, gone_until)
VALUES (%(account)s, %(source)s, %(at)s, %(at)s)
"""
ALARM = """
INSERT INTO tens_insight.drift_metrics
    (window_start, window_end, granularity, run_id, publication_id, model_version, baseline,
     compared_with, slice_key, slice_value, column_name, metric, statistic, surprise, threshold,
     alarm, opened_at)
VALUES (%(at)s, %(at)s, 'moment', %(run)s, %(publication)s, 'v', 'previous', '', %(key)s, 'x',
        %(column)s, %(metric)s, 'jump', 9, 3, %(alarm)s, %(opened)s)
"""
PERFORMANCE = """
INSERT INTO tens_insight.model_performance
    (publication_id, horizon_days, kind, slice, slice_value, band, metric, value, low, high,
     model_version, as_of)
VALUES (%(publication)s, 60, %(kind)s, 'overall', '', '', 'log_loss', %(value)s, %(low)s, %(high)s,
        %(version)s, %(as_of)s)
"""


def published(url: str, version: str, as_of: datetime) -> int:
    ((number,),) = execute(url, PUBLICATION, {"as_of": as_of, "version": version})
    return int(number)


def test_nothing_was_ever_trained(yard: Yard, migrated_database: str) -> None:
    facts = read(yard)
    assert (facts.champion, facts.former, facts.trained_as_of) == (None, None, None)
    assert [act.kind for act in decide(facts, yard.settings().policy).acts] == [TRAIN]


def test_champion_former_and_challenger_are_those_of_the_rule(
    yard: Yard, migrated_database: str
) -> None:
    old = yard.train(END - 60 * DAY)
    new = yard.train(END - 20 * DAY)
    waiting = yard.train(END - 10 * DAY, shadow=True)
    refused = yard.train(END - 3 * DAY, blessed=False)
    facts = read(yard)
    assert facts.champion is not None
    assert facts.former is not None
    assert facts.challenger is not None
    found = (facts.champion.version, facts.former.version, facts.challenger.version)
    assert found == (new, old, waiting)
    assert facts.champion.as_of == END - 20 * DAY
    assert facts.trained_as_of == END - 3 * DAY, refused
    assert facts.against_former is not None
    assert facts.against_former.accounts == 0


def test_a_challenger_that_is_older_than_the_champion_is_passed_over(
    yard: Yard, migrated_database: str
) -> None:
    yard.train(END - 60 * DAY)
    yard.train(END - 30 * DAY, shadow=True)
    yard.train(END - 20 * DAY)
    assert read(yard).challenger is None


def test_accounts_are_counted_that_left_since_the_champion_learnt(
    yard: Yard, migrated_database: str
) -> None:
    yard.train(END - 20 * DAY)
    rows = [
        {"account": "a", "source": "account_churn", "at": END - 5 * DAY},
        {"account": "b", "source": "account_churn", "at": END - 20 * DAY},
        {"account": "c", "source": "account_churn", "at": END - 21 * DAY},
        {"account": "d", "source": "inactivity", "at": END - 5 * DAY},
        {"account": "e", "source": "account_churn", "at": END},
    ]
    execute(migrated_database, DEPARTURE, *rows)
    assert read(yard).left == 2


def test_settings_are_found_that_the_champion_did_not_learn_with(
    yard: Yard, migrated_database: str
) -> None:
    yard.train(END - 20 * DAY)
    (absent,) = read(yard).unlike  # there is no table of churn dates, from which it learnt
    assert (absent.name, absent.learnt, absent.asked) == (
        "label_source",
        "account_churn",
        "inactivity",
    )
    execute(migrated_database, "CREATE TABLE account_churn (account_id text, churned_at date)")
    assert read(yard).unlike == []
    asked = yard.settings(as_of=END, active_within_days=120, horizon_days=90)
    facts = read_facts(asked)
    assert [(one.name, one.learnt, one.asked) for one in facts.unlike] == [
        ("horizon_days", 60, 90),
        ("active_within_days", "off", 120),
    ]
    assert decide(facts, asked.policy).run.kind == TRAIN


def test_alarms_count_that_are_about_the_input_and_younger_than_the_champion(
    yard: Yard, migrated_database: str
) -> None:
    version = yard.train(END - 20 * DAY)
    publication = published(migrated_database, version, END - DAY)
    at = {"at": END - DAY, "run": "run", "publication": publication, "alarm": True}
    young, old = END - 8 * DAY, END - 25 * DAY
    rows = [
        at | {"key": "source", "column": ":table", "metric": "share of events", "opened": young},
        at | {"key": "", "column": "tier", "metric": "unseen", "opened": old},
        at | {"key": "", "column": "node X", "metric": "seconds", "opened": young},
        at | {"key": "", "column": "churn_probability", "metric": "distance from training"}
        | {"opened": young},
        at | {"key": "", "column": "topic", "metric": "blank", "alarm": False, "opened": None},
    ]  # fmt: skip
    execute(migrated_database, ALARM, *rows)
    (found,) = read(yard).drift
    assert found.name == "source 'x': share of events"
    assert found.opened_at == young
    execute(migrated_database, ALARM, rows[4] | {"at": END, "run": "next"})
    assert list(read(yard).drift) == []  # the newest run has none


def test_performance_is_that_of_the_newest_closed_window_of_the_champion(
    yard: Yard, migrated_database: str
) -> None:
    version = yard.train(END - 90 * DAY)
    early = published(migrated_database, version, END - 80 * DAY)
    late = published(migrated_database, version, END - 70 * DAY)
    for publication, value in ((early, 0.2), (late, 0.4)):
        about = {"publication": publication, "version": version, "as_of": END - 70 * DAY}
        for kind, middle in (("realised", value), ("estimated", 0.2)):
            ends = {"kind": kind, "value": middle, "low": middle - 0.05, "high": middle + 0.05}
            execute(migrated_database, PERFORMANCE, about | ends)
    found = read(yard).performance
    assert found is not None
    assert (found.publication_id, found.value, found.foreseen) == (late, 0.4, 0.2)
    assert found.fell
    execute(
        migrated_database,
        "UPDATE tens_insight.publications SET undone_at = now(), undone_by = 'x', "
        f"undo_reason = 'x' WHERE publication_id = {late}",
    )
    undone = read(yard).performance
    assert undone is not None
    assert undone.publication_id == early
    assert not undone.fell


@pytest.mark.parametrize(
    ("every", "days", "late"),
    [(26, 1, False), (26, 2, True), (170, 7, False), (170, 8, True), (0, 300, False)],
)
def test_a_run_is_missing_by_the_interval_that_alerts_have(
    yard: Yard, migrated_database: str, every: float, days: int, late: bool
) -> None:
    published(migrated_database, "v", END - days * DAY)
    found = read_facts(yard.settings(as_of=END, alert_run_every_hours=every))
    assert found.is_late == late


def test_nothing_is_missing_before_the_first_publication(
    yard: Yard, migrated_database: str
) -> None:
    assert not read(yard).is_late


def test_an_act_is_recorded_told_and_taken_back(yard: Yard, migrated_database: str) -> None:
    old, new = yard.train(END - 60 * DAY), yard.train(END - 20 * DAY)
    act = Act(WITHDRAW, "It is worse.", new, {"worse": 123.5}, f"tens-insight models promote {new}")
    said = perform(Decision(END, (), [act, Act("score", "")]), yard.settings())
    assert said[0].startswith(f"Withdrew {new}: It is worse. The champion is {old} now.")
    facts = read(yard)
    assert facts.champion is not None
    assert facts.champion.version == old
    (kept,) = facts.acts
    assert (kept.kind, kept.model_version, kept.evidence) == (WITHDRAW, new, {"worse": 123.5})
    assert kept.decided_by.startswith("policy (")
    ((kind, sentence, evidence),) = execute(
        migrated_database, "SELECT kind, sentence, evidence FROM tens_insight.alerts"
    )
    assert kind == "policy_act"
    assert "It is worse." in sentence
    assert act.undo in sentence
    assert evidence["worse"] == 123.5
    change_stage.decide(yard.registry(), PROMOTE, new, "no, it is not")
    again = read(yard).champion
    assert again is not None
    assert again.version == new
    assert again.kept_by == change_stage.actor()


def test_what_no_longer_makes_sense_is_not_done(yard: Yard, migrated_database: str) -> None:
    yard.train(END - 60 * DAY)
    new = yard.train(END - 20 * DAY)
    change_stage.decide(yard.registry(), WITHDRAW, new, "by hand, a moment ago")
    act = Act(WITHDRAW, "It is worse.", new)
    (said,) = perform(Decision(END, (), [act]), yard.settings())
    assert said.startswith("Not done: ")
    assert read(yard).acts == []


def test_a_training_counts_for_the_gap_from_its_begin_on(
    yard: Yard, migrated_database: str
) -> None:
    yard.train(END - 20 * DAY)
    perform(Decision(END - DAY, (), [Act(TRAIN, "It is old.")]), yard.settings())
    assert read(yard).trained_as_of == END - DAY


def test_the_first_training_of_all_counts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated_database: str
) -> None:
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path / "new"))
    settings = load_settings(as_of=END)
    open_state_dir(settings)
    decision = decide(read_facts(settings), settings.policy)
    assert decision.run.kind == TRAIN
    perform(decision, settings)  # and the training dies
    again = decide(read_facts(settings), settings.policy)
    assert again.run.kind == "score"


def test_a_database_that_does_not_take_the_alert_does_not_undo_the_act(
    yard: Yard, migrated_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard.train(END - 60 * DAY)
    new = yard.train(END - 20 * DAY)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    perform(Decision(END, (), [Act(WITHDRAW, "It is worse.", new)]), yard.settings())
    monkeypatch.setenv("DATABASE_URL", migrated_database)
    assert [one.kind for one in read(yard).acts] == [WITHDRAW]


def test_what_a_person_decided_about_the_champion_is_told(
    yard: Yard, migrated_database: str
) -> None:
    before = yard.train(END - 90 * DAY)
    old, new = yard.train(END - 60 * DAY), yard.train(END - 20 * DAY)
    assert read(yard).held_by == ""
    change_stage.decide(yard.registry(), "split", new, "trial", other=old, share=0.5)
    facts = read(yard)
    assert f"lets {new} and {old} share the accounts" in facts.held_by
    assert facts.former is not None
    assert facts.former.version == before  # the second model of the split is none
    change_stage.decide(yard.registry(), "end split", "", "over")
    change_stage.decide(yard.registry(), "pin", new, "audit")
    assert read(yard).held_by.startswith("the champion is pinned by ")
    assert read(yard).held_by.endswith(": audit")
