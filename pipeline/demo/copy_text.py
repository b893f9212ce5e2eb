"""Turns a block of a simulated world into the lines that COPY reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from pipeline.demo import world_model as model
from pipeline.demo.world import WEEK_SECONDS, Accounts, Block, Feedback
from transforms.arrays import Booleans, Integers

FEEDBACK_PREFIX = "SIM-"
ACCOUNT_PREFIX = "ACC-"
NULL = "\\N"
Objects = npt.NDArray[np.object_]
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


@dataclass(frozen=True)
class FeedbackColumns:
    """Rows of feedback_enriched but for their ids, shape [rows] each.

    Attributes:
        account: Number within the block.
        second: Seconds since the start of the record.
        source: Text, as are the columns below.
        product_area: As source.
        sentiment: As source.
        priority: 1 to 5.
        topic: As source.
        region: As source.
        customer_tier: As source.
        account_id: As source; None where the row names no account.
        summary: As source.
    """

    account: Integers
    second: Integers
    source: Objects
    product_area: Objects
    sentiment: Objects
    priority: Integers
    topic: Objects
    region: Objects
    customer_tier: Objects
    account_id: Objects
    summary: Objects

    def named(self) -> Booleans:
        """Returns which rows name an account, bool [rows]."""
        return np.array([one is not None for one in self.account_id], dtype=bool)

    def take(self, rows: Integers | Booleans) -> "FeedbackColumns":
        """Returns some of the rows, by number or by mask."""
        return FeedbackColumns(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def followed_by(self, other: "FeedbackColumns") -> "FeedbackColumns":
        """Returns these rows and then the others."""
        names = [field.name for field in fields(self)]
        return FeedbackColumns(
            **{name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in names}
        )

    def where(self, rows: Booleans, **values: Sequence[str] | Objects | str) -> "FeedbackColumns":
        """Returns the rows with other values of some columns in some of them.

        Args:
            rows: Mask of the rows that change.
            **values: By column, one value for all of them or one for each.
        """
        changed = {}
        for name, value in values.items():
            changed[name] = getattr(self, name).copy()
            changed[name][rows] = value
        return replace(self, **changed)


def feedback_columns(block: Block, names: Sequence[str]) -> FeedbackColumns:
    """Returns the rows of a block as the world has them.

    Args:
        block: What was simulated.
        names: The account ids of the block, in order.
    """
    rows, accounts = block.feedback, block.accounts
    area, topic, summary = (_objects(column) for column in zip(*subject_columns(), strict=True))
    subject = subject_codes(rows)
    account_id = _objects(names)[rows.account]
    account_id[~rows.identified] = None
    return FeedbackColumns(
        account=rows.account,
        second=rows.second,
        source=_objects(model.SOURCES)[rows.source],
        product_area=area[subject],
        sentiment=_objects(model.SENTIMENT_NAMES)[rows.sentiment],
        priority=rows.priority,
        topic=topic[subject],
        region=_objects(model.REGIONS)[accounts.region][rows.account],
        customer_tier=_objects(model.TIERS)[accounts.tier][rows.account],
        account_id=account_id,
        summary=summary[subject],
    )


def feedback_text(columns: FeedbackColumns, started_at: datetime, first_id: int) -> memoryview:
    """Returns the lines of feedback_enriched, one for each row.

    Args:
        columns: The rows.
        started_at: When week 0 begins.
        first_id: Number of the first row.

    Returns:
        UTF-8: tab-separated columns in the order of the query copy_feedback, a newline after
        each row.
    """
    numbers = pa.array(np.arange(first_id, first_id + len(columns.second))).cast(pa.string())
    start = int(started_at.timestamp())
    moments = pa.array((columns.second + start).astype("datetime64[s]")).cast(pa.string())
    texts = [
        columns.source,
        columns.product_area,
        columns.sentiment,
        columns.priority,
        columns.topic,
        columns.region,
        columns.customer_tier,
    ]
    lines = pyarrow.compute.binary_join_element_wise(
        _joined(FEEDBACK_PREFIX, pyarrow.compute.utf8_lpad(numbers, width=9, padding="0")),
        _joined(moments, "Z"),
        *(pa.array(column).cast(pa.string()) for column in texts),
        _escaped(columns.account_id),
        _joined(pa.array(columns.summary, pa.string()), "\n"),
        "\t",
    )
    return data_of(lines)


def data_of(lines: pa.Array) -> memoryview:
    """Returns the UTF-8 of all strings of an array, one after the other, as Arrow holds them."""
    _, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
    return memoryview(data)[ends[0] : ends[-1]] if len(lines) else memoryview(b"")


def _joined(*parts: pa.Array | str) -> pa.Array:
    return pyarrow.compute.binary_join_element_wise(*parts, "")


def _escaped(texts: Objects) -> pa.Array:
    """Returns texts as COPY reads them, NULL for None."""
    codes = pa.array(texts, pa.string()).dictionary_encode()
    known = pa.array([escaped(one) for one in codes.dictionary.to_pylist()], pa.string())
    return known.take(codes.indices).fill_null(NULL)


def churn_lines(
    block: Block, names: Sequence[str], started_at: datetime, weeks: int
) -> Iterator[str]:
    """Yields one line of account_churn for each account of a block that left.

    An account leaves in the last second of its last week, after all it wrote.
    """
    last_week = block.course.last_week
    left = np.flatnonzero(last_week < weeks)
    dates = moments((last_week[left] + 1) * WEEK_SECONDS - 1, started_at)
    for account, date in zip(left.tolist(), dates, strict=True):
        yield f"{escaped(names[account])}\t{date}\n"


def account_names(accounts: Accounts) -> list[str]:
    """Returns the account ids of a block, in order."""
    count = len(accounts.tier)
    return [f"{ACCOUNT_PREFIX}{accounts.first + index + 1:06d}" for index in range(count)]


def escaped(text: str) -> str:
    """Returns a text as COPY reads it."""
    return text.translate(_ESCAPES)


def moments(seconds: Integers, started_at: datetime) -> list[str]:
    """Returns moments that many seconds after the start, as Postgres reads them."""
    start = int(started_at.timestamp())
    texts = np.datetime_as_string((seconds + start).astype("datetime64[s]"))
    return [f"{text}Z" for text in texts.tolist()]


def subject_codes(rows: Feedback) -> Integers:
    """Returns one code for each pair of area and topic, shape [rows]."""
    return np.asarray(rows.area * len(model.TOPICS[0]) + rows.topic)


def subject_columns() -> list[tuple[str, str, str]]:
    """Returns area, topic and a neutral sentence for each subject code."""
    return [
        (
            area,
            topic,
            f"Feedback on {topic.replace('_', ' ')}, concerning {area.replace('_', ' ')}.",
        )
        for area, topics in zip(model.AREAS, model.TOPICS, strict=True)
        for topic in topics
    ]


def _objects(values: Sequence[str]) -> Objects:
    return np.array(values, dtype=object)
