"""From what a run found out about the ground truth to the artifact that says what was recorded."""

import json
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from components.config import as_parameter
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.feedback_example_gen.ground_truth import read_ground_truth
from components.outcome_recorder.config import OutcomeRecorderConfig
from components.outcome_recorder.executor import FILE, READING, Executor
from components.outcome_recorder.windows import truth_of
from components.postgres.connection import connect
from components.registry.artifacts import PublishedScores, RecordedOutcomes
from components.registry.input_properties import CHURN
from components.registry.published_properties import RecordedOutcomesProperties
from tests.components.exec_properties import exec_properties
from tests.components.outcome_recorder.published import outcomes, put_publication
from tests.components.sample_properties import examples_properties, scores_properties

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
SETTINGS = FeedbackExampleGenConfig(lookback_days=30, horizon_days=10)


def ago(days: float) -> datetime:
    return AS_OF - timedelta(days=days)


def found_out(first: datetime) -> Any:
    """Properties of the Examples, with what the real reader says of the ground truth."""
    with closing(connect("tens-insight test")) as connection:
        truth = read_ground_truth(
            connection, SETTINGS, first, AS_OF, has_churn=True, names_accounts=False
        )
    assert truth.churn is not None
    data = examples_properties(as_of=AS_OF.isoformat())
    recorded = type(data).from_plain({**data.as_plain(), **_with_churn(data, truth.churn)})
    assert truth_of(recorded).known == truth.known
    return recorded


def _with_churn(data: Any, churn: Any) -> dict[str, Any]:
    from dataclasses import replace

    plain: dict[str, Any] = replace(data, truth={CHURN: churn}).as_plain()
    return plain


def run(data: Any, publication: int, folder: Path) -> RecordedOutcomesProperties:
    from tfx.types import standard_artifacts

    examples, scores = standard_artifacts.Examples(), PublishedScores()
    data.write(examples)
    scores_properties(publication_id=publication).write(scores)
    recorded = RecordedOutcomes()
    recorded.uri = str(folder / "outcomes")
    properties = exec_properties(OutcomeRecorderConfig(), **{READING: as_parameter(SETTINGS)})
    Executor().Do(
        {"examples": [examples], "scores": [scores]}, {"outcomes": [recorded]}, properties
    )
    return RecordedOutcomesProperties.read(recorded)


def test_what_was_recorded_is_told(feedback: Any, tmp_path: Path) -> None:
    names = [f"ACC-{number:03d}" for number in range(60)]
    feedback.add({"account_id": one, "created_at": ago(120)} for one in names)
    # One leaves each second day, up to yesterday.
    feedback.churn((one, ago(119 - 2 * place)) for place, one in enumerate(names))
    first = put_publication(feedback, ago(15), names[-20:])
    second = put_publication(feedback, ago(5), names[-20:])
    said = run(found_out(ago(120)), second, tmp_path)
    assert (said.measured, said.accounts, said.left, said.unknown) == (1, 20, 5, 0)
    assert (said.open, said.waiting) == (1, 0)
    assert said.next_closes_at == (AS_OF + timedelta(days=5)).isoformat()
    content = json.loads((tmp_path / "outcomes" / FILE).read_text())
    assert [one["publication_id"] for one in content["measured"]] == [first]


def test_an_export_that_stopped_is_waited_for(feedback: Any, tmp_path: Path) -> None:
    names = [f"ACC-{number:03d}" for number in range(60)]
    feedback.add({"account_id": one, "created_at": ago(150)} for one in names)
    feedback.churn((one, ago(149 - 2 * place)) for place, one in enumerate(names))
    number = put_publication(feedback, ago(15), names[-20:])
    said = run(found_out(ago(150)), number, tmp_path)  # the newest date is 31 days old
    assert (said.measured, said.waiting) == (0, 1)
    assert outcomes(feedback) == {}
