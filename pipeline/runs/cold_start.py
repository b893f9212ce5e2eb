"""Whether a training run scores by the cold-start rule, since nothing can be learnt yet."""

from components.errors import DataGateStopped, TensInsightError
from components.feedback_example_gen import cutoffs
from pipeline.checks.checked_database import CheckedDatabase
from pipeline.checks.finding import Finding, Stops
from pipeline.checks.sequence import run_checks
from pipeline.database import open_database
from pipeline.registry.registry import Registry
from pipeline.settings import Settings


def rule_would_score(settings: Settings) -> bool:
    """Tells whether the settings ask for the rule, and no model is blessed that would score.

    Raises:
        StateUnusable: ML Metadata is damaged, or gone.
    """
    if not settings.scoring.scores_by_rule:
        return False
    return Registry(settings.metadata_path).champion() is None


def why_not_learnt(settings: Settings) -> tuple[str, ...]:
    """Says what keeps a training run from learning, a sentence each; nothing where it may try.

    It asks what `db check` asks for a training run. Only the data gate counts: where a table or a
    right is missing, the rule could not score either.

    Args:
        settings: Of the run.

    Raises:
        DatabaseUnreachable: The database cannot be used.
    """
    with open_database(settings, "check") as connection:
        checked = CheckedDatabase(connection, settings, cutoffs.SPLITS, need_outputs=True)
        findings = run_checks(checked)
    return tuple(str(one.error) for one in findings if _keeps_from_learning(one))


def _keeps_from_learning(found: Finding) -> bool:
    stops = found.stops in (Stops.RUN, Stops.SCORES)
    return stops and not found.sampled and isinstance(found.error, DataGateStopped)


def rule_may_follow(kind: str, error: TensInsightError, settings: Settings) -> bool:
    """Tells whether the rule scores after a training run that the data gate stopped.

    Args:
        kind: Of the run that failed.
        error: Why it failed.
        settings: Of the run.
    """
    stopped = kind == "train" and isinstance(error, DataGateStopped)
    return stopped and rule_would_score(settings)
