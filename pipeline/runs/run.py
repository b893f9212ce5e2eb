"""Runs a pipeline from start to summary: preflight, nodes, what came of it."""

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.errors import TensInsightError
from components.postgres.connection import connect, describe
from components.postgres.contract import require_contract
from components.publishing.published import highest_risks, top_areas
from components.registry.artifact_names import MODEL_RUN, saved_model_path
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import ModelProperties, PushedModelProperties
from components.registry.published_properties import (
    PublishedAreasProperties,
    PublishedScoresProperties,
)
from pipeline.database import open_database
from pipeline.logs import import_tensorflow, log_to_file
from pipeline.registry.metadata_store import require_store
from pipeline.registry.registry import Registry, Run, RunArtifacts
from pipeline.registry.reports import copy_problem_of, report_of
from pipeline.runs.data_checks import read_data_checks
from pipeline.runs.progress import Progress
from pipeline.runs.run_id import new_run_id
from pipeline.runs.summary import TOP, RunSummary, decision_of
from pipeline.settings import Settings
from pipeline.state_directory import describe_state_dir, not_writable, open_state_dir

if TYPE_CHECKING:
    from components.model_gate.decision_file import Decision

TRAIN: Final = "train"
SCORE: Final = "score"
KINDS: Final = (TRAIN, SCORE)


@dataclass(frozen=True)
class RunFailed:
    """A run in which a branch failed.

    Attributes:
        error: Why.
        gate: What the gate said of the challenger, if it was asked.
        published: What the other branch published all the same, a sentence each.
        warnings: Why checks of the data gate warned, if it let the run pass.
        report: The evaluation report's file, if one was written.
        report_copy_problem: Why there is no copy of it where settings ask for one.
    """

    error: TensInsightError
    gate: "Decision | None"
    published: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    report: str | None = None
    report_copy_problem: str | None = None


def run_pipeline(kind: str, settings: Settings, progress: Progress) -> RunSummary | RunFailed:
    """Runs the training or the scoring pipeline against the configured database.

    Args:
        kind: train or score.
        settings: Of the run.
        progress: Where to show how far it is.

    Returns:
        What was published; or why nothing was, once nodes had begun to work.

    Raises:
        DatabaseUnreachable: At the very start.
        ContractBroken: At the very start.
        ConfigurationInvalid: Nothing can be written to state_dir.
    """
    database = preflight(settings)
    run_id = new_run_id()
    log_to_state_dir(settings, kind, run_id)
    with progress.step("Loading TFX"):
        import_tensorflow()
        from pipeline import local_runner, scoring, training

        module = training if kind == TRAIN else scoring
        definition = module.create_pipeline(settings)
    try:
        local_runner.run_locally(definition, settings, progress, run_id)
    except TensInsightError as error:
        registry = Registry(settings.metadata_path)
        made = registry.artifacts_of(registry.run_named(run_id))
        return RunFailed(
            error, decision_of(made), _published(made), _warnings(made), **_report(made)
        )
    with progress.step("Summary"):
        registry = Registry(settings.metadata_path)
        run = registry.run_named(run_id)
        assert run is not None
        return _summarise(registry, run, database, describe_state_dir(settings))


def log_to_state_dir(settings: Settings, kind: str, run_id: str) -> None:
    """Keeps what all libraries log in a file of the run.

    Raises:
        ConfigurationInvalid: Nothing can be written to state_dir.
    """
    try:
        log_to_file(settings.state_dir / "logs" / f"{kind}-{run_id}.log")
    except OSError as error:
        raise not_writable(settings.state_dir, error) from None


def preflight(settings: Settings, need_outputs: bool = True) -> str:
    """Fails in a second, rather than after minutes, where a database is not ready.

    Args:
        settings: Of the run.
        need_outputs: Whether it publishes.

    Returns:
        The database, as user@host:port/dbname.

    Raises:
        DatabaseUnreachable: One of the databases cannot be used.
        ContractBroken: A table, column, type or privilege is missing.
        ConfigurationInvalid: The state directory cannot be used.
    """
    open_state_dir(settings)
    require_store()
    with open_database(settings, "check") as connection:
        require_contract(connection, **settings.contract, need_outputs=need_outputs)
        return describe(connection)


def _published(made: RunArtifacts) -> tuple[str, ...]:
    """Says what a failed run published before or after it failed."""
    scores, areas = made.newest(PublishedScoresProperties), made.newest(PublishedAreasProperties)
    said = []
    if scores:
        said.append(f"Published {scores.properties.published_count} account scores.")
    if areas and areas.properties.published_at:
        said.append(f"Published {areas.properties.published_count} product areas.")
    return tuple(said)


def _warnings(made: RunArtifacts) -> tuple[str, ...]:
    """Says what the data gate warned of in a run that failed later."""
    found = read_data_checks(made)
    return tuple(found.warning_lines(found.file))


def _summarise(registry: Registry, run: Run, database: str, state: str) -> RunSummary:
    made = registry.artifacts_of(run)
    examples, scores = made.newest(ExamplesProperties), made.newest(PublishedScoresProperties)
    areas = made.newest(PublishedAreasProperties)
    assert examples is not None
    assert scores is not None
    assert areas is not None
    champion = next(
        model
        for model in registry.models()
        if model.properties.model_version == scores.properties.model_version
    )
    with closing(connect("tens-insight summary")) as connection:
        highest, first_areas = highest_risks(connection, TOP), top_areas(connection, TOP)
    return RunSummary(
        pipeline=run.pipeline,
        run_id=run.run_id,
        database=database,
        state_dir=state,
        data=examples.properties,
        published=scores.properties,
        highest=highest,
        areas=areas.properties,
        top_areas=first_areas,
        model_uri=saved_model_path(champion.uri),
        champion=champion.properties,
        gate=decision_of(made),
        pushed_to=_pushed(made),
        hyperparameters_from=_trained_with(made),
        data_gate=read_data_checks(made),
        **_report(made),
    )


def _report(made: RunArtifacts) -> dict[str, str | None]:
    return {"report": report_of(made), "report_copy_problem": copy_problem_of(made)}


def _trained_with(made: RunArtifacts) -> str | None:
    """Says where the hyperparameters of the model that a run trained come from."""
    if made.newest_uri(MODEL_RUN) is None:
        return None
    trained = made.newest(ModelProperties)
    return trained.properties.hyperparameters_from if trained else None


def _pushed(made: RunArtifacts) -> str | None:
    pushed = made.newest(PushedModelProperties)
    return pushed.properties.pushed_destination if pushed else None
