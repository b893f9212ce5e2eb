"""Records what models in shadow say of a publication, from the shards of its scores."""

import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute

from components.account_scorer.asked import SHADOW_COLUMN, SHADOWS_KEY, shadow_column
from components.account_scorer.beside import told
from components.account_scorer.inference import open_shards
from components.publishing.split import Split
from components.shadow.record import ShadowScores, record_shadows
from transforms.arrays import Floats

_log = logging.getLogger(__name__)
_NEEDED: Final = ["account_id", "model_version"]
_NOT_RECORDED: Final = "Shadow scores were not recorded"


def keep_shadow_scores(
    scores_uri: str,
    publication_id: int,
    split: Split | None,
    *,
    history_days: int,
    patience_s: float,
) -> tuple[list[ShadowScores], list[str]]:
    """Writes the shadow scores of a publication; what goes wrong is told and never raised.

    Args:
        scores_uri: Folder of the shards.
        publication_id: Of account_risk_scores, which is published.
        split: By which two models shared the accounts; None without one.
        history_days: Days that the history reaches back.
        patience_s: Seconds for which a server that does not answer is waited for.

    Returns:
        What was recorded, and a sentence about each that was not.
    """
    try:
        shadows, notes = read_shadows(scores_uri, split)
        recorded = record_shadows(
            publication_id, shadows, history_days=history_days, patience_s=patience_s
        )
        if shadows and recorded is None:
            shadows, notes = [], [f"{_NOT_RECORDED}: publication {publication_id} was undone."]
    except Exception as error:  # whatever it is: the scores are published, and the run goes on
        shadows, notes = [], [f"{_NOT_RECORDED}: {told(error)}"]
    for note in notes:
        _log.warning("%s", note)
    return shadows, notes


def read_shadows(scores_uri: str, split: Split | None) -> tuple[list[ShadowScores], list[str]]:
    """Reads the answers of models in shadow from all shards.

    Returns:
        Those of models that answered about every account, and a sentence about each other one.
    """
    shards = list(_shards(scores_uri))
    described = [
        json.loads((one.schema.metadata or {}).get(SHADOWS_KEY.encode(), b"[]")) for one in shards
    ]
    found: list[ShadowScores] = []
    notes: list[str] = []
    for place, one in enumerate(described[0] if described else []):
        problem = next((of[place]["problem"] for of in described if of[place]["problem"]), "")
        named = f"Model {one['version']} ({one['role']})" if one["version"] else "The other half"
        if problem:
            notes.append(f"{named} was not recorded in shadow: {problem}")
            continue
        parts = [(shard, _matrix(shard, place, len(one["horizons"]))) for shard in shards]
        if one["version"]:
            found.append(_together(one, one["version"], parts))
        elif split is not None:
            found += [
                _together(one, version, list(_published_with(other, parts)))
                for version, other in ((split.a, split.b), (split.b, split.a))
            ]
    return found, notes


_Part = tuple[pa.Table, Floats]


def _shards(scores_uri: str) -> Iterator[pa.Table]:
    for shard in open_shards(scores_uri):
        names = shard.schema_arrow.names
        yield shard.read([*_NEEDED, *(one for one in names if one.startswith(SHADOW_COLUMN))])


def _matrix(shard: pa.Table, place: int, horizons: int) -> Floats:
    values = shard[shadow_column(place)].combine_chunks()
    flat = np.asarray(pa.compute.list_flatten(values), np.float64)
    return flat.reshape(-1, horizons)


def _published_with(version: str, parts: Sequence[_Part]) -> Iterator[_Part]:
    """Yields the rows that were published with a model."""
    for shard, matrix in parts:
        own = pa.compute.equal(shard["model_version"], version)
        yield shard.filter(own), matrix[np.asarray(own, dtype=bool)]


def _together(one: dict[str, Any], version: str, parts: Sequence[_Part]) -> ShadowScores:
    horizons = tuple(one["horizons"])
    return ShadowScores(
        model_version=version,
        role=one["role"],
        horizons=horizons,
        horizon_days=int(one["horizon_days"]),
        accounts=[name for shard, _ in parts for name in shard["account_id"].to_pylist()],
        probabilities=np.concatenate([np.empty([0, len(horizons)]), *(two for _, two in parts)]),
    )
