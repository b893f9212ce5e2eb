"""Monitor keeps what the scores of its run are made of, and says why they moved."""

from dataclasses import replace

import pyarrow.parquet
import pytest

from components.errors import PublicationRefused
from components.monitor.contributions import keep_contributions, keep_up_contributions
from components.monitor.executor import CHAINS, take_steps
from tests.components.contributions.scored import Scored, ask, publish_day, shard
from tests.components.sample_properties import scores_properties

KEPT = "SELECT DISTINCT publication_id FROM tens_insight.account_contributions ORDER BY 1"


@pytest.fixture
def run_day(monitored, tmp_path):
    """Publishes a day and takes the step for its run; returns what it noticed."""
    template = monitored(0)

    def run(day, accounts, shards=None, **config):
        number = publish_day(day, accounts)
        folder = tmp_path / str(number)
        folder.mkdir()
        for place, one in enumerate(shards or [accounts]):
            path = folder / f"scores-{place:05}-of-00001.parquet"
            pyarrow.parquet.write_table(shard(one), path)
        done = replace(
            template,
            scores=str(folder),
            published=scores_properties(publication_id=number),
            config=replace(template.config, **config),
        )
        return keep_contributions(done), done

    return run


def test_it_is_one_of_the_steps():
    assert any(keep_contributions in chain for chain in CHAINS)


def test_a_run_is_recorded_and_its_change_is_said(migrated_database, run_day):
    first, _ = run_day(0, {"a": Scored([0, 0, 0]), "b": Scored([1, 0, 0])})
    assert first.notes == ()
    second, run = run_day(1, {"a": Scored([1, 0, -0.1]), "b": Scored([1, 0, 0])})
    (said,) = second.notes
    assert said.startswith("The mean score moved by +4.61 percent points since publication 2: +")
    assert "silence" in said
    assert "publications diff 2 3 --why" in said
    assert keep_contributions(run).notes == ()  # done again, there is nothing to say
    assert ask(migrated_database, KEPT) == [(2,), (3,)]


def test_they_are_vacuumed_after_the_steps_that_read_them(migrated_database, run_day):
    _, run = run_day(0, {"a": Scored([0, 0, 0])})
    (chain,) = (one for one in CHAINS if keep_contributions in one)
    assert chain[-1] is keep_up_contributions
    vacuums = "SELECT vacuum_count, analyze_count FROM pg_stat_user_tables WHERE relname = %s"
    assert ask(migrated_database, vacuums, "account_contributions") == [(0, 0)]
    assert keep_up_contributions(run).notes == ()
    assert ask(migrated_database, vacuums, "account_contributions") == [(1, 1)]


def test_settings_say_how_long(migrated_database, run_day):
    limits = {"contribution_days": 1, "contribution_weeks": 1, "history_days": 1}
    for day in range(5):
        run_day(day, {"a": Scored([0, 0, 0])}, **limits)
    assert ask(migrated_database, KEPT) == [(2,), (5,), (6,)]  # a Monday, and the newest two


def test_shards_of_another_run_end_with_a_sentence(run_day, monkeypatch):
    accounts = {"a": Scored([0, 0, 0])}
    with pytest.raises(PublicationRefused, match="other scores than publication"):
        run_day(0, accounts, shards=[{"b": Scored([0, 0, 0])}])


def test_the_executor_says_that_scores_are_published(run_day):
    _, run = run_day(0, {"a": Scored([0, 0, 0])})
    with pytest.raises(PublicationRefused, match=r"The scores are published \(publication 99\)"):
        take_steps(
            ((keep_contributions,),), replace(run, published=scores_properties(publication_id=99))
        )
