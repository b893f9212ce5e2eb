"""What the Examples artifact says of itself in ML Metadata."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from components.feedback_example_gen.category_values import find_case_variants, read_value_counts
from components.feedback_example_gen.example_counts import ExampleCount, split_of
from components.feedback_example_gen.quality_counts import count_alike, read_quality_counts
from components.feedback_example_gen.read_plan import ReadPlan, describe_reading
from components.feedback_example_gen.request import ReadRequest
from components.registry.input_properties import ExamplesProperties, Spellings


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
    quality, ids = read_quality_counts(examples_uri)
    splits = {name: split_of(name, example_counts) for name in request.splits}
    return replace(
        describe_reading(plan, request, splits),
        **asdict(quality),
        accounts_alike=count_alike(ids),
        spellings={
            found.column: Spellings(found.variants, found.rows, found.examples or None)
            for found in find_case_variants(read_value_counts(examples_uri))
        },
    )
