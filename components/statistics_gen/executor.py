"""The work of StatisticsGen: TFDV's statistics of each split, in this process."""

import json
import os
from typing import Any, Final

import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx import types
from tfx.components.statistics_gen.executor import (
    DEFAULT_FILE_NAME,
    SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME,
)
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from components.feedback_example_gen.example_batches import example_batches, example_files
from components.registry.input_properties import ExamplesProperties

MOST_EXAMPLES: Final = 20_000
"""Of a larger split about so many are looked at: the share of a word of the accounts is then .011
off at most, 99.7 % of the time, where the schema allows .1; events are several times as many. A
single row that breaks the contract is found in the database, before this."""


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes what TFX's executor writes; TFX's component asks for one that is given Beam's options.

    TFDV's way on Beam gives the same, but for the listed values of account_id, which nothing
    reads; at a few thousand accounts it takes three times as long.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the component.

        Args:
            input_dict:
                - examples: Examples of FeedbackExampleGen.
                - schema: Schema of them.
            output_dict:
                - statistics: ExampleStatistics of all their splits; its property
                  `sample_rate_by_split` says which share of each was looked at.
            exec_properties: None is read.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        statistics = artifact_utils.get_single_instance(output_dict["statistics"])
        schema_uri = artifact_utils.get_single_uri(input_dict["schema"])
        schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema_uri))
        splits = artifact_utils.decode_split_names(examples.split_names)
        sizes = ExamplesProperties.read(examples).splits
        rates = {split: sample_rate(sizes[split].examples) for split in splits}
        statistics.split_names = artifact_utils.encode_split_names(splits)
        statistics.span = examples.span
        for split in splits:
            files = example_files(artifact_utils.get_split_uris([examples], split))
            folder = artifact_utils.get_split_uri([statistics], split)
            fileio.makedirs(folder)
            with fileio.open(os.path.join(folder, DEFAULT_FILE_NAME), "wb") as file:
                file.write(statistics_of(files, schema, rates[split]).SerializeToString())
        rates_as_json = json.dumps(rates)
        statistics.set_json_value_custom_property(SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME, rates_as_json)


def sample_rate(examples: int) -> float:
    """Returns which share of so many examples is looked at, 0..1."""
    return min(1.0, MOST_EXAMPLES / max(1, examples))


def statistics_of(
    files: list[str], schema: schema_pb2.Schema, rate: float = 1.0
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Returns TFDV's statistics of examples; memory is that of a batch, and of their words.

    Args:
        files: Gzipped TFRecords of tf.Examples.
        schema: Of the examples.
        rate: The share of them that is looked at, chosen by a hash of the example.
    """
    generators = stats_impl.get_generators(tfdv.StatsOptions(schema=schema), in_memory=True)
    decoder = ExamplesToRecordBatchDecoder()
    found = [one.create_accumulator() for one in generators]
    seen = False
    for batch in example_batches(files, rate):
        seen, arrow = True, decoder.DecodeBatch(batch)
        found = [one.add_input(part, arrow) for one, part in zip(generators, found, strict=True)]
    if not seen:
        empty = statistics_pb2.DatasetFeatureStatistics()
        return statistics_pb2.DatasetFeatureStatisticsList(datasets=[empty])
    return stats_impl.extract_statistics_output(found, generators)
