"""What the nodes of a run took: the runner writes it down, the report reads it.

ML Metadata knows when a node began and ended, but a component cannot ask it everywhere, and
it knows no memory. TFX is loaded when a bucket may have to be asked, not before: commands that
answer in a second read the costs too.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

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
    from tfx.dsl.io import fileio

    path = _path(pipeline_root, run_id)
    fileio.makedirs(os.path.dirname(path))
    unfinished = f"{path}.new"
    with fileio.open(unfinished, "w") as file:
        file.write(json.dumps([asdict(cost) for cost in costs], indent=1))
    fileio.rename(unfinished, path, overwrite=True)


def read_costs(pipeline_root: str, run_id: str) -> list[NodeCost]:
    """Returns the nodes of a run that the runner wrote down; none where nothing whole is there."""
    from tfx.dsl.io import fileio

    path = _path(pipeline_root, run_id)
    if not fileio.exists(path):
        return []
    with fileio.open(path) as file:
        return _costs(file.read())


def read_local_costs(pipeline_root: Path, run_id: str) -> list[NodeCost]:
    """Does what read_costs does for a folder of this machine, without loading TFX."""
    try:
        return _costs(Path(_path(str(pipeline_root), run_id)).read_bytes())
    except OSError:
        return []


def _costs(text: str | bytes) -> list[NodeCost]:
    try:
        return [NodeCost(**cost) for cost in json.loads(text)]
    except (ValueError, TypeError):
        return []


def _path(pipeline_root: str, run_id: str) -> str:
    return os.path.join(pipeline_root, _FOLDER, f"{run_id.replace(':', '')}.json")
