"""The share of scored words that a vocabulary lacks, against plain Python."""

import logging
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.account_scorer.unseen_values import count_unseen_values, unseen_values
from components.feedback_example_gen.category_values import VALUE_COUNTS, write_value_counts
from components.registry.published_properties import UnseenValues
from transforms.columns import OPEN_SETS

SPELLINGS = st.sampled_from(["chat", "Chat", " CHAT", "slack", "Slack ", "x", "ü", "Ü", ""])


def table(rows: list[tuple[str, str | None, int]]) -> pa.Table:
    return pa.table(
        {
            "column": pa.array([row[0] for row in rows], pa.string()),
            "value": pa.array([None if r[1] is None else r[1].encode() for r in rows], pa.binary()),
            "rows": pa.array([row[2] + 1 for row in rows], pa.int64()),
            "scored": pa.array([row[2] for row in rows], pa.int64()),
        }
    )


@settings(deadline=None)
@given(
    st.dictionaries(st.one_of(st.none(), SPELLINGS), st.integers(0, 5)),
    st.sets(st.sampled_from([b"chat", b"slack", "ü".encode()])),
)
def test_the_share_is_that_of_events(counts: dict[str | None, int], known: set[bytes]) -> None:
    words = table([("source", word, count) for word, count in counts.items()])
    words = pa.concat_tables([words, table([("topic", "chat", 100)])])
    share, named = unseen_values(words, "source", frozenset(known))
    unseen: dict[str, int] = {}
    for word, count in counts.items():
        if word is not None and count and word.strip().lower().encode() not in known:
            unseen[word.strip().lower()] = unseen.get(word.strip().lower(), 0) + count
    total = sum(counts.values())
    outside = sum(unseen.values()) + counts.get(None, 0)
    assert share == pytest.approx(outside / total if total else 0.0, abs=1e-12)
    assert named == sorted(unseen, key=lambda word: (-unseen[word], word))[:3]


def test_every_vocabulary_is_counted_and_a_missing_one_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    examples = str(tmp_path / "examples")
    (tmp_path / "examples" / VALUE_COUNTS).mkdir(parents=True)
    (tmp_path / "model" / "assets").mkdir(parents=True)
    for name in ("area", "source", "topic", "tier"):
        (tmp_path / "model" / "assets" / name).write_text("known\n")
    lines = [(column.name, " Known", 3) for column in OPEN_SETS] + [("topic", "New\n", 1)]
    write_value_counts(examples, 0, table(lines))
    with caplog.at_level(logging.WARNING):
        found = count_unseen_values(examples, str(tmp_path / "model"))
    assert found == {
        "area": UnseenValues(0.0),
        "source": UnseenValues(0.0),
        "topic": UnseenValues(0.25, ("new",)),
        "tier": UnseenValues(0.0),
    }
    assert "'region'" in caplog.text
