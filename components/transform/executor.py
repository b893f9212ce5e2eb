"""The work of Transform: analyse the training examples, then write the graph."""

import functools
import json
import os
import tempfile
from typing import Any

import tensorflow_transform as tft
from tensorflow_transform import impl_helper
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io, schema_utils
from tfx import types
from tfx.components.util import udf_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils
from tfx_bsl.public.tfxio import TFExampleRecord

from components.feedback_example_gen.cutoffs import TRAIN
from components.transform.analyse import analyse
from transforms.account_features import ANALYSIS, critical_priority_of


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes what TFX's executor writes for a preprocessing_fn without analyzers.

    TFX's own looks for inputs of analyzers, takes those of look-up tables for some, and then
    runs a Beam pipeline that finds nothing to analyse. This one needs no Beam; TFX's component
    asks for an executor that is given its options.
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
                - examples: Examples with the split train, which is read twice: for the words,
                  then for means and variances of the columns that are made with them.
                - schema: Schema of the examples.
            output_dict:
                - transform_graph: TransformGraph.
            exec_properties: `preprocessing_fn`, a dotted path, and its `custom_config` as JSON.

        Raises:
            ValueError: The train split holds no example.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        config = json.loads(exec_properties["custom_config"])
        train = artifact_utils.get_split_uris(input_dict["examples"], TRAIN)
        schema_uri = artifact_utils.get_single_uri(input_dict["schema"])
        function = udf_utils.get_fn(exec_properties, "preprocessing_fn")
        with tempfile.TemporaryDirectory(prefix="analysis-") as folder:
            analyse(train, folder, critical_priority_of(config))
            given = {**config, ANALYSIS: folder}
            write_graph(
                functools.partial(function, custom_config=given),
                io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema_uri)),
                artifact_utils.get_single_uri(output_dict["transform_graph"]),
            )


def write_graph(preprocessing_fn: Any, schema: Any, folder: str) -> None:
    """Writes the graph of a preprocessing_fn, and the metadata of what goes in and comes out.

    Args:
        preprocessing_fn: Takes raw features by name, holds no analyzer.
        schema: Of the examples.
        folder: Of a TransformGraph.
    """
    raw = os.path.join(folder, tft.TFTransformOutput.RAW_METADATA_DIR)
    metadata_io.write_metadata(dataset_metadata.DatasetMetadata(schema), raw)
    # Only asked how TFX's tensors of such a schema look; it reads no file.
    examples = TFExampleRecord("*", schema=schema, telemetry_descriptors=["Transform"])
    impl_helper.analyze_in_place(
        preprocessing_fn,
        force_tf_compat_v1=False,
        feature_specs=schema_utils.schema_as_feature_spec(schema).feature_spec,
        type_specs=examples.TensorAdapter().OriginalTypeSpecs(),
        transform_output_path=folder,
    )
