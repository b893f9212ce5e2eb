"""A Transform graph of examples, written as the component Transform writes it."""

import functools
from pathlib import Path

from components.transform.analyse import analyse
from components.transform.executor import write_graph
from transforms.account_features import ANALYSIS, preprocessing_fn
from transforms.schema import load_schema
from transforms.thresholds import CRITICAL_PRIORITY


def write_transform(split: str, directory: Path) -> str:
    """Analyzes a split, a folder of TFRecords, and returns the folder of the Transform graph."""
    found = directory / "analysis"
    found.mkdir()
    analyse([split], str(found), CRITICAL_PRIORITY)
    function = functools.partial(preprocessing_fn, custom_config={ANALYSIS: str(found)})
    write_graph(function, load_schema(), str(directory / "graph"))
    return str(directory / "graph")
