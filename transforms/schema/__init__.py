"""The curated schema of the examples, and where it lies."""

from importlib import resources
from pathlib import Path
from typing import Final

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

TRAINING: Final = "TRAINING"
"""Environment of the train and eval splits: every example carries its label."""
SERVING: Final = "SERVING"
"""Environment of the score split: the label is not known yet."""


def schema_path() -> Path:
    """Returns the path of `schema.pbtxt`, for components that import a schema folder."""
    return Path(str(resources.files(__name__) / "schema.pbtxt"))


def load_schema() -> schema_pb2.Schema:
    """Returns the curated schema, parsed.

    Raises:
        google.protobuf.text_format.ParseError: If the file is not a valid schema.
    """
    return text_format.Parse(schema_path().read_text("utf-8"), schema_pb2.Schema())
