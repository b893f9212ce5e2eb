"""What Evidently says at its defaults of weeks of events; runs in an environment of its own.

Usage: EVIDENTLY_PYTHON bench/evidently_verdicts.py FOLDER

Reads FOLDER/*.npz, written by bench.detection: by the name of a column its values in `reference_*`
and in `week0_*`, `week1_*` ... Writes beside each a JSON list: for each week how many columns the
preset calls drifted, and whether it calls the whole data set so.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

warnings.filterwarnings("ignore")


def frame(arrays: Any, prefix: str) -> Any:
    """Returns the columns of one part."""
    import pandas  # type: ignore[import-untyped]

    names = [one for one in arrays.files if one.startswith(prefix)]
    return pandas.DataFrame({one.removeprefix(prefix): arrays[one] for one in names})


def verdict(current: Any, reference: Any) -> tuple[int, bool]:
    """Returns how many columns are called drifted, and whether the data set is."""
    from evidently import Report  # type: ignore[import-not-found]
    from evidently.presets import DataDriftPreset  # type: ignore[import-not-found]

    found = Report([DataDriftPreset()]).run(current, reference).dict()["metrics"]
    drifted = 0
    for one in found[1:]:
        threshold, value = one["config"]["threshold"], float(one["value"])
        by_chance = "p_value" in one["metric_name"]
        drifted += value < threshold if by_chance else value > threshold
    return drifted, found[0]["value"]["share"] >= found[0]["config"]["drift_share"]


def main() -> None:
    """Judges every file of the folder."""
    for path in sorted(Path(sys.argv[1]).glob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            reference = frame(arrays, "reference_")
            weeks = sorted(
                {name.partition("_")[0] for name in arrays.files if name.startswith("week")},
                key=lambda name: int(name.removeprefix("week")),
            )
            said = [verdict(frame(arrays, f"{week}_"), reference) for week in weeks]
        path.with_suffix(".json").write_text(json.dumps(said))


if __name__ == "__main__":
    main()
