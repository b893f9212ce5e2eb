"""`run auto`: one call of a schedule, from the first look to the run."""

from datetime import datetime
from typing import Any, Final

from components.errors import TensInsightError
from pipeline.commands.run import run_and_report
from pipeline.exit_codes import (
    CONFIGURATION_INVALID,
    CONTRACT_BROKEN,
    DATABASE_UNREACHABLE,
    NOTHING_TO_PUBLISH,
    STATE_DIRECTORY_BUSY,
    exit_code,
)
from pipeline.policy.act import alone, decided, perform
from pipeline.policy.cleaning import clean
from pipeline.policy.decide import SCORE, Act, Decision
from pipeline.policy.facts import TRAIN
from pipeline.runs.attempt import load_run_settings
from pipeline.settings import Settings
from pipeline.text.policy import decision_lines
from pipeline.text.terminal import say

_SAME_FOR_A_SCORE: Final = (
    DATABASE_UNREACHABLE,
    CONFIGURATION_INVALID,
    CONTRACT_BROKEN,
    NOTHING_TO_PUBLISH,
    STATE_DIRECTORY_BUSY,
)
"""Exit codes of a training after which a score would end in the same way."""


def run_auto(as_of: datetime | None, as_json: bool, **options: Any) -> int:
    """Does what the policy says now; returns the exit code of the run.

    Args:
        as_of: The run's now.
        as_json: Whether the summary of the run is printed as JSON too.
        **options: Further settings that options give.

    Raises:
        StateDirectoryBusy: Another `run auto`, or another run, is at work.
        Exception: What the run ended with.
    """
    settings = load_run_settings(SCORE, as_of=as_of, **options)
    with alone(settings, say):
        decision = decided(settings)
        for line in decision_lines(decision, "The policy:"):
            say(line, err=True)
        for sentence in perform(decision, settings):
            say(sentence, err=True)
        _clean_up(settings, decision)
        return _run(decision.run, as_of, as_json, **options)


def _clean_up(settings: Settings, decision: Decision) -> None:
    """Removes what old runs left; a run is not held up by what keeps it from that."""
    if not decision.rules:  # nothing could be seen: then nothing goes
        return
    try:
        found = clean(settings, say)
    except TensInsightError as error:
        say(f"Warning: nothing was cleaned up: {error}", err=True)
        return
    if found.removals:
        say(f"Removed what old runs left: {found.size / 1_000_000:.1f} MB.", err=True)


def _run(act: Act, as_of: datetime | None, as_json: bool, **options: Any) -> int:
    try:
        return run_and_report(act.kind, as_of, as_json, **options)
    except Exception as error:
        if act.kind != TRAIN or exit_code(error) in _SAME_FOR_A_SCORE or _published(error):
            raise
        say(f"Training failed, so the champion scores without it: {error}", err=True)
        _score_all_the_same(as_of, as_json, **options)
        raise


def _score_all_the_same(as_of: datetime | None, as_json: bool, **options: Any) -> None:
    """Scores after a training that failed: the call ends with what the training ended with."""
    try:
        run_and_report(SCORE, as_of, as_json, **options)
    except TensInsightError as error:
        say(f"Scoring failed too: {error}", err=True)


def _published(error: Exception) -> bool:
    """Tells whether a run published account scores before it failed."""
    facts = error.facts if isinstance(error, TensInsightError) else {}
    return any("account scores" in sentence for sentence in facts.get("published", ()))
