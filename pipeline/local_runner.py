"""Runs pipelines on this machine: entry file for `tfx pipeline create --engine=local`.

The tfx CLI executes this file as a script, without arguments; it then runs the
training pipeline. local_scoring_runner.py is its sibling for the daily run.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from tfx.orchestration.pipeline import Pipeline

from components.ahead import Follower, followed_by
from components.model_gate import begun_early as gate
from components.model_review import begun_early as review
from components.monitor import begun_early as monitor
from components.outcome_recorder import early_estimates as outcomes
from components.postgres.identity import DatabaseIdentity, read_identity
from components.state_files import private_files
from pipeline import training
from pipeline.database import open_database
from pipeline.logs import silence_libraries
from pipeline.registry.metadata_store import connect_store, connection_config
from pipeline.registry.state_claim import claim_state
from pipeline.runs.attempt import attempted, load_run_settings
from pipeline.runs.branch_runner import BranchRunner
from pipeline.runs.progress import Progress
from pipeline.runs.record import TRAIN
from pipeline.settings import Settings
from pipeline.state_directory import open_state_dir
from pipeline.text.terminal import say

_BEGUN_EARLY: Final[Mapping[str, Follower]] = {
    "ModelGate": gate.begun_early,
    "ModelReview": review.begun_early,
    "Monitor": monitor.begun_early,
    "OutcomeRecorder": outcomes.begun_early,
}
"""Which nodes have work that is begun before their turn."""


def run_locally(
    definition: Pipeline,
    settings: Settings,
    progress: Progress | None = None,
    run_id: str | None = None,
    *,
    database: DatabaseIdentity | None,
    early: Sequence[Follower] = (),
) -> None:
    """Runs a pipeline to its end, node by node, in this process.

    Args:
        definition: What create_pipeline returned.
        settings: Says where ML Metadata lies.
        progress: Is told which node works; None where nobody looks.
        run_id: The run's name; None makes one.
        database: That the pipeline reads and publishes to; None for one that knows none.
        early: What can be begun before the turn of a node, beside what is known of the nodes.

    Raises:
        ConfigurationInvalid: The artifacts in state_dir are another store's, or it cannot be used.
        OtherDatabase: The store belongs to another database.
        DatabaseUnreachable: ML Metadata's database cannot be used.
        StateUnusable: Its sqlite file is damaged, or what an earlier run kept is gone.
        TensInsightError: Whatever a node ended with, once all that does not depend on it ran.
    """
    open_state_dir(settings)
    config = connection_config(settings.metadata_path)
    claim_state(connect_store(settings.metadata_path, config), settings, database)
    definition.metadata_connection_config = config
    with followed_by([*early, *followers(definition)]):
        BranchRunner(progress, run_id).run(definition)


def followers(definition: Pipeline) -> list[Follower]:
    """Returns what a pipeline's nodes have to be begun before their turn."""
    return [_BEGUN_EARLY[one.id] for one in definition.components if one.id in _BEGUN_EARLY]


def run_from_environment(kind: str, create_pipeline: Callable[[Settings], Pipeline]) -> None:
    """Runs a pipeline with the settings and the database of the environment.

    Args:
        kind: train or score, for the record of the run.
        create_pipeline: Returns it.

    Raises:
        StateDirectoryBusy: Another run is at work on the state directory.
    """
    silence_libraries()
    settings = load_run_settings(kind)
    # The tfx CLI shows what libraries log; a file of ours would take it from there.
    with (
        private_files(),
        attempted(kind, settings, on_wait=say, with_log=False) as attempt,
    ):
        with open_database(settings, "identity") as connection:
            database = read_identity(connection)
        attempt.reached(database.name)
        run_locally(create_pipeline(settings), settings, run_id=attempt.run_id, database=database)
        attempt.complete()


if __name__ == "__main__":
    run_from_environment(TRAIN, training.create_pipeline)
