"""Runs a pipeline from start to summary: preflight, nodes, what came of it."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from components.errors import TensInsightError
from components.postgres.connection import connect, describe
from components.postgres.contract import require_contract
from components.publishing.published_areas import top_areas
from components.publishing.published_scores import highest_risks
from pipeline.database import open_database
from pipeline.logs import import_tensorflow, log_to_file
from pipeline.registry.metadata_store import require_store
from pipeline.registry.registry import Artifact, Registry, Run
from pipeline.registry.reports import copy_problem_of, report_of
from pipeline.runs.data_checks import read_data_checks
from pipeline.runs.progress import Progress
from pipeline.runs.summary import TOP, RunSummary, decision_of, newest, newest_run
from pipeline.settings import ConfigurationInvalid, Settings

if TYPE_CHECKING:
    from pipeline.runs.gate_decision import GateDecision

TRAIN: Final = "train"
SCORE: Final = "score"
KINDS: Final = (TRAIN, SCORE)
_SCORES_TYPE: Final = "TensInsightPublishedScores"
_AREAS_TYPE: Final = "TensInsightPublishedAreas"
_DECISION_TYPE: Final = "TensInsightDataGateDecision"


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
    gate: "GateDecision | None"
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
    started = datetime.now(timezone.utc)
    log_to_state_dir(settings, kind, started)
    with progress.step("Loading TFX"):
        import_tensorflow()
        from pipeline import local_runner, scoring, training

        module = training if kind == TRAIN else scoring
        definition = module.create_pipeline(settings)
    # ML Metadata keeps milliseconds; the run must not seem older than its own start.
    since = started.replace(microsecond=0)
    try:
        local_runner.run_locally(definition, settings, progress)
    except TensInsightError as error:
        registry = Registry(settings.metadata_path)
        run = newest_run(registry, module.PIPELINE_NAME, since)
        return RunFailed(
            error,
            _gate(registry, run),
            _published(registry, run),
            _warnings(registry, run),
            **_report(registry.artifacts_of(run) if run else []),
        )
    with progress.step("Summary"):
        registry = Registry(settings.metadata_path)
        run = newest_run(registry, module.PIPELINE_NAME, since)
        assert run is not None
        return _summarise(registry, run, database)


def log_to_state_dir(settings: Settings, kind: str, started: datetime) -> None:
    """Keeps what all libraries log in a file of the run.

    Raises:
        ConfigurationInvalid: Nothing can be written to state_dir.
    """
    try:
        log_to_file(settings.state_dir / "logs" / f"{kind}-{started:%Y%m%dT%H%M%S}.log")
    except OSError as error:
        raise ConfigurationInvalid(
            f"Setting state_dir is {settings.state_dir}, where nothing can be written: "
            f"{error.strerror}. Set TENS_INSIGHT_STATE_DIR to a folder of your own."
        ) from None


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
    """
    require_store()
    with open_database(settings, "check") as connection:
        require_contract(
            connection,
            churn_table=settings.churn_table,
            churn_account_column=settings.churn_account_column,
            churn_date_column=settings.churn_date_column,
            need_churn_table=settings.label_source == "account_churn",
            need_outputs=need_outputs,
        )
        return describe(connection)


def _gate(registry: Registry, run: Run | None) -> "GateDecision | None":
    return decision_of(registry.artifacts_of(run)) if run else None


def _published(registry: Registry, run: Run | None) -> tuple[str, ...]:
    """Says what a failed run published before or after it failed."""
    artifacts = registry.artifacts_of(run) if run else []
    found = {
        "account scores": newest(artifacts, _SCORES_TYPE),
        "product areas": newest(artifacts, _AREAS_TYPE),
    }
    return tuple(
        f"Published {artifact.facts['published_count']} {what}."
        for what, artifact in found.items()
        if artifact is not None and "published_at" in artifact.facts
    )


def _warnings(registry: Registry, run: Run | None) -> tuple[str, ...]:
    """Says what the data gate warned of in a run that failed later."""
    artifacts = registry.artifacts_of(run) if run else []
    found = read_data_checks(newest(artifacts, _DECISION_TYPE))
    return tuple(found.warning_lines(found.file))


def _summarise(registry: Registry, run: Run, database: str) -> RunSummary:
    artifacts = registry.artifacts_of(run)
    examples, scores = newest(artifacts, "Examples"), newest(artifacts, _SCORES_TYPE)
    areas = newest(artifacts, _AREAS_TYPE)
    assert examples is not None
    assert scores is not None
    assert areas is not None
    champion = next(
        model
        for model in registry.models()
        if model.facts.get("model_version") == scores.facts["model_version"]
    )
    with closing(connect("tens-insight summary")) as connection:
        highest, first_areas = highest_risks(connection, TOP), top_areas(connection, TOP)
    return RunSummary(
        pipeline=run.pipeline,
        run_id=run.run_id,
        database=database,
        data=examples.facts,
        published=scores.facts,
        highest=highest,
        areas=areas.facts,
        top_areas=first_areas,
        model_uri=f"{champion.uri}/Format-Serving",
        champion=champion.facts,
        gate=decision_of(artifacts),
        pushed_to=_pushed(artifacts),
        hyperparameters_from=_trained_with(artifacts),
        data_gate=read_data_checks(newest(artifacts, _DECISION_TYPE)),
        **_report(artifacts),
    )


def _report(artifacts: list[Artifact]) -> dict[str, str | None]:
    return {"report": report_of(artifacts), "report_copy_problem": copy_problem_of(artifacts)}


def _trained_with(artifacts: list[Artifact]) -> str | None:
    """Says where the hyperparameters of the model that a run trained come from."""
    if newest(artifacts, "ModelRun") is None:
        return None
    trained = newest(artifacts, "Model")
    return trained.facts.get("hyperparameters_from") if trained else None


def _pushed(artifacts: list[Artifact]) -> str | None:
    pushed = newest(artifacts, "PushedModel")
    return pushed.facts.get("pushed_destination") if pushed else None
