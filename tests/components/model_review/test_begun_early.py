"""What draws pictures is started before the report is made."""

import pytest
from tfx.types import standard_artifacts

from components import ahead
from components.model_review.begun_early import begun_early
from components.model_trainer.trained_run import TrainedRun


def test_drawing_is_started_once_the_model_is_trained() -> None:
    assert list(begun_early("what another node made")) == []
    with ahead.followed_by([begun_early]):
        ahead.begin(TrainedRun(standard_artifacts.Examples(), "/transform/graph"))
        drawn = ahead.taken("pictures", lambda: pytest.fail("not begun"))
    assert drawn.startswith("<svg")
