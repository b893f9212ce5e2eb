"""Steps of the stream on a real database: who wrote is scored again, once, and nobody is lost."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import psycopg2
import pytest

from components.errors import (
    ContractBroken,
    NothingToPublish,
    PublicationRefused,
    StateDirectoryBusy,
)
from components.postgres.connection import connect
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.increment import PublishedMeanwhile
from components.publishing.undo import undo
from components.streaming.config import StreamConfig
from components.streaming.future_rows import AHEAD, IS_NEW, come_due
from components.streaming.position import Position
from components.streaming.snapshot import Found, Snapshot
from components.streaming.step import Step, Stream
from serving_model.served.risk_bands import RiskBands
from tests.components.conftest import FeedbackTables
from tests.components.streaming.streamed import (
    LAX,
    STREAMING,
    champion,
    now,
    opened,
    run,
    stream,
    table,
    write,
    wrong_scores,
)

ACCOUNTS = [f"ACC-{n}" for n in range(8)]


@pytest.fixture
def world(feedback: FeedbackTables) -> FeedbackTables:
    """Eight accounts that a run has scored."""
    for days in (1, 3, 20):
        write(feedback, *ACCOUNTS, ago=days)
    write(feedback, "", None, ago=1)  # type: ignore[arg-type]
    run(feedback)
    return feedback


def settled(one: Stream) -> list[Step]:
    """Does steps until nothing is left, and one more."""
    steps = [one.step()]
    while steps[-1].sweeping:
        steps.append(one.step())
    return [*steps, one.step()]


def let_scan_be_due(world: FeedbackTables) -> None:
    """Lets a position say that the whole table was looked through an hour ago."""
    world.execute(
        "UPDATE tens_insight.stream_positions SET position = jsonb_set(position, "
        "'{place,scanned_at}', to_jsonb(%s::text))",
        (now(world) - timedelta(hours=1)).isoformat(),
    )


def newer(world: FeedbackTables, since: datetime) -> set[str]:
    return {name for name, (_, moment) in table(world).items() if moment > since}


def test_the_first_steps_score_everyone_and_then_who_wrote(world: FeedbackTables) -> None:
    write(world, "new", ago=0.5)
    with opened(stream()) as one:
        steps = settled(one)
        assert sum(step.due for step in steps) == 9
        assert steps[-1].steps == 0
        before = now(world)
        assert set(table(world)) == {*ACCOUNTS, "new"}
        assert not wrong_scores(world)
        write(world, "ACC-1", "ACC-5", "newer")
        step = one.step()
        assert (step.wrote, step.due, step.published, step.steps) == (3, 0, 3, 1)
        assert newer(world, before) == {"ACC-1", "ACC-5", "newer"}
        assert one.step().wrote == 0
    assert not wrong_scores(world)


def test_a_stream_goes_on_where_another_one_ended(world: FeedbackTables) -> None:
    with opened(stream()) as one:
        settled(one)
    write(world, "ACC-2")
    before = now(world)
    with opened(stream()) as other:
        step = other.step()
    assert (step.wrote, step.due) == (1, 0)
    assert newer(world, before) == {"ACC-2"}


@pytest.mark.parametrize("subtransaction", [False, True])
def test_what_commits_late_is_not_lost(world: FeedbackTables, subtransaction: bool) -> None:
    """Its id, its created_at and its transaction are older than what was read already."""
    with opened(stream()) as one, closing(psycopg2.connect(world.url)) as slow:
        settled(one)
        with slow.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE gives_it_a_number (a int)")
            if subtransaction:
                cursor.execute("SAVEPOINT inner_one")
            moment = now(world) - timedelta(seconds=2)
            row = world.row(account_id="ACC-3", created_at=moment)
            cursor.execute(
                f"INSERT INTO feedback_enriched ({', '.join(row)}) "
                f"VALUES ({', '.join(['%s'] * len(row))})",
                list(row.values()),
            )
            for account in ("ACC-4", "ACC-5"):
                write(world, account)
                assert one.step().wrote == 1  # and what was found before is not found again
            assert one.step().wrote == 0
            before = now(world)
        slow.commit()
        assert one.step().wrote == 1
        assert newer(world, before) == {"ACC-3"}
        assert one.step().wrote == 0
    assert not wrong_scores(world)


def test_rows_of_old_dates_are_found_by_the_scan(world: FeedbackTables) -> None:
    quick = StreamConfig(stream_accounts=10, stream_late_minutes=1, stream_scan_minutes=0.01)
    slow = StreamConfig(stream_accounts=10, stream_late_minutes=10, stream_scan_minutes=5)
    with opened(stream(streaming=slow)) as one:
        settled(one)
        write(world, "ACC-6", ago=40)
        assert one.step().wrote == 0
    with opened(stream(streaming=quick)) as one:
        let_scan_be_due(world)
        assert one.step().wrote == 1
    assert not wrong_scores(world)


def test_feedback_of_the_future_counts_when_its_moment_has_come(world: FeedbackTables) -> None:
    with opened(stream()) as one:
        settled(one)
        write(world, "ACC-7", ago=-1.2 / 86_400)
        step = one.step()
        assert step.wrote == 1  # and nothing is different yet
        while now(world) < step.as_of + timedelta(seconds=1.3):
            pass
        assert one.step().wrote == 1
        assert one.step().wrote == 0
    assert not wrong_scores(world)


def test_rows_that_change_are_found(world: FeedbackTables) -> None:
    with opened(stream()) as one:
        settled(one)
        world.execute(
            "UPDATE feedback_enriched SET sentiment = 'negative' WHERE account_id = 'ACC-0' "
            "AND created_at > now() - interval '2 days'"
        )
        let_scan_be_due(world)
    with opened(stream()) as one:
        assert one.step().wrote == 1
    assert not wrong_scores(world)


def test_time_makes_everyone_due_at_midnight(world: FeedbackTables) -> None:
    write(world, "gone", ago=100)  # too silent to be scored
    with opened(stream()) as one:
        settled(one)
    before = now(world)
    midnight = before.replace(hour=0, minute=0, second=0, microsecond=0)
    world.execute(
        "UPDATE tens_insight.stream_positions SET position = jsonb_set(position, '{swept}', "
        "to_jsonb(%s::text))",
        (midnight - timedelta(days=1)).isoformat(),
    )
    world.execute(
        "UPDATE account_risk_scores SET predicted_at = predicted_at - interval '1 day' "
        "WHERE account_id <> 'ACC-0'"
    )
    with opened(stream(streaming=replace(STREAMING, stream_accounts=10))) as one:
        steps = settled(one)
    assert sum(step.due for step in steps) == 7
    assert newer(world, before) == set(ACCOUNTS[1:])
    assert not wrong_scores(world)


def test_many_accounts_are_published_in_parts_and_the_position_with_the_last(
    world: FeedbackTables,
) -> None:
    with opened(stream()) as one:
        settled(one)
        write(world, *(f"many-{n:02d}" for n in range(25)))
        commits: list[int] = []

        def killed() -> None:
            commits.append(1)
            if len(commits) == 3:
                raise KeyboardInterrupt

        one.before_commit = killed
        with pytest.raises(KeyboardInterrupt):
            one.step()
        ((place,),) = world.execute("SELECT position FROM tens_insight.stream_positions")
    assert len([name for name in table(world) if name.startswith("many")]) == 20
    with opened(stream()) as other:
        step = other.step()
        assert (step.wrote, step.steps) == (25, 3)
        ((after,),) = world.execute("SELECT position FROM tens_insight.stream_positions")
        assert after != place
        assert other.step().wrote == 0
    assert not wrong_scores(world)


def test_a_run_that_publishes_meanwhile_is_stood_upon(world: FeedbackTables) -> None:
    with opened(stream()) as one:
        settled(one)
        write(world, "ACC-1")
        number: list[int] = []

        def as_a_run_publishes() -> Any:
            if not number:
                number.append(run(world)[0])
            return champion()

        one.champion = as_a_run_publishes
        with pytest.raises(PublishedMeanwhile):
            one.step()
        assert one.step().published == 1
        ((base,),) = world.execute(
            "SELECT increment ->> 'base' FROM tens_insight.publications "
            "ORDER BY publication_id DESC LIMIT 1"
        )
        assert int(base) == number[0]
    assert not wrong_scores(world)


class BeginsSlowly:
    """A source that tells nothing; while it begins, something happens."""

    name = "slot"

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._meanwhile = meanwhile

    def begin(self, snapshot: Snapshot) -> Any:
        self._meanwhile()
        return {AHEAD: None}

    def look(self, cursor: Any, position: Position, snapshot: Snapshot, as_of: datetime) -> Found:
        return Found([], position.place)

    def require(self, cursor: Any) -> None: ...

    def done(self) -> None: ...

    def kept(self, place: Any) -> None: ...

    def open(self) -> None: ...

    def close(self) -> None: ...


def test_what_a_run_did_not_read_while_a_source_begins_is_scored(world: FeedbackTables) -> None:
    def a_run_and_a_row() -> None:
        run(world)
        write(world, "ACC-1")

    with opened(stream(source=BeginsSlowly(a_run_and_a_row))) as one:
        settled(one)
    ((newest,),) = world.execute(
        "SELECT max(created_at) FROM feedback_enriched WHERE account_id = 'ACC-1'"
    )
    assert table(world)["ACC-1"][1] > newest
    assert not wrong_scores(world)


def test_of_a_new_place_nobody_knows_which_rows_come_due(world: FeedbackTables) -> None:
    begun = now(world)
    write(world, "ACC-2")
    with closing(connect("test")) as connection, connection.cursor() as cursor:
        for place, due in (({AHEAD: None, IS_NEW: True}, {"ACC-2"}), ({AHEAD: None}, set())):
            position = Position(place, begun, begun, None)
            assert come_due(cursor, position, now(world)) == due


def test_an_undone_day_is_not_written_again(world: FeedbackTables) -> None:
    with opened(stream()) as one:
        settled(one)
        write(world, "ACC-1")
        one.step()
        undo(ACCOUNT_RISK_SCORES, reason="A test.")
        before = table(world)
        assert one.step().published == 0
        assert table(world) == before
        write(world, "ACC-2")
        one.step()
        assert {name for name, row in table(world).items() if row != before[name]} == {"ACC-2"}


def test_a_day_that_moves_too_far_is_refused_and_read_again(world: FeedbackTables) -> None:
    with opened(stream()) as one:
        settled(one)
    strict = replace(LAX, max_moved_share=0.01, moved_threshold=0.0001)
    before = table(world)
    write(world, "ACC-1")
    refusing = stream(strict)
    with opened(refusing), pytest.raises(PublicationRefused, match="publications diff now r1"):
        refusing.step()
    assert table(world) == before
    with opened(stream()) as one:
        assert one.step().wrote == 1
    assert not wrong_scores(world)


def test_one_process_at_a_time(world: FeedbackTables) -> None:
    with opened(stream()) as one:
        settled(one)
        with pytest.raises(StateDirectoryBusy, match="Another `tens-insight stream`"):
            stream().open()
        # A pooler may lose the lock; what was read is compared all the same.
        write(world, "ACC-1")
        world.execute(
            "UPDATE tens_insight.stream_positions SET read_up_to = read_up_to + interval '1 us'"
        )
        with pytest.raises(PublishedMeanwhile):
            one.step()
        assert one.step().wrote == 1


def test_a_restored_database_is_found_and_everyone_scored_again(world: FeedbackTables) -> None:
    with opened(stream()) as one:
        settled(one)
    world.execute(
        "UPDATE tens_insight.stream_positions SET position = jsonb_set(position, "
        "'{place,horizon}', '\"99999999\"')"
    )
    before = now(world)
    with opened(stream()) as one:
        steps = settled(one)
    assert "was restored" in steps[0].lost
    assert newer(world, before) == set(ACCOUNTS)


def test_what_the_stream_cannot_work_with(world: FeedbackTables, password_url: str) -> None:
    unfit = stream(champion=lambda: champion("account_churn"))
    with opened(unfit), pytest.raises(NothingToPublish, match="learnt from account_churn"):
        settled(unfit)
    by_capacity = RiskBands("capacity", capacity=(1, 2, 3))
    other = stream(champion=lambda: champion(bands=by_capacity))
    with opened(other), pytest.raises(NothingToPublish, match="risk bands are capacity"):
        settled(other)
    world.execute("ALTER TABLE feedback_enriched RENAME TO feedback_kept")
    world.execute("CREATE VIEW feedback_enriched AS SELECT * FROM feedback_kept")
    with pytest.raises(ContractBroken, match="no table but a view"):
        stream().open()


def test_before_the_first_run_there_is_nothing_to_stand_upon(feedback: FeedbackTables) -> None:
    write(feedback, "ACC-1", ago=1)
    with opened(stream()) as one, pytest.raises(NothingToPublish, match="run score"):
        one.step()


def test_a_clock_that_goes_back_loses_nothing(world: FeedbackTables) -> None:
    with opened(stream()) as one:
        settled(one)
    ahead = datetime.now(timezone.utc) + timedelta(minutes=1)
    world.execute("UPDATE tens_insight.stream_positions SET read_up_to = %s", ahead)
    world.execute("UPDATE account_risk_scores SET predicted_at = %s", ahead)
    write(world, "ACC-1")
    with opened(stream()) as one:
        step = one.step()
        assert step.published == 1
        assert step.as_of > ahead
