"""How large a state directory becomes in a year of daily scores that is cleaned each day.

It takes a state directory with one training run and one scoring run, such as `var` after `make run`
and `tens-insight run score`, and plays them again for a year in a copy, a score each day and a
training each week. Folders are copied and recorded in ML Metadata under new names and later
moments, and each day what may go is removed by the functions of `tens-insight clean`, with the
default settings. The database is not asked: what is published is taken to be the newest model's.

    python -m bench.state_year var

Prints the size of the copy by month, and what listing models and planning take at the end.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.registry.artifact_names import EXAMPLES
from pipeline import training
from pipeline.policy.clean import plan, size_of
from pipeline.policy.remove import remove
from pipeline.registry.listing import list_models
from pipeline.registry.metadata_store import connection_config
from pipeline.registry.registry import Registry
from pipeline.scoring import PIPELINE_NAME as SCORING
from pipeline.settings import Settings, load_settings

DAYS: Final = 365
_MB: Final = 1_000_000
_DAY: Final = timedelta(days=1)


class Template:
    """A run whose nodes are recorded again and again.

    Args:
        store: Of ML Metadata.
        pipeline: Name of the pipeline; its newest run is taken.
        source: The state directory, which nobody cleans.
        copy: Its copy, where the artifacts are recorded.
    """

    def __init__(self, store: Any, pipeline: str, source: Path, copy: Path):
        self._store, self._source, self._copy = store, source, copy
        runs = store.get_contexts_by_type("pipeline_run")
        found = []
        for context in runs:
            executions = store.get_executions_by_context(context.id)
            names = {one.name for one in store.get_contexts_by_execution(executions[0].id)}
            if pipeline in names:
                found.append((context.id, executions, context.name))
        if not found:
            raise SystemExit(f"There is no run of {pipeline} in this state directory.")
        _, self._executions, self.run_id = max(found, key=lambda one: one[0])

    def play(self, run_id: str, as_of: datetime, version: str) -> None:
        """Records the run again, with copies of its folders."""
        model_id = 0
        for old in sorted(self._executions, key=lambda one: one.id):
            made = [
                event.artifact_id
                for event in self._store.get_events_by_execution_ids([old.id])
                if event.type == mlmd.Event.OUTPUT
            ]
            new = mlmd.Execution(type_id=old.type_id, last_known_state=old.last_known_state)
            number, _, _ = self._store.put_execution(
                new, [], self._contexts(old.id, run_id), reuse_context_if_already_exist=True
            )
            changes: dict[str, Any] = {"as_of": as_of.isoformat(), "model_version": version}
            changes |= {"current_model_id": model_id} if model_id else {}
            pushed = self._copy / "serving" / "churn" / str(int(as_of.timestamp()))
            changes |= {"pushed_destination": str(pushed)}
            for artifact in self._store.get_artifacts_by_id(made):
                kept = self._record(artifact, number, changes)
                model_id = kept if artifact.type == "Model" else model_id
                if artifact.type == "PushedModel":
                    before = artifact.custom_properties["pushed_destination"].string_value
                    shutil.copytree(self._original(before), pushed)
        for path in (self._source / "logs").glob(f"*-{self.run_id}.log"):
            kind = path.name.partition("-")[0]
            shutil.copy(path, self._copy / "logs" / f"{kind}-{run_id}.log")

    def _original(self, path: str) -> Path:
        return Path(path.replace(str(self._copy), str(self._source)))

    def _contexts(self, execution_id: int, run_id: str) -> list[Any]:
        found = self._store.get_contexts_by_execution(execution_id)
        run = mlmd.Context(type_id=self._store.get_context_type("pipeline_run").id, name=run_id)
        return [run if one.type == "pipeline_run" else one for one in found]

    def _record(self, like: Any, number: int, changes: Mapping[str, Any]) -> int:
        made = mlmd.Artifact()
        made.CopyFrom(like)
        made.ClearField("id")
        made.ClearField("name")
        folder = Path(like.uri)
        made.uri = str(folder.with_name(str(number)))
        for name, value in changes.items():
            if name in made.custom_properties:
                kind = "string_value" if isinstance(value, str) else "int_value"
                setattr(made.custom_properties[name], kind, value)
        if self._original(like.uri).is_dir():
            shutil.copytree(self._original(like.uri), made.uri)
        (kept,) = self._store.put_artifacts([made])
        event = mlmd.Event(artifact_id=kept, execution_id=number, type=mlmd.Event.OUTPUT)
        self._store.put_events([event])
        return int(kept)


def main(arguments: list[str] | None = None) -> int:
    """Plays the year; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("state_dir", type=Path, help="With a training and a scoring run.")
    parser.add_argument("--days", type=int, default=DAYS)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tens-insight-state-year-") as name:
        folder = Path(name, "state")
        shutil.copytree(
            options.state_dir, folder, ignore=shutil.ignore_patterns("postgres*", "*.alive")
        )
        _play_year(options.state_dir.resolve(), folder, options.days)
    return 0


def _play_year(source: Path, folder: Path, days: int) -> None:
    settings = load_settings(state_dir=folder)
    store = ml_metadata.MetadataStore(connection_config(settings.metadata_path))
    _move(store, source, folder)
    train, score = (
        Template(store, name, source, folder) for name in (training.PIPELINE_NAME, SCORING)
    )
    begin = datetime.fromisoformat(
        max(
            one.custom_properties["as_of"].string_value
            for one in store.get_artifacts_by_type(EXAMPLES)
        )
    )
    largest = 0
    for day in range(1, days + 1):
        now = begin + day * _DAY
        kind, version = (train, f"{now:%Y%m%d}-{day:08x}") if day % 7 == 0 else (score, "")
        kind.play(f"{now:%Y%m%dT%H%M%S}.000-{day:04x}", now, version)
        _age_logs(folder, day)
        _clean(settings, now)
        largest = max(largest, size_of(folder))
        if day % 30 == 0 or day == days:
            metadata = settings.metadata_path.stat().st_size
            print(
                f"day {day:3}: {size_of(folder) / _MB:6.1f} MB, of which ML Metadata "
                f"{metadata / _MB:.1f}; largest so far {largest / _MB:.1f}"
            )
    registry = Registry(settings.metadata_path)
    print(f"planning     {_seconds(lambda: _plan(settings, registry, now)):.2f} s of CPU")
    print(f"models list  {_seconds(lambda: list_models(registry, {})):.2f} s of CPU")
    print(f"runs         {_seconds(registry.runs):.2f} s of CPU")


def _move(store: Any, source: Path, folder: Path) -> None:
    artifacts = store.get_artifacts()
    for one in artifacts:
        one.uri = one.uri.replace(str(source), str(folder))
        for value in one.custom_properties.values():
            if value.WhichOneof("value") == "string_value":
                value.string_value = value.string_value.replace(str(source), str(folder))
    store.put_artifacts(artifacts)


def _age_logs(folder: Path, day: int) -> None:
    """Lets every log be a day older than it was yesterday."""
    for path in (folder / "logs").glob("*.log"):
        moment = path.stat().st_mtime - _DAY.total_seconds()
        os.utime(path, (moment, moment))


def _plan(settings: Settings, registry: Registry, now: datetime) -> Any:
    newest = registry.models()[0].properties.model_version
    return plan(
        registry,
        settings.pipeline_root,
        settings.logs_dir,
        settings.policy,
        now=now,
        published=(newest,),
    )


def _clean(settings: Settings, now: datetime) -> None:
    registry = Registry(settings.metadata_path)
    remove(_plan(settings, registry, now), registry)


def _seconds(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


if __name__ == "__main__":
    sys.exit(main())
