"""`tens-insight stream` with a trained model and the pipeline's rights: a run's scores, now."""

import random
from contextlib import closing

import psycopg2
import pytest
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from components.feedback_example_gen.account_examples import (
    find_example_source,
    read_account_examples,
)
from components.postgres.connection import connect
from pipeline.settings import load_settings
from pipeline.stream.follow import FollowedChampion
from tests.end_to_end.conftest import SMALLEST_BLESSED

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="wiring")]

LAX = SMALLEST_BLESSED | {
    # The world ended half a year ago, and the clock of the stream is the database's.
    "TENS_INSIGHT_MAX_MEAN_SHIFT": "1",
    "TENS_INSIGHT_MAX_CATEGORY_SHIFT": "1",
    "TENS_INSIGHT_MAX_MOVED_SHARE": "1",
    "TENS_INSIGHT_AS_OF": "",
}
COPY_A_ROW = """
INSERT INTO feedback_enriched
SELECT (jsonb_populate_record(row, jsonb_build_object('id', 'late-' || row.id,
                                                      'created_at', now()))).*
FROM feedback_enriched AS row
WHERE account_id = ANY(%s)
ON CONFLICT DO NOTHING"""


def insert(installation, *accounts):
    """Lets accounts write all that they ever wrote once more, now."""
    with closing(psycopg2.connect(installation.admin_url)) as one, one, one.cursor() as cursor:
        cursor.execute(COPY_A_ROW, (list(accounts),))


def table(installation):
    rows = installation.query(
        "SELECT account_id, churn_probability, predicted_at, model_version FROM account_risk_scores"
    )
    return {row[0]: row[1:] for row in rows}


@pytest.fixture
def asked(copied_installation, monkeypatch):
    """Asks the champion about accounts at a moment, all at once."""
    environment = copied_installation.environment(LAX)
    for name in ("DATABASE_URL", *LAX, "TENS_INSIGHT_STATE_DIR"):
        monkeypatch.setenv(name, environment[name])
    settings = load_settings()
    champion = FollowedChampion(settings)()

    def ask(accounts, moment):
        with closing(connect("tens-insight test")) as connection:
            connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
            source = find_example_source(connection, settings.reading, moment)
            found = read_account_examples(connection, source, accounts, moment)
        scored = champion.scored(found.serialized)
        columns = (scored["account_id"], scored["churn_probability"], scored["reasons"])
        rows = zip(*(one.to_pylist() for one in columns), strict=True)
        return {name: (p, why) for name, p, why in rows}

    return ask


def test_the_stream_publishes_what_the_champion_says_to_the_last_bit(copied_installation, asked):
    before = table(copied_installation)
    first = copied_installation.run("stream", "--once", "--json", **LAX)
    assert first.code == 0, first.err
    assert first.summary["due"] >= len(before)
    swept = table(copied_installation)
    moments = {moment for _, moment, _ in swept.values()}
    assert len(moments) > 1  # they were scored in steps
    for moment in moments:
        names = [name for name, row in swept.items() if row[1] == moment]
        said = asked(names, moment)
        assert {name: swept[name][0] for name in names} == {name: said[name][0] for name in names}
    writers = random.Random(1).sample(sorted(before), 3)
    insert(copied_installation, *writers)
    second = copied_installation.run("stream", "--once", "--json", **LAX)
    assert second.code == 0, second.err
    assert (second.summary["wrote"], second.summary["published"]) == (3, 3)
    after = table(copied_installation)
    assert {name for name, row in after.items() if row != swept[name]} == set(writers)
    details = dict(
        copied_installation.query(
            "SELECT account_id, reasons FROM tens_insight.account_risk_details"
        )
    )
    assert set(details) == set(after)
    assert all(details[name] for name in writers)
    status = copied_installation.run("status", **LAX)
    assert "scores between runs, the newest of" in status.out
    assert "as published" in status.out
    shown = copied_installation.run("publications", "list", "--table", "scores", **LAX)
    assert "incremental" in shown.out
    # A run of an older moment: what the stream has published since stays on top of it.
    again = copied_installation.run("run", "score", **SMALLEST_BLESSED)
    assert again.code == 0, again.err
    assert table(copied_installation) == after
    for state in (None, after, before):
        undone = copied_installation.run("publications", "undo", "--reason", "A test.", **LAX)
        assert undone.code == 0, undone.err
        if state is not None:
            assert table(copied_installation) == state


def test_what_the_champion_says_of_an_account_does_not_depend_on_the_others(
    copied_installation, asked
):
    (moment,) = copied_installation.query("SELECT max(created_at) FROM feedback_enriched")[0]
    accounts = sorted(table(copied_installation))
    whole, dice = asked(accounts, moment), random.Random(2)
    for size in (1, 2, 3, 7, 63, 64, 65, 100, 300):
        some = dice.sample(accounts, size)
        found = asked(some, moment)
        assert found == {name: whole[name] for name in found}
