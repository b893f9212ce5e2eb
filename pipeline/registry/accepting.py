"""Publishing with a model that the gate refused for lack of evidence alone, by a person's decision.

The Pusher copies a model when it is blessed; here the acceptance does, into the same folder.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from components.registry.artifact_names import saved_model_path
from components.registry.exported_files import require_exported
from components.registry.possible import require_possible
from components.registry.stages import ACCEPT
from pipeline.registry.change_stage import Outcome, decide
from pipeline.registry.listing import find_model
from pipeline.registry.registry import Registry
from pipeline.registry.signing import write_signatures
from pipeline.settings import Settings

_GRAPH: Final = "saved_model.pb"
_TRAINING: Final = "tens-insight-train"
"""The pipeline whose Pusher copies blessed models."""


@dataclass(frozen=True)
class Acceptance:
    """What came of it.

    Attributes:
        outcome: The decision as recorded, and who is champion now.
        pushed_to: The folder that TensorFlow Serving reads; empty where it could not be written.
        said: What was written and what could not be, a sentence each.
    """

    outcome: Outcome
    pushed_to: str
    said: tuple[str, ...]


def accept(registry: Registry, version: str, reason: str, settings: Settings) -> Acceptance:
    """Records that a person publishes with a model, and copies it to where serving reads.

    Args:
        registry: Where it is recorded.
        version: The model, or a beginning that no other has.
        reason: Why, in words.
        settings: Say where serving reads, and where copies of reports are.

    Raises:
        UnknownModel: No model has that version.
        TransitionRefused: It lacks more than evidence, or was never compared with the champion.
        StateUnusable: Its files are gone, or not those that were exported.
        RegistryInconsistent: Two models have one version.
        DatabaseUnreachable: Another process kept ML Metadata locked.
    """
    model = find_model(registry, version)
    name, path = model.properties.model_version, saved_model_path(model.uri)
    require_possible(ACCEPT, name, registry.judged(), registry.transitions())
    # Before it is recorded: a champion without files would stop every run.
    require_exported(path, model.properties, name)
    outcome = decide(registry, ACCEPT, name, reason)
    folder = serving_dir_of(model.uri, settings)
    try:
        pushed = push(path, folder)
        said = [f"Copied to {pushed}, where blessed models lie."]
    # TensorFlow's file systems raise errors of their own; what is recorded holds all the same.
    except Exception as error:
        pushed = ""
        said = [
            f"Not copied to {folder}: {error}. It scores all the same; copy {path} there by hand "
            "if TensorFlow Serving reads it."
        ]
    return Acceptance(outcome, pushed, (*said, *write_signatures(registry, name, settings)))


def serving_dir_of(model_uri: str, settings: Settings) -> str:
    """Returns the folder to which the Pusher of the pipeline that made a model copies it.

    Args:
        model_uri: Folder of the model: in the state directory, or on the storage of a cluster.
        settings: Of both.
    """
    root, found, _ = model_uri.rpartition(f"/{_TRAINING}/")
    of_cluster = "://" in model_uri or root == settings.cluster.kubeflow_pipeline_root
    if not (of_cluster and found):
        return str(settings.serving_dir)
    return settings.cluster.kubeflow_serving_dir or f"{root}/serving/churn"


def push(saved_model: str, folder: str) -> str:
    """Copies a SavedModel as TFX's Pusher does: the graph last, so that nobody serves half of one.

    Args:
        saved_model: Its folder, on any file system.
        folder: Gets a folder in it, named by the seconds since 1970.

    Returns:
        That folder.
    """
    from tfx.dsl.io import fileio

    place = f"{folder}/{int(time.time())}"
    for path in sorted(_files(saved_model), key=lambda one: (one == _GRAPH, one)):
        fileio.makedirs(os.path.dirname(f"{place}/{path}"))
        fileio.copy(f"{saved_model}/{path}", f"{place}/{path}", overwrite=True)
    return place


def _files(folder: str) -> Iterator[str]:
    from tfx.dsl.io import fileio

    for place, _, names in fileio.walk(folder):
        inside = str(place).rstrip("/").removeprefix(folder).lstrip("/")
        yield from (os.path.join(inside, str(name)) for name in names)
