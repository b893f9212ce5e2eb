"""`tens-insight compile`: the specs for Kubeflow Pipelines and Vertex."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.commands.parts import examples
from pipeline.text.terminal import say, say_json

if TYPE_CHECKING:
    from pipeline.settings import Settings


@click.command(
    name="compile",
    epilog=examples("tens-insight compile", "tens-insight compile --output /srv/specs"),
)
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder that gets them."
)
@click.option("--json", "as_json", is_flag=True, help="Print the paths as one line of JSON.")
def command(output: Path | None, as_json: bool) -> None:
    """Writes what Kubeflow Pipelines (YAML) and Vertex (JSON) run: training and scoring.

    Needs no cluster and no database. No secret is in the files: they name the secrets that
    tasks are given. The settings kubeflow_* and vertex_* say the rest.
    """
    from pipeline.logs import import_tensorflow
    from pipeline.settings import load_settings
    from pipeline.state_directory import require_own_files

    settings = load_settings()
    if output is None:
        require_own_files(settings.state_dir)
    import_tensorflow()
    from pipeline import scoring, training

    try:
        from pipeline.kubeflow_runner import compile_specs
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] != "kfp":
            raise
        raise click.UsageError(
            "This needs the package kfp-pipeline-spec: pip install 'tens-insight[kubeflow]'."
        ) from None

    folder = output or settings.compiled_dir
    paths = [
        path for module in (training, scoring) for path in compile_specs(module, settings, folder)
    ]
    for sentence in _to_be_set(settings):
        say(sentence, err=True)
    if as_json:
        say_json({"files": [str(path) for path in paths]})
    else:
        _show(paths)


def _show(paths: list[Path]) -> None:
    from pipeline.text.plain_text import short_path

    for path in paths:
        say(f"{short_path(str(path))}  {path.stat().st_size / 1024:.0f} KiB")


def _to_be_set(settings: "Settings") -> Iterator[str]:
    """Says which settings still hold what only stands for a value."""
    from components.config import plain
    from pipeline.settings import variable

    for name, value in plain(settings.cluster).items():
        if isinstance(value, str) and "YOUR-" in value:
            yield f"Before you submit them, set {variable(name)}: it is {value}."
