"""Runs a pipeline from start to summary: preflight, nodes, what came of it."""

import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from components.errors import NothingToPublish, TensInsightError
from components.feedback_example_gen import cutoffs
from components.feedback_example_gen.early_plan import planned_early
from components.feedback_example_gen.request import ReadRequest
from components.postgres.connection import connect, describe
from components.postgres.identity import DatabaseIdentity, read_identity
from components.postgres.retry import retried
from components.publishing.published import (
    AccountRisk,
    PublishedArea,
    highest_risks,
    top_areas,
)
from components.registry.artifact_names import MODEL_RUN, PUBLISHED_SCORES, saved_model_path
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import ModelProperties, PushedModelProperties
from components.registry.monitoring_properties import MonitoringProperties
from components.registry.published_properties import (
    PublishedAreasProperties,
    PublishedScoresProperties,
    RecordedOutcomesProperties,
)
from pipeline.checks.checked_database import CheckedDatabase
from pipeline.checks.finding import raise_what_stops, warning_of
from pipeline.checks.sequence import run_checks
from pipeline.checks.state import champion_findings, state_findings
from pipeline.database import open_database
from pipeline.exit_codes import CHALLENGER_REFUSED, PUBLISHED
from pipeline.loading import loading_tfx
from pipeline.registry.listing import decision_file
from pipeline.registry.metadata_store import require_store
from pipeline.registry.next_step import acceptance_of, next_step
from pipeline.registry.registry import Registry, Run, RunArtifacts
from pipeline.registry.reports import copy_problem_of, report_of
from pipeline.registry.state_claim import adopt_state
from pipeline.runs.attempt import Attempt, attempted
from pipeline.runs.cold_start import rule_would_score, why_not_learnt
from pipeline.runs.data_checks import read_data_checks
from pipeline.runs.early_model import champion_early
from pipeline.runs.progress import Progress
from pipeline.runs.record import SCORE, TRAIN
from pipeline.runs.summary import TOP, RunSummary, blessing_of, decision_of
from pipeline.settings import Settings
from pipeline.state_directory import describe_state_dir
from transforms.cold_start_rule import is_rule

if TYPE_CHECKING:
    from components.model_gate.band_worth import BandsWorth
    from components.model_gate.decision_file import Decision

SPLITS_OF: Final = {TRAIN: cutoffs.SPLITS, SCORE: (cutoffs.SCORE,)}
"""What each kind of run reads."""


_log = logging.getLogger(__name__)


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


def run_pipeline(
    kind: str, settings: Settings, progress: Progress, *, adopt: bool = False
) -> RunSummary | RunFailed:
    """Runs the training or the scoring pipeline against the configured database.

    Args:
        kind: train or score.
        settings: Of the run.
        progress: Where to show how far it is.
        adopt: Whether models and runs of another database pass to this one first.

    Returns:
        What was published; or why nothing was, once nodes had begun to work.

    Raises:
        StateDirectoryBusy: Another run is at work on the state directory.
        DatabaseUnreachable: At the very start.
        ContractBroken: At the very start.
        DataGateStopped: At the very start, where nothing can be made of the data.
        ConfigurationInvalid: Nothing can be written to state_dir.
        OtherDatabase: The models and runs in it belong to another database.
    """
    with attempted(kind, settings, on_wait=progress.tell) as attempt:
        result = _run(kind, settings, progress, attempt, adopt=adopt)
    if isinstance(result, RunSummary):
        return replace(result, untold=attempt.untold)
    return result


def _run(
    kind: str, settings: Settings, progress: Progress, attempt: Attempt, *, adopt: bool
) -> RunSummary | RunFailed:
    not_learnt: tuple[str, ...] = ()
    if kind == TRAIN and rule_would_score(settings):
        not_learnt = why_not_learnt(settings)
        for sentence in not_learnt:
            progress.tell(f"Nothing can be learnt yet, so the rule scores: {sentence}")
    if not_learnt:
        kind = SCORE
    database = preflight(settings, SPLITS_OF[kind], progress, adopt=adopt)
    attempt.reached(database.name)
    with planned_early(ReadRequest(settings.run.as_of, SPLITS_OF[kind], settings.reading)):
        return _run_nodes(kind, settings, progress, attempt, database, not_learnt)


def _run_nodes(
    kind: str,
    settings: Settings,
    progress: Progress,
    attempt: Attempt,
    database: DatabaseIdentity,
    not_learnt: tuple[str, ...],
) -> RunSummary | RunFailed:
    """Loads TFX, runs the pipeline, and sums up what came of it."""
    with progress.step("Loading TFX"), loading_tfx():
        from pipeline import local_runner, scoring, training

        module = training if kind == TRAIN else scoring
        definition = module.create_pipeline(settings)
    early = [champion_early(settings)] if kind == SCORE else []
    try:
        local_runner.run_locally(
            definition, settings, progress, attempt.run_id, database=database, early=early
        )
    except TensInsightError as error:
        registry = Registry(settings.metadata_path)
        made = registry.artifacts_of(registry.run_named(attempt.run_id))
        if isinstance(error, NothingToPublish) and registry.champion() is None:
            error = NothingToPublish(f"{error} {next_step(registry)}")
        failed = RunFailed(
            error, decision_of(made), _published(made), _warnings(made), **_report(made)
        )
        _note_failed(attempt, failed, made)
        return failed
    finally:
        node = failed_node(settings, module.PIPELINE_NAME, attempt.run_id)
        attempt.note(failed_node=node)
    with progress.step("Summary"):
        registry = Registry(settings.metadata_path)
        run = registry.run_named(attempt.run_id)
        assert run is not None
        made = registry.artifacts_of(run)
        summary = _summarise(registry, run, made, database.name, settings, not_learnt)
        _note_complete(attempt, summary, made)
        attempt.result = summary
        return summary


def _note_failed(attempt: Attempt, failed: RunFailed, made: RunArtifacts) -> None:
    attempt.failed(
        failed.error,
        published=failed.published,
        warnings=_all_warnings(made, failed.report_copy_problem),
        report=failed.report or "",
    )
    if failed.gate is not None and not failed.gate.blessed:
        attempt.note(sentence=f"{failed.error} {failed.gate.summary}")


def _note_complete(attempt: Attempt, summary: RunSummary, made: RunArtifacts) -> None:
    published = _published(made)
    gate = summary.gate
    refused = "" if gate is None or gate.blessed else f" The challenger was refused: {gate.summary}"
    nothing = f" By {summary.by_rule}" if summary.by_rule else ""
    untrained = "".join(f" No model was trained: {one}" for one in summary.not_learnt)
    attempt.complete(
        summary.exit_code,
        sentence=" ".join(published) + nothing + refused + untrained,
        model_version=summary.published.model_version,
        published=published,
        warnings=_all_warnings(made, summary.report_copy_problem),
        report=summary.report or "",
    )


def failed_node(settings: Settings, pipeline: str, run_id: str) -> str:
    """Returns the first node that failed, by what the runner wrote down; empty if none did."""
    from components.registry.node_costs import FAILED, read_costs

    costs = read_costs(f"{settings.pipeline_root}/{pipeline}", run_id)
    return next((cost.name for cost in costs if cost.outcome == FAILED), "")


def preflight(
    settings: Settings,
    splits: Sequence[str],
    progress: Progress,
    *,
    need_outputs: bool = True,
    adopt: bool = False,
) -> DatabaseIdentity:
    """Fails in a second, rather than after minutes, where a database is not ready.

    It asks what `db check` asks. What would keep back the account scores alone, or the product
    areas alone, is a warning: the run publishes the other one. What there was no time to decide
    is none: the run decides it.

    Args:
        settings: Of the run.
        splits: Those that it reads.
        progress: Is told the warnings, and what was adopted.
        need_outputs: Whether it publishes.
        adopt: Whether models and runs of another database pass to this one first.

    Returns:
        The database.

    Raises:
        DatabaseUnreachable: One of the databases cannot be used.
        ContractBroken: A table, column, type or privilege is missing.
        DataGateStopped: Nothing could be made of the data.
        ConfigurationInvalid: The state directory cannot be used.
        OtherDatabase: The models and runs in it belong to another database.
    """
    require_store()
    with progress.step("Checking the database"), open_database(settings, "check") as connection:
        checked = CheckedDatabase(connection, settings, splits, need_outputs=need_outputs)
        findings = run_checks(checked)
        if adopt:
            findings += champion_findings(settings) if need_outputs else []
        else:
            told = state_findings(settings, connection, findings, need_champion=need_outputs)
            findings = [*told, *findings]
        raise_what_stops(findings, describe(connection), need_outputs=need_outputs)
        database = read_identity(connection)
    for finding in findings:
        if finding.undecided:
            continue
        progress.tell(warning_of(finding))
        _log.warning("%s", finding.said)  # kept with the record of the run
    if adopt:
        progress.tell(adopt_state(settings, database))
    return database


def _published(made: RunArtifacts) -> tuple[str, ...]:
    """Says what a failed run published before or after it failed."""
    scores, areas = made.newest(PublishedScoresProperties), made.newest(PublishedAreasProperties)
    said = []
    if scores:
        said.append(f"Published {scores.properties.published_count} account scores.")
    if areas and areas.properties.published_at:
        said.append(f"Published {areas.properties.published_count} product areas.")
    return tuple(said)


def _all_warnings(made: RunArtifacts, copy_problem: str | None) -> tuple[str, ...]:
    """Returns what is kept with the record of the run."""
    outcomes = made.newest(RecordedOutcomesProperties)
    withheld = outcomes.properties.withheld if outcomes else None
    scores = made.newest(PublishedScoresProperties)
    bands = scores.properties.bands_warning if scores else None
    told = [one for one in (copy_problem, withheld, bands) if one]
    return (*read_data_checks(made).warnings, *told)


def _warnings(made: RunArtifacts) -> tuple[str, ...]:
    """Says what the data gate warned of in a run that failed later."""
    found = read_data_checks(made)
    return tuple(found.warning_lines(found.file))


def _summarise(
    registry: Registry,
    run: Run,
    made: RunArtifacts,
    database: str,
    settings: Settings,
    not_learnt: tuple[str, ...],
) -> RunSummary:
    examples, scores = made.newest(ExamplesProperties), made.newest(PublishedScoresProperties)
    areas = made.newest(PublishedAreasProperties)
    assert examples is not None
    assert scores is not None
    assert areas is not None
    champion, model_uri = _scored_with(registry, scores.properties.model_version, made)
    outcomes = made.newest(RecordedOutcomesProperties)
    gate = decision_of(made)
    shown = read_shown(settings.reading.database_patience_seconds)
    return RunSummary(
        pipeline=run.pipeline,
        run_id=run.run_id,
        database=database,
        state_dir=describe_state_dir(settings),
        data=examples.properties,
        published=scores.properties,
        highest=shown.highest,
        areas=areas.properties,
        top_areas=shown.areas,
        not_shown=shown.problem,
        outcomes=outcomes.properties if outcomes else None,
        judged=blessing_of(made, scores.properties.model_version),
        model_uri=model_uri,
        champion=champion,
        gate=gate,
        exit_code=code_of(gate, strict=settings.run.strict, not_learnt=bool(not_learnt)),
        not_learnt=not_learnt,
        pushed_to=_pushed(made),
        hyperparameters_from=_trained_with(made),
        data_gate=read_data_checks(made),
        monitoring=_monitoring(made),
        report=report_of(made),
        report_copy_problem=copy_problem_of(made),
        bands_worth=_bands_worth(
            registry, scores.properties.model_version, scores.properties.risk_bands
        ),
        accepted=acceptance_of(registry, champion.model_version),
    )


def _bands_worth(registry: Registry, version: str, described: str) -> "BandsWorth | None":
    """Returns what the gate found of the rule that was applied, when it judged the champion."""
    judged_models = {one.version: one.model_id for one in registry.judged()}
    blessing = registry.blessings().get(judged_models.get(version, -1))
    decision = decision_file(blessing) if blessing is not None else None
    judged = decision.bands if decision is not None else ()
    return next((one for one in judged if one.described == described), None)


def _scored_with(
    registry: Registry, version: str, made: RunArtifacts
) -> tuple[ModelProperties, str]:
    """Returns what the champion, or the rule, says of itself, and the folder of its SavedModel."""
    if is_rule(version):
        from components.registry.rule_files import rule_folder, rule_properties

        scores_uri = made.newest_uri(PUBLISHED_SCORES)
        assert scores_uri is not None
        return rule_properties(scores_uri), rule_folder(scores_uri)
    found = next(one for one in registry.models() if one.properties.model_version == version)
    return found.properties, saved_model_path(found.uri)


@dataclass(frozen=True)
class Shown:
    """The first rows of what was published.

    Attributes:
        highest: The accounts most at risk.
        areas: The product areas of the highest priority.
        problem: Why they were not read; empty where they were.
    """

    highest: list[AccountRisk] = field(default_factory=list)
    areas: list[PublishedArea] = field(default_factory=list)
    problem: str = ""


def read_shown(patience_s: float) -> Shown:
    """Reads the first rows of what was published.

    All is published by now: no restart of the server, lock or revoked right may make the run a
    failed one, so it is a warning.

    Args:
        patience_s: Seconds for which a server that does not answer is waited for.
    """

    def read() -> Shown:
        with closing(connect("tens-insight summary")) as connection:
            return Shown(highest_risks(connection, TOP), top_areas(connection, TOP))

    try:
        return retried(read, patience_s=patience_s)
    except TensInsightError as error:
        problem = f"All is published, but it could not be read again to be shown here: {error}"
        _log.warning("%s", problem)  # kept with the record of the run
        return Shown(problem=problem)


def code_of(gate: "Decision | None", *, strict: bool, not_learnt: bool = False) -> int:
    """Returns the exit code of a run that published.

    Args:
        gate: The decision on the challenger; None in a scoring run.
        strict: Whether a challenger that was refused makes the run a failed one.
        not_learnt: Whether the run was to train, and there was too little to learn from.
    """
    refused = not_learnt or (gate is not None and not gate.blessed)
    return CHALLENGER_REFUSED if refused and strict else PUBLISHED


def _report(made: RunArtifacts) -> dict[str, str | None]:
    return {"report": report_of(made), "report_copy_problem": copy_problem_of(made)}


def _monitoring(made: RunArtifacts) -> MonitoringProperties | None:
    found = made.newest(MonitoringProperties)
    return found.properties if found else None


def _trained_with(made: RunArtifacts) -> str | None:
    """Says where the hyperparameters of the model that a run trained come from."""
    if made.newest_uri(MODEL_RUN) is None:
        return None
    trained = made.newest(ModelProperties)
    return trained.properties.hyperparameters_from if trained else None


def _pushed(made: RunArtifacts) -> str | None:
    pushed = made.newest(PushedModelProperties)
    return pushed.properties.pushed_destination if pushed else None
