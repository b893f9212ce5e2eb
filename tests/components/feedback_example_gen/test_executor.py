"""From a real database to real Examples: what is read, what is not, and what is recorded."""

import random
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import tensorflow as tf

from components.errors import ContractBroken, DataGateStopped
from components.feedback_example_gen import early_plan, executor
from components.feedback_example_gen.reading import divided_rows
from components.registry.input_properties import ExamplesProperties
from transforms import event_spec
from transforms.columns import OPEN_SETS

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
EVAL_CUTOFF = AS_OF - timedelta(days=10)
TRAIN_CUTOFFS = [AS_OF - timedelta(days=days) for days in (34, 27, 20)]
SCORE_KEY = int(AS_OF.timestamp())

Row = dict[str, Any]
Tables = Any
Write = Callable[..., Any]
Read = Callable[[Any, str], dict[tuple[str, int], Row]]


def ago(days: float) -> datetime:
    return AS_OF - timedelta(days=days)


def wave(accounts: int, days: int = 90) -> Iterator[Row]:
    """Feedback of some accounts, one row in a few days, some of it at the same moment."""
    dice = random.Random(5)
    for account in range(accounts):
        age = float(days - account % 7)
        while age > 0:
            yield {
                "account_id": f"ACC-{account}",
                "created_at": ago(age),
                "sentiment": dice.choice(["negative", "neutral", "positive"]),
                "priority": dice.randint(1, 5),
                "product_area": dice.choice(["billing", "ui_ux", "security"]),
                "source": dice.choice(["email", "chat"]),
                "topic": f"topic-{dice.randint(1, 9)}",
                "region": dice.choice(["NA", "EU"]),
                "customer_tier": dice.choice(["free", "pro"]),
            }
            age -= dice.choice([0, 0.25, 2, 5, 25])


def examples_of(artifact: Any) -> dict[str, list[bytes]]:
    """The Examples of each split, sorted, their features in one fixed order."""
    splits = {}
    for folder in sorted(Path(artifact.uri).glob("Split-*")):
        records = tf.data.TFRecordDataset([str(file) for file in folder.iterdir()], "GZIP")
        examples = map(tf.train.Example.FromString, records.as_numpy_iterator())
        splits[folder.name] = sorted(one.SerializeToString(deterministic=True) for one in examples)
    return splits


@pytest.fixture
def world(feedback: Tables) -> list[Row]:
    """Forty accounts, nine of whom left, and one row each that goes back far enough."""
    rows = feedback.add(wave(40))
    feedback.churn([(f"ACC-{n}", ago(3 * n)) for n in range(1, 40, 4)] + [("nobody", ago(5))])
    return rows


def test_every_example_agrees_with_the_reference(
    feedback: Tables,
    world: list[Row],
    write_examples: Write,
    read_examples: Read,
    reference: Callable[..., Row | None],
    assert_same: Callable[[Row, Row], None],
    tmp_path: Path,
) -> None:
    for label_source in ("account_churn", "inactivity"):
        examples = write_examples(tmp_path / label_source, max_events=6, label_source=label_source)
        histories, churns = _histories(feedback, label_source)
        for split, cutoffs, known_until in (
            ("train", TRAIN_CUTOFFS, EVAL_CUTOFF),
            ("eval", [EVAL_CUTOFF], AS_OF),
            ("score", [AS_OF], AS_OF),
        ):
            expected = {}
            for account, rows in histories.items():
                for cutoff in cutoffs:
                    snapshot = reference(rows, churns(account), cutoff, 30, 10, 6, known_until)
                    if snapshot is not None:
                        expected[account, int(cutoff.timestamp())] = snapshot
            found = read_examples(examples, split)
            assert found.keys() == expected.keys()
            for key, snapshot in expected.items():
                if split == "score":
                    for label in event_spec.LABELS:
                        del snapshot[label]
                assert_same(found[key], snapshot)


def _histories(
    feedback: Tables, label_source: str
) -> tuple[dict[str, list[Row]], Callable[[str], list[datetime] | None]]:
    names = ("account_id", "created_at", "sentiment", "priority", "product_area", "source")
    names += ("topic", "customer_tier", "region")
    histories: dict[str, list[Row]] = {}
    for row in feedback.execute(
        f"SELECT {', '.join(names)} FROM feedback_enriched "
        "ORDER BY account_id, created_at, hashtextextended(id, 0)"
    ):
        histories.setdefault(row[0], []).append(dict(zip(names, row, strict=True)))
    histories = {account: _collapsed(rows) for account, rows in histories.items()}
    dated = feedback.execute("SELECT account_id, churned_at FROM account_churn")

    def churns(account: str) -> list[datetime] | None:
        if label_source == "inactivity":
            return None
        return [when for who, when in dated if who == account]

    return histories, churns


def _collapsed(rows: list[Row]) -> list[Row]:
    """Leaves the last of equal rows."""
    return [row for place, row in enumerate(rows) if row not in rows[place + 1 :]]


def who_is_silent(
    feedback: Tables, splits: dict[str, dict[tuple[str, int], Row]]
) -> dict[str, int]:
    """Counts the examples of silent accounts, of which churned, and those of who came back."""
    dated = dict(
        feedback.execute("SELECT account_id, min(churned_at) FROM account_churn GROUP BY 1")
    )
    found = {}
    for split, examples in splits.items():
        silent = [one for one in examples.values() if one["days_since_last_event"] > 30]
        found[f"{split}_silent"] = len(silent)
        found[f"{split}_silent_churned"] = sum(one.get("churned", 0) for one in silent)
        found[f"{split}_returned"] = sum(
            account in dated and dated[account].timestamp() < cutoff for account, cutoff in examples
        )
    return found


def test_the_artifact_says_what_it_holds(
    feedback: Tables, world: list[Row], write_examples: Write, read_examples: Read, tmp_path: Path
) -> None:
    unnamed = feedback.add([{"account_id": None}] * 3 + [{"account_id": ""}] * 2)
    later = feedback.add([{"created_at": AS_OF}, {"created_at": ago(-400)}])
    undated = feedback.add([{"created_at": None}])
    feedback.execute("UPDATE feedback_enriched SET created_at = '-infinity' WHERE id = %s",
                     feedback.add([{}])[0]["id"])  # fmt: skip
    examples = write_examples(tmp_path / "examples")
    facts = ExamplesProperties.read(examples).as_json()
    train, evaluation, score = (
        read_examples(examples, split) for split in ("train", "eval", "score")
    )
    assert (
        {"ACC-0", "ACC-39"}
        < {account for account, _ in score}
        <= {row["account_id"] for row in world}
    )
    assert len(undated) == 1
    dated = [*world, *unnamed, *later]
    newer = [row for row in dated if row["created_at"] >= ago(7)]
    ((database_id,),) = feedback.execute("SELECT id::text FROM tens_insight.database_identity")
    assert facts == {
        "as_of": "2024-06-01T00:00:00+00:00",
        "database_id": database_id,
        "label_source": "account_churn",
        "newest_feedback": max(row["created_at"] for row in world).isoformat(),
        "lookback_days": 30,
        "horizon_days": 10,
        "max_events": 50,
        "duplicate_events": "collapse",
        "feedback_rows": len(world) + len(unnamed),
        "rows_without_account": len(unnamed),
        "rows_in_future": len(later),
        "rows_without_date": 2,
        "rows_before_history": 0,
        "rows_last_week": len(newer) - len(later),
        "rows_weeks_before": sum(row["created_at"] >= ago(63) for row in dated) - len(newer),
        "train_cutoffs": ",".join(cutoff.isoformat() for cutoff in TRAIN_CUTOFFS),
        "train_examples": len(train),
        "train_churned": sum(one["churned"] for one in train.values()),
        "eval_cutoffs": EVAL_CUTOFF.isoformat(),
        "eval_examples": len(evaluation),
        "eval_churned": sum(one["churned"] for one in evaluation.values()),
        "score_cutoffs": AS_OF.isoformat(),
        "score_examples": len(score),
        "score_churned": 0,
        "train_base_rate": sum(one["churned"] for one in train.values()) / len(train),
        "eval_base_rate": sum(one["churned"] for one in evaluation.values()) / len(evaluation),
        **who_is_silent(feedback, {"train": train, "eval": evaluation, "score": score}),
        "silent_days": 30,
        "silent_accounts": "listed",
        "rows_after_churn": "back",
        **plain_input(world),
        "churn_rows": 9,
        "churn_rows_unmatched": 1,
        "churn_rows_written_after": 7,
        **{
            f"churn_rows_{kind}": 0
            for kind in (
                "repeated",
                "without_account",
                "without_date",
                "in_future",
            )
        },
        "churn_newest": ago(3).isoformat(),
        "churn_largest_day": ago(87).isoformat(),
        "churn_largest_day_rows": 1,
        "churn_age_days": 3,
        "churn_gaps": 6,
        "churn_longest_gap_days": 12,
        "churn_limit_days": 47,
        "churn_rows_before_feedback": 2,
        "churn_known_until": AS_OF.isoformat(),
    }
    assert 0 < facts["train_churned"] < facts["train_examples"]
    assert 0 < facts["eval_churned"] < facts["eval_examples"]
    assert examples.get_string_custom_property("file_format") == "tfrecords_gzip"
    assert examples.split_names == '["train", "eval", "score"]'


def plain_input(world: list[Row]) -> dict[str, int]:
    """What is said of an input whose only oddity is that rows are drawn at random."""
    histories: dict[str, list[Row]] = {}
    for row in world:
        histories.setdefault(row["account_id"], []).append({**row, "id": ""})
    several = [
        sum(len({row[name] for row in rows}) > 1 for rows in histories.values())
        for name in ("customer_tier", "region")
    ]
    return {
        "accounts": len(histories),
        "duplicate_rows": sum(len(rows) - len(_collapsed(rows)) for rows in histories.values()),
        "accounts_with_one_row": sum(len(_collapsed(rows)) == 1 for rows in histories.values()),
        "accounts_changed_tier": several[0],
        "accounts_changed_region": several[1],
        "accounts_cut": 0,
        "accounts_with_slash": 0,
        "accounts_alike": 0,
        **{
            f"{name}_{what}": 0
            for name in (column.name for column in OPEN_SETS)
            for what in ("spellings", "spelling_rows")
        },
    }


def test_odd_text_survives_byte_for_byte(
    feedback: Tables, write_examples: Write, read_examples: Read, tmp_path: Path
) -> None:
    odd = [
        "NA", "NULL", "nan", "true", "0012", "", " ", "  two  ", '"', '""', "'", ",", ";", "a,b",
        "\\", "\\N", "\\.", "\n", "\r", "\r\n", "a\nb", '"a,\n"b', "\t", "Ünï-ß", "日本", "😀",
        "e\u0301", "\ufeffbom", "\u2028", "\x01", "\x7f", "-1e5", "#", "%s", "{}",
    ]  # fmt: skip
    ids = [text or "empty" for text in odd]
    columns = ("source", "product_area", "topic", "region", "customer_tier", "sentiment")
    feedback.add(
        {"id": f"odd {who}", "account_id": who, **{name: text for name in columns}}
        for who, text in zip(ids, odd, strict=True)
    )
    found = read_examples(write_examples(tmp_path / "examples", splits=["score"]), "score")
    assert {account for account, _ in found} == set(ids)
    for who, text in zip(ids, odd, strict=True):
        snapshot = found[who, SCORE_KEY]
        for name in ("event_source", "event_product_area", "event_topic", "event_sentiment"):
            assert snapshot[name] == [text]
        assert (snapshot["region"], snapshot["customer_tier"]) == (text, text)


@pytest.mark.parametrize(("setting", "events"), [("collapse", 2), ("keep", 4)])
def test_rows_that_repeat_count_once_unless_kept(
    feedback: Tables,
    write_examples: Write,
    read_examples: Read,
    tmp_path: Path,
    setting: str,
    events: int,
) -> None:
    feedback.add([{}] * 3 + [{"created_at": ago(2)}])
    examples = write_examples(tmp_path / "examples", splits=["score"], duplicate_events=setting)
    snapshot = read_examples(examples, "score")["ACC-1", SCORE_KEY]
    assert snapshot["lifetime_count"] == len(snapshot["event_priority"]) == events
    facts = ExamplesProperties.read(examples).as_json()
    assert (facts["duplicate_events"], facts["feedback_rows"]) == (setting, 4)
    assert facts["duplicate_rows"] == 4 - events


def test_buckets_change_nothing(world: list[Row], write_examples: Write, tmp_path: Path) -> None:
    one = write_examples(tmp_path / "one")
    many = write_examples(tmp_path / "many", rows_per_bucket=-(-len(world) // 9))
    assert [len(list((Path(many.uri) / "Split-eval").iterdir())), len(
        list((Path(one.uri) / "Split-eval").iterdir())
    )] == [9, 1]  # fmt: skip
    assert examples_of(many) == examples_of(one)
    assert ExamplesProperties.read(many).as_json() == ExamplesProperties.read(one).as_json()


def test_more_buckets_than_accounts_leave_shards_empty(
    feedback: Tables,
    write_examples: Write,
    read_examples: Read,
    tmp_path: Path,
    renamed: set[str],
) -> None:
    feedback.add([{"account_id": "ACC-1"}] * 6)
    examples = write_examples(tmp_path / "examples", rows_per_bucket=1, splits=["score"])
    assert len(list((Path(examples.uri) / "Split-score").iterdir())) == 6
    assert list(read_examples(examples, "score")) == [("ACC-1", SCORE_KEY)]
    # What a worker writes takes its place when it is whole; the folder for it is gone.
    of_buckets = {str(path) for path in Path(examples.uri).glob("*/*0000*")}
    assert len(of_buckets) == 6 * 5
    assert of_buckets == renamed
    assert not list(Path(examples.uri).rglob("attempts"))


@pytest.mark.parametrize("fails", [False, True])
def test_divided_rows_are_private_without_text_and_removed(
    world: list[Row],
    write_examples: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fails: bool,
) -> None:
    write, seen = executor.Executor._write, []

    def look_then_write(self: Any, uri: str, rows_uri: str, *arguments: Any) -> None:
        seen.extend(
            (file.name, file.stat().st_mode & 0o777, file.read_bytes())
            for file in Path(rows_uri).iterdir()
        )
        assert Path(rows_uri).stat().st_mode & 0o777 == 0o700
        if fails:
            raise DataGateStopped("broken off")
        write(self, uri, rows_uri, *arguments)

    monkeypatch.setattr(executor.Executor, "_write", look_then_write)
    with pytest.raises(DataGateStopped) if fails else nullcontext():
        write_examples(tmp_path / "examples", rows_per_bucket=-(-len(world) // 4))
    names = {f"{kind}-{index:05d}.arrows" for kind in ("feedback", "churn") for index in range(4)}
    assert {name for name, _, _ in seen} == names
    assert {mode for _, mode, _ in seen} == {0o600}
    together = b"".join(content for _, _, content in seen)
    assert b"ACC-0" in together
    assert world[0]["summary"].encode() not in together
    assert not list(tmp_path.rglob("*.arrows"))
    assert not list(tmp_path.rglob(divided_rows.ROWS))


def test_several_buckets_are_one_scan(
    feedback: Tables,
    world: list[Row],
    write_examples: Write,
    tmp_path: Path,
) -> None:
    def scans(rows_per_bucket: int) -> tuple[int, int]:
        write_examples(tmp_path / str(rows_per_bucket), rows_per_bucket=rows_per_bucket)
        feedback.execute("SELECT pg_stat_clear_snapshot()")
        ((feedback_scans, churn_scans),) = feedback.execute(
            "SELECT sum(seq_scan + idx_scan) FILTER (WHERE relname = 'feedback_enriched'), "
            "sum(seq_scan + coalesce(idx_scan, 0)) FILTER (WHERE relname = 'account_churn') "
            "FROM pg_stat_user_tables"
        )
        return int(feedback_scans), int(churn_scans)

    before, one, many = scans(10**6), scans(10**6 + 1), scans(-(-len(world) // 9))
    # Of one bucket the rows without an account are counted by themselves, which takes two looks
    # into an index.
    of_one, of_many = (
        [b - a for a, b in zip(*pair, strict=True)] for pair in ((before, one), (one, many))
    )
    assert all(few <= most for few, most in zip(of_many, of_one, strict=True))


def test_no_reader_sees_what_is_written_after_the_snapshot(
    feedback: Tables,
    world: list[Row],
    write_examples: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = write_examples(tmp_path / "before", rows_per_bucket=200)
    plan_reading = early_plan.plan_reading

    def plan_then_write(*arguments: Any) -> Any:
        plan = plan_reading(*arguments)
        feedback.add([{"account_id": "ACC-0", "created_at": ago(2)}, {"account_id": "newcomer"}])
        feedback.execute("UPDATE feedback_enriched SET priority = 5, topic = 'new'")
        feedback.execute("DELETE FROM feedback_enriched WHERE account_id = 'ACC-2'")
        feedback.churn([("ACC-4", ago(40))])
        return plan

    with monkeypatch.context() as patched:
        patched.setattr(early_plan, "plan_reading", plan_then_write)
        meanwhile = write_examples(tmp_path / "meanwhile", rows_per_bucket=200)
    assert examples_of(meanwhile) == examples_of(before)
    after = write_examples(tmp_path / "after", rows_per_bucket=200)
    assert examples_of(after)["Split-score"] != examples_of(before)["Split-score"]


def test_an_update_of_an_old_row_shows(
    feedback: Tables, world: list[Row], write_examples: Write, tmp_path: Path
) -> None:
    before = write_examples(tmp_path / "before")
    again = write_examples(tmp_path / "again")
    assert examples_of(again) == examples_of(before)
    feedback.execute(
        "UPDATE feedback_enriched SET sentiment = 'puzzled' WHERE id = %s", world[0]["id"]
    )
    after = write_examples(tmp_path / "after")
    assert examples_of(after)["Split-score"] != examples_of(before)["Split-score"]


def test_neither_text_nor_password_reaches_a_file(
    feedback: Tables,
    world: list[Row],
    password_url: str,
    write_examples: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    login = urlsplit(password_url)
    columns = "id, created_at, source, product_area, sentiment, priority, topic, region, "
    columns += "customer_tier, account_id"
    # Not even the right to read the text is needed.
    feedback.execute(f'GRANT SELECT ({columns}) ON feedback_enriched TO "{login.username}"')
    feedback.execute(f'GRANT SELECT ON account_churn TO "{login.username}"')
    feedback.execute(f'GRANT USAGE ON SCHEMA tens_insight TO "{login.username}"')
    feedback.execute(f'GRANT SELECT ON tens_insight.publications TO "{login.username}"')
    feedback.execute(f'GRANT SELECT ON tens_insight.database_identity TO "{login.username}"')
    monkeypatch.setenv("DATABASE_URL", password_url)
    caplog.set_level(0)
    examples = write_examples(tmp_path / "examples")
    assert login.password
    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    written += [one for split in examples_of(examples).values() for one in split]
    written += [str(examples).encode(), caplog.text.encode()]
    summary = world[0]["summary"].encode()
    assert any(b"ACC-0" in one for one in written)
    assert not any(login.password.encode() in one or summary in one for one in written)


def test_late_rows_are_counted_against_the_last_publication(
    feedback: Tables, world: list[Row], write_examples: Write, tmp_path: Path
) -> None:
    def late_rows(name: str) -> int | None:
        examples = write_examples(tmp_path / name, splits=["score"])
        return ExamplesProperties.read(examples).as_json().get("late_rows")

    assert late_rows("nothing published") is None
    was_there = sum(row["created_at"] < ago(8) for row in world)
    record = (
        "INSERT INTO tens_insight.publications (attempt, target_table, as_of, model_version, "
        "label_source, rows_written, rows_removed, category_shares, feedback_rows, run_id, "
        "published_by) VALUES "
        "(gen_random_uuid(), %s, %s, 'm', 'inactivity', 1, 0, '{}', %s, 'r', 'test')"
    )
    feedback.execute(record, "account_risk_scores", ago(20), 1)
    feedback.execute(record, "account_risk_scores", ago(8), was_there)
    feedback.execute(record, "account_risk_scores", ago(7), None)
    feedback.execute(record, "account_risk_scores", ago(-1), 7)
    feedback.execute(record, "product_area_impact", ago(2), 7)
    assert late_rows("none late") == 0
    feedback.add([{"created_at": ago(8.5)}] * 3 + [{"created_at": ago(8), "account_id": None}])
    feedback.add([{"created_at": ago(9), "account_id": None}])
    assert late_rows("four late") == 4


def test_without_a_churn_table_the_label_is_inactivity(
    feedback: Tables, write_examples: Write, tmp_path: Path
) -> None:
    feedback.add(wave(12))
    facts = ExamplesProperties.read(write_examples(tmp_path / "examples")).as_json()
    assert facts["label_source"] == "inactivity"
    with pytest.raises(ContractBroken, match="account_churn"):
        write_examples(tmp_path / "wanted", label_source="account_churn")


def test_no_feedback_with_an_account_stops_the_run(
    feedback: Tables, write_examples: Write, tmp_path: Path
) -> None:
    feedback.add([{"account_id": None}, {"account_id": ""}, {"created_at": AS_OF}])
    with pytest.raises(DataGateStopped, match=r"2 rows without one, 1 rows later.*account_id"):
        write_examples(tmp_path / "examples")


def test_too_short_a_history_stops_the_run(
    feedback: Tables, write_examples: Write, tmp_path: Path
) -> None:
    feedback.add([{"created_at": ago(49)}, {"created_at": ago(300), "account_id": None}])
    with pytest.raises(DataGateStopped, match="it has 49 days .* and 50 are needed"):
        write_examples(tmp_path / "examples")


def test_an_as_of_in_the_future_is_refused(
    feedback: Tables, world: list[Row], write_examples: Write, tmp_path: Path
) -> None:
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    with pytest.raises(DataGateStopped, match="the database's clock shows"):
        write_examples(tmp_path / "examples", as_of=tomorrow.isoformat())


def test_now_is_the_databases_clock(
    feedback: Tables, world: list[Row], write_examples: Write, tmp_path: Path
) -> None:
    before = datetime.now(timezone.utc).replace(microsecond=0)
    examples = write_examples(tmp_path / "examples", as_of="", splits=["score"])
    as_of = datetime.fromisoformat(ExamplesProperties.read(examples).as_json()["as_of"])
    assert before <= as_of <= datetime.now(timezone.utc)
    assert as_of.microsecond == 0


@pytest.mark.parametrize("column", ["created_at", "priority", "topic", "customer_tier"])
def test_null_where_there_must_be_a_value_is_never_guessed(
    feedback: Tables, write_examples: Write, tmp_path: Path, column: str
) -> None:
    feedback.add([{}, {column: None}])
    if column == "created_at":
        examples = write_examples(tmp_path / "examples", splits=["score"])
        assert ExamplesProperties.read(examples).as_json()["rows_without_date"] == 1
        return
    with pytest.raises(ContractBroken, match=f"NULL are: {column} in 1 of 2 rows"):
        write_examples(tmp_path / "examples", splits=["score"])


def test_a_reader_that_loses_the_server_reads_again(
    feedback: Tables,
    world: list[Row],
    write_examples: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_pairs, tried = executor.read_pairs, []

    def count_then_lose(connection: Any, *arguments: Any, **options: Any) -> Any:
        counts = read_pairs(connection, *arguments, **options)
        tried.append(tmp_path)
        if len(tried) < 3:
            feedback.execute("SELECT pg_terminate_backend(%s)", connection.info.backend_pid)
        return counts

    monkeypatch.setattr(executor, "read_pairs", count_then_lose)
    written = examples_of(write_examples(tmp_path / "examples"))
    assert len(tried) == 3
    assert written == examples_of(write_examples(tmp_path / "again"))


def test_the_right_to_read_is_named(
    feedback: Tables,
    world: list[Row],
    password_url: str,
    write_examples: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feedback.execute(
        f'GRANT SELECT ON feedback_enriched, account_churn TO "{urlsplit(password_url).username}"'
    )
    monkeypatch.setenv("DATABASE_URL", password_url)
    with pytest.raises(ContractBroken, match="tens_insight.*GRANT"):
        write_examples(tmp_path / "examples")
