"""The lines of feedback_text for a block as the world has it, made from its codes.

A line is joined from a few texts that are made once for all rows, so that no text is made for a
row; only ids and moments are, from digits of a table.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from pipeline.demo import world_model as model
from pipeline.demo.copy_text import (
    FEEDBACK_PREFIX,
    NULL,
    data_of,
    escaped,
    feedback_columns,
    feedback_text,
    subject_codes,
    subject_columns,
)
from pipeline.demo.world import Block
from transforms.arrays import Integers

Bytes = npt.NDArray[np.uint8]
ID_DIGITS: Final = 9
DAY_SECONDS: Final = 86_400


def plain_text(
    block: Block, names: Sequence[str], started_at: datetime, first_id: int
) -> memoryview:
    """Returns what feedback_text returns for the rows of feedback_columns.

    Args:
        block: What was simulated.
        names: The account ids of the block, in order.
        started_at: When week 0 begins.
        first_id: Number of the first row.
    """
    rows = block.feedback
    count = len(rows.second)
    if not count or first_id + count > 10**ID_DIGITS:
        return feedback_text(feedback_columns(block, names), started_at, first_id)
    accounts = block.accounts
    place = accounts.region * len(model.TIERS) + accounts.tier
    unnamed = len(names) + place[rows.account]
    who = _places(names, place).take(pa.array(np.where(rows.identified, rows.account, unnamed)))
    subject = subject_codes(rows)
    what = (rows.source * len(subject_columns()) + subject) * len(model.SENTIMENT_NAMES)
    what = (what + rows.sentiment) * (model.HIGHEST_PRIORITY_STEP + 1) + rows.priority - 1
    lines = pyarrow.compute.binary_join_element_wise(
        _ids_and_moments(rows.second + int(started_at.timestamp()), first_id),
        _kinds().take(pa.array(what)),
        who,
        _summaries().take(pa.array(subject)),
        "\t",
    )
    return data_of(lines)


@cache
def _kinds() -> pa.Array:
    """Source, area, sentiment, priority and topic, of all that there are."""
    priorities = range(1, model.HIGHEST_PRIORITY_STEP + 2)
    return pa.array(
        f"{source}\t{area}\t{sentiment}\t{priority}\t{topic}"
        for source, (area, topic, _), sentiment, priority in product(
            model.SOURCES, subject_columns(), model.SENTIMENT_NAMES, priorities
        )
    )


@cache
def _summaries() -> pa.Array:
    return pa.array(f"{summary}\n" for _, _, summary in subject_columns())


def _places(names: Sequence[str], place: Integers) -> pa.Array:
    """Region, tier and id of each account, then of no account in each region and tier."""
    places = [f"{region}\t{tier}\t" for region, tier in product(model.REGIONS, model.TIERS)]
    own = [places[code] + escaped(name) for code, name in zip(place.tolist(), names, strict=True)]
    return pa.array([*own, *(text + NULL for text in places)])


def _ids_and_moments(seconds: Integers, first_id: int) -> pa.Array:
    """Texts such as SIM-000000001, a tab, 2026-01-31 23:59:59Z; all of one length.

    Args:
        seconds: Of the moments, since 1970.
        first_id: Number of the first row; the last has no more than ID_DIGITS digits.
    """
    numbers = np.arange(first_id, first_id + len(seconds))
    days, second = np.divmod(seconds, DAY_SECONDS)
    first_day = int(days.min())
    calendar = np.arange(first_day, int(days.max()) + 1).astype("datetime64[D]")
    parts = (
        _fixed([FEEDBACK_PREFIX]),
        _thousand()[numbers // 1_000_000],
        _thousand()[numbers // 1_000 % 1_000],
        _thousand()[numbers % 1_000],
        _fixed(["\t"]),
        _fixed([f"{day} " for day in calendar])[days - first_day],
        _clock()[second],
    )
    width = sum(part.shape[1] for part in parts)
    text, at = np.empty((len(seconds), width), np.uint8), 0
    for part in parts:
        text[:, at : at + part.shape[1]] = part
        at += part.shape[1]
    offsets = np.arange(0, text.size + 1, width, dtype=np.int32)
    return pa.StringArray.from_buffers(len(seconds), pa.py_buffer(offsets), pa.py_buffer(text))


@cache
def _thousand() -> Bytes:
    return _fixed([f"{number:03d}" for number in range(1_000)])


@cache
def _clock() -> Bytes:
    times = product(range(24), range(60), range(60))
    return _fixed([f"{hour:02d}:{minute:02d}:{second:02d}Z" for hour, minute, second in times])


def _fixed(texts: Sequence[str]) -> Bytes:
    """Returns texts of one length as bytes, shape [texts, length]."""
    return np.array([text.encode() for text in texts], "S").view(np.uint8).reshape(len(texts), -1)
