"""What the Examples artifact says of itself in ML Metadata."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta, timezone

from components.feedback_example_gen.bucket_writer import ExampleCount
from components.feedback_example_gen.category_values import find_case_variants, read_value_counts
from components.feedback_example_gen.cutoffs import SCORE
from components.feedback_example_gen.quality_counts import count_alike, read_quality_counts
from components.feedback_example_gen.read_plan import ReadPlan
from components.feedback_example_gen.reading.watermark import WEEKS_BEFORE
from components.feedback_example_gen.request import ReadRequest
from components.registry.input_properties import (
    CHURN,
    PUBLISHED,
    ExamplesProperties,
    Spellings,
    Split,
)


def describe_examples(
    examples_uri: str, plan: ReadPlan, request: ReadRequest, example_counts: Sequence[ExampleCount]
) -> ExamplesProperties:
    """Returns the properties of the Examples.

    Args:
        examples_uri: Folder of the artifact, with the counts of all buckets beside its splits.
        plan: What the run agreed on.
        request: What was asked for.
        example_counts: How many examples each bucket gave for each cutoff.
    """
    watermark, previous = plan.watermark, plan.watermark.previous
    quality, ids = read_quality_counts(examples_uri)
    weeks = timedelta(weeks=1 + WEEKS_BEFORE)
    is_long = watermark.first is not None and watermark.first <= plan.as_of - weeks
    return ExamplesProperties(
        as_of=plan.as_of.isoformat(),
        database_id=plan.database_id,
        label_source=plan.label_source,
        duplicate_events=request.config.duplicate_events,
        lookback_days=request.config.lookback_days,
        horizon_days=request.config.horizon_days,
        max_events=request.config.max_events,
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
        **asdict(quality),
        accounts_alike=count_alike(ids),
        splits={
            name: _split(name, [count for count in example_counts if count.split == name])
            for name in request.splits
        },
        spellings={
            found.column: Spellings(found.variants, found.rows, found.examples or None)
            for found in find_case_variants(read_value_counts(examples_uri))
        },
        truth={CHURN: plan.truth.churn} if plan.truth.churn else {},
        known_ids={PUBLISHED: plan.truth.accounts},
        row_security=plan.notes or None,
    )


def _split(name: str, example_counts: Sequence[ExampleCount]) -> Split:
    examples = sum(count.examples for count in example_counts)
    churned = sum(count.churned for count in example_counts)
    return Split(
        cutoffs=",".join(sorted({count.cutoff for count in example_counts})),
        examples=examples,
        churned=churned,
        base_rate=churned / examples if name != SCORE and examples else None,
    )
