"""A Transform graph of examples, written by tf.Transform alone: TFX's executor takes longer."""

from pathlib import Path

import apache_beam as beam
import tensorflow_transform.beam as tft_beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tfx_bsl.public.tfxio import TFExampleRecord

from transforms.account_features import preprocessing_fn
from transforms.schema import load_schema


def write_transform(pattern: str, directory: Path) -> str:
    """Analyzes a split in process and returns the folder of the Transform graph."""
    source = TFExampleRecord(pattern, schema=load_schema(), telemetry_descriptors=["test"])
    with (
        beam.Pipeline(runner=FnApiRunner()) as pipeline,
        tft_beam.Context(temp_dir=str(directory / "tmp")),
    ):
        raw = pipeline | source.BeamSource()
        graph = (raw, source.TensorAdapterConfig()) | tft_beam.AnalyzeDataset(preprocessing_fn)
        _ = graph | tft_beam.WriteTransformFn(str(directory / "graph"))
    return str(directory / "graph")
