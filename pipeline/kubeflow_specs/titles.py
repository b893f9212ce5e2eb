"""Titles of our artifact types in a compiled pipeline."""

import contextlib
from collections.abc import Iterator

import yaml
from tfx import types
from tfx.orchestration.kubeflow.v2 import compiler_utils

from components.registry import artifacts


@contextlib.contextmanager
def titles_that_import() -> Iterator[None]:
    """Gives our artifact types titles by which TFX's container entry point can import them.

    TFX's compiler takes TYPE_NAME for the title, and its entry point takes the title for the
    path of the class; Vertex wants it to be room.Type. The names under which ML Metadata knows
    our types are none of all this, and need not change for it: the compiler's function is
    replaced for as long as it compiles.
    """
    original = compiler_utils.get_artifact_schema

    def schema(artifact_type: type[types.Artifact]) -> str:
        if artifact_type.__module__ != artifacts.__name__:
            return original(artifact_type)
        return yaml.dump({"title": f"components.{artifact_type.__name__}", "type": "object"})

    compiler_utils.get_artifact_schema = schema
    try:
        yield
    finally:
        compiler_utils.get_artifact_schema = original
