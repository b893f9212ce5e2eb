"""The counts of product areas as an artifact: how they are written and read back."""

import json
import os
from typing import Final

from tfx import types
from tfx.dsl.io import fileio

from components.feedback_example_gen.reading.area_counts import AreaCounts

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
    artifact.set_string_custom_property("as_of", counts.as_of.isoformat())
    artifact.set_int_custom_property("window_days", counts.window.days)
    artifact.set_int_custom_property("critical_priority", counts.window.critical_priority)
    artifact.set_int_custom_property("pairs", len(counts.pairs))
    artifact.set_int_custom_property("rows", sum(pair.feedback for pair in counts.pairs))
    artifact.set_int_custom_property("unnamed_rows", counts.unnamed_rows)


def read_counted_areas(artifact: types.Artifact) -> AreaCounts:
    """Reads what write_counted_areas wrote."""
    with fileio.open(os.path.join(artifact.uri, FILE), "r") as file:
        return AreaCounts.from_json(json.loads(file.read()))
