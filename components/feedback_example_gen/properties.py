"""What the Examples artifact says of itself in ML Metadata."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta, timezone

from components.feedback_example_gen.bucket_writer import Tally
from components.feedback_example_gen.cutoffs import SCORE
from components.feedback_example_gen.input_oddities import count_alike, read_oddities
from components.feedback_example_gen.reading.watermark import WEEKS_BEFORE
from components.feedback_example_gen.request import ReadRequest
from components.feedback_example_gen.spellings import find_spellings
from components.feedback_example_gen.survey import Survey
from components.feedback_example_gen.word_counts import read_word_counts
from components.registry.input_properties import ExamplesProperties, Spellings, Split


def describe_examples(
    examples_uri: str, survey: Survey, request: ReadRequest, tallies: Sequence[Tally]
) -> ExamplesProperties:
    """Returns the properties of the Examples.

    Args:
        examples_uri: Folder of the artifact, with the counts of all buckets beside its splits.
        survey: What the run agreed on.
        request: What was asked for.
        tallies: Examples of each bucket and cutoff.
    """
    watermark, previous = survey.watermark, survey.watermark.previous
    oddities, ids = read_oddities(examples_uri)
    weeks = timedelta(weeks=1 + WEEKS_BEFORE)
    is_long = watermark.first is not None and watermark.first <= survey.as_of - weeks
    return ExamplesProperties(
        as_of=survey.as_of.isoformat(),
        label_source=survey.label_source,
        duplicate_events=request.duplicate_events,
        lookback_days=request.windows.lookback_days,
        horizon_days=request.windows.horizon_days,
        max_events=request.rules.max_events,
        feedback_rows=watermark.rows,
        rows_without_account=watermark.rows_without_account,
        rows_in_future=watermark.rows_in_future,
        rows_without_date=watermark.rows_without_date,
        newest_feedback=watermark.newest.isoformat() if watermark.newest else None,
        late_rows=watermark.late_rows,
        previous_as_of=(previous.as_of.astimezone(timezone.utc).isoformat() if previous else None),
        previous_feedback_rows=previous.feedback_rows if previous else None,
        previous_scored=previous.scored if previous else None,
        rows_last_week=watermark.last_week_rows if is_long else None,
        rows_weeks_before=watermark.weeks_before_rows if is_long else None,
        **asdict(oddities),
        accounts_alike=count_alike(ids),
        splits={
            name: _split(name, [tally for tally in tallies if tally.split == name])
            for name in request.splits
        },
        spellings={
            found.column: Spellings(found.spellings, found.rows, found.examples or None)
            for found in find_spellings(read_word_counts(examples_uri))
        },
    )


def _split(name: str, tallies: Sequence[Tally]) -> Split:
    examples = sum(tally.snapshots for tally in tallies)
    churned = sum(tally.churned for tally in tallies)
    return Split(
        cutoffs=",".join(sorted({tally.cutoff for tally in tallies})),
        examples=examples,
        churned=churned,
        base_rate=churned / examples if name != SCORE and examples else None,
    )
