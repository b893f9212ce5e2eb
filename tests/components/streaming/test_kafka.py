"""The stream by messages of Kafka, on a real broker: Tansu, or Apache Kafka (`make kafka`)."""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import kafka
import kafka.admin
import pytest

from bench.kafka_broker import (
    PASSWORD,
    USER,
    ApacheKafka,
    Broker,
    as_message,
    make_broker,
    make_topic,
)
from components.errors import BrokerUnreachable
from components.publishing.increment import PublishedMeanwhile
from components.streaming import kafka as kafka_room
from components.streaming import kafka_client
from components.streaming.config import StreamConfig
from components.streaming.kafka import KafkaSource
from components.streaming.step import Step, Stream
from pipeline.stream.loop import Loop
from tests.components.conftest import FeedbackTables
from tests.components.streaming.streamed import (
    now,
    opened,
    run,
    stream,
    table,
    write,
    wrong_scores,
)

pytestmark = pytest.mark.xdist_group(name="kafka")
ACCOUNTS = [f"ACC-{n}" for n in range(8)]
NUMBERS = itertools.count()
PAUSE_S = 0.05


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    one = make_broker()
    one.start()
    yield one
    one.remove()


@dataclass
class Topic:
    """The table, and a topic of its own."""

    tables: FeedbackTables
    broker: Broker
    config: StreamConfig
    producer: Any = None
    sources: list[KafkaSource] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.config.stream_topic

    def row(self, account: str | None, **changes: Any) -> dict[str, Any]:
        moment = now(self.tables)
        number = next(NUMBERS)
        row = {"id": f"K-{number}", "account_id": account, "created_at": moment, **changes}
        return self.tables.row(**row)

    def tell(self, *rows: Any, partition: int = 0) -> None:
        """Sends messages, and waits until the broker has them."""
        if self.producer is None:
            self.producer = kafka.KafkaProducer(bootstrap_servers=self.broker.bootstrap)
        for one in rows:
            body = as_message(one) if isinstance(one, dict) else one
            self.producer.send(self.name, body, key=b"k", partition=partition).get(10)

    def write(self, *rows: dict[str, Any]) -> None:
        self.tables.add(rows)

    def stream(self, **changes: Any) -> Stream:
        source = KafkaSource(self.config, [self.broker.bootstrap])
        self.sources.append(source)
        return stream(streaming=self.config, source=source, **changes)

    @property
    def place(self) -> dict[str, Any]:
        ((kept,),) = self.tables.execute("SELECT position FROM tens_insight.stream_positions")
        return kept["place"]  # type: ignore[no-any-return]

    def close(self) -> None:
        if self.producer is not None:
            self.producer.close()


@pytest.fixture
def world(feedback: FeedbackTables, broker: Broker) -> Iterator[Topic]:
    """Eight accounts that a run has scored, and a topic of three partitions."""
    for days in (1, 3, 20):
        write(feedback, *ACCOUNTS, ago=days)
    run(feedback)
    config = StreamConfig(stream_accounts=10, stream_topic=f"topic-{next(NUMBERS)}-{time.time()}")
    make_topic(broker.bootstrap, config.stream_topic)
    made = Topic(feedback, broker, config)
    yield made
    made.close()


def settled(one: Stream) -> list[Step]:
    steps = [one.step()]
    while steps[-1].sweeping:
        steps.append(one.step())
    return steps


def found(one: Stream, wanted: Callable[[Step], object] = lambda step: step.wrote) -> Step:
    """Does steps until one finds something: what was told may be on its way."""
    deadline = time.monotonic() + 20
    while not wanted(step := one.step()):
        assert time.monotonic() < deadline, "nothing is found"
        time.sleep(PAUSE_S)
    return step


def nothing(one: Stream, seconds: float = 0.5) -> bool:
    """Tells whether steps of so long find nothing."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if one.step().wrote:
            return False
        time.sleep(PAUSE_S)
    return True


def newer(world: Topic, since: Any) -> set[str]:
    return {name for name, (_, moment) in table(world.tables).items() if moment > since}


def test_accounts_that_messages_name_are_scored_once(world: Topic) -> None:
    with opened(world.stream()) as one:
        assert sum(step.due for step in settled(one)) == 8
        before = now(world.tables)
        rows = [world.row(name) for name in ("ACC-1", "ACC-5", "new", None)]
        world.write(*rows)
        for partition, row in enumerate(rows[:3]):
            world.tell(row, partition=partition)
        world.tell(rows[3])
        found(one, lambda step: newer(world, before) == {"ACC-1", "ACC-5", "new"})
        assert nothing(one)
        # A message comes before its row: nothing is scored until the row is there.
        late = world.row("ACC-2")
        world.tell(late, world.row("ACC-3"))
        assert nothing(one)
        world.write(late)
        before = now(world.tables)
        assert found(one).wrote == 1
        assert newer(world, before) == {"ACC-2"}
    assert not wrong_scores(world.tables)


def test_what_waits_is_read_again_and_nothing_else(world: Topic) -> None:
    with opened(world.stream()) as one:
        settled(one)
        rows = [world.row(f"ACC-{n}") for n in range(4)]
        world.write(rows[1], rows[3])
        world.tell(*rows)
        assert found(one).wrote == 2
        assert world.place["waiting"] == {"0": [0, 2]}
        assert world.place["offsets"] == {"0": 4, "1": 0, "2": 0}
    with opened(world.stream()) as other:
        assert nothing(other)
        before = now(world.tables)
        world.write(rows[0], rows[2])
        names = {"ACC-0", "ACC-2"}
        found(other, lambda step: newer(world, before) == names)
    assert not wrong_scores(world.tables)


def test_what_is_still_to_be_read_again_waits_on() -> None:
    source = KafkaSource(StreamConfig(), ["nowhere:1"])
    source._resumed = {0: (10, frozenset({3, 7}))}
    source._consumer = SimpleNamespace(position=lambda partition: 5)
    place = source._offsets({"topic": "t", "topic_id": "i"}, set())
    assert (place["offsets"], place["waiting"]) == ({"0": 10}, {"0": [7]})


def test_what_was_read_and_not_committed_is_read_again(world: Topic) -> None:
    with opened(world.stream()) as one:
        settled(one)
        row = world.row("ACC-3")
        world.write(row)
        world.tell(row, b"no JSON")

        def killed() -> None:
            raise KeyboardInterrupt

        one.before_commit = killed
        with pytest.raises(KeyboardInterrupt):
            found(one)
    before = now(world.tables)
    with opened(world.stream()) as other:
        found(other, lambda step: newer(world, before))
        assert nothing(other)
        # Another process has written a position meanwhile: what that says is gone on from.
        world.tables.execute(
            "UPDATE tens_insight.stream_positions SET read_up_to = read_up_to + interval '1 us', "
            "position = jsonb_set(position, '{place,offsets,0}', '0')"
        )
        another = world.row("ACC-4")
        world.write(another)
        world.tell(another)
        with pytest.raises(PublishedMeanwhile):
            found(other)
        found(other, lambda step: {"ACC-3", "ACC-4"} <= newer(world, before))
    assert not wrong_scores(world.tables)


def test_a_row_that_changes_later_than_its_message_is_scored_again(world: Topic) -> None:
    with opened(world.stream()) as one:
        settled(one)
        row = world.row("ACC-6")
        world.write(row)
        world.tell(row)
        assert found(one).wrote == 1
        changed = {**row, "sentiment": "negative", "priority": 5}
        world.tell(changed)
        assert found(one).wrote == 1  # the row as it still is
        before = now(world.tables)
        world.tables.execute(
            "UPDATE feedback_enriched SET sentiment = 'negative', priority = 5 WHERE id = %s",
            row["id"],
        )
        assert found(one).wrote == 1
        assert newer(world, before) == {"ACC-6"}
        assert nothing(one, 0.2)
    assert not wrong_scores(world.tables)


def test_a_row_that_does_not_come_in_time_is_told_and_found_when_it_comes(world: Topic) -> None:
    quick = replace(world.config, stream_late_minutes=0.02, stream_scan_minutes=0.01)
    world.config = quick
    with opened(world.stream()) as one:
        settled(one)
        row = world.row("ACC-7")
        world.tell(row)
        step = found(one, lambda step: step.unread)
        assert [(one.why, one.offset) for one in step.unread] == [
            ("name a row that did not come in time", 0)
        ]
        before = now(world.tables)
        world.write(row)
        found(one)
        assert newer(world, before) == {"ACC-7"}
    assert not wrong_scores(world.tables)


def test_bad_messages_are_counted_and_told_and_stop_nothing(world: Topic) -> None:
    rows = [world.row(f"ACC-{n}") for n in range(2)]
    text = json.dumps({**rows[0], "created_at": rows[0]["created_at"].isoformat()})
    bad = (b"\xff", None, b"[]", b"{}", text.replace(": 3", ": NaN").encode())
    said: list[str] = []
    loop = Loop(world.stream(), pause_s=0.1, patience_s=1, tell=said.append)
    loop.run(once=True)
    world.write(*rows)
    world.tell(rows[0], *bad, rows[1])
    world.producer.close()
    loop = Loop(world.stream(), pause_s=0.1, patience_s=1, tell=said.append)
    done = loop.run(once=True)
    assert (done.wrote, done.unread) == (2, 5)
    (told,) = [one for one in said if "not taken" in one]
    for kind in ("1 are no JSON (partition 0, offset", "have no value", "lack id", "NaN"):
        assert kind in told
    assert "invoice" not in told
    assert sum(world.place["unread"].values()) == 5
    # Told once: neither who goes on nor the next step counts them again.
    again = Loop(world.stream(), pause_s=0.1, patience_s=1, tell=said.append).run(once=True)
    assert (again.wrote, again.unread) == (0, 0)
    world.producer = None
    with opened(world.stream()) as one:
        world.tell(b"no JSON")
        assert len(found(one, lambda step: step.unread).unread) == 1
        assert not one.step().unread
    assert not wrong_scores(world.tables)


def test_feedback_of_the_future_counts_when_its_moment_has_come(world: Topic) -> None:
    before = world.row("ACC-2", created_at=now(world.tables) + timedelta(seconds=1.5))
    world.write(before)
    with opened(world.stream()) as one:
        settled(one)
        row = world.row("ACC-7", created_at=now(world.tables) + timedelta(seconds=1.5))
        world.write(row)
        world.tell(row)
        for account, moment in (("ACC-2", before["created_at"]), ("ACC-7", row["created_at"])):
            found(one, lambda step: account in newer(world, moment))  # noqa: B023 -- waits at once
    assert not wrong_scores(world.tables)


def test_no_more_is_read_than_can_wait(world: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(world.stream()) as one:
        settled(one)
        monkeypatch.setattr(kafka_room, "MOST_WAITING", 3)
        absent = [world.row("ACC-1") for _ in range(4)]
        world.tell(*absent)
        found(one, lambda step: len(world.sources[-1]._waiting) == 4)
        there = world.row("ACC-5")
        world.write(there)
        world.tell(there)
        assert nothing(one)
        world.write(*absent)
        before = now(world.tables)
        found(one, lambda step: newer(world, before) == {"ACC-1", "ACC-5"})
    assert not wrong_scores(world.tables)


def test_a_topic_that_was_created_again_makes_everyone_due(
    world: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(world.stream()) as one:
        settled(one)
        world.tell(*[world.row("ACC-1")] * 3)
        found(one, lambda step: world.sources[-1]._waiting)
        one.keep_up()
    missed = world.row("ACC-6")
    world.write(missed)
    admin = kafka.admin.KafkaAdminClient(bootstrap_servers=world.broker.bootstrap)
    admin.delete_topics([world.name])
    monkeypatch.setattr(kafka_room, "_LOOK_AT_TOPIC_S", 0.0)
    with pytest.raises(BrokerUnreachable, match=f"no topic {world.name}"):
        world.stream().open()
    make_topic(world.broker.bootstrap, world.name)
    world.close()
    world.producer = None
    before = now(world.tables)
    with opened(world.stream()) as one:
        steps = settled(one)
        assert "was deleted, and created again" in steps[0].lost
        assert newer(world, before) == set(ACCOUNTS)
        row = world.row("ACC-3")
        world.write(row)
        world.tell(row)
        assert found(one).wrote == 1
        # Once more, while it is read.
        admin.delete_topics([world.name])
        with pytest.raises(BrokerUnreachable, match=f"no topic {world.name}"):
            found(one)
        make_topic(world.broker.bootstrap, world.name)
        assert "created again" in found(one, lambda step: step.lost).lost
        settled(one)
    admin.close()
    assert not wrong_scores(world.tables)


def test_brokers_that_are_away_are_waited_for(
    feedback: FeedbackTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_client, "REQUEST_MS", 1_000)
    write(feedback, *ACCOUNTS, ago=1)
    run(feedback)
    broker = make_broker()
    config = StreamConfig(stream_accounts=10)
    lonely = Topic(feedback, broker, config)
    refused = lonely.stream()
    with pytest.raises(BrokerUnreachable, match=f"from Kafka at {broker.bootstrap}"):
        refused.source.open()
    broker.start()
    make_topic(broker.bootstrap, config.stream_topic)
    try:
        with opened(lonely.stream()) as one:
            settled(one)
            broker.stop()
            lonely.sources[-1]._topic_at = float("-inf")
            with pytest.raises(BrokerUnreachable):
                found(one)
    finally:
        broker.remove()


APACHE = pytest.mark.skipif(
    "not __import__('os').environ.get('TEST_KAFKA_JARS')", reason="needs Apache Kafka: make kafka"
)


@APACHE
def test_new_partitions_are_read_from_their_beginning(
    world: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_room, "_LOOK_AT_TOPIC_S", 0.2)
    with opened(world.stream()) as one:
        settled(one)
        admin = kafka.admin.KafkaAdminClient(bootstrap_servers=world.broker.bootstrap)
        admin.create_partitions({world.name: 5})
        admin.close()
        row = world.row("ACC-4")
        world.write(row)
        time.sleep(1)
        world.tell(row, partition=4)
        assert found(one).wrote == 1
        assert world.place["offsets"]["4"] == 1
    assert not wrong_scores(world.tables)


@APACHE
def test_messages_that_were_dropped_unread_make_everyone_due(world: Topic) -> None:
    with opened(world.stream()) as one:
        settled(one)
    world.tell(*[world.row("ACC-1")] * 5)
    world.write(world.row("ACC-6"))
    admin = kafka.admin.KafkaAdminClient(bootstrap_servers=world.broker.bootstrap)
    admin.delete_records({kafka.TopicPartition(world.name, 0): 4})
    admin.close()
    before = now(world.tables)
    with opened(world.stream()) as one:
        assert "dropped before (retention)" in found(one, lambda step: step.lost).lost
        settled(one)
    assert newer(world, before) == set(ACCOUNTS)
    assert not wrong_scores(world.tables)


@APACHE
def test_with_tls_and_a_password(world: Topic, broker: Broker) -> None:
    assert isinstance(broker, ApacheKafka)
    safe = replace(
        world.config,
        kafka_protocol="sasl_ssl",
        kafka_ca=str(broker.ca),
        kafka_user=USER,
        kafka_password=PASSWORD,
    )
    source = KafkaSource(safe, [f"127.0.0.1:{broker.safe_port}"])
    row = world.row("ACC-1")
    with opened(stream(streaming=safe, source=source)) as one:
        settled(one)
        world.write(row)
        world.tell(row)
        assert found(one).wrote == 1
    wrong = replace(safe, kafka_password="tiger-8")
    with pytest.raises(BrokerUnreachable, match="SaslAuthenticationFailed") as caught:
        KafkaSource(wrong, [f"127.0.0.1:{broker.safe_port}"]).open()
    assert "tiger" not in str(caught.value)
    unknown = replace(safe, kafka_ca="")
    with pytest.raises(BrokerUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
        KafkaSource(unknown, [f"127.0.0.1:{broker.safe_port}"]).open()
