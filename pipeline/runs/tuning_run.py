"""Runs the tuning pipeline from start to summary."""

from dataclasses import asdict, dataclass
from typing import Any

from components.feedback_example_gen.cutoffs import TRAIN
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import HyperParametersProperties
from pipeline.loading import loading_tfx
from pipeline.registry.registry import Registry, Run, RunArtifacts
from pipeline.runs.attempt import Attempt, attempted
from pipeline.runs.data_checks import DataChecks, read_data_checks
from pipeline.runs.progress import Progress
from pipeline.runs.record import TUNE
from pipeline.runs.run import failed_node, preflight
from pipeline.settings import Settings
from pipeline.state_directory import describe_state_dir


@dataclass(frozen=True)
class TuningSummary:
    """A run that found hyperparameters.

    Attributes:
        run_id: The run's name.
        database: user@host:port/dbname.
        state_dir: Which state directory, and why that one.
        data: Properties of the Examples.
        tuner_run: The name by which a model says where its hyperparameters come from.
        values: What was found, by name; what was set explicitly is not among them.
        settings_values: The settings' own, by name.
        log_loss: Mean over the folds with the values.
        settings_log_loss: With the settings' own.
        trials: Sets of values that were measured.
        folds: How the training examples were divided.
        data_gate: What the data gate checked, and its warnings.
    """

    run_id: str
    database: str
    state_dir: str
    data: ExamplesProperties
    tuner_run: str
    values: dict[str, Any]
    settings_values: dict[str, Any]
    log_loss: float
    settings_log_loss: float
    trials: int
    folds: str
    data_gate: DataChecks

    def as_json(self) -> dict[str, Any]:
        """Returns plain values, with `outcome` first."""
        return {"outcome": "tuned", **asdict(self), "data": self.data.as_json()}


def run_tuning(settings: Settings, progress: Progress, *, adopt: bool = False) -> TuningSummary:
    """Runs the tuning pipeline against the configured database.

    Args:
        settings: Of the run.
        progress: Where to show how far it is.
        adopt: Whether models and runs of another database pass to this one first.

    Raises:
        StateDirectoryBusy: Another run is at work on the state directory.
        DatabaseUnreachable: At the very start, or lost on the way.
        ContractBroken: An input table, column, type or privilege is missing.
        ConfigurationInvalid: Nothing can be written to state_dir, or nothing is to be tuned.
        OtherDatabase: The models and runs there belong to another database.
        DataGateStopped: Too little to learn from.
    """
    with attempted(TUNE, settings, on_wait=progress.tell) as attempt:
        return _run(settings, progress, attempt, adopt=adopt)


def _run(settings: Settings, progress: Progress, attempt: Attempt, *, adopt: bool) -> TuningSummary:
    database = preflight(settings, [TRAIN], progress, need_outputs=False, adopt=adopt)
    attempt.reached(database.name)
    with progress.step("Loading TFX"), loading_tfx():
        from pipeline import local_runner, tuning

        definition = tuning.create_pipeline(settings)
    try:
        local_runner.run_locally(definition, settings, progress, attempt.run_id, database=database)
    finally:
        attempt.note(failed_node=failed_node(settings, tuning.PIPELINE_NAME, attempt.run_id))
    registry = Registry(settings.metadata_path)
    run = registry.run_named(attempt.run_id)
    assert run is not None
    made = registry.artifacts_of(run)
    summary = _summarise(run, made, database.name, describe_state_dir(settings))
    attempt.complete(
        sentence=f"Measured {summary.trials} sets of hyperparameters: log-loss "
        f"{summary.log_loss:.4f} at best, {summary.settings_log_loss:.4f} with the settings.",
        warnings=tuple(summary.data_gate.warnings),
    )
    return summary


def _summarise(run: Run, made: RunArtifacts, database: str, state: str) -> TuningSummary:
    examples, found = made.newest(ExamplesProperties), made.newest(HyperParametersProperties)
    assert examples is not None
    assert found is not None
    best = found.properties
    return TuningSummary(
        run_id=run.run_id,
        database=database,
        state_dir=state,
        data=examples.properties,
        tuner_run=best.tuner_run,
        values=best.values,
        settings_values=best.settings_values,
        log_loss=best.log_loss,
        settings_log_loss=best.settings_log_loss,
        trials=best.trials,
        folds=best.folds,
        data_gate=read_data_checks(made),
    )
