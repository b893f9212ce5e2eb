"""TFX's penguin template as `tfx template copy` leaves it, with all components and made-up rows."""

import csv
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np

ROWS: Final = 344
"""As many as the penguins of the data set that the template names."""
KINDS: Final = 3
COLUMNS: Final = ("culmen_length_mm", "culmen_depth_mm", "flipper_length_mm", "body_mass_g")
ALL_NODES: Final = 9
_EDITS: Final = (
    # Each line that the template's comments ask to take in, and those that it replaces.
    (r"^  # (components\.append\(\w+\))$", r"  \1"),
    (r"^      examples=example_gen\.outputs\['examples'\],\n      # Use outputs of T.*\n", ""),
    (r"^      # (examples=transform\.outputs\['transformed_examples'\],)$", r"      \1"),
    (r"^      # (transform_graph=transform\.outputs\['transform_graph'\],)$", r"      \1"),
    (r"^              label_key=features\.LABEL_KEY,\n.*\n", ""),
    (r"^( +)# (label_key=features\.transformed_name\(features\.LABEL_KEY\),)$", r"\1\2"),
)
_TRANSFORMED: Final = (
    "      transform_graph=transform.outputs['transform_graph'],\n",
    "              label_key=features.transformed_name(features.LABEL_KEY),\n",
)
_LEFT_OUT: Final = r"^ *# components\.append"


def make_template(folder: Path, environment: Mapping[str, str]) -> Path:
    """Copies the template, takes in all its components and makes its data.

    Args:
        folder: Where the template goes, below it; outside of the repository.
        environment: Variables of the command.

    Returns:
        The folder of its local_runner.py.

    Raises:
        SystemExit: This TFX's template is not the one that is known here.
    """
    home = folder / "penguin"
    command = [str(Path(sys.executable).parent / "tfx"), "template", "copy", "--model", "penguin"]
    command += ["--pipeline_name", "penguin", "--destination_path", str(home)]
    # Ends with an error where there is no network: the data are fetched last, after all files.
    copied = subprocess.run(
        command, cwd=folder, env=dict(environment), text=True, capture_output=True, check=False
    )
    definition = home / "pipeline" / "pipeline.py"
    if not definition.exists():
        raise SystemExit(f"`{' '.join(command)}` copied nothing:\n{copied.stderr}")
    definition.write_text(with_all_components(definition.read_text("utf-8")), "utf-8")
    write_penguins(home / "data" / "data.csv")
    return home


def with_all_components(text: str) -> str:
    """Returns pipeline/pipeline.py of the template with nothing left out.

    Raises:
        SystemExit: The text is not that of a template that is known here.
    """
    for pattern, replacement in _EDITS:
        text = re.sub(pattern, replacement, text, flags=re.M)
    nodes = len(re.findall(r"^ +components\.append\(\w+\)$", text, re.M))
    whole = all(name in text for name in _TRANSFORMED) and not re.search(_LEFT_OUT, text, re.M)
    if nodes != ALL_NODES + 1 or not whole:
        raise SystemExit(
            f"The penguin template of TFX {version('tfx')} is not the one that this benchmark "
            f"takes components into: {nodes} nodes, expected {ALL_NODES + 1} (one is an "
            "alternative). Compare bench/penguin_template.py with its pipeline/pipeline.py."
        )
    return text


def write_penguins(path: Path) -> None:
    """Writes rows of three kinds that can be told apart, the same each time.

    The four measures are scaled to [0, 1], as in the data that the template names.
    """
    rng = np.random.default_rng(344)
    kind = rng.integers(0, KINDS, ROWS)
    centres = rng.random((KINDS, len(COLUMNS)))
    measures = np.clip(centres[kind] + 0.08 * rng.standard_normal((ROWS, len(COLUMNS))), 0, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as sink:
        writer = csv.writer(sink)
        writer.writerow(["species", *COLUMNS])
        for species, row in zip(kind.tolist(), measures.tolist(), strict=True):
            writer.writerow([species, *(f"{value:.6f}" for value in row)])


def template_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables with which the template runs in this environment.

    It uses Keras 2 where TFX is older than 1.17, and it does not ask for a cloud project, which
    waits for a server that is not there.
    """
    own = {**environment, "NO_GCE_CHECK": "true", "TF_CPP_MIN_LOG_LEVEL": "3"}
    # As the shell sets it where an environment is active: `tfx` calls pip.
    own["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    if tuple(int(part) for part in version("tfx").split(".")[:2]) < (1, 17):
        own["TF_USE_LEGACY_KERAS"] = "1"
    return own
