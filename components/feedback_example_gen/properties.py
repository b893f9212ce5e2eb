"""What the Examples artifact says of itself in ML Metadata."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta, timezone
from typing import Final

from tfx import types

from components.feedback_example_gen.bucket_writer import Tally
from components.feedback_example_gen.cutoffs import SCORE
from components.feedback_example_gen.input_oddities import count_alike, read_oddities
from components.feedback_example_gen.reading.watermark import WEEKS_BEFORE
from components.feedback_example_gen.request import ReadRequest
from components.feedback_example_gen.spellings import find_spellings
from components.feedback_example_gen.survey import Survey
from components.feedback_example_gen.word_counts import read_word_counts
from components.registry.metadata_text import without_backslash

AS_OF: Final = "as_of"
LABEL_SOURCE: Final = "label_source"
FEEDBACK_ROWS: Final = "feedback_rows"
NEWEST_FEEDBACK: Final = "newest_feedback"
LATE_ROWS: Final = "late_rows"
PREVIOUS_AS_OF: Final = "previous_as_of"
PREVIOUS_ROWS: Final = "previous_feedback_rows"
PREVIOUS_SCORED: Final = "previous_scored"
ROWS_LAST_WEEK: Final = "rows_last_week"
ROWS_WEEKS_BEFORE: Final = "rows_weeks_before"
"""Of the WEEKS_BEFORE weeks before the last one; absent where the history is shorter."""


def describe_examples(
    examples: types.Artifact, survey: Survey, request: ReadRequest, tallies: Sequence[Tally]
) -> None:
    """Records as_of, label, watermark, cutoffs, sizes and base rates.

    Args:
        examples: The artifact; gets custom properties. Times are ISO 8601 UTC.
        survey: What the run agreed on.
        request: What was asked for.
        tallies: Snapshots of each bucket and cutoff.
    """
    watermark = survey.watermark
    texts = {
        AS_OF: survey.as_of.isoformat(),
        LABEL_SOURCE: survey.label_source,
        "duplicate_events": request.duplicate_events,
    }
    numbers = {
        "lookback_days": request.windows.lookback_days,
        "horizon_days": request.windows.horizon_days,
        "max_events": request.rules.max_events,
        FEEDBACK_ROWS: watermark.rows,
        "rows_without_account": watermark.rows_without_account,
        "rows_in_future": watermark.rows_in_future,
        "rows_without_date": watermark.rows_without_date,
    }
    numbers |= _volume(survey)
    if watermark.previous is not None:
        texts[PREVIOUS_AS_OF] = watermark.previous.as_of.astimezone(timezone.utc).isoformat()
    if watermark.newest is not None:
        texts[NEWEST_FEEDBACK] = watermark.newest.isoformat()
    for split in request.splits:
        own = [tally for tally in tallies if tally.split == split]
        texts[f"{split}_cutoffs"] = ",".join(sorted({tally.cutoff for tally in own}))
        numbers[f"{split}_snapshots"] = sum(tally.snapshots for tally in own)
        numbers[f"{split}_churned"] = sum(tally.churned for tally in own)
        if split != SCORE and numbers[f"{split}_snapshots"]:
            rate = numbers[f"{split}_churned"] / numbers[f"{split}_snapshots"]
            examples.set_float_custom_property(f"{split}_base_rate", rate)
    for name, text in texts.items():
        examples.set_string_custom_property(name, text)
    for name, number in numbers.items():
        examples.set_int_custom_property(name, number)


def describe_input(examples: types.Artifact) -> None:
    """Records what the input held that was handled on purpose.

    Args:
        examples: The artifact, with the counts of all buckets beside its splits; gets
            the fields of InputOddities, accounts_alike (accounts whose id differs from
            another's by case or surrounding blanks only) and, for each open set, the
            spellings of find_spellings: their number, their rows, and some of them as a
            JSON list of [spelling, usual spelling], see metadata_text.
    """
    counts, ids = read_oddities(examples.uri)
    numbers = {**asdict(counts), "accounts_alike": count_alike(ids)}
    for found in find_spellings(read_word_counts(examples.uri)):
        numbers[f"{found.column}_spellings"] = found.spellings
        numbers[f"{found.column}_spelling_rows"] = found.rows
        if found.examples:
            named = json.dumps(found.examples, ensure_ascii=False)
            name = f"{found.column}_spelling_examples"
            examples.set_string_custom_property(name, without_backslash(named))
    for name, number in numbers.items():
        examples.set_int_custom_property(name, number)


def _volume(survey: Survey) -> dict[str, int]:
    """Returns what the gate compares with the runs and the weeks before."""
    watermark, numbers = survey.watermark, {}
    if watermark.late_rows is not None:
        numbers[LATE_ROWS] = watermark.late_rows
    if watermark.previous is not None:
        numbers[PREVIOUS_ROWS] = watermark.previous.feedback_rows
        numbers[PREVIOUS_SCORED] = watermark.previous.scored
    weeks = timedelta(weeks=1 + WEEKS_BEFORE)
    if watermark.first is not None and watermark.first <= survey.as_of - weeks:
        numbers[ROWS_LAST_WEEK] = watermark.last_week_rows
        numbers[ROWS_WEEKS_BEFORE] = watermark.weeks_before_rows
    return numbers
