"""Turns a block of a simulated world into the lines that COPY reads."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from pipeline.demo import world_model as model
from pipeline.demo.world import WEEK_SECONDS, Accounts, Block, Feedback
from pipeline.demo.world_model import Integers

FEEDBACK_PREFIX = "SIM-"
ACCOUNT_PREFIX = "ACC-"
NULL = "\\N"


def feedback_lines(block: Block, started_at: datetime, first_id: int) -> Iterator[str]:
    """Yields one line of feedback_enriched for each row of a block.

    Args:
        block: What was simulated.
        started_at: When week 0 begins.
        first_id: Number of the first row.

    Yields:
        Tab-separated columns in the order of copy_feedback.sql, with the newline.
    """
    rows, accounts = block.feedback, block.accounts
    names = account_names(accounts)
    places = [
        f"{model.REGIONS[region]}\t{model.TIERS[tier]}"
        for region, tier in zip(accounts.region, accounts.tier, strict=True)
    ]
    subjects = subject_columns()
    for number, (moment, source, subject, sentiment, priority, account, identified) in enumerate(
        zip(
            moments(rows.second, started_at),
            rows.source.tolist(),
            subject_codes(rows).tolist(),
            rows.sentiment.tolist(),
            rows.priority.tolist(),
            rows.account.tolist(),
            rows.identified.tolist(),
            strict=True,
        ),
        start=first_id,
    ):
        area, topic, summary = subjects[subject]
        yield (
            f"{FEEDBACK_PREFIX}{number:09d}\t{moment}\t{model.SOURCES[source]}\t{area}\t"
            f"{model.SENTIMENT_NAMES[sentiment]}\t{priority}\t{topic}\t{places[account]}\t"
            f"{names[account] if identified else NULL}\t{summary}\n"
        )


def churn_lines(block: Block, started_at: datetime, weeks: int) -> Iterator[str]:
    """Yields one line of account_churn for each account of a block that left.

    An account leaves in the last second of its last week, after all it wrote.
    """
    last_week, names = block.course.last_week, account_names(block.accounts)
    left = np.flatnonzero(last_week < weeks)
    dates = moments((last_week[left] + 1) * WEEK_SECONDS - 1, started_at)
    for account, date in zip(left.tolist(), dates, strict=True):
        yield f"{names[account]}\t{date}\n"


def account_names(accounts: Accounts) -> list[str]:
    """Returns the account ids of a block, in order."""
    count = len(accounts.tier)
    return [f"{ACCOUNT_PREFIX}{accounts.first + index + 1:06d}" for index in range(count)]


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
