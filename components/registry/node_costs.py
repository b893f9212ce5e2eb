"""What the nodes of a run took: the runner writes it down, the report reads it.

ML Metadata knows when a node began and ended, but a component cannot ask it everywhere, and
it knows no memory.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from tfx.dsl.io import fileio

DONE: Final = "done"
FAILED: Final = "failed"
NOT_RUN: Final = "not run"
_FOLDER: Final = ".node_costs"


@dataclass(frozen=True)
class NodeCost:
    """What one node took.

    Attributes:
        name: Its id.
        outcome: DONE, FAILED or NOT_RUN.
        seconds: Wall clock; None if it was not run.
        peak_mib: Highest resident memory of the runner's process meanwhile, MiB; None if
            that is not known.
        reason: Why it failed, in a sentence; None if it did not.
    """

    name: str
    outcome: str
    seconds: float | None = None
    peak_mib: float | None = None
    reason: str | None = None


def write_costs(pipeline_root: str, run_id: str, costs: Sequence[NodeCost]) -> None:
    """Writes the nodes of a run so far, in place of what was written before.

    Args:
        pipeline_root: Folder or bucket path under which the pipeline's artifacts lie.
        run_id: The run's name.
        costs: In the order of the nodes.
    """
    path = _path(pipeline_root, run_id)
    fileio.makedirs(os.path.dirname(path))
    unfinished = f"{path}.new"
    with fileio.open(unfinished, "w") as file:
        file.write(json.dumps([asdict(cost) for cost in costs], indent=1))
    fileio.rename(unfinished, path, overwrite=True)


def read_costs(pipeline_root: str, run_id: str) -> list[NodeCost]:
    """Returns the nodes of a run that the runner wrote down; none where nothing whole is there."""
    path = _path(pipeline_root, run_id)
    if not fileio.exists(path):
        return []
    try:
        with fileio.open(path) as file:
            return [NodeCost(**cost) for cost in json.loads(file.read())]
    except (ValueError, TypeError):
        return []


def _path(pipeline_root: str, run_id: str) -> str:
    return os.path.join(pipeline_root, _FOLDER, f"{run_id.replace(':', '')}.json")
