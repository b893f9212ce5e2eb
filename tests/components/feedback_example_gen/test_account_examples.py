"""The examples of some accounts are those that a run makes of all, to the last byte."""

import random
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

import components.feedback_example_gen.account_examples as account_examples_of
from components.feedback_example_gen.account_examples import (
    AccountExamples,
    account_examples,
    find_example_source,
    read_account_examples,
    read_account_rows,
)
from components.feedback_example_gen.reading.few_rows import read_few_rows
from components.postgres.connection import connect
from tests.components.conftest import AS_OF, READING

ODD = ("a/b", "Köln 東京", "nan", "with space", "'quoted\"", "%s", "{}", "back\\slash", "a,b")


def ago(days: float) -> datetime:
    return AS_OF - timedelta(days=days)


@pytest.fixture
def world(feedback: Any) -> Any:
    """Accounts with few and many events, some that left, came back or fell silent, some odd ids."""
    dice = random.Random(3)
    rows = []
    for number, account in enumerate([*(f"ACC-{n}" for n in range(30)), *ODD]):
        for _ in range(1 + number * 3 % 70):
            rows.append(
                {
                    "account_id": account,
                    "created_at": ago(dice.choice([0.001, 1, 5, 29, 31, 60, 200]) + number % 3),
                    "sentiment": dice.choice(["negative", "neutral", "positive"]),
                    "priority": dice.randint(1, 5),
                    "source": dice.choice(["email", "chat", "Chat"]),
                    "topic": f"topic-{dice.randint(1, 5)}",
                    "region": dice.choice(["NA", "EU"]),
                    "customer_tier": dice.choice(["free", "pro", ""]),
                }
            )
    rows += [{"account_id": "later", "created_at": AS_OF}, {"account_id": None}]
    feedback.add(rows)
    feedback.churn([(f"ACC-{n}", ago(20 + n)) for n in range(0, 30, 4)] + [("a/b", ago(500))])
    return feedback


def ask(accounts: list[str], as_of: datetime = AS_OF, **changes: Any) -> AccountExamples:
    with closing(connect("tens-insight test")) as connection:
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        source = find_example_source(connection, replace(READING, **changes), as_of)
        return read_account_examples(connection, source, accounts, as_of)


def of_run(examples: Any) -> dict[str, bytes]:
    (file,) = (Path(examples.uri) / "Split-score").iterdir()
    found = {}
    for one in tf.data.TFRecordDataset(str(file), "GZIP").as_numpy_iterator():
        example = tf.train.Example.FromString(one)
        name = example.features.feature["account_id"].bytes_list.value[0].decode()
        found[name] = example.SerializeToString(deterministic=True)
    return found


def canonical(found: AccountExamples) -> dict[str, bytes]:
    parsed = map(tf.train.Example.FromString, found.serialized)
    return {
        account: one.SerializeToString(deterministic=True)
        for account, one in zip(found.accounts, parsed, strict=True)
    }


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"label_source": "inactivity"},
        {"duplicate_events": "keep", "max_events": 7},
        {"active_within_days": 40, "rows_after_churn": "final"},
    ],
)
def test_one_by_one_and_together_they_are_those_of_a_run(
    world: Any, write_examples: Callable[..., Any], tmp_path: Path, changes: dict[str, Any]
) -> None:
    run = of_run(write_examples(tmp_path / "examples", splits=["score"], **changes))
    every = [*(f"ACC-{n}" for n in range(30)), *ODD, "unknown", "later"]
    together = ask(every, **changes)
    assert canonical(together) == run
    assert together.accounts == sorted(run, key=str.encode)
    assert together.left == set(every) - set(run) - {"unknown", "later"}
    for account in every[::5]:
        alone = ask([account], **changes)
        assert canonical(alone) == {one: run[one] for one in [account] if one in run}


def test_it_says_when_each_account_wrote_last_and_who_left(world: Any) -> None:
    found = ask(["ACC-1", "ACC-28", "a/b", "unknown"], rows_after_churn="final")
    assert (found.accounts, found.left) == (["ACC-1"], {"ACC-28", "a/b"})
    ((newest,),) = world.execute(
        "SELECT max(created_at) FROM feedback_enriched WHERE account_id = 'ACC-1'"
    )
    assert datetime.fromtimestamp(found.newest_us[0] / 1e6, timezone.utc) == newest


def test_few_rows_are_read_as_many_are_and_more_of_them_are_not(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = ["ACC-0", "ACC-29", *ODD]
    with closing(connect("tens-insight test")) as connection:
        source = find_example_source(connection, READING, AS_OF)
        few = read_account_rows(connection, source, every, AS_OF)
        monkeypatch.setattr(account_examples_of, "_FEW_ACCOUNTS", 0)
        many = read_account_rows(connection, source, every, AS_OF)
        rows = few.feedback.num_rows + few.churn.num_rows  # type: ignore[union-attr]
        fits = read_few_rows(connection, AS_OF, every, source.churn_source, rows)
        assert fits is not None
        assert read_few_rows(connection, AS_OF, every, source.churn_source, rows - 1) is None
    for one, other in ((few.feedback, many.feedback), (few.churn, many.churn)):
        assert _sorted(one) == _sorted(other)


def _sorted(table: Any) -> list[tuple[Any, ...]]:
    return sorted(tuple(one.values()) for one in table.to_pylist())


def test_without_accounts_there_is_nothing(world: Any) -> None:
    assert ask([]) == AccountExamples([], [], [], frozenset())


def test_rows_beside_those_of_the_database_are_as_if_they_were_in_it(world: Any) -> None:
    """What if: an event that is added by hand gives what the same row in the table gives."""
    moment = ago(0.5)
    with closing(connect("tens-insight test")) as connection:
        source = find_example_source(connection, READING, AS_OF)
        before = read_account_rows(connection, source, ["ACC-1", "ACC-2"], AS_OF)
        connection.rollback()
        world.add([{"account_id": "ACC-1", "created_at": moment, "priority": 5}])
        after = read_account_rows(connection, source, ["ACC-1", "ACC-2"], AS_OF)
    added = after.feedback.filter(
        [one == moment.replace(tzinfo=None) for one in after.feedback["created_at"].to_pylist()]
    )
    assert (added.num_rows, after.feedback.num_rows - before.feedback.num_rows) == (1, 1)
    rows = replace(before, feedback=_appended(before.feedback, added))
    assert canonical(account_examples(rows, source)) == canonical(account_examples(after, source))


def _appended(table: Any, added: Any) -> Any:
    import pyarrow as pa

    return pa.concat_tables([table, added]).unify_dictionaries()


def test_the_limit_of_silence_is_that_of_the_newest_publication(world: Any) -> None:
    with closing(connect("tens-insight test")) as connection:
        auto = replace(READING, active_within_days="auto")
        assert find_example_source(connection, auto, AS_OF).rules.active_within_days is None
        off = find_example_source(connection, READING, AS_OF)
    assert (off.rules.active_within_days, off.label_source) == (None, "account_churn")
