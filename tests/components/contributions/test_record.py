"""What scores are made of is written once and again, thinned out, undone and forgotten."""

from datetime import timedelta

import numpy as np
import pytest

from components.contributions.retention import Retention
from components.errors import PublicationRefused
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.erasure import erase_account
from components.publishing.undo import undo
from tests.components.contributions.scored import (
    AS_OF,
    GROUPS,
    Scored,
    ask,
    publish_day,
    record,
    recorded_day,
    shard,
)

ODD = ["ACC-1", "Ü-ß", 'a"b', "a\nb", "\\N", "{}"]
ROWS = "SELECT * FROM tens_insight.account_contributions ORDER BY publication_id, account_id"
IDS = "SELECT DISTINCT publication_id FROM tens_insight.account_contributions ORDER BY 1"


def world(seed: int = 0, names: list[str] = ODD) -> dict[str, Scored]:
    random = np.random.default_rng(seed)
    return {name: Scored(random.normal(size=3).tolist()) for name in names}


def test_a_publication_is_recorded(migrated_database: str) -> None:
    given = world() | {"no tier": Scored([0.0, 0.0, 0.0], tier=None, state="silent")}
    number = publish_day(0, given)
    done = record(number, given)
    assert done is not None
    assert (done.accounts, done.written, done.dropped) == (len(given), True, ())
    found = ask(
        migrated_database,
        "SELECT account_id, churn_probability, base_log_odds, groups, log_odds, customer_tier, "
        "region, silence_state, horizon_days, horizons, as_of, model_version, undone "
        "FROM tens_insight.account_score_parts",
    )
    assert {row[0] for row in found} == given.keys()
    for account, p, base, groups, log_odds, tier, region, state, *rest in found:
        one = given[account]
        own = dict(zip(GROUPS, one.log_odds or (), strict=True))
        assert p == pytest.approx(one.p, rel=1e-6)
        assert groups == list(GROUPS)
        assert log_odds == pytest.approx([own[group] for group in groups], abs=1e-6)
        assert base + sum(log_odds) == pytest.approx(np.log(one.p / (1 - one.p)), abs=3e-6)
        assert (tier, region, state) == (one.tier, "EU", one.state)
        assert rest == [60, [30, 60, 90], AS_OF, "model-1", False]


def test_the_same_again_changes_nothing_and_others_replace_it(migrated_database: str) -> None:
    given = world()
    number = publish_day(0, given)
    record(number, given)
    places = "SELECT ctid::text, * FROM tens_insight.account_contributions ORDER BY account_id"
    before = ask(migrated_database, places)
    again = record(number, given)
    assert again is not None
    assert not again.written
    assert ask(migrated_database, places) == before
    other = {name: Scored((one.log_odds or ())[::-1]) for name, one in given.items()}
    changed = record(number, other)
    assert changed is not None
    assert changed.written
    after = ask(migrated_database, ROWS)
    assert [row[1] for row in after] == [row[2] for row in before]
    assert [row[4] for row in after] != [row[5] for row in before]


def test_without_reasons_probabilities_tier_and_state_are_kept(migrated_database: str) -> None:
    given = {"a": Scored(probability=0.25), "b": Scored(probability=0.5)}
    recorded_day(0, given)
    assert ask(
        migrated_database,
        "SELECT account_id, churn_probability, base_log_odds, log_odds, groups, customer_tier "
        "FROM tens_insight.account_score_parts ORDER BY 1",
    ) == [("a", 0.25, None, None, [], "pro"), ("b", 0.5, None, None, [], "pro")]


@pytest.mark.parametrize("change", ["missing", "more", "another score"])
def test_shards_of_another_publication_are_refused(migrated_database: str, change: str) -> None:
    given = world()
    number = publish_day(0, given)
    other = dict(given)
    if change == "missing":
        del other["ACC-1"]
    elif change == "more":
        other["ACC-0"] = Scored([0.0, 0.0, 0.0])
    else:
        other["ACC-1"] = Scored([0.5, 0.5, 0.5])
    with pytest.raises(PublicationRefused, match="other scores than publication 1.*first: 'ACC-"):
        record(number, other)
    assert ask(migrated_database, ROWS) == []


def test_a_publication_that_is_not_in_the_log_is_an_error(migrated_database: str) -> None:
    with pytest.raises(PublicationRefused, match="no publication 7"):
        record(7, world())


def test_an_undone_publication_is_not_recorded_and_one_recorded_counts_no_more(
    migrated_database: str,
) -> None:
    recorded_day(0, world())
    number = publish_day(1, world(1))
    undo(ACCOUNT_RISK_SCORES, reason="a test")
    assert record(number, world(1)) is None
    assert ask(migrated_database, IDS) == [(1,)]
    other = recorded_day(2, world(2))
    undo(ACCOUNT_RISK_SCORES, reason="a test")
    assert ask(
        migrated_database,
        "SELECT DISTINCT publication_id, undone FROM tens_insight.account_score_parts ORDER BY 1",
    ) == [(1, False), (other, True)]
    # The next one is compared with what was shown before, not with what was undone.
    last = recorded_day(3, world(3))
    assert ask(
        migrated_database,
        "SELECT DISTINCT former_publication_id FROM tens_insight.score_changes "
        f"WHERE publication_id = {last}",
    ) == [(1,)]


@pytest.mark.slow
def test_old_publications_are_thinned_out(migrated_database: str) -> None:
    rule = Retention(days=3, weeks=2, months_for_days=40)
    given = world(names=["a"])
    for day in range(0, 60, 2):  # June 29 and July 1, July 21, 27 and 29
        number = publish_day(day, given)
        record(number, given, rule)
    left = ask(
        migrated_database,
        "SELECT DISTINCT as_of FROM tens_insight.account_score_parts ORDER BY 1",
    )
    assert [(at - AS_OF) // timedelta(days=1) for (at,) in left] == [30, 50, 56, 58]
    layouts = ask(migrated_database, "SELECT count(*) FROM tens_insight.contribution_layouts")
    assert layouts == [(4,)]
    changes = ask(
        migrated_database,
        "SELECT min(as_of) FROM tens_insight.score_changes "
        "JOIN tens_insight.score_publications USING (publication_id)",
    )
    assert changes == [(AS_OF + timedelta(days=20),)]


def test_an_account_is_forgotten(migrated_database: str) -> None:
    given = world()
    number = publish_day(0, given)
    record(number, given)
    removed = erase_account("ACC-1", r"\mACC-1\M").removed
    assert removed["tens_insight.account_contributions"] == 1
    assert {row[1] for row in ask(migrated_database, ROWS)} == given.keys() - {"ACC-1"}
    # Its shards are rewritten without it: recorded again they are what is left.
    left = {name: one for name, one in given.items() if name != "ACC-1"}
    again = record(number, left)
    assert again is not None
    assert again.accounts == len(left)


TRIGGER = """
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} END $$;
CREATE TRIGGER spoil {} INSERT ON tens_insight.{} FOR EACH ROW EXECUTE FUNCTION spoil()"""


@pytest.mark.parametrize(
    ("body", "when", "table", "said"),
    [
        ("RETURN NULL;", "BEFORE", "account_contributions", "took 0 of 6 rows"),
        (
            "NEW.silence_state := 'new'; RETURN NEW;",
            "BEFORE",
            "account_contributions",
            "their values differ",
        ),
        (
            "DELETE FROM tens_insight.account_contributions WHERE account_id = 'ACC-1'; "
            "RETURN NULL;",
            "AFTER",
            "account_contributions",
            "5 rows of 6",
        ),
        ("RETURN NULL;", "BEFORE", "contribution_layouts", "took 0 of 1 rows"),
    ],
)
def test_triggers_that_change_what_is_kept_are_refused(
    migrated_database: str, body: str, when: str, table: str, said: str
) -> None:
    given = world()
    number = publish_day(0, given)
    ask(migrated_database, TRIGGER.format(body, when, table))
    with pytest.raises(PublicationRefused, match=f"{table} does not hold.*{said}.*are published"):
        record(number, given)
    assert ask(migrated_database, ROWS) == []


def test_shards_of_a_run_may_come_in_several(migrated_database: str) -> None:
    from components.contributions.record import record_contributions
    from components.contributions.shard_rows import contribution_rows

    given = world()
    number = publish_day(0, given)
    shards = [shard({name: one}) for name, one in given.items()]
    done = record_contributions(number, contribution_rows(iter(shards)), Retention(), patience_s=0)
    assert done is not None
    assert done.accounts == len(given)
