"""Writes the sketch of a training run into an exported model, and reads it there."""

import json
import os
from dataclasses import asdict
from typing import Final

from tfx.dsl.io import fileio

from components.monitor.profile import Profile

PROFILE: Final = "assets.extra/training_profile.json"
"""Where it lies in a SavedModel, beside the card."""


def write_profile(saved_model_dir: str, profile: Profile) -> None:
    """Writes the sketch into an exported model."""
    path = os.path.join(saved_model_dir, PROFILE)
    fileio.makedirs(os.path.dirname(path))
    with fileio.open(path, "w") as file:
        file.write(json.dumps(asdict(profile), indent=1, sort_keys=True, allow_nan=False) + "\n")


def read_profile(saved_model_dir: str) -> Profile | None:
    """Returns the sketch of a model; None where its trainer wrote none."""
    path = os.path.join(saved_model_dir, PROFILE)
    if not fileio.exists(path):
        return None
    with fileio.open(path) as file:
        found = json.loads(file.read())
    return Profile(
        as_of=str(found["as_of"]),
        accounts=int(found["accounts"]),
        numbers={name: tuple(values) for name, values in found["numbers"].items()},
        words=found["words"],
        scores=tuple(found["scores"]),
    )
