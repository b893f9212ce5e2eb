"""Keeps the artifacts of two stores of ML Metadata apart.

TFX names an artifact's folder by the number of its execution, and every store counts
from 1: a second store over the same folder would overwrite the models of the first.
"""

import contextlib
import uuid
from pathlib import Path
from typing import Any, Final

import ml_metadata
from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2

from pipeline.settings import ConfigurationInvalid

_TYPE: Final = "TensInsightStore"
_NAME: Final = "identity"
_MARK: Final = "metadata-store.txt"


def require_own_artifacts(config: Any, pipeline_root: Path) -> None:
    """Marks a folder of artifacts with the store that records them, or refuses another's.

    Args:
        config: ConnectionConfig of the store; the store is made if it is missing.
        pipeline_root: Folder of the artifacts; made if it is missing.

    Raises:
        ConfigurationInvalid: The artifacts there are recorded in another store.
    """
    store = ml_metadata.MetadataStore(config)
    identity, mark = _identity(store), pipeline_root / _MARK
    if mark.exists():
        ours = mark.read_text(encoding="utf-8").strip() == identity
    else:
        # A folder older than its mark belongs to the store that has recorded runs.
        empty = not pipeline_root.is_dir() or not any(pipeline_root.iterdir())
        ours = empty or bool(store.get_contexts_by_type("pipeline_run"))
    if not ours:
        raise ConfigurationInvalid(
            f"The artifacts in {pipeline_root} are recorded in another store of ML Metadata than "
            "the one that is named now, and a run would overwrite them. Set TENS_INSIGHT_STATE_DIR "
            "to a folder of its own for this store, or go back to the other one: set or unset "
            "METADATA_DATABASE_URL, or restore metadata.sqlite."
        )
    if not mark.exists():
        pipeline_root.mkdir(parents=True, exist_ok=True)
        mark.write_text(f"{identity}\n", encoding="utf-8")


def _identity(store: Any) -> str:
    """Returns the store's own name, given to it once."""
    found = store.get_context_by_type_and_name(_TYPE, _NAME)
    if found is None:
        type_id = store.put_context_type(metadata_store_pb2.ContextType(name=_TYPE))
        context = metadata_store_pb2.Context(type_id=type_id, name=_NAME)
        context.custom_properties["id"].string_value = str(uuid.uuid4())
        # Another run may begin at the same moment.
        with contextlib.suppress(errors.AlreadyExistsError):
            store.put_contexts([context])
        found = store.get_context_by_type_and_name(_TYPE, _NAME)
    return str(found.custom_properties["id"].string_value)
