"""Runs modules of any tree in forks of a process that has imported TFX, and nothing of ours.

A fresh interpreter spends six seconds of CPU on importing TFX; here that is paid once. For each
line on standard input, a JSON list as the REQUEST of tests/forked_command.py, it writes the exit
code of the module to standard output.
"""

import gc
import importlib
import json
import os
import runpy
import sys
from pathlib import Path

FORKED_COMMAND = Path(__file__).parents[1] / "forked_command.py"
FORK = "__fork__"
OURS = {"components", "pipeline", "serving_model", "tests", "transforms"}
PRELOADED = (
    "hypothesis",
    "keras",
    "psycopg2.extras",
    "pyarrow.csv",
    "pyarrow.parquet",
    "pydantic_settings",
    "pytest",
    "rich.table",
    "scipy.stats",
    "sklearn.metrics",
    "tensorflow_data_validation",
    "tensorflow_model_analysis",
    "tensorflow_transform",
    "tfx.components",
)


def main() -> None:
    path = sys.path[:]
    for name in PRELOADED:
        importlib.import_module(name)
    sys.path[:] = path  # IPython, which TFX imports, adds a folder with a package named tests
    found = OURS & {name.partition(".")[0] for name in sys.modules}
    assert not found, f"{found} would hide those of the tree"
    gc.freeze()
    for line in sys.stdin:
        module, arguments, environment, *paths = json.loads(line)
        child = os.fork()
        if not child:
            request = (module, arguments, environment, *map(Path, paths))
            runpy.run_path(str(FORKED_COMMAND), {"REQUEST": request}, FORK)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
