"""decision.json: every check of a run, as DataChecker writes it and others read it."""

import os
from collections.abc import Sequence
from typing import Final

from absl import logging
from pydantic import TypeAdapter
from tfx import types
from tfx.dsl.io import fileio

from components.data_checker.checks import STOPPED, WARNED, Check

DECISION_FILE: Final = "decision.json"


def write_checks(decision: types.Artifact, checks: Sequence[Check]) -> None:
    """Writes all checks into the artifact's folder, and each into the log."""
    fileio.makedirs(decision.uri)
    with fileio.open(os.path.join(decision.uri, DECISION_FILE), "w") as file:
        file.write(TypeAdapter(list[Check]).dump_json(list(checks), indent=1).decode())
    for check in checks:
        level = logging.WARNING if check.verdict in (STOPPED, WARNED) else logging.INFO
        logging.log(level, "Data gate: %s", check)


def read_checks(decision_uri: str) -> list[Check]:
    """Returns the checks of an artifact's folder, in their order."""
    with fileio.open(os.path.join(decision_uri, DECISION_FILE)) as file:
        return TypeAdapter(list[Check]).validate_json(file.read())
