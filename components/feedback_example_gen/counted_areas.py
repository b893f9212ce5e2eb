"""The counts of product areas as an artifact: how they are written and read back."""

import json
import os
from typing import Final

from tfx import types
from tfx.dsl.io import fileio

from components.feedback_example_gen.reading.area_counts import AreaCounts
from components.registry.input_properties import AreaCountsProperties

FILE: Final = "area_counts.json"


def write_counted_areas(artifact: types.Artifact, counts: AreaCounts) -> None:
    """Writes the counts into an artifact, and its properties.

    Args:
        artifact: Of type artifacts.AreaCounts; gets area_counts.json and custom properties.
        counts: As read inside the run's snapshot.
    """
    fileio.makedirs(artifact.uri)
    with fileio.open(os.path.join(artifact.uri, FILE), "w") as file:
        file.write(json.dumps(counts.as_json(), indent=1))
    AreaCountsProperties(
        as_of=counts.as_of.isoformat(),
        window_days=counts.window.days,
        critical_priority=counts.window.critical_priority,
        pairs=len(counts.pairs),
        rows=sum(pair.feedback for pair in counts.pairs),
        unnamed_rows=counts.unnamed_rows,
    ).write(artifact)


def read_counted_areas(artifact: types.Artifact) -> AreaCounts:
    """Reads what write_counted_areas wrote."""
    with fileio.open(os.path.join(artifact.uri, FILE), "r") as file:
        return AreaCounts.from_json(json.loads(file.read()))
